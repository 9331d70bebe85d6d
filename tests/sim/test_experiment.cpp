#include "sim/experiment.hpp"

#include <fmt/format.h>

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <fstream>

#include "base/error.hpp"
#include "io/hdf5.hpp"
#include "sim/condition_runner.hpp"
#include "sim/run.hpp"
#include "sim/spike_file.hpp"
#include "tests/io/scratch.hpp"

namespace {

using namespace striate;

Experiment read(const std::string& text, const std::string& path = "e.toml") {
  TomlDocument document = TomlDocument::parse_string(text, path);
  return read_experiment(document, path);
}

/// What an analysis without a row of its own gives in one condition.
double analysed(const Experiment& e, std::size_t condition, std::size_t analysis = 0) {
  return ConditionRunner(e).run(condition).analyses[analysis].at(0);
}

const std::string pair = R"(
circuit = "isn"
[conditions.drive]
values = [0, 2]
unit = "Hz"
[parameters]
h_I = "2*drive + 1 Hz"
w_II = 0.5
)";

const std::string rate_of_I = R"(
[[analysis]]
name = "I"
kind = "response"
variable = "r_I"
)";

/// Rates against the drive of I, for two drives of E, each curve beside its own largest value.
std::string beside_largest(const std::string& drives, const std::string& relation) {
  return R"(
circuit = "isn"
[conditions.I]
values = )" +
         drives + R"(
unit = "Hz"
[conditions.E]
values = [10, 5]
unit = "Hz"
[parameters]
h_E = "E"
h_I = "I"
)" + rate_of_I +
         "against = \"I\"\nrelative_to = \"largest\"\nrelation = \"" + relation + "\"\n";
}

BOOST_AUTO_TEST_SUITE(experiment)

BOOST_AUTO_TEST_CASE(A_parameter_may_be_an_expression_of_the_conditions) {
  const Experiment e = read(pair + rate_of_I);
  // r_I = 0.8 h_E - 0.4 h_I with h_E = 10 Hz, up to the tolerance 1e-10 per ms times the slowest time constant, 20 ms.
  BOOST_CHECK_SMALL(analysed(e, 0) - (8 - 0.4 * 1), 1e-8);
  BOOST_CHECK_SMALL(analysed(e, 1) - (8 - 0.4 * 5), 1e-8);
  BOOST_CHECK_EQUAL(e.analyses[0].unit, "Hz");  // that of the variable
}

BOOST_AUTO_TEST_CASE(A_parameter_that_leaves_its_range_in_some_condition_is_refused_before_anything_runs) {
  const std::string text = R"(
circuit = "isn"
[conditions.slowness]
values = [5, 0]
unit = "ms"
[parameters]
tau_E = "4*slowness"
)";
  BOOST_CHECK_EXCEPTION(read(text), Error,
                        says("tau_E = \"4*slowness\"", "0 ms in condition 1, but must be in (0, inf)"));
}

BOOST_AUTO_TEST_CASE(Elements_of_a_parameter_may_name_condition_variables) {
  const Scratch scratch;
  const std::string circuit = scratch.path("c.circuit");
  std::ofstream(circuit)
      << "circuit c\naxis n = 3\nparameter w[n] = 0 mV in [0, inf)\ndV/dt = (w - V)/(5 ms) : mV [n]\n";
  const std::string text = "circuit = \"" + circuit + "\"\n[conditions.g]\nvalues = [1, 2]\n[parameters]\n";
  const auto steady = ConditionRunner(read(text + "w = [\"g*1 mV\", \"5 mV\", \"2*g*1 mV\"]\n")).run(1).recorded[0];
  const std::vector<double> expected{2, 5, 4};
  for (std::size_t i = 0; i < 3; ++i) BOOST_CHECK_SMALL(steady[i] - expected[i], 1e-9);  // the rate is left at 1e-10
  BOOST_CHECK_EXCEPTION(read(text + "w = [0, 0, \"(1 - g)*1 mV\"]\n"), Error,
                        says("parameters.w[2]", "-1 mV in condition 1", "[0, inf)"));
}

BOOST_AUTO_TEST_CASE(Definitions_cost_memory_only_where_something_reads_them) {
  const Scratch scratch;
  const std::string circuit = scratch.path("c.circuit");
  std::ofstream(circuit) << "circuit c\ntime ms\naxis n = 1000\naxis other = size(n)\nx(0) = index(n)\n"
                            "pairs := tanh(x - rename(x, n, other))\napart := mean(pairs^2, other)\n"
                            "dx/dt = -x/(5 ms) : 1 [n]\n";
  const auto bytes = [&](const std::string& more) {
    return ConditionRunner(
               read("circuit = \"" + circuit + "\"\n[run]\nmethod = \"dp54\"\nduration = \"1 ms\"\n" + more))
        .system()
        .observation_bytes();
  };
  BOOST_CHECK_EQUAL(bytes(""), 0);
  BOOST_CHECK_GT(bytes("record = [\"apart\"]\n"), 8'000'000);
  BOOST_CHECK_GT(bytes("[[analysis]]\nname = \"a\"\nkind = \"tuning\"\nvariable = \"apart\"\naxis = \"n\"\n"),
                 8'000'000);
}

BOOST_AUTO_TEST_CASE(A_course_from_the_steady_state_stays_there) {
  const Experiment e =
      read(pair + "[run]\nmethod = \"dp54\"\nduration = \"50 ms\"\nevery = \"10 ms\"\nstart = \"steady\"\n");
  const auto recorded = ConditionRunner(e).run(1).recorded;  // r_E, r_I at 0, 10, ... 50 ms
  // Started within the absolute tolerance 1e-8 of the rate; the slowest decay, 20 ms, keeps it within 20 times that.
  for (const double r : recorded[1]) BOOST_CHECK_SMALL(r - 6, 2e-7);
  BOOST_CHECK_EQUAL(recorded[1].size(), 6);
}

BOOST_AUTO_TEST_CASE(A_lesion_may_clamp_a_parameter_from_a_time_on) {
  const Experiment e = read(R"(
circuit = "isn"
[[lesion]]
target = "h_I"
clamp = "2 Hz"
from = "10 ms"
[run]
method = "dp54"
tolerance = 1e-9
duration = "500 ms"
every = "10 ms"
start = "steady"
)");
  const std::vector<double> r_I = ConditionRunner(e).run(0).recorded[1];
  // 8 Hz until 10 ms, then towards 8 - 0.4 h_I with a decay of 0.05 per ms: e^-24.5 of the way is left at the end. The
  // step restarts the error control; what it costs is of the order of the tolerance times the swing, and more inside
  // the step that straddles the change.
  BOOST_CHECK_SMALL(r_I[1] - 8, 1e-6);
  BOOST_CHECK_SMALL(r_I.back() - 7.2, 1e-7);
  BOOST_CHECK_EXCEPTION(read("circuit = \"isn\"\n[[lesion]]\ntarget = \"h_i\"\n"), Error,
                        says("lesion[0].target", "'h_i'"));
  const std::string late =
      "circuit = \"isn\"\n[[lesion]]\ntarget = \"h_I\"\nfrom = \"{} ms\"\n[run]\nmethod = \"dp54\"\n";
  for (const double from : {50.0, 60.0})
    BOOST_CHECK_EXCEPTION(read(fmt::format(fmt::runtime(late), from) + "duration = \"50 ms\"\n"), Error,
                          says("lesion[0].from", "the run ends before"));
}

BOOST_AUTO_TEST_CASE(A_feature_lies_within_half_a_spacing_of_its_axis) {
  const Scratch scratch;
  const auto at = [&](const std::string& axis, double feature) {
    std::ofstream(scratch.path("at.circuit")) << "circuit at\naxis f = 4 in " << axis << R"(
dr/dt = (coordinate(f) - r)/(1 ms) : deg [f]
)";
    return analysed(read(fmt::format("circuit = \"at.circuit\"\n[[analysis]]\nname = \"a\"\nkind = \"response\"\n"
                                     "variable = \"r\"\naxis = \"f\"\nfeature = \"{} deg\"\n",
                                     feature),
                         scratch.path("e.toml")),
                    0);
  };
  // Elements at -3, -1, 1 and 3 deg.
  BOOST_CHECK_CLOSE(at("[-3, 3] deg", 3.9), 3, 1e-9);
  BOOST_CHECK_CLOSE(at("[-3, 3] deg", 4), 3, 1e-9);
  BOOST_CHECK_CLOSE(at("[-3, 3] deg", -4), -3, 1e-9);
  for (const double feature : {4.1, -4.1, 400.0})
    BOOST_CHECK_EXCEPTION(at("[-3, 3] deg", feature), Error, says("analysis[0].feature", "from -3 deg to 3 deg"));
  // Round a circle -3, -1.5, 0 and 1.5 deg, and again from 3 deg on.
  BOOST_CHECK_CLOSE(at("[-3, 3) deg circular", 4.4), -1.5, 1e-9);
}

BOOST_AUTO_TEST_CASE(What_has_a_meaning_only_beside_another_key_says_beside_which) {
  const std::string run = "[run]\nmethod = \"dp54\"\nduration = \"50 ms\"\n";
  for (const auto& [line, needed] : {std::pair("relation = \"ratio\"", "relative_to"),
                                     {"relative_to = {}", "names no condition variable"},
                                     {"from = \"1 ms\"", "over_time"},
                                     {"against = \"t\"\nfrom = \"1 ms\"", "the whole course"}})
    BOOST_CHECK_EXCEPTION(read(pair + run + rate_of_I + line), Error, says("analysis[0].", needed));
  BOOST_CHECK_EXCEPTION(read("circuit = \"chimera_reduced\"\n[continuation]\nparameter = \"A\"\nfrom = 0.1\nto = 0.4\n"
                             "angles = [\"psi\"]\n"),
                        Error, says("continuation.angles", "start = \"cycle\""));
  BOOST_CHECK_EXCEPTION(read(pair + "w_EE = true\n"), Error, says("parameters.w_EE", "a string with its unit"));
}

BOOST_AUTO_TEST_CASE(A_lesion_reaches_events_and_the_recurrence_through_definitions) {
  const Scratch scratch;
  const std::string circuit = scratch.path("c.circuit");
  const auto last = [&](const std::string& text, const std::string& lesion) {
    std::ofstream(circuit) << text;
    const Experiment e = read("circuit = \"" + circuit + "\"\n[[lesion]]\n" + lesion +
                              "\n[run]\nmethod = \"dp54\"\nduration = \"100 ms\"\ntolerance = 1e-9\n");
    return ConditionRunner(e).run(0).recorded[0].back();
  };
  // The rate settles at drive/(1 - w) of what is left of w; e^-10 of the way is left after 100 ms at most.
  const std::string layer =
      "circuit layer\nparameter w = 0.5 1\nrecurrent := w*r\ndr/dt = (recurrent + 1 - r)/(5 ms) : 1\n";
  BOOST_CHECK_SMALL(last(layer, "target = \"r\"\nscale = 0") - 1, 1e-4);
  BOOST_CHECK_SMALL(last(layer, "target = \"r\"\nclamp = 4") - 3, 1e-4);
  BOOST_CHECK_SMALL(last(layer, "target = \"r\"\nscale = 1") - 2, 1e-4);
  // Names of the state, and of minus it, leave the state's own decay as it is; e^-2 of it is left.
  for (const char* alias : {"", "x := a\n", "x := -a\n", "x := 1*a + 0\n"})
    BOOST_CHECK_SMALL(last(std::string("circuit fading\na(0) = 1\n") + alias +
                               "da/dt = -a/(50 ms) : 1\ndb/dt = (a - b)/(50 ms) : 1\n",
                           "target = \"a\"\nscale = 0.5") -
                          std::exp(-2.0),
                      1e-7);
  BOOST_CHECK_EXCEPTION(last("circuit lone\ndr/dt = (1 - r)/(5 ms) : 1\n", "target = \"r\""), Error,
                        says("lesion of 'r'", "nothing would change"));
  // n counts the crossings of a rising x of 1 a ms: one every threshold.
  const std::string counter =
      "circuit counter\nparameter high = 10 1\ndn/dt = 0 : 1\ndx/dt = 1/(1 ms) : 1\n"
      "event e when x > high: x = 0, n = n + 1\n";
  BOOST_CHECK_EQUAL(last(counter, "target = \"high\"\nclamp = 15"), 6);
  // Of a state, the guard and the jumps of others see the lesion, but not what is assigned to the state itself.
  BOOST_CHECK_EQUAL(last(counter, "target = \"x\"\nscale = 0.5"), 5);
  const std::string stairs =
      "circuit stairs\ndn/dt = 0 : 1\ndz/dt = 0 : 1\ndx/dt = 1/(1 ms) : 1\n"
      "event e when x > 9.5: x = 0, z = z + 3, n = n + z\n";
  BOOST_CHECK_EQUAL(last(stairs, "target = \"z\"\nscale = 1"), 135);
  BOOST_CHECK_EQUAL(last(stairs, "target = \"z\"\nscale = 0.5"), 67.5);
  BOOST_CHECK_EXCEPTION(last(stairs, "target = \"n\""), Error, says("lesion of 'n'", "nothing would change"));
}

BOOST_AUTO_TEST_CASE(A_lesion_reaches_the_parts_of_what_is_complex_but_nothing_that_only_looks_like_its_target) {
  const Scratch scratch;
  const std::string circuit = scratch.path("c.circuit");
  const auto last = [&](const std::string& text, const std::string& lesion) {
    std::ofstream(circuit) << "circuit c\n" << text;
    const Experiment e =
        read("circuit = \"" + circuit + "\"\n[[lesion]]\n" + lesion +
             "\n[run]\nmethod = \"dp54\"\nduration = \"10 ms\"\ntolerance = 1e-10\nrecord = [\"u\"]\n");
    return ConditionRunner(e).run(0).recorded[0].back();
  };
  // z turns with |z| = 1; u follows |2 z|^2 = 4 of it.
  const std::string turning =
      "z(0) = polar(1, 0)\nu(0) = 0\nw := 2*z\nw2 := abs2(w*polar(1, 0.5))\ndz/dt = i*z/(10 ms) : complex 1\n"
      "du/dt = (w2 - u)/(10 ms) : 1\n";
  const double follows = 1 - std::exp(-1.0);
  BOOST_CHECK_SMALL(last(turning, "target = \"w\"\nscale = 0.5") - follows, 1e-8);
  BOOST_CHECK_SMALL(last(turning, "target = \"w\"\nclamp = 3") - 9 * follows, 1e-8);
  BOOST_CHECK_SMALL(last(turning, "target = \"z\"\nscale = 0.5") - follows, 1e-8);
  BOOST_CHECK_SMALL(last(turning, "target = \"z\"\nscale = 1") - 4 * follows, 1e-8);
  BOOST_CHECK_EXCEPTION(last(turning + "mirror := conj(z)\n", "target = \"mirror\""), Error,
                        says("lesion of 'mirror'", "'z_re' itself"));
  const std::string alike =
      "parameter g = 4 1\nx(0) = 1\nu(0) = 0\none := g*x\nother := g*x\nname := x\nnumber := 2\n"
      "dx/dt = -number*x/(10 ms) : 1\ndu/dt = (one - u + other)/(10 ms) : 1\n";
  BOOST_CHECK_EXCEPTION(last(alike, "target = \"one\""), Error, says("lesion of 'one'", "same expression as 'other'"));
  BOOST_CHECK_EXCEPTION(last(alike, "target = \"name\""), Error, says("lesion of 'name'", "another name of 'x'"));
  BOOST_CHECK_EXCEPTION(last(alike, "target = \"number\""), Error, says("lesion of 'number'", "it is a number"));
}

BOOST_AUTO_TEST_CASE(A_lesion_reaches_what_synapses_read_but_not_from_a_time_on) {
  const Scratch scratch;
  const std::string circuit = scratch.path("c.circuit");
  std::ofstream(circuit) << "circuit pair\naxis n = 1\nparameter w = 2 1\nparameter hold_time = 1 ms\nz(0) = 3\n"
                            "dg/dt = 0 : 1 [n]\ndz/dt = 0 : 1 [n]\ndx/dt = 1/(1 ms) : 1 [n]\n"
                            "event e when x > 9.5: x = 0, hold x for hold_time\n"
                            "projection p from e to n: one_to_one after 1 ms: g += w*pre(z)\n";
  const auto lesioned = [&](const std::string& lesion) {
    return read("circuit = \"" + circuit + "\"\n[[lesion]]\n" + lesion +
                "\n[run]\nmethod = \"dp54\"\nduration = \"12 ms\"\ntolerance = 1e-9\n");
  };
  const auto last = [&](const std::string& lesion) {
    return ConditionRunner(lesioned(lesion)).run(0).recorded[0].back();
  };
  BOOST_CHECK_EQUAL(last("target = \"z\"\nscale = 1"), 6);
  BOOST_CHECK_EQUAL(last("target = \"z\"\nclamp = 5"), 10);
  BOOST_CHECK_EQUAL(last("target = \"w\"\nscale = 0.5"), 3);
  for (const char* target : {"z", "w"})
    BOOST_CHECK_EXCEPTION(lesioned("target = \"" + std::string(target) + "\"\nfrom = \"3 ms\""), Error,
                          says("lesion of '" + std::string(target) + "'", "an amount of projection 'p'"));
  BOOST_CHECK_EXCEPTION(lesioned("target = \"hold_time\"\nfrom = \"3 ms\""), Error,
                        says("lesion of 'hold_time'", "how long event 'e' holds"));
}

BOOST_AUTO_TEST_CASE(What_values_stand_for_is_written_with_them) {
  const Scratch scratch;
  const std::string text =
      "circuit = \"isn\"\n[conditions.drive]\nvalues = [0, 1]\nunit = \"mV\"\nlabels = [\"none\", \"more of it\"]\n"
      "[[analysis]]\nname = \"rate\"\nkind = \"response\"\nvariable = \"r_E\"\nonly = { drive = 1 }\n";
  const std::string output = scratch.path("out.h5");
  run_experiment(read(text), {output, false, true, 1, ""});
  const H5File file = H5File::open(output);
  BOOST_CHECK_EQUAL(std::get<std::string>(*file.attribute("/drive", "flag_meanings")), "none more_of_it");
  BOOST_CHECK_EQUAL(std::get<std::string>(*file.attribute("/analysis/rate", "only")), "drive 1 mV");
  BOOST_CHECK_EXCEPTION(read("circuit = \"isn\"\n[conditions.drive]\nvalues = [0, 1]\nlabels = [\"none\"]\n"), Error,
                        says("conditions.drive.labels", "2 values"));
}

BOOST_AUTO_TEST_CASE(A_course_in_time_becomes_one_number) {
  // The unit's settled cycle of 39.4744149802359 ms (DOP853 at 1e-12); passages are interpolated between points 0.1 ms
  // apart with errors far below 1e-3 ms over the 20 cycles.
  const Experiment e = read(R"(
circuit = "fitzhugh_nagumo"
[run]
method = "dp54"
tolerance = 1e-8
duration = "1 s"
every = "0.1 ms"
record = []
[[analysis]]
name = "rate"
kind = "response"
variable = "v"
over_time = "frequency"
from = "200 ms"
)");
  BOOST_CHECK_CLOSE(analysed(e, 0), 1000 / 39.4744149802359, 1e-3);
  BOOST_CHECK_EQUAL(e.analyses[0].unit, "Hz");
}

BOOST_AUTO_TEST_CASE(A_rhythm_faster_than_the_recorded_times_has_its_own_frequency) {
  // 25.333 cycles a second recorded ten times a second look like 4.667 or less; steps of a grid are taken many at once.
  for (const char* method :
       {"method = \"dp54\"\ntolerance = 1e-8", "method = \"rk4\"\nstep = \"0.1 ms\"\nspikes = \"grid\""}) {
    const Experiment e = read(fmt::format(R"(
circuit = "fitzhugh_nagumo"
[run]
{}
duration = "1 s"
every = "100 ms"
record = []
[[analysis]]
name = "rate"
kind = "response"
variable = "v"
over_time = "frequency"
from = "200 ms"
scale = 60
unit = "1/min"
)",
                                          method));
    BOOST_CHECK_CLOSE(analysed(e, 0), 60 * 1000 / 39.4744149802359, 0.1);
  }
}

BOOST_AUTO_TEST_CASE(Any_axis_of_a_circuit_can_be_read_and_decoded_in_its_own_unit) {
  const std::string ring = "circuit = \"ssn_ring\"\nregime = \"weak\"\n[parameters]\ntheta_1 = \"30 deg\"\n";
  const std::string drive = "[[analysis]]\nname = \"d\"\nvariable = \"h\"\naxis = \"orientation\"\n";
  // The drive of one grating of contrast 1.25 is 1.25 exp(-(d/30)^2/2), d degrees from it, and symmetric around it but
  // for the element at d = -90, which has no partner: exp(-4.5) of the peak, in rounding's reach of the vector sum.
  BOOST_CHECK_CLOSE(analysed(read(ring + drive + "kind = \"response\"\nfeature = \"30 deg\""), 0), 1.25, 1e-12);
  BOOST_CHECK_CLOSE(analysed(read(ring + drive + "kind = \"response\"\nfeature = \"90 deg\""), 0), 1.25 * std::exp(-2),
                    1e-10);
  const Experiment decoding = read(ring + drive + "kind = \"decode\"");
  BOOST_CHECK_CLOSE(analysed(decoding, 0), 30, 1e-9);
  BOOST_CHECK_EQUAL(decoding.analyses[0].unit, "deg");
}

BOOST_AUTO_TEST_CASE(A_response_of_many_elements_needs_a_place) {
  const std::string text =
      "circuit = \"ssn_ring\"\n[[analysis]]\nname = \"d\"\nvariable = \"h\"\nkind = \"response\"\n";
  BOOST_CHECK_EXCEPTION(analysed(read(text + "axis = \"orientation\""), 0), Error, says("180 elements"));
  BOOST_CHECK_EXCEPTION(analysed(read(text), 0), Error, says("axis = \"orientation\""));
  BOOST_CHECK_EXCEPTION(read(text + "axis = \"orientaton\""), Error, says("Closest: orientation"));
}

BOOST_AUTO_TEST_CASE(A_map_that_sees_pixels_is_decoded_by_a_trained_reader_of_one_of_its_places) {
  const Scratch scratch;
  std::ofstream(scratch.path("energy.circuit"))
      << R"(circuit energy "Gabor energies of an image, twice as large at the second place"
time 1
axis k = 8
axis place = 2
axis y = 17
axis x = 17
input image[y, x] : 1
down := index(y) - 8
across := index(x) - 8
wave := pi/2*(across*cos(pi/8*index(k)) + down*sin(pi/8*index(k)))
shown := (image - 0.5)*exp(-(down^2 + across^2)/8)
h(0) = 0
next(h) = (index(place) + 1)*(sum(shown*cos(wave), y, x)^2 + sum(shown*sin(wave), y, x)^2) : 1 [k, place]
)";
  const std::string layer = "shape = \"full\"\nfeature = \"theta\"\nphase = \"phase\"\n";
  const std::string text = R"(
circuit = "energy.circuit"
[conditions.theta]
values = [-60, 80, -100]
unit = "deg"
[conditions.phase]
values = [40]
unit = "deg"
[stimulus]
[[stimulus.layer]]
)" + layer + R"(
[encoder]
kind = "luminance"
frequency = "0.25 1/deg"
[run]
method = "iterate"
duration = 1
[training]
target = "theta"
period = "180 deg"
ridge = 1e-6
[training.conditions.theta]
from = -80
to = 90
count = 18
unit = "deg"
[training.conditions.phase]
values = [0, 90]
unit = "deg"
[training.stimulus]
[[training.stimulus.layer]]
)" + layer + "[[analysis]]\nname = \"a\"\nkind = \"decode\"\ndecoder = \"trained\"\nvariable = \"h\"\naxis = \"k\"\n";
  const std::string path = scratch.path("e.toml");
  const Experiment e = read(text + "at = { place = 1 }\n", path);
  // Energies of 8 orientations carry cos 2 theta and sin 2 theta within a degree; phase does not matter to them but for
  // the window's edge. A grating at -100 deg is the one at 80 deg.
  BOOST_CHECK_SMALL(analysed(e, 0) + 60, 2.0);
  BOOST_CHECK_SMALL(analysed(e, 1) - 80, 2.0);
  BOOST_CHECK_SMALL(analysed(e, 2) - analysed(e, 1), 1e-6);
  BOOST_CHECK_EXCEPTION(analysed(read(text, path), 0), Error, says("axis 'place'", "at = { place = ... }"));
  BOOST_CHECK_EXCEPTION(read(text + "at = { place = 2 }\n", path), Error, says("place", "from 0 to 1"));
  BOOST_CHECK_EXCEPTION(read(text + "at = { plaec = 1 }\n", path), Error, says("plaec", "no other axis"));
}

BOOST_AUTO_TEST_CASE(A_place_is_read_and_lesioned_where_the_coordinates_say) {
  const Scratch scratch;
  std::ofstream(scratch.path("at.circuit")) << R"(circuit at
axis y = 6 in [-2.5, 2.5] deg
axis x = 6 in [0, 5] deg
there := coordinate(x) + 100*coordinate(y)
dr/dt = (there - r)/(1 ms) : deg [y, x]
)";
  const std::string text =
      "circuit = \"at.circuit\"\n[[analysis]]\nname = \"a\"\nkind = \"response\"\nvariable = \"r\"\n";
  const auto at = [&](const std::string& place, const std::string& lesion = "") {
    return analysed(read(text + place + lesion, scratch.path("e.toml")), 0);
  };
  const std::string lesion = "\n[[lesion]]\ntarget = \"there\"\npatch = \"2 deg\"\ncentre = [\"2.5 deg\", \"0 deg\"]\n";
  for (const double y : {-2.5, -0.5, 0.5, 2.5})
    for (const double x : {0.0, 1.0, 2.0, 3.0, 5.0}) {
      const std::string place = fmt::format("at = [\"{} deg\", \"{} deg\"]", x, y);
      BOOST_CHECK_CLOSE(at(place) + 1000, x + 100 * y + 1000, 1e-9);
      const bool inside = std::abs(y) < 1 && std::abs(x - 2.5) < 1;
      BOOST_CHECK_CLOSE(at(place, lesion) + 1000, (inside ? 0 : x + 100 * y) + 1000, 1e-9);
    }
  BOOST_CHECK_CLOSE(at(""), 3 + 100 * 0.5, 1e-9);  // of the four round the middle
  const std::string head = "\n[[lesion]]\ntarget = \"there\"\ncentre = ";
  BOOST_CHECK_EXCEPTION(at("", head + "[\"2.5 deg\", \"0 deg\"]"), Error, says("lesion[0].centre", "`patch`"));
  BOOST_CHECK_EXCEPTION(at("", head + "[\"20 deg\", \"0 deg\"]\npatch = \"3 deg\""), Error,
                        says("lesion of 'there'", "covers no element of the grid of 6 x 6"));
  BOOST_CHECK_EXCEPTION(at("at = [\"5.6 deg\", \"0 deg\"]"), Error, says("outside", "'x'"));
}

const std::string relay = R"(circuit relay
axis f = 12 circular
axis y = 1
axis x = 1
input I[f, y, x] : 1
parameter slope = 0 1
dr/dt = (I*(1 + slope*index(f)) - r)/(1 ms) : 1 [f, y, x]
)";

/// An orientation decoded from what relays the code of `theta` and a weaker one 30 deg on, for two contrasts of that.
std::string decoded(const std::string& values, const std::string& more) {
  return R"(
circuit = "relay.circuit"
[conditions.theta]
values = )" +
         values + R"(
unit = "deg"
[conditions.other]
values = [0, 0.4]
[stimulus]
[[stimulus.layer]]
components = [{ feature = "theta", contrast = 0.5 }, { feature = "theta + 30 deg", contrast = "other" }]
[encoder]
kind = "circular"
axis = "f"
range = ["-90 deg", "90 deg"]
width = "20 deg"
[[analysis]]
name = "a"
kind = "decode"
variable = "r"
)" + more;
}

BOOST_AUTO_TEST_CASE(Angles_are_averaged_as_directions_and_their_differences_as_numbers) {
  const Scratch scratch;
  std::ofstream(scratch.path("relay.circuit")) << relay;
  const std::string path = scratch.path("e.toml");
  const Experiment e = read(decoded("[70, 80, 115]", "average_over = [\"theta\", \"other\"]\n"), path);
  AnalysisResult raw = unknown_result(e, e.analyses[0]);
  raw.values = {70, 75, 80, 85, -65, -60};  // [theta, other]; -65 deg is the orientation of 115 deg
  double along = 0, across = 0;
  for (const double angle : {70.0, 75.0, 80.0, 85.0, 115.0, 120.0}) {
    along += std::cos(angle * std::acos(-1) / 90);
    across += std::sin(angle * std::acos(-1) / 90);
  }
  const double mean = std::atan2(across, along) * 90 / std::acos(-1);
  BOOST_TEST(mean > 80);  // the mean of the numbers is 31
  BOOST_CHECK_CLOSE(related_result(e, e.analyses[0], raw).values.at(0), mean, 1e-10);

  const Experiment shift = read(decoded("[70, 80]", "relative_to = { other = 0 }\naverage_over = [\"theta\"]\n"), path);
  AnalysisResult shifted = unknown_result(shift, shift.analyses[0]);
  shifted.values = {70, 72, 89, -84};  // shifts of 2 and 7 deg
  BOOST_CHECK_CLOSE(related_result(shift, shift.analyses[0], shifted).values.at(1), 4.5, 1e-10);
}

BOOST_AUTO_TEST_CASE(What_a_circular_encoder_feeds_is_an_angle_along_any_axis) {
  const Scratch scratch;
  const std::string path = scratch.path("e.toml");
  std::ofstream(scratch.path("relay.circuit")) << std::string(relay).replace(relay.find(" circular"), 9, "");
  // At the border of the range a slope moves the decoded orientation a little, to either side.
  for (const double slope : {-0.01, 0.01}) {
    const Experiment e =
        read(decoded("[90]", fmt::format("relative_to = \"input\"\n[parameters]\nslope = {}\n", slope)), path);
    const double shift = analysed(e, 0);
    BOOST_TEST((std::abs(shift) > 0.01 && std::abs(shift) < 5), shift);
  }
  const Experiment e = read(decoded("[-80, 80]", "relative_to = { theta = 80 }\n"), path);
  AnalysisResult raw = unknown_result(e, e.analyses[0]);
  BOOST_REQUIRE(raw.angles);
  raw.values = {-80, -80, 80, 80};
  BOOST_CHECK_CLOSE(related_result(e, e.analyses[0], raw).values.at(0), 20, 1e-10);
}

BOOST_AUTO_TEST_CASE(Each_curve_can_be_set_beside_its_own_largest_value) {
  const Scratch scratch;
  const std::string text = beside_largest("[0, 5, 10]", "suppression");
  const std::string output = scratch.path("out.h5");
  run_experiment(read(text), {output, false, true, 1, ""});
  const auto found = H5File::open(output).read_numbers("/analysis/I").values;
  // r_I = 0.8 h_E - 0.4 h_I: 8 6 4 at h_E = 10 and 4 2 0 at h_E = 5, beside 8 and 4.
  const std::vector<double> expected{0, 0, 0.25, 0.5, 0.5, 1};
  BOOST_REQUIRE_EQUAL(found.size(), expected.size());
  for (std::size_t i = 0; i < found.size(); ++i) BOOST_CHECK_SMALL(found[i] - expected[i], 1e-8);
}

// A result with a number for each of three elements: each has a curve, and a largest value, of its own.
BOOST_AUTO_TEST_CASE(Each_element_has_its_own_largest_value) {
  const Experiment e = read(beside_largest("[0, 5]", "ratio"));
  AnalysisResult raw;
  raw.conditions = e.conditions;
  raw.width = 3;
  raw.values = {1, 10, 100, 4, 40, 400, 2, 5, 1000, 2, 80, 100};  // [I, E, element]
  const std::vector<double> expected{0.5, 1, 0.1, 1, 0.5, 1, 1, 0.5, 1, 0.5, 1, 0.25};
  const auto found = related_result(e, e.analyses[0], raw).values;
  BOOST_TEST(found == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(Data_in_arbitrary_units_are_compared_after_one_factor_for_all_panels) {
  const Scratch scratch;
  const std::string data = scratch.path("data.csv");
  // The steady r_I = 8 - 0.4 h_I at h_I = 0, 5, 10 and h_E = 10, then less 4 at h_E = 5: twice that, but one point off
  // by 3.
  std::ofstream(data) << "E,I,y\n10,0,16\n10,5,12\n10,10,8\n5,0,8\n5,5,4\n5,10,3\n";
  const std::string text = R"(
circuit = "isn"
[conditions.E]
values = [10, 5]
unit = "Hz"
[conditions.I]
values = [0, 5, 10]
unit = "Hz"
[parameters]
h_E = "E"
h_I = "I"
)" + rate_of_I + "[analysis.compare]\nfile = \"" +
                           data + "\"\nx = \"I\"\ny = \"y\"\nmatch = { E = \"E\" }\nfit_amplitude = true\n";
  const std::string output = scratch.path("out.h5");
  run_experiment(read(text), {output, false, true, 1, ""});
  const H5File file = H5File::open(output);
  const auto score = [&](const std::string& name) { return std::get<double>(*file.attribute("/analysis/I", name)); };
  // Model m = 8 6 4 4 2 0, data d = 2 m but for 3 at m = 0, which leaves the factor sum(m d)/sum(m^2) at 2 and adds 9
  // to the squared error. r is 1 in the first panel and, for (4 2 0, 8 4 3), 10/sqrt(8 * 14) in the second.
  BOOST_CHECK_CLOSE(score("amplitude"), 2, 1e-6);
  BOOST_CHECK_CLOSE(score("rms"), std::sqrt(9.0 / 6), 1e-6);
  BOOST_CHECK_CLOSE(score("r"), (1 + 10 / std::sqrt(8.0 * 14)) / 2, 1e-6);
}

BOOST_AUTO_TEST_CASE(Data_may_lie_between_conditions_in_any_order) {
  const Scratch scratch;
  const std::string data = scratch.path("data.csv");
  std::ofstream(data) << "I,y\n1,7.6\n9,4.4\n4,6.4\n";  // on the line 8 - 0.4 h_I of the steady states
  for (const char* values : {"[0, 5, 10]", "[10, 5, 0]", "[5, 10, 0]"}) {
    const std::string output = scratch.path("out.h5");
    run_experiment(read(fmt::format(
                       "circuit = \"isn\"\n[conditions.I]\nvalues = {}\nunit = \"Hz\"\n[parameters]\nh_E = \"10 Hz\"\n"
                       "h_I = \"I\"\n{}[analysis.compare]\nfile = \"{}\"\nx = \"I\"\ny = \"y\"\n",
                       values, rate_of_I, data)),
                   {output, true, true, 1, ""});
    const H5File file = H5File::open(output);
    BOOST_TEST(std::get<double>(*file.attribute("/analysis/I", "rms")) < 1e-6, values);
  }
}

BOOST_AUTO_TEST_CASE(Rows_that_lack_a_number_take_nothing_from_the_means_beside_them) {
  const Scratch scratch;
  const std::string data = scratch.path("data.csv"), output = scratch.path("out.h5");
  std::ofstream(data) << "I,y\n10,4\n0,8\n,7\n0.1,\n5,6\n";  // on the line 8 - 0.4 h_I, but for two blanks
  run_experiment(
      read(fmt::format("circuit = \"isn\"\n[conditions.I]\nvalues = [0, 5, 10]\nunit = \"Hz\"\n[parameters]\n"
                       "h_E = \"10 Hz\"\nh_I = \"I\"\n{}[analysis.compare]\nfile = \"{}\"\nx = \"I\"\n"
                       "y = \"y\"\naverage_within = 0.5\n",
                       rate_of_I, data)),
      {output, true, true, 1, ""});
  const H5File file = H5File::open(output);
  const std::vector<double> measured{8, 6, 4};
  BOOST_TEST(file.read_numbers("/data/I/y").values == measured, boost::test_tools::per_element());
  BOOST_CHECK_CLOSE(std::get<double>(*file.attribute("/analysis/I", "r")), 1, 1e-6);
}

BOOST_AUTO_TEST_CASE(A_decoder_is_not_taught_by_the_noise_that_it_reads) {
  const Scratch scratch;
  const std::string circuit = scratch.path("c.circuit"), output = scratch.path("out.h5");
  std::ofstream(circuit) << "circuit c\ntime ms\naxis feature = 24 in [0, 180) deg circular\n"
                            "input I[feature] : 1\nnoise xi[feature] ito\n"
                            "dr/dt = (-r + 0*I)/(10 ms) + 0.3 [1/ms^0.5]*xi : 1 [feature]\n";
  const std::string angles = "from = 0\nto = 165\ncount = 12\nunit = \"deg\"\n";
  run_experiment(read("circuit = \"" + circuit + "\"\n[conditions.ori]\n" + angles +
                      "[[stimulus.layer]]\nfeature = \"ori\"\n[encoder]\nkind = \"circular\"\nwidth = \"20 deg\"\n"
                      "range = [\"0 deg\", \"180 deg\"]\n[training]\ntarget = \"ori\"\nperiod = \"180 deg\"\n"
                      "[training.conditions.ori]\n" +
                      angles +
                      "[[training.stimulus.layer]]\nfeature = \"ori\"\n[run]\nmethod = \"sra1\"\nstep = \"0.5 ms\"\n"
                      "duration = \"50 ms\"\nrecord = []\n[[analysis]]\nname = \"d\"\nkind = \"decode\"\n"
                      "variable = \"r\"\ndecoder = \"trained\"\n"),
                 {output, false, true, 1, ""});
  const std::vector<double> found = H5File::open(output).read_numbers("/analysis/d").values;
  int near = 0;
  for (std::size_t i = 0; i < 12; ++i) {
    const double off = found[i] - 15.0 * static_cast<double>(i);
    near += std::abs(off - 180 * std::round(off / 180)) < 7.5 ? 1 : 0;
  }
  BOOST_TEST(near < 6);  // of guesses one
}

BOOST_AUTO_TEST_CASE(Waves_are_read_on_sheets_of_one_spacing) {
  const Scratch scratch;
  const std::string circuit = scratch.path("c.circuit");
  const auto wave = [&](const std::string& x) {
    std::ofstream(circuit) << "circuit c\ntime ms\naxis y = 5 in [0, 4] mm\naxis x = 5 in " + x +
                                  "\ndr/dt = (index(y) + index(x) - r)/(10 ms) : 1 [y, x]\n";
    return read(
        "circuit = \"" + circuit +
        "\"\n[run]\nmethod = \"dp54\"\nduration = \"50 ms\"\nevery = \"1 ms\"\n"
        "[[analysis]]\nname = \"w\"\nkind = \"wave\"\nof = \"wavelength\"\nvariable = \"r\"\nphase = \"analytic\"\n");
  };
  BOOST_CHECK_EXCEPTION(wave("[0, 1] mm"), Error,
                        says("analysis[0].kind", "1 mm apart along 'y'", "0.25 mm along 'x'"));
  BOOST_CHECK_EXCEPTION(wave("[0, 4] deg"), Error, says("1 deg along 'x'"));
  BOOST_CHECK_NO_THROW(wave("[0, 4000] um"));
}

BOOST_AUTO_TEST_CASE(Recorded_times_are_the_multiples_of_every_and_the_end) {
  const auto times = [](const char* duration, const char* every) {
    return output_times(read(fmt::format(
        "{}[run]\nmethod = \"rk4\"\nduration = \"{}\"\nevery = \"{}\"\nstep = \"0.1 ms\"\n", pair, duration, every)));
  };
  BOOST_TEST(times("0.9 ms", "0.3 ms").size() == 4u);  // 3 * 0.3 < 0.9
  BOOST_TEST(times("0.9 ms", "0.3 ms").back() == 0.9);
  BOOST_TEST(times("2.1 ms", "0.7 ms").size() == 4u);  // 3 * 0.7 > 2.1 - rounding
  const std::vector<double> rest{0, 0.4, 0.8, 0.9};
  BOOST_TEST(times("0.9 ms", "0.4 ms") == rest, boost::test_tools::per_element());
  BOOST_TEST(times("0.9 ms", "5 ms").size() == 2u);
}

BOOST_AUTO_TEST_CASE(Every_condition_records_its_own_spikes) {
  const Scratch scratch;
  const std::string output = scratch.path("out.h5");
  run_experiment(read(R"(
circuit = "lif"
[conditions.current]
values = [110, 90, 150]
unit = "pA"
[parameters]
I = "current"
[run]
method = "dp54"
tolerance = 1e-10
duration = "100 ms"
every = "50 ms"
record = []
)"),
                 {output, false, true, 2, ""});
  const H5File file = H5File::open(output);
  // T = 20 ln(I/(I - 100)) and 5 ms more from the second on; none at 90 pA
  const double slow = 20 * std::log(11.0), fast = 20 * std::log(3.0);
  const std::vector<std::vector<double>> expected{{slow}, {}, {fast, 2 * fast + 5, 3 * fast + 10}};
  for (std::size_t c = 0; c < expected.size(); ++c) {
    const auto times = file.read_numbers(fmt::format("/spikes/spike/{}/times", c)).values;
    BOOST_REQUIRE_EQUAL(times.size(), expected[c].size());
    for (std::size_t i = 0; i < times.size(); ++i) BOOST_CHECK_SMALL(times[i] - expected[c][i], 1e-6);
    BOOST_CHECK_EQUAL(
        read_spikes({.file = output, .population = "spike", .condition = static_cast<std::int64_t>(c)}).times.size(),
        times.size());
  }
  BOOST_CHECK_EXCEPTION(read_spikes({.file = output, .population = "spike", .condition = 3}), Error,
                        says("condition 3", "0, 1, 2"));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
