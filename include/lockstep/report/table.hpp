// A table of texts, for a terminal, a Markdown document or a page.
#pragma once

#include <string>
#include <vector>

namespace lockstep::report {

struct Table {
  std::vector<std::string> head;
  std::vector<std::vector<std::string>> rows;  ///< each as long as the head
};

/// Columns are as wide as their widest cell; the first is left-aligned, the others right-aligned.
[[nodiscard]] std::string as_text(const Table& table);
[[nodiscard]] std::string as_markdown(const Table& table);
[[nodiscard]] std::string as_html(const Table& table);

/// `text`, escaped for the content of an HTML element.
[[nodiscard]] std::string html_escaped(const std::string& text);

}  // namespace lockstep::report
