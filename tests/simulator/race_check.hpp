// Finds accesses to memory that nothing orders, by vector clocks.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace lockstep::simulator {

/// Actors are the host's thread (0) and streams. Each has a clock with one entry an actor: how much
/// of that actor's doing comes before its own next step. Two accesses to overlapping memory, one of
/// them a write, that neither clock orders are reported at once, whatever the timing.
/// Source: C. Flanagan and S. Freund, "FastTrack", PLDI 2009 (its idea, without its compression).
class RaceCheck {
 public:
  using Clock = std::vector<std::uint64_t>;
  static constexpr std::size_t kHost = 0;

  std::size_t add_actor(std::string name);
  [[nodiscard]] Clock clock(std::size_t actor) const { return clocks_.at(actor); }
  /// What `clock` knows of comes before what `actor` does from now on.
  void join(std::size_t actor, const Clock& clock);

  void access(std::size_t actor, std::span<const std::byte> range, bool writes);
  /// The memory is given back: what is allocated there later is something else.
  void forget(std::span<const std::byte> range);

  [[nodiscard]] const std::vector<std::string>& races() const { return races_; }

 private:
  struct Access {
    std::span<const std::byte> range;
    std::size_t actor;
    bool writes;
    std::uint64_t time;
  };

  std::vector<std::string> names_ = {"host"};
  std::vector<Clock> clocks_ = {Clock{0}};
  std::vector<Access> accesses_;  // the latest of each kind
  std::vector<std::string> races_;
};

}  // namespace lockstep::simulator
