// Who am I, where, and with whom: rank, world size, local rank, hosts. Asks MPI, never the
// launcher's variables (under mpirun inside a Slurm job those are wrong for all ranks but one).
#pragma once

#include <string>
#include <vector>

namespace lockstep::runtime {

struct RankLayout {
  int rank = 0;        ///< 0 … world_size − 1
  int world_size = 1;  ///< ranks in the job
  int local_rank = 0;  ///< position among the ranks of this node, in rank order
  int local_size = 1;  ///< ranks on this node
  std::string host;
  int process_id = 0;
  std::vector<std::string> hosts;     ///< one entry per rank, in rank order
  std::vector<int> process_ids;       ///< likewise
  std::vector<int> node_ranks = {0};  ///< the ranks of this node, by local rank

  /// The number of different hosts in the job.
  [[nodiscard]] std::size_t host_count() const;
  /// "rank 2 (node7, pid 4711)", for messages: this rank, or any.
  [[nodiscard]] std::string describe() const;
  [[nodiscard]] std::string describe(int any_rank) const;
};

/// Asks MPI for the layout of MPI_COMM_WORLD; collective over all ranks. Needs an MpiSession.
/// Source: MPI 3.1, MPI_Comm_split_type with MPI_COMM_TYPE_SHARED.
[[nodiscard]] RankLayout discover_rank_layout();

}  // namespace lockstep::runtime
