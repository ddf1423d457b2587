#include "own_descriptor.hpp"

#include <unistd.h>

#include <charconv>
#include <string>
#include <string_view>

namespace lockstep {

std::optional<int> own_descriptor(const std::filesystem::path& path) {
  const auto text = path.lexically_normal().string();
  if (text == "/dev/stdin") return STDIN_FILENO;
  if (text == "/dev/stdout") return STDOUT_FILENO;
  if (text == "/dev/stderr") return STDERR_FILENO;
  for (const std::string_view folder : {"/dev/fd/", "/proc/self/fd/"}) {
    if (!text.starts_with(folder)) continue;
    const auto* const end = text.data() + text.size();
    int descriptor = -1;
    const auto [rest, error] = std::from_chars(text.data() + folder.size(), end, descriptor);
    if (error == std::errc() && rest == end && descriptor >= 0) return descriptor;
  }
  return std::nullopt;
}

}  // namespace lockstep
