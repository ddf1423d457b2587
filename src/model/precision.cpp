#include <ATen/Context.h>

#include <lockstep/model/precision.hpp>

namespace lockstep::model {

void allow_tf32(bool allow) {
  at::globalContext().setAllowTF32CuBLAS(allow);
}

}  // namespace lockstep::model
