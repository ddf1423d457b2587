#include <algorithm>
#include <bit>
#include <cmath>
#include <utility>

#include <fmt/format.h>

#include <lockstep/base/error.hpp>
#include <lockstep/train/run_comparison.hpp>

#include "recorded_run.hpp"
#include "setting_differences.hpp"
#include "tensor_comparison.hpp"

namespace lockstep::train {
namespace {

LossComparison compare_losses(const std::vector<LossLine>& a, const std::vector<LossLine>& b) {
  LossComparison comparison;
  comparison.lines = {static_cast<std::int64_t>(a.size()), static_cast<std::int64_t>(b.size())};
  auto left = a.begin();
  auto right = b.begin();
  while (left != a.end() && right != b.end()) {
    if (left->step != right->step) {
      ++(left->step < right->step ? left : right);
      continue;
    }
    ++comparison.compared;
    if (std::bit_cast<std::uint64_t>(left->loss) != std::bit_cast<std::uint64_t>(right->loss)) {
      ++comparison.differing;
      if (!comparison.first) {
        comparison.first = {left->epoch, left->step, left->loss, right->loss};
      }
    } else if (!comparison.first) {
      comparison.equal_up_to_step = left->step;
    }
    ++left;
    ++right;
  }
  return comparison;
}

std::vector<WeightsComparison> compare_checkpoints(const RecordedRun& a, const RecordedRun& b) {
  std::vector<WeightsComparison> comparisons;
  for (const auto& [step, file] : a.checkpoints) {
    if (b.checkpoints.contains(step)) {
      comparisons.push_back(compare_weights(a.folder, b.folder, file, step));
    }
  }
  return comparisons;
}

/// Weights after different steps cannot be compared.
std::optional<WeightsComparison> compare_final_weights(const RecordedRun& a, const RecordedRun& b) {
  const bool same_step = !a.end_step || !b.end_step || *a.end_step == *b.end_step;
  if (!same_step || !a.has_final_weights() || !b.has_final_weights()) return std::nullopt;
  return compare_weights(a.folder, b.folder, kFinalWeights,
                         a.end_step.value_or(b.end_step.value_or(0)));
}

/// The record of a run, plus the defaults of options that its version did not have.
nlohmann::json with_defaults(nlohmann::json config, const nlohmann::json& defaults) {
  const auto options = config.is_object() ? config.find("options") : config.end();
  if (!config.is_object() || options == config.end() || !options->is_object()) return config;
  for (const auto& [name, value] : defaults.items()) {
    if (!options->contains(name)) (*options)[name] = value;
  }
  return config;
}

}  // namespace

double LossDifference::relative() const {
  return a == b ? 0 : std::abs(a - b) / std::max(std::abs(a), std::abs(b));
}

bool RunComparison::identical() const {
  return !losses.first && first_unlike_weights() == nullptr;
}

const WeightsComparison* RunComparison::first_unlike_weights() const {
  const auto found =
      std::find_if(checkpoints.begin(), checkpoints.end(),
                   [](const WeightsComparison& weights) { return weights.first.has_value(); });
  if (found != checkpoints.end()) return &*found;
  return final_weights && final_weights->first ? &*final_weights : nullptr;
}

bool RunComparison::parts_at_loss() const {
  const auto* weights = first_unlike_weights();
  return losses.first &&
         (weights == nullptr || weights->step == 0 || losses.first->step <= weights->step);
}

RunComparison compare_runs(const std::filesystem::path& a, const std::filesystem::path& b,
                           const Effects& effects, const nlohmann::json& defaults) {
  auto settings = setting_differences(with_defaults(read_run_config(a), defaults),
                                      with_defaults(read_run_config(b), defaults), effects);
  const auto left = read_recorded_run(a);
  const auto right = read_recorded_run(b);
  RunComparison comparison{
      .steps = {left.steps(), right.steps()},
      .losses = compare_losses(left.losses, right.losses),
      .checkpoints_held = {static_cast<std::int64_t>(left.checkpoints.size()),
                           static_cast<std::int64_t>(right.checkpoints.size())},
      .checkpoints = compare_checkpoints(left, right),
      .final_weights = compare_final_weights(left, right),
      .settings = std::move(settings)};
  if (comparison.losses.compared == 0 && comparison.checkpoints.empty() &&
      !comparison.final_weights) {
    throw DataError(
        fmt::format("{} and {} have nothing in common to compare: no loss line or checkpoint of "
                    "the same step, and no final weights after the same step: let both runs report "
                    "equally often",
                    a.string(), b.string()),
        {"log_every"});
  }
  return comparison;
}

}  // namespace lockstep::train
