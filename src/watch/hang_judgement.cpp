#include <algorithm>
#include <cmath>
#include <set>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include <lockstep/watch/hang_judgement.hpp>

namespace lockstep::watch {
namespace {

constexpr std::size_t kMaxDescribedRanks = 4;

const RankStatus::Wait& wait_on(const RankView& rank, Channel channel) {
  return rank.status.channels[static_cast<std::size_t>(channel)];
}

bool is_silent(const RankView& rank) {
  return rank.silent_seconds >= kSilentSeconds;
}

/// A silent rank's last status does not show what it waits for now.
bool waits_somewhere(const RankView& rank) {
  const auto& channels = rank.status.channels;
  return !is_silent(rank) && std::any_of(channels.begin(), channels.end(),
                                         [](const auto& wait) { return wait.waiting; });
}

bool waits_in(const RankView& rank, const Operation& operation) {
  const auto& wait = wait_on(rank, operation.channel);
  return !is_silent(rank) && wait.waiting && wait.operation.sequence == operation.sequence;
}

template <typename Condition>
std::vector<int> ranks_where(std::span<const RankView> ranks, const Condition& condition) {
  std::vector<int> numbers;
  for (std::size_t rank = 0; rank < ranks.size(); ++rank) {
    if (condition(ranks[rank])) numbers.push_back(static_cast<int>(rank));
  }
  return numbers;
}

/// Finds what keeps `finding.operation`, in which some ranks wait, from ending.
void find_cause(Hang& finding, std::span<const RankView> ranks) {
  const auto& operation = finding.operation;
  finding.waiting = ranks_where(ranks, [&](const auto& rank) { return waits_in(rank, operation); });
  finding.culprits = ranks_where(ranks, [&](const auto& rank) {
    return wait_on(rank, operation.channel).entered < operation.sequence;
  });
  // Ranks that wait for somebody else are named after those that do not.
  std::stable_partition(finding.culprits.begin(), finding.culprits.end(), [&](int rank) {
    return !waits_somewhere(ranks[static_cast<std::size_t>(rank)]);
  });
  finding.cause = Hang::Cause::kNotCome;
  if (!finding.culprits.empty()) return;
  finding.culprits = ranks_where(ranks, is_silent);
  finding.cause = finding.culprits.empty() ? Hang::Cause::kStuck : Hang::Cause::kSilent;
}

/// How much a finding explains; the root cause explains the most.
int weight(const Hang& finding, std::span<const RankView> ranks) {
  if (finding.cause != Hang::Cause::kNotCome) return 1;
  const bool idle = std::any_of(finding.culprits.begin(), finding.culprits.end(), [&](int rank) {
    return !waits_somewhere(ranks[static_cast<std::size_t>(rank)]);
  });
  return idle ? 2 : 0;
}

/// The wait that counts: the longest one, or, if all ranks have reached the operation, the last
/// one's.
double waited_seconds(const Hang& finding, std::span<const RankView> ranks) {
  std::vector<double> waits;
  for (const int rank : finding.waiting) {
    waits.push_back(
        wait_on(ranks[static_cast<std::size_t>(rank)], finding.operation.channel).seconds);
  }
  const auto [shortest, longest] = std::minmax_element(waits.begin(), waits.end());
  return finding.cause == Hang::Cause::kStuck ? *shortest : *longest;
}

/// Whether ranks have not come because one is still loading data, and getting on with it.
bool is_loading(const Hang& finding, std::span<const RankView> ranks, double limit_seconds) {
  if (finding.cause != Hang::Cause::kNotCome) return false;
  return std::any_of(finding.culprits.begin(), finding.culprits.end(), [&](int rank) {
    const auto& view = ranks[static_cast<std::size_t>(rank)];
    return !is_silent(view) && view.status.phase == Phase::kLoading &&
           view.status.phase_seconds < limit_seconds;
  });
}

std::string where(const RankView& rank) {
  std::string text = fmt::format("last in {} for {}", phase_name(rank.status.phase),
                                 seconds_text(rank.status.phase_seconds));
  if (is_silent(rank)) {
    // What it was waiting for when last heard of is in the past.
    return text + fmt::format(", no sign of life for {}", seconds_text(rank.silent_seconds));
  }
  for (const auto& wait : rank.status.channels) {
    if (!wait.waiting) continue;
    text += fmt::format(", waiting in {} for {}", describe(wait.operation, 0, 0),
                        seconds_text(wait.seconds));
  }
  return text;
}

std::string culprits_text(const Hang& finding, std::span<const RankView> ranks,
                          const runtime::RankLayout& layout, std::string_view what) {
  std::string text;
  const std::span all(finding.culprits);
  const auto described = all.first(std::min(all.size(), kMaxDescribedRanks));
  for (const int rank : described) {
    text += fmt::format("{}{} {}: {}", text.empty() ? "" : "; ", layout.describe(rank), what,
                        where(ranks[static_cast<std::size_t>(rank)]));
  }
  const auto rest = all.subspan(described.size());
  if (!rest.empty()) text += fmt::format("; likewise {} more ({})", rest.size(), rank_list(rest));
  return text;
}

std::string operation_name(const Operation& operation) {
  switch (operation.kind) {
    case OperationKind::kAllReduce:
      return fmt::format("all-reduce {}", operation.sequence);
    case OperationKind::kBroadcast:
      return fmt::format("broadcast {}", operation.sequence);
    case OperationKind::kAllGather:
      return fmt::format("all-gather {}", operation.sequence);
    case OperationKind::kBarrier:
      return fmt::format("barrier {}", operation.sequence);
    case OperationKind::kAllocation:
      return fmt::format("allocation {}", operation.sequence);
    case OperationKind::kConnecting:
      return fmt::format("connecting {}", operation.sequence);
    case OperationKind::kGpuWait:
      return fmt::format("the GPU's work up to operation {}", operation.sequence);
    case OperationKind::kClosing:
      return "closing the connections";
    case OperationKind::kEnding:
      return "the end of the run";
  }
  return "an unknown operation";
}

}  // namespace

RankStatus ProgressTimer::time(const ProgressSnapshot& snapshot, double now) {
  if (snapshot.phase_changes != last_.phase_changes) phase_since_ = now;
  RankStatus status{.phase = snapshot.phase,
                    .phase_seconds = now - phase_since_,
                    .epoch = snapshot.epoch,
                    .step = snapshot.step,
                    .channels = {}};
  for (std::size_t i = 0; i < kChannels; ++i) {
    const auto& channel = snapshot.channels[i];
    if (channel.version != last_.channels[i].version) waits_since_[i] = now;
    status.channels[i] = {.entered = channel.entered,
                          .waiting = channel.waiting,
                          .seconds = channel.waiting ? now - waits_since_[i] : 0,
                          .operation = channel.operation};
  }
  last_ = snapshot;
  return status;
}

std::optional<Hang> judge(std::span<const RankView> ranks, double limit_seconds) {
  std::optional<Hang> found;
  int most = -1;
  std::set<std::pair<Channel, std::uint64_t>> examined;
  for (const auto& rank : ranks) {
    for (const auto& wait : rank.status.channels) {
      const auto& operation = wait.operation;
      if (!waits_in(rank, operation) || wait.seconds < limit_seconds) continue;
      if (!examined.emplace(operation.channel, operation.sequence).second) continue;
      Hang finding;
      finding.operation = operation;
      finding.epoch = rank.status.epoch;
      finding.step = rank.status.step;
      find_cause(finding, ranks);
      if (waited_seconds(finding, ranks) < limit_seconds) continue;
      if (is_loading(finding, ranks, limit_seconds)) continue;
      const int explains = weight(finding, ranks);
      if (explains <= most) continue;
      most = explains;
      found = std::move(finding);
    }
  }
  return found;
}

std::string describe(const Hang& finding, std::span<const RankView> ranks,
                     const runtime::RankLayout& layout, double limit_seconds) {
  const auto operation = describe(finding.operation, finding.epoch, finding.step);
  const auto waiting = fmt::format("{} {}", rank_list(finding.waiting),
                                   finding.waiting.size() == 1 ? "waits" : "wait");
  switch (finding.cause) {
    case Hang::Cause::kNotCome:
      return fmt::format(
          "{}: {}; {}; see what it does there, or raise the time limit if it is only slow",
          operation,
          culprits_text(finding, ranks, layout,
                        fmt::format("did not come within {}", seconds_text(limit_seconds))),
          waiting);
    case Hang::Cause::kSilent:
      return fmt::format(
          "{}: not done within {}: {}; {}; is it stopped, or its host or the network down?",
          operation, seconds_text(limit_seconds),
          culprits_text(finding, ranks, layout, "came and fell silent"), waiting);
    case Hang::Cause::kStuck:
      break;
  }
  return fmt::format(
      "{}: not done within {} although all ranks have come: the network, MPI or NCCL is stuck, or "
      "far too slow; {}; check the network, or raise the time limit if it is only slow",
      operation, seconds_text(limit_seconds), waiting);
}

std::string describe(const Operation& operation, std::int64_t epoch, std::int64_t step) {
  std::string text;
  const auto add = [&text](const std::string& part) {
    text += fmt::format("{}{}", text.empty() ? "" : ", ", part);
  };
  if (operation.channel != Channel::kEnding) {
    add(std::string(channel_name(operation.channel)));
  }
  if (operation.bucket >= 0) add(fmt::format("bucket {}", operation.bucket));
  if (operation.bytes > 0) add(fmt::format("{} bytes", operation.bytes));
  if (epoch > 0) add(fmt::format("epoch {}, step {}", epoch, step));
  const auto name = operation_name(operation);
  return text.empty() ? name : fmt::format("{} ({})", name, text);
}

std::string rank_list(std::span<const int> ranks) {
  constexpr std::size_t kShortestRange = 3;
  std::string text;
  for (std::size_t begin = 0; begin < ranks.size();) {
    std::size_t end = begin + 1;
    while (end < ranks.size() && ranks[end] == ranks[end - 1] + 1) ++end;
    if (end - begin < kShortestRange) end = begin + 1;
    text += fmt::format("{}{}", text.empty() ? "" : ", ", ranks[begin]);
    if (end - begin > 1) text += fmt::format("-{}", ranks[end - 1]);
    begin = end;
  }
  return fmt::format("{} {}", ranks.size() == 1 ? "rank" : "ranks", text);
}

std::string seconds_text(double seconds) {
  constexpr double kWholeSecondsFrom = 10;
  if (seconds >= kWholeSecondsFrom) return fmt::format("{:.0f} s", seconds);
  return fmt::format("{:.3g} s", seconds < 1 ? seconds : std::round(seconds * 10) / 10);
}

}  // namespace lockstep::watch
