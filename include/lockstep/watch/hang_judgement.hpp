// Works out, from what all ranks are doing, who keeps the others waiting. Pure: no communication,
// no clock.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <lockstep/runtime/rank_layout.hpp>
#include <lockstep/watch/progress_board.hpp>

namespace lockstep::watch {

/// A rank's watchdog sends its status every quarter of a second; after this long without one, its
/// peers take note.
inline constexpr double kSilentSeconds = 2;

/// What a rank is doing, and for how long. Sent between processes as raw bytes.
struct RankStatus {
  struct Wait {
    std::uint64_t entered = 0;  ///< operations of the channel that the rank has reached
    bool waiting = false;       ///< in `operation`
    double seconds = 0;         ///< for this long
    Operation operation;
  };
  Phase phase = Phase::kSetUp;
  double phase_seconds = 0;
  std::int64_t epoch = 0;
  std::int64_t step = 0;
  std::array<Wait, kChannels> channels;
};

/// Measures how long a board has shown the same, by looking at it repeatedly.
class ProgressTimer {
 public:
  /// `now`: seconds of any clock that does not go backwards.
  [[nodiscard]] RankStatus time(const ProgressSnapshot& snapshot, double now);

 private:
  ProgressSnapshot last_;
  double phase_since_ = 0;
  std::array<double, kChannels> waits_since_ = {};
};

/// A rank as its watcher sees it.
struct RankView {
  RankStatus status;
  double silent_seconds = 0;  ///< since its last sign of life
};

/// An operation in which ranks have waited too long, and the ranks they wait for.
struct Hang {
  enum class Cause {
    kNotCome,  ///< `culprits` have not reached the operation
    kSilent,   ///< all have reached it; `culprits` have given no sign of life since
    kStuck     ///< all have reached it and are alive
  };
  Cause cause = Cause::kStuck;
  Operation operation;
  std::int64_t epoch = 0;
  std::int64_t step = 0;
  std::vector<int> culprits;  ///< those that wait for nobody come first
  std::vector<int> waiting;
};

/// The operation that holds up the job, if some rank that gives signs of life has waited in one for
/// `limit_seconds` or more; if all ranks have reached it and are alive, all waiting ranks must
/// have.
///
/// A rank that is loading data and gets on with it may take as long as it needs.
///
/// Among several, one that is held up by a rank that waits for nobody counts first: the other waits
/// follow from it.
[[nodiscard]] std::optional<Hang> judge(std::span<const RankView> ranks, double limit_seconds);

/// One line: "all-reduce 7 (2678836 bytes, epoch 3, step 512): rank 2 (node7, pid 4711) did not
/// come within 60 s: last in forward for 61 s; ranks 0, 1, 3 wait; …".
[[nodiscard]] std::string describe(const Hang& finding, std::span<const RankView> ranks,
                                   const runtime::RankLayout& layout, double limit_seconds);

/// "all-reduce 7 (bucket 2, 2678836 bytes, epoch 3, step 512)".
[[nodiscard]] std::string describe(const Operation& operation, std::int64_t epoch,
                                   std::int64_t step);

/// "rank 3", "ranks 0, 1", "ranks 0-2, 5": of ascending numbers.
[[nodiscard]] std::string rank_list(std::span<const int> ranks);

/// "1.5 s", "61 s".
[[nodiscard]] std::string seconds_text(double seconds);

}  // namespace lockstep::watch
