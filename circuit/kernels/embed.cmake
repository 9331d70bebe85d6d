# Writes OUTPUT: the text of HEADERS, one after the other, as a C++ constant. What they include of each other is left out.
set(all "")
foreach(file IN LISTS HEADERS)
  file(READ ${file} text)
  string(REGEX REPLACE "#pragma once|#include \"[^\"]*\"" "" text "${text}")
  string(APPEND all "${text}")
endforeach()
file(WRITE ${OUTPUT} "namespace striate {\n\nextern const char* const operations_text;\nconst char* const operations_text = R\"striate(${all})striate\";\n\n}  // namespace striate\n")
