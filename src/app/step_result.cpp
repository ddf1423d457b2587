#include <algorithm>
#include <array>
#include <numeric>
#include <set>
#include <span>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <lockstep/app/step_result.hpp>
#include <lockstep/app/train_option_table.hpp>
#include <lockstep/base/version.hpp>
#include <lockstep/runtime/blas_kernels.hpp>

namespace lockstep::app {
namespace {

using nlohmann::ordered_json;

constexpr std::array kParts = {
    std::pair{"data", &metrics::StepTimes::data},
    std::pair{"forward", &metrics::StepTimes::forward},
    std::pair{"backward", &metrics::StepTimes::backward},
    std::pair{"communication", &metrics::StepTimes::communication},
    std::pair{"exposed_communication", &metrics::StepTimes::exposed_communication},
    std::pair{"optimizer", &metrics::StepTimes::optimizer},
    std::pair{"step", &metrics::StepTimes::step}};

constexpr std::array kRankParts = {
    std::pair{"data", &RankStepTimes::data},
    std::pair{"forward", &RankStepTimes::forward},
    std::pair{"backward", &RankStepTimes::backward},
    std::pair{"communication", &RankStepTimes::communication},
    std::pair{"exposed_communication", &RankStepTimes::exposed_communication},
    std::pair{"wait_for_slowest", &RankStepTimes::wait_for_slowest},
    std::pair{"optimizer", &RankStepTimes::optimizer},
    std::pair{"step", &RankStepTimes::step}};

/// Row r is rank r's `mine`; the same length on every rank.
std::vector<std::vector<double>> gather_rows(std::span<const double> mine,
                                             comm::Communicator& control) {
  const auto ranks = static_cast<std::size_t>(control.size());
  std::vector<double> all(ranks * mine.size(), 0.0);
  const auto own = static_cast<std::size_t>(control.rank()) * mine.size();
  std::copy(mine.begin(), mine.end(), all.begin() + static_cast<std::ptrdiff_t>(own));
  control.all_reduce(std::span(all)).wait();
  std::vector<std::vector<double>> rows;
  for (std::size_t rank = 0; rank < ranks; ++rank) {
    const auto begin = all.begin() + static_cast<std::ptrdiff_t>(rank * mine.size());
    rows.emplace_back(begin, begin + static_cast<std::ptrdiff_t>(mine.size()));
  }
  return rows;
}

/// Each rank's mean wait for the slowest, in milliseconds.
std::vector<double> mean_waits(const std::vector<double>& exposed_ms, comm::Communicator& control) {
  constexpr std::size_t kStepsAtOnce = 4096;  // bounds the memory with many ranks
  std::vector<double> waits(static_cast<std::size_t>(control.size()), 0.0);
  for (std::size_t begin = 0; begin < exposed_ms.size(); begin += kStepsAtOnce) {
    const auto count = std::min(kStepsAtOnce, exposed_ms.size() - begin);
    const auto rows = gather_rows(std::span(exposed_ms).subspan(begin, count), control);
    for (std::size_t step = 0; step < count; ++step) {
      double least = rows[0][step];
      for (const auto& row : rows) least = std::min(least, row[step]);
      for (std::size_t rank = 0; rank < rows.size(); ++rank)
        waits[rank] += rows[rank][step] - least;
    }
  }
  for (auto& wait : waits) wait /= static_cast<double>(std::max<std::size_t>(exposed_ms.size(), 1));
  return waits;
}

double mean_over_ranks(const StepResult& result, double RankStepTimes::*part) {
  double sum = 0;
  for (const auto& rank : result.ranks) sum += rank.*part;
  return sum / static_cast<double>(result.ranks.size());
}

/// All that are single numbers.
ordered_json figures(const StepResult& result) {
  ordered_json figures;
  for (const auto& [name, part] : kParts) {
    const auto& values = result.times.*part;
    const std::string key = std::string(name) + "_ms";
    figures[key] = values.mean;
    figures[key + "_p50"] = values.p50;
    figures[key + "_p95"] = values.p95;
    figures[key + "_p99"] = values.p99;
  }
  figures["wait_for_slowest_ms"] = mean_over_ranks(result, &RankStepTimes::wait_for_slowest);
  figures["steps"] = result.steps;
  figures["images_per_second"] = result.images_per_second;
  figures["sgemm_ms"] = result.sgemm_ms;
  figures["sgemm_share_of_step"] = result.sgemm_share_of_step();
  figures["gflop_per_s"] = result.gflop_per_s;
  figures["fma_peak_gflop_per_s"] = result.fma_peak_gflop_per_s;
  return figures;
}

ordered_json optional_text(const std::string& text) {
  return text.empty() ? ordered_json(nullptr) : ordered_json(text);
}

}  // namespace

ordered_json step_configuration(const Job& job, const Training& training,
                                const train::TrainOptions& options, bool independent) {
  auto recorded = options;
  const auto chosen = current_values(step_option_table(recorded));
  const std::set<std::string> nodes(job.layout.hosts.begin(), job.layout.hosts.end());
  std::int64_t gradient_bytes = 0;
  for (const auto& parameter : training.network->parameters()) {
    gradient_bytes += parameter.numel() * static_cast<std::int64_t>(sizeof(float));
  }
  return {{"ranks", job.layout.world_size},
          {"nodes", nodes.size()},
          {"independent", independent},
          {"device", training.compute.device.is_cuda() ? "cuda" : "cpu"},
          {"device_name", device_name(training.compute)},
          {"threads", training.compute.threads},
          {"batch_size", training.sizes.batch_size()},
          {"global_batch_size", training.sizes.global()},
          {"accumulate_steps", training.sizes.accumulate},
          {"gradient_bytes", gradient_bytes},
          {"overlap", training.gradients->overlaps()},
          {"synthetic", options.data.synthetic},
          {"hidden", chosen.at("hidden")},
          {"optimizer", chosen.at("optimizer")},
          {"precision", chosen.at("precision")},
          {"backend", chosen.at("backend")},
          {"node_shared", chosen.at("node_shared")},
          {"virtual_shards", chosen.at("virtual_shards")},
          {"openblas_kernels", optional_text(runtime::openblas_core_in_use())},
          {"version", version()},
          {"git_revision", git_revision()}};
}

std::vector<RankStepTimes> gather_rank_times(const metrics::StepTimes& mine,
                                             const std::vector<double>& exposed_ms,
                                             comm::Communicator& control) {
  std::vector<double> means;
  for (const auto& [name, part] : kParts) means.push_back((mine.*part).mean);
  const auto rows = gather_rows(means, control);
  const auto waits = mean_waits(exposed_ms, control);
  std::vector<RankStepTimes> ranks;
  for (std::size_t rank = 0; rank < rows.size(); ++rank) {
    const auto& row = rows[rank];
    ranks.push_back({.data = row[0],
                     .forward = row[1],
                     .backward = row[2],
                     .communication = row[3],
                     .exposed_communication = row[4],
                     .wait_for_slowest = waits[rank],
                     .optimizer = row[5],
                     .step = row[6]});
  }
  return ranks;
}

ordered_json step_result_json(const StepResult& result, const std::vector<std::string>& hosts) {
  auto all = figures(result);
  all["configuration"] = result.configuration;
  all["ranks"] = ordered_json::array();
  for (std::size_t rank = 0; rank < result.ranks.size(); ++rank) {
    ordered_json times = {{"rank", rank}, {"host", hosts.at(rank)}};
    for (const auto& [name, part] : kRankParts) {
      times[std::string(name) + "_ms"] = result.ranks[rank].*part;
    }
    all["ranks"].push_back(std::move(times));
  }
  all["step_ms_series"] = result.step_ms;
  all["losses"] = result.losses;
  return {{"schema", 1}, {"results", std::move(all)}};
}

std::string step_result_csv(const StepResult& result) {
  std::vector<std::string> names;
  std::vector<std::string> values;
  const auto all = figures(result);
  for (const auto& [name, value] : all.items()) {
    names.push_back(name);
    values.push_back(value.dump());
  }
  return fmt::format("{}\n{}\n", fmt::join(names, ","), fmt::join(values, ","));
}

std::string step_result_text(const StepResult& result, const train::BatchSizes& sizes,
                             int threads) {
  auto text = fmt::format("# {}; {} thread{} a rank; {} steps\n{:<22} {:>9} {:>9} {:>9} {:>9}\n",
                          sizes.describe(), threads, threads == 1 ? "" : "s", result.steps, "ms",
                          "mean", "p50", "p95", "p99");
  for (const auto& [name, part] : kParts) {
    std::string label(name);
    std::replace(label.begin(), label.end(), '_', ' ');
    const auto& values = result.times.*part;
    text += fmt::format("{:<22} {:>9.4f} {:>9.4f} {:>9.4f} {:>9.4f}\n", label, values.mean,
                        values.p50, values.p95, values.p99);
  }
  text += fmt::format("wait for the slowest   {:>9.4f}  (mean over ranks)\n",
                      mean_over_ranks(result, &RankStepTimes::wait_for_slowest));
  return text + fmt::format(
                    "bare matrix products   {:>19.4f}   {:.0f} % of the step\n"
                    "images/s {:.0f}; matrix products {:.0f} GFLOP/s, {:.0f} % of the multiply-add "
                    "peak of {:.0f}\n",
                    result.sgemm_ms, 100 * result.sgemm_share_of_step(), result.images_per_second,
                    result.gflop_per_s, 100 * result.gflop_per_s / result.fma_peak_gflop_per_s,
                    result.fma_peak_gflop_per_s);
}

}  // namespace lockstep::app
