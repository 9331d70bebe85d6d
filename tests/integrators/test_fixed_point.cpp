// Derivatives at fixed points: three solvers of the adjoint system against closed forms, differences and long
// back-propagation; the stop, the warnings and the contraction penalty.
#include "integrators/fixed_point.hpp"

#include <Eigen/Core>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <map>

#include "base/error.hpp"
#include "circuit/compile.hpp"
#include "circuit/text.hpp"
#include "integrators/bptt.hpp"
#include "integrators/eigenpairs.hpp"
#include "integrators/least_squares.hpp"

using namespace striate;

namespace {

using Numbers = std::vector<double>;

auto has(const std::string& part) {
  return [part](const std::exception& e) {
    BOOST_TEST_MESSAGE(e.what());
    return std::string(e.what()).find(part) != std::string::npos;
  };
}

const FixedPointSolver solvers[] = {FixedPointSolver::neumann, FixedPointSolver::gmres, FixedPointSolver::anderson};

/// Thirty units with a full matrix: y <- tanh(g W y + X + a), and a slower unit that looks at all of them.
constexpr const char* network = R"(circuit network
axis n = 30
axis pre = 30
parameter g = 0.9 1
parameter a[n] = 0.1 1
input X[n] : 1
W := sin(7*(index(n) + 1)*(rename(index(n), n, pre) + 2))/5
y(0) = 0
next(y) = tanh(g*matmul(rename(y, n, pre), W, over=pre) + X + a - 0.2*s) : 1 [n]
s(0) = 0
next(s) = 0.7*s + 0.3*mean(y^2, n) : 1
)";

struct Network {
  System<double> map = compile<double>(read_circuit(network));
  Workspace<double> workspace = map.workspace();
  Numbers p = map.default_parameters(), u = [] {
    Numbers x(30);
    for (std::size_t i = 0; i < x.size(); ++i) x[i] = std::sin(static_cast<double>(i * i));
    return x;
  }();
  double scale = 1;

  Rollout<double> rollout(std::size_t steps) {
    return {map, p, {}, 0, steps, [this](std::size_t) { return std::span<const double>(u); }};
  }
  Loss<double> loss(std::size_t last) {
    return [this, last](std::size_t n, std::span<const double> y, std::span<double> ybar, std::span<double> pbar) {
      if (n != last) return 0.0;
      double value = 0;
      for (std::size_t i = 0; i < y.size(); ++i) {
        const double w = scale * std::cos(static_cast<double>(i));
        value += w * y[i] * y[i] * p[0];
        ybar[i] += 2 * w * y[i] * p[0];
        pbar[0] += w * y[i] * y[i];
      }
      return value;
    };
  }
  RecurrentBackPropagation<double> rbp(std::size_t steps, const FixedPointSettings& settings = {}) {
    return recurrent_back_propagation(rollout(steps), loss(steps), workspace, settings);
  }
  Eigen::MatrixXd jacobian(std::span<const double> y) {
    Eigen::MatrixXd j(31, 31);
    for (Eigen::Index k = 0; k < 31; ++k) {
      Numbers one(31), column(31);
      one[static_cast<std::size_t>(k)] = 1;
      map.jvp({0, y, p, u}, {one}, column, workspace);
      j.col(k) = Eigen::Map<Eigen::VectorXd>(column.data(), 31);
    }
    return j;
  }
};

double distance(const Numbers& a, const Numbers& b) {
  double d = 0, size = 0;
  for (std::size_t i = 0; i < a.size(); ++i) d += (a[i] - b[i]) * (a[i] - b[i]), size += b[i] * b[i];
  return std::sqrt(d / size);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(integrators_fixed_point)

BOOST_AUTO_TEST_CASE(every_solver_solves_the_adjoint_system_to_its_residual) {
  Network net;
  const auto y = net.rbp(400).y;
  const Eigen::MatrixXd j = net.jacobian(y);
  Numbers g(31);
  for (std::size_t i = 0; i < g.size(); ++i) g[i] = std::sin(3.0 * static_cast<double>(i));
  const Eigen::VectorXd v =
      least_squares(Eigen::MatrixXd::Identity(31, 31) - j.transpose(), Eigen::Map<Eigen::VectorXd>(g.data(), 31));
  Numbers expected(net.p.size()), expected_u(30);
  net.map.vjp({0, y, net.p, net.u}, {v.data(), 31}, {{}, expected, expected_u}, net.workspace);
  const double radius = eigenvalues(j).cwiseAbs().maxCoeff();
  const Eigen::MatrixXd m = Eigen::MatrixXd::Identity(31, 31) - j;
  const double condition = 1 / std::sqrt(eigenvalues(m.transpose() * m).real().minCoeff());
  BOOST_TEST(radius > 0.5);
  BOOST_TEST(radius < 0.95);
  std::map<FixedPointSolver, int> products;
  for (const FixedPointSolver solver : solvers) {
    for (const double tolerance : {1e-3, 1e-6, 1e-10}) {
      FixedPointSettings settings;
      settings.solver = solver;
      settings.tolerance = tolerance;
      settings.products = 300;
      Numbers pbar(net.p.size()), ubar(30);
      const auto report =
          fixed_point_vjp<double>(net.map, {0, y, net.p, net.u}, g, {{}, pbar, ubar}, settings, net.workspace);
      BOOST_TEST_CONTEXT("solver " << static_cast<int>(solver) << ", tolerance " << tolerance) {
        BOOST_TEST(report.residual <= tolerance);
        BOOST_TEST(report.forward_residual < 1e-12);
        BOOST_TEST(report.warnings.empty());
        // |error of v| <= |(I - J')^-1| residual |g|, and |F_p'| is of order 1.
        BOOST_TEST(distance(pbar, expected) < 10 * condition * tolerance);
        BOOST_TEST(distance(ubar, expected_u) < 10 * condition * tolerance);
        // An estimate; ten power iterations (Anderson) are the roughest.
        if (tolerance < 1e-9) BOOST_TEST(std::abs(report.spectral_radius - radius) < 0.1 * radius);
        products[solver] = report.products;
      }
    }
  }
  BOOST_TEST(products[FixedPointSolver::gmres] < products[FixedPointSolver::anderson]);
  BOOST_TEST(products[FixedPointSolver::anderson] < products[FixedPointSolver::neumann]);
}

BOOST_AUTO_TEST_CASE(the_gradient_agrees_with_differences_of_the_converged_loss_and_with_long_back_propagation) {
  Network net;
  FixedPointSettings settings;
  settings.tolerance = 1e-12;
  const std::size_t steps = 400;
  const auto rbp = net.rbp(steps, settings);
  const auto through = bptt(net.rollout(steps), net.loss(steps), net.workspace).gradient;
  // radius^400 is far below rounding.
  BOOST_TEST(std::abs(rbp.gradient.loss - through.loss) < 1e-14);
  BOOST_TEST(distance(rbp.gradient.p, through.p) < 1e-10);
  for (const std::size_t k : {0, 1, 17}) {
    const double h = 1e-3, at = net.p[k];
    double difference = 0;
    for (const auto& [shift, weight] : std::map<double, double>{{-2, 1}, {-1, -8}, {1, 8}, {2, -1}}) {
      net.p[k] = at + shift * h;
      difference += weight * net.rbp(steps).gradient.loss / (12 * h);
    }
    net.p[k] = at;
    BOOST_TEST(std::abs(rbp.gradient.p[k] - difference) < 1e-8 * (1 + std::abs(difference)));
  }
}

BOOST_AUTO_TEST_CASE(the_stop_does_not_depend_on_the_scale_of_the_loss) {
  Network net;
  for (const FixedPointSolver solver : solvers) {
    FixedPointSettings settings;
    settings.solver = solver;
    net.scale = 1;
    const auto one = net.rbp(300, settings);
    net.scale = 1e9;
    const auto large = net.rbp(300, settings);
    BOOST_TEST(one.report.products == large.report.products);
    BOOST_TEST(std::abs(large.gradient.p[3] / one.gradient.p[3] / 1e9 - 1) < 1e-6);
  }
}

BOOST_AUTO_TEST_CASE(what_makes_the_gradient_doubtful_is_said_in_numbers) {
  Network net;
  const auto early = net.rbp(3);
  BOOST_REQUIRE(early.report.warnings.size() == 1u);
  BOOST_TEST_MESSAGE(early.report.warnings[0]);
  BOOST_TEST(early.report.warnings[0].find("is no fixed point, it moves by 0.") != std::string::npos);
  BOOST_TEST(early.report.forward_residual > 0.01);
  FixedPointSettings few;
  few.solver = FixedPointSolver::neumann;
  few.products = 5;
  const auto truncated = net.rbp(300, few);
  BOOST_REQUIRE(truncated.report.warnings.size() == 1u);
  BOOST_TEST(truncated.report.warnings[0].find("after 5 products the residual is 0.") != std::string::npos);

  // y <- r y + b has the radius r.
  const auto map = compile<double>(
      read_circuit("circuit c\nparameter r = 0.5 1\nparameter b = 0 1\ny(0) = 0\nnext(y) = r*y + b : 1\n"));
  auto workspace = map.workspace();
  const auto at_radius = [&](double r, FixedPointSolver solver) {
    const Numbers p{r, 0.01}, y{0.01 / (1 - r)}, g{1};
    Numbers pbar(2);
    FixedPointSettings settings;
    settings.solver = solver;
    settings.tolerance = 1e-8;
    settings.products = 2000;
    const auto report = fixed_point_vjp<double>(map, {0, y, p, {}}, g, {{}, pbar}, settings, workspace);
    BOOST_TEST(std::abs(pbar[1] * (1 - r) - 1) < 1e-7);
    BOOST_TEST(std::abs(report.spectral_radius - r) < 1e-9);
    return report.warnings;
  };
  for (const FixedPointSolver solver : solvers) {
    BOOST_TEST(at_radius(0.9, solver).empty());
    const auto warnings = at_radius(0.98, solver);
    BOOST_REQUIRE(warnings.size() == 1u);
    BOOST_TEST(warnings[0].find("about 0.98: the fixed point magnifies changes up to 50 times") != std::string::npos);
  }
  // Beyond 1 the series diverges; GMRES has the solution and says that the iteration leaves the point.
  BOOST_CHECK_EXCEPTION(at_radius(1.05, FixedPointSolver::neumann), Failure,
                        has("spectral radius of the Jacobian is about 1.05"));
  const auto beyond = at_radius(1.05, FixedPointSolver::gmres);
  BOOST_REQUIRE(beyond.size() == 1u);
  BOOST_TEST(beyond[0].find("about 1.05: the iteration leaves this point") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(the_contraction_penalty_and_its_gradient_are_those_of_the_jacobian) {
  Network net;
  net.p[0] = 1.3;
  const auto y = net.rbp(30).y;
  const double threshold = 0.3, weight = 10;
  // By the definition, from the Jacobian column by column.
  const auto value = [&] {
    const Eigen::MatrixXd j = net.jacobian(y);
    double sum = 0;
    for (Eigen::Index k = 0; k < 31; ++k) sum += std::pow(std::max(j.col(k).sum() - threshold, 0.0), 2);
    return weight * sum / 31;
  };
  Numbers pbar(net.p.size(), 1.0), ubar(30);
  const double penalty =
      contraction_penalty<double>(net.map, {0, y, net.p, net.u}, threshold, weight, {{}, pbar, ubar}, net.workspace);
  BOOST_TEST(penalty > 0.1);
  BOOST_TEST(std::abs(penalty - value()) < 1e-13 * penalty);
  const auto difference = [&](double& x) {
    // Second differences of a kinked square are exact but for third derivatives.
    const double h = 1e-5, at = x;
    x = at + h;
    const double up = value();
    x = at - h;
    const double down = value();
    x = at;
    return (up - down) / (2 * h);
  };
  for (const std::size_t k : {0, 1, 30}) BOOST_TEST(std::abs(pbar[k] - 1 - difference(net.p[k])) < 1e-7);
  for (const std::size_t k : {0, 12}) BOOST_TEST(std::abs(ubar[k] - difference(net.u[k])) < 1e-7);
  // Below the threshold there is nothing to pay.
  Numbers none(net.p.size());
  BOOST_TEST(contraction_penalty<double>(net.map, {0, y, net.p, net.u}, 100, weight, {{}, none}, net.workspace) == 0.0);
  BOOST_TEST(none == Numbers(net.p.size()), boost::test_tools::per_element());
  // Within recurrent back-propagation both are added to the loss and to the gradient.
  const auto without = net.rbp(30);
  const auto with = recurrent_back_propagation(net.rollout(30), net.loss(30), net.workspace, {}, {weight, threshold});
  BOOST_TEST(std::abs(with.gradient.loss - without.gradient.loss - penalty) < 1e-13);
  BOOST_TEST(std::abs(with.gradient.p[5] - without.gradient.p[5] - (pbar[5] - 1)) < 1e-12);
}

BOOST_AUTO_TEST_CASE(float_reaches_its_own_precision) {
  Network net;
  const auto exact = net.rbp(200).gradient;
  const auto map = compile<float>(read_circuit(network));
  auto workspace = map.workspace();
  const std::vector<float> p(net.p.begin(), net.p.end()), u(net.u.begin(), net.u.end());
  for (const FixedPointSolver solver : solvers) {
    FixedPointSettings settings;
    settings.solver = solver;
    const auto rbp = recurrent_back_propagation<float>(
        {map, p, {}, 0, 200, [&](std::size_t) { return std::span<const float>(u); }},
        [&](std::size_t, std::span<const float> y, std::span<float> ybar, std::span<float> pbar) {
          double value = 0;
          for (std::size_t i = 0; i < y.size(); ++i) {
            const auto w = static_cast<float>(std::cos(static_cast<double>(i)));
            value += static_cast<double>(w * y[i] * y[i] * p[0]);
            ybar[i] += 2 * w * y[i] * p[0];
            pbar[0] += w * y[i] * y[i];
          }
          return value;
        },
        workspace, settings);
    BOOST_TEST(rbp.report.warnings.empty());
    for (std::size_t i = 0; i < exact.p.size(); ++i)
      BOOST_TEST(std::abs(static_cast<double>(rbp.gradient.p[i]) - exact.p[i]) < 2e-4 * (1 + std::abs(exact.p[i])));
  }
}

BOOST_AUTO_TEST_CASE(what_cannot_be_is_refused_with_a_sentence) {
  BOOST_CHECK_EXCEPTION(fixed_point_solver_named("gmras"), Error, has("Closest: gmres"));
  Network net;
  FixedPointSettings settings;
  settings.tolerance = 0;
  BOOST_CHECK_EXCEPTION(net.rbp(3, settings), Error, has("tolerance = 0"));
  BOOST_CHECK_EXCEPTION(net.rbp(0), Error, has("steps = 0"));
  const auto flow = compile<double>(read_circuit("circuit c\ny(0) = 1\ndy/dt = -y/(1 ms) : 1\n"));
  auto workspace = flow.workspace();
  const Numbers y{1};
  BOOST_CHECK_EXCEPTION(contraction_penalty<double>(flow, {0, y, {}, {}}, 0.9, 1, {}, workspace), Error,
                        has("discretise"));
}

BOOST_AUTO_TEST_SUITE_END()
