#include <cstddef>
#include <span>

#include <lockstep/model/named_tensor.hpp>
#include <lockstep/sync/broadcast_state.hpp>

namespace lockstep::sync {

void broadcast_state(torch::nn::Module& module, comm::Communicator& communicator) {
  for (const auto& [name, value] : model::named_state(module)) {
    const auto bytes = std::span(static_cast<std::byte*>(value.data_ptr()), value.nbytes());
    communicator.broadcast(bytes, 0).wait();
  }
}

}  // namespace lockstep::sync
