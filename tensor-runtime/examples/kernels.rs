//! Times of two kernels as the compiler emits them: `gelu(x * w + b)` and softmax over rows, 4096 x 2048 `f32`.
//!
//! Run with `cargo run --release -p ndfuse-runtime --example kernels`. Each figure is a median; "fresh" makes its
//! result in memory from the pool, "into" writes to one tensor again and again.

use std::time::Instant;

use ndfuse_runtime::plan::{Action, Buffer, Cuda, FREE, Launch, Output, Param, Place, Plan, Step};
use ndfuse_runtime::rt::{self, DType, Operand, OperandMut};
use ndfuse_runtime::{Result, Tensor};

struct Gelu;

impl rt::Kernel for Gelu {
    type Unit = rt::unit::U0;

    #[inline(always)]
    fn run<M: rt::Isa>(m: M, cx: &mut rt::Cx<'_>) {
        let x = cx.input::<f32, 2>(0);
        let w = cx.input::<f32, 1>(1);
        let b = cx.input::<f32, 1>(2);
        let mut y = cx.output::<f32, 2>(0);
        let mut x_t = rt::Tile::<f32>::new();
        let mut w_t = rt::Tile::<f32>::new();
        let mut b_t = rt::Tile::<f32>::new();
        let mut y_t = rt::Tile::<f32>::new();
        for p0 in cx.range(0) {
            for t in rt::tiles(cx.range(1)) {
                let v0 = x.row([p0, t.start], [0, 1], t.len, &mut x_t);
                let v1 = w.row([t.start], [1], t.len, &mut w_t);
                let v2 = b.row([t.start], [1], t.len, &mut b_t);
                let mut y0 = y.row([p0, t.start], 1, t.len, &mut y_t);
                let y0 = &mut y0[..t.len];
                for i in 0..t.len {
                    let v3 = v0[i] * v1[i] + v2[i];
                    let v4 = v3 * v3 * v3;
                    let v5 = v3 + 0.044715f32 * v4;
                    let v6 = m.tanh(0.7978845608f32 * v5);
                    y0[i] = 0.5f32 * v3 * (1.0f32 + v6);
                }
            }
        }
    }
}

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

const MATRIX: Buffer = Buffer { dtype: DType::F32, dims: &[0, 1], order: &[0, 1], place: Place::Param };
const VECTOR: Buffer = Buffer { dtype: DType::F32, dims: &[1], order: &[0], place: Place::Param };
const RESULT: Buffer = Buffer { place: Place::Output, ..MATRIX };

static GELU: Plan = Plan {
    function: "gelu",
    symbols: &["B", "C"],
    slots: 2,
    sizes: |_| Some(()),
    params: &[
        Param { name: "x", dtype: DType::F32, dims: &[0, 1] },
        Param { name: "w", dtype: DType::F32, dims: &[1] },
        Param { name: "b", dtype: DType::F32, dims: &[1] },
    ],
    requires: &[],
    buffers: &[MATRIX, VECTOR, VECTOR, RESULT],
    outputs: &[3],
    steps: &[Step {
        action: Action::Launch(Launch {
            name: "gelu",
            cpu: rt::CpuKernel::new::<Gelu>(),
            cuda: Cuda::NONE,
            par: 2,
            extents: &[0, 1],
            lane_is_parallel: true,
            sizes: &[],
            inputs: &[0, 1, 2],
            outputs: &[Output { buffer: 3 }],
            collapse: &[true],
            accesses: &[&[0, 1], &[1], &[1], &[0, 1]],
            cost: 30,
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

static SOFTMAX: Plan = Plan {
    function: "softmax",
    symbols: &["B", "C"],
    slots: 2,
    sizes: |_| Some(()),
    params: &[Param { name: "x", dtype: DType::F32, dims: &[0, 1] }],
    requires: &[],
    buffers: &[MATRIX, RESULT],
    outputs: &[1],
    steps: &[Step {
        action: Action::Launch(Launch {
            name: "softmax",
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

fn median(rounds: usize, mut run: impl FnMut() -> Result<()>) -> Result<f64> {
    let mut times = Vec::new();
    for round in 0..rounds + rounds / 4 + 1 {
        let start = Instant::now();
        run()?;
        if round > rounds / 4 {
            times.push(start.elapsed().as_secs_f64());
        }
    }
    times.sort_by(f64::total_cmp);
    Ok(times[times.len() / 2])
}

fn report(
    name: &str,
    rounds: usize,
    plan: &'static Plan,
    operands: &[&Tensor<f32, (usize, usize)>],
    more: &[&Tensor<f32, (usize,)>],
) -> Result<()> {
    let mut raw = Vec::new();
    for x in operands {
        raw.push(x.raw()?);
    }
    for x in more {
        raw.push(x.raw()?);
    }
    let fresh = median(rounds, || rt::call::<1>(plan, &raw).map(drop))?;
    let mut out = Tensor::<f32, (usize, usize)>::zeros(operands[0].shape())?;
    let into = median(rounds, || rt::call_into(plan, &raw, &mut [out.raw_mut()]))?;
    println!("{name:24} fresh {:10.3} us   into {:10.3} us", fresh * 1e6, into * 1e6);
    Ok(())
}

fn main() -> Result<()> {
    println!("{} threads", rayon::current_num_threads());
    for (rows, columns, rounds) in [(4096, 2048, 40), (256, 768, 400), (4, 16, 4000), (8192, 10, 400)] {
        let wave = |n: usize| (0..n).map(|i| ((i * 2654435761) % 65537) as f32 / 8192.0 - 4.0).collect::<Vec<f32>>();
        let x = Tensor::from_vec((rows, columns), wave(rows * columns))?;
        let w = Tensor::from_vec((columns,), wave(columns))?;
        let b = Tensor::from_vec((columns,), wave(columns))?;
        report(&format!("gelu {rows}x{columns}"), rounds, &GELU, &[&x], &[&w, &b])?;
        report(&format!("softmax {rows}x{columns}"), rounds, &SOFTMAX, &[&x], &[])?;
    }
    Ok(())
}
