# Compiles wrong_include.cpp as a source of `data`: fine without the forbidden include (so that the
# test can fail), impossible with it.
set(command ${COMPILER} -std=c++20 -fsyntax-only -I${ROOTS}/data -I${ROOTS}/base ${SOURCE})
execute_process(COMMAND ${command} RESULT_VARIABLE allowed)
execute_process(COMMAND ${command} -DFORBIDDEN RESULT_VARIABLE forbidden ERROR_VARIABLE message)
if(NOT allowed EQUAL 0)
  message(FATAL_ERROR "the allowed include does not compile")
endif()
if(forbidden EQUAL 0 OR NOT message MATCHES "lockstep/comm/communicator.hpp: No such file")
  message(FATAL_ERROR "data can include comm: ${message}")
endif()
