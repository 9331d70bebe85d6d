#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace striate {

/// Pathfinder (Linsley, Kim, Veerabadran, Windolf & Serre 2018, NeurIPS 31): are two markers on one and the same dashed
/// contour? Lengths are in pixels of the canvas, on which an image is composed before it is drawn at `size`.
struct PathfinderSettings {
  std::size_t size = 150;          ///< pixels along a side of the image
  std::size_t canvas = 300;        ///< pixels along a side of the canvas
  std::size_t length = 6;          ///< paddles of each of the two target contours
  std::size_t distractors = 15;    ///< distractor contours, of floor(length/3) paddles
  std::size_t padding = 22;        ///< border left free of paddles
  std::size_t seed_distance = 27;  ///< between the first paddles of the two targets
  double marker_radius = 5;
  double paddle_length = 5;
  double thickness = 2;
  double margin = 3;        ///< kept free around a paddle
  double continuity = 1.8;  ///< a contour turns by less than 90 deg/continuity from one paddle to the next
  double contrast = 1;
};

struct PixelPoint {
  double x = 0, y = 0;
  bool operator==(const PixelPoint&) const = default;
};

/// A stroke from its tail to its head, the way its contour runs; the ends lie on whole pixels near the line along
/// `angle`.
struct Paddle {
  PixelPoint tail, head;
  double angle = 0;  ///< rad, from x towards y
};

using Contour = std::vector<Paddle>;

/// What one image shows, on the canvas.
struct PathfinderScene {
  Contour targets[2];
  std::vector<Contour> distractors;
  std::size_t marked = 0;  ///< the target that bears the first marker, at its first tail
  bool connected = false;  ///< the label: the second marker lies at the last head of the same target, not of the other
  PixelPoint first_marker() const { return targets[marked].front().tail; }
  PixelPoint second_marker() const { return targets[connected ? marked : 1 - marked].back().head; }
};

/// Composes and draws Pathfinder images; const and safe to use from any number of threads. Each image is a pure
/// function of (seed, index), as likely connected as not.
class Pathfinder {
 public:
  /// @throws Error for settings under which no image can be made
  explicit Pathfinder(const PathfinderSettings& settings);

  const PathfinderSettings& settings() const { return settings_; }

  PathfinderScene scene(std::uint64_t seed, std::uint64_t index) const;

  /// pixels [size, size], y downwards, 0..contrast. With one marker: the task is to segment the contour that bears it.
  void draw(const PathfinderScene& scene, std::size_t markers, std::span<float> pixels) const;
  /// pixels [size, size], 1 on the contour of the first marker and on the marker, 0 elsewhere.
  void draw_target(const PathfinderScene& scene, std::span<float> pixels) const;

  struct Ground;

 private:
  PathfinderSettings settings_;
  std::shared_ptr<const Ground> ground_;
};

}  // namespace striate
