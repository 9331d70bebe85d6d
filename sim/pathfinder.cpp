#include "sim/pathfinder.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <numbers>
#include <optional>

#include "base/error.hpp"
#include "base/random.hpp"

namespace striate {
namespace {

constexpr double degree = std::numbers::pi / 180;
constexpr float free_up_to = 0.3F;     // occupancy of a pixel that counts as free
constexpr double overlap_below = 1.8;  // sum of occupancy and a new paddle's mask
constexpr double least_weight = 1e-4;  // of all directions together
constexpr std::size_t seed_tries = 3;
constexpr std::size_t paddle_tries = 3;
constexpr std::size_t distractor_tries = 5;
constexpr std::size_t target_tries = 20000;

PixelPoint operator+(PixelPoint a, PixelPoint b) { return {a.x + b.x, a.y + b.y}; }
PixelPoint operator-(PixelPoint a, PixelPoint b) { return {a.x - b.x, a.y - b.y}; }
PixelPoint operator*(double s, PixelPoint a) { return {s * a.x, s * a.y}; }
PixelPoint direction(double angle) { return {std::cos(angle), std::sin(angle)}; }
PixelPoint centre(std::ptrdiff_t x, std::ptrdiff_t y) {
  return {static_cast<double>(x) + 0.5, static_cast<double>(y) + 0.5};
}
PixelPoint rounded_up(PixelPoint a) { return {std::ceil(a.x), std::ceil(a.y)}; }

/// A paddle of some thickness: a rectangle.
class Stroke {
 public:
  Stroke(const Paddle& paddle, double thickness)
      : tail_(paddle.tail),
        length_(std::hypot(paddle.head.x - paddle.tail.x, paddle.head.y - paddle.tail.y)),
        along_((1 / length_) * (paddle.head - paddle.tail)),
        half_(thickness / 2) {}

  /// Square of the distance from a point to the rectangle; 0 inside.
  double distance2(PixelPoint p) const {
    const PixelPoint d = p - tail_;
    const double s = d.x * along_.x + d.y * along_.y;
    const double n = std::abs(d.x * along_.y - d.y * along_.x) - half_;
    const double ds = std::max({0.0, -s, s - length_});
    const double dn = std::max(0.0, n);
    return ds * ds + dn * dn;
  }

 private:
  PixelPoint tail_;
  double length_;
  PixelPoint along_;
  double half_;
};

/// Pixels [size, size] that stand for a canvas; a shape covers each by the share of its samples x samples points
/// inside.
struct Raster {
  std::size_t size;
  double scale;  ///< canvas pixels per pixel
  std::size_t samples;

  /// Calls pixel(index, coverage) for every pixel that the shape `inside` within `reach` of the points a, b may cover.
  template <class Inside, class Pixel>
  void cover(PixelPoint a, PixelPoint b, double reach, const Inside& inside, const Pixel& pixel) const {
    const auto bound = [&](double v) {
      return static_cast<std::size_t>(std::clamp(std::floor(v / scale), 0.0, static_cast<double>(size)));
    };
    const double n = static_cast<double>(samples);
    const std::size_t right = std::min(size, bound(std::max(a.x, b.x) + reach) + 1);
    const std::size_t below = std::min(size, bound(std::max(a.y, b.y) + reach) + 1);
    for (std::size_t y = bound(std::min(a.y, b.y) - reach); y < below; ++y)
      for (std::size_t x = bound(std::min(a.x, b.x) - reach); x < right; ++x) {
        std::size_t hits = 0;
        for (std::size_t i = 0; i < samples; ++i)
          for (std::size_t j = 0; j < samples; ++j)
            hits += inside(PixelPoint{(static_cast<double>(x) + (static_cast<double>(j) + 0.5) / n) * scale,
                                      (static_cast<double>(y) + (static_cast<double>(i) + 0.5) / n) * scale});
        if (hits > 0) pixel(y * size + x, static_cast<double>(hits) / (n * n));
      }
  }
};

/// One bit for each pixel of the canvas, rows of whole words with an empty one before and after.
class Bits {
 public:
  explicit Bits(std::size_t side) : side_(side), words_((side + 63) / 64 + 2), rows_(side * words_) {}

  void set(std::size_t x, std::size_t y, bool on) {
    const std::uint64_t bit = std::uint64_t{1} << x % 64;
    std::uint64_t& word = rows_[y * words_ + 1 + x / 64];
    word = on ? word | bit : word & ~bit;
  }

  /// Clears (x, y) wherever `other` has (x + dx, y + dy); |dx| < 64.
  void clear_shifted(const Bits& other, std::ptrdiff_t dx, std::ptrdiff_t dy) {
    const auto side = static_cast<std::ptrdiff_t>(side_);
    const auto words = static_cast<std::ptrdiff_t>(words_);
    const auto right = static_cast<unsigned>(dx & 63);
    for (std::ptrdiff_t y = std::max<std::ptrdiff_t>(0, -dy); y < std::min(side, side - dy); ++y) {
      const std::uint64_t* from = other.rows_.data() + (y + dy) * words + (dx < 0 ? -1 : 0);
      std::uint64_t* to = rows_.data() + y * words;
      for (std::ptrdiff_t w = 1; w < words - 1; ++w) to[w] &= ~(from[w] >> right | from[w + 1] << 1 << (63 - right));
    }
  }

  std::size_t count() const {
    std::size_t n = 0;
    for (const std::uint64_t w : rows_) n += static_cast<std::size_t>(std::popcount(w));
    return n;
  }

  /// The place of set bit number `k`, row after row.
  PixelPoint place(std::size_t k) const {
    std::size_t i = 0;
    for (std::size_t n = 0; (n = static_cast<std::size_t>(std::popcount(rows_[i]))) <= k; ++i) k -= n;
    std::uint64_t w = rows_[i];
    for (; k > 0; --k) w &= w - 1;
    return {static_cast<double>((i % words_ - 1) * 64 + static_cast<std::size_t>(std::countr_zero(w))),
            static_cast<double>(i / words_)};
  }

 private:
  std::size_t side_, words_;
  std::vector<std::uint64_t> rows_;
};

}  // namespace

/// What all images of one kind begin with.
struct Pathfinder::Ground {
  explicit Ground(const PathfinderSettings& s)
      : occupancy(s.canvas * s.canvas),
        occupied(s.canvas),
        places_of_targets(within(s.canvas, 2 * s.seed_distance)),
        places_of_distractors(within(s.canvas, 1)) {
    for (std::size_t y = 0; y < s.canvas; ++y)
      for (std::size_t x = 0; x < s.canvas; ++x)
        if (std::min({x, y, s.canvas - 1 - x, s.canvas - 1 - y}) < s.padding) {
          occupancy[y * s.canvas + x] = 1;
          occupied.set(x, y, true);
        }
    const double radius = s.paddle_length + s.margin;
    for (double arc = 0; arc < 2 * std::numbers::pi * radius; ++arc) {
      const PixelPoint on_circle = radius * direction(arc / radius);
      const PixelPoint offset{std::trunc(on_circle.x), std::trunc(on_circle.y)};
      if (std::none_of(turns.begin(), turns.end(), [&](const Turn& known) { return known.offset == offset; }))
        turns.push_back({offset, std::atan2(offset.y, offset.x)});
    }
  }

  static Bits within(std::size_t side, std::size_t frame) {
    Bits bits(side);
    for (std::size_t y = frame; y + frame < side; ++y)
      for (std::size_t x = frame; x + frame < side; ++x) bits.set(x, y, true);
    return bits;
  }

  struct Turn {
    PixelPoint offset;  ///< from a pivot to the next head
    double angle;
  };

  std::vector<float> occupancy;
  Bits occupied;  ///< where the occupancy is above free_up_to
  Bits places_of_targets, places_of_distractors;
  std::vector<Turn> turns;
};

namespace {

/// The canvas while an image is composed: where paddles are, and the rules by which contours are laid.
class Composer {
 public:
  Composer(const PathfinderSettings& s, const Pathfinder::Ground& ground, RandomStream& random)
      : s_(s),
        ground_(ground),
        random_(random),
        side_(s.canvas),
        occupancy_(ground.occupancy),
        occupied_(ground.occupied) {}

  bool targets(Contour (&targets)[2]) {
    const auto first = seed(ground_.places_of_targets);
    if (!first) return false;
    const PixelPoint away = static_cast<double>(s_.seed_distance) * direction(any_direction());
    Growing growing[2] = {*first, paddle_at(first->paddles.front().tail + away, any_direction())};
    for (std::size_t i = 1; i < s_.length; ++i)
      for (auto& contour : growing)
        if (!extend(contour)) {
          undo();
          return false;
        }
    // As in the published generator, distractors keep clear of the last paddle of the second target only.
    mark(growing[1].paddles.back());
    keep();
    for (std::size_t c = 0; c < 2; ++c) targets[c] = std::move(growing[c].paddles);
    return true;
  }

  /// Lays a distractor, unless every attempt fails. @returns whether there is room for more
  bool distractor(std::size_t length, std::vector<Contour>& distractors) {
    for (std::size_t attempt = 0; attempt < distractor_tries; ++attempt) {
      auto growing = seed(ground_.places_of_distractors);
      if (crowded_) return false;
      bool grown = growing.has_value();
      for (std::size_t i = 1; i < length && grown; ++i) grown = extend(*growing);
      if (grown) {
        mark(growing->paddles.back());
        keep();
        distractors.push_back(std::move(growing->paddles));
        return true;
      }
      undo();
    }
    return true;
  }

 private:
  struct Growing {
    Contour paddles;
    PixelPoint pivot;  ///< `margin` behind the tail of the last paddle
  };

  double any_direction() { return (static_cast<double>(random_.below(360)) - 180) * degree; }

  bool on_canvas(PixelPoint p) const {
    const auto end = static_cast<double>(s_.canvas);
    return p.x >= 0 && p.y >= 0 && p.x < end && p.y < end;
  }

  Growing paddle_at(PixelPoint tail, double angle) const {
    tail = rounded_up(tail);
    const PixelPoint u = direction(angle);
    return {{{tail, rounded_up(tail + s_.paddle_length * u), angle}}, tail - s_.margin * u};
  }

  /// A first paddle in a random direction, its tail uniform over those of `places` where it meets nothing.
  std::optional<Growing> seed(const Bits& places) {
    const double angle = any_direction();
    const Stroke stroke(paddle_at({0, 0}, angle).paddles.front(), s_.thickness);
    Bits free(places);
    const auto reach = static_cast<std::ptrdiff_t>(s_.paddle_length + s_.thickness) + 2;
    for (std::ptrdiff_t dy = -reach; dy <= reach; ++dy)
      for (std::ptrdiff_t dx = -reach; dx <= reach; ++dx)
        if (stroke.distance2(centre(dx, dy)) == 0) free.clear_shifted(occupied_, dx, dy);
    const std::size_t count = free.count();
    crowded_ = 100 * count < side_ * side_;
    for (std::size_t i = 0; i < seed_tries && count > 0; ++i) {
      const Growing first = paddle_at(free.place(random_.below(count)), angle);
      if (on_canvas(first.paddles.front().head) && on_canvas(first.pivot)) return first;
    }
    return std::nullopt;
  }

  /// Lays the next paddle of a contour; false when it cannot go on.
  bool extend(Growing& contour) {
    const double before = contour.paddles.back().angle;
    const PixelPoint pivot = contour.pivot + (s_.paddle_length + 2 * s_.margin) * direction(before);
    candidates_.clear();
    double total = 0;
    for (const auto& [offset, angle] : ground_.turns) {
      const double turn = std::abs(std::remainder(angle - before, 2 * std::numbers::pi));
      const PixelPoint head = pivot + offset;
      if (s_.continuity * turn >= std::numbers::pi / 2 || !on_canvas(head)) continue;
      const double smooth = std::cos(s_.continuity * turn);
      total += (1 - most_occupied_near(head)) * smooth * smooth;
      candidates_.push_back({head, angle, total});
    }
    if (total < least_weight) return false;
    for (std::size_t i = 0; i < paddle_tries; ++i) {
      const double drawn = random_.uniform() * total;
      const auto chosen = std::find_if(candidates_.begin(), candidates_.end() - 1,
                                       [&](const Candidate& c) { return drawn < c.cumulative; });
      const Paddle paddle{rounded_up(chosen->head - s_.paddle_length * direction(chosen->angle)),
                          rounded_up(chosen->head), chosen->angle};
      if (!fits(paddle)) continue;
      mark(contour.paddles.back());
      contour.paddles.push_back(paddle);
      contour.pivot = pivot;
      return true;
    }
    return false;
  }

  double most_occupied_near(PixelPoint p) const {
    const auto side = static_cast<std::ptrdiff_t>(side_), r = static_cast<std::ptrdiff_t>(s_.margin);
    const auto x0 = static_cast<std::ptrdiff_t>(p.x), y0 = static_cast<std::ptrdiff_t>(p.y);
    float most = 0;
    for (std::ptrdiff_t dy = -r; dy <= r; ++dy)
      for (std::ptrdiff_t dx = -r; dx <= r; ++dx) {
        const std::ptrdiff_t x = x0 + dx, y = y0 + dy;
        if (dx * dx + dy * dy > r * r || x < 0 || y < 0 || x >= side || y >= side) continue;
        most = std::max(most, occupancy_[static_cast<std::size_t>(y * side + x)]);
      }
    return static_cast<double>(most);
  }

  /// Calls pixel(index, coverage) for the paddle with its margin.
  template <class Pixel>
  void cover_mask(const Paddle& paddle, const Pixel& pixel) const {
    const Stroke stroke(paddle, s_.thickness);
    const Raster raster{side_, 1, 2};
    raster.cover(
        paddle.tail, paddle.head, s_.thickness + s_.margin,
        [&](PixelPoint p) { return stroke.distance2(p) <= s_.margin * s_.margin; }, pixel);
  }

  bool fits(const Paddle& paddle) const {
    bool fits = true;
    cover_mask(paddle, [&](std::size_t i, double share) {
      fits = fits && static_cast<double>(occupancy_[i]) + share < overlap_below;
    });
    return fits;
  }

  void mark(const Paddle& paddle) {
    cover_mask(paddle, [&](std::size_t i, double share) {
      if (const auto value = static_cast<float>(share); value > occupancy_[i]) occupy(i, value);
    });
  }

  void occupy(std::size_t i, float value) {
    changes_.emplace_back(i, occupancy_[i]);
    set(i, value);
  }
  void set(std::size_t i, float value) {
    occupancy_[i] = value;
    occupied_.set(i % side_, i / side_, value > free_up_to);
  }
  void keep() { changes_.clear(); }
  void undo() {
    for (; !changes_.empty(); changes_.pop_back()) set(changes_.back().first, changes_.back().second);
  }

  struct Candidate {
    PixelPoint head;
    double angle;
    double cumulative;
  };

  const PathfinderSettings& s_;
  const Pathfinder::Ground& ground_;
  RandomStream& random_;
  std::size_t side_;
  std::vector<float> occupancy_;
  Bits occupied_;                                       ///< where the occupancy is above free_up_to
  std::vector<std::pair<std::size_t, float>> changes_;  ///< since keep(): pixel, occupancy before
  std::vector<Candidate> candidates_;
  bool crowded_ = false;
};

}  // namespace

Pathfinder::Pathfinder(const PathfinderSettings& settings) : settings_(settings) {
  const PathfinderSettings& s = settings_;
  const auto require = [](bool holds, std::string_view text) {
    if (!holds) throw Error("pathfinder", text);
  };
  require(s.size >= 1 && s.size <= 4096, fmt::format("size = {} pixels, but 1 to 4096 can be made.", s.size));
  require(s.canvas >= 16 && s.canvas <= 4096, fmt::format("canvas = {} pixels, but 16 to 4096 can be made.", s.canvas));
  require(s.length >= 1 && s.length <= 1000, fmt::format("length = {} paddles, but 1 to 1000 can be made.", s.length));
  require(s.distractors <= 1000, fmt::format("distractors = {}, but at most 1000 can be made.", s.distractors));
  require(s.paddle_length >= 1 && s.paddle_length <= 32,
          fmt::format("paddle_length = {} pixels, but 1 to 32 can be made.", s.paddle_length));
  require(s.thickness > 0 && s.thickness <= 16,
          fmt::format("thickness = {} pixels, but above 0 to 16 can be made.", s.thickness));
  require(s.margin >= 1 && s.margin <= 64, fmt::format("margin = {} pixels, but 1 to 64 can be made.", s.margin));
  require(s.continuity >= 0.5 && s.continuity <= 20,
          fmt::format("continuity = {}, but 0.5 to 20 can be made.", s.continuity));
  require(s.marker_radius > 0 && s.marker_radius <= 256,
          fmt::format("marker_radius = {} pixels, but above 0 to 256 can be made.", s.marker_radius));
  require(s.contrast > 0 && s.contrast <= 1, fmt::format("contrast = {}, but must lie in (0, 1].", s.contrast));
  require(
      2 * std::max(s.padding, 2 * s.seed_distance) < s.canvas,
      fmt::format("canvas = {} pixels, but first paddles keep {} pixels (padding, and twice seed_distance) from every "
                  "border. Make the canvas larger or those smaller.",
                  s.canvas, std::max(s.padding, 2 * s.seed_distance)));
  ground_ = std::make_shared<const Ground>(s);
  try {
    scene(0, 0);
  } catch (const Failure& e) {
    throw Error(e.what());
  }
}

PathfinderScene Pathfinder::scene(std::uint64_t seed, std::uint64_t index) const {
  RandomStream random(seed, "pathfinder", index);
  PathfinderScene scene;
  Composer composer(settings_, *ground_, random);
  std::size_t tries = 0;
  while (!composer.targets(scene.targets))
    if (++tries == target_tries)
      throw Failure(
          fmt::format("pathfinder: length = {} paddles, but no two such contours were found on a canvas of {} "
                      "pixels in {} tries. Make the canvas larger or the contours shorter.",
                      settings_.length, settings_.canvas, target_tries));
  const std::size_t length = std::max<std::size_t>(1, settings_.length / 3);
  for (std::size_t i = 0; i < settings_.distractors && composer.distractor(length, scene.distractors); ++i) {
  }
  scene.marked = random.below(2);
  scene.connected = random.below(2) == 1;
  return scene;
}

namespace {

/// Draws with values that are the larger of what is there and what is drawn.
class Drawing {
 public:
  Drawing(const PathfinderSettings& s, std::span<float> pixels)
      : s_(s),
        raster_{s.size, static_cast<double>(s.canvas) / static_cast<double>(s.size), samples(s)},
        pixels_(pixels) {
    if (pixels.size() != s.size * s.size)
      throw Error("pathfinder", fmt::format("pixels = {}, but an image has {} x {}.", pixels.size(), s.size, s.size));
    std::fill(pixels.begin(), pixels.end(), 0.0f);
  }

  void contour(const Contour& contour) {
    for (const Paddle& paddle : contour) {
      const Stroke stroke(paddle, s_.thickness);
      cover(paddle.tail, paddle.head, s_.thickness, [&](PixelPoint p) { return stroke.distance2(p) == 0; });
    }
  }

  void marker(PixelPoint at) {
    cover(at, at, s_.marker_radius, [&](PixelPoint p) {
      const PixelPoint d = p - at;
      return d.x * d.x + d.y * d.y <= s_.marker_radius * s_.marker_radius;
    });
  }

  /// The whole contrast where a paddle covers at least half of what it covers of any pixel: one that is thinner than a
  /// pixel, or shares two rows evenly, counts too.
  void mark(const Paddle& paddle) {
    const Stroke stroke(paddle, s_.thickness);
    std::vector<std::pair<std::size_t, double>> covered;
    raster_.cover(
        paddle.tail, paddle.head, s_.thickness, [&](PixelPoint p) { return stroke.distance2(p) == 0; },
        [&](std::size_t i, double share) { covered.emplace_back(i, share); });
    double most = 0;
    for (const auto& [i, share] : covered) most = std::max(most, share);
    for (const auto& [i, share] : covered)
      if (share > 0 && share >= most / 2) pixels_[i] = static_cast<float>(s_.contrast);
  }

 private:
  /// At least two samples along a pixel of the canvas, as the published generator draws.
  static std::size_t samples(const PathfinderSettings& s) { return (2 * s.canvas + s.size - 1) / s.size; }

  template <class Inside>
  void cover(PixelPoint a, PixelPoint b, double reach, const Inside& inside) {
    raster_.cover(a, b, reach, inside, [&](std::size_t i, double share) {
      pixels_[i] = std::max(pixels_[i], static_cast<float>(s_.contrast * share));
    });
  }

  const PathfinderSettings& s_;
  Raster raster_;
  std::span<float> pixels_;
};

}  // namespace

void Pathfinder::draw(const PathfinderScene& scene, std::size_t markers, std::span<float> pixels) const {
  Drawing drawing(settings_, pixels);
  for (const Contour& contour : scene.targets) drawing.contour(contour);
  for (const Contour& contour : scene.distractors) drawing.contour(contour);
  if (markers > 0) drawing.marker(scene.first_marker());
  if (markers > 1) drawing.marker(scene.second_marker());
}

void Pathfinder::draw_target(const PathfinderScene& scene, std::span<float> pixels) const {
  Drawing drawing(settings_, pixels);
  for (const Paddle& paddle : scene.targets[scene.marked]) drawing.mark(paddle);
  drawing.marker(scene.first_marker());
  const auto half = static_cast<float>(settings_.contrast / 2);
  for (float& p : pixels) p = p >= half ? 1.0f : 0.0f;
}

}  // namespace striate
