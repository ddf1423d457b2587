#include <pthread.h>

#include <chrono>
#include <ctime>
#include <exception>
#include <future>
#include <thread>
#include <utility>

#include <lockstep/watch/long_work.hpp>

namespace lockstep::watch {
namespace {

constexpr auto kBetweenReports = std::chrono::milliseconds(250);

/// Of the thread so far; 0 if the system cannot tell, which then counts as no progress.
std::chrono::nanoseconds processor_time(std::thread& thread) {
  clockid_t clock = {};
  struct timespec time = {};
  if (::pthread_getcpuclockid(thread.native_handle(), &clock) != 0 ||
      ::clock_gettime(clock, &time) != 0) {
    return {};
  }
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

}  // namespace

void work_long(ProgressBoard* board, const std::function<void()>& work) {
  if (board == nullptr) return work();
  std::packaged_task<void()> task(work);
  auto result = task.get_future();
  board->set_phase(Phase::kLoading);
  std::thread thread(std::move(task));
  auto before = processor_time(thread);
  while (result.wait_for(kBetweenReports) != std::future_status::ready) {
    const auto now = processor_time(thread);
    if (now != before) board->set_phase(Phase::kLoading);
    before = now;
  }
  thread.join();
  board->set_phase(Phase::kSetUp);
  result.get();
}

}  // namespace lockstep::watch
