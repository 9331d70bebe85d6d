#include "sim/experiment.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/error.hpp"
#include "circuit/text.hpp"
#include "integrators/integrator.hpp"
#include "io/csv.hpp"
#include "sim/experiment_circuit.hpp"
#include "sim/lesion.hpp"

namespace striate {
namespace {

const Unit ms = Unit::parse("ms");
const Unit deg = Unit::parse("deg");

std::vector<ConditionAxis> read_conditions(const TomlTable& root) {
  std::vector<ConditionAxis> axes;
  const auto table = root.find_table("conditions");
  if (!table) return axes;
  for (const auto& key : table->keys()) {
    ConditionAxis axis;
    axis.name = key;
    const TomlTable t = table->table(key);
    axis.unit = Unit::parse(t.string("unit", "1"));
    axis.description = t.string("description", "");
    if (const auto values = t.find("values")) {
      for (const auto& v : values->as_array())
        axis.values.push_back(v.is_number() ? v.as_number() : evaluate(v, axis.unit));
    } else {
      const double from = t.at("from").is_number() ? t.at("from").as_number() : evaluate(t.at("from"), axis.unit);
      const double to = t.at("to").is_number() ? t.at("to").as_number() : evaluate(t.at("to"), axis.unit);
      const std::int64_t count = t.integer("count");
      if (count < 1 || count > 1000000) t.at("count").fail("but must be a whole number from 1 to 1000000.");
      for (std::int64_t i = 0; i < count; ++i)
        axis.values.push_back(
            count == 1 ? from : from + (to - from) * static_cast<double>(i) / static_cast<double>(count - 1));
    }
    if (axis.values.empty()) t.fail("has no values. Give values = [...] or from, to and count.");
    axes.push_back(std::move(axis));
  }
  return axes;
}

std::vector<std::string> observable_names(const Circuit& circuit) {
  std::vector<std::string> names;
  for (const auto& s : circuit->states) names.push_back(s.variable->name);
  for (const auto& d : circuit->definitions) names.push_back(d.name);
  for (const auto& u : circuit->inputs) names.push_back(u.variable->name);
  return names;
}

void require_observable(const Circuit& circuit, const TomlValue& value, const std::string& name) {
  const auto names = observable_names(circuit);
  if (std::find(names.begin(), names.end(), name) == names.end())
    value.fail(fmt::format("but circuit '{}' has no state, definition or input '{}'.{}", circuit->name, name,
                           suggest_names(name, names)));
}

RunPlan read_run(const TomlTable& root, const Circuit& circuit) {
  RunPlan plan;
  const auto table = root.find_table("run");
  const bool map = circuit.is_map();
  plan.method = map ? "iterate" : "steady";
  for (const auto& s : circuit->states) plan.record.push_back(s.variable->name);
  if (circuit->states.empty()) plan.method = "static";
  if (!table && map) root.fail("the circuit is a map. Add [run] with duration = ....");
  if (!table) return plan;
  if (!circuit->states.empty()) plan.method = table->string("method", map ? "iterate" : "steady");
  plan.steady = plan.method == "steady" || plan.method == "static";
  if (!plan.steady) {
    const auto names = method_names();
    if (std::find(names.begin(), names.end(), plan.method) == names.end())
      table->at("method").fail("but the methods are steady and those of the integrators." +
                               suggest_names(plan.method, names));
    const std::string start = table->string("start", "initial");
    if (start != "initial" && start != "steady")
      table->at("start").fail("but a course starts from these." + suggest_names(start, {"initial", "steady"}));
    plan.from_steady = start == "steady";
    // Durations are held in ms; where a map counts its time in plain numbers, so does its experiment.
    const Unit unit = map && circuit->time_unit.dimensionless() ? circuit->time_unit : ms;
    plan.duration = evaluate(table->at("duration"), unit);
    if (!(plan.duration > 0) || !std::isfinite(plan.duration)) table->at("duration").fail("but must be above 0.");
    if (table->has("every"))
      plan.every = evaluate(table->at("every"), unit);
    else
      plan.every = map ? circuit->step * circuit->time_unit.to(unit) : plan.duration / 100;
    if (!(plan.every > 0)) table->at("every").fail("but must be above 0.");
    if (table->has("step")) {
      plan.step = evaluate(table->at("step"), ms);
      if (!(plan.step > 0)) table->at("step").fail("but must be above 0.");
    }
  }
  plan.tolerance = table->number("tolerance", plan.steady ? 1e-10 : 1e-6);
  if (!(plan.tolerance > 0 && plan.tolerance < 1)) table->at("tolerance").fail("but must lie between 0 and 1.");
  plan.absolute = table->number("absolute", plan.tolerance / 100);
  plan.seed = static_cast<std::uint64_t>(table->integer("seed", 0));
  if (const auto implicit = table->find("implicit")) plan.implicit = implicit->as_strings();
  if (const auto record = table->find("record")) {
    plan.record = record->as_strings();
    for (const auto& name : plan.record) require_observable(circuit, *record, name);
  }
  return plan;
}

/// Reads the data once, so that a missing file or column is found before anything runs.
void require_columns(const TomlTable& table, const Comparison& c) {
  try {
    const CsvTable data = CsvTable::read(c.file);
    data.numbers(c.y_column);
    if (!c.x_column.empty()) data.numbers(c.x_column);
    for (const auto& [column, text] : c.where) data.text(column);
    for (const auto& [column, variable] : c.match) data.text(column);
  } catch (const Error& e) {
    throw Error(fmt::format("{}: {}", table.position(), e.what()));
  }
}

Comparison read_comparison(const TomlTable& table, const std::string& path) {
  Comparison c;
  c.file = beside(path, table.string("file"));
  c.x_column = table.string("x", "");
  c.y_column = table.string("y");
  c.source = table.string("source", "");
  c.fit_amplitude = table.boolean("fit_amplitude", false);
  c.in_order = table.boolean("in_order", false);
  c.x_step = table.number("x_step", 0);
  c.average_within = table.number("average_within", 0);
  if (const auto range = table.find("x_range")) {
    const auto ends = range->as_numbers();
    if (ends.size() != 2 || !(ends[0] < ends[1])) range->fail("but a range has a lower and an upper end.");
    c.x_range = {ends[0], ends[1]};
  }
  c.y_scale = table.number("scale", 1);
  if (const auto where = table.find_table("where"))
    for (const auto& key : where->keys())
      c.where.emplace_back(key, where->at(key).is_string() ? where->string(key) : where->at(key).text());
  if (const auto match = table.find_table("match"))
    for (const auto& key : match->keys()) c.match.emplace_back(key, match->string(key));
  require_columns(table, c);
  return c;
}

double value_in(const TomlValue& v, const Unit& unit, const Variables& variables = {}) {
  return v.is_number() ? v.as_number() : evaluate(v, unit, variables);
}

const ConditionAxis& condition_named(const Experiment& e, const TomlValue& where, const std::string& name) {
  std::vector<std::string> names;
  for (const auto& c : e.conditions) {
    if (c.name == name) return c;
    names.push_back(c.name);
  }
  where.fail(fmt::format("but no condition is named '{}'.{}", name, suggest_names(name, names)));
}

/// Which conditions an analysis takes in, and which it sets them beside.
void read_relation(const TomlTable& t, const Experiment& e, Analysis& a) {
  if (const auto only = t.find_table("only"))
    for (const auto& key : only->keys())
      a.only.emplace_back(key, value_in(only->at(key), condition_named(e, only->at(key), key).unit));
  if (const auto over = t.find("average_over")) {
    a.average_over = over->as_strings();
    for (const auto& name : a.average_over) condition_named(e, *over, name);
  }
  const auto reference = t.find("relative_to");
  if (!reference) return;
  if (!reference->is_table()) {
    a.relative_to_input = reference->as_string() == "input";
    a.relative_to_largest = reference->as_string() == "largest";
    if (!a.relative_to_input && !a.relative_to_largest)
      reference->fail("but the choices are \"input\", \"largest\" or a table of condition variables.");
    if (a.relative_to_input) return;
  } else {
    const TomlTable table = reference->as_table();
    for (const auto& key : table.keys()) {
      condition_named(e, table.at(key), key);
      a.reference.emplace_back(key, table.at(key));
    }
  }
  const std::vector<std::string> relations{"difference", "ratio", "suppression"};
  const std::string relation = t.string("relation", "difference");
  const auto found = std::find(relations.begin(), relations.end(), relation);
  if (found == relations.end())
    t.at("relation").fail("but the relations are these." + suggest_names(relation, relations));
  a.relation = static_cast<Relation>(found - relations.begin());
}

void require_axis(const Circuit& circuit, const TomlValue& name) {
  try {
    circuit.axis(name.as_string());
  } catch (const Error& e) {
    name.fail(fmt::format("but {}", e.what()));
  }
}

/// The unit in which an analysis comes out unless the experiment names one.
Unit unit_of(const Experiment& e, const Analysis& a) {
  if (a.kind == Analysis::Kind::contrast || a.is_share()) return {};
  return a.kind == Analysis::Kind::decode ? e.features(a.axis).unit : observable_unit(e.circuit, a.variable);
}

std::vector<Analysis> read_analyses(const TomlTable& root, const Experiment& e) {
  std::vector<Analysis> analyses;
  const auto list = root.find("analysis");
  if (!list) return analyses;
  const std::vector<std::string> kinds{"decode", "response", "tuning", "peak", "contrast"};
  for (const auto& entry : list->as_array()) {
    const TomlTable t = entry.as_table();
    Analysis a;
    a.name = t.string("name");
    const std::string kind = t.string("kind");
    const auto found = std::find(kinds.begin(), kinds.end(), kind);
    if (found == kinds.end()) t.at("kind").fail("but the kinds of analysis are these." + suggest_names(kind, kinds));
    a.kind = static_cast<Analysis::Kind>(found - kinds.begin());
    a.variable = t.string("variable");
    require_observable(e.circuit, t.at("variable"), a.variable);
    a.axis = t.string("axis", e.feature_axis);
    if (t.has("axis")) require_axis(e.circuit, t.at("axis"));
    const std::string decoder = t.string("decoder", "population_vector");
    a.trained = decoder == "trained";
    if (a.trained && !e.training) t.at("decoder").fail("but there is no [training] to learn from.");
    try {
      if (!a.trained) a.decoder = decoder_named(decoder);
    } catch (const Error& error) {
      t.at("decoder").fail(error.what());
    }
    if (a.kind == Analysis::Kind::contrast) {
      const auto pair = t.at("channels").as_numbers();
      const double n = static_cast<double>(e.circuit.axis(a.axis).axis.size);
      if (pair.size() != 2 || !(std::min(pair[0], pair[1]) >= 0) || !(std::max(pair[0], pair[1]) < n))
        t.at("channels").fail(fmt::format("but two channels from 0 to {} are asked for.", n - 1));
      a.channels = {static_cast<std::size_t>(pair[0]), static_cast<std::size_t>(pair[1])};
    }
    read_relation(t, e, a);
    if (t.has("feature")) a.feature = evaluate(t.at("feature"), e.features(a.axis).unit);
    if (const auto at = t.find("at")) {
      const auto pair = at->as_array();
      if (pair.size() != 2) at->fail("but a place is written [x, y].");
      a.x = evaluate(pair[0], deg);
      a.y = evaluate(pair[1], deg);
    }
    a.scale = t.number("scale", 1);
    a.against = t.string("against", e.conditions.empty() ? "" : e.conditions.back().name);
    if (a.against == "t") {
      if (e.run.steady)
        t.at("against").fail("but a steady state has no course in time. Set [run] method and duration.");
      if (a.kind == Analysis::Kind::tuning)
        t.at("against").fail("but a tuning curve already lies along the feature axis.");
    } else if (!a.against.empty()) {
      condition_named(e, t.has("against") ? t.at("against") : t.at("name"), a.against);
    }
    a.label = t.string("label", a.name);
    a.unit = t.string("unit", unit_of(e, a).str());
    if (a.relative_to_largest && (a.against.empty() || a.against == "t" || a.kind == Analysis::Kind::tuning))
      t.at("relative_to").fail("but the largest value is sought along the condition variable that against names.");
    if (const auto comparison = t.find_table("compare")) a.comparison = read_comparison(*comparison, e.path);
    analyses.push_back(std::move(a));
  }
  return analyses;
}

std::vector<Lesion> read_lesions(const TomlTable& root, const Circuit& circuit, double scale) {
  const auto elements = [&](const TomlValue& v) {
    return static_cast<std::ptrdiff_t>(std::lround(evaluate(v, deg) / scale));
  };
  std::vector<Lesion> lesions;
  const auto list = root.find("lesion");
  if (!list) return lesions;
  for (const auto& entry : list->as_array()) {
    const TomlTable t = entry.as_table();
    Lesion lesion;
    lesion.target = t.string("target");
    require_observable(circuit, t.at("target"), lesion.target);
    if (t.has("clamp")) lesion.clamp = evaluate(t.at("clamp"), observable_unit(circuit, lesion.target));
    lesion.scale = t.number("scale", 0);
    if (t.has("from")) lesion.from = evaluate(t.at("from"), circuit->time_unit);
    if (const auto size = t.find("patch")) {
      lesion.patch = elements(*size);
      if (lesion.patch < 1) size->fail("but a patch must cover at least one element.");
    }
    if (const auto centre = t.find("centre")) {
      const auto pair = centre->as_array();
      if (pair.size() != 2) centre->fail("but a centre is written [x, y].");
      lesion.patch_x = elements(pair[0]);
      lesion.patch_y = elements(pair[1]);
    }
    lesions.push_back(lesion);
  }
  return lesions;
}

}  // namespace

std::size_t Experiment::condition_count() const {
  std::size_t n = 1;
  for (const auto& axis : conditions) n *= axis.values.size();
  return n;
}

Variables Experiment::condition(std::size_t index) const { return condition_at(conditions, index); }

Variables condition_at(const std::vector<ConditionAxis>& axes, std::size_t index) {
  Variables variables;
  for (auto it = axes.rbegin(); it != axes.rend(); ++it) {
    variables[it->name] = {it->values[index % it->values.size()], it->unit};
    index /= it->values.size();
  }
  return variables;
}

std::vector<std::pair<std::string, double>> Experiment::parameters(std::size_t index) const {
  std::vector<std::pair<std::string, double>> values;
  for (const auto& [name, text] : varied_parameters) {
    const Parameter& p = circuit.parameter(name);
    const double value = evaluate(text, p.variable.unit(), condition(index));
    if (!p.range.contains(value))
      text.fail(fmt::format("which is {} {} in condition {}, but must be in {}.", value, p.variable.unit().str(), index,
                            p.range.str()));
    values.emplace_back(name, value);
  }
  return values;
}

FeatureMap Experiment::features(const std::string& axis) const {
  if (map && axis == feature_axis) return *map;
  const AxisDeclaration& a = circuit.axis(axis);
  if (!a.has_coordinates) return {0, std::max<double>(1, static_cast<double>(a.axis.size) - 1), {}, axis};
  return {a.low, a.high, a.unit, a.description.empty() ? axis : a.description};
}

Experiment read_experiment(TomlDocument& document, const std::string& path) {
  const TomlTable root = document.root();
  const auto conditions = read_conditions(root);
  std::vector<std::pair<std::string, TomlValue>> varied;
  const Circuit plain = with_values(read_circuit_of(root, path), root, condition_at(conditions, 0), varied);
  const auto stimulus_table = root.find_table("stimulus");
  const double scale = stimulus_table && stimulus_table->has("scale") ? evaluate(stimulus_table->at("scale"), deg) : 1;
  const auto lesions = read_lesions(root, plain, scale);
  Experiment e{root.string("title", plain->description),
               path,
               lesioned(plain, lesions),
               "",
               nullptr,
               {},
               {},
               varied,
               {},
               "feature",
               conditions,
               lesions,
               {},
               {},
               {},
               ""};
  e.circuit_text = to_text(plain);
  for (std::size_t c = 0; c < e.condition_count() && !varied.empty(); ++c) e.parameters(c);
  const auto encoder = root.find_table("encoder");
  if (encoder) {
    e.feature_axis = encoder->string("axis", "feature");
    FeatureMap map;
    map.unit = deg;
    if (const auto range = encoder->find("range")) {
      const auto ends = range->as_array();
      if (ends.size() != 2) range->fail("but a range of features has two ends.");
      map.unit = Unit::parse(encoder->string("unit", "deg"));
      map.name = "preferred " + encoder->string("feature", "feature");
      map.low = evaluate(ends[0], map.unit);
      map.high = evaluate(ends[1], map.unit);
      if (!(map.low < map.high)) range->fail("but must run upwards.");
    }
    e.map = map;
  }
  if (stimulus_table) e.stimulus = std::make_shared<Stimulus>(*stimulus_table, e.map ? e.map->unit : Unit());
  const auto inputs = root.find_table("inputs");
  for (const auto& input : e.circuit->inputs) {
    const std::string& name = input.variable->name;
    if (inputs && inputs->has(name)) {
      e.given_inputs.emplace_back(name, inputs->at(name));
    } else if (encoder && e.stimulus) {
      const std::string served = encoder->string("input", e.circuit->inputs[0].variable->name);
      if (served == name) e.encoders.emplace_back(name, make_encoder(*encoder, e.circuit, input, *e.map));
    }
    const bool fed = (!e.encoders.empty() && e.encoders.back().first == name) ||
                     (!e.given_inputs.empty() && e.given_inputs.back().first == name);
    if (!fed)
      root.fail(
          fmt::format("the input '{}' of circuit '{}' is not given. Add [stimulus] with [encoder], or a value {} = ... "
                      "under [inputs].",
                      name, e.circuit->name, name));
  }
  e.run = read_run(root, e.circuit);
  if (const auto table = root.find_table("training")) {
    auto taught = std::make_shared<Experiment>(e);
    taught->conditions = read_conditions(*table);
    taught->stimulus = std::make_shared<Stimulus>(table->table("stimulus"), e.map ? e.map->unit : Unit());
    taught->run.record.clear();
    Training training{taught, table->string("target"), table->number("ridge", 0)};
    condition_named(*taught, table->at("target"), training.target);
    taught->stimulus->changes(taught->condition(0));
    taught->stimulus->scene({1, 1, taught->stimulus->scale()}, 0, taught->condition(0));
    if (!(training.ridge >= 0)) table->at("ridge").fail("but must not be below 0.");
    e.training = training;
  }
  e.analyses = read_analyses(root, e);
  if (e.stimulus) {  // every number of every layer, once, so that a mistake is found before anything runs
    e.stimulus->changes(e.condition(0));
    e.stimulus->scene({1, 1, e.stimulus->scale()}, 0, e.condition(0));
  }
  for (const auto& [name, value] : e.given_inputs) evaluate(value, observable_unit(e.circuit, name), e.condition(0));
  document.require_all_used();
  e.resolved = document.to_text();
  return e;
}

Experiment load_experiment(const std::string& path, const std::vector<std::pair<std::string, std::string>>& overrides) {
  TomlDocument document = TomlDocument::parse_file(path);
  for (const auto& [key, value] : overrides) document.set(key, value);
  return read_experiment(document, path);
}

}  // namespace striate
