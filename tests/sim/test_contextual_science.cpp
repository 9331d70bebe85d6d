// The experiments of examples/ against an independent implementation in NumPy (validation/reference/contextual.py), whose
// steady states have residuals below 1e-11. Ours stop at rates of 1e-10 per ms, which the circuit's slowest modes turn into
// less than 1e-7 in a response; decoded degrees are 180/(2 pi |vector|) times that.
#include <boost/property_tree/json_parser.hpp>
#include <boost/test/unit_test.hpp>

#include "circuit/compile.hpp"
#include "integrators/integrator.hpp"
#include "io/hdf5.hpp"
#include "sim/experiment.hpp"
#include "sim/run.hpp"
#include "sim/stimulus_drive.hpp"
#include "tests/io/scratch.hpp"

namespace {

using namespace striate;
using boost::property_tree::ptree;

const std::string source = STRIATE_SOURCE_DIR;

const ptree& reference() {
  static const ptree tree = [] {
    ptree t;
    read_json(source + "/validation/reference/contextual.json", t);
    return t;
  }();
  return tree;
}

std::vector<double> numbers(const ptree& tree) {
  std::vector<double> result;
  for (const auto& [key, child] : tree) {
    if (child.empty()) {
      result.push_back(child.get_value<double>());
    } else {
      const auto inner = numbers(child);
      result.insert(result.end(), inner.begin(), inner.end());
    }
  }
  return result;
}
std::vector<double> expected(const std::string& path) { return numbers(reference().get_child(path)); }

/// A recorded analysis of an example.
struct Found {
  std::vector<double> values;
  double r = 0;
};

class Ran {
 public:
  explicit Ran(const std::string& example, const std::vector<std::pair<std::string, std::string>>& overrides = {}) {
    run_experiment(load_experiment(source + "/examples/" + example, overrides), {scratch_.path("run.h5"), true, true, 0, "test"});
  }
  Found analysis(const std::string& name) const {
    const H5File file = H5File::open(scratch_.path("run.h5"));
    Found found{file.read_numbers("/analysis/" + name).values, 0};
    if (const auto r = file.attribute("/analysis/" + name, "r")) found.r = std::get<double>(*r);
    return found;
  }

 private:
  Scratch scratch_;
};

void check_close(const std::vector<double>& values, const std::vector<double>& wanted, double tolerance) {
  BOOST_REQUIRE_EQUAL(values.size(), wanted.size());
  for (std::size_t i = 0; i < values.size(); ++i) BOOST_TEST_CONTEXT("element " << i) BOOST_CHECK_SMALL(values[i] - wanted[i], tolerance);
}

BOOST_AUTO_TEST_CASE(The_tilt_illusion_has_the_reference_s_shifts_and_score) {
  const Found shift = Ran("tilt_illusion.toml").analysis("shift");
  check_close(shift.values, expected("orientation_tilt.shift_deg"), 1e-5);
  BOOST_CHECK_SMALL(shift.r - reference().get<double>("orientation_tilt.r"), 1e-6);
}

BOOST_AUTO_TEST_CASE(Without_the_far_surround_the_tilt_illusion_turns_into_attraction) {
  const Found shift = Ran("tilt_illusion.toml", {{"regime", "no_T"}}).analysis("shift");
  check_close(shift.values, numbers(reference().get_child("lesions").find("T=0")->second.get_child("tilt_shift_deg")), 1e-5);
}

BOOST_AUTO_TEST_CASE(A_surround_across_a_gap_shifts_direction_as_in_the_reference) {
  const Found shift = Ran("direction_surround.toml").analysis("shift");
  check_close(shift.values, expected("direction_center_surround.shift_deg"), 1e-5);
  BOOST_CHECK_SMALL(shift.r - reference().get<double>("direction_center_surround.r"), 1e-6);
}

BOOST_AUTO_TEST_CASE(Size_tuning_has_the_reference_s_responses_and_suppression) {
  const Ran ran("size_tuning.toml", {{"conditions.contrast.values", "[1.0]"}});
  check_close(ran.analysis("response").values, expected("lesions.full.size_response"), 1e-6);
  BOOST_CHECK_SMALL(ran.analysis("suppression").values.back() - reference().get<double>("lesions.full.suppression_index"), 1e-6);
}

BOOST_AUTO_TEST_CASE(Depth_flips_from_attraction_to_repulsion_as_in_the_reference) {
  const Found depth = Ran("depth.toml").analysis("repulsion");
  check_close(depth.values, expected("depth.repulsion"), 1e-5);
  BOOST_CHECK_SMALL(depth.r - reference().get<double>("depth.r"), 1e-4);
}

BOOST_AUTO_TEST_CASE(Stripes_shift_colour_as_in_the_reference) {
  const Ran ran("colour_pattern.toml", {{"conditions.test.values", "[0]"}});
  std::vector<double> wanted = expected("pattern_colour.PL_orange");
  for (const double v : expected("pattern_colour.LP_orange")) wanted.push_back(v);
  wanted.resize(18, 0.0);  // beside itself
  check_close(ran.analysis("shift").values, wanted, 1e-6);
}

BOOST_AUTO_TEST_CASE(A_small_run_follows_the_reference_trajectory_in_time) {
  TomlDocument document = TomlDocument::parse_string(R"(
circuit = "contextual"
regime = "paper"
[settings]
feature = 8
y = 33
x = 33
[stimulus]
scale = "1 deg"
[[stimulus.layer]]
shape = "square"
size = "21 deg"
feature = "-45 deg"
[[stimulus.layer]]
shape = "square"
size = "5 deg"
feature = "0 deg"
[encoder]
kind = "circular"
range = ["-90 deg", "90 deg"]
width = 0.4
normalise = "image"
)", "small.toml");
  const Experiment e = read_experiment(document, "small.toml");
  const System<double> system = compile<double>(e.circuit);
  const Problem problem{system, {}, std::make_shared<const StimulusDrive>(e, system, 0), {}, 0, 300, {}};
  Method method;
  method.name = "dp54";
  method.rtol = 1e-9;
  method.atol = 1e-11;
  const auto times = expected("small_trajectory.t");
  const auto units = expected("small_trajectory.units_y_x_k");
  std::size_t sample = 0;
  Observer observer;
  observer.sample = [&](double, std::span<const double> y) {
    for (const std::string name : {"I", "O"}) {
      const Field& f = system.states().at(name);
      const auto wanted = expected("small_trajectory." + name);
      const std::size_t n = units.size() / 3;
      for (std::size_t u = 0; u < n; ++u) {
        std::size_t at = f.offset;
        for (std::size_t a = 0; a < 3; ++a) {
          const std::string& axis = f.shape[a].name;
          at += f.shape.stride(a) * static_cast<std::size_t>(units[3 * u + (axis == "y" ? 0 : axis == "x" ? 1 : 2)]);
        }
        // The rectifier's kinks hold both solvers to about 1e-7 here.
        BOOST_TEST_CONTEXT(name << " of unit " << u << " at sample " << sample) BOOST_CHECK_SMALL(y[at] - wanted[sample * n + u], 1e-6);
      }
    }
    ++sample;
  };
  solve(problem, method, times, observer);
  BOOST_CHECK_EQUAL(sample, times.size());
}

}  // namespace
