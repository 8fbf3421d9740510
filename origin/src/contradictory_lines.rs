//! Lines of a file that are about the same thing and contradict each other.
//!
//! Which of them is right is for a person to say: none is applied, and each is named. A line that
//! only repeats another does no harm.

/// The lines of a file, in its order.
pub(crate) struct CheckedLines<R> {
    /// Lines that no other line contradicts.
    pub(crate) sound: Vec<(u64, R)>,
    /// Lines that another line contradicts.
    pub(crate) contradictory: Vec<Contradiction>,
}

/// A line, and the first line that contradicts it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Contradiction {
    pub(crate) line: u64,
    pub(crate) other: u64,
}

/// Separates the lines that contradict each other: they have the same subject and differ.
pub(crate) fn separate_contradictions<R: PartialEq, S: Ord>(
    lines: Vec<(u64, R)>,
    subject: impl Fn(&R) -> S,
) -> CheckedLines<R> {
    let mut by_subject: Vec<usize> = (0..lines.len()).collect();
    // A stable sort: lines about one subject stay in their order.
    by_subject.sort_by_cached_key(|at| subject(&lines[*at].1));
    let mut others = vec![None; lines.len()];
    for group in by_subject.chunk_by(|one, next| subject(&lines[*one].1) == subject(&lines[*next].1)) {
        let first = group[0];
        let differs = group.iter().find(|at| lines[**at].1 != lines[first].1);
        if let Some(second) = differs {
            for at in group {
                let other = if lines[*at].1 == lines[first].1 { *second } else { first };
                others[*at] = Some(lines[other].0);
            }
        }
    }
    let (mut sound, mut contradictory) = (Vec::with_capacity(lines.len()), Vec::new());
    for ((line, row), other) in lines.into_iter().zip(others) {
        match other {
            None => sound.push((line, row)),
            Some(other) => contradictory.push(Contradiction { line, other }),
        }
    }
    CheckedLines { sound, contradictory }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contradictory_lines_are_all_set_aside() {
        let lines = [('a', 1), ('b', 1), ('a', 1), ('c', 1), ('b', 2), ('b', 1), ('d', 4)];
        let lines = (2..).zip(lines).collect();
        let CheckedLines { sound, contradictory } = separate_contradictions(lines, |(name, _)| *name);
        assert_eq!(sound, [(2, ('a', 1)), (4, ('a', 1)), (5, ('c', 1)), (8, ('d', 4))]);
        let pairs: Vec<_> = contradictory.iter().map(|each| (each.line, each.other)).collect();
        assert_eq!(pairs, [(3, 6), (6, 3), (7, 6)]);
        assert!(separate_contradictions(Vec::<(u64, u8)>::new(), |row| *row).sound.is_empty());
    }
}
