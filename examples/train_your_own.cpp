// A network, data and loss of your own, with all that `lockstep train` has:
// mpirun -np 4 train_your_own --epochs 20 --optimizer adam
#include <lockstep/data/tensor_source.hpp>
#include <lockstep/model/wrap.hpp>
#include <lockstep/session/run.hpp>

namespace {
/// Points of a plane, and whether each lies in a ring; the same on every rank.
lockstep::data::Samples ring(std::int64_t count, std::uint64_t seed) {
  const auto points = torch::randn({count, 2}, at::make_generator<at::CPUGeneratorImpl>(seed));
  const auto radius = points.square().sum(1).sqrt();
  return {points, radius.gt(0.7).logical_and(radius.lt(1.6)).to(torch::kInt64)};
}
}  // namespace

int main(int argc, char** argv) {
  namespace nn = torch::nn;
  return lockstep::run(
      argc, argv,
      {.name = "ring",
       .data = [] { return lockstep::data::make_tensor_source(ring(4000, 1), ring(1000, 2)); },
       .network =
           [](const auto& spec) {
             return lockstep::model::wrap(
                 nn::Sequential(nn::Linear(2, 32), nn::Tanh(), nn::Linear(32, spec.outputs())));
           },
       .loss = [](const auto& outputs, const auto& labels) {  // the sum over the batch
         return torch::cross_entropy_loss(outputs, labels, {}, torch::Reduction::Sum);
       }});
}
