// main() of tests that run under mpirun: every rank runs every test; any rank's failure fails all.
#include <cstdio>

#include <gtest/gtest.h>
#include <mpi.h>

#include <lockstep/runtime/mpi_session.hpp>

namespace {

/// A rank that leaves a test early would leave the others waiting in it: end them all.
class EndOnFailure : public ::testing::EmptyTestEventListener {
  void OnTestEnd(const ::testing::TestInfo& info) override {
    if (!info.result()->Failed()) return;
    (void)std::fflush(nullptr);
    MPI_Abort(MPI_COMM_WORLD, 1);
  }
};

}  // namespace

int main(int argc, char** argv) {
  const lockstep::runtime::MpiSession session;
  ::testing::InitGoogleTest(&argc, argv);
  // GoogleTest owns it.
  ::testing::UnitTest::GetInstance()->listeners().Append(new EndOnFailure);
  return RUN_ALL_TESTS();
}
