//! Functions with the plans of their gradients.
//!
//! Always: each kernel counts its runs, on the thread that calls; arrays here are small, so that is the thread that
//! runs it.

use std::cell::Cell;

use ndfuse_runtime::plan::{Action, Buffer, Cuda, Dot, DotAxis, Launch, Output, Param, Place, Role, Step, Vjp};
use ndfuse_runtime::rt::{self, AnyTensor, DType, Operand, Plan};
use ndfuse_runtime::{Result, Tensor};

pub type Vector<T> = Tensor<T, (usize,)>;
pub type Matrix = Tensor<f32, (usize, usize)>;

thread_local! {
    static RUNS: Cell<[usize; 4]> = const { Cell::new([0; 4]) };
}

/// How often each kernel of [`pair`] ran since this was asked.
pub fn runs() -> [usize; 4] {
    RUNS.take()
}

fn count(kernel: usize) {
    let mut runs = RUNS.get();
    runs[kernel] += 1;
    RUNS.set(runs);
}

/// A kernel over one axis: element `i` of the output from those of the inputs, of rank 0 or 1.
macro_rules! map {
    ($name:ident $count:literal: $($x:ident: $t:ty),* => $out:ty, $value:expr) => {
        struct $name;
        impl rt::Kernel for $name {
            type Unit = rt::unit::U0;

            #[inline(always)]
            fn run<M: rt::Isa>(_: M, cx: &mut rt::Cx<'_>) {
                count($count);
                let mut k = 0..;
                $(let $x = cx.input::<$t, 1>(k.next().unwrap());)*
                let mut y = cx.output::<$out, 1>(0);
                for i in cx.range(0) {
                    $(let $x = $x.at([i]);)*
                    y.put([i], $value);
                }
            }
        }
    };
}

map!(Square32 0: x: f32 => f32, x * x);
map!(Square64 0: x: f64 => f64, x * x);
map!(SquareBack32 1: x: f32, g: f32 => f32, g * 2.0 * x);
map!(SquareBack64 1: x: f64, g: f64 => f64, g * 2.0 * x);
map!(Product 0: x: f32, y: f32 => f32, x * y);
map!(Triple 1: x: f32 => f32, 3.0 * x);
map!(Sign 2: x: f32 => i64, i64::from(x > 0.0));
map!(PairBack 3: x: f32, g: f32, h: f32 => f32, g * 2.0 * x + h * 3.0);

/// The sum of a vector, and its gradient.
macro_rules! sums {
    ($sum:ident $back:ident $t:ident) => {
        struct $sum;
        impl rt::Kernel for $sum {
            type Unit = rt::unit::U0;

            #[inline(always)]
            fn run<M: rt::Isa>(_: M, cx: &mut rt::Cx<'_>) {
                let x = cx.input::<$t, 1>(0);
                let mut y = cx.output::<$t, 0>(0);
                y.put([], (0..cx.extent(0)).map(|i| x.at([i])).sum());
            }
        }
        struct $back;
        impl rt::Kernel for $back {
            type Unit = rt::unit::U0;

            #[inline(always)]
            fn run<M: rt::Isa>(_: M, cx: &mut rt::Cx<'_>) {
                let g = cx.input::<$t, 0>(0);
                let mut y = cx.output::<$t, 1>(0);
                for i in cx.range(0) {
                    y.put([i], g.at([]));
                }
            }
        }
    };
}

sums!(Sum32 SumBack32 f32);
sums!(Sum64 SumBack64 f64);

const fn launch<K: rt::Kernel>(par: usize, inputs: &'static [u16], output: &'static [Output]) -> Step {
    let launch = Launch {
        name: "kernel",
        cpu: rt::CpuKernel::new::<K>(),
        cuda: Cuda::NONE,
        par,
        extents: &[0],
        lane_is_parallel: true,
        sizes: &[],
        inputs,
        outputs: output,
        collapse: &[],
        // Nothing here is cut into jobs.
        accesses: &[],
        cost: 1,
    };
    Step { action: Action::Launch(launch), release: &[] }
}

pub const fn plan(
    function: &'static str,
    symbols: &'static [&'static str],
    params: &'static [Param],
    buffers: &'static [Buffer],
    outputs: &'static [u16],
    steps: &'static [Step],
    vjp: Option<&'static Vjp>,
) -> Plan {
    let slots = symbols.len() + 1;
    // The last slot is 0.
    let sizes = |sizes: &mut [i64]| {
        *sizes.last_mut()? = 0;
        Some(())
    };
    let (requires, explain, cuda) = (&[], "", "");
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

const fn param(name: &'static str, dtype: DType, dims: &'static [u16]) -> Param {
    Param { name, dtype, dims }
}

const fn buffer(dtype: DType, rank: usize, place: Place) -> Buffer {
    match rank {
        0 => Buffer { dtype, dims: &[], order: &[], place },
        _ => Buffer { dtype, dims: &[0], order: &[0], place },
    }
}

const fn matrix(dims: &'static [u16], place: Place) -> Buffer {
    Buffer { dtype: DType::F32, dims, order: &[0, 1], place }
}

use Place::{Output as Result_, Param as In};

macro_rules! float {
    ($T:ident $t:ident: $square:ident $square_back:ident $sum:ident $sum_back:ident
     $Square:ident $SquareBack:ident $Sum:ident $SumBack:ident) => {
        pub static $square: Plan = plan(
            "square",
            &["N"],
            &[param("x", DType::$T, &[0])],
            &[buffer(DType::$T, 1, In), buffer(DType::$T, 1, Result_)],
            &[1],
            &[launch::<$Square>(1, &[0], &[Output { buffer: 1 }])],
            Some(&Vjp { plan: &$square_back, cotangents: &[0], wrt: &[0] }),
        );

        static $square_back: Plan = plan(
            "square",
            &["N"],
            &[param("x", DType::$T, &[0]), param("g", DType::$T, &[0])],
            &[
                buffer(DType::$T, 1, In),
                buffer(DType::$T, 1, In),
                buffer(DType::$T, 1, Result_),
                buffer(DType::$T, 1, Result_),
            ],
            &[2, 3],
            &[
                launch::<$Square>(1, &[0], &[Output { buffer: 2 }]),
                launch::<$SquareBack>(1, &[0, 1], &[Output { buffer: 3 }]),
            ],
            None,
        );

        static $sum: Plan = plan(
            "sum",
            &["N"],
            &[param("x", DType::$T, &[0])],
            &[buffer(DType::$T, 1, In), buffer(DType::$T, 0, Result_)],
            &[1],
            &[launch::<$Sum>(0, &[0], &[Output { buffer: 1 }])],
            Some(&Vjp { plan: &$sum_back, cotangents: &[0], wrt: &[0] }),
        );

        static $sum_back: Plan = plan(
            "sum",
            &["N"],
            &[param("x", DType::$T, &[0]), param("g", DType::$T, &[])],
            &[
                buffer(DType::$T, 1, In),
                buffer(DType::$T, 0, In),
                buffer(DType::$T, 0, Result_),
                buffer(DType::$T, 1, Result_),
            ],
            &[2, 3],
            &[launch::<$Sum>(0, &[0], &[Output { buffer: 2 }]), launch::<$SumBack>(1, &[1], &[Output { buffer: 3 }])],
            None,
        );

        impl Real for $t {
            const SQUARE: &'static Plan = &$square;
            const SUM: &'static Plan = &$sum;
        }
    };
}

/// A float with the functions above.
pub trait Real: rt::Float + ndfuse_runtime::Number {
    const SQUARE: &'static Plan;
    const SUM: &'static Plan;
}

float!(F32 f32: SQUARE SQUARE_BACK SUM SUM_BACK Square32 SquareBack32 Sum32 SumBack32);
float!(F64 f64: SQUARE_64 SQUARE_BACK_64 SUM_64 SUM_BACK_64 Square64 SquareBack64 Sum64 SumBack64);

static PRODUCT: Plan = plan(
    "product",
    &["N"],
    &[param("x", DType::F32, &[0]), param("y", DType::F32, &[0])],
    &[buffer(DType::F32, 1, In), buffer(DType::F32, 1, In), buffer(DType::F32, 1, Result_)],
    &[2],
    &[launch::<Product>(1, &[0, 1], &[Output { buffer: 2 }])],
    Some(&Vjp { plan: &PRODUCT_BACK, cotangents: &[0], wrt: &[0, 1] }),
);

static PRODUCT_BACK: Plan = plan(
    "product",
    &["N"],
    &[param("x", DType::F32, &[0]), param("y", DType::F32, &[0]), param("g", DType::F32, &[0])],
    &[
        buffer(DType::F32, 1, In),
        buffer(DType::F32, 1, In),
        buffer(DType::F32, 1, In),
        buffer(DType::F32, 1, Result_),
        buffer(DType::F32, 1, Result_),
        buffer(DType::F32, 1, Result_),
    ],
    &[3, 4, 5],
    &[
        launch::<Product>(1, &[0, 1], &[Output { buffer: 3 }]),
        launch::<Product>(1, &[2, 1], &[Output { buffer: 4 }]),
        launch::<Product>(1, &[2, 0], &[Output { buffer: 5 }]),
    ],
    None,
);

/// `(x², x > 0, 3 x)`, and a float operand without a gradient.
static PAIR: Plan = plan(
    "pair",
    &["N"],
    &[param("x", DType::F32, &[0]), param("noise", DType::F32, &[0])],
    &[
        buffer(DType::F32, 1, In),
        buffer(DType::F32, 1, In),
        buffer(DType::F32, 1, Result_),
        buffer(DType::I64, 1, Result_),
        buffer(DType::F32, 1, Result_),
    ],
    &[2, 3, 4],
    &[
        launch::<Square32>(1, &[0], &[Output { buffer: 2 }]),
        launch::<Sign>(1, &[0], &[Output { buffer: 3 }]),
        launch::<Triple>(1, &[0], &[Output { buffer: 4 }]),
    ],
    Some(&Vjp { plan: &PAIR_BACK, cotangents: &[0, 2], wrt: &[0] }),
);

static PAIR_BACK: Plan = plan(
    "pair",
    &["N"],
    &[
        param("x", DType::F32, &[0]),
        param("noise", DType::F32, &[0]),
        param("g", DType::F32, &[0]),
        param("h", DType::F32, &[0]),
    ],
    &[
        buffer(DType::F32, 1, In),
        buffer(DType::F32, 1, In),
        buffer(DType::F32, 1, In),
        buffer(DType::F32, 1, In),
        buffer(DType::F32, 1, Result_),
        buffer(DType::I64, 1, Result_),
        buffer(DType::F32, 1, Result_),
        buffer(DType::F32, 1, Result_),
    ],
    &[4, 5, 6, 7],
    &[
        launch::<Square32>(1, &[0], &[Output { buffer: 4 }]),
        launch::<Sign>(1, &[0], &[Output { buffer: 5 }]),
        launch::<Triple>(1, &[0], &[Output { buffer: 6 }]),
        launch::<PairBack>(1, &[0, 2, 3], &[Output { buffer: 7 }]),
    ],
    None,
);

/// `3 x`, whose gradient nobody wrote.
static TRIPLE: Plan = plan(
    "triple",
    &["N"],
    &[param("x", DType::F32, &[0])],
    &[buffer(DType::F32, 1, In), buffer(DType::F32, 1, Result_)],
    &[1],
    &[launch::<Triple>(1, &[0], &[Output { buffer: 1 }])],
    None,
);

const fn axis(role: Role, extent: u16, left: Option<(u8, i64)>, right: Option<(u8, i64)>, out: Option<u8>) -> DotAxis {
    DotAxis { role, extent, left, right, out }
}

/// Which axis of the left operand is the result's first, and of the right its second; the other is contracted.
const fn dot(left: u16, right: u16, out: u16, axes: &'static [DotAxis]) -> Step {
    let (dtype, zero) = (DType::F32, &[3, 3]);
    let dot = Dot { dtype, left, left_start: zero, right, right_start: zero, axes, out, epilogue: None };
    Step { action: Action::Dot(dot), release: &[] }
}

/// Slots: M, K, N, 0.
static MATMUL: Plan = plan(
    "matmul",
    &["M", "K", "N"],
    &[param("a", DType::F32, &[0, 1]), param("b", DType::F32, &[1, 2])],
    &[matrix(&[0, 1], In), matrix(&[1, 2], In), matrix(&[0, 2], Result_)],
    &[2],
    &[dot(0, 1, 2, PLAIN)],
    Some(&Vjp { plan: &MATMUL_BACK, cotangents: &[0], wrt: &[0, 1] }),
);

const PLAIN: &[DotAxis] = &[
    axis(Role::Left, 0, Some((0, 1)), None, Some(0)),
    axis(Role::Right, 2, None, Some((1, 1)), Some(1)),
    axis(Role::Contract, 1, Some((1, 1)), Some((0, 1)), None),
];

/// `da = g bᵀ`, `db = aᵀ g`.
static MATMUL_BACK: Plan = plan(
    "matmul",
    &["M", "K", "N"],
    &[param("a", DType::F32, &[0, 1]), param("b", DType::F32, &[1, 2]), param("g", DType::F32, &[0, 2])],
    &[
        matrix(&[0, 1], In),
        matrix(&[1, 2], In),
        matrix(&[0, 2], In),
        matrix(&[0, 2], Result_),
        matrix(&[0, 1], Result_),
        matrix(&[1, 2], Result_),
    ],
    &[3, 4, 5],
    &[
        dot(0, 1, 3, PLAIN),
        dot(
            2,
            1,
            4,
            &[
                axis(Role::Left, 0, Some((0, 1)), None, Some(0)),
                axis(Role::Right, 1, None, Some((0, 1)), Some(1)),
                axis(Role::Contract, 2, Some((1, 1)), Some((1, 1)), None),
            ],
        ),
        dot(
            0,
            2,
            5,
            &[
                axis(Role::Left, 1, Some((1, 1)), None, Some(0)),
                axis(Role::Right, 2, None, Some((1, 1)), Some(1)),
                axis(Role::Contract, 0, Some((0, 1)), Some((0, 1)), None),
            ],
        ),
    ],
    None,
);

fn only<T: rt::Element, S: rt::Shape>(plan: &'static Plan, operands: &[rt::RawView<'_>]) -> Result<Tensor<T, S>> {
    let [result] = rt::call(plan, operands)?;
    AnyTensor::downcast(result, plan.function, "the result")
}

pub fn square<T: Real>(x: impl Operand<Elem = T, Shape = (usize,)>) -> Result<Vector<T>> {
    only(T::SQUARE, &[x.raw()?])
}

pub fn sum<T: Real>(x: impl Operand<Elem = T, Shape = (usize,)>) -> Result<Tensor<T, ()>> {
    only(T::SUM, &[x.raw()?])
}

pub fn product(
    x: impl Operand<Elem = f32, Shape = (usize,)>,
    y: impl Operand<Elem = f32, Shape = (usize,)>,
) -> Result<Vector<f32>> {
    only(&PRODUCT, &[x.raw()?, y.raw()?])
}

pub fn triple(x: impl Operand<Elem = f32, Shape = (usize,)>) -> Result<Vector<f32>> {
    only(&TRIPLE, &[x.raw()?])
}

pub fn pair(
    x: impl Operand<Elem = f32, Shape = (usize,)>,
    noise: impl Operand<Elem = f32, Shape = (usize,)>,
) -> Result<(Vector<f32>, Vector<i64>, Vector<f32>)> {
    let [a, b, c] = rt::call(&PAIR, &[x.raw()?, noise.raw()?])?;
    Ok((a.downcast("pair", "result 0")?, b.downcast("pair", "result 1")?, c.downcast("pair", "result 2")?))
}

pub fn matmul(
    a: impl Operand<Elem = f32, Shape = (usize, usize)>,
    b: impl Operand<Elem = f32, Shape = (usize, usize)>,
) -> Result<Matrix> {
    only(&MATMUL, &[a.raw()?, b.raw()?])
}

pub fn vector<T: rt::Element>(values: &[T]) -> Vector<T> {
    Tensor::from_slice((values.len(),), values).unwrap()
}
