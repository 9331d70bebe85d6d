#include "sim/loss.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.hpp"
#include "circuit/find_named.hpp"
#include "sim/observable.hpp"

namespace striate {
namespace {

/// Adds the definitions of one loss to a circuit.
class Losses {
 public:
  Losses(const Circuit& circuit, LossPlan& plan) : plan_(plan), contents_(*circuit), z_(value_of(plan.of)) {}

  Circuit build() {
    if (plan_.kind == "definition") {
      require_number(plan_.of, z_, "a loss");
      define_loss(z_);
    } else if (plan_.kind == "cross_entropy" || (plan_.kind == "focal" && z_.shape().has(plan_.axis))) {
      require_classes();
      cross_entropy();
    } else if (plan_.kind == "binary_cross_entropy" || plan_.kind == "focal") {
      binary_cross_entropy();
    } else if (plan_.kind == "mean_square") {
      const Expr difference = z_ - target(z_.shape(), z_.unit());
      define_loss(mean_over(difference * difference));
    } else {
      const Expr rate = z_ / quantity(1, z_.unit());
      const Expr count = target(z_.shape(), z_.unit()) / quantity(1, z_.unit());
      const Expr counted = where(count, rate, Expr(1.0));  // nothing counted: 0 log(rate) is 0, whatever the rate
      define_loss(mean_over(rate - count * log(counted)));
    }
    std::vector<std::string> kept{"loss"};
    for (const auto& name : plan_.metrics) {
      require_number(name, value_of(name), "a metric");
      kept.push_back(name);
    }
    return Circuit(contents_).with_definitions(kept);
  }

 private:
  [[noreturn]] void fail(const std::string& text) const { throw Error("circuit '" + contents_.name + "'", text); }

  Expr value_of(const std::string& name) const { return observable(Circuit(contents_), name).value; }

  void require_number(const std::string& name, const Expr& value, std::string_view what) const {
    if (!mean_axes(value.shape()).empty())
      fail(fmt::format("'{}' has the shape {}, but {} is one number for each sample.", name, value.shape().str_sizes(),
                       what));
  }

  void require_classes() const {
    if (!z_.shape().has(plan_.axis))
      fail(
          fmt::format("'{}' {} has no axis '{}' of classes for the loss {}. Name it by axis, or use "
                      "binary_cross_entropy.",
                      plan_.of, z_.shape().str_sizes(), plan_.axis, plan_.kind));
  }

  bool defined(const std::string& name) const {
    return std::ranges::find(contents_.definitions, name, plain_name) != contents_.definitions.end();
  }

  void define_loss(const Expr& value) {
    if (taken("loss"))
      fail(
          "'loss' is the name of what a training makes small, but here of something that is no definition. Rename it.");
    if (plan_.kind == "definition" && plan_.of == "loss") return;
    std::erase_if(contents_.definitions, [](const Definition& d) { return d.name == "loss"; });
    contents_.definitions.push_back({"loss", value, ""});
  }

  /// One that comes with the kind of loss, unless the circuit has something of its own by that name.
  void define_metric(const std::string& name, const Expr& value) {
    if (defined(name) || taken(name)) return;
    contents_.definitions.push_back({name, value, ""});
    auto& metrics = plan_.metrics;
    if (std::find(metrics.begin(), metrics.end(), name) == metrics.end()) metrics.push_back(name);
  }

  /// By something else than a definition.
  bool taken(const std::string& name) const {
    const auto has = [&](const auto& items) { return std::ranges::find(items, name, variable_name) != items.end(); };
    return has(contents_.parameters) || has(contents_.inputs) || has(contents_.states) || has(contents_.noises) ||
           std::ranges::find(contents_.axes, name, axis_name) != contents_.axes.end();
  }

  /// The input that holds what is wanted.
  Expr target(const Shape& shape, const Unit& unit) {
    for (const auto& input : contents_.inputs)
      if (input.variable->name == plan_.target) {
        if (input.variable.shape() != shape)
          fail(fmt::format("target '{}' has the shape {}, but '{}' asks for {}.", plan_.target,
                           input.variable.shape().str_sizes(), plan_.of, shape.str_sizes()));
        return input.variable;
      }
    if (taken(plan_.target) || defined(plan_.target))
      fail(
          fmt::format("target '{0}' has the name of something else than an input. Name the target otherwise, such as "
                      "{0}_wanted, and its variable of the data under [data.inputs].",
                      plan_.target));
    contents_.inputs.push_back({variable(VariableKind::input, plan_.target, shape, unit), "what is wanted"});
    return contents_.inputs.back().variable;
  }

  static std::vector<std::string> mean_axes(const Shape& shape) {
    std::vector<std::string> axes;
    for (const auto& axis : shape)
      if (axis.name != "batch") axes.push_back(axis.name);
    return axes;
  }
  static Expr mean_over(const Expr& e) {
    const auto axes = mean_axes(e.shape());
    return axes.empty() ? e : mean(e, axes);
  }
  static Expr sum_over(const Expr& e) {
    const auto axes = mean_axes(e.shape());
    return axes.empty() ? e : sum(e, axes);
  }

  /// (1 - p)^focus entropy, with a floor that keeps the power's slope finite where p is 1 to rounding.
  Expr focused(const Expr& entropy) const {
    return plan_.kind == "focal" ? pow(max(Expr(1.0) - exp(-entropy), Expr(1e-30)), Expr(plan_.focus)) * entropy
                                 : entropy;
  }

  void cross_entropy() {
    const Axis classes = z_.shape()[*z_.shape().find(plan_.axis)];
    const Expr wanted = target(z_.shape().without({plan_.axis}), Unit());
    const Expr hot = Expr(1.0) - min(abs(index(classes) - wanted), Expr(1.0));
    const Expr largest = max(z_, {plan_.axis});
    const Expr z_wanted = sum(hot * z_, {plan_.axis});
    const Expr others = max(z_ - Expr(1e30) * hot, {plan_.axis});
    define_loss(mean_over(focused(largest + log(sum(exp(z_ - largest), {plan_.axis})) - z_wanted)));
    define_metric("accuracy", mean_over(step(z_wanted - others)));
    if (classes.size == 2 && !mean_axes(wanted.shape()).empty())
      f1(step(sum(slice(z_, plan_.axis, 1, 2), {plan_.axis}) - sum(slice(z_, plan_.axis, 0, 1), {plan_.axis})), wanted);
  }

  void binary_cross_entropy() {
    const Expr wanted = target(z_.shape(), Unit());
    define_loss(mean_over(focused(softplus(z_) - wanted * z_)));
    define_metric("accuracy", mean_over(Expr(1.0) - abs(step(z_) - wanted)));
    if (!mean_axes(wanted.shape()).empty()) f1(step(z_), wanted);
  }

  void f1(const Expr& found, const Expr& wanted) {
    define_metric("f1", Expr(2.0) * sum_over(found * wanted) / max(sum_over(found) + sum_over(wanted), Expr(1.0)));
  }

  LossPlan& plan_;
  CircuitContents contents_;
  Expr z_;
};

}  // namespace

const std::vector<std::string>& loss_kinds() {
  static const std::vector<std::string> kinds{"definition", "cross_entropy", "binary_cross_entropy",
                                              "focal",      "mean_square",   "poisson"};
  return kinds;
}

Circuit with_loss(const Circuit& circuit, LossPlan& plan) { return Losses(circuit, plan).build(); }

bool TargetValues::hold(double value) const {
  return value >= low && value <= high && (!whole || value == std::floor(value));
}

TargetValues target_values(const LossPlan& plan, const Circuit& circuit) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  const Shape shape = observable(circuit, plan.of).value.shape();
  if (plan.kind == "cross_entropy" || (plan.kind == "focal" && shape.has(plan.axis)))
    return {0, static_cast<double>(shape[*shape.find(plan.axis)].size) - 1, true};
  if (plan.kind == "binary_cross_entropy" || plan.kind == "focal") return {0, 1, false};
  return {plan.kind == "poisson" ? 0 : -infinity, infinity, false};
}

LossPlan read_loss(const TomlTable& t) {
  LossPlan plan;
  plan.kind = t.string("kind", "definition");
  const auto& kinds = loss_kinds();
  if (std::find(kinds.begin(), kinds.end(), plan.kind) == kinds.end())
    t.at("kind").fail("but the kinds of loss are these." + suggest_names(plan.kind, kinds));
  plan.of = plan.kind == "definition" ? t.string("of", "loss") : t.string("of");
  if (plan.kind != "definition") plan.target = t.string("target");
  plan.axis = t.string("axis", plan.axis);
  plan.focus = t.number("focus", plan.focus);
  if (!(plan.focus >= 0)) t.at("focus").fail("but must not be below 0.");
  const std::string when = t.string("at", "end");
  if (when != "end" && when != "every step") t.at("at").fail("but the choices are \"end\" and \"every step\".");
  plan.every_step = when == "every step";
  if (const auto metrics = t.find("metrics")) plan.metrics = metrics->as_strings();
  std::erase(plan.metrics, "loss");  // which is told always
  return plan;
}

}  // namespace striate
