//! Sums over more memory than any cache has.
//!
//! In: arrays of [`crate::data`]. Out: workloads. Next: [`crate::products`].

use ndarray::{Array1, Array2, Axis};
use ndfuse::Tensor;

use crate::data::signed;
use crate::harness::{Measure, Outcome, System, Work, Workload};
use crate::{Make, both};

pub const ALL: &[(&str, Make)] = &[("sum_squares_64m", sum_squares), ("column_sum_8192", column_sum)];

both! {
    #[no_grad]
    pub fn sum_squares<N>(x: f32[N]) -> f32[] {
        (x * x).sum()
    }

    #[no_grad]
    pub fn column_sum<B, C>(x: f32[B, C]) -> f32[C] {
        x.sum(axis=0)
    }
}

fn sum_squares(measure: &mut Measure<'_>) -> Outcome {
    let n = 64 << 20;
    let x: Array1<f32> = signed(n, 1);
    // One sum of so many numbers would lose them.
    let with_ndarray = || Ok(x.exact_chunks(8192).into_iter().map(|part| part.dot(&part)).sum::<f32>());
    measure(Workload {
        name: "sum_squares_64m",
        text: "(x * x).sum(), f32[67108864]",
        work: Work::Read(4 * n),
        tolerance: 1e-4,
        outliers: 0,
        systems: vec![
            System::fresh("ndfuse", || fused::sum_squares(&x)),
            System::into(Tensor::zeros(())?, |out| fused::sum_squares::into(&x, out)),
            System::fresh("ndfuse-unfused", || unfused::sum_squares(&x)),
            System::fresh("ndarray", with_ndarray),
        ],
        without: "",
    })
}

fn column_sum(measure: &mut Measure<'_>) -> Outcome {
    let n = 8192;
    let x: Array2<f32> = signed((n, n), 1);
    measure(Workload {
        name: "column_sum_8192",
        text: "x.sum(axis=0), f32[8192, 8192]",
        work: Work::Read(4 * n * n),
        tolerance: 1e-4,
        outliers: 0,
        systems: vec![
            System::fresh("ndfuse", || fused::column_sum(&x)),
            System::into(Tensor::zeros((n,))?, |out| fused::column_sum::into(&x, out)),
            System::fresh("ndfuse-unfused", || unfused::column_sum(&x)),
            System::fresh("ndarray", || Ok(x.sum_axis(Axis(0)))),
        ],
        without: "",
    })
}
