#include "small_training.hpp"

#include <lockstep/data/fashion_mnist.hpp>
#include <lockstep/model/mlp.hpp>

namespace lockstep::tests {
namespace {

constexpr std::int64_t kSamples = 90;
constexpr std::int64_t kTestSamples = 20;
constexpr double kTinyMebibytes = 1e-5;  // every parameter gets a bucket of its own

data::Dataset random_images(std::int64_t samples) {
  return {data::fashion_mnist_spec(), torch::randint(0, 256, {samples, 1, 28, 28}, torch::kUInt8),
          torch::randint(0, data::kClasses, {samples}, torch::kUInt8)};
}

}  // namespace

train::TrainOptions small_run() {
  train::TrainOptions options;
  options.sampling.batch_size = 4;
  options.sampling.tail = data::Tail::kExact;
  options.optimization.epochs = 2;
  options.optimization.accumulate_steps = 2;
  options.optimization.lr = 0.1;
  options.optimization.clip_grad_norm = 1.0;
  options.distribution.bucket_mb = kTinyMebibytes;
  options.distribution.first_bucket_mb = kTinyMebibytes;
  options.output.log_every = 1;
  return options;
}

model::NetworkPtr small_network() {
  return model::make_mlp(data::kImagePixels, std::vector<std::int64_t>{8}, data::kClasses, 5);
}

SmallResult train_small(const train::TrainOptions& options, comm::Communicator& control,
                        comm::Communicator& gradients, runtime::ComputeStream& compute,
                        const torch::Device& device, metrics::EventSink& events) {
  auto network = small_network();
  network->to(device);
  return train_small(network, options, control, gradients, compute, device, events);
}

SmallResult train_small(const model::NetworkPtr& network, const train::TrainOptions& options,
                        comm::Communicator& control, comm::Communicator& gradients,
                        runtime::ComputeStream& compute, const torch::Device& device,
                        metrics::EventSink& events) {
  if (options.optimization.precision == model::Precision::kBf16) network->use_bfloat16();
  const auto images = random_images(kSamples).to(device);
  const auto test = random_images(kTestSamples).to(device);
  const runtime::StopRequest stop;
  const auto layout = runtime::discover_rank_layout();
  train::Trainer trainer(options, train::resolve_batch_sizes(options, control.size()),
                         {.network = network,
                          .loss = model::loss_function(model::Loss::kCrossEntropy),
                          .train = images,
                          .test = test,
                          .control = control,
                          .gradients = gradients,
                          .compute = compute,
                          .layout = layout,
                          .stop = stop});
  const auto result = trainer.run(events);
  std::vector<torch::Tensor> weights;
  for (const auto& parameter : network->parameters()) {
    weights.push_back(parameter.detach().to(torch::kCPU).flatten());
  }
  return {torch::cat(weights), model::parameters_sha256(*network), result.last_test.value()};
}

}  // namespace lockstep::tests
