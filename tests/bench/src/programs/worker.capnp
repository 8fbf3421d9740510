# The configuration of one worker; programs/worker.rs fills what begins with @.
using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [
    (name = "main", worker = .main),
    (name = "kv", worker = .kv),
    (name = "internet", network = (allow = ["public", "private"])),
  ],
  sockets = [(name = "http", address = "@ADDRESS", http = (), service = "main")],
  extensions = [(modules = [
    (name = "bench:rate-limit", esModule = embed "rate_limit.js", internal = true),
  ])],
  v8Flags = [@V8_FLAGS],
);

const main :Workerd.Worker = (
  modules = [@MODULES],
  compatibilityDate = @DATE,
  compatibilityFlags = @FLAGS,
  bindings = [
    (name = "PAI_MAPPINGS", kvNamespace = "kv"),
@BINDINGS
  ],
);

const kv :Workerd.Worker = (
  modules = [(name = "kv.js", esModule = embed "kv.js")],
  compatibilityDate = @DATE,
  bindings = [(name = "VALUE", text = embed "VALUE")],
);
