#include <lockstep/task/data_kind.hpp>

// All kinds: src/task/data/NAME.cpp defines NAME_data.
#define LOCKSTEP_DATA(kind) \
  kind(fashion_mnist) kind(npy) kind(idx) kind(cifar10) kind(cifar100) kind(pictures)

namespace lockstep::task {

#define LOCKSTEP_DECLARE(name) DataKind name##_data();
LOCKSTEP_DATA(LOCKSTEP_DECLARE)
#undef LOCKSTEP_DECLARE

const std::vector<DataKind>& data_kinds() {
#define LOCKSTEP_CALL(name) name##_data(),
  static const std::vector<DataKind> kinds = {LOCKSTEP_DATA(LOCKSTEP_CALL)};
#undef LOCKSTEP_CALL
  return kinds;
}

}  // namespace lockstep::task
