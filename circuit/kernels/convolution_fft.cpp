#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

#include "circuit/kernels/convolution_plan.hpp"

namespace striate {
namespace {

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

  AxisTiles tiles_y, tiles_x;
  std::size_t tiles, tile_plane;  // of a plane, values of each
  Line<T> y, x;
  PlaneTransform<T> plane_transform, kernel_transform;
  std::size_t step;       // values of one register of frequencies
  std::size_t registers;  // of a plane's spectrum
  std::size_t work_size, spectrum_size;
  std::size_t held, gradient_rows;  // at once: tiles of all channels, output channels of a kernel gradient
  std::size_t at_tile;              // in the work memory of a piece
  std::size_t at_work, at_first, at_second, at_third = 0;
  T scale;

  FftPlan(const ConvolutionShape& s, IsaLevel level, TileSize tile)
      : Base(s, ConvolutionAlgorithm::fft, level),
        tiles_y(axis_y, tile.y),
        tiles_x(axis_x, tile.x),
        tiles(tiles_y.count * tiles_x.count),
        tile_plane(tiles_y.tile.n * tiles_x.tile.n),
        y(tiles_y.tile, true),
        x(tiles_x.tile, false),
        plane_transform{y.of(y.layout.position, true), x.of(x.layout.position, true)},
        kernel_transform{y.of(y.layout.kernel_position, false), x.of(x.layout.kernel_position, false)} {
    const std::size_t lanes = kernels.spectral.lanes;
    const std::size_t ny = y.layout.size, nx = x.layout.size;
    step = 2 * lanes;
    registers = round_up((ny / 2 + lanes - 1) / lanes * nx + (nx + lanes - 1) / lanes, spectrum_chunk);
    spectrum_size = registers * step;
    at_tile = round_up(ny * round_up(std::max(tiles_x.tile.n, axis_x.taps), step) + 2 * std::max(ny, nx) * step,
                       alignment / sizeof(T));
    work_size = at_tile + (tiles > 1 ? round_up(tile_plane, alignment / sizeof(T)) : 0);
    const std::size_t parts = spectra_parts(s, tiles, spectrum_size * sizeof(T));
    held = (s.batch * tiles + parts - 1) / parts;
    gradient_rows = std::clamp<std::size_t>(64 / s.channels_in, 1, s.channels_out);
    scale = T(1) / static_cast<T>(ny * nx);
    Base::prepared_size = kernel_planes(s) * spectrum_size;
    at_work = scratch.take(most_pieces * work_size);
    if (s.mixing) {
      at_first = scratch.take(held * std::max(s.channels_in, s.channels_out) * spectrum_size);
      at_second = scratch.take(held * std::max(s.channels_in, s.channels_out) * spectrum_size);
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
    const auto& way_y = transposed ? tiles_y.transposed : tiles_y.forward;
    const auto& way_x = transposed ? tiles_x.transposed : tiles_x.forward;
    for (std::size_t b = 0; b < shape.batch * tiles; b += held) {
      const std::size_t n = std::min(held, shape.batch * tiles - b);
      transform_tiles({&in, 1}, b, n, from, way_y.reads, way_x.reads, !transposed, first, memory, parallel);
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
        const std::size_t tile = (b + p / to) % tiles, image = (b + p / to) / tiles;
        T *work = memory + at_work + piece * work_size, *values = out + (image * to + p % to) * plane;
        T* result = tiles > 1 ? work + at_tile : values;
        spectral.inverse(plane_transform, among<const T>(second, p, n * to), transposed, scale, false, result, work);
        if (tiles == 1) return;
        for_runs(way_y.writes, way_x.writes, tile, [&](std::size_t in_tile, std::size_t in_plane, std::size_t count) {
          std::copy_n(result + in_tile, count, values + in_plane);
        });
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
    for (std::size_t b = 0; b < shape.batch * tiles; b += held) {
      const std::size_t n = std::min(held, shape.batch * tiles - b);
      transform_tiles(ins, b, n, ci, tiles_y.forward.reads, tiles_x.forward.reads, true, first, memory, parallel);
      transform_tiles(gs, b, n, co, tiles_y.forward.writes, tiles_x.forward.writes, false, second, memory, parallel);
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

  /// body(place in the tile, place in the plane, count) for what lies side by side on both.
  template <class Body>
  void for_runs(const AxisTiles::Cut& cut_y, const AxisTiles::Cut& cut_x, std::size_t tile, const Body& body) const {
    for (const auto& rows : cut_y[tile / tiles_x.count])
      for (std::size_t i = 0; i < rows.count; ++i)
        for (const auto& run : cut_x[tile % tiles_x.count])
          body((rows.in_tile + i) * tiles_x.tile.n + run.in_tile, (rows.on_axis + i) * shape.nx + run.on_axis,
               run.count);
  }

  /// The spectra of `count` tiles from number `begin` on, of what is cut out of them; the batch lies in equal parts.
  void transform_tiles(std::span<const T* const> parts, std::size_t begin, std::size_t count, std::size_t channels,
                       const AxisTiles::Cut& cut_y, const AxisTiles::Cut& cut_x, bool borders, T* spectra, T* memory,
                       bool parallel) const {
    const std::size_t images_of_part = shape.batch / parts.size();
    for_pieces(count * channels, parallel, [&](std::size_t p, std::size_t piece) {
      const std::size_t tile = (begin + p / channels) % tiles, image = (begin + p / channels) / tiles;
      const T* values = parts[image / images_of_part] + (image % images_of_part * channels + p % channels) * plane;
      T* work = memory + at_work + piece * work_size;
      if (tiles > 1) {
        T* cut = work + at_tile;
        std::fill_n(cut, tile_plane, T(0));
        for_runs(cut_y, cut_x, tile, [&](std::size_t in_tile, std::size_t in_plane, std::size_t run) {
          std::copy_n(values + in_plane, run, cut + in_tile);
        });
        values = cut;
      }
      kernels.spectral.forward(plane_transform, values, borders, among(spectra, p, count * channels), work);
    });
  }
};

}  // namespace

template <class T>
std::shared_ptr<const ConvolutionPlan<T>> fft_plan(const ConvolutionShape& shape, IsaLevel level) {
  return std::make_shared<const FftPlan<T>>(shape, level, best_tile_size(shape, sizeof(T)));
}
template std::shared_ptr<const ConvolutionPlan<float>> fft_plan<float>(const ConvolutionShape&, IsaLevel);
template std::shared_ptr<const ConvolutionPlan<double>> fft_plan<double>(const ConvolutionShape&, IsaLevel);

}  // namespace striate
