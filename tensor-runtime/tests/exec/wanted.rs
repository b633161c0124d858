//! Calls of which only some results are wanted: the rest is neither computed nor has it memory.

use std::cell::RefCell;

use ndfuse_runtime::plan::{Action, Cuda, Dot, DotAxis, Epilogue, Launch, Output, Place, Role, Step};
use ndfuse_runtime::rt::{self, DType, Error, Plan};

use crate::cases::{Case, Kind, buffer, param, plan, values, wave};

thread_local! {
    /// The kernels that ran, by name; the arrays are small, so they run on the calling thread.
    static RAN: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Adds `N` to every element of its first input, for each output one more.
struct Add<const N: u8>;

impl<const N: u8> rt::Kernel for Add<N> {
    type Unit = rt::unit::U0;

    #[inline(always)]
    fn run<M: rt::Isa>(_: M, cx: &mut rt::Cx<'_>) {
        RAN.with_borrow_mut(|ran| ran.push(char::from(b'a' + N)));
        let x = cx.input::<f32, 2>(0);
        let mut y = cx.output::<f32, 2>(0);
        for i in cx.range(0) {
            for j in cx.range(1) {
                y.put([i, j], x.at([i, j]) + f32::from(N));
            }
        }
    }
}

/// As `Add<2>`, with the double as its second output.
struct Both;

impl rt::Kernel for Both {
    type Unit = rt::unit::U0;

    #[inline(always)]
    fn run<M: rt::Isa>(_: M, cx: &mut rt::Cx<'_>) {
        RAN.with_borrow_mut(|ran| ran.push('c'));
        let x = cx.input::<f32, 2>(0);
        let (mut y, mut z) = (cx.output::<f32, 2>(0), cx.output::<f32, 2>(1));
        for i in cx.range(0) {
            for j in cx.range(1) {
                y.put([i, j], x.at([i, j]) + 2.0);
                z.put([i, j], x.at([i, j]) * 2.0);
            }
        }
    }
}

const fn kernel<K: rt::Kernel>(inputs: &'static [u16], outputs: &'static [Output]) -> Launch {
    Launch {
        name: "kernel",
        cpu: rt::CpuKernel::new::<K>(),
        cuda: Cuda::NONE,
        par: 2,
        extents: &[0, 0],
        lane_is_parallel: true,
        sizes: &[],
        inputs,
        outputs,
        collapse: &[false],
        accesses: &[&[0, 1], &[0, 1], &[0, 1]],
        cost: 1,
    }
}

const fn step(launch: Launch, release: &'static [u16]) -> Step {
    Step { action: Action::Launch(launch), release }
}

const fn temp(place: Place) -> ndfuse_runtime::plan::Buffer {
    buffer(DType::F32, &[0, 0], &[0, 1], place)
}

const fn product(left: u16, right: u16, out: u16, epilogue: Option<Epilogue>) -> Action {
    Action::Dot(Dot {
        dtype: DType::F32,
        left,
        left_start: &[1, 1],
        right,
        right_start: &[1, 1],
        axes: &[
            DotAxis { role: Role::Left, extent: 0, left: Some((0, 1)), right: None, out: Some(0) },
            DotAxis { role: Role::Right, extent: 0, left: None, right: Some((1, 1)), out: Some(1) },
            DotAxis { role: Role::Contract, extent: 0, left: Some((1, 1)), right: Some((0, 1)), out: None },
        ],
        out,
        epilogue,
    })
}

/// Slots: N, 0, 1 << 60. Results: 2, of 2⁶⁰ elements, 3 to 7.
static MANY: Plan = Plan {
    slots: 3,
    sizes: |s| {
        (s[1], s[2]) = (0, 1 << 60);
        Some(())
    },
    ..plan(
        "many",
        &["N"],
        &[param("x", DType::F32, &[0, 0]), param("w", DType::F32, &[0, 0])],
        &[
            temp(Place::Param),
            temp(Place::Param),
            buffer(DType::F32, &[2], &[0], Place::Output),
            temp(Place::Output),
            temp(Place::Output),
            temp(Place::Output),
            temp(Place::Output),
            temp(Place::Output),
            temp(Place::Temp),
            temp(Place::View(8)),
            temp(Place::Temp),
            temp(Place::Temp),
            temp(Place::Temp),
        ],
        &[2, 3, 4, 5, 6, 7],
        &[
            // b: 8 = x + 1
            step(kernel::<Add<1>>(&[0], &[Output { buffer: 8 }]), &[]),
            // c: 3 = 8 + 2, 10 = 8 * 2, read through a view
            step(kernel::<Both>(&[9], &[Output { buffer: 3 }, Output { buffer: 10 }]), &[]),
            // d: 4 = 10 + 3
            step(kernel::<Add<3>>(&[10], &[Output { buffer: 4 }]), &[10]),
            // e: 5 = 4 + 4, of another result
            step(kernel::<Add<4>>(&[4], &[Output { buffer: 5 }]), &[]),
            // 11 = 8 w
            Step { action: product(8, 1, 11, None), release: &[8, 9] },
            // f: 6 = 11 + 5
            step(kernel::<Add<5>>(&[11], &[Output { buffer: 6 }]), &[11]),
            // g: 7 = x w + 6
            Step {
                action: product(
                    0,
                    1,
                    12,
                    Some(Epilogue {
                        launch: kernel::<Add<6>>(&[12], &[Output { buffer: 7 }]),
                        input: 0,
                        axes: &[0, 1],
                        bias: None,
                        post_ops: None,
                        function: "",
                        text: "",
                    }),
                ),
                release: &[],
            },
        ],
    )
};

#[test]
fn only_what_is_wanted_is_computed() {
    let n = 3;
    for kind in [Kind::RowMajor, Kind::Reversed] {
        let x = Case::new(kind, &[n, n], wave);
        let w = Case::new(kind, &[n, n], |i| wave(i + 7));
        let raw = [x.raw(), w.raw()];
        let dot = |a: &[f32]| -> Vec<f32> {
            let at = |i: usize| (0..n).map(|k| a[i / n * n + k] * w.values[k * n + i % n]).sum();
            (0..n * n).map(at).collect()
        };
        let map = |a: &[f32], f: fn(f32) -> f32| a.iter().map(|&v| f(v)).collect::<Vec<f32>>();
        let x1 = map(&x.values, |v| v + 1.0);
        let d = map(&x1, |v| v * 2.0 + 3.0);
        let expected = [
            map(&x1, |v| v + 2.0),
            d.clone(),
            map(&d, |v| v + 4.0),
            map(&dot(&x1), |v| v + 5.0),
            map(&dot(&x.values), |v| v + 6.0),
        ];
        for (wanted, kernels) in [
            ([false; 5], ""),
            ([true, false, false, false, false], "bc"),
            ([false, true, false, false, false], "bcd"),
            ([false, false, true, false, false], "bcde"),
            ([false, false, false, true, false], "bf"),
            ([false, false, false, false, true], "g"),
            ([true, false, true, true, true], "bcdefg"),
            ([true; 5], "bcdefg"),
        ] {
            RAN.take();
            let all: Vec<bool> = std::iter::once(false).chain(wanted).collect();
            // The first result has more elements than memory: it is an error where it is not left out.
            let found = rt::call_wanted(&MANY, &raw, &all).unwrap();
            assert_eq!(RAN.take(), kernels, "{wanted:?}");
            assert!(found.len() == 6 && found[0].is_none());
            for (k, found) in found[1..].iter().enumerate() {
                assert_eq!(found.is_some(), wanted[k], "{wanted:?} {k}");
                if let Some(found) = found {
                    let close = |(a, b): (&f32, &f32)| (a - b).abs() < 1e-4;
                    assert!(values::<f32>(found).iter().zip(&expected[k]).all(close), "{wanted:?} {k}");
                }
            }
        }
        let error = rt::call_wanted(&MANY, &raw, &[true; 6]).unwrap_err();
        assert!(matches!(error, Error::OutOfMemory { .. } | Error::TooLarge { .. }), "{error}");
    }
}

#[test]
fn operands_are_checked_whatever_is_wanted() {
    let (x, w) = (Case::new(Kind::RowMajor, &[2, 3], wave), Case::new(Kind::RowMajor, &[2, 2], wave));
    assert!(matches!(rt::call_wanted(&MANY, &[x.raw(), w.raw()], &[false; 6]), Err(Error::DimMismatch(_))));
    assert!(matches!(rt::call_wanted(&MANY, &[w.raw(), w.raw()], &[false; 5]), Err(Error::Internal { .. })));
}
