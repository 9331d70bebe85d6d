#include "sim/training_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "base/error.hpp"
#include "circuit/reparametrise.hpp"
#include "circuit/text.hpp"
#include "io/hdf5.hpp"
#include "sim/observable.hpp"
#include "sim/output_file.hpp"
#include "sim/recording.hpp"
#include "sim/sample_loss.hpp"
#include "sim/trained_parameters.hpp"

namespace striate {
namespace {

void write_parameters(H5File& file, const std::string& group, const Circuit& circuit,
                      const std::vector<double>& values) {
  std::size_t at = 0;
  for (const auto& p : circuit->parameters) {
    const Shape& shape = p.variable.shape();
    file.write(group + "/" + p.variable->name, std::span(values).subspan(at, shape.size()),
               axes_of(file, circuit, shape), {p.variable.unit().str(), p.description});
    at += shape.size();
  }
}

void write_curves(H5File& file, const TrainingExperiment& e, const TrainingState& s) {
  const auto write = [&](const std::string& name, const std::vector<double>& values, const std::string& axis,
                         const std::string& text) {
    file.write("/curves/" + name, values, {axis}, {"1", text});
    file.set_attribute("/curves/" + name, "kind", std::string("curve"));
  };
  if (!s.loss.empty()) {
    std::vector<double> updates(s.loss.size());
    for (std::size_t i = 0; i < updates.size(); ++i) updates[i] = static_cast<double>(i + 1);
    file.create_axis("/update", std::span<const double>(updates), {"1", "update"});
    write("loss", s.loss, "/update", "loss, mean over the batch");
    write("gradient_norm", s.gradient_norm, "/update", "norm of the gradient");
    write("rate", s.rate, "/update", "learning rate");
    const auto reported = report_names(e.gradient);
    for (std::size_t i = 0; i < reported.size(); ++i) {
      std::string text = reported[i];
      std::replace(text.begin(), text.end(), '_', ' ');
      write(reported[i], s.report[i], "/update", text + ", largest in the batch");
    }
  }
  if (s.validated.empty()) return;
  file.create_axis("/validated", std::span<const double>(s.validated), {"1", "updates before the validation"});
  write("held_out_loss", s.held_out_loss, "/validated", "loss, mean over held-out samples");
  for (std::size_t m = 0; m < e.loss.metrics.size(); ++m)
    write("held_out_" + e.loss.metrics[m], s.metrics[m], "/validated",
          e.loss.metrics[m] + ", mean over held-out samples");
}

/// What an optimiser remembers, as named vectors over the free parameters.
std::vector<std::pair<std::string, std::vector<double>>> memory_of(const TrainingState& s) {
  std::vector<std::pair<std::string, std::vector<double>>> all{{"parameters", s.p}, {"best_parameters", s.best_p}};
  if (!s.adam.first.empty()) {
    all.emplace_back("adam_first", s.adam.first);
    all.emplace_back("adam_second", s.adam.second);
  }
  for (std::size_t i = 0; i < s.lbfgs.size(); ++i) {
    all.emplace_back(fmt::format("lbfgs_step_{}", i), s.lbfgs[i].first);
    all.emplace_back(fmt::format("lbfgs_change_{}", i), s.lbfgs[i].second);
  }
  return all;
}

constexpr const char* data_digest = "/checkpoint/data";

void write_checkpoint(H5File& file, const TrainingExperiment& e, const TrainingState& s) {
  file.create_axis("/checkpoint/free_parameter", s.p.size());
  for (const auto& [name, values] : memory_of(s))
    file.write("/checkpoint/" + name, values, {"/checkpoint/free_parameter"});
  file.write_text(data_digest, e.data->digest());
  file.set_attribute("/checkpoint", "updates", static_cast<std::int64_t>(s.updates));
  file.set_attribute("/checkpoint", "adam_updates", static_cast<std::int64_t>(s.adam.updates));
  file.set_attribute("/checkpoint", "best_update", static_cast<std::int64_t>(s.best_update));
  file.set_attribute("/checkpoint", "best_loss", s.best_loss);
  file.set_attribute("/checkpoint", "without_gain", static_cast<std::int64_t>(s.without_gain));
  file.set_attribute("/checkpoint", "converged", static_cast<std::int64_t>(s.converged));
  file.set_attribute("/checkpoint", "stuck", static_cast<std::int64_t>(s.stuck));
}

/// Held-out samples as the circuit saw them, and what it did.
void write_examples(H5File& file, const TrainingExperiment& e, const TrainingNotes& notes) {
  std::vector<std::size_t> examples = e.held_out();
  examples.resize(notes.courses.size());
  std::vector<double> numbers(examples.begin(), examples.end());
  file.create_axis("/example", std::span<const double>(numbers), {"1", "number of the sample"});
  std::vector<double> sample(e.data->sample_size());
  std::vector<std::vector<double>> values(e.data->variables().size());
  for (const std::size_t index : examples) {
    e.data->sample(index, sample);
    auto from = sample.begin();
    for (std::size_t v = 0; v < values.size(); ++v) {
      const auto size = static_cast<std::ptrdiff_t>(e.data->variables()[v].shape.size());
      values[v].insert(values[v].end(), from, from + size);
      from += size;
    }
  }
  const auto all_axes = [&](std::vector<std::string> first, const Shape& shape) {
    const auto own = axes_of(file, e.circuit, shape);
    first.insert(first.end(), own.begin(), own.end());
    return first;
  };
  for (std::size_t v = 0; v < values.size(); ++v) {
    const DataVariable& variable = e.data->variables()[v];
    file.write("/examples/data/" + variable.name, values[v], all_axes({"/example"}, variable.shape),
               {variable.unit ? variable.unit->str() : "", variable.description});
  }
  std::vector<double> steps(e.plan.steps + 1);
  for (std::size_t n = 0; n < steps.size(); ++n) steps[n] = static_cast<double>(n);
  if (!e.plan.record.empty()) file.create_axis("/examples/n", std::span<const double>(steps), {"1", "step"});
  for (std::size_t i = 0; i < e.plan.record.size(); ++i) {
    const std::string& name = e.plan.record[i];
    const Observable recorded = observable(e.steps, name);
    std::vector<double> course;
    for (const auto& of_example : notes.courses)
      course.insert(course.end(), of_example[i].begin(), of_example[i].end());
    file.write("/examples/courses/" + name, course,
               all_axes({"/example", "/examples/n"}, recorded.value.shape().without({"batch"})),
               {recorded.value.unit().str(), recorded.description});
  }
}

std::int64_t integer(const H5File& file, const std::string& name) {
  const auto value = file.attribute("/checkpoint", name);
  if (!value || !std::holds_alternative<std::int64_t>(*value))
    throw Error(file.path(),
                fmt::format("the checkpoint has no '{}'. Is the file a training of another version?", name));
  return std::get<std::int64_t>(*value);
}

/// Throws where two texts differ, with the first line that does.
void require_same_text(const std::string& path, const std::string& what, const std::string& there,
                       const std::string& here) {
  if (there == here) return;
  const auto line_at = [](const std::string& text, std::size_t n) {
    std::size_t begin = 0;
    for (; n > 0 && begin != std::string::npos; --n)
      begin = text.find('\n', begin) == std::string::npos ? std::string::npos : text.find('\n', begin) + 1;
    return begin == std::string::npos ? std::string() : text.substr(begin, text.find('\n', begin) - begin);
  };
  for (std::size_t n = 0;; ++n)
    if (const std::string a = line_at(there, n), b = line_at(here, n); a != b)
      throw Error(path,
                  fmt::format("it belongs to another {}: '{}' there, but '{}' here. Train into another file, or use "
                              "--force to begin again.",
                              what, a, b));
}

void write_contents(H5File& file, const TrainingExperiment& e, const TrainingState& s, const TrainingNotes& notes) {
  file.set_attribute("/", "complete", static_cast<std::int64_t>(notes.complete));
  file.set_attribute("/", "kind", std::string("training"));
  write_provenance(file, e.title, e.circuit->name, e.plan.seed, notes.made_by);
  if (notes.complete) file.set_attribute("/", "finished", utc_now());
  file.set_attribute("/", "warnings", s.warnings);
  file.write_text("/experiment_toml", e.resolved);
  file.write_text("/experiment_path", e.path);
  file.write_text("/circuit_text", to_text(e.circuit));
  write_parameters(file, "/parameters", e.circuit, original_parameters(e.circuit, e.free, s.best_p));
  write_parameters(file, "/initial_parameters", e.circuit,
                   original_parameters(e.circuit, e.free, declared_values(e.free)));
  write_curves(file, e, s);
  write_checkpoint(file, e, s);
  if (!notes.courses.empty()) write_examples(file, e, notes);
}

}  // namespace

void write_training(const std::string& path, const TrainingExperiment& e, const TrainingState& s,
                    const TrainingNotes& notes) {
  try {
    write_whole(path, [&](H5File& file) { write_contents(file, e, s, notes); });
  } catch (const Failure& failure) {
    if (!std::filesystem::exists(path)) throw;
    const std::string what = failure.what(), reason = what.substr(0, what.find(". "));
    throw Failure(
        fmt::format("{}. The checkpoint after {} updates is lost, the one before it stands in '{}'. Free some "
                    "space, and go on with --resume.",
                    reason, s.updates, path));
  }
}

TrainingState read_training_state(const std::string& path, const TrainingExperiment& e) {
  const H5File file = open_trained(path, e.circuit);
  require_same_text(path, "circuit", file.read_text("/circuit_text"), to_text(e.circuit));
  require_same_text(path, "experiment", file.read_text("/experiment_toml"), e.resolved);
  TrainingState s;
  s.of_known_data = file.exists(data_digest);
  if (s.of_known_data) require_same_text(path, "data set", file.read_text(data_digest), e.data->digest());
  const auto vector = [&](const std::string& name) { return file.read_numbers("/checkpoint/" + name).values; };
  s.p = vector("parameters");
  s.best_p = vector("best_parameters");
  s.updates = static_cast<std::size_t>(integer(file, "updates"));
  s.adam.updates = static_cast<std::uint64_t>(integer(file, "adam_updates"));
  s.best_update = static_cast<std::size_t>(integer(file, "best_update"));
  s.without_gain = static_cast<std::size_t>(integer(file, "without_gain"));
  s.converged = integer(file, "converged") != 0;
  s.stuck = file.attribute("/checkpoint", "stuck") == H5Attribute(std::int64_t{1});
  if (const auto warnings = file.attribute("/", "warnings"); warnings && std::holds_alternative<std::string>(*warnings))
    s.warnings = std::get<std::string>(*warnings);
  if (const auto best = file.attribute("/checkpoint", "best_loss"); best && std::holds_alternative<double>(*best))
    s.best_loss = std::get<double>(*best);
  if (file.exists("/checkpoint/adam_first")) {
    s.adam.first = vector("adam_first");
    s.adam.second = vector("adam_second");
  }
  for (std::size_t i = 0; file.exists(fmt::format("/checkpoint/lbfgs_step_{}", i)); ++i)
    s.lbfgs.emplace_back(vector(fmt::format("lbfgs_step_{}", i)), vector(fmt::format("lbfgs_change_{}", i)));
  const auto curve = [&](const std::string& name) { return file.read_numbers("/curves/" + name).values; };
  if (file.exists("/update")) {
    s.loss = curve("loss");
    s.gradient_norm = curve("gradient_norm");
    s.rate = curve("rate");
    for (const auto& name : report_names(e.gradient)) s.report.push_back(curve(name));
  }
  s.metrics.resize(e.loss.metrics.size());
  if (file.exists("/validated")) {
    s.validated = file.read_numbers("/validated").values;
    s.held_out_loss = curve("held_out_loss");
    for (std::size_t m = 0; m < s.metrics.size(); ++m) s.metrics[m] = curve("held_out_" + e.loss.metrics[m]);
  }
  return s;
}

}  // namespace striate
