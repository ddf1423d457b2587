#include <array>
#include <cmath>
#include <utility>

#include <lockstep/train/selection.hpp>

namespace lockstep::train {
namespace {

using Set = metrics::Evaluation::Set;

constexpr std::array kMetrics = {
    std::pair("validation/accuracy", Metric{Set::kValidation, true}),
    std::pair("validation/avg_loss", Metric{Set::kValidation, false}),
    std::pair("test/accuracy", Metric{Set::kTest, true}),
    std::pair("test/avg_loss", Metric{Set::kTest, false}),
};

/// NaN where the evaluation has none.
double value_of(const metrics::Evaluation& evaluation, const Metric& metric) {
  if (!metric.is_accuracy) return evaluation.average_loss;
  return evaluation.accuracy().value_or(std::nan(""));
}

/// Of a run that had another metric before it was resumed, nothing counts.
bool is_of(const Best& best, const Metric& metric) {
  return best.metric == name_of(metric);
}

}  // namespace

std::string name_of(const Metric& metric) {
  for (const auto& [name, known] : kMetrics) {
    if (known == metric) return name;
  }
  return {};
}

std::optional<Metric> metric_named(std::string_view name) {
  for (const auto& [known, metric] : kMetrics) {
    if (known == name) return metric;
  }
  return std::nullopt;
}

std::string metric_names() {
  std::string names;
  for (const auto& [name, metric] : kMetrics)
    names += (names.empty() ? "" : ", ") + std::string(name);
  return names;
}

bool improves(const metrics::Evaluation& evaluation, const Metric& metric, const Best& best) {
  const double value = value_of(evaluation, metric);
  if (evaluation.set != metric.set || !std::isfinite(value)) return false;
  if (!is_of(best, metric)) return true;
  return metric.is_accuracy ? value > best.value : value < best.value;
}

void count(const metrics::Evaluation& evaluation, const Metric& metric, Best& best) {
  const bool repeated = is_of(best, metric) && evaluation.step <= best.counted_steps;
  if (evaluation.set != metric.set || repeated) return;
  if (improves(evaluation, metric, best)) {
    best = {
        .metric = name_of(metric), .value = value_of(evaluation, metric), .steps = evaluation.step};
  } else if (is_of(best, metric)) {
    ++best.worse_in_a_row;
  }
  best.counted_steps = evaluation.step;
}

bool ends(const EarlyStop& early_stop, const Best& best) {
  return is_of(best, early_stop.metric) && best.worse_in_a_row >= early_stop.patience;
}

void to_json(nlohmann::ordered_json& json, const Best& best) {
  json = nullptr;
  if (best.metric.empty()) return;
  json = {{"metric", best.metric},
          {"value", best.value},
          {"steps", best.steps},
          {"worse_in_a_row", best.worse_in_a_row},
          {"counted_steps", best.counted_steps}};
}

void from_json(const nlohmann::ordered_json& json, Best& best) {
  best = {};
  if (json.is_null()) return;
  json.at("metric").get_to(best.metric);
  json.at("value").get_to(best.value);
  json.at("steps").get_to(best.steps);
  json.at("worse_in_a_row").get_to(best.worse_in_a_row);
  json.at("counted_steps").get_to(best.counted_steps);
}

}  // namespace lockstep::train
