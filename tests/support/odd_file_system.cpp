// To be preloaded: a file system that lacks what many lack. ODD_SYMLINK_ERRNO: symlink fails with
// that number. ODD_FOLDER_SYNC_ERRNO: fsync of a folder does.
#include <dlfcn.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <sys/stat.h>

namespace {

/// The number in the environment variable `name`; 0 without it.
int number_in(const char* name) {
  const char* const text = ::getenv(name);  // NOLINT(concurrency-mt-unsafe): nobody sets variables
  return text == nullptr ? 0 : std::atoi(text);  // NOLINT(cert-err34-c): of tests alone
}

template <typename Function>
Function original(const char* name) {
  return reinterpret_cast<Function>(::dlsym(RTLD_NEXT, name));  // NOLINT(*-reinterpret-cast)
}

bool is_folder(int descriptor) {
  struct stat status = {};
  return ::fstat(descriptor, &status) == 0 && S_ISDIR(status.st_mode);
}

}  // namespace

extern "C" int symlink(const char* target, const char* path) {
  if (const int reason = number_in("ODD_SYMLINK_ERRNO")) {
    errno = reason;
    return -1;
  }
  return original<int (*)(const char*, const char*)>("symlink")(target, path);
}

extern "C" int fsync(int descriptor) {
  if (const int reason = number_in("ODD_FOLDER_SYNC_ERRNO"); reason != 0 && is_folder(descriptor)) {
    errno = reason;
    return -1;
  }
  return original<int (*)(int)>("fsync")(descriptor);
}
