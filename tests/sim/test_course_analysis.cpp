// Signals and fields made to be known, through the text of an experiment.
#include "sim/course_analysis.hpp"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <numbers>

#include "base/error.hpp"
#include "sim/condition_runner.hpp"
#include "tests/io/scratch.hpp"

using namespace striate;
using std::numbers::pi;

namespace {

/// Two communities of four units with given phases, a sheet with one of three waves, a line, and two related signals.
const char* signals = R"(circuit signals
time ms
axis community = 2
axis unit = 4
axis y = 12
axis x = 16
axis place = 32 in [0, 32) mm circular
axis other = size(unit)
parameter W[unit, other] = 1 1
parameter W_wide[unit, x] = 1 1
parameter k_x = 0.06 1
parameter k_y = 0.03 1
parameter is_target = 0 1
parameter is_rotating = 0 1
clock(0) = 0
runner(0) = 0
drunner/dt = 2*pi*(700 Hz) : 1
dclock/dt = 1/(1 ms) : 1
turns := 0.01*clock "10 Hz"

theta_unit := 2*pi*(turns + index(unit)/4*index(community)) "community 0 in phase, 1 spread out: order 1 and 0"
theta_line := 2*pi*(turns - 3*index(place)/32) "three waves round a ring of 32 mm"
v_line := cos(theta_line)
theta_four := 2*pi*(turns + 0.25*where(index(unit) > 1, 1, 0)) "two pairs a quarter apart"
none := 0*cos(theta_four)

away := sqrt((index(x) - 9)^2 + (index(y) - 4)^2)
plane := k_x*index(x) + k_y*index(y)
round := atan2(index(y) - 5.5, index(x) - 7.5)
theta_sheet := 2*pi*(turns - (1 - is_target)*(1 - is_rotating)*plane - is_target*0.1*away) - is_rotating*round
v_sheet := cos(theta_sheet)
v := 3*cos(2*pi*turns) + cos(4*pi*turns) "10 and 20 Hz, mean squares 4.5 and 0.5"
w := sin(2*pi*turns)
later := sin(2*pi*turns - 1)
beating := 2*pi*turns*where(index(unit) > 1, 1, 3) "10 and 30 Hz: their order beats at 20 Hz"
near_pi := pi + 0.01*cos(2*pi*turns)
rest := 5 + 0*turns "constant: it has no phase"
)";

class Signals {
 public:
  Signals() { std::ofstream(path_) << signals; }

  Experiment read(const std::string& analysis, const std::string& parameters = "") const {
    const std::string text =
        "circuit = \"" + path_ + "\"\n[parameters]\n" + parameters +
        "\n[run]\nmethod = \"dp54\"\nduration = \"1 s\"\nevery = \"2 ms\"\n[[analysis]]\nname = \"a\"\n" + analysis;
    TomlDocument document = TomlDocument::parse_string(text, "e.toml");
    Experiment e = read_experiment(document, "e.toml");
    document.require_all_used();
    return e;
  }

  std::vector<double> result(const std::string& analysis, const std::string& parameters = "") const {
    const Experiment e = read(analysis, parameters);
    return ConditionRunner(e).run(0).analyses.at(0);
  }

  double number(const std::string& analysis, const std::string& parameters = "") const {
    const auto row = result(analysis, parameters);
    BOOST_TEST(row.size() == 1u);
    return row.at(0);
  }

  bool refuses(const std::string& analysis, const std::string& word) const {
    try {
      ConditionRunner runner(read(analysis));
    } catch (const Error& e) {
      const bool told = std::string(e.what()).find(word) != std::string::npos;
      if (!told) BOOST_TEST_MESSAGE(e.what());
      return told;
    }
    return false;
  }

 private:
  Scratch scratch_;
  std::string path_ = scratch_.path("signals.circuit");
};

const std::string angle_of_units = "variable = \"theta_unit\"\nphase = \"angle\"\n";
const std::string on_sheet = "variable = \"theta_sheet\"\nphase = \"angle\"\nspacing = \"0.4 mm\"\n";

}  // namespace

BOOST_FIXTURE_TEST_SUITE(course_analysis, Signals)

BOOST_AUTO_TEST_CASE(order_of_units_in_phase_and_spread_out) {
  // Of four in phase and four round the circle: 1/2. Communities of order 1 and 0 do not change in time.
  BOOST_TEST(number("kind = \"order\"\n" + angle_of_units) == 0.5, boost::test_tools::tolerance(1e-12));
  // In fourths of a turn every fourth moment is in phase.
  BOOST_TEST(number("kind = \"order\"\nmoment = 4\n" + angle_of_units) == 1, boost::test_tools::tolerance(1e-12));
  BOOST_TEST(number("kind = \"metastability\"\naxis = \"community\"\n" + angle_of_units) < 1e-12);
  // The variance of 1 and 0 is 1/2.
  BOOST_TEST(number("kind = \"chimera_index\"\naxis = \"community\"\n" + angle_of_units) == 0.5,
             boost::test_tools::tolerance(1e-12));
  const auto course = result("kind = \"order\"\nagainst = \"t\"\n" + angle_of_units);
  BOOST_TEST(course.size() == 501u);
}

BOOST_AUTO_TEST_CASE(order_over_links_and_neighbours) {
  // Two pairs a quarter turn apart: of 16 links 8 are in phase and 4 a quarter ahead, 4 behind, which cancel: 1/2.
  const std::string four = "variable = \"theta_four\"\nphase = \"angle\"\n";
  BOOST_TEST(number("kind = \"link_order\"\nweights = \"W\"\n" + four) == 0.5, boost::test_tools::tolerance(1e-12));
  // Round the ring neighbours lie 3/32 of a turn apart: (1 + 2 cos(2 pi 3/32))/3.
  const auto local = result("kind = \"local_order\"\nreach = 1\nvariable = \"theta_line\"\nphase = \"angle\"\n");
  BOOST_TEST(local.size() == 32u);
  for (const double r : local)
    BOOST_TEST(r == (1 + 2 * std::cos(2 * pi * 3 / 32)) / 3, boost::test_tools::tolerance(1e-12));
}

BOOST_AUTO_TEST_CASE(phase_envelope_and_frequency_of_a_rhythm_with_whole_periods) {
  // 1000 samples before the last one hold ten periods; the 501st leaves an edge effect of about a hundredth.
  const std::string w = "variable = \"w\"\nphase = \"analytic\"\nover_time = \"mean\"\n";
  BOOST_TEST(number("kind = \"envelope\"\n" + w) == 1, boost::test_tools::tolerance(0.02));
  BOOST_TEST(number("kind = \"frequency\"\n" + w) == 10, boost::test_tools::tolerance(0.01));
  const std::string generalised = "variable = \"v\"\nphase = \"generalised\"\nband = [\"5 Hz\", \"40 Hz\"]\n";
  BOOST_TEST(number("kind = \"frequency\"\nover_time = \"smallest\"\n" + generalised) > 0);
}

BOOST_AUTO_TEST_CASE(a_phase_that_is_a_state_turns_as_often_as_it_does_between_samples) {
  // 1.4 turns a sample of 2 ms: 700 Hz, which angles of samples take for 200 Hz.
  const std::string runner = "variable = \"runner\"\nphase = \"angle\"\n";
  BOOST_TEST(number("kind = \"frequency\"\nover_time = \"mean\"\n" + runner) == 700,
             boost::test_tools::tolerance(1e-9));
  const auto course = result("kind = \"frequency\"\nagainst = \"t\"\n" + runner);
  BOOST_TEST(course.back() == 700, boost::test_tools::tolerance(1e-9));
}

BOOST_AUTO_TEST_CASE(the_frequency_of_a_measure_is_in_hertz) {
  const std::string beat = "kind = \"order\"\nvariable = \"beating\"\nphase = \"angle\"\nover_time = \"frequency\"\n";
  BOOST_TEST(number(beat) == 20, boost::test_tools::tolerance(1e-3));
  BOOST_TEST(number(beat + "scale = 0.001\nunit = \"kHz\"\n") == 0.02, boost::test_tools::tolerance(1e-3));
  BOOST_TEST(read(beat).analyses[0].unit == "Hz");
}

BOOST_AUTO_TEST_CASE(the_mean_of_a_phase_or_direction_is_that_of_angles_and_other_reductions_are_refused) {
  const std::string phase = "kind = \"phase\"\nvariable = \"near_pi\"\nphase = \"angle\"\n";
  BOOST_TEST(std::abs(number(phase + "over_time = \"mean\"\n")) == pi, boost::test_tools::tolerance(1e-4));
  for (const std::string how : {"largest", "smallest", "peak_to_peak", "frequency"}) {
    BOOST_CHECK_THROW(read(phase + "over_time = \"" + how + "\"\n"), Error);
    BOOST_CHECK_THROW(read("kind = \"wave\"\nof = \"direction\"\nover_time = \"" + how + "\"\n" + on_sheet), Error);
  }
}

BOOST_AUTO_TEST_CASE(locking_of_related_signals_is_whole_and_of_a_constant_is_undefined) {
  const std::string w = "kind = \"phase_locking\"\nphase = \"analytic\"\nvariable = \"w\"\n";
  BOOST_TEST(number(w + "with = \"later\"\n") > 0.99);  // one radian apart but for edge effects
  BOOST_TEST(std::isnan(number("kind = \"phase_locking\"\nphase = \"analytic\"\nvariable = \"w\"\nwith = \"rest\"\n")));
  const auto matrix = result("kind = \"phase_locking\"\nvariable = \"theta_four\"\nphase = \"angle\"\n");
  BOOST_TEST(matrix.size() == 16u);
  for (const double value : matrix) BOOST_TEST(value == 1, boost::test_tools::tolerance(1e-12));
}

BOOST_AUTO_TEST_CASE(a_state_without_amplitude_has_no_phase_and_no_order) {
  BOOST_TEST(std::isnan(number("kind = \"order\"\nvariable = \"rest\"\nphase = \"analytic\"\n")));
  for (const double phase : result("kind = \"phase\"\nvariable = \"none\"\nphase = \"analytic\"\n"))
    BOOST_TEST(std::isnan(phase));
}

BOOST_AUTO_TEST_CASE(spectra_hold_the_power_of_two_rhythms_and_their_coherence) {
  const std::string of_v = "variable = \"v\"\nsegment = \"400 ms\"\nfrom = \"0.2 s\"\n";
  const auto power = result("kind = \"spectrum\"\n" + of_v);
  BOOST_TEST(power.size() == 101u);  // 0 to 250 Hz by 2.5 Hz
  double total = 0;
  for (const double density : power) total += 2.5 * density;
  BOOST_TEST(total == 5, boost::test_tools::tolerance(0.01));  // 4.5 and 0.5
  // A Hann window leaks into one bin on either side.
  BOOST_TEST(2.5 * (power[3] + power[4] + power[5]) == 4.5, boost::test_tools::tolerance(0.05));
  const auto coherence = result("kind = \"coherence\"\nwith = \"w\"\n" + of_v);
  BOOST_TEST(coherence[4] == 1, boost::test_tools::tolerance(1e-3));
}

BOOST_AUTO_TEST_CASE(the_ridge_of_the_space_time_spectrum_is_the_waves_speed) {
  const std::string text =
      "kind = \"space_time_spectrum\"\nvariable = \"v_line\"\nfrom = \"2 ms\"\n";  // 500 samples: whole periods
  const Experiment e = read(text);
  const auto row = course_row(e, e.analyses[0]);
  const auto power = ConditionRunner(e).run(0).analyses.at(0);
  const auto at = static_cast<std::size_t>(std::ranges::max_element(power) - power.begin());
  const double f = row[0].values[at / 32], k = row[1].values[at % 32];
  BOOST_TEST(std::abs(f) == 10, boost::test_tools::tolerance(1e-9));
  BOOST_TEST(f / k == 10 / (3.0 / 32), boost::test_tools::tolerance(1e-9));  // mm/s, upwards
  BOOST_TEST(row[1].unit == "1/mm");
}

BOOST_AUTO_TEST_CASE(a_plane_wave_has_its_direction_length_and_speed) {
  const auto of = [&](const std::string& what) {
    return number("kind = \"wave\"\nof = \"" + what + "\"\n" + on_sheet);
  };
  const double k = std::hypot(0.06, 0.03) / 0.4;  // cycles per mm
  BOOST_TEST(of("direction") == std::atan2(0.03, 0.06) * 180 / pi, boost::test_tools::tolerance(1e-9));
  BOOST_TEST(of("directionality") == 1, boost::test_tools::tolerance(1e-9));
  BOOST_TEST(of("wavelength") == 1 / k, boost::test_tools::tolerance(1e-9));
  BOOST_TEST(of("speed") == 10 / k, boost::test_tools::tolerance(1e-6));  // 10 Hz from neighbouring samples
  const Experiment e = read("kind = \"wave\"\nof = \"speed\"\n" + on_sheet);
  BOOST_TEST(e.analyses[0].unit == "mm/s");
  const auto vectors = result("kind = \"wave_vector\"\n" + on_sheet);
  for (std::size_t i = 0; i < vectors.size(); i += 2) {
    BOOST_TEST(vectors[i] == 0.06 / 0.4, boost::test_tools::tolerance(1e-9));
    BOOST_TEST(vectors[i + 1] == 0.03 / 0.4, boost::test_tools::tolerance(1e-9));
  }
}

BOOST_AUTO_TEST_CASE(a_wave_along_a_line_has_a_direction_and_a_speed_too) {
  const std::string line = "variable = \"theta_line\"\nphase = \"angle\"\n";
  BOOST_TEST(number("kind = \"wave\"\nof = \"direction\"\n" + line) == 0, boost::test_tools::tolerance(1e-12));
  BOOST_TEST(number("kind = \"wave\"\nof = \"wavelength\"\n" + line) == 32.0 / 3, boost::test_tools::tolerance(1e-9));
}

BOOST_AUTO_TEST_CASE(sources_and_centres_are_found_and_stand_out_from_shuffles) {
  const auto of = [&](const std::string& what, const std::string& kind) {
    return number("kind = \"wave\"\nof = \"" + what + "\"\n" + on_sheet, kind);
  };
  // A source at column 9 and row 4 of 16 x 12; places count from the middle, 0.4 mm apart.
  BOOST_TEST(of("source_x", "is_target = 1") == 0.4 * (9 - 8), boost::test_tools::tolerance(1e-9));
  BOOST_TEST(of("source_y", "is_target = 1") == 0.4 * (4 - 6), boost::test_tools::tolerance(1e-9));
  BOOST_TEST(of("target", "is_target = 1") > 0.7);
  BOOST_TEST(of("target_p", "is_target = 1") == 1.0 / 201, boost::test_tools::tolerance(1e-9));
  // A centre between the places (7, 5) and (8, 6) is one of the four.
  BOOST_TEST(std::abs(of("centre_x", "is_rotating = 1") - 0.4 * (7.5 - 8)) < 0.21);
  BOOST_TEST(std::abs(of("centre_y", "is_rotating = 1") - 0.4 * (5.5 - 6)) < 0.21);
  BOOST_TEST(of("rotation", "is_rotating = 1") > 0.9);
  BOOST_TEST(of("rotation_p", "is_rotating = 1") == 1.0 / 201, boost::test_tools::tolerance(1e-9));
}

BOOST_AUTO_TEST_CASE(what_does_not_suit_a_measure_is_refused_before_anything_runs) {
  BOOST_TEST(refuses("kind = \"order\"\nvariable = \"v\"\n", "phase = \"angle\""));
  BOOST_TEST(refuses("kind = \"link_order\"\nweights = \"W_wide\"\nvariable = \"theta_four\"\nphase = \"angle\"\n",
                     "4 x 4 is needed"));
  BOOST_TEST(refuses("kind = \"link_order\"\nweights = \"V\"\nvariable = \"theta_four\"\nphase = \"angle\"\n", "W"));
  BOOST_TEST(refuses("kind = \"chimera_index\"\nvariable = \"theta_unit\"\nphase = \"angle\"\n", "communities"));
  BOOST_TEST(refuses("kind = \"wave\"\nof = \"speed\"\nvariable = \"v\"\nphase = \"analytic\"\n", "0 axes"));
  BOOST_TEST(refuses("kind = \"wave\"\nof = \"sped\"\n" + on_sheet, "speed"));
  BOOST_TEST(refuses("kind = \"wave\"\nof = \"source_x\"\nvariable = \"v_line\"\nphase = \"analytic\"\n", "sheet"));
  BOOST_TEST(refuses("kind = \"coherence\"\nvariable = \"v\"\n", "with"));
  BOOST_TEST(refuses("kind = \"coherence\"\nvariable = \"v\"\nwith = \"v_line\"\n", "differ in their axes"));
  BOOST_TEST(refuses("kind = \"spectrum\"\nvariable = \"v\"\nsegment = \"2 s\"\n", "Shorten the segment"));
  BOOST_TEST(refuses("kind = \"spectrum\"\nvariable = \"v\"\nagainst = \"t\"\n", "whole course"));
  BOOST_TEST(
      refuses("kind = \"local_order\"\nreach = 20\nvariable = \"theta_line\"\nphase = \"angle\"\n", "round a ring"));
  BOOST_TEST(
      refuses("kind = \"phase\"\nvariable = \"v\"\nphase = \"analytic\"\nband = [\"5 Hz\", \"400 Hz\"]\n", "250 Hz"));
}

BOOST_AUTO_TEST_SUITE_END()
