#include <algorithm>
#include <span>
#include <string>
#include <utility>

#include <lockstep/base/base64.hpp>
#include <lockstep/data/batch_gatherer.hpp>
#include <lockstep/data/fashion_mnist.hpp>
#include <lockstep/data/picture.hpp>
#include <lockstep/train/predictions.hpp>

namespace lockstep::train {
namespace {

constexpr std::size_t kMistakesKept = 24;
constexpr std::int64_t kSide = 28;

enum Column : std::uint8_t { kPredicted, kConfidence, kColumns };

std::string picture_of(const data::ImageDataset& dataset, std::size_t index) {
  const auto image = dataset.images[static_cast<std::int64_t>(index)].to(torch::kCPU).contiguous();
  const auto* first = image.data_ptr<std::uint8_t>();
  return base64(data::png_of({kSide, kSide, {first, first + image.numel()}}));
}

}  // namespace

std::vector<Prediction> predict_all(model::NeuralNetwork network, const data::ImageDataset& dataset,
                                    comm::Communicator& communicator, std::int64_t batch_size) {
  const torch::NoGradGuard no_gradients;
  network->eval();
  const auto order = dataset.indices();
  const auto total = dataset.size();
  data::BatchGatherer gatherer(dataset, std::min(batch_size, total));
  gatherer.set_order(order);
  // A rank fills in its own batches; adding the others' zeros changes nothing.
  auto results = torch::zeros({total, kColumns},
                              torch::TensorOptions(dataset.images.device()).dtype(torch::kFloat64));
  for (auto first = communicator.rank() * batch_size; first < total;
       first += communicator.size() * batch_size) {
    const auto count = std::min(batch_size, total - first);
    const auto batch = gatherer.gather({.first = first, .count = count});
    const auto [confidence, predicted] = network->forward(batch.images).softmax(1).max(1);
    auto rows = results.narrow(0, first, count);
    rows.select(1, kPredicted).copy_(predicted);
    rows.select(1, kConfidence).copy_(confidence);
  }
  results = results.to(torch::kCPU);
  const auto numbers =
      std::span(results.data_ptr<double>(), static_cast<std::size_t>(results.numel()));
  communicator.all_reduce(numbers).wait();
  const auto labels = dataset.labels.to(torch::kCPU).contiguous();
  std::vector<Prediction> predictions;
  for (std::int64_t i = 0; i < total; ++i) {
    const auto row = numbers.subspan(static_cast<std::size_t>(i) * kColumns, kColumns);
    predictions.push_back({labels.data_ptr<std::uint8_t>()[i],
                           static_cast<std::int64_t>(row[kPredicted]), row[kConfidence]});
  }
  return predictions;
}

nlohmann::ordered_json describe_predictions(const std::vector<Prediction>& predictions,
                                            const data::ImageDataset& dataset) {
  constexpr auto kClasses = data::kClassNames.size();
  std::vector<std::vector<std::int64_t>> confusion(kClasses, std::vector<std::int64_t>(kClasses));
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
    shown.push_back({{"index", index},
                     {"label", label},
                     {"predicted", predicted},
                     {"confidence", confidence},
                     {"png_base64", picture_of(dataset, index)}});
  }
  return {{"schema", 1},
          {"samples", predictions.size()},
          {"classes", data::kClassNames},
          {"confusion", confusion},
          {"mistakes", shown}};
}

}  // namespace lockstep::train
