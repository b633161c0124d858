//! Kernels without reductions: maps, broadcasts, gathers, temporaries and views.

use ndfuse_runtime::plan::{Action, Cuda, FREE, Launch, Output, Place, Step};
use ndfuse_runtime::rt::{self, DType, Plan};

use crate::cases::{self, Case, KINDS, Kind, buffer, close, launch, param, plan, values, wave};

/// `y = x * w + b`, with `w` along the last axis and `b` along the first.
struct Affine;

impl rt::Kernel for Affine {
    type Unit = rt::unit::U0;

    #[inline(always)]
    fn run<M: rt::Isa>(m: M, cx: &mut rt::Cx<'_>) {
        let x = cx.input::<f32, 3>(0);
        let w = cx.input::<f32, 3>(1);
        let b = cx.input::<f32, 0>(2);
        let mut y = cx.output::<f32, 3>(0);
        let mut x_t = rt::Tile::<f32>::new();
        let mut w_t = rt::Tile::<f32>::new();
        let mut y_t = rt::Tile::<f32>::new();
        for p0 in cx.range(0) {
            for p1 in cx.range(1) {
                for t in rt::tiles(cx.range(2)) {
                    let v0 = x.row([p0, p1, t.start], [0, 0, 1], t.len, &mut x_t);
                    let v1 = w.row([p0, p1, t.start], [0, 0, 1], t.len, &mut w_t);
                    let v2 = b.at([]);
                    let mut y0 = y.row([p0, p1, t.start], 2, t.len, &mut y_t);
                    let y0 = &mut y0[..t.len];
                    for i in 0..t.len {
                        y0[i] = m.fma(v0[i], v1[i], v2);
                    }
                }
            }
        }
    }
}

const AFFINE: Launch = Launch {
    name: "k0",
    cpu: rt::CpuKernel::new::<Affine>(),
    cuda: Cuda::NONE,
    par: 3,
    extents: &[0, 1, 2],
    lane_is_parallel: true,
    sizes: &[],
    inputs: &[0, 1, 2],
    outputs: &[Output { buffer: 3 }],
    collapse: &[true, true],
    accesses: &[&[0, 1, 2], &[0, 1, 2], &[], &[0, 1, 2]],
    cost: 4,
};

static MAP: Plan = plan(
    "affine",
    &["A", "B", "C"],
    &[param("x", DType::F32, &[0, 1, 2]), param("w", DType::F32, &[0, 1, 2]), param("b", DType::F32, &[])],
    &[
        buffer(DType::F32, &[0, 1, 2], &[0, 1, 2], Place::Param),
        buffer(DType::F32, &[0, 1, 2], &[0, 1, 2], Place::Param),
        buffer(DType::F32, &[], &[], Place::Param),
        buffer(DType::F32, &[0, 1, 2], &[0, 1, 2], Place::Output),
    ],
    &[3],
    &[launch(AFFINE)],
);

#[test]
fn axes_that_run_as_one_give_the_same() {
    for sizes in
        [[2, 3, 5], [1, 1, 1], [300, 2, 9], [2, 300, 40], [3, 1, 1500], [1, 7, 1], [0, 2, 3], [2, 3, 0], [64, 64, 64]]
    {
        for first in KINDS {
            for second in KINDS {
                let x = Case::new(first, &sizes, wave);
                let w = Case::new(second, &sizes, |i| wave(i + 5));
                let b = Case::new(Kind::RowMajor, &[], |_| 0.5f32);
                let raw = [x.raw(), w.raw(), b.raw()];
                let found = cases::on_pools(|| values::<f32>(&rt::call::<1>(&MAP, &raw).unwrap()[0]));
                let wanted: Vec<f32> = x.values.iter().zip(&w.values).map(|(x, w)| x * w + 0.5).collect();
                close(&found, &wanted, 1e-6, &format!("{sizes:?} {first:?} {second:?}"));
            }
        }
    }
}

/// `y[n, c, i, j] = x[n, i, j, c] * w[c]`.
struct Planes;

impl rt::Kernel for Planes {
    type Unit = rt::unit::U0;

    #[inline(always)]
    fn run<M: rt::Isa>(_: M, cx: &mut rt::Cx<'_>) {
        let x = cx.input::<f32, 4>(0);
        let w = cx.input::<f32, 1>(1);
        let mut y = cx.output::<f32, 4>(0);
        let mut x_t = rt::Tile::<f32>::new();
        let mut y_t = rt::Tile::<f32>::new();
        for p0 in cx.range(0) {
            for p1 in cx.range(1) {
                let v1 = w.at([p1]);
                for p2 in cx.range(2) {
                    for t in rt::tiles(cx.range(3)) {
                        let v0 = x.row([p0, p2, t.start, p1], [0, 0, 1, 0], t.len, &mut x_t);
                        let mut y0 = y.row([p0, p1, p2, t.start], 3, t.len, &mut y_t);
                        let y0 = &mut y0[..t.len];
                        for i in 0..t.len {
                            y0[i] = v0[i] * v1;
                        }
                    }
                }
            }
        }
    }
}

static PLANES: Plan = plan(
    "planes",
    &["N", "H", "W", "C"],
    &[param("x", DType::F32, &[0, 1, 2, 3]), param("w", DType::F32, &[3])],
    &[
        buffer(DType::F32, &[0, 1, 2, 3], &[0, 1, 2, 3], Place::Param),
        buffer(DType::F32, &[3], &[0], Place::Param),
        buffer(DType::F32, &[0, 3, 1, 2], &[0, 1, 2, 3], Place::Output),
    ],
    &[2],
    &[launch(Launch {
        name: "k0",
        cpu: rt::CpuKernel::new::<Planes>(),
        cuda: Cuda::NONE,
        par: 4,
        extents: &[0, 3, 1, 2],
        lane_is_parallel: true,
        sizes: &[],
        inputs: &[0, 1],
        outputs: &[Output { buffer: 2 }],
        collapse: &[true, true, true],
        accesses: &[&[0, 2, 3, 1], &[1], &[0, 1, 2, 3]],
        cost: 14,
    })],
);

/// Channels that lie side by side become planes, in blocks of rows and of parts of rows.
#[test]
fn channels_become_planes() {
    for [n, h, w, c] in
        [[1, 5, 7, 3], [2, 60, 90, 3], [1, 2, 5000, 2], [3, 1, 2100, 4], [2, 40, 130, 9], [1, 70, 33, 1]]
    {
        for kind in KINDS {
            let x = Case::new(kind, &[n, h, w, c], wave);
            let by = Case::new(Kind::RowMajor, &[c], |i| i as f32 + 1.0);
            let raw = [x.raw(), by.raw()];
            let found = cases::on_pools(|| values::<f32>(&rt::call::<1>(&PLANES, &raw).unwrap()[0]));
            let plane = |i: usize| (i / (h * w * c) * h * w + i % (h * w)) * c + i / (h * w) % c;
            let wanted = (0..n * c * h * w).map(|i| x.values[plane(i)] * (1 + i / (h * w) % c) as f32);
            assert_eq!(found, wanted.collect::<Vec<_>>(), "{n} {h} {w} {c} {kind:?}");
        }
    }
}

/// `y[i] = x[index[i], i]`.
struct Take;

impl rt::Kernel for Take {
    type Unit = rt::unit::U0;

    #[inline(always)]
    fn run<M: rt::Isa>(_: M, cx: &mut rt::Cx<'_>) {
        let x = cx.input::<f32, 2>(0);
        let index = cx.input::<i64, 1>(1);
        let mut y = cx.output::<f32, 1>(0);
        let mut x_t = rt::Tile::<f32>::new();
        let mut i_t = rt::Tile::<i64>::new();
        let mut y_t = rt::Tile::<f32>::new();
        for t in rt::tiles(cx.range(0)) {
            let v0 = index.row([t.start], [1], t.len, &mut i_t);
            let v1 = x.gather(t.len, &mut x_t, |i| [v0[i] as isize, t.start + i as isize]);
            let mut y0 = y.row([t.start], 0, t.len, &mut y_t);
            y0[..t.len].copy_from_slice(v1);
        }
    }
}

static TAKE: Plan = plan(
    "take",
    &["K", "N"],
    &[param("x", DType::F32, &[0, 1]), param("index", DType::I64, &[1])],
    &[
        buffer(DType::F32, &[0, 1], &[0, 1], Place::Param),
        buffer(DType::I64, &[1], &[0], Place::Param),
        buffer(DType::F32, &[1], &[0], Place::Output),
    ],
    &[2],
    &[launch(Launch {
        name: "k0",
        cpu: rt::CpuKernel::new::<Take>(),
        cuda: Cuda::NONE,
        par: 1,
        extents: &[1],
        lane_is_parallel: true,
        sizes: &[],
        inputs: &[0, 1],
        outputs: &[Output { buffer: 2 }],
        collapse: &[],
        accesses: &[&[FREE, 0], &[0], &[0]],
        cost: 4,
    })],
);

#[test]
fn gathers() {
    for kind in KINDS {
        let x = Case::new(kind, &[9, 2100], wave);
        let index = Case::new(kind, &[2100], |i| (i * 5 % 9) as i64);
        let found = values::<f32>(&rt::call::<1>(&TAKE, &[x.raw(), index.raw()]).unwrap()[0]);
        let wanted: Vec<f32> = (0..2100).map(|i| x.values[index.values[i] as usize * 2100 + i]).collect();
        assert_eq!(found, wanted, "{kind:?}");
        let wild = Case::new(kind, &[2100], |i| if i == 0 { 9i64 } else { 0 });
        let error = rt::call::<1>(&TAKE, &[x.raw(), wild.raw()]).unwrap_err();
        assert!(matches!(error, rt::Error::Internal { .. }), "{error}");
    }
}

/// `(x * 1 + 1)` through a temporary in column-major order, then read flat through a view.
static CHAIN: Plan = Plan {
    slots: 2,
    sizes: |s| {
        s[1] = rt::dim::mul(s[0], 6)?;
        Some(())
    },
    ..plan(
        "chain",
        &["N"],
        &[param("x", DType::F32, &[0])],
        &[
            buffer(DType::F32, &[0], &[0], Place::Param),
            buffer(DType::F32, &[0], &[0], Place::Output),
            buffer(DType::F32, &[0], &[0], Place::Temp),
            buffer(DType::F32, &[0], &[0], Place::View(2)),
            buffer(DType::F32, &[0], &[0], Place::View(0)),
            buffer(DType::F32, &[0], &[0], Place::Temp),
        ],
        &[1],
        &[
            launch(step(4, 2)),
            Step { action: Action::Launch(step(3, 5)), release: &[2, 3] },
            Step { action: Action::Launch(step(5, 1)), release: &[5] },
        ],
    )
};

const fn step(from: u16, to: u16) -> Launch {
    // One place for each pair, for a static must outlive the plan.
    let (inputs, outputs): (&'static [u16], &'static [Output]) = match (from, to) {
        (4, 2) => (&[4], &[Output { buffer: 2 }]),
        (3, 5) => (&[3], &[Output { buffer: 5 }]),
        _ => (&[5], &[Output { buffer: 1 }]),
    };
    Launch {
        name: "increment",
        cpu: rt::CpuKernel::new::<Increment>(),
        cuda: Cuda::NONE,
        par: 1,
        extents: &[0],
        lane_is_parallel: true,
        sizes: &[],
        inputs,
        outputs,
        collapse: &[],
        accesses: &[&[0], &[0]],
        cost: 1,
    }
}

struct Increment;

impl rt::Kernel for Increment {
    type Unit = rt::unit::U0;

    #[inline(always)]
    fn run<M: rt::Isa>(_: M, cx: &mut rt::Cx<'_>) {
        let x = cx.input::<f32, 1>(0);
        let mut y = cx.output::<f32, 1>(0);
        let mut x_t = rt::Tile::<f32>::new();
        let mut y_t = rt::Tile::<f32>::new();
        for t in rt::tiles(cx.range(0)) {
            let v0 = x.row([t.start], [1], t.len, &mut x_t);
            let mut y0 = y.row([t.start], 0, t.len, &mut y_t);
            let y0 = &mut y0[..t.len];
            for i in 0..t.len {
                y0[i] = v0[i] + 1.0;
            }
        }
    }
}

#[test]
fn temporaries_and_views() {
    for n in [0, 1, 5, 1024, 5000] {
        for kind in KINDS {
            let x = Case::new(kind, &[n], wave);
            let found = values::<f32>(&rt::call::<1>(&CHAIN, &[x.raw()]).unwrap()[0]);
            assert_eq!(found, x.values.iter().map(|x| x + 1.0 + 1.0 + 1.0).collect::<Vec<_>>(), "{n} {kind:?}");
        }
    }
}

/// A view that changes the shape, of a base in any order: `[A, B]` read as `[A * B]`.
static FLAT: Plan = Plan {
    slots: 3,
    sizes: |s| {
        s[2] = rt::dim::mul(s[0], s[1])?;
        Some(())
    },
    ..plan(
        "flat",
        &["A", "B"],
        &[param("x", DType::F32, &[0, 1])],
        &[
            buffer(DType::F32, &[0, 1], &[0, 1], Place::Param),
            buffer(DType::F32, &[2], &[0], Place::Output),
            buffer(DType::F32, &[2], &[0], Place::View(0)),
        ],
        &[1],
        &[launch(Launch {
            name: "increment",
            cpu: rt::CpuKernel::new::<Increment>(),
            cuda: Cuda::NONE,
            par: 1,
            extents: &[2],
            lane_is_parallel: true,
            sizes: &[],
            inputs: &[2],
            outputs: &[Output { buffer: 1 }],
            collapse: &[],
            accesses: &[&[0], &[0]],
            cost: 1,
        })],
    )
};

#[test]
fn a_view_of_strided_memory_is_copied() {
    for sizes in [[3, 5], [1, 1], [0, 3], [70, 90]] {
        for kind in KINDS {
            let x = Case::new(kind, &sizes, wave);
            let found = values::<f32>(&rt::call::<1>(&FLAT, &[x.raw()]).unwrap()[0]);
            assert_eq!(found, x.values.iter().map(|x| x + 1.0).collect::<Vec<_>>(), "{sizes:?} {kind:?}");
        }
    }
    let huge = rt::Layout::strided(&[1 << 31, 1 << 31], &[0, 0], 0, 1).unwrap();
    let huge = rt::RawView::of_slice(&[0.0f32], &huge).unwrap();
    assert!(rt::call::<1>(&FLAT, &[huge]).is_err());
}
