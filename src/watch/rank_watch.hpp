// One rank's part in watching over all: what it knows of the others, what it tells them, and what
// it concludes.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <lockstep/runtime/wait_clock.hpp>
#include <lockstep/watch/hang_judgement.hpp>
#include <lockstep/watch/node_boards.hpp>
#include <lockstep/watch/watchdog.hpp>

#include "status_exchange.hpp"

namespace lockstep::watch {

/// All times are in seconds of its own clock. One thread.
class RankWatch {
 public:
  /// Collective.
  RankWatch(const runtime::RankLayout& layout, NodeBoards& boards, double deadline_seconds,
            HangActions actions);

  /// Takes in what the others send. A quarter of a second after the last time, also sends them what
  /// this rank does, and judges. Call it at least that often. Never waits.
  void go_on();
  /// The first half of that.
  void take_in();
  /// As StatusExchange::end.
  [[nodiscard]] StatusExchange::End end() { return exchange_.end(); }

 private:
  struct Known {
    RankStatus status;
    double as_of = 0;  // when the status was taken
    double heard = 0;  // last sign of life
  };
  struct Neighbour {
    ProgressTimer timer;
    std::uint64_t beats = 0;
    double moved = 0;  // when the beats last changed
  };

  void look_at_node();
  void hear(int sender, const StatusMessage& message);
  void tell();
  void decide();
  void watch_over_all();
  void watch_over_oneself();
  void report(const std::string& message);

  [[nodiscard]] std::vector<RankView> views() const;
  [[nodiscard]] double silence(int rank) const;
  [[nodiscard]] bool is_silent(int rank) const { return silence(rank) >= kSilentSeconds; }
  [[nodiscard]] bool is_neighbour(int rank) const;
  /// Ranks of this node whose watchdogs stand still, if this rank is the one to speak for them.
  [[nodiscard]] std::vector<int> silent_neighbours() const;
  [[nodiscard]] StatusMessage message_about(int rank) const;

  runtime::RankLayout layout_;
  NodeBoards& boards_;
  double deadline_;
  HangActions actions_;
  StatusExchange exchange_;
  runtime::AwakeClock clock_;
  double now_ = 0;
  double next_round_ = 0;
  std::uint64_t rounds_ = 0;
  std::vector<Known> known_;           // by rank
  std::vector<Neighbour> neighbours_;  // by local rank
  std::set<std::pair<Channel, std::uint64_t>> warned_;
  std::optional<double> told_;  // when another rank said that it ends the job
  bool reports_ = false;
  bool over_ = false;
};

}  // namespace lockstep::watch
