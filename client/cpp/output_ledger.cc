#include "client/cpp/output_ledger.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace proctor::client {
namespace {

// A stream that is wrong throughout is described well enough by these.
constexpr size_t kMaxDiscrepancies = 16;

}  // namespace

OutputLedger::OutputLedger(std::optional<v1::StreamOffsets> start)
    : accounts_{{v1::STREAM_STDOUT, std::nullopt}, {v1::STREAM_STDERR, std::nullopt}} {
  if (!start.has_value()) return;
  accounts_[0].next = start->stdout_offset();
  accounts_[1].next = start->stderr_offset();
}

void OutputLedger::Complain(std::string text) {
  if (discrepancies_.size() < kMaxDiscrepancies) discrepancies_.push_back(std::move(text));
}

OutputLedger::Account* OutputLedger::Find(v1::Stream stream) {
  for (Account& account : accounts_) {
    if (account.stream == stream) return &account;
  }
  Complain(absl::StrCat(StreamName(stream), " is no output stream"));
  return nullptr;
}

void OutputLedger::Advance(v1::Stream stream, uint64_t from, uint64_t to) {
  Account* account = Find(stream);
  if (account == nullptr) return;
  if (account->next.has_value() && *account->next != from) {
    Complain(*account->next < from ? absl::StrCat("bytes ", *account->next, " to ", from, " of ",
                                                  StreamName(stream), " never came")
                                   : absl::StrCat("bytes ", from, " to ", *account->next, " of ",
                                                  StreamName(stream), " came twice"));
  }
  account->next = to;
}

void OutputLedger::OnOutput(const v1::Output& output) {
  Advance(output.stream(), output.offset(), output.offset() + output.data().size());
}

void OutputLedger::OnGap(const v1::OutputGap& gap) { Advance(gap.stream(), gap.from(), gap.to()); }

void OutputLedger::CheckTotal(Account* account, uint64_t total) {
  if (!account->next.has_value() || *account->next == total) return;
  Complain(absl::StrCat(StreamName(account->stream), " has ", total, " bytes, but ", *account->next,
                        " are accounted for"));
}

void OutputLedger::OnEof(const v1::StreamEof& eof) {
  Account* account = Find(eof.stream());
  if (account == nullptr) return;
  CheckTotal(account, eof.total_bytes());
  // Said once; OutputDrained would say it again.
  account->next = eof.total_bytes();
}

void OutputLedger::OnDrained(const v1::OutputDrained& drained) {
  for (Account& account : accounts_) {
    const v1::StreamTotals* totals = nullptr;
    for (const v1::StreamTotals& candidate : drained.output()) {
      if (candidate.stream() == account.stream) totals = &candidate;
    }
    // A stream without a pipe has no totals, and no bytes.
    CheckTotal(&account, totals == nullptr ? 0 : totals->total_bytes());
  }
}

std::string StreamName(v1::Stream stream) {
  switch (stream) {
    case v1::STREAM_STDIN:
      return "stdin";
    case v1::STREAM_STDOUT:
      return "stdout";
    case v1::STREAM_STDERR:
      return "stderr";
    default:
      return absl::StrCat("stream ", static_cast<int>(stream));
  }
}

}  // namespace proctor::client
