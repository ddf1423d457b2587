#include <lockstep/base/error.hpp>
#include <lockstep/task/network_kind.hpp>

// Every network: src/task/networks/NAME.cpp defines make_NAME_kind. The default comes first.
#define LOCKSTEP_NETWORKS(network) network(mlp) network(cnn) network(resnet18) network(torchscript)

namespace lockstep::task {

#define LOCKSTEP_DECLARE(name) std::unique_ptr<NetworkKind> make_##name##_kind();
LOCKSTEP_NETWORKS(LOCKSTEP_DECLARE)
#undef LOCKSTEP_DECLARE

bool NetworkKind::recognise(const model::Weights& weights, const data::SampleSpec& spec) {
  try {
    return model::fits(weights, *make(spec));
  } catch (const UsageError&) {
    return false;  // it is for other data
  }
}

std::vector<std::unique_ptr<NetworkKind>> make_network_kinds() {
  std::vector<std::unique_ptr<NetworkKind>> kinds;
#define LOCKSTEP_ADD(name) kinds.push_back(make_##name##_kind());
  LOCKSTEP_NETWORKS(LOCKSTEP_ADD)
#undef LOCKSTEP_ADD
  return kinds;
}

}  // namespace lockstep::task
