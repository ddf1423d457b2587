// The tables of CUDA and NCCL with somebody in between: for faults, and for leaving out calls.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <lockstep/comm/nccl_api.hpp>
#include <lockstep/runtime/cuda_api.hpp>

namespace lockstep::simulator {

/// Asked before every call. An answer is returned in the call's place (of async_error: becomes the
/// communicator's state); without one the call goes on. `site` is null where calls have none.
using Intercept =
    std::function<std::optional<int>(std::string_view function, const runtime::CallSite* site)>;

class InterceptedCuda final : public runtime::CudaApi {
 public:
  InterceptedCuda(std::shared_ptr<runtime::CudaApi> inner, Intercept intercept)
      : inner_(std::move(inner)), intercept_(std::move(intercept)) {}

  int set_device(int index) override {
    return either("set_device", nullptr, [&] { return inner_->set_device(index); });
  }
  [[nodiscard]] std::string error_text(int code) const override { return inner_->error_text(code); }
  int stream_create(runtime::CudaStreamHandle* stream, runtime::StreamPriority priority) override {
    return either("stream_create", nullptr,
                  [&] { return inner_->stream_create(stream, priority); });
  }
  int stream_destroy(runtime::CudaStreamHandle stream) override {
    return either("stream_destroy", nullptr, [&] { return inner_->stream_destroy(stream); });
  }
  int stream_query(runtime::CudaStreamHandle stream, runtime::CallSite site) override {
    return either("stream_query", &site, [&] { return inner_->stream_query(stream, site); });
  }
  int stream_wait_event(runtime::CudaStreamHandle stream, runtime::CudaEventHandle event,
                        runtime::CallSite site) override {
    return either("stream_wait_event", &site,
                  [&] { return inner_->stream_wait_event(stream, event, site); });
  }
  int event_create(runtime::CudaEventHandle* event) override {
    return either("event_create", nullptr, [&] { return inner_->event_create(event); });
  }
  int event_destroy(runtime::CudaEventHandle event) override {
    return either("event_destroy", nullptr, [&] { return inner_->event_destroy(event); });
  }
  int event_record(runtime::CudaEventHandle event, runtime::CudaStreamHandle stream,
                   runtime::CallSite site) override {
    return either("event_record", &site, [&] { return inner_->event_record(event, stream, site); });
  }
  int event_query(runtime::CudaEventHandle event, runtime::CallSite site) override {
    return either("event_query", &site, [&] { return inner_->event_query(event, site); });
  }
  int allocate(void** memory, std::size_t bytes) override {
    return either("allocate", nullptr, [&] { return inner_->allocate(memory, bytes); });
  }
  int free(void* memory) override {
    return either("free", nullptr, [&] { return inner_->free(memory); });
  }
  int allocate_pinned(void** memory, std::size_t bytes) override {
    return either("allocate_pinned", nullptr,
                  [&] { return inner_->allocate_pinned(memory, bytes); });
  }
  int free_pinned(void* memory) override {
    return either("free_pinned", nullptr, [&] { return inner_->free_pinned(memory); });
  }
  int copy_async(void* destination, const void* source, std::size_t bytes,
                 runtime::CudaStreamHandle stream) override {
    return either("copy_async", nullptr,
                  [&] { return inner_->copy_async(destination, source, bytes, stream); });
  }
  int add_async(float* sum, const float* values, std::size_t count,
                runtime::CudaStreamHandle stream) override {
    return either("add_async", nullptr,
                  [&] { return inner_->add_async(sum, values, count, stream); });
  }
  void access(runtime::CudaStreamHandle stream, std::initializer_list<runtime::MemoryRange> reads,
              std::initializer_list<runtime::MemoryRange> writes) override {
    inner_->access(stream, reads, writes);
  }

 private:
  int either(std::string_view function, const runtime::CallSite* site,
             const std::function<int()>& call) {
    const auto answer = intercept_(function, site);
    return answer ? *answer : call();
  }

  std::shared_ptr<runtime::CudaApi> inner_;
  Intercept intercept_;
};

class InterceptedNccl final : public comm::NcclApi {
 public:
  InterceptedNccl(std::shared_ptr<comm::NcclApi> inner, Intercept intercept)
      : inner_(std::move(inner)), intercept_(std::move(intercept)) {}

  [[nodiscard]] int compiled_version() const noexcept override {
    return inner_->compiled_version();
  }
  int loaded_version(int* version) override {
    return either("loaded_version", nullptr, [&] { return inner_->loaded_version(version); });
  }
  [[nodiscard]] std::string error_text(int code) const override { return inner_->error_text(code); }
  [[nodiscard]] std::string last_error() const override { return inner_->last_error(); }
  int unique_id(comm::NcclUniqueId* id) override {
    return either("unique_id", nullptr, [&] { return inner_->unique_id(id); });
  }
  int init(comm::NcclHandle* communicator, int ranks, const comm::NcclUniqueId& id,
           int rank) override {
    return either("init", nullptr, [&] { return inner_->init(communicator, ranks, id, rank); });
  }
  int async_error(comm::NcclHandle communicator, int* state, runtime::CallSite site) override {
    const auto answer = intercept_("async_error", &site);
    if (!answer) return inner_->async_error(communicator, state, site);
    *state = *answer;
    return comm::kNcclSuccess;
  }
  int finalize(comm::NcclHandle communicator) override {
    return either("finalize", nullptr, [&] { return inner_->finalize(communicator); });
  }
  int destroy(comm::NcclHandle communicator) override {
    return either("destroy", nullptr, [&] { return inner_->destroy(communicator); });
  }
  int abort(comm::NcclHandle communicator) override {
    return either("abort", nullptr, [&] { return inner_->abort(communicator); });
  }
  int all_reduce(const float* send, float* receive, std::size_t count,
                 comm::NcclHandle communicator, runtime::CudaStreamHandle stream) override {
    return either("all_reduce", nullptr,
                  [&] { return inner_->all_reduce(send, receive, count, communicator, stream); });
  }
  int send(const float* values, std::size_t count, int peer, comm::NcclHandle communicator,
           runtime::CudaStreamHandle stream) override {
    return either("send", nullptr,
                  [&] { return inner_->send(values, count, peer, communicator, stream); });
  }
  int receive(float* values, std::size_t count, int peer, comm::NcclHandle communicator,
              runtime::CudaStreamHandle stream) override {
    return either("receive", nullptr,
                  [&] { return inner_->receive(values, count, peer, communicator, stream); });
  }
  int group_start() override {
    return either("group_start", nullptr, [&] { return inner_->group_start(); });
  }
  int group_end() override {
    return either("group_end", nullptr, [&] { return inner_->group_end(); });
  }

 private:
  int either(std::string_view function, const runtime::CallSite* site,
             const std::function<int()>& call) {
    const auto answer = intercept_(function, site);
    return answer ? *answer : call();
  }

  std::shared_ptr<comm::NcclApi> inner_;
  Intercept intercept_;
};

}  // namespace lockstep::simulator
