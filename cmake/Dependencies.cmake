# Everything Lockstep links, all from the distribution (or a LibTorch 2.x given by CMAKE_PREFIX_PATH).
set(THREADS_PREFER_PTHREAD_FLAG ON)
find_package(Threads REQUIRED)
set(MPI_CXX_SKIP_MPICXX ON)  # the C bindings alone
find_package(MPI REQUIRED COMPONENTS CXX)
find_package(Boost 1.74 REQUIRED COMPONENTS program_options)
find_package(ZLIB REQUIRED)
find_path(LIBDEFLATE_INCLUDE_DIR libdeflate.h REQUIRED)
find_library(LIBDEFLATE_LIBRARY deflate REQUIRED)
find_path(XXHASH_INCLUDE_DIR xxhash.h REQUIRED)
find_library(XXHASH_LIBRARY xxhash REQUIRED)
find_package(OpenSSL REQUIRED COMPONENTS Crypto)
find_package(nlohmann_json REQUIRED)
find_package(spdlog REQUIRED)
find_package(fmt REQUIRED)
include(FindLibTorch)

# LibTorch 2.x ships headers of another fmt, which its users then see: no compiled library fits
# those. Elsewhere the compiled one saves two seconds a source file.
if(LOCKSTEP_TORCH_SHIPS_FMT)
  set(LOCKSTEP_FMT fmt::fmt-header-only)
else()
  set(LOCKSTEP_FMT fmt::fmt)
endif()
