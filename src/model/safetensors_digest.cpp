#include "safetensors_digest.hpp"

#include <algorithm>
#include <array>
#include <span>
#include <string_view>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <lockstep/base/file.hpp>
#include <lockstep/base/sha256.hpp>

namespace lockstep::model {
namespace {

constexpr std::size_t kDigestCharacters = 64;
constexpr std::string_view kOwnEntries = "lockstep.";

std::span<const std::byte> bytes_of(const torch::Tensor& tensor) {
  return {static_cast<const std::byte*>(tensor.data_ptr()), tensor.nbytes()};
}

/// What other programs add to the metadata is their own business.
bool is_digested(const std::string& entry) {
  return entry != kDigestEntry && (entry == kFormatEntry || entry.starts_with(kOwnEntries));
}

/// As earlier versions computed it: over the header's text, with zeros in place of the digest.
std::string digest_of_text(std::string header, std::size_t digest_position,
                           const std::vector<NamedTensor>& tensors) {
  header.replace(digest_position, kDigestCharacters, kDigestCharacters, '0');
  const std::array<std::uint64_t, 1> length = {header.size()};
  Sha256 digest;
  digest.update(std::as_bytes(std::span(length)));
  digest.update(as_byte_span(header));
  for (const auto& tensor : tensors) digest.update(bytes_of(tensor.value));
  return to_hex(digest.finish());
}

}  // namespace

std::string content_digest(const SafetensorsMetadata& metadata,
                           const std::vector<NamedTensor>& tensors) {
  std::vector<const NamedTensor*> by_name;
  for (const auto& tensor : tensors) by_name.push_back(&tensor);
  std::sort(by_name.begin(), by_name.end(),
            [](const NamedTensor* a, const NamedTensor* b) { return a->name < b->name; });
  nlohmann::json description = {{"metadata", nlohmann::json::object()},
                                {"tensors", nlohmann::json::array()}};
  for (const auto& [name, text] : metadata) {
    if (is_digested(name)) description["metadata"][name] = text;
  }
  for (const auto* tensor : by_name) {
    description["tensors"].push_back({tensor->name, element_type(tensor->value.scalar_type()).name,
                                      tensor->value.sizes().vec()});
  }
  Sha256 digest;
  digest.update(as_byte_span(description.dump()));
  for (const auto* tensor : by_name) digest.update(bytes_of(tensor->value));
  return to_hex(digest.finish());
}

void check_digest(const SafetensorsMetadata& metadata, const std::string& header,
                  const std::vector<NamedTensor>& tensors, const Complaint& fail) {
  const auto found = metadata.find(kDigestEntry);
  if (found == metadata.end() || content_digest(metadata, tensors) == found->second) return;
  const auto position = header.find(found->second);
  const bool may_be_of_text =
      found->second.size() == kDigestCharacters && position != std::string::npos;
  if (may_be_of_text && digest_of_text(header, position, tensors) == found->second) return;
  fail(0, fmt::format("its SHA-256 is not the one that it names: it has been damaged, or changed "
                      "by a program that kept {} in its metadata",
                      kDigestEntry));
}

}  // namespace lockstep::model
