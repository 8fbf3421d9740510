# The configuration of the edge; workerd.rs fills what begins with @.
using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [
    (name = "main", worker = .main),
    (name = "kv", external = (address = "@STORE", http = ())),
    (name = "entries", external = (address = "@ENTRIES", http = ())),
    (name = "internet", external = (address = "@ORIGINS", http = ())),
  ],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],
  extensions = [(modules = [
    (name = "test:rate-limit", esModule = embed "rate_limit.js", internal = true),
  ])],
);

const main :Workerd.Worker = (
  modules = [
    (name = "index.js", esModule = embed "index.js"),
    (name = "index_bg.wasm", wasm = embed "index_bg.wasm"),
  ],
  compatibilityDate = @DATE,
  compatibilityFlags = @FLAGS,
  globalOutbound = "internet",
  bindings = [
    (name = "PAI_MAPPINGS", kvNamespace = "kv"),
    (name = "OPERATORS_KV", kvNamespace = "entries"),
    (name = "WIDGET_RATE", wrapped = (moduleName = "test:rate-limit")),
    (name = "PIN_RATE", wrapped = (moduleName = "test:rate-limit")),
    (name = "PARTNER_RATE", wrapped = (moduleName = "test:rate-limit")),
    (name = "DEVICE_RATE", wrapped = (moduleName = "test:rate-limit")),
@VARIABLES
  ],
);
