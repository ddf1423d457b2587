#include <limits>

#include <lockstep/metrics/event_lines.hpp>

namespace lockstep::metrics {

using nlohmann::json;

EventLines::EventLines(const std::filesystem::path& path) : file_(path, std::ios::binary) {}

bool EventLines::next() {
  if (!file_.is_open()) return false;
  file_.getline(buffer_.data(), static_cast<std::streamsize>(buffer_.size()));
  if (file_.eof() || file_.bad()) return false;
  too_long_ = file_.fail();
  ++number_;
  text_ = std::string_view(buffer_).substr(
      0, static_cast<std::size_t>(file_.gcount()) - (too_long_ ? 0 : 1));
  event_ = too_long_ ? json(json::value_t::discarded) : json::parse(text_, nullptr, false);
  if (too_long_) {
    file_.clear();
    file_.ignore(std::numeric_limits<std::streamsize>::max(), '\n');
  }
  return true;
}

}  // namespace lockstep::metrics
