// The trainable circuits against validation/reference/trainable.py.
#include "circuit/batch.hpp"
#include "circuit/discretise.hpp"
#include "tests/models/march.hpp"

using namespace striate;

namespace {

using Numbers = std::vector<double>;

const std::map<std::string, double> small{{"orientations", 2}, {"y", 9}, {"x", 8}, {"kernel", 5}};

Numbers numbers(std::size_t size, std::size_t a, std::size_t b, std::size_t m, double low, double high) {
  Numbers v(size);
  for (std::size_t i = 0; i < size; ++i)
    v[i] = low + (high - low) * static_cast<double>((a * i + b) % m) / static_cast<double>(m);
  return v;
}

/// A circuit at the script's numbers.
struct Point {
  explicit Point(const Circuit& circuit)
      : system(compile<double>(circuit)),
        workspace(system.workspace()),
        p(numbers(system.parameters().size(), 29, 5, 83, -0.3, 0.5)),
        u(numbers(system.inputs().size(), 53, 7, 97, 0, 1)),
        h(numbers(system.states().size(), 37, 11, 101, -1, 1)) {}
  At<double> at() const { return {2, h, p, u}; }
  Numbers next() {
    Numbers out(h.size());
    system.rhs(at(), out, workspace);
    return out;
  }
  Numbers observed(const std::string& name) {
    Numbers all(system.observables().size());
    system.observe(at(), all, workspace);
    const Field& f = system.observables().at(name);
    const auto begin = all.begin() + static_cast<std::ptrdiff_t>(f.offset);
    return {begin, begin + static_cast<std::ptrdiff_t>(f.size)};
  }

  System<double> system;
  Workspace<double> workspace;
  Numbers p, u, h;
};

Circuit small_model(const std::string& name, std::map<std::string, double> more = {}) {
  more.insert(small.begin(), small.end());
  return model(name, more);
}

// Sums of up to a thousand terms, in another order than the script's: 1e-12 leaves three digits of room.
void check(const std::string& name, const std::string& quantity, const Numbers& values) {
  BOOST_TEST_CONTEXT(name << " " << quantity)
  test::check_against(test::reference(name, quantity, "validation/reference/trainable.csv"), values, 1e-12);
}

double largest_difference(const Numbers& a, const Numbers& b) {
  BOOST_TEST_REQUIRE(a.size() == b.size());
  double largest = 0;
  for (std::size_t i = 0; i < a.size(); ++i) largest = std::max(largest, std::abs(a[i] - b[i]));
  return largest;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(trainable)

BOOST_AUTO_TEST_CASE(the_front_end_starts_with_the_published_filters) {
  const Circuit circuit = model("hgru", {{"y", 8}, {"x", 8}});
  const Numbers& F = circuit.parameter("F").value;
  check("front end", "F", F);
  for (std::size_t k = 0; k < 24; ++k) {
    double mean = 0, length = 0;
    for (std::size_t i = 0; i < 49; ++i) {
      mean += F[49 * k + i] / 49;
      length += F[49 * k + i] * F[49 * k + i];
    }
    BOOST_TEST(std::abs(mean) < 1e-15);
    BOOST_TEST(std::abs(length - 1) < 1e-14);
  }
  BOOST_TEST(F[49 * 24 + 24] == 49.0 / 29, boost::test_tools::tolerance(1e-15));
}

BOOST_AUTO_TEST_CASE(a_step_of_the_hgru_its_adjoint_and_its_readout_are_those_of_the_equations) {
  Point c(small_model("hgru", {{"steps", 4}}));
  check("hgru", "next", c.next());
  check("hgru", "logits", c.observed("logits"));
  const Numbers q = numbers(c.h.size(), 41, 3, 103, -1, 1);
  Numbers hbar(c.h.size()), pbar(c.p.size());
  c.system.vjp(c.at(), q, {hbar, pbar}, c.workspace);
  check("hgru", "state gradient", hbar);
  check("hgru", "parameter gradient", pbar);
}

// Central differences at 1e-4: truncation and rounding stay below 1e-7 of the largest derivative.
BOOST_AUTO_TEST_CASE(the_gradient_of_a_step_agrees_with_differences) {
  Point c(small_model("hgru", {{"steps", 4}}));
  const Numbers q = numbers(c.h.size(), 41, 3, 103, -1, 1);
  Numbers hbar(c.h.size()), pbar(c.p.size());
  c.system.vjp(c.at(), q, {hbar, pbar}, c.workspace);
  const auto value = [&] {
    const Numbers next = c.next();
    double s = 0;
    for (std::size_t i = 0; i < q.size(); ++i) s += q[i] * next[i];
    return s;
  };
  const auto compare = [&](Numbers& x, const Numbers& bar) {
    double scale = 0;
    for (const double b : bar) scale = std::max(scale, std::abs(b));
    for (std::size_t i = 0; i < x.size(); i += 7) {
      const double middle = x[i], d = 1e-4;
      x[i] = middle + d;
      const double up = value();
      x[i] = middle - d;
      const double down = value();
      x[i] = middle;
      BOOST_TEST(std::abs((up - down) / (2 * d) - bar[i]) < 1e-6 * scale);
    }
  };
  compare(c.h, hbar);
  compare(c.p, pbar);
}

BOOST_AUTO_TEST_CASE(the_kernel_s_gradient_is_channel_symmetric_to_the_last_bit) {
  for (const double side : {9.0, 40.0}) {  // summed directly, and in the frequency domain
    Point c(model("hgru", {{"orientations", 2}, {"y", side}, {"x", side}, {"kernel", 7}}));
    Numbers hbar(c.h.size()), pbar(c.p.size());
    c.system.vjp(c.at(), numbers(c.h.size(), 41, 3, 103, -1, 1), {hbar, pbar}, c.workspace);
    const Field& W = c.system.parameters().at("W");
    bool any = false;
    for (std::size_t k = 0; k < 5; ++k)
      for (std::size_t l = 0; l < 5; ++l)
        for (std::size_t i = 0; i < 49; ++i) {
          const double here = pbar[W.offset + (k * 5 + l) * 49 + i], there = pbar[W.offset + (l * 5 + k) * 49 + i];
          BOOST_TEST(here == there);
          any = any || here != 0;
        }
    BOOST_TEST(any);
  }
}

BOOST_AUTO_TEST_CASE(a_step_of_the_fgru_and_its_readout_are_those_of_the_equations_over_a_batch) {
  Point c(small_model("fgru", {{"batch", 2}}));
  check("fgru", "next", c.next());
  check("fgru", "logits", c.observed("logits"));
}

BOOST_AUTO_TEST_CASE(the_feedforward_control_is_its_five_layers) {
  Point c(small_model("feedforward", {{"unit", 3}}));
  check("feedforward", "next", c.next());
}

BOOST_AUTO_TEST_CASE(the_models_have_the_published_numbers_of_parameters) {
  const auto count = [](const Circuit& circuit, const std::vector<std::string>& without) {
    std::size_t n = 0;
    for (const auto& p : circuit->parameters)
      if (std::find(without.begin(), without.end(), p.variable->name) == without.end()) n += p.value.size();
    return n;
  };
  const std::map<std::string, double> place{{"y", 16}, {"x", 16}};
  // The cell alone: W 140625, U 1250, b 50, five vectors of 25, eta 8; the front end: 1250.
  BOOST_TEST(count(model("hgru", place), {"F", "f", "gain_R", "offset_R", "R", "D", "d"}) == 142058U);
  // 284227 less two batch normalisations of 50 that are made but not used.
  BOOST_TEST(count(model("fgru", place), {}) == 284127U);
  const auto control = static_cast<double>(count(model("feedforward", place), {}));
  BOOST_TEST(control / static_cast<double>(count(model("hgru", place), {})) == 1, boost::test_tools::tolerance(0.05));
}

/// The compact circuit of section 0.2 on the hgru's grid; eta, eps = sigma, one kernel, [.]+.
constexpr const char* compact = R"(circuit compact
time 1
axis feature = 5
axis to = 5
axis y = 9
axis x = 8
axis dy = 5
axis dx = 5
parameter W[to, feature, dy, dx] = 0 1
parameter mu[feature] = 0 1
parameter gamma[feature] = 0 1
parameter eta = 6 1
parameter eps = 0.5 1
input X[feature, y, x] : 1
S := (W + rename(rename(rename(W, to, between), feature, to), between, feature))/2
dH1/dt = (relu(X - mu*rename(conv(H2, S, over=[feature]), to, feature)) - eps^2*H1)/eta : 1 [feature, y, x]
dH2/dt = (relu(gamma*rename(conv(H1, S, over=[feature]), to, feature)) - eps^2*H2)/eta : 1 [feature, y, x]
)";

// Euler with h = eta/eps^2 forgets the old value, H1 = [X - mu C1]+/eps^2. The hgru without suppression by activity,
// with open gain gate, closed memory, kappa = omega = 0 and linear excitation is the same step, its second half taken
// at the updated H1: here both are written with its parameters and a rectifier in place of tanh.
BOOST_AUTO_TEST_CASE(the_euler_step_of_the_compact_circuit_at_eta_over_eps_squared_is_the_hgru_step_without_memory) {
  const Circuit flow = read_circuit(compact).with_parameters({{"eps", {1}}});
  Point euler(discretise(flow, Scheme::euler, 6));
  std::string text = model_text("hgru").text;
  const auto swap = [&](const std::string& from, const std::string& to) {
    const auto at = text.find(from);
    BOOST_TEST_REQUIRE(at != std::string::npos, from);
    text.replace(at, from.size(), to);
  };
  swap("tanh(X -", "relu(X -");
  swap("tanh(kappa*(H1 + E) + omega*H1*E)", "relu(E)");
  std::map<std::string, double> settings = small;
  settings["steps"] = 4;
  Point hgru(read_circuit(text, "hgru.circuit", settings));
  const auto set = [](Point& c, const std::string& name, const Numbers& values) {
    const Field& f = c.system.parameters().at(name);
    for (std::size_t i = 0; i < f.size; ++i) c.p[f.offset + i] = values[i % values.size()];
  };
  const auto get = [](Point& c, const std::string& name) {
    const Field& f = c.system.parameters().at(name);
    const auto begin = c.p.begin() + static_cast<std::ptrdiff_t>(f.offset);
    return Numbers(begin, begin + static_cast<std::ptrdiff_t>(f.size));
  };
  set(euler, "eta", {6});
  set(euler, "eps", {1});
  for (const char* name : {"W", "mu", "gamma"}) set(euler, name, get(hgru, name));
  set(hgru, "alpha", {0});
  set(hgru, "U1", {0});
  set(hgru, "b1", {1e3});  // gain gate 1
  set(hgru, "U2", {0});
  set(hgru, "b2", {-1e3});  // mix gate 0: no memory
  set(hgru, "eta", {1});
  euler.u = hgru.observed("X");
  for (double& x : hgru.h) x = std::abs(x);
  // H2 from the updated H1: two Euler steps, the second of which sees H1 of the first.
  const std::size_t n = hgru.h.size();
  std::copy(hgru.h.begin(), hgru.h.end(), euler.h.begin() + static_cast<std::ptrdiff_t>(n));
  const Numbers first = euler.next();
  std::copy(first.begin(), first.begin() + static_cast<std::ptrdiff_t>(n), euler.h.begin());
  const Numbers second = euler.next();
  const Numbers H1 = hgru.observed("H1"), next = hgru.next();
  BOOST_TEST(largest_difference(H1, {first.begin(), first.begin() + static_cast<std::ptrdiff_t>(n)}) < 1e-13);
  BOOST_TEST(largest_difference(next, {second.begin() + static_cast<std::ptrdiff_t>(n), second.end()}) < 1e-13);
}

BOOST_AUTO_TEST_CASE(the_hgru_runs_as_a_batch) {
  const Circuit one = small_model("hgru", {{"steps", 4}});
  Point single(one), pair(batch(one, 2));
  std::copy(single.h.begin(), single.h.end(), pair.h.begin());
  std::copy(single.u.begin(), single.u.end(), pair.u.begin());
  const Numbers together = pair.next(), alone = single.next();
  const auto n = static_cast<std::ptrdiff_t>(alone.size());
  BOOST_TEST(largest_difference({together.begin(), together.begin() + n}, alone) < 1e-14);
  const Numbers logits = pair.observed("logits"), own = single.observed("logits");
  BOOST_TEST(largest_difference({logits.begin(), logits.begin() + 2}, own) < 1e-14);
}

BOOST_AUTO_TEST_SUITE_END()
