#include "simulated_nccl.hpp"

#include <algorithm>
#include <bit>

#include <fmt/format.h>

namespace lockstep::simulator {

using comm::kNcclInProgress;
using comm::kNcclSuccess;
using comm::NcclHandle;

namespace {

constexpr int kInvalidArgument = 4;
constexpr int kInvalidUsage = 5;
constexpr double kChanceToBeQuick = 0.25;
constexpr double kChanceToBeReady = 0.5;

/// Addend k of the first half takes addend k of the second, again and again.
std::vector<float> sum_of(std::vector<std::vector<float>> addends) {
  for (auto half = std::bit_ceil(addends.size()) / 2; half > 0; half /= 2) {
    for (std::size_t k = 0; k + half < addends.size() && k < half; ++k) {
      for (std::size_t i = 0; i < addends[k].size(); ++i) addends[k][i] += addends[k + half][i];
    }
    addends.resize(std::min(addends.size(), half));
  }
  return addends.front();
}

}  // namespace

struct SimulatedNccl::State {
  int ranks = 1;
  int rank = 0;
  int collectives = 0;
  bool aborted = false;
  bool finalized = false;
  std::function<void()> effect{};  // of the call in progress
  std::vector<runtime::CudaStreamHandle> streams{};
};

struct SimulatedNccl::Collective {
  std::shared_ptr<State> state;
  int number;
  const float* send;
  float* receive;
  std::size_t count;
  std::optional<int> partner{};  // of an exchange; none: a sum over all ranks
  bool sent = false;
};

SimulatedNccl::SimulatedNccl(std::shared_ptr<SimulatedCuda> cuda) : cuda_(std::move(cuda)) {
  MPI_Comm_dup(MPI_COMM_WORLD, &comm_);
  cuda_->set_background([this] {
    for (auto& [handle, state] : communicators_) {
      if (cuda_->chance(kChanceToBeReady)) take_effect(*state);
    }
  });
}

void SimulatedNccl::end() {
  cuda_->set_background({});
  // Nobody leaves while messages are under way: to a rank that failed they would never come.
  MPI_Request all_gone = MPI_REQUEST_NULL;
  int done = 0;
  bool waiting = false;
  while (done == 0) {
    move_messages();
    if (!waiting && outbox_.empty()) {
      MPI_Ibarrier(comm_, &all_gone);
      waiting = true;
    }
    if (waiting) MPI_Test(&all_gone, &done, MPI_STATUS_IGNORE);
  }
  MPI_Comm_free(&comm_);
}

int SimulatedNccl::loaded_version(int* version) {
  *version = kVersion;
  return kNcclSuccess;
}

std::string SimulatedNccl::error_text(int code) const {
  return fmt::format("simulated NCCL error {}", code);
}

int SimulatedNccl::unique_id(comm::NcclUniqueId* id) {
  id->fill('7');
  return kNcclSuccess;
}

SimulatedNccl::State* SimulatedNccl::find(NcclHandle communicator) {
  const auto found = communicators_.find(communicator);
  if (found != communicators_.end()) return found->second.get();
  cuda_->report("a communicator is used that does not exist");
  return nullptr;
}

/// A call on a non-blocking communicator: now, or some polls later.
int SimulatedNccl::begin(State& state, std::function<void()> effect) {
  if (state.effect) {
    cuda_->report("a communicator is used while a call on it is in progress");
    return kInvalidUsage;
  }
  state.effect = std::move(effect);
  if (cuda_->chance(kChanceToBeQuick)) take_effect(state);
  return state.effect ? kNcclInProgress : kNcclSuccess;
}

void SimulatedNccl::take_effect(State& state) {
  if (!state.effect) return;
  const auto effect = std::exchange(state.effect, nullptr);
  effect();
}

int SimulatedNccl::init(NcclHandle* communicator, int ranks, const comm::NcclUniqueId& id,
                        int rank) {
  const std::lock_guard lock(cuda_->mutex());
  if (id.front() != '7') cuda_->report("not rank 0's unique id");
  auto state = std::make_shared<State>(State{.ranks = ranks, .rank = rank});
  *communicator = reinterpret_cast<NcclHandle>(state.get());
  communicators_[*communicator] = state;
  state->effect = [] {};  // never done at once
  return kNcclInProgress;
}

int SimulatedNccl::async_error(NcclHandle communicator, int* result, runtime::CallSite /*site*/) {
  const std::lock_guard lock(cuda_->mutex());
  auto* const state = find(communicator);
  if (state == nullptr) return kInvalidArgument;
  if (cuda_->chance(kChanceToBeReady)) take_effect(*state);
  *result = state->effect ? kNcclInProgress : kNcclSuccess;
  return kNcclSuccess;
}

int SimulatedNccl::finalize(NcclHandle communicator) {
  const std::lock_guard lock(cuda_->mutex());
  auto* const state = find(communicator);
  if (state == nullptr) return kInvalidArgument;
  for (const auto stream : state->streams) {
    if (!cuda_->idle(stream)) {
      cuda_->report("a communicator is finalized before its all-reduces have run");
      return kInvalidUsage;
    }
  }
  if (state->effect) return begin(*state, {});           // refuses
  state->effect = [state] { state->finalized = true; };  // never done at once
  return kNcclInProgress;
}

int SimulatedNccl::destroy(NcclHandle communicator) {
  const std::lock_guard lock(cuda_->mutex());
  auto* const state = find(communicator);
  if (state == nullptr) return kInvalidArgument;
  if (!state->finalized) {
    cuda_->report("a communicator is destroyed before it is finalized");
    return kInvalidUsage;
  }
  communicators_.erase(communicator);
  return kNcclSuccess;
}

int SimulatedNccl::abort(NcclHandle communicator) {
  const std::lock_guard lock(cuda_->mutex());
  auto* const state = find(communicator);
  if (state == nullptr) return kInvalidArgument;
  state->aborted = true;
  state->effect = nullptr;  // what had not begun never does
  communicators_.erase(communicator);
  return kNcclSuccess;
}

int SimulatedNccl::all_reduce(const float* send, float* receive, std::size_t count,
                              NcclHandle communicator, runtime::CudaStreamHandle stream) {
  const std::lock_guard lock(cuda_->mutex());
  if (find(communicator) == nullptr) return kInvalidArgument;
  const auto state = communicators_.at(communicator);
  const std::span from(send, count);
  const std::span to(receive, count);
  return begin(*state, [this, state, from, to, stream] {
    enqueue({state, state->collectives++, from.data(), to.data(), from.size()}, stream);
  });
}

int SimulatedNccl::group_start() {
  const std::lock_guard lock(cuda_->mutex());
  if (group_) cuda_->report("a group in a group");
  group_ = std::make_unique<Group>();
  return kNcclSuccess;
}

int SimulatedNccl::send(const float* values, std::size_t count, int peer, NcclHandle communicator,
                        runtime::CudaStreamHandle stream) {
  const std::lock_guard lock(cuda_->mutex());
  if (find(communicator) == nullptr) return kInvalidArgument;
  if (!group_) {
    cuda_->report("a send outside of a group would wait for a receive that cannot come");
    return kInvalidUsage;
  }
  group_->communicator = communicator;
  group_->stream = stream;
  group_->sent = {values, count};
  group_->to = peer;
  return kNcclSuccess;
}

int SimulatedNccl::receive(float* values, std::size_t count, int peer, NcclHandle communicator,
                           runtime::CudaStreamHandle /*stream*/) {
  const std::lock_guard lock(cuda_->mutex());
  if (find(communicator) == nullptr) return kInvalidArgument;
  if (!group_) {
    cuda_->report("a receive outside of a group would wait for a send that cannot come");
    return kInvalidUsage;
  }
  group_->received = {values, count};
  group_->from = peer;
  return kNcclSuccess;
}

int SimulatedNccl::group_end() {
  const std::lock_guard lock(cuda_->mutex());
  const std::shared_ptr<Group> group = std::exchange(group_, nullptr);
  if (!group || group->to < 0 || group->to != group->from ||
      group->sent.size() != group->received.size()) {
    cuda_->report("a group that is no exchange with one rank");
    return kInvalidUsage;
  }
  const auto state = communicators_.at(group->communicator);
  return begin(*state, [this, state, group] {
    enqueue({state, state->collectives++, group->sent.data(), group->received.data(),
             group->sent.size(), group->to},
            group->stream);
  });
}

void SimulatedNccl::enqueue(Collective collective, runtime::CudaStreamHandle stream) {
  auto& streams = collective.state->streams;
  if (std::find(streams.begin(), streams.end(), stream) == streams.end()) streams.push_back(stream);
  const auto kept = std::make_shared<Collective>(std::move(collective));
  cuda_->enqueue(stream, std::as_bytes(std::span(kept->send, kept->count)),
                 std::as_bytes(std::span(kept->receive, kept->count)),
                 [this, kept] { return run(*kept); });
}

void SimulatedNccl::send_to(const Collective& collective, int peer) {
  const auto mine = std::make_shared<Floats>(collective.send, collective.send + collective.count);
  outbox_.emplace_back(MPI_REQUEST_NULL, mine);
  MPI_Isend(mine->data(), static_cast<int>(mine->size()), MPI_FLOAT, peer, collective.number, comm_,
            &outbox_.back().first);
}

bool SimulatedNccl::run(Collective& collective) {
  const auto& state = *collective.state;
  if (state.aborted) return true;
  std::vector<int> peers;
  for (int peer = 0; peer < state.ranks; ++peer) {
    if (peer != state.rank && peer == collective.partner.value_or(peer)) peers.push_back(peer);
  }
  if (!collective.sent) {
    collective.sent = true;
    for (const int peer : peers) send_to(collective, peer);
  }
  move_messages();
  std::vector<Floats> received(static_cast<std::size_t>(state.ranks));
  for (const int peer : peers) {
    const auto part = inbox_.find({collective.number, peer});
    if (part == inbox_.end() || part->second.size() != collective.count) return false;
    received[static_cast<std::size_t>(peer)] = part->second;
  }
  for (const int peer : peers) inbox_.erase({collective.number, peer});
  Floats result;
  if (collective.partner) {
    result = received[static_cast<std::size_t>(*collective.partner)];
  } else {
    received[static_cast<std::size_t>(state.rank)] =
        Floats(collective.send, collective.send + collective.count);
    result = sum_of(std::move(received));
  }
  std::copy(result.begin(), result.end(), collective.receive);
  return true;
}

void SimulatedNccl::move_messages() {
  while (true) {
    int there = 0;
    MPI_Status status;
    MPI_Iprobe(MPI_ANY_SOURCE, MPI_ANY_TAG, comm_, &there, &status);
    if (there == 0) break;
    int count = 0;
    MPI_Get_count(&status, MPI_FLOAT, &count);
    Floats floats(static_cast<std::size_t>(count));
    MPI_Recv(floats.data(), count, MPI_FLOAT, status.MPI_SOURCE, status.MPI_TAG, comm_,
             MPI_STATUS_IGNORE);
    inbox_[{status.MPI_TAG, status.MPI_SOURCE}] = std::move(floats);
  }
  std::erase_if(outbox_, [](auto& message) {
    int sent = 0;
    MPI_Test(&message.first, &sent, MPI_STATUS_IGNORE);
    return sent != 0;
  });
}

}  // namespace lockstep::simulator
