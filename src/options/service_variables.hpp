// Variables that look like options but are not: Kubernetes describes its services to a pod with
// them.
#pragma once

#include <string>

namespace lockstep::options {

/// Whether Kubernetes sets `variable` to `value` for a service named lockstep, lockstep-run, …:
/// LOCKSTEP_SERVICE_HOST, LOCKSTEP_PORT=tcp://10.0.0.1:80, LOCKSTEP_PORT_80_TCP_ADDR and the like.
/// Source: https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables
[[nodiscard]] bool is_of_a_service(const std::string& variable, const std::string& value);

}  // namespace lockstep::options
