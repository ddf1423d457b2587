// The folder that a run leaves behind. Only rank 0 touches it.
#pragma once

#include <filesystem>
#include <string>

#include <lockstep/base/file.hpp>

namespace lockstep::train {

/// A folder that no other live run can use: it is locked until destruction or the end of the
/// process. Move-only.
class RunFolder {
 public:
  /// No folder, for ranks that do not write.
  RunFolder() = default;

  /// Makes the folder of a new run: `wanted`, or runs/<UTC time>-<n> if that is empty. Throws
  /// UsageError if it already holds a run, RuntimeFailure if it cannot be made or written to. Waits
  /// up to ten seconds for a folder that is in use, then throws UsageError.
  [[nodiscard]] static RunFolder create(const std::string& wanted);
  /// The same for a run that may continue what is there.
  [[nodiscard]] static RunFolder open(const std::string& wanted);

  /// Its name when the run began.
  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }
  /// Its current name: somebody may have renamed it. Throws RuntimeFailure if it was removed, so
  /// that nothing makes a second folder that holds half a run. Any thread.
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
