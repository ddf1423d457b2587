#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <span>
#include <sys/stat.h>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <lockstep/base/error.hpp>
#include <lockstep/base/file.hpp>
#include <lockstep/model/safetensors.hpp>

#include "foreign_weights.hpp"
#include "safetensors_digest.hpp"
#include "safetensors_header.hpp"

namespace lockstep::model {
namespace {

constexpr std::int64_t kHeaderLimitBytes = 100'000'000;  // the format's own limit
constexpr std::int64_t kDataAlignment = 8;

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

FileDescriptor open_regular(const std::filesystem::path& path, struct stat& status) {
  // Opening a pipe without a writer would wait.
  FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (file.get() < 0 || ::fstat(file.get(), &status) != 0) {
    throw DataError(fmt::format("cannot open {}: {}", path.string(), system_error_text(errno)));
  }
  if (!S_ISREG(status.st_mode)) {
    throw DataError(fmt::format("{} is not a file but a {}: weights are read from files only",
                                path.string(),
                                S_ISDIR(status.st_mode) ? "folder" : "pipe or device"));
  }
  return file;
}

/// Says what kind of file this is, if that is known and it is not a safetensors file, whose headers
/// begin with a brace.
void complain_of_foreign(const FileDescriptor& file, std::int64_t file_bytes,
                         const std::filesystem::path& path, const Complaint& fail) {
  std::string beginning(
      std::min<std::size_t>(kForeignBeginning, static_cast<std::size_t>(file_bytes)), '\0');
  read_at(file, 0, std::as_writable_bytes(std::span(beginning.data(), beginning.size())), fail);
  if (beginning.size() > kLengthBytes && beginning[kLengthBytes] == '{') return;
  const auto what = describe_foreign_weights(beginning, path);
  if (!what.empty()) {
    throw DataError(fmt::format("{} is not a safetensors file but {}", path.string(), what));
  }
}

/// The header's text. Its length is checked against the file's before it is allocated.
std::string read_header(const FileDescriptor& file, std::int64_t file_bytes,
                        const std::filesystem::path& path, const Complaint& fail) {
  std::array<std::uint64_t, 1> length{};
  if (file_bytes < kLengthBytes) fail(0, fmt::format("the file has only {} bytes", file_bytes));
  read_at(file, 0, std::as_writable_bytes(std::span(length)), fail);
  if (length[0] > static_cast<std::uint64_t>(file_bytes - kLengthBytes) ||
      length[0] > static_cast<std::uint64_t>(kHeaderLimitBytes)) {
    complain_of_foreign(file, file_bytes, path, fail);
    fail(0, fmt::format("the header claims {} bytes of a file of {}", length[0], file_bytes));
  }
  std::string text(length[0], '\0');
  read_at(file, kLengthBytes, std::as_writable_bytes(std::span(text.data(), text.size())), fail);
  return text;
}

}  // namespace

void write_safetensors(const std::filesystem::path& path, const std::vector<NamedTensor>& tensors,
                       SafetensorsMetadata metadata) {
  std::vector<NamedTensor> kept;
  std::vector<std::span<const std::byte>> parts(2);
  nlohmann::ordered_json header;
  header[kMetadata] = nullptr;  // first, although its value is known last
  std::int64_t offset = 0;
  for (const auto& [name, value] : tensors) {
    kept.push_back({name, value.detach().to(torch::kCPU).contiguous()});
    parts.emplace_back(static_cast<const std::byte*>(kept.back().value.data_ptr()), value.nbytes());
    const auto end = offset + static_cast<std::int64_t>(parts.back().size());
    header[name] = {{"dtype", element_type_name(value)},
                    {"shape", value.sizes().vec()},
                    {"data_offsets", {offset, end}}};
    offset = end;
  }
  metadata[kFormatEntry] = "pt";
  metadata[kDigestEntry] = content_digest(metadata, kept);
  header[kMetadata] = metadata;
  std::string text = header.dump();
  text.resize((text.size() + kDataAlignment - 1) / kDataAlignment * kDataAlignment, ' ');
  const std::array<std::uint64_t, 1> length = {text.size()};
  parts[0] = std::as_bytes(std::span(length));
  parts[1] = as_byte_span(text);
  write_file_atomically(path, parts);
}

std::vector<NamedTensor> read_safetensors(const std::filesystem::path& path,
                                          SafetensorsMetadata* metadata) {
  const Complaint fail(path);
  struct stat status = {};
  const auto file = open_regular(path, status);
  const std::string text = read_header(file, status.st_size, path, fail);
  const auto header = nlohmann::ordered_json::parse(text, nullptr, false);
  // The parser takes a zero byte as the end of the text.
  if (!header.is_object() || text.find('\0') != std::string::npos) {
    complain_of_foreign(file, status.st_size, path, fail);
    fail(kLengthBytes, "the header is not a JSON object");
  }
  const std::int64_t data_begin = kLengthBytes + static_cast<std::int64_t>(text.size());
  std::vector<NamedTensor> tensors;
  for (const auto& entry : parse_entries(header, status.st_size - data_begin, fail)) {
    auto tensor = torch::empty(entry.shape, entry.type->type);
    read_at(file, data_begin + entry.begin,
            std::span(static_cast<std::byte*>(tensor.data_ptr()), tensor.nbytes()), fail);
    tensors.push_back({entry.name, std::move(tensor)});
  }
  const auto texts = parse_metadata(header, fail);
  check_digest(texts, text, tensors, fail);
  if (metadata != nullptr) *metadata = texts;
  return tensors;
}

}  // namespace lockstep::model
