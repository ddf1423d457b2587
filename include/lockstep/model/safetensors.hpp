// Weights in files that every framework reads and that run no code.
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include <torch/torch.h>

#include <lockstep/model/neural_network.hpp>

namespace lockstep::model {

/// Writes float32 tensors under their names, atomically: the file is whole or as it was.
/// Throws RuntimeFailure. Source: https://huggingface.co/docs/safetensors (format, version 1).
void write_safetensors(const std::filesystem::path& path,
                       const std::vector<NamedParameter>& tensors);

/// Reads all float32 tensors of a file, by name in the file's order. Every size is checked against
/// the file's before anything is allocated for it; overlapping, misaligned or missing ranges,
/// duplicate names and other element types are refused. Throws DataError naming file and offset.
[[nodiscard]] std::vector<NamedParameter> read_safetensors(const std::filesystem::path& path);

/// The hidden widths of a NeuralNetwork with these tensors. Throws DataError naming the first
/// tensor that does not fit such a network with `inputs` and `outputs`.
[[nodiscard]] std::vector<std::int64_t> hidden_widths_of(const std::vector<NamedParameter>& tensors,
                                                         std::int64_t inputs, std::int64_t outputs,
                                                         const std::filesystem::path& path);

/// Copies the tensors into the module's parameters of the same names. Throws DataError naming the
/// first that is missing, unknown or of another shape.
void load_parameters(torch::nn::Module& module, const std::vector<NamedParameter>& tensors,
                     const std::filesystem::path& path);

}  // namespace lockstep::model
