// Writing checkpoints while training goes on.
#pragma once

#include <cstdint>
#include <future>
#include <optional>
#include <string>

#include <lockstep/metrics/events.hpp>
#include <lockstep/train/checkpoint_folder.hpp>

namespace lockstep::train {

/// Saves checkpoints in a thread, one at a time. A failure is no reason to stop training: it is
/// told of, and the next one is tried. One thread uses it.
class CheckpointWriter {
 public:
  CheckpointWriter(CheckpointFolder folder, std::int64_t keep)
      : folder_(std::move(folder)), keep_(keep) {}

  /// Takes a copy of the run's state and returns while it is being written. Waits first if the one
  /// before is still under way.
  void save(Checkpoint checkpoint);
  /// What has come of the latest save, once each; nothing while it is under way.
  [[nodiscard]] std::optional<metrics::CheckpointEvent> poll();
  /// Waits for the save that is under way; what has come of it, if `poll` has not told.
  [[nodiscard]] std::optional<metrics::CheckpointEvent> finish();
  /// Why the latest save whose end is known failed; empty if it did not.
  [[nodiscard]] const std::string& failure() const noexcept { return failure_; }

 private:
  [[nodiscard]] metrics::CheckpointEvent write(const Checkpoint& checkpoint) const noexcept;

  CheckpointFolder folder_;
  std::int64_t keep_;
  std::future<metrics::CheckpointEvent> under_way_;
  std::optional<metrics::CheckpointEvent> untold_;
  std::string failure_;
};

}  // namespace lockstep::train
