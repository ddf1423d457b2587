// Typed errors: what went wrong, where, what to do about it, and the exit code.
#pragma once

#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lockstep {

/// Exit codes of the program, fixed for scripts and schedulers.
enum class ExitCode : int {
  kDone = 0,       ///< the work is done
  kFailure = 1,    ///< failure at run time: a rank failed, folder not writable, disk full, …
  kUsage = 2,      ///< unknown option, impossible combination, value out of range, …
  kData = 3,       ///< data or checkpoint missing, corrupt or not matching
  kPreempted = 75  ///< stopped by a signal, state saved
};

/// Names of settings, as a run's config.json calls them: "collective_timeout". A program adds what
/// it calls them, as `options::with_options` does.
using Settings = std::vector<std::string>;

/// Base of all errors that Lockstep throws. The message is one line for a person: what, where
/// (file and offset, rank and host), what to do.
class Error : public std::runtime_error {
 public:
  Error(ExitCode code, const std::string& message, Settings settings = {})
      : std::runtime_error(message),
        code_(code),
        settings_(std::make_shared<const Settings>(std::move(settings))) {}
  [[nodiscard]] ExitCode code() const noexcept { return code_; }
  /// The settings that the message is about, or that could be changed.
  [[nodiscard]] const Settings& settings() const noexcept { return *settings_; }

 private:
  ExitCode code_;
  std::shared_ptr<const Settings> settings_;  // an exception is copied without throwing
};

/// The command line, environment or configuration file asks for something impossible.
class UsageError : public Error {
 public:
  explicit UsageError(const std::string& message, Settings settings = {})
      : Error(ExitCode::kUsage, message, std::move(settings)) {}
};

/// Data or a checkpoint is missing, corrupt or does not match.
class DataError : public Error {
 public:
  explicit DataError(const std::string& message, Settings settings = {})
      : Error(ExitCode::kData, message, std::move(settings)) {}
};

/// Something failed while running: a system call, a collective, a full disk.
class RuntimeFailure : public Error {
 public:
  explicit RuntimeFailure(const std::string& message, Settings settings = {})
      : Error(ExitCode::kFailure, message, std::move(settings)) {}
};

/// A file system or a quota has no room for what was to be written.
class NoSpaceLeft : public RuntimeFailure {
 public:
  using RuntimeFailure::RuntimeFailure;
};

/// Whether a text of LibTorch's or of a CUDA library says that memory ran out.
[[nodiscard]] bool is_about_memory(std::string_view text);

/// The text for an `errno` value ("No space left on device"); safe in any thread.
[[nodiscard]] std::string system_error_text(int error_number);

}  // namespace lockstep
