//! A request as text: what a server has logged or captured, or what `curl -v` prints.

use anyhow::{Context as _, bail};
use onbill_domain::signature::CONTENT_DIGEST;

/// A request. Nothing of it is checked: what is wrong with it is to be found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Message {
    pub(crate) method: String,
    /// The target as it was sent: a path with its query, or an absolute URL.
    pub(crate) target: String,
    pub(crate) fields: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Message {
    /// Reads a request line, header fields and, after an empty line, the body. Of the output of
    /// `curl -v` it reads the lines after `>`; the body is not in it.
    pub(crate) fn parse(bytes: &[u8]) -> anyhow::Result<Self> {
        let (head, body) = split_head(bytes);
        let head = std::str::from_utf8(head).context("the head of the request is not text")?;
        if head.lines().any(|line| line.starts_with("> ")) {
            let text = String::from_utf8_lossy(bytes);
            let sent = text.lines().filter_map(|line| line.strip_prefix("> "));
            return Self::parse_head(sent, &[]);
        }
        Self::parse_head(head.lines(), body)
    }

    fn parse_head<'t>(mut lines: impl Iterator<Item = &'t str>, body: &[u8]) -> anyhow::Result<Self> {
        let first = lines.next().unwrap_or_default();
        let mut words = first.split_whitespace();
        let (Some(method), Some(target)) = (words.next(), words.next()) else {
            bail!("the first line must be a request line, such as POST /ott/v1/pin HTTP/1.1, not {first:?}");
        };
        let mut fields = Vec::new();
        for line in lines.filter(|line| !line.trim().is_empty()) {
            let (name, value) =
                line.split_once(':').with_context(|| format!("{line:?} is no header field"))?;
            fields.push((name.trim().to_ascii_lowercase(), value.trim().to_owned()));
        }
        let mut message =
            Self { method: method.to_owned(), target: target.to_owned(), fields, body: body.to_vec() };
        message.drop_editors_newline();
        Ok(message)
    }

    /// An editor ends a file with a newline that was not sent, as `content-length` shows.
    fn drop_editors_newline(&mut self) {
        let length = self.values("content-length").first().and_then(|text| text.parse().ok());
        let length: usize = length.unwrap_or(self.body.len());
        if self.body.iter().skip(length).all(u8::is_ascii_whitespace) {
            self.body.truncate(length);
        }
    }

    /// Whether it was sent with a body, as its header fields say. A GET has none, whatever its digest.
    pub(crate) fn announces_body(&self) -> bool {
        match self.values("content-length").first() {
            Some(length) => *length != "0",
            None => self.method != "GET" && !self.values(CONTENT_DIGEST).is_empty(),
        }
    }

    /// The values of a header field, one for each line of it.
    pub(crate) fn values(&self, name: &str) -> Vec<&str> {
        self.fields.iter().filter(|(field, _)| field == name).map(|(_, value)| value.as_str()).collect()
    }

    /// The value of a header field, the lines of it joined (RFC 9421 §2.1).
    pub(crate) fn value(&self, name: &str) -> Option<String> {
        let values = self.values(name);
        (!values.is_empty()).then(|| values.join(", "))
    }

    /// Path and query of the target; the query is without its `?`, and empty when there is none.
    pub(crate) fn path_and_query(&self) -> (&str, &str) {
        let local = match self.target.split_once("://") {
            Some((_, rest)) => rest.find('/').map_or("/", |at| &rest[at..]),
            None => self.target.as_str(),
        };
        local.split_once('?').unwrap_or((local, ""))
    }
}

fn split_head(bytes: &[u8]) -> (&[u8], &[u8]) {
    let find =
        |end: &[u8]| bytes.windows(end.len()).position(|window| window == end).map(|at| (at, end.len()));
    match [find(b"\r\n\r\n"), find(b"\n\n")].into_iter().flatten().min() {
        Some((at, length)) => (&bytes[..at], &bytes[at + length..]),
        None => (bytes, &[]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn request_is_read_in_each_form() {
        let expected = Message {
            method: "POST".into(),
            target: "/ott/v1/pin?a=b".into(),
            fields: vec![("host".into(), "h:443".into()), ("content-length".into(), "2".into())],
            body: b"{}".to_vec(),
        };
        for text in [
            "POST /ott/v1/pin?a=b HTTP/1.1\r\nHost: h:443\r\nContent-Length: 2\r\n\r\n{}",
            "POST /ott/v1/pin?a=b HTTP/1.1\nHost: h:443\ncontent-length: 2\n\n{}\n",
        ] {
            assert_eq!(Message::parse(text.as_bytes()).expect("is one"), expected, "{text}");
        }
        let curl = "* Connected\n> POST /ott/v1/pin?a=b HTTP/1.1\n> Host: h:443\n> Content-Length: 2\n> \n< HTTP/1.1 401\n";
        let of_curl = Message::parse(curl.as_bytes()).expect("is one");
        assert_eq!(of_curl, Message { body: Vec::new(), ..expected });
        assert_eq!(of_curl.path_and_query(), ("/ott/v1/pin", "a=b"));
        assert!(of_curl.announces_body(), "which is to be given apart");
        assert!(Message::parse(b"").is_err());
        assert!(Message::parse(b"GET /x HTTP/1.1\nno colon\n").is_err());
    }

    #[test]
    fn body_is_announced_by_its_length_or_digest() {
        for (text, is_announced) in [
            ("POST /x HTTP/1.1\nContent-Length: 2\n", true),
            ("POST /x HTTP/1.1\nContent-Length: 0\nContent-Digest: sha-256=:AA==:\n", false),
            ("POST /x HTTP/2\nContent-Digest: sha-256=:AA==:\n", true),
            ("POST /x HTTP/1.1\n", false),
            ("GET /x HTTP/1.1\nContent-Digest: sha-256=:AA==:\n", false),
        ] {
            let message = Message::parse(text.as_bytes()).expect("is one");
            assert_eq!(message.announces_body(), is_announced, "{text}");
        }
    }
}
