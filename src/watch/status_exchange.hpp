// How watchdogs tell each other what their ranks are doing.
#pragma once

#include <functional>
#include <memory>

#include <lockstep/runtime/rank_layout.hpp>
#include <lockstep/watch/hang_judgement.hpp>

namespace lockstep::watch {

/// A rank's status, from itself or from a neighbour who can still read its board.
struct StatusMessage {
  int rank = 0;
  bool reports = false;  ///< the sender has found a hang and is about to end the job
  RankStatus status;
};

/// Small messages between any two ranks on a communicator of their own. Nothing waits: a message to
/// a rank that has not taken the one before is left out, so that none pile up. One thread, which
/// may be any.
class StatusExchange {
 public:
  /// Collective.
  explicit StatusExchange(const runtime::RankLayout& layout);
  /// Waits for nobody. What MPI may still read is left to it unless `end` has come to its end.
  ~StatusExchange();
  StatusExchange(const StatusExchange&) = delete;
  StatusExchange& operator=(const StatusExchange&) = delete;
  StatusExchange(StatusExchange&&) = delete;
  StatusExchange& operator=(StatusExchange&&) = delete;

  void send(int peer, const StatusMessage& message);
  /// Hands over what has come.
  void receive(const std::function<void(int sender, const StatusMessage& message)>& take);

  enum class End { kSomeGoOn, kAllEnd, kDone };
  /// Ends the exchange together with all ranks; to be called again and again, as `receive` is,
  /// until done. While some ranks go on, messages do as well. Never waits. Source: T. Hoefler et
  /// al., "Scalable communication protocols for dynamic sparse data exchange", PPoPP 2010: once all
  /// synchronous sends are done and a barrier is passed, nothing is under way.
  [[nodiscard]] End end();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace lockstep::watch
