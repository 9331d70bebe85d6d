#include "sim/course_analysis.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <complex>
#include <numbers>
#include <numeric>

#include "base/error.hpp"
#include "base/nan.hpp"
#include "sim/amount.hpp"
#include "sim/fourier.hpp"
#include "sim/observable.hpp"
#include "sim/synchrony.hpp"
#include "sim/waves.hpp"

namespace striate {
namespace {

using Measure = CourseMeasure;
using std::numbers::pi;

struct Places {
  std::vector<Axis> axes;  ///< of the variable, less that of complex parts
  bool complex = false;
  std::size_t count = 1;

  /// Whether rows of a sheet are the later axis: x lies along columns wherever it stands.
  bool turned() const { return axes.size() == 2 && axes[0].name == "x"; }
  const Axis& rows() const { return axes[turned() ? 1 : 0]; }
  const Axis& columns() const { return axes[turned() ? 0 : axes.size() - 1]; }
};

Places places_of(const Experiment& e, const std::string& variable) {
  Places places;
  const Shape shape = observable(e.circuit, variable).value.shape();
  for (const auto& axis : shape) {
    if (axis == re_im_axis()) {
      places.complex = true;
      continue;
    }
    places.axes.push_back(axis);
    places.count *= axis.size;
  }
  return places;
}

/// Seconds, or units of time where time has no dimension.
double seconds(const Experiment& e, double t) {
  const Unit& unit = e.circuit->time_unit;
  return unit.dimensionless() ? t : t * unit.to(Unit::parse("s"));
}

Unit inverse(const Unit& unit) { return Unit::parse(quotient_text("1", unit)); }

Unit per_second(const Experiment& e) { return e.circuit->time_unit.dimensionless() ? Unit() : Unit::parse("Hz"); }

/// The recorded times that are read.
std::pair<std::size_t, std::size_t> read_times(const Analysis& a, const std::vector<double>& times) {
  const auto first = std::lower_bound(times.begin(), times.end(), less_rounding(a.from, times.back()));
  return {static_cast<std::size_t>(first - times.begin()), times.size()};
}

[[noreturn]] void refuse(const Analysis& a, const std::string& what) {
  throw Error(fmt::format("analysis '{}': {}", a.name, what));
}

std::size_t segment_of(const Analysis& a, std::size_t samples, double dt) {
  if (a.course->segment == 0) return samples / 4;
  return static_cast<std::size_t>(std::lround(a.course->segment / dt));
}

std::size_t axis_place(const Analysis& a, const Places& places, const std::string& purpose) {
  for (std::size_t i = 0; i < places.axes.size(); ++i)
    if (places.axes[i].name == a.axis) return i;
  refuse(a, fmt::format("'{}' has no axis '{}' {}. Name one with axis = ....", a.variable, a.axis, purpose));
}

RowAxis circuit_axis(const Experiment& e, const Axis& axis) {
  const AxisDeclaration& d = e.circuit.axis(axis.name);
  return {"/" + axis.name, d.description.empty() ? axis.name : d.description, d.unit.str(), d.coordinates()};
}

RowAxis own_axis(const Analysis& a, const std::string& name, const std::string& label, const std::string& unit,
                 std::vector<double> values) {
  return {"/axes/" + a.name + "/" + name, label, unit, std::move(values), true};
}

/// dt between the recorded times [s]. @throws Error where they are not evenly spaced
double sample_step(const Experiment& e, const Analysis& a, const std::vector<double>& times) {
  const auto [first, end] = read_times(a, times);
  if (end - first < 4)
    refuse(a, fmt::format("{} times are recorded from {} on, but a course needs at least 4. Record more of them ([run] "
                          "every).",
                          end - first, a.from));
  const double dt = times[1] - times[0];
  if (std::abs(times.back() - times[times.size() - 2] - dt) > 1e-6 * dt)
    refuse(a, "the duration is no multiple of every, but phases and spectra need evenly spaced samples.");
  return seconds(e, dt);
}

void require_weights(const Experiment& e, const Analysis& a, const Places& places) {
  const Shape& shape = e.circuit.parameter(a.course->weights).variable.shape();
  if (shape.rank() != 2 || shape[0].size != places.count || shape[1].size != places.count)
    refuse(a, fmt::format("the weights '{}' are {}, but '{}' has {} units: a matrix of {} x {} is needed.",
                          a.course->weights, shape.str_sizes(), a.variable, places.count, places.count, places.count));
}

void require_shape(const Experiment& e, const Analysis& a, const Places& places) {
  const CourseReading& c = *a.course;
  const std::size_t rank = places.axes.size();
  if (c.needs_phase() && places.complex != (c.phase == PhaseSource::own))
    refuse(a,
           places.complex
               ? fmt::format("'{}' is complex and has a phase of its own. Leave phase out.", a.variable)
               : fmt::format("where does the phase of '{}' come from? Say phase = \"angle\" (it is one), \"analytic\" "
                             "or \"generalised\".",
                             a.variable));
  if (!c.needs_phase() && places.complex)
    refuse(a, fmt::format("'{}' is complex, but spectra are of real variables. Name one of its parts.", a.variable));
  if (c.phase == PhaseSource::angle) {
    for (const std::string& name : {a.variable, c.with})
      if (const Unit unit = name.empty() ? Unit() : observable(e.circuit, name).value.unit(); !unit.dimensionless())
        refuse(a, fmt::format("'{}' is in [{}], but an angle is in rad, deg or without unit. Say phase = \"analytic\", "
                              "if it is a rhythm.",
                              name, unit.str()));
    if (c.measure == Measure::envelope) refuse(a, fmt::format("'{}' is an angle, which has no envelope.", a.variable));
  }
  switch (c.measure) {
    case Measure::local_order: {
      const std::size_t axis = axis_place(a, places, "along which places are neighbours");
      if (rank != 1) refuse(a, fmt::format("'{}' has {} axes, but neighbours lie along one.", a.variable, rank));
      const std::size_t n = places.axes[axis].size;
      if (e.circuit.axis(a.axis).circular && 2 * c.reach + 1 > n)
        refuse(a, fmt::format("a reach of {} goes more than once round a ring of {} places.", c.reach, n));
      break;
    }
    case Measure::link_order: require_weights(e, a, places); break;
    case Measure::chimera_index:
    case Measure::metastability: {
      const std::size_t n = places.axes[axis_place(a, places, "of communities")].size;
      if (n == places.count)
        refuse(a, fmt::format("the communities along axis '{}' have one place each of '{}', but an order is that of "
                              "several. Give the circuit an axis of communities and one of their members.",
                              a.axis, a.variable));
      if (c.measure == Measure::chimera_index && n < 2)
        refuse(a, "one community is there, but a variance across them needs two.");
      break;
    }
    case Measure::wave:
    case Measure::wave_vector: {
      if (rank != 1 && rank != 2)
        refuse(a, fmt::format("'{}' has {} axes, but waves travel along a line or over a sheet.", a.variable, rank));
      const bool sheet = c.measure == Measure::wave && c.wave >= WaveNumber::source_x;
      for (const auto& axis : places.axes)
        if (axis.size < (sheet ? 3U : 2U))
          refuse(a, fmt::format("axis '{}' has {} places, but at least {} are needed.", axis.name, axis.size,
                                sheet ? 3 : 2));
      if (sheet && rank != 2) refuse(a, "a source or a centre lies on a sheet of two axes.");
      break;
    }
    case Measure::space_time_spectrum:
      if (rank != 1)
        refuse(a, fmt::format("'{}' has {} axes, but wave numbers are those of a line.", a.variable, rank));
      break;
    default: break;
  }
  if (c.with.empty()) return;
  const Places others = places_of(e, c.with);
  if (others.axes == places.axes && others.complex == places.complex) return;
  const bool turned = std::ranges::is_permutation(others.axes, places.axes) && others.complex == places.complex;
  refuse(a, fmt::format("'{}' and '{}' {}, but are compared place by place.{}", a.variable, c.with,
                        turned ? "have the same axes in another order" : "differ in their axes",
                        turned ? " Define one of them with its axes in the order of the other." : ""));
}

/// One condition's course on its way through a measure.
class Reader {
 public:
  Reader(const Experiment& e, const System<double>& system, const Analysis& a, std::span<const double> parameters)
      : e_(e),
        system_(system),
        a_(a),
        c_(*a.course),
        p_(parameters),
        times_(output_times(e)),
        dt_(sample_step(e, a, times_)),
        places_(places_of(e, a.variable)) {
    std::tie(first_, end_) = read_times(a, times_);
    samples_ = end_ - first_;
  }

  std::vector<double> read(std::span<const double> course, std::span<const double> other) const {
    if (!c_.needs_phase()) return spectral(course, other);
    const auto signal = phasors(course, a_.variable);
    switch (c_.measure) {
      case Measure::metastability: return {metastability(orders(signal), communities())};
      case Measure::chimera_index: return {chimera_index(orders(signal), communities())};
      case Measure::phase_locking: return locking(signal, c_.with.empty() ? signal : phasors(other, c_.with));
      default: return over_times(signal, course);
    }
  }

 private:
  /// A real signal of one place, filtered.
  std::vector<double> real_signal(std::span<const double> course, std::size_t place) const {
    std::vector<double> x(samples_);
    for (std::size_t t = 0; t < samples_; ++t) x[t] = course[(first_ + t) * places_.count + place];
    return c_.band ? band_pass(x, dt_, c_.band->first, c_.band->second) : x;
  }

  /// Modulus and phase of every place at every time that is read, [t, places].
  std::vector<Complex> phasors(std::span<const double> course, const std::string& variable) const {
    const std::size_t n = places_.count;
    std::vector<Complex> z(samples_ * n);
    if (c_.phase == PhaseSource::own) {
      for (std::size_t i = 0; i < z.size(); ++i)
        z[i] = {course[2 * (first_ * n + i)], course[2 * (first_ * n + i) + 1]};
      return z;
    }
    if (c_.phase == PhaseSource::angle) {
      const double rad = observable(e_.circuit, variable).value.unit().to(Unit::parse("rad"));
      for (std::size_t i = 0; i < z.size(); ++i) z[i] = std::polar(1.0, rad * course[first_ * n + i]);
      return z;
    }
    for (std::size_t place = 0; place < n; ++place) {
      std::vector<double> x = real_signal(course, place);
      const double mean = std::accumulate(x.begin(), x.end(), 0.0) / static_cast<double>(samples_);
      double swing = 0;
      for (double& value : x) swing = std::max(swing, std::abs(value -= mean));
      if (swing <= 1e-13 * std::abs(mean)) continue;  // constant: without amplitude, and without phase
      const auto signal = c_.phase == PhaseSource::analytic ? analytic_signal(x) : generalised_phase(x, dt_, c_.lowest);
      for (std::size_t t = 0; t < samples_; ++t) z[t * n + place] = signal[t];
    }
    return z;
  }

  static std::vector<double> angles(std::span<const Complex> z) {
    std::vector<double> theta;
    for (const Complex& value : z) theta.push_back(std::abs(value) > 0 ? std::arg(value) : nan);
    return theta;
  }

  static double order(std::vector<double> theta, int moment) {
    std::erase_if(theta, [](double phase) { return !std::isfinite(phase); });
    return theta.empty() ? nan : std::abs(order_parameter(theta, moment));
  }

  std::size_t communities() const { return places_.axes[axis_place(a_, places_, "of communities")].size; }

  /// The order of each community, [t, communities].
  std::vector<double> orders(const std::vector<Complex>& z) const {
    const std::size_t axis = axis_place(a_, places_, "of communities");
    std::size_t inner = 1;
    for (std::size_t i = axis + 1; i < places_.axes.size(); ++i) inner *= places_.axes[i].size;
    const std::size_t n = communities();
    std::vector<double> r;
    for (std::size_t t = 0; t < samples_; ++t) {
      std::vector<std::vector<double>> members(n);
      for (std::size_t i = 0; i < places_.count; ++i) {
        const Complex& value = z[t * places_.count + i];
        members[i / inner % n].push_back(std::abs(value) > 0 ? std::arg(value) : nan);
      }
      for (auto& theta : members) r.push_back(order(std::move(theta), c_.moment));
    }
    return r;
  }

  /// |mean exp(i(a - b))| over the times at which both have a phase.
  double locked(const std::vector<Complex>& a, std::size_t i, const std::vector<Complex>& b, std::size_t j) const {
    std::vector<double> x, y;
    for (std::size_t t = 0; t < samples_; ++t) {
      const Complex& u = a[t * places_.count + i];
      const Complex& v = b[t * places_.count + j];
      if (!(std::abs(u) > 0 && std::abs(v) > 0)) continue;
      x.push_back(std::arg(u));
      y.push_back(std::arg(v));
    }
    return x.empty() ? nan : phase_locking_value(x, y);
  }

  std::vector<double> locking(const std::vector<Complex>& a, const std::vector<Complex>& b) const {
    std::vector<double> values;
    for (std::size_t i = 0; i < places_.count; ++i) {
      if (!c_.with.empty()) values.push_back(locked(a, i, b, i));
      for (std::size_t j = 0; j < places_.count && c_.with.empty(); ++j) values.push_back(locked(a, i, b, j));
    }
    return values;
  }

  std::vector<double> spectral(std::span<const double> course, std::span<const double> other) const {
    const std::size_t n = places_.count;
    if (c_.measure == Measure::space_time_spectrum) {
      std::vector<double> field(samples_ * n);
      for (std::size_t place = 0; place < n; ++place) {
        const auto x = real_signal(course, place);
        for (std::size_t t = 0; t < samples_; ++t) field[t * n + place] = x[t];
      }
      return space_time_spectrum(field, n, dt_, c_.spacing).power;
    }
    const std::size_t segment = segment_of(a_, samples_, dt_);
    std::vector<double> mean(segment / 2 + 1);
    for (std::size_t place = 0; place < n; ++place) {
      const auto x = real_signal(course, place);
      const bool alone = c_.measure == Measure::spectrum;
      const Spectra s = alone ? spectrum(x, dt_, segment) : spectra(x, real_signal(other, place), dt_, segment);
      for (std::size_t k = 0; k < mean.size(); ++k)
        mean[k] += (alone ? s.xx[k] : std::abs(s.coherency[k])) / static_cast<double>(n);
    }
    return mean;
  }

  /// Of every place at every time. A phase that is a state of a flow is not wrapped round, however far it gets between
  /// samples, unless a jump takes it back; of others the nearest turn is taken.
  std::vector<double> frequencies(const std::vector<Complex>& z, std::span<const double> course) const {
    std::vector<double> all(z.size());
    if (c_.phase == PhaseSource::angle && system_.states().find(a_.variable) && e_.circuit->events.empty() &&
        !system_.is_map()) {
      const double turns = observable(e_.circuit, a_.variable).value.unit().to(Unit::parse("rad")) / (2 * pi);
      const std::size_t n = places_.count;
      const auto theta = course.subspan(first_ * n);
      for (std::size_t i = 0; i < all.size(); ++i) {
        const std::size_t j = i + n < all.size() ? i : i - n;  // the last repeats the one before
        all[i] = turns * (theta[j + n] - theta[j]) / dt_;
      }
      return all;
    }
    std::vector<Complex> one(samples_);
    for (std::size_t place = 0; place < places_.count; ++place) {
      for (std::size_t t = 0; t < samples_; ++t) one[t] = z[t * places_.count + place];
      const auto f = instantaneous_frequency(one, dt_);
      for (std::size_t t = 0; t < samples_; ++t) all[t * places_.count + place] = std::abs(one[t]) > 0 ? f[t] : nan;
    }
    return all;
  }

  PhaseMap map(std::span<const Complex> now) const {
    const bool sheet = places_.axes.size() == 2;
    return {now, sheet ? places_.rows().size : 1, places_.columns().size, c_.spacing};
  }

  /// The places of one time with x along columns.
  template <class T>
  std::vector<T> sheet(std::span<const T> now) const {
    if (!places_.turned()) return {now.begin(), now.end()};
    std::vector<T> upright;
    for (std::size_t r = 0; r < places_.rows().size; ++r)
      for (std::size_t c = 0; c < places_.columns().size; ++c) upright.push_back(now[c * places_.rows().size + r]);
    return upright;
  }

  double wave_number(std::span<const Complex> now, std::span<const double> frequency) const {
    const PhaseMap m = map(now);
    if (std::ranges::none_of(now, [](const Complex& z) { return std::abs(z) > 0; })) return nan;
    const WaveField field = wave_field(m, frequency);
    const auto position = [&](std::size_t place, const Axis& axis) {
      const AxisDeclaration& d = e_.circuit.axis(axis.name);
      if (d.has_coordinates) return d.coordinates()[place];
      return c_.spacing * (static_cast<double>(place) - static_cast<double>(d.axis.size / 2));
    };
    const auto source = [&] { return source_point(field, m.rows, m.columns); };
    const auto centre = [&] { return rotation_centre(field, m.rows, m.columns); };
    switch (c_.wave) {
      case WaveNumber::direction: return field.direction * 180 / pi;
      case WaveNumber::directionality: return field.directionality;
      case WaveNumber::wavelength: return field.wavelength;
      case WaveNumber::speed: return field.mean_speed;
      case WaveNumber::source_x: return position(source().column, places_.columns());
      case WaveNumber::source_y: return position(source().row, places_.rows());
      case WaveNumber::centre_x: return position(centre().column, places_.columns());
      case WaveNumber::centre_y: return position(centre().row, places_.rows());
      case WaveNumber::target: return target_wave_test(m, source(), 0, c_.seed).correlation;
      case WaveNumber::target_p: return target_wave_test(m, source(), c_.shuffles, c_.seed).p;
      case WaveNumber::rotation: return rotating_wave_test(m, centre(), 0, c_.seed).correlation;
      case WaveNumber::rotation_p: return rotating_wave_test(m, centre(), c_.shuffles, c_.seed).p;
    }
    return nan;
  }

  std::vector<double> at_time(std::span<const Complex> now, std::span<const double> frequency) const {
    switch (c_.measure) {
      case Measure::order: return {order(angles(now), c_.moment)};
      case Measure::local_order: return local_order(angles(now), c_.reach, e_.circuit.axis(a_.axis).circular);
      case Measure::link_order: {
        const Field& f = system_.parameters().at(c_.weights);
        return {link_order(angles(now), p_.subspan(f.offset, f.size))};
      }
      case Measure::phase: return angles(now);
      case Measure::envelope: {
        std::vector<double> modulus;
        for (const Complex& z : now) modulus.push_back(std::abs(z));
        return modulus;
      }
      case Measure::frequency: return {frequency.begin(), frequency.end()};
      case Measure::wave_vector: {
        const auto upright = sheet(now);
        const WaveField field = wave_field(map(upright), sheet(frequency));
        std::vector<double> vectors;
        for (std::size_t i = 0; i < field.x.size(); ++i) {
          vectors.push_back(field.x[i]);
          if (places_.axes.size() == 2) vectors.push_back(field.y[i]);
        }
        return vectors;
      }
      default: return {wave_number(sheet(now), sheet(frequency))};
    }
  }

  /// What is measured at every time, along t or reduced to one row.
  std::vector<double> over_times(const std::vector<Complex>& z, std::span<const double> course) const {
    const std::size_t n = places_.count;
    const bool waves = c_.measure == Measure::wave || c_.measure == Measure::wave_vector;
    const auto frequency =
        waves || c_.measure == Measure::frequency ? frequencies(z, course) : std::vector<double>(z.size());
    const auto at = [&](std::size_t t) {
      return at_time(std::span(z).subspan(t * n, n), std::span(frequency).subspan(t * n, n));
    };
    if (!c_.against_time && a_.over_time == OverTime::last) return at(samples_ - 1);
    std::vector<double> rows;
    for (std::size_t t = 0; t < samples_; ++t) {
      const auto row = at(t);
      rows.insert(rows.end(), row.begin(), row.end());
    }
    const std::size_t width = rows.size() / samples_;
    if (c_.against_time) return rows;
    std::vector<double> result;
    std::vector<double> one(samples_);
    for (std::size_t i = 0; i < width; ++i) {
      for (std::size_t t = 0; t < samples_; ++t) one[t] = rows[t * width + i];
      result.push_back(reduced(e_, a_, std::span(times_).subspan(first_), one));
    }
    return result;
  }

  const Experiment& e_;
  const System<double>& system_;
  const Analysis& a_;
  const CourseReading& c_;
  std::span<const double> p_;
  std::vector<double> times_;
  double dt_;
  Places places_;
  std::size_t first_ = 0, end_ = 0, samples_ = 0;
};

}  // namespace

std::vector<RowAxis> course_row(const Experiment& e, const Analysis& a) try {
  const CourseReading& c = *a.course;
  const Places places = places_of(e, a.variable);
  require_shape(e, a, places);
  const auto times = output_times(e);
  const double dt = sample_step(e, a, times);
  const auto [first, end] = read_times(a, times);
  const std::string hertz = per_second(e).str();
  std::vector<RowAxis> row;
  if (c.against_time) row.push_back(time_axis(e));
  const auto add_places = [&] {
    for (const auto& axis : places.axes) row.push_back(circuit_axis(e, axis));
  };
  switch (c.measure) {
    case Measure::local_order:
    case Measure::phase:
    case Measure::envelope:
    case Measure::frequency: add_places(); break;
    case Measure::wave_vector: {
      if (places.axes.size() == 2) row.push_back(circuit_axis(e, places.rows()));
      row.push_back(circuit_axis(e, places.columns()));
      std::vector<double> components{0};
      if (places.axes.size() == 2) components.push_back(1);
      row.push_back(own_axis(a, "component", "0 along x, 1 along y", "1", components));
      break;
    }
    case Measure::phase_locking:
      if (!c.with.empty()) {
        add_places();
        break;
      }
      for (const std::string name : {"place", "other"}) {
        std::vector<double> index(places.count);
        std::iota(index.begin(), index.end(), 0.0);
        row.push_back(own_axis(a, name, name, "1", index));
      }
      break;
    case Measure::coherence:
    case Measure::spectrum: {
      const std::size_t segment = segment_of(a, end - first, dt);
      const std::vector<double> silence(end - first);
      const auto f = c.measure == Measure::spectrum ? spectrum(silence, dt, segment).frequency
                                                    : spectra(silence, silence, dt, segment).frequency;
      row.push_back(own_axis(a, "frequency", "frequency", hertz, f));
      break;
    }
    case Measure::space_time_spectrum: {
      const auto s =
          space_time_spectrum(std::vector<double>((end - first) * places.count), places.count, dt, c.spacing);
      row.push_back(own_axis(a, "frequency", "frequency", hertz, s.frequency));
      row.push_back(own_axis(a, "wave_number", "wave number", inverse(c.length).str(), s.wave_number));
      break;
    }
    default: break;
  }
  if (2 * dt * c.lowest > 1)
    refuse(a, fmt::format("lowest = {} {}, but samples {} s apart hold frequencies up to {} {}.", c.lowest, hertz, dt,
                          0.5 / dt, hertz));
  if (c.band) band_pass(std::vector<double>(end - first, 0.0), dt, c.band->first, c.band->second);
  return row;
} catch (const Error& error) {
  const std::string message = error.what();
  throw Error(e.path, message.starts_with("analysis") ? message : fmt::format("analysis '{}': {}", a.name, message));
}

Unit course_unit(const Experiment& e, const Analysis& a) {
  const CourseReading& c = *a.course;
  const Unit unit = observable(e.circuit, a.variable).value.unit();
  switch (c.measure) {
    case Measure::phase: return Unit::parse("rad");
    case Measure::envelope: return unit;
    case Measure::frequency: return per_second(e);
    case Measure::wave_vector: return inverse(c.length);
    case Measure::spectrum: return per_second(e) == Unit() ? unit * unit : unit * unit / per_second(e);
    case Measure::space_time_spectrum: return unit * unit;
    case Measure::wave: break;
    default: return {};
  }
  switch (c.wave) {
    case WaveNumber::direction: return Unit::parse("deg");
    case WaveNumber::speed: return per_second(e) == Unit() ? c.length : c.length / Unit::parse("s");
    case WaveNumber::wavelength:
    case WaveNumber::source_x:
    case WaveNumber::source_y:
    case WaveNumber::centre_x:
    case WaveNumber::centre_y: return c.length;
    default: return {};
  }
}

std::vector<double> analyse_course(const Experiment& e, const System<double>& system, const Analysis& a,
                                   std::span<const double> course, std::span<const double> other,
                                   std::span<const double> parameters) try {
  return Reader(e, system, a, parameters).read(course, other);
} catch (const Error& error) {  // of this course's numbers: what does not suit the experiment was found before
  throw Failure(fmt::format("analysis '{}': {}", a.name, error.what()));
}

}  // namespace striate
