// SIGTERM, SIGINT and SIGUSR1 as a wish to stop at the end of a step.
#pragma once

namespace lockstep::runtime {

/// While one exists, SIGTERM, SIGINT and SIGUSR1 set a flag instead of ending the process; a SIGINT
/// that follows another of them ends it at once. The former handlers come back on destruction, unless
/// a signal came in. One at a time.
class StopRequest {
 public:
  StopRequest();
  ~StopRequest();
  StopRequest(const StopRequest&) = delete;
  StopRequest& operator=(const StopRequest&) = delete;
  StopRequest(StopRequest&&) = delete;
  StopRequest& operator=(StopRequest&&) = delete;

  /// The signal that came in since construction, or 0. Any thread.
  [[nodiscard]] int signal() const noexcept;
};

}  // namespace lockstep::runtime
