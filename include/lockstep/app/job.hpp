// A command that computes on all ranks: its start, its errors, its end.
#pragma once

#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <lockstep/app/compute.hpp>
#include <lockstep/app/option_table.hpp>
#include <lockstep/base/log.hpp>
#include <lockstep/comm/agreement.hpp>
#include <lockstep/comm/communicator.hpp>
#include <lockstep/runtime/mpi_session.hpp>
#include <lockstep/runtime/rank_layout.hpp>
#include <lockstep/train/options.hpp>

namespace lockstep::app {

/// What every rank of a job has from the start.
struct Job {
  runtime::MpiSession session;
  runtime::RankLayout layout = runtime::discover_rank_layout();
  Log log{layout.rank == 0 ? Log::Level::kInfo : Log::Level::kWarning};
  /// For set-up, agreement and evaluation.
  std::unique_ptr<comm::Communicator> control;

  Job();
};

/// Ends the job for a failure that only this rank knows of: prints it and aborts all ranks. Where
/// there is but one rank, rethrows it.
[[noreturn]] void end_all_ranks(Job& job, const std::exception_ptr& failure);

/// Runs `work`; a failure in it that not all ranks have agreed on ends all ranks at once, before
/// anything outside of `work` is destroyed that might wait for them.
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

/// Collective. Rank 0's command line, environment and configuration file count for all ranks: they
/// alone are sure to be what the user typed (mpirun passes no variables to other hosts).
void take_options(Job& job, const OptionTable& table, const std::vector<std::string>& arguments,
                  const std::vector<std::string>& names_elsewhere);

/// Collective. The communicator that `options` ask for and that goes with `compute`, which must
/// outlive it; with a progress thread if `overlap`.
[[nodiscard]] std::unique_ptr<comm::Communicator> make_communicator(
    Job& job, const train::DistributionOptions& options, const Compute& compute, bool overlap);

}  // namespace lockstep::app
