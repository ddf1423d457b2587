// Failures as messages for people.
#pragma once

#include <exception>
#include <string>

#include <lockstep/base/error.hpp>

namespace lockstep::comm {

/// The code and one-line text of any exception, as a person should read it.
struct Failure {
  ExitCode code = ExitCode::kFailure;
  std::string message;
  Settings settings{};  ///< as Error::settings
};
[[nodiscard]] Failure describe_failure(const std::exception_ptr& failure);

}  // namespace lockstep::comm
