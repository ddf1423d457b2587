// From options to a trainer that is ready to run: what `train` and `bench step` have in common.
#pragma once

#include <memory>

#include <lockstep/app/job.hpp>
#include <lockstep/runtime/stop_request.hpp>
#include <lockstep/train/batch_sizes.hpp>
#include <lockstep/train/node_dataset.hpp>
#include <lockstep/train/trainer.hpp>

namespace lockstep::app {

/// Everything that a trainer works with, in the order in which it is made.
struct Training {
  Compute compute;
  train::BatchSizes sizes;
  train::NodeDataset dataset;
  model::NeuralNetwork network;
  std::unique_ptr<comm::Communicator> gradients;
  std::unique_ptr<train::Trainer> trainer;
};

/// Collective. Throws AgreedError for options that do not fit each other, the data or the ranks.
/// `stop` must outlive the training.
[[nodiscard]] std::unique_ptr<Training> set_up_training(Job& job,
                                                        const train::TrainOptions& options,
                                                        const runtime::StopRequest& stop);

/// Collective. Ends the gradients' communicator in order; the trainer is gone then.
void end_training(Job& job, Training& training);

}  // namespace lockstep::app
