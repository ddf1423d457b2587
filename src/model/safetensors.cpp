#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <limits>
#include <span>
#include <sys/stat.h>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include <lockstep/base/error.hpp>
#include <lockstep/base/file.hpp>
#include <lockstep/base/sha256.hpp>
#include <lockstep/model/safetensors.hpp>

namespace lockstep::model {
namespace {

using nlohmann::json;

constexpr std::int64_t kLengthBytes = 8;
constexpr std::int64_t kHeaderLimitBytes = 100'000'000;  // the format's own limit
constexpr std::int64_t kDataAlignment = 8;
constexpr std::int64_t kFloatBytes = sizeof(float);
constexpr const char* kMetadata = "__metadata__";
constexpr std::size_t kDigestCharacters = 64;

/// Says where a file is wrong.
class Complaint {
 public:
  explicit Complaint(const std::filesystem::path& path) : file_(path.string()) {}
  [[noreturn]] void operator()(std::int64_t offset, std::string_view what) const {
    throw DataError(
        fmt::format("{}: {} (file offset {}): not a usable safetensors file", file_, what, offset));
  }

 private:
  std::string file_;
};

/// Reads exactly `destination.size()` bytes at `offset`.
void read_at(const FileDescriptor& file, std::int64_t offset, std::span<std::byte> destination,
             const Complaint& fail) {
  while (!destination.empty()) {
    const ssize_t got = ::pread(file.get(), destination.data(), destination.size(), offset);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail(offset, system_error_text(errno));
    if (got == 0) fail(offset, "the file ended while it was read");
    destination = destination.subspan(static_cast<std::size_t>(got));
    offset += got;
  }
}

struct Entry {
  std::string name;
  std::vector<std::int64_t> shape;
  std::int64_t begin = 0;
  std::int64_t end = 0;
};

/// One entry of the header, checked in itself.
Entry parse_entry(const std::string& name, const json& fields, const Complaint& fail) {
  const auto offsets = fields.find("data_offsets");
  const auto shape = fields.find("shape");
  const auto type = fields.find("dtype");
  if (!fields.is_object() || offsets == fields.end() || shape == fields.end() ||
      type == fields.end() || !offsets->is_array() || offsets->size() != 2 || !shape->is_array() ||
      !type->is_string()) {
    fail(kLengthBytes, fmt::format("tensor '{}' lacks dtype, shape or data_offsets", name));
  }
  if (*type != "F32") {
    fail(kLengthBytes,
         fmt::format("tensor '{}' has type {}, expected F32", name, type->get<std::string>()));
  }
  const auto number = [&](const json& value) -> std::int64_t {
    if (!value.is_number_unsigned() ||
        value.get<std::uint64_t>() >
            static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max() / kFloatBytes)) {
      fail(kLengthBytes, fmt::format("tensor '{}' has an impossible size", name));
    }
    return value.get<std::int64_t>();
  };
  Entry entry{name, {}, number((*offsets)[0]), number((*offsets)[1])};
  const std::int64_t bytes = entry.end - entry.begin;
  std::int64_t left = bytes / kFloatBytes;
  bool empty = false;
  for (const auto& value : *shape) {
    const std::int64_t extent = number(value);
    entry.shape.push_back(extent);
    empty = empty || extent == 0;
    if (extent != 0) left = left % extent == 0 ? left / extent : 0;
  }
  if (bytes < 0 || bytes % kFloatBytes != 0 || (empty ? bytes != 0 : left != 1)) {
    fail(kLengthBytes, fmt::format("tensor '{}' of shape [{}] has data_offsets of {} bytes", name,
                                   fmt::join(entry.shape, ", "), bytes));
  }
  return entry;
}

SafetensorsMetadata parse_metadata(const json& header, const Complaint& fail) {
  SafetensorsMetadata metadata;
  const auto found = header.find(kMetadata);
  if (found == header.end()) return metadata;
  if (!found->is_object()) fail(kLengthBytes, "the metadata is not a JSON object");
  for (const auto& [name, value] : found->items()) {
    if (!value.is_string()) fail(kLengthBytes, fmt::format("metadata '{}' is no text", name));
    metadata[name] = value.get<std::string>();
  }
  return metadata;
}

/// All entries; they must tile the data without gap or overlap.
std::vector<Entry> parse_entries(const nlohmann::ordered_json& header, std::int64_t data_bytes,
                                 const Complaint& fail) {
  std::vector<Entry> entries;
  for (const auto& [name, fields] : header.items()) {
    if (name != kMetadata) entries.push_back(parse_entry(name, json(fields), fail));
  }
  std::sort(entries.begin(), entries.end(),
            [](const Entry& a, const Entry& b) { return a.begin < b.begin; });
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

/// Where the digest stands in the header's text.
std::size_t digest_position(const std::string& header, const std::string& digest,
                            const Complaint& fail) {
  const auto position = header.find(digest);
  if (digest.size() != kDigestCharacters || position == std::string::npos) {
    fail(kLengthBytes, "the digest is not one");
  }
  return position;
}

std::string digest_of(std::string header, std::size_t digest_position,
                      const std::vector<NamedParameter>& tensors) {
  header.replace(digest_position, kDigestCharacters, kDigestCharacters, '0');
  const std::array<std::uint64_t, 1> length = {header.size()};
  Sha256 digest;
  digest.update(std::as_bytes(std::span(length)));
  digest.update(as_byte_span(header));
  for (const auto& [name, value] : tensors) {
    digest.update(
        std::as_bytes(std::span(value.data_ptr<float>(), static_cast<std::size_t>(value.numel()))));
  }
  return to_hex(digest.finish());
}

/// The header's text: its length checked against the file's before it is allocated.
std::string read_header(const FileDescriptor& file, std::int64_t file_bytes,
                        const Complaint& fail) {
  std::array<std::uint64_t, 1> length{};
  if (file_bytes < kLengthBytes) fail(0, fmt::format("the file has only {} bytes", file_bytes));
  read_at(file, 0, std::as_writable_bytes(std::span(length)), fail);
  if (length[0] > static_cast<std::uint64_t>(file_bytes - kLengthBytes) ||
      length[0] > static_cast<std::uint64_t>(kHeaderLimitBytes)) {
    fail(0, fmt::format("the header claims {} bytes of a file of {}", length[0], file_bytes));
  }
  std::string text(length[0], '\0');
  read_at(file, kLengthBytes, std::as_writable_bytes(std::span(text.data(), text.size())), fail);
  return text;
}

}  // namespace

void write_safetensors(const std::filesystem::path& path,
                       const std::vector<NamedParameter>& tensors, SafetensorsMetadata metadata) {
  const std::string zeros(kDigestCharacters, '0');
  metadata["format"] = "pt";
  metadata[kDigestEntry] = zeros;
  nlohmann::ordered_json header;
  header[kMetadata] = metadata;
  std::vector<NamedParameter> kept;
  std::vector<std::span<const std::byte>> parts(2);
  std::int64_t offset = 0;
  for (const auto& [name, value] : tensors) {
    kept.push_back({name, value.detach().to(torch::kCPU, torch::kFloat32).contiguous()});
    const auto floats =
        std::span(kept.back().value.data_ptr<float>(), static_cast<std::size_t>(value.numel()));
    parts.push_back(std::as_bytes(floats));
    const std::int64_t end = offset + value.numel() * kFloatBytes;
    header[name] = {
        {"dtype", "F32"}, {"shape", value.sizes().vec()}, {"data_offsets", {offset, end}}};
    offset = end;
  }
  std::string text = header.dump();
  text.resize((text.size() + kDataAlignment - 1) / kDataAlignment * kDataAlignment, ' ');
  const std::string before_digest = fmt::format(R"("{}":")", kDigestEntry);
  const auto place = text.find(before_digest + zeros) + before_digest.size();
  text.replace(place, kDigestCharacters, digest_of(text, place, kept));
  const std::array<std::uint64_t, 1> length = {text.size()};
  parts[0] = std::as_bytes(std::span(length));
  parts[1] = as_byte_span(text);
  write_file_atomically(path, parts);
}

std::vector<NamedParameter> read_safetensors(const std::filesystem::path& path,
                                             SafetensorsMetadata* metadata) {
  const Complaint fail(path);
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat status = {};
  if (file.get() < 0 || ::fstat(file.get(), &status) != 0) {
    throw DataError(fmt::format("cannot open {}: {}", path.string(), system_error_text(errno)));
  }
  if (!S_ISREG(status.st_mode)) throw DataError(fmt::format("{} is not a file", path.string()));
  const std::string text = read_header(file, status.st_size, fail);
  const auto header = nlohmann::ordered_json::parse(text, nullptr, false);
  if (!header.is_object()) fail(kLengthBytes, "the header is not a JSON object");
  const std::int64_t data_begin = kLengthBytes + static_cast<std::int64_t>(text.size());
  std::vector<NamedParameter> tensors;
  for (const auto& entry : parse_entries(header, status.st_size - data_begin, fail)) {
    auto tensor = torch::empty(entry.shape, torch::kFloat32);
    const auto floats =
        std::span(tensor.data_ptr<float>(), static_cast<std::size_t>(tensor.numel()));
    read_at(file, data_begin + entry.begin, std::as_writable_bytes(floats), fail);
    tensors.push_back({entry.name, std::move(tensor)});
  }
  const auto texts = parse_metadata(json(header), fail);
  if (const auto digest = texts.find(kDigestEntry); digest != texts.end()) {
    const auto place = digest_position(text, digest->second, fail);
    if (digest_of(text, place, tensors) != digest->second) {
      fail(0, "its SHA-256 is not the one that it names: it has been damaged");
    }
  }
  if (metadata != nullptr) *metadata = texts;
  return tensors;
}

std::vector<NamedParameter> read_parameters(const std::filesystem::path& path) {
  auto tensors = read_safetensors(path);
  std::erase_if(tensors, [](const NamedParameter& tensor) {
    return tensor.name.starts_with(kOptimizerPrefix);
  });
  return tensors;
}

}  // namespace lockstep::model
