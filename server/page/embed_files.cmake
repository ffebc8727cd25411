# Writes OUTPUT, a C++ file with the content of FILES, whose names are told from ROOT on, those
# of others without their directories:
# the definition of EmbeddedFiles (server/page/embedded_files.h).
#   cmake -DOUTPUT=X.cc -DROOT=DIR -DFILES=A,B -P embed_files.cmake
string(REPLACE "," ";" FILES "${FILES}")
list(SORT FILES)

set(arrays "")
set(entries "")
set(index 0)
foreach(file IN LISTS FILES)
  file(RELATIVE_PATH name ${ROOT} ${file})
  if(name MATCHES "^\\.\\./")
    get_filename_component(name ${file} NAME)
  endif()
  file(SHA256 ${file} digest)
  string(SUBSTRING ${digest} 0 16 digest)
  file(SIZE ${file} size)
  file(READ ${file} content HEX)
  string(REGEX REPLACE "(................................)" "\\1\n" content "${content}")
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," content "${content}")
  # An array of none is not allowed; its end is not counted.
  string(APPEND arrays "const unsigned char kFile${index}[] = {\n${content}0};\n")
  string(APPEND entries "    {\"${name}\", \"\\\"${digest}\\\"\",\n"
                        "     {reinterpret_cast<const char*>(kFile${index}), ${size}}},\n")
  math(EXPR index "${index} + 1")
endforeach()

file(WRITE ${OUTPUT} "// Made by server/page/embed_files.cmake.
#include \"server/page/embedded_files.h\"

namespace proctor::server::http {
namespace {

${arrays}
}  // namespace

std::span<const StaticFile> EmbeddedFiles() {
  static const StaticFile kFiles[] = {
${entries}  };
  return kFiles;
}

}  // namespace proctor::server::http
")
