// Networks that Python wrote: TorchScript modules.
#pragma once

#include <string>

#include <lockstep/model/network.hpp>

namespace lockstep::model {

/// The module in `bytes`, the content of a file that torch.jit.script(module).save(…) wrote; `name`
/// names that file in errors. Its parameters, buffers and submodules keep their names. Throws
/// DataError if it is no such file, if the module needs an operation that this LibTorch lacks, or
/// if two parameters share their memory.
/// It computes as it stands, without the optimizations of TorchScript's executor: those depend on
/// how often it was called before, and what a run computes must not.
/// Source: https://docs.pytorch.org/docs/stable/jit.html
[[nodiscard]] NetworkPtr make_script_network(const std::string& bytes, const std::string& name);

}  // namespace lockstep::model
