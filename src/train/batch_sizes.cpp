#include <bit>

#include <fmt/format.h>

#include <lockstep/base/error.hpp>
#include <lockstep/data/validation_split.hpp>
#include <lockstep/sync/gradient_reducer.hpp>
#include <lockstep/train/batch_sizes.hpp>

namespace lockstep::train {
namespace {

constexpr std::int64_t kDefaultBatchSize = 64;

BatchSizes checked(const BatchSizes& sizes) {
  // No overflow: micro and accumulate are at most 2^20, shards far fewer than 2^22.
  if (sizes.global() > sync::kMaxSamplesAStep) {
    throw UsageError(fmt::format("{} exceeds the limit of {} images per step", sizes.describe(),
                                 sync::kMaxSamplesAStep),
                     {"batch_size", "accumulate_steps"});
  }
  return sizes;
}

/// The world sizes that can share `shards` (a power of two): "1, 2, 4 or 8".
std::string world_sizes_for(std::int64_t shards) {
  std::string text;
  for (std::int64_t ranks = 1; ranks <= shards; ranks *= 2) {
    if (ranks > 1) text += ranks == shards ? " or " : ", ";
    text += std::to_string(ranks);
  }
  return text;
}

std::int64_t shards_per_rank(std::int64_t virtual_shards, int world_size) {
  if (virtual_shards == 0) return 1;
  if (!std::has_single_bit(static_cast<std::uint64_t>(virtual_shards))) {
    throw UsageError(
        fmt::format("{} virtual shards: must be a power of two; the nearest are {} and {}",
                    virtual_shards, std::bit_floor(static_cast<std::uint64_t>(virtual_shards)),
                    std::bit_ceil(static_cast<std::uint64_t>(virtual_shards))),
        {"virtual_shards"});
  }
  if (virtual_shards % world_size != 0) {
    throw UsageError(
        fmt::format("{} virtual shards: {} ranks cannot share them evenly: start {}, or use {} "
                    "virtual shards",
                    virtual_shards, world_size, world_sizes_for(virtual_shards),
                    std::bit_ceil(static_cast<std::uint64_t>(world_size)) ==
                            static_cast<std::uint64_t>(world_size)
                        ? std::to_string(world_size)
                        : std::string("0")),
        {"virtual_shards"});
  }
  return virtual_shards / world_size;
}

std::string shard_count(const BatchSizes& sizes) {
  if (sizes.shards_per_rank == 1) return fmt::format("{} ranks", sizes.ranks);
  return fmt::format("{} virtual shards", sizes.shards());
}

std::int64_t micro_of_global(std::int64_t global, const BatchSizes& sizes) {
  const std::int64_t passes = sizes.shards() * sizes.accumulate;
  if (global % passes == 0) return global / passes;
  const std::int64_t below = global / passes * passes;
  throw UsageError(
      fmt::format("a global batch of {} is not divisible by {} × {} accumulated passes; {}{} "
                  "would be",
                  global, shard_count(sizes), sizes.accumulate,
                  below > 0 ? fmt::format("{} or ", below) : std::string(), below + passes),
      {"global_batch_size"});
}

std::int64_t micro_of_rank(std::int64_t batch_size, const BatchSizes& sizes) {
  if (batch_size % sizes.shards_per_rank == 0) return batch_size / sizes.shards_per_rank;
  throw UsageError(
      fmt::format("a batch of {} is not divisible by the {} virtual shards of a rank; {} would be",
                  batch_size, sizes.shards_per_rank,
                  (batch_size / sizes.shards_per_rank + 1) * sizes.shards_per_rank),
      {"batch_size"});
}

}  // namespace

std::string BatchSizes::describe() const {
  std::string text = fmt::format("{} rank{} × ", ranks, ranks == 1 ? "" : "s");
  if (shards_per_rank > 1) text += fmt::format("{} virtual shards × ", shards_per_rank);
  text += std::to_string(micro);
  if (accumulate > 1) text += fmt::format(" × {} accumulated", accumulate);
  text += fmt::format(" = global batch {}", global());
  return text;
}

std::optional<std::int64_t> BatchSizes::global_of_one_rank() const {
  const std::int64_t of_one_rank = global() / ranks;
  const bool can_be_shared = of_one_rank % (shards() * accumulate) == 0;
  return by_rank && ranks > 1 && can_be_shared ? std::optional(of_one_rank) : std::nullopt;
}

BatchSizes resolve_batch_sizes(const TrainOptions& options, int world_size) {
  BatchSizes sizes;
  sizes.ranks = world_size;
  sizes.accumulate = options.optimization.accumulate_steps;
  sizes.shards_per_rank = shards_per_rank(options.distribution.virtual_shards, world_size);
  const auto& sampling = options.sampling;
  sizes.by_rank = !sampling.global_batch_size;
  sizes.micro = sampling.global_batch_size
                    ? micro_of_global(*sampling.global_batch_size, sizes)
                    : micro_of_rank(sampling.batch_size.value_or(kDefaultBatchSize), sizes);
  return checked(sizes);
}

void check_enough_samples(const TrainOptions& options, const BatchSizes& sizes,
                          std::int64_t samples) {
  const double fraction = options.data.validation_fraction;
  const std::int64_t held_back = data::validation_samples(samples, fraction);
  const std::int64_t left = samples - held_back;
  if (fraction > 0 && held_back == 0) {
    throw UsageError(fmt::format("a validation fraction of {}: that is less than one of {} "
                                 "training images: give at least 1/{}, or leave it out",
                                 fraction, samples, samples),
                     {"validation_fraction"});
  }
  if (left < sizes.ranks) {
    throw UsageError(
        fmt::format("{} ranks but only {} training samples: start fewer ranks", sizes.ranks, left));
  }
  if (options.sampling.tail == data::Tail::kDrop && left < sizes.shards()) {
    throw UsageError(
        fmt::format("dropping the tail leaves nothing to train: {} share only {} training samples: "
                    "pad it or train it exactly, use {} virtual shards or fewer, or more samples",
                    shard_count(sizes), left, std::bit_floor(static_cast<std::uint64_t>(left))),
        {"tail", "virtual_shards"});
  }
}

}  // namespace lockstep::train
