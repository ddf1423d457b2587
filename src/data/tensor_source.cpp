#include <algorithm>
#include <cstring>
#include <utility>

#include <fmt/format.h>

#include <lockstep/base/error.hpp>
#include <lockstep/data/tensor_source.hpp>

namespace lockstep::data {
namespace {

void require_fit(const Samples& samples, const char* split) {
  const auto& [inputs, labels] = samples;
  const auto refuse = [split](const std::string& why) {
    throw DataError(fmt::format("the {} samples: {}", split, why));
  };
  if (!inputs.defined() || !labels.defined()) refuse("inputs or labels are missing");
  if (inputs.dim() < 2) refuse("inputs need a first dimension of samples and one more");
  if (labels.dim() != 1 || !torch::isIntegralType(labels.scalar_type(), false)) {
    refuse("labels must be integers in one dimension");
  }
  if (inputs.size(0) != labels.size(0) || inputs.size(0) == 0) {
    refuse(fmt::format("there are {} inputs and {} labels", inputs.size(0), labels.size(0)));
  }
}

SampleSpec spec_of(const Samples& train, const Samples& test, std::vector<std::string> names) {
  const auto largest =
      std::max(train.labels.max().item<std::int64_t>(), test.labels.max().item<std::int64_t>());
  const auto least =
      std::min(train.labels.min().item<std::int64_t>(), test.labels.min().item<std::int64_t>());
  const auto classes = names.empty() ? largest + 1 : static_cast<std::int64_t>(names.size());
  if (least < 0 || largest >= classes) {
    throw DataError(fmt::format("labels range from {} to {}, but there are {} classes", least,
                                largest, classes));
  }
  return {.input = {.shape = train.inputs.sizes().slice(1).vec(),
                    .element_type = train.inputs.scalar_type()},
          .target = ClassTarget{.classes = classes, .names = std::move(names)}};
}

class TensorSource final : public DatasetSource {
 public:
  TensorSource(const Samples& train, const Samples& test, std::vector<std::string> names,
               std::string description)
      : description_(std::move(description)),
        shape_(spec_of(train, test, std::move(names)), train.labels.size(0), test.labels.size(0)),
        train_(as_in_memory(train)),
        test_(as_in_memory(test)) {}

  [[nodiscard]] std::string description() const override { return description_; }
  [[nodiscard]] std::string folder() const override { return ""; }
  [[nodiscard]] DatasetShape shape() const override { return shape_; }

  void fill(Part part, std::span<std::byte> destination) override {
    const bool of_test = part == Part::kTestImages || part == Part::kTestLabels;
    const bool of_labels = part == Part::kTrainLabels || part == Part::kTestLabels;
    const auto& samples = of_test ? test_ : train_;
    const auto& values = of_labels ? samples.labels : samples.inputs;
    std::memcpy(destination.data(), values.data_ptr(), destination.size());
  }

 private:
  [[nodiscard]] Samples as_in_memory(const Samples& samples) const {
    return {samples.inputs.detach().to(torch::kCPU).contiguous(),
            samples.labels.to(torch::kCPU, shape_.spec().target_type()).contiguous()};
  }

  std::string description_;
  DatasetShape shape_;
  Samples train_;
  Samples test_;
};

}  // namespace

std::unique_ptr<DatasetSource> make_tensor_source(const Samples& train, const Samples& test,
                                                  std::vector<std::string> class_names,
                                                  std::string description) {
  require_fit(train, "training");
  require_fit(test, "test");
  if (train.inputs.sizes().slice(1) != test.inputs.sizes().slice(1) ||
      train.inputs.scalar_type() != test.inputs.scalar_type()) {
    throw DataError("training and test inputs differ in shape or type");
  }
  return std::make_unique<TensorSource>(train, test, std::move(class_names),
                                        std::move(description));
}

}  // namespace lockstep::data
