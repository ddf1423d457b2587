#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <sys/mman.h>
#include <utility>

#include <fmt/format.h>

#include <lockstep/base/error.hpp>
#include <lockstep/data/mapped_file.hpp>

#include "regular_file.hpp"

namespace lockstep::data {

MappedFile::MappedFile(const std::filesystem::path& path, std::size_t offset, std::size_t bytes) {
  const RegularFile file(path);
  const auto length = static_cast<std::size_t>(file.size());
  if (bytes > length || offset > length - bytes) {
    throw DataError(fmt::format("{}: it has {} bytes and should have {}", path.string(), length,
                                offset + bytes));
  }
  void* const address =
      ::mmap(nullptr, offset + bytes, PROT_READ, MAP_SHARED, file.descriptor(), 0);
  if (address == MAP_FAILED) {
    throw DataError(fmt::format("cannot map {}: {}", path.string(), system_error_text(errno)));
  }
  mapping_ = {static_cast<std::byte*>(address), offset + bytes};
  bytes_ = mapping_.subspan(offset);
  read_ahead(false);
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

void MappedFile::read_ahead(bool on) const noexcept {
  (void)::madvise(mapping_.data(), mapping_.size(), on ? MADV_SEQUENTIAL : MADV_RANDOM);
}

void will_need(std::span<const std::byte> bytes) noexcept {
  static const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  const auto address = reinterpret_cast<std::uintptr_t>(bytes.data());
  const auto first = address / page * page;
  (void)::madvise(reinterpret_cast<void*>(first), address + bytes.size() - first, MADV_WILLNEED);
}

}  // namespace lockstep::data
