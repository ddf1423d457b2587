# The picture of the modules in docs/architecture.md, as a flow chart of Mermaid. An arrow points from a module to
# one that it uses; arrows that follow from others are left out.

# lockstep_add_to_picture(MODULE USED...)
function(lockstep_add_to_picture module)
  set(below ${ARGN})
  foreach(used IN LISTS ARGN)
    get_property(below_used GLOBAL PROPERTY LOCKSTEP_BELOW_${used})
    list(APPEND below ${below_used})
    list(APPEND indirect ${below_used})
  endforeach()
  list(REMOVE_DUPLICATES below)
  set_property(GLOBAL PROPERTY LOCKSTEP_BELOW_${module} ${below})
  set(direct ${ARGN})
  if(indirect)
    list(REMOVE_ITEM direct ${indirect})
  endif()
  foreach(used IN LISTS direct)
    set_property(GLOBAL APPEND_STRING PROPERTY LOCKSTEP_PICTURE "    ${module} --> ${used}\n")
  endforeach()
endfunction()

# Writes the picture of all modules so far.
function(lockstep_write_picture file)
  get_property(arrows GLOBAL PROPERTY LOCKSTEP_PICTURE)
  file(CONFIGURE OUTPUT ${file} CONTENT "flowchart TD\n${arrows}" @ONLY)
endfunction()
