#include "cifar_file.hpp"

#include <algorithm>
#include <cctype>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <lockstep/base/error.hpp>

namespace lockstep::data {
namespace {

constexpr std::size_t kRecordsAtOnce = 128;

bool is_name(const std::string& line) {
  const bool printable = std::none_of(line.begin(), line.end(), [](char c) {
    return std::iscntrl(static_cast<unsigned char>(c)) != 0;
  });
  if (!printable) return false;
  try {
    (void)nlohmann::json(line).dump();  // which refuses what is not UTF-8
    return true;
  } catch (const nlohmann::json::exception&) {
    return false;
  }
}

}  // namespace

CifarFile::CifarFile(std::filesystem::path path, const CifarRecord& record)
    : file_(std::move(path)), record_(record) {
  const auto size = static_cast<std::size_t>(file_.size());
  records_ = size / record_.bytes();
  if (size == 0) throw DataError(fmt::format("{}: the file is empty", file_.path().string()));
  if (size % record_.bytes() == 0) return;
  throw DataError(
      fmt::format("{}: it has {} bytes, which are no whole number of records of {} "
                  "bytes: is it cut off, or of another data set?",
                  file_.path().string(), size, record_.bytes()));
}

void CifarFile::for_each(
    const std::function<void(std::size_t, std::span<const std::byte>)>& use) const {
  const auto bytes = record_.bytes();
  std::vector<std::byte> some(std::min(kRecordsAtOnce, records_) * bytes);
  for (std::size_t first = 0; first < records_; first += kRecordsAtOnce) {
    const auto count = std::min(kRecordsAtOnce, records_ - first);
    file_.read(static_cast<std::int64_t>(first * bytes), std::span(some).first(count * bytes));
    for (std::size_t i = 0; i < count; ++i) {
      use(first + i, std::span<const std::byte>(some).subspan(i * bytes, bytes));
    }
  }
}

void CifarFile::read_images(std::span<std::byte> destination) const {
  for_each([&](std::size_t number, std::span<const std::byte> record) {
    const auto image = record.subspan(record_.labels);
    std::copy(image.begin(), image.end(),
              destination.subspan(number * record_.image_bytes, image.size()).begin());
  });
}

void CifarFile::read_labels(std::span<std::byte> destination) const {
  for_each([&](std::size_t number, std::span<const std::byte> record) {
    const auto label = record[record_.labels - 1];
    if (std::to_integer<std::size_t>(label) >= record_.classes) {
      throw DataError(fmt::format("{}: label {} of record {} (byte {}) is not one of 0–{}",
                                  file_.path().string(), std::to_integer<int>(label), number,
                                  number * record_.bytes() + record_.labels - 1,
                                  record_.classes - 1));
    }
    destination[number] = label;
  });
}

std::vector<std::string> parse_class_names(std::string_view text, std::size_t classes) {
  std::vector<std::string> names;
  while (!text.empty()) {
    const auto end = text.find('\n');
    auto line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty()) continue;
    names.emplace_back(line);
    if (names.size() > classes || !is_name(names.back())) return {};
  }
  if (names.size() != classes) names.clear();
  return names;
}

}  // namespace lockstep::data
