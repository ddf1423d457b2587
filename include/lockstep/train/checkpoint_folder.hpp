// The checkpoints of a run, as files in its folder.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <lockstep/base/log.hpp>
#include <lockstep/train/checkpoint.hpp>

namespace lockstep::train {

/// RUN/checkpoints/step-00000938.safetensors …, and `latest`, a relative link to the one to resume
/// from; `best.safetensors`, if the run keeps its best one. One thread at a time.
class CheckpointFolder {
 public:
  explicit CheckpointFolder(const std::filesystem::path& run_folder)
      : folder_(run_folder / "checkpoints") {}
  /// The checkpoints that are directly in `folder`.
  [[nodiscard]] static CheckpointFolder at(const std::filesystem::path& folder) {
    CheckpointFolder checkpoints(folder);
    checkpoints.folder_ = folder;
    return checkpoints;
  }

  [[nodiscard]] std::filesystem::path path_of(std::int64_t steps) const;

  /// Writes the checkpoint, points `latest` to it, then removes all older ones but the newest
  /// `keep`, counting this one. There is never less on disk than before, unless the disk is full
  /// (`make_room_for`). Returns what people should know, in the same words each time: that there is
  /// no room for `keep`, or that the file system has no links. Throws RuntimeFailure; the newest
  /// readable checkpoint is then untouched.
  std::vector<std::string> save(const Checkpoint& checkpoint, std::int64_t keep) const;

  /// Keeps the checkpoint of `steps` as best.safetensors, whatever becomes of the others: another
  /// name of the same file where the file system has that, otherwise a copy. Atomic. Throws
  /// RuntimeFailure.
  void keep_as_best(std::int64_t steps) const;
  [[nodiscard]] std::filesystem::path best_path() const { return folder_ / "best.safetensors"; }

  /// Calls `write` until it does not throw NoSpaceLeft, each time removing the oldest checkpoint,
  /// but never the newest readable one. Returns how many were removed. Throws what `write` throws
  /// when there is none left to remove.
  std::int64_t make_room_for(const std::function<void()>& write) const;

  /// Removes the leftovers of a run that was killed while writing.
  void remove_leftovers() const;

  /// The files to resume from, best first: the one that `latest` names, then older ones. Without a
  /// usable `latest`: all, newest first.
  [[nodiscard]] std::vector<std::filesystem::path> candidates() const;

  /// The first candidate that can be read; damaged ones before it are reported. Nothing if there is
  /// no checkpoint at all. Throws DataError if there are some but none can be read.
  [[nodiscard]] std::optional<Checkpoint> read_newest(const Log& log) const;

 private:
  [[nodiscard]] std::vector<std::filesystem::path> expendable() const;
  [[nodiscard]] std::string point_latest_to(const std::filesystem::path& file) const;
  void remove_older(std::int64_t newest, std::int64_t keep) const;

  std::filesystem::path folder_;
};

}  // namespace lockstep::train
