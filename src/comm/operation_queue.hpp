// A thread that runs operations one after another, in the order in which they were queued.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <future>
#include <mutex>
#include <thread>

#include <lockstep/comm/communicator.hpp>

namespace lockstep::comm {

/// Operations return when they ran. Destruction runs what is queued, then joins the thread.
class OperationQueue {
 public:
  using Operation = std::packaged_task<OperationTime()>;

  OperationQueue();
  ~OperationQueue();
  OperationQueue(const OperationQueue&) = delete;
  OperationQueue& operator=(const OperationQueue&) = delete;
  OperationQueue(OperationQueue&&) = delete;
  OperationQueue& operator=(OperationQueue&&) = delete;

  [[nodiscard]] std::future<OperationTime> push(Operation operation);

 private:
  void run();

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Operation> waiting_;
  bool closing_ = false;
  std::thread thread_;
};

/// Runs `operation` in the queue, or immediately if there is none.
[[nodiscard]] Completion run_or_queue(OperationQueue* queue, std::function<void()> operation);

}  // namespace lockstep::comm
