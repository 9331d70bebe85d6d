// Noise: orders of convergence, moments, and paths that depend on nothing but the seed.
#include <omp.h>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <numeric>

#include "base/error.hpp"
#include "circuit/discretise.hpp"
#include "integrators/bptt.hpp"
#include "integrators/brownian_path.hpp"
#include "tests/integrators/circuits.hpp"

using namespace striate;
using namespace striate::test;

namespace {

Method method_of(const std::string& name, double step) {
  Method m;
  m.name = name;
  m.step = step;
  return m;
}

std::vector<double> end_of(Problem p, const std::string& method, double step, std::uint64_t seed = 1) {
  p.seed = seed;
  return solve(p, method_of(method, step)).y;
}

Problem paths(const std::string& equations, std::size_t count, double t1) {
  return {compile<double>(read_circuit("circuit c\ntime 1\naxis path = " + std::to_string(count) + "\n" + equations)),
          {},
          nullptr,
          {},
          0.0,
          t1,
          {}};
}

struct Band {
  double mean, error;  ///< of the mean, from batches of paths
};

/// log2 of the ratio of mean |error| at a step and at its half, from 20 batches of paths.
Band slope(const std::vector<double>& coarse, const std::vector<double>& fine, bool signed_errors = false) {
  constexpr std::size_t batches = 20;
  const std::size_t per = coarse.size() / batches;
  std::vector<double> slopes;
  for (std::size_t b = 0; b < batches; ++b) {
    double c = 0, f = 0;
    for (std::size_t i = b * per; i < (b + 1) * per; ++i) {
      c += signed_errors ? coarse[i] : std::abs(coarse[i]);
      f += signed_errors ? fine[i] : std::abs(fine[i]);
    }
    slopes.push_back(std::log2(std::abs(c / f)));
  }
  const double mean = std::accumulate(slopes.begin(), slopes.end(), 0.0) / batches;
  double square = 0;
  for (const double s : slopes) square += (s - mean) * (s - mean);
  return {mean, std::sqrt(square / (batches - 1) / batches)};
}

/// The measured strong order lies within three standard errors and the bias allowed for a finite step.
void check_strong(const std::string& method, double order, double bias,
                  const std::function<std::vector<double>(double)>& errors) {
  std::vector<double> coarse = errors(1.0 / 16);
  for (double step = 1.0 / 32; step > 1.0 / 200; step /= 2) {
    const std::vector<double> fine = errors(step);
    const Band band = slope(coarse, fine);
    BOOST_TEST_CONTEXT(method << " step " << step << ": order " << band.mean << " +- " << band.error)
    BOOST_TEST(std::abs(band.mean - order) < 3 * band.error + bias);
    coarse = fine;
  }
}

const std::string brownian = "noise xi[path] ito\ndW/dt = xi : 1 [path]\n";
const std::string geometric_ito = "noise xi[path] ito\nx(0) = 1\ndx/dt = 0.5*x + 0.8*x*xi : 1 [path]\n";
const std::string geometric_stratonovich =
    "noise xi[path] stratonovich\nx(0) = 1\ndx/dt = 0.5*x + 0.8*x*xi : 1 [path]\n";

/// Errors of geometric Brownian motion at t = 1, on each path, whose end another circuit with the same noise gives.
std::vector<double> geometric_errors(const std::string& text, const std::string& method, double step,
                                     std::size_t count = 2000) {
  const bool ito = text == geometric_ito;
  auto x = end_of(paths(text, count, 1), method, step);
  const auto w = end_of(paths(brownian, count, 1), "euler_maruyama", step);
  for (std::size_t i = 0; i < count; ++i) x[i] -= std::exp(ito ? 0.5 - 0.32 + 0.8 * w[i] : 0.5 + 0.8 * w[i]);
  return x;
}

std::string refusal(const std::string& equations, const std::string& method) {
  try {
    solve(paths(equations, 3, 1), method_of(method, method == "bdf" || method == "dp54" ? 0 : 0.1));
  } catch (const Error& e) {
    return e.what();
  }
  return "";
}

}  // namespace

BOOST_AUTO_TEST_SUITE(integrators_noise)

// Closed solution x(1) = exp((a - b^2/2) + b W(1)), a = 0.5, b = 0.8 (Kloeden & Platen 1992, 4.4).
BOOST_AUTO_TEST_CASE(strong_orders_on_geometric_brownian_motion) {
  const auto errors = [](const std::string& text, const std::string& method) {
    return [=](double step) { return geometric_errors(text, method, step); };
  };
  check_strong("euler_maruyama", 0.5, 0.1, errors(geometric_ito, "euler_maruyama"));
  check_strong("milstein", 1, 0.1, errors(geometric_ito, "milstein"));
  check_strong("stochastic_heun", 1, 0.1, errors(geometric_stratonovich, "stochastic_heun"));
}

// Additive noise, a drift that bends and a size that changes in time; against sra1 with an eighth of the finest step.
BOOST_AUTO_TEST_CASE(strong_orders_with_additive_noise) {
  const std::string text = "noise xi[path] ito\nx(0) = 1\ndx/dt = sin(2*x) + (1 + 0.5*sin(2*t))*xi : 1 [path]\n";
  const auto exact = end_of(paths(text, 1000, 1), "sra1", 1.0 / 1024);
  const auto errors = [&](const std::string& method) {
    return [&, method](double step) {
      auto x = end_of(paths(text, 1000, 1), method, step);
      for (std::size_t i = 0; i < x.size(); ++i) x[i] -= exact[i];
      return x;
    };
  };
  check_strong("euler_maruyama", 1, 0.1, errors("euler_maruyama"));
  check_strong("sra1", 1.5, 0.12, errors("sra1"));
}

// The mean of x^2: the errors of a path and its exact solution are taken together, which removes most of the scatter.
BOOST_AUTO_TEST_CASE(weak_order_of_euler_maruyama) {
  const auto squares = [](double step) {
    const std::size_t count = 40000;
    auto x = end_of(paths(geometric_ito, count, 1), "euler_maruyama", step);
    const auto w = end_of(paths(brownian, count, 1), "euler_maruyama", step);
    for (std::size_t i = 0; i < count; ++i) x[i] = x[i] * x[i] - std::exp(2 * (0.18 + 0.8 * w[i]));
    return x;
  };
  const Band band = slope(squares(1.0 / 8), squares(1.0 / 16), true);
  BOOST_TEST_CONTEXT("order " << band.mean << " +- " << band.error)
  BOOST_TEST(std::abs(band.mean - 1) < 3 * band.error + 0.15);
  BOOST_TEST(band.error < 0.15);
}

// dx = -x dt + sqrt(2) dW has variance 1 and autocorrelation exp(-lag); tolerances are four standard errors of 20000
// elements, and what the step of 0.05 adds: Euler-Maruyama's variance is 1/(1 - h/2), sra1's error is of order h^2.
BOOST_AUTO_TEST_CASE(ornstein_uhlenbeck_is_stationary) {
  const std::size_t n = 20000;
  for (const auto& [method, expected] : {std::pair{"euler_maruyama", 1 / (1 - 0.025)}, std::pair{"sra1", 1.0}}) {
    Problem p = paths("noise xi[path] ito\nx(0) = 3\ndx/dt = -x + 2^0.5*xi : 1 [path]\n", n, 13);
    std::vector<std::vector<double>> at;
    Observer observer;
    observer.sample = [&](double, std::span<const double> y) { at.emplace_back(y.begin(), y.end()); };
    const std::vector<double> times{12, 13};
    solve(p, method_of(method, 0.05), times, observer);
    double mean = 0, square = 0, product = 0;
    for (std::size_t i = 0; i < n; ++i) {
      mean += at[0][i] / n;
      square += at[0][i] * at[0][i] / n;
      product += at[0][i] * at[1][i] / n;
    }
    BOOST_TEST(std::abs(mean) < 4 / std::sqrt(n), method);
    BOOST_TEST(std::abs(square - expected) < 4 * std::sqrt(2.0 / n) + 1e-3, method);
    const double decay = std::string(method) == "sra1" ? std::exp(-1) : std::pow(0.95, 20);
    BOOST_TEST(std::abs(product - expected * decay) < 4 * std::sqrt(1.2 / n) + 1e-3, method);
  }
}

BOOST_AUTO_TEST_CASE(half_the_step_follows_the_same_path) {
  // t1 = 1.2345 is on no grid; the run restarts at 0.3.
  std::vector<std::vector<double>> ends;
  for (const double step : {0.1, 0.05, 0.025}) {
    Problem p = paths(brownian, 300, 1.2345);
    p.checkpoints = {0.3};
    ends.push_back(end_of(p, "euler_maruyama", step));
  }
  for (std::size_t i = 0; i < 300; ++i) {
    // The part of a step is composed of 30 halvings: what is left out has a standard deviation of sqrt(0.1 2^-30).
    BOOST_TEST(std::abs(ends[0][i] - ends[1][i]) < 1e-4);
    BOOST_TEST(std::abs(ends[1][i] - ends[2][i]) < 1e-4);
  }
}

// A clock that ticks every 0.0373, and what its ticks send 0.0211 later, stop the steps of 0.1 somewhere; W has no part
// in it. Sums of up to 60 parts round; the last step, to 1.25, is whole in one run only.
BOOST_AUTO_TEST_CASE(spikes_and_arrivals_leave_the_noise_of_others_as_it_is) {
  const std::string clock =
      "axis clock = 1\ndc/dt = 1 : 1 [clock]\ndr/dt = -r : 1 [clock]\nevent tick when c > 0.0373: c = 0\n"
      "projection p from tick to clock: one_to_one "
      "after 0.0211: r += 1\n";
  for (const std::string method : {"euler_maruyama", "stochastic_heun", "milstein", "sra1"}) {
    const std::string noise =
        method == "stochastic_heun" ? "noise xi[path] stratonovich\ndW/dt = xi : 1 [path]\n" : brownian;
    const auto quiet = end_of(paths(noise, 300, 1.2), method, 0.1),
               w = end_of(paths(noise + clock, 300, 1.2), method, 0.1);
    for (std::size_t i = 0; i < 300; ++i) BOOST_TEST(std::abs(w[i] - quiet[i]) < 1e-13, method);
  }
}

// Ito noise leaves the mean of x at 1, wherever ticks and arrivals cut the steps; x(0.5) has the variance
// exp(0.32) - 1, of which the tolerance is four standard errors.
BOOST_AUTO_TEST_CASE(cut_steps_converge_to_the_calculus_of_the_method) {
  const std::size_t n = 5000;
  const std::string text =
      "noise xi[path] ito\nx(0) = 1\ndx/dt = 0.8*x*xi : 1 [path]\naxis clock = 1\ndc/dt = 1 : 1 [clock]\n"
      "dr/dt = -r : 1 [clock]\nevent tick when c > 0.0373: c = 0\n"
      "projection p from tick to clock: one_to_one after 0.0211: r += 1\n";
  for (const std::string method : {"euler_maruyama", "milstein"}) {
    Problem p = paths(text, n, 0.5);
    p.seed = 5;
    const auto x = solve(p, method_of(method, 0.1)).y;
    double mean = 0;
    for (std::size_t i = 0; i < n; ++i) mean += x[i] / n;
    BOOST_TEST(std::abs(mean - 1) < 4 * std::sqrt((std::exp(0.32) - 1) / n), method << ": " << mean);

    Integrator integrator(method_of(method, 0.1));
    integrator.start(p);
    while (integrator.t() < 0.2 || std::abs(integrator.t() / 0.1 - std::round(integrator.t() / 0.1)) < 0.01)
      integrator.advance(0.5);
    const auto rest = resume(p, method_of(method, 0.1), integrator.save()).y;
    BOOST_TEST(std::equal(rest.begin(), rest.end(), x.begin()), method);
  }
}

// Increments and areas of neighbouring cells: variances h, h^3/3, covariance h^2/2, none between cells. 60000 draws;
// tolerances are four standard errors.
BOOST_AUTO_TEST_CASE(increments_have_the_moments_of_a_brownian_motion) {
  const std::size_t n = 60000;
  const double h = 0.25;
  BrownianPath path(3, "noise a", n);
  path.restart(0, h);
  std::vector<double> w(n), a(n), w2(n), a2(n), part(n), part_area(n);
  path.increment(5, h, w, a);
  path.increment(6, h, w2, a2);
  path.increment(7, 0.3 * h, part, part_area);
  const auto moment = [&](const std::vector<double>& x, const std::vector<double>& y, double scale) {
    double sum = 0;
    for (std::size_t i = 0; i < n; ++i) sum += x[i] * y[i] / scale;
    return sum / n;
  };
  const double band = 4 * std::sqrt(2.0 / n);
  BOOST_TEST(std::abs(moment(w, w, h) - 1) < band);
  BOOST_TEST(std::abs(moment(a, a, h * h * h / 3) - 1) < band);
  BOOST_TEST(std::abs(moment(w, a, h * h / 2) - 1) < band * 1.3);
  BOOST_TEST(std::abs(moment(w, w2, h)) < band);
  BOOST_TEST(std::abs(moment(a, a2, h * h * h / 3)) < band);
  BOOST_TEST(std::abs(moment(w, a2, h * h)) < band);
  BOOST_TEST(std::abs(moment(part, part, 0.3 * h) - 1) < band);
  BOOST_TEST(std::abs(moment(part_area, part_area, std::pow(0.3 * h, 3) / 3) - 1) < band);
  // The whole is the sum of its halves, also for the areas.
  BrownianPath fine(3, "noise a", n);
  fine.restart(0, h / 2);
  std::vector<double> left(n), left_area(n), right(n), right_area(n);
  fine.increment(10, h / 2, left, left_area);
  fine.increment(11, h / 2, right, right_area);
  for (std::size_t i = 0; i < n; ++i) {
    BOOST_REQUIRE(std::abs(left[i] + right[i] - w[i]) < 1e-14);
    BOOST_REQUIRE(std::abs(left_area[i] + right_area[i] + h / 2 * left[i] - a[i]) < 1e-14);
  }
}

BOOST_AUTO_TEST_CASE(seeds_and_noises_give_other_paths) {
  const std::string two = "noise xi[path] ito\nnoise eta[path] ito\ndW/dt = xi : 1 [path]\ndU/dt = eta : 1 [path]\n";
  const auto a = end_of(paths(two, 2, 1), "euler_maruyama", 0.1, 1);
  const auto b = end_of(paths(two, 2, 1), "euler_maruyama", 0.1, 2);
  BOOST_TEST(a[0] != a[1]);
  BOOST_TEST(a[0] != a[2]);
  BOOST_TEST(a[0] != b[0]);
  const auto w = end_of(paths(brownian, 2, 1), "euler_maruyama", 0.1, 1);
  BOOST_TEST(a[0] == w[0]);
}

BOOST_AUTO_TEST_CASE(bits_do_not_depend_on_threads_or_on_a_restart) {
  const std::string text = "noise xi[path] ito\ndx/dt = -x + xi : 1 [path]\n";
  for (const std::string method : {"euler_maruyama", "stochastic_heun", "milstein", "sra1"}) {
    Problem p = paths(text, 40000, 1.03);
    p.seed = 9;
    std::vector<double> whole;
    for (const int threads : {1, 3}) {
      const int before = omp_get_max_threads();
      omp_set_num_threads(threads);
      const auto y = solve(p, method_of(method, 0.1)).y;
      omp_set_num_threads(before);
      if (whole.empty()) whole = y;
      BOOST_TEST(std::equal(y.begin(), y.end(), whole.begin()), method);
    }
    Integrator integrator(method_of(method, 0.1));
    integrator.start(p);
    for (int i = 0; i < 5; ++i) integrator.advance(2);
    const Checkpoint saved = integrator.save();
    const auto rest = resume(p, method_of(method, 0.1), saved).y;
    BOOST_TEST(std::equal(rest.begin(), rest.end(), whole.begin()), method);
  }
}

// The steps as a map, whose inputs are the increments: the same states, and an exact gradient on the given path.
BOOST_AUTO_TEST_CASE(back_propagation_goes_over_a_given_path) {
  const Circuit flow = read_circuit(
      "circuit c\ntime 1\nparameter a = 0.5 1\nparameter b = 0.8 1\nnoise xi ito\nx(0) = 1\n"
      "dx/dt = -a*x^3 + b*x*xi : 1\n");
  const std::size_t steps = 20;
  const double h = 0.05;
  BrownianPath path(4, "noise xi", 1);
  path.restart(0, h);
  std::vector<double> dw(1), area(1), u;
  for (std::size_t n = 0; n < steps; ++n) {
    path.increment(n, h, dw, area);
    u.push_back(dw[0] / h);
  }
  Rollout<double> rollout{compile<double>(discretise(flow, Scheme::euler, h)), {}, {}, 0, steps, [&](std::size_t n) {
                            return std::span<const double>(&u[std::min(n, steps - 1)], 1);
                          }};
  const auto gradient = [&](const std::vector<double>& p) {
    rollout.p = p;
    auto workspace = rollout.map.workspace();
    const Loss<double> loss = [&](std::size_t n, std::span<const double> y, std::span<double> ybar, std::span<double>) {
      if (n < steps) return 0.0;
      ybar[0] += 1;
      return y[0];
    };
    return bptt(rollout, loss, workspace).gradient;
  };
  const std::vector<double> p{0.5, 0.8};
  const auto g = gradient(p);
  const auto integrated = end_of({compile<double>(flow), {}, nullptr, {}, 0.0, 1.0, {}}, "euler_maruyama", h, 4);
  BOOST_TEST(std::abs(g.loss - integrated[0]) < 1e-13);
  for (std::size_t i = 0; i < 2; ++i) {
    auto up = p, down = p;
    up[i] += 1e-5;
    down[i] -= 1e-5;
    // Central differences of a loss of order one: errors of 1e-10 from the step, 1e-11 from rounding.
    BOOST_TEST(std::abs(g.p[i] - (gradient(up).loss - gradient(down).loss) / 2e-5) < 1e-8);
  }
}

BOOST_AUTO_TEST_CASE(noise_is_refused_where_it_would_be_lost) {
  BOOST_TEST(refusal(brownian, "bdf") == "c: has noise, but 'bdf' integrates without. Use sra1.");
  BOOST_TEST(refusal(geometric_stratonovich, "rk4") ==
             "c: has noise, but 'rk4' integrates without. Use stochastic_heun.");
  BOOST_TEST(refusal(geometric_ito, "sra1") ==
             "c: has noise whose size depends on its state, but 'sra1' needs additive noise. Use euler_maruyama.");
  BOOST_TEST(refusal(geometric_ito, "stochastic_heun") ==
             "c: has Ito noise whose size depends on the state, but 'stochastic_heun' converges to the other calculus. "
             "Use euler_maruyama.");
  BOOST_TEST(
      refusal("noise xi[path] ito\ndx/dt = -x + sum(x, path)*xi : 1 [path]\n", "milstein") ==
      "c: has noise that drives several elements, or by a size that depends on others, but 'milstein' needs each "
      "element of the noise to drive one element of one state, by a size that depends on no other. Use "
      "euler_maruyama.");
  BOOST_TEST(refusal("noise xi ito\ndx/dt = -x + x*xi : 1 [path]\n", "rk4").ends_with("Use euler_maruyama."));
  BOOST_TEST(refusal("noise xi ito\ndx/dt = -x + x*xi : 1 [path]\n", "milstein") != "");
  BOOST_TEST(refusal("noise xi[path] ito\nnoise e[path] ito\ndx/dt = x*xi + e : 1 [path]\n", "milstein") != "");
  BOOST_TEST(refusal(brownian, "stochastic_heun") == "");
}

BOOST_AUTO_TEST_SUITE_END()
