# Install rules, and the package files that make find_package(lockstep) work.
include(CMakePackageConfigHelpers)
get_property(lockstep_modules GLOBAL PROPERTY LOCKSTEP_MODULES)
install(TARGETS ${lockstep_modules} lockstep_torch EXPORT lockstepTargets
        ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
        FILE_SET HEADERS DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(TARGETS lockstep_launcher RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(TARGETS lockstep_program RUNTIME DESTINATION ${CMAKE_INSTALL_LIBEXECDIR}/lockstep)
# The program itself knows its manual page and completions.
set(shell_files ${PROJECT_BINARY_DIR}/generated/shell)
install(CODE "
  file(MAKE_DIRECTORY \"${shell_files}\")
  foreach(text IN ITEMS manual \"completion bash\" \"completion zsh\")
    separate_arguments(arguments UNIX_COMMAND \"\${text}\")
    execute_process(COMMAND \"$<TARGET_FILE:lockstep_program>\" \${arguments}
                    OUTPUT_FILE \"${shell_files}/\${text}\" COMMAND_ERROR_IS_FATAL ANY)
  endforeach()")
install(FILES ${shell_files}/manual RENAME lockstep.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
install(FILES "${shell_files}/completion bash" RENAME lockstep
        DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
install(FILES "${shell_files}/completion zsh" RENAME _lockstep
        DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/site-functions)
install(EXPORT lockstepTargets NAMESPACE lockstep:: DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/lockstep)
configure_package_config_file(cmake/lockstepConfig.cmake.in lockstepConfig.cmake
                              INSTALL_DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/lockstep)
write_basic_package_version_file(lockstepConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/lockstepConfig.cmake
              ${PROJECT_BINARY_DIR}/lockstepConfigVersion.cmake
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/lockstep)
