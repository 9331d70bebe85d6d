#include <algorithm>
#include <boost/test/unit_test.hpp>

#include "circuit/tableau.hpp"
#include "tests/integrators/circuits.hpp"

using namespace striate;
using namespace striate::test;

namespace {

double final_error(const Problem& p, const Method& method, const Pair& exact) {
  const Solution s = solve(p, method);
  return std::max(std::abs(s.y[0] - exact[0]), std::abs(s.y[1] - exact[1]));
}

/// The slopes of log2 error over three halvings of the step, asserted to be in the asymptotic range.
void check_order(const std::string& name, double order, double step) {
  const Problem p = problem(linear_ei, 20);
  const Pair exact = linear_ei_exact(20);
  std::vector<double> errors;
  for (int k = 0; k < 4; ++k, step /= 2) {
    Method method = prepared(name, 1e-12, step, {"I"});
    if (method.step == 0) {
      // A huge absolute tolerance, so that the bound on the step alone decides it.
      method.max_step = step;
      method.atol = 1e4;
      method.rtol = 1e-6;
    }
    errors.push_back(final_error(p, method, exact));
  }
  for (int k = 0; k < 3; ++k) {
    const double slope = std::log2(errors[k] / errors[k + 1]);
    BOOST_TEST_CONTEXT(name << " halving " << k << ": errors " << errors[k] << ", " << errors[k + 1]) {
      BOOST_TEST(std::abs(slope - order) < 0.1);
    }
  }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(integrators_order)

BOOST_AUTO_TEST_CASE(tableaus_meet_their_order_conditions) {
  for (const Tableau* t : {&euler_tableau(), &heun_tableau(), &rk4_tableau(), &bs32_tableau(), &dp54_tableau()}) {
    const std::size_t s = t->b.size();
    // sum b c^k = 1/(k+1) (quadrature) and row sums; tolerance: a few roundings of numbers of order one, in dp54 of 15.
    const double rounding = t->order == 5 ? 8e-15 : 1e-15;
    for (int k = 0; k < t->order; ++k) {
      double sum = 0;
      for (std::size_t i = 0; i < s; ++i) sum += t->b[i] * std::pow(t->c[i], k);
      BOOST_TEST(std::abs(sum - 1.0 / (k + 1)) < rounding);
    }
    for (std::size_t i = 0; i < s; ++i) {
      double row = 0;
      for (double a : t->a[i]) row += a;
      BOOST_TEST(std::abs(row - t->c[i]) < rounding);
    }
  }
  // The order conditions of RK4 beyond quadrature, Hairer, Norsett & Wanner (1993), table II.2.1.
  const Tableau& t = rk4_tableau();
  double bac = 0, bcac = 0, bac2 = 0, baac = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      bac += t.b[i] * t.a[i][j] * t.c[j];
      bcac += t.b[i] * t.c[i] * t.a[i][j] * t.c[j];
      bac2 += t.b[i] * t.a[i][j] * t.c[j] * t.c[j];
      for (std::size_t k = 0; k < j; ++k) baac += t.b[i] * t.a[i][j] * t.a[j][k] * t.c[k];
    }
  }
  BOOST_TEST(std::abs(bac - 1.0 / 6) < 1e-15);
  BOOST_TEST(std::abs(bcac - 1.0 / 8) < 1e-15);
  BOOST_TEST(std::abs(bac2 - 1.0 / 12) < 1e-15);
  BOOST_TEST(std::abs(baac - 1.0 / 24) < 1e-15);
}

BOOST_AUTO_TEST_CASE(embedded_tableaus_estimate_and_interpolate_to_their_order) {
  for (const Tableau* t : {&bs32_tableau(), &dp54_tableau()}) {
    const std::size_t s = t->b.size();
    BOOST_TEST_CONTEXT(t->name) {
      // First same as last.
      std::vector<double> last = t->a.back();
      last.push_back(0);
      BOOST_TEST(last == t->b, boost::test_tools::per_element());
      // The estimate vanishes on polynomials in time up to its order and no further; the interpolant is exact on them
      // up to its own, which is 3 for bs32 and 4 for dp54. Tolerance: roundings of dense weights, which reach 15.
      for (int k = 0; k <= t->order; ++k) {
        double estimate = 0;
        for (std::size_t i = 0; i < s; ++i) estimate += t->error[i] * std::pow(t->c[i], k);
        if (k < t->order - 1) BOOST_TEST(std::abs(estimate) < 1e-15);
        if (k == t->order - 1) BOOST_TEST(std::abs(estimate) > 1e-4);
      }
      for (double theta : {0.2, 0.5, 0.9, 1.0}) {
        for (int k = 0; k < std::min(t->order, 4); ++k) {
          double sum = 0;
          for (std::size_t i = 0; i < s; ++i) {
            double weight = 0;
            for (std::size_t m = 0; m < t->dense[i].size(); ++m) {
              weight += t->dense[i][m] * std::pow(theta, static_cast<double>(m + 1));
            }
            sum += weight * std::pow(t->c[i], k);
          }
          BOOST_TEST(std::abs(sum - std::pow(theta, k + 1) / (k + 1)) < 2e-14);
        }
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(our_embedded_pairs_are_those_of_arkode) {
  // The same tableau at the same step makes the same error; ARKODE's shorter first step of forty changes it by per
  // cents.
  const Problem p = problem(pendulum, 10);
  const Solution exact = solve(p, named("dp54", 1e-13));
  for (const char* name : {"bs32", "dp54"}) {
    const auto error = [&](const std::string& method_name) {
      Method method = named(method_name);
      method.max_step = 0.25;
      method.atol = 1e4;
      return solve(p, method).y[0] - exact.y[0];
    };
    BOOST_TEST_CONTEXT(name) BOOST_TEST(std::abs(error(name) / error(std::string("arkode_") + name) - 1) < 0.1);
  }
}

BOOST_AUTO_TEST_CASE(every_accepted_step_keeps_its_tolerance) {
  // Against the exact flow from where the step began. The estimate is that of the lower order while the higher one is
  // kept, so the true error of a step lies below the tolerance.
  const Problem p = problem(linear_ei, 40);
  for (const char* name : {"bs32", "dp54"}) {
    for (double rtol : {1e-4, 1e-7}) {
      Integrator integrator(named(name, rtol));
      integrator.start(p);
      double t = 0, worst = 0;
      Pair begin{0, 0};
      while (integrator.advance(100) != Stop::end) {
        const Pair exact = linear_ei_exact(integrator.t() - t, begin);
        const Pair end{integrator.y()[0], integrator.y()[1]};
        for (std::size_t i = 0; i < 2; ++i) {
          const double scale = rtol / 10 + rtol * std::max(std::abs(begin[i]), std::abs(end[i]));
          worst = std::max(worst, std::abs(end[i] - exact[i]) / scale);
        }
        t = integrator.t();
        begin = end;
      }
      BOOST_TEST_CONTEXT(name << " at " << rtol) {
        BOOST_TEST(worst < 1.0);
        BOOST_TEST(worst > 1e-3);  // and no work is wasted
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(fixed_step_methods_have_their_order) {
  check_order("euler", 1, 0.02);
  check_order("exponential_euler", 1, 0.02);
  check_order("heun", 2, 0.25);
  check_order("rk4", 4, 0.25);
}

BOOST_AUTO_TEST_CASE(embedded_pairs_have_their_order) {
  check_order("bs32", 3, 0.25);
  check_order("dp54", 5, 0.5);
}

BOOST_AUTO_TEST_CASE(sundials_tables_that_are_offered_have_their_order) {
  check_order("arkode_bs32", 3, 0.25);
  check_order("zonneveld43", 4, 0.25);
  check_order("arkode_dp54", 5, 0.5);
}

BOOST_AUTO_TEST_CASE(additive_pairs_have_their_order) {
  // Their Newton iteration is only as exact as the tolerance, so the tolerance falls by a thousand and the error is set
  // against the number of steps. Steps and Newton errors vary from decade to decade: half an order is left to them,
  // which still tells 3, 4 and 5 apart, and from the 2 that an unsound table shows.
  const Problem p = problem(linear_ei, 20);
  for (const auto& [name, order] :
       std::vector<std::pair<std::string, double>>{{"imex3", 3}, {"imex4", 4}, {"imex5", 5}}) {
    const Solution loose = solve(p, prepared(name, 1e-7, 0, {"I"})), tight = solve(p, prepared(name, 1e-10, 0, {"I"}));
    const Pair exact = linear_ei_exact(20);
    const auto error = [&](const Solution& s) { return std::hypot(s.y[0] - exact[0], s.y[1] - exact[1]); };
    const double refined = static_cast<double>(tight.counters.steps) / static_cast<double>(loose.counters.steps);
    BOOST_TEST_CONTEXT(name)
    BOOST_TEST(std::abs(std::log(error(loose) / error(tight)) / std::log(refined) - order) < 0.55);
  }
}

BOOST_AUTO_TEST_CASE(polynomials_in_time_are_integrated_exactly_up_to_the_order) {
  const std::vector<std::pair<std::string, int>> methods = {{"euler", 0}, {"heun", 1},        {"rk4", 3},
                                                            {"bs32", 2},  {"zonneveld43", 3}, {"dp54", 4}};
  for (const auto& [name, degree] : methods) {
    for (int k = 0; k <= degree + 1; ++k) {
      Problem p = problem("circuit c\ntime ms\ninput u : 1/ms\ny(0) = 0\ndy/dt = u : 1\n", 2);
      p.drive = std::make_shared<FunctionDrive>([k = k](double t) { return std::pow(t, k); });
      Method m = prepared(name, 1e-6, 0.5, {});
      if (m.step == 0) {
        m.max_step = 0.5;
        m.atol = 1e4;
      }
      const double error = std::abs(solve(p, m).y[0] - std::pow(2.0, k + 1) / (k + 1));
      BOOST_TEST_CONTEXT(name << " t^" << k) {
        // Some roundings of sums of order ten; one degree more must show the method's own error. Simpson's rule and its
        // kin get one degree more for nothing when the order is even.
        if (k <= degree) BOOST_TEST(error < 4e-14);
        if (k == degree + 1 && name != "bs32") BOOST_TEST(error > 1e-8);
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(all_methods_tend_to_the_closed_form) {
  const Problem p = problem(linear_ei, 40);
  const std::vector<double> times = {0, 3.3, 20, 27.1, 40};
  for (const std::string& name : flow_methods()) {
    const bool first_order = name == "euler" || name == "exponential_euler";
    double last = HUGE_VAL;
    for (double rtol : {1e-4, 1e-6, 1e-8}) {
      if (first_order && rtol < 1e-7) continue;  // a hundred million steps
      double worst = 0;
      Observer observer;
      observer.sample = [&](double t, std::span<const double> y) {
        const Pair exact = linear_ei_exact(t);
        worst = std::max({worst, std::abs(y[0] - exact[0]), std::abs(y[1] - exact[1])});
      };
      solve(p, prepared(name, rtol, first_order ? rtol * 100 : std::sqrt(std::sqrt(rtol)), {"I"}), times, observer);
      BOOST_TEST_CONTEXT(name << " at " << rtol) {
        // Error per step is controlled; over four time constants the global error may be some tens of tolerances.
        if (prepared(name, rtol, 1, {}).step == 0) BOOST_TEST(worst < 60 * rtol);
        BOOST_TEST(worst < 0.5 * last);
      }
      last = worst;
    }
  }
}

BOOST_AUTO_TEST_CASE(exponential_euler_is_exact_for_a_leak_with_constant_input) {
  const Problem p = problem("circuit c\ntime ms\ny(0) = 2\ndy/dt = (1 - y)/(0.5 ms) : 1\n", 3);
  // Twelve time constants in one step: any explicit method would diverge. Tolerance: roundings of expm1.
  BOOST_TEST(std::abs(solve(p, prepared("exponential_euler", 0.1, 1.5, {})).y[0] - (1 + std::exp(-6.0))) < 1e-14);
}

BOOST_AUTO_TEST_SUITE_END()
