#include "metric_options.hpp"

#include <charconv>
#include <string>
#include <string_view>

#include <fmt/format.h>

namespace lockstep::session {
namespace {

constexpr const char* kOff = "off";

/// "test/accuracy:3"
std::optional<train::EarlyStop> early_stop_in(std::string_view text) {
  const auto colon = text.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const auto metric = train::metric_named(text.substr(0, colon));
  const auto digits = text.substr(colon + 1);
  const auto* const end = digits.data() + digits.size();
  std::int64_t patience = 0;
  const auto [rest, error] = std::from_chars(digits.data(), end, patience);
  if (!metric || error != std::errc() || rest != end || patience < 1) return std::nullopt;
  return train::EarlyStop{*metric, patience};
}

/// `parse` gives nothing for a text that is neither kOff nor a value.
template <typename Value, typename Parse, typename Print>
options::Binding optional_binding(std::optional<Value>& target, const std::string& value_name,
                                  const std::string& expected, Parse parse, Print print) {
  return {.value_name = value_name,
          .expected = expected,
          .set =
              [&target, parse](const std::string& text) {
                std::optional<Value> value;
                if (text != kOff) value = parse(text);
                if (!value && text != kOff) return false;
                target = value;
                return true;
              },
          .get = [&target, print]() -> nlohmann::json { return target ? print(*target) : kOff; }};
}

}  // namespace

options::Option keep_best_option(train::OutputOptions& output) {
  return {"keep-best",
          "also keep the checkpoint at which this metric was best: validation/accuracy, "
          "validation/avg_loss, test/accuracy or test/avg_loss (default off)",
          optional_binding(
              output.keep_best, "METRIC", fmt::format("off, or one of {}", train::metric_names()),
              [](const std::string& text) { return train::metric_named(text); },
              [](const train::Metric& metric) { return train::name_of(metric); }),
          Effect::kNothing};
}

options::Option early_stop_option(train::OptimizationOptions& optimization) {
  return {
      "early-stop",
      "end the run after PATIENCE evaluations in a row that do not improve this metric "
      "(default off)",
      optional_binding(
          optimization.early_stop, "METRIC:PATIENCE",
          fmt::format("off, or METRIC:N, where N is an integer of at least 1 and METRIC one of {}",
                      train::metric_names()),
          [](const std::string& text) { return early_stop_in(text); },
          [](const train::EarlyStop& stop) {
            return fmt::format("{}:{}", train::name_of(stop.metric), stop.patience);
          }),
      Effect::kLength};
}

}  // namespace lockstep::session
