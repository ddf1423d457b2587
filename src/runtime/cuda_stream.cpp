#include <sched.h>

#include <utility>
#include <vector>

#include <fmt/format.h>

#include <lockstep/base/error.hpp>
#include <lockstep/runtime/cuda_stream.hpp>
#include <lockstep/runtime/wait_clock.hpp>

namespace lockstep::runtime {
namespace {

/// Copies into pinned memory, with one slot and one event for each copy.
class CudaReadBack final : public ReadBack {
 public:
  CudaReadBack(CudaStream& stream, std::size_t elements, std::size_t slots)
      : stream_(stream), elements_(elements), events_(slots, nullptr) {
    auto& api = *stream_.api();
    void* memory = nullptr;
    check_cuda(api, api.allocate_pinned(&memory, elements * slots * sizeof(float)),
               "allocating pinned memory for a step's totals");
    values_ = {static_cast<float*>(memory), elements * slots};
    try {
      for (auto& event : events_) {
        check_cuda(api, api.event_create(&event), "creating an event for a step's totals");
      }
    } catch (...) {
      release();
      throw;
    }
  }
  ~CudaReadBack() override { release(); }
  CudaReadBack(const CudaReadBack&) = delete;
  CudaReadBack& operator=(const CudaReadBack&) = delete;
  CudaReadBack(CudaReadBack&&) = delete;
  CudaReadBack& operator=(CudaReadBack&&) = delete;

  void start(std::span<const float> source) override {
    auto& api = *stream_.api();
    const auto slot = started_++ % events_.size();
    check_cuda(
        api,
        api.copy_async(values(slot).data(), source.data(), source.size_bytes(), stream_.handle()),
        "copying a step's totals to the host");
    check_cuda(api, api.event_record(events_[slot], stream_.handle()),
               "recording the copy of a step's totals");
  }

  std::span<const float> take() override {
    const auto slot = taken_++ % events_.size();
    stream_.wait_while_not_ready([&] { return stream_.api()->event_query(events_[slot]); },
                                 "waiting for a step's totals");
    stream_.api()->access(kHostThread, {std::as_bytes(values(slot))}, {});
    return values(slot);
  }

 private:
  [[nodiscard]] std::span<float> values(std::size_t slot) const {
    return values_.subspan(slot * elements_, elements_);
  }
  // A failure here is not reported: the program is about to end.
  void release() noexcept {
    for (const auto event : events_) {
      if (event != nullptr) stream_.api()->event_destroy(event);
    }
    if (!stream_.abandoned()) stream_.api()->free_pinned(values_.data());
  }

  CudaStream& stream_;
  std::size_t elements_;
  std::vector<CudaEventHandle> events_;  // one per slot
  std::span<float> values_;
  std::size_t started_ = 0;
  std::size_t taken_ = 0;
};

}  // namespace

void check_cuda(const CudaApi& api, int code, std::string_view operation) {
  if (code == kCudaSuccess) return;
  const bool no_memory = code == kCudaOutOfMemory;
  throw RuntimeFailure(
      fmt::format("{} failed: {} (CUDA error {}): {}", operation, api.error_text(code), code,
                  no_memory ? "use smaller batches or a smaller network"
                            : "look at nvidia-smi and the kernel's log for the GPU's state"),
      no_memory ? Settings{"batch_size", "test_batch_size"} : Settings{});
}

CudaStream::CudaStream(std::shared_ptr<CudaApi> api, int device,
                       std::chrono::duration<double> timeout)
    : api_(std::move(api)), device_(device), timeout_(timeout) {
  check_cuda(*api_, api_->set_device(device), fmt::format("choosing CUDA device {}", device));
  check_cuda(*api_, api_->stream_create(&handle_, StreamPriority::kDefault),
             "creating the stream of the computation");
}

CudaStream::~CudaStream() {
  api_->stream_destroy(handle_);
}

void CudaStream::access(std::initializer_list<MemoryRange> reads,
                        std::initializer_list<MemoryRange> writes) {
  api_->access(handle_, reads, writes);
}

std::unique_ptr<ReadBack> CudaStream::make_read_back(std::size_t elements, std::size_t slots) {
  return std::make_unique<CudaReadBack>(*this, elements, slots);
}

void CudaStream::wait_while_not_ready(const std::function<int()>& query, std::string_view wait) {
  WaitClock clock(timeout_);
  while (true) {
    const int code = query();
    if (code == kCudaSuccess) return;
    if (code != kCudaNotReady) check_cuda(*api_, code, wait);
    if (watch_ != nullptr) watch_->look();
    if (clock.expired()) break;
    ::sched_yield();
  }
  if (watch_ != nullptr) watch_->give_up(wait);
  abandon();
  throw RuntimeFailure(
      fmt::format("{}: the GPU did not get there within {} s: look at nvidia-smi and the kernel's "
                  "log, or raise the time limit if it is only slow",
                  wait, timeout_.count()),
      {"collective_timeout"});
}

}  // namespace lockstep::runtime
