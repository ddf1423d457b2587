// The CUDA runtime calls that Lockstep makes itself, as one interface: the real library is bound to
// it, and tests bind a simulated device. (LibTorch's kernels do not pass through it.)
#pragma once

#include <cstddef>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>

#include <lockstep/runtime/compute_stream.hpp>

// CUDA's own opaque types, so that no header of CUDA is needed here.
struct CUstream_st;
struct CUevent_st;

namespace lockstep::runtime {

using CudaStreamHandle = CUstream_st*;
using CudaEventHandle = CUevent_st*;

/// The place of a wait, record or query in the source; tests leave out each in turn. (Clang 14 has
/// no std::source_location.)
struct CallSite {
  const char* file;
  unsigned line;
  [[nodiscard]] static constexpr CallSite current(const char* file = __builtin_FILE(),
                                                  unsigned line = __builtin_LINE()) {
    return {file, line};
  }
};

inline constexpr int kCudaSuccess = 0;
inline constexpr int kCudaOutOfMemory = 2;  ///< cudaErrorMemoryAllocation
inline constexpr int kCudaNotReady = 600;   ///< cudaErrorNotReady, from queries

/// Stands for the host's thread, in place of a stream in `access`.
inline constexpr CudaStreamHandle kHostThread = nullptr;

enum class StreamPriority : unsigned char { kDefault, kGreatest };

/// Every call returns CUDA's status. Call from any thread that has called set_device.
/// Source: CUDA Runtime API, sections Stream, Event and Memory Management.
class CudaApi {
 public:
  CudaApi() = default;
  virtual ~CudaApi() = default;
  CudaApi(const CudaApi&) = delete;
  CudaApi& operator=(const CudaApi&) = delete;
  CudaApi(CudaApi&&) = delete;
  CudaApi& operator=(CudaApi&&) = delete;

  virtual int set_device(int index) = 0;
  [[nodiscard]] virtual std::string error_text(int code) const = 0;

  /// A stream that does not wait for the default stream.
  virtual int stream_create(CudaStreamHandle* stream, StreamPriority priority) = 0;
  virtual int stream_destroy(CudaStreamHandle stream) = 0;
  virtual int stream_query(CudaStreamHandle stream, CallSite site = CallSite::current()) = 0;
  virtual int stream_wait_event(CudaStreamHandle stream, CudaEventHandle event,
                                CallSite site = CallSite::current()) = 0;

  /// An event without time stamps.
  virtual int event_create(CudaEventHandle* event) = 0;
  virtual int event_destroy(CudaEventHandle event) = 0;
  virtual int event_record(CudaEventHandle event, CudaStreamHandle stream,
                           CallSite site = CallSite::current()) = 0;
  virtual int event_query(CudaEventHandle event, CallSite site = CallSite::current()) = 0;

  /// Zeroed device memory.
  virtual int allocate(void** memory, std::size_t bytes) = 0;
  virtual int free(void* memory) = 0;
  /// Host memory for copies that need not be waited for.
  virtual int allocate_pinned(void** memory, std::size_t bytes) = 0;
  virtual int free_pinned(void* memory) = 0;
  virtual int copy_async(void* destination, const void* source, std::size_t bytes,
                         CudaStreamHandle stream) = 0;
  /// sum[i] += values[i] for `count` floats, in the order of `stream`.
  virtual int add_async(float* sum, const float* values, std::size_t count,
                        CudaStreamHandle stream) = 0;

  /// Declares what kernels that others launch on `stream`, or the host's thread, read and write
  /// from here on. Does nothing on hardware.
  virtual void access(CudaStreamHandle stream, std::initializer_list<MemoryRange> reads,
                      std::initializer_list<MemoryRange> writes) = 0;
};

/// Throws RuntimeFailure with `operation` and CUDA's text unless `code` is success.
void check_cuda(const CudaApi& api, int code, std::string_view operation);

/// The real CUDA runtime; null in a build without CUDA.
[[nodiscard]] std::unique_ptr<CudaApi> make_cuda_api();

}  // namespace lockstep::runtime
