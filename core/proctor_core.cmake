# The component "core": the target proctor::core.

# These bring no CMake package; the library is static and names them by these targets.
find_dependency(PkgConfig)
pkg_check_modules(liburing QUIET IMPORTED_TARGET liburing>=2.3)
pkg_check_modules(sqlite3 QUIET IMPORTED_TARGET sqlite3>=3.38)
pkg_check_modules(zlib QUIET IMPORTED_TARGET zlib)
if(NOT liburing_FOUND OR NOT sqlite3_FOUND OR NOT zlib_FOUND)
  set(proctor_NOT_FOUND_MESSAGE
      "proctor needs liburing 2.3, SQLite 3.38 and zlib, or newer ones, as pkg-config knows them")
  return()
endif()

include(${CMAKE_CURRENT_LIST_DIR}/proctorCoreTargets.cmake)
set(proctor_core_FOUND TRUE)
