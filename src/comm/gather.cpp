#include <algorithm>
#include <array>

#include <fmt/format.h>

#include <lockstep/base/error.hpp>
#include <lockstep/comm/gather.hpp>

namespace lockstep::comm {

std::optional<std::size_t> first_unlike_rank_0(const std::vector<std::string>& texts) {
  for (std::size_t rank = 1; rank < texts.size(); ++rank) {
    if (texts[rank] != texts[0]) return rank;
  }
  return std::nullopt;
}

std::string broadcast_text(Communicator& communicator, std::string text, int root,
                           std::size_t max_bytes) {
  std::array<std::size_t, 1> size = {text.size()};
  communicator.broadcast(std::as_writable_bytes(std::span(size)), root).wait();
  if (size[0] > max_bytes) {
    throw RuntimeFailure(
        fmt::format("{} bytes to broadcast exceed the limit of {}", size[0], max_bytes));
  }
  text.resize(size[0]);
  communicator.broadcast(std::as_writable_bytes(std::span(text.data(), text.size())), root).wait();
  return text;
}

std::vector<std::string> gather_texts(Communicator& communicator, const std::string& mine) {
  const std::array<std::size_t, 1> own_size = {mine.size()};
  const auto sizes = gather_values(communicator, std::span<const std::size_t>(own_size));
  const auto longest = std::max_element(sizes.begin(), sizes.end())->front();
  if (longest == 0) return std::vector<std::string>(sizes.size());
  if (longest > kMaxTextBytes / sizes.size()) {
    throw RuntimeFailure("the texts to gather exceed 64 MiB");
  }
  auto padded = mine;
  padded.resize(longest);
  const auto rows = gather_values(communicator, std::span<const char>(padded));
  std::vector<std::string> texts;
  for (std::size_t rank = 0; rank < rows.size(); ++rank) {
    texts.emplace_back(rows[rank].data(), sizes[rank].front());
  }
  return texts;
}

}  // namespace lockstep::comm
