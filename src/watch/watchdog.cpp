#include <pthread.h>
#include <unistd.h>

#include <array>
#include <condition_variable>
#include <cstdlib>
#include <exception>
#include <mutex>
#include <thread>
#include <utility>

#include <fmt/format.h>
#include <mpi.h>

#include <lockstep/base/error.hpp>
#include <lockstep/base/run_bounded.hpp>
#include <lockstep/base/unwinding.hpp>
#include <lockstep/runtime/stop_request.hpp>
#include <lockstep/runtime/wait_clock.hpp>
#include <lockstep/watch/watchdog.hpp>

#include "rank_watch.hpp"

namespace lockstep::watch {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kBetweenLooks(250);
constexpr milliseconds kBetweenFirstLooksAtTheEnd(1);
constexpr milliseconds kBetweenLaterLooksAtTheEnd(20);
constexpr int kFirstLooksAtTheEnd = 100;
constexpr std::chrono::seconds kLongestFarewell(5);
constexpr std::chrono::seconds kLongestMpiAbort(2);

/// Never returns. MPI_Abort itself may hang: it waits for daemons that a broken network keeps away.
[[noreturn]] void end_job(const Log& log, const std::string& message) {
  constexpr int kCode = static_cast<int>(ExitCode::kFailure);
  try {
    (void)run_bounded(kLongestMpiAbort, [log, message] {
      if (!message.empty()) log.error(message);
      // The launcher's SIGTERM must end ranks whose main threads are stuck.
      runtime::end_by_signals();
      return MPI_Abort(MPI_COMM_WORLD, kCode);
    });
  } catch (const std::exception&) {
    ::_exit(kCode);  // no thread available
  }
  ::_exit(kCode);
}

}  // namespace

HangActions standard_hang_actions(const Log& log) {
  return {.warn = [log](const std::string& message) { log.warning(message); },
          .end = [log](const std::string& message) { end_job(log, message); }};
}

class Watchdog::Thread {
 public:
  Thread(const runtime::RankLayout& layout, NodeBoards& boards, double deadline_seconds,
         const HangActions& actions)
      : board_(boards.mine()),
        actions_(actions),
        watch_(layout, boards, deadline_seconds, actions),
        thread_([this] { run(); }) {}
  ~Thread() {
    if (probe_.unwinding()) {
      stop(Mode::kAbandon);
      return;
    }
    board_.set_phase(Phase::kEnding);
    const WaitScope waiting(&board_, board_.enter(Channel::kEnding, OperationKind::kEnding, 0));
    stop(Mode::kEnd);
  }
  Thread(const Thread&) = delete;
  Thread& operator=(const Thread&) = delete;
  Thread(Thread&&) = delete;
  Thread& operator=(Thread&&) = delete;

 private:
  enum class Mode { kWatch, kEnd, kAbandon };

  void stop(Mode mode) {
    {
      const std::lock_guard lock(mutex_);
      mode_ = mode;
    }
    changed_.notify_one();
    thread_.join();
  }

  void run() noexcept {
    ::pthread_setname_np(::pthread_self(), "watchdog");
    try {
      if (watch_until_told() == Mode::kEnd) end_together();
    } catch (const std::exception& error) {
      try {
        actions_.warn(fmt::format("hang detection has stopped: {}", error.what()));
      } catch (const std::exception&) {
        return;  // out of memory: the job goes on without it
      }
    }
  }

  Mode watch_until_told() {
    std::unique_lock lock(mutex_);
    while (mode_ == Mode::kWatch) {
      lock.unlock();
      watch_.go_on();
      lock.lock();
      changed_.wait_for(lock, kBetweenLooks, [this] { return mode_ != Mode::kWatch; });
    }
    return mode_;
  }

  void end_together() {
    using End = StatusExchange::End;
    int looks = 0;
    const auto pause = [&looks] {
      std::this_thread::sleep_for(++looks < kFirstLooksAtTheEnd ? kBetweenFirstLooksAtTheEnd
                                                                : kBetweenLaterLooksAtTheEnd);
    };
    for (; watch_.end() == End::kSomeGoOn; pause()) watch_.go_on();
    runtime::WaitClock farewell(kLongestFarewell);
    for (; watch_.end() != End::kDone && !farewell.expired(); pause()) watch_.take_in();
  }

  ProgressBoard& board_;
  HangActions actions_;
  RankWatch watch_;
  UnwindingProbe probe_;
  std::mutex mutex_;
  std::condition_variable changed_;
  Mode mode_ = Mode::kWatch;
  std::thread thread_;  // last: uses all of the above
};

Watchdog::Watchdog(const runtime::RankLayout& layout, NodeBoards& boards,
                   std::chrono::duration<double> deadline, const HangActions& actions)
    : thread_(layout.world_size > 1
                  ? std::make_unique<Thread>(layout, boards, deadline.count(), actions)
                  : nullptr) {}

Watchdog::~Watchdog() = default;

}  // namespace lockstep::watch
