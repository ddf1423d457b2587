#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <lockstep/base/file.hpp>
#include <lockstep/base/json_text.hpp>
#include <lockstep/base/result_file.hpp>
#include <lockstep/comm/agreement.hpp>
#include <lockstep/session/command.hpp>

#include "cli/command_list.hpp"
#include "commands/bench/options.hpp"
#include "commands/commands.hpp"

namespace lockstep::app {
namespace {

using benchmark::AllReduceResult;

constexpr const char* kAllReduceUsage =
    "Usage: mpirun -np N lockstep bench allreduce [options]\n\n"
    "Measures how long an all-reduce of float32 sums takes, out of place, by size.\n"
    "algbw = bytes / time; busbw = algbw x 2(n - 1)/n, which is comparable across numbers of\n"
    "ranks; wrong counts elements.\n\n";

void check_sizes(const benchmark::AllReduceOptions& sizes) {
  if (sizes.min_bytes > sizes.max_bytes) {
    throw UsageError(
        fmt::format("--min-bytes {} exceeds --max-bytes {}", sizes.min_bytes, sizes.max_bytes));
  }
}

void print_head(const session::Job& job, const BenchAllReduceOptions& options,
                const session::Compute& compute) {
  const char* const on_host =
      options.distribution.node_shared ? "shared memory inside a node, MPI between" : "plain MPI";
  const char* const transport = compute.gpu != nullptr ? "NCCL" : on_host;
  const auto hosts = job.layout.host_count();
  write_standard_output(fmt::format(
      "# all-reduce, {} rank{} on {} host{}, {}; float32, sum, out of place; mean of {} "
      "iterations after {}\n{:>12} {:>12} {:>6} {:>12} {:>12} {:>12} {:>12} {:>6}\n",
      job.layout.world_size, job.layout.world_size == 1 ? "" : "s", hosts, hosts == 1 ? "" : "s",
      transport, options.sizes.iterations, options.sizes.warmup, "bytes", "count", "type",
      "time_us", "time_us_p50", "algbw_GB/s", "busbw_GB/s", "wrong"));
}

void print_line(const AllReduceResult& result) {
  write_standard_output(
      fmt::format("{:>12} {:>12} {:>6} {:>12.2f} {:>12.2f} {:>12.3f} {:>12.3f} {:>6}\n",
                  result.bytes, result.count, "float", result.time_us, result.time_us_p50,
                  result.algbw_gb_per_s, result.busbw_gb_per_s, result.wrong));
}

nlohmann::ordered_json as_json(const runtime::RankLayout& layout,
                               const std::vector<AllReduceResult>& results) {
  auto list = nlohmann::ordered_json::array();
  for (const auto& result : results) {
    list.push_back({{"bytes", result.bytes},
                    {"count", result.count},
                    {"type", "float"},
                    {"time_us", result.time_us},
                    {"time_us_p50", result.time_us_p50},
                    {"algbw_gb_per_s", result.algbw_gb_per_s},
                    {"busbw_gb_per_s", result.busbw_gb_per_s},
                    {"wrong", result.wrong}});
  }
  return {{"schema", 1},
          {"ranks", layout.world_size},
          {"nodes", layout.host_count()},
          {"results", list}};
}

std::string as_csv(const std::vector<AllReduceResult>& results) {
  std::string text = "bytes,count,type,time_us,time_us_p50,algbw_gb_per_s,busbw_gb_per_s,wrong\n";
  for (const auto& result : results) {
    text +=
        fmt::format("{},{},float,{},{},{},{},{}\n", result.bytes, result.count, result.time_us,
                    result.time_us_p50, result.algbw_gb_per_s, result.busbw_gb_per_s, result.wrong);
  }
  return text;
}

void write_results(const ResultFiles& files, const runtime::RankLayout& layout,
                   const std::vector<AllReduceResult>& results) {
  if (!files.json.empty()) {
    write_result_file(files.json, json_document(as_json(layout, results)));
  }
  if (!files.csv.empty()) write_result_file(files.csv, as_csv(results));
}

void bench_allreduce(session::Job& job, BenchAllReduceOptions& options) {
  comm::run_on_all_ranks(*job.control, job.layout, [&] {
    check_sizes(options.sizes);
    if (job.layout.rank == 0) {
      require_writable_result("--json", options.files.json);
      require_writable_result("--csv", options.files.csv);
    }
  });
  session::start_watching(job, options.distribution);
  const auto compute = session::prepare_compute(job, options.distribution);
  const auto communicator = session::make_communicator(job, options.distribution, compute, false);
  const bool speaks = job.layout.rank == 0;
  if (speaks) print_head(job, options, compute);
  std::vector<AllReduceResult> results;
  std::int64_t wrong = 0;
  session::end_together(job, [&] {
    benchmark::measure_allreduce(*communicator, *job.control,
                                 {.compute = *compute.stream, .device = compute.device},
                                 options.sizes, [&](const AllReduceResult& result) {
                                   if (speaks) print_line(result);
                                   results.push_back(result);
                                   wrong += result.wrong;
                                 });
    communicator->close();
  });
  if (wrong > 0) {
    comm::fail_together(*job.control, fmt::format("{} sums are wrong: see the table", wrong));
  }
  comm::run_on_all_ranks(*job.control, job.layout, [&] {
    if (speaks) write_results(options.files, job.layout, results);
  });
}

int run_bench_allreduce(const Arguments& arguments) {
  BenchAllReduceOptions options;
  return session::run_command(
      make_command("bench allreduce", kAllReduceUsage, bench_allreduce_option_table(options)),
      arguments, [&](session::Job& job) { bench_allreduce(job, options); });
}

}  // namespace

Command bench_allreduce_command() {
  return {.name = "bench allreduce",
          .operands = "",
          .summary = "time of an all-reduce by size: mpirun -np N lockstep bench allreduce",
          .with_table = table_for(bench_allreduce_option_table),
          .run = run_bench_allreduce};
}

}  // namespace lockstep::app
