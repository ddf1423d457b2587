// What an option of a run affects.
#pragma once

#include <cstdint>
#include <map>
#include <string>

namespace lockstep {

/// Of all that an option affects, what comes first here.
enum class Effect : std::uint8_t {
  kNetwork,   ///< which tensors there are: nothing of two networks can be compared
  kResults,   ///< what a step computes
  kInput,     ///< the data or the weights that a run begins with; digests tell whether they differ
  kRounding,  ///< the order of sums inside a rank, and with it their last bits
  kOrderOfSums,  ///< the order of sums over ranks and shards, unless virtual shards fix it
  kLength,       ///< how long a run is, and the course of a learning rate that is not constant
  kNothing       ///< no bit of a loss or a weight
};

/// By the names under which options are recorded (with _ for -).
using Effects = std::map<std::string, Effect, std::less<>>;

/// An option that is not there, as one of a later version, may affect everything.
[[nodiscard]] inline Effect effect_of(const Effects& effects, const std::string& name) {
  const auto found = effects.find(name);
  return found == effects.end() ? Effect::kResults : found->second;
}

}  // namespace lockstep
