// Turns signals that mean "stop" into a request to stop at the end of a step.
#pragma once

#include <chrono>

namespace lockstep::runtime {

/// Tells whether a long computation should end early.
class StopSource {
 public:
  StopSource() = default;
  virtual ~StopSource() = default;
  StopSource(const StopSource&) = delete;
  StopSource& operator=(const StopSource&) = delete;
  StopSource(StopSource&&) = delete;
  StopSource& operator=(StopSource&&) = delete;

  /// A caller that gets true is going to stop. Any thread.
  [[nodiscard]] virtual bool wanted() const noexcept = 0;
};

/// While one exists, the signals by which people and batch systems ask a process to stop set a flag
/// instead of ending it: SIGTERM, SIGINT, SIGUSR1, SIGUSR2, SIGHUP (unless it is ignored, as under
/// nohup), SIGXCPU, SIGPWR and SIGALRM. Destruction restores the former handlers, unless a signal
/// came in. One at a time.
///
/// The process ends at once, by the signal's default action, on a SIGINT that follows another of
/// these signals, and on a SIGTERM that comes `kSecondSigterm` or more after the first: Slurm may
/// deliver one twice. If nobody calls `wanted` within the time given to `set_patience`, the process
/// ends with exit code 1 and says so.
class StopRequest final : public StopSource {
 public:
  static constexpr std::chrono::seconds kSecondSigterm{5};

  StopRequest();
  ~StopRequest() override;
  StopRequest(const StopRequest&) = delete;
  StopRequest& operator=(const StopRequest&) = delete;
  StopRequest(StopRequest&&) = delete;
  StopRequest& operator=(StopRequest&&) = delete;

  /// How long a signal may wait for a call of `wanted`; a minute by default. Rounded up to whole
  /// seconds. Any thread.
  void set_patience(std::chrono::duration<double> patience) noexcept;

  /// Whether a signal came in since construction.
  [[nodiscard]] bool wanted() const noexcept override;
};

/// For a process that is about to end with its own exit code, as all its peers are: from now on the
/// signals of a StopRequest do nothing. A launcher sends SIGTERM as soon as the first rank has
/// ended (srun --kill-on-bad-exit, mpirun), and that must not replace the exit code.
void leave_by_exit_code() noexcept;

/// From now on these signals end the process, as they do without a StopRequest.
void end_by_signals() noexcept;

}  // namespace lockstep::runtime
