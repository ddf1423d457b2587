# Registering tests with ctest.
set(LOCKSTEP_TEST_TIMEOUT_SECONDS 300)

# What a test takes of two cores, in quarters of them (ctest's PROCESSORS, for -j 4): beside one whose
# ranks use both cores runs another that mostly waits.
set(LOCKSTEP_TEST_WAITS 1)
set(LOCKSTEP_TEST_ONE_CORE 2)
set(LOCKSTEP_TEST_TWO_CORES 3)
set(LOCKSTEP_TEST_CROWDED 4)
set(lockstep_test_environment
    "OMPI_ALLOW_RUN_AS_ROOT=1;OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1")
if(LOCKSTEP_SANITIZE)
  set(suppressions ${PROJECT_SOURCE_DIR}/tests/sanitizers)
  list(APPEND lockstep_test_environment
       "ASAN_OPTIONS=detect_leaks=1:protect_shadow_gap=0"
       "LSAN_OPTIONS=suppressions=${suppressions}/lsan.txt:print_suppressions=0"
       "UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1"
       "TSAN_OPTIONS=suppressions=${suppressions}/tsan.txt:halt_on_error=1:ignore_noninstrumented_modules=1")
endif()
if(LOCKSTEP_SANITIZE MATCHES "thread")
  list(APPEND lockstep_test_environment "TEST_SLOWDOWN=8")  # of what scripts wait for
endif()

function(lockstep_test_executable target)
  cmake_parse_arguments(arg "TORCH" "" "SOURCES;USES;LIBRARIES" ${ARGN})
  add_executable(${target} ${arg_SOURCES})
  list(TRANSFORM arg_USES PREPEND lockstep_)
  target_link_libraries(${target} PRIVATE ${arg_USES} ${arg_LIBRARIES} lockstep_warnings
                                          nlohmann_json::nlohmann_json ${LOCKSTEP_FMT})
  target_include_directories(${target} PRIVATE ${tests_support})
  target_compile_definitions(${target} PRIVATE
      LOCKSTEP_GOLDEN_DIR="${PROJECT_SOURCE_DIR}/tests/golden")
  if(arg_TORCH)
    lockstep_use_torch(${target})
  endif()
endfunction()

# lockstep_unit_test(NAME SOURCES ... USES modules... [TORCH])
function(lockstep_unit_test name)
  lockstep_test_executable(${name} ${ARGN} LIBRARIES GTest::gmock GTest::gtest_main)
  add_test(NAME unit.${name} COMMAND ${name})
  set_tests_properties(unit.${name} PROPERTIES LABELS unit PROCESSORS ${LOCKSTEP_TEST_ONE_CORE} TIMEOUT ${LOCKSTEP_TEST_TIMEOUT_SECONDS}
                       ENVIRONMENT "${lockstep_test_environment}")
endfunction()

# lockstep_mpi_test(NAME SOURCES ... USES modules... RANKS 1 2 3 4 [TORCH] [WAITS]). WAITS: its ranks
# mostly wait, so that another test can run beside it.
function(lockstep_mpi_test name)
  cmake_parse_arguments(arg "TORCH;WAITS" "" "SOURCES;USES;RANKS" ${ARGN})
  lockstep_test_executable(${name} SOURCES ${arg_SOURCES} USES ${arg_USES} LIBRARIES GTest::gmock)
  if(arg_TORCH)
    lockstep_use_torch(${name})
  endif()
  target_sources(${name} PRIVATE ${tests_support}/mpi_main.cpp)
  lockstep_keep_plugins_loaded(${name})
  target_link_libraries(${name} PRIVATE lockstep_comm MPI::MPI_CXX)
  foreach(ranks IN LISTS arg_RANKS)
    set(test mpi.${name}.np${ranks})
    add_test(NAME ${test}
             COMMAND ${MPIEXEC_EXECUTABLE} --oversubscribe -np ${ranks} $<TARGET_FILE:${name}>)
    set(processors ${LOCKSTEP_TEST_CROWDED})
    if(arg_WAITS)
      set(processors ${LOCKSTEP_TEST_WAITS})
    elseif(ranks EQUAL 1)
      set(processors ${LOCKSTEP_TEST_ONE_CORE})
    elseif(ranks EQUAL 2)
      set(processors ${LOCKSTEP_TEST_TWO_CORES})
    endif()
    set_tests_properties(${test} PROPERTIES LABELS mpi TIMEOUT ${LOCKSTEP_TEST_TIMEOUT_SECONDS}
                         PROCESSORS ${processors} ENVIRONMENT "${lockstep_test_environment}")
  endforeach()
endfunction()

# lockstep_program_test(NAME SOURCES ... [TIMEOUT seconds] [FIGURES] [WAITS]): starts the built program.
# One ctest entry for each of its test cases. FIGURES: whole trainings whose figures are looked at; they
# have a label of their own, because sanitizers find nothing in them that shorter runs do not show.
function(lockstep_program_test name)
  cmake_parse_arguments(arg "FIGURES;WAITS" "TIMEOUT" "" ${ARGN})
  # Starting processes is most of what they do, and that is mostly waiting.
  set(labels program)
  set(processors ${LOCKSTEP_TEST_ONE_CORE})
  if(arg_FIGURES)
    list(APPEND labels figures)
    set(processors ${LOCKSTEP_TEST_TWO_CORES})
  endif()
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT ${LOCKSTEP_TEST_TIMEOUT_SECONDS})
  endif()
  if(arg_WAITS)
    set(processors ${LOCKSTEP_TEST_WAITS})
  endif()
  lockstep_test_executable(${name} ${arg_UNPARSED_ARGUMENTS} LIBRARIES GTest::gmock GTest::gtest_main)
  target_sources(${name} PRIVATE ${tests_support}/program.cpp)
  target_compile_definitions(${name} PRIVATE LOCKSTEP_PROGRAM="$<TARGET_FILE:lockstep_launcher>"
                             LOCKSTEP_MPIRUN="${MPIEXEC_EXECUTABLE}"
                             LOCKSTEP_RECIPES="${PROJECT_SOURCE_DIR}/launch/recipes")
  add_dependencies(${name} lockstep_launcher)
  gtest_discover_tests(${name} TEST_PREFIX program. DISCOVERY_TIMEOUT 60 TEST_LIST ${name}_tests
                       PROPERTIES TIMEOUT ${arg_TIMEOUT} PROCESSORS ${processors})
  # gtest_discover_tests would keep only the first entry of a list.
  set(script ${CMAKE_CURRENT_BINARY_DIR}/${name}_environment.cmake)
  file(WRITE ${script} "set_tests_properties(\${${name}_tests} PROPERTIES
                        LABELS \"${labels}\" ENVIRONMENT \"${lockstep_test_environment}\")\n")
  set_property(DIRECTORY APPEND PROPERTY TEST_INCLUDE_FILES ${script})
endfunction()
