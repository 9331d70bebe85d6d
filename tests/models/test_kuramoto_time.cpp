// Oscillators with delays and noise against the closed forms of their populations.
#include <boost/test/unit_test.hpp>

#include <cmath>
#include <complex>

#include "circuit/compile.hpp"
#include "integrators/integrator.hpp"
#include "tests/models/march.hpp"

using namespace striate;

namespace {

Method fixed(const std::string& name, double step) {
  Method m;
  m.name = name;
  m.step = step;
  return m;
}

/// States at equal times from `begin` to `end`.
std::vector<std::vector<double>> course(const Circuit& circuit, const Method& method, double begin, double end,
                                        int samples) {
  std::vector<double> times;
  for (int i = 0; i <= samples; ++i) times.push_back(begin + (end - begin) * i / samples);
  std::vector<std::vector<double>> states;
  Observer observer;
  observer.sample = [&](double, std::span<const double> y) { states.emplace_back(y.begin(), y.end()); };
  solve({compile<double>(circuit), {}, nullptr, {}, 0, end, {}, 5}, method, times, observer);
  return states;
}

std::complex<double> order(const std::vector<double>& theta) {
  std::complex<double> sum = 0;
  for (const double x : theta) sum += std::polar(1.0, x);
  return sum / static_cast<double>(theta.size());
}

}  // namespace

BOOST_AUTO_TEST_SUITE(kuramoto_time)

// Solutions of Omega = omega_0 - K/2 (1 + r^2) sin(Omega tau), r^2 = 1 - 2 gamma/(K cos(Omega tau)), iterated on their
// own: (0.9180, 0.7926) and (1.3147, 0.8851). A thousand quantiles come within 2e-3 of infinitely many.
BOOST_AUTO_TEST_CASE(delayed_populations_slow_down_as_ott_and_antonsen_say) {
  const double expected[][2] = {{0.9180, 0.7926}, {1.3147, 0.8851}};
  int row = 0;
  for (const char* regime : {"slowed", "tight"}) {
    const auto states =
        course(test::in_regime(model("kuramoto_delayed", {{"unit", 1000}}), regime), fixed("heun", 0.02), 30, 60, 300);
    double r = 0, angle = 0;
    for (std::size_t i = 0; i < states.size(); ++i) {
      r += std::abs(order(states[i])) / static_cast<double>(states.size());
      if (i > 0) angle += std::arg(order(states[i]) / order(states[i - 1]));
    }
    BOOST_TEST(std::abs(angle / 30 - expected[row][0]) < 2e-3, regime);
    BOOST_TEST(std::abs(r - expected[row][1]) < 2e-3, regime);
    ++row;
  }
}

// r = I_1(K r/D)/I_0(K r/D) at K = 4 D: 0.83146. With 4000 units r scatters by about 0.005 and is averaged over some
// ten correlation times of 1/D.
BOOST_AUTO_TEST_CASE(noise_lowers_the_order_of_identical_oscillators) {
  const auto states =
      course(test::in_regime(model("kuramoto_noisy", {{"unit", 4000}}), "ordered"), fixed("sra1", 0.02), 6, 18, 120);
  double r = 0;
  for (const auto& theta : states) r += std::abs(order(theta)) / static_cast<double>(states.size());
  BOOST_TEST(std::abs(r - 0.83146) < 0.006);
}

// A plane wave's frequency solves Omega = omega - K sum w(d) sin(Omega tau(d) + k dx); its speed is Omega/k. Linear
// interpolation over steps of 2 ms of a frequency of 60/s leaves (60*0.002)^2/12 = 1e-3 of the coupling of 10.
BOOST_AUTO_TEST_CASE(waves_travel_over_the_sheet_at_the_speed_of_their_dispersion) {
  const double omega = 62.83185307179586, k = 2 * 3.141592653589793 / 24;
  const auto sum = [&](double frequency) {
    double weights = 0, total = 0;
    for (int dy = 0; dy < 8; ++dy)
      for (int dx = 0; dx < 24; ++dx) {
        const double y = std::min(dy, 8 - dy), x = std::min(dx, 24 - dx), d = std::hypot(x, y);
        if (d == 0) continue;
        const double w = std::exp(-d * d / 8);
        weights += w;
        total += w * std::sin(frequency * (0.002 + d / 200) + k * dx);
      }
    return total / weights;
  };
  double frequency = omega;
  for (int i = 0; i < 200; ++i) frequency = 0.5 * frequency + 0.5 * (omega - 10 * sum(frequency));
  const Circuit sheet = test::in_regime(model("kuramoto_sheet"), "wave").with_parameters({{"scatter", {0.02}}});
  const auto states = course(sheet, fixed("heun", 0.002), 1, 1.5, 1);
  double turned = 0;
  for (std::size_t i = 0; i < states[0].size(); ++i) turned += (states[1][i] - states[0][i]) / 0.5 / 192;
  BOOST_TEST(std::abs(turned - frequency) < 0.02);
  // The wave is one: the phase falls by k from column to column.
  for (std::size_t x = 0; x + 1 < 24; ++x) BOOST_TEST(std::abs(states[1][x] - states[1][x + 1] - k) < 0.02);
}

BOOST_AUTO_TEST_SUITE_END()
