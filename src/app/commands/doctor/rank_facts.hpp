// Looking at a rank and its machine, for `lockstep doctor`.
#pragma once

#include <nlohmann/json.hpp>

#include <lockstep/session/job.hpp>

#include "commands/doctor/diagnosis.hpp"

namespace lockstep::app {

/// This rank's facts. Does not communicate; whatever it finds, it does not fail.
[[nodiscard]] RankFacts collect_facts(const session::Job& job,
                                      const train::DistributionOptions& options);

/// Collective. Returns every rank's `mine`, in rank order.
[[nodiscard]] std::vector<RankFacts> gather_facts(session::Job& job, const RankFacts& mine);

/// As `doctor --json` shows it.
[[nodiscard]] nlohmann::ordered_json as_json(const RankFacts& facts);

}  // namespace lockstep::app
