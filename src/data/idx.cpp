#include <fcntl.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <limits>
#include <string>
#include <utility>

#include <fmt/format.h>
#include <zlib.h>

#include <lockstep/base/error.hpp>
#include <lockstep/data/idx.hpp>

#include "gzip_member.hpp"
#include "regular_file.hpp"

namespace lockstep::data {
namespace {

constexpr std::int64_t kDeflateMaximumRatio = 1032;
constexpr std::int64_t kGzipTrailerBytes = 4;
constexpr unsigned kBufferBytes = 1U << 18U;
constexpr unsigned kUnsignedByteType = 0x08;
constexpr unsigned kIntegerType = 0x0c;
constexpr std::int64_t kIntegerBytes = 4;
constexpr unsigned kMaximumDimensions = 4;
constexpr std::string_view kRemedy =
    "fetch the file again (launch/fetch-data.sh fetches those of FashionMNIST)";

std::uint32_t big_endian(std::span<const unsigned char, 4> bytes) {
  return (std::uint32_t{bytes[0]} << 24U) | (std::uint32_t{bytes[1]} << 16U) |
         (std::uint32_t{bytes[2]} << 8U) | std::uint32_t{bytes[3]};
}

/// What a file may be if its first bytes are not those of IDX, and what to do about it.
std::string describe_other_kind(std::span<const unsigned char, 4> beginning) {
  const std::string_view text(reinterpret_cast<const char*>(beginning.data()), beginning.size());
  if (beginning[0] == 0 && beginning[1] == 0) {
    return "IDX files of other elements must be converted to unsigned bytes";
  }
  if (text.starts_with("PK")) return "it is a zip archive: unpack it";
  if (text.starts_with("\x1f\x8b")) return "it was compressed twice: unpack it once";
  if (text.starts_with("BZh") || text.starts_with("\xfd\x37zX")) {
    return "it is compressed in another way: unpack it";
  }
  if (text.starts_with("<")) {
    return "it is a web page or other markup: the link did not lead to the file itself";
  }
  if (text == "vers")
    return "it may be the pointer that Git LFS leaves: `git lfs pull` brings the file";
  if (text.starts_with("\x89PNG")) return "it is a picture";
  const bool printable = std::all_of(beginning.begin(), beginning.end(), [](unsigned char byte) {
    return std::isprint(byte) != 0 || std::isspace(byte) != 0;
  });
  return printable ? "it is text, such as CSV: the file of that name in IDX format is needed"
                   : "the file of that name in IDX format is needed";
}

std::uint32_t little_endian(std::span<const unsigned char, 4> bytes) {
  const std::array<unsigned char, 4> reversed = {bytes[3], bytes[2], bytes[1], bytes[0]};
  return big_endian(reversed);
}

}  // namespace

/// zlib's reader, which passes plain files through unchanged.
struct IdxFile::Stream {
  RegularFile regular;
  gzFile file = nullptr;
  std::uint32_t trailer = 0;  // the last four bytes: a gzip member's decoded length mod 2^32

  explicit Stream(const std::filesystem::path& path) : regular(path) {
    if (regular.size() >= kGzipTrailerBytes) {
      std::array<unsigned char, kGzipTrailerBytes> last{};
      regular.read(regular.size() - kGzipTrailerBytes, std::as_writable_bytes(std::span(last)));
      trailer = little_endian(last);
    }
    file = gzdopen(::fcntl(regular.descriptor(), F_DUPFD_CLOEXEC, 0), "rb");
    if (file == nullptr) {
      throw DataError(fmt::format("cannot read {}: no memory or descriptor", path.string()));
    }
    gzbuffer(file, kBufferBytes);
  }
  ~Stream() { gzclose_r(file); }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  Stream(Stream&&) = delete;
  Stream& operator=(Stream&&) = delete;

  /// Reads until `destination` is full or the stream ends; returns the bytes read.
  [[nodiscard]] std::size_t read(std::span<unsigned char> destination) const {
    std::size_t done = 0;
    while (done < destination.size()) {
      const auto wanted =
          std::min<std::size_t>(destination.size() - done, std::numeric_limits<int>::max());
      const int got = gzread(file, &destination[done], static_cast<unsigned>(wanted));
      if (got <= 0) break;
      done += static_cast<std::size_t>(got);
    }
    return done;
  }

  [[nodiscard]] bool compressed() const { return gzdirect(file) == 0; }

  /// The decoder's error, or "" if the stream is sound so far.
  [[nodiscard]] std::string damage() const {
    int code = Z_OK;
    const char* text = gzerror(file, &code);
    if (code == Z_OK || code == Z_STREAM_END) return "";
    if (code == Z_BUF_ERROR) return "the gzip stream is cut off";
    if (code == Z_ERRNO) return system_error_text(errno);
    return fmt::format("the gzip stream is damaged ({})", text);
  }
};

IdxFile::IdxFile(std::filesystem::path path, IdxElements allowed)
    : path_(std::move(path)), stream_(std::make_unique<Stream>(path_)) {
  read_header(allowed);
  check_length();
}

IdxFile::~IdxFile() = default;
IdxFile::IdxFile(IdxFile&&) noexcept = default;
IdxFile& IdxFile::operator=(IdxFile&&) noexcept = default;

std::int64_t IdxFile::header_bytes() const noexcept {
  return 4 + 4 * static_cast<std::int64_t>(dimensions_.size());
}

void IdxFile::read_header(IdxElements allowed) {
  const auto fail = [this](std::string_view what, std::string_view remedy = kRemedy) {
    const std::string damage = stream_->damage();
    throw DataError(fmt::format("{}: {}{}{}; {}", path_.string(), what, damage.empty() ? "" : ": ",
                                damage, remedy));
  };
  if (stream_->regular.size() == 0) fail("the file is empty");
  std::array<unsigned char, 4> word{};
  if (stream_->read(word) < word.size()) fail("the file ends inside its header (offset 0)");
  const unsigned dimensions = word[3];
  const bool integers = allowed == IdxElements::kBytesOrIntegers && word[2] == kIntegerType;
  if (word[0] != 0 || word[1] != 0 || (word[2] != kUnsignedByteType && !integers) ||
      dimensions == 0 || dimensions > kMaximumDimensions) {
    fail(fmt::format("not an IDX file of unsigned bytes: bad magic number 0x{:08x} at offset 0",
                     big_endian(word)),
         describe_other_kind(word));
  }
  element_bytes_ = integers ? kIntegerBytes : 1;
  elements_ = 1;
  for (unsigned i = 0; i < dimensions; ++i) {
    if (stream_->read(word) < word.size()) {
      fail(fmt::format("the file ends inside its header (offset {})", 4 + 4 * i));
    }
    const std::int64_t extent = big_endian(word);
    if (extent == 0) fail(fmt::format("dimension {} is 0 (offset {})", i, 4 + 4 * i));
    if (elements_ > std::numeric_limits<std::int64_t>::max() / extent / kIntegerBytes / 2) {
      fail(fmt::format("impossible dimensions (offset {})", 4 + 4 * i));
    }
    dimensions_.push_back(extent);
    elements_ *= extent;
  }
}

void IdxFile::check_length() const {
  const std::int64_t expected = header_bytes() + elements_ * element_bytes_;
  const auto fail = [&](std::string_view found) {
    throw DataError(fmt::format("{}: the header promises {} bytes, but {}; {}", path_.string(),
                                expected, found, kRemedy));
  };
  if (!stream_->compressed()) {
    if (stream_->regular.size() != expected)
      fail(fmt::format("the file has {}", stream_->regular.size()));
    return;
  }
  const bool possible = expected / kDeflateMaximumRatio <= stream_->regular.size();
  const bool agrees = stream_->trailer == static_cast<std::uint32_t>(expected);
  if (possible && agrees) return;

  // A damaged file, or one of several gzip members: only the stream itself can tell.
  std::vector<unsigned char> scratch(kBufferBytes);
  std::int64_t length = header_bytes();
  while (const auto got = static_cast<std::int64_t>(stream_->read(scratch))) length += got;
  const std::string damage = stream_->damage();
  if (!damage.empty()) {
    fail(fmt::format("{} after {} decoded bytes (file offset {})", damage, length,
                     static_cast<std::int64_t>(gzoffset(stream_->file))));
  }
  if (length != expected) fail(fmt::format("the stream holds {}", length));
  gzseek(stream_->file, header_bytes(), SEEK_SET);
}

void IdxFile::read_into(std::span<std::byte> destination) {
  const auto bytes =
      std::span(reinterpret_cast<unsigned char*>(destination.data()), destination.size());
  if (stream_->compressed() && decode_gzip_member(stream_->regular.descriptor(),
                                                  stream_->regular.size(), header_bytes(), bytes)) {
    return;
  }
  // A plain file, or one that is unusual or damaged: zlib can tell what is wrong.
  const auto got = static_cast<std::int64_t>(stream_->read(bytes));
  std::array<unsigned char, 1> beyond{};
  const auto wanted = elements_ * element_bytes_;
  const bool more = got == wanted && stream_->read(beyond) > 0;  // reading on checks the CRC
  std::string problem = stream_->damage();
  if (problem.empty() && got < wanted) problem = "the file is cut off";
  if (problem.empty() && more) problem = "there is data after the last element";
  if (problem.empty()) return;
  throw DataError(fmt::format("{}: {} at decoded byte {} (file offset {}); {}", path_.string(),
                              problem, header_bytes() + got,
                              static_cast<std::int64_t>(gzoffset(stream_->file)), kRemedy));
}

}  // namespace lockstep::data
