#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <numbers>

#include "base/error.hpp"
#include "models/library.hpp"
#include "sim/encoder.hpp"
#include "tests/io/scratch.hpp"

namespace {

using namespace striate;

const Unit deg = Unit::parse("deg");

struct Coded {
  std::vector<double> x;
  std::size_t features, places;
  double at(std::size_t feature, std::size_t place) const { return x[feature * places + place]; }  // X[feature, y, x]
};

/// One row of elements, each showing one grating, as X of the contextual circuit.
Coded encode(const std::string& encoder, const std::vector<Component>& row, std::size_t features, double scale = 1,
             std::size_t rows = 1) {
  const Circuit circuit = model("contextual", {{"feature", features}, {"y", rows}, {"x", row.size()}});
  const TomlDocument document = TomlDocument::parse_string("[encoder]\n" + encoder, "e.toml");
  const auto code =
      make_encoder(document.root().table("encoder"), circuit, circuit->inputs[0], FeatureMap{-90, 90, deg});
  Scene scene;
  scene.field = {rows, row.size(), scale};
  for (std::size_t y = 0; y < rows; ++y)
    for (const Component& c : row) scene.elements.push_back({c});
  Coded result{std::vector<double>(features * rows * row.size()), features, rows * row.size()};
  code->encode(scene, result.x);
  return result;
}

Component grating(double feature, double contrast = 1, std::optional<double> frequency = {}) {
  Component c;
  c.feature = feature;
  c.contrast = contrast;
  c.frequency = frequency;
  return c;
}

BOOST_AUTO_TEST_CASE(Circular_channels_have_von_mises_tuning) {
  const Coded code = encode("kind = \"circular\"\nwidth = 0.4", {grating(27)}, 7);
  for (std::size_t k = 0; k < 7; ++k) {
    const double p = static_cast<double>(k) / 6;  // both ends are sampled
    const double u = (27 + 90) / 180.0;
    BOOST_CHECK_CLOSE(code.at(k, 0), std::exp((std::cos(2 * std::numbers::pi * (u - p)) - 1) / 0.16), 1e-10);
  }
}

BOOST_AUTO_TEST_CASE(Gaussian_channels_do_not_wrap_around) {
  const Coded code = encode("kind = \"gaussian\"\nwidth = 0.1", {grating(-90)}, 5);
  for (std::size_t k = 0; k < 5; ++k) {
    const double p = static_cast<double>(k) / 4;
    BOOST_CHECK_CLOSE(code.at(k, 0), std::exp(-p * p / 0.02), 1e-10);
  }
}

BOOST_AUTO_TEST_CASE(Normalising_by_image_keeps_the_ratio_of_two_places_and_by_peak_makes_both_one) {
  const std::vector<Component> row{grating(0), grating(15)};  // of 7 channels one sits on 0 deg and none on 15
  const auto largest = [](const Coded& c, std::size_t place) {
    double m = 0;
    for (std::size_t k = 0; k < c.features; ++k) m = std::max(m, c.at(k, place));
    return m;
  };
  const Coded image = encode("kind = \"circular\"\nwidth = 0.4\nnormalise = \"image\"", row, 7);
  BOOST_CHECK_CLOSE(largest(image, 0), 1, 1e-12);
  BOOST_CHECK_CLOSE(largest(image, 1), std::exp((std::cos(2 * std::numbers::pi / 12) - 1) / 0.16), 1e-10);
  const Coded peak = encode("kind = \"circular\"\nwidth = 0.4\nnormalise = \"peak\"", row, 7);
  BOOST_CHECK_CLOSE(largest(peak, 0), 1, 1e-12);
  BOOST_CHECK_CLOSE(largest(peak, 1), 1, 1e-12);
}

BOOST_AUTO_TEST_CASE(Nothing_is_normalised_by_channels_that_do_not_answer) {
  // 15 deg lies 15 deg from the nearest of 7 channels, 167 standard deviations: exp(-13889) is 0.
  for (const std::string by : {"peak", "image"})
    BOOST_CHECK_EXCEPTION(encode("kind = \"gaussian\"\nwidth = 0.0005\nnormalise = \"" + by + "\"", {grating(15)}, 7),
                          Error, says("e.toml:3", "width", "feature 15"));
}

BOOST_AUTO_TEST_CASE(Contrast_scales_a_population_after_its_normalisation) {
  const Coded full = encode("kind = \"circular\"\nwidth = 0.4\nnormalise = \"peak\"", {grating(15, 1)}, 7);
  const Coded faint = encode("kind = \"circular\"\nwidth = 0.4\nnormalise = \"peak\"", {grating(15, 0.25)}, 7);
  for (std::size_t k = 0; k < 7; ++k) BOOST_CHECK_CLOSE(faint.at(k, 0), 0.25 * full.at(k, 0), 1e-10);
}

BOOST_AUTO_TEST_CASE(A_filter_bank_answers_a_grating_most_and_fully_in_the_channel_of_its_orientation) {
  const std::size_t side = 41;
  const Coded code = encode("kind = \"filter_bank\"\nfrequency = \"1/(1 deg)\"\nsd = \"0.5 deg\"",
                            std::vector<Component>(side, grating(30, 0.8, 1)), 7, 0.1, side);
  const std::size_t centre = side / 2 * side + side / 2;
  std::size_t best = 0;
  for (std::size_t k = 1; k < 7; ++k)
    if (code.at(k, centre) > code.at(best, centre)) best = k;
  BOOST_CHECK_EQUAL(best, 4U);  // -90, -60, ..., 30
  // The pair's energy keeps a ripple of exp(-2 (2 pi f sd)^2) < 1e-8; the window's cut at 3 sd leaves about 1e-3.
  BOOST_CHECK_CLOSE(code.at(4, centre), 0.8, 0.5);
}

/// The grey levels of one row of gratings.
std::vector<double> grey(const std::string& encoder, const std::vector<Component>& row, double scale) {
  const Circuit circuit = model("hgru", {{"y", 1}, {"x", row.size()}, {"orientations", 2}});
  const TomlDocument document = TomlDocument::parse_string("[encoder]\n" + encoder, "e.toml");
  const auto code = make_encoder(document.root().table("encoder"), circuit, circuit->inputs[0], FeatureMap{0, 1, deg});
  Scene scene;
  scene.field = {1, row.size(), scale};
  for (const Component& c : row) scene.elements.push_back({c});
  std::vector<double> levels(row.size());
  code->encode(scene, levels);
  return levels;
}

BOOST_AUTO_TEST_CASE(Luminance_shows_the_gratings_themselves_as_grey_levels) {
  // Four pixels a cycle; the middle of the row is pixel 3. An upright grating varies along x, a level one does not.
  const std::string encoder = "kind = \"luminance\"\nfrequency = \"1 1/deg\"";
  const auto upright = grey(encoder, std::vector<Component>(7, grating(0, 0.8)), 0.25);
  const double expected[] = {0.5, 0.1, 0.5, 0.9, 0.5, 0.1, 0.5};
  for (std::size_t i = 0; i < 7; ++i) BOOST_CHECK_SMALL(upright[i] - expected[i], 1e-12);
  const auto even = grey(encoder, std::vector<Component>(4, grating(0, 1)), 0.25);  // the middle lies between two
  const double root = std::sqrt(0.5), around[] = {-root, root, root, -root};
  for (std::size_t i = 0; i < 4; ++i) BOOST_CHECK_SMALL(2 * even[i] - 1 - around[i], 1e-12);
  for (const double level : grey(encoder, std::vector<Component>(6, grating(90, 0.8)), 0.25))
    BOOST_CHECK_CLOSE(level, 0.9, 1e-10);
  const auto coarse = grey(encoder, std::vector<Component>(5, grating(0, 1, 0.5)), 1);  // its own frequency
  for (std::size_t i = 0; i < 5; ++i) BOOST_CHECK_SMALL(coarse[i] - (i % 2 == 0 ? 1 : 0), 1e-12);
  for (const double level : grey(encoder, std::vector<Component>(5, grating(0, 0.5, 0.0)), 1))  // no cycle at all
    BOOST_CHECK_SMALL(level - 0.75, 1e-12);
  BOOST_CHECK_EXCEPTION(grey(encoder, {grating(0, 1.5)}, 0.25), Error,
                        says("contrast of 1.5", "Lower their contrasts"));
  BOOST_CHECK_EXCEPTION(grey("kind = \"luminance\"\nfrequency = \"0 1/deg\"", {grating(0)}, 1), Error,
                        says("frequency", "above 0"));
}

BOOST_AUTO_TEST_CASE(Encoders_refuse_what_they_cannot_be) {
  BOOST_CHECK_EXCEPTION(encode("kind = \"circulr\"\nwidth = 0.4", {grating(0)}, 7), Error,
                        says("e.toml:2", "circular"));
  BOOST_CHECK_EXCEPTION(encode("kind = \"circular\"\nwidth = 0", {grating(0)}, 7), Error, says("width", "above 0"));
  BOOST_CHECK_EXCEPTION(encode("kind = \"opponent\"", {grating(0)}, 7), Error,
                        says("7 elements", "6 opponent channels"));
}

}  // namespace
