#include <lockstep/base/json_text.hpp>

namespace lockstep {

std::string json_line(const nlohmann::ordered_json& value) {
  constexpr int kOneLine = -1;
  return value.dump(kOneLine, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

std::string json_document(const nlohmann::ordered_json& value) {
  constexpr int kIndentation = 2;
  return value.dump(kIndentation, ' ', false, nlohmann::ordered_json::error_handler_t::replace) +
         '\n';
}

}  // namespace lockstep
