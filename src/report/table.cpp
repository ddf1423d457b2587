#include <algorithm>

#include <fmt/format.h>

#include <lockstep/report/table.hpp>

#include "replaced.hpp"

namespace lockstep::report {
namespace {

/// Counts the characters, not the bytes, of UTF-8.
std::size_t width_of(const std::string& text) {
  constexpr unsigned char kMask = 0xC0;
  constexpr unsigned char kContinuation = 0x80;
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & kMask) != kContinuation;
  }));
}

std::string padded(const std::string& text, std::size_t width, bool left) {
  const std::string spaces(width - width_of(text), ' ');
  return left ? text + spaces : spaces + text;
}

}  // namespace

std::string as_text(const Table& table) {
  std::vector<std::size_t> widths;
  for (std::size_t column = 0; column < table.head.size(); ++column) {
    widths.push_back(width_of(table.head[column]));
    for (const auto& row : table.rows) {
      widths.back() = std::max(widths.back(), width_of(row[column]));
    }
  }
  const auto line = [&](const std::vector<std::string>& cells) {
    std::string text;
    for (std::size_t column = 0; column < cells.size(); ++column) {
      if (column > 0) text += "  ";
      text += padded(cells[column], widths[column], column == 0);
    }
    text.erase(text.find_last_not_of(' ') + 1);
    return text + "\n";
  };
  auto text = line(table.head);
  for (const auto& row : table.rows) text += line(row);
  return text;
}

std::string as_markdown(const Table& table) {
  const auto line = [](const std::vector<std::string>& cells) {
    std::string text = "|";
    for (const auto& cell : cells) text += fmt::format(" {} |", replaced(cell, "|", "\\|"));
    return text + "\n";
  };
  auto text = line(table.head) + "|---|";
  for (std::size_t column = 1; column < table.head.size(); ++column) text += "---:|";
  text += "\n";
  for (const auto& row : table.rows) text += line(row);
  return text;
}

std::string html_escaped(const std::string& text) {
  return replaced(replaced(replaced(replaced(text, "&", "&amp;"), "<", "&lt;"), ">", "&gt;"), "\"",
                  "&quot;");
}

std::string as_html(const Table& table) {
  const auto line = [](const std::vector<std::string>& cells, const char* element) {
    std::string text = "<tr>";
    for (const auto& cell : cells) {
      text += fmt::format("<{0}>{1}</{0}>", element, html_escaped(cell));
    }
    return text + "</tr>\n";
  };
  std::string text =
      fmt::format("<div class=\"table\"><table>\n<thead>{}</thead>\n", line(table.head, "th"));
  for (const auto& row : table.rows) text += line(row, "td");
  return text + "</table></div>\n";
}

}  // namespace lockstep::report
