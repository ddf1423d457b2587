#include <unistd.h>

#include <array>
#include <set>

#include <fmt/format.h>
#include <mpi.h>

#include <lockstep/runtime/mpi_check.hpp>
#include <lockstep/runtime/rank_layout.hpp>

namespace lockstep::runtime {
namespace {

constexpr std::size_t kHostNameBytes = 256;

std::array<char, kHostNameBytes> host_name() {
  std::array<char, kHostNameBytes> name{};
  ::gethostname(name.data(), name.size() - 1);
  return name;
}

std::vector<std::string> gather_hosts(const std::array<char, kHostNameBytes>& mine, int size) {
  std::vector<char> all(kHostNameBytes * static_cast<std::size_t>(size));
  check_mpi(MPI_Allgather(mine.data(), kHostNameBytes, MPI_CHAR, all.data(), kHostNameBytes,
                          MPI_CHAR, MPI_COMM_WORLD),
            "MPI_Allgather of host names");
  std::vector<std::string> hosts;
  for (std::size_t offset = 0; offset < all.size(); offset += kHostNameBytes) {
    hosts.emplace_back(&all[offset]);
  }
  return hosts;
}

std::vector<int> gather_numbers(int mine, int size, MPI_Comm comm) {
  std::vector<int> all(static_cast<std::size_t>(size));
  check_mpi(MPI_Allgather(&mine, 1, MPI_INT, all.data(), 1, MPI_INT, comm),
            "MPI_Allgather of ranks and process ids");
  return all;
}

std::string describe_rank(int rank, const std::string& host, int process_id) {
  return fmt::format("rank {} ({}, pid {})", rank, host, process_id);
}

}  // namespace

std::size_t RankLayout::host_count() const {
  return std::set<std::string>(hosts.begin(), hosts.end()).size();
}

std::string RankLayout::describe() const {
  return describe_rank(rank, host, process_id);
}

std::string RankLayout::describe(int any_rank) const {
  const auto index = static_cast<std::size_t>(any_rank);
  return describe_rank(any_rank, hosts.at(index), process_ids.at(index));
}

RankLayout discover_rank_layout() {
  RankLayout layout;
  check_mpi(MPI_Comm_rank(MPI_COMM_WORLD, &layout.rank), "MPI_Comm_rank");
  check_mpi(MPI_Comm_size(MPI_COMM_WORLD, &layout.world_size), "MPI_Comm_size");
  MPI_Comm node = MPI_COMM_NULL;
  check_mpi(MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &node),
            "MPI_Comm_split_type");
  check_mpi(MPI_Comm_rank(node, &layout.local_rank), "MPI_Comm_rank");
  check_mpi(MPI_Comm_size(node, &layout.local_size), "MPI_Comm_size");
  layout.node_ranks = gather_numbers(layout.rank, layout.local_size, node);
  check_mpi(MPI_Comm_free(&node), "MPI_Comm_free");
  const auto name = host_name();
  layout.host = name.data();
  layout.process_id = static_cast<int>(::getpid());
  layout.hosts = gather_hosts(name, layout.world_size);
  layout.process_ids = gather_numbers(layout.process_id, layout.world_size, MPI_COMM_WORLD);
  return layout;
}

}  // namespace lockstep::runtime
