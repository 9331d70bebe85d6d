#include <fmt/format.h>

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <fstream>
#include <map>

#include "base/error.hpp"
#include "circuit/compile.hpp"
#include "circuit/text.hpp"
#include "sim/experiment.hpp"
#include "sim/stimulus.hpp"
#include "sim/stimulus_drive.hpp"
#include "tests/io/scratch.hpp"

namespace {

using namespace striate;

const Unit deg = Unit::parse("deg");

/// What each element of a square field shows of a stimulus written in TOML; '.' for nothing.
std::string shown(const std::string& layers, std::size_t side, const Variables& variables = {}, double scale = 0.5) {
  const TomlDocument document = TomlDocument::parse_string("[stimulus]\n" + layers, "s.toml");
  const Stimulus stimulus(document.root().table("stimulus"), FeatureMap{-40, 40, deg}, "");
  const Scene scene = stimulus.scene({side, side, scale}, 0, variables);
  std::string text;
  for (const auto& element : scene.elements)
    text += element.empty() ? '.' : static_cast<char>('0' + std::lround(element.back().feature));
  return text;
}

BOOST_AUTO_TEST_CASE(An_odd_block_is_centred_and_an_even_one_reaches_further_to_low_indices) {
  BOOST_CHECK_EQUAL(shown("[[stimulus.layer]]\nshape = \"square\"\nsize = \"1.5 deg\"\nfeature = \"1 deg\"", 5),
                    "....."
                    ".111."
                    ".111."
                    ".111."
                    ".....");
  BOOST_CHECK_EQUAL(shown("[[stimulus.layer]]\nshape = \"square\"\nsize = \"1 deg\"\nfeature = \"1 deg\"", 5),
                    "....."
                    ".11.."
                    ".11.."
                    "....."
                    ".....");
}

BOOST_AUTO_TEST_CASE(Dots_that_do_not_show_the_feature_share_the_range_of_the_code) {
  const std::string text = shown(
      "[[stimulus.layer]]\nshape = \"dots\"\nsize = \"20 deg\"\nfeature = \"30 deg\"\ncoherence = 0.5\nseed = 3", 40);
  std::map<char, int> counts;
  for (const char c : text) ++counts[c];
  // 30 deg for half and a tenth of the rest, of 1600; 38, then -34, -26, ... 22 for a twentieth each.
  BOOST_CHECK_EQUAL(counts.size(), 10);
  for (const auto& [c, n] : counts) {
    const double feature = c - '0';
    const double share = feature == 30 ? 0.55 : 0.05;
    BOOST_CHECK(feature >= -40 && feature <= 40 && std::fmod(feature + 50, 8) == 0);
    BOOST_CHECK_SMALL(n - 1600 * share, 5 * std::sqrt(1600 * share * (1 - share)));  // five standard deviations
  }
}

BOOST_AUTO_TEST_CASE(A_later_layer_covers_and_a_feature_that_is_not_a_number_blanks) {
  BOOST_CHECK_EQUAL(shown("[[stimulus.layer]]\nshape = \"full\"\nfeature = \"1 deg\"\n"
                          "[[stimulus.layer]]\nshape = \"square\"\nsize = \"1.5 deg\"\nfeature = nan\n"
                          "[[stimulus.layer]]\nshape = \"square\"\nsize = \"0.5 deg\"\nfeature = \"2 deg\"",
                          5),
                    "11111"
                    "1...1"
                    "1.2.1"
                    "1...1"
                    "11111");
}

BOOST_AUTO_TEST_CASE(Sizes_and_features_are_expressions_of_the_condition) {
  const Variables condition{{"width", {0.5, deg}}};
  BOOST_CHECK_EQUAL(
      shown("[[stimulus.layer]]\nshape = \"square\"\nsize = \"3*width\"\nfeature = \"width + 1.5 deg\"", 5, condition),
      "....."
      ".222."
      ".222."
      ".222."
      ".....");
}

BOOST_AUTO_TEST_CASE(Stripes_alternate_on_both_sides_of_a_gap) {
  // Rows 0 to 3 from the centre: the gap reaches 0, stripes end at 1, 2 and 3; the first and third are shown.
  BOOST_CHECK_EQUAL(shown("[[stimulus.layer]]\nshape = \"stripes\"\nsize = \"3.5 deg\"\ninner = \"0.5 deg\"\ncount = "
                          "3\nfeature = \"1 deg\"",
                          7),
                    "1111111"
                    "......."
                    "1111111"
                    "......."
                    "1111111"
                    "......."
                    "1111111");
}

BOOST_AUTO_TEST_CASE(Edges_that_meet_elements_cover_them_whatever_the_rounding) {
  const auto shape = [](const std::string& text, double turn, double scale) {
    const auto of = [&](double size) { return fmt::format("\"{} deg\"", size * scale); };
    const std::string bar = fmt::format("width = {}\nheight = {}\nangle = \"{} deg\"", of(6), of(2), turn);
    return shown(fmt::format("[[stimulus.layer]]\nfeature = \"1 deg\"\nshape = \"{}\"\n{}", text,
                             text == "disc" ? "size = " + of(6) : bar),
                 9, {}, scale);
  };
  const auto count = [](const std::string& text) { return std::ranges::count(text, '1'); };
  for (const double scale : {1.0, 0.1, 0.2, 0.3, 0.05}) {
    BOOST_TEST(count(shape("disc", 0, scale)) == 29, scale);
    for (const double turn : {0.0, 90.0, 180.0, 270.0, 360.0}) BOOST_TEST(count(shape("bar", turn, scale)) == 21, turn);
  }
}

BOOST_AUTO_TEST_CASE(All_shapes_share_the_middle_of_an_even_grid) {
  const auto shape = [](const std::string& text) {
    return shown("[[stimulus.layer]]\nfeature = \"1 deg\"\nshape = " + text, 4);
  };
  const std::string block =
      "...."
      ".11."
      ".11."
      "....";
  BOOST_CHECK_EQUAL(shape("\"square\"\nsize = \"1 deg\""), block);
  BOOST_CHECK_EQUAL(shape("\"disc\"\nsize = \"1 deg\""), block);
  BOOST_CHECK_EQUAL(shape("\"bar\"\nwidth = \"1 deg\"\nheight = \"1 deg\""), block);
  BOOST_CHECK_EQUAL(shape("\"dots\"\nsize = \"1 deg\""), block);
  // Corners lie 1.06 deg from the middle, other borders 0.79 deg, the middle four 0.35 deg.
  BOOST_CHECK_EQUAL(shape("\"ring\"\nsize = \"2 deg\"\ninner = \"1 deg\""),
                    ".11."
                    "1..1"
                    "1..1"
                    ".11.");
  BOOST_CHECK_EQUAL(shape("\"stripes\"\nsize = \"2 deg\"\ncount = 2"),
                    "...."
                    "1111"
                    "1111"
                    "....");
  // Half an element from the middle lies an element.
  BOOST_CHECK_EQUAL(shape("\"disc\"\nsize = \"0.5 deg\"\ncentre = [\"0.25 deg\", \"-0.75 deg\"]"),
                    "..1."
                    "...."
                    "...."
                    "....");
}

BOOST_AUTO_TEST_CASE(A_place_is_where_the_circuits_coordinates_say) {
  const TomlDocument document = TomlDocument::parse_string(
      "[[stimulus.layer]]\nshape = \"disc\"\nsize = \"0.5 deg\"\nfeature = 0\ncentre = [\"1.5 deg\", \"-0.5 deg\"]\n",
      "s.toml");
  const Stimulus stimulus(document.root().table("stimulus"), {}, "");
  for (const auto& [axes, element] :
       {std::pair{"axis y = 4 in [-1.5, 1.5] deg\naxis x = 6 in [-2.5, 2.5] deg\n", 1 * 6 + 4},
        {"axis y = 4 in [-2.5, 1.5) deg\naxis x = 3 in [0.5, 2.5] deg\n", 2 * 3 + 1}}) {
    const Circuit circuit =
        read_circuit(fmt::format("circuit c\n{}input I[y, x] : 1\ndr/dt = (I - r)/(1 ms) : 1 [y, x]\n", axes));
    const Scene scene = stimulus.scene(visual_field(circuit, {}), 0, {});
    for (std::size_t i = 0; i < scene.elements.size(); ++i)
      BOOST_TEST(scene.elements[i].empty() == (static_cast<int>(i) != element), axes << i);
  }
}

BOOST_AUTO_TEST_CASE(A_contrast_beyond_100_percent_is_refused_with_its_place) {
  BOOST_CHECK_EXCEPTION(shown("[[stimulus.layer]]\nshape = \"full\"\nfeature = \"1 deg\"\ncontrast = 1.5", 3), Error,
                        says("s.toml:5", "contrast", "150 %"));
}

BOOST_AUTO_TEST_CASE(A_misspelt_shape_is_refused_with_the_nearest) {
  BOOST_CHECK_EXCEPTION(shown("[[stimulus.layer]]\nshape = \"squar\"\nfeature = \"1 deg\"", 3), Error,
                        says("squar", "square"));
}

// Samples k*step of a circuit in seconds, beside onsets at the same times in milliseconds.
BOOST_AUTO_TEST_CASE(An_onset_has_come_at_the_sample_that_stands_for_it) {
  Scratch scratch;
  std::ofstream(scratch.path("c.circuit")) << "circuit c\ntime s\naxis y = 1\naxis x = 1\ninput I[y, x] : 1\n"
                                              "dr/dt = I/(1 ms) : 1 [y, x]\n";
  for (int k = 1; k < 60; ++k) {
    TomlDocument document = TomlDocument::parse_string(
        fmt::format(
            "circuit = \"{}\"\n[[stimulus.layer]]\nfeature = 0\nonset = \"{:.1f} ms\"\n[encoder]\nkind = "
            "\"contrast\"\n[run]\nmethod = \"dp54\"\nduration = \"6 ms\"\nevery = \"0.1 ms\"\nrecord = [\"r\"]\n",
            scratch.path("c.circuit"), 0.1 * k),
        "e.toml");
    const Experiment e = read_experiment(document, "e.toml");
    const StimulusDrive drive(e, compile<double>(e.circuit), 0);
    double before = 0, at = 0;
    drive.evaluate(k * 1e-4 - 1e-9, std::span(&before, 1));
    drive.evaluate(k * 1e-4, std::span(&at, 1));
    BOOST_TEST((before == 0 && at == 1), k);
  }
}

}  // namespace
