//! What the user reads.
//!
//! In: probabilities and times. Out: text. Always: what is printed depends on the arguments alone.

use std::fmt::Write;
use std::time::{Duration, Instant};

const LABELS: &str = include_str!("../data/imagenet_classes.txt");
const WIDTH: usize = 32;

/// The times of the stages, in the order in which they ran.
#[derive(Default)]
pub struct Times(Vec<(&'static str, Duration)>);

impl Times {
    /// Runs a stage and notes how long it took.
    pub fn stage<R>(&mut self, name: &'static str, run: impl FnOnce() -> R) -> R {
        let start = Instant::now();
        let result = run();
        self.note(name, start.elapsed());
        result
    }

    pub fn note(&mut self, name: &'static str, time: Duration) {
        self.0.push((name, time));
    }

    /// One line a stage.
    pub fn text(&self) -> String {
        let line = |(name, time): &(&str, Duration)| format!("  {name:<22} {:>9.2} ms\n", time.as_secs_f64() * 1e3);
        self.0.iter().map(line).collect()
    }
}

/// The middle one of some times; the lower of the two middle ones.
pub fn median(times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    times.get(times.len().saturating_sub(1) / 2).copied().unwrap_or_default()
}

/// The `count` likeliest classes, likeliest first.
pub fn top(probabilities: &[f32], count: usize) -> Vec<(usize, f32)> {
    let mut ranked: Vec<(usize, f32)> = probabilities.iter().copied().enumerate().collect();
    ranked.sort_by(|a, b| b.1.total_cmp(&a.1));
    ranked.truncate(count);
    ranked
}

/// One line a class: its probability, a bar as long, its name.
pub fn bars(ranked: &[(usize, f32)]) -> String {
    let mut text = String::new();
    for &(class, p) in ranked {
        let _ = writeln!(text, "  {p:.4}  {:<WIDTH$}  {}", bar(p), label(class));
    }
    text
}

/// The first of a class's names.
fn label(class: usize) -> &'static str {
    LABELS.lines().nth(class).and_then(|names| names.split(',').next()).unwrap_or("a class without a name")
}

/// A bar of eighths of a character.
fn bar(p: f32) -> String {
    let eighths = (f64::from(p).clamp(0.0, 1.0) * 8.0 * WIDTH as f64).round() as usize;
    let rest = [None, Some('▏'), Some('▎'), Some('▍'), Some('▌'), Some('▋'), Some('▊'), Some('▉')][eighths % 8];
    std::iter::repeat_n('█', eighths / 8).chain(rest).collect()
}
