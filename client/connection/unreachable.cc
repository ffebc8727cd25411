#include "client/connection/unreachable.h"

#include <initializer_list>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "client/connection/endpoint.h"

namespace proctor::client {
namespace {

// The words of gRPC (1.51) and OpenSSL for a failed connection.
bool SaysOneOf(const absl::Status& error, std::initializer_list<const char*> words) {
  for (const char* word : words) {
    if (absl::StrContains(error.message(), word)) return true;
  }
  return false;
}

// The other end answered, or hung up, in no way that HTTP/2 knows.
bool SpeaksSomethingElse(const absl::Status& error) {
  return SaysOneOf(error, {"http1.x server", "Failed parsing HTTP/2", "before receiving SETTINGS"});
}

bool HungUp(const absl::Status& error) {
  return SaysOneOf(error, {"Socket closed", "Connection reset", "Broken pipe", "recvmsg"});
}

// Each of these returns what stands behind "cannot reach a server at HOST: ", or nothing where the
// words of gRPC are not known.

std::string ExplainUnix(const ConnectOptions& options, const absl::Status& error) {
  const std::string start = absl::StrCat("start one with 'proctord --listen=", options.host,
                                         "', or name another with --host or PROCTOR_HOST");
  if (absl::StrContains(error.message(), "No such file or directory")) {
    return absl::StrCat("the socket is not there (NO_SERVER); ", start);
  }
  if (absl::StrContains(error.message(), "Connection refused")) {
    return absl::StrCat("its socket is there, but nobody listens any more (NO_SERVER); ", start);
  }
  if (!SpeaksSomethingElse(error) && !HungUp(error)) return "";
  return "what listens there does not speak gRPC (NOT_PROCTORD); --host or PROCTOR_HOST names a "
         "socket of proctord's";
}

std::string ExplainTls(const ConnectOptions& options, const absl::Status& error) {
  if (absl::StrContains(error.message(), "wrong version number")) {
    return "what listens there does not speak TLS (TLS_UNWANTED); if it is 'proctord --insecure', "
           "leave --tls-* and PROCTOR_TLS_* out and give --token-file";
  }
  if (absl::StrContains(error.message(), "certificate verify failed")) {
    return absl::StrCat("its certificate has expired, or is not signed by ",
                        options.tls.ca.empty() ? "an authority of this system"
                                               : absl::StrCat("'", options.tls.ca, "'"),
                        " (UNTRUSTED_CERTIFICATE); --tls-ca names the authority that signed it");
  }
  if (absl::StrContains(error.message(), "is not in peer certificate")) {
    const std::string name = options.tls.server_name.empty()
                                 ? options.host.substr(0, options.host.rfind(':'))
                                 : options.tls.server_name;
    return absl::StrCat("its certificate is not for the name '", name,
                        "' (WRONG_SERVER_NAME); --tls-server-name gives one that it is for");
  }
  if (!HungUp(error)) return "";
  if (options.tls.cert.empty()) {
    return "it hung up on us, who showed no certificate (CERTIFICATE_REFUSED); proctord wants one: "
           "give --tls-cert and --tls-key";
  }
  return absl::StrCat(
      "it hung up on us (CERTIFICATE_REFUSED); --tls-cert and --tls-key give a "
      "certificate that the authority of 'proctord --tls-client-ca' has signed, "
      "which '",
      options.tls.cert, "' may not be");
}

std::string ExplainPlaintext(const absl::Status& error) {
  if (absl::StrContains(error.message(), "http1.x server")) {
    return "what listens there speaks HTTP/1 (NOT_PROCTORD); if it is the port of 'proctord "
           "--http', --host wants that of --listen";
  }
  if (SpeaksSomethingElse(error)) {
    return "what listens there does not speak gRPC (NOT_PROCTORD); --host wants what 'proctord "
           "--listen' names";
  }
  if (!HungUp(error)) return "";
  return "it hung up on plaintext, as a port does that wants TLS (TLS_WANTED); give --tls-ca, "
         "--tls-cert and --tls-key";
}

std::string Explain(const ConnectOptions& options, const absl::Status& error) {
  const absl::StatusOr<Endpoint> endpoint = ParseEndpoint(options.host);
  if (!endpoint.ok()) return "";
  if (absl::StrContains(error.message(), "DNS resolution failed")) {
    return "its name is not known here (HOST_UNKNOWN); --host or PROCTOR_HOST names another";
  }
  // Lost in the middle of a call, which says nothing of how to get there.
  if (!absl::StrContains(error.message(), "failed to connect")) return "";
  if (endpoint->is_unix) return ExplainUnix(options, error);
  if (absl::StrContains(error.message(), "Connection refused")) {
    return "nobody listens there (NO_SERVER); is proctord running there, with this --listen? "
           "--host or PROCTOR_HOST names another";
  }
  return options.tls.any() ? ExplainTls(options, error) : ExplainPlaintext(error);
}

}  // namespace

std::string ExplainUnreachable(const ConnectOptions& options, const absl::Status& error) {
  std::string why = Explain(options, error);
  if (why.empty()) {
    why = absl::StrCat(error.message(),
                       " (UNREACHABLE); is proctord running there? --host or "
                       "PROCTOR_HOST names another");
  }
  return absl::StrCat("cannot reach a server at '", options.host, "': ", why);
}

}  // namespace proctor::client
