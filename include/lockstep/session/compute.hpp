// What a rank computes with: its device, its cores, and the order in which it works.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include <torch/torch.h>

#include <lockstep/runtime/compute_stream.hpp>
#include <lockstep/runtime/cuda_stream.hpp>
#include <lockstep/runtime/device.hpp>
#include <lockstep/train/options.hpp>

namespace lockstep::session {

struct Job;

struct Compute {
  torch::Device device = torch::kCPU;
  int cores = 1;
  int threads = 1;
  std::unique_ptr<runtime::ComputeStream> stream;
  runtime::CudaStream* gpu = nullptr;  ///< `stream`, if that is a GPU's
};

/// Collective. Chooses the rank's device, binds it to its cores, sets the number of threads and
/// makes the stream on which this thread's LibTorch operations run from now on.
[[nodiscard]] Compute prepare_compute(Job& job, const train::DistributionOptions& options);

/// The name of the GPU or of the processor: results differ in the last bits between models.
[[nodiscard]] std::string device_name(const Compute& compute);

/// What LibTorch and the operating system report about this machine's GPUs.
[[nodiscard]] runtime::DeviceOffer device_offer();

/// A stream of CUDA device `device` on which this thread's LibTorch operations run from now on;
/// null in a build without CUDA. The host's waits end after `timeout`.
[[nodiscard]] std::unique_ptr<runtime::CudaStream> compute_on_gpu(
    int device, std::chrono::duration<double> timeout);

}  // namespace lockstep::session
