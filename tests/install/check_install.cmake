# Installs the build at BUILD into a prefix under it, then builds and runs a program that knows only that prefix.
#
# cmake -DBUILD=... -DCONSUMER=... -DCOMPILER=... -DPAGE=docs/gradients.md -P check_install.cmake
set(place ${BUILD}/tests/install)
file(REMOVE_RECURSE ${place})

function(must_work what)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE status OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(NOT status EQUAL 0)
    message(FATAL_ERROR "${what} failed:\n${output}")
  endif()
  message(STATUS "${what}: done")
endfunction()

must_work("installing" ${CMAKE_COMMAND} --install ${BUILD} --prefix ${place}/prefix)
must_work("configuring the consumer" ${CMAKE_COMMAND} -G Ninja -S ${CONSUMER} -B ${place}/build
          -DCMAKE_BUILD_TYPE=Release -DCMAKE_CXX_COMPILER=${COMPILER} -DCMAKE_PREFIX_PATH=${place}/prefix -DPAGE=${PAGE})
must_work("building the consumer" ${CMAKE_COMMAND} --build ${place}/build)
must_work("running the consumer" ${place}/build/consumer)
execute_process(COMMAND ${place}/build/gradients RESULT_VARIABLE status OUTPUT_VARIABLE printed)
file(READ ${PAGE} page)
string(FIND "${page}" "```text\n${printed}```" at)
if(NOT status EQUAL 0 OR at EQUAL -1)
  message(FATAL_ERROR "the program of ${PAGE} ends with ${status} and does not print what stands there, but:\n${printed}")
endif()
must_work("running the installed program" ${place}/prefix/bin/striate --help)

# No installed file may lead back to the build.
file(GLOB_RECURSE package ${place}/prefix/*.cmake)
foreach(file IN LISTS package)
  file(READ ${file} text)
  string(FIND "${text}" "${BUILD}" at)
  if(NOT at EQUAL -1)
    message(FATAL_ERROR "${file} names the build folder ${BUILD}")
  endif()
endforeach()
