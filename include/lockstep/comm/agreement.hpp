// Failing together: what goes wrong on one rank ends all of them, with one message.
#pragma once

#include <chrono>
#include <exception>
#include <functional>
#include <future>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include <lockstep/comm/communicator.hpp>
#include <lockstep/runtime/rank_layout.hpp>

namespace lockstep::comm {

/// An error that every rank knows of: all ranks throw it with the same code and text, and exactly
/// one of them (`speaks`) should report it. No rank needs to be aborted.
class AgreedError : public Error {
 public:
  AgreedError(ExitCode code, const std::string& message, bool speaks, Settings settings = {})
      : Error(code, message, std::move(settings)), speaks_(speaks) {}
  [[nodiscard]] bool speaks() const noexcept { return speaks_; }

 private:
  bool speaks_;
};

/// For a failure that every rank has found on its own, with the same text. Throws AgreedError with
/// exit code 1, which rank 0 reports; does not communicate.
[[noreturn]] void fail_together(const Communicator& communicator, const std::string& message,
                                Settings settings = {});

/// Collective. Pass the exception with which this rank's part of the work ended, or null. If any
/// rank failed, every rank throws AgreedError with the failure of the lowest such rank; its message
/// names the rank and host unless all ranks failed in the same way.
void agree(Communicator& communicator, const runtime::RankLayout& layout,
           const std::exception_ptr& failure);

/// Collective. Runs `work` on every rank and returns its result, or throws AgreedError on every
/// rank if it threw on any. `work` must not communicate.
template <typename Work>
auto run_on_all_ranks(Communicator& communicator, const runtime::RankLayout& layout, Work&& work) {
  using Result = std::invoke_result_t<Work>;
  std::exception_ptr failure;
  if constexpr (std::is_void_v<Result>) {
    try {
      std::invoke(std::forward<Work>(work));
    } catch (...) {
      failure = std::current_exception();
    }
    agree(communicator, layout, failure);
  } else {
    std::optional<Result> result;
    try {
      result.emplace(std::invoke(std::forward<Work>(work)));
    } catch (...) {
      failure = std::current_exception();
    }
    agree(communicator, layout, failure);
    return *std::move(result);
  }
}

/// Collective. Returns when `is_done` has returned true on every rank. It may block for up to a
/// quarter of a second, since the ranks meet after each of its calls: none waits longer for
/// another.
void meet_until_all_are_done(Communicator& communicator, const std::function<bool()>& is_done);

/// As run_on_all_ranks, for work that some ranks have and that takes them minutes: the others must
/// not seem to wait for a rank that hangs. `work` runs in a thread of its own, if one can be
/// started and there are other ranks.
template <typename Work>
auto run_long_on_all_ranks(Communicator& communicator, const runtime::RankLayout& layout,
                           Work&& work) {
  const auto where =
      communicator.size() > 1 ? std::launch::async | std::launch::deferred : std::launch::deferred;
  auto running = std::async(where, std::forward<Work>(work));
  meet_until_all_are_done(communicator, [&running] {
    constexpr auto kBetweenMeetings = std::chrono::milliseconds(250);
    return running.wait_for(kBetweenMeetings) != std::future_status::timeout;
  });
  return run_on_all_ranks(communicator, layout, [&running] { return running.get(); });
}

}  // namespace lockstep::comm
