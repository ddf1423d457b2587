#include <system_error>

#include <lockstep/base/error.hpp>

namespace lockstep {

std::string system_error_text(int error_number) {
  return std::generic_category().message(error_number);
}

}  // namespace lockstep
