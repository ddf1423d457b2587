// A CUDA device without a device: streams, events and memory on the host, with a race check.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <vector>

#include <lockstep/runtime/cuda_api.hpp>

#include "race_check.hpp"

namespace lockstep::simulator {

/// Harder on its users than a device: operations run as late as the seed wants, in order within a
/// stream and in none between streams, and only while somebody asks for progress (a query, or an
/// `access`, which first brings its stream to its end: what the host then computes itself stands
/// for a kernel in that stream). A record not made is an event that a wait does not wait for.
///
/// It cannot show: reuse of memory by an allocator, starvation of multiprocessors, the latency of
/// an abort, numerics, speed. Any thread.
class SimulatedCuda final : public runtime::CudaApi {
 public:
  /// `patience`: how long an `access` waits for its stream before it lets the host go on, as a real
  /// one would at once.
  explicit SimulatedCuda(std::uint64_t seed, std::chrono::duration<double> patience = kPatience);
  ~SimulatedCuda() override;
  SimulatedCuda(const SimulatedCuda&) = delete;
  SimulatedCuda& operator=(const SimulatedCuda&) = delete;
  SimulatedCuda(SimulatedCuda&&) = delete;
  SimulatedCuda& operator=(SimulatedCuda&&) = delete;

  int set_device(int index) override;
  [[nodiscard]] std::string error_text(int code) const override;
  int stream_create(runtime::CudaStreamHandle* stream, runtime::StreamPriority priority) override;
  int stream_destroy(runtime::CudaStreamHandle stream) override;
  int stream_query(runtime::CudaStreamHandle stream, runtime::CallSite site) override;
  int stream_wait_event(runtime::CudaStreamHandle stream, runtime::CudaEventHandle event,
                        runtime::CallSite site) override;
  int event_create(runtime::CudaEventHandle* event) override;
  int event_destroy(runtime::CudaEventHandle event) override;
  int event_record(runtime::CudaEventHandle event, runtime::CudaStreamHandle stream,
                   runtime::CallSite site) override;
  int event_query(runtime::CudaEventHandle event, runtime::CallSite site) override;
  int allocate(void** memory, std::size_t bytes) override;
  int free(void* memory) override;
  int allocate_pinned(void** memory, std::size_t bytes) override;
  int free_pinned(void* memory) override;
  int copy_async(void* destination, const void* source, std::size_t bytes,
                 runtime::CudaStreamHandle stream) override;
  int add_async(float* sum, const float* values, std::size_t count,
                runtime::CudaStreamHandle stream) override;
  void access(runtime::CudaStreamHandle stream, std::initializer_list<runtime::MemoryRange> reads,
              std::initializer_list<runtime::MemoryRange> writes) override;

  /// For the simulated NCCL: something that `run` does in the stream's order, once it returns true.
  void enqueue(runtime::CudaStreamHandle stream, runtime::MemoryRange reads,
               runtime::MemoryRange writes, std::function<bool()> run);
  /// Called whenever streams may get on.
  void set_background(std::function<void()> background) { background_ = std::move(background); }
  [[nodiscard]] bool idle(runtime::CudaStreamHandle stream);
  [[nodiscard]] bool chance(double probability);
  std::recursive_mutex& mutex() { return mutex_; }

  /// Every later call fails with `code`, as after a kernel's illegal access.
  void break_context(int code) { sticky_ = code; }
  void report(const std::string& misuse) { misuse_.push_back(misuse); }
  /// Races and misuse, so far.
  [[nodiscard]] std::vector<std::string> findings();
  /// Streams, events and memory that have not been given back.
  [[nodiscard]] std::size_t live_objects();

 private:
  static constexpr std::chrono::duration<double> kPatience = std::chrono::seconds(20);
  struct Stream {
    std::size_t actor = 0;
    std::deque<std::function<bool()>> operations;
  };
  struct Event {
    std::uint64_t recorded = 0;   // the latest record
    std::uint64_t completed = 0;  // the latest that the stream has come past
    RaceCheck::Clock clock;       // of the latest record
  };

  Stream& at(runtime::CudaStreamHandle stream);
  std::shared_ptr<Event> at(runtime::CudaEventHandle event);
  void advance();
  bool drain(Stream& stream);
  int allocate_bytes(void** memory, std::size_t bytes);
  int free_bytes(void* memory);

  std::recursive_mutex mutex_;
  std::mt19937_64 random_;
  std::chrono::duration<double> patience_;
  std::map<runtime::CudaStreamHandle, std::unique_ptr<Stream>> streams_;
  std::map<runtime::CudaEventHandle, std::shared_ptr<Event>> events_;  // streams may keep them
  std::map<void*, std::vector<std::byte>> memory_;
  std::function<void()> background_;
  RaceCheck races_;
  std::vector<std::string> misuse_;
  int sticky_ = runtime::kCudaSuccess;
};

}  // namespace lockstep::simulator
