#include <unistd.h>

#include <array>

#include <gtest/gtest.h>
#include <mpi.h>

#include <lockstep/runtime/mpi_session.hpp>
#include <lockstep/runtime/rank_layout.hpp>

namespace lockstep::runtime {
namespace {

TEST(RankLayout, OneHostHoldsAllRanks) {
  int size = 0;
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  const auto layout = discover_rank_layout();
  EXPECT_EQ(layout.world_size, size);
  EXPECT_EQ(layout.local_size, size);
  EXPECT_EQ(layout.local_rank, layout.rank);
  for (int rank = 0; rank < size; ++rank) {
    EXPECT_EQ(layout.node_ranks.at(static_cast<std::size_t>(rank)), rank);
  }
  EXPECT_EQ(layout.process_ids.size(), static_cast<std::size_t>(size));
  EXPECT_EQ(layout.describe(), layout.describe(layout.rank));
  std::array<char, 256> host{};
  ::gethostname(host.data(), host.size());
  EXPECT_EQ(layout.host, host.data());
  EXPECT_EQ(layout.hosts, std::vector<std::string>(static_cast<std::size_t>(size), layout.host));
  EXPECT_EQ(layout.describe(), "rank " + std::to_string(layout.rank) + " (" + layout.host +
                                   ", pid " + std::to_string(::getpid()) + ")");
}

TEST(MpiLibraryVersion, NamesTheLibrary) {
  EXPECT_NE(mpi_library_version().find("MPI"), std::string::npos);
  EXPECT_EQ(mpi_library_version().find('\n'), std::string::npos);
}

}  // namespace
}  // namespace lockstep::runtime
