//! Lines of a file that are about the same thing and contradict each other.
//!
//! Which of them is right is for a person to say: none is applied, and each is named. A line that
//! only repeats another does no harm.

use std::cmp::Ordering;

/// The lines of a file.
pub(crate) struct CheckedLines<R> {
    /// Lines that no other line contradicts, in the order of their subjects. Those of one subject
    /// are in the order of the file.
    pub(crate) sound: Vec<(u64, R)>,
    /// Lines that another line contradicts, in the order of the file.
    pub(crate) contradictory: Vec<Contradiction>,
}

/// A line, and the first line that contradicts it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Contradiction {
    pub(crate) line: u64,
    pub(crate) other: u64,
}

/// Separates the lines that contradict each other: they have the same subject, by which `compare`
/// orders them, and differ. The lines are sorted where they are, because a file may have millions.
pub(crate) fn separate_contradictions<R: PartialEq>(
    mut lines: Vec<(u64, R)>,
    compare: impl Fn(&R, &R) -> Ordering,
) -> CheckedLines<R> {
    lines.sort_unstable_by(|(line, row), (other, next)| compare(row, next).then(line.cmp(other)));
    let mut contradictory = Vec::new();
    for group in lines.chunk_by(|(_, row), (_, next)| compare(row, next) == Ordering::Equal) {
        let (first, row) = &group[0];
        let Some((second, _)) = group.iter().find(|(_, other)| other != row) else { continue };
        contradictory.extend(group.iter().map(|(line, other)| Contradiction {
            line: *line,
            other: if other == row { *second } else { *first },
        }));
    }
    contradictory.sort_unstable_by_key(|each| each.line);
    if !contradictory.is_empty() {
        lines.retain(|(line, _)| contradictory.binary_search_by_key(line, |each| each.line).is_err());
    }
    CheckedLines { sound: lines, contradictory }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contradictory_lines_are_all_set_aside() {
        let lines = [('a', 1), ('b', 1), ('a', 1), ('c', 1), ('b', 2), ('b', 1), ('d', 4)];
        let lines = (2..).zip(lines).collect();
        let CheckedLines { sound, contradictory } =
            separate_contradictions(lines, |(name, _), (other, _)| name.cmp(other));
        assert_eq!(sound, [(2, ('a', 1)), (4, ('a', 1)), (5, ('c', 1)), (8, ('d', 4))]);
        let pairs: Vec<_> = contradictory.iter().map(|each| (each.line, each.other)).collect();
        assert_eq!(pairs, [(3, 6), (6, 3), (7, 6)]);
        assert!(separate_contradictions(Vec::<(u64, u8)>::new(), u8::cmp).sound.is_empty());
    }
}
