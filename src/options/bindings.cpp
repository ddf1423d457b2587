#include <charconv>
#include <cmath>
#include <sstream>

#include <fmt/format.h>

#include <lockstep/options/bindings.hpp>

namespace lockstep::options {
namespace {

/// The whole of `text` as a number, or nothing.
template <typename Number>
std::optional<Number> parsed(const std::string& text) {
  Number value{};
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || rest != end) return std::nullopt;
  return value;
}

std::string describe_range(std::int64_t least, std::int64_t most) {
  if (most == kNoLimit) return fmt::format("an integer of at least {}", least);
  return fmt::format("an integer from {} to {}", least, most);
}

template <typename Target, typename Accepts>
Binding number_binding(Target& target, const std::string& expected, Accepts accepts) {
  return {.value_name = "X",
          .expected = expected,
          .set =
              [&target, accepts](const std::string& text) {
                const auto value = parsed<double>(text);
                if (!value || !std::isfinite(*value) || !accepts(*value)) return false;
                target = *value;
                return true;
              },
          .get = nullptr};
}

template <typename Integer, typename Target>
Binding integer_binding(Target& target, Integer least, Integer most, const std::string& expected) {
  return {.value_name = "N",
          .expected = expected,
          .set =
              [&target, least, most](const std::string& text) {
                const auto value = parsed<Integer>(text);
                if (!value || *value < least || *value > most) return false;
                target = *value;
                return true;
              },
          .get = nullptr};
}

template <typename Target>
nlohmann::json value_or_null(const std::optional<Target>& target) {
  return target ? nlohmann::json(*target) : nlohmann::json(nullptr);
}

constexpr const char* kNonNegative = "a number of at least 0";
constexpr auto kLargestSeed = std::numeric_limits<std::uint64_t>::max() / 2;

}  // namespace

Binding integer(std::int64_t& target, std::int64_t least, std::int64_t most) {
  auto binding = integer_binding<std::int64_t>(target, least, most, describe_range(least, most));
  binding.get = [&target]() -> nlohmann::json { return target; };
  return binding;
}

Binding integer(std::optional<std::int64_t>& target, std::int64_t least, std::int64_t most) {
  auto binding = integer_binding<std::int64_t>(target, least, most, describe_range(least, most));
  binding.get = [&target] { return value_or_null(target); };
  return binding;
}

Binding byte_size(std::int64_t& target, std::int64_t least, std::int64_t most) {
  return {.value_name = "BYTES",
          .expected =
              fmt::format("a number of bytes from {} to {} (K, M or G may follow)", least, most),
          .set =
              [&target, least, most](const std::string& text) {
                constexpr std::string_view kUnits = "KMG";
                const auto unit = text.empty() ? std::string_view::npos : kUnits.find(text.back());
                const bool has_unit = unit != std::string_view::npos;
                const auto number =
                    parsed<std::int64_t>(has_unit ? text.substr(0, text.size() - 1) : text);
                const auto shift = has_unit ? 10 * (unit + 1) : 0;
                if (!number || *number < 0 || *number > (most >> shift)) return false;
                if ((*number << shift) < least) return false;
                target = *number << shift;
                return true;
              },
          .get = [&target]() -> nlohmann::json { return target; }};
}

Binding seed(std::uint64_t& target) {
  auto binding =
      integer_binding<std::uint64_t>(target, 0, kLargestSeed, "an integer from 0 to 2^63 − 1");
  binding.get = [&target]() -> nlohmann::json { return target; };
  return binding;
}

Binding seed(std::optional<std::uint64_t>& target) {
  auto binding =
      integer_binding<std::uint64_t>(target, 0, kLargestSeed, "an integer from 0 to 2^63 − 1");
  binding.get = [&target] { return value_or_null(target); };
  return binding;
}

Binding non_negative_number(double& target) {
  auto binding = number_binding(target, kNonNegative, [](double value) { return value >= 0; });
  binding.get = [&target]() -> nlohmann::json { return target; };
  return binding;
}

Binding non_negative_number(std::optional<double>& target) {
  auto binding = number_binding(target, kNonNegative, [](double value) { return value >= 0; });
  binding.get = [&target] { return value_or_null(target); };
  return binding;
}

Binding positive_number(double& target) {
  auto binding = number_binding(target, "a number above 0", [](double value) { return value > 0; });
  binding.get = [&target]() -> nlohmann::json { return target; };
  return binding;
}

Binding fraction(double& target) {
  auto binding = number_binding(target, "a number of at least 0 and below 1",
                                [](double value) { return value >= 0 && value < 1; });
  binding.get = [&target]() -> nlohmann::json { return target; };
  return binding;
}

Binding text(std::string& target, const std::string& value_name) {
  return {.value_name = value_name,
          .expected = "a text that is not empty",
          .set =
              [&target](const std::string& value) {
                if (value.empty()) return false;
                target = value;
                return true;
              },
          .get = [&target]() -> nlohmann::json { return target; }};
}

Binding path(std::string& target, const std::string& value_name) {
  auto binding = text(target, value_name);
  binding.is_path = true;
  return binding;
}

Binding on_off(bool& target) {
  auto binding = choice<bool>(target, {{"on", true}, {"off", false}});
  binding.get = [&target]() -> nlohmann::json { return target; };
  return binding;
}

Binding flag(bool& target) {
  auto binding = on_off(target);
  binding.value_name.clear();
  return binding;
}

Binding integers(std::vector<std::int64_t>& target, std::int64_t least, std::int64_t most) {
  return {.value_name = "N,N,...",
          .expected = fmt::format("comma-separated integers from {} to {}", least, most),
          .set =
              [&target, least, most](const std::string& text) {
                std::vector<std::int64_t> values;
                std::istringstream stream(text + ",");
                for (std::string item; std::getline(stream, item, ',');) {
                  const auto value = parsed<std::int64_t>(item);
                  if (!value || *value < least || *value > most) return false;
                  values.push_back(*value);
                }
                target = values;
                return true;
              },
          .get = [&target]() -> nlohmann::json { return target; }};
}

}  // namespace lockstep::options
