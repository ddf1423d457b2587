// A command that computes on all ranks: its start, its errors, its end.
#pragma once

#include <chrono>
#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <lockstep/base/log.hpp>
#include <lockstep/comm/agreement.hpp>
#include <lockstep/comm/communicator.hpp>
#include <lockstep/runtime/mpi_session.hpp>
#include <lockstep/runtime/rank_layout.hpp>
#include <lockstep/session/compute.hpp>
#include <lockstep/train/options.hpp>
#include <lockstep/watch/node_boards.hpp>
#include <lockstep/watch/watchdog.hpp>

namespace lockstep::session {

/// What every rank of a job has from the start.
struct Job {
  runtime::MpiSession session;
  runtime::RankLayout layout = runtime::discover_rank_layout();
  Log log{layout.rank == 0 ? Log::Level::kInfo : Log::Level::kWarning};
  /// What this node's ranks are doing; made by `start_watching`.
  std::unique_ptr<watch::NodeBoards> boards{};
  /// For set-up, agreement and evaluation.
  std::unique_ptr<comm::Communicator> control;
  std::unique_ptr<watch::Watchdog> watchdog{};

  Job();
  /// Null before `start_watching`.
  [[nodiscard]] watch::ProgressBoard* board() const {
    return boards == nullptr ? nullptr : &boards->mine();
  }
};

/// Collective. From now on, a rank that keeps others waiting for longer than --collective-timeout
/// is named, and the job ended; this includes communicators that are made later.
void start_watching(Job& job, const train::DistributionOptions& options);

/// The limit for waits that the watchdog also watches. The watchdog reports more, so it comes
/// first.
[[nodiscard]] std::chrono::duration<double> second_limit(const train::DistributionOptions& options);

/// Ends the job for a failure that only this rank knows of: prints it and aborts all ranks. If
/// there is only one rank, rethrows it.
[[noreturn]] void end_all_ranks(Job& job, const std::exception_ptr& failure);

/// Runs `work`. A failure in it that not all ranks have agreed on ends all ranks at once, before
/// anything outside `work` that might wait for them is destroyed.
template <typename Work>
auto end_together(Job& job, Work&& work) {
  try {
    return std::forward<Work>(work)();
  } catch (const comm::AgreedError&) {
    throw;
  } catch (...) {
    end_all_ranks(job, std::current_exception());
  }
}

/// Starts MPI, runs `body` on every rank and returns the exit code. A failure is printed as one
/// line by one rank; if only some ranks know of it, the others are aborted.
[[nodiscard]] int run_job(const std::function<void(Job&)>& body);

/// Throws AgreedError, exit code 2, if a launcher that this MPI does not know started several
/// processes, each of which would do the same work alone.
void refuse_other_launchers(const Job& job);

/// Collective. Makes the communicator that `options` ask for, suited to `compute`, which must
/// outlive it; with a progress thread if `overlap`.
[[nodiscard]] std::unique_ptr<comm::Communicator> make_communicator(
    Job& job, const train::DistributionOptions& options, const Compute& compute, bool overlap);

}  // namespace lockstep::session
