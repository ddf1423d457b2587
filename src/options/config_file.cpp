#include <algorithm>
#include <cstddef>

#include <fmt/format.h>

#include <lockstep/base/error.hpp>
#include <lockstep/options/config_file.hpp>
#include <lockstep/options/record.hpp>

namespace lockstep::options {
namespace {

constexpr std::string_view kBlank = " \t\r\v\f";
constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

std::string_view trimmed(std::string_view text) {
  const auto begin = text.find_first_not_of(kBlank);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlank) - begin + 1);
}

bool is_blank(char character) {
  return kBlank.find(character) != std::string_view::npos;
}

/// `text` up to a # that begins a comment.
std::string_view without_comment(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '#' && (i == 0 || is_blank(text[i - 1]))) return text.substr(0, i);
  }
  return text;
}

/// What follows the `=`; quotes may enclose it as a whole.
std::string_view value_of(std::string_view text) {
  const auto inside = trimmed(text);
  if (!inside.empty() && (inside.front() == '"' || inside.front() == '\'')) {
    const auto end = inside.find(inside.front(), 1);
    if (end != std::string_view::npos && trimmed(without_comment(inside.substr(end + 1))).empty()) {
      return inside.substr(1, end - 1);
    }
  }
  return trimmed(without_comment(text));
}

[[noreturn]] void refuse_line(const std::string& source, std::string_view name) {
  throw UsageError(fmt::format(
      "{}: '{}' has no value: write 'name = value', one per line ('{} = on' for a switch)", source,
      name, name));
}

void refuse_other_encodings(std::string_view text, const std::string& path) {
  if (text.find('\0') == std::string_view::npos) return;
  throw UsageError(
      fmt::format("{}: not a text in UTF-8 (it contains zero bytes, as UTF-16 does): save it as "
                  "plain text in UTF-8",
                  path));
}

}  // namespace

std::vector<GivenOption> parse_config_file(const OptionTable& table, std::string_view text,
                                           const std::string& path) {
  refuse_other_encodings(text, path);
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first != std::string_view::npos && text[first] == '{')
    return recorded_options(table, text, path);

  std::vector<GivenOption> options;
  for (int number = 1; !text.empty(); ++number) {
    const auto line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    const auto content = trimmed(without_comment(line));
    if (content.empty()) continue;
    const auto source = fmt::format("{}:{}", path, number);
    const auto equals = line.find('=');
    const auto name = std::string(trimmed(line.substr(0, equals)));
    if (equals == std::string_view::npos || content.find('=') == std::string_view::npos) {
      refuse_line(source, content);
    }
    for (const auto& other : options) {
      if (other.name == name) {
        throw UsageError(
            fmt::format("{}: '{}' is set twice: first in {}", source, name, other.source));
      }
    }
    options.push_back({name, std::string(value_of(line.substr(equals + 1))), source});
  }
  return options;
}

}  // namespace lockstep::options
