# What `cmake --install` lays down: the program, the rooms as libraries with their headers under include/striate, the
# Python package beside the program, and what find_package(Striate) reads.
include(CMakePackageConfigHelpers)

set(rooms base io circuit models integrators sim)
set(package ${CMAKE_INSTALL_LIBDIR}/cmake/Striate)

install(TARGETS striate RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
list(TRANSFORM rooms PREPEND striate_ OUTPUT_VARIABLE libraries)
install(TARGETS ${libraries} EXPORT StriateTargets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(DIRECTORY ${rooms} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/striate FILES_MATCHING PATTERN "*.hpp")
install(DIRECTORY python/striate DESTINATION ${CMAKE_INSTALL_DATADIR}/striate/python FILES_MATCHING PATTERN "*.py")
install(EXPORT StriateTargets NAMESPACE Striate:: DESTINATION ${package})

configure_package_config_file(cmake/StriateConfig.cmake.in ${PROJECT_BINARY_DIR}/StriateConfig.cmake
                              INSTALL_DESTINATION ${package})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/StriateConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/StriateConfig.cmake ${PROJECT_BINARY_DIR}/StriateConfigVersion.cmake
        DESTINATION ${package})
