#include "commands/bench/options.hpp"

#include <lockstep/options/bindings.hpp>
#include <lockstep/session/train_option_table.hpp>

namespace lockstep::app {
namespace {

using options::byte_size;
using options::integer;
using options::on_off;
using options::OptionGroup;
using options::OptionTable;
using options::path;

constexpr std::int64_t kMaxBytes = std::int64_t{4} << 30U;  // a collective's count must fit an int
constexpr std::int64_t kMaxIterations = 1'000'000;

OptionGroup results_group(ResultFiles& files) {
  return {"Results",
          {{"json", "write the results as JSON", path(files.json, "FILE")},
           {"csv", "write the results as comma-separated values", path(files.csv, "FILE")}}};
}

}  // namespace

OptionTable bench_allreduce_option_table(BenchAllReduceOptions& options) {
  auto& sizes = options.sizes;
  return {{"Sizes",
           {{"min-bytes", "smallest vector (default 1K)",
             byte_size(sizes.min_bytes, sizeof(float), kMaxBytes)},
            {"max-bytes", "largest vector (default 16M)",
             byte_size(sizes.max_bytes, sizeof(float), kMaxBytes)},
            {"factor", "factor from one size to the next (default 4)",
             integer(sizes.factor, 2, 1 << 20)},
            {"iterations", "iterations per size (default 100)",
             integer(sizes.iterations, 1, kMaxIterations)},
            {"warmup", "iterations to warm up, which do not count (default 10)",
             integer(sizes.warmup, 0, kMaxIterations)},
            {"check", "compare every sum with the correct one (default on)", on_off(sizes.check)}}},
          session::communicator_group(options.distribution),
          results_group(options.files)};
}

OptionTable bench_step_option_table(BenchStepOptions& options) {
  OptionTable table = {
      {"Steps",
       {{"steps",
         "that count, and as many before to warm up; fewer if the images do not suffice (default "
         "300)",
         integer(options.steps, 1, kMaxIterations)},
        {"synthetic", "images that are made up; off: those of --data-dir (default on)",
         on_off(options.synthetic)},
        {"data-dir", "folder of the data, with --synthetic off (default: FashionMNIST's)",
         path(options.data_dir, "DIR")},
        options.task.dataset_option(),
        options.task.resize_option(),
        {"independent", "every rank trains alone, all at the same time (default off)",
         on_off(options.independent)}}}};
  for (auto& option : options.task.made_up_options()) {
    table.front().options.push_back(std::move(option));
  }
  for (auto& group : session::step_option_table(options.train, options.task))
    table.push_back(std::move(group));
  table.push_back(results_group(options.files));
  return table;
}

}  // namespace lockstep::app
