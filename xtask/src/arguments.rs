//! Parses the command line of `cargo xtask`. A parser of our own compiles much faster than a library for these few words
//! and flags, and its error messages can say what to type.

use std::path::PathBuf;

use crate::edge::Profile;
use crate::failure::{Failure, Outcome};

pub(crate) const USAGE: &str = "\
cargo xtask <verb>

  setup                         install what the build needs and is not there yet
  edge [--release|--dev]        build the edge into worker/build and print its sizes (release, unless
                                `wrangler dev` asks)
  keys --operator ID[,ID..] --partner ID[,ID..] --out DIR
                                write matched sets of fresh keys, one file for each holder
  dev [--accounts FILE.csv] [--keep]
                                build and start everything locally, until Ctrl-C; --keep starts with the
                                subscribers and charges of the last run
  call METHOD PATH [-d JSON] [--edge URL] [--keys FILE]
                                sign a request as the sandbox partner and send it to the edge
  postgres -- COMMAND..         run a command that finds a PostgreSQL for tests in DATABASE_URL
  bench [--row NAME].. [--quick] [--profile]
                                measure everything beside its yardstick, print the table and write
                                docs/benchmarks.md; one row only, in short rounds, or where it spends its time
  crash [--cycles N] [--database sqlite|postgres | --cluster]
                                kill the real origin under load, again and again, and audit its ledger; --cluster
                                does it to the primary of a PostgreSQL cluster, as root, with Debian's patroni,
                                etcd-server, python3-etcd, haproxy and postgresql-15
  sim [--lifecycles|--restores] [--seeds N] [--from S] [--seed S] [--database sqlite|postgres]
                                simulate the system under injected faults: N seeds from S on (1000 from 0), or
                                one failed seed again; on PostgreSQL two origins race; --lifecycles simulates whole
                                subscriber lifecycles instead, many more of them in the same time (20000);
                                --restores puts older databases back (1000)
  test [rust|browser]           everything that must pass before a change is accepted";

/// Seeds without `--seeds`: they take from some tens of seconds to a few minutes.
const DEFAULT_FAULT_SEEDS: u64 = 1000;
const DEFAULT_LIFECYCLE_SEEDS: u64 = 20_000;

/// A verb with its arguments.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verb {
    Help,
    Setup,
    Edge(Option<Profile>),
    Keys {
        operators: Vec<String>,
        partners: Vec<String>,
        out: PathBuf,
    },
    Dev {
        accounts: Option<PathBuf>,
        keep: bool,
    },
    Call(CallArguments),
    Postgres(Vec<String>),
    /// The words are those of the benchmark's own program.
    Bench(Vec<String>),
    Crash {
        cycles: Option<u32>,
        what: CrashScope,
    },
    Sim(SimulationArguments),
    Test(TestPart),
}

/// What the crash suite runs on.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum CrashScope {
    BothDatabases,
    One(Database),
    /// A cluster of Patroni, etcd and `HAProxy`.
    Cluster,
}

/// A request to sign and send.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct CallArguments {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) body: Option<String>,
    pub(crate) edge: String,
    pub(crate) keys: Option<PathBuf>,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct SimulationArguments {
    pub(crate) first_seed: u64,
    pub(crate) seeds: u64,
    pub(crate) scenario: Scenario,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scenario {
    /// The whole system under injected faults; on PostgreSQL two origins race.
    Faults(Database),
    /// Whole subscriber lifecycles, which call the store without the rest of the system.
    SubscriberLifecycles,
    /// Databases that are restored to an older point, or lose their tail in a failover.
    Restores,
}

/// A database that an origin supports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Database {
    Sqlite,
    Postgres,
}

/// The tests to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TestPart {
    All,
    Rust,
    Browser,
}

/// Parses the words after the program's name.
pub(crate) fn parse_arguments(words: &[String]) -> Outcome<Verb> {
    let Some((verb, rest)) = words.split_first() else { return Ok(Verb::Help) };
    let mut words = RemainingArguments { verb, rest: rest.to_vec() };
    let parsed = match verb.as_str() {
        "help" | "--help" | "-h" => Verb::Help,
        "setup" => Verb::Setup,
        "edge" => Verb::Edge(words.take_profile()),
        "keys" => Verb::Keys {
            operators: words.take_ids("--operator")?,
            partners: words.take_ids("--partner")?,
            out: words.take_required_value("--out")?.into(),
        },
        "dev" => Verb::Dev {
            accounts: words.take_value("--accounts")?.map(PathBuf::from),
            keep: words.take_flag("--keep"),
        },
        "call" => Verb::Call(words.take_call()?),
        "postgres" => Verb::Postgres(words.take_command()?),
        "bench" => Verb::Bench(words.take_benchmark()?),
        "crash" => {
            let (cycles, is_cluster) = (words.take_cycles()?, words.take_flag("--cluster"));
            let what = match words.take_database()? {
                _ if is_cluster => CrashScope::Cluster,
                Some(database) => CrashScope::One(database),
                None => CrashScope::BothDatabases,
            };
            Verb::Crash { cycles, what }
        }
        "sim" => Verb::Sim(words.take_simulation()?),
        "test" => Verb::Test(words.take_test_part()?),
        _ => return Err(Failure::new(format!("there is no verb {verb:?}\n\n{USAGE}"))),
    };
    match words.rest.first() {
        Some(extra) => Err(words.usage_error(&format!("does not know what to do with {extra:?}"))),
        None => Ok(parsed),
    }
}

/// The arguments that are not parsed yet.
struct RemainingArguments<'a> {
    verb: &'a str,
    rest: Vec<String>,
}

impl RemainingArguments<'_> {
    fn usage_error(&self, what: &str) -> Failure {
        Failure::new(format!("`cargo xtask {}` {what}; `cargo xtask help` shows what there is", self.verb))
    }

    /// Takes a flag that has no value.
    fn take_flag(&mut self, name: &str) -> bool {
        let found = self.rest.iter().position(|word| word == name);
        found.map(|at| self.rest.remove(at)).is_some()
    }

    /// Takes `name VALUE`, if it is there.
    fn take_value(&mut self, name: &str) -> Outcome<Option<String>> {
        let Some(at) = self.rest.iter().position(|word| word == name) else { return Ok(None) };
        if at + 1 == self.rest.len() {
            return Err(self.usage_error(&format!("wants a value after {name}")));
        }
        let value = self.rest.remove(at + 1);
        self.rest.remove(at);
        Ok(Some(value))
    }

    fn take_required_value(&mut self, name: &str) -> Outcome<String> {
        self.take_value(name)?.ok_or_else(|| self.usage_error(&format!("needs {name}")))
    }

    /// A comma-separated list of ids. They become parts of file names and key ids.
    fn take_ids(&mut self, name: &str) -> Outcome<Vec<String>> {
        let list = self.take_required_value(name)?;
        let ids: Vec<String> = list.split(',').map(str::to_owned).collect();
        let well_formed = |id: &String| {
            !id.is_empty() && id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        };
        let unique = ids.iter().enumerate().all(|(n, id)| !ids[..n].contains(id));
        if unique && ids.iter().all(well_formed) {
            return Ok(ids);
        }
        Err(self.usage_error(&format!("wants different ids of a-z, 0-9 and - after {name}, not {list:?}")))
    }

    fn take_profile(&mut self) -> Option<Profile> {
        let (dev, release) = (self.take_flag("--dev"), self.take_flag("--release"));
        release.then_some(Profile::Release).or(dev.then_some(Profile::Dev))
    }

    fn take_call(&mut self) -> Outcome<CallArguments> {
        let body = self.take_value("-d")?;
        let edge = self.take_value("--edge")?.unwrap_or_else(|| "http://127.0.0.1:8787".to_owned());
        let keys = self.take_value("--keys")?.map(PathBuf::from);
        if self.rest.len() < 2 {
            return Err(self.usage_error("needs a method and a path, such as GET /ott/v1/transaction/x"));
        }
        let (method, path) = (self.rest.remove(0).to_uppercase(), self.rest.remove(0));
        if !path.starts_with('/') {
            return Err(self.usage_error(&format!("wants a path that begins with /, not {path:?}")));
        }
        Ok(CallArguments { method, path, body, edge, keys })
    }

    /// A whole number after `name`, if it is there.
    fn take_number(&mut self, name: &str) -> Outcome<Option<u64>> {
        let Some(text) = self.take_value(name)? else { return Ok(None) };
        let number =
            text.parse().map_err(|_| self.usage_error(&format!("wants a whole number after {name}")))?;
        Ok(Some(number))
    }

    fn take_simulation(&mut self) -> Outcome<SimulationArguments> {
        if self.take_flag("--restores") {
            return self.take_seeds(Scenario::Restores, DEFAULT_FAULT_SEEDS);
        }
        let (scenario, default_seeds) = match (self.take_flag("--lifecycles"), self.take_database()?) {
            (true, Some(_)) => return Err(self.usage_error("takes --lifecycles without --database")),
            (true, None) => (Scenario::SubscriberLifecycles, DEFAULT_LIFECYCLE_SEEDS),
            (false, database) => {
                (Scenario::Faults(database.unwrap_or(Database::Sqlite)), DEFAULT_FAULT_SEEDS)
            }
        };
        self.take_seeds(scenario, default_seeds)
    }

    fn take_seeds(&mut self, scenario: Scenario, default_seeds: u64) -> Outcome<SimulationArguments> {
        let (seeds, first, one) =
            (self.take_number("--seeds")?, self.take_number("--from")?, self.take_number("--seed")?);
        match (seeds, first, one) {
            (None, None, Some(seed)) => Ok(SimulationArguments { first_seed: seed, seeds: 1, scenario }),
            (_, _, Some(_)) => Err(self.usage_error("takes either --seed or --seeds and --from")),
            (Some(0), ..) => Err(self.usage_error("wants at least one seed after --seeds")),
            (seeds, first, None) => Ok(SimulationArguments {
                first_seed: first.unwrap_or(0),
                seeds: seeds.unwrap_or(default_seeds),
                scenario,
            }),
        }
    }

    fn take_benchmark(&mut self) -> Outcome<Vec<String>> {
        let mut words = Vec::new();
        while let Some(row) = self.take_value("--row")? {
            words.extend(["--row".to_owned(), row]);
        }
        let flags = ["--quick", "--profile"].into_iter().filter(|flag| self.take_flag(flag));
        words.extend(flags.map(str::to_owned));
        Ok(words)
    }

    /// Everything after `--`.
    fn take_command(&mut self) -> Outcome<Vec<String>> {
        match self.rest.first() {
            Some(word) if word == "--" && self.rest.len() > 1 => Ok(self.rest.drain(..).skip(1).collect()),
            _ => Err(self.usage_error("wants a command after --, such as -- cargo test")),
        }
    }

    fn take_cycles(&mut self) -> Outcome<Option<u32>> {
        let Some(text) = self.take_value("--cycles")? else { return Ok(None) };
        let cycles = text.parse().ok().filter(|cycles| *cycles > 0);
        cycles
            .map(Some)
            .ok_or_else(|| self.usage_error(&format!("wants a number from 1 after --cycles, not {text:?}")))
    }

    fn take_database(&mut self) -> Outcome<Option<Database>> {
        match self.take_value("--database")?.as_deref() {
            None => Ok(None),
            Some("sqlite") => Ok(Some(Database::Sqlite)),
            Some("postgres") => Ok(Some(Database::Postgres)),
            Some(_) => Err(self.usage_error("knows the databases sqlite and postgres")),
        }
    }

    fn take_test_part(&mut self) -> Outcome<TestPart> {
        let part = match self.rest.first().map(String::as_str) {
            None => return Ok(TestPart::All),
            Some("rust") => TestPart::Rust,
            Some("browser") => TestPart::Browser,
            Some(_) => return Err(self.usage_error("knows the parts rust and browser")),
        };
        self.rest.remove(0);
        Ok(part)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse_line(line: &str) -> Outcome<Verb> {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        parse_arguments(&words)
    }

    #[test]
    fn verb_has_arguments_and_defaults() {
        for (line, verb) in [
            ("", Verb::Help),
            ("setup", Verb::Setup),
            ("edge", Verb::Edge(None)),
            ("edge --release", Verb::Edge(Some(Profile::Release))),
            ("edge --dev", Verb::Edge(Some(Profile::Dev))),
            ("dev", Verb::Dev { accounts: None, keep: false }),
            ("dev --keep --accounts a.csv", Verb::Dev { accounts: Some("a.csv".into()), keep: true }),
            ("postgres -- cargo test", Verb::Postgres(vec!["cargo".into(), "test".into()])),
            ("bench", Verb::Bench(vec![])),
            (
                "bench --quick --row a --row b",
                Verb::Bench(["--row", "a", "--row", "b", "--quick"].map(str::to_owned).to_vec()),
            ),
            ("crash", Verb::Crash { cycles: None, what: CrashScope::BothDatabases }),
            ("crash --cluster --cycles 50", Verb::Crash { cycles: Some(50), what: CrashScope::Cluster }),
            (
                "crash --database postgres --cycles 200",
                Verb::Crash { cycles: Some(200), what: CrashScope::One(Database::Postgres) },
            ),
            (
                "sim",
                Verb::Sim(SimulationArguments {
                    first_seed: 0,
                    seeds: 1000,
                    scenario: Scenario::Faults(Database::Sqlite),
                }),
            ),
            (
                "sim --seed 7",
                Verb::Sim(SimulationArguments {
                    first_seed: 7,
                    seeds: 1,
                    scenario: Scenario::Faults(Database::Sqlite),
                }),
            ),
            (
                "sim --seeds 20 --from 100 --database postgres",
                Verb::Sim(SimulationArguments {
                    first_seed: 100,
                    seeds: 20,
                    scenario: Scenario::Faults(Database::Postgres),
                }),
            ),
            (
                "sim --lifecycles",
                Verb::Sim(SimulationArguments {
                    first_seed: 0,
                    seeds: 20_000,
                    scenario: Scenario::SubscriberLifecycles,
                }),
            ),
            (
                "sim --seed 3 --restores",
                Verb::Sim(SimulationArguments { first_seed: 3, seeds: 1, scenario: Scenario::Restores }),
            ),
            (
                "sim --seed 7 --lifecycles",
                Verb::Sim(SimulationArguments {
                    first_seed: 7,
                    seeds: 1,
                    scenario: Scenario::SubscriberLifecycles,
                }),
            ),
            ("test", Verb::Test(TestPart::All)),
            ("test browser", Verb::Test(TestPart::Browser)),
            (
                "keys --out d --partner netflix --operator acme,nova",
                Verb::Keys {
                    operators: vec!["acme".into(), "nova".into()],
                    partners: vec!["netflix".into()],
                    out: "d".into(),
                },
            ),
            (
                "call post /ott/v1/token/validate -d {}",
                Verb::Call(CallArguments {
                    method: "POST".into(),
                    path: "/ott/v1/token/validate".into(),
                    body: Some("{}".into()),
                    edge: "http://127.0.0.1:8787".into(),
                    keys: None,
                }),
            ),
        ] {
            assert_eq!(parse_line(line).expect("is understood"), verb, "{line}");
        }
    }

    #[test]
    fn unknown_arguments_are_refused_by_name() {
        for (line, named) in [
            ("deploy", "deploy"),
            ("setup now", "now"),
            ("edge --fast", "--fast"),
            ("dev --accounts", "--accounts"),
            ("keys --operator acme --partner netflix", "--out"),
            ("keys --operator acme,acme --partner netflix --out d", "--operator"),
            ("keys --operator ../acme --partner netflix --out d", "--operator"),
            ("postgres --", "after --"),
            ("postgres cargo test", "after --"),
            ("call GET", "method and a path"),
            ("call GET ott", "begins with /"),
            ("bench --row", "--row"),
            ("bench --fast", "--fast"),
            ("crash --cycles 0", "from 1"),
            ("crash --cycles many", "from 1"),
            ("crash --database oracle", "sqlite and postgres"),
            ("sim --seeds many", "--seeds"),
            ("sim --seeds 0", "--seeds"),
            ("sim --seed 1 --from 2", "--from"),
            ("sim --lifecycles --database postgres", "--database"),
            ("test everything", "rust and browser"),
        ] {
            let refusal = parse_line(line).expect_err("is refused").to_string();
            assert!(refusal.contains(named), "{line}: {refusal}");
        }
    }
}
