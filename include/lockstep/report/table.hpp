// A table of texts, for a terminal, a Markdown document or a page.
#pragma once

#include <string>
#include <vector>

namespace lockstep::report {

struct Table {
  std::vector<std::string> head;
  std::vector<std::vector<std::string>> rows;  ///< as long as the head
};

/// Columns as wide as their widest cell, the first to the left, the others to the right.
[[nodiscard]] std::string as_text(const Table& table);
[[nodiscard]] std::string as_markdown(const Table& table);
[[nodiscard]] std::string as_html(const Table& table);

/// `text` for the content of an HTML element.
[[nodiscard]] std::string html_escaped(const std::string& text);

}  // namespace lockstep::report
