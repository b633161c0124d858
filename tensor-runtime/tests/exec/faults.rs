//! What the caller does wrong is a typed error; what a kernel or a plan does wrong is an internal one, and no harm.

use ndfuse_runtime::plan::{Cuda, Launch, Output, Place, Relation, Require};
use ndfuse_runtime::rt::{self, DType, Error, Plan};

use crate::cases::{self, Case, Kind, buffer, launch, param, plan, values, wave};

/// Writes beyond its own part of the output.
struct Wild;

impl rt::Kernel for Wild {
    type Unit = rt::unit::U0;

    #[inline(always)]
    fn run<M: rt::Isa>(_: M, cx: &mut rt::Cx<'_>) {
        let mut y = cx.output::<f32, 1>(0);
        for p0 in cx.range(0) {
            y.put([p0 + cx.extent(0) / 2], 1.0);
        }
    }
}

/// Takes an output twice.
struct Twice;

impl rt::Kernel for Twice {
    type Unit = rt::unit::U0;

    #[inline(always)]
    fn run<M: rt::Isa>(_: M, cx: &mut rt::Cx<'_>) {
        let mut y = cx.output::<f32, 1>(0);
        let mut z = cx.output::<f32, 1>(0);
        y.put([0], 1.0);
        z.put([0], 1.0);
    }
}

/// Asks for another element type.
struct Cast;

impl rt::Kernel for Cast {
    type Unit = rt::unit::U0;

    #[inline(always)]
    fn run<M: rt::Isa>(_: M, cx: &mut rt::Cx<'_>) {
        let mut y = cx.output::<bool, 1>(0);
        y.put([0], true);
    }
}

/// Asks for rows of impossible lengths, starts and steps.
struct Rows;

impl rt::Kernel for Rows {
    type Unit = rt::unit::U0;

    #[inline(always)]
    fn run<M: rt::Isa>(_: M, cx: &mut rt::Cx<'_>) {
        let x = cx.input::<f32, 1>(0);
        let mut y = cx.output::<f32, 1>(0);
        let mut t = rt::Tile::<f32>::new();
        let tries: [(isize, isize, usize); 9] = [
            (0, 1, usize::MAX),
            (0, -1, 2),
            (isize::MAX, 1, 2),
            (isize::MIN, isize::MIN, 3),
            (-1, 1, 1),
            (0, isize::MAX, 3),
            (1, isize::MIN, 2),
            (0, 1, rt::TILE + 1),
            (cx.extent(0) - 1, 1, 2),
        ];
        let mut refused = 0.0;
        for (at, step, n) in tries {
            let row = std::panic::AssertUnwindSafe(|| x.row([at], [step], n, &mut t).len());
            refused += f32::from(u8::from(std::panic::catch_unwind(row).is_err()));
        }
        let out = std::panic::AssertUnwindSafe(|| y.row([1], 0, cx.extent(0) as usize, &mut t).len());
        refused += f32::from(u8::from(std::panic::catch_unwind(out).is_err()));
        let out = std::panic::AssertUnwindSafe(|| y.put([-1], 0.0));
        refused += f32::from(u8::from(std::panic::catch_unwind(out).is_err()));
        y.put([0], refused);
    }
}

macro_rules! hostile {
    ($plan:ident, $kernel:ident) => {
        static $plan: Plan = plan(
            "hostile",
            &["N"],
            &[param("x", DType::F32, &[0])],
            &[buffer(DType::F32, &[0], &[0], Place::Param), buffer(DType::F32, &[0], &[0], Place::Output)],
            &[1],
            &[launch(Launch {
                name: "k0",
                cpu: rt::CpuKernel::new::<$kernel>(),
                cuda: Cuda::NONE,
                par: 1,
                extents: &[0],
                lane_is_parallel: true,
                sizes: &[],
                inputs: &[0],
                outputs: &[Output { buffer: 1 }],
                collapse: &[],
                accesses: &[&[0], &[0]],
                cost: 1000,
            })],
        );
    };
}

hostile!(WILD, Wild);
hostile!(TWICE, Twice);
hostile!(CAST, Cast);
hostile!(ROWS, Rows);

#[test]
fn hostile_kernels_do_no_harm() {
    std::panic::set_hook(Box::new(|_| {}));
    for n in [8, 1 << 16] {
        let x = Case::new(Kind::RowMajor, &[n], wave);
        for plan in [&WILD, &TWICE, &CAST] {
            let errors = cases::on_pools(|| rt::call::<1>(plan, &[x.raw()]).unwrap_err().to_string().len() > 10);
            assert!(errors);
            let error = rt::call::<1>(plan, &[x.raw()]).unwrap_err();
            assert!(matches!(error, Error::Internal { function: "hostile", .. }), "{error}");
        }
    }
    let x = Case::new(Kind::RowMajor, &[8], wave);
    assert_eq!(values::<f32>(&rt::call::<1>(&ROWS, &[x.raw()]).unwrap()[0])[0], 11.0);
}

static CHECKED: Plan = Plan {
    slots: 4,
    sizes: |s| {
        s[2] = rt::dim::mul(s[0], 2)?;
        s[3] = 3;
        Some(())
    },
    requires: &[Require { left: 1, relation: Relation::Le, right: 3, text: "C <= 3", why: "the slice" }],
    ..plan(
        "checked",
        &["B", "C"],
        &[param("x", DType::F32, &[0, 1]), param("y", DType::F32, &[0]), param("z", DType::F32, &[2])],
        &[
            buffer(DType::F32, &[0, 1], &[0, 1], Place::Param),
            buffer(DType::F32, &[0], &[0], Place::Param),
            buffer(DType::F32, &[2], &[0], Place::Param),
            buffer(DType::F32, &[0, 2], &[1, 0], Place::Output),
        ],
        &[3],
        &[],
    )
};

#[test]
fn operands_are_checked_by_name_and_axis() {
    let f = |sizes: &[usize]| Case::new(Kind::RowMajor, sizes, wave);
    let error = |x: &Case<f32>, y: &Case<f32>, z: &Case<f32>| {
        rt::call::<1>(&CHECKED, &[x.raw(), y.raw(), z.raw()]).unwrap_err().to_string()
    };
    let (x, y, z) = (f(&[4, 3]), f(&[4]), f(&[8]));
    let [out] = rt::call::<1>(&CHECKED, &[x.raw(), y.raw(), z.raw()]).unwrap();
    assert_eq!(out.raw().unwrap().strides(), [1, 4]);
    assert!(error(&x, &f(&[5]), &z).starts_with("checked: `B` is 4 from `x` but 5 from `y`"));
    let text = error(&x, &y, &f(&[9]));
    assert!(text.contains("axis 0 of `z` is 9, but 8 is wanted"), "{text}");
    let text = error(&f(&[4, 4]), &y, &z);
    assert!(text.contains("C <= 3") && text.contains('4') && text.contains("the slice"), "{text}");
    let text = error(&f(&[4]), &y, &z);
    assert!(text.contains("`x`") && text.contains("2 are wanted"), "{text}");
    let ints = Case::new(Kind::RowMajor, &[4], |_| 0i32);
    let text = rt::call::<1>(&CHECKED, &[x.raw(), ints.raw(), z.raw()]).unwrap_err().to_string();
    assert!(text.contains("`y`") && text.contains("i32") && text.contains("f32"), "{text}");
    assert!(matches!(rt::call::<1>(&CHECKED, &[x.raw()]), Err(Error::Internal { .. })));
    assert!(matches!(rt::call::<2>(&CHECKED, &[x.raw(), y.raw(), z.raw()]), Err(Error::Internal { .. })));
    let mut small = vec![0.0f32; 31];
    let layout = rt::Layout::contiguous(&[31]).unwrap();
    let target = rt::RawViewMut::new(rt::AnySliceMut::F32(&mut small), &layout);
    let error = rt::call_into(&CHECKED, &[x.raw(), y.raw(), z.raw()], &mut [target]).unwrap_err();
    assert!(matches!(error, Error::Shape(_)), "{error}");
}
