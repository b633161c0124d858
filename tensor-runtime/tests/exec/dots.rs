//! Matrix products, alone and with a kernel on their result.

use ndfuse_runtime::plan::{Action, Cuda, Dot, DotAxis, Epilogue, Launch, Output, Place, PostOp, Role, Step, With};
use ndfuse_runtime::rt::{self, DType, Plan};
use ndfuse_runtime::{Operand, Tensor};

use crate::cases::{self, Case, KINDS, Kind, buffer, close, param, plan, values, wave};

const fn axis(role: Role, extent: u16, left: Option<(u8, i64)>, right: Option<(u8, i64)>, out: Option<u8>) -> DotAxis {
    DotAxis { role, extent, left, right, out }
}

/// Slot 4 is 0.
const ZERO: u16 = 4;

/// `out[b, m, n] = Σ left[b, m, k] right[b, k, n]`.
const BATCHED: Dot = Dot {
    dtype: DType::F32,
    left: 0,
    left_start: &[ZERO, ZERO, ZERO],
    right: 1,
    right_start: &[ZERO, ZERO, ZERO],
    axes: &[
        axis(Role::Batch, 0, Some((0, 1)), Some((0, 1)), Some(0)),
        axis(Role::Left, 1, Some((1, 1)), None, Some(1)),
        axis(Role::Right, 2, None, Some((2, 1)), Some(2)),
        axis(Role::Contract, 3, Some((2, 1)), Some((1, 1)), None),
    ],
    out: 2,
    epilogue: None,
};

const fn with_zero(inner: Plan) -> Plan {
    let sizes = |s: &mut [i64]| {
        s[4] = 0;
        Some(())
    };
    Plan { slots: 5, sizes, ..inner }
}

macro_rules! batched {
    ($plan:ident, $order:expr) => {
        static $plan: Plan = with_zero(plan(
            "matmul",
            &["B", "M", "N", "K"],
            &[param("a", DType::F32, &[0, 1, 3]), param("b", DType::F32, &[0, 3, 2])],
            &[
                buffer(DType::F32, &[0, 1, 3], &[0, 1, 2], Place::Param),
                buffer(DType::F32, &[0, 3, 2], &[0, 1, 2], Place::Param),
                buffer(DType::F32, &[0, 1, 2], $order, Place::Output),
            ],
            &[2],
            &[Step { action: Action::Dot(BATCHED), release: &[] }],
        ));
    };
}

batched!(MATMUL, &[0, 1, 2]);
batched!(MATMUL_T, &[2, 0, 1]);

fn matmul(a: &[f32], b: &[f32], [bs, m, n, k]: [usize; 4]) -> Vec<f32> {
    let mut out = vec![0.0; bs * m * n];
    for (i, out) in out.iter_mut().enumerate() {
        let (s, r, c) = (i / n / m, i / n % m, i % n);
        let term = |d: usize| f64::from(a[(s * m + r) * k + d]) * f64::from(b[(s * k + d) * n + c]);
        *out = (0..k).map(term).sum::<f64>() as f32;
    }
    out
}

const SHAPES: [[usize; 4]; 13] = [
    [1, 3, 4, 5],
    [2, 1, 1, 1],
    [1, 1, 300, 40],
    [1, 300, 1, 40],
    [3, 17, 33, 9],
    [1, 64, 64, 64],
    [40, 8, 8, 8],
    [1, 49, 500, 20],
    [2, 5, 7, 0],
    [0, 5, 7, 3],
    [1, 0, 7, 3],
    [2, 130, 100, 1],
    [1, 260, 270, 60],
];

#[test]
fn products_of_any_strides() {
    for shape in SHAPES {
        let [bs, m, n, k] = shape;
        for kind in KINDS {
            for other in [Kind::RowMajor, kind] {
                let a = Case::new(kind, &[bs, m, k], wave);
                let b = Case::new(other, &[bs, k, n], |i| wave(i + 3));
                let wanted = matmul(&a.values, &b.values, shape);
                for plan in [&MATMUL, &MATMUL_T] {
                    let found =
                        cases::on_pools(|| values::<f32>(&rt::call::<1>(plan, &[a.raw(), b.raw()]).unwrap()[0]));
                    close(&found, &wanted, 1e-4, &format!("{shape:?} {kind:?} {other:?}"));
                }
            }
        }
    }
}

/// `relu(product + bias)`, the bias along the last axis.
struct Bias;

impl rt::Kernel for Bias {
    type Unit = rt::unit::U0;

    #[inline(always)]
    fn run<M: rt::Isa>(m: M, cx: &mut rt::Cx<'_>) {
        let bias = cx.input::<f32, 1>(0);
        let x = cx.input::<f32, 3>(1);
        let mut y = cx.output::<f32, 3>(0);
        let mut b_t = rt::Tile::<f32>::new();
        let mut x_t = rt::Tile::<f32>::new();
        let mut y_t = rt::Tile::<f32>::new();
        for p0 in cx.range(0) {
            for p1 in cx.range(1) {
                for t in rt::tiles(cx.range(2)) {
                    let v0 = bias.row([t.start], [1], t.len, &mut b_t);
                    let v1 = x.row([p0, p1, t.start], [0, 0, 1], t.len, &mut x_t);
                    let mut y0 = y.row([p0, p1, t.start], 2, t.len, &mut y_t);
                    let y0 = &mut y0[..t.len];
                    for i in 0..t.len {
                        y0[i] = m.maximum(v0[i] + v1[i], 0.0);
                    }
                }
            }
        }
    }
}

const fn layer(epilogue: Epilogue) -> Dot {
    Dot { out: 4, epilogue: Some(epilogue), ..BATCHED }
}

const LAYER_EPILOGUE: Epilogue = Epilogue {
    launch: Launch {
        name: "k0",
        cpu: rt::CpuKernel::new::<Bias>(),
        cuda: Cuda::NONE,
        par: 3,
        extents: &[0, 1, 2],
        lane_is_parallel: true,
        sizes: &[],
        inputs: &[2, 4],
        outputs: &[Output { buffer: 3 }],
        collapse: &[true, false],
        accesses: &[&[2], &[0, 1, 2], &[0, 1, 2]],
        cost: 4,
    },
    input: 1,
    axes: &[0, 1, 2],
    bias: None,
    post_ops: None,
    function: "",
    text: "",
};

macro_rules! layer {
    ($plan:ident, $order:expr, $post_ops:expr) => {
        static $plan: Plan = with_zero(plan(
            "layer",
            &["B", "M", "N", "K"],
            &[param("a", DType::F32, &[0, 1, 3]), param("b", DType::F32, &[0, 3, 2]), param("bias", DType::F32, &[2])],
            &[
                buffer(DType::F32, &[0, 1, 3], &[0, 1, 2], Place::Param),
                buffer(DType::F32, &[0, 3, 2], &[0, 1, 2], Place::Param),
                buffer(DType::F32, &[2], &[0], Place::Param),
                buffer(DType::F32, &[0, 1, 2], $order, Place::Output),
                buffer(DType::F32, &[0, 1, 2], &[0, 1, 2], Place::Temp),
            ],
            &[3],
            &[Step { action: Action::Dot(layer(Epilogue { post_ops: $post_ops, ..LAYER_EPILOGUE })), release: &[] }],
        ));
    };
}

const RELU: PostOp = PostOp { scale: None, shift: Some(With::Input(0)), most: None, least: Some(0.0), positive: false };
layer!(LAYER, &[0, 1, 2], None);
layer!(POSTED, &[0, 1, 2], Some(&[RELU]));
layer!(TURNED, &[1, 0, 2], Some(&[RELU]));
layer!(ACROSS, &[2, 0, 1], Some(&[RELU]));
// No relu: what is found tells who computed it.
layer!(LINEAR, &[0, 1, 2], Some(&[PostOp { least: None, ..RELU }]));

#[test]
fn an_epilogue_sees_the_product_at_its_own_coordinates() {
    for shape in SHAPES.into_iter().chain([[1, 49, 1280, 320], [1, 700, 300, 90]]) {
        let [bs, m, n, k] = shape;
        for kind in KINDS {
            let a = Case::new(kind, &[bs, m, k], wave);
            let b = Case::new(kind, &[bs, k, n], |i| wave(i + 3));
            let bias = Case::new(kind, &[n], |i| wave(i + 9));
            let raw = [a.raw(), b.raw(), bias.raw()];
            let found = cases::on_pools(|| values::<f32>(&rt::call::<1>(&LAYER, &raw).unwrap()[0]));
            let mut wanted = matmul(&a.values, &b.values, shape);
            wanted.iter_mut().enumerate().for_each(|(i, v)| *v = (*v + bias.values[i % n]).max(0.0));
            close(&found, &wanted, 1e-3, &format!("{shape:?} {kind:?}"));
        }
    }
}

/// Whether this processor's products are made in tiles.
fn has_tiles() -> bool {
    #[cfg(target_arch = "x86_64")]
    let found = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
    #[cfg(not(target_arch = "x86_64"))]
    let found = false;
    found && std::env::var("NDFUSE_ISA").as_deref() != Ok("base")
}

/// The kernel and post-ops that say the same make the same bits, in the first call, which lays an operand out for itself, and in
/// those that have it kept.
#[test]
fn post_ops_are_the_kernel() {
    let more = [[1, 49, 80, 1300], [1, 700, 40, 90], [3, 24, 200, 70], [1, 1100, 24, 16], [1, 8, 17, 513]];
    for shape in SHAPES.into_iter().chain(more) {
        let [bs, m, n, k] = shape;
        for kind in KINDS {
            let a = Case::new(kind, &[bs, m, k], wave);
            let b = Case::new(kind, &[bs, k, n], |i| wave(i + 3));
            let bias = Case::new(kind, &[n], |i| wave(i + 9));
            let [x, y, z] = [&a, &b, &bias].map(|case| case.values.clone());
            let held = (
                Tensor::from_vec((bs, m, k), x).unwrap(),
                Tensor::from_vec((bs, k, n), y).unwrap(),
                Tensor::from_vec((n,), z).unwrap(),
            );
            let kept = [held.0.raw().unwrap(), held.1.raw().unwrap(), held.2.raw().unwrap()];
            let bits = |plan: &'static Plan, raw: &[rt::RawView<'_>; 3]| {
                let run = || values::<f32>(&rt::call::<1>(plan, raw).unwrap()[0]);
                cases::on_pools(run).iter().map(|x| x.to_bits()).collect::<Vec<_>>()
            };
            let raw = [a.raw(), b.raw(), bias.raw()];
            let wanted = bits(&LAYER, &raw);
            for plan in [&POSTED, &TURNED, &ACROSS] {
                assert!(bits(plan, &raw) == wanted, "{shape:?} {kind:?}");
            }
            let calls: Vec<_> = [&POSTED, &POSTED, &POSTED, &TURNED].map(|plan| bits(plan, &kept)).into();
            let wanted = bits(&LAYER, &kept);
            assert!(calls.iter().all(|found| *found == wanted), "{shape:?} {kind:?}: kept");
            // Lanes of the bias lie next to each other, or are one.
            let tiled = has_tiles() && m.min(n) >= 4 && ![Kind::Reversed, Kind::Gaps].contains(&kind);
            let sums = matmul(&a.values, &b.values, shape);
            let below = sums.iter().enumerate().any(|(i, sum)| sum + bias.values[i % n] < -0.01);
            let found = bits(&LINEAR, &raw).iter().any(|&x| f32::from_bits(x) < 0.0);
            assert_eq!(found, tiled && below, "{shape:?} {kind:?}: who computed it");
        }
    }
}

/// `other + relu6(product * 0.5 + bias)`.
struct Block;

impl rt::Kernel for Block {
    type Unit = rt::unit::U0;

    #[inline(always)]
    fn run<M: rt::Isa>(_: M, cx: &mut rt::Cx<'_>) {
        let x = cx.input::<f32, 3>(0);
        let bias = cx.input::<f32, 1>(1);
        let other = cx.input::<f32, 3>(2);
        let mut y = cx.output::<f32, 3>(0);
        let mut x_t = rt::Tile::<f32>::new();
        let mut b_t = rt::Tile::<f32>::new();
        let mut o_t = rt::Tile::<f32>::new();
        let mut y_t = rt::Tile::<f32>::new();
        for p0 in cx.range(0) {
            for p1 in cx.range(1) {
                for t in rt::tiles(cx.range(2)) {
                    let v0 = x.row([p0, p1, t.start], [0, 0, 1], t.len, &mut x_t);
                    let v1 = bias.row([t.start], [1], t.len, &mut b_t);
                    let v2 = other.row([p0, p1, t.start], [0, 0, 1], t.len, &mut o_t);
                    let mut y0 = y.row([p0, p1, t.start], 2, t.len, &mut y_t);
                    let y0 = &mut y0[..t.len];
                    for i in 0..t.len {
                        let x = v0[i] * 0.5 + v1[i];
                        let x = if x >= 6.0 { 6.0 } else { x };
                        y0[i] = v2[i] + if x <= 0.0 { 0.0 } else { x };
                    }
                }
            }
        }
    }
}

macro_rules! block {
    ($plan:ident, $post_ops:expr) => {
        static $plan: Plan = with_zero(plan(
            "block",
            &["B", "M", "N", "K"],
            &[
                param("a", DType::F32, &[0, 1, 3]),
                param("b", DType::F32, &[0, 3, 2]),
                param("bias", DType::F32, &[2]),
                param("other", DType::F32, &[0, 1, 2]),
            ],
            &[
                buffer(DType::F32, &[0, 1, 3], &[0, 1, 2], Place::Param),
                buffer(DType::F32, &[0, 3, 2], &[0, 1, 2], Place::Param),
                buffer(DType::F32, &[2], &[0], Place::Param),
                buffer(DType::F32, &[0, 1, 2], &[0, 1, 2], Place::Param),
                buffer(DType::F32, &[0, 1, 2], &[0, 1, 2], Place::Output),
                buffer(DType::F32, &[0, 1, 2], &[0, 1, 2], Place::Temp),
            ],
            &[4],
            &[Step {
                action: Action::Dot(Dot {
                    out: 5,
                    epilogue: Some(Epilogue {
                        launch: Launch {
                            cpu: rt::CpuKernel::new::<Block>(),
                            inputs: &[5, 2, 3],
                            outputs: &[Output { buffer: 4 }],
                            accesses: &[&[0, 1, 2], &[2], &[0, 1, 2], &[0, 1, 2]],
                            ..LAYER_EPILOGUE.launch
                        },
                        input: 0,
                        post_ops: $post_ops,
                        ..LAYER_EPILOGUE
                    }),
                    ..BATCHED
                }),
                release: &[],
            }],
        ));
    };
}

block!(BLOCK, None);
block!(
    BLOCK_POSTED,
    Some(&[
        PostOp {
            scale: Some(With::Number(0.5)),
            shift: Some(With::Input(1)),
            most: Some(6.0),
            least: Some(0.0),
            positive: true,
        },
        PostOp { scale: None, shift: Some(With::Input(2)), most: None, least: None, positive: false },
    ])
);

/// Bounds, zeros of both signs and NaN; an operand with rows of its own.
#[test]
fn post_ops_have_the_bounds_of_the_kernel() {
    for [bs, m, n, k] in [[1, 40, 70, 5], [3, 17, 33, 1100], [2, 64, 16, 9], [1, 5, 100, 60]] {
        for kind in KINDS {
            // Rows of zeros, of infinities, and of NaN.
            let a = Case::new(kind, &[bs, m, k], |i| match i / k % m {
                1 => 0.0,
                2 => f32::INFINITY,
                3 => f32::NAN,
                _ => wave(i),
            });
            let b = Case::new(kind, &[bs, k, n], |i| 9.0 * wave(i + 3));
            let bias = Case::new(Kind::RowMajor, &[n], |i| if i % 3 == 0 { -0.0 } else { wave(i) });
            let other = Case::new(kind, &[bs, m, n], |i| if i % 5 == 0 { -0.0 } else { wave(i + 1) });
            let raw = [a.raw(), b.raw(), bias.raw(), other.raw()];
            let found = |plan: &'static Plan| {
                let run = || values::<f32>(&rt::call::<1>(plan, &raw).unwrap()[0]);
                // A NaN is one, whatever its bits.
                let bits = |x: f32| if x.is_nan() { u32::MAX } else { x.to_bits() };
                cases::on_pools(|| run().into_iter().map(bits).collect::<Vec<_>>())
            };
            assert!(found(&BLOCK_POSTED) == found(&BLOCK), "{bs} {m} {n} {k} {kind:?}");
        }
    }
}

/// `out[c, h, w] = Σ weight[c, i, j] image[h + i, 2 * w + 1 - ... ]`: two contracted axes that share an operand's axes
/// with the result's.
static CONV: Plan = Plan {
    slots: 8,
    sizes: |s| {
        // 0: C, 1: H, 2: W, 3: output rows, 4: zero, 5: output columns, 6: three, 7: one.
        s[3] = s[1] - 3;
        s[4] = 0;
        s[5] = rt::dim::div(s[2] - 3, 2) + 1;
        s[6] = 3;
        s[7] = 1;
        Some(())
    },
    ..plan(
        "conv",
        &["C", "H", "W"],
        &[param("weight", DType::F64, &[0, 6, 6]), param("image", DType::F64, &[1, 2])],
        &[
            buffer(DType::F64, &[0, 6, 6], &[0, 1, 2], Place::Param),
            buffer(DType::F64, &[1, 2], &[0, 1], Place::Param),
            buffer(DType::F64, &[0, 3, 5], &[0, 1, 2], Place::Output),
        ],
        &[2],
        &[Step {
            action: Action::Dot(Dot {
                dtype: DType::F64,
                left: 0,
                left_start: &[4, 4, 4],
                right: 1,
                // From row 1 on.
                right_start: &[7, 4],
                axes: &[
                    axis(Role::Left, 0, Some((0, 1)), None, Some(0)),
                    axis(Role::Right, 3, None, Some((0, 1)), Some(1)),
                    axis(Role::Right, 5, None, Some((1, 2)), Some(2)),
                    axis(Role::Contract, 6, Some((1, 1)), Some((0, 1)), None),
                    axis(Role::Contract, 6, Some((2, 1)), Some((1, 1)), None),
                ],
                out: 2,
                epilogue: None,
            }),
            release: &[],
        }],
    )
};

#[test]
fn a_convolution_is_a_product() {
    for (c, h, w) in [(4, 9, 11), (1, 4, 3), (20, 40, 41)] {
        for kind in KINDS {
            let weight = Case::new(kind, &[c, 3, 3], |i| f64::from(wave(i)));
            let image = Case::new(kind, &[h, w], |i| f64::from(wave(i + 1)));
            let raw = [weight.raw(), image.raw()];
            let found = cases::on_pools(|| values::<f64>(&rt::call::<1>(&CONV, &raw).unwrap()[0]));
            let (rows, columns) = (h - 3, (w - 3) / 2 + 1);
            assert_eq!(found.len(), c * rows * columns);
            for (i, found) in found.iter().enumerate() {
                let (p, r, q) = (i / columns / rows, i / columns % rows, i % columns);
                let terms =
                    (0..9).map(|t| weight.values[p * 9 + t] * image.values[(1 + r + t / 3) * w + 2 * q + t % 3]);
                let wanted: f64 = terms.sum();
                assert!((found - wanted).abs() < 1e-11, "{c} {h} {w} {kind:?}: {found} {wanted}");
            }
        }
    }
}

/// One row more than there is.
static BEYOND: Plan = Plan {
    slots: 3,
    sizes: |s| {
        (s[1], s[2]) = (rt::dim::add(s[0], 1)?, 0);
        Some(())
    },
    ..plan(
        "beyond",
        &["N"],
        &[param("x", DType::F64, &[0, 0])],
        &[buffer(DType::F64, &[0, 0], &[0, 1], Place::Param), buffer(DType::F64, &[1, 0], &[0, 1], Place::Output)],
        &[1],
        &[Step {
            action: Action::Dot(Dot {
                dtype: DType::F64,
                left: 0,
                left_start: &[2, 2],
                right: 0,
                right_start: &[2, 2],
                axes: &[
                    axis(Role::Left, 1, Some((0, 1)), None, Some(0)),
                    axis(Role::Right, 0, None, Some((1, 1)), Some(1)),
                    axis(Role::Contract, 0, Some((1, 1)), Some((0, 1)), None),
                ],
                out: 1,
                epilogue: None,
            }),
            release: &[],
        }],
    )
};

#[test]
fn a_product_beyond_its_operand_is_refused() {
    for kind in KINDS {
        let x = Case::new(kind, &[5, 5], |i| i as f64);
        let error = rt::call::<1>(&BEYOND, &[x.raw()]).unwrap_err();
        assert!(matches!(error, rt::Error::Internal { .. }), "{error}");
    }
    let empty = Case::new(Kind::RowMajor, &[0, 0], |_| 0.0f64);
    assert!(values::<f64>(&rt::call::<1>(&BEYOND, &[empty.raw()]).unwrap()[0]).is_empty());
}
