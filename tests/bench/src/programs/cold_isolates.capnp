# The configuration of cold_isolates.js; programs/cold_isolates.rs fills what begins with @.
using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [(name = "main", worker = .main)],
  sockets = [(name = "http", address = "@ADDRESS", http = (), service = "main")],
);

const main :Workerd.Worker = (
  modules = [(name = "cold_isolates.js", esModule = embed "cold_isolates.js")],
  compatibilityDate = @DATE,
  bindings = [
    (name = "LOADER", workerLoader = (id = "cold")),
    (name = "SOURCE", text = embed "index.js"),
    (name = "WASM", data = embed "index_bg.wasm"),
    (name = "VARIABLES", json = embed "variables.json"),
    (name = "COMPATIBILITY", json = embed "compatibility.json"),
  ],
);
