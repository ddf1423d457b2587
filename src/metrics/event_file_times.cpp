#include "event_file_times.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <string>
#include <string_view>

namespace lockstep::metrics {
namespace {

constexpr std::streamsize kChecksumBytes = 4;
constexpr std::int64_t kLastSecond = 9'999'999'998;  // later: more digits, or not a time

/// The seconds in "events.out.tfevents.1700000000.host.77"; -1 for other files.
std::int64_t seconds_in_name(const std::string& name) {
  const std::string_view begin = kNameBegin;
  std::int64_t seconds = -1;
  if (!name.starts_with(begin)) return seconds;
  std::from_chars(name.data() + begin.size(), name.data() + name.size(), seconds);
  return seconds <= kLastSecond ? seconds : -1;
}

/// The time of the record's event, which every writer puts first; 0 if it is missing.
double wall_time(std::ifstream& file, std::uint64_t bytes) {
  constexpr char kWallTimeIsDouble = 0x09;
  std::array<char, 1 + sizeof(double)> begin{};
  if (bytes < begin.size() || !file.read(begin.data(), begin.size())) return 0;
  file.ignore(static_cast<std::streamsize>(bytes - begin.size()));
  double seconds = 0;
  std::memcpy(&seconds, begin.data() + 1, sizeof(seconds));
  const bool is_time = seconds <= static_cast<double>(kLastSecond);  // false if it is not a number
  return begin[0] == kWallTimeIsDouble && is_time ? seconds : 0;
}

/// Goes through the records: length, its checksum, the event, its checksum.
double latest_event(const std::filesystem::path& path) {
  constexpr std::uint64_t kMaxRecordBytes = std::uint64_t{1} << 30U;
  std::ifstream file(path, std::ios::binary);
  std::array<char, sizeof(std::uint64_t)> length{};
  double latest = 0;
  while (file.read(length.data(), length.size()).ignore(kChecksumBytes)) {
    std::uint64_t bytes = 0;
    std::memcpy(&bytes, length.data(), sizeof(bytes));
    if (bytes > kMaxRecordBytes) break;
    latest = std::max(latest, wall_time(file, bytes));
    file.ignore(kChecksumBytes);
  }
  return latest;
}

}  // namespace

double seconds_behind_event_files(const std::filesystem::path& folder) {
  std::int64_t newest = -1;
  double latest = 0;
  std::error_code error;
  for (std::filesystem::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error)) {
    const auto seconds = seconds_in_name(entry->path().filename().string());
    if (seconds < 0) continue;
    newest = std::max(newest, seconds);
    latest = std::max(latest, latest_event(entry->path()));
  }
  return newest < 0 ? 0 : std::max(static_cast<double>(newest) + 1, latest);
}

}  // namespace lockstep::metrics
