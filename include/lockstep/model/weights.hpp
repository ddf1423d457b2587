// Weights from files, and how they are loaded into a network.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <lockstep/model/network.hpp>
#include <lockstep/model/safetensors.hpp>

namespace lockstep::model {

/// The prefix of the names of what an optimizer keeps for a parameter.
inline constexpr const char* kOptimizerPrefix = "optimizer.";

/// Reads a network's state from a file's tensors; the file may be a checkpoint.
[[nodiscard]] std::vector<NamedTensor> read_parameters(const std::filesystem::path& path);

/// Weights from a file, ready for `load_state`.
struct Weights {
  std::filesystem::path path{};
  std::vector<NamedTensor> tensors{};
  SafetensorsMetadata metadata{};
  std::vector<std::string> notes{};  ///< what was, or will be, done to make them fit, for people
};

/// Reads the weights in a file, of Lockstep or of PyTorch. Removes the prefixes that PyTorch's
/// wrappers put before the names of a multi-layer perceptron: "module.", "_orig_mod." or "model.".
/// Throws DataError.
[[nodiscard]] Weights read_weights(const std::filesystem::path& path);

/// Whether the names are exactly the network's, without such prefixes if all have the same, and the
/// shapes too.
[[nodiscard]] bool fits(const Weights& weights, const Network& network);

/// Copies the tensors into the network's parameters, as float32, and into buffers of the same
/// names. Throws DataError naming those that are missing, unknown or of another shape, or the first
/// parameter that is not of floating-point type or has an element that is not finite as float32.
void load_state(Network& network, const std::vector<NamedTensor>& tensors,
                const std::filesystem::path& path);

/// The same, without such prefixes if the names then are the network's. Returns what was done to
/// make the weights fit, for people.
[[nodiscard]] std::vector<std::string> load_weights(Network& network, Weights weights);

}  // namespace lockstep::model
