#include "mpi_communicator.hpp"

#include <algorithm>
#include <bit>

#include <fmt/format.h>
#include <mpi.h>

#include <lockstep/runtime/mpi_check.hpp>

#include "owned_comm.hpp"
#include "vector_sum.hpp"

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

MpiCommunicator::MpiCommunicator(bool progress_thread, bool fixed_order)
    : handle_(std::make_unique<Handle>()), fixed_order_(fixed_order) {
  check_mpi(MPI_Comm_rank(handle_->comm.get(), &rank_), "MPI_Comm_rank");
  check_mpi(MPI_Comm_size(handle_->comm.get(), &size_), "MPI_Comm_size");
  if (fixed_order && !std::has_single_bit(static_cast<unsigned>(size_))) {
    throw RuntimeFailure(fmt::format("sums in a fixed order need 2, 4, 8 … ranks, not {}", size_));
  }
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
  if (fixed_order_) return submit([this, send, receive] { sum_by_doubling(send, receive); });
  return submit([this, from = send.data(), to = receive.data(), count] {
    all_reduce_now(from, to, count, MPI_FLOAT, handle_->comm.get());
  });
}

void MpiCommunicator::sum_by_doubling(std::span<const float> send, std::span<float> receive) {
  if (send.data() != receive.data()) std::copy(send.begin(), send.end(), receive.begin());
  if (from_partner_.size() < receive.size()) from_partner_.resize(receive.size());
  const int count = mpi_count(receive.size());
  for (int distance = size_ / 2; distance > 0; distance /= 2) {
    const int partner = rank_ ^ distance;
    check_mpi(
        MPI_Sendrecv(receive.data(), count, MPI_FLOAT, partner, distance, from_partner_.data(),
                     count, MPI_FLOAT, partner, distance, handle_->comm.get(), MPI_STATUS_IGNORE),
        fmt::format("MPI_Sendrecv of {} elements with rank {}", count, partner));
    add_to(receive, from_partner_);
  }
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

Completion MpiCommunicator::all_gather(std::span<const std::byte> send,
                                       std::span<std::byte> receive) {
  const int count = mpi_count(send.size());
  (void)mpi_count(receive.size());  // MPI adds up places in int too
  return submit([this, from = send.data(), to = receive.data(), count] {
    check_mpi(MPI_Allgather(from, count, MPI_BYTE, to, count, MPI_BYTE, handle_->comm.get()),
              fmt::format("MPI_Allgather of {} bytes", count));
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
