//! "Did you mean": the known name nearest to a misspelt one.
//!
//! In: a name and the candidates. Out: the candidate that a slip of the
//! fingers would turn into the name, if there is one. Always: the same answer
//! for the same order of candidates; of equally near ones the first.

/// The nearest of the candidates, at a distance of at most a third of the
/// name's length (at least one edit, which a name of one letter cannot bear).
pub fn suggest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let length = name.chars().count();
    let limit = if length < 2 { 0 } else { (length / 3).max(1) };
    let mut best: Option<(usize, &str)> = None;
    for candidate in candidates {
        if candidate == name {
            continue;
        }
        let d = if candidate.eq_ignore_ascii_case(name) { 0 } else { distance(name, candidate) };
        if d <= limit && best.is_none_or(|(least, _)| d < least) {
            best = Some((d, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

/// The Damerau–Levenshtein distance in its restricted form: insertions,
/// deletions, substitutions and swaps of neighbours.
fn distance(a: &str, b: &str) -> usize {
    let a: Vec<char> = a.chars().collect();
    let b: Vec<char> = b.chars().collect();
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i; b.len() + 1];
        for j in 1..=b.len() {
            let substituted = last[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            row[j] = substituted.min(last[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                row[j] = row[j].min(before[j - 2] + 1);
            }
        }
        before = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_slips_and_no_more() {
        let known = ["softmax", "log_softmax", "sum", "sin", "exp", "weight", "B"];
        for (name, want) in [
            ("sotfmax", Some("softmax")),
            ("softmacks", Some("softmax")),
            ("wieght", Some("weight")),
            ("SUM", Some("sum")),
            ("sim", Some("sum")),
            ("exp2", Some("exp")),
            ("b", Some("B")),
            ("C", None),
            ("conv2d", None),
            ("", None),
        ] {
            assert_eq!(suggest(name, known), want, "{name}");
        }
    }

    #[test]
    fn distances() {
        for (a, b, want) in [("", "", 0), ("", "ab", 2), ("ab", "ba", 1), ("kitten", "sitting", 3), ("é", "e", 1)] {
            assert_eq!(distance(a, b), want, "{a} {b}");
            assert_eq!(distance(b, a), want, "{b} {a}");
        }
    }
}
