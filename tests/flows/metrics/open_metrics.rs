//! A strict reader of the text form of OpenMetrics 1.0: whatever the specification forbids is an
//! error, and so is what Prometheus would take all the same.

use std::collections::{BTreeMap, BTreeSet};

/// The families of a page, in its order.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) families: Vec<Family>,
}

/// A metric family.
#[derive(Debug, Default)]
pub(super) struct Family {
    pub(super) name: String,
    pub(super) kind: String,
    pub(super) unit: String,
    pub(super) help: String,
    pub(super) samples: Vec<Sample>,
}

/// A line with a value.
#[derive(Debug)]
pub(super) struct Sample {
    pub(super) name: String,
    pub(super) labels: BTreeMap<String, String>,
    pub(super) value: f64,
}

impl Page {
    /// Reads a page. The error names the line.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        let body = text.strip_suffix("# EOF\n").ok_or("the page does not end with # EOF")?;
        let mut families: Vec<Family> = Vec::new();
        for line in body.split_terminator('\n') {
            match line.strip_prefix("# ") {
                Some(comment) => read_descriptor(&mut families, comment),
                None => read_sample(line).and_then(|sample| {
                    let family = families.last_mut().ok_or("it belongs to no family")?;
                    family.samples.push(sample);
                    Ok(())
                }),
            }
            .map_err(|complaint| format!("{complaint}: {line}"))?;
        }
        let names: BTreeSet<&str> = families.iter().map(|family| family.name.as_str()).collect();
        if names.len() != families.len() {
            return Err("a family is there twice".to_owned());
        }
        families.iter().try_for_each(|family| {
            family.check().map_err(|complaint| format!("{}: {complaint}", family.name))
        })?;
        Ok(Self { families })
    }

    pub(super) fn family(&self, name: &str) -> Option<&Family> {
        self.families.iter().find(|family| family.name == name)
    }

    /// The value of one sample.
    pub(super) fn find(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let samples = self.families.iter().flat_map(|family| &family.samples);
        let mut found = samples.filter(|sample| {
            sample.name == name
                && sample.labels.len() == labels.len()
                && labels.iter().all(|(label, value)| sample.labels.get(*label).is_some_and(|is| is == value))
        });
        found.next().map(|sample| sample.value)
    }

    /// The value of one sample, which must be there.
    pub(super) fn value(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        self.find(name, labels).unwrap_or_else(|| panic!("{name} {labels:?} is not on the page"))
    }

    /// The sum of all samples of a name that have these labels, whatever others they have.
    pub(super) fn sum(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        let samples = self.families.iter().flat_map(|family| &family.samples);
        let wanted = samples.filter(|sample| {
            sample.name == name
                && labels.iter().all(|(label, value)| sample.labels.get(*label).is_some_and(|is| is == value))
        });
        wanted.map(|sample| sample.value).sum()
    }

    /// Names and labels of all samples: what a page costs whoever keeps it.
    pub(super) fn series(&self) -> BTreeSet<String> {
        let samples = self.families.iter().flat_map(|family| &family.samples);
        samples.map(|sample| format!("{} {:?}", sample.name, sample.labels)).collect()
    }
}

/// Reads `HELP`, `TYPE` or `UNIT` of a family, which begins with the first of them.
fn read_descriptor(families: &mut Vec<Family>, comment: &str) -> Result<(), String> {
    let mut words = comment.splitn(3, ' ');
    let (what, name, text) = (words.next(), words.next(), words.next());
    let (Some(what), Some(name), Some(text)) = (what, name, text) else {
        return Err("it is no descriptor".to_owned());
    };
    if !is_name(name, ':') {
        return Err("the name is not well formed".to_owned());
    }
    if families.last().is_none_or(|family| family.name != name) {
        families.push(Family { name: name.to_owned(), ..Family::default() });
    }
    let family = families.last_mut().ok_or("there is no family")?;
    if !family.samples.is_empty() {
        return Err("it comes after a sample".to_owned());
    }
    let member = match what {
        "HELP" => &mut family.help,
        "TYPE" => &mut family.kind,
        "UNIT" => &mut family.unit,
        _ => return Err("it is no descriptor".to_owned()),
    };
    if !member.is_empty() {
        return Err("it is there twice".to_owned());
    }
    text.clone_into(member);
    Ok(())
}

fn read_sample(line: &str) -> Result<Sample, String> {
    let end = line.find(['{', ' ']).ok_or("it has no value")?;
    let (name, rest) = line.split_at(end);
    if !is_name(name, ':') {
        return Err("the name is not well formed".to_owned());
    }
    let (labels, rest) = match rest.strip_prefix('{') {
        Some(rest) => read_labels(rest)?,
        None => (BTreeMap::new(), rest),
    };
    let value = rest.strip_prefix(' ').ok_or("one space is before the value")?;
    if value.contains(' ') {
        return Err("there is more than a value".to_owned());
    }
    let value = value.parse().map_err(|_| "the value is no number")?;
    Ok(Sample { name: name.to_owned(), labels, value })
}

/// Reads `a="b",c="d"}`, and returns what comes after it.
fn read_labels(mut rest: &str) -> Result<(BTreeMap<String, String>, &str), String> {
    let mut labels = BTreeMap::new();
    loop {
        let (label, after) = rest.split_once("=\"").ok_or("a label has no value")?;
        if !is_name(label, '_') {
            return Err(format!("the label {label} is not well formed"));
        }
        let (value, after) = read_quoted(after)?;
        if labels.insert(label.to_owned(), value).is_some() {
            return Err(format!("the label {label} is there twice"));
        }
        if let Some(after) = after.strip_prefix('}') {
            return Ok((labels, after));
        }
        rest = after.strip_prefix(',').ok_or("labels are separated by commas")?;
    }
}

fn read_quoted(text: &str) -> Result<(String, &str), String> {
    let (mut value, mut chars) = (String::new(), text.char_indices());
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Ok((value, &text[at + 1..])),
            '\\' => value.push(match chars.next() {
                Some((_, 'n')) => '\n',
                Some((_, c @ ('"' | '\\'))) => c,
                _ => return Err("a value has an unknown escape".to_owned()),
            }),
            c => value.push(c),
        }
    }
    Err("a value does not end".to_owned())
}

/// Whether it is a name of letters, digits and `_`; those of metrics may have one more character.
fn is_name(name: &str, also: char) -> bool {
    let is_first = |c: char| c.is_ascii_alphabetic() || c == '_' || c == also;
    name.starts_with(is_first) && name.chars().all(|c| is_first(c) || c.is_ascii_digit())
}

impl Family {
    fn check(&self) -> Result<(), String> {
        if self.kind.is_empty() || self.help.is_empty() {
            return Err("it has no HELP or no TYPE".to_owned());
        }
        if !self.unit.is_empty() && !self.name.ends_with(&format!("_{}", self.unit)) {
            return Err("the name does not end with the unit".to_owned());
        }
        let endings: &[&str] = match self.kind.as_str() {
            "counter" => &["_total"],
            "gauge" => &[""],
            "histogram" => &["_bucket", "_sum", "_count"],
            "info" => &["_info"],
            _ => return Err(format!("the type {} is not used here", self.kind)),
        };
        let mut seen = BTreeSet::new();
        for Sample { name, labels, value } in &self.samples {
            let ending = name.strip_prefix(&self.name).ok_or(format!("{name} is not of it"))?;
            if !endings.contains(&ending) {
                return Err(format!("{name} has an ending of another type"));
            }
            if !seen.insert((name, labels)) {
                return Err(format!("{name} {labels:?} is there twice"));
            }
            if value.is_nan() || (self.kind != "gauge" && (*value < 0.0 || value.is_infinite())) {
                return Err(format!("{name} is {value}"));
            }
            if self.kind == "info" && (value - 1.0).abs() > f64::EPSILON {
                return Err("an info is 1".to_owned());
            }
        }
        if self.kind == "histogram" { self.check_histograms() } else { Ok(()) }
    }

    /// Buckets ascend, are cumulative and end with all, and there is one sum and one count of each.
    fn check_histograms(&self) -> Result<(), String> {
        let mut buckets: BTreeMap<BTreeMap<String, String>, Vec<(f64, f64)>> = BTreeMap::new();
        for sample in self.samples.iter().filter(|sample| sample.name.ends_with("_bucket")) {
            let mut labels = sample.labels.clone();
            let bound = labels.remove("le").ok_or("a bucket has no bound")?;
            let bound = if bound == "+Inf" {
                f64::INFINITY
            } else {
                bound.parse().map_err(|_| "a bound is no number")?
            };
            buckets.entry(labels).or_default().push((bound, sample.value));
        }
        for (labels, buckets) in &buckets {
            if !buckets.is_sorted_by(|(a, before), (b, after)| a < b && before <= after) {
                return Err(format!("the buckets of {labels:?} do not ascend"));
            }
            let labels: Vec<(&str, &str)> = labels.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
            let of = |ending: &str| {
                let name = format!("{}{ending}", self.name);
                self.samples.iter().find(|sample| {
                    sample.name == name
                        && sample.labels.len() == labels.len()
                        && labels.iter().all(|(label, value)| sample.labels[*label] == *value)
                })
            };
            let (Some((bound, all)), Some(count), Some(_)) = (buckets.last(), of("_count"), of("_sum"))
            else {
                return Err(format!("{labels:?} is not complete"));
            };
            if bound.is_finite() || (all - count.value).abs() > f64::EPSILON {
                return Err(format!("the last bucket of {labels:?} does not have all"));
            }
        }
        Ok(())
    }
}

#[test]
fn page_that_is_not_well_formed_is_refused() {
    let good = "# HELP a A thing\n# TYPE a counter\na_total{b=\"c\"} 1\n# EOF\n";
    let page = Page::read(good).expect("is well formed");
    assert!((page.value("a_total", &[("b", "c")]) - 1.0).abs() < f64::EPSILON);
    for (from, to) in [
        ("# EOF\n", ""),
        ("# EOF\n", "# EOF\n\n"),
        ("# TYPE a counter\n", ""),
        ("# HELP a A thing\n", ""),
        ("a_total", "a"),
        ("a_total", "b_total"),
        ("a_total{b=\"c\"} 1\n", "a_total{b=\"c\"} 1\na_total{b=\"c\"} 2\n"),
        ("{b=\"c\"} 1", "{b=\"c\"}  1"),
        ("{b=\"c\"} 1", "{b=\"c\"} -1"),
        ("{b=\"c\"} 1", "{b=\"c\"} one"),
        ("b=\"c\"", "b=\"c"),
        ("b=\"c\"", "b=\"c\",b=\"d\""),
        ("b=\"c\"", "1=\"c\""),
        ("b=\"c\"", "b=\"\\c\""),
        ("# EOF\n", "# TYPE a counter\n# EOF\n"),
    ] {
        assert!(Page::read(&good.replacen(from, to, 1)).is_err(), "{from} {to}");
    }
    let histogram = "# HELP h H\n# TYPE h histogram\nh_sum 3\nh_count 2\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 2\n# EOF\n";
    assert!(Page::read(histogram).is_ok());
    for (from, to) in
        [("h_count 2", "h_count 3"), ("le=\"1\"} 1", "le=\"1\"} 3"), ("+Inf", "2"), ("h_sum 3\n", "")]
    {
        assert!(Page::read(&histogram.replacen(from, to, 1)).is_err(), "{from} {to}");
    }
}
