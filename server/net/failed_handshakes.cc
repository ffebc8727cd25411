#include "server/net/failed_handshakes.h"

#include <openssl/ssl.h>
#include <openssl/tls1.h>
#include <openssl/x509_vfy.h>
#include <spdlog/spdlog.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "absl/time/clock.h"
#include "server/log/line_budget.h"

namespace proctor::server {
namespace {

struct Handshake {
  std::string peer;
  bool any_message = false;   // that is TLS
  bool any_protocol = false;  // that both speak
  int alert = -1;
  bool alert_is_ours = false;
  long verified = X509_V_OK;
};

thread_local std::string current_peer;
int slot = -1;  // of an SSL object, where its Handshake is

std::string AlertName(int alert) {
  // OpenSSL 3.0 has the alerts of TLS 1.3, but not their names.
  if (alert == TLS13_AD_CERTIFICATE_REQUIRED) return "certificate required";
  return fmt::format("{} (alert {})", ::SSL_alert_desc_string_long(alert), alert);
}

std::string Reason(const Handshake& handshake, bool is_done) {
  if (is_done) return "the peer does not speak HTTP/2 (ALPN)";
  if (handshake.verified != X509_V_OK) {
    return fmt::format("the certificate: {}", ::X509_verify_cert_error_string(handshake.verified));
  }
  if (handshake.alert >= 0) {
    return fmt::format("{}: {}", handshake.alert_is_ours ? "we said" : "the peer said",
                       AlertName(handshake.alert));
  }
  return handshake.any_message ? "it was left unfinished" : "nothing came that is TLS";
}

// OpenSSL calls this for each message and alert, also where gRPC has a callback of the other kind
// (SSL_set_info_callback).
void OnMessage(int is_ours, int, int type, const void* bytes, size_t size, SSL* ssl, void*) {
  auto* const handshake = static_cast<Handshake*>(::SSL_get_ex_data(ssl, slot));
  if (handshake == nullptr) return;
  const auto* const content = static_cast<const unsigned char*>(bytes);
  if (type == SSL3_RT_ALERT && size >= 2 && content[1] != SSL3_AD_CLOSE_NOTIFY) {
    handshake->alert = content[1];
    handshake->alert_is_ours = is_ours != 0;
    handshake->verified = ::SSL_get_verify_result(ssl);
  }
  if (type != SSL3_RT_HANDSHAKE) return;
  handshake->any_message = true;
  const unsigned char* protocol = nullptr;
  unsigned length = 0;
  ::SSL_get0_alpn_selected(ssl, &protocol, &length);
  handshake->any_protocol = length > 0;
}

void OnNew(void* ssl, void*, CRYPTO_EX_DATA*, int index, long, void*) {
  if (current_peer.empty()) return;
  auto handshake = std::make_unique<Handshake>();
  handshake->peer = current_peer;
  auto* const made = static_cast<SSL*>(ssl);
  if (::SSL_set_ex_data(made, index, handshake.get()) != 1) return;
  (void)handshake.release();  // OnFree's
  ::SSL_set_msg_callback(made, OnMessage);
}

void OnFree(void* ssl, void* data, CRYPTO_EX_DATA*, int, long, void*) {
  const std::unique_ptr<Handshake> handshake(static_cast<Handshake*>(data));
  if (handshake == nullptr) return;
  const bool is_done = ::SSL_is_init_finished(static_cast<SSL*>(ssl)) != 0;
  if (is_done && handshake->any_protocol) return;
  static auto* budget = new LineBudget;  // never undone: gRPC's threads outlive main
  const auto untold = budget->Take(absl::Now());
  if (!untold.has_value()) return;
  spdlog::warn("TLS handshake failed peer={} reason=\"{}\"{}", handshake->peer,
               Reason(*handshake, is_done), UntoldText(*untold));
}

}  // namespace

void WatchHandshakes() {
  if (slot < 0) slot = ::SSL_get_ex_new_index(0, nullptr, OnNew, nullptr, OnFree);
}

HandshakePeer::HandshakePeer(std::string peer) { current_peer = std::move(peer); }

HandshakePeer::~HandshakePeer() { current_peer.clear(); }

}  // namespace proctor::server
