// Running the real program, alone or under mpirun, and looking at what it did.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace lockstep::tests {

struct Outcome {
  int exit_code = 0;  ///< 128 + n if a signal n ended it
  bool timed_out = false;
  std::string standard_output;
  std::string standard_error;

  int ranks_left = 0;            ///< processes of the program that outlived it
  std::vector<int> signalled{};  ///< process ids that a signal was sent to
  double seconds_after_signal = 0;

  /// Lines of standard error that say "lockstep: error: ".
  [[nodiscard]] std::vector<std::string> errors() const;
};

enum class SignalTarget { kAllRanks, kOneRank, kLauncher };

struct Invocation {
  std::vector<std::string> arguments;                ///< behind the program's name
  std::string program{};                             ///< empty: lockstep
  std::string process_name = "lockstep";             ///< of the ranks
  int ranks = 0;                                     ///< 0: without mpirun
  std::map<std::string, std::string> environment{};  ///< added to this process's
  std::filesystem::path folder = ".";                ///< working directory
  int timeout_seconds = 100;
  int signal_after_first_line = 0;  ///< sent once standard output has a line
  SignalTarget signal_target = SignalTarget::kAllRanks;
  int signalled_rank = 1;   ///< kOneRank's, counted by process id: that of the ranks, as a rule
  int signal_delay_ms = 0;  ///< after that line
  std::string signal_after_text{};    ///< sent once standard error has this text instead
  int second_signal_delay_ms = 0;     ///< sent once more, so long after the first; 0: it is not
  std::function<void()> at_signal{};  ///< called in its place, if there is one
  std::int64_t file_size_limit_bytes = 0;  ///< RLIMIT_FSIZE of the program; 0: none
  int standard_output = -1;  ///< a descriptor that it gets instead of one whose text is collected
};

[[nodiscard]] Outcome run_program(const Invocation& invocation);

/// The words of a shell command.
[[nodiscard]] std::vector<std::string> words(const std::string& text);

/// The events of a run's metrics.jsonl of one kind ("train", "test", …).
[[nodiscard]] std::vector<nlohmann::json> read_events(const std::filesystem::path& run_folder,
                                                      const std::string& kind);

}  // namespace lockstep::tests
