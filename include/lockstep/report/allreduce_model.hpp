// The time of an all-reduce by the α–β model: each message takes a latency α, and each byte a time
// β.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace lockstep::report {

/// How n ranks add vectors of m bytes. Each entry gives what a rank sends: the number of messages,
/// and bytes as a multiple of m.
/// Source: Thakur, Rabenseifner, Gropp, "Optimization of Collective Communication Operations in
/// MPICH", 2005; NCCL's documentation for the ring.
enum class AllReduceAlgorithm : std::uint8_t {
  kRing,               ///< 2(n − 1) messages, 2(n − 1)/n · m bytes
  kRecursiveDoubling,  ///< ⌈log2 n⌉ messages, ⌈log2 n⌉ · m bytes
  kRabenseifner,       ///< 2⌈log2 n⌉ messages, 2(n − 1)/n · m bytes
  kSharedMemory        ///< 2 barriers; the node's memory moves (n + 1) · m bytes
};

[[nodiscard]] std::string algorithm_name(AllReduceAlgorithm algorithm);

/// One size of `bench allreduce`.
struct AllReduceTime {
  int ranks = 0;
  std::int64_t bytes = 0;
  double microseconds = 0;
  double busbw_gb_per_s = 0;
};

struct AllReduceModel {
  AllReduceAlgorithm algorithm = AllReduceAlgorithm::kRing;
  double alpha_us = 0;
  double beta_us_per_byte = 0;
  double worst_relative_error = 0;  ///< over the times it was fitted to
  int least_ranks = 0;              ///< in those times
  int most_ranks = 0;
  std::int64_t least_bytes = 0;
  std::int64_t most_bytes = 0;

  [[nodiscard]] bool is_of_one_number_of_ranks() const { return least_ranks == most_ranks; }
  /// 0 for one rank.
  [[nodiscard]] double microseconds(int ranks, std::int64_t bytes) const;
  /// 1 / β.
  [[nodiscard]] double gb_per_s() const;
};

/// Fits α and β to those `times` that are of 2 ranks or more; nothing if there are none. Uses the
/// algorithm `wanted`, if given; otherwise shared memory if `one_node`, else the ring. Between
/// hosts, if times of several numbers of ranks tell the algorithms apart, uses the one with the
/// least relative error.
[[nodiscard]] std::optional<AllReduceModel> fit_allreduce(
    const std::vector<AllReduceTime>& times, bool one_node,
    std::optional<AllReduceAlgorithm> wanted = {});

/// Fits every other algorithm to the same times, if these are all of one number of ranks: they
/// cannot tell apart algorithms that differ in how they grow with ranks. Empty otherwise.
[[nodiscard]] std::vector<AllReduceModel> fit_alternatives(const std::vector<AllReduceTime>& times,
                                                           const AllReduceModel& chosen);

}  // namespace lockstep::report
