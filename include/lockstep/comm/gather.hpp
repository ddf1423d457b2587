// Texts and numbers of all ranks, on every rank.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <lockstep/comm/communicator.hpp>

namespace lockstep::comm {

inline constexpr std::size_t kMaxTextBytes = std::size_t{64} << 20U;

/// Collective. Returns the text of rank `root` on every rank. Throws RuntimeFailure, on every rank,
/// if it is longer than `max_bytes`.
[[nodiscard]] std::string broadcast_text(Communicator& communicator, std::string text, int root,
                                         std::size_t max_bytes = kMaxTextBytes);

/// Collective. Returns every rank's `mine`, in rank order. Throws RuntimeFailure, on every rank, if
/// the number of ranks times the longest text exceeds 64 MiB.
[[nodiscard]] std::vector<std::string> gather_texts(Communicator& communicator,
                                                    const std::string& mine);

/// Collective. Returns every rank's `mine`, in rank order; all ranks pass equally many values.
template <typename Value>
[[nodiscard]] std::vector<std::vector<Value>> gather_values(Communicator& communicator,
                                                            std::span<const Value> mine) {
  const auto ranks = static_cast<std::size_t>(communicator.size());
  std::vector<Value> all(ranks * mine.size());
  communicator.all_gather(std::as_bytes(mine), std::as_writable_bytes(std::span(all))).wait();
  std::vector<std::vector<Value>> rows;
  for (std::size_t rank = 0; rank < ranks; ++rank) {
    const auto row = std::span<const Value>(all).subspan(rank * mine.size(), mine.size());
    rows.emplace_back(row.begin(), row.end());
  }
  return rows;
}
[[nodiscard]] inline std::vector<std::vector<double>> gather_numbers(Communicator& communicator,
                                                                     std::span<const double> mine) {
  return gather_values(communicator, mine);
}

/// The lowest rank whose entry in `texts` (one per rank) differs from rank 0's.
[[nodiscard]] std::optional<std::size_t> first_unlike_rank_0(const std::vector<std::string>& texts);

}  // namespace lockstep::comm
