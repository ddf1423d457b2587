#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <string>
#include <sys/mman.h>
#include <sys/stat.h>
#include <utility>

#include <fmt/format.h>

#include <lockstep/base/error.hpp>
#include <lockstep/base/file.hpp>
#include <lockstep/data/mapped_file.hpp>

namespace lockstep::data {
namespace {

[[noreturn]] void refuse_file(const std::filesystem::path& path, const std::string& why) {
  throw DataError(fmt::format("{}: {}", path.string(), why));
}

}  // namespace

MappedFile::MappedFile(const std::filesystem::path& path, std::size_t offset, std::size_t bytes) {
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat status = {};
  if (file.get() < 0 || ::fstat(file.get(), &status) != 0) {
    refuse_file(path, fmt::format("cannot be read: {}", system_error_text(errno)));
  }
  if (!S_ISREG(status.st_mode)) refuse_file(path, "it is not a file");
  const auto length = static_cast<std::size_t>(status.st_size);
  if (bytes > length || offset > length - bytes) {
    refuse_file(path, fmt::format("it has {} bytes and should have {}", length, offset + bytes));
  }
  void* const address = ::mmap(nullptr, offset + bytes, PROT_READ, MAP_SHARED, file.get(), 0);
  if (address == MAP_FAILED) {
    refuse_file(path, fmt::format("cannot be mapped: {}", system_error_text(errno)));
  }
  mapping_ = {static_cast<std::byte*>(address), offset + bytes};
  bytes_ = mapping_.subspan(offset);
  // Samples are read in random order: pages around them would be read in vain.
  (void)::madvise(address, mapping_.size(), MADV_RANDOM);
}

MappedFile::~MappedFile() {
  if (!mapping_.empty()) ::munmap(mapping_.data(), mapping_.size());
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : mapping_(std::exchange(other.mapping_, {})), bytes_(std::exchange(other.bytes_, {})) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(mapping_, other.mapping_);
  std::swap(bytes_, other.bytes_);
  return *this;
}

void will_need(std::span<const std::byte> bytes) noexcept {
  static const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  const auto address = reinterpret_cast<std::uintptr_t>(bytes.data());
  const auto first = address / page * page;
  (void)::madvise(reinterpret_cast<void*>(first), address + bytes.size() - first, MADV_WILLNEED);
}

}  // namespace lockstep::data
