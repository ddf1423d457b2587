#include <cmath>
#include <string>
#include <utility>

#include <lockstep/train/tensor_histograms.hpp>

namespace lockstep::train {
namespace {

constexpr std::int64_t kParts = 30;

metrics::Histogram histogram_of(std::string tag, const torch::Tensor& values) {
  const auto all = values.detach().flatten().to(torch::kCPU, torch::kFloat64);
  metrics::Histogram histogram{.tag = std::move(tag),
                               .least = all.min().item<double>(),
                               .most = all.max().item<double>(),
                               .count = static_cast<double>(all.numel()),
                               .sum = all.sum().item<double>(),
                               .sum_of_squares = all.square().sum().item<double>()};
  if (!std::isfinite(histogram.sum_of_squares)) return histogram;
  const bool constant = histogram.least == histogram.most;
  const auto counts = constant ? torch::full({1}, histogram.count, torch::kFloat64)
                               : torch::histc(all, kParts, histogram.least, histogram.most);
  histogram.counts.assign(counts.data_ptr<double>(), counts.data_ptr<double>() + counts.numel());
  return histogram;
}

}  // namespace

metrics::Histograms histograms_of(const model::NetworkPtr& network,
                                  const sync::GradientReducer& reducer, std::int64_t steps) {
  const torch::NoGradGuard no_gradients;
  metrics::Histograms histograms{.step = steps};
  const auto parameters = model::named_parameters(*network);
  const auto gradients = reducer.views_of(reducer.flat_gradients());
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    const auto& [name, value] = parameters[i];
    histograms.tensors.push_back(histogram_of("weights/" + name, value));
    histograms.tensors.push_back(histogram_of("gradients/" + name, gradients[i]));
  }
  return histograms;
}

}  // namespace lockstep::train
