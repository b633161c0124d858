//! Operands and results that lie in memory in any way: with gaps that are another's, backwards, turned, repeated, narrow,
//! without an element. What comes out is what comes out of a copy in order; what is beside a result stays as it is.

// In a slice of `ndarray`, `1..-1` ends before the last.
#![allow(clippy::reversed_empty_ranges)]

use ndarray::{Array1, Array2, Array3, Array4, ArrayView2, ArrayView3, ArrayViewMut2, Axis, s};
use ndfuse::tensor;
use rayon::ThreadPoolBuilder;

tensor! {
    #[no_grad]
    fn line<M, N>(x: f32[M, N]) -> f32[M, N] {
        x * 2 + 1
    }

    #[no_grad]
    fn row_sums<M, N>(x: f32[M, N]) -> f32[M] {
        x.sum(axis=1)
    }

    #[no_grad]
    fn column_sums<M, N>(x: f32[M, N]) -> f32[N] {
        x.sum(axis=0)
    }

    /// Several reductions in one pass, one after another, and one that goes by places.
    #[no_grad]
    fn of_columns<M, N>(x: f32[M, N], y: f32[M, N]) -> (f32[N], f32[N], f32[N], i64[N]) {
        (mean(x * y, axis=0), max(x, axis=0), var(x, axis=0), argmin(x, axis=0))
    }

    #[no_grad]
    fn whole<M, N>(x: f32[M, N]) -> f32[] {
        sum(x)
    }

    /// Windows: neighbours on all sides, and zeros beside the border.
    #[no_grad]
    fn around<M, N>(x: f32[M, N]) -> f32[M, N] {
        let p = pad(x, 1);
        p[:-2, 1:-1] + 2 * p[2:, 1:-1] + 3 * p[1:-1, :-2] + 4 * p[1:-1, 2:]
    }

    /// The last axis is written out.
    #[no_grad]
    fn pairs<M, N>(x: f32[M, N], y: f32[M, N]) -> (f32[M, N, 2], f32[M, N, 3]) {
        (stack((x + y, x - y), axis=-1), stack((x, y, x * y), axis=-1))
    }

    #[no_grad]
    fn both<M, N>(x: f32[M, N], y: f32[M, N], w: f32[N]) -> f32[M, N] {
        x * w - y
    }

    #[no_grad]
    fn product<M, K, N>(x: f32[M, K], y: f32[K, N]) -> f32[M, N] {
        x @ y
    }

    /// Two axes are summed together, which lie in another order in either operand, beside a batch in other places.
    #[no_grad]
    fn contracted<I, J, K, L, B>(x: f32[I, B, J, K], y: f32[K, L, J, B]) -> f32[L, B, I] {
        einsum("ibjk,kljb->lbi", x, y)
    }

    #[no_grad]
    fn times_vector<M, N>(x: f32[M, N], v: f32[N], b: f32[M]) -> (f32[M], f32[M]) {
        let y = x @ v;
        (y, relu(x @ (v + 1) + b))
    }

    #[no_grad]
    fn vector_times<M, N>(v: f64[M], x: f64[M, N]) -> f64[N] {
        v @ x
    }

    #[no_grad]
    fn bytes<M, N>(x: u8[M, N]) -> u64[N] {
        sum(x, axis=0)
    }

    #[no_grad]
    fn colours<A, B, C>(x: u8[A, B, C], by: f32) -> u8[A, B, C] {
        (x.astype(f32) * by).astype(u8)
    }

    #[no_grad]
    fn planes<A, B, C>(x: f32[A, B, C]) -> (f32[A, C], f32[B, C], f32[A, B]) {
        (x.sum(axis=1), x.sum(axis=0), x.sum(axis=2))
    }

    #[no_grad]
    fn flat<N>(x: f32[N]) -> (f32[], f32[], f32[]) {
        (sum(x * x), max(x), sum(x * 2 + 1))
    }

    /// Rows that are filled up: with what a sum starts with, with what a greatest does not, and both in one pass.
    #[no_grad]
    fn filled<M, N>(x: f32[M, N]) -> (f32[M], f32[M], f32[M]) {
        let p = pad(x, ((0, 0), (2, 5)));
        (sum(p, axis=1), max(p, axis=1), sum(p + 1, axis=1))
    }

    #[no_grad]
    fn filled_sums<M, N>(x: f32[M, N]) -> f32[M] {
        sum(pad(x, ((0, 0), (2000, 5))), axis=1)
    }
}

/// Small whole numbers: sums of them are exact in any order.
fn value(i: usize, j: usize) -> f32 {
    ((i * 7 + j * 13 + i * j) % 9) as f32 - 4.0
}

type Read = fn(&Array2<f32>) -> ArrayView2<'_, f32>;

/// Views of a larger array.
const VIEWS: [(&str, Read); 12] = [
    ("whole", |a| a.view()),
    ("a part", |a| a.slice(s![1..-2, 2..-3])),
    ("from the second column on", |a| a.slice(s![.., 1..])),
    ("every second column", |a| a.slice(s![.., ..;2])),
    ("every third column backwards", |a| a.slice(s![.., ..;-3])),
    ("every fifth of each second row", |a| a.slice(s![1..;2, ..;5])),
    ("columns backwards", |a| a.slice(s![.., ..;-1])),
    ("rows backwards, a part of them", |a| a.slice(s![..;-1, 1..-1])),
    ("turned", |a| a.t()),
    ("turned, every second", |a| a.slice(s![..;2, 1..]).reversed_axes()),
    ("one row again and again", |a| {
        a.row(0).to_slice().map_or(a.view(), |r| ArrayView2::from_shape((1, r.len()), r).unwrap())
    }),
    ("three columns", |a| a.slice(s![.., ..a.ncols().min(3)])),
];

/// Sides around those of vectors, tiles, blocks and jobs.
const SHAPES: [(usize, usize); 9] =
    [(5, 7), (40, 33), (300, 260), (1030, 20), (20, 1030), (2100, 8), (9, 4001), (700, 6), (5000, 6)];

fn same(found: &[f32], wanted: impl IntoIterator<Item = f32>, what: &str) {
    let wanted: Vec<f32> = wanted.into_iter().collect();
    assert!(found.len() == wanted.len() && found.iter().zip(&wanted).all(|(a, b)| a == b), "{what}");
}

fn on<R: Send>(threads: usize, run: impl FnOnce() -> R + Send) -> R {
    ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(run)
}

#[test]
fn operands_of_any_layout() {
    for ((rows, columns), (name, view)) in SHAPES.into_iter().flat_map(|shape| VIEWS.map(|view| (shape, view))) {
        let memory = Array2::from_shape_fn((rows, columns), |(i, j)| value(i, j));
        let x = view(&memory);
        let what = format!("{name} of {rows} x {columns}");
        same(&line(x).unwrap().to_vec().unwrap(), x.iter().map(|v| v * 2.0 + 1.0), &what);
        let copy = x.as_standard_layout().into_owned();
        same(&around(x).unwrap().to_vec().unwrap(), around(&copy).unwrap().to_vec().unwrap(), &what);
        same(&row_sums(x).unwrap().to_vec().unwrap(), x.rows().into_iter().map(|r| r.iter().sum()), &what);
        same(&column_sums(x).unwrap().to_vec().unwrap(), x.columns().into_iter().map(|c| c.iter().sum()), &what);
        same(&whole(x).unwrap().to_vec().unwrap(), [x.iter().sum()], &what);
        // Of two layouts in one kernel, and a row that is repeated.
        let y = Array2::from_shape_fn(x.dim(), |(i, j)| value(j, i));
        let w = Array1::from_shape_fn(2 * x.ncols(), |j| value(j, 3));
        let w = w.slice(s![..;-2]);
        let wanted = &x * &w - &y;
        same(&both(x, &y, w).unwrap().to_vec().unwrap(), wanted.iter().copied(), &what);
        let (means, tops, spreads, places) = of_columns(x, y.t().to_owned().t()).unwrap();
        let n = x.nrows() as f32;
        for (j, (c, d)) in x.columns().into_iter().zip(y.columns()).enumerate() {
            let mean: f32 = c.iter().zip(d).map(|(a, b)| a * b).sum::<f32>() / n;
            let average = f64::from(c.iter().sum::<f32>()) / f64::from(n);
            let spread = c.iter().map(|&v| (f64::from(v) - average).powi(2)).sum::<f64>() / f64::from(n);
            let first = (0..c.len()).fold(0, |best, i| if c[i] < c[best] { i } else { best });
            assert!((means.view().unwrap()[j] - mean).abs() <= 1e-6 * mean.abs(), "{what}");
            assert_eq!(tops.view().unwrap()[j], c.fold(f32::NEG_INFINITY, |a, &b| a.max(b)), "{what}");
            assert!((f64::from(spreads.view().unwrap()[j]) - spread).abs() <= 1e-5 * spread.max(1.0), "{what}");
            assert_eq!(places.view().unwrap()[j], first as i64, "{what}");
        }
    }
}

/// Rows that become one, where they do in memory and where they do not.
#[test]
fn rows_of_an_axis_that_is_written_out() {
    for ((rows, columns), (name, view)) in SHAPES.into_iter().flat_map(|shape| VIEWS.map(|view| (shape, view))) {
        let memory = Array2::from_shape_fn((rows, columns), |(i, j)| value(i, j));
        let x = view(&memory);
        let (m, n) = x.dim();
        let y = Array2::from_shape_fn((m, n), |(i, j)| value(j, i));
        let of = |k: usize, i: usize, j: usize| [x[[i, j]] + y[[i, j]], x[[i, j]] - y[[i, j]]][k];
        let more = |k: usize, i: usize, j: usize| [x[[i, j]], y[[i, j]], x[[i, j]] * y[[i, j]]][k];
        let two = Array3::from_shape_fn((m, n, 2), |(i, j, k)| of(k, i, j));
        let three = Array3::from_shape_fn((m, n, 3), |(i, j, k)| more(k, i, j));
        let what = format!("{name} of {rows} x {columns}");
        let (a, b) = pairs(x, &y).unwrap();
        same(&a.to_vec().unwrap(), two.iter().copied(), &what);
        same(&b.to_vec().unwrap(), three.iter().copied(), &what);
        // Planes of the one, and of the other every second element backwards.
        let (mut planes, mut gaps) = (Array3::<f32>::zeros((2, m, n)), Array3::<f32>::zeros((m, n, 6)));
        let (mut turned, mut apart) = (planes.view_mut().permuted_axes([1, 2, 0]), gaps.slice_mut(s![.., .., ..;-2]));
        pairs::into(x, &y, &mut turned, &mut apart).unwrap();
        same(planes.view().permuted_axes([1, 2, 0]).as_standard_layout().as_slice().unwrap(), two, &what);
        same(gaps.slice(s![.., .., ..;-2]).as_standard_layout().as_slice().unwrap(), three, &what);
    }
}

#[test]
fn matrices_times_vectors() {
    let shapes = [(5, 7), (15, 33), (17, 6), (40, 64), (520, 31), (1300, 100), (9, 3000), (700, 700)];
    for ((rows, columns), (name, view)) in shapes.into_iter().flat_map(|shape| VIEWS.map(|view| (shape, view))) {
        let memory = Array2::from_shape_fn((rows, columns), |(i, j)| value(i, j));
        let x = view(&memory);
        let what = format!("{name} of {rows} x {columns}");
        let long = Array1::from_shape_fn(2 * x.ncols(), |i| value(i, 5));
        let b = Array1::from_shape_fn(x.nrows(), |i| value(2, i));
        for v in [long.slice(s![..x.ncols()]), long.slice(s![..;2]), long.slice(s![x.ncols()..;-1])] {
            let (found, after) = times_vector(x, v, &b).unwrap();
            let (wanted, more) = (x.dot(&v), x.dot(&(&v + 1.0)) + &b);
            same(&found.to_vec().unwrap(), wanted.iter().copied(), &what);
            same(&after.to_vec().unwrap(), more.iter().map(|x| x.max(0.0)), &format!("{what}, with an epilogue"));
            let one = v.insert_axis(Axis(1));
            same(&product(x, one).unwrap().to_vec().unwrap(), wanted.iter().copied(), &format!("{what}, a column"));
            same(&product(one.t(), x.t()).unwrap().to_vec().unwrap(), wanted, &format!("{what}, a row"));
            let (wide, v) = (x.mapv(f64::from), v.mapv(f64::from));
            let found: Vec<f32> =
                vector_times(&v, wide.t()).unwrap().to_vec().unwrap().iter().map(|&x| x as f32).collect();
            same(&found, wide.dot(&v).iter().map(|&x| x as f32), &format!("{what}, of doubles"));
        }
    }
    let nothing = Array2::<f32>::zeros((3, 0));
    let (found, after) = times_vector(&nothing, Array1::zeros(0), Array1::from_elem(3, 2.0)).unwrap();
    same(&found.to_vec().unwrap(), [0.0; 3], "no terms");
    same(&after.to_vec().unwrap(), [2.0; 3], "no terms, with an epilogue");
}

#[test]
fn products_of_operands_with_gaps() {
    for ((rows, columns), (name, view)) in
        [(5, 7), (65, 90), (300, 260)].into_iter().flat_map(|shape| VIEWS.map(|view| (shape, view)))
    {
        let memory = Array2::from_shape_fn((rows, columns), |(i, j)| value(i, j));
        let x = view(&memory);
        let y = Array2::from_shape_fn((x.ncols(), 19), |(i, j)| value(j, i));
        let found = product(x, &y).unwrap().to_vec().unwrap();
        same(&found, x.dot(&y).iter().copied(), &format!("{name} of {rows} x {columns}"));
        let found = product(y.t(), x.t()).unwrap().to_vec().unwrap();
        same(&found, x.dot(&y).t().iter().copied(), &format!("{name} of {rows} x {columns}, turned"));
    }
}

#[test]
fn products_by_named_axes() {
    for [i, j, k, l, b] in [[3, 4, 5, 6, 2], [33, 20, 16, 70, 3], [2, 0, 5, 3, 2], [1, 7, 1, 40, 1]] {
        let x = Array4::from_shape_fn((i, b, j, k), |(i, b, j, k)| value(i + b, 2 * j + k));
        let y = Array4::from_shape_fn((k, l, j, b), |(k, l, j, b)| value(k + j, l + 3 * b));
        let of = |(l, b, i)| {
            (0..j).flat_map(|j| (0..k).map(move |k| (j, k))).map(|(j, k)| x[[i, b, j, k]] * y[[k, l, j, b]]).sum()
        };
        let wanted: Array3<f32> = Array3::from_shape_fn((l, b, i), of);
        let found = contracted(&x, &y).unwrap().to_vec().unwrap();
        same(&found, wanted.iter().copied(), &format!("{:?} with {:?}", x.dim(), y.dim()));
        let turned = contracted(x.slice(s![..;-1, .., .., ..]), &y).unwrap().to_vec().unwrap();
        same(&turned, wanted.slice(s![.., .., ..;-1]).iter().copied(), &format!("{:?} backwards", x.dim()));
    }
}

#[test]
fn arrays_of_three_axes() {
    let whole = Array3::from_shape_fn((24, 40, 70), |(i, j, k)| value(i + j, k));
    let views: [ArrayView3<'_, f32>; 7] = [
        whole.view(),
        whole.slice(s![.., 1..-1, ..]),
        whole.slice(s![..;2, ..;-3, 3..]),
        whole.slice(s![.., .., ..;4]),
        whole.slice(s![.., .., 5..8]),
        whole.view().permuted_axes([2, 0, 1]),
        whole.slice(s![.., 2.., 1..;2]).permuted_axes([1, 2, 0]),
    ];
    for x in views {
        let x = x.mapv(|v| (v + 4.0) as u8);
        for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
            let x = x.view().permuted_axes(order);
            let wanted: Vec<u8> = x.iter().map(|v| v * 3).collect();
            assert_eq!(colours(x, 3.0).unwrap().to_vec().unwrap(), wanted, "{:?} {:?}", x.dim(), x.strides());
        }
    }
    for x in views {
        let (middle, first, last) = planes(x).unwrap();
        for (found, axis) in [(middle, 1), (first, 0), (last, 2)] {
            same(
                &found.to_vec().unwrap(),
                x.sum_axis(Axis(axis)).iter().copied(),
                &format!("{:?}: {axis}", x.strides()),
            );
        }
    }
}

/// Columns of 1 to 40 elements, whose rows go together where they are short.
#[test]
fn narrow_columns() {
    for width in (1..=18).chain([31, 32, 33, 40]) {
        for rows in [0, 1, 2, 15, 16, 17, 511, 512, 513, 2000, 9001] {
            let x = Array2::from_shape_fn((rows, width + 3), |(i, j)| value(i, j));
            for part in [x.slice(s![.., 3..]), x.slice(s![.., ..width;-1]), x.slice(s![..rows / 2;-1, 1..=width])] {
                let wanted = part.columns().into_iter().map(|c| c.iter().sum());
                same(&column_sums(part).unwrap().to_vec().unwrap(), wanted, &format!("{:?}", part.dim()));
            }
            let small = x.mapv(|v| (v + 4.0) as u8 * 30);
            let small = small.slice(s![.., ..width]);
            let wanted = small.columns().into_iter().map(|c| c.iter().map(|&v| u64::from(v)).sum());
            assert_eq!(bytes(small).unwrap().to_vec().unwrap(), wanted.collect::<Vec<u64>>(), "{rows} x {width}");
        }
    }
    // A value that is none, in any of the rows that go together, is seen in its own column alone.
    for at in [0, 1, 80, 159, 160, 169] {
        let mut x = Array2::from_elem((170, 3), 1.0f32);
        (x[[at, 1]], x[[at, 2]]) = (f32::NAN, f32::INFINITY);
        let found = column_sums(&x).unwrap().to_vec().unwrap();
        assert!(found[0] == 170.0 && found[1].is_nan() && found[2] == f32::INFINITY, "{at}: {found:?}");
    }
}

#[test]
fn long_columns_are_summed_as_exactly_as_others() {
    let rows = 3_000_000;
    let x = Array2::from_elem((rows, 2), 0.1f32);
    let exact = rows as f64 * f64::from(0.1f32);
    for sum in column_sums(&x).unwrap().to_vec().unwrap() {
        assert!((f64::from(sum) - exact).abs() <= 2e-7 * exact, "{sum}, not {exact}");
    }
}

#[test]
fn the_same_bits_on_any_number_of_threads() {
    for (rows, columns) in [(70_000, 3), (9_000, 33), (700, 1100)] {
        let x =
            Array2::from_shape_fn((rows, 2 * columns), |(i, j)| ((i * 7919 + j * 104_729) % 1013) as f32 * 0.01 - 5.0);
        for view in [x.slice(s![.., ..columns]), x.slice(s![.., ..;-2])] {
            let bits = |threads: usize| {
                let sums =
                    || [column_sums(view).unwrap().to_vec(), row_sums(view).unwrap().to_vec()].map(Result::unwrap);
                on(threads, sums).concat().into_iter().map(f32::to_bits).collect::<Vec<_>>()
            };
            let one = bits(1);
            // The same as of the copy in order: gaps are no reason for another sum.
            let copy = view.as_standard_layout();
            let dense = on(1, || column_sums(&copy).unwrap().to_vec().unwrap());
            assert!(dense.iter().zip(&one).all(|(a, &b)| a.to_bits() == b), "{rows} x {columns}");
            assert!([2, 5].into_iter().all(|threads| bits(threads) == one), "{rows} x {columns}");
        }
    }
}

type Place = fn(&mut Array2<f32>, usize, usize) -> ArrayViewMut2<'_, f32>;

#[test]
fn results_of_any_layout() {
    let places: [Place; 6] = [
        |a, m, n| a.slice_mut(s![..m, ..n]),
        |a, m, n| a.slice_mut(s![1..m + 1, ..2 * n;2]),
        |a, m, n| a.slice_mut(s![..2 * m;-2, ..n;-1]),
        |a, m, n| a.slice_mut(s![..n, ..m]).reversed_axes(),
        |a, m, n| a.slice_mut(s![..2 * n;2, 1..3 * m + 1;3]).reversed_axes(),
        |a, m, n| a.slice_mut(s![..m, ..3 * n;-3]),
    ];
    for (m, n) in [(1, 1), (5, 7), (40, 33), (260, 300), (0, 4), (4, 0)] {
        let x = Array2::from_shape_fn((m, 2 * n + 1), |(i, j)| value(i, j));
        let x = x.slice(s![.., 1..;2]);
        let y = Array2::from_shape_fn((n, n), |(i, j)| value(j, i));
        for (number, place) in places.into_iter().enumerate() {
            let what = format!("{m} x {n}, place {number}");
            let side = 3 * m.max(n) + 2;
            let mut memory = Array2::from_elem((side, side), -70.0f32);
            line::into(x, &mut place(&mut memory, m, n)).unwrap();
            same(&place(&mut memory, m, n).iter().copied().collect::<Vec<_>>(), x.iter().map(|v| v * 2.0 + 1.0), &what);
            product::into(x, &y, &mut place(&mut memory, m, n)).unwrap();
            same(&place(&mut memory, m, n).iter().copied().collect::<Vec<_>>(), x.dot(&y), &what);
            place(&mut memory, m, n).fill(-70.0);
            assert!(memory.iter().all(|&v| v == -70.0), "{what}: written beside it");
            assert!(line::into(y.slice(s![.., ..0]), &mut place(&mut memory, m, n)).is_err() || n == 0);
            assert!(memory.iter().all(|&v| v == -70.0), "{what}: written in spite of an error");
        }
    }
}

/// Where a result is made, and what is made of it without a copy.
#[test]
fn results_begin_with_a_line() {
    for (m, n) in [(32, 32), (40, 33), (1, 5001), (700, 6)] {
        let x = Array2::from_shape_fn((m, n), |(i, j)| value(i, j));
        for turn in 0..3 {
            let result = line(&x).unwrap();
            let at = result.view().unwrap().as_ptr();
            assert_eq!(at.addr() % 64, 0, "{m} x {n}, turn {turn}");
            let mut array = result.into_array().unwrap();
            assert_eq!(array.as_ptr(), at, "{m} x {n}");
            same(array.as_slice().unwrap(), x.iter().map(|v| v * 2.0 + 1.0), "the array");
            line::into(&x, &mut array).unwrap();
            let mut back = ndfuse::Tensor::from(array);
            assert_eq!(back.view().unwrap().as_ptr(), at, "it comes back as it went");
            line::into(back.clone(), &mut back).unwrap();
            same(back.as_slice().unwrap(), x.iter().map(|v| v * 4.0 + 3.0), "a result in memory that is shared");
            let mut given = ndfuse::Tensor::zeros((m, n)).unwrap();
            line::into(&x, &mut given).unwrap();
            assert_eq!(given.view().unwrap().as_ptr().addr() % 64, 0);
        }
    }
}

/// A row that is filled up comes to what is in it, and to its fill where that is another than a reduction's start.
#[test]
fn rows_that_are_filled_up_are_what_is_in_them() {
    for n in [1, 2, 15, 33, 1023, 1025, 3000, 16_383, 16_384, 16_385, 40_000] {
        let x = Array1::from_shape_fn(n, |i| value(i, 3) - 6.0);
        let (squares, most, sum) = flat(&x).unwrap();
        same(&squares.to_vec().unwrap(), [x.iter().map(|v| v * v).sum()], &format!("squares of {n}"));
        same(
            &most.to_vec().unwrap(),
            [x.iter().copied().fold(f32::NEG_INFINITY, f32::max)],
            &format!("the greatest of {n}"),
        );
        same(&sum.to_vec().unwrap(), [x.iter().map(|v| v * 2.0 + 1.0).sum()], &format!("the sum of {n}"));
    }
    for (m, n) in [(1, 1), (3, 700), (20, 1024), (5, 2500), (40, 0)] {
        let x = Array2::from_shape_fn((m, n), |(i, j)| value(i, j) - 6.0);
        let sums: Vec<f32> = x.rows().into_iter().map(|row| row.iter().sum()).collect();
        let (sum, most, more) = filled(&x).unwrap();
        same(&sum.to_vec().unwrap(), sums.clone(), "sums");
        same(&most.to_vec().unwrap(), vec![0.0; m], "the greatest");
        same(&more.to_vec().unwrap(), sums.iter().map(|sum| sum + (n + 7) as f32), "sums of one more");
        same(&filled_sums(&x).unwrap().to_vec().unwrap(), sums, "sums alone");
    }
}

/// Each thread reads and writes columns between those of others.
#[test]
fn neighbours_in_memory_are_used_at_the_same_time() {
    let mut memory = Array2::from_shape_fn((301, 403), |(i, j)| value(i, j));
    let before = memory.clone();
    let (left, right) = memory.view_mut().split_at(Axis(1), 200);
    std::thread::scope(|scope| {
        for mut half in [left, right] {
            scope.spawn(move || {
                for _ in 0..20 {
                    let x = half.to_owned();
                    line::into(&x, &mut half).unwrap();
                    let sums = row_sums(half.view()).unwrap().to_vec().unwrap();
                    same(&sums, x.rows().into_iter().map(|r| r.iter().map(|v| v * 2.0 + 1.0).sum()), "sums");
                    half.assign(&x);
                }
            });
        }
    });
    assert_eq!(memory, before);
}
