// Back-propagation through the steps of a map: exact to rounding, the same bits under any memory, and no recomputation
// more than the optimum.
#include "integrators/bptt.hpp"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstring>
#include <map>

#include "base/error.hpp"
#include "circuit/compile.hpp"
#include "circuit/text.hpp"
#include "integrators/binomial.hpp"

using namespace striate;

namespace {

using Numbers = std::vector<double>;

/// The fewest forward steps by trying every split: the recursion that the closed form solves.
std::uint64_t fewest(std::size_t steps, std::size_t slots) {
  static std::map<std::pair<std::size_t, std::size_t>, std::uint64_t> known;
  if (steps < 2) return 0;
  if (slots == 0) return 1'000'000'000;
  const auto [place, fresh] = known.try_emplace({steps, slots}, 1'000'000'000);
  if (!fresh) return place->second;
  std::uint64_t best = 1'000'000'000;
  for (std::size_t m = 1; m < steps; ++m) best = std::min(best, m + fewest(steps - m, slots - 1) + fewest(m, slots));
  return known[{steps, slots}] = best;
}

/// A nonlinear map of 5 + 1 states that depends on time and on an input; V(0) depends on parameters.
constexpr const char* cell = R"(circuit cell
axis n = 5
parameter w[n] = [0.4, -0.3, 0.8, 0.1, -0.6] 1
parameter g = 0.9 1
input I : 1
V(0) = g*w
s(0) = 0.2
next(V) = tanh(g*(V*s + shift(V, n, 1, border=circular)*w) + I + 0.1*sin(t/(3 ms))) : 1 [n]
next(s) = 0.5*s + g*mean(V^2, n) : 1
)";

struct Run {
  System<double> map = compile<double>(read_circuit(cell));
  Workspace<double> workspace = map.workspace();
  Numbers p = map.default_parameters(), y0, u{0};
  std::size_t steps = 37;
  std::vector<std::size_t> order;

  Rollout<double> rollout() {
    return {map, p, y0, 0, steps, [this](std::size_t n) {
              u[0] = 0.1 * std::cos(static_cast<double>(n));
              return std::span<const double>(u);
            }};
  }
  /// Something different of every step, with a parameter in it.
  Loss<double> loss() {
    return [this](std::size_t n, std::span<const double> y, std::span<double> ybar, std::span<double> pbar) {
      order.push_back(n);
      const double weight = 1.0 / static_cast<double>(1 + n % 4);
      double value = 0;
      for (std::size_t i = 0; i < y.size(); ++i) {
        value += weight * p[5] * y[i] * y[i];
        ybar[i] += 2 * weight * p[5] * y[i];
        pbar[5] += weight * y[i] * y[i];
      }
      return value;
    };
  }
  BackPropagation<double> run(std::size_t memory = std::numeric_limits<std::size_t>::max()) {
    order.clear();
    return bptt(rollout(), loss(), workspace, memory);
  }
};

bool same_bits(const Gradient<double>& a, const Gradient<double>& b) {
  return std::memcmp(&a.loss, &b.loss, 8) == 0 && std::memcmp(a.y0.data(), b.y0.data(), 8 * a.y0.size()) == 0 &&
         std::memcmp(a.p.data(), b.p.data(), 8 * a.p.size()) == 0;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(integrators_bptt)

BOOST_AUTO_TEST_CASE(the_binomial_schedule_is_the_best_of_all_splits) {
  for (std::size_t slots = 1; slots <= 9; ++slots) {
    for (std::size_t steps = 1; steps <= 60; ++steps) {
      BOOST_TEST(binomial_advances(steps, slots) == fewest(steps, slots), steps << " steps, " << slots << " slots");
      if (steps < 2) continue;
      const std::size_t m = binomial_split(steps, slots);
      BOOST_TEST(m + fewest(steps - m, slots - 1) + fewest(m, slots) == fewest(steps, slots));
    }
  }
  // 320 steps: at most twice forward with 24 slots (C(26, 2) = 325 >= 320), at most three times with 11 (C(14, 3) =
  // 364).
  BOOST_TEST(binomial_advances(320, 24) == 2 * 320 - 26);
  BOOST_TEST(binomial_advances(320, 11) == 3 * 320 - 14 * 13 / 2);
  BOOST_TEST(binomial_split(std::size_t{1} << 40, 200) > 0u);  // binomials beyond 64 bits
}

BOOST_AUTO_TEST_CASE(the_gradient_is_the_derivative_of_what_the_steps_computed) {
  Run r;
  for (const bool own_start : {false, true}) {
    if (own_start) r.y0 = {0.3, -0.1, 0.5, 0.2, -0.4, 0.1};
    const Gradient<double> g = r.run().gradient;
    const auto difference = [&](Numbers& x, std::size_t i) {
      // Fourth-order differences at h = 1e-3: h^4 times a fifth derivative, and 1e-13 of rounding over h.
      const double h = 1e-3, at = x[i];
      double sum = 0;
      for (const auto& [shift, weight] : std::map<double, double>{{-2, 1}, {-1, -8}, {1, 8}, {2, -1}}) {
        x[i] = at + shift * h;
        sum += weight * r.run().gradient.loss;
      }
      x[i] = at;
      return sum / (12 * h);
    };
    for (std::size_t i = 0; i < r.p.size(); ++i)
      BOOST_TEST(std::abs(g.p[i] - difference(r.p, i)) < 1e-9 * (1 + std::abs(g.p[i])));
    for (std::size_t i = 0; i < r.y0.size(); ++i)
      BOOST_TEST(std::abs(g.y0[i] - difference(r.y0, i)) < 1e-9 * (1 + std::abs(g.y0[i])));
  }
}

BOOST_AUTO_TEST_CASE(the_gradient_of_a_linear_map_is_exact_to_rounding) {
  // y[n] = a^n y0 + b (1 - a^n)/(1 - a), L = y[50]: dL/dy0 = a^50, dL/db = (1 - a^50)/(1 - a),
  // dL/da = 50 a^49 y0 + b d/da[(1 - a^50)/(1 - a)].
  const auto map = compile<double>(
      read_circuit("circuit c\nparameter a = 0.97 1\nparameter b = 0.3 1\ny(0) = 0\nnext(y) = a*y + b : 1\n"));
  auto workspace = map.workspace();
  const Numbers p{0.97, 0.3}, y0{2};
  const auto last = [](std::size_t n, std::span<const double> y, std::span<double> ybar, std::span<double>) {
    if (n < 50) return 0.0;
    ybar[0] += 1;
    return y[0];
  };
  const auto g = bptt<double>({map, p, y0, 0, 50, {}}, last, workspace).gradient;
  const double a = 0.97, a49 = std::pow(a, 49), a50 = std::pow(a, 50);
  const double slope = (-50 * a49 * (1 - a) + (1 - a50)) / ((1 - a) * (1 - a));
  // 50 roundings of numbers that grow to the results.
  const auto near = boost::test_tools::tolerance(50 * 2.3e-16);
  BOOST_TEST(g.loss == a50 * 2 + 0.3 * (1 - a50) / (1 - a), near);
  BOOST_TEST(g.y0[0] == a50, near);
  BOOST_TEST(g.p[1] == (1 - a50) / (1 - a), near);
  BOOST_TEST(g.p[0] == 50 * a49 * 2 + 0.3 * slope, near);
}

BOOST_AUTO_TEST_CASE(any_memory_gives_the_same_bits_and_no_step_too_many) {
  Run r;
  const std::size_t state = 6 * sizeof(double);
  for (const std::size_t steps : {0, 1, 2, 3, 37, 100}) {
    r.steps = steps;
    const auto all = r.run();
    BOOST_TEST(all.recomputed == 0u);
    for (std::size_t slots = 1; slots < 40; slots = slots < 8 ? slots + 1 : 2 * slots) {
      const std::size_t memory = (slots + 4) * state + 5;
      const auto few = r.run(memory);
      BOOST_TEST_CONTEXT(steps << " steps, " << slots << " slots") {
        BOOST_TEST(same_bits(few.gradient, all.gradient));
        BOOST_TEST(few.bytes <= memory);
        BOOST_TEST(few.stored <= slots);
        // Store-all takes `steps` steps forward; of these the last is not part of the schedule.
        BOOST_TEST(few.recomputed == (steps == 0 ? 0 : fewest(steps, slots) + 1 - steps));
        BOOST_TEST(r.order.size() == steps + 1);
        BOOST_TEST(std::is_sorted(r.order.rbegin(), r.order.rend()));
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(tapes_take_what_memory_there_is_and_change_no_bit) {
  const auto map = compile<double>(read_circuit(
      "circuit network\ntime 1\naxis unit = 70\naxis pre = 70\nparameter W[unit, pre] ~ normal(0, 0.15) 1\n"
      "r(0) = 0.1\nnext(r) = tanh(matmul(W, rename(r, unit, pre), over=[pre]) + 0.1) : 1 [unit]\n"));
  BOOST_REQUIRE_EQUAL(map.tape_size(), 70u);
  auto workspace = map.workspace();
  const Numbers p = map.default_parameters();
  const Loss<double> loss = [](std::size_t, std::span<const double> y, std::span<double> ybar, std::span<double>) {
    double value = 0;
    for (std::size_t i = 0; i < y.size(); ++i) value += y[i] * y[i], ybar[i] += 2 * y[i];
    return value;
  };
  constexpr std::size_t steps = 20, state = 70 * sizeof(double);
  const auto run = [&](std::size_t memory) {
    return bptt<double>({map, p, {}, 0, steps, {}}, loss, workspace, memory);
  };
  const auto all = run(std::numeric_limits<std::size_t>::max());
  BOOST_TEST(all.bytes == (steps - 1 + 4 + steps) * state);
  for (const std::size_t states : {6, 9, 23, 42}) {  // of 5 + 1 that it needs, and 23 + 20 that it may take
    const auto few = run(states * state);
    BOOST_TEST(same_bits(few.gradient, all.gradient), states << " states");
    BOOST_TEST(few.bytes <= states * state);
    BOOST_TEST(few.stored == std::min(states - 5, steps - 1));
  }
}

BOOST_AUTO_TEST_CASE(float_agrees_with_double_to_its_precision) {
  Run r;
  const auto exact = r.run().gradient;
  const auto map = compile<float>(read_circuit(cell));
  auto workspace = map.workspace();
  const std::vector<float> p(r.p.begin(), r.p.end());
  std::vector<float> u(1);
  const Rollout<float> rollout{map, p, {}, 0, r.steps, [&](std::size_t n) {
                                 u[0] = static_cast<float>(0.1 * std::cos(static_cast<double>(n)));
                                 return std::span<const float>(u);
                               }};
  const auto g = bptt<float>(
                     rollout,
                     [&](std::size_t n, std::span<const float> y, std::span<float> ybar, std::span<float> pbar) {
                       const float weight = 1 / static_cast<float>(1 + n % 4);
                       double value = 0;
                       for (std::size_t i = 0; i < y.size(); ++i) {
                         value += static_cast<double>(weight * p[5] * y[i] * y[i]);
                         ybar[i] += 2 * weight * p[5] * y[i];
                         pbar[5] += weight * y[i] * y[i];
                       }
                       return value;
                     },
                     workspace)
                     .gradient;
  // 37 contracting steps of 6e-8 each.
  for (std::size_t i = 0; i < g.p.size(); ++i)
    BOOST_TEST(std::abs(static_cast<double>(g.p[i]) - exact.p[i]) < 1e-5 * (1 + std::abs(exact.p[i])));
}

BOOST_AUTO_TEST_CASE(what_cannot_be_is_refused_with_a_sentence) {
  Run r;
  const auto has = [](const std::string& part) {
    return [part](const std::exception& e) {
      BOOST_TEST_MESSAGE(e.what());
      return std::string(e.what()).find(part) != std::string::npos;
    };
  };
  BOOST_CHECK_EXCEPTION(r.run(4 * 48), Error, has("needs at least 240"));
  r.y0 = {1, 2};
  BOOST_CHECK_EXCEPTION(r.run(), Error, has("y0 has 2 values"));
  r.y0 = {};
  auto rollout = r.rollout();
  rollout.input = {};
  BOOST_CHECK_EXCEPTION(bptt(rollout, r.loss(), r.workspace), Error, has("Rollout::input"));
  r.p[5] = std::numeric_limits<double>::quiet_NaN();
  BOOST_CHECK_EXCEPTION(r.run(), Failure, has("the loss is nan at step 37 of 37"));
  // A flow is no map.
  const auto flow = compile<double>(read_circuit("circuit c\ny(0) = 1\ndy/dt = -y/(1 ms) : 1\n"));
  auto workspace = flow.workspace();
  BOOST_CHECK_EXCEPTION(bptt<double>({flow, {}, {}, 0, 3, {}}, r.loss(), workspace), Error, has("discretise"));
}

BOOST_AUTO_TEST_SUITE_END()
