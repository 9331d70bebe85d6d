// Parameters of the compact contextual circuit, recovered by gradient from its own noisy responses.
//
// The responses: the output layer's centre, all features, at three times after a stimulus comes on, for patches of
// several sizes and contrasts and for surrounds of several orientations; to each a normal error is added. L-BFGS makes
// their sum of squares small, over the logarithms of the parameters, with the gradient by the adjoint. Intervals are
// those of the Fisher information J'J / noise^2, with J by forward sensitivities at the solution.
//
// usage: recover_crf_ecrf [SEED]    prints JSON
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <Eigen/Dense>
#include <cmath>
#include <cstdlib>
#include <memory>

#include "base/random.hpp"
#include "circuit/compile.hpp"
#include "integrators/adjoint.hpp"
#include "integrators/sensitivities.hpp"
#include "models/library.hpp"
#include "sim/optimiser.hpp"

using namespace striate;

namespace {

constexpr std::size_t features = 9, side = 11;
constexpr double noise = 0.05, end = 40;  // sd, in units of the response; ms
const std::vector<double> times{4, 12, end};
const std::vector<std::string> names{"eta", "tau", "xi", "alpha", "mu", "gamma", "c_far", "c_broad"};

struct Stimulus {
  double contrast;
  int reach;           // of the patch from the centre, pixels
  int surround_reach;  // 0: none
  std::size_t turned;  // by how many features the surround is turned
};

std::vector<Stimulus> stimuli() {
  std::vector<Stimulus> all;
  for (const double contrast : {0.5, 1.0})
    for (const int reach : {0, 1, 2, 5}) all.push_back({contrast, reach, 0, 0});
  for (const std::size_t turned : {0U, 2U, 4U}) all.push_back({1, 1, 5, turned});
  return all;
}

/// Drive of every feature and place: a tuned response to the patch, and to what surrounds it.
std::vector<double> drive(const Stimulus& s, const System<double>& system) {
  std::vector<double> X(system.inputs().size());
  const int middle = static_cast<int>(side) / 2;
  for (std::size_t f = 0; f < features; ++f)
    for (int y = 0; y < static_cast<int>(side); ++y)
      for (int x = 0; x < static_cast<int>(side); ++x) {
        const int away = std::max(std::abs(y - middle), std::abs(x - middle));
        if (away > std::max(s.reach, s.surround_reach)) continue;
        const std::size_t preferred = features / 2 + (away > s.reach ? s.turned : 0);
        const double periods =
            std::remainder((static_cast<double>(f) - static_cast<double>(preferred)) / features, 1.0);
        X[(f * side + static_cast<std::size_t>(y)) * side + static_cast<std::size_t>(x)] =
            s.contrast * std::exp(-periods * periods / (2 * 0.15 * 0.15));
      }
  return X;
}

class Recovery {
 public:
  explicit Recovery(std::uint64_t seed)
      : system_(compile<double>(
            model("crf_ecrf",
                  {{"feature", features}, {"y", side}, {"x", side}, {"near", 3}, {"far_hole", 3}, {"far", 9}})
                .with_definitions({}))),
        truth_(system_.default_parameters()),
        random_(seed, "noise of the responses") {
    for (std::size_t f = 0; f < features; ++f)
      seen_.push_back(system_.states().at("H2").offset + (f * side + side / 2) * side + side / 2);
    for (const auto& s : stimuli()) drives_.push_back(std::make_shared<ConstantDrive>(drive(s, system_)));
    for (std::size_t c = 0; c < drives_.size(); ++c)
      for (const double r : responses(truth_, c)) data_.push_back(r + noise * random_.normal({data_.size()}));
  }

  std::vector<double> truth() const {
    std::vector<double> x;
    for (const auto& name : names) x.push_back(std::log(truth_[place(name)]));
    return x;
  }

  /// Half the sum of squares over the noise's variance, and its gradient.
  double misfit(std::span<const double> x, std::span<double> gradient) const {
    std::fill(gradient.begin(), gradient.end(), 0.0);
    double sum = 0;
    const auto p = parameters(x);
    for (std::size_t c = 0; c < drives_.size(); ++c) {
      const Loss<double> loss = [&](std::size_t n, std::span<const double> y, std::span<double> ybar,
                                    std::span<double>) {
        double value = 0;
        for (std::size_t f = 0; f < features; ++f) {
          const double apart = (y[seen_[f]] - data_[(c * times.size() + n) * features + f]) / noise;
          value += apart * apart / 2;
          ybar[seen_[f]] += apart / noise;
        }
        return value;
      };
      const auto found = adjoint(problem(p, c), method(1e-6), times, loss);
      sum += found.gradient.loss;
      for (std::size_t i = 0; i < names.size(); ++i)
        gradient[i] += found.gradient.p[place(names[i])] * p[place(names[i])];
    }
    return sum;
  }

  /// Standard deviations of the logarithms, from the Fisher information.
  std::vector<double> deviations(std::span<const double> x) const {
    const auto p = parameters(x);
    const auto k = static_cast<Eigen::Index>(names.size());
    Eigen::MatrixXd information = Eigen::MatrixXd::Zero(k, k);
    for (std::size_t c = 0; c < drives_.size(); ++c) {
      const auto found = sensitivities(problem(p, c), method(1e-6), unit_directions(system_, names), times);
      for (const auto& sample : found.s)
        for (const std::size_t at : seen_) {
          Eigen::VectorXd row(k);
          for (Eigen::Index i = 0; i < k; ++i) {
            const auto direction = static_cast<std::size_t>(i);
            row[i] = sample[direction][at] * p[place(names[direction])] / noise;
          }
          information += row * row.transpose();
        }
    }
    const Eigen::VectorXd variances = information.inverse().diagonal();
    std::vector<double> sd;
    for (const double v : variances) sd.push_back(std::sqrt(v));
    return sd;
  }

  std::vector<double> responses(std::span<const double> p, std::size_t condition) const {
    const auto found = sensitivities(problem({p.begin(), p.end()}, condition), method(1e-8), {}, times);
    std::vector<double> all;
    for (const auto& y : found.y)
      for (const std::size_t at : seen_) all.push_back(y[at]);
    return all;
  }

  std::vector<double> parameters(std::span<const double> x) const {
    auto p = truth_;
    for (std::size_t i = 0; i < names.size(); ++i) p[place(names[i])] = std::exp(x[i]);
    return p;
  }

  const std::vector<double>& data() const { return data_; }
  std::size_t conditions() const { return drives_.size(); }

 private:
  std::size_t place(const std::string& name) const { return system_.parameters().at(name).offset; }
  Problem problem(const std::vector<double>& p, std::size_t condition) const {
    return {system_, p, drives_[condition], {}, 0, end, {}};
  }
  static Method method(double tolerance) {
    Method m;
    m.name = "adams";
    m.rtol = tolerance;
    m.atol = tolerance;
    return m;
  }

  System<double> system_;
  std::vector<double> truth_;
  RandomKey random_;
  std::vector<std::size_t> seen_;
  std::vector<std::shared_ptr<const Drive>> drives_;
  std::vector<double> data_;  // [condition, time, feature]
};

}  // namespace

int main(int argc, char** argv) {
  const std::uint64_t seed = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 0;
  const Recovery recovery(seed);
  const std::vector<double> truth = recovery.truth();
  const RandomKey random(seed, "where the search starts");
  std::vector<double> x = truth;
  for (std::size_t i = 0; i < x.size(); ++i) x[i] += std::log(2.0) * (2 * random.uniform({i}) - 1);
  const std::vector<double> start = x;

  std::size_t evaluations = 0;
  const Lbfgs::Objective objective = [&](std::span<const double> at, std::span<double> gradient) {
    ++evaluations;
    return recovery.misfit(at, gradient);
  };
  std::vector<double> gradient(x.size());
  double value = objective(x, gradient);
  std::vector<double> course{value};
  Lbfgs lbfgs;
  while (course.size() < 200 && lbfgs.update(x, value, gradient, objective)) {
    course.push_back(value);
    fmt::print(stderr, "iteration {}: misfit {:.6g}\n", course.size() - 1, value);
    const std::size_t n = course.size();
    if (n > 3 && course[n - 4] - value < 1e-4) break;  // of half a chi square: far inside the intervals
  }

  const auto sd = recovery.deviations(x);
  fmt::print("{{\"names\": [\"{}\"],\n\"truth\": {},\n\"start\": {},\n\"found\": {},\n\"sd\": {},\n\"misfit\": {},\n",
             fmt::join(names, "\", \""), truth, start, x, sd, course);
  std::vector<double> fitted;
  for (std::size_t c = 0; c < recovery.conditions(); ++c)
    for (const double r : recovery.responses(recovery.parameters(x), c)) fitted.push_back(r);
  fmt::print("\"evaluations\": {}, \"noise\": {}, \"times\": {},\n\"data\": {},\n\"fitted\": {}}}\n", evaluations,
             noise, times, recovery.data(), fitted);
}
