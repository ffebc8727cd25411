#pragma once

#include "client/cli/text/colour.h"
#include "core/flags/flag_set.h"
#include "proctor/client/connect_options.h"

namespace proctor::cli {

// The flags that every verb takes: how to reach the server.
//
// A value.
struct GlobalFlags {
  // As given; empty when the environment or the default decides.
  client::ConnectOptions options;
  bool help = false;
  bool version = false;
  ColourWhen colour = ColourWhen::kAuto;

  // Adds the flags to `*flags`; this must outlive it.
  void AddTo(FlagSet* flags);
  // Adds the flags that stand in front of the verb: these and --version.
  void AddToFront(FlagSet* flags);

  // Whether --host or $PROCTOR_HOST is given.
  bool NamesAHost() const;

  // Fills what was not given from the environment ($PROCTOR_HOST, $PROCTOR_TLS_CA and so on) and
  // the default rule. TLS files of the environment are not for unix sockets; $PROCTOR_SERVER_USER
  // is only for them.
  client::ConnectOptions Resolve() const;
};

}  // namespace proctor::cli
