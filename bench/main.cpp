// Micro-benchmarks of what every step or start does. Under mpirun rank 0 reports, and benchmarks
// of collectives measure all ranks:
//   mpirun -np 2 build/release/bin/lockstep_benchmarks --benchmark_filter=reducer
#include <benchmark/benchmark.h>

#include <lockstep/runtime/mpi_session.hpp>
#include <lockstep/runtime/rank_layout.hpp>

namespace {

class Silence final : public benchmark::BenchmarkReporter {
 public:
  bool ReportContext(const Context& /*context*/) override { return true; }
  void ReportRuns(const std::vector<Run>& /*runs*/) override {}
};

}  // namespace

int main(int argc, char** argv) {
  const lockstep::runtime::MpiSession mpi;
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  if (lockstep::runtime::discover_rank_layout().rank == 0) {
    benchmark::RunSpecifiedBenchmarks();
  } else {
    Silence silence;
    benchmark::RunSpecifiedBenchmarks(&silence);
  }
  return 0;
}
