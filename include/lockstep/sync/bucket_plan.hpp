// How gradients are packed into buckets for all-reduce.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace lockstep::sync {

/// A contiguous range of the flat buffer that is all-reduced as one, and the parameters in it.
struct Bucket {
  std::int64_t offset = 0;  ///< first element
  std::int64_t elements = 0;
  std::vector<int> parameters;  ///< registration indices, in the order of the buffer
};

/// Where each parameter lies in one flat buffer, and the buckets into which that is cut.
struct BucketPlan {
  std::vector<std::int64_t> offsets;  ///< first element of each parameter, by registration index
  std::vector<Bucket> buckets;        ///< in the order in which they are sent
  std::int64_t elements = 0;          ///< of the whole buffer, alignment included
};

struct BucketLimits {
  std::int64_t first_bytes = 0;  ///< the first bucket closes once it holds this much
  std::int64_t other_bytes = 0;  ///< each later one closes at this; 0 or less: one bucket for all
};

/// Packs float32 parameters of `sizes` elements (in registration order) in *reverse* registration
/// order, since backward produces gradients from the last layer to the first; each starts on a
/// 64-byte boundary. The first bucket is small so that communication starts early. A pure function:
/// the same on every rank whatever order hooks fire in.
/// Source: S. Li et al., "PyTorch Distributed", VLDB 2020, section 3.2.3.
[[nodiscard]] BucketPlan plan_buckets(std::span<const std::int64_t> sizes,
                                      const BucketLimits& limits);

}  // namespace lockstep::sync
