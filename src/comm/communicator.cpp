#include <lockstep/comm/communicator.hpp>

namespace lockstep::comm {

Completion::Completion(double seconds) {
  std::promise<double> done;
  done.set_value(seconds);
  pending_ = done.get_future();
}

}  // namespace lockstep::comm
