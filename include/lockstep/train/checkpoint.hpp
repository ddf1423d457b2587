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

/// The entry of a file's metadata with the digests of the data that its weights were trained on:
/// NodeDataset::digests() as JSON.
inline constexpr const char* kDatasetEntry = "lockstep.dataset_sha256";

/// Parameters and buffers under the network's names, then what the optimizer keeps for each
/// parameter, under "optimizer.exp_avg.linear_relu_stack.0.weight" and so on. On the CPU,
/// contiguous; float32 but for buffers.
struct Checkpoint {
  RunPosition position{};
  nlohmann::ordered_json settings{};  ///< that a run which goes on from it must share
  std::vector<model::NamedTensor> tensors{};
  std::string path{};                     ///< where it was read
  model::SafetensorsMetadata metadata{};  ///< more to be written with it; not read
};

/// Writes a safetensors file with a digest; position and settings are metadata. Atomic: the file is
/// whole or not there. Throws RuntimeFailure.
void write_checkpoint(const std::filesystem::path& path, const Checkpoint& checkpoint);

/// Throws DataError naming the file and what is wrong with it; runs no code of it.
[[nodiscard]] Checkpoint read_checkpoint(const std::filesystem::path& path);

/// Collective. Rank 0's checkpoint, or none, on every rank.
[[nodiscard]] std::optional<Checkpoint> broadcast_checkpoint(std::optional<Checkpoint> mine,
                                                             comm::Communicator& communicator);

/// What of `settings` differs from `mine`: "lr is 0.1 there and 0.001 here; …"; empty if nothing.
/// A setting that is not there counts as in `defaults`, if it is there.
[[nodiscard]] std::string describe_differences(const nlohmann::ordered_json& settings,
                                               const nlohmann::ordered_json& mine,
                                               const nlohmann::ordered_json& defaults);

}  // namespace lockstep::train
