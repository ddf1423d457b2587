#include "mpi_communicator.hpp"

#include <chrono>
#include <limits>

#include <fmt/format.h>
#include <mpi.h>

#include <lockstep/base/unwinding.hpp>
#include <lockstep/runtime/mpi_check.hpp>

namespace lockstep::comm {

using runtime::check_mpi;

struct MpiCommunicator::Handle {
  MPI_Comm comm = MPI_COMM_NULL;
  UnwindingProbe probe;
  Handle() { check_mpi(MPI_Comm_dup(MPI_COMM_WORLD, &comm), "MPI_Comm_dup"); }
  ~Handle() {
    if (!probe.unwinding()) MPI_Comm_free(&comm);  // may wait for the other ranks
  }
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  Handle(Handle&&) = delete;
  Handle& operator=(Handle&&) = delete;
};

namespace {

/// MPI counts in int; a longer buffer would be cut silently.
int checked_count(std::size_t elements) {
  if (elements > static_cast<std::size_t>(std::numeric_limits<int>::max())) {
    throw RuntimeFailure(
        fmt::format("a collective of {} elements exceeds MPI's limit of 2^31 − 1", elements));
  }
  return static_cast<int>(elements);
}

double run_timed(const std::function<void()>& operation) {
  const auto start = std::chrono::steady_clock::now();
  operation();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

void all_reduce_now(void* data, int count, MPI_Datatype type, MPI_Comm comm) {
  check_mpi(MPI_Allreduce(MPI_IN_PLACE, data, count, type, MPI_SUM, comm),
            fmt::format("MPI_Allreduce of {} elements", count));
}

}  // namespace

MpiCommunicator::MpiCommunicator(bool progress_thread) : handle_(std::make_unique<Handle>()) {
  check_mpi(MPI_Comm_rank(handle_->comm, &rank_), "MPI_Comm_rank");
  check_mpi(MPI_Comm_size(handle_->comm, &size_), "MPI_Comm_size");
  if (progress_thread) queue_ = std::make_unique<OperationQueue>();
}

MpiCommunicator::~MpiCommunicator() = default;

Completion MpiCommunicator::submit(std::function<void()> operation) {
  if (queue_ == nullptr) return Completion(run_timed(operation));
  return Completion(queue_->push(OperationQueue::Operation(
      [operation = std::move(operation)] { return run_timed(operation); })));
}

Completion MpiCommunicator::all_reduce(std::span<float> buffer) {
  const int count = checked_count(buffer.size());
  return submit([this, data = buffer.data(), count] {
    all_reduce_now(data, count, MPI_FLOAT, handle_->comm);
  });
}

Completion MpiCommunicator::all_reduce(std::span<double> buffer) {
  const int count = checked_count(buffer.size());
  return submit([this, data = buffer.data(), count] {
    all_reduce_now(data, count, MPI_DOUBLE, handle_->comm);
  });
}

Completion MpiCommunicator::broadcast(std::span<std::byte> buffer, int root) {
  const int count = checked_count(buffer.size());
  return submit([this, data = buffer.data(), count, root] {
    check_mpi(MPI_Bcast(data, count, MPI_BYTE, root, handle_->comm),
              fmt::format("MPI_Bcast of {} bytes from rank {}", count, root));
  });
}

void MpiCommunicator::barrier() {
  submit([this] { check_mpi(MPI_Barrier(handle_->comm), "MPI_Barrier"); }).wait();
}

}  // namespace lockstep::comm
