#include <limits>
#include <vector>

#include "circuit/kernels/convolution_plan.hpp"

// The rates are those of one Zen-4-class core with AVX-512; a newer one is faster on both sides alike.
// bench_convolution prints estimates beside measurements.

namespace striate {
namespace {

constexpr double product_rate = 20e9;  // multiply-and-adds of doubles per second
constexpr double spectral_rate = 4e9;  // complex ones
constexpr double pass_rate = 3e9;      // complex doubles through one radix-4 pass per second
constexpr double copy_rate = 10e9;     // bytes per second into a padded plane
constexpr double cut_rate = 40e9;      // and into a tile
constexpr double memory_rate = 20e9;   // bytes per second from memory
constexpr double cache_bytes = 1 << 20;
constexpr double applications = 10;  // of a kernel that mixes channels, before it or its gradient is transformed

double real(std::size_t n) { return static_cast<double>(n); }

struct Costs {
  const ConvolutionShape& shape;
  double bytes, speed;  // of a value; beside doubles
  std::size_t lanes;
  ConvolutionAxis y, x;

  Costs(const ConvolutionShape& s, std::size_t bytes_per_value)
      : shape(s),
        bytes(real(bytes_per_value)),
        speed(8.0 / bytes),
        lanes(alignment / bytes_per_value),
        y(s.ny, s.ky, s.border_y),
        x(s.nx, s.kx, s.border_x) {}

  double pairs() const { return real(shape.batch * shape.channels_out) * real(shape.mixing ? shape.channels_in : 1); }

  double direct() const {
    const double products = pairs() * real(y.taps * x.taps) * real(shape.ny * round_up(shape.nx, lanes));
    const double padded = real((shape.ny + y.taps - 1) * (shape.nx + x.taps - 1));
    return products / (product_rate * speed) + real(shape.batch * shape.channels_in) * padded * bytes / copy_rate;
  }

  /// An axis as tiles of `asked` positions.
  struct Tiling {
    std::size_t asked, tiles, values, size;
    Tiling(const ConvolutionAxis& axis, std::size_t positions, bool even) : asked(positions) {
      const AxisTiles cut(axis, positions);
      tiles = cut.count;
      values = cut.tile.n;
      size = TransformLayout(cut.tile, even).size;
    }
  };

  static std::vector<Tiling> tilings(const ConvolutionAxis& axis, bool even) {
    std::vector<Tiling> all{Tiling(axis, 0, even)};
    for (std::size_t size = axis.taps + 1; size < all.front().size; ++size)
      if (is_transform_size(size) && size % 2 == 0)
        if (const Tiling cut(axis, size, even); cut.tiles > 1) all.push_back(cut);
    return all;
  }

  double rows_of(const Tiling& along_y) const { return real(round_up(along_y.size / 2, lanes)); }

  double spectral(const Tiling& along_y, const Tiling& along_x) const {
    const double tiles = real(along_y.tiles * along_x.tiles);
    const double planes_in = real(shape.batch * shape.channels_in) * tiles;
    const double planes_out = real(shape.batch * shape.channels_out) * tiles;
    const double rows = rows_of(along_y);
    const double columns = real(round_up(along_x.values, 2 * lanes)) / 2;
    const double passes = columns * real(along_y.size) * (2 + transform_passes(along_y.size)) +
                          rows * real(along_x.size) * (2 + transform_passes(along_x.size));
    const double frequencies = rows * real(along_x.size), spectrum_bytes = frequencies * 2 * bytes;
    const double pointwise = pairs() * tiles * frequencies / (spectral_rate * speed);
    double transforms = planes_in + planes_out, moved = real(kernel_planes(shape));
    if (shape.mixing) {
      // Kernels stream past once for each part of the images; the spectra of planes are written and read in full.
      moved *= real(spectra_parts(shape, along_y.tiles * along_x.tiles, static_cast<std::size_t>(spectrum_bytes)));
      moved += 2 * (planes_in + planes_out);
      transforms += real(kernel_planes(shape)) / applications;
    }
    const double cut = tiles > 1 ? (planes_in + planes_out) * real(along_y.values * along_x.values) * bytes : 0;
    return transforms * passes / (pass_rate * speed) + pointwise + moved * spectrum_bytes / memory_rate +
           cut / cut_rate;
  }

  /// The least cost, and the tiles that have it: of a kernel whose spectra would not stay in a cache.
  std::pair<double, TileSize> best_spectral() const {
    const Tiling whole_y(y, 0, true), whole_x(x, 0, false);
    std::pair<double, TileSize> best{spectral(whole_y, whole_x), {}};
    const double kernel_bytes = real(kernel_planes(shape)) * rows_of(whole_y) * real(whole_x.size) * 2 * bytes;
    if (!shape.mixing || kernel_bytes < cache_bytes) return best;
    const auto all_x = tilings(x, false);
    for (const auto& along_y : tilings(y, true))
      for (const auto& along_x : all_x)
        if (const double cost = spectral(along_y, along_x); cost < best.first)
          best = {cost, {along_y.asked, along_x.asked}};
    return best;
  }
};

}  // namespace

double estimated_cost(const ConvolutionShape& shape, ConvolutionAlgorithm algorithm, std::size_t bytes_per_value) {
  shape.check();
  const Costs costs(shape, bytes_per_value);
  return algorithm == ConvolutionAlgorithm::direct ? costs.direct() : costs.best_spectral().first;
}

TileSize best_tile_size(const ConvolutionShape& shape, std::size_t bytes_per_value) {
  return Costs(shape, bytes_per_value).best_spectral().second;
}

}  // namespace striate
