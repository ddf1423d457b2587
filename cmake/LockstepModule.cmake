# lockstep_module(NAME SOURCES ... [PUBLIC_HEADERS ...] [USES MODULES...] [LIBRARIES ...]
#                 [PUBLIC_LIBRARIES ...] [TORCH] [PROGRAM_ONLY])
#
# PUBLIC_HEADERS are installed, for programs that use Lockstep as a library; the module's other
# headers are not. PROGRAM_ONLY: no such program needs the module, which is not installed at all.
#
# A module uses modules that were added before it, so no arrow between modules points upwards.
#
# One static library per module. Each module's headers are reached through a folder of its own
# (a link to include/lockstep/NAME), so a module sees the headers of the modules it USES and no
# others: a wrong include does not compile.
function(lockstep_use_torch target)
  target_link_libraries(${target} PUBLIC lockstep_torch)
  target_precompile_headers(${target} REUSE_FROM lockstep_torch_precompiled)
endfunction()

include(ModulePicture)

function(lockstep_module name)
  cmake_parse_arguments(arg "TORCH;PROGRAM_ONLY" ""
                        "SOURCES;PUBLIC_HEADERS;USES;LIBRARIES;PUBLIC_LIBRARIES" ${ARGN})
  set(target lockstep_${name})
  set(header_root ${PROJECT_BINARY_DIR}/include_roots/${name})
  file(MAKE_DIRECTORY ${header_root}/lockstep)
  if(EXISTS ${PROJECT_SOURCE_DIR}/include/lockstep/${name})
    file(CREATE_LINK ${PROJECT_SOURCE_DIR}/include/lockstep/${name} ${header_root}/lockstep/${name}
         SYMBOLIC)
  endif()

  foreach(used IN LISTS arg_USES)
    if(NOT TARGET lockstep_${used})
      message(FATAL_ERROR "module ${name} uses ${used}, which comes after it in src/CMakeLists.txt")
    endif()
  endforeach()
  lockstep_add_to_picture(${name} ${arg_USES})
  add_library(${target} STATIC ${arg_SOURCES})
  add_library(lockstep::${name} ALIAS ${target})
  set_target_properties(${target} PROPERTIES EXPORT_NAME ${name})
  target_compile_features(${target} PUBLIC cxx_std_20)
  target_include_directories(${target} PUBLIC $<BUILD_INTERFACE:${header_root}>)
  list(TRANSFORM arg_USES PREPEND lockstep_)
  target_link_libraries(${target} PUBLIC ${arg_USES} ${arg_PUBLIC_LIBRARIES}
                                  PRIVATE ${arg_LIBRARIES} $<BUILD_INTERFACE:lockstep_warnings>)
  if(arg_TORCH)
    lockstep_use_torch(${target})
  endif()
  if(NOT arg_PROGRAM_ONLY)
    list(TRANSFORM arg_PUBLIC_HEADERS PREPEND ${header_root}/lockstep/${name}/)
    target_sources(${target} PUBLIC FILE_SET HEADERS BASE_DIRS ${header_root} FILES ${arg_PUBLIC_HEADERS})
    set_property(GLOBAL APPEND PROPERTY LOCKSTEP_MODULES ${target})
  endif()
endfunction()
