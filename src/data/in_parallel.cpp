#include "in_parallel.hpp"

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

#include <torch/torch.h>

namespace lockstep::data {
namespace {

/// An operation in each of our threads would otherwise start as many threads of its own.
class OneThreadAnOperation {
 public:
  OneThreadAnOperation() { at::set_num_threads(1); }
  ~OneThreadAnOperation() { at::set_num_threads(before_); }
  OneThreadAnOperation(const OneThreadAnOperation&) = delete;
  OneThreadAnOperation& operator=(const OneThreadAnOperation&) = delete;
  OneThreadAnOperation(OneThreadAnOperation&&) = delete;
  OneThreadAnOperation& operator=(OneThreadAnOperation&&) = delete;

 private:
  int before_ = at::get_num_threads();
};

/// Hands out the items in order, so that after a failure none before it is left out.
class Items {
 public:
  Items(std::int64_t count, const std::function<void(std::int64_t)>& work)
      : count_(count), work_(work) {}

  void run() {
    while (!failed_) {
      const auto item = next_++;
      if (item >= count_) return;
      try {
        work_(item);
      } catch (...) {
        note_failure(item);
      }
    }
  }
  /// After all threads have ended.
  void rethrow_first() const {
    if (failure_) std::rethrow_exception(failure_);
  }

 private:
  void note_failure(std::int64_t item) {
    const std::lock_guard lock(mutex_);
    if (!failure_ || item < failed_item_) {
      failure_ = std::current_exception();
      failed_item_ = item;
    }
    failed_ = true;
  }

  std::int64_t count_;
  const std::function<void(std::int64_t)>& work_;
  std::atomic<std::int64_t> next_ = 0;
  std::atomic<bool> failed_ = false;
  std::mutex mutex_;
  std::exception_ptr failure_;
  std::int64_t failed_item_ = 0;
};

}  // namespace

void in_parallel(std::int64_t count, const std::function<void(std::int64_t)>& work) {
  const auto threads = std::min<std::int64_t>(at::get_num_threads(), count);
  Items items(count, work);
  if (threads <= 1) {
    items.run();
    return items.rethrow_first();
  }
  const OneThreadAnOperation guard;
  {
    std::vector<std::jthread> helpers;
    try {
      while (static_cast<std::int64_t>(helpers.size()) + 1 < threads) {
        helpers.emplace_back([&items] { items.run(); });
      }
    } catch (const std::system_error&) {
      // Fewer threads take longer.
    }
    items.run();
  }
  items.rethrow_first();
}

}  // namespace lockstep::data
