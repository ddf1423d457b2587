// Writing checkpoints while training goes on.
#pragma once

#include <cstdint>
#include <functional>
#include <future>
#include <set>
#include <string>
#include <vector>

#include <lockstep/metrics/events.hpp>
#include <lockstep/train/checkpoint_folder.hpp>

namespace lockstep::train {

/// Saves checkpoints in a thread, one at a time. A failure does not stop training: it is reported,
/// and the next checkpoint is tried. Used from one thread.
class CheckpointWriter {
 public:
  CheckpointWriter(const CheckpointFolder& folder, std::int64_t keep)
      : CheckpointWriter([folder] { return folder; }, keep) {}
  /// `find_folder` returns the current folder at each save, called in the saving thread; what it
  /// throws counts as a failure of the save.
  CheckpointWriter(std::function<CheckpointFolder()> find_folder, std::int64_t keep)
      : find_folder_(std::move(find_folder)), keep_(keep) {}

  /// Copies the run's state and returns while it is being written. Waits first if the previous save
  /// is still running.
  void save(Checkpoint checkpoint);
  /// Keeps the checkpoint of `steps`, which was saved last, as the best one. Waits for that save.
  /// Returns why that was not possible; empty on success.
  [[nodiscard]] std::string keep_as_best(std::int64_t steps);
  /// The outcomes of the saves that have ended, in order, once each.
  [[nodiscard]] std::vector<metrics::CheckpointEvent> poll();
  /// The same, after the running save has ended too.
  [[nodiscard]] std::vector<metrics::CheckpointEvent> finish();
  /// Why the latest save known to have ended failed; empty if it did not.
  [[nodiscard]] const std::string& failure() const noexcept { return failure_; }

 private:
  void wait();
  [[nodiscard]] metrics::CheckpointEvent write(const Checkpoint& checkpoint) const noexcept;

  std::function<CheckpointFolder()> find_folder_;
  std::int64_t keep_;
  std::future<metrics::CheckpointEvent> under_way_;
  std::vector<metrics::CheckpointEvent> untold_;
  std::string failure_;
  std::set<std::string> told_;  // remarks already made
};

}  // namespace lockstep::train
