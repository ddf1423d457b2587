#include "run_end.hpp"

#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <lockstep/comm/agreement.hpp>
#include <lockstep/comm/gather.hpp>

namespace lockstep::session {
namespace {

/// Checks that all replicas have ended up with the same bits.
std::string agreed_digest(Job& job, const model::NetworkPtr& network) {
  const auto digests = comm::gather_texts(*job.control, model::parameters_sha256(*network));
  comm::run_on_all_ranks(*job.control, job.layout, [&] {
    if (const auto rank = comm::first_unlike_rank_0(digests)) {
      throw RuntimeFailure(fmt::format(
          "the weights of rank {} ({}) differ from rank 0's after training: faulty memory, or "
          "ranks of different versions",
          *rank, job.layout.hosts[*rank]));
    }
  });
  return digests[0];
}

/// Ends with exit code 75 on all ranks: the state is saved.
[[noreturn]] void end_preempted(Job& job, const train::TrainResult& result, const Output& output) {
  std::string folder;
  comm::run_on_all_ranks(*job.control, job.layout, [&] {
    if (job.layout.rank != 0) return;
    output.events->on(metrics::RunEnd{
        .status = "preempted", .steps = result.position.steps, .seconds = result.seconds});
    if (output.checkpoints->failure().empty()) {
      folder = output.folder->current_path().string();
      return;
    }
    throw RuntimeFailure(
        fmt::format("stopped by a signal after step {}, and its state could not "
                    "be saved: {}",
                    result.position.steps, output.checkpoints->failure()));
  });
  throw comm::AgreedError(
      ExitCode::kPreempted,
      fmt::format("stopped by a signal in epoch {}, after step {}: the state is saved, and the "
                  "same command with --output-dir {} --resume auto continues",
                  result.position.epoch, result.position.steps, folder),
      job.layout.rank == 0);
}

std::string describe_slowest(const metrics::SlowestRank& slowest, int ranks) {
  constexpr double kWorthAWord = 1.05;
  if (ranks == 1 || slowest.busy_ms <= kWorthAWord * slowest.median_ms) return {};
  return fmt::format(
      "; slowest in the last epoch: rank {} ({}), busy for {:.2f} ms per step against "
      "{:.2f} for the median rank, most of the difference in {}",
      slowest.rank, slowest.host, slowest.busy_ms, slowest.median_ms, slowest.phase);
}

/// What --keep-best and --early-stop came to.
std::vector<std::string> describe_selection(const train::TrainResult& result) {
  const auto& [keep_best, early_stop] =
      std::pair(result.position.keep_best, result.position.early_stop);
  std::vector<std::string> lines;
  if (result.early) {
    lines.push_back(fmt::format(
        "ended early: the last {} evaluation{} did not improve {}, which was best after step {} "
        "({:.6g})",
        early_stop.worse_in_a_row, early_stop.worse_in_a_row == 1 ? "" : "s", early_stop.metric,
        early_stop.steps, early_stop.value));
  }
  if (!keep_best.metric.empty()) {
    lines.push_back(fmt::format("best {}: {:.6g}, after step {}: checkpoints/best.safetensors",
                                keep_best.metric, keep_best.value, keep_best.steps));
  }
  return lines;
}

}  // namespace

void finish_run(Job& job, const train::TrainResult& result, const Training& training,
                const Output& output, const train::DatasetDigests& digests,
                const model::SafetensorsMetadata& metadata) {
  if (result.stopped) end_preempted(job, result, output);
  const auto& network = training.network;
  const auto digest = agreed_digest(job, network);
  comm::run_on_all_ranks(*job.control, job.layout, [&] {
    if (job.layout.rank != 0) return;
    write_final_weights(output, *network, metadata, "model");
    training.trainer->with_averaged_weights(
        [&] { write_final_weights(output, *network, metadata, "model_ema"); });
  });
  const bool classifies =
      std::holds_alternative<data::ClassTarget>(training.dataset.shape.spec().target);
  const auto predictions = classifies ? training.trainer->predict_test() : std::nullopt;
  comm::run_on_all_ranks(*job.control, job.layout, [&] {
    if (job.layout.rank != 0) return;
    const auto folder = output.folder->current_path();
    if (classifies) write_predictions(output, predictions, training.dataset, digests);
    output.events->on(metrics::RunEnd{.status = "completed",
                                      .steps = result.position.steps,
                                      .seconds = result.seconds,
                                      .parameters_sha256 = digest,
                                      .early = result.early});
    for (const auto& line : describe_selection(result)) job.log.info(line);
    const auto percent = result.last_test->accuracy_percent();
    job.log.info(
        fmt::format("test {}average loss {:.4f}, after {} steps in {:.1f} s; results in {}{}",
                    percent ? fmt::format("accuracy {:.1f} %, ", *percent) : std::string(),
                    result.last_test->average_loss, result.position.steps, result.seconds,
                    folder.string(), describe_slowest(result.slowest, job.layout.world_size)));
    if (!output.checkpoints->failure().empty()) {
      throw RuntimeFailure(
          fmt::format("the last checkpoint could not be saved: {} (the weights "
                      "are in model.safetensors)",
                      output.checkpoints->failure()));
    }
  });
}

}  // namespace lockstep::session
