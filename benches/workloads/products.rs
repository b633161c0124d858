//! Matrix products, alone and with what is fused to them.
//!
//! In: arrays of [`crate::data`]. Out: workloads. Next: [`crate::training`].

use ndarray::{Array1, Array2, Array3, Axis};
use ndfuse::Tensor;

use crate::data::signed;
use crate::elementwise::gelu;
use crate::harness::{Measure, Outcome, System, Work, Workload};
use crate::rows::exponentials;
use crate::{Make, both};

pub const ALL: &[(&str, Make)] = &[
    ("matmul_512", |measure| matmul(measure, "matmul_512", 512)),
    ("matmul_1024", |measure| matmul(measure, "matmul_1024", 1024)),
    ("matmul_2048", |measure| matmul(measure, "matmul_2048", 2048)),
    ("matmul_bias_gelu_1024", matmul_bias_gelu),
    ("kmeans_assign", kmeans_assign),
    ("attention_causal", attention_causal),
];

both! {
    #[no_grad]
    pub fn product<M, K, N>(x: f32[M, K], y: f32[K, N]) -> f32[M, N] {
        x @ y
    }

    #[no_grad]
    pub fn linear_gelu<M, K, N>(x: f32[M, K], w: f32[K, N], b: f32[N]) -> f32[M, N] {
        gelu(x @ w + b, approximate="tanh")
    }

    /// The nearest of K centres for each point.
    #[no_grad]
    pub fn nearest<N, D, K>(x: f32[N, D], centres: f32[K, D]) -> i64[N] {
        let distance = (centres * centres).sum(axis=1) - 2.0 * (x @ centres.T);
        distance.argmin(axis=1)
    }

    #[no_grad]
    pub fn attention<H, T>(q: f32[H, T, 64], k: f32[H, T, 64], v: f32[H, T, 64]) -> f32[H, T, 64] {
        let scores = q @ k.transpose(0, 2, 1) * 0.125;
        let seen = arange(q.shape[1])[:, None] >= arange(q.shape[1]);
        softmax(where(seen, scores, -inf)) @ v
    }
}

fn cube(n: usize) -> f64 {
    (n as f64).powi(3)
}

fn matmul(measure: &mut Measure<'_>, name: &'static str, n: usize) -> Outcome {
    let (x, y): (Array2<f32>, Array2<f32>) = (signed((n, n), 1), signed((n, n), 2));
    measure(Workload {
        name,
        text: "x @ y of square matrices of f32",
        work: Work::Product { flops: 2.0 * cube(n), size: n },
        tolerance: 1e-4,
        outliers: 0,
        systems: vec![
            System::fresh("ndfuse", || fused::product(&x, &y)),
            System::into(Tensor::zeros((n, n))?, |out| fused::product::into(&x, &y, out)),
            System::fresh("ndarray", || Ok(x.dot(&y))),
        ],
        without: "one operation: unfused is the same",
    })
}

fn matmul_bias_gelu(measure: &mut Measure<'_>) -> Outcome {
    let n = 1024;
    let (x, w): (Array2<f32>, Array2<f32>) = (signed((n, n), 1), signed((n, n), 2) * 0.05);
    let b: Array1<f32> = signed(n, 3);
    measure(Workload {
        name: "matmul_bias_gelu_1024",
        text: "gelu_tanh(x @ w + b), square matrices of f32",
        work: Work::Product { flops: 2.0 * cube(n), size: n },
        tolerance: 1e-4,
        outliers: 0,
        systems: vec![
            System::fresh("ndfuse", || fused::linear_gelu(&x, &w, &b)),
            System::into(Tensor::zeros((n, n))?, |out| fused::linear_gelu::into(&x, &w, &b, out)),
            System::fresh("ndfuse-unfused", || unfused::linear_gelu(&x, &w, &b)),
            System::fresh("ndarray", || Ok((x.dot(&w) + &b).mapv_into(gelu))),
        ],
        without: "",
    })
}

fn kmeans_assign(measure: &mut Measure<'_>) -> Outcome {
    let (points, width, count) = (100_000, 64, 16);
    let (x, centres): (Array2<f32>, Array2<f32>) = (signed((points, width), 1), signed((count, width), 2));
    let with_ndarray = || {
        let distance = (&centres * &centres).sum_axis(Axis(1)) - 2.0 * x.dot(&centres.t());
        let least = |row: ndarray::ArrayView1<'_, f32>| {
            let better = |best: usize, k: usize| if row[k] < row[best] { k } else { best };
            (1..count).fold(0, better) as i64
        };
        Ok(distance.map_axis(Axis(1), least))
    };
    measure(Workload {
        name: "kmeans_assign",
        text: "the nearest of 16 centres for each of 100000 points of 64 coordinates",
        work: Work::Product { flops: 2.0 * (points * width * count) as f64, size: 1024 },
        tolerance: 0.0,
        outliers: 20,
        systems: vec![
            System::fresh("ndfuse", || fused::nearest(&x, &centres)),
            System::into(Tensor::zeros((points,))?, |out| fused::nearest::into(&x, &centres, out)),
            System::fresh("ndfuse-unfused", || unfused::nearest(&x, &centres)),
            System::fresh("ndarray", with_ndarray),
        ],
        without: "",
    })
}

fn attention_causal(measure: &mut Measure<'_>) -> Outcome {
    let (heads, length, width) = (16, 512, 64);
    let array = |seed| -> Array3<f32> { signed((heads, length, width), seed) };
    let (q, k, v) = (array(1), array(2), array(3));
    let with_ndarray = || {
        let mut out = Array3::zeros((heads, length, width));
        for (head, mut out) in out.outer_iter_mut().enumerate() {
            let at = Axis(0);
            let mut scores = q.index_axis(at, head).dot(&k.index_axis(at, head).t()) * 0.125;
            for (i, mut row) in scores.rows_mut().into_iter().enumerate() {
                row.slice_mut(ndarray::s![i + 1..]).fill(f32::NEG_INFINITY);
            }
            let (e, sum) = exponentials(&scores);
            out.assign(&(e / &sum).dot(&v.index_axis(at, head)));
        }
        Ok(out)
    };
    // What comes after a character is not needed: half of two products.
    let flops = 2.0 * (heads * length * (length + 1) * width) as f64;
    measure(Workload {
        name: "attention_causal",
        text: "16 heads of f32[512, 64], each place sees those before it",
        work: Work::Product { flops, size: 512 },
        tolerance: 1e-4,
        outliers: 0,
        systems: vec![
            System::fresh("ndfuse", || fused::attention(&q, &k, &v)),
            System::into(Tensor::zeros((heads, length, ndfuse::Const))?, |out| fused::attention::into(&q, &k, &v, out)),
            System::fresh("ndfuse-unfused", || unfused::attention(&q, &k, &v)),
            System::fresh("ndarray", with_ndarray),
        ],
        without: "",
    })
}
