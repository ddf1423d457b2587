#include "gnuplot.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sys/wait.h>
#include <system_error>
#include <thread>
#include <vector>

#include <fmt/format.h>

#include <lockstep/base/error.hpp>

#include "replaced.hpp"

namespace lockstep::report {
namespace {

constexpr auto kLimit = std::chrono::seconds(60);
constexpr const char* kProgram = "gnuplot";

/// A folder of this process's own, removed with the object.
class ScratchFolder {
 public:
  ScratchFolder() {
    std::error_code error;
    const auto parent = std::filesystem::temp_directory_path(error);
    if (error) refuse(error.message());
    auto pattern = (parent / "lockstep-plot-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) {
      refuse(fmt::format("{}: {}", parent.string(), system_error_text(errno)));
    }
    path_ = pattern;
  }
  ~ScratchFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  ScratchFolder(ScratchFolder&&) = delete;
  ScratchFolder& operator=(ScratchFolder&&) = delete;

  [[nodiscard]] std::filesystem::path operator/(const char* name) const { return path_ / name; }

 private:
  [[noreturn]] static void refuse(const std::string& reason) {
    throw RuntimeFailure(fmt::format(
        "no temporary folder for plots: {}: set TMPDIR to a folder that can be written to",
        reason));
  }

  std::filesystem::path path_;
};

std::string read_text(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// The exit status as waitpid returns it; -1 if there is none.
int wait_within_limit(pid_t child) {
  const auto start = std::chrono::steady_clock::now();
  int status = -1;
  while (::waitpid(child, &status, WNOHANG) == 0) {
    if (std::chrono::steady_clock::now() - start > kLimit) {
      (void)::kill(child, SIGKILL);
      (void)::waitpid(child, &status, 0);
      return -1;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return status;
}

/// Starts gnuplot with `argument`; its output goes to the two files. Returns its status, or -1.
int run_gnuplot(const std::string& argument, const std::filesystem::path& output,
                const std::filesystem::path& errors) {
  constexpr int kMode = 0600;
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, output.c_str(), O_WRONLY | O_CREAT,
                                     kMode);
  ::posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, errors.c_str(), O_WRONLY | O_CREAT,
                                     kMode);
  std::string name = kProgram;
  std::string given = argument;
  std::array<char*, 3> arguments = {name.data(), given.data(), nullptr};
  pid_t child = 0;
  const int trouble =
      ::posix_spawnp(&child, kProgram, &actions, nullptr, arguments.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  return trouble == 0 ? wait_within_limit(child) : -1;
}

}  // namespace

std::string why_no_gnuplot() {
  try {
    const ScratchFolder folder;
    if (run_gnuplot("--version", folder / "output", folder / "errors") == 0) return {};
    return "no gnuplot on PATH: Debian's package is gnuplot-nox";
  } catch (const RuntimeFailure& failure) {
    return failure.what();
  }
}

std::string draw_svg(const std::string& script, const std::string& prefix) {
  const ScratchFolder folder;
  const auto file = folder / "script.gp";
  std::ofstream(file) << "set terminal svg noenhanced size 720,400 font 'sans-serif,13'\n"
                         "set encoding utf8\n"
                      << script;
  const int status = run_gnuplot(file.string(), folder / "picture.svg", folder / "errors");
  auto picture = read_text(folder / "picture.svg");
  const auto begin = picture.find("<svg");
  if (status != 0 || begin == std::string::npos) {
    auto said = replaced(read_text(folder / "errors"), "\n", " ");
    throw RuntimeFailure(fmt::format("gnuplot could not draw a picture: {}",
                                     said.empty() ? "it says nothing" : said));
  }
  picture.erase(0, begin);
  for (const char* reference : {"id='", "id=\"", "href='#", "href=\"#", "url(#", "url('#"}) {
    picture = replaced(picture, reference, fmt::format("{}{}-", reference, prefix));
  }
  return picture;
}

std::string gnuplot_string(const std::string& text) {
  return fmt::format("'{}'", replaced(replaced(text, "\n", " "), "'", "''"));
}

}  // namespace lockstep::report
