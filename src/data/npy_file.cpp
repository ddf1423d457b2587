#include "npy_file.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <limits>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include <lockstep/base/error.hpp>

namespace lockstep::data {
namespace {

constexpr std::string_view kMagic = "\x93NUMPY";
constexpr std::size_t kFixedBytes = 8;  // the magic and two bytes of version
constexpr std::size_t kMaxHeaderBytes = std::size_t{1} << 16U;

constexpr std::array<std::pair<std::string_view, torch::ScalarType>, 9> kTypes = {
    {{"|u1", torch::kUInt8},
     {"|i1", torch::kInt8},
     {"|b1", torch::kBool},
     {"<i2", torch::kInt16},
     {"<i4", torch::kInt32},
     {"<i8", torch::kInt64},
     {"<f2", torch::kFloat16},
     {"<f4", torch::kFloat32},
     {"<f8", torch::kFloat64}}};

[[noreturn]] void refuse(const std::string& what, const std::string& why) {
  throw DataError(fmt::format("{}: {}", what, why));
}

std::size_t little_endian(std::string_view bytes) {
  std::size_t value = 0;
  for (std::size_t i = bytes.size(); i-- > 0;) {
    value = value << 8U | static_cast<unsigned char>(bytes[i]);
  }
  return value;
}

/// The text of the header's dictionary, and where the elements begin.
std::pair<std::string_view, std::size_t> dictionary_of(std::string_view bytes,
                                                       const std::string& what) {
  if (!bytes.starts_with(kMagic) || bytes.size() < kFixedBytes) {
    refuse(what, "not a .npy file: it does not begin as numpy.save writes it");
  }
  const auto version = static_cast<unsigned char>(bytes[kMagic.size()]);
  if (version < 1 || version > 3)
    refuse(what, fmt::format("version {} of .npy is not known", version));
  const std::size_t length_bytes = version == 1 ? 2 : 4;
  const auto begin = kFixedBytes + length_bytes;
  if (bytes.size() < begin) refuse(what, "the file ends inside its header");
  const auto length = little_endian(bytes.substr(kFixedBytes, length_bytes));
  if (length > kMaxHeaderBytes) refuse(what, fmt::format("a header of {} bytes", length));
  if (bytes.size() < begin + length) refuse(what, "the file ends inside its header");
  return {bytes.substr(begin, length), begin + length};
}

/// What stands behind 'key': in a Python dictionary of one level, up to the next comma that no
/// bracket holds.
std::string_view value_of(std::string_view dictionary, std::string_view key,
                          const std::string& what) {
  for (const char quote : {'\'', '"'}) {
    const auto found = dictionary.find(fmt::format("{0}{1}{0}:", quote, key));
    if (found == std::string_view::npos) continue;
    auto value = dictionary.substr(found + key.size() + 3);
    const auto open = value.find_first_of("([,}");
    const bool in_brackets =
        open != std::string_view::npos && (value[open] == '(' || value[open] == '[');
    const auto end = in_brackets ? value.find_first_of(")]", open) + 1 : open;
    value = value.substr(0, end);
    while (!value.empty() && value.front() == ' ') value.remove_prefix(1);
    while (!value.empty() && value.back() == ' ') value.remove_suffix(1);
    return value;
  }
  refuse(what, fmt::format("its header names no '{}'", key));
}

std::vector<std::int64_t> shape_of(std::string_view text, const std::string& what) {
  std::vector<std::int64_t> shape;
  const char* const end = text.data() + text.size();
  for (const char* at = text.data(); at != end;) {
    if (std::isdigit(static_cast<unsigned char>(*at)) == 0) {
      if (std::string_view("(), L").find(*at) == std::string_view::npos) {
        refuse(what, fmt::format("its shape is '{}'", text));
      }
      ++at;
      continue;
    }
    std::int64_t size = 0;
    const auto [rest, error] = std::from_chars(at, end, size);
    if (error != std::errc()) refuse(what, fmt::format("its shape is '{}'", text));
    shape.push_back(size);
    at = rest;
  }
  return shape;
}

torch::ScalarType type_of(std::string_view text, const std::string& what) {
  auto name = text;
  if (name.size() > 2) name = name.substr(1, name.size() - 2);  // its quotes
  if (name.starts_with(">")) {
    refuse(what, fmt::format("its numbers are big-endian ({0}): save array.astype('<{1}')", name,
                             name.substr(1)));
  }
  if (name.starts_with("|O") || name.starts_with("O")) {
    refuse(what, "it holds Python objects: save an array of numbers");
  }
  if (name.starts_with("<u")) {
    refuse(what, fmt::format("its numbers are unsigned ({}): save array.astype('<i8')", name));
  }
  const auto* const found = std::find_if(kTypes.begin(), kTypes.end(),
                                         [&](const auto& type) { return type.first == name; });
  if (found != kTypes.end()) return found->second;
  refuse(
      what,
      fmt::format("elements of type {} cannot be read: save an array of integers or floats", text));
}

/// The number of bytes of such an array, if it can be one.
std::optional<std::size_t> bytes_of(const NpyHeader& header) {
  std::size_t bytes = torch::elementSize(header.type);
  for (const auto size : header.shape) {
    const auto count = static_cast<std::size_t>(size);
    if (count == 0) return 0;
    if (bytes > static_cast<std::size_t>(std::numeric_limits<std::int64_t>::max()) / count)
      return {};
    bytes *= count;
  }
  return bytes;
}

}  // namespace

NpyHeader parse_npy_header(std::string_view bytes, const std::string& what) {
  const auto [dictionary, begin] = dictionary_of(bytes, what);
  NpyHeader header{.type = type_of(value_of(dictionary, "descr", what), what),
                   .shape = shape_of(value_of(dictionary, "shape", what), what),
                   .bytes = begin};
  const auto order = value_of(dictionary, "fortran_order", what);
  const bool matters = std::count_if(header.shape.begin(), header.shape.end(),
                                     [](std::int64_t size) { return size > 1; }) > 1;
  if (order != "False" && matters) {
    refuse(what, "its elements are in Fortran's order: save numpy.ascontiguousarray(array)");
  }
  return header;
}

NpyFile::NpyFile(std::filesystem::path path) : file_(std::move(path)) {
  const auto what = file_.path().string();
  const auto length = static_cast<std::size_t>(file_.size());
  std::string beginning(std::min(length, kMaxHeaderBytes + kFixedBytes + 4), '\0');
  file_.read(0, std::as_writable_bytes(std::span(beginning)));
  header_ = parse_npy_header(beginning, what);
  const auto bytes = bytes_of(header_);
  if (!bytes) refuse(what, "impossible dimensions");
  bytes_ = *bytes;
  if (header_.bytes + bytes_ != length) {
    refuse(what, fmt::format("its header promises {} bytes, and the file has {}",
                             header_.bytes + bytes_, length));
  }
}

void NpyFile::read(std::size_t offset, std::span<std::byte> destination) const {
  file_.read(static_cast<std::int64_t>(header_.bytes + offset), destination);
}

}  // namespace lockstep::data
