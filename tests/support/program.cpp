#include "program.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <fstream>
#include <iterator>
#include <sstream>
#include <stdexcept>
#include <sys/resource.h>
#include <sys/wait.h>
#include <thread>

#include <fmt/format.h>

#include "temporary_folder.hpp"

namespace lockstep::tests {
namespace {

using Clock = std::chrono::steady_clock;

std::vector<std::string> command_line(const Invocation& invocation) {
  std::vector<std::string> words;
  if (invocation.ranks > 0) {
    words = {LOCKSTEP_MPIRUN, "--oversubscribe", "-np", std::to_string(invocation.ranks)};
  }
  words.emplace_back(invocation.program.empty() ? LOCKSTEP_PROGRAM : invocation.program);
  words.insert(words.end(), invocation.arguments.begin(), invocation.arguments.end());
  return words;
}

/// LOCKSTEP_* variables of whoever runs the tests, but for where the data set lies; and the kernels
/// that OpenBLAS is told to use.
void forget_inherited_options() {
  std::vector<std::string> names;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string name = std::string(*entry).substr(0, std::string(*entry).find('='));
    const bool is_option = name.starts_with("LOCKSTEP_") && name != "LOCKSTEP_DATA_DIR";
    if (is_option || name == "OPENBLAS_CORETYPE") names.push_back(name);
  }
  for (const auto& name : names) ::unsetenv(name.c_str());  // NOLINT(concurrency-mt-unsafe)
}

/// In the child: never returns.
[[noreturn]] void become_program(const Invocation& invocation, std::vector<std::string>& words,
                                 const std::string& out, const std::string& err) {
  ::setpgid(0, 0);
  const int flags = O_WRONLY | O_CREAT | O_TRUNC;
  ::dup2(::open("/dev/null", O_RDONLY), STDIN_FILENO);
  ::dup2(invocation.standard_output >= 0 ? invocation.standard_output
                                         : ::open(out.c_str(), flags, 0600),
         STDOUT_FILENO);
  ::dup2(::open(err.c_str(), flags, 0600), STDERR_FILENO);
  if (::chdir(invocation.folder.c_str()) != 0) ::_exit(126);
  forget_inherited_options();
  for (const auto& [name, value] : invocation.environment) {
    ::setenv(name.c_str(), value.c_str(), 1);  // NOLINT(concurrency-mt-unsafe)
  }
  if (invocation.file_size_limit_bytes > 0) {
    const auto limit = static_cast<rlim_t>(invocation.file_size_limit_bytes);
    const rlimit both = {limit, limit};
    ::setrlimit(RLIMIT_FSIZE, &both);
  }
  // As a terminal's shell starts a program; a script's background jobs ignore SIGINT.
  for (const int number : {SIGINT, SIGHUP, SIGPIPE}) (void)::signal(number, SIG_DFL);
  std::vector<char*> pointers;
  for (auto& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  ::execvp(pointers[0], pointers.data());
  ::_exit(127);
}

bool has_text(const std::string& path, const std::string& text) {
  return read_bytes(path).find(text) != std::string::npos;
}

/// As /proc/PID/stat shows a name.
std::string shown(const std::string& process_name) {
  constexpr std::size_t kShown = 15;
  return fmt::format("({})", process_name.substr(0, kShown));
}

/// Processes of that name that are `parent` or its children.
std::vector<pid_t> ranks_of(pid_t parent, const std::string& name) {
  std::vector<pid_t> ranks;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    std::ifstream file(entry.path() / "stat");
    std::string line;
    if (!std::getline(file, line) || line.find(name) == std::string::npos) continue;
    std::istringstream rest(line.substr(line.rfind(')') + 1));
    char state = 0;
    pid_t its_parent = 0;
    rest >> state >> its_parent;
    const pid_t process = std::stoi(entry.path().filename().string());
    if (its_parent == parent || process == parent) ranks.push_back(process);
  }
  return ranks;
}

bool is_running(pid_t process, const std::string& name) {
  std::ifstream file("/proc/" + std::to_string(process) + "/stat");
  std::string line;
  if (!std::getline(file, line)) return false;
  const char state = line[std::min(line.rfind(')') + 2, line.size() - 1)];
  return state != 'Z' && line.find(name) != std::string::npos;
}

/// How many of `processes` still run after a moment's grace.
int count_left(const std::vector<pid_t>& processes, const std::string& name) {
  constexpr auto kGrace = std::chrono::seconds(2);
  const auto deadline = Clock::now() + kGrace;
  while (true) {
    const auto left = std::count_if(processes.begin(), processes.end(),
                                    [&](pid_t process) { return is_running(process, name); });
    if (left == 0 || Clock::now() > deadline) return static_cast<int>(left);
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

}  // namespace

std::vector<std::string> Outcome::errors() const {
  std::vector<std::string> lines;
  std::istringstream stream(standard_error);
  for (std::string line; std::getline(stream, line);) {
    if (line.starts_with("lockstep: error: ")) lines.push_back(line);
  }
  return lines;
}

Outcome run_program(const Invocation& invocation) {
  const TemporaryFolder scratch;
  const auto out = (scratch / "out").string();
  const auto err = (scratch / "err").string();
  auto words = command_line(invocation);
  const auto name = shown(invocation.process_name);
  const pid_t child = ::fork();
  if (child < 0) throw std::runtime_error("fork failed");
  if (child == 0) become_program(invocation, words, out, err);

  Outcome outcome;
  const bool by_text = !invocation.signal_after_text.empty();
  const auto deadline = Clock::now() + std::chrono::seconds(invocation.timeout_seconds);
  bool signalled = invocation.signal_after_first_line == 0 && !invocation.at_signal;
  bool signalled_again = invocation.second_signal_delay_ms == 0;
  std::vector<pid_t> ranks;
  std::vector<pid_t> targets;
  auto signalled_at = Clock::now();
  int status = 0;
  while (::waitpid(child, &status, WNOHANG) == 0) {
    if (!signalled &&
        has_text(by_text ? err : out, by_text ? invocation.signal_after_text : "\n")) {
      std::this_thread::sleep_for(std::chrono::milliseconds(invocation.signal_delay_ms));
      ranks = ranks_of(child, name);
      targets = ranks;
      if (invocation.signal_target == SignalTarget::kLauncher) targets = {child};
      if (invocation.signal_target == SignalTarget::kOneRank && !targets.empty()) {
        targets = {targets[static_cast<std::size_t>(invocation.signalled_rank) % targets.size()]};
      }
      if (invocation.at_signal) {
        invocation.at_signal();
      } else {
        for (const pid_t target : targets) ::kill(target, invocation.signal_after_first_line);
      }
      outcome.signalled.assign(targets.begin(), targets.end());
      signalled_at = Clock::now();
      signalled = true;
    }
    const auto since_signal = Clock::now() - signalled_at;
    if (signalled && !signalled_again &&
        since_signal > std::chrono::milliseconds(invocation.second_signal_delay_ms)) {
      for (const pid_t target : targets) ::kill(target, invocation.signal_after_first_line);
      signalled_again = true;
    }
    if (Clock::now() > deadline) {
      outcome.timed_out = true;
      ::kill(-child, SIGKILL);
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  outcome.exit_code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  outcome.seconds_after_signal = std::chrono::duration<double>(Clock::now() - signalled_at).count();
  outcome.ranks_left = count_left(ranks, name);
  outcome.standard_output = read_bytes(out);
  outcome.standard_error = read_bytes(err);
  return outcome;
}

std::vector<std::string> words(const std::string& text) {
  std::istringstream stream(text);
  return {std::istream_iterator<std::string>(stream), {}};
}

std::vector<nlohmann::json> read_events(const std::filesystem::path& run_folder,
                                        const std::string& kind) {
  std::vector<nlohmann::json> events;
  std::ifstream file(run_folder / "metrics.jsonl");
  for (std::string line; std::getline(file, line);) {
    auto event = nlohmann::json::parse(line);
    if (event.at("event") == kind) events.push_back(std::move(event));
  }
  return events;
}

}  // namespace lockstep::tests
