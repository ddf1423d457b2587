// A stranger's program that uses the installed headers and libraries.
#include <cstdio>

#include <lockstep/data/distributed_sampler.hpp>

int main() {
  const lockstep::data::DistributedSampler sampler{.samples = 10, .replicas = 3};
  std::printf("%d\n", static_cast<int>(sampler.indices(2, 0).size()));
}
