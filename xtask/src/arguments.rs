//! Parses the command line of `cargo xtask`. A parser of our own compiles much faster than a library for these few words
//! and flags, and its error messages can say what to type. Where a verb takes more than a line says, that is in a file of
//! its own.

mod bench;
mod crash;
mod database;
mod edge;
mod keys;
mod operators;
mod release;
mod remaining;
mod sim;
mod test_part;

use std::path::PathBuf;

use crate::failure::{Failure, Outcome};
pub(crate) use crash::CrashScope;
pub(crate) use database::Database;
pub(crate) use edge::EdgeArguments;
pub(crate) use keys::KeysArguments;
pub(crate) use operators::OperatorsArguments;
pub(crate) use release::ReleaseAction;
use remaining::RemainingArguments;
pub(crate) use sim::{Scenario, SimulationArguments};
pub(crate) use test_part::TestPart;

pub(crate) const USAGE: &str = "\
cargo xtask <verb>

  setup                         install what the build needs and is not there yet
  edge [--release|--dev]        build the edge into worker/build and print its sizes (release, unless
                                `wrangler dev` asks)
  edge --bundle DIR             build the edge and write it as a folder that needs Node.js alone
  keys --operator ID[,ID..] --partner ID[,ID..] --out DIR
                                write matched sets of fresh keys, one file for each party
  keys --edge FILE --operator ID[,ID..] [--epoch R.N] --out DIR
                                write the sets of further operators of that edge, or, with --epoch, only the keys
                                that their origins share with it in that epoch
  keys --edge FILE --next-root --out DIR
                                write the edge's next root key
  operators check|put FILE.. [--local] [-- WRANGLER'S..]
                                check operators' entries, and put them into the edge's store; --local is the
                                store of `wrangler dev`, where this machine may be named
  dev [--accounts FILE.csv] [--keep] [--incumbent]
                                build and start everything locally, until Ctrl-C; --keep starts with the
                                subscribers and charges of the last run, --incumbent with files of another
                                system whose customers can be taken over
  docs                          build the pages of docs/ as a site into target/docs/site
  call METHOD PATH [-d JSON] [ONBILL'S..]
                                sign a request as the sandbox partner and send it to the edge, by `onbill call`
  postgres -- COMMAND..         run a command that finds a PostgreSQL for tests in DATABASE_URL
  bench [--row NAME].. [--quick | --large] [--profile]
                                measure everything beside its yardstick, print the table and write
                                docs/benchmarks.md; one row only, in short rounds, with ten million accounts
                                and charges too, or where it spends its time
  crash [--cycles N] [--database sqlite|postgres | --cluster]
                                kill the real origin under load, again and again, and audit its ledger. With
                                --cluster, kill the primary of a PostgreSQL cluster. That needs root, and Debian's
                                patroni, etcd-server, python3-etcd, haproxy and postgresql-15
  sim [--lifecycles|--restores|--takeovers] [--seeds N] [--from S] [--seed S] [--database sqlite|postgres]
                                simulate the system under injected faults: N seeds from S on (1000 from 0), or
                                one failed seed again. On PostgreSQL two origins race. With --lifecycles, simulate
                                whole subscriber lifecycles instead, many more in the same time (20000). With
                                --restores, put older databases back (1000). With --takeovers, take the customers
                                of another system over (5000, four customers each)
  upgrade --from REF            upgrade an origin built from REF to this tree's under load, and take it back
  release [--check|--prepare|--snapshot]
                                make all that a release ships into target/release-artifacts: --check says what is
                                in the way, --prepare locks the migrations, --snapshot makes a trial of it
  test [rust|browser]           run everything that must pass before a change is accepted
  test browser --firefox        run the core journeys of the widget in the machine's Firefox, if there is one
  test browser --database postgres
                                run the journeys of the console on a ledger in PostgreSQL";

/// A verb with its arguments.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verb {
    Help,
    Setup,
    Edge(EdgeArguments),
    Keys(KeysArguments),
    Operators(OperatorsArguments),
    Docs,
    Dev {
        accounts: Option<PathBuf>,
        keep: bool,
        incumbent: bool,
    },
    /// The words are those of `onbill call`.
    Call(Vec<String>),
    Postgres(Vec<String>),
    /// The words are those of the benchmark's own program.
    Bench(Vec<String>),
    Crash {
        cycles: Option<u32>,
        what: CrashScope,
    },
    Sim(SimulationArguments),
    Upgrade {
        from: String,
    },
    Release(ReleaseAction),
    Test(TestPart),
}

/// Parses the words after the program's name.
pub(crate) fn parse_arguments(words: &[String]) -> Outcome<Verb> {
    let Some((verb, rest)) = words.split_first() else { return Ok(Verb::Help) };
    let mut words = RemainingArguments { verb, rest: rest.to_vec() };
    let parsed = match verb.as_str() {
        "help" | "--help" | "-h" => Verb::Help,
        "setup" => Verb::Setup,
        "edge" => Verb::Edge(words.take_edge()?),
        "keys" => Verb::Keys(words.take_keys()?),
        "operators" => Verb::Operators(words.take_operators()?),
        "docs" => Verb::Docs,
        "dev" => Verb::Dev {
            accounts: words.take_value("--accounts")?.map(PathBuf::from),
            keep: words.take_flag("--keep"),
            incumbent: words.take_flag("--incumbent"),
        },
        "call" => Verb::Call(std::mem::take(&mut words.rest)),
        "postgres" => Verb::Postgres(words.take_command()?),
        "bench" => Verb::Bench(words.take_benchmark()?),
        "crash" => Verb::Crash { cycles: words.take_cycles()?, what: words.take_crash_scope()? },
        "sim" => Verb::Sim(words.take_simulation()?),
        "upgrade" => Verb::Upgrade { from: words.take_required_value("--from")? },
        "release" => Verb::Release(words.take_release()?),
        "test" => Verb::Test(words.take_test_part()?),
        _ => return Err(Failure::new(format!("there is no verb {verb:?}\n\n{USAGE}"))),
    };
    match words.rest.first() {
        Some(extra) => Err(words.usage_error(&format!("does not know what to do with {extra:?}"))),
        None => Ok(parsed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edge::Profile;

    fn parse_line(line: &str) -> Outcome<Verb> {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        parse_arguments(&words)
    }

    #[test]
    fn verb_has_arguments_and_defaults() {
        for (line, verb) in [
            ("", Verb::Help),
            ("setup", Verb::Setup),
            ("edge", Verb::Edge(EdgeArguments::Build(None))),
            ("edge --release", Verb::Edge(EdgeArguments::Build(Some(Profile::Release)))),
            ("edge --dev", Verb::Edge(EdgeArguments::Build(Some(Profile::Dev)))),
            ("edge --bundle out", Verb::Edge(EdgeArguments::Bundle("out".into()))),
            ("docs", Verb::Docs),
            ("dev", Verb::Dev { accounts: None, keep: false, incumbent: false }),
            ("dev --incumbent", Verb::Dev { accounts: None, keep: false, incumbent: true }),
            (
                "dev --keep --accounts a.csv",
                Verb::Dev { accounts: Some("a.csv".into()), keep: true, incumbent: false },
            ),
            ("postgres -- cargo test", Verb::Postgres(vec!["cargo".into(), "test".into()])),
            ("bench", Verb::Bench(vec![])),
            (
                "bench --quick --row a --row b",
                Verb::Bench(["--row", "a", "--row", "b", "--quick"].map(str::to_owned).to_vec()),
            ),
            ("bench --large", Verb::Bench(vec!["--large".into()])),
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
                "sim --takeovers --seeds 9",
                Verb::Sim(SimulationArguments { first_seed: 0, seeds: 9, scenario: Scenario::Takeovers }),
            ),
            (
                "sim --seed 7 --lifecycles",
                Verb::Sim(SimulationArguments {
                    first_seed: 7,
                    seeds: 1,
                    scenario: Scenario::SubscriberLifecycles,
                }),
            ),
            ("upgrade --from v0.1.0", Verb::Upgrade { from: "v0.1.0".into() }),
            ("release", Verb::Release(ReleaseAction::Make)),
            ("release --check", Verb::Release(ReleaseAction::Check)),
            ("test", Verb::Test(TestPart::All)),
            ("test browser", Verb::Test(TestPart::Browser)),
            ("test browser --firefox", Verb::Test(TestPart::Firefox)),
            ("test browser --database sqlite", Verb::Test(TestPart::Browser)),
            ("test browser --database postgres", Verb::Test(TestPart::BrowserOnPostgres)),
        ] {
            assert_eq!(parse_line(line).expect("is understood"), verb, "{line}");
        }
    }

    #[test]
    fn verbs_of_a_deployment_have_arguments() {
        for (line, verb) in [
            (
                "keys --out d --partner netflix --operator acme,nova",
                Verb::Keys(KeysArguments::Sets {
                    operators: vec!["acme".into(), "nova".into()],
                    partners: vec!["netflix".into()],
                    out: "d".into(),
                }),
            ),
            (
                "keys --edge e.json --operator nova --out d",
                Verb::Keys(KeysArguments::Operators {
                    edge: "e.json".into(),
                    operators: vec!["nova".into()],
                    out: "d".into(),
                }),
            ),
            (
                "keys --edge e.json --next-root --out d",
                Verb::Keys(KeysArguments::NextRoot { edge: "e.json".into(), out: "d".into() }),
            ),
            (
                "operators check --local a.json b.json",
                Verb::Operators(OperatorsArguments::Check {
                    files: vec!["a.json".into(), "b.json".into()],
                    local: true,
                }),
            ),
            (
                "operators put a.json -- --env staging",
                Verb::Operators(OperatorsArguments::Put {
                    files: vec!["a.json".into()],
                    local: false,
                    wrangler: vec!["--env".into(), "staging".into()],
                }),
            ),
            ("call GET /x --url u", Verb::Call(["GET", "/x", "--url", "u"].map(str::to_owned).to_vec())),
        ] {
            assert_eq!(parse_line(line).expect("is understood"), verb, "{line}");
        }
    }

    #[test]
    fn unknown_arguments_are_refused_by_name() {
        for (line, named) in [
            ("deploy", "deploy"),
            ("setup now", "now"),
            ("docs --open", "--open"),
            ("edge --fast", "--fast"),
            ("edge --bundle", "--bundle"),
            ("edge --bundle out --dev", "--dev"),
            ("dev --accounts", "--accounts"),
            ("keys --operator acme --partner netflix", "--out"),
            ("keys --edge e.json --operator acme --epoch 2 --out d", "--epoch"),
            ("operators check", "check or put"),
            ("operators delete a.json", "check or put"),
            ("operators put a.json --remote", "check or put"),
            ("keys --operator acme,acme --partner netflix --out d", "--operator"),
            ("keys --operator ../acme --partner netflix --out d", "--operator"),
            ("postgres --", "after --"),
            ("postgres cargo test", "after --"),
            ("bench --row", "--row"),
            ("bench --fast", "--fast"),
            ("crash --cycles 0", "from 1"),
            ("crash --cycles many", "from 1"),
            ("crash --database oracle", "sqlite and postgres"),
            ("sim --seeds many", "--seeds"),
            ("sim --seeds 0", "--seeds"),
            ("sim --seed 1 --from 2", "--from"),
            ("sim --lifecycles --database postgres", "--database"),
            ("upgrade", "--from"),
            ("release --check --prepare", "one of"),
            ("release now", "now"),
            ("test everything", "rust and browser"),
            ("test rust --database postgres", "--database"),
            ("test browser --firefox --database postgres", "--database"),
        ] {
            let refusal = parse_line(line).expect_err("is refused").to_string();
            assert!(refusal.contains(named), "{line}: {refusal}");
        }
    }
}
