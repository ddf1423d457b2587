#include "event_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <protozero/pbf_writer.hpp>

#include <boost/crc.hpp>
#include <fmt/format.h>

#include <lockstep/base/error.hpp>

#include "event_file_times.hpp"

namespace lockstep::metrics {
namespace {

static_assert(std::endian::native == std::endian::little, "records are written as they lie");

/// Field numbers of the messages.
namespace field {
namespace event {
enum : std::uint8_t { kWallTime = 1, kStep = 2, kFileVersion = 3, kSummary = 5, kSessionLog = 7 };
}
namespace session_log {
enum : std::uint8_t { kStatus = 1 };
}
namespace summary {
enum : std::uint8_t { kValue = 1 };
}
namespace value {
enum : std::uint8_t { kTag = 1, kSimpleValue = 2, kHistogram = 5, kTensor = 8, kMetadata = 9 };
}
namespace histogram {
enum : std::uint8_t { kMin = 1, kMax, kNum, kSum, kSumOfSquares, kBucketLimit, kBucket };
}
namespace tensor {
enum : std::uint8_t { kDtype = 1, kShape = 2, kStringVal = 8 };
}
namespace metadata {
enum : std::uint8_t { kPluginData = 1 };
}
namespace plugin_data {
enum : std::uint8_t { kName = 1 };
}
}  // namespace field

constexpr int kSessionStarts = 1;
constexpr int kDtypeString = 7;

/// CRC-32C, rotated and shifted, so that checksums of data that contains checksums are good ones
/// too.
std::uint32_t masked_crc(std::string_view bytes) {
  constexpr std::uint32_t kCastagnoli = 0x1EDC6F41;
  constexpr std::uint32_t kAllOnes = 0xFFFFFFFF;
  constexpr std::uint32_t kMaskDelta = 0xA282EAD8;
  constexpr int kRotation = 15;
  boost::crc_optimal<32, kCastagnoli, kAllOnes, kAllOnes, true, true> crc;
  crc.process_bytes(bytes.data(), bytes.size());
  return std::rotr(static_cast<std::uint32_t>(crc.checksum()), kRotation) + kMaskDelta;
}

template <typename Number>
void append_raw(std::string& text, Number number) {
  std::array<char, sizeof(Number)> bytes{};
  std::memcpy(bytes.data(), &number, sizeof(Number));
  text.append(bytes.data(), bytes.size());
}

/// Length, its checksum, the data, their checksum.
std::string record_of(std::string_view data) {
  std::string length;
  append_raw(length, static_cast<std::uint64_t>(data.size()));
  auto record = length;
  append_raw(record, masked_crc(length));
  record += data;
  append_raw(record, masked_crc(data));
  return record;
}

double seconds_since_1970() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

/// With ten digits, as TensorBoard's own writers use, so that names sort by time.
std::filesystem::path name_of_file(double seconds) {
  constexpr std::size_t kLongestName = 256;
  std::array<char, kLongestName> host{};
  ::gethostname(host.data(), host.size() - 1);
  return fmt::format("{}{:010}.{}.{}", kNameBegin, static_cast<std::int64_t>(seconds), host.data(),
                     ::getpid());
}

}  // namespace

void Summary::add_scalar(std::string_view tag, double value) {
  protozero::pbf_writer summary(bytes_);
  protozero::pbf_writer entry(summary, field::summary::kValue);
  entry.add_string(field::value::kTag, tag.data(), tag.size());
  entry.add_float(field::value::kSimpleValue, static_cast<float>(value));
}

void Summary::add_histogram(const Histogram& histogram) {
  if (histogram.counts.empty()) return;
  const auto width =
      (histogram.most - histogram.least) / static_cast<double>(histogram.counts.size());
  std::vector<double> limits;  // the upper end of each bin
  for (std::size_t i = 0; i < histogram.counts.size(); ++i) {
    limits.push_back(histogram.least + width * static_cast<double>(i + 1));
  }
  limits.back() = histogram.most;
  protozero::pbf_writer summary(bytes_);
  protozero::pbf_writer entry(summary, field::summary::kValue);
  entry.add_string(field::value::kTag, histogram.tag);
  protozero::pbf_writer of_tensor(entry, field::value::kHistogram);
  of_tensor.add_double(field::histogram::kMin, histogram.least);
  of_tensor.add_double(field::histogram::kMax, histogram.most);
  of_tensor.add_double(field::histogram::kNum, histogram.count);
  of_tensor.add_double(field::histogram::kSum, histogram.sum);
  of_tensor.add_double(field::histogram::kSumOfSquares, histogram.sum_of_squares);
  of_tensor.add_packed_double(field::histogram::kBucketLimit, limits.begin(), limits.end());
  of_tensor.add_packed_double(field::histogram::kBucket, histogram.counts.begin(),
                              histogram.counts.end());
}

void Summary::add_text(std::string_view tag, std::string_view text) {
  protozero::pbf_writer summary(bytes_);
  protozero::pbf_writer entry(summary, field::summary::kValue);
  entry.add_string(field::value::kTag, tag.data(), tag.size());
  {
    protozero::pbf_writer tensor(entry, field::value::kTensor);
    tensor.add_enum(field::tensor::kDtype, kDtypeString);
    tensor.add_message(field::tensor::kShape, std::string());  // no dimensions: one text
    tensor.add_string(field::tensor::kStringVal, text.data(), text.size());
  }
  protozero::pbf_writer metadata(entry, field::value::kMetadata);
  protozero::pbf_writer plugin(metadata, field::metadata::kPluginData);
  plugin.add_string(field::plugin_data::kName, "text");
}

EventFile::EventFile(const std::filesystem::path& folder, std::int64_t first_step)
    : last_seconds_(std::max(seconds_since_1970(), seconds_behind_event_files(folder))),
      path_(folder / name_of_file(last_seconds_)),
      file_(::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644)) {
  if (file_.get() < 0) {
    log_.warning(fmt::format("cannot write {}: {}: TensorBoard will not show this run",
                             path_.string(), system_error_text(errno)));
    return;
  }
  auto version = event_now();
  protozero::pbf_writer(version).add_string(field::event::kFileVersion, "brain.Event:2");
  append(version);
  auto start = event_now();
  protozero::pbf_writer event(start);
  event.add_int64(field::event::kStep, first_step);
  {
    protozero::pbf_writer session(event, field::event::kSessionLog);
    session.add_enum(field::session_log::kStatus, kSessionStarts);
  }
  append(start);
}

void EventFile::write(const Summary& summary, std::int64_t step) {
  auto bytes = event_now();
  protozero::pbf_writer event(bytes);
  event.add_int64(field::event::kStep, step);
  event.add_message(field::event::kSummary, summary.bytes());
  append(bytes);
}

/// An event with nothing but its time.
std::string EventFile::event_now() {
  last_seconds_ = std::max(last_seconds_, seconds_since_1970());
  std::string bytes;
  protozero::pbf_writer(bytes).add_double(field::event::kWallTime, last_seconds_);
  return bytes;
}

void EventFile::append(std::string_view event) {
  if (file_.get() < 0) return;
  const auto [failure, torn] = append_whole(file_.get(), as_byte_span(record_of(event)), path_);
  if (torn) file_ = FileDescriptor();  // readers stop at half a record
  if (!failure.empty() && !told_) {
    log_.warning(fmt::format("{}: TensorBoard will not show {}", failure,
                             torn ? "the rest of this run" : "its next events"));
  }
  told_ = !failure.empty();
}

}  // namespace lockstep::metrics
