// The terminal that the person looks at, and a line at its bottom that changes.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <lockstep/base/file.hpp>

namespace lockstep {

/// Goes to the first column and takes the line away that stands there (ECMA-48: EL).
inline constexpr std::string_view kEraseLine = "\r\x1b[K";

/// What TERM says; empty if nothing.
[[nodiscard]] std::string terminal_kind();

/// A terminal, opened for itself: writing to it never waits, and fails in silence.
class Terminal {
 public:
  /// Where this process's standard error ends up: its own terminal, or that of an mpirun that is
  /// its parent and passes its output on. Nothing if that is a file or a pipe, or TERM is unset or
  /// "dumb".
  [[nodiscard]] static std::optional<Terminal> behind_standard_error();
  /// This process's standard error, whatever it is.
  [[nodiscard]] static std::optional<Terminal> standard_error();

  /// Its width now; 80 where that cannot be had.
  [[nodiscard]] int columns() const;
  void write(std::string_view text) const noexcept;

 private:
  explicit Terminal(FileDescriptor file) : file_(std::move(file)) {}

  FileDescriptor file_;
};

/// One line of text that is replaced again and again. The cursor stands in its first column, so
/// that what others write begins there. Cleared on destruction. One thread.
class StatusLine {
 public:
  explicit StatusLine(Terminal terminal) : terminal_(std::move(terminal)) {}
  StatusLine(const StatusLine&) = delete;
  StatusLine& operator=(const StatusLine&) = delete;
  StatusLine(StatusLine&&) = delete;
  StatusLine& operator=(StatusLine&&) = delete;
  ~StatusLine() { clear(); }

  [[nodiscard]] int columns() const { return terminal_.columns(); }
  /// `text` in ASCII, cut where the terminal ends.
  void show(std::string_view text);
  void clear();

 private:
  Terminal terminal_;
  bool shown_ = false;
};

}  // namespace lockstep
