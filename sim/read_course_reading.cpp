#include "sim/read_course_reading.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/error.hpp"
#include "integrators/after_number.hpp"
#include "sim/observable.hpp"
#include "sim/read_analysis.hpp"

namespace striate {
namespace {

using Measure = CourseMeasure;

/// The index of a key's text among `names`.
std::size_t choice(const TomlTable& t, const std::string& key, const std::vector<std::string>& names) {
  const std::string name = t.string(key);
  const auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end()) t.at(key).fail("but the choices are these." + suggest_names(name, names));
  return static_cast<std::size_t>(found - names.begin());
}

Unit hertz(const Experiment& e) { return e.circuit->time_unit.dimensionless() ? Unit() : Unit::parse("Hz"); }

void read_signal(const TomlTable& t, const Experiment& e, CourseReading& c) {
  if (c.needs_phase() && t.has("phase")) {
    const std::size_t source = choice(t, "phase", {"angle", "analytic", "generalised"});
    c.phase = static_cast<PhaseSource>(source + 1);
  }
  const bool of_signal = c.phase == PhaseSource::analytic || c.phase == PhaseSource::generalised || !c.needs_phase();
  if (of_signal && t.has("band")) {
    const auto ends = t.at("band").as_array();
    if (ends.size() != 2) t.at("band").fail("but a band has a lower and an upper end.");
    c.band = {evaluate(ends[0], hertz(e)), evaluate(ends[1], hertz(e))};
    if (!(0 < c.band->first && c.band->first < c.band->second))
      t.at("band").fail("but a band runs upwards from above 0.");
  }
  if (c.phase == PhaseSource::generalised && t.has("lowest")) {
    c.lowest = evaluate(t.at("lowest"), hertz(e));
    if (!(c.lowest >= 0) || std::isinf(c.lowest)) t.at("lowest").fail("but must be a frequency from 0.");
  }
}

void read_with(const TomlTable& t, const Experiment& e, const Analysis& a, CourseReading& c) {
  if (c.measure == Measure::coherence && !t.has("with"))
    t.fail("lacks `with`: the variable that the coherence is with.");
  if (!t.has("with")) return;
  c.with = t.string("with");
  require_observable(e.circuit, t.at("with"), c.with);
  if (c.with == a.variable) t.at("with").fail("but that is the variable itself.");
}

void read_length(const TomlTable& t, const Experiment& e, const std::string& axis, CourseReading& c) {
  if (t.has("spacing")) {
    const TomlQuantity given = t.quantity("spacing");
    c.length = Unit::parse(given.unit.empty() ? "1" : given.unit);
    const Unit own = e.circuit.axis(axis).unit, metre = Unit::parse("m");
    const bool placed = e.circuit.axis(axis).has_coordinates && !own.dimensionless();
    if (placed ? !c.length.same_dimension(own) : !(c.length.dimensionless() || c.length.same_dimension(metre)))
      t.at("spacing").fail(fmt::format("but the places of axis '{}' lie apart by a length{}.", axis,
                                       placed ? " in [" + own.str() + "]" : ", an angle or a number"));
    c.spacing = positive(t, "spacing", c.length);
    return;
  }
  const AxisDeclaration& d = e.circuit.axis(axis);
  if (d.has_coordinates) {
    c.spacing = d.spacing();
    c.length = d.unit;
  } else if (e.stimulus) {
    c.spacing = e.field.scale;
    c.length = Unit::parse("deg");
  }
}

/// @throws Error for a sheet whose neighbours lie further apart along one axis than along the other
void require_square(const TomlTable& t, const Experiment& e, const std::vector<std::string>& axes) {
  if (axes.size() != 2) return;
  const AxisDeclaration &y = e.circuit.axis(axes[0]), &x = e.circuit.axis(axes[1]);
  if (!y.has_coordinates || !x.has_coordinates || y.axis.size < 2 || x.axis.size < 2) return;
  if (y.unit.same_dimension(x.unit) &&
      std::abs(y.spacing() * y.unit.to(x.unit) - x.spacing()) <= 1e-6 * std::abs(x.spacing()))
    return;
  const auto apart = [](const AxisDeclaration& axis) {
    return fmt::format("{:.6g}{}", axis.spacing(), after_number(axis.unit));
  };
  t.at("kind").fail(
      fmt::format("but neighbours lie {} apart along '{}' and {} along '{}', and waves are read on sheets "
                  "of one spacing. Give both axes the same.",
                  apart(y), axes[0], apart(x), axes[1]));
}

void read_waves(const TomlTable& t, const Experiment& e, CourseReading& c) {
  if (c.measure != Measure::wave) return;
  c.wave = static_cast<WaveNumber>(choice(t, "of",
                                          {"direction", "directionality", "wavelength", "speed", "source_x", "source_y",
                                           "centre_x", "centre_y", "target", "target_p", "rotation", "rotation_p"}));
  if (c.wave == WaveNumber::target_p || c.wave == WaveNumber::rotation_p)
    c.shuffles = whole_number(t, "shuffles", 200, 1, 1'000'000);
  c.seed = e.run.seed;
}

}  // namespace

const std::vector<std::string>& course_measures() {
  static const std::vector<std::string> names{
      "order",     "local_order", "link_order", "metastability", "chimera_index", "phase",    "envelope",
      "frequency", "wave_vector", "wave",       "phase_locking", "coherence",     "spectrum", "space_time_spectrum"};
  return names;
}

CourseReading read_course_reading(const TomlTable& t, const Experiment& e, Analysis& a) {
  CourseReading c;
  c.measure = static_cast<Measure>(choice(t, "kind", course_measures()));
  if (e.run.steady) t.at("kind").fail("but a steady state has no course in time. Set [run] method and duration.");
  std::vector<std::string> axes;
  const Shape shape = observable(e.circuit, a.variable).value.shape();
  for (const auto& axis : shape)
    if (!(axis == re_im_axis())) axes.push_back(axis.name);
  const std::string last_axis = axes.empty() ? "" : axes.back();
  read_signal(t, e, c);
  switch (c.measure) {
    case Measure::local_order: c.reach = whole_number(t, "reach", 1, 1, 1'000'000); [[fallthrough]];
    case Measure::metastability:
    case Measure::chimera_index:
      a.axis = t.string("axis", c.measure == Measure::local_order ? last_axis : "");
      if (t.has("axis")) require_axis(e.circuit, t.at("axis"));
      break;
    case Measure::link_order: {
      c.weights = t.string("weights");
      std::vector<std::string> names;
      for (const auto& p : e.circuit->parameters) names.push_back(p.variable->name);
      if (std::ranges::count(names, c.weights) == 0)
        t.at("weights").fail(fmt::format("but there is no such parameter.{}", suggest_names(c.weights, names)));
      break;
    }
    case Measure::phase_locking:
    case Measure::coherence: read_with(t, e, a, c); break;
    default: break;
  }
  if (c.measure == Measure::order || c.measure == Measure::metastability || c.measure == Measure::chimera_index)
    c.moment = static_cast<int>(whole_number(t, "moment", 1, 1, 1000));
  if ((c.measure == Measure::coherence || c.measure == Measure::spectrum) && t.has("segment"))
    c.segment = positive(t, "segment", e.circuit->time_unit.dimensionless() ? Unit() : Unit::parse("s"));
  const bool in_space =
      c.measure == Measure::wave || c.measure == Measure::wave_vector || c.measure == Measure::space_time_spectrum;
  if (in_space && !last_axis.empty()) read_length(t, e, last_axis, c);
  if (c.measure == Measure::wave || c.measure == Measure::wave_vector) require_square(t, e, axes);
  read_waves(t, e, c);
  return c;
}

}  // namespace striate
