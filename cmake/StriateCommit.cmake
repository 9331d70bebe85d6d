# Run by every build: writes OUTPUT from INPUT with the version and the commit of SOURCE, and only where it changed.
execute_process(COMMAND git -C ${SOURCE} describe --always --dirty OUTPUT_VARIABLE STRIATE_COMMIT
                OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
if(NOT STRIATE_COMMIT)
  set(STRIATE_COMMIT unknown)
endif()
configure_file(${INPUT} ${OUTPUT} @ONLY)
