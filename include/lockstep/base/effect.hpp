// What an option of a run affects.
#pragma once

#include <cstdint>
#include <map>
#include <string>

namespace lockstep {

/// The most far-reaching effect of an option: of those that apply, the first one listed here.
enum class Effect : std::uint8_t {
  kNetwork,      ///< which tensors there are: two different networks have nothing to compare
  kResults,      ///< what a step computes
  kInput,        ///< the data or the initial weights of a run; digests show whether they differ
  kRounding,     ///< the order of sums within a rank, and so their last bits
  kOrderOfSums,  ///< the order of sums over ranks and shards, unless virtual shards fix it
  kLength,       ///< the length of a run, and the course of a learning rate that is not constant
  kNothing       ///< no bit of any loss or weight
};

/// Effects by the names under which options are recorded (with _ in place of -).
using Effects = std::map<std::string, Effect, std::less<>>;

/// An option that is not listed, such as one of a later version, counts as affecting results.
[[nodiscard]] inline Effect effect_of(const Effects& effects, const std::string& name) {
  const auto found = effects.find(name);
  return found == effects.end() ? Effect::kResults : found->second;
}

}  // namespace lockstep
