# count_instructions(RESULT OUTPUT ARGUMENT...): those of PROGRAM's counted steps under callgrind. Counts repeat to the
# instruction on one machine.
function(count_instructions result output_variable)
  set(counts ${WORK}/${CASE}.callgrind)
  execute_process(
      COMMAND ${CMAKE_COMMAND} -E env --unset=OPENBLAS_CORETYPE OMP_NUM_THREADS=1
              ${VALGRIND} --tool=callgrind --instr-atstart=no --callgrind-out-file=${counts} ${PROGRAM} ${ARGN}
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
  set(${result} ${counted} PARENT_SCOPE)
  set(${output_variable} "${output}" PARENT_SCOPE)
endfunction()
