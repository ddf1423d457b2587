// An MPI communicator with an owner. Private to comm's sources: it includes <mpi.h>.
#pragma once

#include <cstddef>
#include <limits>

#include <fmt/format.h>
#include <mpi.h>

#include <lockstep/base/error.hpp>
#include <lockstep/base/unwinding.hpp>

namespace lockstep::comm {

/// Freed on destruction, unless an exception causes it: freeing may wait for the other ranks.
class OwnedComm {
 public:
  OwnedComm() = default;
  ~OwnedComm() {
    if (comm_ != MPI_COMM_NULL && !probe_.unwinding()) MPI_Comm_free(&comm_);
  }
  OwnedComm(const OwnedComm&) = delete;
  OwnedComm& operator=(const OwnedComm&) = delete;
  OwnedComm(OwnedComm&&) = delete;
  OwnedComm& operator=(OwnedComm&&) = delete;

  [[nodiscard]] MPI_Comm get() const noexcept { return comm_; }
  /// For MPI to write into.
  [[nodiscard]] MPI_Comm* address() noexcept { return &comm_; }

 private:
  MPI_Comm comm_ = MPI_COMM_NULL;
  UnwindingProbe probe_;
};

/// MPI counts in int; a longer buffer would be truncated silently.
[[nodiscard]] inline int mpi_count(std::size_t elements) {
  if (elements > static_cast<std::size_t>(std::numeric_limits<int>::max())) {
    throw RuntimeFailure(
        fmt::format("a collective of {} elements exceeds MPI's limit of 2^31 − 1", elements));
  }
  return static_cast<int>(elements);
}

}  // namespace lockstep::comm
