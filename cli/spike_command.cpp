#include "cli/spike_command.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <omp.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <numeric>
#include <utility>

#include "base/error.hpp"
#include "sim/analysis_record.hpp"
#include "sim/output_file.hpp"
#include "sim/provenance.hpp"
#include "sim/quantity.hpp"
#include "sim/recording.hpp"
#include "sim/spike_distance.hpp"
#include "sim/spike_file.hpp"

namespace striate {
namespace {

struct Given {
  SpikePlace place;
  SpikeMeasure measure;
  std::string decay, rise, cost, from, to, output;
  std::vector<std::int64_t> elements;
  bool force = false, quiet = false;
};

/// A quantity of an option in the unit of the file's times; a file without unit takes plain numbers.
double value(const std::string& text, const std::string& option, const Unit& unit, double fallback) {
  if (text.empty()) return fallback;
  try {
    return evaluate(text, unit, {}, "--" + option);
  } catch (const Error&) {
    if (!(unit == Unit())) throw;
    throw Error("--" + option,
                fmt::format("{}, but the times of the file have no unit, and a plain number is wanted.", text));
  }
}

/// Each measure has its own settings.
void require_settings(const Given& given) {
  const struct {
    std::string option, measure;
    const std::string& text;
    bool needed;
  } settings[] = {{"--decay", "van_rossum", given.decay, true},
                  {"--rise", "van_rossum", given.rise, false},
                  {"--cost", "victor_purpura", given.cost, true}};
  for (const auto& s : settings) {
    const bool own = given.measure.name == s.measure;
    if (own && s.needed && s.text.empty()) throw Error(s.measure, fmt::format("{} is missing. Give it.", s.option));
    if (!own && !s.text.empty())
      throw Error(s.option,
                  fmt::format("is of {}, but the measure is {}. Leave it out.", s.measure, given.measure.name));
  }
}

/// The first of the elements that are compared, and the one after the last.
std::pair<std::size_t, std::size_t> elements_of(const Given& given, const SpikeList& spikes) {
  const auto all = static_cast<std::size_t>(spikes.elements);
  if (given.elements.empty()) {
    if (all < 2 || all > 20000)
      throw Error(given.place.file, fmt::format("has spikes of {} elements, but 2 to 20000 are compared.{}", all,
                                                all < 2 ? "" : " Name a range with --elements."));
    return {0, all};
  }
  const std::int64_t first = given.elements[0], end = given.elements[1];
  if (first < 0 || first + 1 >= end || end - first > 20000)
    throw Error("--elements",
                fmt::format("{} to {}, the end excluded, is no range of 2 to 20000 elements.", first, end));
  if (spikes.counted && end > spikes.elements)
    throw Error("--elements",
                fmt::format("{} to {}, the end excluded, but {} has {} elements.", first, end, given.place.file, all));
  return {static_cast<std::size_t>(first), static_cast<std::size_t>(end)};
}

void distances(Given given, const std::string& command_line) {
  const SpikeList spikes = read_spikes(given.place);
  const OutputPlace output(given.output);
  require_free(output.path(), given.force);
  std::error_code none;
  if (std::filesystem::equivalent(given.output, given.place.file, none))
    throw Error(given.output, "the spikes are read from this file. Choose another output with -o.");
  if (!spikes.warning.empty() && !given.quiet)
    std::fputs(fmt::format("striate: warning: {}\n", spikes.warning).c_str(), stderr);
  const Unit& unit = spikes.unit;
  require_settings(given);
  const std::pair<std::size_t, std::size_t> range = elements_of(given, spikes);
  const std::size_t first = range.first, end = range.second;
  SpikeMeasure& m = given.measure;
  m.decay = value(given.decay, "decay", unit, 0);
  m.rise = value(given.rise, "rise", unit, 0);
  m.cost = value(given.cost, "cost", unit == Unit() ? unit : Unit::parse("1/" + unit.str()), 0);
  m.window = {value(given.from, "from", unit, spikes.times.empty() ? 0 : std::min(0.0, spikes.times.front())),
              value(given.to, "to", unit, spikes.end)};
  if (given.to.empty() && spikes.times.empty() && !(spikes.end > 0))
    throw Error(given.place.file, "has no spikes, and does not say how long it lasts. Give the end with --to.");
  const auto trains = spike_trains(spikes, first, end, given.place.file);

  AnalysisResult result;
  result.values = spike_distances(trains, m);
  std::vector<double> ids(trains.size());
  std::iota(ids.begin(), ids.end(), static_cast<double>(first));
  for (const std::string name : {"element", "other"})
    result.row.push_back({"/axes/" + m.name + "/" + name, "element", "1", ids, true});
  result.width = result.values.size();
  Analysis analysis;
  analysis.kind = Analysis::Kind::spikes;
  analysis.name = m.name;
  analysis.label = m.name;
  std::ranges::replace(analysis.label, '_', ' ');
  analysis.unit = "1";
  write_whole(output.path(), [&](H5File& file) {
    write_provenance(file, fmt::format("{} of the spikes of {}", analysis.label, given.place.file), "", 0,
                     {command_line, omp_get_max_threads()});
    file.set_attribute("/", "kind", "distances");
    create_analysis(file, analysis, result);
    write_analysis(file, analysis, result);
    finish_result(file);
  });
  if (!given.quiet) fmt::print("{} x {} distances in {}\n", trains.size(), trains.size(), given.output);
}

}  // namespace

void add_spike_command(CLI::App& app, const std::string& command_line) {
  const auto given = std::make_shared<Given>();
  auto* command =
      app.add_subcommand("distances",
                         "Compares all pairs of spike trains of a file.\n"
                         "  striate distances coba.h5 --measure van_rossum --decay \"10 ms\" --elements 0 50");
  command->add_option("spikes", given->place.file, "a recording, a SONATA file, or a CSV table of time and element")
      ->required();
  command
      ->add_option("--measure", given->measure.name, fmt::format("one of {}", fmt::join(spike_measure_names(), ", ")))
      ->required();
  command->add_option("--decay", given->decay, "van_rossum: of the kernel, a time");
  command->add_option("--rise", given->rise, "van_rossum: of a kernel with two exponentials");
  command->add_option("--cost", given->cost, "victor_purpura: of moving a spike by one unit of time");
  command->add_option("--from", given->from, "when the comparison begins; default 0, or the first spike if before");
  command->add_option("--to", given->to, "when it ends; default the last time or spike recorded");
  command->add_option("--elements", given->elements, "the first, and the one after the last; default all")->expected(2);
  command->add_option("--population", given->place.population,
                      "which spikes, where a file has those of several events");
  command->add_option("--condition", given->place.condition, "of a recording of several; default 0");
  command->add_option("--times", given->place.times, "CSV: the column of times; default time");
  command->add_option("--ids", given->place.ids, "CSV: the column of elements; default element");
  command->add_option("-o,--output", given->output, "what comes out; default: the file's name with _distances.h5");
  command->add_flag("--force", given->force, "write over an existing file");
  command->add_flag("-q,--quiet", given->quiet, "print nothing but errors");
  command->callback([given, command_line] {
    Given all = *given;
    if (all.output.empty()) all.output = std::filesystem::path(all.place.file).stem().string() + "_distances.h5";
    distances(all, command_line);
  });
}

}  // namespace striate
