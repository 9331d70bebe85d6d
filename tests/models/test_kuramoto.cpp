// Order parameters against the closed forms for infinitely many units; sums against loops.
#include <boost/math/distributions/normal.hpp>

#include <complex>
#include <numbers>

#include "tests/models/march.hpp"

using namespace striate;
using test::in_regime;
using test::March;

namespace {

using std::numbers::pi;

/// Mean and rotation of the order parameter from t = wait to wait + watch.
struct Order {
  double r = 0;
  double frequency = 0;
};

Order order(March& march, double dt, double wait, double watch) {
  Order result;
  const auto z = [&] {
    std::complex<double> total;
    for (const double theta : march.all("theta")) total += std::polar(1.0, theta);
    return total / static_cast<double>(march.all("theta").size());
  };
  for (double t = 0; t < wait; t += dt) march.step(dt);
  std::complex<double> before = z();
  int steps = 0;
  for (double t = 0; t < watch; t += dt, ++steps) {
    march.step(dt);
    const auto now = z();
    result.r += std::abs(now);
    result.frequency += std::arg(now * std::conj(before));
    before = now;
  }
  result.r /= steps;
  result.frequency /= steps * dt;
  return result;
}

March units(const std::string& regime, double n) { return March(in_regime(model("kuramoto", {{"unit", n}}), regime)); }

/// theta' by two loops, from the values of a march.
std::vector<double> by_loops(March& m) {
  const auto theta = m.all("theta");
  const auto omega = m.observed("omega");
  const double K = m.parameter("K"), alpha = m.parameter("alpha"), b = m.parameter("b"), h = m.parameter("h");
  const double centred = m.parameter("centred");
  std::vector<double> rate;
  for (std::size_t i = 0; i < theta.size(); ++i) {
    long double sum = 0;
    for (const double other : theta) {
      const long double phi = static_cast<long double>(other) - theta[i];
      sum += std::sin(phi - alpha) + centred * std::sin(static_cast<long double>(alpha)) + b * std::sin(2 * phi);
    }
    rate.push_back(static_cast<double>(omega[i] + K * sum / theta.size() + h * std::sin(theta[i])));
  }
  return rate;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(kuramoto)

BOOST_AUTO_TEST_CASE(the_rate_is_the_double_sum) {
  for (const char* regime : {"partial", "lagging", "uniform", "two_clusters"}) {
    March m = units(regime, 50);
    m.parameter("h") = 0.7;
    m.parameter("centred") = 1;
    m.parameter("b") = 0.2;
    const auto got = m.rate(m.state());
    const auto expected = by_loops(m);
    for (std::size_t i = 0; i < got.size(); ++i)
      BOOST_TEST(std::abs(got[i] - expected[i]) < 1e-12 * (1 + std::abs(expected[i])));
  }
}

BOOST_AUTO_TEST_CASE(a_lorentzian_locks_to_the_square_root_of_1_minus_K_c_over_K) {
  // 1000 quantiles: 1e-3 from the limit away from the onset; the wobble of the tails averages out to 1e-3.
  for (const double K : {2.5, 4.0, 10.0}) {
    March m = units("partial", 1000);
    m.parameter("K") = K;
    const double r = order(m, 0.05, 40, 60).r;
    BOOST_TEST(std::abs(r - std::sqrt(1 - 2 / K)) < 2e-3, "K = " << K << ": r = " << r);
  }
}

BOOST_AUTO_TEST_CASE(below_the_onset_r_stays_at_the_size_of_chance) {
  March m = units("disordered", 500);
  BOOST_TEST(order(m, 0.05, 20, 40).r < 3 / std::sqrt(500));
}

BOOST_AUTO_TEST_CASE(a_gaussian_follows_its_self_consistent_branch) {
  // 1 = K int cos^2 g(K r sin): 0.715174 at K = 2, 0.925182 at K = 3, by quadrature.
  const std::size_t n = 1000;
  for (const auto& [K, r] : {std::pair{2.0, 0.715174}, std::pair{3.0, 0.925182}}) {
    March m = units("identical", static_cast<double>(n));
    m.parameter("K") = K;
    for (std::size_t i = 0; i < n; ++i)
      (&m.parameter("detuning"))[i] = boost::math::quantile(boost::math::normal(), (static_cast<double>(i) + 0.5) / n);
    BOOST_TEST(std::abs(order(m, 0.05, 40, 60).r - r) < 1e-3, "K = " << K);
  }
}

BOOST_AUTO_TEST_CASE(a_uniform_law_is_locked_as_a_whole) {
  // r = (sqrt(1 - s^2) + asin(s)/s)/2 with s = 1/(K r); the mid-point quantiles err by N^-2.
  double r = 1;
  for (int i = 0; i < 200; ++i) {
    const double s = 1 / (1.5 * r);
    r = (std::sqrt(1 - s * s) + std::asin(s) / s) / 2;
  }
  March m = units("uniform", 400);
  BOOST_TEST(std::abs(order(m, 0.1, 100, 1).r - r) < 1e-4);
}

BOOST_AUTO_TEST_CASE(a_lag_slows_all_as_ott_and_antonsen_have_it) {
  // K_c = 2/cos(alpha), r = sqrt(1 - K_c/K), Omega = -(K/2) sin(alpha) (1 + r^2).
  March m = units("lagging", 1000);
  const Order o = order(m, 0.05, 30, 60);
  BOOST_TEST(std::abs(o.r - 0.655937) < 2e-3);
  BOOST_TEST(std::abs(o.frequency + 1.371400) < 2e-3);
}

BOOST_AUTO_TEST_CASE(order_rises_along_the_closed_form_of_ott_and_antonsen) {
  // 400 frequencies with 50 phases each, on the manifold with modulus 0.2; the grid leaves 3e-3.
  const std::size_t frequencies = 400, phases = 50;
  const double r0 = 0.2, K = 4, limit = std::sqrt(1 - 2 / K);
  March m = units("identical", frequencies * phases);
  for (std::size_t i = 0; i < frequencies; ++i)
    for (std::size_t j = 0; j < phases; ++j) {
      const double place = (static_cast<double>(i) + 0.5) / frequencies - 0.5;
      const double v = (static_cast<double>(j) + 0.5) / phases - 0.5;
      (&m.parameter("detuning"))[i * phases + j] = std::tan(pi * place);
      m.state()[i * phases + j] = 2 * std::atan((1 - r0) / (1 + r0) * std::tan(pi * v));
    }
  const double dt = 0.02;
  for (int step = 1; step <= 150; ++step) {
    m.step(dt);
    if (step % 25 != 0) continue;
    const double t = step * dt;
    const double r = limit / std::sqrt(1 + (limit * limit / (r0 * r0) - 1) * std::exp(-(K - 2) * t));
    BOOST_TEST(std::abs(m.observed("r")[0] - r) < 5e-3, "t = " << t);
  }
}

BOOST_AUTO_TEST_CASE(a_second_harmonic_alone_makes_two_clusters) {
  March m = units("two_clusters", 100);
  for (int i = 0; i < 400; ++i) m.step(0.05);
  BOOST_TEST(m.observed("r_2")[0] > 0.999);
  BOOST_TEST(m.observed("r")[0] < 0.3);
}

BOOST_AUTO_TEST_CASE(a_network_sums_over_its_weights) {
  March m(in_regime(model("kuramoto_network"), "ring"));
  m.parameter("alpha") = 0.3;
  const auto theta = m.all("theta");
  const std::size_t n = theta.size();
  double* W = &m.parameter("W");
  for (std::size_t i = 0; i < n * n; ++i) W[i] = std::sin(static_cast<double>(i * i % 1009));
  const auto got = m.rate(m.state());
  for (std::size_t i = 0; i < n; ++i) {
    long double sum = 10 * pi;
    for (std::size_t j = 0; j < n; ++j) {
      const std::size_t away = i > j ? i - j : j - i;
      const std::size_t places = std::min(away, n - away);
      sum += (W[i * n + j] + (places > 0 && places <= 10 ? 0.75 : 0)) * std::sin(theta[j] - theta[i] - 0.3);
    }
    BOOST_TEST(std::abs(got[i] - static_cast<double>(sum)) < 1e-12 * 50);
  }
}

BOOST_AUTO_TEST_SUITE_END()
