#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace striate {

/// Samples [y, x, channel], row-major, y downwards, each the stored sample over its largest: 0 is none, 1 is full. No
/// gamma is applied or removed. Channels: 1 grey, 2 grey and alpha, 3 RGB, 4 RGB and alpha.
struct Image {
  std::size_t height = 0;
  std::size_t width = 0;
  std::size_t channels = 1;
  std::vector<double> samples;

  double at(std::size_t y, std::size_t x, std::size_t channel = 0) const {
    return samples[(y * width + x) * channels + channel];
  }
};

/// The mean of the colours of pixel number `pixel`, row by row; grey itself. What alpha leaves open shows white.
double grey_level(const Image& image, std::size_t pixel);

/// Reads PNG (any depth; palettes become RGB) or PGM/PPM (P2, P3, P5, P6), told apart by content. Throws Error on a
/// file that is missing, damaged, of another kind, or above 2^26 pixels.
Image read_image(const std::string& path);

/// The same without samples: what the file's head says.
Image read_image_size(const std::string& path);

/// Writes an 8-bit PNG, rounding to the nearest level. Throws Error on a sample outside 0..1 (named by place) or a path
/// that cannot be written, Failure on a full disk.
void write_png(const std::string& path, const Image& image);

}  // namespace striate
