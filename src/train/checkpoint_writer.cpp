#include <chrono>
#include <exception>
#include <utility>

#include <lockstep/base/error.hpp>
#include <lockstep/train/checkpoint_writer.hpp>

namespace lockstep::train {

metrics::CheckpointEvent CheckpointWriter::write(const Checkpoint& checkpoint) const noexcept {
  const auto begin = std::chrono::steady_clock::now();
  metrics::CheckpointEvent event{.epoch = checkpoint.position.epoch,
                                 .step = checkpoint.position.steps};
  try {
    const auto folder = find_folder_();
    event.path = folder.path_of(checkpoint.position.steps).string();
    event.remarks = folder.save(checkpoint, keep_);
  } catch (const std::exception& error) {
    event.failure = error.what();
  }
  event.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  return event;
}

void CheckpointWriter::save(Checkpoint checkpoint) {
  wait();
  under_way_ =
      std::async(std::launch::async, [this, kept = std::move(checkpoint)] { return write(kept); });
}

std::string CheckpointWriter::keep_as_best(std::int64_t steps) {
  wait();
  if (!failure_.empty()) return failure_;
  try {
    find_folder_().keep_as_best(steps);
    return {};
  } catch (const RuntimeFailure& failure) {
    return failure.what();
  }
}

std::vector<metrics::CheckpointEvent> CheckpointWriter::poll() {
  const bool ended = under_way_.valid() &&
                     under_way_.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
  if (ended) wait();
  return std::exchange(untold_, {});
}

std::vector<metrics::CheckpointEvent> CheckpointWriter::finish() {
  wait();
  return std::exchange(untold_, {});
}

/// Waits for the running save, if there is one.
void CheckpointWriter::wait() {
  if (!under_way_.valid()) return;
  auto event = under_way_.get();
  failure_ = event.failure;
  std::erase_if(event.remarks, [this](const auto& text) { return !told_.insert(text).second; });
  untold_.push_back(std::move(event));
}

}  // namespace lockstep::train
