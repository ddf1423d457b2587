#include <cstddef>
#include <utility>

#include <lockstep/data/batch_gatherer.hpp>
#include <lockstep/data/mapped_file.hpp>

namespace lockstep::data {
namespace {

/// A buffer for `count` rows like `rows`.
torch::Tensor buffer_for(const torch::Tensor& rows, std::int64_t count, torch::ScalarType type) {
  auto shape = rows.sizes().vec();
  shape[0] = count;
  return torch::empty(shape, rows.options().dtype(type));
}

/// One number per channel, to be broadcast over an input's other dimensions.
torch::Tensor per_channel(const std::vector<double>& numbers, const torch::Tensor& inputs) {
  if (numbers.empty()) return {};
  std::vector<std::int64_t> shape(static_cast<std::size_t>(inputs.dim()) - 1, 1);
  shape[0] = static_cast<std::int64_t>(numbers.size());
  return torch::tensor(numbers, torch::kFloat32).reshape(shape).to(inputs.device());
}

/// `last` if the rows already have its type; otherwise a buffer for them.
torch::Tensor raw_buffer(const torch::Tensor& rows, std::int64_t count, const torch::Tensor& last) {
  return rows.scalar_type() == last.scalar_type() ? last
                                                  : buffer_for(rows, count, rows.scalar_type());
}

}  // namespace

BatchGatherer::BatchGatherer(Dataset dataset, std::int64_t largest_batch,
                             const Augmentation& augmentation, std::uint64_t seed)
    : dataset_(std::move(dataset)),
      augmentation_(augmentation),
      seed_(seed),
      mean_(per_channel(dataset_.spec.input.mean, dataset_.inputs)),
      deviation_(per_channel(dataset_.spec.input.deviation, dataset_.inputs)) {
  const bool classes = std::holds_alternative<ClassTarget>(dataset_.spec.target);
  const auto target_type = classes ? torch::kInt64 : torch::kFloat32;
  buffer_.inputs = buffer_for(dataset_.inputs, largest_batch, dataset_.spec.input.network_type());
  buffer_.targets = buffer_for(dataset_.targets, largest_batch, target_type);
  raw_inputs_ = raw_buffer(dataset_.inputs, largest_batch, buffer_.inputs);
  raw_targets_ = raw_buffer(dataset_.targets, largest_batch, buffer_.targets);
  if (augmentation_.is_on()) dataset_.inputs = dataset_.inputs.contiguous();
}

void BatchGatherer::set_order(std::span<const std::int64_t> order, std::int64_t epoch) {
  // from_blob takes a mutable pointer; nothing writes through it.
  auto* const first = const_cast<std::int64_t*>(order.data());
  const auto on_host =
      torch::from_blob(first, {static_cast<std::int64_t>(order.size())}, torch::kInt64);
  order_ = on_host.to(dataset_.inputs.device());
  epoch_ = epoch;
  const bool on_device = augmentation_.is_on() && !order_.is_cpu();
  if (on_device) transforms_ = tensor_of(draw(order)).to(order_.device());
}

std::vector<ImageTransform> BatchGatherer::draw(std::span<const std::int64_t> samples) const {
  std::vector<ImageTransform> transforms;
  transforms.reserve(samples.size());
  for (const auto sample : samples) {
    transforms.push_back(draw_transform(augmentation_, seed_, epoch_, sample));
  }
  return transforms;
}

void BatchGatherer::gather_inputs(const SampleRange& range, const torch::Tensor& index,
                                  torch::Tensor& rows) const {
  if (augmentation_.is_on() && index.is_cpu()) {
    const std::span samples(index.data_ptr<std::int64_t>(), static_cast<std::size_t>(range.count));
    return gather_transformed(dataset_.inputs, samples, draw(samples), rows);
  }
  torch::index_select_out(rows, dataset_.inputs, 0, index);
  if (!augmentation_.is_on()) return;
  rows.copy_(transformed(rows, transforms_.narrow(0, range.first, range.count)));
}

void BatchGatherer::prefetch(const SampleRange& range) const {
  if (!dataset_.inputs_are_mapped) return;
  const auto bytes = dataset_.spec.input_bytes();
  const auto* const first = static_cast<const std::byte*>(dataset_.inputs.data_ptr());
  const auto* const index = order_.data_ptr<std::int64_t>() + range.first;
  for (const auto sample : std::span(index, static_cast<std::size_t>(range.count))) {
    will_need({first + static_cast<std::size_t>(sample) * bytes, bytes});
  }
}

Batch BatchGatherer::gather(const SampleRange& range) {
  const auto count = range.count;
  const auto index = order_.narrow(0, range.first, count);
  auto inputs = raw_inputs_.narrow(0, 0, count);
  auto targets = raw_targets_.narrow(0, 0, count);
  gather_inputs(range, index, inputs);
  torch::index_select_out(targets, dataset_.targets, 0, index);
  Batch batch{buffer_.inputs.narrow(0, 0, count), buffer_.targets.narrow(0, 0, count)};
  if (!raw_inputs_.is_same(buffer_.inputs)) batch.inputs.copy_(inputs);
  if (dataset_.spec.input.divisor != 1) batch.inputs.div_(dataset_.spec.input.divisor);
  if (mean_.defined()) batch.inputs.sub_(mean_);
  if (deviation_.defined()) batch.inputs.div_(deviation_);
  if (!raw_targets_.is_same(buffer_.targets)) batch.targets.copy_(targets);
  return batch;
}

}  // namespace lockstep::data
