# Script: writes git_revision.cpp in OUTPUT, only when the revision changed (so nothing rebuilds).
execute_process(COMMAND git describe --always --dirty --abbrev=12
                WORKING_DIRECTORY ${SOURCE} OUTPUT_VARIABLE revision
                OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE status)
if(NOT status EQUAL 0 OR revision STREQUAL "")
  set(revision unknown)
endif()
configure_file(${TEMPLATE} ${OUTPUT} @ONLY)
