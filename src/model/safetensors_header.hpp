// The header of a safetensors file: its content, checked before anything is allocated for it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include <lockstep/model/safetensors.hpp>

namespace lockstep::model {

/// Bytes before the header's text: its length.
inline constexpr std::int64_t kLengthBytes = 8;
inline constexpr const char* kMetadata = "__metadata__";

/// Throws a DataError that says where a file is wrong.
class Complaint {
 public:
  explicit Complaint(const std::filesystem::path& path) : file_(path.string()) {}
  [[noreturn]] void operator()(std::int64_t offset, std::string_view what) const;

 private:
  std::string file_;
};

/// An element type, with the format's name and LibTorch's.
struct ElementType {
  const char* name;
  torch::ScalarType type;
  std::int64_t bytes;
};

[[nodiscard]] const ElementType& element_type(torch::ScalarType type);

struct HeaderEntry {
  std::string name;
  const ElementType* type = nullptr;
  std::vector<std::int64_t> shape;
  std::int64_t begin = 0;
  std::int64_t end = 0;
};

/// All tensors, by offset; they tile the `data_bytes` after the header without gap or overlap.
[[nodiscard]] std::vector<HeaderEntry> parse_entries(const nlohmann::ordered_json& header,
                                                     std::int64_t data_bytes,
                                                     const Complaint& fail);

[[nodiscard]] SafetensorsMetadata parse_metadata(const nlohmann::ordered_json& header,
                                                 const Complaint& fail);

}  // namespace lockstep::model
