#include <fmt/format.h>

#include <lockstep/base/error.hpp>
#include <lockstep/model/mlp.hpp>
#include <lockstep/options/bindings.hpp>
#include <lockstep/task/network_kind.hpp>

namespace lockstep::task {
namespace {

constexpr std::int64_t kMaxWidth = 1 << 14;
constexpr std::int64_t kMaxParameters = std::int64_t{1} << 29U;

/// The tutorial's.
class MlpKind final : public NetworkKind {
 public:
  [[nodiscard]] std::string name() const override { return "mlp"; }

  [[nodiscard]] std::vector<options::Option> options() override {
    return {{"hidden", "widths of the hidden layers (default 512,512)",
             options::integers(hidden_, 1, kMaxWidth), Effect::kNetwork}};
  }

  [[nodiscard]] model::NetworkPtr make(const data::SampleSpec& spec) const override {
    require_reasonable_size(spec);
    return std::make_shared<model::Mlp>(spec.input.elements(), hidden_, spec.outputs());
  }

  bool recognise(const model::Weights& weights, const data::SampleSpec& spec) override {
    hidden_ = model::hidden_widths_of(weights.tensors, spec.input.elements(), spec.outputs(),
                                      weights.path);
    return true;
  }

 private:
  void require_reasonable_size(const data::SampleSpec& spec) const {
    std::int64_t parameters = 0;
    std::int64_t width = spec.input.elements();
    for (const std::int64_t next : hidden_) {
      parameters += (width + 1) * next;
      width = next;
    }
    parameters += (width + 1) * spec.outputs();
    if (parameters <= kMaxParameters) return;
    throw UsageError(
        fmt::format("--hidden: {} parameters exceed the limit of {}", parameters, kMaxParameters));
  }

  std::vector<std::int64_t> hidden_ = {512, 512};
};

}  // namespace

std::unique_ptr<NetworkKind> make_mlp_kind() {
  return std::make_unique<MlpKind>();
}

}  // namespace lockstep::task
