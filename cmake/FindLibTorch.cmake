# LibTorch behind one target, lockstep_torch: Debian's 1.13 (CPU) or a 2.x, with or without CUDA.
#
# The cuda preset looks for pip's `torch` in a virtual environment under build/venv when
# CMAKE_PREFIX_PATH names no LibTorch.
if(LOCKSTEP_REQUIRE_CUDA)
  file(GLOB lockstep_wheel_torch
       ${PROJECT_SOURCE_DIR}/build/venv/lib/python3*/site-packages/torch/share/cmake)
  list(APPEND CMAKE_PREFIX_PATH ${lockstep_wheel_torch})
  # TorchConfig.cmake itself would take a system's libtorch.so, if there is one, for the wheel's.
  foreach(prefix IN LISTS CMAKE_PREFIX_PATH)
    find_library(TORCH_LIBRARY torch PATHS ${prefix}/lib ${prefix}/../../lib NO_DEFAULT_PATH)
  endforeach()
  if(NOT DEFINED TORCH_CUDA_ARCH_LIST)
    # Detection needs a device; this machine may have none. Lockstep compiles no kernels of its own.
    set(TORCH_CUDA_ARCH_LIST "8.0;9.0")
  endif()
  if(NOT CMAKE_CUDA_COMPILER AND EXISTS /usr/local/cuda/bin/nvcc)
    set(CMAKE_CUDA_COMPILER /usr/local/cuda/bin/nvcc)
  endif()
endif()

find_package(Torch ${LibTorch_FIND_VERSION})
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(LibTorch REQUIRED_VARS TORCH_LIBRARIES VERSION_VAR Torch_VERSION)
if(NOT LibTorch_FOUND)
  return()
endif()

add_library(lockstep_torch INTERFACE)
target_link_libraries(lockstep_torch INTERFACE ${TORCH_LIBRARIES})
# Not exported: a path of this machine. lockstepConfig.cmake adds the user's own.
target_include_directories(lockstep_torch SYSTEM INTERFACE "$<BUILD_INTERFACE:${TORCH_INCLUDE_DIRS}>")
if(TORCH_CXX_FLAGS)
  separate_arguments(lockstep_torch_flags UNIX_COMMAND "${TORCH_CXX_FLAGS}")
  target_compile_options(lockstep_torch INTERFACE ${lockstep_torch_flags})
endif()

list(GET TORCH_INCLUDE_DIRS 0 lockstep_torch_include)
set(LOCKSTEP_TORCH_SHIPS_FMT OFF)
if(EXISTS ${lockstep_torch_include}/fmt AND NOT lockstep_torch_include STREQUAL "/usr/include")
  set(LOCKSTEP_TORCH_SHIPS_FMT ON)
endif()

if(NOT lockstep_torch_include STREQUAL "/usr/include")
  # Kept when installing, unlike what CMake adds itself.
  get_filename_component(folder ${lockstep_torch_include}/../lib REALPATH)
  target_link_options(lockstep_torch INTERFACE -Wl,-rpath,${folder})
endif()

set(LOCKSTEP_WITH_CUDA OFF)
if(TARGET torch_cuda)
  set(LOCKSTEP_WITH_CUDA ON)
  # The wheel's NVIDIA libraries lie in folders of their own, which the linker has to be told.
  file(GLOB lockstep_nvidia_libraries ${lockstep_torch_include}/../../nvidia/*/lib)
  foreach(folder IN LISTS lockstep_nvidia_libraries)
    get_filename_component(folder ${folder} REALPATH)
    target_link_options(lockstep_torch INTERFACE -Wl,-rpath-link,${folder} -Wl,-rpath,${folder})
  endforeach()
  # The NCCL that LibTorch was built with, where it brings one: an older one lacks what it needs.
  set(lockstep_nccl ${lockstep_torch_include}/../../nvidia/nccl)
  find_path(LOCKSTEP_NCCL_INCLUDE_DIR nccl.h HINTS ${lockstep_nccl}/include)
  find_library(LOCKSTEP_NCCL_LIBRARY NAMES nccl libnccl.so.2 NAMES_PER_DIR HINTS ${lockstep_nccl}/lib)
  if(NOT LOCKSTEP_NCCL_INCLUDE_DIR OR NOT LOCKSTEP_NCCL_LIBRARY)
    message(FATAL_ERROR "The CUDA build needs NCCL (nccl.h and libnccl.so): install NVIDIA's package "
                        "libnccl-dev, or use pip's torch, which brings its own")
  endif()
endif()
if(LOCKSTEP_REQUIRE_CUDA AND NOT LOCKSTEP_WITH_CUDA)
  message(FATAL_ERROR "The cuda preset needs a LibTorch 2.x with CUDA: point CMAKE_PREFIX_PATH at "
                      "one, or run launch/quickstart.sh --cuda, which installs it in build/venv")
endif()
message(STATUS "LibTorch ${Torch_VERSION}, CUDA: ${LOCKSTEP_WITH_CUDA}")

# One precompiled header for every target that uses LibTorch.
file(WRITE ${PROJECT_BINARY_DIR}/torch_precompiled.cpp "// Holder of the precompiled header.\n")
add_library(lockstep_torch_precompiled OBJECT ${PROJECT_BINARY_DIR}/torch_precompiled.cpp)
target_link_libraries(lockstep_torch_precompiled PRIVATE lockstep_torch lockstep_warnings Threads::Threads)
target_precompile_headers(lockstep_torch_precompiled PRIVATE <torch/torch.h>)
