// Stands in for NCCL in a build without it.
#include <lockstep/comm/nccl_api.hpp>

namespace lockstep::comm {

std::unique_ptr<NcclApi> make_nccl_api() {
  return nullptr;
}

}  // namespace lockstep::comm
