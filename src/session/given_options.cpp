#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <lockstep/comm/agreement.hpp>
#include <lockstep/comm/gather.hpp>
#include <lockstep/options/option_sources.hpp>
#include <lockstep/session/given_options.hpp>

namespace lockstep::session {
namespace {

/// config.json could not hold anything else.
void require_utf8(const options::GivenOption& option) {
  try {
    (void)nlohmann::json(option.value).dump();
  } catch (const nlohmann::json::exception&) {
    throw UsageError(fmt::format("{}: the value is not valid UTF-8", option.source));
  }
}

/// Returns rank 0's options on every rank.
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
  // Values are UTF-8; the name of the file they come from need not be.
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

GivenOptions read_options(const options::OptionTable& table,
                          const std::vector<std::string>& arguments,
                          const std::vector<std::string>& names_elsewhere) {
  GivenOptions given;
  given.options = collect_options(table, arguments, options::process_environment(), names_elsewhere,
                                  given.warnings);
  for (const auto& option : given.options) require_utf8(option);
  return given;
}

void take_options(Job& job, const options::OptionTable& table,
                  const std::function<GivenOptions()>& of_rank_0) {
  const auto given = share_options(job, of_rank_0);
  comm::run_on_all_ranks(*job.control, job.layout, [&] { apply_options(table, given); });
}

}  // namespace lockstep::session
