#include <algorithm>
#include <vector>

#include <lockstep/runtime/compute_stream.hpp>

namespace lockstep::runtime {
namespace {

class HostReadBack final : public ReadBack {
 public:
  HostReadBack(std::size_t elements, std::size_t slots) : elements_(elements), slots_(slots) {
    values_.resize(elements * slots);
  }
  void start(std::span<const float> source) override {
    std::copy(source.begin(), source.end(), slot(started_++).begin());
  }
  std::span<const float> take() override { return slot(taken_++); }

 private:
  std::span<float> slot(std::size_t copy) {
    return std::span(values_).subspan(copy % slots_ * elements_, elements_);
  }

  std::size_t elements_;
  std::size_t slots_;
  std::vector<float> values_;
  std::size_t started_ = 0;
  std::size_t taken_ = 0;
};

}  // namespace

std::unique_ptr<ReadBack> HostStream::make_read_back(std::size_t elements, std::size_t slots) {
  return std::make_unique<HostReadBack>(elements, slots);
}

}  // namespace lockstep::runtime
