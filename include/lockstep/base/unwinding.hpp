// Lets a destructor know whether it runs because of an exception.
#pragma once

#include <exception>

namespace lockstep {

/// A member for objects whose orderly destruction needs the other ranks. If this rank alone fails,
/// they will not come, and waiting for them would hang instead of reporting the failure.
class UnwindingProbe {
 public:
  [[nodiscard]] bool unwinding() const noexcept {
    return std::uncaught_exceptions() > at_construction_;
  }

 private:
  int at_construction_ = std::uncaught_exceptions();
};

}  // namespace lockstep
