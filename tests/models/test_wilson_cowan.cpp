#include "tests/models/march.hpp"

#include <algorithm>

using namespace striate;
using test::in_regime;
using test::March;

namespace {

struct Cycle {
  double period = 0;
  double low = 0;
  double high = 0;
};

/// Period and range of E after `wait`, from upward crossings of `level` with linear interpolation (error ~ dt^2).
template <class Advance>
Cycle cycle(double dt, double wait, double watch, double level, const Advance& advance) {
  Cycle c{0, 1, 0};
  double before = advance();
  double first = -1;
  double last = -1;
  int turns = 0;
  for (double t = dt; t < wait + watch; t += dt) {
    const double E = advance();
    if (t > wait) {
      c.low = std::min(c.low, E);
      c.high = std::max(c.high, E);
      if (before < level && E >= level) {
        last = t + dt * (level - before) / (E - before);
        if (first < 0)
          first = last;
        else
          ++turns;
      }
    }
    before = E;
  }
  c.period = turns == 0 ? 0 : (last - first) / turns;
  return c;
}

Cycle of_regime(const std::string& regime, double level, double P = NAN) {
  March march(in_regime(model("wilson_cowan"), regime));
  if (!std::isnan(P)) march.parameter("P") = P;
  const double dt = 0.02;
  return cycle(dt, 1000, 400, level, [&] {
    march.step(dt);
    return march.get("E");
  });
}

}  // namespace

BOOST_AUTO_TEST_SUITE(wilson_cowan)

BOOST_AUTO_TEST_CASE(the_rate_of_every_regime_is_the_one_of_the_equations) {
  for (const char* regime : {"limit_cycle", "quiet", "low", "high", "G1", "G2", "G3"})
    test::check_rate(std::string("wilson_cowan ") + regime, in_regime(model("wilson_cowan"), regime));
}

BOOST_AUTO_TEST_CASE(the_limit_cycle_has_its_period_and_range) {
  // RK4 at 0.02 ms, converged: 39.9672, 0.10256..0.26966.
  const Cycle c = of_regime("limit_cycle", 0.19);
  BOOST_TEST(std::abs(c.period - 39.9672) < 1e-3);
  BOOST_TEST(std::abs(c.low - 0.10256) < 1e-5);
  BOOST_TEST(std::abs(c.high - 0.26966) < 1e-5);
}

BOOST_AUTO_TEST_CASE(a_forward_euler_march_at_a_hundredth_gives_the_cycle_as_often_quoted) {
  // 40.23 and 0.1017..0.2701 are the values of forward Euler with dt = 0.01, not of the equations.
  March march(model("wilson_cowan"));
  const double dt = 0.01;
  const Cycle c = cycle(dt, 1000, 400, 0.19, [&] {
    const auto f = march.rate(march.state());
    for (std::size_t i = 0; i < f.size(); ++i) march.state()[i] += dt * f[i];
    return march.get("E");
  });
  BOOST_TEST(std::abs(c.period - 40.23) < 5e-3);
  BOOST_TEST(std::abs(c.low - 0.1017) < 5e-5);
  BOOST_TEST(std::abs(c.high - 0.2701) < 5e-5);
}

BOOST_AUTO_TEST_CASE(without_drive_the_shifted_pair_rests_at_zero) {
  March march(in_regime(model("wilson_cowan"), "quiet"));
  march.settle(0.1, 1e-12);
  BOOST_TEST(std::abs(march.get("E")) < 1e-9);
  BOOST_TEST(std::abs(march.get("I")) < 1e-9);
}

BOOST_AUTO_TEST_CASE(the_hysteresis_set_has_a_state_of_rest_and_a_high_state) {
  March low(in_regime(model("wilson_cowan"), "low"));
  BOOST_TEST(low.fastest() < 1e-16);  // E = I = 0 is an exact state of rest
  low.state() = {0.05, 0.05};
  low.settle(0.1, 1e-13);
  BOOST_TEST(std::abs(low.get("E")) < 1e-10);
  March high(in_regime(model("wilson_cowan"), "high"));
  high.settle(0.1, 1e-13);
  BOOST_TEST(std::abs(high.get("E") - 0.439752) < 1e-6);
  BOOST_TEST(std::abs(high.get("I") - 0.225933) < 1e-6);
  const auto steady = test::reference("wilson_cowan high", "steady");
  BOOST_TEST(std::abs(high.get("E") - steady.at("0")) < 1e-10);
  BOOST_TEST(std::abs(high.get("I") - steady.at("1")) < 1e-10);
}

BOOST_AUTO_TEST_CASE(G1_oscillates_in_the_gamma_band_for_drives_between_its_ends) {
  struct Row {
    double P, frequency, swing;
  };
  // Sheet of oscillators, 2.3, printed to 0.05 or 0.1 Hz and 0.001.
  for (const auto& row : {Row{0.8, 44.7, 0.077}, Row{1.0, 54.3, 0.264}, Row{1.4, 63.05, 0.365}, Row{2.0, 67.0, 0.383},
                          Row{2.4, 58.9, 0.358}}) {
    const double level = row.P < 0.9 ? 0.1 : 0.2;
    const Cycle c = of_regime("G1", level, row.P);
    BOOST_TEST(std::abs(1000 / c.period - row.frequency) < 0.06, "P = " << row.P << ": " << 1000 / c.period << " Hz");
    BOOST_TEST(std::abs(c.high - c.low - row.swing) < 6e-4, "P = " << row.P << ": " << c.high - c.low);
  }
  BOOST_TEST(std::abs(of_regime("G1", 0.2).period - 15.85925) < 1e-4);
}

BOOST_AUTO_TEST_CASE(G1_rests_outside_its_band) {
  for (const double P : {0.6, 2.8}) {
    const Cycle c = of_regime("G1", 0.2, P);
    BOOST_TEST(c.high - c.low < 1e-5);
  }
}

BOOST_AUTO_TEST_CASE(G2_and_G3_have_the_frequencies_published) {
  const Cycle beta = of_regime("G2", 0.4);
  BOOST_TEST(std::abs(1000 / beta.period - 21.18) < 0.006);
  BOOST_TEST(std::abs(beta.high - beta.low - 0.481) < 6e-4);
  BOOST_TEST(std::abs(1000 / of_regime("G3", 0.19).period - 50.0) < 0.06);
}

BOOST_AUTO_TEST_SUITE_END()
