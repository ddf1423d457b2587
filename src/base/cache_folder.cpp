#include <cstdlib>

#include <lockstep/base/cache_folder.hpp>

namespace lockstep {
namespace {

/// Set to nothing counts as not set.
std::filesystem::path path_in(const char* variable) {
  const char* text = std::getenv(variable);  // NOLINT(concurrency-mt-unsafe): nobody sets it
  return text == nullptr ? "" : text;
}

}  // namespace

std::filesystem::path cache_folder() {
  if (auto own = path_in("LOCKSTEP_CACHE_DIR"); !own.empty()) return own;
  if (const auto caches = path_in("XDG_CACHE_HOME"); caches.is_absolute()) {
    return caches / "lockstep";
  }
  const auto home = path_in("HOME");
  return home.empty() ? home : home / ".cache" / "lockstep";
}

}  // namespace lockstep
