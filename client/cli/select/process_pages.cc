#include "client/cli/select/process_pages.h"

#include "client/cli/command/invocation.h"
#include "core/base/return_if_error.h"

namespace proctor::cli {

absl::Status ForEachListed(const client::Client& client, v1::ListProcessesRequest request,
                           const std::function<bool(const v1::Process&)>& take) {
  request.set_page_size(kListPageSize);
  do {
    ASSIGN_OR_RETURN(const auto page, client.ListProcesses(request, Prompt()));
    for (const v1::Process& process : page.processes()) {
      if (!take(process)) return absl::OkStatus();
    }
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  return absl::OkStatus();
}

}  // namespace proctor::cli
