//! Rows that are short, and rows that lie across memory: kernels over rows, and maps, have a second form for them, which must
//! give what the first one gives, for any layout of operands and results, and the same bits on any number of threads.

use ndarray::{Array1, Array2, ArrayView2, ArrayViewMut2, Axis, s};
use ndfuse::tensor;
use rayon::ThreadPoolBuilder;

tensor! {
    #[no_grad]
    fn normalised<B, C>(x: f32[B, C]) -> f32[B, C] {
        softmax(x)
    }

    #[no_grad]
    fn normed<B, C>(x: f32[B, C], w: f32[C], b: f32[C]) -> f32[B, C] {
        layer_norm(x, w, b)
    }

    /// The same of columns, whose lanes may be short: several passes over rows that go together.
    #[no_grad]
    fn of_columns<B, C>(x: f32[B, C], w: f32[C], b: f32[B]) -> (f32[B, C], f32[C], f32[B, C]) {
        (softmax(x, axis=0), var(x, axis=0), (x - mean(x, axis=0)) * w + b[:, None])
    }

    #[no_grad]
    fn normalised_columns<B, C>(x: f32[B, C]) -> f32[B, C] {
        softmax(x, axis=0)
    }

    /// The first places of the greatest and of the least of each column.
    #[no_grad]
    fn places<B, C>(x: f32[B, C]) -> (i64[C], i64[C]) {
        (argmax(x, axis=0), argmin(x, axis=0))
    }

    /// The place of the least, the greatest, and the sum of each row.
    #[no_grad]
    fn of_rows<B, C>(x: f32[B, C]) -> (i64[B], f32[B], f32[B]) {
        (argmin(x, axis=1), max(x, axis=1), sum(x * x, axis=1))
    }

    /// A kernel that reads an array along its rows and another across them.
    #[no_grad]
    fn against<B, C>(x: f32[B, C], y: f32[C, B]) -> f32[B] {
        sum(x * y.T, axis=1)
    }

    /// Little more than moves memory, along it and across.
    #[no_grad]
    fn moved<B, C>(x: f32[B, C], y: f32[C, B]) -> f32[B, C] {
        x + y.T
    }

    /// Maps that read by other indices than they write: the border of an array, two arrays side by side, rows backwards,
    /// rolled, picked; what is one for all rows, and for all of a row.
    #[no_grad]
    fn framed<B, C>(x: f32[B, C]) -> f32[B + 2, C + 2] {
        pad(x + 1, 1, value=0.5)
    }

    #[no_grad]
    fn joined<B, C>(x: f32[B, C], y: f32[B, 3]) -> f32[B, C + 3 + C] {
        concatenate((x, y, -x), axis=1)
    }

    #[no_grad]
    fn rolled<B, C>(x: f32[B, C]) -> f32[B, C] {
        roll(flip(x, axis=1), 3, axis=1)
    }

    #[no_grad]
    fn picked<B, C>(x: f32[B, C], at: i64[B]) -> f32[B, C] {
        take(x, at, axis=0)
    }

    #[no_grad]
    fn below<B, C>(x: f32[B, C], w: f32[C], b: f32[B]) -> f32[B, C] {
        tril(x + w - b[:, None], 1)
    }

    #[no_grad]
    fn repeated<B, C>(x: f32[B, C]) -> f32[B, 2 * C] {
        repeat(x, 2, axis=1)
    }
}

/// Last axes on both sides of the limits of maps' second form, and of what the lane is cut by.
const MAPS: [(usize, usize); 14] = [
    (0, 3),
    (5, 0),
    (1, 1),
    (15, 2),
    (16, 2),
    (17, 1),
    (1030, 3),
    (700, 5),
    (300, 8),
    (300, 9),
    (40, 22),
    (40, 24),
    (33, 40),
    (3, 2100),
];

/// Rows and columns on both sides of every limit: of what is short, of the lanes that run at a time, of a tile,
/// of a copy.
const SHAPES: [(usize, usize); 17] = [
    (1, 3),
    (15, 3),
    (16, 1),
    (300, 1),
    (1100, 2),
    (257, 3),
    (256, 31),
    (1030, 7),
    (3000, 10),
    (511, 32),
    (90, 33),
    (40, 200),
    (20, 1030),
    (0, 5),
    (2100, 16),
    (70, 1025),
    (33, 4500),
];

fn values(rows: usize, columns: usize) -> Array2<f32> {
    let value = |(i, j): (usize, usize)| ((i * 7919 + j * 104_729) % 1013) as f32 * 0.01 - 5.0;
    Array2::from_shape_fn((rows, columns), value)
}

/// How an array is read in some memory.
type Read = fn(&Array2<f32>) -> ArrayView2<'_, f32>;
/// Where a result of so many rows and columns goes in some memory.
type Place = fn(&mut Array2<f32>, usize, usize) -> ArrayViewMut2<'_, f32>;

/// The same elements in memory of several kinds.
fn layouts(x: &Array2<f32>) -> [(&'static str, Array2<f32>, Read); 4] {
    let (rows, columns) = x.dim();
    let mut wide = Array2::from_elem((rows, 2 * columns + 3), f32::NAN);
    wide.slice_mut(s![.., 1..2 * columns + 1;2]).assign(x);
    let mut backwards = x.clone();
    backwards.invert_axis(Axis(0));
    let backwards = backwards.as_standard_layout().into_owned();
    [
        ("plain", x.clone(), |a| a.view()),
        ("transposed", x.t().as_standard_layout().into_owned(), |a| a.t()),
        ("with gaps", wide, |a| a.slice(s![.., 1..a.ncols() - 2;2])),
        ("backwards", backwards, |a| a.slice(s![..;-1, ..])),
    ]
}

fn close(found: ArrayView2<'_, f32>, wanted: &Array2<f64>, what: &str) {
    assert_eq!(found.dim(), wanted.dim(), "{what}");
    for ((at, &a), &b) in found.indexed_iter().zip(wanted) {
        assert!((f64::from(a) - b).abs() <= 2e-5 * b.abs().max(1.0), "{what} at {at:?}: {a}, not {b}");
    }
}

fn softmax_of(x: &Array2<f32>) -> Array2<f64> {
    let mut out = x.mapv(f64::from);
    for mut row in out.rows_mut() {
        let top = row.fold(f64::NEG_INFINITY, |a, &b| a.max(b));
        row.mapv_inplace(|v| (v - top).exp());
        let sum = row.sum();
        row /= sum;
    }
    out
}

fn norm_of(x: &Array2<f32>, w: &Array1<f32>, b: &Array1<f32>) -> Array2<f64> {
    let mut out = x.mapv(f64::from);
    for mut row in out.rows_mut() {
        let n = row.len() as f64;
        let mean = row.sum() / n;
        let variance = row.mapv(|v| (v - mean).powi(2)).sum() / n;
        row.mapv_inplace(|v| (v - mean) / (variance + 1e-5).sqrt());
        row.indexed_iter_mut().for_each(|(j, v)| *v = *v * f64::from(w[j]) + f64::from(b[j]));
    }
    out
}

/// Runs on so many threads.
fn on<R: Send>(threads: usize, run: impl FnOnce() -> R + Send) -> R {
    ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(run)
}

#[test]
fn rows_of_any_length_and_layout() {
    for (rows, columns) in SHAPES {
        let x = values(rows, columns);
        let (w, b) = (Array1::from_elem(columns, 1.5f32), Array1::from_elem(columns, 0.25f32));
        let (soft, norm) = (softmax_of(&x), norm_of(&x, &w, &b));
        for (layout, memory, view) in &layouts(&x) {
            let what = format!("{rows} x {columns}, {layout}");
            let x = view(memory);
            close(normalised(x).unwrap().view().unwrap(), &soft, &format!("softmax, {what}"));
            close(normed(x, &w, &b).unwrap().view().unwrap(), &norm, &format!("layer_norm, {what}"));
            let (least, top, squares) = of_rows(x).unwrap();
            for (i, row) in x.rows().into_iter().enumerate() {
                let first = (0..columns).fold(0, |best, j| if row[j] < row[best] { j } else { best });
                assert_eq!(least.view().unwrap()[i], first as i64, "argmin, {what}, row {i}");
                assert_eq!(top.view().unwrap()[i], row.fold(f32::NEG_INFINITY, |a, &b| a.max(b)), "max, {what}");
                let sum: f64 = row.iter().map(|&v| f64::from(v).powi(2)).sum();
                assert!((f64::from(squares.view().unwrap()[i]) - sum).abs() <= 1e-5 * sum.max(1.0), "sum, {what}");
            }
        }
    }
}

#[test]
fn columns_of_any_length_and_layout() {
    for (rows, columns) in SHAPES.into_iter().filter(|&(rows, _)| rows > 0) {
        let x = values(rows, columns);
        let w = Array1::from_shape_fn(columns, |j| 0.5 + (j % 13) as f32 * 0.25);
        let b = Array1::from_shape_fn(rows, |i| i as f32 * 0.01);
        let soft = softmax_of(&x.t().to_owned()).reversed_axes();
        for (layout, memory, view) in &layouts(&x) {
            let what = format!("{rows} x {columns}, {layout}");
            let x = view(memory);
            let (found, variances, scaled) = of_columns(x, &w, &b).unwrap();
            close(found.view().unwrap(), &soft, &format!("softmax of columns, {what}"));
            let mut wanted = x.mapv(f64::from);
            for (j, mut column) in wanted.columns_mut().into_iter().enumerate() {
                let mean = column.sum() / rows as f64;
                column.mapv_inplace(|v| v - mean);
                let variance = column.mapv(|v| v * v).sum() / rows as f64;
                let found = f64::from(variances.view().unwrap()[j]);
                assert!((found - variance).abs() <= 1e-5 * variance.max(1.0), "var, {what}, column {j}");
                column.indexed_iter_mut().for_each(|(i, v)| *v = *v * f64::from(w[j]) + f64::from(b[i]));
            }
            close(scaled.view().unwrap(), &wanted, &format!("scaled, {what}"));
            let (greatest, least) = places(x).unwrap();
            for (j, column) in x.columns().into_iter().enumerate() {
                let first = |better: fn(f32, f32) -> bool| {
                    (0..rows).fold(0, |best, i| if better(column[i], column[best]) { i } else { best }) as i64
                };
                let found = (greatest.view().unwrap()[j], least.view().unwrap()[j]);
                assert_eq!(found, (first(|a, b| a > b), first(|a, b| a < b)), "places, {what}, column {j}");
            }
        }
    }
}

/// Every map, as its element at each place.
fn each_map(x: ArrayView2<'_, f32>, what: &str) {
    let (rows, columns) = x.dim();
    let y = Array2::from_shape_fn((rows, 3), |(i, j)| (i * 3 + j) as f32);
    let (w, b) = (Array1::from_shape_fn(columns, |j| j as f32), Array1::from_shape_fn(rows, |i| 0.5 * i as f32));
    let at = Array1::from_shape_fn(rows, |i| (i * 7919 % rows) as i64);
    let same = |found: ArrayView2<'_, f32>, name: &str, wanted: &dyn Fn(usize, usize) -> f32| {
        for ((i, j), &value) in found.indexed_iter() {
            assert_eq!(value, wanted(i, j), "{name}, {what}, at {i}, {j}");
        }
    };
    same(framed(x).unwrap().view().unwrap(), "framed", &|i, j| {
        let inside = (1..=rows).contains(&i) && (1..=columns).contains(&j);
        if inside { x[[i - 1, j - 1]] + 1.0 } else { 0.5 }
    });
    same(joined(x, &y).unwrap().view().unwrap(), "joined", &|i, j| match j.checked_sub(columns) {
        None => x[[i, j]],
        Some(j @ 0..3) => y[[i, j]],
        Some(j) => -x[[i, j - 3]],
    });
    same(rolled(x).unwrap().view().unwrap(), "rolled", &|i, j| x[[i, columns - 1 - (j + columns * 3 - 3) % columns]]);
    same(picked(x, &at).unwrap().view().unwrap(), "picked", &|i, j| x[[at[i] as usize, j]]);
    same(below(x, &w, &b).unwrap().view().unwrap(), "below", &|i, j| {
        if j <= i + 1 { x[[i, j]] + w[j] - b[i] } else { 0.0 }
    });
    same(repeated(x).unwrap().view().unwrap(), "repeated", &|i, j| x[[i, j / 2]]);
}

#[test]
fn maps_of_any_last_axis_and_layout() {
    for (rows, columns) in MAPS {
        for (layout, memory, view) in &layouts(&values(rows, columns)) {
            each_map(view(memory), &format!("{rows} x {columns}, {layout}"));
        }
    }
}

#[test]
fn maps_on_any_number_of_threads() {
    let x = values(200_003, 3);
    for threads in [1, 2, 5] {
        on(threads, || each_map(x.view(), &format!("{threads} threads")));
    }
}

/// Results in memory of any kind, and nothing beside them is written.
#[test]
fn results_of_any_layout() {
    for (rows, columns) in SHAPES {
        let x = values(rows, columns);
        let wanted = softmax_of(&x);
        let columns_wanted = softmax_of(&x.t().to_owned()).reversed_axes();
        let places: [Place; 3] = [
            |a, rows, columns| a.slice_mut(s![..rows, ..columns]),
            |a, rows, columns| a.slice_mut(s![..columns, ..rows]).reversed_axes(),
            |a, rows, columns| a.slice_mut(s![..2 * rows;2, ..columns;-1]),
        ];
        for (number, place) in places.into_iter().enumerate() {
            let side = 2 * rows.max(columns) + 1;
            let mut memory = Array2::from_elem((side, side), -7.0f32);
            normalised::into(&x, &mut place(&mut memory, rows, columns)).unwrap();
            let written = place(&mut memory, rows, columns).to_owned();
            close(written.view(), &wanted, &format!("{rows} x {columns}, place {number}"));
            place(&mut memory, rows, columns).fill(-7.0);
            assert!(memory.iter().all(|&v| v == -7.0), "{rows} x {columns}, place {number}: written beside it");
            rolled::into(&x, &mut place(&mut memory, rows, columns)).unwrap();
            for ((i, j), &value) in place(&mut memory, rows, columns).indexed_iter() {
                assert_eq!(value, x[[i, columns - 1 - (j + columns * 3 - 3) % columns]], "rolled, place {number}");
            }
            place(&mut memory, rows, columns).fill(-7.0);
            assert!(memory.iter().all(|&v| v == -7.0), "{rows} x {columns}, place {number}: written beside it");
            if rows > 0 {
                normalised_columns::into(&x, &mut place(&mut memory, rows, columns)).unwrap();
                let written = place(&mut memory, rows, columns).to_owned();
                close(written.view(), &columns_wanted, &format!("columns, {rows} x {columns}, place {number}"));
                place(&mut memory, rows, columns).fill(-7.0);
                assert!(memory.iter().all(|&v| v == -7.0), "{rows} x {columns}, place {number}: written beside it");
            }
        }
    }
}

#[test]
fn the_same_bits_on_any_number_of_threads() {
    for (rows, columns) in [(70_000, 3), (40_000, 16), (9_000, 33)] {
        let x = values(rows, columns);
        let across = x.t().as_standard_layout().into_owned();
        let bits = |threads: usize| {
            on(threads, || {
                let (soft, sums) = (normalised(across.t()).unwrap(), of_rows(&x).unwrap().2);
                let both = against(&x, &across).unwrap();
                [soft.to_vec().unwrap(), sums.to_vec().unwrap(), both.to_vec().unwrap()].concat()
            })
        };
        let one = bits(1);
        for threads in [2, 5] {
            let same = bits(threads).iter().zip(&one).all(|(a, b)| a.to_bits() == b.to_bits());
            assert!(same, "{rows} x {columns} on {threads} threads");
        }
    }
}

/// Results of more bytes than caches keep, in rows that start anywhere.
#[test]
fn large_results() {
    let (rows, columns) = (2111, 2101);
    let x = values(rows, columns);
    let y = x.t().as_standard_layout().into_owned();
    for threads in [1, 3] {
        let mut memory = Array2::from_elem((rows, columns + 3), -7.0f32);
        on(threads, || moved::into(&x, &y, &mut memory.slice_mut(s![.., 1..columns + 1])).unwrap());
        assert!(memory.slice(s![.., 1..columns + 1]).iter().zip(&x).all(|(&a, &b)| a == b + b), "{threads} threads");
        assert!(memory.slice(s![.., columns + 1..]).iter().chain(memory.column(0)).all(|&v| v == -7.0));
        let fresh = on(threads, || moved(&x, &y).unwrap());
        assert!(fresh.to_vec().unwrap().iter().zip(&x).all(|(&a, &b)| a == b + b), "{threads} threads, fresh");
    }
}
