#include <sched.h>

#include <algorithm>
#include <exception>
#include <future>
#include <utility>

#include <fmt/format.h>

#include <lockstep/base/error.hpp>
#include <lockstep/base/run_bounded.hpp>
#include <lockstep/comm/agreement.hpp>
#include <lockstep/comm/nccl_communicator.hpp>
#include <lockstep/runtime/wait_clock.hpp>

#include "mpi_communicator.hpp"

namespace lockstep::comm {
namespace {

constexpr std::chrono::duration<double> kLongestAbort = std::chrono::seconds(5);

void check_version(NcclApi& nccl) {
  int loaded = 0;
  const int code = nccl.loaded_version(&loaded);
  if (code != kNcclSuccess) {
    throw RuntimeFailure(
        fmt::format("asking NCCL for its version failed: {}", nccl.error_text(code)));
  }
  if (loaded >= nccl.compiled_version()) return;
  throw RuntimeFailure(fmt::format(
      "NCCL {} is loaded, older than the {} that Lockstep was compiled with: is another NCCL first "
      "in LD_LIBRARY_PATH?",
      nccl_version_text(loaded), nccl_version_text(nccl.compiled_version())));
}

NcclUniqueId make_unique_id(NcclApi& nccl) {
  NcclUniqueId id{};
  const int code = nccl.unique_id(&id);
  if (code == kNcclSuccess) return id;
  throw RuntimeFailure(
      fmt::format("NCCL could not make a unique id: {} ({}): does the network interface that "
                  "NCCL_SOCKET_IFNAME names exist?",
                  nccl.error_text(code), nccl.last_error()));
}

}  // namespace

std::string nccl_version_text(int version) {
  constexpr int kMajor = 10'000;
  constexpr int kMinor = 100;
  return fmt::format("{}.{}.{}", version / kMajor, version % kMajor / kMinor, version % kMinor);
}

NcclCommunicator::NcclCommunicator(std::shared_ptr<NcclApi> nccl, runtime::CudaStream& compute,
                                   runtime::RankLayout layout, Mode mode)
    : nccl_(std::move(nccl)),
      compute_(compute),
      cuda_(compute.api()),
      layout_(std::move(layout)),
      mode_(mode),
      mpi_(std::make_unique<MpiCommunicator>(false)) {
  try {
    connect();
  } catch (...) {
    abort();
    release();
    throw;
  }
  compute_.set_watch(this);
}

NcclCommunicator::~NcclCommunicator() {
  try {
    close();  // in order even now: to the others, an abort would look like a failure
  } catch (const std::exception&) {
    abort();
  }
  compute_.set_watch(nullptr);
  release();
}

void NcclCommunicator::connect() {
  check_device(cuda_->stream_create(&stream_, runtime::StreamPriority::kGreatest),
               "creating the stream of the all-reduces");
  check_device(cuda_->event_create(&ready_), "creating an event for the all-reduces");
  check_device(cuda_->event_create(&done_), "creating an event for the all-reduces");
  // What can fail on one rank alone fails before anybody waits for a connection.
  auto id = run_on_all_ranks(*mpi_, layout_, [&] {
    check_version(*nccl_);
    return layout_.rank == 0 ? make_unique_id(*nccl_) : NcclUniqueId{};
  });
  mpi_->broadcast(std::as_writable_bytes(std::span(id)), 0).wait();
  constexpr const char* kConnecting = "connecting the ranks by NCCL";
  check(nccl_->init(&handle_, layout_.world_size, id, layout_.rank), kConnecting);
  wait_until_ready(kConnecting);
}

std::span<float> NcclCommunicator::allocate_on_gpu(std::size_t elements) {
  void* memory = nullptr;
  const auto bytes = elements * sizeof(float);
  check_device(cuda_->allocate(&memory, bytes),
               fmt::format("allocating {} bytes on the GPU for gradients", bytes));
  buffers_.emplace_back(static_cast<float*>(memory), elements);
  return buffers_.back();
}

std::span<float> NcclCommunicator::allocate(std::size_t elements) {
  if (mode_.fixed_order && from_partner_.size() < elements) {
    from_partner_ = allocate_on_gpu(elements);
  }
  return allocate_on_gpu(elements);
}

bool NcclCommunicator::owns(const float* memory) const {
  return std::any_of(buffers_.begin(), buffers_.end(), [memory](std::span<float> buffer) {
    const std::less<> before;
    return !before(memory, buffer.data()) && before(memory, buffer.data() + buffer.size());
  });
}

Completion NcclCommunicator::all_reduce(std::span<const float> send, std::span<float> receive) {
  if (!owns(send.data())) return mpi_->all_reduce(send, receive);
  const auto begin = std::chrono::steady_clock::now();
  start(send, receive);
  const std::chrono::duration<double> to_start = std::chrono::steady_clock::now() - begin;
  const OperationTime time{begin, to_start.count()};
  return Completion(std::async(std::launch::deferred, [this, operation = started_, time] {
    order_computation_behind(operation);
    return time;
  }));
}

void NcclCommunicator::start(std::span<const float> send, std::span<float> receive) {
  last_bytes_ = send.size_bytes();
  ++started_;
  constexpr const char* kOrdering = "ordering an all-reduce after the computation";
  check_device(cuda_->event_record(ready_, compute_.handle()), kOrdering);
  check_device(cuda_->stream_wait_event(stream_, ready_), kOrdering);
  if (mode_.fixed_order) return sum_by_doubling(send, receive);
  check(nccl_->all_reduce(send.data(), receive.data(), send.size(), handle_, stream_),
        last_started());
  // Until then NCCL may not have put it into the stream, and an event recorded after it would come
  // first.
  wait_until_ready(last_started());
}

void NcclCommunicator::sum_by_doubling(std::span<const float> send, std::span<float> receive) {
  constexpr const char* kAdding = "adding up gradients on the GPU";
  if (send.data() != receive.data()) {
    check_device(cuda_->copy_async(receive.data(), send.data(), send.size_bytes(), stream_),
                 kAdding);
  }
  const auto theirs = from_partner_.first(receive.size());
  for (int distance = layout_.world_size / 2; distance > 0; distance /= 2) {
    exchange(receive, theirs, layout_.rank ^ distance);
    check_device(cuda_->add_async(receive.data(), theirs.data(), receive.size(), stream_), kAdding);
  }
}

void NcclCommunicator::exchange(std::span<const float> mine, std::span<float> theirs, int partner) {
  check(nccl_->group_start(), last_started());
  check(nccl_->send(mine.data(), mine.size(), partner, handle_, stream_), last_started());
  check(nccl_->receive(theirs.data(), theirs.size(), partner, handle_, stream_), last_started());
  check(nccl_->group_end(), last_started());
  wait_until_ready(last_started());  // or the addition would come before it
}

void NcclCommunicator::order_computation_behind(std::uint64_t operation) {
  if (operation <= ordered_) return;
  constexpr const char* kOrdering = "ordering the computation after the all-reduces";
  check_device(cuda_->event_record(done_, stream_), kOrdering);
  check_device(cuda_->stream_wait_event(compute_.handle(), done_), kOrdering);
  ordered_ = started_;
}

Completion NcclCommunicator::all_reduce(std::span<double> buffer) {
  return mpi_->all_reduce(buffer);
}

Completion NcclCommunicator::broadcast(std::span<std::byte> buffer, int root) {
  return mpi_->broadcast(buffer, root);
}

Completion NcclCommunicator::all_gather(std::span<const std::byte> send,
                                        std::span<std::byte> receive) {
  return mpi_->all_gather(send, receive);
}

void NcclCommunicator::barrier() {
  mpi_->barrier();
}

void NcclCommunicator::close() {
  if (handle_ == nullptr) return;
  compute_.wait_while_not_ready([this] { return cuda_->stream_query(stream_); },
                                "waiting for the last all-reduces");
  constexpr const char* kEnding = "ending NCCL's connections";
  check(nccl_->finalize(handle_), kEnding);
  wait_until_ready(kEnding);
  compute_.set_watch(nullptr);
  const auto handle = std::exchange(handle_, nullptr);
  const auto code = run_bounded(compute_.timeout(),
                                [nccl = nccl_, cuda = cuda_, handle, device = compute_.device()] {
                                  const int set = cuda->set_device(device);
                                  return set == runtime::kCudaSuccess ? nccl->destroy(handle) : set;
                                });
  if (!code) {
    fail(fmt::format("{}: ncclCommDestroy did not return within {} s", kEnding,
                     compute_.timeout().count()));
  }
  check(*code, kEnding);
  check_device(cuda_->stream_destroy(std::exchange(stream_, nullptr)), kEnding);
  check_device(cuda_->event_destroy(std::exchange(ready_, nullptr)), kEnding);
  check_device(cuda_->event_destroy(std::exchange(done_, nullptr)), kEnding);
}

void NcclCommunicator::check(int code, std::string_view operation) {
  if (code == kNcclSuccess || code == kNcclInProgress) return;
  const auto hint = nccl_->last_error();
  fail(fmt::format("{}: NCCL failed: {}{}: NCCL_DEBUG=WARN shows more", operation,
                   nccl_->error_text(code),
                   hint.empty() ? "" : fmt::format(" (its last note: {})", hint)));
}

void NcclCommunicator::check_device(int code, std::string_view operation) {
  try {
    runtime::check_cuda(*cuda_, code, operation);
  } catch (...) {
    abort();
    throw;
  }
}

void NcclCommunicator::wait_until_ready(std::string_view operation) {
  runtime::WaitClock clock(compute_.timeout());
  while (true) {
    int state = kNcclSuccess;
    check(nccl_->async_error(handle_, &state), operation);
    if (state == kNcclSuccess) return;
    check(state, operation);
    if (clock.expired()) give_up(operation);
    mpi_->progress();
    ::sched_yield();
  }
}

void NcclCommunicator::look() {
  mpi_->progress();
  int state = kNcclSuccess;
  check(nccl_->async_error(handle_, &state), last_started());
  check(state, last_started());
}

void NcclCommunicator::give_up(std::string_view wait) {
  fail(fmt::format("{}: not done within {} s; last started: {}: a rank may have stopped, be stuck "
                   "or far behind; "
                   "see what the ranks do, or raise the time limit if one is only slow",
                   wait, compute_.timeout().count(), last_started()),
       {"collective_timeout"});
}

std::string NcclCommunicator::last_started() const {
  if (started_ == 0) return "no all-reduce yet";
  return fmt::format("all-reduce {} of {} bytes over {} ranks", started_, last_bytes_,
                     layout_.world_size);
}

void NcclCommunicator::fail(const std::string& message, const Settings& settings) {
  abort();
  throw RuntimeFailure(message, settings);
}

void NcclCommunicator::abort() noexcept {
  if (handle_ == nullptr) return;
  const auto handle = std::exchange(handle_, nullptr);
  try {
    // Whatever the result, this rank is already on its way out.
    const auto code = run_bounded(std::min(kLongestAbort, compute_.timeout()),
                                  [nccl = nccl_, cuda = cuda_, handle, device = compute_.device()] {
                                    cuda->set_device(device);
                                    return nccl->abort(handle);
                                  });
    if (!code) compute_.abandon();
  } catch (const std::exception&) {
    return;  // no thread available
  }
}

void NcclCommunicator::release() noexcept {
  if (stream_ != nullptr) cuda_->stream_destroy(stream_);
  if (ready_ != nullptr) cuda_->event_destroy(ready_);
  if (done_ != nullptr) cuda_->event_destroy(done_);
  if (compute_.abandoned()) return;
  for (const auto buffer : buffers_) cuda_->free(buffer.data());
}

}  // namespace lockstep::comm
