#include "mpi_communicator.hpp"

#include <fmt/format.h>
#include <mpi.h>

#include <lockstep/runtime/mpi_check.hpp>

#include "owned_comm.hpp"

namespace lockstep::comm {

using runtime::check_mpi;

struct MpiCommunicator::Handle {
  OwnedComm comm;
  Handle() { check_mpi(MPI_Comm_dup(MPI_COMM_WORLD, comm.address()), "MPI_Comm_dup"); }
};

namespace {

void all_reduce_now(const void* send, void* receive, int count, MPI_Datatype type, MPI_Comm comm) {
  check_mpi(
      MPI_Allreduce(send == receive ? MPI_IN_PLACE : send, receive, count, type, MPI_SUM, comm),
      fmt::format("MPI_Allreduce of {} elements", count));
}

}  // namespace

MpiCommunicator::MpiCommunicator(bool progress_thread) : handle_(std::make_unique<Handle>()) {
  check_mpi(MPI_Comm_rank(handle_->comm.get(), &rank_), "MPI_Comm_rank");
  check_mpi(MPI_Comm_size(handle_->comm.get(), &size_), "MPI_Comm_size");
  if (progress_thread) queue_ = std::make_unique<OperationQueue>();
}

MpiCommunicator::~MpiCommunicator() = default;

Completion MpiCommunicator::submit(std::function<void()> operation) {
  return run_or_queue(queue_.get(), std::move(operation));
}

std::span<float> MpiCommunicator::allocate(std::size_t elements) {
  return buffers_.allocate(elements);
}

Completion MpiCommunicator::all_reduce(std::span<const float> send, std::span<float> receive) {
  const int count = mpi_count(send.size());
  return submit([this, from = send.data(), to = receive.data(), count] {
    all_reduce_now(from, to, count, MPI_FLOAT, handle_->comm.get());
  });
}

Completion MpiCommunicator::all_reduce(std::span<double> buffer) {
  const int count = mpi_count(buffer.size());
  return submit([this, data = buffer.data(), count] {
    all_reduce_now(data, data, count, MPI_DOUBLE, handle_->comm.get());
  });
}

Completion MpiCommunicator::broadcast(std::span<std::byte> buffer, int root) {
  const int count = mpi_count(buffer.size());
  return submit([this, data = buffer.data(), count, root] {
    check_mpi(MPI_Bcast(data, count, MPI_BYTE, root, handle_->comm.get()),
              fmt::format("MPI_Bcast of {} bytes from rank {}", count, root));
  });
}

void MpiCommunicator::barrier() {
  submit([this] { check_mpi(MPI_Barrier(handle_->comm.get()), "MPI_Barrier"); }).wait();
}

void MpiCommunicator::progress() {
  int arrived = 0;
  MPI_Iprobe(MPI_ANY_SOURCE, MPI_ANY_TAG, handle_->comm.get(), &arrived, MPI_STATUS_IGNORE);
}

}  // namespace lockstep::comm
