// How watchdogs tell each other what their ranks are doing.
#pragma once

#include <functional>
#include <memory>

#include <lockstep/runtime/rank_layout.hpp>
#include <lockstep/watch/hang_judgement.hpp>

namespace lockstep::watch {

/// The status of a rank, from itself or from a neighbour that can still read its board.
struct StatusMessage {
  int rank = 0;
  bool reports = false;  ///< the sender has found a hang and is about to end the job
  RankStatus status;
};

/// Sends small messages between any two ranks on a separate communicator. Nothing waits: a message
/// to a rank that has not taken the previous one is dropped, so that none pile up. One thread,
/// which may be any.
class StatusExchange {
 public:
  /// Collective.
  explicit StatusExchange(const runtime::RankLayout& layout);
  /// Waits for nobody. What MPI may still read is left to it, unless `end` has returned kDone.
  ~StatusExchange();
  StatusExchange(const StatusExchange&) = delete;
  StatusExchange& operator=(const StatusExchange&) = delete;
  StatusExchange(StatusExchange&&) = delete;
  StatusExchange& operator=(StatusExchange&&) = delete;

  void send(int peer, const StatusMessage& message);
  /// Passes on what has arrived.
  void receive(const std::function<void(int sender, const StatusMessage& message)>& take);

  enum class End { kSomeGoOn, kAllEnd, kDone };
  /// Ends the exchange together with all ranks. Call it repeatedly, as `receive`, until done. While
  /// some ranks go on, so do messages. Never waits. Source: T. Hoefler et al., "Scalable
  /// communication protocols for dynamic sparse data exchange", PPoPP 2010: once all synchronous
  /// sends are done and a barrier is passed, nothing is in flight.
  [[nodiscard]] End end();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace lockstep::watch
