#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>

#include <fmt/format.h>

#include <lockstep/base/error.hpp>
#include <lockstep/base/file.hpp>
#include <lockstep/base/input_file.hpp>

#include "own_descriptor.hpp"

namespace lockstep {
namespace {

constexpr auto kLongestSilence = std::chrono::seconds(60);

[[noreturn]] void refuse_input(const std::filesystem::path& path, const std::string& reason) {
  throw RuntimeFailure(fmt::format("cannot read {}: {}", path.string(), reason));
}

/// Opening a pipe without O_NONBLOCK waits for a writer, and signals with SA_RESTART do not end
/// that.
FileDescriptor open_input(const std::filesystem::path& path) {
  const auto own = own_descriptor(path);
  FileDescriptor file(own ? ::fcntl(*own, F_DUPFD_CLOEXEC, 0)
                          : ::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY));
  if (file.get() < 0) refuse_input(path, system_error_text(errno));
  return file;
}

/// Waits until there is something to read, or the end. A signal with a handler always ends poll.
void wait_for_input(int descriptor, const std::filesystem::path& path) {
  pollfd waiting = {descriptor, POLLIN, 0};
  const int limit_ms = static_cast<int>(std::chrono::milliseconds(kLongestSilence).count());
  const int ready = ::poll(&waiting, 1, limit_ms);
  if (ready > 0) return;
  if (ready == 0) {
    refuse_input(path,
                 fmt::format("nothing has been written to it for {} s", kLongestSilence.count()));
  }
  if (errno != EINTR) refuse_input(path, system_error_text(errno));
  throw Error(ExitCode::kPreempted,
              fmt::format("stopped by a signal while waiting for input from {}", path.string()));
}

}  // namespace

std::string read_input_file(const std::filesystem::path& path, std::size_t most_bytes) {
  constexpr std::size_t kBlockBytes = 1U << 16U;
  const auto file = open_input(path);
  std::string text;
  while (true) {
    wait_for_input(file.get(), path);
    const auto before = text.size();
    text.resize(before + kBlockBytes);
    const auto count = ::read(file.get(), text.data() + before, kBlockBytes);
    const int reason = errno;
    text.resize(before + static_cast<std::size_t>(count > 0 ? count : 0));
    if (count == 0) return text;
    if (count < 0 && reason != EINTR && reason != EAGAIN)
      refuse_input(path, system_error_text(reason));
    if (text.size() > most_bytes)
      refuse_input(path, fmt::format("it has more than {} bytes", most_bytes));
  }
}

}  // namespace lockstep
