#include "race_check.hpp"

#include <algorithm>
#include <functional>
#include <utility>

#include <fmt/format.h>

namespace lockstep::simulator {
namespace {

bool overlap(std::span<const std::byte> a, std::span<const std::byte> b) {
  const std::less<> before;
  return before(a.data(), b.data() + b.size()) && before(b.data(), a.data() + a.size());
}

std::uint64_t entry(const RaceCheck::Clock& clock, std::size_t actor) {
  return actor < clock.size() ? clock[actor] : 0;
}

}  // namespace

std::size_t RaceCheck::add_actor(std::string name) {
  names_.push_back(std::move(name));
  clocks_.emplace_back();
  join(clocks_.size() - 1, Clock(clocks_.size(), 0));
  return clocks_.size() - 1;
}

void RaceCheck::join(std::size_t actor, const Clock& clock) {
  auto& own = clocks_.at(actor);
  own.resize(std::max({own.size(), clock.size(), clocks_.size()}));
  for (std::size_t i = 0; i < clock.size(); ++i) own[i] = std::max(own[i], clock[i]);
}

void RaceCheck::access(std::size_t actor, std::span<const std::byte> range, bool writes) {
  if (range.empty()) return;
  auto& own = clocks_.at(actor);
  const auto time = ++own.at(actor);
  for (const auto& other : accesses_) {
    if (other.actor == actor || !(writes || other.writes) || !overlap(range, other.range)) continue;
    if (other.time <= entry(own, other.actor)) continue;
    races_.push_back(fmt::format("{} {} what {} {}, and nothing orders them ({} bytes)",
                                 names_[actor], writes ? "writes" : "reads", names_[other.actor],
                                 other.writes ? "writes" : "reads", range.size()));
  }
  std::erase_if(accesses_, [&](const Access& other) {
    return other.actor == actor && other.writes == writes && other.range.data() == range.data() &&
           other.range.size() == range.size();
  });
  accesses_.push_back({range, actor, writes, time});
}

void RaceCheck::forget(std::span<const std::byte> range) {
  std::erase_if(accesses_, [&](const Access& other) { return overlap(range, other.range); });
}

}  // namespace lockstep::simulator
