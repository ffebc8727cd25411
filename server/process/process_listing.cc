#include "server/process/process_listing.h"

#include <string>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "core/base/return_if_error.h"
#include "core/base/selection.h"
#include "proctor/error.h"
#include "server/call/page_token.h"
#include "server/wire/process.h"

namespace proctor::server {
namespace {

bool MatchesState(const v1::ListProcessesRequest& request, const ProcessInfo& info) {
  return IsSelected(request.states(), wire::ToProto(info.state));
}

// Whatever its state.
bool Matches(const v1::ListProcessesRequest& request, const ProcessInfo& info) {
  if (!request.session_id().empty() && request.session_id() != info.session_id) return false;
  return HasLabels(info.command->labels, request.labels());
}

absl::Status CheckStates(const v1::ListProcessesRequest& request) {
  for (const int state : request.states()) {
    if (state != v1::PROCESS_STATE_UNSPECIFIED && v1::ProcessState_IsValid(state)) continue;
    return InvalidField("states", "unknown state");
  }
  return absl::OkStatus();
}

}  // namespace

v1::OutputPlace PlaceOfOutput(const SessionRegistry& sessions, const ProcessInfo& info) {
  switch (sessions.OutputPlaceOf(info)) {
    case SessionRegistry::OutputPlace::kSession:
      return v1::OUTPUT_PLACE_MEMORY;
    case SessionRegistry::OutputPlace::kDisk:
      return v1::OUTPUT_PLACE_DISK;
    case SessionRegistry::OutputPlace::kGone:
      break;
  }
  return v1::OUTPUT_PLACE_GONE;
}

absl::Status ListProcesses(SessionRegistry* sessions, const v1::ListProcessesRequest& request,
                           v1::ListProcessesResponse* response) {
  RETURN_IF_ERROR(CheckStates(request));
  const std::string filter = FilterOf(request);
  auto page = ReadPage(request.page_size(), request.page_token(), filter);
  if (!page.ok()) return page.status();
  if (!request.session_id().empty()) {
    auto session = sessions->GetInfo(request.session_id());
    if (!session.ok()) return session.status();
  }
  absl::flat_hash_set<std::string> survived;
  if (request.include_survivors()) survived = sessions->ProcessesWithSurvivors();
  // One more than the page shows whether there is a next one.
  auto entries = sessions->processes().List(
      page->after, page->size + 1, [&request, &survived](const ProcessInfo& info) {
        return (MatchesState(request, info) || survived.contains(info.id)) &&
               Matches(request, info);
      });
  PageRoom room;
  uint64_t last = page->after;
  for (const auto& entry : entries) {
    const auto info = sessions->LookAtSurvivors(entry.info);
    if (info->survivors == 0 && !MatchesState(request, *info)) {  // they have ended
      last = entry.ordinal;
      continue;
    }
    v1::Process process = wire::ToProto(*info);
    process.set_output_place(PlaceOfOutput(*sessions, *info));
    if (static_cast<size_t>(response->processes_size()) == page->size ||
        !room.Take(process.ByteSizeLong())) {
      response->set_next_page_token(MakePageToken(last, filter));
      break;
    }
    *response->add_processes() = std::move(process);
    last = entry.ordinal;
  }
  if (response->next_page_token().empty() && entries.size() > page->size) {
    response->set_next_page_token(MakePageToken(last, filter));  // some were passed over
  }
  return absl::OkStatus();
}

}  // namespace proctor::server
