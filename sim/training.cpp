#include "sim/training.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "base/error.hpp"
#include "base/random.hpp"
#include "circuit/batch.hpp"
#include "circuit/discretise.hpp"
#include "circuit/find_named.hpp"
#include "circuit/reparametrise.hpp"
#include "sim/experiment_circuit.hpp"
#include "sim/observable.hpp"

namespace striate {
namespace {

double number(const TomlTable& t, const std::string& key, double fallback, double above, double below) {
  const double value = t.number(key, fallback);
  if (t.has(key) && !(value >= above && value < below))
    t.at(key).fail(fmt::format("but must lie from {} to below {}.", above, below));
  return value;
}

template <class Kind>
Kind one_of(const TomlTable& t, const std::string& key, const std::vector<std::string>& names) {
  const std::string name = t.string(key, names.front());
  const auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end()) t.at(key).fail("but the choices are these." + suggest_names(name, names));
  return static_cast<Kind>(found - names.begin());
}

Schedule read_schedule(const TomlTable& t) {
  Schedule s;
  s.kind = one_of<Schedule::Kind>(t, "kind", {"constant", "cosine", "steps"});
  const auto refuse = [&](std::initializer_list<const char*> keys, const char* kind) {
    refuse_keys(t, keys, fmt::format("which is for kind = \"{}\". Leave it out, or choose that kind.", kind));
  };
  if (s.kind != Schedule::Kind::cosine) refuse({"last"}, "cosine");
  if (s.kind != Schedule::Kind::steps) refuse({"interval", "factor"}, "steps");
  s.warmup = whole_number(t, "warmup", 0, 0);
  s.last = number(t, "last", 0, 0, 1e6);
  s.interval = whole_number(t, "interval", 1, 1);
  s.factor = number(t, "factor", s.factor, 0, 1e6);
  return s;
}

void read_optimiser(const TomlTable& root, TrainingPlan& plan) {
  const auto table = root.find_table("optimiser");
  if (!table) return;
  plan.optimiser = one_of<TrainingPlan::Optimiser>(*table, "kind", {"adam", "adamw", "lbfgs"});
  if (plan.optimiser == TrainingPlan::Optimiser::lbfgs) {
    plan.lbfgs_memory = whole_number(*table, "memory", plan.lbfgs_memory, 1, 1000);
    return;
  }
  refuse_keys(*table, {"memory"}, "which is for optimiser.kind = \"lbfgs\". Leave it out, or choose that kind.");
  plan.rate = number(*table, "rate", plan.rate, 0, 1e6);
  plan.adam.beta1 = number(*table, "beta1", plan.adam.beta1, 0, 1);
  plan.adam.beta2 = number(*table, "beta2", plan.adam.beta2, 0, 1);
  plan.adam.epsilon = number(*table, "epsilon", plan.adam.epsilon, 0, 1e6);
  plan.adam.decoupled = plan.optimiser == TrainingPlan::Optimiser::adamw;
  plan.adam.weight_decay = number(*table, "weight_decay", plan.adam.decoupled ? 0.01 : 0, 0, 1e6);
  plan.clip = number(*table, "clip", 0, 0, 1e30);
  if (const auto schedule = table->find_table("schedule")) plan.schedule = read_schedule(*schedule);
}

TrainingPlan read_plan(const TomlTable& root, const DataSet& data) {
  const TomlTable t = root.table("train");
  TrainingPlan plan;
  read_optimiser(root, plan);
  plan.single = t.string("precision", "float") == "float";
  if (!plan.single && t.string("precision") != "double")
    t.at("precision").fail("but the choices are \"float\" and \"double\".");
  plan.steps = whole_number(t, "steps", 1, 1);
  plan.held_out = whole_number(t, "held_out", 0, 0);
  const bool learns = t.has("epochs") || whole_number(t, "updates", 1000, 0) > 0;
  if (plan.held_out > data.size() || (plan.held_out == data.size() && learns))
    t.at("held_out")
        .fail(fmt::format("but there are {} samples in all{}.", data.size(),
                          learns ? ", and some must be left to learn from" : ""));
  const std::size_t samples = data.size() - plan.held_out;
  const bool all = plan.optimiser == TrainingPlan::Optimiser::lbfgs;
  plan.batch =
      whole_number(t, "batch", std::max<std::size_t>(1, all ? samples : std::min<std::size_t>(32, samples)), 1);
  if (learns && (plan.batch > samples || (all && plan.batch != samples)))
    t.at("batch").fail(fmt::format("but there are {} samples to learn from{}.", samples,
                                   all ? ", and L-BFGS takes all of them for every update" : ""));
  plan.together = whole_number(t, "together", 1, 1);
  if (t.has("updates") && t.has("epochs")) t.at("epochs").fail("but updates are given as well. Give one of them.");
  plan.updates =
      t.has("epochs") ? whole_number(t, "epochs", 1, 1) * (samples / plan.batch) : whole_number(t, "updates", 1000, 0);
  if (plan.updates == 0 && plan.held_out == 0)
    t.at("updates").fail("which asks how well the parameters do, but on no samples. Set train.held_out.");
  plan.validate_every = whole_number(t, "validate_every", plan.validate_every, 1);
  plan.checkpoint_every = whole_number(t, "checkpoint_every", plan.checkpoint_every, 1);
  plan.patience = whole_number(t, "patience", 0, 0);
  if (plan.patience > 0 && plan.held_out == 0)
    t.at("patience").fail("but nothing is held out to be judged by. Set train.held_out.");
  plan.examples = whole_number(t, "examples", std::min<std::size_t>(4, plan.held_out), 0, 10'000);
  if (plan.examples > plan.held_out)
    t.at("examples").fail(fmt::format("but train.held_out = {}, from which they are taken.", plan.held_out));
  plan.seed = whole_number(t, "seed", 0, 0);
  if (all)
    refuse_keys(root.table("optimiser"), {"rate", "beta1", "beta2", "epsilon", "weight_decay", "clip", "schedule"},
                "which is for the kinds adam and adamw, but optimiser.kind is \"lbfgs\", which searches along a line. "
                "Leave it out.");
  return plan;
}

/// A circuit whose text counts its steps has something for each of them: parameters, or a first guess.
void require_steps_of_circuit(const TomlTable& root, const std::string& path, const TrainingPlan& plan) {
  const auto made_for = constant_of_circuit(root, path, "steps");
  if (!made_for || *made_for == static_cast<double>(plan.steps)) return;
  const auto settings = root.find_table("settings");
  const std::string why = fmt::format(
      "but circuit '{}' has the constant steps = {}{}. Give both the same number, here and as settings.steps.",
      root.string("circuit"), *made_for,
      settings && settings->has("steps") ? fmt::format(" ({})", settings->at("steps").position()) : "");
  const TomlTable train = root.table("train");
  if (train.has("steps")) train.at("steps").fail(why);
  train.fail("takes one step for every sample, " + why);
}

GradientPlan read_gradient(const TomlTable& root, const LossPlan& loss) {
  GradientPlan plan;
  const auto t = root.find_table("gradient");
  if (!t) return plan;
  const std::string method = t->string("method", "bptt");
  if (method == "bptt") {
    refuse_keys(*t, {"solver", "tolerance", "products", "penalty", "threshold"},
                "which is for gradient.method = \"fixed_point\". Leave it out, or choose that method.");
    plan.memory = whole_number(*t, "memory_mib", 0, 0, 1 << 24) << 20;
    return plan;
  }
  if (method != "fixed_point")
    t->at("method").fail("but the methods are these, of which bptt takes every circuit." +
                         suggest_names(method, {"bptt", "fixed_point"}));
  refuse_keys(*t, {"memory_mib"},
              "which is for gradient.method = \"bptt\": a fixed point stores no steps. Leave it out.");
  plan.fixed_point = true;
  if (loss.every_step)
    t->at("method").fail(
        "but a fixed point has one loss, and loss.at asks for every step. Use bptt, or loss.at = \"end\".");
  try {
    plan.solve.solver = fixed_point_solver_named(t->string("solver", "gmres"));
  } catch (const Error& e) {
    t->at("solver").fail(std::string("but ") + e.what());
  }
  plan.solve.tolerance = number(*t, "tolerance", plan.solve.tolerance, 0, 1);
  if (plan.solve.tolerance == 0) t->at("tolerance").fail("but must be above 0.");
  plan.solve.products =
      static_cast<int>(whole_number(*t, "products", static_cast<std::size_t>(plan.solve.products), 1));
  plan.penalty.weight = number(*t, "penalty", 0, 0, 1e9);
  plan.penalty.threshold = number(*t, "threshold", plan.penalty.threshold, 0, 1e9);
  return plan;
}

Circuit as_map(const Circuit& circuit, const TomlTable& root) {
  const auto table = root.find_table("discretise");
  if (circuit.is_map()) {
    if (table) table->fail(fmt::format("circuit '{}' is a map already. Leave this table out.", circuit->name));
    return circuit;
  }
  if (circuit->states.empty()) return circuit;
  if (!table)
    root.fail(
        fmt::format("lacks [discretise] with scheme and step: circuit '{}' is a flow, and training goes through the "
                    "steps of a map.",
                    circuit->name));
  const double dt = evaluate(table->at("step"), circuit->time_unit);
  try {
    return discretise(circuit, scheme_named(table->string("scheme", "rk4")), dt);
  } catch (const Error& e) {
    throw Error(fmt::format("{}: {}", table->position(), e.what()));
  }
}

std::vector<std::string> parameter_names(const Circuit& circuit) {
  std::vector<std::string> names;
  for (const auto& p : circuit->parameters) names.push_back(p.variable->name);
  return names;
}

/// Parameters that train.parameters names; all without it.
std::vector<std::string> trained_names(const TomlTable& train, const Circuit& circuit) {
  const auto names = parameter_names(circuit);
  const auto given = train.find("parameters");
  if (!given) return names;
  if (given->as_strings().empty()) given->fail("but nothing would be trained.");
  for (const auto& name : given->as_strings())
    if (std::ranges::count(given->as_strings(), name) > 1)
      given->fail(fmt::format("but '{}' stands there twice.", name));
  for (const auto& name : given->as_strings())
    if (std::find(names.begin(), names.end(), name) == names.end())
      given->fail(
          fmt::format("but circuit '{}' has no parameter '{}'.{}", circuit->name, name, suggest_names(name, names)));
  return given->as_strings();
}

Circuit constrained(Circuit circuit, const TomlValue& value, const std::string& name) {
  if (value.is_string()) {
    const std::string kind = value.as_string();
    const Range& range = circuit.parameter(name).range;
    if (kind == "positive") {
      if (range.low >= 0) return by_range(circuit, name);
      return std::isfinite(range.high) ? bounded(circuit, name, 0, range.high) : positive(circuit, name);
    }
    if (kind == "free") {
      if (!range.unbounded())
        value.fail(
            fmt::format("but the circuit declares '{}' in {}, and takes no other values. Leave the constraint "
                        "out, which keeps that range, or declare the parameter without a range.",
                        name, range.str()));
      return circuit;
    }
    value.fail(
        "but the choices are \"positive\", \"free\", {bounded = [low, high]}, {symmetric = [axis, axis]} and "
        "{tied = \"parameter\"}." +
        suggest_names(kind, {"positive", "free"}));
  }
  const TomlTable t = value.as_table();
  const std::vector<std::string> kinds{"bounded", "symmetric", "tied"};
  const auto keys = t.keys();
  if (keys.size() != 1 || std::ranges::count(kinds, keys[0]) == 0)
    value.fail(
        "but one of {bounded = [low, high]}, {symmetric = [axis, axis]} and {tied = \"parameter\"} is asked for." +
        (keys.size() == 1 ? suggest_names(keys[0], kinds) : ""));
  const auto two = [&](const std::string& key) {
    const auto pair = t.at(key).as_array();
    if (pair.size() != 2) t.at(key).fail("but two are asked for.");
    return pair;
  };
  if (t.has("bounded")) {
    const auto ends = two("bounded");
    const Parameter& p = circuit.parameter(name);
    const Unit unit = p.variable.unit();
    const double low = evaluate(ends[0], unit), high = evaluate(ends[1], unit);
    if (low < p.range.low || high > p.range.high)
      value.fail(fmt::format("but the circuit declares '{}' in {}, and takes no other values.", name, p.range.str()));
    return bounded(circuit, name, low, high);
  }
  if (t.has("symmetric")) {
    const auto axes = two("symmetric");
    return symmetric(circuit, name, axes[0].as_string(), axes[1].as_string());
  }
  return tied(circuit, name, t.string("tied"));
}

/// The parameter that {tied = "parameter"} names.
std::optional<std::string> tied_to(const TomlValue& constraint) {
  if (constraint.is_string() || !constraint.as_table().has("tied")) return std::nullopt;
  return constraint.as_table().string("tied");
}

/// The constrained parameters in an order in which each is still there when another is tied to it: whatever stands
/// first in the file, ties come before other constraints and a -> b before b -> c.
std::vector<std::string> ties_first(const TomlTable& constraints) {
  std::vector<std::string> order, left, others;
  for (const auto& key : constraints.keys()) (tied_to(constraints.at(key)) ? left : others).push_back(key);
  while (!left.empty()) {
    const auto next = std::ranges::find_if(left, [&](const std::string& key) {
      return std::ranges::none_of(left, [&](const auto& other) { return tied_to(constraints.at(other)) == key; });
    });
    if (next == left.end())
      constraints.at(left.front()).fail("but ties lead from it back to itself. Leave one parameter of them untied.");
    order.push_back(*next);
    left.erase(next);
  }
  order.insert(order.end(), others.begin(), others.end());
  return order;
}

/// With parameters that keep [constraints], and always their declared ranges, by themselves.
Circuit freed(Circuit circuit, const TomlTable& root, const std::vector<std::string>& trained) {
  const auto table = root.find_table("constraints");
  if (table)
    for (const auto& key : ties_first(*table)) {
      const TomlValue value = table->at(key);
      const auto require_trained = [&](const std::string& name) {
        if (std::find(trained.begin(), trained.end(), name) == trained.end())
          value.fail(fmt::format("but '{}' is not a parameter that is trained.{}", name, suggest_names(name, trained)));
      };
      require_trained(key);
      if (const auto to = tied_to(value)) require_trained(*to);
      try {
        circuit = constrained(circuit, value, key);
      } catch (const Error& e) {
        const std::string message = e.what();
        throw Error(message.starts_with(value.position())
                        ? message
                        : fmt::format("{}: {} = {}: {}", value.position(), value.path(), value.text(), message));
      }
    }
  for (const auto& name : trained)
    if (!table || !table->has(name)) try {
        circuit = by_range(circuit, name);
      } catch (const Error& e) {
        const TomlTable train = root.table("train");
        const std::string declared = circuit.parameter(name).where;
        throw Error(fmt::format(
            "{}: train.parameters: {} The range is declared at {}; or leave the parameter out of "
            "train.parameters.",
            train.has("parameters") ? train.at("parameters").position() : train.position(), e.what(), declared));
      }
  return circuit;
}

/// Whether those axes of the data that have the name of one of an input's are in its place, after that of the steps.
bool in_order(const Shape& data, const Shape& input) {
  if (data.rank() != input.rank() && data.rank() != input.rank() + 1) return true;
  const std::size_t before = data.rank() - input.rank();
  for (std::size_t i = 0; i < data.rank(); ++i)
    if (const auto at = input.find(data[i].name); at && *at + before != i) return false;
  return true;
}

/// Which variable of the data fills which input; shapes must agree.
void connect(const TomlTable& root, TrainingExperiment& e) {
  const TomlTable data = root.table("data");
  const auto renamed = data.find_table("inputs");
  const auto given = root.find_table("inputs");
  std::vector<std::string> known;
  for (const auto& v : e.data->variables()) known.push_back(v.name);
  std::vector<std::string> inputs;
  for (const auto& input : e.free->inputs) inputs.push_back(input.variable->name);
  for (const auto& table : {renamed, given})
    if (table)
      for (const auto& key : table->keys())
        if (std::find(inputs.begin(), inputs.end(), key) == inputs.end())
          table->at(key).fail(
              fmt::format("but circuit '{}' has no input '{}'.{}", e.circuit->name, key, suggest_names(key, inputs)));
  for (const auto& input : e.free->inputs) {
    const std::string& name = input.variable->name;
    const std::string source = renamed && renamed->has(name) ? renamed->string(name) : name;
    const auto found = std::find(known.begin(), known.end(), source);
    if (given && given->has(name)) {
      if (found != known.end() || (renamed && renamed->has(name)))
        given->at(name).fail(
            fmt::format("but the data of {} fill '{}' with their variable '{}'. Leave one of them out.",
                        renamed && renamed->has(name) ? renamed->at(name).position() : data.position(), name, source));
      e.fixed_inputs.emplace_back(name, evaluate(given->at(name), input.variable.unit()));
      continue;
    }
    const auto is_it = [&](const auto& noise) { return noise.variable->name == name; };
    if (found == known.end() && std::ranges::any_of(e.circuit->noises, is_it))
      data.fail(
          fmt::format("circuit '{}' has the noise '{}', and a training draws none. Give [inputs] {} = 0 to train "
                      "without it, or name a variable of the data with its values under [data.inputs].",
                      e.circuit->name, name, name));
    if (found == known.end()) {
      const std::string text = fmt::format(
          "the data have no variable '{}' for the input '{}' of circuit '{}'.{} Name one under "
          "[data.inputs], or give a value under [inputs].",
          source, name, e.circuit->name, suggest_names(source, known));
      if (renamed && renamed->has(name)) renamed->at(name).fail("but " + text);
      data.fail(text);
    }
    const auto variable = static_cast<std::size_t>(found - known.begin());
    const auto sizes = [](const Shape& shape) {
      std::vector<std::size_t> n;
      for (const auto& axis : shape) n.push_back(axis.size);
      return n;
    };
    const Shape& shape = e.data->variables()[variable].shape;
    const Shape wanted = input.variable.shape().without({"batch"});
    if (!in_order(shape, wanted))
      data.fail(
          fmt::format("variable '{}' has the axes {}, but input '{}' of circuit '{}' has them in the order {}{}. "
                      "Transpose the data.",
                      source, shape.str_sizes(), name, e.circuit->name, wanted.str_sizes(),
                      shape.rank() > wanted.rank() ? ", and that of the steps comes before them" : ""));
    auto per_step = sizes(wanted);
    per_step.insert(per_step.begin(), e.plan.steps);
    if (sizes(shape) != per_step && sizes(shape) != sizes(wanted))
      data.fail(
          fmt::format("variable '{}' has the shape {}, but input '{}' of circuit '{}' has the shape {}, and may "
                      "have a row for each of the {} steps before it.",
                      source, shape.str_sizes(), name, e.circuit->name, wanted.str_sizes(), e.plan.steps));
    const auto& unit = e.data->variables()[variable].unit;
    if (unit && !unit->same_dimension(input.variable.unit()))
      data.fail(
          fmt::format("variable '{}' is in {} by its attribute units, but input '{}' of circuit '{}' is in {}. Correct "
                      "the attribute, or remove it.",
                      source, unit->str(), name, e.circuit->name, input.variable.unit().str()));
    e.from_data.emplace_back(name, variable);
  }
}

/// Targets that are at hand must be ones that the loss is made for.
void require_targets(const TomlTable& root, const TrainingExperiment& e) {
  for (const auto& [input, variable] : e.from_data) {
    if (input != e.loss.target) continue;
    const TargetValues allowed = target_values(e.loss, e.steps);
    const auto values = e.data->known(variable);
    const Unit& unit = std::ranges::find(e.free->inputs, input, variable_name)->variable.unit();
    const double factor = e.data->factor(variable, unit);
    for (std::size_t i = 0; i < values.size(); ++i)
      if (!allowed.hold(factor * values[i]))
        root.table("data").fail(
            fmt::format("'{}' is {} in sample {}, but a target of {} of '{}' is a {}number from {} to {}.",
                        e.data->variables()[variable].name, values[i], i / (values.size() / e.data->size()),
                        e.loss.kind, e.loss.of, allowed.whole ? "whole " : "", allowed.low, allowed.high));
  }
}

/// Of a circuit with an axis `batch` of its own, what the data fill and what is recorded holds one sample after the
/// other.
void require_samples_first(const TrainingExperiment& e) {
  const auto require = [&](const std::string& name, const Shape& shape, bool must) {
    const auto at = shape.find("batch");
    if (at ? *at == 0 : !must) return;
    throw Error(fmt::format("circuit '{}'", e.circuit->name),
                fmt::format("'{}' has the axes {}, but samples that are taken together lie along an axis batch, which "
                            "comes first.",
                            name, shape.str_sizes()));
  };
  for (const auto& input : e.map->inputs)
    for (const auto& filled : e.from_data)
      if (filled.first == input.variable->name) require(filled.first, input.variable.shape(), true);
  for (const auto& name : e.plan.record) require(name, observable(e.steps, name).value.shape(), false);
}

/// One evaluation's samples, as the circuit's own axis `batch` has it or as `together` asks.
Circuit side_by_side(TrainingExperiment& e, const TomlTable& train) {
  std::vector<std::string> kept{"loss"};
  kept.insert(kept.end(), e.loss.metrics.begin(), e.loss.metrics.end());
  const Circuit circuit = e.free.with_definitions(kept);
  for (const auto& axis : circuit->axes)
    if (axis.axis.name == "batch") {
      if (train.has("together") && e.plan.together != axis.axis.size)
        train.at("together")
            .fail(fmt::format("but circuit '{}' takes {} samples together, the length of its axis batch.",
                              circuit->name, axis.axis.size));
      e.plan.together = axis.axis.size;
      if (e.plan.updates > 0 && e.plan.batch % e.plan.together != 0)
        train.fail(fmt::format("train.batch = {}, but circuit '{}' takes {} samples together. Give a multiple of it.",
                               e.plan.batch, circuit->name, e.plan.together));
      if (e.plan.held_out % e.plan.together != 0)
        train.fail(
            fmt::format("train.held_out = {}, but circuit '{}' takes {} samples together. Give a multiple of it.",
                        e.plan.held_out, circuit->name, e.plan.together));
    }
  if (e.gradient.penalty.weight > 0 && e.plan.batch % e.plan.together != 0)
    train.at("together")
        .fail(fmt::format("but with gradient.penalty it must divide train.batch = {}: the penalty is a mean over all "
                          "samples that are together.",
                          e.plan.batch));
  return e.plan.together > 1 ? batch(circuit, e.plan.together) : circuit;
}

/// Axes stand in the training's file beside its parts, those of the data with the examples.
void require_names_apart(const TrainingExperiment& e) {
  const auto require = [](const std::string& name, const std::string& where, const std::string& what) {
    for (const char* taken : {"parameters", "initial_parameters", "curves", "checkpoint", "example", "examples",
                              "update", "validated", "circuit_text", "experiment_toml", "experiment_path"})
      if (name == taken)
        throw Error(where,
                    fmt::format("{} has the name '{}' of a part of the training's file. Rename it.", what, name));
  };
  for (const auto& a : e.circuit->axes) require(a.axis.name, fmt::format("circuit '{}'", e.circuit->name), "its axis");
  if (e.plan.examples == 0) return;
  for (const auto& v : e.data->variables())
    for (const auto& axis : v.shape) require(axis.name, "data", fmt::format("an axis of variable '{}'", v.name));
}

void read_record(const TomlTable& train, TrainingExperiment& e) {
  std::vector<std::string> names;
  for (const auto& s : e.steps->states) names.push_back(s.variable->name);
  e.plan.record = names;
  for (const auto& d : e.steps->definitions) names.push_back(d.name);
  const auto given = train.find("record");
  if (!given) return;
  e.plan.record = given->as_strings();
  for (const auto& name : e.plan.record)
    if (std::find(names.begin(), names.end(), name) == names.end())
      given->fail(fmt::format("but circuit '{}' has no state or definition '{}'.{}", e.circuit->name, name,
                              suggest_names(name, names)));
}

}  // namespace

namespace {

/// The numbers 0, 1, ..., count - 1 in an order that is a pure function of the seed, the purpose and the round.
std::vector<std::size_t> shuffled(std::size_t count, std::uint64_t seed, std::string_view purpose, std::size_t round) {
  const RandomKey key(seed, purpose);
  std::vector<std::pair<std::uint64_t, std::size_t>> drawn(count);
  for (std::size_t i = 0; i < count; ++i) drawn[i] = {key.bits({i, round, 0, 0})[0], i};
  std::sort(drawn.begin(), drawn.end());
  std::vector<std::size_t> order(count);
  std::transform(drawn.begin(), drawn.end(), order.begin(), [](const auto& d) { return d.second; });
  return order;
}

}  // namespace

std::vector<std::size_t> TrainingExperiment::held_out() const {
  std::vector<std::size_t> order = shuffled(data->size(), plan.seed, "held out", 0);
  order.resize(plan.held_out);
  return order;
}

std::vector<std::size_t> TrainingExperiment::epoch(std::size_t number) const {
  std::vector<std::size_t> order = shuffled(data->size(), plan.seed, "held out", 0);
  order.erase(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(plan.held_out));
  const auto places = shuffled(order.size(), plan.seed, "epoch", number);
  std::vector<std::size_t> samples(order.size());
  std::transform(places.begin(), places.end(), samples.begin(), [&](std::size_t i) { return order[i]; });
  return samples;
}

TrainingExperiment read_training(TomlDocument& document, const std::string& path) {
  const TomlTable root = document.root();
  std::vector<VariedParameter> varied;
  const Circuit circuit = with_values(read_circuit_of(root, path), root, path, {}, varied);
  const auto data = read_data_set(root.table("data"), path);
  const Circuit steps = as_map(circuit, root);
  TrainingExperiment e{root.string("title", circuit->description),
                       path,
                       circuit,
                       steps,
                       steps,
                       steps,
                       {},
                       read_loss(root.table("loss")),
                       {},
                       read_plan(root, *data),
                       data,
                       {},
                       {},
                       ""};
  require_steps_of_circuit(root, path, e.plan);
  e.gradient = read_gradient(root, e.loss);
  if (e.gradient.fixed_point && !e.steps.is_map())
    root.table("gradient").fail(fmt::format("circuit '{}' has no states, and so no fixed point.", e.circuit->name));
  const TomlTable train = root.table("train");
  read_record(train, e);
  try {
    e.free = with_loss(e.steps, e.loss);
  } catch (const Error& error) {
    throw Error(fmt::format("{}: {}", root.table("loss").position(), error.what()));
  }
  const auto trained = trained_names(train, e.free);
  e.free = freed(e.free, root, trained);
  connect(root, e);
  require_targets(root, e);
  e.map = side_by_side(e, train);
  if (e.plan.together > 1) require_samples_first(e);
  require_names_apart(e);
  const auto originals = parameter_names(e.circuit);
  for (const auto& p : e.free->parameters) {
    const std::string& name = p.variable->name;
    const bool kept = std::find(originals.begin(), originals.end(), name) != originals.end();
    const bool moves = !kept || std::find(trained.begin(), trained.end(), name) != trained.end();
    e.moves.insert(e.moves.end(), p.variable.shape().size(), moves);
  }
  document.require_all_used();
  e.resolved = document.to_text();
  return e;
}

TrainingExperiment load_training(const std::string& path,
                                 const std::vector<std::pair<std::string, std::string>>& overrides) {
  TomlDocument document = TomlDocument::parse_file(path);
  for (const auto& [key, value] : overrides) document.set(key, value);
  return read_training(document, path);
}

}  // namespace striate
