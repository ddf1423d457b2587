#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <ctime>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <lockstep/base/error.hpp>
#include <lockstep/train/run_folder.hpp>

namespace lockstep::train {
namespace {

namespace fs = std::filesystem;

constexpr int kMaximumRunsASecond = 10000;

void make_folders(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) {
    throw RuntimeFailure(fmt::format("cannot make the folder {} (--output-dir): {}",
                                     folder.string(), error.message()));
  }
}

/// Two runs that start in the same second get different numbers: making a folder succeeds once.
fs::path make_dated_folder() {
  make_folders("runs");
  const auto now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  const auto time = fmt::format("{:%Y%m%dT%H%M%SZ}", fmt::gmtime(now));
  for (int n = 1; n <= kMaximumRunsASecond; ++n) {
    auto folder = fs::path("runs") / fmt::format("{}-{}", time, n);
    std::error_code error;
    if (fs::create_directory(folder, error)) return folder;
    if (error) {
      throw RuntimeFailure(
          fmt::format("cannot make the folder {}: {}", folder.string(), error.message()));
    }
  }
  throw RuntimeFailure("cannot find a free folder in runs/: choose one with --output-dir");
}

}  // namespace

fs::path create_run_folder(const std::string& wanted) {
  if (wanted.empty()) return make_dated_folder();
  fs::path folder(wanted);
  for (const char* name : {"config.json", "metrics.jsonl", "model.safetensors", "checkpoints"}) {
    std::error_code ignored;
    if (fs::exists(folder / name, ignored)) {
      throw UsageError(
          fmt::format("--output-dir {}: the folder holds a run already ({}); choose another",
                      folder.string(), name));
    }
  }
  make_folders(folder);
  if (::access(folder.c_str(), W_OK | X_OK) != 0) {
    throw RuntimeFailure(fmt::format("cannot write to the folder {} (--output-dir): {}",
                                     folder.string(), system_error_text(errno)));
  }
  return folder;
}

}  // namespace lockstep::train
