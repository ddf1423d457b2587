# lockstep_module(NAME SOURCES ... [USES MODULES...] [LIBRARIES ...] [PUBLIC_LIBRARIES ...] [TORCH])
#
# One static library a module. Each module's headers are reached through a folder of its own
# (a link to include/lockstep/NAME), so a module sees the headers of the modules it USES and no
# others: a wrong include does not compile.
function(lockstep_use_torch target)
  target_link_libraries(${target} PUBLIC lockstep_torch)
  target_precompile_headers(${target} REUSE_FROM lockstep_torch_precompiled)
endfunction()

function(lockstep_module name)
  cmake_parse_arguments(arg "TORCH" "" "SOURCES;USES;LIBRARIES;PUBLIC_LIBRARIES" ${ARGN})
  set(target lockstep_${name})
  set(header_root ${PROJECT_BINARY_DIR}/include_roots/${name})
  file(MAKE_DIRECTORY ${header_root}/lockstep)
  if(EXISTS ${PROJECT_SOURCE_DIR}/include/lockstep/${name})
    file(CREATE_LINK ${PROJECT_SOURCE_DIR}/include/lockstep/${name} ${header_root}/lockstep/${name}
         SYMBOLIC)
  endif()

  add_library(${target} STATIC ${arg_SOURCES})
  add_library(lockstep::${name} ALIAS ${target})
  set_target_properties(${target} PROPERTIES EXPORT_NAME ${name})
  target_compile_features(${target} PUBLIC cxx_std_20)
  target_include_directories(${target} PUBLIC $<BUILD_INTERFACE:${header_root}>
                                              $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  list(TRANSFORM arg_USES PREPEND lockstep_)
  target_link_libraries(${target} PUBLIC ${arg_USES} ${arg_PUBLIC_LIBRARIES}
                                  PRIVATE ${arg_LIBRARIES} $<BUILD_INTERFACE:lockstep_warnings>)
  if(arg_TORCH)
    lockstep_use_torch(${target})
  endif()
  set_property(GLOBAL APPEND PROPERTY LOCKSTEP_MODULES ${target})
endfunction()
