# docs/architecture.md shows the picture of the modules that the build files make.
file(READ ${DOCUMENT} document)
file(READ ${PICTURE} picture)
string(FIND "${document}" "```mermaid\n${picture}```\n" place)
if(place EQUAL -1)
  message(FATAL_ERROR "the picture of the modules in ${DOCUMENT} is not that of ${PICTURE}: copy it")
endif()
