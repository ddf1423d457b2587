// Weights in files that every framework reads and that run no code.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include <torch/torch.h>

#include <lockstep/model/neural_network.hpp>

namespace lockstep::model {

/// Texts that a file carries beside its tensors.
using SafetensorsMetadata = std::map<std::string, std::string>;

/// The entry of the metadata that holds a digest: SHA-256 of the whole file, in hexadecimal, taken
/// with 64 zeros in the digest's own place.
inline constexpr const char* kDigestEntry = "lockstep.sha256";

/// Writes float32 tensors under their names, atomically: the file is whole or as it was. Adds a
/// digest and "format" to the metadata.
/// Throws RuntimeFailure. Source: https://huggingface.co/docs/safetensors (format, version 1).
void write_safetensors(const std::filesystem::path& path,
                       const std::vector<NamedParameter>& tensors,
                       SafetensorsMetadata metadata = {});

/// Reads all float32 tensors of a file, by name in the file's order, and its metadata if wanted.
/// Every size is checked against the file's before anything is allocated for it; overlapping,
/// misaligned or missing ranges, duplicate names, other element types and a digest that does not
/// match are refused. Throws DataError naming file and offset.
[[nodiscard]] std::vector<NamedParameter> read_safetensors(const std::filesystem::path& path,
                                                           SafetensorsMetadata* metadata = nullptr);

/// Names of what an optimizer keeps for a parameter begin so.
inline constexpr const char* kOptimizerPrefix = "optimizer.";

/// The parameters of a model among a file's tensors, which may be a checkpoint's.
[[nodiscard]] std::vector<NamedParameter> read_parameters(const std::filesystem::path& path);

/// The hidden widths of a NeuralNetwork with these tensors. Throws DataError naming the first
/// tensor that does not fit such a network with `inputs` and `outputs`.
[[nodiscard]] std::vector<std::int64_t> hidden_widths_of(const std::vector<NamedParameter>& tensors,
                                                         std::int64_t inputs, std::int64_t outputs,
                                                         const std::filesystem::path& path);

/// A NeuralNetwork with the weights in a file, of whatever hidden widths it has. Throws DataError.
[[nodiscard]] NeuralNetwork read_neural_network(const std::filesystem::path& path,
                                                std::int64_t inputs, std::int64_t outputs);

/// Copies the tensors into the module's parameters of the same names. Throws DataError naming the
/// first that is missing, unknown or of another shape.
void load_parameters(torch::nn::Module& module, const std::vector<NamedParameter>& tensors,
                     const std::filesystem::path& path);

}  // namespace lockstep::model
