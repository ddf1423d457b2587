#include <fmt/format.h>

#include <lockstep/base/error.hpp>
#include <lockstep/sync/gradient_reducer.hpp>
#include <lockstep/train/batch_sizes.hpp>

namespace lockstep::train {
namespace {

constexpr std::int64_t kDefaultBatchSize = 64;

BatchSizes checked(const BatchSizes& sizes) {
  // No overflow: micro and accumulate are at most 2^20, ranks far fewer than 2^22.
  if (sizes.global() > sync::kMostSamplesAStep) {
    throw UsageError(fmt::format("{} exceeds the limit of {} images a step", sizes.describe(),
                                 sync::kMostSamplesAStep));
  }
  return sizes;
}

}  // namespace

std::string BatchSizes::describe() const {
  std::string text = fmt::format("{} rank{} × {}", ranks, ranks == 1 ? "" : "s", micro);
  if (accumulate > 1) text += fmt::format(" × {} accumulated", accumulate);
  text += fmt::format(" = global batch {}", global());
  if (ranks > 1 && per_rank() % ranks == 0) {
    text += fmt::format("; `--global-batch-size {}` trains as one rank does", per_rank());
  }
  return text;
}

BatchSizes resolve_batch_sizes(const TrainOptions& options, int world_size) {
  BatchSizes sizes;
  sizes.ranks = world_size;
  sizes.accumulate = options.optimization.accumulate_steps;
  if (!options.sampling.global_batch_size) {
    sizes.micro = options.sampling.batch_size.value_or(kDefaultBatchSize);
    return checked(sizes);
  }
  const std::int64_t global = *options.sampling.global_batch_size;
  const std::int64_t passes = sizes.ranks * sizes.accumulate;
  if (global % passes != 0) {
    const std::int64_t below = global / passes * passes;
    throw UsageError(fmt::format(
        "--global-batch-size {} is not divisible by {} ranks × {} accumulated passes; {}{} would "
        "be",
        global, sizes.ranks, sizes.accumulate,
        below > 0 ? fmt::format("{} or ", below) : std::string(), below + passes));
  }
  sizes.micro = global / passes;
  return checked(sizes);
}

}  // namespace lockstep::train
