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

/// Saves checkpoints in a thread, one at a time. A failure is no reason to stop training: it is
/// told of, and the next one is tried. One thread uses it.
class CheckpointWriter {
 public:
  CheckpointWriter(const CheckpointFolder& folder, std::int64_t keep)
      : CheckpointWriter([folder] { return folder; }, keep) {}
  /// `find_folder` says where the folder is at each save, in the thread that saves; what it throws
  /// is the save's failure.
  CheckpointWriter(std::function<CheckpointFolder()> find_folder, std::int64_t keep)
      : find_folder_(std::move(find_folder)), keep_(keep) {}

  /// Takes a copy of the run's state and returns while it is being written. Waits first if the one
  /// before is still under way.
  void save(Checkpoint checkpoint);
  /// What has come of the saves that have ended, in order, once each.
  [[nodiscard]] std::vector<metrics::CheckpointEvent> poll();
  /// The same, when the save that is under way has ended too.
  [[nodiscard]] std::vector<metrics::CheckpointEvent> finish();
  /// Why the latest save whose end is known failed; empty if it did not.
  [[nodiscard]] const std::string& failure() const noexcept { return failure_; }

 private:
  void wait();
  [[nodiscard]] metrics::CheckpointEvent write(const Checkpoint& checkpoint) const noexcept;

  std::function<CheckpointFolder()> find_folder_;
  std::int64_t keep_;
  std::future<metrics::CheckpointEvent> under_way_;
  std::vector<metrics::CheckpointEvent> untold_;
  std::string failure_;
  std::set<std::string> told_;  // remarks, each once
};

}  // namespace lockstep::train
