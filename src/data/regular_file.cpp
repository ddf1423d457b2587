#include "regular_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <sys/stat.h>
#include <utility>

#include <fmt/format.h>

#include <lockstep/base/error.hpp>

namespace lockstep::data {

RegularFile::RegularFile(std::filesystem::path path)
    : path_(std::move(path)),
      descriptor_(::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)) {
  if (descriptor_.get() < 0) {
    throw DataError(fmt::format("cannot open {}: {}", path_.string(), system_error_text(errno)));
  }
  struct stat status = {};
  if (::fstat(descriptor_.get(), &status) != 0 || !S_ISREG(status.st_mode)) {
    throw DataError(fmt::format("{} is not a file", path_.string()));
  }
  size_ = status.st_size;
}

void RegularFile::read(std::int64_t offset, std::span<std::byte> destination) const {
  while (!destination.empty()) {
    const auto got =
        ::pread(descriptor_.get(), destination.data(), destination.size(), off_t{offset});
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      throw DataError(fmt::format("cannot read {}: {}", path_.string(), system_error_text(errno)));
    }
    if (got == 0) {
      throw DataError(
          fmt::format("{}: it ends at byte {}: it became shorter", path_.string(), offset));
    }
    offset += got;
    destination = destination.subspan(static_cast<std::size_t>(got));
  }
}

}  // namespace lockstep::data
