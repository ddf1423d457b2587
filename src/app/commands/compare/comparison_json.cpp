#include <cmath>

#include "commands/compare/comparison_text.hpp"

namespace lockstep::app {
namespace {

using nlohmann::ordered_json;
using train::LossDifference;
using train::RunComparison;
using train::WeightsComparison;

/// JSON has no numbers that are not finite.
ordered_json number(double value) {
  return std::isfinite(value) ? ordered_json(value) : ordered_json(nullptr);
}

ordered_json as_json(const LossDifference& loss) {
  return {{"epoch", loss.epoch},
          {"step", loss.step},
          {"a", number(loss.a)},
          {"b", number(loss.b)},
          {"relative", number(loss.relative())}};
}

ordered_json as_json(const WeightsComparison& weights) {
  ordered_json object = {{"file", weights.file},       {"step", weights.step},
                         {"tensors", weights.tensors}, {"differing", weights.differing},
                         {"sha256", nullptr},          {"first_difference", nullptr}};
  if (!weights.first) {
    object["sha256"] = weights.sha256;
    return object;
  }
  const auto& tensor = *weights.first;
  ordered_json first;
  first["tensor"] = tensor.tensor;
  if (!tensor.unlike.empty()) {
    first["unlike"] = tensor.unlike;
  } else {
    first.update({{"values", tensor.values},
                  {"differing", tensor.differing},
                  {"largest", number(tensor.largest)},
                  {"index", tensor.index},
                  {"a", number(tensor.a)},
                  {"b", number(tensor.b)}});
  }
  object["first_difference"] = first;
  return object;
}

ordered_json first_difference(const RunComparison& comparison) {
  if (comparison.identical()) return nullptr;
  ordered_json object;
  object["of"] = comparison.parts_at_loss() ? "loss" : "weights";
  if (comparison.parts_at_loss()) {
    object.update(as_json(*comparison.losses.first));
    return object;
  }
  const auto weights = as_json(*comparison.first_unlike_weights());
  object["file"] = weights["file"];
  object["step"] = weights["step"];
  object.update(weights["first_difference"]);
  return object;
}

}  // namespace

ordered_json comparison_json(const RunComparison& comparison,
                             const std::vector<std::string>& names) {
  const auto& losses = comparison.losses;
  ordered_json document = {
      {"schema", 1},
      {"identical", comparison.identical()},
      {"runs", names},
      {"steps", comparison.steps},
      {"first_difference", first_difference(comparison)},
      {"losses",
       {{"lines", losses.lines},
        {"compared", losses.compared},
        {"differing", losses.differing},
        {"equal_up_to_step",
         losses.equal_up_to_step > 0 ? ordered_json(losses.equal_up_to_step) : nullptr},
        {"first_difference", losses.first ? as_json(*losses.first) : ordered_json(nullptr)}}},
      {"checkpoints_held", comparison.checkpoints_held},
      {"checkpoints", ordered_json::array()},
      {"final_weights", nullptr},
      {"settings", ordered_json::array()}};
  for (const auto& weights : comparison.checkpoints) {
    document["checkpoints"].push_back(as_json(weights));
  }
  if (comparison.final_weights) document["final_weights"] = as_json(*comparison.final_weights);
  for (const auto& setting : comparison.settings) {
    document["settings"].push_back({{"name", setting.name}, {"a", setting.a}, {"b", setting.b}});
  }
  return document;
}

}  // namespace lockstep::app
