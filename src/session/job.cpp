#include <chrono>

#include <fmt/format.h>

#include <lockstep/comm/agreement.hpp>
#include <lockstep/comm/factory.hpp>
#include <lockstep/comm/failure.hpp>
#include <lockstep/options/option_sources.hpp>
#include <lockstep/options/setting_names.hpp>
#include <lockstep/runtime/stop_request.hpp>
#include <lockstep/session/job.hpp>
#include <lockstep/session/launch_environment.hpp>
#include <lockstep/watch/watched_communicator.hpp>

namespace lockstep::session {

Job::Job() : control(comm::make_communicator({.node_shared = false}, layout)) {}

void start_watching(Job& job, const train::DistributionOptions& options) {
  const std::chrono::duration<double> deadline(options.collective_timeout_seconds);
  job.boards = std::make_unique<watch::NodeBoards>(job.layout);
  job.control = std::make_unique<watch::WatchedCommunicator>(
      std::move(job.control), job.boards->mine(), comm::Channel::kControl);
  auto actions = watch::standard_hang_actions(job.log);
  // Empty: another rank gives the message.
  actions.end = [end = actions.end](const std::string& message) {
    end(message.empty() ? message : options::with_options(message, {"collective_timeout"}));
  };
  job.watchdog = std::make_unique<watch::Watchdog>(job.layout, *job.boards, deadline, actions);
}

std::chrono::duration<double> second_limit(const train::DistributionOptions& options) {
  constexpr std::chrono::duration<double> kBehindTheWatchdog = std::chrono::seconds(4);
  return std::chrono::duration<double>(options.collective_timeout_seconds) + kBehindTheWatchdog;
}

void end_all_ranks(Job& job, const std::exception_ptr& failure) {
  const auto described = comm::describe_failure(failure);
  if (job.layout.world_size == 1) std::rethrow_exception(failure);
  job.log.error(fmt::format("{}: {}", job.layout.describe(),
                            options::with_options(described.message, described.settings)));
  job.session.abort(described.code);
}

int run_job(const std::function<void(Job&)>& body) {
  Job job;
  try {
    end_together(job, [&] { body(job); });
    return static_cast<int>(ExitCode::kDone);
  } catch (const comm::AgreedError& error) {
    runtime::leave_by_exit_code();
    const bool asked_for = error.code() == ExitCode::kPreempted;
    const auto text = options::with_options(error.what(), error.settings());
    if (error.speaks() && asked_for) job.log.info(text);
    if (error.speaks() && !asked_for) job.log.error(text);
    return static_cast<int>(error.code());
  } catch (...) {
    const auto failure = comm::describe_failure(std::current_exception());
    job.log.error(options::with_options(failure.message, failure.settings));
    return static_cast<int>(failure.code);
  }
}

void refuse_other_launchers(const Job& job) {
  const auto variables = launcher_variables(options::process_environment());
  const auto other = other_launcher(variables, job.layout.world_size);
  if (!other) return;
  throw comm::AgreedError(
      ExitCode::kUsage,
      fmt::format("{} ({}): {}; if each is to work alone, unset {}", other->describe(),
                  other->variable, OtherLauncher::kRemedy, other->variable),
      place_of(variables).first);
}

std::unique_ptr<comm::Communicator> make_communicator(Job& job,
                                                      const train::DistributionOptions& options,
                                                      const Compute& compute, bool overlap) {
  comm::run_on_all_ranks(*job.control, job.layout, [&] {
    return comm::choose_backend(options.backend, compute.gpu != nullptr);
  });
  auto made = end_together(job, [&] {
    using enum comm::OperationKind;
    const watch::WaitScope waiting(
        job.board(), job.board() == nullptr
                         ? comm::Operation{}
                         : job.board()->enter(comm::Channel::kGradients, kConnecting, 0));
    return comm::make_communicator({.backend = options.backend,
                                    .progress_thread = overlap,
                                    .node_shared = options.node_shared,
                                    .fixed_order = options.virtual_shards > 0,
                                    .timeout = second_limit(options),
                                    .gpu = compute.gpu},
                                   job.layout);
  });
  if (job.boards == nullptr) return made;
  return std::make_unique<watch::WatchedCommunicator>(std::move(made), job.boards->mine(),
                                                      comm::Channel::kGradients);
}

}  // namespace lockstep::session
