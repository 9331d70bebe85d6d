#include <algorithm>
#include <vector>

#include "circuit/kernels/convolution_plan.hpp"

namespace striate {
namespace {

/// Where each element of a padded axis comes from; sources first .. first + n - 1 lie side by side.
struct Padding {
  std::size_t first = 0;
  std::vector<std::size_t> source;
};

/// One axis of the direct method.
struct DirectAxis {
  Padding forward, adjoint;
  std::size_t adjoint_count;       // outputs of the adjoint before they are folded
  std::vector<std::size_t> folds;  // element of the axis each of them belongs to

  explicit DirectAxis(const ConvolutionAxis& axis) : adjoint_count(axis.n) {
    const auto at = [](std::size_t p, std::size_t shift) {
      return static_cast<std::ptrdiff_t>(p) - static_cast<std::ptrdiff_t>(shift);
    };
    const bool folded = axis.border == Border::reflect;
    if (folded) adjoint_count += axis.taps - 1;
    forward.first = axis.left;
    for (std::size_t p = 0; p < axis.n + axis.taps - 1; ++p) {
      forward.source.push_back(border_source(at(p, axis.left), axis.n, axis.border));
    }
    adjoint.first = folded ? axis.taps - 1 : axis.right();
    for (std::size_t p = 0; p < adjoint_count + axis.taps - 1; ++p) {
      adjoint.source.push_back(border_source(at(p, adjoint.first), axis.n, folded ? Border::zero : axis.border));
    }
    for (std::size_t p = 0; p < adjoint_count; ++p) {
      folds.push_back(folded ? border_source(at(p, axis.left), axis.n, axis.border) : p);
    }
  }
};

/// Copies a plane [ny][nx] with its borders into rows of `stride`, zero past the padding.
template <class T>
void pad_plane(const Padding& y, const Padding& x, std::size_t nx, std::size_t stride, const T* plane, T* padded) {
  const std::size_t width = x.source.size();
  for (std::size_t p = 0; p < y.source.size(); ++p) {
    T* to = padded + p * stride;
    if (y.source[p] == nowhere) {
      std::fill_n(to, stride, T(0));
      continue;
    }
    const T* from = plane + y.source[p] * nx;
    for (std::size_t q = 0; q < x.first; ++q) to[q] = x.source[q] == nowhere ? T(0) : from[x.source[q]];
    std::copy_n(from, nx, to + x.first);
    for (std::size_t q = x.first + nx; q < width; ++q) to[q] = x.source[q] == nowhere ? T(0) : from[x.source[q]];
    std::fill(to + width, to + stride, T(0));
  }
}

/// Depth-wise kernels have three rows of zeros above and below, so that four rows of outputs run over the same rows of
/// inputs.
constexpr std::size_t margin = 3;

template <class T>
struct DirectPlan final : ConvolutionPlan<T> {
  using Base = ConvolutionPlan<T>;
  using Base::axis_x, Base::axis_y, Base::kernels, Base::plane, Base::scratch, Base::shape, Base::taps;

  DirectAxis y, x;
  std::size_t lanes;
  std::size_t in_planes;  // padded planes held at once
  std::size_t padded_stride, padded_plane, slope_stride, slope_plane, wide_plane;
  std::size_t kernel_plane, half;  // values of a prepared kernel plane, of all of them in one direction
  std::size_t at_padded, at_slopes, at_wide;

  DirectPlan(const ConvolutionShape& s, IsaLevel level)
      : Base(s, ConvolutionAlgorithm::direct, level), y(axis_y), x(axis_x), lanes(kernels.direct.lanes) {
    const std::size_t channels = std::max(s.channels_in, s.channels_out);
    const std::size_t pieces = std::min(s.batch * channels, most_pieces);
    in_planes = s.mixing ? channels : pieces;
    padded_stride = round_up(std::max(s.nx, x.adjoint_count), lanes) + axis_x.taps - 1;
    padded_plane = padded_stride * (std::max(s.ny, y.adjoint_count) + axis_y.taps - 1);
    slope_stride = round_up(s.nx, lanes);
    slope_plane = slope_stride * (s.ny + 2 * margin);
    wide_plane = y.adjoint_count * x.adjoint_count;
    kernel_plane = s.mixing ? taps : (axis_y.taps + 2 * margin) * axis_x.taps;
    half = kernel_planes(s) * kernel_plane;
    Base::prepared_size = 2 * half;
    at_padded = scratch.take(in_planes * padded_plane);
    at_slopes = scratch.take(in_planes * slope_plane);
    at_wide = scratch.take(in_planes * wide_plane);
  }

  void prepare(const T* kernel, T* prepared, T* memory, bool) const override {
    T* used = memory + Base::at_kernel;
    Base::gather_taps(kernel, used);
    std::fill_n(prepared, Base::prepared_size, T(0));
    const std::size_t skip = shape.mixing ? 0 : margin * axis_x.taps;
    for (std::size_t p = 0; p < kernel_planes(shape); ++p) {
      const std::size_t mirrored =
          shape.mixing ? p % shape.channels_in * shape.channels_out + p / shape.channels_in : p;
      for (std::size_t t = 0; t < taps; ++t) {
        prepared[p * kernel_plane + skip + t] = used[p * taps + t];
        prepared[half + mirrored * kernel_plane + skip + taps - 1 - t] = used[p * taps + t];
      }
    }
  }

  void apply(const T* prepared, const T* in, T* out, bool transposed, T* memory, bool parallel) const override {
    const T* weights = prepared + (transposed ? half : 0);
    const std::size_t from = transposed ? shape.channels_out : shape.channels_in;
    const std::size_t to = transposed ? shape.channels_in : shape.channels_out;
    const Padding &pad_y = transposed ? y.adjoint : y.forward, &pad_x = transposed ? x.adjoint : x.forward;
    const bool wide = transposed && wide_plane != plane;
    const std::size_t ny = wide ? y.adjoint_count : shape.ny, nx = wide ? x.adjoint_count : shape.nx;
    T *padded = memory + at_padded, *whole = memory + at_wide;

    CorrelateRows<T> rows{};
    rows.width = rows.out_row = nx;
    rows.taps = axis_x.taps;
    rows.in_inner = padded_stride;
    rows.w_inner = static_cast<std::ptrdiff_t>(axis_x.taps);
    if (!shape.mixing) {
      for_pieces(shape.batch * from, parallel, [&](std::size_t p, std::size_t piece) {
        T* image = padded + piece * padded_plane;
        pad_plane(pad_y, pad_x, shape.nx, padded_stride, in + p * plane, image);
        const T* w = weights + (shape.shared_kernel ? 0 : p % from) * kernel_plane + margin * axis_x.taps;
        T* result = wide ? whole + piece * wide_plane : out + p * plane;
        for (std::size_t row = 0; row < ny; row += 4) {
          CorrelateRows<T> block = rows;
          block.rows = std::min<std::size_t>(4, ny - row);
          block.outer = 1;
          block.inner = axis_y.taps + block.rows - 1;
          block.in = image + row * padded_stride;
          block.w = w;
          block.w_row = -static_cast<std::ptrdiff_t>(axis_x.taps);
          block.out = result + row * nx;
          kernels.direct.rows(block);
        }
        if (wide) fold(result, out + p * plane);
      });
      return;
    }
    const std::size_t groups = (to + 3) / 4;
    for (std::size_t b = 0; b < shape.batch; ++b) {
      parallel_for(from, parallel, [&](std::size_t c) {
        pad_plane(pad_y, pad_x, shape.nx, padded_stride, in + (b * from + c) * plane, padded + c * padded_plane);
      });
      T* result = wide ? whole : out + b * to * plane;
      parallel_for(ny * groups, parallel, [&](std::size_t i) {
        const std::size_t row = i / groups, channel = i % groups * 4;
        CorrelateRows<T> block = rows;
        block.rows = std::min<std::size_t>(4, to - channel);
        block.outer = from;
        block.inner = axis_y.taps;
        block.in = padded + row * padded_stride;
        block.in_outer = padded_plane;
        block.w = weights + channel * from * taps;
        block.w_outer = static_cast<std::ptrdiff_t>(taps);
        block.w_row = static_cast<std::ptrdiff_t>(from * taps);
        block.out = result + (channel * ny + row) * nx;
        block.out_row = ny * nx;
        kernels.direct.rows(block);
      });
      if (wide) {
        parallel_for(to, parallel, [&](std::size_t c) { fold(whole + c * wide_plane, out + (b * to + c) * plane); });
      }
    }
  }

  void gradient(std::span<const T* const> ins, std::span<const T* const> gs, T* memory, bool parallel) const override {
    const T *in = ins.front(), *g = gs.front();
    T *used = memory + Base::at_kernel, *padded = memory + at_padded, *slopes = memory + at_slopes;
    const std::size_t ci = shape.channels_in, co = shape.channels_out;
    std::fill_n(used, (shape.mixing ? co * ci : Base::gradient_groups()) * taps, T(0));
    CorrelateTaps<T> part{};
    part.width = slope_stride;
    part.in_inner = padded_stride;
    part.g_inner = slope_stride;
    if (!shape.mixing) {
      for_pieces(Base::gradient_groups(), parallel, [&](std::size_t group, std::size_t piece) {
        T *image = padded + piece * padded_plane, *slope = slopes + piece * slope_plane;
        Base::each_plane(group, [&](std::size_t p, bool) {
          pad_plane(y.forward, x.forward, shape.nx, padded_stride, in + p * plane, image);
          pad_slope(g + p * plane, slope);
          for (std::size_t ty = 0; ty < axis_y.taps; ty += 4) {
            CorrelateTaps<T> block = part;
            block.rows = std::min<std::size_t>(4, axis_y.taps - ty);
            block.inner = shape.ny + block.rows - 1;
            block.g = slope + margin * slope_stride;
            block.g_row = -static_cast<std::ptrdiff_t>(slope_stride);
            block.out_row = static_cast<std::ptrdiff_t>(axis_x.taps);
            across(block, image + ty * padded_stride, used + group * taps + ty * axis_x.taps);
          }
        });
      });
      if (shape.shared_kernel) {
        for (std::size_t group = 1; group < Base::gradient_groups(); ++group) {
          for (std::size_t t = 0; t < taps; ++t) used[t] += used[group * taps + t];
        }
      }
      return;
    }
    const std::size_t groups = (co + 3) / 4;
    for (std::size_t b = 0; b < shape.batch; ++b) {
      parallel_for(ci + co, parallel, [&](std::size_t c) {
        if (c < ci) {
          pad_plane(y.forward, x.forward, shape.nx, padded_stride, in + (b * ci + c) * plane,
                    padded + c * padded_plane);
        } else {
          pad_slope(g + (b * co + c - ci) * plane, slopes + (c - ci) * slope_plane);
        }
      });
      parallel_for(groups * ci, parallel, [&](std::size_t i) {
        const std::size_t channel = i / ci * 4, c = i % ci;
        for (std::size_t ty = 0; ty < axis_y.taps; ++ty) {
          CorrelateTaps<T> block = part;
          block.rows = std::min<std::size_t>(4, co - channel);
          block.inner = shape.ny;
          block.g = slopes + channel * slope_plane + margin * slope_stride;
          block.g_row = static_cast<std::ptrdiff_t>(slope_plane);
          block.out_row = static_cast<std::ptrdiff_t>(ci * taps);
          across(block, padded + c * padded_plane + ty * padded_stride,
                 used + (channel * ci + c) * taps + ty * axis_x.taps);
        }
      });
    }
  }

 private:
  /// The taps of one row of the kernel, four at a time.
  void across(CorrelateTaps<T> block, const T* in, T* out) const {
    for (std::size_t t = 0; t < axis_x.taps; t += 4) {
      block.taps = std::min<std::size_t>(4, axis_x.taps - t);
      block.in = in + t;
      block.out = out + t;
      kernels.direct.taps(block);
    }
  }

  void pad_slope(const T* g, T* slope) const {
    std::fill_n(slope, slope_plane, T(0));
    for (std::size_t row = 0; row < shape.ny; ++row) {
      std::copy_n(g + row * shape.nx, shape.nx, slope + (row + margin) * slope_stride);
    }
  }

  void fold(const T* whole, T* out) const {
    std::fill_n(out, plane, T(0));
    for (std::size_t p = 0; p < y.adjoint_count; ++p) {
      for (std::size_t q = 0; q < x.adjoint_count; ++q) {
        out[y.folds[p] * shape.nx + x.folds[q]] += whole[p * x.adjoint_count + q];
      }
    }
  }
};

}  // namespace

template <class T>
std::shared_ptr<const ConvolutionPlan<T>> direct_plan(const ConvolutionShape& shape, IsaLevel level) {
  return std::make_shared<const DirectPlan<T>>(shape, level);
}
template std::shared_ptr<const ConvolutionPlan<float>> direct_plan<float>(const ConvolutionShape&, IsaLevel);
template std::shared_ptr<const ConvolutionPlan<double>> direct_plan<double>(const ConvolutionShape&, IsaLevel);

}  // namespace striate
