// Nothing waits for ever: a thread a rank that notices when ranks wait too long for each other, and
// says for whom.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include <lockstep/base/log.hpp>
#include <lockstep/runtime/rank_layout.hpp>
#include <lockstep/watch/node_boards.hpp>

namespace lockstep::watch {

/// What a watchdog does; both are called in its thread.
struct HangActions {
  /// Half of the deadline has passed; by one rank, once an operation.
  std::function<void(const std::string& message)> warn;
  /// The deadline has passed: end this rank and the job. The message is empty where another rank
  /// has given it. If this returns, the watchdog finds nothing any more.
  std::function<void(const std::string& message)> end;
};

/// Writes the message to `log`; ends the job with exit code 1 by MPI, this process after some
/// seconds whatever MPI does. SIGTERM, SIGINT and SIGUSR1 get their default effect first.
[[nodiscard]] HangActions standard_hang_actions(const Log& log);

/// Watches over all ranks while it exists, however its own rank's threads are stuck.
///
/// Every quarter of a second each rank tells ranks 0 and 1 what its board shows. Rank 0 speaks when
/// ranks have waited for longer than the deadline; rank 1 does in its stead when rank 0 is silent.
/// A rank that hears of neither, and itself waits, ends itself. Time in which the job as a whole is
/// suspended does not count. A job of one rank has no thread.
class Watchdog {
 public:
  /// Collective. `boards` must outlive it. Needs MPI_THREAD_MULTIPLE.
  Watchdog(const runtime::RankLayout& layout, NodeBoards& boards,
           std::chrono::duration<double> deadline, const HangActions& actions);
  /// Collective, as a last operation that is watched itself; but waits for nobody while an
  /// exception unwinds.
  ~Watchdog();
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;
  Watchdog(Watchdog&&) = delete;
  Watchdog& operator=(Watchdog&&) = delete;

 private:
  class Thread;
  std::unique_ptr<Thread> thread_;  // null in a job of one rank
};

}  // namespace lockstep::watch
