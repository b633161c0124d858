//! What the user reads.
//!
//! In: what an epoch came to, what was read, times. Out: text. Next: [`crate::chart`].

use std::fmt::Write;
use std::time::Duration;

use crate::training::Mark;

/// One line an epoch.
pub fn epoch(number: usize, mark: &Mark) -> String {
    let Mark { loss, held_out, accuracy } = mark;
    format!("{number:>5}  {loss:>9.4}  {held_out:>9.4}  {:>7.2} %", accuracy * 100.0)
}

/// The line above the epochs.
pub const HEAD: &str = "epoch       loss   held out   accuracy";

/// A digit that was read as another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// Its place among the images.
    pub place: usize,
    pub label: i64,
    pub read: i64,
}

/// The images that were read wrongly.
pub fn mistakes(labels: &[i64], read: &[i64]) -> Vec<Mistake> {
    let all = labels.iter().zip(read).enumerate().map(|(place, (&label, &read))| Mistake { place, label, read });
    all.filter(|m| m.label != m.read).collect()
}

/// How often each digit, a row, was read as each, a column.
pub fn confusion(labels: &[i64], read: &[i64]) -> String {
    let mut counts = [[0usize; 10]; 10];
    for (&label, &read) in labels.iter().zip(read) {
        if let (0..10, 0..10) = (label, read) {
            counts[label as usize][read as usize] += 1;
        }
    }
    let mut text = format!("digit \\ read as {}\n", (0..10).map(|k| format!("{k:>4}")).collect::<String>());
    for (digit, row) in counts.iter().enumerate() {
        let cell = |&n: &usize| if n == 0 { "   .".to_owned() } else { format!("{n:>4}") };
        let _ = writeln!(text, "{digit:>15} {}", row.iter().map(cell).collect::<String>());
    }
    text
}

/// The middle one of some times; the lower of the two middle ones.
pub fn median(times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    times.get(times.len().saturating_sub(1) / 2).copied().unwrap_or_default()
}
