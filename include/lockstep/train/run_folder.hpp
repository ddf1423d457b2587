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

  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

 private:
  RunFolder(std::filesystem::path path, FileDescriptor lock)
      : path_(std::move(path)), lock_(std::move(lock)) {}
  static RunFolder locked(const std::filesystem::path& path);

  std::filesystem::path path_;
  FileDescriptor lock_;
};

}  // namespace lockstep::train
