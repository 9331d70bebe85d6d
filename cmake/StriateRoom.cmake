# striate_room(NAME ROOMS a b LINKS c d): one library target per room.
# Every .cpp of the room's folder belongs to it; ROOMS are the rooms it may include, LINKS its libraries.
# Warnings are errors with the compilers that every change is checked with; a newer one must not stop a user's build.
# -Wrestrict misfires on std::string concatenation in GCC 12 (GCC bug 105329), -Wmaybe-uninitialized under sanitizers
# (its manual says so).
add_library(striate_options INTERFACE)
target_compile_options(striate_options INTERFACE -Wall -Wextra -Wpedantic -Wshadow -fno-math-errno -ffp-contract=off
                       $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>
                       $<$<OR:$<CXX_COMPILER_ID:Clang>,$<VERSION_LESS:$<CXX_COMPILER_VERSION>,13>>:-Werror>)
if(STRIATE_SANITIZE)
  target_compile_options(striate_options INTERFACE -fsanitize=${STRIATE_SANITIZE} -fno-sanitize-recover=all
                         -fno-omit-frame-pointer $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>)
  target_link_options(striate_options INTERFACE -fsanitize=${STRIATE_SANITIZE})
endif()

# What nearly every file includes is parsed once for all rooms. Every file still names its own headers: scripts/tidy.sh
# reads them without.
set(striate_common_headers
    <algorithm> <array> <cmath> <cstdint> <functional> <limits> <map> <memory> <optional> <span> <string> <string_view>
    <unordered_map> <utility> <vector> <fmt/format.h>)

function(striate_room name)
  cmake_parse_arguments(ROOM "" "" "ROOMS;LINKS;PRIVATE_LINKS" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cpp)
  add_library(striate_${name} STATIC ${sources})
  add_library(Striate::${name} ALIAS striate_${name})
  set_target_properties(striate_${name} PROPERTIES EXPORT_NAME ${name})
  target_compile_features(striate_${name} PUBLIC cxx_std_20)
  target_include_directories(striate_${name} PUBLIC
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}>
    $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}/striate>
    $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  list(TRANSFORM ROOM_ROOMS PREPEND striate_)
  target_link_libraries(striate_${name} PUBLIC ${ROOM_ROOMS} ${ROOM_LINKS}
                        PRIVATE $<BUILD_INTERFACE:striate_options> ${ROOM_PRIVATE_LINKS})
  if(name STREQUAL base)
    target_precompile_headers(striate_base PRIVATE ${striate_common_headers})
  else()
    target_precompile_headers(striate_${name} REUSE_FROM striate_base)
  endif()
endfunction()
