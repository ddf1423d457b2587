// What a process does before the libraries that it computes with are loaded.
#pragma once

namespace lockstep::runtime {

/// Sets what the user has not: OpenBLAS's kernels that fit the processor, no drivers of network
/// adapters that the machine does not have, NCCL's warnings to standard error. They count for
/// libraries that are loaded later. Returns whether anything was set. Before any thread exists.
bool prepare_environment();

/// Files that are opened later must not get the numbers of standard input, output and error where
/// these are closed: what is printed would go into them. Opens them the wrong way round, so that
/// reading and writing fail as they did before.
void occupy_closed_descriptors();

}  // namespace lockstep::runtime
