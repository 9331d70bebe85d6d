// Losses by naive loops, gradients by central differences, and that a training depends on nothing but its text.
#include <omp.h>

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <numeric>
#include <tuple>

#include "base/error.hpp"
#include "circuit/compile.hpp"
#include "circuit/reparametrise.hpp"
#include "circuit/text.hpp"
#include "io/hdf5.hpp"
#include "io/image.hpp"
#include "sim/data_set.hpp"
#include "sim/loss.hpp"
#include "sim/sample_loss.hpp"
#include "sim/train.hpp"
#include "sim/trained_parameters.hpp"
#include "sim/training_file.hpp"
#include "tests/io/scratch.hpp"

namespace {

using namespace striate;
using Numbers = std::vector<double>;

/// Scores z[y, class] as a parameter, so that a loss of them can be read off.
constexpr const char* scores = R"(circuit scores
axis y = 3
axis class = 2
parameter S[y, class] = [0.3, -0.5, 1.2, 0.2, -0.7, 0.9] 1
parameter R[y] = [0.4, 1.5, 2.5] 1
z := S
r := R
score := sum(S, class)
)";

/// loss and the other definitions of the circuit with a loss, for one target
Numbers values(LossPlan plan, const Numbers& target) {
  const Circuit circuit = with_loss(read_circuit(scores), plan);
  const auto system = compile<double>(circuit);
  auto workspace = system.workspace();
  const Numbers p = system.default_parameters();
  Numbers out(system.observables().size());
  system.observe({0, {}, p, target}, out, workspace);
  return out;
}

LossPlan plan_of(const std::string& kind, const std::string& of) {
  LossPlan plan;
  plan.kind = kind;
  plan.of = of;
  plan.target = "wanted";
  return plan;
}

const Numbers z{0.3, -0.5, 1.2, 0.2, -0.7, 0.9};

double entropy(std::size_t y, std::size_t c) {
  return std::log(std::exp(z[2 * y]) + std::exp(z[2 * y + 1])) - z[2 * y + c];
}

// The tolerance of all: a handful of roundings in double.
const auto rounding = boost::test_tools::tolerance(1e-14);

BOOST_AUTO_TEST_CASE(Nothing_counted_at_a_rate_of_zero_costs_nothing) {
  LossPlan counts = plan_of("poisson", "zero");
  const Circuit none =
      with_loss(read_circuit("circuit none\naxis y = 2\nparameter R[y] = [0, 2] 1\nzero := R\n"), counts);
  const auto system = compile<double>(none);
  auto workspace = system.workspace();
  const Numbers p = system.default_parameters(), target{0, 3};
  Numbers out(system.observables().size()), gradient(2);
  system.observe({0, {}, p, target}, out, workspace);
  BOOST_TEST(out[0] == (2 - 3 * std::log(2.0)) / 2, rounding);
  Numbers one(out.size());
  one[0] = 1;
  system.observe_vjp({0, {}, p, target}, one, {{}, gradient}, workspace);
  BOOST_TEST(gradient[0] == 0.5, rounding);
  BOOST_TEST(gradient[1] == (1 - 3.0 / 2) / 2, rounding);
}

BOOST_AUTO_TEST_CASE(Losses_have_the_values_of_their_formulas) {
  const Numbers labels{1, 0, 0};
  const double h0 = entropy(0, 1), h1 = entropy(1, 0), h2 = entropy(2, 0);
  const Numbers cross = values(plan_of("cross_entropy", "z"), labels);
  BOOST_TEST(cross[0] == (h0 + h1 + h2) / 3, rounding);
  BOOST_TEST(cross[1] == 1.0 / 3, rounding);  // only the second place is right
  BOOST_TEST(cross[2] == 0);                  // class 1 is found at the third place, wanted at the first
  const auto focused = [](double h) { return std::pow(1 - std::exp(-h), 2) * h; };
  BOOST_TEST(values(plan_of("focal", "z"), labels)[0] == (focused(h0) + focused(h1) + focused(h2)) / 3, rounding);

  const Numbers wanted{0, 1, 1};
  double binary = 0;
  for (std::size_t y = 0; y < 3; ++y) {
    const double p = 1 / (1 + std::exp(-(z[2 * y] + z[2 * y + 1])));
    binary -= (wanted[y] * std::log(p) + (1 - wanted[y]) * std::log(1 - p)) / 3;
  }
  const Numbers found = values(plan_of("binary_cross_entropy", "score"), wanted);  // scores -0.2, 1.4, 0.2
  BOOST_TEST(found[0] == binary, rounding);
  BOOST_TEST(found[1] == 1);
  BOOST_TEST(found[2] == 1);

  const Numbers aims{1, 1, 2}, counts{0, 2, 3}, r{0.4, 1.5, 2.5};
  double square = 0, poisson = 0;
  for (std::size_t y = 0; y < 3; ++y) {
    square += (r[y] - aims[y]) * (r[y] - aims[y]) / 3;
    poisson += (r[y] - counts[y] * std::log(r[y])) / 3;
  }
  BOOST_TEST(values(plan_of("mean_square", "r"), aims)[0] == square, rounding);
  BOOST_TEST(values(plan_of("poisson", "r"), counts)[0] == poisson, rounding);
}

BOOST_AUTO_TEST_CASE(Losses_of_what_is_not_there_or_has_another_shape_are_refused) {
  const auto message = [](LossPlan plan) {
    try {
      with_loss(read_circuit(scores), plan);
    } catch (const Error& e) {
      return std::string(e.what());
    }
    return std::string("accepted");
  };
  BOOST_TEST(message(plan_of("mean_square", "q")).find("'q'") != std::string::npos);
  BOOST_TEST(message(plan_of("cross_entropy", "r")).find("no axis 'class'") != std::string::npos);
  BOOST_TEST(message(plan_of("definition", "r")).find("[y=3]") != std::string::npos);
}

// A definition of the circuit's own stands where a metric of the kind of loss would; other names are taken.
BOOST_AUTO_TEST_CASE(Names_of_the_circuit_are_its_own) {
  const auto with = [](const std::string& line, const std::vector<std::string>& metrics) {
    LossPlan plan = plan_of("cross_entropy", "z");
    plan.metrics = metrics;
    const Circuit circuit = with_loss(read_circuit(scores + line), plan);
    const auto system = compile<double>(circuit);
    auto workspace = system.workspace();
    const Numbers p = system.default_parameters();
    Numbers out(system.observables().size());
    system.observe({0, {}, p, Numbers{1, 0, 0}}, out, workspace);
    return std::pair(plan.metrics, out);
  };
  const auto [named, told] = with("accuracy := 7 + 0*sum(score, y)\n", {"accuracy"});
  BOOST_TEST((named == std::vector<std::string>{"accuracy", "f1"}));
  BOOST_TEST((std::ranges::count(told, 7.0) == 1));
  BOOST_TEST((with("accuracy := r\n", {}).first == std::vector<std::string>{"f1"}));
  BOOST_TEST((with("parameter f1 = 1 1\n", {}).first == std::vector<std::string>{"accuracy"}));
  BOOST_CHECK_EXCEPTION(with("parameter loss = 1 1\n", {}), Error, says("'loss' is the name", "Rename it"));
}

/// A recurrent cell that reads a course in time, with parameters under every kind of constraint.
constexpr const char* cell = R"(circuit cell
time 1
axis k = 3
axis j = 3
parameter W[k, j] = [0.3, -0.5, 0.8, 0.2, -0.7, 0.4, 0.1, 0.6, -0.2] 1
parameter g = 0.5 1 in (0, 2)
parameter q = 0.7 1 in (0, inf)
parameter v[k] = [0.5, -0.4, 0.9] 1
parameter w[k] = [0.2, 0.1, -0.3] 1
input x : 1
input bias[k] : 1
h(0) = 0.1*w
next(h) = tanh(g*matmul(W, rename(h, k, j), over=[j]) + q*v*x + bias) : 1 [k]
out := sum(w*h, k)
)";

constexpr const char* training = R"(
circuit = "cell.circuit"

[data]
kind = "arrays"
file = "data.h5"

[loss]
kind = "mean_square"
of = "out"
target = "aim"
at = "every step"

[constraints]
W = { symmetric = ["k", "j"] }

[inputs]
bias = 0.1

[train]
steps = 5
batch = 7
precision = "double"
seed = 3
)";

/// A training in a directory of its own: 23 samples of 5 steps.
struct Laid {
  Scratch scratch;

  explicit Laid(const std::string& circuit = cell) {
    std::ofstream(scratch.path("cell.circuit")) << circuit;
    H5File file = H5File::create(scratch.path("data.h5"));
    Numbers x, aim;
    for (int i = 0; i < 23 * 5; ++i) {
      x.push_back(std::sin(0.7 * i));
      aim.push_back(0.5 * std::sin(0.7 * i - 0.4));
    }
    file.create_axis("/sample", 23);
    file.create_axis("/step", 5);
    file.write("/x", x, {"/sample", "/step"});
    file.write("/aim", aim, {"/sample", "/step"});
    file.close();
  }

  TrainingExperiment load(const std::vector<std::pair<std::string, std::string>>& overrides = {},
                          const std::string& text = training) const {
    TomlDocument document = TomlDocument::parse_string(text, "training.toml");
    for (const auto& [key, value] : overrides) document.set(key, value);
    return read_training(document, scratch.path("training.toml"));
  }

  std::string refused(const std::vector<std::pair<std::string, std::string>>& overrides) const {
    try {
      load(overrides);
    } catch (const Error& e) {
      return e.what();
    }
    return "accepted";
  }
};

Numbers start(const TrainingExperiment& e) {
  Numbers p;
  for (const auto& parameter : e.free->parameters) p.insert(p.end(), parameter.value.begin(), parameter.value.end());
  return p;
}

// Central differences with steps of 1e-5 err by 1e-10 times the third derivative, and by 1e-11 from rounding.
BOOST_AUTO_TEST_CASE(Gradients_of_batches_are_those_of_differences_under_every_constraint) {
  const Laid laid;
  const std::vector<std::size_t> samples{3, 20, 11, 4, 9};
  Numbers first;
  for (const std::string together : {"1", "2"}) {
    const TrainingExperiment e = laid.load({{"train.together", together}});
    const auto loss = make_sample_loss(e);
    const Numbers p = start(e);
    Numbers gradient(p.size());
    const double value = loss->differentiate(p, samples, gradient).loss;
    BOOST_TEST(value == loss->evaluate(p, samples).loss, rounding);
    for (std::size_t i = 0; i < p.size(); ++i) {
      Numbers up = p, down = p;
      up[i] += 1e-5;
      down[i] -= 1e-5;
      const double difference = (loss->evaluate(up, samples).loss - loss->evaluate(down, samples).loss) / 2e-5;
      BOOST_TEST(std::abs(gradient[i] - difference) < 1e-9);
    }
    if (first.empty()) first = gradient;
    for (std::size_t i = 0; i < p.size(); ++i) BOOST_TEST(std::abs(gradient[i] - first[i]) < 1e-14);
  }
}

// The same loss written out: five steps of the cell for each sample, in the circuit's own parameters.
BOOST_AUTO_TEST_CASE(Loss_is_that_of_a_naive_loop) {
  const Laid laid;
  const TrainingExperiment e = laid.load();
  const Numbers w{0.2, 0.1, -0.3}, v{0.5, -0.4, 0.9};
  const double symmetric[3][3] = {{0.3, -0.15, 0.45}, {-0.15, -0.7, 0.5}, {0.45, 0.5, -0.2}};
  double expected = 0;
  const std::vector<std::size_t> samples{0, 17};
  for (const std::size_t sample : samples) {
    double h[3] = {0.1 * w[0], 0.1 * w[1], 0.1 * w[2]};
    for (int n = 0; n < 5; ++n) {
      const double i = static_cast<double>(sample * 5) + n;
      double next[3], out = 0;
      for (int k = 0; k < 3; ++k) {
        double sum = 0;
        for (int j = 0; j < 3; ++j) sum += symmetric[k][j] * h[j];
        next[k] = std::tanh(0.5 * sum + 0.7 * v[static_cast<std::size_t>(k)] * std::sin(0.7 * i) + 0.1);
      }
      for (int k = 0; k < 3; ++k) out += w[static_cast<std::size_t>(k)] * (h[k] = next[k]);
      const double aim = 0.5 * std::sin(0.7 * i - 0.4);
      expected += (out - aim) * (out - aim) / 5 / 2;
    }
  }
  // The data are handed over in float: relative errors of 6e-8.
  BOOST_TEST(make_sample_loss(e)->evaluate(start(e), samples).loss == expected, boost::test_tools::tolerance(1e-6));
}

BOOST_AUTO_TEST_CASE(Float_agrees_with_double_to_its_precision) {
  const Laid laid;
  const TrainingExperiment exact = laid.load(), fast = laid.load({{"train.precision", "float"}});
  const std::vector<std::size_t> samples{1, 2, 3};
  const Numbers p = start(exact);
  Numbers a(p.size()), b(p.size());
  make_sample_loss(exact)->differentiate(p, samples, a);
  make_sample_loss(fast)->differentiate(p, samples, b);
  double largest = 0;
  for (const double g : a) largest = std::max(largest, std::abs(g));
  for (std::size_t i = 0; i < p.size(); ++i) BOOST_TEST(std::abs(a[i] - b[i]) < 1e-5 * largest);
}

TrainingState trained(const Laid& laid, const std::string& name, int threads,
                      const std::vector<std::pair<std::string, std::string>>& overrides = {}) {
  const TrainingExperiment e = laid.load(overrides);
  const int before = omp_get_max_threads();
  train(e, {{laid.scratch.path(name), true, true, threads, "test"}});
  omp_set_num_threads(before);
  return read_training_state(laid.scratch.path(name), e);
}

BOOST_AUTO_TEST_CASE(Trainings_have_the_same_bits_for_any_number_of_threads) {
  const Laid laid;
  for (const std::string precision : {"float", "double"}) {
    const auto settings = std::vector<std::pair<std::string, std::string>>{
        {"train.precision", precision}, {"train.updates", "20"}, {"train.together", "2"}, {"train.held_out", "6"}};
    const TrainingState one = trained(laid, "1.h5", 1, settings), three = trained(laid, "3.h5", 3, settings);
    BOOST_TEST(one.p == three.p);
    BOOST_TEST(one.loss == three.loss);
    BOOST_TEST(one.held_out_loss == three.held_out_loss);
  }
}

// Stopped by an update budget within the checkpoint, a training goes on to the bits of one that was never stopped.
BOOST_AUTO_TEST_CASE(Checkpoints_go_on_to_the_same_bits) {
  const Laid laid;
  for (const auto& [optimiser, gradient] : std::vector<std::pair<std::string, std::string>>{
           {"adam", "bptt"}, {"lbfgs", "bptt"}, {"adam", "fixed_point"}, {"lbfgs", "fixed_point"}}) {
    std::vector<std::pair<std::string, std::string>> settings{{"train.updates", "14"},
                                                              {"gradient.method", gradient},
                                                              {"loss.at", gradient == "bptt" ? "every step" : "end"},
                                                              {"train.held_out", "5"},
                                                              {"train.validate_every", "3"},
                                                              {"train.batch", optimiser == "adam" ? "6" : "18"},
                                                              {"optimiser.kind", optimiser}};
    const TrainingState whole = trained(laid, "whole.h5", 1, settings);
    const TrainingExperiment e = laid.load(settings);
    TrainingExperiment half = e;
    half.plan.updates = 6;
    const std::string path = laid.scratch.path("half.h5");
    train(half, {{path, true, true, 1, "test"}});
    train(e, {{path, false, true, 1, "test"}, true});
    const TrainingState resumed = read_training_state(path, e);
    BOOST_TEST(resumed.p == whole.p);
    BOOST_TEST(resumed.best_p == whole.best_p);
    BOOST_TEST(resumed.loss == whole.loss);
    BOOST_TEST((resumed.report == whole.report));
    for (const auto& curve : whole.report) BOOST_TEST(curve.size() == whole.loss.size());
    BOOST_TEST(resumed.held_out_loss == whole.held_out_loss);
    BOOST_TEST(resumed.validated == whole.validated);
    BOOST_TEST(whole.loss.back() < whole.loss.front());
  }
}

BOOST_AUTO_TEST_CASE(Constraints_hold_after_training_and_parameters_left_out_stay) {
  const Laid laid;
  const TrainingExperiment e =
      laid.load({{"train.updates", "40"}, {"optimiser.rate", "0.3"}, {"train.parameters", "[\"W\", \"g\", \"q\"]"}});
  const std::string path = laid.scratch.path("out.h5");
  train(e, {{path, true, true, 1, "test"}});
  const Circuit after = with_trained_parameters(e.circuit, path);
  const Numbers& w = after.parameter("W").value;
  for (std::size_t k = 0; k < 3; ++k)
    for (std::size_t j = 0; j < 3; ++j) BOOST_TEST(w[3 * k + j] == w[3 * j + k]);
  BOOST_TEST(w[0] != 0.3);
  BOOST_TEST(after.parameter("g").value[0] > 0);
  BOOST_TEST(after.parameter("g").value[0] < 2);
  BOOST_TEST(after.parameter("g").value[0] != 0.5);
  BOOST_TEST(after.parameter("q").value[0] > 0);
  BOOST_TEST((after.parameter("v").value == Numbers{0.5, -0.4, 0.9}));
}

// g is declared in (0, 2), q in (0, inf).
BOOST_AUTO_TEST_CASE(Constraints_keep_the_declared_ranges) {
  const Laid laid;
  BOOST_TEST(laid.refused({{"constraints.g", "free"}}).find("declares 'g' in (0, 2)") != std::string::npos);
  BOOST_TEST(laid.refused({{"constraints.v", "free"}}) == "accepted");
  const auto at_most = [&](const std::string& name, const std::string& constraint) {
    const TrainingExperiment e = laid.load({{"constraints." + name, constraint}});
    const Numbers values = original_parameters(e.circuit, e.free, Numbers(start(e).size(), 100));
    return values.at(static_cast<std::size_t>(compile<double>(e.circuit).parameters().at(name).offset));
  };
  BOOST_TEST(at_most("g", "positive") < 2);
  BOOST_TEST(at_most("q", "positive") == std::exp(100), boost::test_tools::tolerance(1e-9));
  BOOST_TEST(at_most("q", "{ tied = \"g\" }") < 2);
  BOOST_TEST(at_most("g", "{ tied = \"q\" }") < 2);
}

BOOST_AUTO_TEST_CASE(Losses_that_are_not_numbers_stop_with_update_sample_norms_and_checkpoint) {
  const std::string plain = cell;
  const auto at = plain.find("q*v*x");
  const Laid laid(plain.substr(0, at) + "q*v*sqrt(x)" + plain.substr(at + 5));
  H5File file = H5File::create(laid.scratch.path("data.h5"), true);
  file.create_axis("/sample", 23);
  file.create_axis("/step", 5);
  Numbers x(23 * 5, 0.1);
  x[5 * 16 + 2] = -2;
  file.write("/x", x, {"/sample", "/step"});
  file.write("/aim", Numbers(23 * 5), {"/sample", "/step"});
  file.close();
  const TrainingExperiment e = laid.load({{"train.updates", "9"}});
  const std::string path = laid.scratch.path("nan.h5");
  BOOST_CHECK_EXCEPTION(train(e, {{path, true, true, 1, "test"}}), Failure,
                        says("update", "loss of sample 16 is ", "nan: state h[k=0] = ", "nan after 3 steps",
                             "|free_W| = ", "after 0 updates", path));
  BOOST_TEST(read_training_state(path, e).updates == 0u);
}

// h -> w h (1 - h) is bounded below w = 4 and leaves for infinity above, where a long step takes w.
BOOST_AUTO_TEST_CASE(The_last_parameters_with_a_finite_loss_are_kept) {
  const Laid laid(
      "circuit cell\ntime 1\nparameter w = 3.5 1\ninput x : 1\nh(0) = 0.4\n"
      "next(h) = w*h*(1 - h) + 0*x : 1\nout := h\n");
  const std::string text =
      "circuit = \"cell.circuit\"\n[data]\nkind = \"arrays\"\nfile = \"data.h5\"\n"
      "variables = [\"x\"]\n[loss]\nof = \"out\"\n[train]\nsteps = 60\nupdates = 9\n"
      "precision = \"double\"\ncheckpoint_every = 1\n[data.inputs]\nx = \"x\"\n"
      "[optimiser]\nrate = 2\n";
  const std::string path = laid.scratch.path("out.h5");
  H5File file = H5File::create(laid.scratch.path("data.h5"), true);
  file.create_axis("/sample", 8);
  file.write("/x", Numbers(8), {"/sample"});
  file.close();
  const TrainingExperiment e = laid.load({}, text);
  BOOST_CHECK_EXCEPTION(train(e, {{path, true, true, 1, "test"}}), Failure, says("The last good checkpoint, after "));
  const TrainingState s = read_training_state(path, e);
  std::vector<std::size_t> all(8);
  std::iota(all.begin(), all.end(), std::size_t{0});
  BOOST_TEST(std::isfinite(make_sample_loss(e)->evaluate(s.p, all).loss));
  BOOST_TEST(s.loss.size() == s.updates);
}

// Where the training's samples have log(1 - w) besides, w goes to 1 and has no loss there; (w - 2)^2, all that the
// held-out ones have, falls until then.
BOOST_AUTO_TEST_CASE(A_training_that_steps_back_keeps_its_best_validated_parameters) {
  const Laid laid(
      "circuit cell\ntime 1\nparameter w = 0.5 1\ninput x : 1\nout := (w - 2)^2 + where(x > 0.5, log(1 - w), 0)\n");
  const std::string text =
      "circuit = \"cell.circuit\"\n[data]\nkind = \"arrays\"\nfile = \"data.h5\"\n[loss]\nof = \"out\"\n[train]\n"
      "batch = 4\nupdates = 60\nheld_out = 4\nvalidate_every = 1\ncheckpoint_every = 1\nprecision = \"double\"\n"
      "[optimiser]\nrate = 0.05\n";
  const auto lay = [&](const Numbers& x) {
    H5File file = H5File::create(laid.scratch.path("data.h5"), true);
    file.create_axis("/sample", x.size());
    file.write("/x", x, {"/sample"});
    file.close();
  };
  Numbers x(8, 1.0);
  lay(x);
  for (const std::size_t i : laid.load({}, text).held_out()) x[i] = 0;
  lay(x);
  const TrainingExperiment e = laid.load({}, text);
  const std::string path = laid.scratch.path("out.h5");
  for (const bool resume : {false, true}) {
    TrainOptions options{{path, true, true, 1, "test"}};
    options.resume = resume;
    BOOST_CHECK_EXCEPTION(train(e, options), Failure, says("The last good checkpoint, after "));
    const TrainingState s = read_training_state(path, e);
    BOOST_TEST(s.best_loss == *std::ranges::min_element(s.held_out_loss));
    BOOST_TEST(s.best_loss == (s.best_p[0] - 2) * (s.best_p[0] - 2), rounding);
    BOOST_TEST(s.validated[s.best_update] == static_cast<double>(s.best_update));
    BOOST_TEST(s.validated.size() == s.best_update + 1);
    BOOST_TEST(s.updates == s.loss.size());
    BOOST_TEST(s.updates + 1 == s.best_update);
  }
}

/// l = sqrt(a - 0.55) of every sample; Adam under a gradient of one sign takes a from 1 to 0.502 in five updates of
/// about 0.1.
struct Edge : Laid {
  Edge() : Laid("circuit cell\ntime 1\nparameter a = 1 1\ninput x : 1\nout := sqrt(a - 0.55)*x\n") {
    H5File file = H5File::create(scratch.path("data.h5"), true);
    file.create_axis("/sample", 8);
    file.write("/x", Numbers(8, 1.0), {"/sample"});
    file.close();
  }
  TrainingExperiment of(const std::vector<std::pair<std::string, std::string>>& overrides) const {
    return load(overrides,
                "circuit = \"cell.circuit\"\n[data]\nkind = \"arrays\"\nfile = \"data.h5\"\n[loss]\nof = \"out\"\n"
                "[train]\nbatch = 4\nprecision = \"double\"\n[optimiser]\nrate = 0.1\n");
  }
};

BOOST_AUTO_TEST_CASE(Parameters_without_a_finite_loss_are_not_kept_whatever_the_checkpoints) {
  const Edge edge;
  const std::string path = edge.scratch.path("out.h5");
  for (const auto& [updates, every, resume, when] :
       std::vector<std::tuple<std::string, std::string, bool, std::string>>{
           {"5", "100", false, "after 5 updates, the loss"},
           {"9", "100", false, "in update 6, the loss"},
           {"9", "1", false, "in update 6, the loss"},
           {"9", "1", true, "in update 6, the loss"}}) {
    const TrainingExperiment e = edge.of({{"train.updates", updates}, {"train.checkpoint_every", every}});
    BOOST_CHECK_EXCEPTION(train(e, {{path, !resume, true, 1, "test"}, resume}), Failure,
                          says(when, "The last good checkpoint, after 4 updates"));
    const TrainingState s = read_training_state(path, e);
    BOOST_TEST(s.updates == 4u);
    BOOST_REQUIRE(s.loss.size() == 4u);
    BOOST_TEST(s.loss[0] == std::sqrt(0.45), rounding);
    BOOST_TEST(with_trained_parameters(e.circuit, path).parameter("a").value[0] > 0.55);
  }
  const TrainingExperiment held = edge.of({{"train.held_out", "4"}, {"train.validate_every", "1"}});
  BOOST_CHECK_EXCEPTION(train(held, {{path, true, true, 1, "test"}}), Failure,
                        says("in the validation after 5 updates"));
  const TrainingState s = read_training_state(path, held);
  BOOST_TEST(s.best_update == 4u);
  BOOST_TEST(s.best_loss == std::sqrt(s.best_p[0] - 0.55), rounding);
}

BOOST_AUTO_TEST_CASE(An_earlier_training_stays_until_the_first_update_of_the_one_that_is_to_replace_it) {
  const Edge edge;
  const std::string path = edge.scratch.path("out.h5");
  const TrainingExperiment e = edge.of({{"train.updates", "2"}});
  train(e, {{path, true, true, 1, "test"}});
  const TrainingExperiment failing = edge.of({{"train.updates", "2"}, {"parameters.a", "0.2"}});
  BOOST_CHECK_EXCEPTION(train(failing, {{path, true, true, 1, "test"}}), Failure,
                        says("in update 1", "Nothing has moved yet", "What stood in", "before is back"));
  BOOST_TEST(read_training_state(path, e).updates == 2u);
  BOOST_TEST(!std::filesystem::exists(path + ".before"));
}

// The slope of sqrt(p x) by p is 0 times infinity where x = 0, as in sample 5.
BOOST_AUTO_TEST_CASE(A_gradient_that_is_no_number_is_told_of_its_own_sample_and_loss) {
  const Edge edge;
  std::ofstream(edge.scratch.path("cell.circuit"))
      << "circuit cell\ntime 1\nparameter p = 1 1\ninput x : 1\nout := 3 + sqrt(p*x)\n";
  H5File file = H5File::create(edge.scratch.path("data.h5"), true);
  file.create_axis("/sample", 8);
  file.write("/x", Numbers{1, 1, 1, 1, 1, 0, 1, 1}, {"/sample"});
  file.close();
  for (const std::string together : {"1", "8"})
    for (const std::string kind : {"adam", "lbfgs"}) {
      std::vector<std::pair<std::string, std::string>> settings{{"train.batch", "8"}, {"train.together", together}};
      if (kind == "lbfgs") settings.insert(settings.end(), {{"optimiser", "{}"}, {"optimiser.kind", kind}});
      try {
        train(edge.of(settings), {{edge.scratch.path("out.h5"), true, true, 1, "test"}});
        BOOST_ERROR("accepted");
      } catch (const Failure& failure) {
        const std::string message = failure.what();
        BOOST_TEST(message.find("gradient of the loss of sample 5 is") != std::string::npos, message);
        BOOST_TEST(message.find("the loss is 3.") != std::string::npos, message);
        BOOST_TEST(message.find("optimiser.rate") == std::string::npos, message);
      }
    }
}

BOOST_AUTO_TEST_CASE(A_training_that_goes_on_keeps_its_warnings) {
  const Edge edge;
  std::ofstream(edge.scratch.path("cell.circuit"))
      << "circuit cell\ntime 1\nparameter p = 1 1\ninput x : 1\nout := x + 0*step(p)\n";
  const std::string path = edge.scratch.path("out.h5");
  for (const std::string kind : {"adam", "lbfgs"}) {
    std::vector<std::pair<std::string, std::string>> settings{{"train.updates", "6"}, {"train.batch", "8"}};
    if (kind == "lbfgs") settings.insert(settings.end(), {{"optimiser", "{}"}, {"optimiser.kind", kind}});
    const TrainingExperiment e = edge.of(settings);
    TrainingExperiment half = e;
    half.plan.updates = 3;
    train(half, {{path, true, true, 1, "test"}});
    train(e, {{path, false, true, 1, "test"}, true});
    const std::string told = read_training_state(path, e).warnings;
    BOOST_TEST(told.find("update 1: the gradient is exactly 0") == 0u, told);
    BOOST_TEST(H5File::open(path).attribute("/", "finished").has_value());
  }
}

constexpr const char* stateless = "circuit cell\ntime 1\nparameter a = 0.5 1\ninput x : 1\nout := a*x\n";

BOOST_AUTO_TEST_CASE(Circuits_without_states_read_a_row_for_every_step) {
  const Laid laid(stateless);
  const std::vector<std::size_t> samples{3, 20, 11};
  for (const bool every : {false, true}) {
    const TrainingExperiment e = laid.load({{"constraints", "{}"},
                                            {"inputs", "{}"},
                                            {"loss.at", every ? "every step" : "end"},
                                            {"loss.metrics", "[\"out\"]"}});
    double loss = 0, slope = 0, mean = 0;
    const double rows = every ? 5 : 1;
    for (const std::size_t sample : samples)
      for (std::size_t n = every ? 0 : 4; n < 5; ++n) {
        const double i = static_cast<double>(5 * sample + n), x = std::sin(0.7 * i),
                     aim = 0.5 * std::sin(0.7 * i - 0.4);
        loss += (0.5 * x - aim) * (0.5 * x - aim) / (3 * rows);
        slope += 2 * (0.5 * x - aim) * x / (3 * rows);
        mean += 0.5 * x / (3 * rows);
      }
    const auto of_samples = make_sample_loss(e);
    Numbers gradient(1);
    BOOST_TEST(of_samples->differentiate(start(e), samples, gradient).loss == loss, rounding);
    BOOST_TEST(gradient[0] == slope, boost::test_tools::tolerance(1e-13));
    const auto value = of_samples->evaluate(start(e), samples);
    BOOST_TEST(value.loss == loss, rounding);
    BOOST_TEST(value.metrics.at(0) == mean, boost::test_tools::tolerance(1e-13));
  }
}

BOOST_AUTO_TEST_CASE(Courses_of_circuits_without_states_are_recorded) {
  const Laid laid(stateless);
  const std::string path = laid.scratch.path("out.h5");
  const TrainingExperiment e = laid.load({{"constraints", "{}"},
                                          {"inputs", "{}"},
                                          {"train.updates", "0"},
                                          {"train.held_out", "23"},
                                          {"train.examples", "2"},
                                          {"train.record", "[\"out\"]"}});
  train(e, {{path, true, true, 1, "test"}});
  const H5Array out = H5File::open(path).read_numbers("/examples/courses/out");
  BOOST_TEST((out.shape == std::vector<std::size_t>{2, 6}));
  for (std::size_t i = 0; i < 2; ++i)
    for (std::size_t n = 0; n < 6; ++n)
      BOOST_TEST(
          out.values[6 * i + n] == 0.5 * std::sin(0.7 * static_cast<double>(5 * e.held_out()[i] + (n > 0 ? n - 1 : 0))),
          rounding);
}

BOOST_AUTO_TEST_CASE(Trained_parameters_come_in_the_units_and_along_the_axes_of_the_circuit) {
  const auto text = [](const std::string& axes, const std::string& E) {
    return "circuit cell\ntime 1\naxis k = 2\naxis j = 2\nparameter W[" + axes +
           "] = [1, 2, 3, 4] 1\nparameter E = " + E + "\ninput x : 1\nout := sum(W, k, j)*E*x/E\n";
  };
  const Laid laid(text("k, j", "10 mV"));
  const std::string path = laid.scratch.path("out.h5");
  const TrainingExperiment e =
      laid.load({{"constraints", "{}"}, {"inputs", "{}"}, {"train.updates", "0"}, {"train.held_out", "23"}});
  train(e, {{path, true, true, 1, "test"}});
  const auto with = [&](const std::string& axes, const std::string& E) {
    return with_trained_parameters(read_circuit(text(axes, E)), path);
  };
  BOOST_TEST(with("k, j", "1 mV").parameter("E").value[0] == 10);
  BOOST_TEST(with("k, j", "1 V").parameter("E").value[0] == 0.01);
  BOOST_CHECK_EXCEPTION(with("k, j", "1 nS"), Error, says("parameter 'E' is in mV there, but in nS"));
  BOOST_CHECK_EXCEPTION(with("j, k", "1 mV"), Error, says("parameter 'W' has the axes [k, j] there, but [j=2, k=2]"));
}

// 1000 pA and 5 mV ask for 5 Mohm, in whatever units the file has them.
BOOST_AUTO_TEST_CASE(Data_are_converted_from_the_units_that_their_file_names) {
  const Laid laid("circuit cell\ntime 1\nparameter R = 2 Mohm in (0, inf)\ninput I : pA\nV := R*I : mV\n");
  const std::string text =
      "circuit = \"cell.circuit\"\n[data]\nkind = \"arrays\"\nfile = \"data.h5\"\n[loss]\nkind = \"mean_square\"\n"
      "of = \"V\"\ntarget = \"aim\"\n[train]\nbatch = 4\nprecision = \"double\"\n";
  const auto lay = [&](double current, const std::string& unit, double aim, const std::string& aims) {
    H5File file = H5File::create(laid.scratch.path("data.h5"), true);
    file.create_axis("/sample", 4);
    file.write("/I", Numbers(4, current), {"/sample"}, {unit, ""});
    file.write("/aim", Numbers(4, aim), {"/sample"}, {aims, ""});
    file.close();
  };
  const std::vector<std::size_t> samples{0, 1, 2, 3};
  const auto loss = [&](double current, const std::string& unit, double aim, const std::string& aims) {
    lay(current, unit, aim, aims);
    const TrainingExperiment e = laid.load({}, text);
    return make_sample_loss(e)->evaluate(start(e), samples).loss;
  };
  BOOST_TEST(loss(1000, "", 5, "") == 9, boost::test_tools::tolerance(1e-8));
  BOOST_TEST(loss(1000, "pA", 5, "mV") == 9, boost::test_tools::tolerance(1e-8));
  BOOST_TEST(loss(1, "nA", 0.005, "V") == 9, boost::test_tools::tolerance(1e-8));
  BOOST_TEST(loss(1000, "as typed", 5, "?") == 9, boost::test_tools::tolerance(1e-8));
  lay(1000, "mV", 5, "mV");
  BOOST_CHECK_EXCEPTION(laid.load({}, text), Error, says("variable 'I' is in mV", "input 'I'", "is in pA"));
}

BOOST_AUTO_TEST_CASE(Samples_that_are_taken_together_lie_first) {
  const auto message = [](const std::string& circuit) {
    const Laid laid(circuit);
    return laid.refused({{"loss.at", "end"}, {"constraints", "{}"}, {"train.batch", "5"}});
  };
  const std::string before = "circuit cell\ntime 1\naxis batch = 5\naxis k = 3\nparameter w = 0.2 1\ninput x[",
                    after = "\nout := mean(h, k)\n";
  BOOST_TEST(message(before + "batch] : 1\ninput bias[k] : 1\nnext(h) = w*h + x + bias : 1 [batch, k]" + after) ==
             "accepted");
  BOOST_TEST(message(before + "batch] : 1\ninput bias[k] : 1\nnext(h) = w*h + x + bias : 1 [k, batch]" + after)
                 .find("'h' has the axes [k=3, batch=5]") != std::string::npos);
  BOOST_TEST(message(before + "] : 1\ninput bias[k] : 1\nnext(h) = w*h + x + bias : 1 [batch, k]" + after)
                 .find("an axis batch") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(Axes_of_data_come_in_the_order_of_the_circuit) {
  const Laid laid(
      "circuit cell\ntime 1\naxis y = 2\naxis x = 2\nparameter w = 0.2 1\ninput image[y, x] : 1\n"
      "out := w*mean(image, y, x)\n");
  const auto message = [&](const std::vector<std::string>& axes) {
    H5File file = H5File::create(laid.scratch.path("data.h5"), true);
    file.create_axis("/sample", 23);
    for (const std::string name : {"/x", "/y", "/t"}) file.create_axis(name, 2);
    std::vector<std::string> all{"/sample"};
    all.insert(all.end(), axes.begin(), axes.end());
    file.write("/image", Numbers(23 * (std::size_t{1} << axes.size())), all);
    file.write("/aim", Numbers(23), {"/sample"});
    file.close();
    return laid.refused(
        {{"loss.at", "end"}, {"constraints", "{}"}, {"inputs", "{}"}, {"train.steps", axes.size() > 2 ? "2" : "1"}});
  };
  BOOST_TEST(message({"/y", "/x"}) == "accepted");
  BOOST_TEST(message({"/x", "/y"}).find("in the order [y=2, x=2]. Transpose the data.") != std::string::npos);
  BOOST_TEST(message({"/x", "/t"}).find("in the order [y=2, x=2]. Transpose the data.") != std::string::npos);
  BOOST_TEST(message({"/t", "/y", "/x"}) == "accepted");
  for (const auto& axes :
       std::vector<std::vector<std::string>>{{"/t", "/x", "/y"}, {"/y", "/x", "/t"}, {"/y", "/t", "/x"}})
    BOOST_TEST(message(axes).find("and that of the steps comes before them. Transpose") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(Axes_of_data_that_are_recorded_have_names_of_their_own) {
  const Laid laid(stateless);
  const auto message = [&](const std::string& axis, const std::string& examples) {
    H5File file = H5File::create(laid.scratch.path("data.h5"), true);
    file.create_axis("/sample", 23);
    file.create_axis("/" + axis, 5);
    for (const std::string name : {"/x", "/aim"}) file.write(name, Numbers(23 * 5), {"/sample", "/" + axis});
    file.close();
    return laid.refused(
        {{"constraints", "{}"}, {"inputs", "{}"}, {"train.held_out", "2"}, {"train.examples", examples}});
  };
  for (const std::string axis : {"curves", "parameters", "update", "circuit_text"}) {
    BOOST_TEST(message(axis, "2").find("data: an axis of variable 'x' has the name '" + axis + "'") == 0u,
               message(axis, "2"));
    BOOST_TEST(message(axis, "0") == "accepted");
  }
  BOOST_TEST(message("step", "2") == "accepted");
}

BOOST_AUTO_TEST_CASE(Mistakes_are_refused_with_both_sides_named) {
  const Laid laid;
  BOOST_TEST(laid.refused({{"train.steps", "4"}}).find("[step=5]") != std::string::npos);
  BOOST_TEST(laid.refused({{"loss.target", "h"}}).find("such as h_wanted") != std::string::npos);
  BOOST_CHECK_EXCEPTION(
      train(laid.load({{"gradient.method", "bptt"}, {"gradient.memory_mib", "1"}, {"train.together", "10000"}}),
            {{laid.scratch.path("out.h5"), true, true, 1, "test"}}),
      Error, says("gradient.memory_mib = 1: ", "needs at least"));
  BOOST_TEST(laid.refused({{"loss.of", "outt"}}).find("Closest: out") != std::string::npos);
  BOOST_TEST(laid.refused({{"train.held_out", "23"}}).find("23 samples in all") != std::string::npos);
  BOOST_TEST(laid.refused({{"train.batch", "24"}}).find("23 samples to learn from") != std::string::npos);
  BOOST_TEST(laid.refused({{"train.stepps", "5"}}).find("steps") != std::string::npos);
  BOOST_TEST(laid.refused({{"train.parameters", "[\"Q\"]"}}).find("Closest: q") != std::string::npos);
  BOOST_TEST(laid.refused({{"constraints.g", "negative"}}).find("positive") != std::string::npos);
  BOOST_TEST(laid.refused({{"constraints.g", "{ bounded = [0, 3] }"}}).find("in (0, 2)") != std::string::npos);
  BOOST_TEST(laid.refused({{"constraints.g", "{ bound = [0, 1] }"}}).find("Closest: bounded") != std::string::npos);
  BOOST_TEST(laid.refused({{"constraints.g", "{ bounded = [0, 1], tied = \"q\" }"}}).find("one of {bounded") !=
             std::string::npos);
  BOOST_TEST(laid.refused({{"data.inputs.x", "y"}}).find("no variable 'y'") != std::string::npos);
  BOOST_TEST(laid.refused({{"discretise.scheme", "rk4"}}).find("is a map already") != std::string::npos);
  BOOST_TEST(laid.refused({{"optimiser.kind", "adamm"}}).find("Closest: adam") != std::string::npos);
  BOOST_TEST(laid.refused({{"regime", "slow"}, {"parameters_from", "out.h5"}}).find("every parameter") !=
             std::string::npos);
}

std::shared_ptr<const DataSet> images_of(const Scratch& scratch, const std::string& folder) {
  TomlDocument document = TomlDocument::parse_string(
      "[data]\nkind = \"images\"\nfolder = \"" + scratch.path(folder) + "\"\n", "training.toml");
  return read_data_set(document.root().table("data"), "training.toml");
}

// Files and classes in the order of their names; fifths of 255 come back as they were, to single precision.
BOOST_AUTO_TEST_CASE(A_folder_of_images_is_samples_in_the_order_of_names_with_grey_levels_and_classes) {
  const Scratch scratch;
  for (const char* name : {"set/dog", "set/ape"}) std::filesystem::create_directories(scratch.path(name));
  const auto image = [](double level, std::size_t channels) {
    Image made{2, 3, channels, Numbers(6 * channels, level)};
    made.samples[0] = 1;
    return made;
  };
  write_png(scratch.path("set/dog/a.png"), image(0.2, 1));
  write_png(scratch.path("set/ape/b.png"), image(0.4, 3));
  write_png(scratch.path("set/ape/a.png"), image(0.6, 1));
  std::ofstream(scratch.path("set/ape/notes.txt")) << "no image";
  const auto data = images_of(scratch, "set");
  BOOST_REQUIRE(data->size() == 3u);
  BOOST_TEST(data->variables()[0].shape.str_sizes() == "[y=2, x=3]");
  const double first[] = {1, (1 + 0.4 + 0.4) / 3, 1}, level[] = {0.6, 0.4, 0.2}, label[] = {0, 0, 1};
  for (std::size_t i = 0; i < 3; ++i) {
    std::vector<double> sample(7);
    data->sample(i, sample);
    BOOST_TEST(sample[0] == first[i], boost::test_tools::tolerance(1e-6));
    BOOST_TEST(sample[5] == level[i], boost::test_tools::tolerance(1e-6));
    BOOST_TEST(sample[6] == label[i]);
  }

  const std::string before = images_of(scratch, "set")->digest();
  BOOST_TEST(images_of(scratch, "set")->digest() == before);
  const Image other{2, 3, 1, Numbers(6, 0.5)};
  write_png(scratch.path("set/dog/b.png"), other);
  const std::string after = images_of(scratch, "set")->digest();
  BOOST_TEST(after.substr(0, after.find('\n')) == before.substr(0, before.find('\n')));  // the other class
  BOOST_TEST(after != before);

  write_png(scratch.path("set/dog/b.png"), Image{3, 3, 1, Numbers(9, 0.5)});
  std::vector<double> sample(7);
  BOOST_CHECK_EXCEPTION(images_of(scratch, "set"), Error, says("b.png", "3 x 3", "2 x 3"));
  std::ofstream(scratch.path("set/dog/b.png")) << "damaged";
  BOOST_CHECK_EXCEPTION(images_of(scratch, "set"), Error, says("b.png"));
  std::filesystem::create_directories(scratch.path("empty"));
  BOOST_CHECK_EXCEPTION(images_of(scratch, "empty"), Error, says("one folder is one class"));
  BOOST_CHECK_EXCEPTION(images_of(scratch, "absent"), Error, says("is no folder"));
}

BOOST_AUTO_TEST_CASE(A_training_without_updates_says_how_well_its_parameters_do) {
  const Laid laid;
  const std::string path = laid.scratch.path("out.h5"), again = laid.scratch.path("again.h5");
  train(laid.load({{"train.updates", "8"}, {"train.held_out", "6"}, {"train.validate_every", "4"}}),
        {{path, true, true, 1, "test"}});
  train(laid.load({{"train.updates", "0"}, {"train.held_out", "6"}, {"parameters_from", '"' + path + '"'}}),
        {{again, true, true, 1, "test"}});
  const auto learnt = H5File::open(path).read_numbers("/curves/held_out_loss").values;
  const auto known = H5File::open(again).read_numbers("/curves/held_out_loss").values;
  BOOST_REQUIRE(known.size() == 1u);
  BOOST_TEST(known[0] == *std::min_element(learnt.begin(), learnt.end()), rounding);
  for (const std::string kind : {"adam", "lbfgs"}) {  // all may be held out
    std::string text = training;
    text.erase(text.find("batch = 7"), 9);
    train(laid.load({{"train.updates", "0"}, {"train.held_out", "23"}, {"optimiser.kind", kind}}, text),
          {{again, true, true, 1, "test"}});
    BOOST_TEST(H5File::open(again).read_numbers("/curves/held_out_loss").values.size() == 1u);
  }
}

// What a fixed point's gradient cannot give is refused with the way that can.
BOOST_AUTO_TEST_CASE(Gradients_that_a_circuit_or_loss_does_not_have_are_refused_with_the_way_that_works) {
  const Laid laid;
  BOOST_TEST(laid.refused({{"gradient.method", "fixed_point"}}).find("Use bptt, or loss.at") != std::string::npos);
  BOOST_TEST(laid.refused({{"gradient.method", "adjoint"}}).find("bptt") != std::string::npos);
  std::string flow = cell;
  flow.replace(flow.find("next(h) = tanh("), 15, "dh/dt = -h + tanh(");
  BOOST_TEST(Laid(flow).refused({}).find("[discretise] with scheme and step") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(Checkpoints_of_another_circuit_or_experiment_are_refused) {
  const Laid laid;
  const std::string path = laid.scratch.path("out.h5");
  const TrainingExperiment e = laid.load({{"train.updates", "2"}});
  train(e, {{path, true, true, 1, "test"}});
  const TrainingExperiment other = laid.load({{"train.updates", "2"}, {"train.seed", "4"}});
  BOOST_CHECK_EXCEPTION(read_training_state(path, other), Error, says("another experiment", "seed = 3", "seed = 4"));
  BOOST_CHECK_EXCEPTION(train(e, {{path, false, true, 1, "test"}}), Error, says("exists", "--resume"));
  std::string wider = cell;
  for (std::size_t at; (at = wider.find("[0.3, -0.5, 0.8, 0.2, -0.7, 0.4, 0.1, 0.6, -0.2]")) != std::string::npos;)
    wider.replace(at, 48, "0.1");
  for (std::size_t at; (at = wider.find("[0.5, -0.4, 0.9]")) != std::string::npos;) wider.replace(at, 16, "0.1");
  for (std::size_t at; (at = wider.find("[0.2, 0.1, -0.3]")) != std::string::npos;) wider.replace(at, 16, "0.1");
  wider.replace(wider.find("axis k = 3"), 10, "axis k = 4");
  wider.replace(wider.find("axis j = 3"), 10, "axis j = 4");
  const Laid larger(wider);
  BOOST_CHECK_EXCEPTION(read_training_state(path, larger.load({{"train.updates", "2"}})), Error,
                        says("parameter 'W'", "3 x 3", "4 x 4"));
}

// At a fixed point both ways give one gradient: 200 steps of a map that contracts by less than 0.9 a step leave 1e-9 of
// the start, and the adjoint system is solved to 1e-10.
BOOST_AUTO_TEST_CASE(Recurrent_back_propagation_agrees_with_all_steps_where_the_state_has_settled) {
  const Laid laid(R"(circuit settling
time 1
axis k = 3
axis j = 3
parameter W[k, j] = [0.3, -0.5, 0.3, 0.2, -0.4, 0.4, 0.1, 0.5, -0.2] 1
parameter v[k] = [0.5, -0.4, 0.9] 1
input bias : 1
h(0) = 0
next(h) = tanh(matmul(W, rename(h, k, j), over=[j]) + v*bias) : 1 [k]
out := sum(h, k)
)");
  H5File file = H5File::create(laid.scratch.path("data.h5"), true);
  file.create_axis("/sample", 4);
  file.write("/bias", Numbers{0.3, -0.5, 1.0, 0.1}, {"/sample"});
  file.write("/aim", Numbers{0.2, 0.1, -0.4, 0.6}, {"/sample"});
  file.close();
  std::string text = training;
  text.erase(text.find("at = \"every step\""), 17);
  text.erase(text.find("[constraints]"), text.find("[train]") - text.find("[constraints]"));
  text.replace(text.find("steps = 5"), 9, "steps = 200");
  text.replace(text.find("batch = 7"), 9, "batch = 4");
  const std::vector<std::size_t> samples{0, 1, 2, 3};
  const TrainingExperiment through = laid.load({}, text);
  const Numbers p = start(through);
  Numbers expected(p.size());
  make_sample_loss(through)->differentiate(p, samples, expected);
  for (const std::string solver : {"neumann", "gmres", "anderson"}) {
    const TrainingExperiment e = laid.load({{"gradient.method", "fixed_point"},
                                            {"gradient.solver", solver},
                                            {"gradient.tolerance", "1e-10"},
                                            {"gradient.products", "300"},
                                            {"train.together", "2"}},
                                           text);
    Numbers gradient(p.size());
    const auto value = make_sample_loss(e)->differentiate(p, samples, gradient);
    for (std::size_t i = 0; i < p.size(); ++i) BOOST_TEST(std::abs(gradient[i] - expected[i]) < 1e-8);
    BOOST_TEST(value.report.size() == report_names(e.gradient).size());
    BOOST_TEST(value.report[0] == 0);    // no penalty is asked for
    BOOST_TEST(value.report[1] < 1e-8);  // the state has settled
    BOOST_TEST(value.warning == "");
  }
  const TrainingExperiment early = laid.load({{"gradient.method", "fixed_point"}, {"train.steps", "2"}}, text);
  Numbers gradient(p.size());
  BOOST_TEST(make_sample_loss(early)->differentiate(p, samples, gradient).warning != "");
}

}  // namespace
