#include "status_exchange.hpp"

#include <type_traits>
#include <vector>

#include <mpi.h>

#include <lockstep/runtime/mpi_check.hpp>

namespace lockstep::watch {

using runtime::check_mpi;

static_assert(std::is_trivially_copyable_v<StatusMessage>, "travels as bytes");

namespace {

constexpr int kTag = 0;

// clang-tidy's check of requests sees no further than a function; these live longer: NOLINTs below.

bool done(MPI_Request& request) {
  int flag = 0;
  check_mpi(MPI_Test(&request, &flag, MPI_STATUS_IGNORE), "MPI_Test of the watchdog");
  return flag != 0;
}

}  // namespace

struct StatusExchange::State {
  struct Outgoing {
    MPI_Request request = MPI_REQUEST_NULL;
    StatusMessage message;
  };
  MPI_Comm comm = MPI_COMM_NULL;
  std::vector<Outgoing> outgoing;  // by rank; never resized: MPI reads them
  StatusMessage incoming;
  MPI_Request receive = MPI_REQUEST_NULL;
  MPI_Request barrier = MPI_REQUEST_NULL;
  End end = End::kSomeGoOn;
  bool barrier_begun = false;

  void post_receive() {
    // NOLINTNEXTLINE(clang-analyzer-optin.mpi.MPI-Checker)
    check_mpi(MPI_Irecv(&incoming, sizeof incoming, MPI_BYTE, MPI_ANY_SOURCE, kTag, comm, &receive),
              "MPI_Irecv of the watchdog");
  }
  [[nodiscard]] bool all_sent() {
    for (auto& to : outgoing) {
      if (!done(to.request)) return false;
    }
    return true;
  }
  [[nodiscard]] bool passed_barrier() {
    if (!barrier_begun) {
      check_mpi(MPI_Ibarrier(comm, &barrier), "MPI_Ibarrier of the watchdog");
      barrier_begun = true;
    }
    if (!done(barrier)) return false;
    barrier_begun = false;
    return true;
  }
  void finish() {
    check_mpi(MPI_Cancel(&receive), "MPI_Cancel of the watchdog");
    // NOLINTNEXTLINE(clang-analyzer-optin.mpi.MPI-Checker)
    check_mpi(MPI_Wait(&receive, MPI_STATUS_IGNORE), "MPI_Wait of the watchdog");
    check_mpi(MPI_Comm_free(&comm), "MPI_Comm_free of the watchdog");
  }
};

StatusExchange::StatusExchange(const runtime::RankLayout& layout)
    : state_(std::make_unique<State>()) {
  check_mpi(MPI_Comm_dup(MPI_COMM_WORLD, &state_->comm), "MPI_Comm_dup");
  state_->outgoing.resize(static_cast<std::size_t>(layout.world_size));
  state_->post_receive();
}

StatusExchange::~StatusExchange() {
  if (state_->end != End::kDone) (void)state_.release();  // MPI still has its buffers
}

void StatusExchange::send(int peer, const StatusMessage& message) {
  if (state_->end != End::kSomeGoOn) return;
  auto& to = state_->outgoing[static_cast<std::size_t>(peer)];
  if (!done(to.request)) return;
  to.message = message;
  // Synchronous: done only when the peer has taken it.
  check_mpi(
      MPI_Issend(&to.message, sizeof to.message, MPI_BYTE, peer, kTag, state_->comm, &to.request),
      "MPI_Issend of the watchdog");
}

void StatusExchange::receive(const std::function<void(int, const StatusMessage&)>& take) {
  while (state_->end != End::kDone) {
    int arrived = 0;
    MPI_Status status;
    check_mpi(MPI_Test(&state_->receive, &arrived, &status), "MPI_Test of the watchdog");
    if (arrived == 0) return;
    const auto message = state_->incoming;
    state_->post_receive();
    take(status.MPI_SOURCE, message);
  }
}

StatusExchange::End StatusExchange::end() {
  auto& state = *state_;
  if (state.end == End::kSomeGoOn && state.passed_barrier()) state.end = End::kAllEnd;
  if (state.end == End::kAllEnd && (state.barrier_begun || state.all_sent()) &&
      state.passed_barrier()) {
    state.finish();
    state.end = End::kDone;
  }
  return state.end;
}

}  // namespace lockstep::watch
