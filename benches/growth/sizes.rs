//! Cost against size.
//!
//! In: the most elements. Out: [`Curve`]s, and a table of them. Always: results go to memory that is there, so that the
//! kernels are measured and not the pages. Next: [`super::layouts`].

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Write as _;

use ndarray::{Array1, Array2, ArrayView2};
use rayon::ThreadPoolBuilder;

use crate::{functions, seconds};

/// What a function costs on so many threads.
pub struct Curve {
    pub function: &'static str,
    pub threads: usize,
    /// Elements of the argument, and seconds.
    pub points: Vec<(usize, f64)>,
}

const SMALLEST: usize = 16;
const FUNCTIONS: [&str; 4] = ["line", "squares", "softmax", "product"];
/// Elements of a row of `softmax`, as far as there are so many.
const ROW: usize = 256;
/// A product costs more an element than all others: no more than so many.
const PRODUCT: usize = 1 << 22;

pub fn measured(most: usize) -> Result<Vec<Curve>, Box<dyn Error>> {
    let all = rayon::current_num_threads();
    let mut counts = vec![1, all];
    counts.dedup();
    let mut curves = Vec::new();
    for function in FUNCTIONS {
        for &threads in &counts {
            let pool = ThreadPoolBuilder::new().num_threads(threads).build()?;
            let sizes = sizes(if function == "product" { most.min(PRODUCT) } else { most });
            let point = |n: usize| Ok((n, pool.install(|| one(function, n))?));
            let points = sizes.into_iter().map(point).collect::<ndfuse::Result<_>>()?;
            curves.push(Curve { function, threads, points });
        }
    }
    Ok(curves)
}

/// Every fourth power of two, and the last.
fn sizes(most: usize) -> Vec<usize> {
    let mut sizes: Vec<usize> =
        std::iter::successors(Some(SMALLEST), |n| n.checked_mul(4)).take_while(|&n| n < most).collect();
    sizes.push(most.max(SMALLEST));
    sizes
}

fn one(function: &str, n: usize) -> ndfuse::Result<f64> {
    let x: Vec<f32> = (0..n).map(|k| (k % 251) as f32 * 0.01 - 1.0).collect();
    let fits =
        |shape: (usize, usize)| ArrayView2::from_shape(shape, &x[..shape.0 * shape.1]).expect("as many elements");
    match function {
        "line" => {
            let (x, mut out) = (Array1::from(x), Array1::zeros(n));
            seconds(&mut || functions::line::into(&x, &mut out))
        }
        "squares" => {
            let x = Array1::from(x);
            seconds(&mut || functions::squares(&x).map(drop))
        }
        "softmax" => {
            let x = fits((n / ROW.min(n), ROW.min(n)));
            let mut out = Array2::zeros(x.raw_dim());
            seconds(&mut || functions::softmax_rows::into(x, &mut out))
        }
        _ => {
            let x = fits((n.isqrt(), n.isqrt()));
            let mut out = Array2::zeros(x.raw_dim());
            seconds(&mut || functions::product::into(x, x, &mut out))
        }
    }
}

/// The curves of each function, in the functions' order.
pub fn by_function(curves: &[Curve]) -> Vec<(&'static str, Vec<&Curve>)> {
    let of = |name: &'static str| (name, curves.iter().filter(|c| c.function == name).collect::<Vec<_>>());
    FUNCTIONS.into_iter().map(of).collect()
}

/// Nanoseconds an element; a row a size, a column a curve.
pub fn table(curves: &[Curve]) -> String {
    let mut rows: BTreeMap<usize, Vec<Option<f64>>> = BTreeMap::new();
    for (k, curve) in curves.iter().enumerate() {
        for &(n, seconds) in &curve.points {
            rows.entry(n).or_insert_with(|| vec![None; curves.len()])[k] = Some(seconds * 1e9 / n as f64);
        }
    }
    let mut out = String::from("| elements |");
    curves.iter().for_each(|c| _ = write!(out, " {}, {} thread{} |", c.function, c.threads, plural(c.threads)));
    out.push_str(&format!("\n|--:|{}\n", "--:|".repeat(curves.len())));
    for (n, row) in rows {
        let _ = write!(out, "| {n} |");
        for cell in row {
            out.push_str(&cell.map_or_else(|| " |".into(), |ns| format!(" {ns:.3} |")));
        }
        out.push('\n');
    }
    out
}

fn plural(n: usize) -> &'static str {
    if n == 1 { "" } else { "s" }
}
