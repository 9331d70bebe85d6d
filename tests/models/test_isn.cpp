#include "tests/models/march.hpp"

#include <algorithm>

using namespace striate;
using test::in_regime;
using test::March;

BOOST_AUTO_TEST_SUITE(isn)

BOOST_AUTO_TEST_CASE(the_rate_is_the_one_of_the_equations) { test::check_rate("isn", model("isn"), 10); }

BOOST_AUTO_TEST_CASE(the_test_set_has_its_susceptibilities_in_closed_form) {
  March march(model("isn"));
  BOOST_TEST(march.observed("Delta")[0] == 2.5);
  BOOST_TEST(march.observed("chi_EE")[0] == 0.6, boost::test_tools::tolerance(1e-15));
  BOOST_TEST(march.observed("chi_IE")[0] == 0.8, boost::test_tools::tolerance(1e-15));
  BOOST_TEST(march.observed("chi_EI")[0] == -0.8, boost::test_tools::tolerance(1e-15));
  BOOST_TEST(march.observed("chi_II")[0] == -0.4, boost::test_tools::tolerance(1e-15));
  BOOST_TEST(march.observed("damping")[0] == 0.1, boost::test_tools::tolerance(1e-14));  // 1.5/10 - 1/20
}

/// Steady rates found by marching, with the drive of I raised by `more`.
std::pair<double, double> steady(const std::string& regime, double more) {
  March march(in_regime(model("isn"), regime));
  march.parameter("h_I") += more;
  march.settle(0.5, 1e-13);
  BOOST_TEST(std::abs(march.get("r_E") - march.observed("r_E_steady")[0]) <
             1e-11);  // the rate's tolerance times the slowest time constant
  BOOST_TEST(std::abs(march.get("r_I") - march.observed("r_I_steady")[0]) < 1e-11);
  return {march.get("r_E"), march.get("r_I")};
}

BOOST_AUTO_TEST_CASE(more_drive_to_inhibition_lowers_both_rates_when_excitation_is_unstable_alone) {
  const auto [E0, I0] = steady("paradoxical", 0);
  const auto [E1, I1] = steady("paradoxical", 1);
  BOOST_TEST(E0 == 6, boost::test_tools::tolerance(1e-11));
  BOOST_TEST(I0 == 8, boost::test_tools::tolerance(1e-11));
  BOOST_TEST(E1 - E0 == -0.8, boost::test_tools::tolerance(1e-10));
  BOOST_TEST(I1 - I0 == -0.4, boost::test_tools::tolerance(1e-10));
}

BOOST_AUTO_TEST_CASE(more_drive_to_inhibition_raises_it_when_excitation_is_stable_alone) {
  const auto [E0, I0] = steady("ordinary", 0);
  const auto [E1, I1] = steady("ordinary", 1);
  BOOST_TEST(E1 - E0 == -2 / 4.75, boost::test_tools::tolerance(1e-10));  // Delta = 0.5*1.5 + 4
  BOOST_TEST(I1 - I0 == 0.5 / 4.75, boost::test_tools::tolerance(1e-10));
}

BOOST_AUTO_TEST_CASE(slow_inhibition_lets_an_oscillation_grow) {
  March march(in_regime(model("isn"), "unstable"));
  BOOST_TEST(march.observed("Delta")[0] > 0);
  BOOST_TEST(march.observed("damping")[0] < 0);
  double early = 0;
  double late = 0;
  for (int i = 0; i < 1600; ++i) {
    march.step(0.5);
    (i < 800 ? early : late) = std::max(i < 800 ? early : late, std::abs(march.get("r_E") - 6));
  }
  // Growth rate: half the trace, (1/20 - 1.5/40)/2 = 1/160 per ms; over 400 ms a factor of exp(2.5) = 12.2.
  BOOST_TEST(late / early > 8);
  BOOST_TEST(late / early < 18);
}

BOOST_AUTO_TEST_SUITE_END()
