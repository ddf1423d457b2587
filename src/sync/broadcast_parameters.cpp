#include <span>

#include <lockstep/sync/broadcast_parameters.hpp>

namespace lockstep::sync {

void broadcast_parameters(torch::nn::Module& module, comm::Communicator& communicator) {
  for (const auto& parameter : module.parameters()) {
    const auto values = parameter.detach();
    const auto floats =
        std::span(values.data_ptr<float>(), static_cast<std::size_t>(values.numel()));
    communicator.broadcast(std::as_writable_bytes(floats), 0).wait();
  }
}

}  // namespace lockstep::sync
