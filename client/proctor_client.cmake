# The component "client": the target proctor::client.
find_dependency(Protobuf)
find_dependency(gRPC CONFIG)
include(${CMAKE_CURRENT_LIST_DIR}/proctorClientTargets.cmake)
set(proctor_client_FOUND TRUE)
