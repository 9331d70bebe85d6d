#include "integrators/orbit.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/error.hpp"
#include "circuit/tableau.hpp"
#include "integrators/stepper.hpp"

namespace striate {
namespace {

constexpr std::size_t stage_count = 6;  // the seventh belongs to the error

std::span<const double> column(const Eigen::MatrixXd& m, Eigen::Index j) {
  return {m.col(j).data(), static_cast<std::size_t>(m.rows())};
}
std::span<double> column(Eigen::MatrixXd& m, Eigen::Index j) {
  return {m.col(j).data(), static_cast<std::size_t>(m.rows())};
}

Problem checked(const Problem& problem) {
  const System<double>& system = problem.system;
  if (system.states().size() == 0) throw Error(system.name(), "has no states, so that nothing in it moves.");
  if (system.is_map()) throw Error(system.name(), "is a map, but cycles and branches are sought of flows.");
  if (system.guard_size() > 0)
    throw Error(system.name(), "has events, but cycles and branches are sought of flows without jumps.");
  return problem;
}

}  // namespace

Orbit::Orbit(const Problem& problem)
    : evaluation_(checked(problem)), t_(problem.t0), p_(evaluation_.p().begin(), evaluation_.p().end()) {
  u_.resize(system().inputs().size());
  if (!u_.empty()) problem.drive->evaluate(t_, u_);
  std::vector<double> y = problem.y0;
  if (y.empty()) {
    y.resize(size());
    evaluation_.initial(t_, y);
  }
  for (const double t : system().time_breaks(p_, evaluation_.workspace()))
    if (t > t_)
      throw Error(system().name(), fmt::format("changes by itself at t = {}, but cycles and branches are those of "
                                               "autonomous flows. Leave out what begins or ends at a time.",
                                               time_text(t, system())));
  const double one[] = {1};
  for (const double later : {0.0, 0.6180339887, 17.32}) {
    std::vector<double> by_time(size());
    system().jvp({t_ + later, y, p_, u_}, {.y = {}, .t = one}, by_time, evaluation_.workspace());
    for (std::size_t i = 0; i < size(); ++i)
      if (by_time[i] != 0)
        throw Error(system().name(),
                    "the rate of " + system().states().element_name(i) +
                        " depends on time itself, but cycles and branches are those of autonomous flows.");
  }
}

bool Orbit::rate(std::span<const double> y, std::span<double> f) {
  system().rhs(at(y), f, evaluation_.workspace());
  return std::ranges::all_of(f, [](double x) { return std::isfinite(x); });
}

void Orbit::jvp(std::span<const double> y, const Tangent<double>& v, std::span<double> out) {
  system().jvp(at(y), v, out, evaluation_.workspace());
}

void Orbit::vjp(std::span<const double> y, std::span<const double> lambda, std::span<double> out) {
  system().vjp(at(y), lambda, {.y = out}, evaluation_.workspace());
}

Eigen::MatrixXd Orbit::jacobian(std::span<const double> y) {
  const auto n = static_cast<Eigen::Index>(size());
  const Eigen::MatrixXd identity = Eigen::MatrixXd::Identity(n, n);
  Eigen::MatrixXd j = Eigen::MatrixXd::Zero(n, n);
  for (Eigen::Index k = 0; k < n; ++k) jvp(y, {column(identity, k)}, column(j, k));
  return j;
}

std::vector<double> Orbit::adapted_mesh(std::span<const double> y0, double duration, double tolerance) {
  Problem problem{system(), p_, u_.empty() ? nullptr : std::make_shared<ConstantDrive>(u_), {y0.begin(), y0.end()}, 0,
                  duration, {}};
  Method method;
  method.name = "dp54";
  method.rtol = tolerance;
  method.atol = tolerance * 1e-2;
  std::vector<double> mesh{0};
  Observer observer;
  observer.progress = [&](double t, const Counters&) {
    if (t < duration * (1 - 1e-9)) mesh.push_back(t / duration);
  };
  solve(problem, method, {}, observer);
  mesh.push_back(1);
  return mesh;
}

bool Orbit::run(std::span<const double> y0, double duration, std::vector<double> mesh) {
  const Tableau& tableau = dp54_tableau();
  const std::size_t n = size();
  duration_ = duration;
  mesh_ = std::move(mesh);
  nodes_.resize(mesh_.size() * n);
  stages_.resize((mesh_.size() - 1) * stage_count * n);
  std::copy(y0.begin(), y0.end(), nodes_.begin());
  std::vector<std::vector<double>> k(stage_count, std::vector<double>(n));
  for (std::size_t interval = 0; interval + 1 < mesh_.size(); ++interval) {
    const double* y = nodes_.data() + interval * n;
    const double h = step(interval);
    for (std::size_t i = 0; i < stage_count; ++i) {
      double* stage = stages_.data() + (interval * stage_count + i) * n;
      std::copy_n(y, n, stage);
      for (std::size_t j = 0; j < i; ++j)
        for (std::size_t e = 0; e < n; ++e) stage[e] += h * tableau.a[i][j] * k[j][e];
      if (!rate({stage, n}, k[i])) return false;
    }
    double* next = nodes_.data() + (interval + 1) * n;
    std::copy_n(y, n, next);
    for (std::size_t i = 0; i < stage_count; ++i)
      for (std::size_t e = 0; e < n; ++e) next[e] += h * tableau.b[i] * k[i][e];
  }
  return true;
}

Eigen::MatrixXd Orbit::push(Eigen::MatrixXd v, const std::vector<double>* parameter) {
  const Tableau& tableau = dp54_tableau();
  std::vector<Eigen::MatrixXd> k(stage_count, Eigen::MatrixXd(v.rows(), v.cols()));
  for (std::size_t interval = 0; interval + 1 < mesh_.size(); ++interval) {
    const double h = step(interval);
    for (std::size_t i = 0; i < stage_count; ++i) {
      const std::span<const double> y(stages_.data() + (interval * stage_count + i) * size(), size());
      Eigen::MatrixXd stage = v;
      for (std::size_t j = 0; j < i; ++j) stage += h * tableau.a[i][j] * k[j];
      k[i].setZero();
      for (Eigen::Index c = 0; c < v.cols(); ++c) {
        Tangent<double> along{column(std::as_const(stage), c)};
        if (parameter && c + 1 == v.cols()) along.p = *parameter;
        jvp(y, along, column(k[i], c));
      }
    }
    for (std::size_t i = 0; i < stage_count; ++i) v += h * tableau.b[i] * k[i];
  }
  return v;
}

void Orbit::pull(std::vector<double> lambda,
                 const std::function<void(std::size_t point, std::span<const double>)>& hear) {
  const Tableau& tableau = dp54_tableau();
  const std::size_t n = size();
  hear(mesh_.size() - 1, lambda);
  std::vector<std::vector<double>> by_stage(stage_count, std::vector<double>(n));
  std::vector<double> weight(n);
  for (std::size_t interval = mesh_.size() - 1; interval-- > 0;) {
    const double h = step(interval);
    for (std::size_t i = stage_count; i-- > 0;) {
      for (std::size_t e = 0; e < n; ++e) weight[e] = h * tableau.b[i] * lambda[e];
      for (std::size_t j = i + 1; j < stage_count; ++j)
        for (std::size_t e = 0; e < n; ++e) weight[e] += h * tableau.a[j][i] * by_stage[j][e];
      std::fill(by_stage[i].begin(), by_stage[i].end(), 0.0);
      vjp({stages_.data() + (interval * stage_count + i) * n, n}, weight, by_stage[i]);
    }
    for (std::size_t i = 0; i < stage_count; ++i)
      for (std::size_t e = 0; e < n; ++e) lambda[e] += by_stage[i][e];
    hear(interval, lambda);
  }
}

}  // namespace striate
