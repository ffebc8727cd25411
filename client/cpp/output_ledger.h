#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "proctor/v1/process_service.pb.h"

namespace proctor::client {

// Counts the bytes of one process stream, to prove in the end that none is missing.
//
// Every Output and OutputGap must begin where the one before ended, and the last must end where the
// server says that the stream ended. Anything else is a discrepancy: bytes that were lost, doubled
// or invented on the way.
//
// Not thread-safe: it belongs to the reader of the stream.
class OutputLedger {
 public:
  // With `start`, both streams begin there. Without it, a stream begins with its first byte or gap;
  // one that has neither proves nothing and is no discrepancy.
  explicit OutputLedger(std::optional<v1::StreamOffsets> start);

  void OnOutput(const v1::Output& output);
  void OnGap(const v1::OutputGap& gap);
  void OnEof(const v1::StreamEof& eof);
  void OnDrained(const v1::OutputDrained& drained);

  // The position of the next byte of an output stream; unset until it is known.
  std::optional<uint64_t> position(v1::Stream stream) const {
    return accounts_[stream == v1::STREAM_STDERR].next;
  }

  // What does not add up, in words; empty if everything does.
  const std::vector<std::string>& discrepancies() const { return discrepancies_; }

 private:
  struct Account {
    v1::Stream stream;
    // The position of the next byte; unset until it is known.
    std::optional<uint64_t> next;
  };

  void Complain(std::string text);
  // Null for a stream that has no output, which is a discrepancy.
  Account* Find(v1::Stream stream);
  void Advance(v1::Stream stream, uint64_t from, uint64_t to);
  void CheckTotal(Account* account, uint64_t total);

  Account accounts_[2];
  std::vector<std::string> discrepancies_;
};

// "stdout" and so on; "stream N" for one that this client does not know.
std::string StreamName(v1::Stream stream);

}  // namespace proctor::client
