#include <utility>

#include <lockstep/options/bindings.hpp>
#include <lockstep/session/shared_options.hpp>

namespace lockstep::session {

using options::choice;
using options::fraction;
using options::integer;
using options::on_off;
using options::Option;
using options::OptionGroup;
using options::positive_number;
using options::Scope;

using comm::Backend;
using model::Loss;
using runtime::DeviceRequest;

namespace {

constexpr std::int64_t kMaxThreads = 4096;

}  // namespace

Option test_samples_option(train::DataOptions& data) {
  return {"test-samples", "use only the first N test images (default 0: all)",
          integer(data.test_samples, 0), Effect::kNothing};
}
Option loss_option(train::ModelOptions& model) {
  return {"loss", "loss function (default cross-entropy)",
          choice<Loss>(model.loss, {{"cross-entropy", Loss::kCrossEntropy},
                                    {"nll", Loss::kNll},
                                    {"mse", Loss::kMse},
                                    {"l1", Loss::kL1}})};
}
Option label_smoothing_option(train::ModelOptions& model) {
  return {"label-smoothing",
          "share of each target that cross-entropy spreads over all classes (default 0)",
          fraction(model.label_smoothing)};
}
Option device_option(train::DistributionOptions& distribution) {
  return {"device", "where to compute (default auto: CUDA if available, else CPU)",
          choice<DeviceRequest>(distribution.device, {{"auto", DeviceRequest::kAuto},
                                                      {"cuda", DeviceRequest::kCuda},
                                                      {"cpu", DeviceRequest::kCpu}}),
          Effect::kRounding, Scope::kMachine};
}
Option threads_option(train::DistributionOptions& distribution) {
  return {"threads", "compute threads per rank (default 0: one per core that the rank may use)",
          integer(distribution.threads, 0, kMaxThreads), Effect::kRounding, Scope::kMachine};
}
Option test_batch_size_option(train::OutputOptions& output) {
  return {"test-batch-size", "images per batch of the test loop (default 64)",
          integer(output.test_batch_size, 1, kMaxSamplesAPass), Effect::kNothing};
}

Option backend_option(train::DistributionOptions& distribution) {
  return {
      "backend", "library for all-reduce (default auto)",
      choice<Backend>(distribution.backend,
                      {{"auto", Backend::kAuto}, {"nccl", Backend::kNccl}, {"mpi", Backend::kMpi}}),
      Effect::kOrderOfSums, Scope::kMachine};
}
Option node_shared_option(train::DistributionOptions& distribution) {
  return {"node-shared", "all-reduce through shared memory within a node (default on)",
          on_off(distribution.node_shared), Effect::kOrderOfSums};
}
Option collective_timeout_option(train::DistributionOptions& distribution) {
  return {"collective-timeout",
          "seconds after which ranks that keep others waiting are named (default 60)",
          positive_number(distribution.collective_timeout_seconds), Effect::kNothing};
}

OptionGroup joined_group(const char* title, std::vector<Option> first, std::vector<Option> more) {
  for (auto& option : more) first.push_back(std::move(option));
  return {title, std::move(first)};
}

}  // namespace lockstep::session
