// What a process does before the libraries that it computes with are loaded.
#pragma once

namespace lockstep::runtime {

/// Sets variables that the user has not set: OpenBLAS kernels that fit the processor, no drivers
/// for network adapters that the machine lacks, NCCL's warnings to standard error. Libraries that
/// are loaded later see them. Returns whether anything was set. Call before any thread exists.
bool prepare_environment();

/// Occupies standard input, output and error if they are closed: files that are opened later must
/// not get their numbers, or what is printed would go into them. Opens them the wrong way round, so
/// that reading and writing fail as before.
void occupy_closed_descriptors();

}  // namespace lockstep::runtime
