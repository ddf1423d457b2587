// A training loop of your own, with Lockstep for the ranks: mpirun -np 4 own_loop
#include <cstdio>

#include <lockstep/comm/factory.hpp>
#include <lockstep/data/distributed_sampler.hpp>
#include <lockstep/runtime/mpi_session.hpp>
#include <lockstep/sync/broadcast_state.hpp>
#include <lockstep/sync/gradient_reducer.hpp>

int main() {
  const lockstep::runtime::MpiSession session;
  const auto layout = lockstep::runtime::discover_rank_layout();
  const auto communicator = lockstep::comm::make_communicator({}, layout);

  torch::manual_seed(0);
  const auto inputs = torch::randn({1000, 8});
  const auto targets = inputs.sin().sum(1, true);
  torch::nn::Sequential model(torch::nn::Linear(8, 32), torch::nn::Tanh(),
                              torch::nn::Linear(32, 1));

  // What DistributedDataParallel does: equal weights, and gradients summed over ranks by backward.
  lockstep::sync::broadcast_state(*model, *communicator);
  lockstep::runtime::HostStream stream;
  lockstep::sync::GradientReducer reducer(model->parameters(), *communicator, stream, {});
  torch::optim::SGD optimizer(model->parameters(), 0.05);

  const lockstep::data::DistributedSampler sampler{.samples = inputs.size(0),
                                                   .replicas = layout.world_size,
                                                   .tail = lockstep::data::Tail::kExact};
  const std::int64_t global_batch = 64;
  for (std::int64_t epoch = 0; epoch < 20; ++epoch) {
    const auto mine = torch::tensor(sampler.indices(layout.rank, epoch));
    double loss = 0;
    for (std::int64_t done = 0; done < sampler.samples; done += global_batch) {
      const auto samples = std::min(global_batch, sampler.samples - done);
      const auto share = sampler.share(layout.rank, done, samples);
      const auto batch = mine.narrow(0, share.first, share.count);
      reducer.begin_step();  // in place of zero_grad
      const auto sum =
          (model->forward(inputs.index({batch})) - targets.index({batch})).square().sum();
      reducer.expect_last_backward({.loss_sum = sum, .samples = batch.size(0)});
      if (batch.size(0) > 0) (sum / static_cast<double>(samples)).backward();
      reducer.finish_step();
      optimizer.step();
      loss += reducer.take_totals().loss_sum;
    }
    if (layout.rank == 0) {
      std::printf("epoch %2d: mean loss %.6f\n", static_cast<int>(epoch + 1),
                  loss / static_cast<double>(sampler.samples));
    }
  }
}
