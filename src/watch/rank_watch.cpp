#include "rank_watch.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

namespace lockstep::watch {
namespace {

constexpr int kWatcher = 0;
constexpr int kDeputy = 1;
constexpr double kRoundSeconds = 0.25;
constexpr std::uint64_t kRoundsBetweenSignsToTheWatched = 4;
/// Time for another rank to act first, or for its action to reach this one.
constexpr double kGraceSeconds = 2;

bool watches(int rank) {
  return rank == kWatcher || rank == kDeputy;
}

}  // namespace

RankWatch::RankWatch(const runtime::RankLayout& layout, NodeBoards& boards, double deadline_seconds,
                     HangActions actions)
    : layout_(layout),
      boards_(boards),
      deadline_(deadline_seconds),
      actions_(std::move(actions)),
      exchange_(layout),
      known_(static_cast<std::size_t>(layout.world_size)),
      neighbours_(static_cast<std::size_t>(layout.local_size)) {}

void RankWatch::take_in() {
  now_ = clock_.seconds();
  exchange_.receive([this](int sender, const StatusMessage& message) { hear(sender, message); });
}

void RankWatch::go_on() {
  take_in();
  if (now_ < next_round_) return;
  next_round_ = now_ + kRoundSeconds;
  boards_.mine().beat();
  look_at_node();
  if (!over_) decide();
  tell();
  ++rounds_;
}

void RankWatch::look_at_node() {
  for (int local_rank = 0; local_rank < layout_.local_size; ++local_rank) {
    const auto& board = boards_.of(local_rank);
    auto& neighbour = neighbours_[static_cast<std::size_t>(local_rank)];
    const int rank = layout_.node_ranks[static_cast<std::size_t>(local_rank)];
    auto& known = known_[static_cast<std::size_t>(rank)];
    known.status = neighbour.timer.time(board.look(), now_);
    known.as_of = now_;
    const auto beats = board.beats();
    if (beats != neighbour.beats) neighbour.moved = now_;
    neighbour.beats = beats;
  }
  known_[static_cast<std::size_t>(layout_.rank)].heard = now_;
}

void RankWatch::hear(int sender, const StatusMessage& message) {
  known_[static_cast<std::size_t>(sender)].heard = now_;
  if (message.reports && !told_) told_ = now_;
  if (is_neighbour(message.rank)) return;  // its board says more
  auto& known = known_[static_cast<std::size_t>(message.rank)];
  known.status = message.status;
  known.as_of = now_;
}

void RankWatch::tell() {
  const auto silent = silent_neighbours();
  const bool alternate = rounds_ % 2 == 1 && !silent.empty();
  const bool to_all = reports_ || rounds_ % kRoundsBetweenSignsToTheWatched == 0;
  const int end = watches(layout_.rank) ? layout_.world_size : std::min(layout_.world_size, 2);
  for (int peer = 0; peer < end; ++peer) {
    if (peer == layout_.rank || !(watches(peer) || to_all)) continue;
    // A watcher on this node sees the board itself.
    const bool about_ward = alternate && watches(peer) && !is_neighbour(peer);
    const int about = about_ward ? silent[rounds_ / 2 % silent.size()] : layout_.rank;
    exchange_.send(peer, message_about(about));
  }
}

void RankWatch::decide() {
  if (told_) {
    if (now_ - *told_ < kGraceSeconds) return;
    over_ = true;
    actions_.end("");
    return;
  }
  if (watches(layout_.rank)) {
    watch_over_all();
  } else {
    watch_over_oneself();
  }
}

void RankWatch::watch_over_all() {
  const bool first = layout_.rank == kWatcher || is_silent(kWatcher);
  const auto ranks = views();
  if (const auto finding = judge(ranks, first ? deadline_ : deadline_ + kGraceSeconds)) {
    report(describe(*finding, ranks, layout_, deadline_));
    return;
  }
  if (!first) return;
  const auto finding = judge(ranks, deadline_ / 2);
  if (!finding) return;
  const auto& operation = finding->operation;
  if (!warned_.emplace(operation.channel, operation.sequence).second) return;
  actions_.warn(describe(*finding, ranks, layout_, deadline_ / 2));
}

void RankWatch::watch_over_oneself() {
  const double limit = deadline_ + kGraceSeconds;
  if (silence(kWatcher) < limit || silence(kDeputy) < limit) return;
  const auto& mine = known_[static_cast<std::size_t>(layout_.rank)].status;
  for (const auto& wait : mine.channels) {
    if (!wait.waiting || wait.seconds < limit) continue;
    report(
        fmt::format("{}: {} has waited for {} and heard nothing from {} for {}: is the network "
                    "between the hosts down?; this rank ends",
                    describe(wait.operation, mine.epoch, mine.step), layout_.describe(),
                    seconds_text(wait.seconds), rank_list(std::array{kWatcher, kDeputy}),
                    seconds_text(std::min(silence(kWatcher), silence(kDeputy)))));
    return;
  }
}

void RankWatch::report(const std::string& message) {
  over_ = true;
  reports_ = true;
  tell();  // so that the others do not report as well, nor stay if MPI cannot reach them to end
           // them
  actions_.end(message);
}

std::vector<RankView> RankWatch::views() const {
  std::vector<RankView> ranks;
  ranks.reserve(known_.size());
  for (const auto& known : known_) {
    ranks.push_back({.status = known.status, .silent_seconds = now_ - known.heard});
    ranks.back().status.phase_seconds += now_ - known.as_of;
  }
  return ranks;
}

double RankWatch::silence(int rank) const {
  return now_ - known_[static_cast<std::size_t>(rank)].heard;
}

bool RankWatch::is_neighbour(int rank) const {
  const auto& ranks = layout_.node_ranks;
  return std::find(ranks.begin(), ranks.end(), rank) != ranks.end();
}

std::vector<int> RankWatch::silent_neighbours() const {
  std::vector<int> silent;
  for (std::size_t i = 0; i < neighbours_.size(); ++i) {
    const int rank = layout_.node_ranks[i];
    if (now_ - neighbours_[i].moved >= kSilentSeconds) {
      silent.push_back(rank);
    } else if (rank < layout_.rank) {
      return {};  // that one speaks for them
    }
  }
  return silent;
}

StatusMessage RankWatch::message_about(int rank) const {
  return {
      .rank = rank, .reports = reports_, .status = known_[static_cast<std::size_t>(rank)].status};
}

}  // namespace lockstep::watch
