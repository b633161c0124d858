//! What `memory` says of a call is what the call allocates.

use super::measure::memory;
use crate::dtype::{AnySlice, DType};
use crate::error::Error;
use crate::isa;
use crate::kernel::{CpuKernel, Cx, Kernel};
use crate::layout::Layout;
use crate::operand::{Operand, RawView};
use crate::plan::{
    Action, Block, Buffer, Cuda, Dot, DotAxis, Epilogue, Launch, Output, Param, Place, Plan, Role, Step,
};
use crate::storage::meter;
use crate::tensor::Tensor;

/// Memory does not depend on what kernels do.
struct Nothing;

impl Kernel for Nothing {
    type Unit = crate::kernel::unit::U0;

    #[inline(always)]
    fn run<M: crate::isa::Isa>(_: M, _: &mut Cx<'_>) {}
}

pub(super) const fn kernel(inputs: &'static [u16], outputs: &'static [Output]) -> Launch {
    Launch {
        name: "nothing",
        cpu: CpuKernel::new::<Nothing>(),
        cuda: Cuda::NONE,
        par: 2,
        extents: &[0, 1],
        lane_is_parallel: true,
        sizes: &[],
        inputs,
        outputs,
        collapse: &[false],
        accesses: &[&[0, 1], &[0, 1], &[0, 1]],
        cost: 1,
    }
}

const fn step(inputs: &'static [u16], outputs: &'static [Output], release: &'static [u16]) -> Step {
    Step { action: Action::Launch(kernel(inputs, outputs)), release }
}

const fn matrix(dtype: DType, dims: &'static [u16], order: &'static [u8], place: Place) -> Buffer {
    Buffer { dtype, dims, order, place }
}

pub(super) const fn plan(
    params: &'static [Param],
    buffers: &'static [Buffer],
    outputs: &'static [u16],
    steps: &'static [Step],
) -> Plan {
    let sizes = |sizes: &mut [i64]| {
        sizes[3] = 0;
        sizes[4] = sizes[0].checked_mul(sizes[1])?;
        Some(())
    };
    let (function, symbols, slots) = ("f", &["M", "N", "K"], 5);
    let (requires, explain, cuda, vjp) = (&[], "", "", None);
    let blocks = &[];
    Plan {
        function,
        symbols,
        slots,
        sizes,
        params,
        requires,
        buffers,
        outputs,
        steps,
        blocks,
        attends: &[],
        prologues: &[],
        bands: &[],
        explain,
        cuda,
        vjp,
    }
}

pub(super) const PARAMS: &[Param] = &[
    Param { name: "x", dtype: DType::F32, dims: &[0, 1] },
    Param { name: "a", dtype: DType::F32, dims: &[0, 2] },
    Param { name: "b", dtype: DType::F32, dims: &[2, 1] },
];
pub(super) const X: Buffer = matrix(DType::F32, &[0, 1], &[0, 1], Place::Param);
pub(super) const A: Buffer = matrix(DType::F32, &[0, 2], &[0, 1], Place::Param);
pub(super) const B: Buffer = matrix(DType::F32, &[2, 1], &[0, 1], Place::Param);
pub(super) const RESULT: Buffer = matrix(DType::F32, &[0, 1], &[0, 1], Place::Output);
pub(super) const TEMP: Buffer = matrix(DType::F32, &[0, 1], &[0, 1], Place::Temp);

const fn flat(base: u16) -> Buffer {
    matrix(DType::F32, &[4], &[0], Place::View(base))
}

/// A chain of temporaries of unlike types, each given back as soon as it was read.
static CHAIN: Plan = plan(
    PARAMS,
    &[X, A, B, RESULT, TEMP, matrix(DType::F64, &[0, 1], &[0, 1], Place::Temp), TEMP, TEMP],
    &[3],
    &[
        step(&[0], &[Output { buffer: 4 }], &[]),
        step(&[4], &[Output { buffer: 5 }, Output { buffer: 6 }], &[4]),
        step(&[5], &[Output { buffer: 7 }], &[5]),
        step(&[6, 7], &[Output { buffer: 3 }], &[6, 7]),
    ],
);

/// Views: of an operand, of a temporary in row-major order, which outlives its base's release, and of one in another
/// order, which is copied.
static VIEWS: Plan = plan(
    PARAMS,
    &[
        X,
        A,
        B,
        RESULT,
        TEMP,
        matrix(DType::F32, &[0, 1], &[1, 0], Place::Temp),
        flat(0),
        flat(4),
        flat(5),
        matrix(DType::F32, &[1, 0], &[0, 1], Place::View(8)),
        TEMP,
        TEMP,
    ],
    &[3],
    &[
        step(&[6], &[Output { buffer: 4 }], &[]),
        step(&[7], &[Output { buffer: 5 }], &[4]),
        step(&[8, 7], &[Output { buffer: 10 }], &[5, 7]),
        step(&[9, 10], &[Output { buffer: 11 }], &[8, 10]),
        step(&[11], &[Output { buffer: 3 }], &[9]),
    ],
);

/// A view that is given back before its base, which is read once more.
static BASE: Plan = plan(
    PARAMS,
    &[X, A, B, RESULT, TEMP, TEMP, TEMP, flat(4)],
    &[3],
    &[
        step(&[0], &[Output { buffer: 4 }], &[]),
        step(&[7], &[Output { buffer: 5 }], &[7]),
        step(&[4, 5], &[Output { buffer: 6 }], &[4, 5]),
        step(&[6], &[Output { buffer: 3 }], &[6]),
    ],
);

const AXES: &[DotAxis] = &[
    DotAxis { role: Role::Left, extent: 0, left: Some((0, 1)), right: None, out: Some(0) },
    DotAxis { role: Role::Right, extent: 1, left: None, right: Some((1, 1)), out: Some(1) },
    DotAxis { role: Role::Contract, extent: 2, left: Some((1, 1)), right: Some((0, 1)), out: None },
];

pub(super) const fn dot(left: u16, right: u16, out: u16, epilogue: Option<Epilogue>) -> Action {
    let start = &[3, 3];
    let dtype = DType::F32;
    Action::Dot(Dot { dtype, left, left_start: start, right, right_start: start, axes: AXES, out, epilogue })
}

const fn epilogue(inputs: &'static [u16], outputs: &'static [Output]) -> Option<Epilogue> {
    Some(Epilogue {
        launch: kernel(inputs, outputs),
        input: 0,
        axes: &[0, 1],
        bias: None,
        post_ops: None,
        function: "",
        text: "",
    })
}

/// A product that is whole in memory, and two that are panels, of which the second meets more temporaries.
static DOTS: Plan = plan(
    PARAMS,
    &[X, A, B, RESULT, TEMP, TEMP, TEMP, TEMP],
    &[3],
    &[
        Step { action: dot(1, 2, 4, None), release: &[] },
        Step { action: dot(1, 2, 5, epilogue(&[5, 4], &[Output { buffer: 6 }])), release: &[4] },
        Step { action: dot(1, 2, 7, epilogue(&[7, 6], &[Output { buffer: 3 }])), release: &[6] },
    ],
);

/// Panels and nothing else.
static PANELS: Plan = plan(
    PARAMS,
    &[X, A, B, RESULT, TEMP],
    &[3],
    &[Step { action: dot(1, 2, 4, epilogue(&[4, 0], &[Output { buffer: 3 }])), release: &[] }],
);

/// A product and two kernels in tiles of rows; a temporary of the first is read once more, after the block.
static TILES: Plan = Plan {
    blocks: &[Block { first: 0, end: 3, axes: &[0], follows: &[&[0], &[0], &[0]], local: &[4, 6], bounds: &[] }],
    ..plan(
        PARAMS,
        &[X, A, B, RESULT, TEMP, TEMP, TEMP, TEMP],
        &[3],
        &[
            Step { action: dot(1, 2, 4, None), release: &[] },
            step(&[4], &[Output { buffer: 5 }, Output { buffer: 6 }], &[4]),
            step(&[6, 0], &[Output { buffer: 7 }], &[6]),
            step(&[5, 7], &[Output { buffer: 3 }], &[5, 7]),
        ],
    )
};

#[test]
fn a_call_allocates_what_was_said() {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    for [m, n, k] in
        [[3, 4, 5], [1, 1, 1], [0, 4, 5], [4, 5, 0], [64, 100, 7], [700, 300, 20], [50, 1300, 300], [1, 9000, 3]]
    {
        let data = vec![0.0f32; (m * n).max(m * k).max(k * n)];
        let layouts = [[m, n], [m, k], [k, n]].map(|sizes| Layout::contiguous(&sizes).unwrap());
        let operands = layouts.each_ref().map(|layout| RawView::new(AnySlice::F32(&data), layout).unwrap());
        for (name, plan) in [
            ("chain", &CHAIN),
            ("views", &VIEWS),
            ("base", &BASE),
            ("dots", &DOTS),
            ("panels", &PANELS),
            ("tiles", &TILES),
        ] {
            pool.install(|| {
                let said = memory(plan, &[("K", k), ("M", m), ("N", n)]).unwrap();
                let (result, most) = meter::peak(|| super::call::<1>(plan, &operands));
                result.unwrap();
                assert_eq!(most, said.peak(), "{name} of {m}, {n}, {k}");
                let more = [(16 << 10, 4092), (1 << 10, 60)].into_iter().find(|(least, _)| m * n >= *least);
                assert_eq!(said.results, 4 * m * n + more.map_or(0, |(_, bytes)| bytes), "it begins with a line");
            });
        }
    }
}

#[test]
fn temporaries_are_those_that_live_together() {
    let sizes = [("M", 10), ("N", 20), ("K", 30)];
    let of = |plan| memory(plan, &sizes).unwrap().temporaries;
    assert_eq!(of(&CHAIN), 200 * (4 + 8 + 4));
    // The copied view with its base, the other view's memory and the result of the step.
    assert_eq!(of(&VIEWS), 200 * 4 * 4);
    assert_eq!(of(&PANELS), 200 * 4, "the product is one panel");
}

#[test]
fn what_only_a_block_sees_is_never_whole() {
    let of = |m| memory(&TILES, &[("M", m), ("N", 1000), ("K", 30)]).unwrap().temporaries;
    let two = 2 * 10_000 * 1000 * 4;
    assert!((two..two + (8 << 20)).contains(&of(10_000)), "two are whole, the others a tile a thread");
    assert_eq!(of(8), (8 * 1000 * 4 + 60) * 3, "what fits one tile runs step by step; each begins with a line");
}

#[test]
fn each_thread_has_a_panel() {
    let of = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| memory(&PANELS, &[("M", 4000), ("N", 4000), ("K", 100)]).unwrap().temporaries)
    };
    let one = of(1);
    assert!(one > 0 && one < 4000 * 4000, "{one}");
    assert_eq!((of(2), of(5)), (2 * one, 5 * one));
}

#[test]
fn what_is_laid_out_of_a_tensor_is_kept_until_it_is_written_to() {
    let lays_out = cfg!(target_arch = "x86_64") && isa::active() != isa::Level::Base;
    let tensor = |m, n| Tensor::<f32, (usize, usize)>::ones((m, n)).unwrap();
    for plan in [&DOTS, &PANELS] {
        let (x, a, mut b) = (tensor(20, 30), tensor(20, 10), tensor(10, 30));
        for turn in 0..2 {
            assert_eq!(b.storage.kept().count(), 0, "turn {turn}");
            for _ in 0..3 {
                super::call::<1>(plan, &[x.raw().unwrap(), a.raw().unwrap(), b.raw().unwrap()]).unwrap();
            }
            assert_eq!(b.storage.kept().count(), usize::from(lays_out));
            assert_eq!(x.storage.kept().count() + a.storage.kept().count(), 0, "read where they are");
            b.view_mut().unwrap()[[1, 2]] = 3.0;
        }
    }
}

#[test]
fn a_result_that_nobody_wants_has_no_memory() {
    let data = vec![0.0f32; 200];
    let layouts = [[10, 20], [10, 10]].map(|sizes| Layout::contiguous(&sizes).unwrap());
    let raw = || RawView::new(AnySlice::F32(&data), &layouts[0]).unwrap();
    let square = RawView::new(AnySlice::F32(&data[..100]), &layouts[1]).unwrap();
    let operands = [raw(), square, raw()];
    let (results, most) = meter::peak(|| super::call_wanted(&CHAIN, &operands, &[false]));
    assert!(results.unwrap()[0].is_none());
    assert_eq!(most, 0);
}

#[test]
fn sizes_that_no_call_has_are_errors() {
    let text = memory(&CHAIN, &[("M", 3), ("K", 3)]).unwrap_err().to_string();
    assert_eq!(text, "f: `N` has no size; those of M, N, K are wanted");
    let huge = memory(&CHAIN, &[("M", 1 << 62), ("N", 1 << 62), ("K", 1)]);
    assert!(matches!(huge, Err(Error::TooLarge { .. })), "{huge:?}");
    assert!(memory(&CHAIN, &[("M", usize::MAX), ("N", 1), ("K", 1)]).is_err());
    assert!(memory(&CHAIN, &[("M", 1 << 31), ("N", 1 << 31), ("K", 1)]).is_err());
}
