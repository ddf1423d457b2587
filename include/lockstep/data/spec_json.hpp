// A data set's specification as JSON: files of weights carry that of the data they were trained on.
#pragma once

#include <optional>
#include <string>

#include <nlohmann/json.hpp>

#include <lockstep/data/sample_spec.hpp>

namespace lockstep::data {

/// {"input": {"shape", "type", "stays_integer", "divisor", "mean",
/// "deviation"}, "target": {"classes", "names"}} or
/// {…, "target": {"shape"}}.
[[nodiscard]] nlohmann::ordered_json to_json(const SampleSpec& spec);

/// Nothing if `document` is not what `to_json` makes, or makes no sense.
[[nodiscard]] std::optional<SampleSpec> spec_from_json(const nlohmann::ordered_json& document);

/// For people: "inputs [1, 28, 28] and 10 classes".
[[nodiscard]] std::string describe(const SampleSpec& spec);

}  // namespace lockstep::data
