#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <lockstep/data/spec_json.hpp>

namespace lockstep::data {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::array<std::pair<const char*, torch::ScalarType>, 10> kTypeNames = {
    {{"uint8", torch::kUInt8},
     {"bool", torch::kBool},
     {"bfloat16", torch::kBFloat16},
     {"int8", torch::kInt8},
     {"int16", torch::kInt16},
     {"int32", torch::kInt32},
     {"int64", torch::kInt64},
     {"float16", torch::kFloat16},
     {"float32", torch::kFloat32},
     {"float64", torch::kFloat64}}};

constexpr std::int64_t kMaxElements = std::int64_t{1} << 40U;

/// True if the product of the dimensions is a number of elements that could be.
bool is_shape(const std::vector<std::int64_t>& shape) {
  std::int64_t elements = 1;
  for (const auto size : shape) {
    if (size < 1 || size > kMaxElements / elements) return false;
    elements *= size;
  }
  return true;
}

bool is_per_channel(const std::vector<double>& numbers, const std::vector<std::int64_t>& shape) {
  const bool fits = numbers.empty() ||
                    (!shape.empty() && static_cast<std::int64_t>(numbers.size()) == shape.front());
  return fits && std::all_of(numbers.begin(), numbers.end(),
                             [](double number) { return std::isfinite(number); });
}

bool makes_sense(const SampleSpec& spec) {
  const auto& [shape, type, stays_integer, divisor, mean, deviation] = spec.input;
  if (stays_integer && !torch::isIntegralType(type, false)) return false;
  if (!is_shape(shape) || !std::isfinite(divisor) || divisor == 0) return false;
  if (!is_per_channel(mean, shape) || !is_per_channel(deviation, shape)) return false;
  if (std::count(deviation.begin(), deviation.end(), 0.0) != 0) return false;
  if (const auto* numbers = std::get_if<NumberTarget>(&spec.target))
    return is_shape(numbers->shape);
  const auto& [classes, names] = std::get<ClassTarget>(spec.target);
  const bool all_named = static_cast<std::int64_t>(names.size()) == classes;
  return classes >= 1 && classes <= kMaxElements && (names.empty() || all_named);
}

SampleSpec read_spec(const Json& document) {
  const auto& input = document.at("input");
  const auto type = std::find_if(kTypeNames.begin(), kTypeNames.end(), [&](const auto& entry) {
    return input.at("type").get<std::string>() == entry.first;
  });
  SampleSpec spec{.input = {.shape = input.at("shape"),
                            .element_type = type == kTypeNames.end() ? torch::ScalarType::Undefined
                                                                     : type->second,
                            .stays_integer = input.at("stays_integer"),
                            .divisor = input.at("divisor"),
                            .mean = input.at("mean"),
                            .deviation = input.at("deviation")}};
  const auto& target = document.at("target");
  if (target.contains("shape")) {
    spec.target = NumberTarget{.shape = target.at("shape")};
  } else {
    spec.target = ClassTarget{.classes = target.at("classes"), .names = target.at("names")};
  }
  return spec;
}

}  // namespace

Json to_json(const SampleSpec& spec) {
  const auto* const type =
      std::find_if(kTypeNames.begin(), kTypeNames.end(),
                   [&](const auto& entry) { return entry.second == spec.input.element_type; });
  Json document = {{"input",
                    {{"shape", spec.input.shape},
                     {"type", type == kTypeNames.end() ? "unknown" : type->first},
                     {"stays_integer", spec.input.stays_integer},
                     {"divisor", spec.input.divisor},
                     {"mean", spec.input.mean},
                     {"deviation", spec.input.deviation}}}};
  if (const auto* classes = std::get_if<ClassTarget>(&spec.target)) {
    document["target"] = {{"classes", classes->classes}, {"names", classes->names}};
  } else {
    document["target"] = {{"shape", spec.target_shape()}};
  }
  return document;
}

std::optional<SampleSpec> spec_from_json(const Json& document) {
  try {
    auto spec = read_spec(document);
    if (spec.input.element_type == torch::ScalarType::Undefined || !makes_sense(spec)) return {};
    return spec;
  } catch (const nlohmann::json::exception&) {
    return {};
  }
}

std::string describe(const SampleSpec& spec) {
  const auto inputs = fmt::format("inputs [{}]", fmt::join(spec.input.shape, ", "));
  if (std::holds_alternative<ClassTarget>(spec.target)) {
    return fmt::format("{} and {} classes", inputs, spec.outputs());
  }
  return fmt::format("{} and targets [{}]", inputs, fmt::join(spec.target_shape(), ", "));
}

}  // namespace lockstep::data
