// What a run, finished or not, left in its folder.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace lockstep::train {

struct LossLine {
  std::int64_t epoch = 0;
  std::int64_t step = 0;
  double loss = 0;  ///< NaN if the file has null: JSON has no numbers that are not finite
};

struct RecordedRun {
  std::filesystem::path folder;
  std::vector<LossLine> losses;                     ///< in ascending order of steps
  std::optional<std::int64_t> end_step;             ///< absent: the run has not ended properly
  std::map<std::int64_t, std::string> checkpoints;  ///< by step; names within the folder

  [[nodiscard]] bool has_final_weights() const;
  /// How far the run is known to have got.
  [[nodiscard]] std::int64_t steps() const;
};

inline constexpr const char* kFinalWeights = "model.safetensors";

/// Throws DataError naming the file, and the line, that is missing or damaged.
[[nodiscard]] RecordedRun read_recorded_run(const std::filesystem::path& folder);

/// The run's config.json: an object. Throws DataError naming the file.
[[nodiscard]] nlohmann::json read_run_config(const std::filesystem::path& folder);

}  // namespace lockstep::train
