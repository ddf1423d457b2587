#include "commands/doctor/diagnosis.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lockstep::app {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::Not;
using Level = Finding::Level;

/// Ranks of healthy hosts with `ranks_a_host` GPUs each.
std::vector<RankFacts> healthy(int ranks, int ranks_a_host) {
  std::vector<RankFacts> all;
  for (int rank = 0; rank < ranks; ++rank) {
    const int local = rank % ranks_a_host;
    RankFacts facts;
    facts.rank = rank;
    facts.world_size = ranks;
    facts.local_rank = local;
    facts.local_size = ranks_a_host;
    facts.host = "node" + std::to_string(rank / ranks_a_host);
    facts.process_id = 100 + rank;
    facts.cpus = {local};
    facts.versions = "lockstep 0.1.0";
    facts.data = local == 0 ? "digest" : "";
    facts.clock_seconds = 1e9 + 0.01 * rank;
    facts.openblas_kernels = facts.fitting_kernels = "SkylakeX";
    facts.shared_memory_bytes = std::uint64_t{1} << 30U;
    facts.device = "cuda:" + std::to_string(local);
    facts.device_uuid = "GPU-" + std::to_string(rank);
    facts.nvidia_gpus = facts.visible_devices = ranks_a_host;
    facts.built_with_cuda = true;
    facts.nccl_compiled = facts.nccl_loaded = 23'007;
    all.push_back(facts);
  }
  return all;
}

auto finding(Level level, const std::string& what, const std::string& remedy = "") {
  return Contains(AllOf(Field(&Finding::level, level), Field(&Finding::what, HasSubstr(what)),
                        Field(&Finding::remedy, HasSubstr(remedy))));
}

TEST(Diagnosis, FindsNothingWrongWithAHealthyJob) {
  const auto findings = diagnose(healthy(4, 2));
  EXPECT_THAT(findings, Not(Contains(Field(&Finding::level, Not(Level::kOk)))));
  EXPECT_THAT(findings, finding(Level::kOk, "4 ranks: 2 on node0, 2 on node1"));
  EXPECT_THAT(findings, finding(Level::kOk, "NCCL 2.30.7"));
  EXPECT_THAT(findings,
              finding(Level::kOk, "all ranks agree on versions, settings, data and clock"));
}

TEST(Diagnosis, EachTroubleIsFoundWithItsRemedy) {
  struct Case {
    void (*spoil)(std::vector<RankFacts>&);
    Level level;
    const char* what;
    const char* remedy;
  };
  const std::vector<Case> cases = {
      {[](auto& ranks) {
         ranks.resize(1);
         ranks[0].launcher_variables["SLURM_STEP_NUM_TASKS"] = "4";
       },
       Level::kError, "started 4 ranks, and MPI sees each alone", "--mpi=pmix"},
      {[](auto& ranks) { ranks[3].threads = 2; }, Level::kWarning, "rank 3 (node1)", "--threads"},
      {[](auto& ranks) { ranks[2].versions = ranks[3].versions = "lockstep 0.0.1"; }, Level::kError,
       "rank 2 (node1), rank 3 (node1) runs lockstep 0.0.1", "the same build"},
      {[](auto& ranks) { ranks[2].settings["NCCL_ALGO"] = "Tree"; }, Level::kWarning,
       "NCCL_ALGO is 'Tree' at rank 2 (node1) and not set at rank 0", "-x NCCL_ALGO"},
      {[](auto& ranks) { ranks[0].settings["LOCKSTEP_LR"] = "1"; }, Level::kWarning,
       "LOCKSTEP_LR is not set at rank 1 (node0), rank 2 (node1), rank 3 (node1) and '1' at rank 0",
       "rank 0's options"},
      {[](auto& ranks) { ranks[2].data = "other"; }, Level::kError,
       "rank 2 (node1) has other images", "copy one data set"},
      {[](auto& ranks) {
         ranks[2].data.clear();
         ranks[2].data_trouble = "there is no data set";
       },
       Level::kWarning, "node1: there is no data set", "--synthetic"},
      {[](auto& ranks) { ranks[3].clock_seconds -= 7; }, Level::kWarning,
       "the clock of rank 3 (node1) is -7.0 s from rank 0's", "NTP"},
      {[](auto& ranks) { ranks[3].cpus = {0}; }, Level::kWarning, "node1 has 1 core for 2 ranks",
       "start fewer"},
      {[](auto& ranks) { ranks[2].openblas_kernels = "Haswell"; }, Level::kWarning,
       "node1: OpenBLAS runs its Haswell kernels", "OPENBLAS_CORETYPE"},
      {[](auto& ranks) { ranks[0].shared_memory_bytes = 64U << 20U; }, Level::kWarning,
       "node0: 64 MiB free in /dev/shm", "--shm-size"},
      {[](auto& ranks) {
         ranks[0].shared_memory_folder = "/scratch";
         ranks[0].shared_memory_bytes = 64U << 20U;
       },
       Level::kWarning, "node0: 64 MiB free in /scratch", "OMPI_MCA_osc_sm_backing_directory"},
      {[](auto& ranks) {
         for (auto& rank : ranks) rank.built_with_cuda = false;
       },
       Level::kWarning, "node0 has 2 GPUs that this CPU-only build leaves idle", "--cuda"},
      {[](auto& ranks) {
         ranks[2].visible_devices = 0;
         ranks[2].cuda_trouble = "driver is insufficient";
       },
       Level::kError, "node1 has 2 GPUs, of which CUDA sees 0: driver is insufficient",
       "nvidia-smi"},
      {[](auto& ranks) { ranks[1].device_trouble = "node0 has 3 ranks but 2 CUDA devices"; },
       Level::kError, "rank 1: node0 has 3 ranks", "fewer ranks"},
      {[](auto& ranks) { ranks[3].device_uuid = ranks[2].device_uuid; }, Level::kError,
       "share a GPU", "rank 3 (node1, pid 103)"},
      {[](auto& ranks) { ranks[1].peers_reach_all = false; }, Level::kWarning, "rank 1: its GPU",
       "topo"},
      {[](auto& ranks) { ranks[0].nccl_loaded = 22'003; }, Level::kError, "NCCL 2.20.3 is loaded",
       "LD_LIBRARY_PATH"},
      {[](auto& ranks) { ranks[3].nccl_loaded = 23'101; }, Level::kError, "rank 3 (node1) 2.31.1",
       "same NCCL"}};
  for (const auto& each : cases) {
    auto ranks = healthy(4, 2);
    each.spoil(ranks);
    EXPECT_THAT(diagnose(ranks), finding(each.level, each.what, each.remedy));
  }
}

}  // namespace
}  // namespace lockstep::app
