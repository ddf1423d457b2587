// Settings that differ between two runs, if they may change bits.
#pragma once

#include <vector>

#include <nlohmann/json.hpp>

#include <lockstep/base/effect.hpp>
#include <lockstep/train/run_comparison.hpp>

namespace lockstep::train {

/// From two runs' config.json. An entry that is absent in one counts as a value of its own.
[[nodiscard]] std::vector<SettingDifference> setting_differences(const nlohmann::json& a,
                                                                 const nlohmann::json& b,
                                                                 const Effects& effects);

}  // namespace lockstep::train
