// What `lockstep doctor` knows of a job, and its verdict.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <lockstep/session/launch_environment.hpp>

namespace lockstep::app {

/// What one rank sees of itself and its machine.
struct RankFacts {
  int rank = 0;
  int world_size = 1;
  int local_rank = 0;
  int local_size = 1;
  std::string host{};
  int process_id = 0;
  session::LauncherVariables launcher_variables{};
  std::map<std::string, std::string> settings{};  ///< variables of Lockstep, NCCL, OpenBLAS, …
  std::string versions{};                         ///< of Lockstep and its libraries, in one line
  double clock_seconds = 0;                       ///< since 1970, at the same moment on all ranks
  std::string data{};  ///< digest of the data set; empty: this rank did not look at it
  std::string data_description{};
  bool data_as_published = true;  ///< false: not the published data whose files are named so
  std::string data_trouble{};     ///< why there is none on this host

  int cores = 1;                   ///< this rank's share of the node's
  int threads = 1;                 ///< that it would use
  std::string threads_by{};        ///< what determined their number
  int usable_threads = 1;          ///< how many of them OpenMP gives
  int idle_cores = 0;              ///< unusable because of OMP_PROC_BIND
  std::vector<int> cpus{};         ///< that it may run on
  std::string openblas_kernels{};  ///< in use; empty: LibTorch computes with another library
  std::string fitting_kernels{};   ///< that the processor should use; empty: OpenBLAS knows
  std::string shared_memory_folder = "/dev/shm";  ///< where MPI keeps the memory of a node's ranks
  std::uint64_t shared_memory_bytes = 0;          ///< free there

  std::string device = "cpu";    ///< or "cuda:2"
  std::string device_uuid{};     ///< of a GPU
  std::string device_trouble{};  ///< why this rank could get no device
  int nvidia_gpus = 0;           ///< according to the operating system
  int visible_devices = 0;       ///< according to CUDA
  bool built_with_cuda = false;
  std::string cuda_trouble{};    ///< why CUDA sees no device
  bool peers_reach_all = true;   ///< its GPU can access the memory of all others that it sees
  bool ranks_may_share = false;  ///< a GPU, as NCCL was told
  int cuda_runtime = 0;
  int cuda_driver = 0;
  int nccl_compiled = 0;
  int nccl_loaded = 0;
};

struct Finding {
  enum class Level : unsigned char { kOk, kWarning, kError };
  Level level = Level::kOk;
  std::string what;
  std::string remedy{};  ///< empty if there is nothing to do
};

/// "ok", "warning" or "error".
[[nodiscard]] std::string level_name(Finding::Level level);

/// Everything that can be said about the ranks' facts (one entry per rank, in rank order), except
/// for the data set. A pure function.
[[nodiscard]] std::vector<Finding> diagnose(const std::vector<RankFacts>& ranks);

}  // namespace lockstep::app
