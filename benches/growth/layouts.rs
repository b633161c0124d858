//! Cost against what memory looks like.
//!
//! In: nothing. Out: for each function and layout the time an element against that of plain memory. Always: about as many
//! elements each. Next: [`super::plot`].

use std::fmt::Write as _;

use ndarray::{Array1, Array2, ArrayView2, s};

use crate::{functions, seconds};

/// The side of the plain square.
const SIDE: usize = 1024;

/// What a layout costs each of [`FUNCTIONS`], in nanoseconds an element; of no elements, a call.
pub struct Cost {
    layout: &'static str,
    elements: usize,
    nanoseconds: [f64; FUNCTIONS.len()],
}

const FUNCTIONS: [&str; 4] = ["`x * 2 + 1`", "softmax of rows", "sums of rows", "sums of columns"];

pub fn measured() -> ndfuse::Result<Vec<Cost>> {
    let wide = Array2::from_shape_fn((2 * SIDE, 2 * SIDE), |(i, j)| ((i * 7 + j * 13) % 251) as f32 * 0.01 - 1.0);
    let square = || wide.slice(s![..SIDE, ..SIDE]).to_owned();
    let (plain, flat) = (square(), wide.as_slice().expect("a new array is in order"));
    let long = |rows: usize, columns: usize| {
        ArrayView2::from_shape((rows, columns), &flat[..rows * columns]).expect("as many elements")
    };
    let views = [
        ("plain, 1024 x 1024", plain.view()),
        ("odd, 1023 x 1025", long(SIDE - 1, SIDE + 1)),
        ("a part of wider rows", wide.slice(s![..SIDE, ..SIDE])),
        ("from the second column on", plain.slice(s![.., 1..])),
        ("every second column", wide.slice(s![..SIDE, ..;2])),
        ("every third column", wide.slice(s![..SIDE, ..;3])),
        ("rows backwards", plain.slice(s![..;-1, ..])),
        ("columns backwards", plain.slice(s![.., ..;-1])),
        ("transposed", plain.t()),
        ("short rows, 65536 x 16", long(SIDE * SIDE / 16, 16)),
        ("shorter rows, 349525 x 3", long(SIDE * SIDE / 3, 3)),
        ("long rows, 16 x 65536", long(16, SIDE * SIDE / 16)),
        ("one row", long(1, SIDE * SIDE)),
        ("one column", long(SIDE * SIDE, 1)),
        ("no rows, 0 x 1024", long(0, SIDE)),
        ("no columns, 1024 x 0", long(SIDE, 0)),
    ];
    views.into_iter().map(|(layout, view)| cost(layout, view)).collect()
}

fn cost(layout: &'static str, x: ArrayView2<'_, f32>) -> ndfuse::Result<Cost> {
    let (rows, columns) = x.dim();
    let mut out = Array2::zeros((rows, columns));
    let (mut of_rows, mut of_columns) = (Array1::zeros(rows), Array1::zeros(columns));
    let scale = 1e9 / x.len().max(1) as f64;
    let softmax = match columns {
        // The greatest of no elements is an error.
        0 => f64::NAN,
        _ => seconds(&mut || functions::softmax_rows::into(x, &mut out))?,
    };
    let line = seconds(&mut || functions::plane::into(x, &mut out))?;
    let over_rows = seconds(&mut || functions::rows::into(x, &mut of_rows))?;
    let over_columns = seconds(&mut || functions::columns::into(x, &mut of_columns))?;
    let nanoseconds = [line, softmax, over_rows, over_columns].map(|seconds| seconds * scale);
    Ok(Cost { layout, elements: x.len(), nanoseconds })
}

/// Nanoseconds an element, with the factor against plain memory.
pub fn table(costs: &[Cost]) -> String {
    let mut out = format!("| layout | {} |\n|---|{}\n", FUNCTIONS.join(" | "), "--:|".repeat(FUNCTIONS.len()));
    for Cost { layout, elements, nanoseconds } in costs {
        let _ = write!(out, "| {layout} |");
        for (ns, plain) in nanoseconds.iter().zip(&costs[0].nanoseconds) {
            let _ = match elements {
                _ if ns.is_nan() => write!(out, " an error |"),
                0 => write!(out, " {ns:.0} a call |"),
                _ => write!(out, " {ns:.3} ({:.1}x) |", ns / plain),
            };
        }
        out.push('\n');
    }
    out
}
