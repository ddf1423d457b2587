// Which of Open MPI's transports are worth loading on this machine.
#pragma once

#include <filesystem>

namespace lockstep::runtime {

/// The variables that tell Open MPI which transports the user wants. `mtl` is the layer that drives
/// high-speed networks, `pml` the one above it.
inline constexpr const char* kMpiTransportsVariable = "OMPI_MCA_mtl";
inline constexpr const char* kMpiProtocolVariable = "OMPI_MCA_pml";

/// "All but those for high-speed networks": their libraries calibrate clocks and search for
/// adapters when they are loaded, which takes 0.2 s even on machines that have none.
inline constexpr const char* kNoFabricTransports = "^psm,psm2,ofi";

/// True if the machine has an adapter that those transports could use: InfiniBand, Omni-Path, RoCE,
/// EFA (all in /sys/class/infiniband) or Slingshot (/sys/class/cxi). `classes` is /sys/class.
[[nodiscard]] bool has_fabric_adapter(const std::filesystem::path& classes = "/sys/class");

}  // namespace lockstep::runtime
