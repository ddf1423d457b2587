// The folder that a run leaves behind. Only rank 0 touches it.
#pragma once

#include <filesystem>
#include <string>

#include <lockstep/base/file.hpp>

namespace lockstep::train {

/// A folder that no other live run can have: it is locked until destruction, or the process's end.
/// Move-only.
class RunFolder {
 public:
  /// None: of the ranks that do not write.
  RunFolder() = default;

  /// Makes the folder of a new run: `wanted`, or runs/<UTC time>-<n> if that is empty. Throws
  /// UsageError if it holds a run already, RuntimeFailure if it cannot be made or written to.
  /// A folder in use is waited for up to ten seconds, then UsageError.
  [[nodiscard]] static RunFolder create(const std::string& wanted);
  /// The same for a run that may go on from what is there.
  [[nodiscard]] static RunFolder open(const std::string& wanted);

  /// As it was called when the run began.
  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }
  /// What it is called now: somebody may have renamed it. Throws RuntimeFailure if it was removed,
  /// so that nothing makes a second folder that holds half a run. Any thread.
  [[nodiscard]] std::filesystem::path current_path() const;

 private:
  RunFolder(std::filesystem::path path, FileDescriptor folder, FileDescriptor lock)
      : path_(std::move(path)), folder_(std::move(folder)), lock_(std::move(lock)) {}
  static RunFolder locked(const std::filesystem::path& path);

  std::filesystem::path path_;
  FileDescriptor folder_;
  FileDescriptor lock_;
};

}  // namespace lockstep::train
