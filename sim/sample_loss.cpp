#include "sim/sample_loss.hpp"

#include <fmt/format.h>
#include <omp.h>

#include <algorithm>
#include <cmath>
#include <exception>
#include <mutex>

#include "base/error.hpp"
#include "circuit/compile.hpp"
#include "circuit/reparametrise.hpp"
#include "integrators/bptt.hpp"
#include "integrators/fixed_point.hpp"
#include "sim/progress.hpp"

namespace striate {
namespace {

/// Where a variable of the data goes.
struct Link {
  std::size_t from, size;  ///< in a sample
  std::size_t to;          ///< in the inputs of one sample
  bool course;             ///< a row for every step
  double factor;           ///< to the unit of the input
};

/// The inputs of one evaluation: the same at every step, or a row for each.
template <class T>
class Inputs {
 public:
  Inputs(const TrainingExperiment& e, const Fields& inputs, std::size_t together)
      : together_(together), width_(inputs.size()), sample_size_(e.data->sample_size()) {
    for (const auto& [name, variable] : e.from_data) {
      const Field* field = inputs.find(name);
      if (!field) continue;  // a target, where no loss is asked for
      std::size_t from = 0;
      for (std::size_t v = 0; v < variable; ++v) from += e.data->variables()[v].shape.size();
      const std::size_t own = field->size / together_;
      const bool course = e.data->variables()[variable].shape.size() != own;
      links_.push_back({from, own, field->offset, course, e.data->factor(variable, field->unit)});
      if (course) rows_ = e.plan.steps;
    }
    for (const auto& [name, value] : e.fixed_inputs)
      if (const Field* field = inputs.find(name)) fixed_.push_back({field->offset, field->size, static_cast<T>(value)});
  }

  std::vector<T> filled(const DataSet& data, std::span<const std::size_t> samples) const {
    std::vector<T> u(rows_ * width_);
    std::vector<double> sample(sample_size_);
    for (std::size_t row = 0; row < rows_; ++row)
      for (const auto& f : fixed_)
        std::fill_n(u.begin() + static_cast<std::ptrdiff_t>(row * width_ + f.offset), f.size, f.value);
    for (std::size_t k = 0; k < together_; ++k) {
      data.sample(samples[std::min(k, samples.size() - 1)], sample);  // a short last piece is filled up
      for (const Link& link : links_)
        for (std::size_t row = 0; row < rows_; ++row) {
          const double* from = sample.data() + link.from + (link.course ? row * link.size : 0);
          std::transform(from, from + link.size,
                         u.begin() + static_cast<std::ptrdiff_t>(row * width_ + link.to + k * link.size),
                         [&](double x) { return static_cast<T>(link.factor * x); });
        }
    }
    return u;
  }

  std::span<const T> row(const std::vector<T>& u, std::size_t n) const {
    return std::span<const T>(u).subspan(rows_ == 1 ? 0 : std::min(n, rows_ - 1) * width_, width_);
  }

 private:
  struct Fixed {
    std::size_t offset, size;
    T value;
  };
  std::size_t together_, width_, sample_size_;
  std::size_t rows_ = 1;
  std::vector<Link> links_;
  std::vector<Fixed> fixed_;
};

/// Length of the axis `batch` of a circuit that has one of its own.
std::size_t own_batch(const Circuit& circuit) {
  for (const auto& axis : circuit->axes)
    if (axis.axis.name == "batch") return axis.axis.size;
  return 1;
}

template <class T>
class SampleLossIn : public SampleLoss {
 public:
  explicit SampleLossIn(const TrainingExperiment& e)
      : e_(e),
        map_(compile<T>(e.map)),
        inputs_(e, map_.inputs(), e.plan.together),
        threads_(static_cast<std::size_t>(omp_get_max_threads())) {
    for (std::size_t i = 0; i < threads_; ++i) workspaces_.push_back(map_.workspace());
    fields_.push_back(&map_.observables().at("loss"));
    for (const auto& name : e.loss.metrics) fields_.push_back(&map_.observables().at(name));
  }

  Value evaluate(std::span<const double> p, std::span<const std::size_t> samples) const override {
    return over_pieces(p, samples, {});
  }

  Value differentiate(std::span<const double> p, std::span<const std::size_t> samples,
                      std::span<double> gradient) const override {
    return over_pieces(p, samples, gradient);
  }

  std::vector<std::vector<double>> courses(std::span<const double> p,
                                           std::span<const std::size_t> samples) const override {
    const System<T> system = compile<T>(e_.steps);
    Workspace<T> workspace = system.workspace();
    const std::size_t together = own_batch(e_.steps);
    const auto values = original_parameters(e_.circuit, e_.free, {p.begin(), p.end()});
    const std::vector<T> q(values.begin(), values.end());
    const Inputs<T> inputs(e_, system.inputs(), together);
    const std::vector<T> u = inputs.filled(*e_.data, samples);
    std::vector<T> y(system.states().size()), next(y), observed(system.observables().size());
    system.initial(q, inputs.row(u, 0), y, workspace);
    std::vector<std::vector<double>> courses(e_.plan.record.size());
    for (std::size_t n = 0; n <= e_.plan.steps; ++n) {
      const At<T> at{static_cast<T>(static_cast<double>(n) * system.step()), y, q, inputs.row(u, n > 0 ? n - 1 : 0)};
      system.observe(at, observed, workspace);
      for (std::size_t i = 0; i < courses.size(); ++i) {
        const Field* state = system.states().find(e_.plan.record[i]);
        const Field& field = state ? *state : system.observables().at(e_.plan.record[i]);
        const auto& from = state ? y : observed;
        const std::size_t size = field.shape.has("batch") ? field.size / together : field.size;
        for (std::size_t k = 0; k < size; ++k) courses[i].push_back(static_cast<double>(from[field.offset + k]));
      }
      if (n == e_.plan.steps) break;
      if (y.empty()) continue;
      system.rhs({at.t, y, q, inputs.row(u, n)}, next, workspace);
      std::swap(y, next);
    }
    return courses;
  }

 private:
  struct Piece {
    std::vector<double> values;  ///< its part of the mean loss, then sums over its samples and steps: metrics
    double penalty = 0;
    std::vector<T> gradient;
    std::vector<double> report;
    std::string warning;
  };

  Value over_pieces(std::span<const double> p, std::span<const std::size_t> samples, std::span<double> gradient) const {
    const std::vector<T> q(p.begin(), p.end());
    const std::size_t together = e_.plan.together;
    const std::size_t pieces = (samples.size() + together - 1) / together;
    std::vector<Piece> results(pieces);
    std::mutex lock;
    std::exception_ptr failure;
    std::size_t failed = pieces;
    const auto one = [&](std::size_t i) {
      {
        const std::scoped_lock guard(lock);
        if (failure && failed < i) return;
      }
      try {
        if (interrupted()) throw Interrupted();
        const auto part = samples.subspan(i * together, std::min(together, samples.size() - i * together));
        results[i] = piece(q, part, static_cast<double>(samples.size()), !gradient.empty());
      } catch (...) {
        const std::scoped_lock guard(lock);
        if (i < failed) {
          failed = i;
          failure = std::current_exception();
        }
      }
    };
    if (pieces == 1) {
      one(0);  // its threads work inside the circuit
    } else {
      const auto n = static_cast<std::ptrdiff_t>(pieces);
#pragma omp parallel for schedule(dynamic) num_threads(static_cast <int>(threads_))
      for (std::ptrdiff_t i = 0; i < n; ++i) one(static_cast<std::size_t>(i));
    }
    if (failure) std::rethrow_exception(failure);
    Value value;
    value.metrics.resize(e_.loss.metrics.size());
    std::fill(gradient.begin(), gradient.end(), 0.0);
    for (const Piece& r : results) {
      value.loss += r.values[0];
      value.penalty += r.penalty;
      for (std::size_t m = 0; m < value.metrics.size(); ++m) value.metrics[m] += r.values[m + 1];
      for (std::size_t k = 0; k < gradient.size(); ++k) gradient[k] += static_cast<double>(r.gradient[k]);
      value.report.resize(r.report.size());
      for (std::size_t k = 0; k < r.report.size(); ++k) value.report[k] = std::max(value.report[k], r.report[k]);
      if (value.warning.empty()) value.warning = r.warning;
    }
    const std::size_t looks = samples.size() * (e_.loss.every_step ? e_.plan.steps : 1);
    for (double& metric : value.metrics) metric /= static_cast<double>(looks);
    for (std::size_t k = 0; k < gradient.size(); ++k)
      if (!e_.moves[k]) gradient[k] = 0;
    return value;
  }

  Piece piece(const std::vector<T>& p, std::span<const std::size_t> samples, double all, bool differentiate) const {
    Workspace<T>& workspace = workspaces_[static_cast<std::size_t>(omp_get_thread_num())];
    const std::vector<T> u = inputs_.filled(*e_.data, samples);
    const std::size_t steps = e_.plan.steps;
    Piece result;
    result.values.resize(fields_.size());
    std::vector<T> observed(map_.observables().size()), lambda(observed.size());
    const auto at = [&](std::size_t n, std::span<const T> y) {
      return At<T>{static_cast<T>(static_cast<double>(n) * map_.step()), y, p, inputs_.row(u, n > 0 ? n - 1 : 0)};
    };
    const auto look = [&](std::size_t n, std::span<const T> y, const Cotangent<T>& bar) {
      const bool last = n == steps;
      if (!last && (!e_.loss.every_step || n == 0)) return 0.0;
      const double weight = 1 / all / (e_.loss.every_step ? static_cast<double>(steps) : 1.0);
      map_.observe(at(n, y), observed, workspace);
      double sum = 0;
      std::fill(lambda.begin(), lambda.end(), T(0));
      for (std::size_t k = 0; k < samples.size(); ++k) {
        const Field& loss = *fields_[0];
        const std::size_t place = loss.offset + (loss.size > 1 ? k : 0);
        const auto value = static_cast<double>(observed[place]);
        if (!std::isfinite(value)) throw Failure(not_finite(samples[k], value, p, u, workspace));
        sum += weight * value;
        lambda[place] += static_cast<T>(weight);
      }
      for (std::size_t f = 1; f < fields_.size(); ++f)
        for (std::size_t k = 0; k < samples.size(); ++k)
          result.values[f] += static_cast<double>(observed[fields_[f]->offset + (fields_[f]->size > 1 ? k : 0)]);
      if (differentiate) map_.observe_vjp(at(n, y), lambda, bar, workspace);
      return sum;
    };
    if (differentiate && map_.states().size() == 0) {
      result.gradient.resize(p.size());
      for (std::size_t n = 1; n <= steps; ++n) result.values[0] += look(n, {}, {{}, result.gradient});
    } else if (differentiate) {
      Rollout<T> rollout{map_, p, {}, 0, steps, [&](std::size_t n) { return inputs_.row(u, n); }};
      const Loss<T> loss = [&](std::size_t n, std::span<const T> y, std::span<T> ybar, std::span<T> pbar) {
        return look(n, y, {ybar, pbar});
      };
      if (e_.gradient.fixed_point)
        differentiate_fixed_point(rollout, loss, workspace, static_cast<double>(samples.size()) / all, result);
      else
        differentiate_steps(rollout, loss, workspace, result);
    }
    if (differentiate) {
      const auto odd = std::ranges::find_if_not(result.gradient, [](T g) { return std::isfinite(g); });
      if (odd == result.gradient.end()) return result;
      if (samples.size() > 1)  // whose is it?
        for (std::size_t k = 0; k < samples.size(); ++k) piece(p, samples.subspan(k, 1), 1, true);
      throw Failure(fmt::format(
          "the gradient of the loss of sample {}{} is {}; the loss is {}. Either it grew without end on the "
          "way back, or a slope has none, such as that of sqrt at 0 (keep its argument above: "
          "sqrt(max(x, 1e-12)))",
          samples[0], samples.size() > 1 ? " and those beside it" : "", *odd,
          result.values[0] * all / static_cast<double>(samples.size())));
    }
    std::vector<T> y(map_.states().size()), next(y);
    map_.initial(p, inputs_.row(u, 0), y, workspace);
    for (std::size_t n = 0;; ++n) {
      result.values[0] += look(n, y, {});
      if (n == steps) break;
      if (y.empty()) continue;
      map_.rhs({static_cast<T>(static_cast<double>(n) * map_.step()), y, p, inputs_.row(u, n)}, next, workspace);
      std::swap(y, next);
    }
    return result;
  }

  void differentiate_steps(const Rollout<T>& rollout, const Loss<T>& loss, Workspace<T>& workspace,
                           Piece& result) const {
    const std::size_t memory = e_.gradient.memory > 0 ? e_.gradient.memory : std::numeric_limits<std::size_t>::max();
    try {
      auto back = bptt(rollout, loss, workspace, memory);
      result.values[0] = back.gradient.loss;
      result.gradient = std::move(back.gradient.p);
    } catch (const Error& e) {
      throw Error(fmt::format("gradient.memory_mib = {}", e_.gradient.memory >> 20), e.what());
    }
  }

  /// The penalty is a mean over elements: that of a piece counts by its share of the samples.
  void differentiate_fixed_point(const Rollout<T>& rollout, const Loss<T>& loss, Workspace<T>& workspace, double share,
                                 Piece& result) const {
    ContractionPenalty penalty = e_.gradient.penalty;
    penalty.weight *= share;
    auto back = recurrent_back_propagation(rollout, loss, workspace, e_.gradient.solve, penalty);
    result.values[0] = back.gradient.loss - back.penalty;
    result.gradient = std::move(back.gradient.p);
    result.penalty = back.penalty;
    result.report = {back.penalty / share, back.report.forward_residual, back.report.spectral_radius,
                     static_cast<double>(back.report.products)};
    if (!back.report.warnings.empty()) result.warning = back.report.warnings.front();
  }

  /// Says after which step which state went astray.
  std::string not_finite(std::size_t sample, double value, const std::vector<T>& p, const std::vector<T>& u,
                         Workspace<T>& workspace) const {
    const std::string what = fmt::format("the loss of sample {} is {}", sample, value);
    std::vector<T> y(map_.states().size()), next(y);
    map_.initial(p, inputs_.row(u, 0), y, workspace);
    for (std::size_t n = 0; n <= e_.plan.steps; ++n) {
      for (std::size_t i = 0; i < y.size(); ++i)
        if (!std::isfinite(y[i]))
          return fmt::format("{}: state {} = {} after {} steps of the circuit", what, map_.states().element_name(i),
                             y[i], n);
      if (y.empty() || n == e_.plan.steps) break;
      map_.rhs({static_cast<T>(static_cast<double>(n) * map_.step()), y, p, inputs_.row(u, n)}, next, workspace);
      std::swap(y, next);
    }
    return y.empty() ? what : what + ", from states that are finite";
  }

  const TrainingExperiment& e_;
  System<T> map_;
  Inputs<T> inputs_;
  std::size_t threads_;
  mutable std::vector<Workspace<T>> workspaces_;  // one for each thread
  std::vector<const Field*> fields_;              // loss, metrics
};

}  // namespace

std::vector<std::string> report_names(const GradientPlan& plan) {
  if (!plan.fixed_point) return {};
  return {"penalty", "forward_residual", "spectral_radius", "products"};
}

std::unique_ptr<SampleLoss> make_sample_loss(const TrainingExperiment& training) {
  if (training.plan.single) return std::make_unique<SampleLossIn<float>>(training);
  return std::make_unique<SampleLossIn<double>>(training);
}

}  // namespace striate
