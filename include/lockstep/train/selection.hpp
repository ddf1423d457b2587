// The metrics by which a run keeps its best checkpoint, or ends early.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include <lockstep/metrics/events.hpp>

namespace lockstep::train {

/// A number that an evaluation gives: "validation/accuracy", "test/avg_loss", ….
struct Metric {
  metrics::Evaluation::Set set = metrics::Evaluation::Set::kTest;
  bool is_accuracy = false;  ///< otherwise the average loss

  friend bool operator==(const Metric&, const Metric&) = default;
};

[[nodiscard]] std::string name_of(const Metric& metric);
/// Nothing for other names.
[[nodiscard]] std::optional<Metric> metric_named(std::string_view name);
/// All names, the validation set's first.
[[nodiscard]] std::string metric_names();

/// A run ends after `patience` evaluations in a row that did not improve the metric.
struct EarlyStop {
  Metric metric{};
  std::int64_t patience = 1;

  friend bool operator==(const EarlyStop&, const EarlyStop&) = default;
};

/// The best value of a metric in a run so far.
struct Best {
  std::string metric{};             ///< its name; empty: none was evaluated yet
  double value = 0;                 ///< finite
  std::int64_t steps = 0;           ///< optimizer steps before that evaluation
  std::int64_t worse_in_a_row = 0;  ///< evaluations since then
  std::int64_t counted_steps = 0;   ///< optimizer steps before the latest of them

  friend bool operator==(const Best&, const Best&) = default;
};

/// Whether the evaluation gives a better value of `metric` than `best` has: strictly better, and
/// finite. False for evaluations of the other set.
[[nodiscard]] bool improves(const metrics::Evaluation& evaluation, const Metric& metric,
                            const Best& best);

/// Brings `best` up to date. Does nothing for evaluations of the other set, or for one that a
/// resumed run repeats.
void count(const metrics::Evaluation& evaluation, const Metric& metric, Best& best);

/// Whether the run ends early.
[[nodiscard]] bool ends(const EarlyStop& early_stop, const Best& best);

/// An object with these names, or null for none; the JSON library finds them through the argument's
/// namespace.
void to_json(nlohmann::ordered_json& json, const Best& best);
void from_json(const nlohmann::ordered_json& json, Best& best);

}  // namespace lockstep::train
