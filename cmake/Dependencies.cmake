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
find_path(PROTOZERO_INCLUDE_DIR protozero/pbf_writer.hpp REQUIRED)
find_package(JPEG REQUIRED)
find_package(PNG REQUIRED)
find_package(OpenSSL REQUIRED COMPONENTS Crypto)
find_package(nlohmann_json REQUIRED)
find_package(spdlog REQUIRED)
find_package(fmt REQUIRED)
find_package(LibTorch REQUIRED)

# What --version says. Libraries without a version for CMake have one in a header.
function(lockstep_header_version result file pattern)
  file(STRINGS ${file} lines REGEX ${pattern})
  string(REGEX MATCHALL "[0-9]+(\\.[0-9]+)*" numbers "${lines}")
  string(REPLACE ";" "." numbers "${numbers}")
  set(${result} "${numbers}" PARENT_SCOPE)
endfunction()
lockstep_header_version(deflate_version ${LIBDEFLATE_INCLUDE_DIR}/libdeflate.h "define LIBDEFLATE_VERSION_STRING")
lockstep_header_version(xxhash_version ${XXHASH_INCLUDE_DIR}/xxhash.h "define XXH_VERSION_(MAJOR|MINOR|RELEASE) +[0-9]")
lockstep_header_version(protozero_version ${PROTOZERO_INCLUDE_DIR}/protozero/version.hpp
                        "define PROTOZERO_VERSION_STRING")
string(JOIN ", " LOCKSTEP_LIBRARY_VERSIONS
       "Boost ${Boost_VERSION_STRING}" "fmt ${fmt_VERSION}" "spdlog ${spdlog_VERSION}"
       "nlohmann-json ${nlohmann_json_VERSION}" "OpenSSL ${OPENSSL_VERSION}" "zlib ${ZLIB_VERSION_STRING}"
       "libdeflate ${deflate_version}" "xxHash ${xxhash_version}" "libpng ${PNG_VERSION_STRING}" "libjpeg ${JPEG_VERSION}"
       "protozero ${protozero_version}")

# LibTorch 2.x ships headers of another fmt, which its users then see: no compiled library fits
# those. Elsewhere the compiled one saves two seconds a source file.
if(LOCKSTEP_TORCH_SHIPS_FMT)
  set(LOCKSTEP_FMT fmt::fmt-header-only)
else()
  set(LOCKSTEP_FMT fmt::fmt)
endif()
