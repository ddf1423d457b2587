// Checks that all replicas are still the same.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <lockstep/comm/communicator.hpp>
#include <lockstep/model/network.hpp>
#include <lockstep/runtime/rank_layout.hpp>

namespace lockstep::train {

/// A part of a replica's state, and a fast digest of its bits (XXH3, 64 bits, not cryptographic).
struct PartDigest {
  std::string name;
  std::uint64_t digest = 0;
};

/// `parts`: contiguous float32 tensors on the CPU.
[[nodiscard]] std::vector<PartDigest> digests_of(const std::vector<model::NamedTensor>& parts);

/// Collective. Compares the digests, which have the same names on all ranks, with the other ranks'.
/// If any differ, all ranks throw AgreedError, which names the ranks that differ from the majority
/// and the first part in which the lowest of them does. `when` begins the message: "step 300".
void require_equal_replicas(const std::vector<PartDigest>& mine, const std::string& when,
                            comm::Communicator& communicator, const runtime::RankLayout& layout);

}  // namespace lockstep::train
