// Computation queued on a GPU.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string_view>

#include <lockstep/runtime/compute_stream.hpp>
#include <lockstep/runtime/cuda_api.hpp>

namespace lockstep::runtime {

/// Consulted while the host waits for a stream that may itself wait for this object's operations.
class StreamWatch {
 public:
  StreamWatch() = default;
  virtual ~StreamWatch() = default;
  StreamWatch(const StreamWatch&) = delete;
  StreamWatch& operator=(const StreamWatch&) = delete;
  StreamWatch(StreamWatch&&) = delete;
  StreamWatch& operator=(StreamWatch&&) = delete;

  /// Lets those operations make progress. Throws RuntimeFailure if one has failed.
  virtual void look() = 0;
  /// Called when the host has waited too long in `wait`: throws, saying what may hold the stream
  /// up.
  [[noreturn]] virtual void give_up(std::string_view wait) = 0;
};

/// A stream of one GPU, on which all of a rank's computation runs. Makes the device current in the
/// constructing thread. Failures throw RuntimeFailure.
class CudaStream final : public ComputeStream {
 public:
  /// `timeout` limits each of the host's waits.
  CudaStream(std::shared_ptr<CudaApi> api, int device, std::chrono::duration<double> timeout);
  ~CudaStream() override;
  CudaStream(const CudaStream&) = delete;
  CudaStream& operator=(const CudaStream&) = delete;
  CudaStream(CudaStream&&) = delete;
  CudaStream& operator=(CudaStream&&) = delete;

  [[nodiscard]] bool runs_ahead() const noexcept override { return true; }
  void access(std::initializer_list<MemoryRange> reads,
              std::initializer_list<MemoryRange> writes) override;
  [[nodiscard]] std::unique_ptr<ReadBack> make_read_back(std::size_t elements,
                                                         std::size_t slots) override;

  [[nodiscard]] const std::shared_ptr<CudaApi>& api() const noexcept { return api_; }
  [[nodiscard]] int device() const noexcept { return device_; }
  [[nodiscard]] CudaStreamHandle handle() const noexcept { return handle_; }
  [[nodiscard]] std::chrono::duration<double> timeout() const noexcept { return timeout_; }

  /// From now on, `watch` is consulted during waits; null: nobody is.
  void set_watch(StreamWatch* watch) noexcept { watch_ = watch; }

  /// The work in the stream may never end: from now on its memory is not freed, since that would
  /// wait for the work.
  void abandon() noexcept { abandoned_ = true; }
  [[nodiscard]] bool abandoned() const noexcept { return abandoned_; }

  /// Blocks until `query` no longer returns "not ready"; `wait` names what is waited for.
  void wait_while_not_ready(const std::function<int()>& query, std::string_view wait);

 private:
  std::shared_ptr<CudaApi> api_;
  int device_;
  std::chrono::duration<double> timeout_;
  CudaStreamHandle handle_ = nullptr;
  StreamWatch* watch_ = nullptr;
  bool abandoned_ = false;
};

}  // namespace lockstep::runtime
