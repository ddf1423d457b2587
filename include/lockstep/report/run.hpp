// A run of `lockstep train`, read from its folder.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace lockstep::report {

struct LoggedStep {
  std::int64_t step = 0;
  double loss = 0;
  double learning_rate = 0;
};

/// The parts of a step, in the order in which they are shown.
inline constexpr std::array kStepParts = {"data", "forward", "backward", "exposed_communication",
                                          "optimizer"};

struct Epoch {
  std::int64_t epoch = 0;
  double train_loss = 0;
  double seconds = 0;
  double images_per_second = 0;
  std::array<double, kStepParts.size()> parts_ms{};  ///< mean per step, as in kStepParts
};

struct Figures {
  std::int64_t epoch = 0;
  double accuracy = 0;  ///< 0–1; NaN: targets are numbers
  double average_loss = 0;
};

struct Mistake {
  std::int64_t index = 0;  ///< in the test set
  std::size_t label = 0;
  std::size_t predicted = 0;
  double confidence = 0;  ///< 0–1
  std::string png_base64;
};

/// How the trained network classifies the test images.
struct Classification {
  std::vector<std::string> classes;
  std::vector<std::vector<std::int64_t>> confusion;  ///< [label][predicted]
  std::vector<Mistake> mistakes;

  [[nodiscard]] std::int64_t of_label(std::size_t label) const;
  [[nodiscard]] std::int64_t predicted_as(std::size_t predicted) const;
};

struct Run {
  std::string name;         ///< of its folder
  nlohmann::json config{};  ///< config.json
  std::int64_t steps_per_epoch = 0;
  std::vector<LoggedStep> steps{};
  std::vector<Epoch> epochs{};
  std::vector<Figures> validation{};
  std::vector<Figures> test{};
  std::vector<Figures> ema_test{};  ///< with the moving average of the weights
  std::vector<std::string> warnings{};
  std::string status{};  ///< "completed", "preempted", or a text saying that there is no end yet
  std::int64_t steps_done = 0;
  double seconds = 0;  ///< of training, over all its epochs
  std::string parameters_sha256{};
  std::optional<Classification> classification{};  ///< of completed runs

  /// An option's resolved value as text; "" if this run does not have the option.
  [[nodiscard]] std::string option(const std::string& key) const;
  [[nodiscard]] std::int64_t world_size() const;
};

/// True if `folder` looks like a run's folder.
[[nodiscard]] bool is_run(const std::filesystem::path& folder);

/// Reads a run, finished or not. Ignores lines of metrics.jsonl that were cut short. Throws
/// DataError naming the file, and the line, that is missing, damaged or of another schema.
[[nodiscard]] Run read_run(const std::filesystem::path& folder);

}  // namespace lockstep::report
