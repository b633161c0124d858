//! Kernels in row form: each point of the parallel axes reduces a row.

use ndfuse_runtime::plan::{Cuda, FREE, Launch, Output, Place};
use ndfuse_runtime::rt::{self, DType, Plan};

use crate::cases::{self, Case, KINDS, Kind, buffer, close, launch, param, plan, values, wave};

struct Softmax;

impl rt::Kernel for Softmax {
    type Unit = rt::unit::U0;

    #[inline(always)]
    fn run<M: rt::Isa>(m: M, cx: &mut rt::Cx<'_>) {
        let x = cx.input::<f32, 2>(0);
        let mut y = cx.output::<f32, 2>(0);
        let mut x_t = rt::Tile::<f32>::new();
        let mut y_t = rt::Tile::<f32>::new();
        let e1 = cx.extent(1);
        let mut k3 = cx.row::<f32>(e1);
        for p0 in cx.range(0) {
            let mut a1 = rt::Acc::<f32, rt::monoid::Max>::new();
            for t in rt::tiles(0..e1) {
                let v0 = x.row([p0, t.start], [0, 1], t.len, &mut x_t);
                a1.push(m, t.start, v0);
            }
            let v1 = a1.finish(m);
            let mut a4 = rt::Acc::<f32, rt::monoid::Sum>::new();
            for t in rt::tiles(0..e1) {
                let v0 = x.row([p0, t.start], [0, 1], t.len, &mut x_t);
                let k3 = &mut k3[t.range()];
                for i in 0..t.len {
                    let v2 = v0[i] - v1;
                    let v3 = m.exp(v2);
                    k3[i] = v3;
                }
                a4.push(m, t.start, k3);
            }
            let v4 = a4.finish(m);
            for t in rt::tiles(0..e1) {
                let v3 = &k3[t.range()];
                let mut y0 = y.row([p0, t.start], 1, t.len, &mut y_t);
                let y0 = &mut y0[..t.len];
                for i in 0..t.len {
                    y0[i] = v3[i] / v4;
                }
            }
        }
    }
}

static SOFTMAX: Plan = plan(
    "softmax",
    &["B", "C"],
    &[param("x", DType::F32, &[0, 1])],
    &[buffer(DType::F32, &[0, 1], &[0, 1], Place::Param), buffer(DType::F32, &[0, 1], &[0, 1], Place::Output)],
    &[1],
    &[launch(Launch {
        name: "k0",
        cpu: rt::CpuKernel::new::<Softmax>(),
        cuda: Cuda::NONE,
        par: 1,
        extents: &[0, 1],
        lane_is_parallel: false,
        sizes: &[],
        inputs: &[0],
        outputs: &[Output { buffer: 1 }],
        collapse: &[],
        accesses: &[&[0, FREE], &[0, FREE]],
        cost: 30,
    })],
);

#[test]
fn softmax_of_any_strides() {
    for (rows, columns) in
        [(3, 5), (1, 1), (4, 1024), (2, 1025), (5, 2500), (300, 40), (2, 16384), (0, 7), (7, 0), (1, 31)]
    {
        for kind in KINDS {
            let x = Case::new(kind, &[rows, columns], wave);
            let found = cases::on_pools(|| values::<f32>(&rt::call::<1>(&SOFTMAX, &[x.raw()]).unwrap()[0]));
            let mut wanted = Vec::new();
            for row in x.values.chunks(columns.max(1)) {
                let top = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
                let e: Vec<f64> = row.iter().map(|&v| f64::from(v - top).exp()).collect();
                let sum: f64 = e.iter().sum();
                wanted.extend(e.iter().map(|e| (e / sum) as f32));
            }
            close(&found, &wanted, 1e-6, &format!("softmax {rows}x{columns} {kind:?}"));
        }
    }
}

#[test]
fn results_may_be_written_to_memory_of_any_strides() {
    let x = Case::new(Kind::RowMajor, &[37, 1500], wave);
    let wanted = values::<f32>(&rt::call::<1>(&SOFTMAX, &[x.raw()]).unwrap()[0]);
    for kind in [Kind::RowMajor, Kind::ColumnMajor, Kind::Reversed, Kind::Gaps] {
        let mut y = Case::new(kind, &[37, 1500], |_| 9.0f32);
        let before = y.data.iter().filter(|&&v| v == 0.0).count();
        let target = rt::RawViewMut::new(rt::AnySliceMut::F32(&mut y.data), &y.layout);
        rt::call_into(&SOFTMAX, &[x.raw()], &mut [target]).unwrap();
        let found: Vec<f32> = {
            let raw = y.raw();
            let t = raw.typed::<f32>().unwrap();
            let at =
                |i: usize| t.offset as isize + (i / 1500) as isize * t.strides[0] + (i % 1500) as isize * t.strides[1];
            (0..37 * 1500).map(|i| t.data[at(i) as usize]).collect()
        };
        assert_eq!(found, wanted, "{kind:?}");
        assert_eq!(
            y.data.iter().filter(|&&v| v == 0.0).count(),
            before,
            "{kind:?}: what lies in the gaps is untouched"
        );
    }
}

/// A kernel that reduces each row with one monoid.
macro_rules! reduction {
    ($kernel:ident, $plan:ident, $monoid:ident, $from:ty, $from_dtype:expr, $to:ty, $to_dtype:expr) => {
        struct $kernel;

        impl rt::Kernel for $kernel {
            type Unit = rt::unit::U0;

            #[inline(always)]
            fn run<M: rt::Isa>(m: M, cx: &mut rt::Cx<'_>) {
                let x = cx.input::<$from, 2>(0);
                let mut y = cx.output::<$to, 1>(0);
                let mut x_t = rt::Tile::<$from>::new();
                let e1 = cx.extent(1);
                for p0 in cx.range(0) {
                    let mut a1 = rt::Acc::<$from, rt::monoid::$monoid>::new();
                    for t in rt::tiles(0..e1) {
                        let v0 = x.row([p0, t.start], [0, 1], t.len, &mut x_t);
                        a1.push(m, t.start, v0);
                    }
                    y.put([p0], a1.finish(m));
                }
            }
        }

        static $plan: Plan = plan(
            "reduce",
            &["B", "C"],
            &[param("x", $from_dtype, &[0, 1])],
            &[buffer($from_dtype, &[0, 1], &[0, 1], Place::Param), buffer($to_dtype, &[0], &[0], Place::Output)],
            &[1],
            &[launch(Launch {
                name: "k0",
                cpu: rt::CpuKernel::new::<$kernel>(),
                cuda: Cuda::NONE,
                par: 1,
                extents: &[0, 1],
                lane_is_parallel: false,
                sizes: &[],
                inputs: &[0],
                outputs: &[Output { buffer: 1 }],
                collapse: &[],
                accesses: &[&[0, FREE], &[0]],
                cost: 4,
            })],
        );
    };
}

reduction!(RowSum, ROW_SUM, Sum, f32, DType::F32, f32, DType::F32);
reduction!(RowMax, ROW_MAX, Max, f32, DType::F32, f32, DType::F32);
reduction!(RowArgMax, ROW_ARGMAX, ArgMax, f32, DType::F32, i64, DType::I64);
reduction!(RowArgMin, ROW_ARGMIN, ArgMin, i32, DType::I32, i64, DType::I64);
reduction!(RowAny, ROW_ANY, Max, bool, DType::Bool, bool, DType::Bool);
reduction!(RowAll, ROW_ALL, Min, bool, DType::Bool, bool, DType::Bool);
reduction!(RowProd, ROW_PROD, Prod, i64, DType::I64, i64, DType::I64);

const SHAPES: [(usize, usize); 9] =
    [(3, 5), (1, 1), (2, 1024), (3, 1025), (70, 33), (2, 70_000), (40, 3000), (0, 4), (4, 31)];

#[test]
fn sums_are_as_good_as_pairwise_ones() {
    for (rows, columns) in SHAPES {
        for kind in KINDS {
            let x = Case::new(kind, &[rows, columns], |i| wave(i) + 4.0);
            let found = cases::on_pools(|| values::<f32>(&rt::call::<1>(&ROW_SUM, &[x.raw()]).unwrap()[0]));
            let wanted = x.values.chunks(columns).map(|row| row.iter().map(|&v| f64::from(v)).sum::<f64>());
            for (found, wanted) in found.iter().zip(wanted) {
                // All terms are positive: 16 additions, then one a doubling.
                let steps = 16.0 + (columns as f64).log2();
                let bound = wanted * steps * f64::from(f32::EPSILON);
                assert!((f64::from(*found) - wanted).abs() <= bound, "{rows}x{columns} {kind:?}: {found} {wanted}");
            }
        }
    }
    let empty = Case::new(Kind::RowMajor, &[3, 0], wave);
    assert_eq!(values::<f32>(&rt::call::<1>(&ROW_SUM, &[empty.raw()]).unwrap()[0]), [0.0; 3]);
}

#[test]
fn a_long_sum_does_not_drift() {
    let n = 1 << 22;
    let x = Case::new(Kind::RowMajor, &[1, n], |_| 0.1f32);
    let found = values::<f32>(&rt::call::<1>(&ROW_SUM, &[x.raw()]).unwrap()[0])[0];
    let wanted = f64::from(0.1f32) * n as f64;
    assert!((f64::from(found) - wanted).abs() < wanted * 2e-7, "{found} {wanted}");
}

#[test]
fn the_greatest_and_its_first_place() {
    for (rows, columns) in SHAPES {
        for kind in KINDS {
            // Few values, so that there are ties.
            let x = Case::new(kind, &[rows, columns], |i| (wave(i) * 4.0).floor());
            let wanted = x.values.chunks(columns).map(|row| {
                let top = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
                (top, row.iter().position(|&v| v == top).unwrap() as i64)
            });
            let (tops, places): (Vec<f32>, Vec<i64>) = wanted.unzip();
            assert_eq!(values::<f32>(&rt::call::<1>(&ROW_MAX, &[x.raw()]).unwrap()[0]), tops);
            let found = cases::on_pools(|| values::<i64>(&rt::call::<1>(&ROW_ARGMAX, &[x.raw()]).unwrap()[0]));
            assert_eq!(found, places, "{rows}x{columns} {kind:?}");
        }
    }
}

#[test]
fn nan_wins_and_the_first_nan_is_found() {
    for columns in [3, 40, 1024, 2100] {
        for at in [0, 1, columns / 2, columns - 1] {
            let x = Case::new(Kind::RowMajor, &[1, columns], |i| match i {
                _ if i == at || i == columns - 1 => f32::NAN,
                _ => f32::INFINITY,
            });
            assert!(values::<f32>(&rt::call::<1>(&ROW_MAX, &[x.raw()]).unwrap()[0])[0].is_nan(), "{columns} {at}");
            assert_eq!(values::<i64>(&rt::call::<1>(&ROW_ARGMAX, &[x.raw()]).unwrap()[0]), [at as i64]);
        }
    }
    let low = Case::new(Kind::RowMajor, &[2, 50], |_| f32::NEG_INFINITY);
    assert_eq!(values::<i64>(&rt::call::<1>(&ROW_ARGMAX, &[low.raw()]).unwrap()[0]), [0, 0]);
}

#[test]
fn integers_and_booleans() {
    for (rows, columns) in SHAPES {
        for kind in KINDS {
            let x = Case::new(kind, &[rows, columns], |i| (wave(i) * 3.0) as i32);
            let wanted =
                x.values.chunks(columns).map(|r| r.iter().enumerate().min_by_key(|(_, v)| **v).unwrap().0 as i64);
            assert_eq!(values::<i64>(&rt::call::<1>(&ROW_ARGMIN, &[x.raw()]).unwrap()[0]), wanted.collect::<Vec<_>>());
            let b = Case::new(kind, &[rows, columns], |i| i % 7 == 3);
            let any = b.values.chunks(columns).map(|r| r.contains(&true)).collect::<Vec<_>>();
            let all = b.values.chunks(columns).map(|r| !r.contains(&false)).collect::<Vec<_>>();
            assert_eq!(values::<bool>(&rt::call::<1>(&ROW_ANY, &[b.raw()]).unwrap()[0]), any, "{kind:?}");
            assert_eq!(values::<bool>(&rt::call::<1>(&ROW_ALL, &[b.raw()]).unwrap()[0]), all, "{kind:?}");
            let p = Case::new(kind, &[rows, columns], |i| i as i64 * 3 + 1);
            let wanted = p.values.chunks(columns).map(|r| r.iter().fold(1i64, |a, &v| a.wrapping_mul(v)));
            assert_eq!(values::<i64>(&rt::call::<1>(&ROW_PROD, &[p.raw()]).unwrap()[0]), wanted.collect::<Vec<_>>());
        }
    }
    let empty = Case::new(Kind::RowMajor, &[2, 0], |_| true);
    assert_eq!(values::<bool>(&rt::call::<1>(&ROW_ANY, &[empty.raw()]).unwrap()[0]), [false; 2]);
    assert_eq!(values::<bool>(&rt::call::<1>(&ROW_ALL, &[empty.raw()]).unwrap()[0]), [true; 2]);
}
