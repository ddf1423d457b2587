#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <csignal>
#include <ctime>
#include <string_view>

#include <lockstep/runtime/stop_request.hpp>

namespace lockstep::runtime {
namespace {

constexpr std::array kSignals = {SIGTERM, SIGINT,  SIGUSR1, SIGUSR2,
                                 SIGHUP,  SIGXCPU, SIGPWR,  SIGALRM};
constexpr unsigned kUsualPatienceSeconds = 60;

// A handler can only access objects with static storage.
volatile std::sig_atomic_t received_signal = 0;
std::array<struct sigaction, kSignals.size()> former_actions;
std::atomic<bool> leaving = false;
std::atomic<unsigned> patience_seconds = kUsualPatienceSeconds;
std::atomic<std::time_t> first_sigterm = 0;  // seconds of the monotonic clock
std::atomic<std::time_t> end_without_saving = 0;
static_assert(std::atomic<std::time_t>::is_always_lock_free);

std::time_t monotonic_seconds() noexcept {
  struct timespec now = {};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec;
}

/// The default action does not apply to process 1 of a container, which therefore exits as a shell
/// would for it.
void end_by(int number) noexcept {
  if (::getpid() == 1) {
    constexpr int kEndedBySignal = 128;
    std::_Exit(kEndedBySignal + number);
  }
  (void)std::signal(number, SIG_DFL);
  (void)std::raise(number);
}

[[noreturn]] void end_without_an_answer() noexcept {
  constexpr std::string_view kText =
      "lockstep: error: a signal asked this process to stop, but no step ended within the time "
      "limit: it ends without saving, and the run can be resumed from its last checkpoint\n";
  [[maybe_unused]] const auto written = ::write(STDERR_FILENO, kText.data(), kText.size());
  constexpr int kFailure = 1;
  std::_Exit(kFailure);
}

bool is_second_sigterm(std::time_t now) noexcept {
  std::time_t none = 0;
  if (first_sigterm.compare_exchange_strong(none, now)) return false;
  return now - first_sigterm >= StopRequest::kSecondSigterm.count();
}

extern "C" void remember_signal(int number) {
  const auto now = monotonic_seconds();
  const auto deadline = end_without_saving.load();
  if (number == SIGALRM && deadline != 0 && now >= deadline) end_without_an_answer();
  if (number == SIGINT && received_signal != 0) end_by(SIGINT);
  if (number == SIGTERM && is_second_sigterm(now)) end_by(SIGTERM);
  if (received_signal == 0) {
    const unsigned patience = patience_seconds;
    end_without_saving = now + static_cast<std::time_t>(patience);
    ::alarm(patience);
  }
  received_signal = number;
}

/// nohup's setting is kept.
bool is_ignored(int number) {
  struct sigaction action = {};
  return ::sigaction(number, nullptr, &action) == 0 && action.sa_handler == SIG_IGN;
}

}  // namespace

StopRequest::StopRequest() {
  received_signal = 0;
  first_sigterm = 0;
  end_without_saving = 0;
  patience_seconds = kUsualPatienceSeconds;
  struct sigaction action = {};
  action.sa_handler = remember_signal;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  for (std::size_t i = 0; i < kSignals.size(); ++i) {
    ::sigaction(kSignals[i], nullptr, &former_actions[i]);
    if (kSignals[i] == SIGHUP && is_ignored(SIGHUP)) continue;
    ::sigaction(kSignals[i], &action, nullptr);
  }
}

StopRequest::~StopRequest() {
  // A process that was asked to stop is on its way out.
  if (received_signal != 0 || leaving) return;
  for (std::size_t i = 0; i < kSignals.size(); ++i) {
    ::sigaction(kSignals[i], &former_actions[i], nullptr);
  }
}

void StopRequest::set_patience(std::chrono::duration<double> patience) noexcept {
  constexpr double kLongest = 1e9;
  patience_seconds = static_cast<unsigned>(std::clamp(std::ceil(patience.count()), 1.0, kLongest));
}

bool StopRequest::wanted() const noexcept {
  if (received_signal == 0) return false;
  if (end_without_saving.exchange(0) != 0) ::alarm(0);
  return true;
}

void leave_by_exit_code() noexcept {
  leaving = true;
  ::alarm(0);
  for (const int signal : kSignals) (void)std::signal(signal, SIG_IGN);
}

void end_by_signals() noexcept {
  ::alarm(0);
  for (const int signal : kSignals) (void)std::signal(signal, SIG_DFL);
}

}  // namespace lockstep::runtime
