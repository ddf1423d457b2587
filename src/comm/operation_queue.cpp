#include "operation_queue.hpp"

#include <chrono>
#include <utility>

namespace lockstep::comm {

namespace {

OperationTime run_timed(const std::function<void()>& operation) {
  const auto begin = std::chrono::steady_clock::now();
  operation();
  return {begin, std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count()};
}

}  // namespace

Completion run_or_queue(OperationQueue* queue, std::function<void()> operation) {
  if (queue == nullptr) return Completion(run_timed(operation));
  return Completion(queue->push(OperationQueue::Operation(
      [operation = std::move(operation)] { return run_timed(operation); })));
}

OperationQueue::OperationQueue() : thread_([this] { run(); }) {}

OperationQueue::~OperationQueue() {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

std::future<OperationTime> OperationQueue::push(Operation operation) {
  auto result = operation.get_future();
  {
    const std::lock_guard lock(mutex_);
    waiting_.push_back(std::move(operation));
  }
  changed_.notify_one();
  return result;
}

void OperationQueue::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return closing_ || !waiting_.empty(); });
    if (waiting_.empty()) return;
    Operation operation = std::move(waiting_.front());
    waiting_.pop_front();
    lock.unlock();
    operation();
    lock.lock();
  }
}

}  // namespace lockstep::comm
