#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <numbers>
#include <numeric>

#include "base/error.hpp"
#include "sim/pathfinder.hpp"

namespace {

using namespace striate;

constexpr double degree = std::numbers::pi / 180;

PathfinderSettings of_length(std::size_t length) {
  PathfinderSettings s;
  s.length = length;
  return s;
}

double distance(PixelPoint a, PixelPoint b) { return std::hypot(a.x - b.x, a.y - b.y); }
double turn(double from, double to) { return std::abs(std::remainder(to - from, 2 * std::numbers::pi)); }

struct Moments {
  double n = 0, sum = 0, squares = 0;
  void add(double v) {
    n += 1;
    sum += v;
    squares += v * v;
  }
  double mean() const { return sum / n; }
  double variance_of_mean() const { return (squares / n - mean() * mean()) / n; }
};

/// Whether two samples may have one mean: within four standard errors, which chance leaves once in 16,000.
bool alike(const Moments& a, const Moments& b) {
  return std::abs(a.mean() - b.mean()) < 4 * std::sqrt(a.variance_of_mean() + b.variance_of_mean());
}

double total(const std::vector<float>& pixels) { return std::accumulate(pixels.begin(), pixels.end(), 0.0); }

BOOST_AUTO_TEST_CASE(A_scene_is_a_pure_function_of_seed_and_index) {
  const Pathfinder pathfinder(of_length(9)), again(of_length(9));
  const PathfinderScene first = pathfinder.scene(3, 5);
  pathfinder.scene(3, 6);
  const PathfinderScene second = again.scene(3, 5);
  std::vector<float> a(150 * 150), b(a), c(a), d(a);
  pathfinder.draw(first, 2, a);
  again.draw(second, 2, b);
  pathfinder.draw(pathfinder.scene(4, 5), 2, c);
  pathfinder.draw(pathfinder.scene(3, 6), 2, d);
  BOOST_TEST(a == b);
  BOOST_TEST(a != c);
  BOOST_TEST(a != d);
}

BOOST_AUTO_TEST_CASE(Contours_have_the_published_numbers_lengths_and_places) {
  for (const std::size_t length : {6, 9, 14}) {
    const Pathfinder pathfinder(of_length(length));
    for (std::uint64_t i = 0; i < 20; ++i) {
      const PathfinderScene scene = pathfinder.scene(1, i);
      BOOST_TEST(scene.targets[0].size() == length);
      BOOST_TEST(scene.targets[1].size() == length);
      BOOST_TEST(scene.distractors.size() <= 15u);
      for (const auto& contour : scene.distractors) BOOST_TEST(contour.size() == length / 3);
      // Ends are rounded up to whole pixels: a point moves by less than sqrt(2), a distance by less than twice that.
      BOOST_TEST(std::abs(distance(scene.targets[0][0].tail, scene.targets[1][0].tail) - 27) < std::sqrt(2.0));
      for (const auto& contour : scene.targets)
        for (const auto& p : contour) BOOST_TEST(std::abs(distance(p.tail, p.head) - 5) < 2 * std::sqrt(2.0));
    }
  }
}

// A turn of 90 deg/1.8 = 50 deg has weight 0. A next head lies within 1 pixel of 8 from the pivot, 3 beyond the last
// head: the gap is 6 pixels when straight, and the rounding of two ends and of the offset move it by at most 4.
BOOST_AUTO_TEST_CASE(Contours_turn_by_less_than_50_degrees_and_leave_gaps_of_6_pixels) {
  const Pathfinder pathfinder(of_length(14));
  Moments gaps;
  for (std::uint64_t i = 0; i < 50; ++i) {
    const PathfinderScene scene = pathfinder.scene(2, i);
    for (const auto& contour : scene.targets)
      for (std::size_t k = 1; k < contour.size(); ++k) {
        BOOST_TEST(turn(contour[k - 1].angle, contour[k].angle) < 50 * degree);
        gaps.add(distance(contour[k - 1].head, contour[k].tail));
        BOOST_TEST(std::abs(distance(contour[k - 1].head, contour[k].tail) - 6) < 4);
      }
  }
  BOOST_TEST(std::abs(gaps.mean() - 6) < 1);
}

// On free ground, which the first turn of the first target has, the weight of a direction is cos(1.8 turn)^2 over the
// whole-pixel points of a circle of radius 8, one for each pixel of its length.
BOOST_AUTO_TEST_CASE(First_turns_have_the_mean_that_their_weights_give) {
  std::vector<std::pair<int, int>> points;
  for (int i = 0; i < 51; ++i) {
    const std::pair<int, int> p(static_cast<int>(8 * std::cos(i / 8.0)), static_cast<int>(8 * std::sin(i / 8.0)));
    if (std::find(points.begin(), points.end(), p) == points.end()) points.push_back(p);
  }
  double expected = 0;
  for (int a = -180; a < 180; ++a) {
    double weights = 0, weighted = 0;
    for (const auto& [x, y] : points) {
      const double t = turn(a * degree, std::atan2(y, x));
      const double w = t < 50 * degree ? std::pow(std::cos(1.8 * t), 2) : 0;
      weights += w;
      weighted += w * t;
    }
    expected += weighted / weights / 360;
  }
  const Pathfinder pathfinder(of_length(2));
  Moments turns;
  for (std::uint64_t i = 0; i < 1000; ++i) {
    const Contour contour = pathfinder.scene(3, i).targets[0];
    turns.add(turn(contour[0].angle, contour[1].angle));
  }
  BOOST_TEST(std::abs(turns.mean() - expected) < 4 * std::sqrt(turns.variance_of_mean()));
}

BOOST_AUTO_TEST_CASE(Labels_are_balanced_and_nothing_but_the_markers_tells_them) {
  const Pathfinder pathfinder(of_length(9));
  Moments label, light[2], distractors[2], reach[2];
  std::vector<float> pixels(150 * 150);
  const std::size_t count = 400;
  for (std::uint64_t i = 0; i < count; ++i) {
    const PathfinderScene scene = pathfinder.scene(4, i);
    label.add(scene.connected);
    pathfinder.draw(scene, 2, pixels);
    light[scene.connected].add(total(pixels));
    distractors[scene.connected].add(static_cast<double>(scene.distractors.size()));
    reach[scene.connected].add(distance(scene.targets[0].front().tail, scene.targets[0].back().head));
  }
  BOOST_TEST(std::abs(label.mean() - 0.5) < 4 * std::sqrt(0.25 / static_cast<double>(count)));
  BOOST_TEST(alike(light[0], light[1]));
  BOOST_TEST(alike(distractors[0], distractors[1]));
  BOOST_TEST(alike(reach[0], reach[1]));
}

BOOST_AUTO_TEST_CASE(Distractors_keep_their_distance_from_targets) {
  const Pathfinder pathfinder(of_length(14));
  for (std::uint64_t i = 0; i < 20; ++i) {
    const PathfinderScene scene = pathfinder.scene(5, i);
    for (std::size_t t = 0; t < 2; ++t)
      for (std::size_t k = 0; k + (t == 0 ? 1 : 0) < scene.targets[t].size(); ++k)
        for (const auto& contour : scene.distractors)
          for (const Paddle& p : contour) {
            const Paddle& q = scene.targets[t][k];
            const PixelPoint ends[2] = {p.tail, p.head}, others[2] = {q.tail, q.head};
            for (const auto a : ends)
              for (const auto b : others) BOOST_TEST(distance(a, b) > 3);
          }
  }
}

BOOST_AUTO_TEST_CASE(Images_of_any_size_show_the_same_light) {
  std::vector<double> light;
  for (const std::size_t size : {300, 150, 75, 64, 37}) {
    PathfinderSettings s = of_length(6);
    s.size = size;
    const Pathfinder pathfinder(s);
    std::vector<float> pixels(size * size);
    pathfinder.draw(pathfinder.scene(6, 0), 2, pixels);
    for (const float p : pixels) BOOST_REQUIRE(p >= 0);
    for (const float p : pixels) BOOST_REQUIRE(p <= 1);
    light.push_back(total(pixels) / static_cast<double>(size * size));
  }
  // Sampling errors at the borders of strokes, and strokes that share a large pixel; 300 pixels have 2 x 2 samples.
  for (const double l : light) BOOST_TEST(l == light.front(), boost::test_tools::tolerance(0.05));
}

BOOST_AUTO_TEST_CASE(Every_dash_of_the_marked_contour_is_in_the_target) {
  for (const std::size_t size : {32u, 64u, 100u, 150u, 300u}) {
    PathfinderSettings s = of_length(6);
    s.size = size;
    const Pathfinder pathfinder(s);
    std::vector<float> target(size * size);
    const double pixel = static_cast<double>(s.canvas) / static_cast<double>(size);
    std::size_t missing = 0;
    for (std::uint64_t image = 0; image < 40; ++image) {
      const PathfinderScene scene = pathfinder.scene(11, image);
      pathfinder.draw_target(scene, target);
      for (const auto& p : scene.targets[scene.marked]) {
        bool found = false;  // within a pixel and the line's half width of the dash's middle
        for (std::size_t i = 0; i < target.size() && !found; ++i) {
          const double y = (static_cast<double>(i / size) + 0.5) * pixel - (p.tail.y + p.head.y) / 2.0;
          const double x = (static_cast<double>(i % size) + 0.5) * pixel - (p.tail.x + p.head.x) / 2.0;
          found = target[i] == 1 && std::hypot(x, y) < pixel + s.thickness;
        }
        missing += found ? 0 : 1;
      }
    }
    BOOST_TEST(missing == 0u, "of 240 dashes on " << size << " pixels");
  }
}

BOOST_AUTO_TEST_CASE(Target_of_segmentation_is_the_marked_contour_and_its_marker) {
  PathfinderSettings s = of_length(9);
  s.size = 300;
  const Pathfinder pathfinder(s);
  const PathfinderScene scene = pathfinder.scene(7, 0);
  std::vector<float> image(300 * 300), target(300 * 300);
  pathfinder.draw(scene, 1, image);
  pathfinder.draw_target(scene, target);
  const auto at = [](const std::vector<float>& pixels, PixelPoint p) {
    return pixels[static_cast<std::size_t>(p.y) * 300 + static_cast<std::size_t>(p.x)];
  };
  const auto middle = [](const Paddle& p) { return PixelPoint{(p.tail.x + p.head.x) / 2, (p.tail.y + p.head.y) / 2}; };
  for (const auto& p : scene.targets[scene.marked]) BOOST_TEST(at(target, middle(p)) == 1);
  for (const auto& contour : scene.distractors)
    for (const auto& p : contour) BOOST_TEST(at(target, middle(p)) == 0);
  for (std::size_t i = 0; i < target.size(); ++i) BOOST_REQUIRE((target[i] == 0 || image[i] >= 0.5f));
  // 9 strokes of 5 x 2 pixels with ends on whole pixels, and a disc of radius 5 that hides one of them.
  BOOST_TEST(total(target) > 8 * 4 * 2 + 70);
  BOOST_TEST(total(target) < 9 * 7 * 3 + 90);
}

BOOST_AUTO_TEST_CASE(Settings_without_an_image_are_refused) {
  const auto message = [](PathfinderSettings s) {
    try {
      const Pathfinder pathfinder(s);
    } catch (const Error& e) {
      return std::string(e.what());
    }
    return std::string("accepted");
  };
  PathfinderSettings small;
  small.canvas = 100;
  BOOST_TEST(message(small).find("canvas = 100 pixels") != std::string::npos);
  PathfinderSettings crowded;
  crowded.canvas = 112;
  crowded.length = 100;
  BOOST_TEST(message(crowded).find("length = 100 paddles") != std::string::npos);
  PathfinderSettings none;
  none.length = 0;
  BOOST_TEST(message(none).find("length = 0") != std::string::npos);
}

}  // namespace
