// The bytes of one fuzzing run as a file.
#pragma once

#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <sys/mman.h>

#include <lockstep/base/file.hpp>

namespace lockstep::tests {

/// In memory; readable under `path` as long as this lives.
class FuzzFile {
 public:
  FuzzFile(const std::uint8_t* data, std::size_t size) : file_(::memfd_create("fuzz", 0)) {
    write_all(file_.get(), std::as_bytes(std::span(data, size)), "fuzz");
  }
  [[nodiscard]] std::filesystem::path path() const {
    return "/proc/self/fd/" + std::to_string(file_.get());
  }

 private:
  FileDescriptor file_;
};

}  // namespace lockstep::tests
