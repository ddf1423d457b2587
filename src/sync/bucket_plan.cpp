#include <lockstep/sync/bucket_plan.hpp>

namespace lockstep::sync {
namespace {

constexpr std::int64_t kFloatBytes = 4;
constexpr std::int64_t kAlignmentElements = 16;  // 64 bytes: a cache line, an AVX-512 register

std::int64_t aligned(std::int64_t elements) {
  return (elements + kAlignmentElements - 1) / kAlignmentElements * kAlignmentElements;
}

}  // namespace

BucketPlan plan_buckets(std::span<const std::int64_t> sizes, const BucketLimits& limits) {
  BucketPlan plan;
  plan.offsets.resize(sizes.size());
  const bool single = limits.first_bytes <= 0 || limits.other_bytes <= 0;
  Bucket open;
  const auto close = [&] {
    open.elements = plan.elements - open.offset;
    plan.buckets.push_back(open);
    open = Bucket{.offset = plan.elements, .elements = 0, .parameters = {}};
  };
  for (auto index = sizes.size(); index-- > 0;) {
    plan.offsets[index] = plan.elements;
    plan.elements += aligned(sizes[index]);
    open.parameters.push_back(static_cast<int>(index));
    const auto limit = plan.buckets.empty() ? limits.first_bytes : limits.other_bytes;
    if (!single && (plan.elements - open.offset) * kFloatBytes >= limit) close();
  }
  if (!open.parameters.empty()) close();
  return plan;
}

}  // namespace lockstep::sync
