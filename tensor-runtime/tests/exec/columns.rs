//! Kernels in column form: vectors along the last parallel axis, reduced over loops inside.

use ndfuse_runtime::plan::{Cuda, FREE, Launch, Output, Place};
use ndfuse_runtime::rt::{self, DType, Plan};

use crate::cases::{self, Case, KINDS, Kind, buffer, close, launch, param, plan, values, wave};

/// A kernel that reduces each column with one monoid.
macro_rules! reduction {
    ($kernel:ident, $plan:ident, $monoid:ident, $to:ty, $to_dtype:expr) => {
        struct $kernel;

        impl rt::Kernel for $kernel {
            type Unit = rt::unit::U0;

            #[inline(always)]
            fn run<M: rt::Isa>(m: M, cx: &mut rt::Cx<'_>) {
                let x = cx.input::<f32, 2>(0);
                let mut y = cx.output::<$to, 1>(0);
                let mut x_t = rt::Tile::<f32>::new();
                let mut y_t = rt::Tile::<$to>::new();
                let e1 = cx.extent(1);
                for t in rt::tiles(cx.range(0)) {
                    let mut a1 = rt::ColAcc::<f32, rt::monoid::$monoid>::new(t.len);
                    for r0 in 0..e1 {
                        let v0 = x.row([r0, t.start], [0, 1], t.len, &mut x_t);
                        a1.push(m, r0, v0);
                    }
                    let v1 = a1.finish(m);
                    let mut y0 = y.row([t.start], 0, t.len, &mut y_t);
                    let y0 = &mut y0[..t.len];
                    for i in 0..t.len {
                        y0[i] = v1[i];
                    }
                }
            }
        }

        static $plan: Plan = plan(
            "reduce",
            &["R", "C"],
            &[param("x", DType::F32, &[0, 1])],
            &[buffer(DType::F32, &[0, 1], &[0, 1], Place::Param), buffer($to_dtype, &[1], &[0], Place::Output)],
            &[1],
            &[launch(Launch {
                name: "k0",
                cpu: rt::CpuKernel::new::<$kernel>(),
                cuda: Cuda::NONE,
                par: 1,
                extents: &[1, 0],
                lane_is_parallel: true,
                sizes: &[],
                inputs: &[0],
                outputs: &[Output { buffer: 1 }],
                collapse: &[],
                accesses: &[&[FREE, 0], &[0]],
                cost: 4,
            })],
        );
    };
}

reduction!(ColSum, COL_SUM, Sum, f32, DType::F32);
reduction!(ColMax, COL_MAX, Max, f32, DType::F32);
reduction!(ColArgMin, COL_ARGMIN, ArgMin, i64, DType::I64);

#[test]
fn columns_are_reduced() {
    for (rows, columns) in [(5, 3), (1, 1), (17, 1025), (3000, 40), (600, 700), (0, 6), (6, 0), (33, 2048)] {
        for kind in KINDS {
            let x = Case::new(kind, &[rows, columns], |i| (wave(i) * 16.0).floor());
            let column = |c: usize| x.values.iter().skip(c).step_by(columns).copied();
            let found = cases::on_pools(|| values::<f32>(&rt::call::<1>(&COL_SUM, &[x.raw()]).unwrap()[0]));
            let wanted: Vec<f32> = (0..columns).map(|c| column(c).map(f64::from).sum::<f64>() as f32).collect();
            close(&found, &wanted, 1e-5, &format!("{rows}x{columns} {kind:?}"));
            if rows > 0 {
                let top: Vec<f32> = (0..columns).map(|c| column(c).fold(f32::NEG_INFINITY, f32::max)).collect();
                assert_eq!(values::<f32>(&rt::call::<1>(&COL_MAX, &[x.raw()]).unwrap()[0]), top);
                let low =
                    (0..columns).map(|c| column(c).enumerate().min_by(|a, b| a.1.total_cmp(&b.1)).unwrap().0 as i64);
                let found = values::<i64>(&rt::call::<1>(&COL_ARGMIN, &[x.raw()]).unwrap()[0]);
                assert_eq!(found, low.collect::<Vec<_>>(), "{rows}x{columns} {kind:?}");
            }
        }
    }
}

#[test]
fn a_tall_sum_does_not_drift() {
    let rows = 200_000;
    let x = Case::new(Kind::RowMajor, &[rows, 3], |_| 0.1f32);
    for found in values::<f32>(&rt::call::<1>(&COL_SUM, &[x.raw()]).unwrap()[0]) {
        let wanted = f64::from(0.1f32) * rows as f64;
        assert!((f64::from(found) - wanted).abs() < wanted * 2e-7, "{found} {wanted}");
    }
}

/// `y[c, h, w] = Σ x[c, h + i - 1, s*w + j - 1] * k[c, i, j]`, zero outside: a depthwise convolution.
struct Window;

impl rt::Kernel for Window {
    type Unit = rt::unit::U0;

    #[inline(always)]
    fn run<M: rt::Isa>(m: M, cx: &mut rt::Cx<'_>) {
        let x = cx.input::<f32, 3>(0);
        let k = cx.input::<f32, 3>(1);
        let mut y = cx.output::<f32, 3>(0);
        let mut x_t = rt::Tile::<f32>::new();
        let mut x_u = rt::Tile::<f32>::new();
        let mut y_t = rt::Tile::<f32>::new();
        let (s0, s1, s2) = (cx.size(0), cx.size(1), cx.size(2));
        for p0 in cx.range(0) {
            for p1 in cx.range(1) {
                for t in rt::tiles(cx.range(2)) {
                    let mut a1 = rt::ColAcc::<f32, rt::monoid::Sum>::new(t.len);
                    for r0 in 0..3 {
                        let c0 = p1 + r0 - 1;
                        let inside = if 0 <= c0 && c0 < s0 { 0..t.len as isize } else { 0..0 };
                        // The first two columns of the window as one value, the third as the other.
                        let first = s2 * t.start - 1;
                        let valid = rt::meet(inside.clone(), rt::valid(first, s2, s1, t.len));
                        let v0 = x.row_or([p0, c0, first], [0, 0, s2], t.len, valid, 0.0, &mut x_t);
                        let w0 = k.at([p0, r0, 0]);
                        let w1 = k.at([p0, r0, 1]);
                        let valid = rt::meet(inside.clone(), rt::valid(first + 1, s2, s1, t.len));
                        let v1 = x.row_or([p0, c0, first + 1], [0, 0, s2], t.len, valid, 0.0, &mut x_u);
                        let mut v2 = [0.0f32; rt::TILE];
                        for i in 0..t.len {
                            v2[i] = v0[i] * w0 + v1[i] * w1;
                        }
                        a1.push(m, 2 * r0, &v2[..t.len]);
                        let v3 = x.gather_or(t.len, &mut x_t, 0.0, |i| {
                            let c2 = first + 2 + s2 * i as isize;
                            (0 <= c0 && c0 < s0 && 0 <= c2 && c2 < s1).then_some([p0, c0, c2])
                        });
                        let w2 = k.at([p0, r0, 2]);
                        for i in 0..t.len {
                            v2[i] = v3[i] * w2;
                        }
                        a1.push(m, 2 * r0 + 1, &v2[..t.len]);
                    }
                    let v4 = a1.finish(m);
                    let mut y0 = y.row([p0, p1, t.start], 2, t.len, &mut y_t);
                    y0[..t.len].copy_from_slice(v4);
                }
            }
        }
    }
}

static WINDOW: Plan = Plan {
    slots: 6,
    sizes: |s| {
        s[4] = rt::dim::div(rt::dim::add(s[2], s[3] - 1)?, s[3]);
        s[5] = 3;
        Some(())
    },
    ..plan(
        "window",
        &["C", "H", "W", "S"],
        &[param("x", DType::F32, &[0, 1, 2]), param("k", DType::F32, &[0, 5, 5]), param("stride", DType::U8, &[3])],
        &[
            buffer(DType::F32, &[0, 1, 2], &[0, 1, 2], Place::Param),
            buffer(DType::F32, &[0, 5, 5], &[0, 1, 2], Place::Param),
            buffer(DType::U8, &[3], &[0], Place::Param),
            buffer(DType::F32, &[0, 1, 4], &[0, 1, 2], Place::Output),
        ],
        &[3],
        &[launch(Launch {
            name: "k0",
            cpu: rt::CpuKernel::new::<Window>(),
            cuda: Cuda::NONE,
            par: 3,
            extents: &[0, 1, 4, 5, 5],
            lane_is_parallel: true,
            sizes: &[1, 2, 3],
            inputs: &[0, 1],
            outputs: &[Output { buffer: 3 }],
            collapse: &[false, false],
            accesses: &[&[0, FREE, FREE], &[0, FREE, FREE], &[0, 1, 2]],
            cost: 20,
        })],
    )
};

#[test]
fn windows_read_nothing_outside() {
    for (c, h, w) in [(2, 5, 7), (1, 1, 1), (3, 2, 1100), (16, 56, 56), (2, 0, 3)] {
        for stride in [1usize, 2, 3] {
            for kind in KINDS {
                let x = Case::new(kind, &[c, h, w], wave);
                let k = Case::new(kind, &[c, 3, 3], |i| wave(i + 77));
                let s = Case::new(Kind::RowMajor, &[stride], |_| 0u8);
                let raw = [x.raw(), k.raw(), s.raw()];
                let found = cases::on_pools(|| values::<f32>(&rt::call::<1>(&WINDOW, &raw).unwrap()[0]));
                let mut wanted = Vec::new();
                for (p0, p1, p2) in
                    (0..c).flat_map(|a| (0..h).flat_map(move |b| (0..w.div_ceil(stride)).map(move |d| (a, b, d))))
                {
                    let mut sum = 0.0;
                    for (i, j) in (0..3).flat_map(|i| (0..3).map(move |j| (i, j))) {
                        let (a, b) = (p1 + i, stride * p2 + j);
                        if (1..=h).contains(&a) && (1..=w).contains(&b) {
                            sum += x.values[(p0 * h + a - 1) * w + b - 1] * k.values[(p0 * 3 + i) * 3 + j];
                        }
                    }
                    wanted.push(sum);
                }
                close(&found, &wanted, 1e-5, &format!("{c}x{h}x{w} stride {stride} {kind:?}"));
            }
        }
    }
}
