// Amplitude oscillators and the solvable complex form against their closed forms.
#include <complex>
#include <numbers>

#include "base/random.hpp"
#include "tests/models/march.hpp"

using namespace striate;
using test::in_regime;
using test::March;

namespace {

using Complex = std::complex<double>;
using std::numbers::pi;

std::vector<Complex> amplitudes(const March& m, const std::string& name) {
  const auto re = m.all(name + "_re"), im = m.all(name + "_im");
  std::vector<Complex> z;
  for (std::size_t i = 0; i < re.size(); ++i) z.emplace_back(re[i], im[i]);
  return z;
}

/// The largest difference of phase after a second between the complex form, its moduli reset every tau, and Kuramoto's.
double phase_error(double tau) {
  March real(in_regime(model("kuramoto_network"), "ring"));
  March complex(model("complex_kuramoto"));
  for (March* m : {&real, &complex}) {
    RandomStream random(1, "phases", 0);
    m->parameter("scatter") = 0;
    for (std::size_t i = 0; i < 50; ++i) (&m->parameter("theta_start"))[i] = random.uniform(0, 2 * pi);
    m->start();
  }
  for (int i = 0; i < 1000; ++i) real.step(1e-3);
  for (int i = 0; i < static_cast<int>(std::round(1 / tau)); ++i) {
    // Four steps of the classical method between resets: rounding beside the error of the resets.
    for (int k = 0; k < 4; ++k) complex.step(tau / 4);
    const auto z = amplitudes(complex, "x");
    for (std::size_t j = 0; j < z.size(); ++j) {
      complex.state()[j] = z[j].real() / std::abs(z[j]);
      complex.state()[z.size() + j] = z[j].imag() / std::abs(z[j]);
    }
  }
  double worst = 0;
  const auto x = amplitudes(complex, "x");
  const auto theta = real.all("theta");
  for (std::size_t j = 0; j < x.size(); ++j)
    worst = std::max(worst, std::abs(std::arg(x[j] * std::polar(1.0, -theta[j]))));
  return worst;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(stuart_landau)

BOOST_AUTO_TEST_CASE(one_unit_has_the_amplitude_and_frequency_of_its_cycle) {
  March m(in_regime(model("stuart_landau"), "sheared"));
  for (int i = 0; i < 3000; ++i) m.step(0.01);
  const Complex before = amplitudes(m, "z")[0];
  for (int i = 0; i < 100; ++i) m.step(0.01);
  const Complex after = amplitudes(m, "z")[0];
  BOOST_TEST(std::abs(std::abs(after) - 1) < 1e-8);             // the step's fourth order
  BOOST_TEST(std::abs(std::arg(after / before) - 1.5) < 1e-8);  // Omega = omega - b a in 1 ms
}

BOOST_AUTO_TEST_CASE(a_small_push_shifts_the_phase_by_the_response_of_the_closed_form) {
  // Z_x = -sin(theta) - b cos(theta) at theta = 0.3, a = 1, b = 0.5: -0.77319; pushes of 1e-4 err by 1e-4.
  const auto phase_after = [](double push) {
    March m(in_regime(model("stuart_landau"), "sheared"));
    m.state() = {std::cos(0.3) + push, std::sin(0.3)};
    for (int i = 0; i < 2000; ++i) m.step(0.01);
    return std::arg(amplitudes(m, "z")[0]);
  };
  const double shift = std::remainder(phase_after(1e-4) - phase_after(-1e-4), 2 * pi) / 2e-4;
  BOOST_TEST(std::abs(shift + 0.77319) < 1e-4);
}

BOOST_AUTO_TEST_CASE(a_network_adds_differences_of_its_units) {
  for (const double imaginary : {0.0, 1.0}) {
    March m(model("stuart_landau", {{"unit", 5}}));
    m.parameter("G") = 0.7;
    m.parameter("b") = 0.3;
    m.parameter("imaginary") = imaginary;
    for (std::size_t i = 0; i < 25; ++i) (&m.parameter("C"))[i] = std::sin(static_cast<double>(i));
    for (std::size_t i = 0; i < 10; ++i) m.state()[i] = std::cos(static_cast<double>(3 * i));
    const auto z = amplitudes(m, "z");
    const auto rate = m.rate(m.state());
    for (std::size_t i = 0; i < 5; ++i) {
      Complex expected = Complex(0.25, 0.2) * z[i] - Complex(1, 0.3) * std::norm(z[i]) * z[i];
      for (std::size_t j = 0; j < 5; ++j) {
        const Complex difference = z[j] - z[i];
        expected +=
            0.7 * std::sin(static_cast<double>(5 * i + j)) * Complex(difference.real(), imaginary * difference.imag());
      }
      BOOST_TEST(std::abs(Complex(rate[i], rate[5 + i]) - expected) < 1e-14 * 20);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_silent_unit_has_a_phase_of_0) {
  March m(model("stuart_landau"));
  m.state() = {0, 0};
  BOOST_TEST(m.observed("phase")[0] == 0);
  BOOST_TEST(m.rate(m.state())[0] == 0);
}

BOOST_AUTO_TEST_CASE(the_solvable_form_errs_in_proportion_to_the_time_between_resets) {
  const double coarse = phase_error(0.01);
  const double middle = phase_error(0.005);
  const double fine = phase_error(0.0025);
  BOOST_TEST(coarse < 0.5);
  // First order: halves, up to the next order's share.
  BOOST_TEST(std::abs(coarse / middle - 2) < 0.25, coarse << ", " << middle);
  BOOST_TEST(std::abs(middle / fine - 2) < 0.15, middle << ", " << fine);
}

BOOST_AUTO_TEST_CASE(the_linear_form_has_the_growth_of_its_circulant_matrix) {
  // A single travelling wave is an eigenvector: lambda = i omega + 2 epsilon sum_k cos(2 pi m k/N).
  March m(in_regime(model("complex_kuramoto"), "linear"));
  const int mode = 2;
  double growth = 0;
  for (int k = 1; k <= 10; ++k) growth += 1.5 * std::cos(2 * pi * mode * k / 50);
  for (std::size_t j = 0; j < 50; ++j) {
    const Complex x = std::polar(1.0, 2 * pi * mode * static_cast<double>(j) / 50);
    m.state()[j] = x.real();
    m.state()[50 + j] = x.imag();
  }
  for (int i = 0; i < 500; ++i) m.step(1e-3);
  const auto x = amplitudes(m, "x");
  for (std::size_t j = 0; j < 50; ++j) {
    const Complex expected =
        std::exp(Complex(growth, 10 * pi) * 0.5) * std::polar(1.0, 2 * pi * mode * static_cast<double>(j) / 50);
    BOOST_TEST(std::abs(x[j] - expected) < 1e-6 * std::abs(expected));
  }
}

BOOST_AUTO_TEST_SUITE_END()
