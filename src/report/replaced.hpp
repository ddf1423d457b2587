// Replacing pieces of texts.
#pragma once

#include <string>
#include <string_view>

namespace lockstep::report {

/// `text` with every occurrence of `from`, which is not empty, replaced by `to`.
[[nodiscard]] inline std::string replaced(std::string_view text, std::string_view from,
                                          std::string_view to) {
  std::string result;
  std::size_t begin = 0;
  for (std::size_t at = 0; (at = text.find(from, begin)) != std::string_view::npos;
       begin = at + from.size()) {
    result.append(text.substr(begin, at - begin)).append(to);
  }
  return result.append(text.substr(begin));
}

}  // namespace lockstep::report
