// A communicator whose operations show on a progress board.
#pragma once

#include <memory>
#include <utility>

#include <lockstep/comm/communicator.hpp>
#include <lockstep/watch/progress_board.hpp>

namespace lockstep::watch {

/// Passes everything on to another communicator. An operation counts as entered when it is called;
/// the rank counts as waiting for it while it is inside the call or inside Completion::wait.
class WatchedCommunicator final : public comm::Communicator, private comm::OperationObserver {
 public:
  /// `board` must outlive it, and it must outlive its Completions; no other writer uses the
  /// channel.
  WatchedCommunicator(std::unique_ptr<Communicator> inner, ProgressBoard& board, Channel channel)
      : inner_(std::move(inner)), board_(board), channel_(channel) {}

  [[nodiscard]] int rank() const noexcept override { return inner_->rank(); }
  [[nodiscard]] int size() const noexcept override { return inner_->size(); }
  [[nodiscard]] bool overlaps() const noexcept override { return inner_->overlaps(); }

  std::span<float> allocate(std::size_t elements) override {
    const auto operation =
        board_.enter(channel_, OperationKind::kAllocation, elements * sizeof(float));
    const WaitScope waiting(&board_, operation);
    return inner_->allocate(elements);
  }
  comm::Completion all_reduce(std::span<const float> send, std::span<float> receive) override {
    return start(OperationKind::kAllReduce, send.size_bytes(),
                 [&] { return inner_->all_reduce(send, receive); });
  }
  comm::Completion all_reduce(std::span<double> buffer) override {
    return start(OperationKind::kAllReduce, buffer.size_bytes(),
                 [&] { return inner_->all_reduce(buffer); });
  }
  comm::Completion broadcast(std::span<std::byte> buffer, int root) override {
    return start(OperationKind::kBroadcast, buffer.size_bytes(),
                 [&] { return inner_->broadcast(buffer, root); });
  }
  comm::Completion all_gather(std::span<const std::byte> send,
                              std::span<std::byte> receive) override {
    return start(OperationKind::kAllGather, send.size_bytes(),
                 [&] { return inner_->all_gather(send, receive); });
  }
  void barrier() override {
    const WaitScope waiting(&board_, board_.enter(channel_, OperationKind::kBarrier, 0));
    inner_->barrier();
  }
  void close() override {
    const WaitScope waiting(&board_, board_.enter(channel_, OperationKind::kClosing, 0));
    inner_->close();
  }

 private:
  void begin_wait(const Operation& operation) noexcept override { board_.begin_wait(operation); }
  void end_wait(const Operation& operation) noexcept override {
    board_.end_wait(operation.channel);
  }

  template <typename Start>
  comm::Completion start(OperationKind kind, std::size_t bytes, const Start& operate) {
    const auto operation = board_.enter(channel_, kind, bytes);
    const WaitScope waiting(&board_, operation);
    auto completion = operate();
    completion.observe_waits(*this, operation);
    return completion;
  }

  std::unique_ptr<Communicator> inner_;
  ProgressBoard& board_;
  Channel channel_;
};

}  // namespace lockstep::watch
