"""Writes numpy_cases.txt: functions of the language, arguments, and what NumPy gives.

    python numpy_cases.py > numpy_cases.txt

A case is a line with the source, a line `sizes N=2 M=3`, a line for each
argument and one `=` line for each result: dtype, shape, elements in C order.
"""

import math

import numpy as np

rng = np.random.default_rng(7)
NAMES = {"float64": "f64", "int64": "i64", "bool": "bool", "int32": "i32", "uint8": "u8", "uint64": "u64"}


def show(a):
    a = np.asarray(a)
    items = " ".join(repr(float(v)) if a.dtype == np.float64 else str(int(v)) for v in a.ravel())
    return f"{NAMES[a.dtype.name]} {','.join(map(str, a.shape)) or '-'} {items}".rstrip()


def case(source, sizes, args, *results):
    print(" ".join(source.split()))
    print("sizes", " ".join(f"{k}={v}" for k, v in sizes.items()))
    for a in args:
        print("arg", show(a))
    for r in results:
        print("=", show(r))
    print()


def normal(*shape):
    return np.round(rng.normal(size=shape), 3)


def one(expr, value, x, signature="x: f64[N, M]", result="f64[N, M]"):
    """A function of one array with the axes N, M."""
    case(f"fn f<N, M>({signature}) -> {result} {{ {expr} }}", {"N": x.shape[0], "M": x.shape[1]}, [x], value)


x = normal(3, 4)
edge = np.array([[-np.inf, -800.0, -30.0, -1.0], [0.0, -0.0, 0.5, 3.0], [6.0, 30.0, 800.0, np.nan]])
erf = np.vectorize(math.erf)
with np.errstate(all="ignore"):
    ex = np.exp(x - x.max(axis=1, keepdims=True))
    one("softmax(x)", ex / ex.sum(axis=1, keepdims=True), x)
    e0 = np.exp(x - x.max(axis=0, keepdims=True))
    one("softmax(x, axis=0)", e0 / e0.sum(axis=0, keepdims=True), x)
    one("log_softmax(x)", np.log(ex / ex.sum(axis=1, keepdims=True)), x)
    one("logsumexp(x, axis=1)", np.log(np.exp(x).sum(axis=1)), x, result="f64[N]")
    one("logsumexp(x)", np.log(np.exp(x).sum()), x, result="f64[]")
    big = np.array([[1e4, 1e4], [-np.inf, -np.inf], [np.inf, 1.0]])
    one("logsumexp(x, axis=1, keepdims=true)", np.array([[1e4 + math.log(2)], [-np.inf], [np.inf]]), big, result="f64[N, 1]")
    sig = np.where(edge >= 0, 1 / (1 + np.exp(-edge)), np.exp(edge) / (1 + np.exp(edge)))
    one("sigmoid(x)", sig, edge)
    one("silu(x)", edge * sig, edge)
    one("relu(x)", np.where(np.isnan(edge), edge, np.maximum(edge, 0.0)) + 0.0, edge)
    one("relu6(x)", np.minimum(np.maximum(edge, 0), 6) + 0.0, edge)
    one("leaky_relu(x, negative_slope=0.1)", np.where(edge > 0, edge, 0.1 * edge), edge)
    one("elu(x, alpha=0.5)", np.where(edge > 0, edge, 0.5 * np.expm1(np.minimum(edge, 0))), edge)
    one("selu(x)", 1.0507009873554804934193349852946 * np.where(x > 0, x, 1.6732632423543772848170429916717 * np.expm1(x)), x)
    one("gelu(x)", x * 0.5 * (1 + erf(x / math.sqrt(2))), x)
    one('gelu(x, approximate="tanh")', 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))), x)
    one("softplus(x)", np.logaddexp(0, edge), edge)
    one("log_sigmoid(x)", -np.logaddexp(0, -edge), edge)
    one("mish(x)", x * np.tanh(np.log1p(np.exp(x))), x)
    one("hardswish(x)", x * np.clip(x + 3, 0, 6) / 6, x)
    one("hardtanh(x)", np.clip(edge, -1, 1), edge)
    one("clip(x, -1, max=0.5)", np.clip(edge, -1, 0.5), edge)
    one("clip(x, max=0.5)", np.minimum(edge, 0.5), edge)
    one("hypot(x, 3.0)", np.hypot(edge, 3.0), edge)
    one("hypot(x, x)", np.hypot(edge, edge), edge)
    one("logaddexp(x, x.flip())", np.logaddexp(edge, edge[::-1, ::-1]), edge)
    one("lerp(x, 1.0, 0.25)", x + 0.25 * (1 - x), x)
    one("x ** 2 + x ** 3 - x ** -1 + abs(x) ** 0.5", x**2 + x**3 - 1 / x + abs(x) ** 0.5, x)
    one("logical_and(x, x > 1) | logical_not(x)", np.logical_and(edge, edge > 1) | np.logical_not(edge), edge, result="bool[N, M]")
    one("nan * x + inf", np.full((3, 4), np.nan), x)
    one("round(x * 2.5) + sign(x) + floor(x) + ceil(x) + trunc(x)", np.round(x * 2.5) + np.sign(x) + np.floor(x) + np.ceil(x) + np.trunc(x), x)

    one("x.mean()", x.mean(), x, result="f64[]")
    one("x.mean(axis=0, keepdims=true)", x.mean(axis=0, keepdims=True), x, result="f64[1, M]")
    one("x.var(axis=1)", x.var(axis=1), x, result="f64[N]")
    one("x.var(axis=(0, 1), ddof=1)", x.var(ddof=1), x, result="f64[]")
    one("x.std(axis=-2)", x.std(axis=0), x, result="f64[M]")
    one("x.var(axis=1, ddof=4)", x.var(axis=1, ddof=4), x, result="f64[N]")
    empty = np.zeros((2, 0))
    one("x.mean(axis=1)", np.full(2, np.nan), empty, result="f64[N]")
    one("x.sum(axis=1) + x.prod(axis=1)", np.ones(2), empty, result="f64[N]")
    one("norm(x)", np.linalg.norm(x), x, result="f64[]")
    one("norm(x, ord=1, axis=1)", abs(x).sum(axis=1), x, result="f64[N]")
    one("norm(x, ord=inf, axis=0)", abs(x).max(axis=0), x, result="f64[M]")
    one("norm(x, ord=3, axis=0)", (abs(x) ** 3).sum(axis=0) ** (1 / 3), x, result="f64[M]")
    one("count_nonzero(floor(x), axis=0)", np.count_nonzero(np.floor(x), axis=0), x, result="i64[M]")
    ties = np.array([[1.0, 3.0, 3.0, 2.0], [np.nan, 5.0, 1.0, np.nan], [0.0, -1.0, -1.0, 0.0]])
    one("argmax(x, axis=1)", ties.argmax(axis=1), ties, result="i64[N]")
    one("argmin(x, axis=0)", ties.argmin(axis=0), ties, result="i64[M]")
    one("argmax(x)", ties.argmax(), ties, result="i64[]")
    one("argmax(x, keepdims=true)", np.array([[ties.argmax()]]), ties, result="i64[1, 1]")
    one("max(x, axis=0)", ties.max(axis=0), ties, result="f64[M]")
    one("any(x > 2, axis=1)", (ties > 2).any(axis=1), ties, result="bool[N]")
    one("all(x, axis=1)", ties.all(axis=1), ties, result="bool[N]")

    w, b = normal(4), normal(4)
    d = x - x.mean(axis=1, keepdims=True)
    layer = d / np.sqrt((d * d).mean(axis=1, keepdims=True) + 1e-5)
    case("fn f<N, M>(x: f64[N, M], w: f64[M], b: f64[M]) -> f64[N, M] { layer_norm(x, w, b) }", {"N": 3, "M": 4}, [x, w, b], layer * w + b)
    one("layer_norm(x)", layer, x)
    case("fn f<N, M>(x: f64[N, M], w: f64[M]) -> f64[N, M] { rms_norm(x, w, eps=1e-6) }", {"N": 3, "M": 4}, [x, w], x / np.sqrt((x * x).mean(axis=1, keepdims=True) + 1e-6) * w)

image = normal(2, 4, 3, 2)
m, v, w, b = normal(4), abs(normal(4)), normal(4), normal(4)
c = lambda a: a[:, None, None]
case(
    "fn f<N, C, H, W>(x: f64[N, C, H, W], m: f64[C], v: f64[C], w: f64[C], b: f64[C]) -> f64[N, C, H, W] { batch_norm(x, m, v, w, b, eps=1e-3) }",
    {"N": 2, "C": 4, "H": 3, "W": 2}, [image, m, v, w, b], (image - c(m)) / np.sqrt(c(v) + 1e-3) * c(w) + c(b))
g = image.reshape(2, 2, -1)
gn = ((g - g.mean(axis=-1, keepdims=True)) / np.sqrt(g.var(axis=-1, keepdims=True) + 1e-5)).reshape(image.shape)
case(
    "fn f<N, C, H, W>(x: f64[N, C, H, W], w: f64[C]) -> f64[N, C, H, W] where C % 2 == 0 { group_norm(x, 2, weight=w) }",
    {"N": 2, "C": 4, "H": 3, "W": 2}, [image, w], gn * c(w))

# Losses.
logits, labels = normal(5, 3), np.array([0, 2, 1, 3, -1])
logp = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
picked = np.array([logp[i, k] if 0 <= k < 3 else np.nan for i, k in enumerate(labels)])
for dtype, name in [(np.int64, "i64"), (np.int32, "i32")]:
    case(f"fn f<B, K>(x: f64[B, K], y: {name}[B]) -> f64[B] {{ cross_entropy(x, y) }}", {"B": 5, "K": 3}, [logits, labels.astype(dtype)], -picked)
case("fn f<B, K>(x: f64[B, K], y: u8[B]) -> f64[B] { nll_loss(x, y) }", {"B": 5, "K": 3}, [logp, labels.astype(np.uint8)], -picked)
p, t = np.array([0.0, 0.25, 0.5, 1.0]), np.array([1.0, 0.25, 0.0, 1.0])
with np.errstate(all="ignore"):
    bce = -(t * np.maximum(np.log(p), -100) + (1 - t) * np.maximum(np.log1p(-p), -100))
case("fn f<N>(x: f64[N], y: f64[N]) -> f64[] { binary_cross_entropy(x, y) }", {"N": 4}, [p, t], bce.mean())
case('fn f<N>(x: f64[N], y: f64[N]) -> f64[N] { mse_loss(x, y, reduction="none") }', {"N": 4}, [p, t], (p - t) ** 2)
case("fn f<N>(x: f64[N], y: f64[N]) -> f64[] { l1_loss(x, y) + smooth_l1_loss(x, y, beta=0.5) }", {"N": 4}, [p, t],
     abs(p - t).mean() + np.where(abs(p - t) < 0.5, 0.5 * (p - t) ** 2 / 0.5, abs(p - t) - 0.25).mean())
case("fn f<N>(x: f64[N], y: f64[N]) -> f64[] { binary_cross_entropy_with_logits(x, y) }", {"N": 4}, [logits[:4, 0], t],
     (np.logaddexp(0, logits[:4, 0]) - logits[:4, 0] * t).mean())

# The matrix product.
for sa, sb in [((2, 3), (3, 4)), ((3,), (3,)), ((3,), (3, 4)), ((2, 3), (3,)), ((5, 2, 3), (3, 4)), ((2, 3), (5, 3, 4)), ((5, 2, 3), (5, 3, 4)),
               ((5, 2, 3), (1, 3, 4)), ((1, 2, 3), (5, 3, 4)), ((6, 1, 2, 3), (5, 3, 4)), ((5, 2, 3), (6, 1, 3, 4)), ((1, 2, 3), (1, 3, 4)), ((3,), (5, 3, 4)),
               ((5, 2, 3), (3,)), ((6, 1, 2, 3), (1, 5, 3, 4)), ((2, 0), (0, 3))]:
    a, bb = normal(*sa), normal(*sb)
    out = a @ bb
    ty = lambda s: f"f64[{', '.join(map(str, s))}]"
    case(f"fn f(a: {ty(sa)}, b: {ty(sb)}) -> {ty(out.shape)} {{ a @ b }}", {}, [a, bb], out)


def conv(x, w, stride, pads, dilation, groups):
    n, ci, *_ = x.shape
    o, i, kh, kw = w.shape
    x = np.pad(x, ((0, 0), (0, 0), pads[0], pads[1]))
    rh, rw = (kh - 1) * dilation[0] + 1, (kw - 1) * dilation[1] + 1
    oh, ow = (x.shape[2] - rh) // stride[0] + 1, (x.shape[3] - rw) // stride[1] + 1
    out = np.zeros((n, o, oh, ow))
    for k in range(o):
        part = x[:, (k // (o // groups)) * i:][:, :i]
        for r in range(oh):
            for s in range(ow):
                y, z = r * stride[0], s * stride[1]
                out[:, k, r, s] = (part[:, :, y:y + rh:dilation[0], z:z + rw:dilation[1]] * w[k]).sum(axis=(1, 2, 3))
    return out


def same(n, k, s, d):
    total = max((-(-n // s) - 1) * s + (k - 1) * d + 1 - n, 0)
    return total // 2, total - total // 2


def type_of(a):
    return f"f64[{', '.join(map(str, a.shape))}]"


# Each source is written twice: sizes known, and the image's sizes symbolic.
for ci, o, i, k, args, stride, pads, dilation, groups in [
    (3, 2, 3, (3, 3), "", (1, 1), ((0, 0), (0, 0)), (1, 1), 1),
    (3, 2, 3, (3, 2), "stride=2, padding=1", (2, 2), ((1, 1), (1, 1)), (1, 1), 1),
    (3, 2, 3, (1, 1), "", (1, 1), ((0, 0), (0, 0)), (1, 1), 1),
    (3, 2, 3, (1, 1), "stride=(2, 3)", (2, 3), ((0, 0), (0, 0)), (1, 1), 1),
    (3, 2, 3, (3, 1), "padding=(1, 0)", (1, 1), ((1, 1), (0, 0)), (1, 1), 1),
    (4, 6, 2, (3, 3), "groups=2, padding=((1, 2), (0, 1))", (1, 1), ((1, 2), (0, 1)), (1, 1), 2),
    (4, 4, 1, (3, 3), "groups=4, dilation=2, padding=2", (1, 1), ((2, 2), (2, 2)), (2, 2), 4),
    (4, 8, 1, (2, 2), "groups=4", (1, 1), ((0, 0), (0, 0)), (1, 1), 4),
    (4, 4, 1, (3, 3), 'groups=4, stride=2, padding="same"', (2, 2), "same", (1, 1), 4),
    (3, 2, 3, (5, 3), 'stride=2, padding="same"', (2, 2), "same", (1, 1), 1),
    (3, 2, 3, (3, 3), 'padding="same"', (1, 1), "same", (1, 1), 1),
    (3, 2, 3, (3, 3), 'padding="valid"', (1, 1), ((0, 0), (0, 0)), (1, 1), 1),
]:
    img, w = normal(2, ci, 7, 6), normal(o, i, *k)
    if pads == "same":
        pads = tuple(same(n, kk, s, d) for n, kk, s, d in zip((7, 6), k, stride, dilation))
    out = conv(img, w, stride, pads, dilation, groups)
    call = f"conv2d(x, w, {args})" if args else "conv2d(x, w)"
    case(f"fn f(x: {type_of(img)}, w: {type_of(w)}) -> {type_of(out)} {{ {call} }}", {}, [img, w], out)
    case(f"fn f<N, H, W>(x: f64[N, {ci}, H, W], w: {type_of(w)}) -> f64[] {{ {call}.sum() }}", {"N": 2, "H": 7, "W": 6}, [img, w], out.sum())
img, w, b = normal(2, 3, 5, 5), normal(4, 3, 3, 3), normal(4)
case(f"fn f(x: {type_of(img)}, w: {type_of(w)}, b: f64[4]) -> f64[2, 4, 3, 3] {{ conv2d(x, w, b) }}", {}, [img, w, b], conv(img, w, (1, 1), ((0, 0), (0, 0)), (1, 1), 1) + c(b))
line, kern = normal(2, 3, 8), normal(4, 3, 3)
case("fn f<N, L>(x: f64[N, 3, L], w: f64[4, 3, 3]) -> f64[N, 4, L] { conv1d(x, w, padding=1) }", {"N": 2, "L": 8}, [line, kern],
     conv(line[:, :, None], kern[:, :, None], (1, 1), ((0, 0), (1, 1)), (1, 1), 1)[:, :, 0])


def pool(x, k, s, pad, f, fill):
    x = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)), constant_values=fill)
    oh, ow = (x.shape[2] - k) // s + 1, (x.shape[3] - k) // s + 1
    return np.array([[[[f(x[n, ch, r * s:r * s + k, q * s:q * s + k]) for q in range(ow)] for r in range(oh)] for ch in range(x.shape[1])] for n in range(x.shape[0])])


img = normal(1, 2, 5, 6)
case("fn f<H, W>(x: f64[1, 2, H, W]) -> f64[1, 2, H / 2, W / 2] { max_pool2d(x, 2) }", {"H": 5, "W": 6}, [img], pool(img, 2, 2, 0, np.max, 0))
case("fn f(x: f64[1, 2, 5, 6]) -> f64[1, 2, 3, 3] { max_pool2d(x, 3, stride=2, padding=1) }", {}, [img], pool(img, 3, 2, 1, np.max, -np.inf))
case("fn f(x: f64[1, 2, 5, 6]) -> f64[1, 2, 3, 3] { avg_pool2d(x, 3, stride=2, padding=1) }", {}, [img], pool(img, 3, 2, 1, np.mean, 0))
case("fn f(x: f64[1, 2, 5, 6]) -> f64[1, 2, 3, 3] { avg_pool2d(x, 3, stride=2, padding=1, count_include_pad=false) }", {}, [img], pool(img, 3, 2, 1, np.nanmean, np.nan))
case("fn f<H, W>(x: f64[1, 2, H, W]) -> f64[1, 2, 1, 1] { adaptive_avg_pool2d(x, 1) }", {"H": 5, "W": 6}, [img], img.mean(axis=(2, 3), keepdims=True))
case("fn f(x: f64[1, 2, 5, 6]) -> f64[1, 2, 5, 2] { adaptive_avg_pool2d(x, (5, 2)) }", {}, [img], img.reshape(1, 2, 5, 2, 3).mean(axis=-1))

# Shapes.
x, y = normal(3, 4), normal(2, 4)
x[0, 0] = np.nan
S = lambda result, expr, value, sizes=None: case(f"fn f<N, M>(x: f64[N, M]) -> {result} {{ {expr} }}", {"N": 3, "M": 4}, [x], value)
case("fn f<N, K, M>(x: f64[N, M], y: f64[K, M]) -> f64[N + K, M] { concatenate((x, y)) }", {"N": 3, "K": 2, "M": 4}, [x, y], np.concatenate((x, y)))
case("fn f<N, K, M>(x: f64[N, M], y: f64[K, M]) -> f64[2*N + 3*K, M] { cat((x, y, y, x, y)) }", {"N": 3, "K": 2, "M": 4}, [x, y], np.concatenate((x, y, y, x, y)))
S("f64[N, 2, M]", "stack((x, -x), axis=1)", np.stack((x, -x), axis=1))
S("f64[N, M]", "roll(x, 1, axis=1)", np.roll(x, 1, axis=1))
S("f64[N, M]", "roll(x, -2)", np.roll(x, -2))
S("f64[N, M]", "roll(x, (1, 5), axis=(0, 1))", np.roll(x, (1, 5), axis=(0, 1)))
S("f64[2*N, 3*M]", "tile(x, (2, 3))", np.tile(x, (2, 3)))
S("f64[2, N, 2*M]", "tile(x, (2, 1, 2))", np.tile(x, (2, 1, 2)))
S("f64[N, 2*M]", "repeat(x, 2, axis=1)", np.repeat(x, 2, axis=1))
S("f64[2*N*M]", "repeat(x, 2)", np.repeat(x, 2))
S("f64[N + 3, M + 1]", "pad(x, ((1, 2), (0, 1)), value=9)", np.pad(x, ((1, 2), (0, 1)), constant_values=9))
S("f64[N + 3, M + 3]", "pad(x, (1, 2))", np.pad(x, (1, 2)))
S("f64[M, N]", "x.T", x.T)
S("f64[M, 1, N]", "x[None].transpose(2, 0, 1)", x[None].transpose(2, 0, 1))
S("f64[M, N, 1]", "moveaxis(x[..., None], 0, 1)", np.moveaxis(x[..., None], 0, 1))
S("f64[M, 1, N]", "swapaxes(expand_dims(x, 1), 0, -1)", np.swapaxes(np.expand_dims(x, 1), 0, -1))
S("f64[1, N, M, 1]", "expand_dims(x, (0, -1))", np.expand_dims(x, (0, -1)))
S("f64[N*M]", "x.flatten()", x.ravel())
S("f64[N, M]", "flip(x, axis=0) + x[::-1, ::-1]", np.flip(x, axis=0) + x[::-1, ::-1])
S("f64[2, N, M]", "broadcast_to(x, (2, N, M))", np.broadcast_to(x, (2, 3, 4)))
S("f64[M]", "x[-1] + x[1]", x[-1] + x[1])
S("f64[N, M]", "tril(x) - triu(x, k=1)", np.tril(x) - np.triu(x, k=1))
S("f64[]", "trace(x[1:, 1:])", np.trace(x[1:, 1:]))
S("f64[min(N, M)]", "diagonal(x)", np.diagonal(x))
S("f64[N, M]", "eye(N, M, dtype=f64) * 2", np.eye(3, 4) * 2)
S("f64[N*M, N*M]", "outer(x, x)", np.outer(x, x))
case("fn f<N, M>(x: f64[N, M]) -> (f64[N, 1], f64[N, 2], f64[N, M - 3]) where M >= 3 { split(x, (1, 3), axis=1) }", {"N": 3, "M": 4}, [x], x[:, :1], x[:, 1:3], x[:, 3:])
case("fn f(x: f64[3, 4]) -> (f64[3, 2], f64[3, 2]) { split(x, 2, axis=-1) }", {}, [x], x[:, :2], x[:, 2:])

# Creation, dtypes.
i = np.array([[5, -3, 0], [7, 2, -1]])
case("fn f<N>(x: i64[N, 3]) -> i64[N, 3] { x % 3 + floor_divide(x, 2) * 10 + (x ** 2) * 100 }", {"N": 2}, [i], i % 3 + i // 2 * 10 + i**2 * 100)
case("fn f<N>(x: i32[N, 3]) -> i64[] { x.sum() + x.max() + (x > 0).sum() }", {"N": 2}, [i.astype(np.int32)], i.sum() + i.max() + (i > 0).sum())
case("fn f<N>(x: u8[N]) -> u64[] { x.sum() }", {"N": 3}, [np.array([200, 100, 50], np.uint8)], np.uint64(350))
case("fn f<N>(x: u8[N]) -> u8[N] { x + 100 }", {"N": 3}, [np.array([200, 100, 50], np.uint8)], np.array([44, 200, 150], np.uint8))
case("fn f<N>(x: i64[N]) -> bool[N, 4] { one_hot(x, 4, bool) }", {"N": 3}, [np.array([1, 4, 3])], np.array([1, 4, 3])[:, None] == np.arange(4))
case("fn f<N>(x: f64[N]) -> i64[N] { arange(N) }", {"N": 4}, [normal(4)], np.arange(4))
case("fn f(x: f64[]) -> i64[4] { arange(10, 2, -2) }", {}, [normal()], np.arange(10, 2, -2))
case("fn f(x: f64[]) -> f64[3] { arange(1, 8, 3, dtype=f64) * x }", {}, [np.float64(2)], np.arange(1, 8, 3) * 2.0)
case("fn f<N>(x: i64[N]) -> f64[N] { x.astype(f64) / N + f64(x > 0) }", {"N": 3}, [np.array([1, -4, 3])], np.array([1, -4, 3]) / 3 + (np.array([1, -4, 3]) > 0))
case("fn f<N>(x: bool[N]) -> i64[N] { x + 1 }", {"N": 2}, [np.array([True, False])], np.array([2, 1]))
case("fn f<N>(x: u64[N], y: i64[N]) -> bool[N] { (x > y) & (y != x) }", {"N": 3}, [np.array([1, 2**63, 5], np.uint64), np.array([-1, 7, 5])], np.array([True, True, False]))
case("fn f<N>(x: f64[N], y: f64[N]) -> f64[] { x @ y + dot(x, y) }", {"N": 2}, [np.array([1.0, 2.0]), np.array([3.0, 4.0])], np.float64(22))
