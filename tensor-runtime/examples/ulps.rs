//! The errors of the `f32` element functions over all 2^32 arguments, in units in the last place, against `f64`.
//!
//! Run with `cargo run --release -p ndfuse-runtime --example ulps [FUNCTION…] [STRIDE]`, and with `NDFUSE_ISA=base` for
//! the code without fused multiplication. A stride above 1 takes every so many-th argument only. Minutes a function.

use ndfuse_runtime::plan::{Action, Buffer, Cuda, Launch, Output, Param, Place, Plan, Step};
use ndfuse_runtime::rt::{self, DType, Operand};
use ndfuse_runtime::{Result, Tensor};

const CHUNK: u64 = 1 << 22;

/// A kernel that maps one function, and its plan.
macro_rules! map {
    ($kernel:ident, $plan:ident, $function:ident, $ty:ident, $dtype:expr) => {
        struct $kernel;

        impl rt::Kernel for $kernel {
            type Unit = rt::unit::U0;

            #[inline(always)]
            fn run<M: rt::Isa>(m: M, cx: &mut rt::Cx<'_>) {
                let x = cx.input::<$ty, 1>(0);
                let mut y = cx.output::<$ty, 1>(0);
                let (mut x_t, mut y_t) = (rt::Tile::<$ty>::new(), rt::Tile::<$ty>::new());
                for t in rt::tiles(cx.range(0)) {
                    let v0 = x.row([t.start], [1], t.len, &mut x_t);
                    let mut y0 = y.row([t.start], 0, t.len, &mut y_t);
                    let y0 = &mut y0[..t.len];
                    for i in 0..t.len {
                        y0[i] = m.$function(v0[i]);
                    }
                }
            }
        }

        static $plan: Plan = Plan {
            function: stringify!($function),
            symbols: &["N"],
            slots: 1,
            sizes: |_| Some(()),
            params: &[Param { name: "x", dtype: $dtype, dims: &[0] }],
            requires: &[],
            buffers: &[
                Buffer { dtype: $dtype, dims: &[0], order: &[0], place: Place::Param },
                Buffer { dtype: $dtype, dims: &[0], order: &[0], place: Place::Output },
            ],
            outputs: &[1],
            steps: &[Step {
                action: Action::Launch(Launch {
                    name: stringify!($function),
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
                    cost: 20,
                }),
                release: &[],
            }],
            blocks: &[],
            attends: &[],
            prologues: &[],
            bands: &[],
            explain: "",
            cuda: "",
            vjp: None,
        };
    };
}

/// The exact values, nearly.
type Reference = fn(&[f32]) -> Result<Vec<f64>>;

fn run<T: rt::Element>(plan: &'static Plan, x: Vec<T>) -> Result<Vec<T>> {
    let x = Tensor::from_vec((x.len(),), x)?;
    let [y] = rt::call::<1>(plan, &[x.raw()?])?;
    let y: Tensor<T, (usize,)> = y.downcast("ulps", "y")?;
    y.to_vec()
}

macro_rules! functions {
    ($($function:ident $kernel:ident $plan:ident $std:expr;)*) => {
        $(map! { $kernel, $plan, $function, f32, DType::F32 })*

        const FUNCTIONS: &[(&str, &Plan, Reference)] = &[$(
            (stringify!($function), &$plan, |x| Ok(x.iter().map(|&x| ($std as fn(f64) -> f64)(f64::from(x))).collect())),
        )*
            ("erf", &ERF, |x| run(&ERF_64, x.iter().map(|&x| f64::from(x)).collect())),
            ("erfc", &ERFC, |x| run(&ERFC_64, x.iter().map(|&x| f64::from(x)).collect())),
        ];
    };
}

map! { Erf, ERF, erf, f32, DType::F32 }
map! { Erf64, ERF_64, erf, f64, DType::F64 }
map! { Erfc, ERFC, erfc, f32, DType::F32 }
map! { Erfc64, ERFC_64, erfc, f64, DType::F64 }

functions! {
    exp Exp EXP f64::exp;
    exp2 Exp2 EXP2 f64::exp2;
    expm1 Expm1 EXPM1 f64::exp_m1;
    log Log LOG f64::ln;
    log2 Log2 LOG2 f64::log2;
    log10 Log10 LOG10 f64::log10;
    log1p Log1p LOG1P f64::ln_1p;
    sqrt Sqrt SQRT f64::sqrt;
    rsqrt Rsqrt RSQRT |x| 1.0 / x.sqrt();
    cbrt Cbrt CBRT f64::cbrt;
    sin Sin SIN f64::sin;
    cos Cos COS f64::cos;
    tan Tan TAN f64::tan;
    asin Asin ASIN f64::asin;
    acos Acos ACOS f64::acos;
    atan Atan ATAN f64::atan;
    sinh Sinh SINH f64::sinh;
    cosh Cosh COSH f64::cosh;
    tanh Tanh TANH f64::tanh;
    asinh Asinh ASINH f64::asinh;
    acosh Acosh ACOSH f64::acosh;
    atanh Atanh ATANH f64::atanh;
    sigmoid Sigmoid SIGMOID |x| 1.0 / (1.0 + (-x).exp());
    floor Floor FLOOR f64::floor;
    ceil Ceil CEIL f64::ceil;
    round Round ROUND f64::round_ties_even;
    trunc Trunc TRUNC f64::trunc;
}

fn ulps(found: f32, wanted: f64) -> f64 {
    let nearest = wanted as f32;
    let same = found == nearest && found.is_sign_negative() == nearest.is_sign_negative();
    if same || (found.is_nan() && nearest.is_nan()) {
        return 0.0;
    }
    if !found.is_finite() || !nearest.is_finite() || (found == 0.0 && nearest == 0.0) {
        return f64::INFINITY;
    }
    let exponent = nearest.abs().max(f32::MIN_POSITIVE).to_bits() & 0x7f80_0000;
    (f64::from(found) - wanted).abs() / (f64::from(f32::from_bits(exponent)) / 8_388_608.0)
}

/// The worst argument and its error, over every `stride`-th argument.
fn sweep(plan: &'static Plan, reference: Reference, stride: u64) -> Result<(f32, f64)> {
    let total = (1u64 << 32).div_ceil(stride);
    let next = std::sync::atomic::AtomicU64::new(0);
    let worker = || {
        let mut worst = (0.0, 0.0);
        loop {
            let start = next.fetch_add(CHUNK, std::sync::atomic::Ordering::Relaxed);
            if start >= total {
                return Ok(worst);
            }
            let x: Vec<f32> =
                (start..(start + CHUNK).min(total)).map(|i| f32::from_bits((i * stride) as u32)).collect();
            let (found, wanted) = (run(plan, x.clone())?, reference(&x)?);
            for ((&x, &found), &wanted) in x.iter().zip(&found).zip(&wanted) {
                let error = ulps(found, wanted);
                if error > worst.1 {
                    worst = (x, error);
                }
            }
        }
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let results: Vec<Result<(f32, f64)>> = std::thread::scope(|scope| {
        let handles: Vec<_> = (0..threads).map(|_| scope.spawn(worker)).collect();
        handles.into_iter().map(|h| h.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))).collect()
    });
    let mut worst = (0.0, 0.0);
    for result in results {
        let found = result?;
        if found.1 > worst.1 {
            worst = found;
        }
    }
    Ok(worst)
}

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let stride = arguments.iter().find_map(|a| a.parse().ok()).unwrap_or(1);
    let names: Vec<&String> = arguments.iter().filter(|a| a.parse::<u64>().is_err()).collect();
    for &(name, plan, reference) in FUNCTIONS {
        if names.is_empty() || names.iter().any(|n| *n == name) {
            let (at, error) = sweep(plan, reference, stride)?;
            println!("{name:8} {error:.3} at {at:e}");
        }
    }
    Ok(())
}
