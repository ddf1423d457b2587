// The record of how a trained network classifies the test images.
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include <lockstep/data/dataset.hpp>
#include <lockstep/train/evaluator.hpp>

namespace lockstep::train {

/// predictions.json: the confusion matrix (one row per label, one column per predicted class) and
/// the most confident mistakes with their pictures; docs/files.md has the schema.
[[nodiscard]] nlohmann::ordered_json describe_predictions(
    const std::vector<Prediction>& predictions, const data::Dataset& dataset,
    const std::vector<std::string>& class_names);

}  // namespace lockstep::train
