#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "circuit/circuit.hpp"
#include "integrators/lyapunov.hpp"
#include "integrators/spike_record.hpp"
#include "io/toml.hpp"
#include "sim/continuation_plan.hpp"
#include "sim/course_reading.hpp"
#include "sim/decode.hpp"
#include "sim/encoder.hpp"
#include "sim/over_time.hpp"
#include "sim/phase_response_plan.hpp"
#include "sim/spike_reading.hpp"
#include "sim/stimulus.hpp"

namespace striate {

/// One variable that changes between conditions, with its values.
struct ConditionAxis {
  std::string name;
  std::vector<double> values;
  Unit unit;
  std::string description;
  std::vector<std::string> labels;  ///< what the values stand for, where they are codes; else empty
};

/// A published curve or table to set beside an analysis.
struct Comparison {
  std::string file;
  std::string x_column, y_column;
  std::vector<std::pair<std::string, std::string>> where;  ///< rows with this text in this column
  std::vector<std::pair<std::string, std::string>> match;  ///< column equal to a condition variable: one panel each
  bool fit_amplitude = false;  ///< arbitrary units: one factor for the whole analysis, by least squares
  bool in_order = false;       ///< rows pair with conditions in file order, not by abscissa
  double x_step = 0;           ///< abscissae are rounded to its multiples, where those are nominal; 0: as they stand
  double average_within = 0;   ///< rows are averaged whose abscissae lie no further apart; 0: none
  std::optional<std::pair<double, double>> x_range;  ///< rows with other abscissae are left out
  double y_scale = 1;
  std::string source;
};

/// How an analysis sets a response beside that of a reference condition.
enum class Relation {
  difference,   ///< R - R0
  ratio,        ///< R/R0; not a number where R0 is 0
  suppression,  ///< 1 - R/R0, likewise
};

/// One number (or, for tuning curves and time courses, one row of numbers) per condition.
struct Analysis {
  enum class Kind { decode, response, tuning, peak, contrast, course, spikes } kind = Kind::decode;
  std::string name;
  std::string variable;  ///< a state, definition or input
  std::string axis;      ///< along which it is read or decoded: the encoder's unless said otherwise
  Decoder decoder = Decoder::population_vector;
  /// Whether it comes out as a share of a reference, and so without unit.
  bool is_share() const { return (!reference.empty() || relative_to_largest) && relation != Relation::difference; }
  bool trained = false;                          ///< decode: by the linear decoder of [training] instead
  std::pair<std::size_t, std::size_t> channels;  ///< contrast: their difference over the sum of all channels
  bool relative_to_input = false;    ///< decode: minus what the same decoder reads from the encoder's input there
  bool relative_to_largest = false;  ///< the reference is the largest value along `against`
  std::vector<std::pair<std::string, TomlValue>> reference;  ///< condition variables of the reference, as expressions
  Relation relation = Relation::difference;
  std::vector<std::pair<std::string, double>> only;  ///< conditions with other values are left out
  std::vector<std::string> average_over;             ///< condition variables
  std::optional<double> projected_on;                ///< decode: the cosine of its angle to this feature instead
  std::string midpoint_over;                         ///< the condition variable whose midpoint() is the result
  std::optional<CourseReading> course;               ///< course: what is measured of it
  std::optional<SpikeReading> spikes;                ///< spikes: what is measured of an event's
  std::optional<double> feature;                     ///< response: at the element of `axis` that lies or prefers here
  double y = 0, x = 0;                               ///< elements from the middle of the grid
  std::vector<std::pair<std::string, std::size_t>> place;  ///< elements of other axes
  OverTime over_time = OverTime::last;                     ///< what the course in time becomes, unless it lies along t
  /// Whether it reads the state after every step: a rhythm that recorded times miss would look slower.
  bool on_steps() const { return over_time == OverTime::frequency && !course; }
  double from = 0;      ///< the time from which on, in the circuit's time unit
  double scale = 1;     ///< the result is multiplied by it
  std::string against;  ///< the condition variable along the abscissa, or "t"
  std::string label, unit;
  std::optional<Comparison> comparison;
};

/// How the circuit is run in each condition: unless told otherwise, as [run] without keys.
struct RunPlan {
  bool steady = true;
  std::string method;
  bool from_steady = false;  ///< a course in time starts at the steady state of what is shown at its start
  double duration = 0;       ///< ms; plain numbers where the circuit's time has no unit
  double tolerance = 1e-10;
  double absolute = 1e-12;  ///< in each state's unit
  double step = 0;          ///< ms, for fixed-step methods
  double every = 1;         ///< ms between recorded points
  bool grid = false;        ///< spikes lie on the grid of steps
  bool single = false;      ///< in single precision
  bool sonata = false;      ///< spikes are recorded in the SONATA layout
  std::vector<std::string> implicit;
  std::vector<std::string> record;
  std::vector<std::string> sources;  ///< Poisson sources whose spikes are recorded
  std::uint64_t seed = 0;

  /// Spikes that random sources send are many, and known by their seed: they are recorded where that is asked for.
  bool records_spikes(const EventRule& event) const;
};

struct Experiment;

/// What a linear decoder learns from: conditions of their own, with their own stimulus.
struct Training {
  std::shared_ptr<const Experiment> conditions;
  std::string target;  ///< the condition variable to be read, an angle
  double period = 0;   ///< rad, after which angles are the same
  double ridge = 0;
};

/// An experiment as resolved from TOML: circuit, values, stimulus, conditions, run and analyses.
struct Experiment {
  explicit Experiment(Circuit given) : circuit(std::move(given)) {}

  std::string title;
  std::string path;
  Circuit circuit;  ///< with its lesions, and the parameters of the first condition
  std::shared_ptr<Stimulus> stimulus;
  VisualField field;
  std::vector<std::pair<std::string, std::shared_ptr<Encoder>>> encoders;  ///< by input
  std::vector<std::pair<std::string, TomlValue>> given_inputs;             ///< uniform, constant in time
  std::vector<VariedParameter> varied_parameters;
  std::optional<FeatureMap> map;
  std::string feature_axis = "feature";
  std::vector<ConditionAxis> conditions;
  RunPlan run;
  std::vector<SpikeTrain> trains;  ///< of the circuit's recorded sources
  std::vector<Analysis> analyses;
  std::optional<Training> training;
  std::optional<PhaseResponsePlan> prc;
  std::optional<ContinuationPlan> continuation;
  std::optional<LyapunovSettings> lyapunov;
  std::string resolved;               ///< as TOML
  std::vector<std::string> warnings;  ///< what may be a mistake

  std::size_t condition_count() const;
  Variables condition(std::size_t index) const;
  std::string condition_text(std::size_t index) const;  ///< "contrast = 5 %, size = 2 deg"

  /// The values that parameters take in one condition, where they are expressions of condition variables.
  /// @throws Error for a value outside the parameter's range
  std::vector<std::pair<VariedParameter, double>> parameters(std::size_t index) const;

  /// What the positions along an axis of the circuit stand for: features of the encoder on its axis, the circuit's own
  /// coordinates on others.
  FeatureMap features(const std::string& axis) const;
  /// What a decoded value of an analysis is: a feature along its axis, or of a trained decoder an angle of its period.
  FeatureMap decoded_features(const Analysis& a) const;
};

/// The recorded times of an experiment in its circuit's time unit: 0, every, 2 every, ... and the end. Empty for steady
/// states.
std::vector<double> output_times(const Experiment& experiment);

/// What one ms is in the circuit's time unit.
double ms_in_time_units(const Circuit& circuit);

/// The values of condition `index` of a grid of variables, the last of which changes fastest.
Variables condition_at(const std::vector<ConditionAxis>& axes, std::size_t index);

/// Reads and checks a whole experiment. @throws Error with file, line, key, value and the nearest valid names
Experiment read_experiment(TomlDocument& document, const std::string& path);

/// The experiment of a file, with `--set` overrides (key, value) applied.
Experiment load_experiment(const std::string& path,
                           const std::vector<std::pair<std::string, std::string>>& overrides = {});

}  // namespace striate
