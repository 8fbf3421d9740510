//! What the tests of each program with clap hold it to: every verb and argument has a help text, and every command in the
//! pages is one that the program takes. Not here: whether a value is right, which only the program knows.

mod pages;
mod shell;

use clap::{Arg, Command};
use std::path::Path;

/// Names the verbs and arguments without a help text.
pub fn find_unexplained(program: &Command) -> Vec<String> {
    let mut program = program.clone();
    program.build();
    let mut found = Vec::new();
    collect_unexplained(&program, program.get_name(), &mut found);
    found
}

fn collect_unexplained(command: &Command, path: &str, found: &mut Vec<String>) {
    if command.get_about().is_none() && command.get_long_about().is_none() {
        found.push(path.to_owned());
    }
    let arguments = command.get_arguments().filter(|argument| !argument.is_hide_set());
    let unexplained =
        arguments.filter(|argument| argument.get_help().is_none() && argument.get_long_help().is_none());
    found.extend(unexplained.map(|argument| format!("{path}: {}", argument.get_id())));
    // The verb `help` is clap's own, and has a copy of every other one.
    for verb in command.get_subcommands().filter(|verb| verb.get_name() != "help") {
        collect_unexplained(verb, &format!("{path} {}", verb.get_name()), found);
    }
}

/// Names the commands of the repository's pages that the program would refuse.
pub fn find_unknown_commands(program: &Command, repository: &Path) -> UnknownCommands {
    let mut program = program.clone();
    program.build();
    let mut result = UnknownCommands::default();
    for (page, text) in pages::read_pages(repository) {
        for words in shell::find_commands(&text, program.get_name()) {
            result.checked += 1;
            if let Some(complaint) = complain(&program, &words) {
                result.unknown.push(format!("{page}: {}: {complaint}", words.join(" ")));
            }
        }
    }
    result
}

/// What was found in the pages.
#[derive(Debug, Default)]
pub struct UnknownCommands {
    /// How many commands of the program the pages have.
    pub checked: usize,
    pub unknown: Vec<String>,
}

/// What the program would complain of in these words, which follow its name.
fn complain(program: &Command, words: &[String]) -> Option<String> {
    let mut command = program;
    let mut words = words.iter().map(String::as_str);
    while let Some(word) = words.next() {
        if word == "--" {
            return None;
        }
        if word.starts_with('-') && word.len() > 1 {
            let (name, value) =
                word.split_once('=').map_or((word, None), |(name, value)| (name, Some(value)));
            let Some(argument) = find_flag(command, name) else { return Some(format!("no flag {name}")) };
            if argument.get_action().takes_values() && value.is_none() && words.next().is_none() {
                return Some(format!("{name} has no value"));
            }
        } else if let Some(verb) = command.find_subcommand(word) {
            command = verb;
        } else if command.get_positionals().next().is_none() && !is_placeholder(word) {
            return Some(format!("no verb {word}"));
        }
    }
    None
}

fn find_flag<'a>(command: &'a Command, name: &str) -> Option<&'a Arg> {
    command.get_arguments().find(|argument| match name.strip_prefix("--") {
        Some(long) => argument.get_long_and_visible_aliases().is_some_and(|names| names.contains(&long)),
        None => argument.get_short().is_some_and(|short| name == format!("-{short}")),
    })
}

/// Such as `VERB`, `…` or the beginning of `[--flag]`.
fn is_placeholder(word: &str) -> bool {
    word.starts_with('[') || !word.contains(|c: char| c.is_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn program() -> Command {
        let put = Command::new("put")
            .about("Puts")
            .arg(Arg::new("file").help("The file"))
            .arg(Arg::new("to").long("to").short('t').help("Where"))
            .arg(Arg::new("dry").long("dry").action(clap::ArgAction::SetTrue));
        Command::new("prog")
            .about("A program")
            .arg(Arg::new("config").long("config").help("The configuration"))
            .subcommand(put)
            .subcommand(Command::new("list"))
    }

    #[test]
    fn missing_help_is_found() {
        assert_eq!(find_unexplained(&program()), ["prog put: dry", "prog list"]);
    }

    #[test]
    fn refused_commands_are_found() {
        let mut program = program();
        program.build();
        for (line, complaint) in [
            ("--config a put b --to c --dry", None),
            ("--config=a put b -t c", None),
            ("put --help", None),
            ("VERB", None),
            ("put -- --what", None),
            ("push", Some("no verb push")),
            ("list --to a", Some("no flag --to")),
            ("put --config a", Some("no flag --config")),
            ("put b --to", Some("--to has no value")),
            ("put -x", Some("no flag -x")),
        ] {
            let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
            assert_eq!(complain(&program, &words).as_deref(), complaint, "{line}");
        }
    }
}
