// The record of what a trained network takes the test images for.
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include <lockstep/data/dataset.hpp>
#include <lockstep/train/evaluator.hpp>

namespace lockstep::train {

/// predictions.json: the confusion matrix (a row a label, a column a predicted class) and the most
/// confident mistakes with their pictures; docs/files.md has the schema.
[[nodiscard]] nlohmann::ordered_json describe_predictions(
    const std::vector<Prediction>& predictions, const data::Dataset& dataset,
    const std::vector<std::string>& class_names);

}  // namespace lockstep::train
