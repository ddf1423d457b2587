#include "commands/compare/comparison_text.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace lockstep::app {
namespace {

using train::LossDifference;
using train::RunComparison;
using train::SettingDifference;
using train::WeightsComparison;

constexpr std::size_t kShownOfDigest = 12;

std::string counted(std::int64_t count, const char* what) {
  return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
}

/// "0.25 against 0.5", with as many digits as are needed to tell them apart.
std::string against(double a, double b) {
  constexpr int kFewestDigits = 7;
  constexpr int kMaxDigits = 17;
  for (int digits = kFewestDigits;; ++digits) {
    auto left = fmt::format("{:.{}g}", a, digits);
    auto right = fmt::format("{:.{}g}", b, digits);
    if (left != right || digits == kMaxDigits) return fmt::format("{} against {}", left, right);
  }
}

std::string describe(const LossDifference& loss) {
  const auto relative = loss.relative();
  return fmt::format(
      "loss at epoch {}, step {}: {}{}", loss.epoch, loss.step, against(loss.a, loss.b),
      std::isfinite(relative) ? fmt::format(" ({:.1e} relative)", relative) : std::string());
}

std::string describe(const WeightsComparison& weights) {
  const auto& tensor = *weights.first;
  if (!tensor.unlike.empty()) {
    return fmt::format("{}: {}: {}", weights.file, tensor.tensor, tensor.unlike);
  }
  return fmt::format("{}: {}, {} of {}, by at most {:.2g} (at [{}]: {}); {} of {} differ",
                     weights.file, tensor.tensor, tensor.differing, counted(tensor.values, "value"),
                     tensor.largest, fmt::join(tensor.index, ", "), against(tensor.a, tensor.b),
                     weights.differing, counted(weights.tensors, "tensor"));
}

std::string describe_losses(const RunComparison& comparison) {
  const auto& losses = comparison.losses;
  if (losses.compared == 0) return "no loss lines of the same step";
  if (!losses.first) return fmt::format("{} equal", counted(losses.compared, "loss line"));
  return fmt::format(
      "{}{} of {} differ",
      losses.equal_up_to_step > 0
          ? fmt::format("up to step {} the losses are equal; ", losses.equal_up_to_step)
          : std::string(),
      losses.differing, counted(losses.compared, "loss line"));
}

std::string verdict_identical(const RunComparison& comparison) {
  const bool whole = comparison.final_weights && comparison.steps[0] == comparison.steps[1];
  std::string text = whole ? "identical: " : "identical as far as both go: ";
  text += counted(comparison.losses.compared, "loss line") + ", " +
          counted(static_cast<std::int64_t>(comparison.checkpoints.size()), "checkpoint");
  if (comparison.final_weights) {
    text += fmt::format(", final weights (sha256 {}…)",
                        comparison.final_weights->sha256.substr(0, kShownOfDigest));
  }
  return text;
}

std::vector<std::string> lines_parting(const RunComparison& comparison) {
  const auto* weights = comparison.first_unlike_weights();
  const bool at_loss = comparison.parts_at_loss();
  std::vector<std::string> lines = {
      "the runs differ: " + (at_loss ? describe(*comparison.losses.first) : describe(*weights))};
  lines.push_back(describe_losses(comparison));
  if (at_loss) {
    lines.push_back(weights == nullptr ? "weights that both have are equal"
                                       : "weights first differ in " + describe(*weights));
  } else if (comparison.losses.first) {
    lines.push_back("losses first differ: " + describe(*comparison.losses.first));
  }
  const auto& final_weights = comparison.final_weights;
  if (!final_weights || &*final_weights == weights) return lines;
  lines.push_back("final weights: " + (final_weights->first ? describe(*final_weights) : "equal"));
  return lines;
}

/// What of the two runs was not compared.
std::vector<std::string> lines_left_out(const RunComparison& comparison,
                                        const std::vector<std::string>& names) {
  std::vector<std::string> lines;
  const auto& losses = comparison.losses;
  if (losses.lines[0] != losses.compared || losses.lines[1] != losses.compared) {
    lines.push_back(fmt::format("compared {} of steps that both runs logged, of {} and {}",
                                counted(losses.compared, "loss line"), losses.lines[0],
                                losses.lines[1]));
  }
  const auto& held = comparison.checkpoints_held;
  const auto compared = static_cast<std::int64_t>(comparison.checkpoints.size());
  if (held[0] != compared || held[1] != compared) {
    lines.push_back(fmt::format("compared {} of steps that both runs hold, of {} and {}",
                                counted(compared, "checkpoint"), held[0], held[1]));
  }
  const auto& steps = comparison.steps;
  if (steps[0] != steps[1]) {
    const auto longer = steps[0] > steps[1] ? 0U : 1U;
    lines.push_back(fmt::format("{} is longer: it goes to step {}, {} to step {}", names[longer],
                                steps[longer], names[1 - longer], steps[1 - longer]));
  } else if (!comparison.final_weights) {
    lines.emplace_back("final weights: not in both folders");
  }
  return lines;
}

std::string listed(const std::vector<SettingDifference>& settings, bool other_problem) {
  std::string text;
  for (const auto& setting : settings) {
    if (setting.other_problem != other_problem) continue;
    const bool digests = setting.name.starts_with("dataset.");
    const auto shown = [&](const std::string& value) {
      return digests && value.size() > kShownOfDigest ? value.substr(0, kShownOfDigest) + "…"
                                                      : value;
    };
    text += fmt::format("{}{} {} against {}", text.empty() ? "" : "; ", setting.name,
                        shown(setting.a), shown(setting.b));
  }
  return text;
}

}  // namespace

std::string comparison_text(const RunComparison& comparison,
                            const std::vector<std::string>& names) {
  std::vector<std::string> lines = {verdict_identical(comparison)};
  if (!comparison.identical()) lines = lines_parting(comparison);
  const auto left_out = lines_left_out(comparison, names);
  lines.insert(lines.end(), left_out.begin(), left_out.end());
  return fmt::format("{}\n", fmt::join(lines, "\n"));
}

std::vector<std::string> comparison_warnings(const RunComparison& comparison) {
  std::vector<std::string> warnings;
  if (const auto problem = listed(comparison.settings, true); !problem.empty()) {
    warnings.push_back(
        "the runs trained on other data or another network, so a comparison says "
        "little: " +
        problem);
  }
  const auto settings = listed(comparison.settings, false);
  if (!settings.empty() && !comparison.identical()) {
    warnings.push_back("settings that may change bits differ: " + settings);
  }
  return warnings;
}

}  // namespace lockstep::app
