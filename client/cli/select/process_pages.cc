#include "client/cli/select/process_pages.h"

#include "client/cli/command/invocation.h"

namespace proctor::cli {
namespace {

constexpr int kPageSize = 1000;

}  // namespace

client::Error ForEachListed(const client::Client& client, v1::ListProcessesRequest request,
                            const std::function<bool(const v1::Process&)>& take) {
  request.set_page_size(kPageSize);
  do {
    v1::ListProcessesResponse page;
    client::Error error = client.ListProcesses(request, &page, Prompt());
    if (!error.ok()) return error;
    for (const v1::Process& process : page.processes()) {
      if (!take(process)) return {};
    }
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  return {};
}

}  // namespace proctor::cli
