// The checkpoints of a run, as files of its folder.
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

/// RUN/checkpoints/step-00000938.safetensors …, and `latest`, a relative link to the one to go on
/// from. One thread at a time.
class CheckpointFolder {
 public:
  explicit CheckpointFolder(const std::filesystem::path& run_folder)
      : folder_(run_folder / "checkpoints") {}
  /// The checkpoints that lie in `folder` itself.
  [[nodiscard]] static CheckpointFolder at(const std::filesystem::path& folder) {
    CheckpointFolder checkpoints(folder);
    checkpoints.folder_ = folder;
    return checkpoints;
  }

  [[nodiscard]] std::filesystem::path path_of(std::int64_t steps) const;

  /// Writes the checkpoint, then points `latest` to it, then removes what is older than the newest
  /// `keep` that end with it: at no time is there less than what was there before, unless the disk
  /// is full (`make_room_for`). Returns what a person should know of it, the same text each time:
  /// that there is no room for `keep`, or that the file system has no links. Throws RuntimeFailure;
  /// the newest checkpoint that can be read is untouched then.
  std::vector<std::string> save(const Checkpoint& checkpoint, std::int64_t keep) const;

  /// Calls `write` until it does not throw NoSpaceLeft, removing the oldest checkpoint each time
  /// but never the newest one that can be read. Returns how many were removed. Throws what `write`
  /// throws when there is none left to remove.
  std::int64_t make_room_for(const std::function<void()>& write) const;

  /// Takes away what a run that was killed while it wrote has left.
  void remove_leftovers() const;

  /// The files to go on from, the best first: the one that `latest` names, then older ones. Without
  /// a usable `latest`, all, the newest first.
  [[nodiscard]] std::vector<std::filesystem::path> candidates() const;

  /// The first candidate that can be read; the damaged ones before it are told of. Nothing if there
  /// is no checkpoint at all. Throws DataError if there are some and none can be read.
  [[nodiscard]] std::optional<Checkpoint> read_newest(const Log& log) const;

 private:
  [[nodiscard]] std::vector<std::filesystem::path> expendable() const;
  [[nodiscard]] std::string point_latest_to(const std::filesystem::path& file) const;
  void remove_older(std::int64_t newest, std::int64_t keep) const;

  std::filesystem::path folder_;
};

}  // namespace lockstep::train
