// Nothing waits forever: a thread on each rank notices when ranks wait too long for each other, and
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

/// What a watchdog does; both functions are called in its thread.
struct HangActions {
  /// Half of the deadline has passed; called by one rank, once per operation.
  std::function<void(const std::string& message)> warn;
  /// The deadline has passed: end this rank and the job. The message is empty if another rank has
  /// given it. If this returns, the watchdog reports nothing more.
  std::function<void(const std::string& message)> end;
};

/// Writes the message to `log`, then ends the job with exit code 1 through MPI, and this process
/// after some seconds whatever MPI does. Before that, SIGTERM, SIGINT and SIGUSR1 get their default
/// effect.
[[nodiscard]] HangActions standard_hang_actions(const Log& log);

/// Watches over all ranks while it exists, even if its own rank's threads are stuck.
///
/// Every quarter of a second, each rank sends ranks 0 and 1 what its board shows. Rank 0 reports
/// when ranks have waited for longer than the deadline; rank 1 does so if rank 0 is silent. A rank
/// that hears from neither, and is itself waiting, ends itself. Time in which the whole job is
/// suspended does not count. A job of one rank has no thread.
class Watchdog {
 public:
  /// Collective. `boards` must outlive it. Needs MPI_THREAD_MULTIPLE.
  Watchdog(const runtime::RankLayout& layout, NodeBoards& boards,
           std::chrono::duration<double> deadline, const HangActions& actions);
  /// Collective: a last operation, which is watched too. Waits for nobody while an exception
  /// unwinds.
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
