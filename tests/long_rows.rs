//! Few long rows, which several threads share: what they come to, and that it is the same for any number of threads.

use ndfuse::prelude::*;

tensor! {
    #[no_grad]
    fn sums<M, N>(x: f32[M, N]) -> (f32[M], f32[M], i64[M], i64[M]) {
        (x.sum(axis=1), x.max(axis=1), argmax(x, axis=1), argmin(x, axis=1))
    }

    #[no_grad]
    fn softmax_rows<K, M, N>(x: f32[K, M, N]) -> f32[K, M, N] {
        softmax(x)
    }

    #[no_grad]
    fn whole<N>(x: f32[N]) -> (f32[N], f32[]) {
        let y = x - x.mean();
        (y * y, var(y))
    }

    #[no_grad]
    fn counted<M, N>(x: i32[M, N]) -> (i64[M], bool[M], i64[M]) {
        (x.sum(axis=1), any(x > 9, axis=1), count_nonzero(x, axis=1))
    }

    #[no_grad]
    fn normed<M, N>(x: f32[M, N], w: f32[N], b: f32[N], dy: f32[M, N]) -> (f32[M, N], f32[M, N], f32[N], f32[N]) {
        let (y, (dx, dw, db)) = vjp(layer_norm, wrt=(x, weight, bias))(x, dy, w, b);
        (y, dx, dw, db)
    }

    #[no_grad]
    fn picked<M, N>(x: f32[M, N], at: i64[M, 1]) -> (f32[M], f32[M, N]) {
        let most = x.max(axis=1, keepdims=true);
        let total = exp(x - most).sum(axis=1, keepdims=true);
        let one = take_along_axis(x, at, axis=1);
        ((log(total) + most - one).squeeze(1), x * one)
    }
}

const SIZES: [(usize, usize); 4] = [(1, 50_257), (3, 99_999), (2, 49_152), (15, 50_000)];

fn numbers(n: usize) -> Vec<f32> {
    (0..n).map(|k| ((k * 7919) % 10_007) as f32 * 0.0013 - 6.0).collect()
}

/// The same on one thread, on two, on three and on eight.
fn on_threads<R: PartialEq + std::fmt::Debug + Send>(run: impl Fn() -> R + Sync) -> R {
    let on = |threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads").install(&run);
    let one = on(1);
    for threads in [2, 3, 8] {
        assert!(on(threads) == one, "on {threads} threads");
    }
    one
}

fn bits<S: ndfuse::Shape>(tensor: &Tensor<f32, S>) -> Vec<u32> {
    tensor.to_vec().expect("on the host").into_iter().map(f32::to_bits).collect()
}

fn floats(bits: &[u32]) -> Vec<f32> {
    bits.iter().map(|&bits| f32::from_bits(bits)).collect()
}

#[track_caller]
fn near(got: &[f32], want: impl Iterator<Item = f64>) {
    let mut count = 0;
    for (k, (&got, want)) in got.iter().zip(want).enumerate() {
        assert!((f64::from(got) - want).abs() <= 2e-6 * want.abs().max(1e-2), "{got}, not {want}, at {k}");
        count += 1;
    }
    assert_eq!(count, got.len());
}

#[test]
fn sums_and_places() {
    for (m, n) in SIZES {
        let mut all = numbers(m * n);
        // The greatest twice, the first of them at a slice's end, and the least at the row's.
        for row in all.chunks_mut(n) {
            (row[25_599], row[25_600], row[n - 1]) = (99.0, 99.0, -99.0);
        }
        let x = Tensor::<f32, _>::from_vec((m, n), all.clone()).expect("a tensor");
        let (sum, most, first, last) = on_threads(|| {
            let (sum, most, first, last) = sums(&x).expect("sums");
            (bits(&sum), most.to_vec().expect("here"), first.to_vec().expect("here"), last.to_vec().expect("here"))
        });
        near(&floats(&sum), all.chunks(n).map(|row| row.iter().map(|&v| f64::from(v)).sum()));
        assert_eq!((most, first, last), (vec![99.0; m], vec![25_599; m], vec![n as i64 - 1; m]));
    }
}

#[test]
fn softmax_of_rows_of_two_axes() {
    let (k, m, n) = (2, 3, 60_001);
    let all = numbers(k * m * n);
    let x = Tensor::<f32, _>::from_vec((k, m, n), all.clone()).expect("a tensor");
    let got = on_threads(|| bits(&softmax_rows(&x).expect("a softmax")));
    for (row, got) in all.chunks(n).zip(floats(&got).chunks(n)) {
        let powers: Vec<f64> = row.iter().map(|&v| f64::from(v).exp()).collect();
        let total: f64 = powers.iter().sum();
        let scale = n as f32;
        near(&got.iter().map(|v| v * scale).collect::<Vec<_>>(), powers.iter().map(|p| p / total * f64::from(scale)));
    }
}

#[test]
fn a_whole_array_with_what_it_comes_to() {
    let n = 70_000;
    let all = numbers(n);
    let x = Tensor::<f32, _>::from_vec((n,), all.clone()).expect("a tensor");
    let (squares, variance) = on_threads(|| {
        let (squares, variance) = whole(&x).expect("a variance");
        (bits(&squares), bits(&variance))
    });
    let mean = all.iter().map(|&v| f64::from(v)).sum::<f64>() / n as f64;
    let square = |&v: &f32| (f64::from(v) - mean).powi(2);
    let near_enough = |(got, want): (f32, f64)| (f64::from(got) - want).abs() <= 1e-4;
    assert!(floats(&squares).into_iter().zip(all.iter().map(square)).all(near_enough));
    near(&floats(&variance), std::iter::once(all.iter().map(square).sum::<f64>() / n as f64));
}

#[test]
fn integers_and_conditions() {
    let (m, n) = (3, 300_000);
    let all: Vec<i32> = (0..m * n).map(|k| (k % 7) as i32).collect();
    let x = Tensor::<i32, _>::from_vec((m, n), all.clone()).expect("a tensor");
    let (sum, any, count) = on_threads(|| {
        let (sum, any, count) = counted(&x).expect("counts");
        (sum.to_vec().expect("here"), any.to_vec().expect("here"), count.to_vec().expect("here"))
    });
    let rows = || all.chunks(n);
    assert_eq!(sum, rows().map(|row| row.iter().map(|&v| i64::from(v)).sum()).collect::<Vec<i64>>());
    assert_eq!(any, [false; 3]);
    assert_eq!(count, rows().map(|row| row.iter().filter(|v| **v != 0).count() as i64).collect::<Vec<_>>());
}

#[test]
fn a_layer_norm_and_its_gradients() {
    let (m, n) = (3, 60_000);
    let (x, w) = (numbers(m * n), numbers(n));
    let of = |v: &[f32]| Tensor::<f32, _>::from_vec((m, n), v.to_vec()).expect("a tensor");
    let (tx, tw) = (of(&x), Tensor::<f32, _>::from_vec((n,), w.clone()).expect("a tensor"));
    let dy: Vec<f32> = x.iter().map(|v| v * 0.5 + 1.0).collect();
    let tdy = of(&dy);
    let (y, dx) = on_threads(|| {
        let (y, dx, dw, db) = normed(&tx, &tw, &tw, &tdy).expect("a norm");
        ((bits(&y), bits(&dw), bits(&db)), bits(&dx))
    });
    let f = f64::from;
    for row in 0..m {
        let (x, dy) = (&x[row * n..][..n], &dy[row * n..][..n]);
        let mean = |g: &dyn Fn(usize) -> f64| (0..n).map(g).sum::<f64>() / n as f64;
        let center = mean(&|k| f(x[k]));
        let scale = 1.0 / (mean(&|k| (f(x[k]) - center).powi(2)) + 1e-5).sqrt();
        let hat = |k: usize| (f(x[k]) - center) * scale;
        let g = |k: usize| f(dy[k]) * f(w[k]);
        let (plain, along) = (mean(&g), mean(&|k| g(k) * hat(k)));
        let close = |got: &[u32], want: &dyn Fn(usize) -> f64| {
            let off = |k: usize| (f(f32::from_bits(got[row * n + k])) - want(k)).abs();
            assert!((0..n).all(|k| off(k) <= 2e-4), "row {row}");
        };
        close(&y.0, &|k| hat(k) * f(w[k]) + f(w[k]));
        close(&dx, &|k| scale * (g(k) - plain - hat(k) * along));
    }
}

/// Of so many bytes, results are written past the caches, if there are several; of fewer rows they are not.
#[test]
fn large_results_are_those_of_their_parts() {
    let (m, n) = (4099, 1025);
    assert!(4 * m * n >= 16 << 20);
    let (x, dy, w) = (numbers(m * n), numbers(m * n), numbers(n));
    let of = |v: &[f32]| Tensor::<f32, _>::from_vec((v.len() / n, n), v.to_vec()).expect("a tensor");
    let tw = Tensor::<f32, _>::from_vec((n,), w).expect("a tensor");
    let norm = |rows: std::ops::Range<usize>| {
        let part = rows.start * n..rows.end * n;
        let (y, dx, ..) = normed(of(&x[part.clone()]), &tw, &tw, of(&dy[part])).expect("a norm");
        [bits(&y), bits(&dx)]
    };
    let whole = on_threads(|| norm(0..m));
    for rows in [0..1, 17..18, 2000..2033, m - 5..m] {
        let part = norm(rows.clone());
        let inside = |k: usize| whole[k][rows.start * n..rows.end * n] == part[k];
        assert!(inside(0) && inside(1), "rows {rows:?}");
    }
}

#[test]
fn what_is_picked_of_a_row() {
    let (m, n) = (2, 80_000);
    let all = numbers(m * n);
    let x = Tensor::<f32, _>::from_vec((m, n), all.clone()).expect("a tensor");
    let at = |last: i64| Tensor::<i64, _>::from_vec((m, 1), vec![70_000, last]).expect("a tensor");
    let good = at(-1);
    let (loss, scaled) = on_threads(|| {
        let (loss, scaled) = picked(&x, &good).expect("a loss");
        (bits(&loss), bits(&scaled))
    });
    let one = |row: usize| if row == 0 { all[70_000] } else { all[2 * n - 1] };
    let power = |row: &[f32]| row.iter().map(|&v| f64::from(v).exp()).sum::<f64>().ln();
    near(&floats(&loss), (0..m).map(|row| power(&all[row * n..][..n]) - f64::from(one(row))));
    assert!(floats(&scaled).iter().enumerate().all(|(k, &got)| got == all[k] * one(k / n)));
    let wrong = at(80_000);
    let told = on_threads(|| picked(&x, &wrong).expect_err("out of range").to_string());
    assert!(told.contains("80000"), "{told}");
}
