#include "simulated_cuda.hpp"

#include <sched.h>

#include <algorithm>
#include <cstring>

#include <fmt/format.h>

namespace lockstep::simulator {

using runtime::CallSite;
using runtime::CudaEventHandle;
using runtime::CudaStreamHandle;
using runtime::kCudaNotReady;
using runtime::kCudaSuccess;
using runtime::MemoryRange;

namespace {

constexpr double kChanceToGetOn = 0.5;
constexpr int kInvalidValue = 1;
constexpr std::size_t kAlignmentBytes = 64;

}  // namespace

SimulatedCuda::SimulatedCuda(std::uint64_t seed, std::chrono::duration<double> patience)
    : random_(seed), patience_(patience) {}

SimulatedCuda::~SimulatedCuda() = default;

bool SimulatedCuda::chance(double probability) {
  const std::lock_guard lock(mutex_);
  return std::bernoulli_distribution(probability)(random_);
}

SimulatedCuda::Stream& SimulatedCuda::at(CudaStreamHandle stream) {
  return *streams_.at(stream);
}

std::shared_ptr<SimulatedCuda::Event> SimulatedCuda::at(CudaEventHandle event) {
  return events_.at(event);
}

int SimulatedCuda::set_device(int /*index*/) {
  const std::lock_guard lock(mutex_);
  return sticky_;
}

std::string SimulatedCuda::error_text(int code) const {
  return fmt::format("simulated error {}", code);
}

int SimulatedCuda::stream_create(CudaStreamHandle* stream, runtime::StreamPriority priority) {
  const std::lock_guard lock(mutex_);
  if (sticky_ != kCudaSuccess) return sticky_;
  auto made = std::make_unique<Stream>();
  made->actor = races_.add_actor(priority == runtime::StreamPriority::kGreatest ? "communication"
                                                                                : "computation");
  *stream = reinterpret_cast<CudaStreamHandle>(made.get());
  streams_[*stream] = std::move(made);
  return kCudaSuccess;
}

int SimulatedCuda::stream_destroy(CudaStreamHandle stream) {
  const std::lock_guard lock(mutex_);
  if (!idle(stream)) report("a stream is destroyed while operations wait in it");
  streams_.erase(stream);
  return sticky_;
}

int SimulatedCuda::stream_query(CudaStreamHandle stream, CallSite /*site*/) {
  const std::lock_guard lock(mutex_);
  if (sticky_ != kCudaSuccess) return sticky_;
  advance();
  if (!at(stream).operations.empty()) return kCudaNotReady;
  races_.join(RaceCheck::kHost, races_.clock(at(stream).actor));
  return kCudaSuccess;
}

int SimulatedCuda::stream_wait_event(CudaStreamHandle stream, CudaEventHandle event,
                                     CallSite /*site*/) {
  const std::lock_guard lock(mutex_);
  if (sticky_ != kCudaSuccess) return sticky_;
  const auto awaited = at(event);
  if (awaited->recorded == 0) return kCudaSuccess;  // as CUDA: silently nothing
  races_.join(at(stream).actor, awaited->clock);
  at(stream).operations.emplace_back(
      [awaited, record = awaited->recorded] { return awaited->completed >= record; });
  return kCudaSuccess;
}

int SimulatedCuda::event_create(CudaEventHandle* event) {
  const std::lock_guard lock(mutex_);
  if (sticky_ != kCudaSuccess) return sticky_;
  auto made = std::make_shared<Event>();
  *event = reinterpret_cast<CudaEventHandle>(made.get());
  events_[*event] = std::move(made);
  return kCudaSuccess;
}

int SimulatedCuda::event_destroy(CudaEventHandle event) {
  const std::lock_guard lock(mutex_);
  events_.erase(event);
  return sticky_;
}

int SimulatedCuda::event_record(CudaEventHandle event, CudaStreamHandle stream, CallSite /*site*/) {
  const std::lock_guard lock(mutex_);
  if (sticky_ != kCudaSuccess) return sticky_;
  const auto recorded = at(event);
  races_.join(at(stream).actor, races_.clock(RaceCheck::kHost));
  recorded->clock = races_.clock(at(stream).actor);
  at(stream).operations.emplace_back([recorded, record = ++recorded->recorded] {
    recorded->completed = std::max(recorded->completed, record);
    return true;
  });
  return kCudaSuccess;
}

int SimulatedCuda::event_query(CudaEventHandle event, CallSite /*site*/) {
  const std::lock_guard lock(mutex_);
  if (sticky_ != kCudaSuccess) return sticky_;
  advance();
  const auto asked = at(event);
  if (asked->completed < asked->recorded) return kCudaNotReady;
  races_.join(RaceCheck::kHost, asked->clock);
  return kCudaSuccess;
}

int SimulatedCuda::allocate_bytes(void** memory, std::size_t bytes) {
  const std::lock_guard lock(mutex_);
  if (sticky_ != kCudaSuccess) return sticky_;
  std::vector<std::byte> block(bytes + kAlignmentBytes);
  const auto address = reinterpret_cast<std::uintptr_t>(block.data());
  *memory = block.data() + (kAlignmentBytes - address % kAlignmentBytes);
  memory_[*memory] = std::move(block);
  return kCudaSuccess;
}

int SimulatedCuda::free_bytes(void* memory) {
  const std::lock_guard lock(mutex_);
  if (memory == nullptr) return sticky_;
  const auto block = memory_.find(memory);
  if (block == memory_.end()) {
    report("memory is given back that was never allocated");
    return kInvalidValue;
  }
  races_.forget(block->second);
  memory_.erase(block);
  return sticky_;
}

int SimulatedCuda::allocate(void** memory, std::size_t bytes) {
  return allocate_bytes(memory, bytes);
}
int SimulatedCuda::free(void* memory) {
  return free_bytes(memory);
}
int SimulatedCuda::allocate_pinned(void** memory, std::size_t bytes) {
  return allocate_bytes(memory, bytes);
}
int SimulatedCuda::free_pinned(void* memory) {
  return free_bytes(memory);
}

int SimulatedCuda::copy_async(void* destination, const void* source, std::size_t bytes,
                              CudaStreamHandle stream) {
  const std::lock_guard lock(mutex_);
  if (sticky_ != kCudaSuccess) return sticky_;
  enqueue(stream, {static_cast<const std::byte*>(source), bytes},
          {static_cast<const std::byte*>(destination), bytes}, [=] {
            std::memcpy(destination, source, bytes);
            return true;
          });
  return kCudaSuccess;
}

int SimulatedCuda::add_async(float* sum, const float* values, std::size_t count,
                             CudaStreamHandle stream) {
  const std::lock_guard lock(mutex_);
  if (sticky_ != kCudaSuccess) return sticky_;
  enqueue(stream, std::as_bytes(std::span(values, count)), std::as_bytes(std::span(sum, count)),
          [=] {
            for (std::size_t i = 0; i < count; ++i) sum[i] += values[i];
            return true;
          });
  return kCudaSuccess;
}

void SimulatedCuda::enqueue(CudaStreamHandle stream, MemoryRange reads, MemoryRange writes,
                            std::function<bool()> run) {
  const std::lock_guard lock(mutex_);
  const auto actor = at(stream).actor;
  races_.join(actor, races_.clock(RaceCheck::kHost));
  races_.access(actor, reads, false);
  races_.access(actor, writes, true);
  at(stream).operations.push_back(std::move(run));
}

void SimulatedCuda::access(CudaStreamHandle stream, std::initializer_list<MemoryRange> reads,
                           std::initializer_list<MemoryRange> writes) {
  {
    const std::lock_guard lock(mutex_);
    std::size_t actor = RaceCheck::kHost;
    if (stream != runtime::kHostThread) {
      actor = at(stream).actor;
      races_.join(actor, races_.clock(RaceCheck::kHost));
    }
    for (const auto& range : reads) races_.access(actor, range, false);
    for (const auto& range : writes) races_.access(actor, range, true);
  }
  if (stream != runtime::kHostThread) drain(at(stream));
}

bool SimulatedCuda::drain(Stream& stream) {
  using Clock = std::chrono::steady_clock;
  const auto end = Clock::now() + patience_;
  while (Clock::now() < end) {
    {
      const std::lock_guard lock(mutex_);
      if (sticky_ != kCudaSuccess || stream.operations.empty()) return true;
      advance();
    }
    ::sched_yield();
  }
  return false;
}

void SimulatedCuda::advance() {
  if (background_) background_();
  for (auto& [handle, stream] : streams_) {
    auto& operations = stream->operations;
    while (!operations.empty() && chance(kChanceToGetOn) && operations.front()()) {
      operations.pop_front();
    }
  }
}

bool SimulatedCuda::idle(CudaStreamHandle stream) {
  const std::lock_guard lock(mutex_);
  return at(stream).operations.empty();
}

std::vector<std::string> SimulatedCuda::findings() {
  const std::lock_guard lock(mutex_);
  auto all = races_.races();
  all.insert(all.end(), misuse_.begin(), misuse_.end());
  return all;
}

std::size_t SimulatedCuda::live_objects() {
  const std::lock_guard lock(mutex_);
  return streams_.size() + events_.size() + memory_.size();
}

}  // namespace lockstep::simulator
