# Writes OUTPUT: a C++ table of (name, text) from the .circuit files of CIRCUITS.
set(table "#include \"models/library.hpp\"\n\nnamespace striate {\n\nconst std::vector<ModelText>& model_texts() {\n  static const std::vector<ModelText> texts{\n")
foreach(file IN LISTS CIRCUITS)
  get_filename_component(name ${file} NAME_WE)
  file(READ ${file} text)
  string(APPEND table "      {\"${name}\", R\"striate_model(${text})striate_model\"},\n")
endforeach()
string(APPEND table "  };\n  return texts;\n}\n\n}  // namespace striate\n")
file(WRITE ${OUTPUT} "${table}")
