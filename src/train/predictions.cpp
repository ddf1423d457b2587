#include <algorithm>
#include <utility>

#include <lockstep/base/base64.hpp>
#include <lockstep/data/picture.hpp>
#include <lockstep/train/predictions.hpp>

namespace lockstep::train {
namespace {

constexpr std::size_t kMistakesKept = 24;
}  // namespace

nlohmann::ordered_json describe_predictions(const std::vector<Prediction>& predictions,
                                            const data::Dataset& dataset,
                                            const std::vector<std::string>& class_names) {
  const auto classes = static_cast<std::size_t>(dataset.spec.outputs());
  std::vector confusion(classes, std::vector<std::int64_t>(classes));
  std::vector<std::size_t> mistakes;
  for (std::size_t i = 0; i < predictions.size(); ++i) {
    const auto& [label, predicted, confidence] = predictions[i];
    ++confusion.at(static_cast<std::size_t>(label)).at(static_cast<std::size_t>(predicted));
    if (label != predicted) mistakes.push_back(i);
  }
  std::stable_sort(mistakes.begin(), mistakes.end(), [&](std::size_t a, std::size_t b) {
    return predictions[a].confidence > predictions[b].confidence;
  });
  mistakes.resize(std::min(mistakes.size(), kMistakesKept));
  auto shown = nlohmann::ordered_json::array();
  for (const auto index : mistakes) {
    const auto& [label, predicted, confidence] = predictions[index];
    shown.push_back(
        {{"index", index}, {"label", label}, {"predicted", predicted}, {"confidence", confidence}});
    if (!dataset.spec.input.is_picture()) continue;
    shown.back()["png_base64"] =
        base64(data::png_of(data::picture_of(dataset.inputs[static_cast<std::int64_t>(index)])));
  }
  return {{"schema", 1},
          {"samples", predictions.size()},
          {"classes", class_names},
          {"confusion", confusion},
          {"mistakes", shown}};
}

}  // namespace lockstep::train
