// The user's terminal, and a changing line at its bottom.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <lockstep/base/file.hpp>

namespace lockstep {

/// Moves to the first column and erases the line there (ECMA-48: EL).
inline constexpr std::string_view kEraseLine = "\r\x1b[K";

/// The value of TERM; empty if it is not set.
[[nodiscard]] std::string terminal_kind();

/// A terminal, opened separately: writing to it never waits, and fails silently.
class Terminal {
 public:
  /// The terminal where this process's standard error ends up: its own, or that of its parent
  /// mpirun, which passes its output on. Nothing if that is a file or a pipe, or if TERM is unset
  /// or "dumb".
  [[nodiscard]] static std::optional<Terminal> behind_standard_error();
  /// This process's standard error, whatever it is.
  [[nodiscard]] static std::optional<Terminal> standard_error();

  /// The current width; 80 if it is unknown.
  [[nodiscard]] int columns() const;
  void write(std::string_view text) const noexcept;

 private:
  explicit Terminal(FileDescriptor file) : file_(std::move(file)) {}

  FileDescriptor file_;
};

/// One line of text that is replaced again and again. The cursor stays in its first column, so that
/// other output begins there. Cleared on destruction. One thread.
class StatusLine {
 public:
  explicit StatusLine(Terminal terminal) : terminal_(std::move(terminal)) {}
  StatusLine(const StatusLine&) = delete;
  StatusLine& operator=(const StatusLine&) = delete;
  StatusLine(StatusLine&&) = delete;
  StatusLine& operator=(StatusLine&&) = delete;
  ~StatusLine() { clear(); }

  [[nodiscard]] int columns() const { return terminal_.columns(); }
  /// Shows `text`, in ASCII, cut to the width of the terminal.
  void show(std::string_view text);
  void clear();

 private:
  Terminal terminal_;
  bool shown_ = false;
};

}  // namespace lockstep
