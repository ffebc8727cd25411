# Writes OUTPUT, one module of JavaScript for browsers, from the CommonJS modules of xterm below
# ROOT: Debian's package for browsers (libjs-xterm) has but a file that requires them.
#   cmake -DOUTPUT=X.js -DROOT=/usr/share/nodejs/xterm/lib -P bundle_xterm.cmake
cmake_policy(SET CMP0009 NEW)
file(GLOB_RECURSE files RELATIVE ${ROOT} ${ROOT}/*.js)
list(FILTER files EXCLUDE REGEX "^addons/|\\.test\\.js$|^xterm\\.js$")
list(SORT files)

set(modules "")
foreach(file IN LISTS files)
  file(READ "${ROOT}/${file}" content)
  # Its map is not served.
  string(REGEX REPLACE "//# sourceMappingURL=[^\n]*" "" content "${content}")
  string(REGEX REPLACE "\\.js$" "" name "${file}")
  string(APPEND modules "'/${name}'(require, exports, module) {\n${content}\n},\n")
endforeach()

file(WRITE "${OUTPUT}" "// xterm.js, as Debian's package node-xterm has it.
// Copyright (c) 2017 The xterm.js authors. License: MIT.
// Copyright (c) 2012-2013, Christopher Jeffrey. License: MIT.
// Made by server/http/bundle_xterm.cmake.
const modules = {
${modules}};
const loaded = {};

function load(name) {
  if (!(name in loaded)) {
    const module = {exports: {}};
    loaded[name] = module;
    const require = (path) => load(new URL(path, `file://\${name}`).pathname);
    modules[name](require, module.exports, module);
  }
  return loaded[name].exports;
}

export const {Terminal} = load('/public/Terminal');
")
