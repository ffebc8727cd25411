#pragma once

#include <string>
#include <vector>

#include "tests/e2e/harness/e2e_test.h"

namespace proctor {

// A server, and calls that list its events.
class EventListE2e : public E2eTest {
 protected:
  explicit EventListE2e(const std::vector<std::string>& flags = {}) : E2eTest(flags) {}

  static grpc::Status List(v1::EventService::Stub& events, const v1::ListEventsRequest& request,
                           v1::ListEventsResponse* response);
  v1::ListEventsResponse List(const v1::ListEventsRequest& request);
  // Lists, and returns how that failed.
  ErrorDetails Error(const v1::ListEventsRequest& request);
  // Returns all pages, joined. None is longer than was asked for.
  std::vector<v1::Event> ListAll(v1::ListEventsRequest request, int* pages = nullptr);

  v1::GetServerInfoResponse Info();
  v1::EventPosition LastPosition();

  static v1::ListEventsRequest PagesOf(int size);
  static std::vector<std::string> BytesOfAll(const std::vector<v1::Event>& events);

  // Does things of every kind, so that there are events of most types.
  void MakeVariety();

 private:
  void Update(const std::string& process_id);
};

}  // namespace proctor
