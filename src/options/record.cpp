#include <filesystem>
#include <system_error>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <lockstep/base/error.hpp>
#include <lockstep/options/record.hpp>

namespace lockstep::options {

namespace fs = std::filesystem;

std::vector<GivenOption> recorded_options(const OptionTable& table, std::string_view text,
                                          const std::string& path) {
  const auto record = nlohmann::json::parse(text, nullptr, false);
  const auto options =
      record.is_object() ? record.value("options", nlohmann::json()) : nlohmann::json();
  if (!options.is_object() || record.value("schema", nlohmann::json()) != 1) {
    throw UsageError(
        fmt::format("{}: it begins like JSON, but is not a run's config.json: write 'name = "
                    "value', one per line",
                    path));
  }
  std::vector<GivenOption> found;
  std::error_code ignored;
  for (const auto& [recorded, value] : options.items()) {
    const auto name = option_name(recorded);
    const auto typed = typed_text(value);
    const auto* known = find_option(table, name);
    if (known != nullptr && known->scope != Scope::kRun) continue;
    if (value.is_null() || typed.empty()) continue;
    if (recorded == "data_dir" && !fs::exists(typed, ignored)) continue;
    found.push_back({name, typed, path});
  }
  return found;
}

}  // namespace lockstep::options
