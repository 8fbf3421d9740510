//! What has to stand beside figures: when, on which machine, of which versions, and what else the machine did.

use crate::bench::Bench;
use crate::clock::now;
use serde_json::Value;
use std::fs;
use std::process::Command;

/// One paragraph of Markdown.
pub(crate) fn format_facts(bench: &Bench, load_before: &str, load_after: &str) -> String {
    let kind = if bench.scale.is_quick { "A quick run" } else { "A full run" };
    format!(
        "{kind} of {}, at commit {}: medians of {} rounds of {} ms. Load average {load_before} before and {load_after} \
         after.\n\nMachine: {}.\n\nVersions: {}.\n",
        now(),
        read_commit(bench),
        bench.scale.rounds,
        bench.scale.round.as_millis(),
        describe_machine(),
        describe_versions(bench),
    )
}

fn describe_machine() -> String {
    let read = |file: &str| fs::read_to_string(file).unwrap_or_default();
    let (cpus, memory) = (read("/proc/cpuinfo"), read("/proc/meminfo"));
    let field = |text: &str, name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.split_once(':'));
        line.map_or_else(|| "?".to_owned(), |(_, value)| value.trim().to_owned())
    };
    let cores = cpus.lines().filter(|line| line.starts_with("processor")).count();
    let gibibytes = field(&memory, "MemTotal").split(' ').next().and_then(|kib| kib.parse::<u64>().ok());
    format!(
        "{cores} × {}, {} GiB of memory, Linux {}",
        field(&cpus, "model name"),
        gibibytes.unwrap_or_default() / 1024 / 1024,
        read("/proc/sys/kernel/osrelease").trim()
    )
}

fn describe_versions(bench: &Bench) -> String {
    let mut versions = vec![
        first_line(Command::new("rustc").arg("--version")),
        first_line(Command::new(&bench.paths.workerd).arg("--version")),
        format!("SQLite {}", rusqlite::version()),
    ];
    let packages = fs::read_to_string(bench.paths.root.join("tests/bench/yardsticks/package.json"));
    let packages: Value = serde_json::from_str(&packages.unwrap_or_default()).unwrap_or_default();
    for (name, version) in packages["dependencies"].as_object().into_iter().flatten() {
        versions.push(format!("{name} {}", version.as_str().unwrap_or("?")));
    }
    versions.join(", ")
}

fn read_commit(bench: &Bench) -> String {
    let mut git = Command::new("git");
    first_line(git.current_dir(&bench.paths.root).args(["describe", "--always", "--dirty"]))
}

fn first_line(command: &mut Command) -> String {
    let output = command.output().map(|output| output.stdout).unwrap_or_default();
    String::from_utf8_lossy(&output).lines().next().unwrap_or("?").to_owned()
}
