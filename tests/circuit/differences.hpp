#pragma once

#include <boost/test/unit_test.hpp>

#include <cmath>
#include <functional>
#include <random>
#include <vector>

#include "circuit/compile.hpp"

namespace striate::testing {

using Numbers = std::vector<double>;

inline Numbers noise(std::size_t n, unsigned seed) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<double> uniform(-1, 1);
  Numbers v(n);
  for (auto& x : v) x = uniform(random);
  return v;
}

inline double dot(const Numbers& a, const Numbers& b) {
  double s = 0;
  for (std::size_t i = 0; i < a.size(); ++i) s += a[i] * b[i];
  return s;
}

/// The gradient of `value` with respect to `x` by central differences of fourth order: step 1e-3, truncation about
/// 1e-12, rounding about 1e-13.
inline Numbers differences(Numbers& x, const std::function<double()>& value) {
  Numbers gradient;
  const double h = 1e-3;
  for (auto& element : x) {
    const double middle = element;
    const auto f = [&](double d) {
      element = middle + d;
      return value();
    };
    gradient.push_back((8 * (f(h) - f(-h)) - (f(2 * h) - f(-2 * h))) / (12 * h));
    element = middle;
  }
  return gradient;
}

inline void check_close(const Numbers& found, const Numbers& expected, double tolerance = 1e-10) {
  BOOST_REQUIRE(found.size() == expected.size());
  for (std::size_t i = 0; i < found.size(); ++i) BOOST_TEST(std::abs(found[i] - expected[i]) < tolerance);
}

/// A circuit at a random place, and the checks of its products there.
struct Place {
  explicit Place(const Circuit& circuit)
      : system(compile<double>(circuit)),
        workspace(system.workspace()),
        p(system.default_parameters()),
        y(noise(system.states().size(), 2)),
        u(noise(system.inputs().size(), 3)) {}
  At<double> at() const { return {1.5, y, p, u}; }

  Numbers rhs() {
    Numbers out(y.size());
    system.rhs(at(), out, workspace);
    return out;
  }

  /// vjp towards everything against differences, jvp against vjp.
  void check_first() {
    const Numbers lambda = noise(y.size(), 4);
    const auto value = [&] { return dot(lambda, rhs()); };
    Numbers ybar(y.size()), pbar(p.size()), ubar(u.size());
    system.vjp(at(), lambda, {ybar, pbar, ubar}, workspace);
    check_close(ybar, differences(y, value));
    check_close(pbar, differences(p, value));
    check_close(ubar, differences(u, value));
    const Numbers vy = noise(y.size(), 5), vp = noise(p.size(), 6);
    Numbers out(y.size());
    system.jvp(at(), {vy, vp}, out, workspace);
    BOOST_TEST(std::abs(dot(lambda, out) - dot(ybar, vy) - dot(pbar, vp)) < 1e-13);
  }

  /// second against differences of jvp.
  void check_second() {
    const Numbers v = noise(y.size(), 4), lambda = noise(y.size(), 5);
    const auto value = [&] {
      Numbers out(y.size());
      system.jvp(at(), {v}, out, workspace);
      return dot(lambda, out);
    };
    Numbers ybar(y.size()), pbar(p.size());
    system.second(at(), v, lambda, {ybar, pbar}, workspace);
    check_close(ybar, differences(y, value));
    check_close(pbar, differences(p, value));
  }

  System<double> system;
  Workspace<double> workspace;
  Numbers p, y, u;
};

}  // namespace striate::testing
