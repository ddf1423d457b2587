#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <sys/ioctl.h>

#include <fmt/format.h>

#include <lockstep/base/terminal.hpp>

namespace lockstep {
namespace {

constexpr int kUsualColumns = 80;

/// Opens a separate file description, so that these writes do not wait even if others may.
FileDescriptor open_output(const std::string& process, int number) {
  const auto path = fmt::format("/proc/{}/fd/{}", process, number);
  return FileDescriptor(::open(path.c_str(), O_WRONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC));
}

bool parent_passes_output_on() {
  std::string name;
  std::ifstream(fmt::format("/proc/{}/comm", ::getppid())) >> name;
  constexpr std::array kLaunchers = {"mpirun", "mpiexec", "orterun", "prterun"};
  return std::find(kLaunchers.begin(), kLaunchers.end(), name) != kLaunchers.end();
}

bool has_control_sequences() {
  const auto kind = terminal_kind();
  return !kind.empty() && kind != "dumb";
}

/// Keeps the terminal from stopping this process when it writes from the background.
class WithoutTerminalStop {
 public:
  WithoutTerminalStop() {
    sigset_t stop;
    ::sigemptyset(&stop);
    ::sigaddset(&stop, SIGTTOU);
    ::pthread_sigmask(SIG_BLOCK, &stop, &before_);
  }
  ~WithoutTerminalStop() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  WithoutTerminalStop(const WithoutTerminalStop&) = delete;
  WithoutTerminalStop& operator=(const WithoutTerminalStop&) = delete;
  WithoutTerminalStop(WithoutTerminalStop&&) = delete;
  WithoutTerminalStop& operator=(WithoutTerminalStop&&) = delete;

 private:
  sigset_t before_{};
};

}  // namespace

std::string terminal_kind() {
  const char* kind = std::getenv("TERM");  // NOLINT(concurrency-mt-unsafe): nobody sets it
  return kind == nullptr ? "" : kind;
}

std::optional<Terminal> Terminal::behind_standard_error() {
  if (!has_control_sequences()) return std::nullopt;
  const bool own = ::isatty(STDERR_FILENO) == 1;
  if (!own && !parent_passes_output_on()) return std::nullopt;
  auto file = open_output(own ? "self" : std::to_string(::getppid()), STDERR_FILENO);
  if (file.get() < 0 || ::isatty(file.get()) != 1) return std::nullopt;
  return Terminal(std::move(file));
}

std::optional<Terminal> Terminal::standard_error() {
  FileDescriptor copy(::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0));
  if (copy.get() < 0) return std::nullopt;
  return Terminal(std::move(copy));
}

int Terminal::columns() const {
  winsize size{};
  if (::ioctl(file_.get(), TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return kUsualColumns;
  return size.ws_col;
}

void Terminal::write(std::string_view text) const noexcept {
  const WithoutTerminalStop guard;
  [[maybe_unused]] const auto written = ::write(file_.get(), text.data(), text.size());
}

void StatusLine::show(std::string_view text) {
  // The last column stays free: some terminals wrap once it is filled.
  const auto width = static_cast<std::size_t>(std::max(terminal_.columns() - 1, 1));
  terminal_.write(fmt::format("\r{}\x1b[K\r", text.substr(0, width)));
  shown_ = true;
}

void StatusLine::clear() {
  if (shown_) terminal_.write(kEraseLine);
  shown_ = false;
}

}  // namespace lockstep
