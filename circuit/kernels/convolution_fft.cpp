#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

#include "circuit/kernels/convolution_plan.hpp"

namespace striate {
namespace {

constexpr std::size_t most_images = 16;  // of a batch, whose spectra are held at once

/// The tables behind a LineTransform.
template <class T>
struct Line {
  TransformLayout layout;
  std::vector<std::size_t> radices;
  std::vector<T> twiddles;

  Line(const ConvolutionAxis& axis, bool even) : layout(axis, even), radices(transform_radices(layout.size)) {
    std::size_t rest = layout.size;
    for (const std::size_t radix : radices) {
      const std::size_t m = rest / radix;
      for (std::size_t p = 0; p < m; ++p) {
        for (std::size_t j = 1; j < radix; ++j) {
          const long double angle = 2 * std::numbers::pi_v<long double> * static_cast<long double>(p * j % rest) /
                                    static_cast<long double>(rest);
          twiddles.push_back(static_cast<T>(std::cos(angle)));
          twiddles.push_back(static_cast<T>(-std::sin(angle)));
        }
      }
      rest = m;
    }
  }
  LineTransform<T> of(const std::vector<std::size_t>& position, bool repeats) const {
    return {layout.size,
            position.size(),
            position.data(),
            repeats ? layout.repeat_to.size() : 0,
            layout.repeat_to.data(),
            layout.repeat_from.data(),
            radices.size(),
            radices.data(),
            twiddles.data()};
  }
};

template <class T>
struct FftPlan final : ConvolutionPlan<T> {
  using Base = ConvolutionPlan<T>;
  using Base::axis_x, Base::axis_y, Base::kernels, Base::plane, Base::scratch, Base::shape, Base::taps;

  Line<T> y, x;
  PlaneTransform<T> plane_transform, kernel_transform;
  std::size_t step;       // values of one register of frequencies
  std::size_t registers;  // of a plane's spectrum
  std::size_t work_size, spectrum_size;
  std::size_t images, gradient_rows;  // held at once: images of the batch, output channels of a kernel gradient
  std::size_t at_work, at_first, at_second, at_third = 0;
  T scale;

  FftPlan(const ConvolutionShape& s, IsaLevel level)
      : Base(s, ConvolutionAlgorithm::fft, level),
        y(axis_y, true),
        x(axis_x, false),
        plane_transform{y.of(y.layout.position, true), x.of(x.layout.position, true)},
        kernel_transform{y.of(y.layout.kernel_position, false), x.of(x.layout.kernel_position, false)} {
    const std::size_t lanes = kernels.spectral.lanes;
    const std::size_t ny = y.layout.size, nx = x.layout.size;
    step = 2 * lanes;
    registers = round_up((ny / 2 + lanes - 1) / lanes * nx + (nx + lanes - 1) / lanes, spectrum_chunk);
    spectrum_size = registers * step;
    work_size =
        round_up(ny * round_up(std::max(s.nx, axis_x.taps), step) + 2 * std::max(ny, nx) * step, alignment / sizeof(T));
    images = std::min(s.batch, most_images);
    gradient_rows = std::clamp<std::size_t>(64 / s.channels_in, 1, s.channels_out);
    scale = T(1) / static_cast<T>(ny * nx);
    Base::prepared_size = kernel_planes(s) * spectrum_size;
    at_work = scratch.take(most_pieces * work_size);
    if (s.mixing) {
      at_first = scratch.take(images * std::max(s.channels_in, s.channels_out) * spectrum_size);
      at_second = scratch.take(images * std::max(s.channels_in, s.channels_out) * spectrum_size);
      at_third = scratch.take(gradient_rows * s.channels_in * spectrum_size);
    } else {
      at_first = scratch.take(most_pieces * spectrum_size);
      at_second = scratch.take(most_pieces * spectrum_size);
      at_third = scratch.take(most_pieces * spectrum_size);
    }
  }

  void prepare(const T* kernel, T* prepared, T* memory, bool parallel) const override {
    T *used = memory + Base::at_kernel, *work = memory + at_work;
    Base::gather_taps(kernel, used);
    if (!shape.mixing) {
      for_pieces(kernel_planes(shape), parallel, [&](std::size_t p, std::size_t piece) {
        kernels.spectral.forward(kernel_transform, used + p * taps, false, lone(prepared + p * spectrum_size),
                                 work + piece * work_size);
      });
      return;
    }
    // Spectra are gathered for one output channel, then laid down frequency by frequency as `product` reads them.
    const std::size_t ci = shape.channels_in, co = shape.channels_out;
    T* row = memory + at_first;
    for (std::size_t c = 0; c < co; ++c) {
      for_pieces(ci, parallel, [&](std::size_t d, std::size_t piece) {
        kernels.spectral.forward(kernel_transform, used + (c * ci + d) * taps, false, among(row, d, ci),
                                 work + piece * work_size);
      });
      parallel_for(registers / spectrum_chunk, parallel, [&](std::size_t chunk) {
        for (std::size_t i = 0; i < spectrum_chunk; ++i) {
          T* to = prepared + ((chunk * spectrum_chunk + i) * co + c) * ci * step;
          for (std::size_t d = 0; d < ci; ++d)
            std::copy_n(row + ((chunk * ci + d) * spectrum_chunk + i) * step, step, to + d * step);
        }
      });
    }
  }

  void apply(const T* prepared, const T* in, T* out, bool transposed, T* memory, bool parallel) const override {
    const auto& spectral = kernels.spectral;
    T *first = memory + at_first, *second = memory + at_second;
    if (!shape.mixing) {
      const std::size_t channels = shape.channels_in;
      for_pieces(shape.batch * channels, parallel, [&](std::size_t p, std::size_t piece) {
        T *work = memory + at_work + piece * work_size, *spectrum = first + piece * spectrum_size;
        const T* kernel = prepared + (shape.shared_kernel ? 0 : p % channels) * spectrum_size;
        spectral.forward(plane_transform, in + p * plane, !transposed, lone(spectrum), work);
        spectral.multiply(registers, kernel, spectrum, transposed, false, spectrum);
        spectral.inverse(plane_transform, lone<const T>(spectrum), transposed, scale, false, out + p * plane, work);
      });
      return;
    }
    const std::size_t from = transposed ? shape.channels_out : shape.channels_in;
    const std::size_t to = transposed ? shape.channels_in : shape.channels_out;
    for (std::size_t b = 0; b < shape.batch; b += images) {
      const std::size_t n = std::min(images, shape.batch - b);
      transform_planes({&in, 1}, b, n, from, !transposed, first, memory, parallel);
      parallel_for(registers / spectrum_chunk, parallel, [&](std::size_t chunk) {
        const std::size_t pairs = shape.channels_in * shape.channels_out * step, line = spectrum_chunk * step;
        SpectralProduct<T> p{};
        p.m = to;
        p.n = n;
        p.k = from;
        p.count = spectrum_chunk;
        p.conjugate = transposed;
        p.a = prepared + chunk * spectrum_chunk * pairs;
        p.a_m = transposed ? step : shape.channels_in * step;
        p.a_k = transposed ? shape.channels_in * step : step;
        p.a_f = pairs;
        p.b = first + chunk * n * from * line;
        p.b_n = from * line;
        p.b_k = line;
        p.c = second + chunk * n * to * line;
        p.c_m = line;
        p.c_n = to * line;
        p.b_f = p.c_f = step;
        spectral.product(p);
      });
      for_pieces(n * to, parallel, [&](std::size_t p, std::size_t piece) {
        spectral.inverse(plane_transform, among<const T>(second, p, n * to), transposed, scale, false,
                         out + (b * to + p) * plane, memory + at_work + piece * work_size);
      });
    }
  }

  void gradient(std::span<const T* const> ins, std::span<const T* const> gs, T* memory, bool parallel) const override {
    const T *in = ins.front(), *g = gs.front();
    const auto& spectral = kernels.spectral;
    T *used = memory + Base::at_kernel, *first = memory + at_first, *second = memory + at_second;
    T *third = memory + at_third, *work = memory + at_work;
    const std::size_t ci = shape.channels_in, co = shape.channels_out;
    if (!shape.mixing) {
      for_pieces(Base::gradient_groups(), parallel, [&](std::size_t group, std::size_t piece) {
        T *image = first + piece * spectrum_size, *slope = second + piece * spectrum_size;
        T* sum = third + (shape.shared_kernel ? group : piece) * spectrum_size;
        T* own = work + piece * work_size;
        Base::each_plane(group, [&](std::size_t p, bool begins) {
          spectral.forward(plane_transform, in + p * plane, true, lone(image), own);
          spectral.forward(plane_transform, g + p * plane, false, lone(slope), own);
          spectral.multiply(registers, image, slope, true, !begins, sum);
        });
        if (shape.shared_kernel) return;
        spectral.inverse(kernel_transform, lone<const T>(sum), false, scale, false, used + group * taps, own);
      });
      if (shape.shared_kernel) {
        for (std::size_t group = 1; group < Base::gradient_groups(); ++group) {
          for (std::size_t i = 0; i < spectrum_size; ++i) third[i] += third[group * spectrum_size + i];
        }
        spectral.inverse(kernel_transform, lone<const T>(third), false, scale, false, used, work);
      }
      return;
    }
    for (std::size_t b = 0; b < shape.batch; b += images) {
      const std::size_t n = std::min(images, shape.batch - b);
      transform_planes(ins, b, n, ci, true, first, memory, parallel);
      transform_planes(gs, b, n, co, false, second, memory, parallel);
      for (std::size_t c = 0; c < co; c += gradient_rows) {
        const std::size_t rows = std::min(gradient_rows, co - c);
        parallel_for(registers / spectrum_chunk, parallel, [&](std::size_t chunk) {
          const std::size_t line = spectrum_chunk * step;
          SpectralProduct<T> p{};
          p.m = ci;
          p.n = rows;
          p.k = n;
          p.count = spectrum_chunk;
          p.conjugate = true;
          p.a = first + chunk * n * ci * line;
          p.a_m = line;
          p.a_k = ci * line;
          p.b = second + (chunk * n * co + c) * line;
          p.b_n = line;
          p.b_k = co * line;
          p.c = third + chunk * rows * ci * line;
          p.c_m = line;
          p.c_n = ci * line;
          p.a_f = p.b_f = p.c_f = step;
          spectral.product(p);
        });
        for_pieces(rows * ci, parallel, [&](std::size_t p, std::size_t piece) {
          spectral.inverse(kernel_transform, among<const T>(third, p, rows * ci), false, scale, b > 0,
                           used + (c * ci + p) * taps, work + piece * work_size);
        });
      }
    }
  }

 private:
  template <class U = T>
  SpectrumPlace<U> lone(U* spectrum) const {
    return {spectrum, spectrum_chunk * step};
  }
  /// Plane p of `planes` whose spectra lie chunk by chunk.
  template <class U = T>
  SpectrumPlace<U> among(U* spectra, std::size_t p, std::size_t planes) const {
    return {spectra + p * spectrum_chunk * step, planes * spectrum_chunk * step};
  }
  /// The spectra of `count` images from number `begin` on; the batch lies in equal parts.
  void transform_planes(std::span<const T* const> parts, std::size_t begin, std::size_t count, std::size_t channels,
                        bool borders, T* spectra, T* memory, bool parallel) const {
    const std::size_t images_of_part = shape.batch / parts.size();
    for_pieces(count * channels, parallel, [&](std::size_t p, std::size_t piece) {
      const std::size_t image = begin + p / channels;
      const T* values = parts[image / images_of_part] + (image % images_of_part * channels + p % channels) * plane;
      kernels.spectral.forward(plane_transform, values, borders, among(spectra, p, count * channels),
                               memory + at_work + piece * work_size);
    });
  }
};

}  // namespace

template <class T>
std::shared_ptr<const ConvolutionPlan<T>> fft_plan(const ConvolutionShape& shape, IsaLevel level) {
  return std::make_shared<const FftPlan<T>>(shape, level);
}
template std::shared_ptr<const ConvolutionPlan<float>> fft_plan<float>(const ConvolutionShape&, IsaLevel);
template std::shared_ptr<const ConvolutionPlan<double>> fft_plan<double>(const ConvolutionShape&, IsaLevel);

}  // namespace striate
