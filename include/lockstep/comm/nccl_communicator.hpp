// All-reduce between GPUs by NCCL.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <lockstep/comm/communicator.hpp>
#include <lockstep/comm/nccl_api.hpp>
#include <lockstep/runtime/cuda_stream.hpp>
#include <lockstep/runtime/rank_layout.hpp>

namespace lockstep::comm {

class MpiCommunicator;

/// `allocate` gives device memory, and all-reduces on it run on a stream of their own beside the
/// computation. Two ordering rules connect the streams, and the host waits for neither:
///   start of an all-reduce:  computation → communication (what is sent has been written)
///   Completion::wait:        communication → computation (all sums started so far are there)
/// All-reduces of host memory, broadcasts and barriers go through MPI.
///
/// Every wait of the host has the compute stream's time-out. A failure aborts NCCL's side, which
/// releases this rank's stream, and throws RuntimeFailure; only destruction may follow. The bits of
/// the sums are NCCL's: the same on all ranks, and from run to run for the same topology, algorithm
/// and sizes. In fixed order, ranks instead exchange and add by recursive doubling, in the order of
/// comm's other backends.
/// Source: NCCL user guide, "Non-blocking communicators" and "Fault tolerance".
class NcclCommunicator final : public Communicator, private runtime::StreamWatch {
 public:
  struct Mode {
    bool overlaps = true;      ///< send gradients during backward, not all at once after it
    bool fixed_order = false;  ///< see CommunicatorOptions
  };
  /// Collective. `compute` must outlive it. Throws AgreedError for what all ranks can detect before
  /// they connect (a library older than its header, no unique id).
  NcclCommunicator(std::shared_ptr<NcclApi> nccl, runtime::CudaStream& compute,
                   runtime::RankLayout layout, Mode mode);
  /// Closes, or aborts if that fails.
  ~NcclCommunicator() override;
  NcclCommunicator(const NcclCommunicator&) = delete;
  NcclCommunicator& operator=(const NcclCommunicator&) = delete;
  NcclCommunicator(NcclCommunicator&&) = delete;
  NcclCommunicator& operator=(NcclCommunicator&&) = delete;

  [[nodiscard]] int rank() const noexcept override { return layout_.rank; }
  [[nodiscard]] int size() const noexcept override { return layout_.world_size; }
  std::span<float> allocate(std::size_t elements) override;
  Completion all_reduce(std::span<const float> send, std::span<float> receive) override;
  Completion all_reduce(std::span<double> buffer) override;
  Completion broadcast(std::span<std::byte> buffer, int root) override;
  Completion all_gather(std::span<const std::byte> send, std::span<std::byte> receive) override;
  void barrier() override;
  void close() override;
  [[nodiscard]] bool overlaps() const noexcept override { return mode_.overlaps; }

 private:
  void connect();
  std::span<float> allocate_on_gpu(std::size_t elements);
  void start(std::span<const float> send, std::span<float> receive);
  void sum_by_doubling(std::span<const float> send, std::span<float> receive);
  void exchange(std::span<const float> mine, std::span<float> theirs, int partner);
  void order_computation_behind(std::uint64_t operation);
  [[nodiscard]] bool owns(const float* memory) const;

  void check(int code, std::string_view operation);
  void check_device(int code, std::string_view operation);
  void wait_until_ready(std::string_view operation);
  [[noreturn]] void fail(const std::string& message, const Settings& settings = {});
  void abort() noexcept;
  void release() noexcept;
  [[nodiscard]] std::string last_started() const;

  void look() override;
  [[noreturn]] void give_up(std::string_view wait) override;

  std::shared_ptr<NcclApi> nccl_;
  runtime::CudaStream& compute_;
  std::shared_ptr<runtime::CudaApi> cuda_;
  runtime::RankLayout layout_;
  Mode mode_;
  std::unique_ptr<MpiCommunicator> mpi_;
  NcclHandle handle_ = nullptr;
  runtime::CudaStreamHandle stream_ = nullptr;
  runtime::CudaEventHandle ready_ = nullptr;  // what is sent has been written
  runtime::CudaEventHandle done_ = nullptr;   // all all-reduces started so far have run
  std::vector<std::span<float>> buffers_;
  std::span<float> from_partner_;  // in fixed order: as large as the largest of buffers_
  std::uint64_t started_ = 0;      // all-reduces
  std::uint64_t ordered_ = 0;      // those of them that the computation is ordered after
  std::size_t last_bytes_ = 0;
};

}  // namespace lockstep::comm
