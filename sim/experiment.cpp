#include "sim/experiment.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <numbers>

#include "base/error.hpp"
#include "circuit/discretise.hpp"
#include "integrators/integrator.hpp"
#include "sim/amount.hpp"
#include "sim/experiment_circuit.hpp"
#include "sim/lesion.hpp"
#include "sim/lyapunov_run.hpp"
#include "sim/observable.hpp"
#include "sim/quantity.hpp"
#include "sim/read_analysis.hpp"
#include "sim/read_trains.hpp"

namespace striate {
namespace {

Unit unit_named(const TomlTable& t, const std::string& key, const std::string& fallback) {
  const std::string name = t.string(key, fallback);
  try {
    return Unit::parse(name);
  } catch (const Error& e) {
    t.at(key).fail(std::string("but ") + e.what());
  }
}

void read_labels(const TomlTable& t, ConditionAxis& axis) {
  const auto labels = t.find("labels");
  if (!labels) return;
  axis.labels = labels->as_strings();
  if (axis.labels.size() != axis.values.size())
    labels->fail(fmt::format("but there are {} values, and each has one label.", axis.values.size()));
}

ConditionAxis read_condition(const std::string& name, const TomlTable& t) {
  ConditionAxis axis;
  axis.name = name;
  if (!is_name(name) || name == "_") t.fail("is not a name. Use letters, digits and _, a letter first.");
  for (const std::string taken : {"t", "pi", "inf", "nan"})
    if (name == taken) t.fail("has a name with a meaning of its own. Choose another.");
  axis.unit = unit_named(t, "unit", "1");
  axis.description = t.string("description", "");
  const auto value = [&](const TomlValue& v) { return v.is_number() ? v.as_number() : evaluate(v, axis.unit); };
  if (const auto values = t.find("values")) {
    refuse_keys(t, {"from", "to", "count"}, "but the condition has values, too. Give values, or from, to and count.");
    for (const auto& v : values->as_array()) {
      axis.values.push_back(value(v));
      if (std::isinf(axis.values.back())) v.fail("but must be finite, or nan for none.");
    }
    if (axis.values.empty()) values->fail("but at least one value is asked for.");
    return axis;
  }
  if (!t.has("from")) t.fail("has no values. Give values = [...] or from, to and count.");
  const double from = value(t.at("from"));
  const double to = value(t.at("to"));
  for (const auto& [key, end] : {std::pair("from", from), std::pair("to", to)})
    if (!std::isfinite(end)) t.at(key).fail("but must be finite.");
  const std::int64_t count = t.integer("count");
  if (count < 1 || count > 1000000) t.at("count").fail("but must be a whole number from 1 to 1000000.");
  for (std::int64_t i = 0; i < count; ++i)
    axis.values.push_back(count == 1 ? from
                                     : from + (to - from) * static_cast<double>(i) / static_cast<double>(count - 1));
  return axis;
}

std::vector<ConditionAxis> read_conditions(const TomlTable& root) {
  std::vector<ConditionAxis> axes;
  const auto table = root.find_table("conditions");
  if (!table) return axes;
  double count = 1;
  for (const auto& key : table->keys()) {
    axes.push_back(read_condition(key, table->table(key)));
    read_labels(table->table(key), axes.back());
    count *= static_cast<double>(axes.back().values.size());
  }
  if (count > 1e7) table->fail(fmt::format("have {:.3g} combinations, but at most 10 million are run.", count));
  return axes;
}

/// The duration, the recorded times and the settings of an integrator.
void read_course(const TomlTable& t, const Circuit& circuit, RunPlan& plan) {
  const std::string spikes = t.string("spikes", "precise"), precision = t.string("precision", "double");
  plan.grid = spikes == "grid";
  plan.single = precision == "single";
  if (!plan.grid && spikes != "precise")
    t.at("spikes").fail("but they are precise or on a grid." + suggest_names(spikes, {"precise", "grid"}));
  if (!plan.single && precision != "double")
    t.at("precision").fail("but numbers are double or single." + suggest_names(precision, {"double", "single"}));
  if (plan.single && !plan.grid) t.at("precision").fail("which is for spikes = \"grid\".");
  const std::string layout = t.string("spike_layout", "striate");
  plan.sonata = layout == "sonata";
  if (!plan.sonata && layout != "striate")
    t.at("spike_layout").fail("but the layouts are these." + suggest_names(layout, {"striate", "sonata"}));
  if (plan.sonata && circuit->time_unit.dimensionless())
    t.at("spike_layout").fail("whose times are in ms, but the circuit's time has no unit.");
  auto names = plan.grid ? scheme_names() : method_names();
  if (!plan.grid) names.emplace_back("steady");
  if (std::ranges::count(names, plan.method) == 0) {
    const auto schemes = scheme_names();
    if (!plan.grid && std::ranges::count(schemes, plan.method) > 0)
      t.at("method").fail("which is a scheme for spikes = \"grid\". Add it, or take another method.");
    t.at("method").fail((plan.grid ? "but spikes on a grid take these schemes." : "but the methods are these.") +
                        suggest_names(plan.method, names));
  }
  const std::string start = t.string("start", "initial");
  if (start != "initial" && start != "steady")
    t.at("start").fail("but a course starts from these." + suggest_names(start, {"initial", "steady"}));
  plan.from_steady = start == "steady";
  // Durations are held in ms; where a circuit counts its time in plain numbers, so does its experiment.
  const bool map = circuit.is_map();
  const Unit unit = circuit->time_unit.dimensionless() ? circuit->time_unit : ms;
  plan.duration = positive(t, "duration", unit);
  plan.every = t.has("every") ? positive(t, "every", unit)
               : map          ? circuit->step * circuit->time_unit.to(unit)
                              : plan.duration / 100;
  if (map) {
    const double step = circuit->step * circuit->time_unit.to(unit);
    for (const auto& [key, value] : {std::pair{"duration", plan.duration}, {"every", plan.every}})
      if (const double n = value / step; std::abs(n - std::round(n)) > 1e-6 || n < 0.5)
        t.at(key).fail(fmt::format("but must be a whole number of the map's steps of {}.", amount_text(step, unit)));
  }
  if (plan.duration / plan.every > 1e8)
    t.at("duration")
        .fail(fmt::format("but with every = {} it has {:.3g} points. Record fewer.", amount_text(plan.every, unit),
                          plan.duration / plan.every));
  if (t.has("step")) {
    plan.step = positive(t, "step", unit);
    if (const double steps = plan.duration / plan.step; steps > 1e7)
      t.at("step").fail(
          fmt::format("which makes {:.3g} steps of the duration, but at most 10 million are taken.", steps));
    if (plan.grid && !t.has("every"))
      plan.every = plan.step * std::max(1.0, std::round(plan.every / plan.step));  // recorded points lie on the grid
  }
  if (const auto implicit = t.find("implicit")) {
    plan.implicit = implicit->as_strings();
    for (const auto& name : plan.implicit) state_named(circuit, *implicit, name);
  }
}

RunPlan read_run(const TomlTable& root, const Circuit& circuit) {
  RunPlan plan;
  const bool none = circuit->states.empty();
  plan.method = none ? "static" : circuit.is_map() ? "iterate" : "steady";
  plan.record = state_names(circuit);
  const auto table = root.find_table("run");
  if (!table) {
    for (const char* flows : {"prc", "continuation", "lyapunov"})
      if (plan.method == "iterate" && root.has(flows))
        root.at(flows).fail(fmt::format("but '{}' is a map, and this is asked of flows.", circuit->name));
    if (plan.method == "iterate") root.fail("lacks [run] with duration = ...: the circuit is a map.");
    return plan;
  }
  plan.method = table->string("method", plan.method);
  if (none && plan.method == "steady") plan.method = "static";
  if (none != (plan.method == "static"))
    table->at("method").fail(
        fmt::format("but circuit '{}' has {}", circuit->name,
                    none ? "no states to integrate. Leave it out." : "states. Use \"steady\" or an integrator."));
  plan.steady = plan.method == "steady" || plan.method == "static";
  if (!plan.steady) read_course(*table, circuit, plan);
  if (plan.steady)
    refuse_keys(*table, {"duration", "every", "step", "start", "implicit", "spikes", "precision", "spike_layout"},
                none
                    ? "which is for courses in time, but the circuit has no states. Leave it out."
                    : "which is for courses in time, but run.method is \"steady\". Leave it out, or name an integrator "
                      "as run.method.");
  plan.tolerance = table->number("tolerance", plan.steady ? 1e-10 : 1e-6);
  const double least = plan.steady ? 0 : 1e-15;
  if (!(plan.tolerance > least && plan.tolerance < 1))
    table->at("tolerance").fail(fmt::format("but must lie between {} and 1.", least));
  if (plan.step > 0 && table->has("tolerance"))
    table->at("tolerance").fail("but the error of equal steps follows from run.step. Leave one of them out.");
  plan.absolute = table->number("absolute", plan.tolerance / 100);
  if (!(plan.absolute > 0) || std::isinf(plan.absolute)) table->at("absolute").fail("but must be above 0 and finite.");
  const std::int64_t seed = table->integer("seed", 0);
  if (seed < 0) table->at("seed").fail("but must not be negative.");
  plan.seed = static_cast<std::uint64_t>(seed);
  if (const auto record = table->find("record")) {
    plan.record = record->as_strings();
    for (const auto& name : plan.record)
      if (std::ranges::count(plan.record, name) > 1) record->fail(fmt::format("but '{}' stands there twice.", name));
    const auto is_source = [&](const std::string& name) {
      return std::ranges::any_of(circuit->events,
                                 [&](const EventRule& e) { return e.cause == Cause::poisson && e.name == name; });
    };
    std::ranges::copy_if(plan.record, std::back_inserter(plan.sources), is_source);
    std::erase_if(plan.record, is_source);
    for (const auto& name : plan.record) {
      if (std::ranges::count(circuit->events, name, &EventRule::name) > 0)
        record->fail(fmt::format("but '{}' is an event, whose spikes are always kept. Leave it out.", name));
      require_observable(circuit, *record, name);
    }
  }
  return plan;
}

Expr lesion_target_at(const Circuit& circuit, const TomlValue& name) {
  try {
    return lesion_target(circuit, name.as_string());
  } catch (const Error& e) {
    name.fail(fmt::format("but {}", e.what()));
  }
}

std::vector<Lesion> read_lesions(const TomlTable& root, const Circuit& circuit, const VisualField& field) {
  const auto degrees = [&](const TomlValue& v) {
    const double value = evaluate(v, deg);
    if (!(std::abs(value / field.scale) < 1e9)) v.fail("but must lie on the grid.");
    return value;
  };
  std::vector<Lesion> lesions;
  const auto list = root.find("lesion");
  if (!list) return lesions;
  for (const auto& entry : list->as_array()) {
    const TomlTable t = entry.as_table();
    Lesion lesion;
    lesion.target = t.string("target");
    lesion.where = t.position();
    const Expr target = lesion_target_at(circuit, t.at("target"));
    if (t.has("clamp")) lesion.clamp = evaluate(t.at("clamp"), target.unit());
    lesion.scale = t.number("scale", 0);
    if (!std::isfinite(lesion.scale)) t.at("scale").fail("but must be finite.");
    if (lesion.clamp && !std::isfinite(*lesion.clamp)) t.at("clamp").fail("but must be finite.");
    if (lesion.clamp && t.has("scale")) t.fail("has both clamp and scale. Give one of them.");
    if (t.has("from")) lesion.from = evaluate(t.at("from"), circuit->time_unit);
    if (const auto size = t.find("patch")) {
      lesion.patch = static_cast<std::ptrdiff_t>(std::lround(degrees(*size) / field.scale));
      if (lesion.patch < 1) size->fail("but a patch must cover at least one element.");
    }
    if (const auto centre = t.find("centre")) {
      if (lesion.patch == 0) centre->fail("but `patch`, the side of the square round it, is missing.");
      const auto pair = centre->as_array();
      if (pair.size() != 2) centre->fail("but a centre is written [x, y].");
      lesion.patch_x = field.columns(degrees(pair[0]));
      lesion.patch_y = field.rows(degrees(pair[1]));
    }
    lesions.push_back(lesion);
  }
  return lesions;
}

void require_input(const TomlTable& encoder, const Circuit& circuit) {
  std::vector<std::string> names;
  for (const auto& input : circuit->inputs) names.push_back(input.variable->name);
  if (names.empty())
    encoder.fail(fmt::format("encodes for an input, but circuit '{}' has none. Leave [stimulus] and [encoder] out.",
                             circuit->name));
  const std::string name = encoder.string("input", names[0]);
  if (std::ranges::count(names, name) == 0)
    encoder.at("input").fail(
        fmt::format("but circuit '{}' has no such input.{}", circuit->name, suggest_names(name, names)));
}

FeatureMap read_features(const TomlTable& encoder, const Circuit& circuit, const std::string& axis_name) {
  FeatureMap map;
  map.unit = deg;
  const auto axis = std::ranges::find_if(circuit->axes, [&](const auto& a) { return a.axis.name == axis_name; });
  const std::string kind = encoder.string("kind", "");
  map.circular = kind == "circular" || (axis != circuit->axes.end() && axis->circular);
  const auto range = encoder.find("range");
  if (!range) {
    if (kind != "opponent" && kind != "luminance" && kind != "contrast")
      encoder.fail("lacks `range`: the features that the ends of its axis prefer, such as [\"-90 deg\", \"90 deg\"].");
    return map;
  }
  const auto ends = range->as_array();
  if (ends.size() != 2) range->fail("but a range of features has two ends.");
  map.unit = unit_named(encoder, "unit", "deg");
  map.name = "preferred " + encoder.string("feature", "feature");
  map.low = evaluate(ends[0], map.unit);
  map.high = evaluate(ends[1], map.unit);
  if (!(map.low < map.high) || !std::isfinite(map.high - map.low)) range->fail("but must run upwards.");
  if (axis == circuit->axes.end() || !has_angles(*axis) || !map.unit.same_dimension(deg)) return map;
  const double to_unit = axis->unit.to(map.unit), tolerance = 1e-6 * (map.high - map.low);
  if (std::abs(axis->low * to_unit - map.low) > tolerance || std::abs(axis->high * to_unit - map.high) > tolerance)
    range->fail(
        fmt::format("but the coordinates of axis '{}' of circuit '{}' run from {} to {}. Give these ends, or "
                    "change the axis.",
                    axis_name, circuit->name, amount_text(axis->low, axis->unit), amount_text(axis->high, axis->unit)));
  return map;
}

bool uses(const TomlTable& root, const std::string& variable) {
  for (const std::string section : {"parameters", "inputs", "stimulus"})
    if (const auto table = root.find(section); table && table->mentions(variable)) return true;
  return false;
}

}  // namespace

bool RunPlan::records_spikes(const EventRule& event) const {
  return event.cause != Cause::poisson || std::ranges::count(sources, event.name) > 0;
}

std::size_t Experiment::condition_count() const {
  std::size_t n = 1;
  for (const auto& axis : conditions) n *= axis.values.size();
  return n;
}

Variables Experiment::condition(std::size_t index) const { return condition_at(conditions, index); }

std::string Experiment::condition_text(std::size_t index) const {
  std::string text;
  const Variables values = condition(index);
  for (const auto& c : conditions)
    text += fmt::format("{}{} = {}", text.empty() ? "" : ", ", c.name, amount_text(values.at(c.name).first, c.unit));
  return text;
}

std::vector<std::pair<VariedParameter, double>> Experiment::parameters(std::size_t index) const {
  std::vector<std::pair<VariedParameter, double>> values;
  for (const auto& varied : varied_parameters) {
    const Parameter& p = circuit.parameter(varied.name);
    const double value = evaluate(varied.text, p.variable.unit(), condition(index), varied.where);
    if (!p.range.contains(value))
      throw Error(fmt::format("{} = \"{}\", which is {} in condition {}, but must be in {}.", varied.where, varied.text,
                              amount_text(value, p.variable.unit()), index, p.range.str()));
    values.emplace_back(varied, value);
  }
  return values;
}

FeatureMap Experiment::features(const std::string& axis) const {
  if (map && axis == feature_axis) return *map;
  const AxisDeclaration& a = circuit.axis(axis);
  if (!a.has_coordinates) return {0, std::max<double>(1, static_cast<double>(a.axis.size) - 1), {}, axis, a.circular};
  return {a.low, a.high, a.unit, a.description.empty() ? axis : a.description, a.circular};
}

FeatureMap Experiment::decoded_features(const Analysis& a) const {
  if (!a.trained) return features(a.axis);
  const Unit unit = training->conditions->condition(0).at(training->target).second;
  return {0, training->period * Unit::parse("rad").to(unit), unit, training->target, true};
}

double ms_in_time_units(const Circuit& circuit) {
  return circuit->time_unit.dimensionless() ? 1 : ms.to(circuit->time_unit);
}

std::vector<double> output_times(const Experiment& e) {
  if (e.run.steady) return {};
  const double unit = ms_in_time_units(e.circuit);
  const double end = e.run.duration * unit;
  const double steps = e.run.duration / e.run.every, whole = std::round(steps);
  const auto before_end = static_cast<std::size_t>(std::abs(steps - whole) < 1e-9 * whole ? whole : std::ceil(steps));
  std::vector<double> times;
  for (std::size_t i = 0; i < before_end; ++i) times.push_back(static_cast<double>(i) * e.run.every * unit);
  times.push_back(end);
  return times;
}

Variables condition_at(const std::vector<ConditionAxis>& axes, std::size_t index) {
  Variables variables;
  for (auto it = axes.rbegin(); it != axes.rend(); ++it) {
    variables[it->name] = {it->values[index % it->values.size()], it->unit};
    index /= it->values.size();
  }
  return variables;
}

namespace {

/// What stands under [stimulus] and [encoder], and which input of the circuit each of [inputs] and [encoder] feeds.
/// Returns the features in which stimuli are shown.
FeatureMap read_what_is_shown(const TomlTable& root, const std::optional<TomlTable>& stimulus, Experiment& e) {
  const auto encoder = root.find_table("encoder");
  if (encoder) {
    e.feature_axis = encoder->string("axis", "feature");
    if (encoder->has("axis")) require_axis(e.circuit, encoder->at("axis"));
    e.map = read_features(*encoder, e.circuit, e.feature_axis);
  }
  FeatureMap shown = e.map.value_or(FeatureMap{});
  if (encoder && !encoder->has("range")) shown.high = 2 * std::numbers::pi * Unit::parse("rad").to(shown.unit);
  if (stimulus) e.stimulus = std::make_shared<Stimulus>(*stimulus, shown, e.path);
  if (encoder && !e.stimulus) encoder->fail("encodes nothing: there is no [stimulus].");
  if (e.stimulus && !encoder) stimulus->fail("is shown to no input. Add [encoder], which turns it into one.");
  if (encoder) require_input(*encoder, e.circuit);
  const auto inputs = root.find_table("inputs");
  for (const auto& input : e.circuit->inputs) {
    const std::string& name = input.variable->name;
    const bool given = inputs && inputs->has(name);
    const bool encoded = encoder && encoder->string("input", e.circuit->inputs[0].variable->name) == name;
    if (given && encoded)
      inputs->at(name).fail(fmt::format("but the [encoder] of {} feeds '{}' with the stimulus. Leave one of them out.",
                                        encoder->position(), name));
    if (given) e.given_inputs.emplace_back(name, inputs->at(name));
    if (encoded) e.encoders.emplace_back(name, make_encoder(*encoder, e.circuit, input, *e.map));
    if (!given && !encoded)
      root.fail(
          fmt::format("lacks the input '{}' of circuit '{}'. Add [stimulus] with [encoder], or a value {} = ... "
                      "under [inputs].",
                      name, e.circuit->name, name));
  }
  return shown;
}

void require_lesions_within(const TomlTable& root, const Experiment& e) {
  const auto list = root.find("lesion");
  if (!list) return;
  for (const auto& entry : list->as_array()) {
    const auto from = entry.as_table().find("from");
    if (!from) continue;
    const double begin = evaluate(*from, e.circuit->time_unit);
    if (e.run.steady && begin > 0)
      from->fail(
          "but a steady state is that of time 0, when the lesion is not there yet. Leave it out, or name an "
          "integrator as run.method.");
    if (!e.run.steady && !(begin < e.run.duration * ms_in_time_units(e.circuit)))
      from->fail("but the run ends before the lesion begins. Leave it out, or run longer.");
  }
}

/// The conditions from which decoders learn: those of the experiment, with the stimuli of [training].
Training read_decoder_training(const TomlTable& table, const Experiment& e, const FeatureMap& shown) {
  auto taught = std::make_shared<Experiment>(e);
  taught->conditions = read_conditions(table);
  taught->stimulus = std::make_shared<Stimulus>(table.table("stimulus"), shown, e.path);
  taught->field = visual_field(e.circuit, table.table("stimulus"));
  taught->run.record.clear();
  taught->varied_parameters.clear();  // a decoder learns with the parameters of the first condition
  const double turn = 2 * std::numbers::pi;
  const double period = table.has("period") ? evaluate(table.at("period"), Unit::parse("rad")) : turn;
  if (!(period > 0 && period <= turn + 1e-9))
    table.at("period").fail("but must be above 0, and no longer than a turn.");
  Training training{taught, table.string("target"), period, table.number("ridge", 0)};
  condition_named(*taught, table.at("target"), training.target);
  for (std::size_t c = 0; c < taught->condition_count(); ++c)
    taught->stimulus->check(taught->field, taught->condition(c));
  if (!(training.ridge >= 0)) table.at("ridge").fail("but must not be below 0.");
  return training;
}

/// A mistake in any condition is found before anything runs.
void check_conditions(const Experiment& e) {
  for (std::size_t c = 0; c < e.condition_count(); ++c) {
    const Variables variables = e.condition(c);
    if (e.stimulus) e.stimulus->check(e.field, variables, e.run.steady);
    if (!e.varied_parameters.empty()) e.parameters(c);
    for (const auto& [name, value] : e.given_inputs) {
      if (!std::isfinite(evaluate(value, observable(e.circuit, name).value.unit(), variables)))
        value.fail("but must be finite.");
    }
  }
}

void warn_of_idle_conditions(const TomlTable& root, Experiment& e) {
  const bool random =
      !e.circuit->noises.empty() || std::ranges::count(e.circuit->events, Cause::poisson, &EventRule::cause) > 0;
  if (random) return;  // what is random differs from condition to condition: a repeat
  for (const auto& axis : e.conditions)
    if (!uses(root, axis.name))
      e.warnings.push_back(
          fmt::format("nothing depends on the condition '{}'. Name it in [parameters], [inputs] or "
                      "[stimulus].",
                      axis.name));
}

}  // namespace

Experiment read_experiment(TomlDocument& document, const std::string& path) {
  const TomlTable root = document.root();
  if (const auto training = root.find_table("train"))
    training->fail("is of a training, but an experiment is asked for. Use striate train.");
  const auto conditions = read_conditions(root);
  std::vector<VariedParameter> varied;
  const Circuit plain = with_values(read_circuit_of(root, path), root, path, condition_at(conditions, 0), varied);
  const auto stimulus = root.find_table("stimulus");
  const VisualField field = visual_field(plain, stimulus);
  Experiment e(lesioned(plain, read_lesions(root, plain, field)));
  e.field = field;
  e.title = root.string("title", plain->description);
  e.path = path;
  e.conditions = conditions;
  e.varied_parameters = std::move(varied);
  const FeatureMap shown = read_what_is_shown(root, stimulus, e);
  e.run = read_run(root, e.circuit);
  require_lesions_within(root, e);
  if (e.run.sonata && !e.conditions.empty())
    root.table("run").at("spike_layout").fail("whose files hold the spikes of one run, but there are [conditions].");
  e.trains = read_trains(root, e.circuit, path, e.warnings);
  if (const auto table = root.find_table("training")) e.training = read_decoder_training(*table, e, shown);
  if (const auto table = root.find_table("prc")) e.prc = read_phase_response_plan(*table, e.circuit);
  if (const auto table = root.find_table("continuation")) e.continuation = read_continuation_plan(*table, e.circuit);
  if (const auto table = root.find_table("lyapunov")) e.lyapunov = read_lyapunov(*table, e.circuit);
  e.analyses = read_analyses(root, e);
  check_conditions(e);
  warn_of_idle_conditions(root, e);
  document.require_all_used();
  e.resolved = document.to_text();
  return e;
}

Experiment load_experiment(const std::string& path, const std::vector<std::pair<std::string, std::string>>& overrides) {
  if (path.ends_with(".circuit"))
    throw Error(path,
                "this is a circuit, but an experiment is asked for: a TOML file that says circuit = \"" + path + "\".");
  TomlDocument document = TomlDocument::parse_file(path);
  for (const auto& [key, value] : overrides) document.set(key, value);
  return read_experiment(document, path);
}

}  // namespace striate
