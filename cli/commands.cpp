#include "cli/commands.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>

#include "base/error.hpp"
#include "base/memory.hpp"
#include "base/unused_path.hpp"
#include "circuit/compile.hpp"
#include "circuit/kernels/kernels.hpp"
#include "circuit/text.hpp"
#include "cli/dynamics_commands.hpp"
#include "cli/limit_spinning.hpp"
#include "cli/python.hpp"
#include "cli/run_command.hpp"
#include "cli/spike_command.hpp"
#include "cli/sweep_command.hpp"
#include "cli/train_command.hpp"
#include "integrators/after_number.hpp"
#include "integrators/non_finite.hpp"
#include "io/hdf5.hpp"
#include "models/library.hpp"
#include "sim/compare_recordings.hpp"
#include "sim/condition_runner.hpp"
#include "sim/experiment_circuit.hpp"
#include "sim/output_file.hpp"
#include "sim/progress.hpp"
#include "sim/provenance.hpp"
#include "sim/recording.hpp"
#include "sim/run.hpp"
#include "sim/sweep.hpp"
#include "sim/train.hpp"

namespace striate {
namespace {

using Overrides = std::vector<std::pair<std::string, std::string>>;

/// A model of the library, or a circuit text file.
Circuit circuit_of(const std::string& name) {
  if (!name.ends_with(".circuit")) return model(name);
  return read_circuit_file(name);
}

double bytes_of_evaluation(const System<double>& system) {
  return static_cast<double>(system.workspace_bytes() + system.observation_bytes());
}

/// Units, shapes, values and ranges of all that the circuit names, the algorithms chosen, and the memory.
void describe(const Circuit& circuit, const System<double>& system) {
  fmt::print("circuit {}: {}\n", circuit->name, circuit->description);
  const auto line = [](std::string_view kind, const Field& f, const std::string& more = "") {
    fmt::print("  {:<10} {:<14} {:<10} {:<28} {}{}\n", kind, f.name, "[" + f.unit.str() + "]", f.shape.str_sizes(),
               more, f.description);
  };
  for (const auto& f : system.states()) line("state", f);
  const auto line_of = [&](std::string_view kind, const auto& declared) {
    for (const auto& d : declared) line(kind, system.inputs().at(d.variable->name));
  };
  line_of("input", circuit->inputs);
  line_of("noise", circuit->noises);
  for (const auto& f : system.parameters()) {
    const Parameter& p = circuit.parameter(f.name);
    line("parameter", f,
         fmt::format("{}{}{}",
                     p.value.size() == 1 ? fmt::format("{}", p.value[0]) : fmt::format("{} values", p.value.size()),
                     p.range.unbounded() ? "" : " in " + p.range.str(), f.description.empty() ? "" : "; "));
  }
  for (const auto& d : circuit->definitions)
    line("definition", {d.name, d.description, d.value.unit(), d.value.shape()});
  for (const auto& e : system.events()) {
    constexpr std::string_view kinds[] = {"event", "poisson", "train"};
    line(kinds[static_cast<std::size_t>(e.cause)], Field{e.name, "", Unit(), e.shape}, e.holds ? "refractory" : "");
  }
  for (const auto& p : system.projections()) {
    const auto most = most_synapses(p.rule, p.pre, p.post);
    fmt::print("  projection {:<14} {} of {} to {} elements, {} synapses, {} while they are drawn\n", p.name,
               p.pre.size(), system.events()[p.event].name, p.post.size(),
               p.synapses ? fmt::format("{}", p.synapses->size())
                          : fmt::format("{}{}", p.rule.rule == Connectivity::Rule::random ? "at most " : "", most),
               bytes_text(8.0 * static_cast<double>(most)));
  }
  for (const auto& a : system.algorithms()) fmt::print("  {}: {} ({})\n", a.operation, a.algorithm, a.reason);
  fmt::print("  state {}; memory of one evaluation {}\n", bytes_text(8.0 * static_cast<double>(system.states().size())),
             bytes_text(bytes_of_evaluation(system)));
}

/// Conditions run on threads, and so does the work of an evaluation unless the circuit is small.
bool may_use_threads(const Experiment& e) {
  std::size_t states = 0;
  for (const auto& s : e.circuit->states) states += s.variable.shape().size();
  return e.condition_count() > 1 || states > 256;
}

void check_training(const TrainingExperiment& e) {
  const System<double> system = compile<double>(e.map);
  describe(e.circuit, compile<double>(e.circuit));
  fmt::print(
      "training: {}\n  {} samples to learn from, {} held out; {} updates of {} samples, {} steps of the circuit each\n",
      e.title, e.training_samples(), e.plan.held_out, e.plan.updates, e.plan.batch, e.plan.steps);
  fmt::print("  {} of {} parameters are trained\n", std::count(e.moves.begin(), e.moves.end(), true), e.moves.size());
  const double bytes = e.plan.single ? 4 : 8;
  fmt::print("  states kept for one evaluation: {} for all steps\n",
             bytes_text(bytes * static_cast<double>(system.states().size() * e.plan.steps)));
  // Parameters at the start, at the best and now, and two moments of each; three curves.
  fmt::print("  output {}, and the examples\n",
             bytes_text(8 * static_cast<double>(5 * e.moves.size() + 3 * e.plan.updates)));
}

/// Of [prc] and [continuation], which are no run of conditions.
void describe_dynamics(const Experiment& e) {
  double states = 0;
  for (const auto& s : e.circuit->states) states += static_cast<double>(s.variable.shape().size());
  if (e.lyapunov)
    fmt::print("  largest Lyapunov exponent over {0:g}{2} in steps of {1:g}{2}\n", e.lyapunov->duration,
               e.lyapunov->step, after_number(e.circuit->time_unit));
  if (e.prc) {
    const double curves = 2 * states + (e.prc->coupling.empty() ? 1 : 3);
    fmt::print("  phase response at {} phases of a turn, output {}\n", e.prc->cycle.samples,
               bytes_text(8 * curves * static_cast<double>(e.prc->cycle.samples + 1)));
  }
  if (e.continuation) {
    const auto& s = e.continuation->settings;
    fmt::print("  branches along {}, each of at most {} points, output up to {} a branch\n", s.parameter, s.most_points,
               bytes_text(8 * (2 * states + 3) * static_cast<double>(s.most_points)));
  }
}

/// Whether one evaluation, with the synapses drawn that it needs, takes seconds at most.
bool is_cheap(const System<double>& system) {
  constexpr double most_bytes = 1 << 28, most_drawn = 1e6;
  double synapses = 0;
  for (const auto& p : system.projections()) synapses += static_cast<double>(most_synapses(p.rule, p.pre, p.post));
  const std::size_t values =
      2 * system.states().size() + system.observables().size() + system.inputs().size() + system.parameters().size();
  return bytes_of_evaluation(system) + 8.0 * static_cast<double>(values) < most_bytes && synapses < most_drawn;
}

/// With every input 0. @throws Error for what cannot be computed; Failure where, without inputs, a rate is not finite
void evaluate_once(const System<double>& system) {
  auto workspace = system.workspace();
  const auto p = system.default_parameters();
  const std::vector<double> u(system.inputs().size());
  std::vector<double> y(system.states().size()), rates(y.size()), observables(system.observables().size());
  if (!y.empty()) {
    system.initial(p, u, y, workspace);
    system.rhs({0, y, p, u}, rates, workspace);
    const std::string bad = told_of_non_finite(system, 0, y, rates);
    if (u.empty() && !bad.empty()) throw Failure(fmt::format("circuit '{}': {}.", system.name(), bad));
  }
  if (!observables.empty()) system.observe({0, y, p, u}, observables, workspace);
}

void check(const std::string& path, const Overrides& overrides) {
  if (!path.ends_with(".toml")) {
    if (!overrides.empty())
      throw Error(path, "--set is for the keys of an experiment, but this is a circuit. Leave it out.");
    const Circuit circuit = circuit_of(path);
    const System<double> system = compile<double>(circuit);
    if (is_cheap(system)) evaluate_once(system);
    return describe(circuit, system);
  }
  if (TomlDocument::parse_file(path).root().has("train")) return check_training(load_training(path, overrides));
  const Experiment e = load_experiment(path, overrides);
  require_recordable(path, e);
  const ConditionRunner runner(e);
  const bool runs = !e.prc && !e.continuation && !e.lyapunov;
  if (runs && is_cheap(runner.system())) runner.try_start();
  describe(e.circuit, runner.system());
  fmt::print("experiment: {}\n  {} conditions", e.title, e.condition_count());
  for (const auto& c : e.conditions)
    fmt::print("{} {} ({} values)", &c == &e.conditions.front() ? ":" : " x", c.name, c.values.size());
  fmt::print("\n");
  if (!runs) return describe_dynamics(e);
  fmt::print("  method {}{}\n", e.run.method,
             e.run.steady ? ""
                          : fmt::format(", {}{}, {} recorded times", e.run.duration,
                                        e.circuit->time_unit.dimensionless() ? "" : " ms", runner.times().size()));
  for (const auto& a : e.analyses)
    fmt::print("  analysis {}: of {} [{}]\n", a.name, a.spikes ? a.spikes->event : a.variable, a.unit);
  const bool spikes = std::ranges::any_of(e.circuit->events, [&](const auto& v) { return e.run.records_spikes(v); });
  fmt::print("  output {}{}\n", bytes_text(recorded_bytes(e)), spikes ? ", and 16 B for each spike" : "");
  for (const auto& warning : e.warnings) fmt::print("  warning: {}\n", warning);
}

void list_models() {
  for (const auto& m : model_texts()) fmt::print("{:<20} {}\n", m.name, model(m.name)->description);
}

/// @throws Error for a picture that cannot be written
void require_picture(const std::string& path) {
  const std::vector<std::string> kinds{".svg", ".png", ".pdf"};
  const std::filesystem::path file(path);
  if (std::ranges::count(kinds, file.extension().string()) == 0)
    throw Error(path, "a picture ends in .svg, .png or .pdf. Choose another name with -o.");
  std::error_code none;
  if (!std::filesystem::is_directory(std::filesystem::absolute(file).parent_path(), none))
    throw Error(path, "the folder does not exist. Choose one that does with -o.");
}

/// What a group holds: shapes, the values of single numbers, and scores against data.
void list_contents(const H5File& file, const std::string& group, int depth = 0) {
  for (const auto& name : file.datasets(group)) {
    const std::string path = group + name;
    const auto shape = file.shape(path);
    fmt::print("  {:<24}", path);
    if (!shape.empty())
      fmt::print(" {}", fmt::join(shape, " x "));
    else if (file.type(path) != H5Type::text)
      fmt::print(" {:g}", file.read_numbers(path).values.at(0));
    for (const std::string score : {"r", "r2", "rms"})
      if (const auto v = file.attribute(path, score); v && std::holds_alternative<double>(*v))
        fmt::print("  {} = {:.4g}", score, std::get<double>(*v));
    fmt::print("\n");
  }
  constexpr int deepest = 16;  // groups may hold themselves
  if (depth == deepest) return;
  for (const auto& name : file.groups(group)) list_contents(file, group + name + "/", depth + 1);
}

void info(const std::string& path) {
  const H5File file = open_recording(path);
  const auto text = [&](const std::string& name) {
    const auto value = file.attribute("/", name);
    if (!value) return std::string("-");
    if (const auto* s = std::get_if<std::string>(&*value)) return *s;
    if (const auto* i = std::get_if<std::int64_t>(&*value)) return fmt::format("{}", *i);
    return std::string("-");
  };
  for (const std::string name : {"title", "circuit", "method", "command", "created", "finished", "complete",
                                 "striate_version", "striate_commit", "instruction_set", "threads", "seed", "warnings"})
    fmt::print("{:<16} {}\n", name, text(name));
  if (file.attribute("/", "sweep")) {
    const auto status = file.read_integers("/status");
    fmt::print("{:<16} {} points: {} done, {} failed, {} pending\n", "sweep", status.size(),
               std::ranges::count(status, 1), std::ranges::count(status, 2), std::ranges::count(status, 0));
  }
  const std::string recorded = "/run/recorded_until";
  if (text("complete") == "0" && file.exists(recorded))
    fmt::print("{:<16} {:g} {} (by condition)\n", "recorded until", fmt::join(file.read_numbers(recorded).values, ", "),
               std::get<std::string>(file.attribute(recorded, "units").value_or(H5Attribute(std::string()))));
  if (const std::string earlier = told_of_earlier(path); !earlier.empty())
    fmt::print("{:<16} {}\n", "beside it", earlier);
  list_contents(file, "/");
}

/// A file that goes with its name's holder.
struct TemporaryFile {
  std::string path;
  explicit TemporaryFile(std::string p) : path(std::move(p)) {}
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  ~TemporaryFile() {
    std::error_code none;
    std::filesystem::remove(path, none);
  }
};

std::string text_attribute(const H5File& file, const std::string& name) {
  const auto value = file.attribute("/", name);
  return value && std::holds_alternative<std::string>(*value) ? std::get<std::string>(*value) : "";
}

void rerun(const std::string& given, bool quiet, const std::string& command_line) {
  const std::string path = std::filesystem::absolute(given).string();
  bool sweep = false;
  std::string kind, text, origin, circuit, folder, instructions;
  {
    const H5File file = open_recording(given);
    if (!file.exists("/experiment_toml") || !file.exists("/experiment_path"))
      throw Error(given, "the file holds no experiment, and so cannot be made again.");
    if (const auto complete = file.attribute("/", "complete"); *complete != H5Attribute(std::int64_t{1}))
      throw Error(given, fmt::format("the run was broken off, and there is nothing whole to compare with. {}",
                                     file.attribute("/", "sweep") || file.exists("/checkpoint")
                                         ? "Finish it first, with --resume."
                                         : "Run it again."));
    sweep = file.attribute("/", "sweep").has_value();
    kind = text_attribute(file, "kind");
    folder = text_attribute(file, "folder");
    instructions = text_attribute(file, "instruction_set");
    text = file.read_text("/experiment_toml");
    origin = file.read_text("/experiment_path");
    circuit = file.read_text("/circuit_text");
  }
  if (std::error_code none; std::filesystem::exists(std::filesystem::path(folder) / origin, none))
    std::filesystem::current_path(folder, none);  // where the names of files are those of the recording
  const TemporaryFile again(unused_path(path + ".rerun.h5"));
  const RunOptions options{again.path, true, quiet, 0, command_line};
  try {
    TomlDocument document = TomlDocument::parse_string(text, origin);
    if (sweep)
      run_sweep(sweep_of_recording(path), {options});
    else if (document.root().has("train"))
      train(read_training(document, origin), {options});
    else {
      const Experiment e = read_experiment(document, origin);
      if (to_text(e.circuit) != circuit)
        throw Error(given, fmt::format("the circuit '{}' is not the one of this recording. Its equations lie there as "
                                       "/circuit_text.",
                                       e.circuit->name));
      run_of_kind(kind)(e, options);
    }
  } catch (const Interrupted&) {
    throw Interrupted("nothing is left of the new run");
  }
  const std::string difference = compare_recordings(path, again.path);
  const std::string_view here = isa_name(isa_level());
  if (!difference.empty())
    throw Failure(fmt::format("the new run differs from '{}': {}{}", given, difference,
                              instructions == here
                                  ? std::string()
                                  : fmt::format(". That was made with the instruction set {0}, this one with {1}, and "
                                                "their sums round differently: compare under STRIATE_ISA={0}.",
                                                instructions, here)));
  fmt::print("the same bits\n");
}

}  // namespace

void add_commands(CLI::App& app, const std::string& command_line) {
  struct Options {
    std::string file, output;
    std::vector<std::string> overrides;
    bool quiet = false;
  };
  const auto options = std::make_shared<Options>();

  auto* run = app.add_subcommand(
      "run",
      "Runs an experiment and records it.\n  striate run examples/tilt_illusion.toml -o tilt.h5 --set parameters.xi=3");
  const auto given = add_run_options(*run, "experiment", ".h5");
  run->callback([given, command_line] {
    watch_for_interrupt();
    const Experiment e = load_experiment(given->experiment, given->overrides());
    if (may_use_threads(e)) limit_spinning();
    run_experiment(e, given->options(command_line));
    if (!given->quiet) fmt::print("recorded in {}\n", given->output());
  });

  add_sweep_command(app, command_line);
  add_train_command(app, command_line);
  add_dynamics_commands(app, command_line);
  add_spike_command(app, command_line);
  add_samples_command(app);

  auto* check_command =
      app.add_subcommand("check",
                         "Checks units, shapes, ranges, memory and output size, and evaluates the circuit once.\n  "
                         "striate check examples/tilt_illusion.toml");
  check_command->add_option("file", options->file, "an experiment (TOML), a circuit file or a model's name")
      ->required()
      ->check(not_empty);
  check_command->add_option("--set", options->overrides, "KEY=VALUE")->allow_extra_args(false);
  check_command->callback([options] { check(options->file, split_overrides(options->overrides)); });

  auto* list = app.add_subcommand("list", "Lists the models of the library.\n  striate list");
  list->callback(list_models);

  auto* show = app.add_subcommand(
      "show",
      "Prints a model: equations, parameters with units and ranges, source, regimes.\n  striate show contextual");
  show->add_option("model", options->file, "a model's name or a circuit file")->required()->check(not_empty);
  show->callback([options] {
    if (options->file.ends_with(".circuit"))
      fmt::print("{}", to_text(circuit_of(options->file)));
    else
      fmt::print("{}", model_text(options->file).text);
  });

  auto* info_command =
      app.add_subcommand("info", "Tells what made a recording and what it holds.\n  striate info tilt_illusion.h5");
  info_command->add_option("recording", options->file, "a recording (HDF5)")->required()->check(not_empty);
  info_command->callback([options] { info(options->file); });

  auto* rerun_command =
      app.add_subcommand("rerun", "Makes a recording again and compares the two.\n  striate rerun tilt_illusion.h5");
  rerun_command->add_option("recording", options->file, "a recording (HDF5)")->required()->check(not_empty);
  rerun_command->add_flag("-q,--quiet", options->quiet, "print nothing but the verdict");
  rerun_command->callback([options, command_line] {
    limit_spinning();
    watch_for_interrupt();
    rerun(options->file, options->quiet, command_line);
  });

  auto* plot = app.add_subcommand(
      "plot", "Draws the picture of a recording.\n  striate plot tilt_illusion.h5 -o tilt_illusion.png");
  plot->add_option("recording", options->file, "a recording (HDF5)")->required()->check(not_empty);
  plot->add_option("-o,--output", options->output,
                   "the picture (.svg, .png or .pdf); default: the recording's name with .svg")
      ->check(not_empty);
  plot->callback([options] {
    open_recording(options->file);
    const std::string output = options->output.empty()
                                   ? std::filesystem::path(options->file).replace_extension(".svg").string()
                                   : options->output;
    require_picture(output);
    run_python({"-m", "striate.plot", options->file, "-o", output});
    fmt::print("drawn in {}\n", output);
  });
}

}  // namespace striate
