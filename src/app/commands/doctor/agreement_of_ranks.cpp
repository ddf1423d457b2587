#include "commands/doctor/agreement_of_ranks.hpp"

#include <algorithm>
#include <cmath>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace lockstep::app {
namespace {

using Level = Finding::Level;
using Findings = std::vector<Finding>;
using Ranks = std::vector<RankFacts>;

constexpr double kClocksAgreeSeconds = 1;
constexpr std::size_t kMaxNamed = 3;

std::string name_of(const RankFacts& rank) {
  return fmt::format("rank {} ({})", rank.rank, rank.host);
}

/// "rank 3 (node1)", "rank 3 (node1), rank 4 (node2), rank 5 (node2) and 2 more".
std::string names_of(const std::vector<const RankFacts*>& ranks) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < std::min(ranks.size(), kMaxNamed); ++i) {
    names.push_back(name_of(*ranks[i]));
  }
  const auto more = ranks.size() - names.size();
  return fmt::format("{}{}", fmt::join(names, ", "),
                     more == 0 ? "" : fmt::format(" and {} more", more));
}

template <typename Differs>
std::vector<const RankFacts*> those_that(const Ranks& ranks, const Differs& differs) {
  std::vector<const RankFacts*> found;
  for (const auto& rank : ranks) {
    if (differs(rank)) found.push_back(&rank);
  }
  return found;
}

void compare_versions(const Ranks& ranks, Findings& findings) {
  const auto& expected = ranks.front().versions;
  const auto others =
      those_that(ranks, [&](const RankFacts& rank) { return rank.versions != expected; });
  if (others.empty()) return;
  findings.push_back({Level::kError,
                      fmt::format("{} runs {} where rank 0 runs {}", names_of(others),
                                  others.front()->versions, expected),
                      "install the same build and libraries on all hosts"});
}

void compare_settings(const Ranks& ranks, Findings& findings) {
  std::set<std::string> names;
  for (const auto& rank : ranks) {
    for (const auto& [name, value] : rank.settings) names.insert(name);
  }
  const auto value_of = [](const RankFacts& rank, const std::string& name) {
    const auto found = rank.settings.find(name);
    return found == rank.settings.end() ? std::string("not set") : "'" + found->second + "'";
  };
  for (const auto& name : names) {
    const auto expected = value_of(ranks.front(), name);
    const auto others =
        those_that(ranks, [&](const RankFacts& rank) { return value_of(rank, name) != expected; });
    if (others.empty()) continue;
    const bool of_lockstep = name.rfind("LOCKSTEP_", 0) == 0;
    findings.push_back(
        {Level::kWarning,
         fmt::format("{} is {} at {} and {} at rank 0", name, value_of(*others.front(), name),
                     names_of(others), expected),
         of_lockstep ? "rank 0's options count for all ranks"
                     : fmt::format("pass -x {} to the launcher, or set it on all hosts", name)});
  }
}

void compare_data(const Ranks& ranks, Findings& findings) {
  const auto without =
      those_that(ranks, [](const RankFacts& rank) { return !rank.data_trouble.empty(); });
  for (const auto* rank : without) {
    findings.push_back({Level::kWarning, fmt::format("{}: {}", rank->host, rank->data_trouble),
                        "without a data set on every host, only --synthetic works"});
  }
  const auto& expected = ranks.front().data;
  const auto others = those_that(ranks, [&](const RankFacts& rank) {
    return !rank.data.empty() && !expected.empty() && rank.data != expected;
  });
  if (others.empty()) return;
  findings.push_back({Level::kError,
                      fmt::format("{} has other images or labels than rank 0", names_of(others)),
                      "copy one data set to all hosts"});
}

void compare_clocks(const Ranks& ranks, Findings& findings) {
  const auto others = those_that(ranks, [&](const RankFacts& rank) {
    return std::abs(rank.clock_seconds - ranks.front().clock_seconds) > kClocksAgreeSeconds;
  });
  if (others.empty()) return;
  findings.push_back(
      {Level::kWarning,
       fmt::format("the clock of {} is {:+.1f} s from rank 0's", names_of(others),
                   others.front()->clock_seconds - ranks.front().clock_seconds),
       "times in logs and files of several hosts cannot be compared: run an NTP client there"});
}

}  // namespace

std::vector<Finding> agreement(const std::vector<RankFacts>& ranks) {
  Findings findings;
  compare_versions(ranks, findings);
  compare_settings(ranks, findings);
  compare_data(ranks, findings);
  compare_clocks(ranks, findings);
  if (findings.empty() && ranks.size() > 1) {
    findings.push_back({Level::kOk, "all ranks agree on versions, settings, data and clock"});
  }
  return findings;
}

}  // namespace lockstep::app
