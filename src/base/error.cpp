#include <system_error>

#include <lockstep/base/error.hpp>

namespace lockstep {

bool is_about_memory(std::string_view text) {
  return text.find("allocate memory") != std::string_view::npos ||
         text.find("out of memory") != std::string_view::npos;
}

std::string system_error_text(int error_number) {
  return std::generic_category().message(error_number);
}

}  // namespace lockstep
