//! Text in pages: escaping it, and filling the placeholders of the frame's shell.

/// Escapes text for HTML, between tags or in a quoted attribute.
pub(crate) fn escape_html(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            _ => escaped.push(character),
        }
    }
    escaped
}

/// Escapes JSON for a `<script type="application/json">`: nothing in it can end the element, or
/// start a comment.
pub(crate) fn escape_json(json: &str) -> String {
    json.replace('<', "\\u003c")
}

/// Replaces each `{{name}}` by its value, in one pass: a value that looks like a placeholder stays
/// as it is. An unknown name stays too.
pub(crate) fn fill_template(template: &str, values: &[(&str, &str)]) -> String {
    let mut filled = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("{{") {
        filled.push_str(before);
        let known = after
            .split_once("}}")
            .and_then(|(name, after)| Some((values.iter().find(|(known, _)| *known == name)?.1, after)));
        rest = if let Some((value, after)) = known {
            filled.push_str(value);
            after
        } else {
            filled.push_str("{{");
            after
        };
    }
    filled.push_str(rest);
    filled
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escaped_text_cannot_become_markup() {
        assert_eq!(escape_html(r#"<a b="c">'&"#), "&lt;a b=&quot;c&quot;&gt;&#39;&amp;");
        let json = escape_json(r#"{"name":"</script><!--"}"#);
        assert_eq!(json, r#"{"name":"\u003c/script>\u003c!--"}"#);
        let value: serde_json::Value = serde_json::from_str(&json).expect("is still JSON");
        assert_eq!(value["name"], "</script><!--");
    }

    #[test]
    fn value_is_never_taken_for_a_placeholder() {
        let values = [("a", "{{b}}"), ("b", "B")];
        assert_eq!(fill_template("{{a}}-{{b}}{{b}} {{c}} {{ {{", &values), "{{b}}-BB {{c}} {{ {{");
        assert_eq!(fill_template("", &values), "");
    }
}
