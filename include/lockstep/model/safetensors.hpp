// Weights in files that every framework can read and that run no code.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include <torch/torch.h>

#include <lockstep/model/named_tensor.hpp>

namespace lockstep::model {

/// The texts that a file holds beside its tensors.
using SafetensorsMetadata = std::map<std::string, std::string>;

/// The metadata entry with a digest of names, types, shapes, values and metadata, independent of
/// how the header is written; hexadecimal SHA-256. docs/files.md defines it. In files of earlier
/// versions it is the digest of the whole file, with 64 zeros in its own place.
inline constexpr const char* kDigestEntry = "lockstep.sha256";

/// By convention, "pt" for PyTorch.
inline constexpr const char* kFormatEntry = "format";

/// Writes tensors under their names, atomically: the file is either complete or unchanged. Adds a
/// digest and "format" to the metadata. Throws RuntimeFailure. Source:
/// https://huggingface.co/docs/safetensors (format, version 1).
void write_safetensors(const std::filesystem::path& path, const std::vector<NamedTensor>& tensors,
                       SafetensorsMetadata metadata = {});

/// Reads all tensors of a file, by name, in the file's order and with their stored element types,
/// and its metadata if wanted. Checks every size against the file's before allocating memory for
/// it. Refuses overlapping, misaligned or missing ranges, unknown element types, a digest that does
/// not match, and anything but a regular file, without waiting for it. Throws DataError naming file
/// and offset, or the format that the file has instead.
[[nodiscard]] std::vector<NamedTensor> read_safetensors(const std::filesystem::path& path,
                                                        SafetensorsMetadata* metadata = nullptr);

/// The format's name of a tensor's element type: "F32", "BF16", …
[[nodiscard]] std::string element_type_name(const torch::Tensor& tensor);

}  // namespace lockstep::model
