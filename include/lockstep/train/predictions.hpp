// What a trained network takes the test images for.
#pragma once

#include <cstdint>
#include <vector>

#include <nlohmann/json.hpp>
#include <torch/torch.h>

#include <lockstep/comm/communicator.hpp>
#include <lockstep/data/image_dataset.hpp>
#include <lockstep/model/neural_network.hpp>

namespace lockstep::train {

/// The likeliest class of an image, and its probability by softmax.
struct Prediction {
  std::int64_t label = 0;
  std::int64_t predicted = 0;
  double confidence = 0;
};

/// Collective. Of every image of `dataset`, which lies on the network's device, in its order and
/// the same on all ranks; whole batches go to ranks. Leaves the network in evaluation mode.
[[nodiscard]] std::vector<Prediction> predict_all(model::NeuralNetwork network,
                                                  const data::ImageDataset& dataset,
                                                  comm::Communicator& communicator,
                                                  std::int64_t batch_size);

/// predictions.json: the confusion matrix (a row a label, a column a predicted class) and the most
/// confident mistakes with their pictures; docs/files.md has the schema.
[[nodiscard]] nlohmann::ordered_json describe_predictions(
    const std::vector<Prediction>& predictions, const data::ImageDataset& dataset);

}  // namespace lockstep::train
