//! What was measured, as text.
//!
//! In: a workload and its rows. Out: a part of the table, or an object a line. Always: the same numbers in both.
//! Next: [`crate::harness`].

use std::fmt::Write as _;

use crate::harness::{Row, Work, Workload};

/// The rate of a row, by its unit: bytes or operations a second, in thousands of millions.
fn rate(work: Work, row: &Row) -> Option<(&'static str, f64)> {
    match work {
        Work::Copy(bytes) | Work::Read(bytes) => Some(("gbps", bytes as f64 / row.median * 1e-9)),
        Work::Product { flops, .. } => Some(("gflops", flops / row.median * 1e-9)),
        Work::Call => None,
    }
}

/// An object a line, times in milliseconds.
pub fn json(workload: &Workload<'_>, rows: &[Row]) -> String {
    let mut out = String::new();
    for row in rows {
        let Row { system, median, min, max, .. } = row;
        let _ = write!(out, r#"{{"workload": "{}", "system": "{system}""#, workload.name);
        for (key, seconds) in [("ms", median), ("min", min), ("max", max)] {
            let _ = write!(out, r#", "{key}": {}"#, significant(seconds * 1e3));
        }
        let rate = rate(workload.work, row);
        for (key, value) in rate.into_iter().chain(row.ratio.map(|r| ("limit_ratio", r))) {
            let _ = write!(out, r#", "{key}": {}"#, significant(value));
        }
        if let Some(mean) = row.mean {
            let _ = write!(out, r#", "mean": {mean:e}"#);
        }
        out.push_str("}\n");
    }
    out
}

/// Four digits that matter, and no exponent.
fn significant(x: f64) -> String {
    let whole = if x > 0.0 { x.log10().floor() as i32 + 1 } else { 1 };
    format!("{x:.*}", (4 - whole).max(0) as usize)
}

/// The workload's part of the table.
pub fn table(workload: &Workload<'_>, rows: &[Row]) -> String {
    let mut out = format!("{}: {}\n", workload.name, workload.text);
    let (unit, factor) = if let Work::Call = workload.work { ("ns", 1e9) } else { ("ms", 1e3) };
    let fused = rows.first().map_or(f64::NAN, |row| row.median);
    let rates = match workload.work {
        Work::Copy(_) | Work::Read(_) => "GB/s",
        Work::Product { .. } => "GFLOP/s",
        Work::Call => "",
    };
    let _ = writeln!(out, "  {:<16}{unit:>10}{:>10}{:>10}{rates:>10}  of limit  against ndfuse", "", "min", "max");
    for row in rows {
        let _ = write!(out, "  {:<16}", row.system);
        for seconds in [row.median, row.min, row.max] {
            let _ = write!(out, "{:>10}", significant(seconds * factor));
        }
        let rate = rate(workload.work, row).map_or(String::new(), |(_, rate)| format!("{rate:.1}"));
        let ratio = row.ratio.map_or(String::new(), |ratio| format!("{:.0} %", 1e2 * ratio));
        let _ = writeln!(out, "{rate:>10}{ratio:>10}{:>14.2}x", row.median / fused);
    }
    if !workload.without.is_empty() {
        let _ = writeln!(out, "  {}", workload.without);
    }
    out
}
