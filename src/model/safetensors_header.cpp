#include "safetensors_header.hpp"

#include <algorithm>
#include <array>
#include <limits>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include <lockstep/base/error.hpp>

namespace lockstep::model {
namespace {

using nlohmann::json;

constexpr std::int64_t kLongestElementBytes = 8;
constexpr std::array<ElementType, 10> kElementTypes = {{{"F32", torch::kFloat32, 4},
                                                        {"F64", torch::kFloat64, 8},
                                                        {"F16", torch::kFloat16, 2},
                                                        {"BF16", torch::kBFloat16, 2},
                                                        {"I64", torch::kInt64, 8},
                                                        {"I32", torch::kInt32, 4},
                                                        {"I16", torch::kInt16, 2},
                                                        {"I8", torch::kInt8, 1},
                                                        {"U8", torch::kUInt8, 1},
                                                        {"BOOL", torch::kBool, 1}}};

const ElementType& element_type(const std::string& tensor, const std::string& name,
                                const Complaint& fail) {
  const auto* const found =
      std::find_if(kElementTypes.begin(), kElementTypes.end(),
                   [&](const ElementType& type) { return type.name == name; });
  if (found == kElementTypes.end()) {
    fail(kLengthBytes,
         fmt::format("tensor '{}' has type {}, expected F32, F16, BF16 or F64", tensor, name));
  }
  return *found;
}

std::int64_t size_in(const json& value, const std::string& tensor, const Complaint& fail) {
  constexpr auto kMaxCount = std::numeric_limits<std::int64_t>::max() / kLongestElementBytes;
  if (!value.is_number_unsigned() ||
      value.get<std::uint64_t>() > static_cast<std::uint64_t>(kMaxCount)) {
    fail(kLengthBytes, fmt::format("tensor '{}' has an impossible size", tensor));
  }
  return value.get<std::int64_t>();
}

/// One entry of the header, checked on its own.
HeaderEntry parse_entry(const std::string& name, const json& fields, const Complaint& fail) {
  const auto offsets = fields.find("data_offsets");
  const auto shape = fields.find("shape");
  const auto type = fields.find("dtype");
  if (!fields.is_object() || offsets == fields.end() || shape == fields.end() ||
      type == fields.end() || !offsets->is_array() || offsets->size() != 2 || !shape->is_array() ||
      !type->is_string()) {
    fail(kLengthBytes, fmt::format("tensor '{}' lacks dtype, shape or data_offsets", name));
  }
  HeaderEntry entry{.name = name,
                    .type = &element_type(name, type->get<std::string>(), fail),
                    .shape = {},
                    .begin = size_in((*offsets)[0], name, fail),
                    .end = size_in((*offsets)[1], name, fail)};
  const std::int64_t bytes = entry.end - entry.begin;
  std::int64_t left = bytes / entry.type->bytes;
  bool empty = false;
  for (const auto& value : *shape) {
    const std::int64_t extent = size_in(value, name, fail);
    entry.shape.push_back(extent);
    empty = empty || extent == 0;
    if (extent != 0) left = left % extent == 0 ? left / extent : 0;
  }
  if (bytes < 0 || bytes % entry.type->bytes != 0 || (empty ? bytes != 0 : left != 1)) {
    fail(kLengthBytes, fmt::format("tensor '{}' of shape [{}] has data_offsets of {} bytes", name,
                                   fmt::join(entry.shape, ", "), bytes));
  }
  return entry;
}

}  // namespace

void Complaint::operator()(std::int64_t offset, std::string_view what) const {
  throw DataError(
      fmt::format("{}: {} (file offset {}): not a usable safetensors file", file_, what, offset));
}

const ElementType& element_type(torch::ScalarType type) {
  const auto* const found = std::find_if(kElementTypes.begin(), kElementTypes.end(),
                                         [&](const ElementType& one) { return one.type == type; });
  if (found == kElementTypes.end()) {
    throw RuntimeFailure(fmt::format("safetensors files hold no {}", torch::toString(type)));
  }
  return *found;
}

std::string element_type_name(const torch::Tensor& tensor) {
  return element_type(tensor.scalar_type()).name;
}

SafetensorsMetadata parse_metadata(const nlohmann::ordered_json& header, const Complaint& fail) {
  SafetensorsMetadata metadata;
  const auto found = header.find(kMetadata);
  if (found == header.end()) return metadata;
  if (!found->is_object()) fail(kLengthBytes, "the metadata is not a JSON object");
  for (const auto& [name, value] : found->items()) {
    if (!value.is_string()) fail(kLengthBytes, fmt::format("metadata '{}' is not text", name));
    metadata[name] = value.get<std::string>();
  }
  return metadata;
}

std::vector<HeaderEntry> parse_entries(const nlohmann::ordered_json& header,
                                       std::int64_t data_bytes, const Complaint& fail) {
  std::vector<HeaderEntry> entries;
  for (const auto& [name, fields] : header.items()) {
    if (name != kMetadata) entries.push_back(parse_entry(name, json(fields), fail));
  }
  std::sort(entries.begin(), entries.end(),
            [](const HeaderEntry& a, const HeaderEntry& b) { return a.begin < b.begin; });
  std::int64_t position = 0;
  for (const auto& entry : entries) {
    if (entry.begin != position) {
      fail(kLengthBytes, fmt::format("tensor '{}' overlaps another or leaves a gap", entry.name));
    }
    position = entry.end;
  }
  if (position != data_bytes) {
    fail(kLengthBytes,
         fmt::format("the tensors need {} bytes but the file holds {}", position, data_bytes));
  }
  return entries;
}

}  // namespace lockstep::model
