//! Makes the JavaScript side of the compiled edge: `edge-bindgen EDGE.wasm FOLDER` writes `index.js` and `index_bg.wasm`,
//! with `--names` also the names of functions.
//!
//! It is a package of its own because xtask has to start quickly, and the generator is a large library.

use anyhow::{Result, bail};
use wasm_bindgen_cli_support::Bindgen;

fn main() -> Result<()> {
    let mut arguments = std::env::args_os().skip(1);
    let (Some(wasm), Some(folder)) = (arguments.next(), arguments.next()) else {
        bail!("usage: edge-bindgen EDGE.wasm FOLDER [--names]");
    };
    let keeps_names = match arguments.next() {
        None => false,
        Some(flag) if flag == "--names" => true,
        Some(flag) => bail!("there is no option {}", flag.display()),
    };
    let mut bindgen = Bindgen::new();
    bindgen.input_path(&wasm).out_name("index").module(true)?;
    // After a trap the edge begins with new memory: see worker/entry.js.
    bindgen.reset_state_function(true).force_enable_abort_handler(true);
    // They are a quarter of what would be loaded. A panic is logged with its file and line without them.
    bindgen.remove_name_section(!keeps_names);
    bindgen.remove_producers_section(true);
    bindgen.generate(&folder)
}
