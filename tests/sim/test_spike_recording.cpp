#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <fstream>

#include "base/error.hpp"
#include "io/hdf5.hpp"
#include "sim/condition_runner.hpp"
#include "sim/experiment.hpp"
#include "sim/run.hpp"
#include "sim/spike_file.hpp"
#include "sim/sweep.hpp"
#include "tests/io/scratch.hpp"

using namespace striate;

namespace {

/// Recorded spikes that pass one to one to units, which repeat each of them half a millisecond later.
const std::string relay =
    "circuit relay\naxis unit = 3\nparameter w[p] = file(\"edges.csv\", \"weight\") 1\nV(0) = 0\n"
    "dV/dt = -V/(1 s) : 1 [unit]\ntrain given[unit]\n"
    "event spike when V > 1: V = 0\n"
    "projection p from given to unit: pairs(list=file(\"edges.csv\", \"pre\", \"post\")) after 0.5 ms: V += w\n";

struct Made {
  Scratch folder;
  void write(const std::string& name, const std::string& text) const { std::ofstream(folder.path(name)) << text; }
  Made() {
    write("relay.circuit", relay);
    write("edges.csv", "post,pre,weight\n2,2,4\n0,0,2\n1,1,3\n");
    write("spikes.csv", "time,element\n7,2\n3,0\n5,1\n9,0\n");
  }
  std::string experiment(const std::string& trains, const std::string& rest = "") const {
    write("relay.toml",
          "circuit = \"relay.circuit\"\n[run]\nmethod = \"dp54\"\nduration = \"20 ms\"\n" + rest + trains);
    return folder.path("relay.toml");
  }
};

std::string refusal(const std::string& path) {
  try {
    load_experiment(path);
  } catch (const Error& e) {
    return e.what();
  }
  return "no error";
}

const std::string from_csv = "[trains.given]\nfile = \"spikes.csv\"\n";

}  // namespace

BOOST_AUTO_TEST_SUITE(spike_recording)

BOOST_FIXTURE_TEST_CASE(a_spike_at_the_start_of_a_window_or_bin_counts_there_whatever_the_rounding, Made) {
  // In seconds 98 steps end before 4.9 ms, and before the end of the 49th bin.
  write("two.circuit",
        "circuit two\ntime s\naxis c = 2\nv(0) = 0\ndv/dt = -v/(1 ms) : 1 [c]\ntrain given[c]: v = v + 1\n");
  write("two.toml", R"(circuit = "two.circuit"
[trains.given]
times = ["4.9 ms", "4.95 ms", "5.5 ms"]
elements = [0, 1, 0]
[run]
method = "euler"
spikes = "grid"
step = "0.05 ms"
duration = "10 ms"
every = "1 ms"
[[analysis]]
name = "rate"
kind = "spike_rate"
event = "given"
elements = [0, 1]
from = "4.9 ms"
[[analysis]]
name = "together"
kind = "spike_correlation"
event = "given"
bin = "0.1 ms"
)");
  const auto found = ConditionRunner(load_experiment(folder.path("two.toml"))).run(0).analyses;
  BOOST_TEST(found[0][0] == 2 / 5.1e-3, boost::test_tools::tolerance(1e-12));
  // Spikes in 2 and 1 of 100 bins, one in common.
  BOOST_TEST(found[1][0] == (0.01 - 0.0002) / std::sqrt(0.02 * 0.98 * 0.01 * 0.99), boost::test_tools::tolerance(1e-9));
}

BOOST_AUTO_TEST_CASE(an_experiment_on_a_grid_keeps_the_spikes_of_its_events_in_order) {
  const Experiment e = load_experiment(STRIATE_SOURCE_DIR "/examples/coba.toml", {{"run.duration", "\"20 ms\""}});
  const ConditionResult result = ConditionRunner(e).run(0);
  BOOST_TEST(result.spikes.size() == 1u);
  BOOST_TEST(result.spikes[0].times.size() > 100u);
  BOOST_TEST(result.spikes[0].ids.size() == result.spikes[0].times.size());
  BOOST_TEST(std::is_sorted(result.spikes[0].times.begin(), result.spikes[0].times.end()));
}

BOOST_AUTO_TEST_CASE(spikes_pairs_and_weights_come_from_files) {
  const Made made;
  const Experiment e = load_experiment(made.experiment(from_csv));
  // Synapses are numbered by where they come from; the rows of the file were not.
  BOOST_TEST(e.circuit.parameter("w").value == (std::vector<double>{2, 3, 4}), boost::test_tools::per_element());
  const ConditionResult result = ConditionRunner(e).run(0);
  BOOST_TEST(result.spikes[0].times == (std::vector<double>{3, 5, 7, 9}), boost::test_tools::per_element());
  BOOST_TEST(result.spikes[1].times == (std::vector<double>{3.5, 5.5, 7.5, 9.5}), boost::test_tools::per_element());
  BOOST_TEST(result.spikes[1].ids == (std::vector<std::int64_t>{0, 1, 2, 0}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(states_over_synapses_are_recorded_beside_who_they_connect) {
  const Scratch folder;
  std::ofstream(folder.path("plastic.circuit"))
      << "circuit plastic\naxis a = 3\naxis b = 2\ndx/dt = -x/(20 ms) : 1 [a]\ndV/dt = -V/(20 ms) : 1 [b]\n"
         "w(0) = 1\ndw/dt = 0 : 1 [syn]\ntrain in[a]: x = x + 1\n"
         "projection syn from in[a=1:3] to b: pairs(list=[2, 0, 1, 1, 1, 0]) after 1 ms: V += w, on arrival: w = w + "
         "pre(x)\n";
  std::ofstream(folder.path("plastic.toml"))
      << "circuit = \"plastic.circuit\"\n[trains.in]\ntimes = [2]\nelements = [1]\n[run]\nmethod = \"euler\"\n"
         "step = \"0.5 ms\"\nspikes = \"grid\"\nduration = \"4 ms\"\nevery = \"1 ms\"\n";
  const Experiment e = load_experiment(folder.path("plastic.toml"));
  run_experiment(e, {.output = folder.path("plastic.h5"), .quiet = true, .command = "test"});
  const H5File file = H5File::open(folder.path("plastic.h5"));
  BOOST_TEST(file.read_integers("/synapses/syn/pre") == (std::vector<std::int64_t>{1, 1, 2}),
             boost::test_tools::per_element());
  BOOST_TEST(file.read_integers("/synapses/syn/post") == (std::vector<std::int64_t>{0, 1, 0}),
             boost::test_tools::per_element());
  const auto w = file.read_numbers("/w").values;  // the trace has decayed for three steps of half a millisecond
  const double x = std::pow(1 - 0.5 / 20, 3);
  BOOST_TEST(w == (std::vector<double>{1, 1, 1, 1, 1, 1, 1, 1, 1, 1 + x, 1 + x, 1, 1 + x, 1 + x, 1}),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(recorded_spikes_drive_another_run_from_either_layout) {
  const Made made;
  for (const std::string layout : {"striate", "sonata"}) {
    const std::string recording = made.folder.path(layout + ".h5");
    run_experiment(load_experiment(made.experiment(from_csv, "spike_layout = \"" + layout + "\"\n")),
                   {.output = recording, .quiet = true, .command = "test"});
    const SpikeList spikes = read_spikes({.file = recording, .population = "spike"});
    BOOST_TEST(spikes.times == (std::vector<double>{3.5, 5.5, 7.5, 9.5}), boost::test_tools::per_element());
    BOOST_TEST((spikes.unit == Unit::parse("ms")));
    if (layout == "sonata") {
      const H5File file = H5File::open(recording);
      BOOST_TEST(file.read_integers("/spikes/spike/node_ids") == (std::vector<std::int64_t>{0, 1, 2, 0}),
                 boost::test_tools::per_element());
      BOOST_TEST(file.exists("/spikes/spike/timestamps"));
    }
    const auto again =
        load_experiment(made.experiment("[trains.given]\nfile = \"" + recording + "\"\npopulation = \"spike\"\n"));
    BOOST_TEST(ConditionRunner(again).run(0).spikes[1].times == (std::vector<double>{4, 6, 8, 10}),
               boost::test_tools::per_element());
  }
}

BOOST_AUTO_TEST_CASE(what_is_written_on_the_way_is_what_a_run_keeps_whatever_the_threads) {
  // a thousand units that spike in every other of fifty steps: more than one block of a recording in each condition
  const Scratch folder;
  std::ofstream(folder.path("busy.circuit"))
      << "circuit busy\ntime ms\naxis n = 1000\nparameter I = 1 1/ms\nparameter slope[n] ~ 1 + 0.01*index(n)/size(n) "
         "1\n"
         "dV/dt = I*slope : 1 [n]\nevent spike when V > 0.15: V = 0\nevent rare when V > 4: V = 0\n";
  std::ofstream(folder.path("busy.toml"))
      << "circuit = \"busy.circuit\"\n[conditions.drive]\nvalues = [1, 0.5, 1]\nunit = \"1/ms\"\n[parameters]\nI = "
         "\"drive\"\n[run]\nmethod = \"euler\"\nspikes = \"grid\"\nstep = \"0.1 ms\"\nduration = \"5 ms\"\nevery = \"5 "
         "ms\"\n";
  const Experiment e = load_experiment(folder.path("busy.toml"));
  const ConditionRunner runner(e);
  for (const int threads : {1, 3}) {
    const std::string output = folder.path(std::to_string(threads) + ".h5");
    run_experiment(e, {.output = output, .quiet = true, .threads = threads, .command = "test"});
    const H5File file = H5File::open(output);
    for (const std::size_t c : {0, 1, 2}) {
      const RecordedSpikes kept = runner.run(c).spikes[0];
      BOOST_TEST((kept.times.size() > (c == 1 ? 10000u : 20000u)));
      const std::string group = "/spikes/spike/" + std::to_string(c);
      BOOST_TEST((file.read_numbers(group + "/times").values == kept.times));
      BOOST_TEST((file.read_integers(group + "/ids") == kept.ids));
      BOOST_TEST(file.shape("/spikes/rare/" + std::to_string(c) + "/ids") == std::vector<std::size_t>{0},
                 boost::test_tools::per_element());
    }
  }
}

BOOST_AUTO_TEST_CASE(analyses_read_rates_irregularity_correlation_and_distances) {
  const Made made;
  const auto analysis = [](const std::string& name, const std::string& keys, const std::string& event = "given") {
    return "[[analysis]]\nname = \"" + name + "\"\nevent = \"" + event + "\"\n" + keys;
  };
  // element 0 spikes at 1, 2, 3, 4, 6, element 1 at 1 and 6, element 2 never
  const Experiment e = load_experiment(made.experiment(
      "[trains.given]\ntimes = [1, 2, 3, \"4 ms\", 6, 1, 6]\nelements = [0, 0, 0, 0, 0, 1, 1]\n" +
      analysis("rate", "kind = \"spike_rate\"\n") + analysis("late", "kind = \"spike_rate\"\nfrom = \"2.5 ms\"\n") +
      analysis("each", "kind = \"spike_rate\"\neach = true\n") + analysis("cv", "kind = \"spike_cv\"\n") +
      analysis("matrix", "kind = \"victor_purpura\"\ncost = \"0.1 1/ms\"\neach = true\n") +
      analysis("mean", "kind = \"victor_purpura\"\ncost = \"0.1 1/ms\"\n") +
      analysis("shift", "kind = \"van_rossum\"\ndecay = \"10 ms\"\nwith = \"spike\"\nelements = [1, 2]\n") +
      analysis("r", "kind = \"spike_correlation\"\nbin = \"5 ms\"\nelements = [0, 2]\n")));
  const auto found = ConditionRunner(e).run(0).analyses;
  const auto close = boost::test_tools::tolerance(1e-12);
  BOOST_TEST(found[0][0] == 7 / 3.0 / 0.02, close);
  BOOST_TEST(found[1][0] == 4 / 3.0 / 0.0175, close);
  BOOST_TEST(found[2] == (std::vector<double>{250, 100, 0}), boost::test_tools::per_element());
  BOOST_TEST(found[3][0] == std::sqrt(3.0 / 16) / 1.25, close);  // intervals 1, 1, 1, 2
  // 0 to 1: three spikes to take out; 0 to 2: five; 1 to 2: two
  BOOST_TEST(found[4] == (std::vector<double>{0, 3, 5, 3, 0, 2, 5, 2, 0}), boost::test_tools::per_element());
  BOOST_TEST(found[5][0] == 10 / 3.0, close);
  // spikes at 1 and 6 beside 1.5 and 6.5, by the closed form of all pairs
  const auto k = [](double lag) { return std::exp(-lag / 10); };
  BOOST_TEST(found[6][0] == std::sqrt(2 + 2 * k(5) - 2 * k(0.5) - k(5.5) - k(4.5)), close);
  // counts in four bins: 4 1 0 0 and 1 1 0 0
  BOOST_TEST(found[7][0] == 2.5 / std::sqrt(10.75), close);
  BOOST_TEST(e.analyses[0].unit == "Hz");
}

BOOST_AUTO_TEST_CASE(a_sweep_keeps_the_spikes_of_every_point) {
  const Made made;
  const std::string path = made.experiment(from_csv +
                                           "[[analysis]]\nname = \"rate\"\nkind = \"spike_rate\"\n"
                                           "event = \"spike\"\n");
  const std::string output = made.folder.path("sweep.h5");
  SweepOptions options;
  options.run = {.output = output, .quiet = true, .command = "test"};
  run_sweep(read_sweep(path, {}, {"parameters.w=2,0.5"}), options);  // which is too weak for a spike
  const H5File file = H5File::open(output);
  BOOST_TEST(file.read_numbers("/analysis/rate").values == (std::vector<double>{4 / 0.06, 0}),
             boost::test_tools::per_element());
  BOOST_TEST(file.read_numbers("/spikes/spike/0/times").values == (std::vector<double>{3.5, 5.5, 7.5, 9.5}),
             boost::test_tools::per_element());
  BOOST_TEST(file.read_integers("/spikes/spike/0/ids") == (std::vector<std::int64_t>{0, 1, 2, 0}),
             boost::test_tools::per_element());
  BOOST_TEST(!file.exists("/spikes/spike/1"));
  BOOST_TEST(file.read_numbers("/spikes/given/1/times").values.size() == 4u);
}

BOOST_AUTO_TEST_CASE(a_sweep_writes_spikes_as_they_come_whatever_the_threads_and_no_point_before_its_end_counts) {
  // 300 units that spike in each of 200 steps, until the rate of the last point is no number
  const Scratch folder;
  std::ofstream(folder.path("busy.circuit"))
      << "circuit busy\ntime ms\naxis n = 300\nparameter I = 1 1/ms\nparameter end = 99 1\n"
         "dV/dt = I + 1e-6*sqrt(end - t/(1 ms))/(1 ms) : 1 [n]\nevent spike when V > 0.05: V = 0\n";
  std::ofstream(folder.path("busy.toml")) << "circuit = \"busy.circuit\"\n[conditions.c]\nvalues = [1, 2]\n[run]\n"
                                             "method = \"euler\"\nspikes = \"grid\"\nstep = \"0.1 ms\"\n"
                                             "duration = \"20 ms\"\nevery = \"5 ms\"\n";
  const Sweep sweep = read_sweep(folder.path("busy.toml"), {}, {"parameters.I=1 1/ms,2 1/ms", "parameters.end=99,15"});
  for (const int threads : {1, 3}) {
    const std::string output = folder.path(std::to_string(threads) + ".h5");
    SweepOptions options;
    options.run = {.output = output, .quiet = true, .threads = threads, .command = "test"};
    BOOST_TEST(run_sweep(sweep, options).failed == 2u);
    const H5File file = H5File::open(output);
    for (const std::string point : {"0", "2"})
      for (const std::int64_t c : {0, 1})
        BOOST_TEST(read_spikes({.file = output, .population = "spike/" + point, .condition = c}).times.size() ==
                   200u * 300);
    const auto times = file.read_numbers("/spikes/spike/1/0/times").values;
    BOOST_TEST(times.size() >= 149u * 300);
    BOOST_TEST(!file.exists("/spikes/spike/1/1"));
    BOOST_CHECK_EXCEPTION(read_spikes({.file = output, .population = "spike/1"}), Error,
                          says("broke off", "/errors/1"));
  }
}

BOOST_AUTO_TEST_CASE(what_is_wrong_with_spikes_and_files_is_said_before_the_run) {
  const Made made;
  BOOST_CHECK_EXCEPTION(load_experiment(made.experiment("")), Error, says("given", "[trains.given]"));
  const auto refused = [&](const std::string& trains, const auto&... parts) {
    const std::string said = refusal(made.experiment(trains));
    for (const auto& part : std::initializer_list<std::string>{parts...})
      BOOST_TEST(said.find(part) != std::string::npos, said << "\nlacks: " << part);
  };
  refused("[trains.given]\nfile = \"none.csv\"\n", "none.csv");
  refused("[trains.given]\nfile = \"spikes.csv\"\ntimes = \"tme\"\n", "tme", "time");
  {
    H5File older = H5File::create(made.folder.path("older.h5"));
    const std::vector<double> times{1, 2};
    const std::vector<std::int64_t> gids{0, 1};
    older.create_axis("/spikes/timestamps", std::span<const double>(times), {"ms", "times"});
    older.create_axis("/spikes/gids", std::span<const std::int64_t>(gids), {"1", "elements"});
  }
  refused("[trains.given]\nfile = \"older.h5\"\n", "older layout, /spikes/gids", "node_ids");
  refused("[trains.given]\ntimes = [1, 2]\nelements = [0]\n", "there are 2 times");
  made.experiment(from_csv, "spike_layout = \"sonata\"\n[conditions.c]\nvalues = [1]\n");
  BOOST_TEST(refusal(made.folder.path("relay.toml")).find("of one run") != std::string::npos);
  refused("[trains.given]\ntimes = [1]\nelements = [3]\n", "element 3", "3 elements");
  refused("[trains.given]\ntimes = [1]\n[trains.gvien]\ntimes = [1]\n", "gvien", "given");
  refused(from_csv + "[[analysis]]\nname = \"a\"\nkind = \"spike_rate\"\nevent = \"spke\"\n", "spke", "spike");
  refused(from_csv + "[[analysis]]\nname = \"a\"\nkind = \"van_rossum\"\nevent = \"spike\"\ndecay = \"0 ms\"\n",
          "decay = 0");
  refused(from_csv + "[[analysis]]\nname = \"a\"\nkind = \"spike_rate\"\nevent = \"spike\"\nelements = [0, 4]\n",
          "3 elements");
  made.write("edges.csv", "pre,post,weight\n0,0,1\n1,1,\n");
  refused(from_csv, "row 2", "weight");
  made.write("edges.csv", "pre,post,weight\n0,0,1\n1,7,1\n");
  refused(from_csv, "pair 1 names the target element 7");
  // a file of weights that belongs to another network
  made.write("edges.csv", "pre,post,weight\n0,0,1\n");
  made.write("other.csv", "weight\n1\n2\n");
  std::string text = relay;
  text.replace(text.find("edges.csv"), 9, "other.csv");
  made.write("relay.circuit", text);
  refused(from_csv, "2 values", "takes 1");
  refused("[parameters]\nw = { file = \"spikes.csv\", column = \"time\" }\n", "other.csv");
}

BOOST_AUTO_TEST_SUITE_END()
