#include <chrono>
#include <exception>
#include <utility>

#include <lockstep/train/checkpoint_writer.hpp>

namespace lockstep::train {

metrics::CheckpointEvent CheckpointWriter::write(const Checkpoint& checkpoint) const noexcept {
  const auto begin = std::chrono::steady_clock::now();
  metrics::CheckpointEvent event{.epoch = checkpoint.position.epoch,
                                 .step = checkpoint.position.steps};
  try {
    event.path = folder_.path_of(checkpoint.position.steps).string();
    folder_.save(checkpoint, keep_);
  } catch (const std::exception& error) {
    event.failure = error.what();
  }
  event.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  return event;
}

void CheckpointWriter::save(Checkpoint checkpoint) {
  if (auto event = finish()) untold_ = std::move(event);
  under_way_ =
      std::async(std::launch::async, [this, kept = std::move(checkpoint)] { return write(kept); });
}

std::optional<metrics::CheckpointEvent> CheckpointWriter::poll() {
  if (untold_) return std::exchange(untold_, std::nullopt);
  if (!under_way_.valid() ||
      under_way_.wait_for(std::chrono::seconds(0)) != std::future_status::ready) {
    return std::nullopt;
  }
  return finish();
}

std::optional<metrics::CheckpointEvent> CheckpointWriter::finish() {
  if (untold_) return std::exchange(untold_, std::nullopt);
  if (!under_way_.valid()) return std::nullopt;
  auto event = under_way_.get();
  failure_ = event.failure;
  return event;
}

}  // namespace lockstep::train
