#include <cstdlib>
#include <new>
#include <string_view>

#include <fmt/format.h>

#include <lockstep/base/log.hpp>
#include <lockstep/comm/failure.hpp>

namespace lockstep::comm {
namespace {

Failure out_of_memory() {
  return {ExitCode::kFailure,
          "out of memory: use smaller batches or a smaller network, or start fewer ranks per host",
          {"batch_size", "test_batch_size"}};
}

bool backtrace_wanted() {
  const char* value = std::getenv("LOCKSTEP_BACKTRACE");  // NOLINT(concurrency-mt-unsafe)
  return value != nullptr && std::string_view(value) == "1";
}

}  // namespace

Failure describe_failure(const std::exception_ptr& failure) {
  try {
    std::rethrow_exception(failure);
  } catch (const Error& error) {
    return {error.code(), one_line(error.what()), error.settings()};
  } catch (const std::bad_alloc&) {
    return out_of_memory();
  } catch (const std::exception& error) {
    // LibTorch adds a stack trace after the first line.
    const std::string_view text(error.what());
    if (is_about_memory(text)) return out_of_memory();
    const auto shown = backtrace_wanted() ? text : text.substr(0, text.find('\n'));
    return {ExitCode::kFailure,
            fmt::format("unexpected failure: {}{}", shown,
                        backtrace_wanted() ? "" : " (LOCKSTEP_BACKTRACE=1 shows where)")};
  } catch (...) {
    return {ExitCode::kFailure, "unexpected failure: what was thrown is not a std::exception"};
  }
}

}  // namespace lockstep::comm
