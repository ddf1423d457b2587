# Runs PROGRAM with ARGUMENTS under callgrind and holds the instructions of its 20 counted steps
# against the baseline of CASE. Counts repeat to the instruction on one machine; TOLERANCE per mille leaves room for what
# other processors choose (memset, blocking). More either way fails: a step has become slower, or the baseline is stale.
file(READ ${CMAKE_CURRENT_LIST_DIR}/baseline.json recorded)
string(JSON version GET ${recorded} libtorch)
string(JSON baseline GET ${recorded} instructions_of_20_steps ${CASE})
set(TOLERANCE 100)

set(counts ${WORK}/${CASE}.callgrind)
separate_arguments(arguments UNIX_COMMAND "${ARGUMENTS}")
execute_process(
    COMMAND ${CMAKE_COMMAND} -E env --unset=OPENBLAS_CORETYPE OMP_NUM_THREADS=1
            ${VALGRIND} --tool=callgrind --instr-atstart=no --callgrind-out-file=${counts} ${PROGRAM} ${arguments}
    OUTPUT_VARIABLE output ERROR_VARIABLE errors RESULT_VARIABLE status)
if(NOT status EQUAL 0)
  message(FATAL_ERROR "${PROGRAM} failed under callgrind: ${output}${errors}")
endif()
file(STRINGS ${counts} summary REGEX "^totals: [0-9]+$")
string(REGEX MATCH "[0-9]+" counted "${summary}")
if(NOT counted)
  message(FATAL_ERROR "callgrind counted nothing: ${errors}")
endif()
string(STRIP "${output}" output)
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
