// From options to a trainer that is ready to run: what `train` and `bench step` have in common.
#pragma once

#include <cstdint>
#include <memory>

#include <lockstep/runtime/stop_request.hpp>
#include <lockstep/session/job.hpp>
#include <lockstep/task/task.hpp>
#include <lockstep/train/batch_sizes.hpp>
#include <lockstep/train/node_dataset.hpp>
#include <lockstep/train/trainer.hpp>

namespace lockstep::session {

/// Everything that a trainer works with, in the order of construction.
struct Training {
  runtime::RankLayout layout;                   ///< the job's, or of one rank alone
  std::unique_ptr<comm::Communicator> control;  ///< of a rank alone; null: the job's
  Compute compute;
  train::BatchSizes sizes;
  train::NodeDataset dataset;
  model::NetworkPtr network;
  std::unique_ptr<comm::Communicator> gradients;
  std::unique_ptr<train::Trainer> trainer;
};

/// Which ranks train a replica together.
enum class Together : std::uint8_t {
  kAllRanks,
  kEachRankAlone  ///< all do the same at the same time, but never communicate in a step; on CPUs
};

/// Collective. A file of rank 0's that network options name, on every rank. Throws AgreedError.
[[nodiscard]] std::string read_on_all_ranks(Job& job, const std::string& path);

/// Collective. Throws AgreedError for options that do not fit each other, the data or the ranks.
/// `stop` must outlive the training.
[[nodiscard]] std::unique_ptr<Training> set_up_training(Job& job,
                                                        const train::TrainOptions& options,
                                                        task::Task& task,
                                                        const runtime::StopSource& stop,
                                                        Together together = Together::kAllRanks);

/// Collective. Closes the gradients' communicator in an orderly way; the trainer is then gone.
void end_training(Job& job, Training& training);

}  // namespace lockstep::session
