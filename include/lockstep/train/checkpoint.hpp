// A run's state in one file: weights, optimizer, position, and the settings it belongs to.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include <lockstep/comm/communicator.hpp>
#include <lockstep/model/safetensors.hpp>
#include <lockstep/train/run_position.hpp>

namespace lockstep::train {

/// The metadata entry with the digests of the data that the weights were trained on:
/// NodeDataset::digests() as JSON.
inline constexpr const char* kDatasetEntry = "lockstep.dataset_sha256";

/// Parameters and buffers under the network's names, then what the optimizer keeps for each
/// parameter, under names such as "optimizer.exp_avg.linear_relu_stack.0.weight". On the CPU,
/// contiguous; float32 except for buffers.
struct Checkpoint {
  RunPosition position{};
  nlohmann::ordered_json settings{};  ///< that a run resumed from it must share
  std::vector<model::NamedTensor> tensors{};
  std::string path{};                     ///< where it was read from
  model::SafetensorsMetadata metadata{};  ///< more to write with it; not read back
};

/// Writes a safetensors file with a digest; position and settings are metadata. Atomic: the file is
/// either complete or absent. Throws RuntimeFailure.
void write_checkpoint(const std::filesystem::path& path, const Checkpoint& checkpoint);

/// Reads a checkpoint without running any code from it. Throws DataError naming the file and what
/// is wrong with it.
[[nodiscard]] Checkpoint read_checkpoint(const std::filesystem::path& path);

/// Collective. Returns rank 0's checkpoint, or none, on every rank.
[[nodiscard]] std::optional<Checkpoint> broadcast_checkpoint(std::optional<Checkpoint> mine,
                                                             comm::Communicator& communicator);

/// How `settings` differ from `mine`: "lr is 0.1 there and 0.001 here; …"; empty if they do not. A
/// missing setting counts as its value in `defaults`, if it has one there.
[[nodiscard]] std::string describe_differences(const nlohmann::ordered_json& settings,
                                               const nlohmann::ordered_json& mine,
                                               const nlohmann::ordered_json& defaults);

}  // namespace lockstep::train
