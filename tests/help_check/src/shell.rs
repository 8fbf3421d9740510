//! The commands of one program in a page: in its blocks of shell, and in code within its sentences.

/// The words after the program's name, of each command.
pub(crate) fn find_commands(page: &str, program: &str) -> Vec<Vec<String>> {
    let (blocks, rest) = split_blocks(page);
    let mut commands: Vec<_> = blocks.iter().flat_map(|block| split_commands(block)).collect();
    // A span may go on in the next line.
    let spans = rest.split('`').skip(1).step_by(2).map(|span| span.replace('\n', " "));
    let own = format!("{program} ");
    commands.extend(spans.filter(|span| span.starts_with(&own)).flat_map(|span| split_commands(&span)));
    commands.iter().filter_map(|words| words_after(words, program)).collect()
}

/// What follows the program in a command, before which may be variables, `sudo -u USER` and such.
fn words_after(words: &[String], program: &str) -> Option<Vec<String>> {
    let mut rest = words;
    loop {
        rest = match rest {
            [word, tail @ ..] if word.contains('=') || is_runner(word) => tail,
            [option, _, tail @ ..] if option == "-u" => tail,
            _ => break,
        };
    }
    let (command, words) = rest.split_first()?;
    (command.rsplit('/').next() == Some(program)).then(|| words.to_vec())
}

fn is_runner(word: &str) -> bool {
    ["sudo", "exec", "time", "env"].contains(&word)
}

/// The blocks of shell, and the text outside of all blocks.
fn split_blocks(page: &str) -> (Vec<String>, String) {
    let (mut blocks, mut rest) = (Vec::new(), String::new());
    let mut fence: Option<bool> = None;
    for line in page.lines() {
        let language = line.trim_start().strip_prefix("```");
        match (language, fence) {
            (Some(language), None) => {
                let is_shell = ["sh", "bash"].contains(&language.trim());
                fence = Some(is_shell);
                if is_shell {
                    blocks.push(String::new());
                }
            }
            (Some(_), Some(_)) => fence = None,
            (None, Some(true)) => {
                let block: &mut String = blocks.last_mut().expect("a block is open");
                block.push_str(line);
                block.push('\n');
            }
            (None, Some(false)) => {}
            (None, None) => {
                rest.push_str(line);
                rest.push('\n');
            }
        }
    }
    (blocks, rest)
}

/// Splits shell text into commands of words: quotes, comments, continued lines and pipes are understood, nothing else.
fn split_commands(text: &str) -> Vec<Vec<String>> {
    let mut commands = vec![Vec::new()];
    let mut word: Option<String> = None;
    let mut symbols = text.chars().peekable();
    while let Some(symbol) = symbols.next() {
        match symbol {
            '#' if word.is_none() => while symbols.next_if(|c| *c != '\n').is_some() {},
            '\'' | '"' => {
                let quoted = word.get_or_insert_default();
                quoted.extend(symbols.by_ref().take_while(|c| *c != symbol));
            }
            '\\' if symbols.next_if_eq(&'\n').is_some() => {}
            ';' | '|' | '&' | '\n' | '<' | '>' => {
                commands.last_mut().expect("is never empty").extend(word.take());
                commands.push(Vec::new());
            }
            ' ' => commands.last_mut().expect("is never empty").extend(word.take()),
            _ => word.get_or_insert_default().push(symbol),
        }
    }
    commands.last_mut().expect("is never empty").extend(word);
    commands.retain(|words| !words.is_empty());
    commands
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_found_in_blocks_and_sentences() {
        let page = "Run `prog a\n--b`, or `other prog`.\n\n```sh\nA=1 sudo -u x target/prog --c 'd e' \\\n  f   # why\n\
            prog g | prog h > file\napt-get install prog\nsudo install -g prog x\n```\n\n```text\nprog i\n```\n";
        let found: Vec<_> = find_commands(page, "prog").iter().map(|words| words.join("+")).collect();
        assert_eq!(found, ["--c+d e+f", "g", "h", "a+--b"]);
    }
}
