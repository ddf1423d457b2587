#include <chrono>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <lockstep/app/job.hpp>
#include <lockstep/app/launch_environment.hpp>
#include <lockstep/app/recorded_options.hpp>
#include <lockstep/comm/agreement.hpp>
#include <lockstep/comm/factory.hpp>
#include <lockstep/comm/watched_communicator.hpp>
#include <lockstep/options/option_sources.hpp>
#include <lockstep/runtime/stop_request.hpp>

namespace lockstep::app {
namespace {

/// config.json could not hold anything else.
void require_utf8(const options::GivenOption& option) {
  try {
    (void)nlohmann::json(option.value).dump();
  } catch (const nlohmann::json::exception&) {
    throw UsageError(fmt::format("{}: the value is not valid UTF-8", option.source));
  }
}

/// The options of rank 0, on every rank.
std::vector<options::GivenOption> share_options(Job& job,
                                                const std::function<GivenOptions()>& of_rank_0) {
  std::vector<options::GivenOption> mine;
  comm::run_on_all_ranks(*job.control, job.layout, [&] {
    if (job.layout.rank != 0) return;
    auto given = of_rank_0();
    for (const auto& warning : given.warnings) job.log.warning(warning);
    for (const auto& note : given.notes) job.log.info(note);
    mine = std::move(given.options);
  });
  auto message = nlohmann::json::array();
  for (const auto& option : mine) message.push_back({option.name, option.value, option.source});
  // Values are UTF-8; the name of the file that they come from need not be.
  const auto text = comm::broadcast_text(
      *job.control, message.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace), 0);
  std::vector<options::GivenOption> options;
  for (const auto& item : nlohmann::json::parse(text)) {
    options.push_back(
        {item[0].get<std::string>(), item[1].get<std::string>(), item[2].get<std::string>()});
  }
  return options;
}

}  // namespace

Job::Job() : control(comm::make_communicator({.node_shared = false}, layout)) {}

void start_watching(Job& job, const train::DistributionOptions& options) {
  const std::chrono::duration<double> deadline(options.collective_timeout_seconds);
  job.boards = std::make_unique<comm::NodeBoards>(job.layout);
  job.control = std::make_unique<comm::WatchedCommunicator>(
      std::move(job.control), job.boards->mine(), comm::Channel::kControl);
  job.watchdog = std::make_unique<comm::Watchdog>(job.layout, *job.boards, deadline,
                                                  comm::standard_hang_actions(job.log));
}

std::chrono::duration<double> second_limit(const train::DistributionOptions& options) {
  constexpr std::chrono::duration<double> kBehindTheWatchdog = std::chrono::seconds(4);
  return std::chrono::duration<double>(options.collective_timeout_seconds) + kBehindTheWatchdog;
}

void end_all_ranks(Job& job, const std::exception_ptr& failure) {
  const auto described = comm::describe_failure(failure);
  if (job.layout.world_size == 1) std::rethrow_exception(failure);
  job.log.error(fmt::format("{}: {}", job.layout.describe(), described.message));
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
    if (error.speaks() && asked_for) job.log.info(error.what());
    if (error.speaks() && !asked_for) job.log.error(error.what());
    return static_cast<int>(error.code());
  } catch (...) {
    const auto failure = comm::describe_failure(std::current_exception());
    job.log.error(failure.message);
    return static_cast<int>(failure.code);
  }
}

GivenOptions read_options(const options::OptionTable& table,
                          const std::vector<std::string>& arguments,
                          const std::vector<std::string>& names_elsewhere) {
  GivenOptions given;
  given.options = collect_options(table, arguments, options::process_environment(), names_elsewhere,
                                  given.warnings);
  for (const auto& option : given.options) require_utf8(option);
  add_recorded_options(given.options, given.notes);
  return given;
}

void take_options(Job& job, const options::OptionTable& table,
                  const std::function<GivenOptions()>& of_rank_0) {
  const auto given = share_options(job, of_rank_0);
  comm::run_on_all_ranks(*job.control, job.layout, [&] { apply_options(table, given); });
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
    const comm::WaitScope waiting(
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
  return std::make_unique<comm::WatchedCommunicator>(std::move(made), job.boards->mine(),
                                                     comm::Channel::kGradients);
}

}  // namespace lockstep::app
