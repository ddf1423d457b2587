// Digests for detecting damage to a safetensors file.
#pragma once

#include <string>
#include <vector>

#include <lockstep/model/safetensors.hpp>

#include "safetensors_header.hpp"

namespace lockstep::model {

/// SHA-256 of a file's content, however its header is written: see docs/files.md. The tensors are
/// on the CPU and contiguous.
[[nodiscard]] std::string content_digest(const SafetensorsMetadata& metadata,
                                         const std::vector<NamedTensor>& tensors);

/// Checks `tensors`, in the file's order, against the digest in the metadata, if there is one.
/// `header` is the header's text. Throws DataError by `fail`.
void check_digest(const SafetensorsMetadata& metadata, const std::string& header,
                  const std::vector<NamedTensor>& tensors, const Complaint& fail);

}  // namespace lockstep::model
