#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <ctime>
#include <sys/file.h>
#include <sys/stat.h>
#include <thread>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <lockstep/base/error.hpp>
#include <lockstep/train/run_folder.hpp>

namespace lockstep::train {
namespace {

namespace fs = std::filesystem;

constexpr int kMaximumRunsASecond = 10000;
constexpr const char* kLockName = "run.lock";
constexpr auto kLongestWait = std::chrono::seconds(10);
constexpr auto kBetweenTries = std::chrono::milliseconds(50);

void make_folders(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) {
    throw RuntimeFailure(
        fmt::format("cannot make the folder {}: {}", folder.string(), error.message()),
        {"output_dir"});
  }
}

/// Two runs that start in the same second get different numbers: only one of them can make a
/// folder.
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
  throw RuntimeFailure("cannot find a free folder in runs/: choose one", {"output_dir"});
}

void require_writable(const fs::path& folder) {
  if (::access(folder.c_str(), W_OK | X_OK) == 0) return;
  const int reason = errno;
  throw RuntimeFailure(
      fmt::format("cannot write to the folder {}: {}", folder.string(), system_error_text(reason)),
      {"output_dir"});
}

void refuse_a_run(const fs::path& folder) {
  for (const char* name : {"config.json", "metrics.jsonl", "model.safetensors", "checkpoints"}) {
    std::error_code ignored;
    if (fs::exists(folder / name, ignored)) {
      throw UsageError(
          fmt::format("the folder {} holds a run already ({}): choose another, or resume that run",
                      folder.string(), name),
          {"output_dir", "resume"});
    }
  }
}

/// The lock of a killed run ends with its rank 0, which may take a moment to die.
void take_lock(const FileDescriptor& file, const fs::path& folder) {
  const auto deadline = std::chrono::steady_clock::now() + kLongestWait;
  while (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
    const int reason = errno;
    if (reason == EINTR) continue;
    if (reason == ENOLCK || reason == EOPNOTSUPP) return;  // a file system without locks
    if (reason != EWOULDBLOCK) {
      throw RuntimeFailure(fmt::format("cannot lock {}: {}", (folder / kLockName).string(),
                                       system_error_text(reason)));
    }
    if (std::chrono::steady_clock::now() > deadline) {
      throw UsageError(
          fmt::format("the folder {} is in use by a live run: wait for its end, or choose another",
                      folder.string()),
          {"output_dir"});
    }
    std::this_thread::sleep_for(kBetweenTries);
  }
}

}  // namespace

RunFolder RunFolder::locked(const fs::path& path) {
  FileDescriptor file(::open((path / kLockName).c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
  if (file.get() < 0) {
    const int reason = errno;
    throw RuntimeFailure(
        fmt::format("cannot write to the folder {}: {}", path.string(), system_error_text(reason)),
        {"output_dir"});
  }
  take_lock(file, path);
  FileDescriptor folder(::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  return {path, std::move(folder), std::move(file)};
}

fs::path RunFolder::current_path() const {
  struct stat mine = {};
  struct stat there = {};
  if (::fstat(folder_.get(), &mine) != 0) return path_;
  if (::stat(path_.c_str(), &there) == 0 && there.st_dev == mine.st_dev &&
      there.st_ino == mine.st_ino) {
    return path_;
  }
  std::error_code error;
  auto path = fs::read_symlink(fmt::format("/proc/self/fd/{}", folder_.get()), error);
  if (mine.st_nlink == 0 || error || ::stat(path.c_str(), &there) != 0) {
    throw RuntimeFailure(
        fmt::format("the folder {} was removed while the run was writing into it: what it has not "
                    "written elsewhere is lost",
                    path_.string()),
        {"output_dir"});
  }
  return path;
}

RunFolder RunFolder::create(const std::string& wanted) {
  if (wanted.empty()) return locked(make_dated_folder());
  const fs::path path(wanted);
  std::error_code ignored;
  const bool in_use_perhaps = fs::exists(path / kLockName, ignored);
  if (!in_use_perhaps) refuse_a_run(path);
  make_folders(path);
  require_writable(path);
  auto folder = locked(path);
  refuse_a_run(path);
  return folder;
}

RunFolder RunFolder::open(const std::string& wanted) {
  const fs::path path(wanted);
  make_folders(path);
  require_writable(path);
  return locked(path);
}

}  // namespace lockstep::train
