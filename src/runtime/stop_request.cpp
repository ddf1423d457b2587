#include <array>
#include <atomic>
#include <csignal>

#include <lockstep/runtime/stop_request.hpp>

namespace lockstep::runtime {
namespace {

constexpr std::array kSignals = {SIGTERM, SIGINT, SIGUSR1};

// A handler can only reach what has static storage.
volatile std::sig_atomic_t received_signal = 0;
std::array<struct sigaction, kSignals.size()> former_actions;
std::atomic<bool> leaving = false;

extern "C" void remember_signal(int number) {
  if (number == SIGINT && received_signal != 0) {
    (void)std::signal(SIGINT, SIG_DFL);
    (void)std::raise(SIGINT);
  }
  received_signal = number;
}

}  // namespace

StopRequest::StopRequest() {
  received_signal = 0;
  struct sigaction action = {};
  action.sa_handler = remember_signal;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  for (std::size_t i = 0; i < kSignals.size(); ++i) {
    ::sigaction(kSignals[i], &action, &former_actions[i]);
  }
}

StopRequest::~StopRequest() {
  // A process that was asked to stop is on its way out.
  if (received_signal != 0 || leaving) return;
  for (std::size_t i = 0; i < kSignals.size(); ++i) {
    ::sigaction(kSignals[i], &former_actions[i], nullptr);
  }
}

void leave_by_exit_code() noexcept {
  leaving = true;
  for (const int signal : kSignals) (void)std::signal(signal, SIG_IGN);
}

int StopRequest::signal() const noexcept {
  return received_signal;
}

}  // namespace lockstep::runtime
