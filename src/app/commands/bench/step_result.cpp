#include "commands/bench/step_result.hpp"

#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <lockstep/base/version.hpp>
#include <lockstep/comm/gather.hpp>
#include <lockstep/runtime/blas_kernels.hpp>
#include <lockstep/session/train_option_table.hpp>

namespace lockstep::app {
namespace {

using nlohmann::ordered_json;

struct Part {
  const char* name;
  metrics::Distribution metrics::StepTimes::*of_steps;
  double RankStepTimes::*of_rank;  ///< its mean
};

constexpr std::array kParts = {
    Part{"data", &metrics::StepTimes::data, &RankStepTimes::data},
    Part{"forward", &metrics::StepTimes::forward, &RankStepTimes::forward},
    Part{"backward", &metrics::StepTimes::backward, &RankStepTimes::backward},
    Part{"communication", &metrics::StepTimes::communication, &RankStepTimes::communication},
    Part{"exposed_communication", &metrics::StepTimes::exposed_communication,
         &RankStepTimes::exposed_communication},
    Part{"optimizer", &metrics::StepTimes::optimizer, &RankStepTimes::optimizer},
    Part{"step", &metrics::StepTimes::step, &RankStepTimes::step}};

/// Each rank's mean wait for the slowest, in milliseconds.
std::vector<double> mean_waits(const std::vector<double>& exposed_ms, comm::Communicator& control) {
  constexpr std::size_t kStepsAtOnce = 4096;  // bounds the memory use with many ranks
  std::vector<double> waits(static_cast<std::size_t>(control.size()), 0.0);
  for (std::size_t begin = 0; begin < exposed_ms.size(); begin += kStepsAtOnce) {
    const auto count = std::min(kStepsAtOnce, exposed_ms.size() - begin);
    const auto rows = comm::gather_numbers(control, std::span(exposed_ms).subspan(begin, count));
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

double mean_wait(const StepResult& result) {
  double sum = 0;
  for (const auto& rank : result.ranks) sum += rank.wait_for_slowest;
  return sum / static_cast<double>(result.ranks.size());
}

/// All results that are single numbers.
ordered_json figures(const StepResult& result) {
  ordered_json figures;
  for (const auto& part : kParts) {
    const auto& values = result.times.*part.of_steps;
    const std::string key = std::string(part.name) + "_ms";
    figures[key] = values.mean;
    figures[key + "_p50"] = values.p50;
    figures[key + "_p95"] = values.p95;
    figures[key + "_p99"] = values.p99;
  }
  figures["wait_for_slowest_ms"] = mean_wait(result);
  figures["steps"] = result.steps;
  figures["images_per_second"] = result.images_per_second;
  figures["sgemm_ms"] = result.sgemm_ms;
  figures["sgemm_share_of_step"] = result.sgemm_share_of_step();
  figures["gflop_per_s"] = result.gflop_per_s;
  figures["fma_peak_gflop_per_s"] = result.fma_peak_gflop_per_s;
  if (result.gflop_per_s == 0) {
    for (const char* name : {"sgemm_ms", "sgemm_share_of_step", "gflop_per_s"}) {
      figures[name] = nullptr;
    }
  }
  return figures;
}

ordered_json optional_text(const std::string& text) {
  return text.empty() ? ordered_json(nullptr) : ordered_json(text);
}

}  // namespace

ordered_json step_configuration(const session::Job& job, const session::Training& training,
                                BenchStepOptions& options) {
  std::int64_t gradient_bytes = 0;
  for (const auto& parameter : training.network->parameters()) {
    gradient_bytes += parameter.numel() * static_cast<std::int64_t>(sizeof(float));
  }
  ordered_json configuration = {
      {"ranks", job.layout.world_size},
      {"nodes", job.layout.host_count()},
      {"independent", options.independent},
      {"device", training.compute.device.is_cuda() ? "cuda" : "cpu"},
      {"device_name", session::device_name(training.compute)},
      {"threads", training.compute.threads},
      {"batch_size", training.sizes.batch_size()},
      {"global_batch_size", training.sizes.global()},
      {"accumulate_steps", training.sizes.accumulate},
      {"gradient_bytes", gradient_bytes},
      {"overlap", training.gradients->overlaps()},
      {"synthetic", options.synthetic},
      {"openblas_kernels", optional_text(runtime::openblas_core_in_use())},
      {"version", version()},
      {"git_revision", git_revision()}};
  for (const auto& group : session::step_option_table(options.train, options.task)) {
    for (const auto& option : group.options) {
      const auto name = options::record_name(option.name);
      // What an option resolved to takes precedence over what was asked for.
      if (option.effect == Effect::kNothing || configuration.contains(name)) continue;
      configuration[name] = option.binding.get();
    }
  }
  return configuration;
}

std::vector<RankStepTimes> gather_rank_times(const metrics::StepTimes& mine,
                                             const std::vector<double>& exposed_ms,
                                             comm::Communicator& control) {
  std::vector<double> means;
  for (const auto& part : kParts) means.push_back((mine.*part.of_steps).mean);
  const auto rows = comm::gather_numbers(control, means);
  const auto waits = mean_waits(exposed_ms, control);
  std::vector<RankStepTimes> ranks(rows.size());
  for (std::size_t rank = 0; rank < ranks.size(); ++rank) {
    for (std::size_t part = 0; part < kParts.size(); ++part) {
      ranks[rank].*kParts.at(part).of_rank = rows[rank][part];
    }
    ranks[rank].wait_for_slowest = waits[rank];
  }
  return ranks;
}

ordered_json step_result_json(const StepResult& result, const std::vector<std::string>& hosts) {
  auto all = figures(result);
  all["configuration"] = result.configuration;
  all["ranks"] = ordered_json::array();
  for (std::size_t rank = 0; rank < result.ranks.size(); ++rank) {
    ordered_json times = {{"rank", rank}, {"host", hosts.at(rank)}};
    for (const auto& part : kParts) {
      times[std::string(part.name) + "_ms"] = result.ranks[rank].*part.of_rank;
    }
    times["wait_for_slowest_ms"] = result.ranks[rank].wait_for_slowest;
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
  auto text = fmt::format("# {}; {} thread{} per rank; {} steps\n{:<22} {:>9} {:>9} {:>9} {:>9}\n",
                          sizes.describe(), threads, threads == 1 ? "" : "s", result.steps, "ms",
                          "mean", "p50", "p95", "p99");
  for (const auto& part : kParts) {
    std::string label(part.name);
    std::replace(label.begin(), label.end(), '_', ' ');
    const auto& values = result.times.*part.of_steps;
    text += fmt::format("{:<22} {:>9.4f} {:>9.4f} {:>9.4f} {:>9.4f}\n", label, values.mean,
                        values.p50, values.p95, values.p99);
  }
  text += fmt::format("wait for the slowest   {:>9.4f}  (mean over ranks)\n", mean_wait(result));
  if (result.gflop_per_s == 0) {
    return text +
           fmt::format(
               "images/s {:.0f}; no bare matrix products: most of this network's time is not "
               "in linear layers\n",
               result.images_per_second);
  }
  return text + fmt::format(
                    "bare matrix products   {:>19.4f}   {:.0f} % of the step\n"
                    "images/s {:.0f}; matrix products {:.0f} GFLOP/s, {:.0f} % of the multiply-add "
                    "peak of {:.0f}\n",
                    result.sgemm_ms, 100 * result.sgemm_share_of_step(), result.images_per_second,
                    result.gflop_per_s, 100 * result.gflop_per_s / result.fma_peak_gflop_per_s,
                    result.fma_peak_gflop_per_s);
}

}  // namespace lockstep::app
