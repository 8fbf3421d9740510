//! `onbill verify`: explains why the signature of a request is refused. The rules are those of
//! `onbill_domain::signature`, which also decides.

mod explain;
mod guess;
mod message;

use crate::ambient::now;
use crate::exit;
use crate::signer::{parse_use, read_ring};
use anyhow::{Context as _, bail};
use clap::Args;
use explain::explain;
use message::Message;
use onbill_domain::key::KeyUse;
use onbill_domain::timestamp::Timestamp;
use std::io::{Read as _, stdin};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

#[derive(Args)]
pub(crate) struct Arguments {
    /// The request as text: request line, header fields, an empty line, body. The output of
    /// `curl -v` will do. Without it, the standard input.
    request: Option<PathBuf>,
    /// The body as it was sent, byte for byte, if it is not in the request.
    #[arg(long, value_name = "FILE")]
    body: Option<PathBuf>,
    /// A key file that has the signer's key: a ring, or a JWKS.
    #[arg(long, value_name = "FILE", env = "ONBILL_KEYS")]
    keys: PathBuf,
    /// The use of the key. Without it, the one that the tag names.
    #[arg(long = "use", value_name = "USE", value_parser = parse_use)]
    key_use: Option<KeyUse>,
    /// The address that the request was for. Without it, the host that the request names.
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// The signature base that the signer made: it is compared line by line.
    #[arg(long, value_name = "FILE")]
    base: Option<PathBuf>,
    /// When the request was received, in RFC 3339. Without it, now.
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    at: Option<Timestamp>,
}

fn parse_time(text: &str) -> Result<Timestamp, String> {
    Timestamp::parse(text).ok_or_else(|| "wants a time such as 2027-01-31T12:00:00Z".to_owned())
}

impl Arguments {
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        let ring = read_ring(&self.keys)?;
        let mut message = Message::parse(&read_message(self.request.as_deref())?)?;
        if let Some(file) = &self.body {
            message.body = read_message(Some(file))?;
        } else if message.body.is_empty() && message.announces_body() {
            bail!("the body is not in this text: give it by --body FILE");
        }
        let base = self.base.as_deref().map(|file| read_message(Some(file))).transpose()?;
        let at = self.at.unwrap_or_else(now);
        let report = explain(&message, self.url.as_deref(), &ring, self.key_use, at)?;
        println!("{report}");
        if let Some(theirs) = base {
            println!("\n{}", compare_bases(&report.base, &String::from_utf8_lossy(&theirs)));
        }
        Ok(if report.is_valid() { ExitCode::SUCCESS } else { exit::FAILED })
    }
}

fn read_message(file: Option<&Path>) -> anyhow::Result<Vec<u8>> {
    let Some(file) = file else {
        let mut bytes = Vec::new();
        stdin().read_to_end(&mut bytes).context("read the standard input")?;
        return Ok(bytes);
    };
    std::fs::read(file).with_context(|| format!("read {}", file.display()))
}

/// Compares the signer's base with the right one, line by line.
fn compare_bases(ours: &str, theirs: &str) -> String {
    if ours == theirs {
        return "Your signature base is right.".to_owned();
    }
    let (our_lines, their_lines): (Vec<&str>, Vec<&str>) =
        (ours.split('\n').collect(), theirs.split('\n').collect());
    let show = |line: Option<&&str>| line.map_or_else(|| "absent".to_owned(), |line| format!("{line:?}"));
    let mut lines = vec!["Your signature base differs:".to_owned()];
    for n in 0..our_lines.len().max(their_lines.len()) {
        let (our, their) = (our_lines.get(n), their_lines.get(n));
        if our != their {
            lines.push(format!("  line {} is {}, and must be {}", n + 1, show(their), show(our)));
        }
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bases_are_compared_line_by_line() {
        assert_eq!(compare_bases("a\nb", "a\nb"), "Your signature base is right.");
        assert_eq!(
            compare_bases("m: POST\nb", "m: post\nb\n"),
            "Your signature base differs:\n  line 1 is \"m: post\", and must be \"m: POST\"\n  line 3 is \"\", and must be absent"
        );
    }
}
