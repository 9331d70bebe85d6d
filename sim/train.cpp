#include "sim/train.hpp"

#include <fmt/format.h>
#include <omp.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <limits>
#include <optional>

#include "base/error.hpp"
#include "circuit/delay.hpp"
#include "sim/output_file.hpp"
#include "sim/progress.hpp"
#include "sim/recording.hpp"
#include "sim/sample_loss.hpp"
#include "sim/trained_parameters.hpp"
#include "sim/training_file.hpp"

namespace striate {
namespace {

class Trainer {
 public:
  Trainer(const TrainingExperiment& e, const TrainOptions& options)
      : e_(e),
        options_(options),
        output_(options.run.output),
        threads_(use_threads(options.run)),
        adam_(e.plan.adam, e.moves.size()),
        lbfgs_(e.plan.lbfgs_memory),
        held_out_(e.held_out()) {
    open_output();
    loss_ = make_sample_loss(e);
  }

  void run() {
    Progress progress(e_.title, e_.plan.updates, options_.run.quiet);
    try {
      while (true) {
        examine();
        if (over()) break;
        if (s_.updates > saved_ && s_.updates % e_.plan.checkpoint_every == 0) save(false);
        update();
        settle();
        ++s_.updates;
        keep_last();
        progress.done(s_.updates);
      }
    } catch (const Interrupted&) {
      if (earlier_stands_aside()) throw Interrupted("what stood at its place before is back");
      retreat();
      throw;
    }
    save(true);
    settle();
    if (!options_.run.quiet) report_end();
  }

 private:
  /// The training has shown to be no mistake: what stood at its path is not wanted back.
  void settle() {
    if (earlier_) earlier_->release();
    earlier_.reset();
  }

  bool earlier_stands_aside() const { return earlier_ && earlier_->stood(); }

  void open_output() {
    const std::string& path = output_.path();
    if (options_.resume) {
      if (!std::filesystem::exists(path))
        throw Error(fmt::format("'{}' is not there to be resumed. Leave --resume out to begin.", path));
      s_ = read_training_state(path, e_);
      adam_.state = s_.adam;
      lbfgs_.pairs = s_.lbfgs;
      saved_ = s_.updates;
      if (!s_.of_known_data)
        warn(
            "the file is of a version that did not keep what its data were. Whether they are still the same is not "
            "known.");
      return;
    }
    require_free(path, options_.run.overwrite, true);
    require_apart(path, e_.path, e_.resolved);
    earlier_.emplace(path);
    s_.p = declared_values(e_.free);
    s_.best_p = s_.p;
    s_.best_loss = std::numeric_limits<double>::infinity();
    s_.metrics.resize(e_.loss.metrics.size());
    save(false);
  }

  /// Where nothing is held out, the last parameters are the best.
  void keep_last() {
    if (!held_out_.empty()) return;
    s_.best_p = s_.p;
    s_.best_update = s_.updates;
  }

  bool searches() const { return e_.plan.optimiser == TrainingPlan::Optimiser::lbfgs; }

  bool over() const { return s_.updates >= e_.plan.updates || s_.converged || s_.stuck || out_of_patience(); }

  /// Validates where that is due, and finds the gradient of the next update: only parameters that have both are saved,
  /// and so every checkpoint can be gone on from.
  void examine() {
    std::string when = fmt::format("in the validation after {} updates", s_.updates);
    try {
      if (validation_due()) validate();
      when = over() ? fmt::format("after {} updates", s_.updates) : fmt::format("in update {}", s_.updates + 1);
      if (!over())
        differentiate();
      else if (held_out_.empty())
        loss_->evaluate(s_.p, batch(s_.updates));
    } catch (const Failure& f) {
      const std::string what = explained(when, f.what());
      if (earlier_stands_aside())
        throw Failure(fmt::format("{} What stood in {} before is back.", what, options_.run.output));
      retreat();
      throw Failure(fmt::format("{} {} after {} updates, is in {}.", what,
                                good_ ? "The last good checkpoint," : "What there is,", saved_, options_.run.output));
    }
  }

  /// The loss and its gradient at s_.p; L-BFGS has them from its last search.
  void differentiate() {
    if (searches() && !gradient_.empty()) return;
    samples_ = searches() ? e_.epoch(0) : batch(s_.updates);
    gradient_.resize(s_.p.size());
    const auto value = loss_->differentiate(s_.p, samples_, gradient_);
    here_ = {value.loss, value.penalty, value.report};
    heed(value.warning);
    if (s_.updates == 0 && std::ranges::all_of(gradient_, [](double g) { return g == 0; }))
      heed(
          "the gradient is exactly 0: the loss is level at these parameters, nothing that is trained moves it, or what "
          "moves it has no slope, such as step(). surrogate() has one.");
  }

  void update() {
    if (searches()) return descend();
    const double norm = clip_norm(gradient_, e_.plan.clip > 0 ? e_.plan.clip : std::numeric_limits<double>::infinity());
    const double rate = e_.plan.rate * e_.plan.schedule.at(s_.updates, e_.plan.updates);
    good_ = {s_.p, adam_.state};
    adam_.update(s_.p, gradient_, rate);
    for (std::size_t i = 0; i < s_.p.size(); ++i)
      if (!e_.moves[i]) s_.p[i] = good_->p[i];  // weights that are not trained do not decay
    note(here_.loss, norm, rate, here_.report);
  }

  void descend() {
    const auto objective = [this](std::span<const double> x, std::span<double> g) {
      try {
        const auto value = loss_->differentiate(x, samples_, g);
        heed(value.warning);
        trials_.push_back({value.loss, value.penalty, value.report});
        return value.loss + value.penalty;
      } catch (const Failure&) {
        return std::numeric_limits<double>::infinity();  // too far along the line
      }
    };
    trials_.clear();
    double value = here_.loss + here_.penalty;
    const bool moved = lbfgs_.update(s_.p, value, gradient_, objective);
    const auto taken = std::ranges::find(trials_, value, [](const Trial& trial) { return trial.loss + trial.penalty; });
    if (taken != trials_.end()) here_ = *taken;
    double square = 0;
    for (const double g : gradient_) square += g * g;
    note(here_.loss, std::sqrt(square), 1, here_.report);
    if (moved) return;
    constexpr double negligible = 1e-6;  // of the first loss
    s_.stuck = lbfgs_.promised > negligible * std::abs(s_.loss.front());
    s_.converged = !s_.stuck;
    if (s_.stuck)
      warn(
          fmt::format("L-BFGS found nothing lower, though the norm of the gradient is {:.3g}: the loss has a kink "
                      "there (abs, max, where){}. optimiser.kind = \"adam\" goes on.",
                      std::sqrt(square), e_.plan.single ? ", or asks for train.precision = \"double\"" : ""));
  }

  /// To what is known to have a loss and a gradient, and keeps that.
  void retreat() {
    settle();
    if (good_) step_back();
    if (good_ || s_.updates > saved_) save(false);
  }

  /// Before the last update. Validations of its parameters stay, and with these the best parameters, whose held-out
  /// loss is finite.
  void step_back() {
    s_.p = good_->p;
    adam_.state = good_->adam;
    --s_.updates;
    for (auto* curve : {&s_.loss, &s_.gradient_norm, &s_.rate}) curve->pop_back();
    for (auto& curve : s_.report) curve.pop_back();
    keep_last();
  }

  void note(double loss, double norm, double rate, const std::vector<double>& report) {
    s_.loss.push_back(loss);
    s_.gradient_norm.push_back(norm);
    s_.rate.push_back(rate);
    s_.report.resize(report.size());
    for (std::size_t i = 0; i < report.size(); ++i) s_.report[i].push_back(report[i]);
  }

  /// Of what an evaluation warns of, the first is kept and said.
  void heed(const std::string& warning) {
    if (s_.warnings.empty() && !warning.empty()) warn(warning);
  }

  void warn(const std::string& warning) {
    const std::string line = fmt::format("update {}: {}", s_.updates + 1, warning);
    s_.warnings += (s_.warnings.empty() ? "" : "\n") + line;
    if (!options_.run.quiet) std::fputs(fmt::format("striate: {}\n", line).c_str(), stderr);
  }

  /// The samples of update number `update`: an epoch's order, batch by batch; what is left over at its end is not used.
  std::vector<std::size_t> batch(std::size_t update) {
    const std::size_t per_epoch = e_.training_samples() / e_.plan.batch;
    if (epoch_ != update / per_epoch) {
      epoch_ = update / per_epoch;
      order_ = e_.epoch(*epoch_);
    }
    const auto first = order_.begin() + static_cast<std::ptrdiff_t>(update % per_epoch * e_.plan.batch);
    return {first, first + static_cast<std::ptrdiff_t>(e_.plan.batch)};
  }

  bool validation_due() const {
    const bool at_this =
        s_.updates % e_.plan.validate_every == 0 || s_.updates == e_.plan.updates || s_.converged || s_.stuck;
    const bool done =
        !s_.validated.empty() && s_.validated.back() >= static_cast<double>(s_.updates);  // or stepped back
    return !held_out_.empty() && at_this && !done;
  }

  void validate() {
    const auto value = loss_->evaluate(s_.p, held_out_);
    s_.validated.push_back(static_cast<double>(s_.updates));
    s_.held_out_loss.push_back(value.loss);
    for (std::size_t m = 0; m < value.metrics.size(); ++m) s_.metrics[m].push_back(value.metrics[m]);
    ++s_.without_gain;
    if (value.loss < s_.best_loss) {
      s_.best_loss = value.loss;
      s_.best_p = s_.p;
      s_.best_update = s_.updates;
      s_.without_gain = 0;
    }
    if (options_.run.quiet) return;
    std::string metrics;
    for (std::size_t m = 0; m < value.metrics.size(); ++m)
      metrics += fmt::format(", {} {:.4f}", e_.loss.metrics[m], value.metrics[m]);
    fmt::print("update {}: held-out loss {:.4g}{}\n", s_.updates, value.loss, metrics);
    std::fflush(stdout);
  }

  bool out_of_patience() const { return e_.plan.patience > 0 && s_.without_gain >= e_.plan.patience; }

  void save(bool complete) {
    s_.adam = adam_.state;
    s_.lbfgs = lbfgs_.pairs;
    TrainingNotes notes;
    notes.made_by = {options_.run.command, threads_};
    notes.complete = complete;
    if (complete)
      for (std::size_t i = 0; i < e_.plan.examples; ++i) {
        std::vector<std::size_t> from_here = held_out_;
        std::rotate(from_here.begin(), from_here.begin() + static_cast<std::ptrdiff_t>(i), from_here.end());
        notes.courses.push_back(loss_->courses(s_.best_p, from_here));
      }
    write_training(output_.path(), e_, s_, notes);
    saved_ = s_.updates;
  }

  /// What went wrong and when, and with which parameters.
  std::string explained(const std::string& when, const std::string& what) const {
    std::string norms;
    std::size_t at = 0;
    for (const auto& p : e_.free->parameters) {
      const std::size_t size = p.variable.shape().size();
      double square = 0;
      for (std::size_t i = at; i < at + size; ++i) square += s_.p[i] * s_.p[i];
      norms += fmt::format("{}|{}| = {:.3g}", norms.empty() ? "" : ", ", p.variable->name, std::sqrt(square));
      at += size;
    }
    const std::string advice =
        what.ends_with('.') ? ""
        : s_.updates == 0   ? ". Nothing has moved yet: look at the data and the first parameters."
        : searches()        ? "."
        : has_delays(e_.circuit)
            ? ". Likely a step too long (lower optimiser.rate or set optimiser.clip), or a delay beyond "
              "twice its first value, which the steps' memory does not hold."
            : ". Likely a step too long: lower optimiser.rate or set optimiser.clip.";
    return fmt::format("training: {}, {}{} Norms of the parameters: {}.", when, what, advice, norms);
  }

  void report_end() const {
    if (held_out_.empty()) {
      fmt::print("{} updates, loss {:.6g}\n", s_.updates, s_.loss.empty() ? 0.0 : s_.loss.back());
      return;
    }
    fmt::print("{} updates; lowest held-out loss {:.4g} after {}\n", s_.updates, s_.best_loss, s_.best_update);
  }

  const TrainingExperiment& e_;
  TrainOptions options_;
  OutputPlace output_;
  int threads_;
  std::optional<EarlierFile> earlier_;
  TrainingState s_;
  Adam adam_;
  Lbfgs lbfgs_;
  std::unique_ptr<SampleLoss> loss_;
  std::vector<std::size_t> held_out_;
  std::optional<std::size_t> epoch_;
  std::vector<std::size_t> order_;
  std::vector<std::size_t> samples_;  // of the next update, with the gradient at s_.p
  std::vector<double> gradient_;
  struct Trial {
    double loss, penalty;
    std::vector<double> report;
  };
  Trial here_{};               // at s_.p
  std::vector<Trial> trials_;  // of the present update
  struct Good {
    std::vector<double> p;
    Adam::State adam;
  };
  std::optional<Good> good_;  // of Adam: before the last update, with a finite loss and gradient
  std::size_t saved_ = 0;
};

}  // namespace

void train(const TrainingExperiment& training, const TrainOptions& options) { Trainer(training, options).run(); }

}  // namespace striate
