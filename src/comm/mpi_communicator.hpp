// Collectives on host memory by plain MPI.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include <lockstep/comm/communicator.hpp>

#include "host_buffers.hpp"
#include "operation_queue.hpp"

namespace lockstep::comm {

/// Blocking MPI collectives, run in the caller's thread, or in a progress thread so that they
/// overlap with computation. (Open MPI 4.1's non-blocking collectives do not reliably make progress
/// on their own.) Uses its own duplicate of MPI_COMM_WORLD.
///
/// In fixed order, floats are summed by recursive doubling over a power of two of ranks, in the
/// order of sum_by_tree; otherwise MPI may choose a different order for each size.
/// Source: R. Thakur et al., "Optimization of Collective Communication Operations in MPICH", IJHPCA
/// 19 (2005), section 4.4.
class MpiCommunicator final : public Communicator {
 public:
  /// Throws RuntimeFailure for a fixed order if the number of ranks is not a power of two.
  explicit MpiCommunicator(bool progress_thread, bool fixed_order = false);
  ~MpiCommunicator() override;
  MpiCommunicator(const MpiCommunicator&) = delete;
  MpiCommunicator& operator=(const MpiCommunicator&) = delete;
  MpiCommunicator(MpiCommunicator&&) = delete;
  MpiCommunicator& operator=(MpiCommunicator&&) = delete;

  [[nodiscard]] int rank() const noexcept override { return rank_; }
  [[nodiscard]] int size() const noexcept override { return size_; }
  std::span<float> allocate(std::size_t elements) override;
  Completion all_reduce(std::span<const float> send, std::span<float> receive) override;
  Completion all_reduce(std::span<double> buffer) override;
  Completion broadcast(std::span<std::byte> buffer, int root) override;
  Completion all_gather(std::span<const std::byte> send, std::span<std::byte> receive) override;
  void barrier() override;
  /// Lets Open MPI make progress, which it does only inside its own calls.
  void progress();
  [[nodiscard]] bool overlaps() const noexcept override { return queue_ != nullptr; }

 private:
  struct Handle;  // holds the MPI_Comm, so that <mpi.h> stays out of headers
  Completion submit(std::function<void()> operation);
  void sum_by_doubling(std::span<const float> send, std::span<float> receive);

  std::unique_ptr<Handle> handle_;
  int rank_ = 0;
  int size_ = 1;
  bool fixed_order_ = false;
  std::vector<float> from_partner_;
  HostBuffers buffers_;
  std::unique_ptr<OperationQueue> queue_;
};

}  // namespace lockstep::comm
