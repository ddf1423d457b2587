# Holds the instructions of the 20 counted steps of PROGRAM with ARGUMENTS against the baseline of CASE. TOLERANCE per mille
# leaves room for what other processors choose (memset, blocking). More either way fails: a step has become slower, or the
# baseline is stale.
include(${CMAKE_CURRENT_LIST_DIR}/count.cmake)
file(READ ${CMAKE_CURRENT_LIST_DIR}/baseline.json recorded)
string(JSON version GET ${recorded} libtorch)
string(JSON baseline GET ${recorded} instructions_of_20_steps ${CASE})
set(TOLERANCE 100)

separate_arguments(arguments UNIX_COMMAND "${ARGUMENTS}")
count_instructions(counted output ${arguments})
message(STATUS "${CASE}: ${counted} instructions, baseline ${baseline} with LibTorch ${version}; this is ${output}")
if(NOT output MATCHES "^LibTorch ${version},")
  message("SKIPPED: the baseline is of LibTorch ${version}")
  return()
endif()
math(EXPR per_mille "(${counted} - ${baseline}) * 1000 / ${baseline}")
if(per_mille GREATER TOLERANCE)
  message(FATAL_ERROR "a step takes ${per_mille} per mille more instructions than recorded: find out why, or say in "
                      "docs/performance.md what is gained and put ${counted} in baseline.json")
elseif(per_mille LESS -${TOLERANCE})
  message(FATAL_ERROR "a step takes ${per_mille} per mille of the recorded instructions less: put ${counted} in baseline.json")
endif()
