// What two runs were told to do differently, as far as it may change bits.
#pragma once

#include <vector>

#include <nlohmann/json.hpp>

#include <lockstep/base/effect.hpp>
#include <lockstep/train/run_comparison.hpp>

namespace lockstep::train {

/// From two runs' config.json. What is absent in one counts as a value of its own.
[[nodiscard]] std::vector<SettingDifference> setting_differences(const nlohmann::json& a,
                                                                 const nlohmann::json& b,
                                                                 const Effects& effects);

}  // namespace lockstep::train
