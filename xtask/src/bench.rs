//! `cargo xtask bench`: builds what is measured, and the yardsticks beside it, and runs the benchmark. What is measured,
//! and how, is in tests/bench/.

use std::fs;
use std::path::{Path, PathBuf};

use crate::child::{cargo_command, create_log, new_command, read_last_line, run_logged, wait_for_success};
use crate::edge::{self, Profile, Worker};
use crate::failure::{Context, Failure, Outcome};
use crate::postgres::Postgres;
use crate::progress::Step;
use crate::{keys, paths, setup};

/// The operator and the partner of the benchmark.
const OPERATOR: &str = "acme";
const PARTNER: &str = "netflix";
/// The profile of the benchmark's own program, in Cargo.toml.
const BENCH_PROFILE: &str = "bench-tool";
/// Yardsticks that are used as they are.
const PLAIN_YARDSTICKS: [&str; 5] = ["proxy.js", "calls.js", "kv.js", "rate_limit.js", "cold_isolates.js"];

/// Runs the benchmark with these words of its own command line, and prints its table.
pub(crate) fn run_benchmark(words: &[String]) -> Outcome {
    setup::install_everything()?;
    edge::build_if_changed(Profile::Release)?;
    let folder = paths::target_dir().join("bench");
    let sources = paths::repository_root().join("tests/bench");
    let yardsticks = bundle_yardsticks(&sources.join("yardsticks"), &folder.join("yardsticks"))?;
    let bare_worker = build_bare_worker(folder.join("bare_worker"))?;
    build_programs()?;
    let keys = make_keys(&folder.join("keys"))?;
    let mut bench = new_command(paths::program_of_profile(BENCH_PROFILE, "onbill-bench"));
    bench.args(words);
    for (name, path) in [
        ("--root", paths::repository_root().to_owned()),
        ("--folder", folder.clone()),
        ("--keys", keys),
        ("--edge", paths::repository_root().join("worker/build")),
        ("--bare-worker", bare_worker),
        ("--yardsticks", yardsticks),
        ("--origin", paths::released_program("onbill-origin")),
        ("--workerd", paths::repository_root().join("node_modules/workerd/bin/workerd")),
    ] {
        bench.arg(name).arg(path);
    }
    let postgres = Postgres::provide()?;
    postgres.set_database_url(&mut bench);
    let (table, log) = (folder.join("table.md"), paths::xtask_file("bench.log"));
    bench.stdout(create_log(&table)?).stderr(create_log(&log)?);
    let mut step = Step::start("measuring");
    let finished = wait_for_success(&mut bench, || step.tick(|| read_last_line(&log)));
    if matches!(finished, Ok(true)) {
        step.done();
    } else {
        step.failed();
    }
    println!("{}", fs::read_to_string(&table).unwrap_or_default());
    if finished? { Ok(()) } else { Err(Failure::with_log("the benchmark failed", &log)) }
}

/// Installs the packages of the yardsticks and writes each of them as one file.
fn bundle_yardsticks(sources: &Path, to: &Path) -> Outcome<PathBuf> {
    setup::install_yardsticks(sources)?;
    let mut esbuild = new_command(paths::npm_bin_dir().join("esbuild"));
    esbuild.arg(sources.join("hono.js")).args(["--bundle", "--minify", "--format=esm"]);
    esbuild.arg(format!("--outdir={}", to.display()));
    run_logged("bundling the yardsticks", "bench-yardsticks.log", &mut esbuild)?;
    for name in PLAIN_YARDSTICKS {
        fs::copy(sources.join(name), to.join(name)).context(&format!("copy {name}"))?;
    }
    Ok(to.to_owned())
}

fn build_bare_worker(build_dir: PathBuf) -> Outcome<PathBuf> {
    let worker = Worker { package: "onbill-bench-bare-worker", title: "the bare worker", build_dir };
    worker.build(Profile::Release)?;
    Ok(worker.build_dir)
}

/// The origin as it is deployed, and the benchmark, which need not be as fast.
fn build_programs() -> Outcome {
    let mut build = cargo_command();
    build.args(["build", "--locked", "--release", "--bin", "onbill-origin"]);
    run_logged("building the origin", "bench-build-origin.log", &mut build)?;
    let mut build = cargo_command();
    build.args(["build", "--locked", "--profile", BENCH_PROFILE, "--bin", "onbill-bench"]);
    run_logged("building the benchmark", "bench-build.log", &mut build)
}

/// Makes the key sets of all parties, unless an earlier run has.
fn make_keys(dir: &Path) -> Outcome<PathBuf> {
    if !keys::are_key_sets_complete(&[OPERATOR], &[PARTNER], dir)? {
        // Usually there are none; older ones may lack a use.
        let _ = fs::remove_dir_all(dir);
        keys::write_key_sets(&[OPERATOR], &[PARTNER], dir)?;
    }
    Ok(dir.to_owned())
}
