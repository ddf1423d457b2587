// main() of tests that run under mpirun: every rank runs every test; any rank's failure fails all.
#include <gtest/gtest.h>
#include <mpi.h>

#include <lockstep/runtime/mpi_session.hpp>

namespace {

/// A rank that leaves a test early would leave the others waiting: end them all, and say so.
class EndOnFailure : public ::testing::EmptyTestEventListener {
  void OnTestEnd(const ::testing::TestInfo& info) override {
    int failed = info.result()->Failed() ? 1 : 0;
    MPI_Allreduce(MPI_IN_PLACE, &failed, 1, MPI_INT, MPI_MAX, MPI_COMM_WORLD);
    if (failed != 0) any_failed = true;
  }

 public:
  bool any_failed = false;
};

}  // namespace

int main(int argc, char** argv) {
  const lockstep::runtime::MpiSession session;
  ::testing::InitGoogleTest(&argc, argv);
  auto* listener = new EndOnFailure;  // owned by GoogleTest
  ::testing::UnitTest::GetInstance()->listeners().Append(listener);
  const int status = RUN_ALL_TESTS();
  return status != 0 || listener->any_failed ? 1 : 0;
}
