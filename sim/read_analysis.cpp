#include "sim/read_analysis.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <set>

#include "base/error.hpp"
#include "io/csv.hpp"
#include "sim/amount.hpp"
#include "sim/analysis.hpp"
#include "sim/course_analysis.hpp"
#include "sim/encoder.hpp"
#include "sim/experiment_circuit.hpp"
#include "sim/observable.hpp"
#include "sim/quantity.hpp"
#include "sim/read_course_reading.hpp"

namespace striate {
namespace {

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

double finite_number(const TomlTable& table, const std::string& key, double fallback) {
  const double value = table.number(key, fallback);
  if (!std::isfinite(value)) table.at(key).fail("but must be finite.");
  return value;
}

Comparison read_comparison(const TomlTable& table, const Experiment& e, const Analysis& a) {
  Comparison c;
  c.file = beside(e.path, table.string("file"));
  c.x_column = table.string("x", "");
  c.y_column = table.string("y");
  c.source = table.string("source", "");
  c.fit_amplitude = table.boolean("fit_amplitude", false);
  c.in_order = table.boolean("in_order", false);
  c.x_step = table.number("x_step", 0);
  c.average_within = table.number("average_within", 0);
  for (const auto& [key, value] : {std::pair("x_step", c.x_step), std::pair("average_within", c.average_within)})
    if (!(value >= 0) || std::isinf(value)) table.at(key).fail("but must be a number from 0.");
  if (const auto range = table.find("x_range")) {
    const auto ends = range->as_numbers();
    if (ends.size() != 2 || !(ends[0] < ends[1])) range->fail("but a range has a lower and an upper end.");
    c.x_range = {ends[0], ends[1]};
  }
  c.y_scale = finite_number(table, "scale", 1);
  if (const auto where = table.find_table("where"))
    for (const auto& key : where->keys())
      c.where.emplace_back(key, where->at(key).is_string() ? where->string(key) : where->at(key).text());
  if (const auto match = table.find_table("match"))
    for (const auto& key : match->keys()) {
      condition_named(e, match->at(key), match->string(key));
      c.match.emplace_back(key, match->string(key));
    }
  if (c.x_column.empty() && !c.in_order && !a.against.empty())
    table.fail("lacks `x`, the column of abscissae. Name it, or say in_order = true.");
  require_columns(table, c);
  return c;
}

double value_in(const TomlValue& v, const Unit& unit, const Variables& variables = {}) {
  return v.is_number() ? v.as_number() : evaluate(v, unit, variables);
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
  if (!reference) {
    refuse_keys(t, {"relation"},
                "but nothing is named that the result stands beside. Add relative_to, or leave it out.");
    return;
  }
  if (!reference->is_table()) {
    a.relative_to_input = reference->as_string() == "input";
    a.relative_to_largest = reference->as_string() == "largest";
    if (!a.relative_to_input && !a.relative_to_largest)
      reference->fail("but the choices are \"input\", \"largest\" or a table of condition variables.");
    if (a.relative_to_input && (a.kind != Analysis::Kind::decode || e.encoders.empty()))
      reference->fail("but only a decoded feature is set beside that of an encoded input.");
    if (a.relative_to_input) {
      refuse_keys(t, {"relation"}, "but beside the input stands the difference. Leave it out.");
      return;
    }
  } else {
    const TomlTable table = reference->as_table();
    if (table.keys().empty()) reference->fail("but it names no condition variable. Name one, or leave it out.");
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

/// `from` of an analysis of the time after it.
void read_from(const TomlTable& t, const Experiment& e, Analysis& a) {
  const auto from = t.find("from");
  if (!from) return;
  a.from = evaluate(*from, e.circuit->time_unit);
  if (!(a.from >= 0 && a.from < e.run.duration * ms_in_time_units(e.circuit)))
    from->fail("but must lie within the run.");
}

void read_decoder(const TomlTable& t, const Experiment& e, Analysis& a) {
  const std::string decoder = t.string("decoder", "population_vector");
  a.trained = decoder == "trained";
  if (a.trained && !e.training) t.at("decoder").fail("but there is no [training] to learn from.");
  try {
    if (!a.trained) a.decoder = decoder_named(decoder);
  } catch (const Error& error) {
    t.at("decoder").fail(std::string("but ") + error.what());
  }
}

/// The two channels that a contrast is of.
void read_channels(const TomlTable& t, std::size_t channels, Analysis& a) {
  const auto pair = t.at("channels").as_numbers();
  const auto is_channel = [&](double k) { return k >= 0 && k < static_cast<double>(channels) && k == std::floor(k); };
  if (pair.size() != 2 || !is_channel(pair[0]) || !is_channel(pair[1]))
    t.at("channels").fail(fmt::format("but two channels from 0 to {} are asked for.", channels - 1));
  a.channels = {static_cast<std::size_t>(pair[0]), static_cast<std::size_t>(pair[1])};
}

/// The feature of one element of an axis. @throws Error where it lies outside the axis
double read_feature(const TomlValue& value, const Experiment& e, const AxisDeclaration& axis) {
  const FeatureMap map = e.features(axis.axis.name);
  const double feature = evaluate(value, map.unit);
  if (!std::isfinite(feature)) value.fail("but must be finite.");
  const auto positions = axis_positions(axis);
  if (axis.circular || positions.size() == 1) return feature;
  const double half = 0.5 * (positions[1] - positions[0]) + 1e-12, place = map.to_axis(feature);
  if (place < positions.front() - half || place > positions.back() + half)
    value.fail(fmt::format("but the elements of axis '{}' lie from {} to {}.", axis.axis.name,
                           amount_text(map.to_feature(positions.front()), map.unit),
                           amount_text(map.to_feature(positions.back()), map.unit)));
  return feature;
}

/// A place of the visual field, or an element of each of the variable's other axes.
void read_place(const TomlValue& at, const Shape& shape, const VisualField& field, Analysis& a) {
  if (!at.is_table()) {
    const auto pair = at.as_array();
    if (pair.size() != 2) at.fail("but a place is written [x, y].");
    a.x = field.columns(evaluate(pair[0], deg));
    a.y = field.rows(evaluate(pair[1], deg));
    if (!(std::abs(a.x) < 1e9 && std::abs(a.y) < 1e9)) at.fail("but a place must lie on the grid.");
    return;
  }
  const TomlTable elements = at.as_table();
  for (const auto& name : elements.keys()) {
    const auto other = shape.find(name);
    if (!other || name == a.axis)
      elements.at(name).fail(fmt::format("but '{}' has no other axis of this name.", a.variable));
    const double element = elements.number(name);
    const std::size_t size = shape[*other].size;
    if (!(element >= 0 && element < static_cast<double>(size)) || element != std::floor(element))
      elements.at(name).fail(fmt::format("but its elements are counted from 0 to {}.", size - 1));
    a.place.emplace_back(name, static_cast<std::size_t>(element));
  }
}

/// What is read from a variable at one time: decoder, channels, feature, place.
void read_moment(const TomlTable& t, const Experiment& e, Analysis& a) {
  a.axis = t.string("axis", e.feature_axis);
  if (t.has("axis")) require_axis(e.circuit, t.at("axis"));
  const Shape shape = observable(e.circuit, a.variable).value.shape();
  const auto axis = shape.find(a.axis);
  if (a.kind != Analysis::Kind::response && a.kind != Analysis::Kind::peak && !axis)
    t.at("kind").fail(
        fmt::format("but '{}' has no axis '{}' to read along. Name one with axis = ....", a.variable, a.axis));
  read_decoder(t, e, a);
  if (a.kind == Analysis::Kind::contrast) read_channels(t, shape[*axis].size, a);
  if (t.has("feature")) {
    if (!axis)
      t.at("feature").fail(fmt::format(
          "but '{}' has no axis '{}' along which a feature lies. Leave it out, or name the axis with axis = ....",
          a.variable, a.axis));
    a.feature = read_feature(t.at("feature"), e, e.circuit.axis(a.axis));
  }
  if (const auto at = t.find("at")) read_place(*at, shape, e.field, a);
}

/// What is read: of spikes, of a variable's course, or of a variable at one time.
void read_reading(const TomlTable& t, const Experiment& e, Analysis& a) {
  std::vector<std::string> kinds{"decode", "response", "tuning", "peak", "contrast"};
  const auto of_a_course = static_cast<std::ptrdiff_t>(kinds.size());
  kinds.insert(kinds.end(), course_measures().begin(), course_measures().end());
  kinds.insert(kinds.end(), spike_readings().begin(), spike_readings().end());
  const std::string kind = t.string("kind");
  const auto found = std::find(kinds.begin(), kinds.end(), kind);
  if (found == kinds.end()) t.at("kind").fail("but the kinds of analysis are these." + suggest_names(kind, kinds));
  if (std::ranges::count(spike_readings(), kind) > 0) {
    a.kind = Analysis::Kind::spikes;
    read_from(t, e, a);
    a.spikes = read_spike_reading(t, e, a.from);
    return;
  }
  a.variable = t.string("variable");
  require_observable(e.circuit, t.at("variable"), a.variable);
  if (found - kinds.begin() >= of_a_course) {
    a.kind = Analysis::Kind::course;
    a.course = read_course_reading(t, e, a);
    return;
  }
  a.kind = static_cast<Analysis::Kind>(found - kinds.begin());
  read_moment(t, e, a);
}

/// What the analysis is drawn against: by default the last condition variable that is left.
void read_abscissa(const TomlTable& t, const Experiment& e, Analysis& a) {
  const auto removed = [&](const std::string& name) {
    return name == a.midpoint_over || std::ranges::count(a.average_over, name) > 0 ||
           std::ranges::any_of(a.only, [&](const auto& only) { return only.first == name; });
  };
  for (const auto& c : e.conditions)
    if (!removed(c.name)) a.against = c.name;
  if (!t.has("against")) return;
  a.against = t.string("against");
  if (a.against == "t") {
    if (e.run.steady) t.at("against").fail("but a steady state has no course in time. Set [run] method and duration.");
    if (a.spikes) t.at("against").fail("but spikes are read of the whole run.");
    if (a.course) {
      if (!a.course->at_every_time()) t.at("against").fail("but this is one result of the whole course.");
      a.course->against_time = true;
    }
    if (a.kind == Analysis::Kind::tuning)
      t.at("against").fail("but a tuning curve already lies along the feature axis.");
    return;
  }
  condition_named(e, t.at("against"), a.against);
  if (removed(a.against)) t.at("against").fail("but only, average_over or midpoint_over leaves it out.");
}

void read_over_time(const TomlTable& t, const Experiment& e, Analysis& a) {
  if (a.course && a.against != "t") read_from(t, e, a);
  const auto how = t.find("over_time");
  if (!how) {
    if (a.against == "t")
      refuse_keys(t, {"from"}, "but along t the whole course is kept. Leave it out.");
    else if (!a.course && !a.spikes)
      refuse_keys(t, {"from"}, "from which over_time counts, but that is missing. Add it, or leave both out.");
    return;
  }
  if (a.spikes) how->fail("but spikes are read of the whole run.");
  if (a.course && !a.course->at_every_time()) how->fail("but this is one result of the whole course.");
  try {
    a.over_time = over_time_named(how->as_string());
  } catch (const Error& error) {
    how->fail(fmt::format("but {}", error.what()));
  }
  if (e.run.steady) how->fail("but a steady state has no course in time. Set [run] method and duration.");
  if (a.kind == Analysis::Kind::tuning) how->fail("but a tuning curve is read from the last state.");
  if (a.against == "t") how->fail("but the analysis lies along t.");
  if (a.over_time != OverTime::last && a.over_time != OverTime::mean && angle_range(e, a))
    how->fail(
        "but the analysis gives angles, which begin again after a turn and have no least or largest. Take the last "
        "or the mean, or kind = \"frequency\".");
  read_from(t, e, a);
}

/// What makes a psychometric curve of a decoded feature, and a number of the curve.
void read_midpoint(const TomlTable& t, const Experiment& e, Analysis& a) {
  if (const auto direction = t.find("projected_on")) {
    if (a.kind != Analysis::Kind::decode) direction->fail("but only a decoded feature can be projected.");
    a.projected_on = evaluate(*direction, e.decoded_features(a).unit);
  }
  const auto over = t.find("midpoint_over");
  if (!over) return;
  a.midpoint_over = over->as_string();
  condition_named(e, *over, a.midpoint_over);
}

/// The unit in which an analysis comes out unless the experiment names one.
Unit unit_of(const Experiment& e, const Analysis& a) {
  for (const auto& c : e.conditions)
    if (c.name == a.midpoint_over) return c.unit;
  if (a.is_share()) return {};
  if (a.over_time == OverTime::frequency) return e.circuit->time_unit.dimensionless() ? Unit() : Unit::parse("Hz");
  if (a.kind == Analysis::Kind::contrast || a.projected_on) return {};
  if (a.spikes) return spike_unit(e, *a.spikes);
  if (a.course) return course_unit(e, a);
  return a.kind == Analysis::Kind::decode ? e.decoded_features(a).unit : observable(e.circuit, a.variable).value.unit();
}

}  // namespace

std::vector<Analysis> read_analyses(const TomlTable& root, const Experiment& e) {
  std::vector<Analysis> analyses;
  const auto list = root.find("analysis");
  if (!list) return analyses;
  std::set<std::string> names;
  for (const auto& entry : list->as_array()) {
    const TomlTable t = entry.as_table();
    Analysis a;
    a.name = t.string("name");
    if (!is_name(a.name)) t.at("name").fail("but a name has letters, digits and _, a letter first.");
    if (!names.insert(a.name).second) t.at("name").fail("but another analysis has this name. Rename one.");
    read_reading(t, e, a);
    read_relation(t, e, a);
    a.scale = finite_number(t, "scale", 1);
    read_midpoint(t, e, a);
    read_abscissa(t, e, a);
    read_over_time(t, e, a);
    a.label = t.string("label", a.name);
    a.unit = t.string("unit", unit_of(e, a).str());
    if (a.relative_to_largest && (a.against.empty() || a.against == "t" || a.kind == Analysis::Kind::tuning))
      t.at("relative_to").fail("but the largest value is sought along the condition variable that against names.");
    if (const auto comparison = t.find_table("compare")) a.comparison = read_comparison(*comparison, e, a);
    analyses.push_back(std::move(a));
  }
  return analyses;
}

bool is_name(const std::string& text) {
  const auto letter = [](char c) { return std::isalpha(static_cast<unsigned char>(c)) != 0 || c == '_'; };
  return !text.empty() && letter(text[0]) && std::ranges::all_of(text, [&](char c) {
    return letter(c) || std::isdigit(static_cast<unsigned char>(c)) != 0;
  });
}

const ConditionAxis& condition_named(const Experiment& e, const TomlValue& where, const std::string& name) {
  std::vector<std::string> names;
  for (const auto& c : e.conditions) {
    if (c.name == name) return c;
    names.push_back(c.name);
  }
  where.fail(fmt::format("but no condition is named '{}'.{}", name, suggest_names(name, names)));
}

void require_observable(const Circuit& circuit, const TomlValue& value, const std::string& name) {
  try {
    observable(circuit, name);
  } catch (const Error& e) {
    value.fail(fmt::format("but {}", e.what()));
  }
}

void require_axis(const Circuit& circuit, const TomlValue& name) {
  try {
    circuit.axis(name.as_string());
  } catch (const Error& e) {
    name.fail(fmt::format("but {}", e.what()));
  }
}

}  // namespace striate
