#include <chrono>
#include <span>
#include <utility>

#include <fmt/format.h>
#include <torch/csrc/autograd/function.h>
#include <torch/csrc/autograd/function_hook.h>
#include <torch/csrc/autograd/variable.h>

#include <lockstep/base/error.hpp>
#include <lockstep/sync/gradient_reducer.hpp>
#include <lockstep/sync/tensor_memory.hpp>

namespace lockstep::sync {
namespace {

enum Tail : std::int64_t { kLossSum, kSamples, kStop, kTailElements };
constexpr std::size_t kMaxUntakenTotals = 2;

std::vector<std::int64_t> sizes_of(const std::vector<torch::Tensor>& parameters) {
  std::vector<std::int64_t> sizes;
  for (const auto& parameter : parameters) sizes.push_back(parameter.numel());
  return sizes;
}

/// Checked here, because later it would be a crash, or ranks that diverge.
const std::vector<torch::Tensor>& usable(const std::vector<torch::Tensor>& parameters) {
  const auto refuse = [&](std::size_t index, const char* why) {
    throw UsageError(
        fmt::format("parameter {} of {} cannot be trained: {}", index, parameters.size(), why));
  };
  if (parameters.empty()) throw UsageError("the network has no parameters to train");
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    const auto& parameter = parameters[i];
    if (!parameter.requires_grad()) refuse(i, "it is frozen (requires_grad is off): leave it out");
    if (parameter.scalar_type() != torch::kFloat32) refuse(i, "it is not float32");
    if (parameter.device() != parameters[0].device()) refuse(i, "it is on another device");
  }
  return parameters;
}

/// Adds the time until its destruction to a sum.
class ScopedSeconds {
 public:
  explicit ScopedSeconds(double& sum) : sum_(sum) {}
  ~ScopedSeconds() {
    sum_ += std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }
  ScopedSeconds(const ScopedSeconds&) = delete;
  ScopedSeconds& operator=(const ScopedSeconds&) = delete;
  ScopedSeconds(ScopedSeconds&&) = delete;
  ScopedSeconds& operator=(ScopedSeconds&&) = delete;

 private:
  double& sum_;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

}  // namespace

/// Runs after autograd has added to one parameter's gradient.
class GradientReducer::ReadyHook : public torch::autograd::FunctionPostHook {
 public:
  ReadyHook(GradientReducer& reducer, std::size_t bucket, std::size_t parameter)
      : reducer_(reducer), bucket_(bucket), parameter_(parameter) {}
  torch::autograd::variable_list operator()(
      const torch::autograd::variable_list& outputs,
      const torch::autograd::variable_list& /*inputs*/) override {
    reducer_.gradient_is_ready(bucket_, parameter_);
    return outputs;
  }

 private:
  GradientReducer& reducer_;
  std::size_t bucket_;
  std::size_t parameter_;  // registration index
};

/// Autograd's accumulator of one parameter. Autograd itself holds it weakly, so a hook lives only
/// as long as somebody keeps the accumulator; its pointer type differs between LibTorch 1.x and
/// 2.x.
struct GradientReducer::Accumulator {
  decltype(torch::autograd::impl::grad_accumulator(std::declval<const torch::Tensor&>())) node;
  std::uintptr_t hook = 0;
};

GradientReducer::GradientReducer(const std::vector<torch::Tensor>& parameters,
                                 comm::Communicator& communicator, runtime::ComputeStream& compute,
                                 const BucketLimits& limits, std::int64_t shards,
                                 std::int64_t extra_elements)
    : communicator_(communicator),
      compute_(compute),
      plan_(plan_buckets(sizes_of(usable(parameters)), limits)),
      parameters_(parameters),
      extra_elements_(extra_elements),
      shards_(shards),
      totals_(compute.make_read_back(kTailElements, kMaxUntakenTotals)) {
  flatten(parameters);
  if (shards_ > 1) tree_.emplace(buffer_, shards_, compute_);
  install_hooks(parameters);
  missing_.resize(plan_.buckets.size());
  warm_up();
}

GradientReducer::~GradientReducer() {
  for (const auto& accumulator : accumulators_) accumulator->node->del_post_hook(accumulator->hook);
  // The buffer may be destroyed before the parameters are.
  for (auto& parameter : parameters_) parameter.mutable_grad() = torch::Tensor();
}

void GradientReducer::flatten(const std::vector<torch::Tensor>& parameters) {
  const torch::NoGradGuard no_gradients;
  const auto options = parameters.front().options().requires_grad(false);
  flat_parameters_ = torch::zeros({plan_.elements}, options);
  const auto elements = plan_.elements + kTailElements + extra_elements_;
  const auto memory = communicator_.allocate(static_cast<std::size_t>(elements));
  buffer_ = torch::from_blob(memory.data(), {elements}, options);
  flat_gradients_ = buffer_.narrow(0, 0, plan_.elements);
  tail_ = buffer_.narrow(0, plan_.elements, kTailElements + extra_elements_);
  const auto values = views_of(flat_parameters_);
  gradients_ = views_of(flat_gradients_);
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    const torch::Tensor& parameter = parameters[i];
    torch::Tensor(values[i]).copy_(parameter);
    parameter.set_data(values[i]);
  }
  attach_gradients();
}

/// A gradient that was set to none would be summed over ranks as zeros.
void GradientReducer::attach_gradients() {
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    auto& gradient = parameters_[i].mutable_grad();
    if (!gradient.is_same(gradients_[i])) gradient = gradients_[i];
  }
}

std::vector<torch::Tensor> GradientReducer::views_of(const torch::Tensor& flat) const {
  std::vector<torch::Tensor> views;
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    const auto& like = parameters_[i];
    views.push_back(flat.narrow(0, plan_.offsets[i], like.numel()).view(like.sizes()));
  }
  return views;
}

void GradientReducer::install_hooks(const std::vector<torch::Tensor>& parameters) {
  for (std::size_t b = 0; b < plan_.buckets.size(); ++b) {
    for (const int index : plan_.buckets[b].parameters) {
      auto accumulator = std::make_unique<Accumulator>();
      const auto parameter = static_cast<std::size_t>(index);
      accumulator->node = torch::autograd::impl::grad_accumulator(parameters[parameter]);
      accumulator->hook =
          accumulator->node->add_post_hook(std::make_unique<ReadyHook>(*this, b, parameter));
      accumulators_.push_back(std::move(accumulator));
    }
  }
}

void GradientReducer::warm_up() {
  begin_step();
  shards_left_ = 1;
  finish_step();
  (void)take_totals();  // so that a connection that does not form fails here
}

void GradientReducer::begin_step(bool gradients_are_zero) {
  auto& left_over = gradients_are_zero ? tail_ : buffer_;
  compute_.access({}, {memory_of(left_over)});
  left_over.zero_();
  attach_gradients();
  if (tree_) tree_->clear();
  shards_left_ = shards_;
  last_backward_ = false;
  next_bucket_ = 0;
  bucket_times_.clear();
  exposed_seconds_ = 0;
  for (std::size_t b = 0; b < missing_.size(); ++b) {
    missing_[b] = plan_.buckets[b].parameters.size();
  }
}

void GradientReducer::expect_last_backward(const StepContribution& contribution) {
  const auto shards = shards_ * communicator_.size();
  if (contribution.samples > kMaxSamplesAStep / shards) {
    throw UsageError(
        fmt::format("{} samples of each of {} shards exceed the limit of {} per step: use a "
                    "smaller batch",
                    contribution.samples, shards, kMaxSamplesAStep),
        {"batch_size"});
  }
  const torch::NoGradGuard no_gradients;
  compute_.access({}, {memory_of(tail_)});
  if (contribution.loss_sum.defined()) tail_[kLossSum].copy_(contribution.loss_sum.detach());
  tail_[kSamples].fill_(static_cast<double>(contribution.samples));
  tail_[kStop].fill_(contribution.wants_to_stop ? 1.0 : 0.0);
  if (contribution.extra.defined()) summed_extra().copy_(contribution.extra);
  last_backward_ = shards_left_ == 1;
}

void GradientReducer::next_shard() {
  tree_->combine();
  --shards_left_;
  compute_.access({}, {memory_of(buffer_)});
  buffer_.zero_();
}

void GradientReducer::gradient_is_ready(std::size_t bucket, std::size_t parameter) {
  const std::lock_guard lock(hook_);
  const auto& gradient = parameters_[parameter].grad();
  if (!gradient.is_same(gradients_[parameter])) {
    throw UsageError(
        fmt::format("the gradient of parameter {} of {} was set to none within a step: call "
                    "begin_step in place of zero_grad",
                    parameter, parameters_.size()));
  }
  compute_.access({memory_of(gradient)}, {memory_of(gradient)});
  if (!last_backward_) return;
  --missing_[bucket];
  while (next_bucket_ < missing_.size() && missing_[next_bucket_] == 0) launch_next_bucket();
}

void GradientReducer::launch_next_bucket() {
  const ScopedSeconds exposed(exposed_seconds_);
  if (board_ != nullptr) {
    board_->set_next_bucket(comm::Channel::kGradients, static_cast<std::int32_t>(next_bucket_));
  }
  const auto& bucket = plan_.buckets[next_bucket_++];
  const bool last = next_bucket_ == plan_.buckets.size();
  const std::int64_t elements = bucket.elements + (last ? tail_.numel() : 0);
  if (tree_) tree_->add_combined(bucket.offset, elements);
  const auto floats = floats_of(buffer_).subspan(static_cast<std::size_t>(bucket.offset),
                                                 static_cast<std::size_t>(elements));
  in_flight_.push_back(communicator_.all_reduce(floats, floats));
}

StepSeconds GradientReducer::finish_step() {
  while (next_bucket_ < plan_.buckets.size()) launch_next_bucket();
  StepSeconds seconds;
  {
    const ScopedSeconds exposed(exposed_seconds_);
    seconds.wait.begin = std::chrono::steady_clock::now();
    for (auto& completion : in_flight_) {
      bucket_times_.push_back(completion.wait());
      seconds.communication += bucket_times_.back().seconds;
    }
    in_flight_.clear();
    seconds.wait.seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - seconds.wait.begin)
            .count();
  }
  last_backward_ = false;
  totals_->start(floats_of(tail_).first(kTailElements));
  seconds.exposed = exposed_seconds_;
  return seconds;
}

torch::Tensor GradientReducer::summed_extra() const {
  return tail_.narrow(0, kTailElements, extra_elements_);
}

torch::Tensor GradientReducer::summed_samples() const {
  return tail_[kSamples];
}

StepTotals GradientReducer::take_totals() {
  const auto tail = totals_->take();
  return {.loss_sum = tail[kLossSum],
          .samples = static_cast<std::int64_t>(tail[kSamples]),
          .stop = tail[kStop] > 0};
}

}  // namespace lockstep::sync
