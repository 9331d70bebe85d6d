#include <boost/test/unit_test.hpp>
#include <cmath>
#include <vector>

#include "sim/optimiser.hpp"

namespace {

using namespace striate;

/// The gradient that validation/reference/optimisers.py gives for update `k`.
std::vector<double> gradient_at(const std::vector<double>& p, std::size_t k) {
  std::vector<double> g;
  for (const double v : p) g.push_back(std::cos(v * static_cast<double>(k + 1)) + 0.1 * v);
  return g;
}

using Course = std::vector<std::vector<double>>;

Course course(const Adam::Settings& settings) {
  std::vector<double> p{1.0, -0.5, 0.25, 3.0};
  Adam adam(settings, p.size());
  Course places;
  for (std::size_t k = 0; k < 5; ++k) {
    adam.update(p, gradient_at(p, k), 0.05);
    places.push_back(p);
  }
  return places;
}

/// Both are double arithmetic in slightly different orders: rounding only.
void require_same(const Course& a, const Course& b) {
  for (std::size_t k = 0; k < b.size(); ++k)
    for (std::size_t i = 0; i < b[k].size(); ++i) BOOST_TEST(std::abs(a[k][i] - b[k][i]) < 1e-13);
}

// PyTorch 2.15, validation/reference/optimisers.json
const Course torch_adam = {{0.9500000780879929, -0.5499999395831402, 0.20000005030619258, 3.049999927535549},
                           {0.9334254957157616, -0.5957272367075271, 0.1501355202095494, 3.0303475411325422},
                           {0.9535787485394926, -0.6173571922493821, 0.1003959689042164, 3.0315220070995443},
                           {0.9845608547407982, -0.6071571066915133, 0.050640046349287406, 3.011901768009833},
                           {1.0007135570791146, -0.5801658767124638, 0.0006980965756101729, 3.0048285615051773}};
const Course torch_adam_decay = {{0.9500000006753998, -0.5499999993569815, 0.2000000004907193, 3.049999998717924},
                                 {0.9236239673593167, -0.5956864031516885, 0.15009745868691193, 3.0218208130057267},
                                 {0.9316905770687051, -0.6168751226828774, 0.10029077795399885, 3.0068064298540267},
                                 {0.9524793168868605, -0.6087364604628871, 0.05049666193609073, 2.9784324441288703},
                                 {0.9645398733485614, -0.5856454448500299, 0.000618599199703404, 2.955570299829144}};
const Course torch_adamw = {{0.9450000007808811, -0.5474999993958307, 0.1987500005030624, 3.0349999992753545},
                            {0.9206429358412741, -0.5911825461263485, 0.1478442859953787, 3.0029478214555185},
                            {0.9313439373111494, -0.6140483747662405, 0.09727027864694367, 2.9883491629865353},
                            {0.9535003075037224, -0.6077726497607496, 0.046938906751991846, 2.956898158047951},
                            {0.9681243688995105, -0.5852070765904753, -0.0032436498973083816, 2.9326181285261375}};

BOOST_AUTO_TEST_CASE(Adam_and_AdamW_take_the_steps_of_PyTorch) {
  require_same(course({0.8, 0.95, 1e-6, 0, false}), torch_adam);
  require_same(course({0.9, 0.999, 1e-8, 0.1, false}), torch_adam_decay);
  require_same(course({0.9, 0.999, 1e-8, 0.1, true}), torch_adamw);
}

// With a constant gradient both corrected moments are exact, so that every update is rate g/(|g| + epsilon).
BOOST_AUTO_TEST_CASE(Adam_under_a_constant_gradient_moves_by_the_rate) {
  std::vector<double> p{0, 0};
  Adam adam({0.9, 0.999, 1e-8, 0, false}, 2);
  for (int k = 0; k < 100; ++k) adam.update(p, std::vector<double>{2.0, -0.5}, 0.01);
  BOOST_TEST(p[0] == -1 / (1 + 1e-8 / 2), boost::test_tools::tolerance(1e-12));
  BOOST_TEST(p[1] == 1 / (1 + 1e-8 / 0.5), boost::test_tools::tolerance(1e-12));
}

BOOST_AUTO_TEST_CASE(Adam_goes_on_from_its_state_with_the_same_bits) {
  std::vector<double> p{1.0, -0.5}, q;
  Adam first({}, 2);
  for (std::size_t k = 0; k < 3; ++k) first.update(p, gradient_at(p, k), 0.1);
  q = p;
  Adam second({}, 2);
  second.state = first.state;
  for (std::size_t k = 3; k < 6; ++k) {
    first.update(p, gradient_at(p, k), 0.1);
    second.update(q, gradient_at(q, k), 0.1);
  }
  BOOST_TEST(p == q, boost::test_tools::per_element());
}

// (3, -4, 12, 1/2) has norm 13.0096...; PyTorch divides by norm + 1e-6, which changes the seventh digit.
BOOST_AUTO_TEST_CASE(Long_gradients_are_shortened_and_short_ones_kept) {
  std::vector<double> g{3, -4, 12, 0.5};
  BOOST_TEST(clip_norm(g, 2) == 13.009611831257688, boost::test_tools::tolerance(1e-15));
  const std::vector<double> torch{0.4611974297639385, -0.614929906351918, 1.844789719055754, 0.07686623829398975};
  for (std::size_t i = 0; i < 4; ++i) BOOST_TEST(g[i] == torch[i], boost::test_tools::tolerance(2e-7));
  std::vector<double> small{0.3, 0.4};
  BOOST_TEST(clip_norm(small, 2) == 0.5, boost::test_tools::tolerance(1e-15));
  BOOST_TEST(small[0] == 0.3);
}

BOOST_AUTO_TEST_CASE(Schedules_run_as_they_say) {
  BOOST_TEST(Schedule{}.at(1234, 5000) == 1);
  const Schedule cosine{Schedule::Kind::cosine, 10, 0.1};
  BOOST_TEST(cosine.at(0, 110) == 1.0 / 11, boost::test_tools::tolerance(1e-15));
  BOOST_TEST(cosine.at(10, 110) == 1);
  BOOST_TEST(cosine.at(60, 110) == 0.55, boost::test_tools::tolerance(1e-15));
  BOOST_TEST(cosine.at(110, 110) == 0.1, boost::test_tools::tolerance(1e-15));
  const Schedule steps{Schedule::Kind::steps, 0, 0, 100, 0.5};
  BOOST_TEST(steps.at(99, 1000) == 1);
  BOOST_TEST(steps.at(100, 1000) == 0.5);
  BOOST_TEST(steps.at(250, 1000) == 0.25);
}

// Rosenbrock's valley in eight dimensions, whose minimum is 0 at (1, ..., 1): quasi-Newton ends it where steepest
// descent would need thousands of iterations.
BOOST_AUTO_TEST_CASE(Lbfgs_follows_the_valley_of_Rosenbrock) {
  const auto rosenbrock = [](std::span<const double> x, std::span<double> g) {
    double value = 0;
    std::fill(g.begin(), g.end(), 0.0);
    for (std::size_t i = 0; i + 1 < x.size(); ++i) {
      const double a = x[i + 1] - x[i] * x[i], b = 1 - x[i];
      value += 100 * a * a + b * b;
      g[i] += -400 * a * x[i] - 2 * b;
      g[i + 1] += 200 * a;
    }
    return value;
  };
  std::vector<double> x(8, -1.2), g(8);
  double value = rosenbrock(x, g);
  Lbfgs lbfgs(6);
  int iterations = 0;
  while (iterations < 200 && value > 1e-20 && lbfgs.update(x, value, g, rosenbrock)) ++iterations;
  BOOST_TEST(iterations < 120);
  for (const double v : x) BOOST_TEST(std::abs(v - 1) < 1e-8);
}

// On a quadratic, exact curvature pairs give Newton's step: n + 1 iterations suffice for n dimensions in exact
// arithmetic with exact searches; the inexact ones here need somewhat more.
BOOST_AUTO_TEST_CASE(Lbfgs_ends_a_quadratic_soon_and_knows_when_to_stop) {
  const auto quadratic = [](std::span<const double> x, std::span<double> g) {
    double value = 0;
    for (std::size_t i = 0; i < x.size(); ++i) {
      const double c = std::pow(10.0, static_cast<double>(i));
      g[i] = c * (x[i] - 3);
      value += 0.5 * c * (x[i] - 3) * (x[i] - 3);
    }
    return value;
  };
  std::vector<double> x(4, 0), g(4);
  double value = quadratic(x, g);
  Lbfgs lbfgs(10);
  int iterations = 0;
  while (lbfgs.update(x, value, g, quadratic)) BOOST_REQUIRE(++iterations < 60);
  for (const double v : x) BOOST_TEST(v == 3, boost::test_tools::tolerance(1e-7));
}

// |a - 3| + |b + a| + 0.01 b^2 is least at (3, -3), with 0.09, where SciPy's L-BFGS-B gets to as well; its kink along
// b = -a misleads what is remembered of the other side.
BOOST_AUTO_TEST_CASE(Lbfgs_begins_again_along_the_gradient_before_it_gives_up) {
  const auto kinked = [](std::span<const double> x, std::span<double> g) {
    const auto sign = [](double v) { return v > 0 ? 1.0 : -1.0; };
    g[0] = sign(x[0] - 3) + sign(x[1] + x[0]);
    g[1] = sign(x[1] + x[0]) + 0.02 * x[1];
    return std::abs(x[0] - 3) + std::abs(x[1] + x[0]) + 0.01 * x[1] * x[1];
  };
  std::vector<double> x{-1.2, 1}, g(2);
  double value = kinked(x, g);
  Lbfgs lbfgs(10);
  for (int i = 0; i < 300 && lbfgs.update(x, value, g, kinked); ++i) {
  }
  BOOST_TEST(value < 0.1);
}

// At the kink of |x| nothing is lower, though the slope promises it; at the minimum of a parabola it promises rounding.
BOOST_AUTO_TEST_CASE(Lbfgs_knows_a_kink_from_a_minimum) {
  const auto end = [](double start, const Lbfgs::Objective& objective) {
    std::vector<double> x{start}, g(1);
    double value = objective(x, g);
    Lbfgs lbfgs;
    int updates = 0;
    while (lbfgs.update(x, value, g, objective)) BOOST_REQUIRE(++updates < 100);
    return lbfgs.promised;
  };
  const Lbfgs::Objective kink = [](std::span<const double> x, std::span<double> g) {
    g[0] = x[0] < 0.3 ? -1 : 2;
    return 1 + std::max(0.3 - x[0], 2 * (x[0] - 0.3));
  };
  const Lbfgs::Objective parabola = [](std::span<const double> x, std::span<double> g) {
    g[0] = 14 * (x[0] - 0.3);
    return 1 + 7 * (x[0] - 0.3) * (x[0] - 0.3);
  };
  BOOST_TEST(end(0.3, kink) > 0.01);
  BOOST_TEST(end(-2, parabola) < 1e-12);
}

}  // namespace
