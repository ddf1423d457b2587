// SIGTERM, SIGINT and SIGUSR1 as a wish to stop at the end of a step.
#pragma once

namespace lockstep::runtime {

/// While one exists, SIGTERM, SIGINT and SIGUSR1 set a flag instead of ending the process; a SIGINT
/// that follows another of them ends it at once. The former handlers come back on destruction,
/// unless a signal came in. One at a time.
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

/// This process is about to end with an exit code of its own, as all its peers are: from now on
/// SIGTERM, SIGINT and SIGUSR1 do nothing. A launcher sends SIGTERM as soon as the first rank has
/// ended (srun --kill-on-bad-exit, mpirun), and that must not take the code's place.
void leave_by_exit_code() noexcept;

}  // namespace lockstep::runtime
