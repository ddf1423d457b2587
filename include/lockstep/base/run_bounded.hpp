// Calls into libraries that may never return.
#pragma once

#include <chrono>
#include <functional>
#include <future>
#include <optional>
#include <thread>
#include <utility>

namespace lockstep {

/// Runs `call` in a thread and returns its result, or nothing if it does not return within `limit`.
/// The thread is then left running, so `call` must own what it uses, and the process should end
/// soon.
[[nodiscard]] inline std::optional<int> run_bounded(std::chrono::duration<double> limit,
                                                    std::function<int()> call) {
  std::packaged_task<int()> task(std::move(call));
  auto result = task.get_future();
  std::thread thread(std::move(task));
  if (result.wait_for(limit) == std::future_status::ready) {
    thread.join();
    return result.get();
  }
  thread.detach();
  return std::nullopt;
}

}  // namespace lockstep
