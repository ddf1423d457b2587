// Are two runs the same, bit for bit? If not: where do they first differ, and by how much?
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include <lockstep/base/effect.hpp>

namespace lockstep::train {

/// The losses of a step for which the runs do not hold the same double.
struct LossDifference {
  std::int64_t epoch = 0;
  std::int64_t step = 0;
  double a = 0;
  double b = 0;
  /// |a − b| / max(|a|, |b|); 0 between 0.0 and −0.0.
  [[nodiscard]] double relative() const;
};

struct LossComparison {
  std::array<std::int64_t, 2> lines{};  ///< of each run
  std::int64_t compared = 0;            ///< steps for which both runs have a line
  std::int64_t differing = 0;
  std::int64_t equal_up_to_step = 0;  ///< the last of these before the first difference; 0: none
  std::optional<LossDifference> first;
};

/// A tensor that is not the same in both runs' files.
struct TensorDifference {
  std::string tensor{};
  std::string unlike{};        ///< empty, or why values cannot be compared: shapes, …
  std::int64_t differing = 0;  ///< values that differ in any bit
  std::int64_t values = 0;
  double largest = 0;  ///< |a − b|: 0 between 0.0 and −0.0, infinite for NaN against a number
  std::vector<std::int64_t> index{};  ///< where it is largest, and the values there
  float a = 0;
  float b = 0;
};

/// Two safetensors files. Bits are compared, not values: a NaN equals itself.
struct WeightsComparison {
  std::string file{};     ///< within the runs' folders
  std::int64_t step = 0;  ///< steps taken by these weights; 0 if unknown, for model.safetensors
  std::int64_t tensors = 0;
  std::int64_t differing = 0;               ///< tensors
  std::optional<TensorDifference> first{};  ///< parameters come before the optimizer's state
  std::string sha256{};  ///< of the parameters, as `parameters_sha256`, if nothing differs
};

/// A setting that may change bits, and each run's value as text.
struct SettingDifference {
  std::string name;  ///< "threads", "versions.libtorch"
  std::string a;
  std::string b;
  bool other_problem = false;  ///< other data or another network: nothing to compare with
};

struct RunComparison {
  std::array<std::int64_t, 2> steps{};  ///< how far each run is known to have got
  LossComparison losses;
  std::array<std::int64_t, 2> checkpoints_held{};
  std::vector<WeightsComparison> checkpoints;  ///< of the steps for which both hold one, ascending
  /// Absent unless both runs have them, from the same step.
  std::optional<WeightsComparison> final_weights;
  std::vector<SettingDifference> settings;

  [[nodiscard]] bool identical() const;
  /// The earliest file whose tensors differ, or null.
  [[nodiscard]] const WeightsComparison* first_unlike_weights() const;
  /// Whether the earliest difference is in the loss. A step's loss is computed before its weights.
  [[nodiscard]] bool parts_at_loss() const;
};

/// Compares the runs in two folders as far as both go. `effects` and `defaults` are those of the
/// recorded options, by recorded name: a run of a version without some option counts as having its
/// default. Throws DataError naming the file (and line) that is missing or damaged, and for runs
/// that have nothing in common. Ignores a torn last line of metrics.jsonl. Holds two files' tensors
/// at a time.
[[nodiscard]] RunComparison compare_runs(const std::filesystem::path& a,
                                         const std::filesystem::path& b, const Effects& effects,
                                         const nlohmann::json& defaults);

}  // namespace lockstep::train
