"""What NumPy answers, as a table of small cases.

In: NumPy, and ml_dtypes for `bf16`. Out: the table on standard output, the same bytes each time.
Always: a case is the source of one `tensor!` function, its arguments and what
NumPy answers for the very same expression; where the language differs on
purpose the case gives the number of the expected error instead. Floats are
computed in float64 whatever their dtype, as the oracle does; only dtypes and
shapes come from a run in the true dtypes.

    python numpy_table.py > ../data/numpy/table.txt

The rules have the numbers of `docs/language.md`. Read by
`codegen/tests/numpy.rs`, which explains the format.
"""

import math
import sys
import warnings

import ml_dtypes
import numpy as np

warnings.simplefilter("ignore")

DTYPES = {
    "bool": np.bool_, "u8": np.uint8, "i8": np.int8, "u16": np.uint16, "i16": np.int16,
    "u32": np.uint32, "i32": np.int32, "u64": np.uint64, "i64": np.int64, "f32": np.float32, "f64": np.float64,
    "f16": np.float16, "bf16": ml_dtypes.bfloat16,
}
NAME_OF = {np.dtype(t): name for name, t in DTYPES.items()}
INTS = [d for d in DTYPES if d[0] in "ui"]
FLOATS = ["f32", "f64"]
HALVES = ["f16", "bf16"]
# Sizes have names by their value, so that a result's shape is written in them.
SYMBOLS = {0: "Z", 2: "B", 3: "C", 4: "D", 5: "E", 6: "F", 7: "G", 8: "H"}
nan, inf = math.nan, math.inf


class ByValue:
    """A scalar parameter, `f32` rather than `f32[]`."""

    def __init__(self, dtype, value):
        self.array = np.array(value, dtype=DTYPES[dtype])


def A(dtype, values, shape=None):
    array = np.array(values, dtype=DTYPES[dtype])
    return array if shape is None else array.reshape(shape)


def seq(dtype, *shape, start=-4, step=3, modulus=11):
    """Small numbers in no order, the same each time."""
    n = math.prod(shape)
    values = [(k * step + abs(start)) % modulus + start for k in range(n)]
    if dtype == "bool":
        values = [v % 3 == 0 for v in values]
    elif dtype[0] == "u":
        values = [abs(v) for v in values]
    elif dtype in FLOATS + HALVES:
        values = [v * 0.5 for v in values]
    return np.array(values, dtype=DTYPES[dtype]).reshape(shape)


def elementwise(f):
    return lambda x: np.vectorize(f, otypes=[x.dtype])(x) if x.size else x


def softmax(x, axis):
    e = np.exp(x - np.max(x, axis=axis, keepdims=True))
    return e / np.sum(e, axis=axis, keepdims=True)


def pad(x, width, mode="constant", value=0):
    return np.pad(x, width, mode=mode, **({"constant_values": value} if mode == "constant" else {}))


NAMES = {name: getattr(np, name) for name in """
    abs sign exp exp2 expm1 log log2 log10 log1p sqrt cbrt square reciprocal sin cos tan asin acos atan atan2 sinh
    cosh tanh asinh acosh atanh floor ceil round trunc clip minimum maximum fmin fmax hypot copysign floor_divide
    remainder power logaddexp isnan isinf isfinite logical_and logical_or logical_xor logical_not bitwise_and
    bitwise_or bitwise_xor left_shift right_shift where sum prod max min mean var std any all argmax argmin
    count_nonzero reshape transpose swapaxes moveaxis expand_dims squeeze broadcast_to flip roll concatenate stack
    split tile repeat tril triu zeros ones full arange eye zeros_like ones_like full_like matmul einsum outer dot trace
    diagonal ravel negative subtract multiply divide equal not_equal less less_equal greater greater_equal invert
    absolute add bitwise_not
""".split()}
NAMES.update(
    true=True, false=False, pad=pad, neg=np.negative,
    erf=elementwise(math.erf), erfc=elementwise(math.erfc),
    rsqrt=lambda x: 1 / np.sqrt(x), fma=lambda a, b, c: a * b + c,
    logsumexp=lambda x, axis=None: np.log(np.sum(np.exp(x), axis=axis)),
    softmax=softmax, sigmoid=lambda x: 1 / (1 + np.exp(-x)), relu=lambda x: np.maximum(x, 0),
    **DTYPES,
)

rows = []
seen = set()


def type_of(array, symbolic, by_value=False):
    dims = [SYMBOLS.get(n, str(n)) if symbolic else str(n) for n in array.shape]
    dtype = NAME_OF[array.dtype]
    return dtype if by_value else f"{dtype}[{', '.join(dims)}]"


def number(x):
    if isinstance(x, (bool, np.bool_)):
        return "1" if x else "0"
    if isinstance(x, (int, np.integer)):
        return str(int(x))
    return repr(float(x)) if not float(x).is_integer() or abs(x) > 1e15 or x == 0 and math.copysign(1, x) < 0 else str(int(x))


def text(array, values=None):
    values = array if values is None else values
    items = [number(v) if NAME_OF[array.dtype] in FLOATS + HALVES or array.dtype == bool else str(int(v)) for v in values.ravel()]
    return " ".join([type_of(array, False), *items])


def widened(arg):
    return arg.astype(np.float64) if NAME_OF[arg.dtype] in FLOATS + HALVES else arg


def answer(expr, reference, args, names):
    if reference is not None:
        out = reference(*args)
    else:
        out = eval(expr, {**names, **dict(zip("abcdefgh", args))})
    return [np.asarray(o) for o in out] if isinstance(out, (tuple, list)) else [np.asarray(out)]


def row(rule, name, expr, *args, sym=True, ref=None, err=None, ret=None, where="", body=None):
    """A case. `expr` is both the language's text and Python's, unless `ref`
    computes NumPy's answer; `body` is put before the expression."""
    name = f"{name}"
    while name in seen:
        name += "'"
    seen.add(name)
    arrays = [a.array if isinstance(a, ByValue) else a for a in args]
    params = [f"{n}: {type_of(x, sym, isinstance(a, ByValue))}" for n, a, x in zip("abcdefgh", args, arrays)]
    symbols = sorted({SYMBOLS[n] for x in arrays for n in x.shape if n in SYMBOLS}) if sym else []
    lines = []
    if err is None or ret is None:
        try:
            true = answer(expr, ref, arrays, NAMES)
            wide = answer(expr, ref, [widened(x) for x in arrays], {**NAMES, **dict.fromkeys(FLOATS + HALVES, np.float64)})
        except Exception as fault:
            if err is None or not err.startswith("E"):
                raise AssertionError(f"{name}: {expr}: {fault}")
            true = [np.zeros((), np.float64)]
        types = [type_of(x, sym) for x in true]
        ret = ret or (types[0] if len(types) == 1 else f"({', '.join(types)})")
    if err is None:
        lines = [f"= {text(t, w)}" for t, w in zip(true, wide)]
    else:
        lines = [f"! {err}"]
    generics = f"<{', '.join(symbols)}>" if symbols else ""
    where = f" where {where}" if where else ""
    source = f"fn f{generics}({', '.join(params)}) -> {ret}{where} {{ {body + ' ' if body else ''}{expr} }}"
    inputs = [f"> {text(x)}" for x in arrays]
    rows.append("\n".join([f"{rule} {name}", source, *inputs, *lines]))


def broadcasting():
    pairs = [((3,), (2, 3)), ((2, 1), (1, 3)), ((2, 3), ()), ((), ()), ((1,), (0,)), ((3, 1), (3, 0)), ((2, 1, 4), (3, 1)),
             ((1, 1), (5,)), ((4, 1, 3), (2, 3)), ((0, 3), (3,)), ((7, 1), (7, 7)), ((1,), (1,)), ((2, 3, 4), (4,))]
    for s, t in pairs:
        for dtype in ["f64", "i32"]:
            row(1, f"broadcast.{s}.{t}.{dtype}".replace(" ", ""), "a - b", seq(dtype, *s), seq(dtype, *t, start=-3))
    row(1, "broadcast.three", "where(a, b, c)", seq("bool", 2, 1), seq("f64", 3), seq("f64", 1, 1))
    row(1, "broadcast.to", "broadcast_to(a, (2, 3, 4))", seq("i64", 3, 1), sym=False)
    row(1, "broadcast.to.zero", "broadcast_to(a, (0, 3))", seq("i64", 1, 3), sym=False)
    for k, (s, t) in enumerate([((2,), (3,)), ((2, 3), (2,)), ((0,), (2,)), ((4, 3), (4, 4))]):
        row(1, f"broadcast.error{k}", "a + b", seq("f64", *s), seq("f64", *t), sym=False, err="E0402", ret="f64[]")
    row(1, "broadcast.to.error", "broadcast_to(a, (2, 4))", seq("f64", 3), sym=False, err="E0402", ret="f64[2, 4]")
    row(1, "broadcast.symbols", "a + b", seq("f64", 2), seq("f64", 3), err="E0403", ret="f64[B]")


def common(x, y):
    """The name of NumPy's common dtype, if there is one."""
    try:
        return NAME_OF[np.result_type(DTYPES[x], DTYPES[y])]
    except TypeError:
        return None


def promotion():
    """All pairs; where NumPy makes up a float that is neither, or has no common dtype, an error."""
    sample = {d: seq(d, 3, start=-4) for d in DTYPES}
    for x in DTYPES:
        for y in DTYPES:
            both = common(x, y)
            made_up = both is None or both in FLOATS and both not in (x, y)
            err = "E0301" if made_up else None
            both_bool = x == y == "bool"
            ret = "f64[C]" if both is None else None
            row(2, f"promote.add.{x}.{y}", "a + b", sample[x], sample[y][::-1].copy(), err="E0307" if both_bool else err, ret=ret)
            if list(DTYPES).index(x) > list(DTYPES).index(y):
                continue
            row(2, f"promote.where.{x}.{y}", "where(c, a, b)", sample[x], sample[y], A("bool", [1, 0, 1]), err=err, ret=ret)
            row(22, f"compare.lt.{x}.{y}", "a < b", sample[x], sample[y][::-1].copy(),
                err=err if made_up and {x, y} & {"f32", *HALVES} else None, ret=ret and "bool[C]")
    for x, y in [("i8", "f32"), ("u16", "f32"), ("i16", "f32"), ("i64", "f64"), ("bool", "f64"), ("u8", "i8")]:
        row(2, f"promote.mul.{x}.{y}", "a * b", sample[x], sample[y])
        row(2, f"promote.maximum.{x}.{y}", "maximum(a, b)", sample[x], sample[y])
        row(2, f"promote.concatenate.{x}.{y}", "concatenate((a, b))", sample[x], sample[y], sym=False)
        row(2, f"promote.stack.{x}.{y}", "stack((a, b))", sample[x], sample[y], sym=False)
    row(2, "promote.concatenate.error", "concatenate((a, b))", sample["i32"], sample["f32"], sym=False, err="E0301")
    row(2, "promote.power", "a ** b", A("u8", [1, 2, 3]), A("i8", [3, 2, 1]))


def literals():
    for dtype in INTS + FLOATS:
        row(3, f"literal.int.{dtype}", "a * 3 + 1", seq(dtype, 3))
        row(3, f"literal.compare.{dtype}", "a > 1", seq(dtype, 4))
        row(3, f"literal.maximum.{dtype}", "maximum(a, 2)", seq(dtype, 4))
    row(3, "literal.left", "1 - a", seq("i8", 4))
    row(3, "literal.float.f32", "a * 0.1", seq("f32", 3))
    row(3, "literal.float.f64", "a * 0.1", seq("f64", 3))
    row(3, "literal.bool.int", "a + 1", A("bool", [1, 0, 1]))
    row(3, "literal.bool.int.mul", "a * 3", A("bool", [1, 0]))
    row(3, "literal.true", "a + true", seq("i16", 3))
    row(3, "literal.edge", "a + 127", A("i8", [1, 0, -128]))
    row(3, "literal.min", "a + -128", A("i8", [1, 0, -128]))
    row(3, "literal.overflow.float", "a * 1e300", A("f64", [1e10, 1]))
    for dtype, value in [("u8", 300), ("u8", -1), ("i8", 128), ("u16", 65536), ("i32", 2**31), ("u64", -1), ("i64", 2**63)]:
        row(3, f"literal.range.{dtype}.{value}", f"a + {value}", seq(dtype, 2), err="E0305", ret=f"{dtype}[B]")
    for dtype in ["bool", "u8", "i32", "i64"]:
        row(3, f"literal.kind.{dtype}", "a * 0.5", seq(dtype, 2), err="E0306")
    row(3, "literal.where", "where(a > 0, a, 0)", seq("f32", 5))
    row(3, "literal.where.int", "where(a, 1, 0)", A("bool", [1, 0]))
    row(3, "literal.where.float", "where(a, 1.0, 0)", A("bool", [1, 0]), err="E0306")
    row(4, "zero_d.strong", "a + b", seq("f32", 3), A("f64", 0.1))
    row(4, "zero_d.int", "a + b", seq("i8", 3), A("i32", 1000))
    row(4, "zero_d.error", "a + b", seq("f32", 3), A("i64", 1), err="E0301")
    row(4, "scalar.f64", "a * b", seq("f64", 3), ByValue("f64", 2.5))
    row(4, "scalar.strong", "a * b", seq("f32", 3), ByValue("f64", 0.5))
    row(4, "scalar.int", "floor_divide(a, b)", seq("i32", 3), ByValue("i32", -2))


def integers():
    for dtype in INTS:
        info = np.iinfo(DTYPES[dtype])
        x = A(dtype, [info.min, info.min, info.max, info.max, 7, 7, 0, 1, info.max, info.min])
        y = A(dtype, [0, info.max, 0, 2, 0, 3, 5, info.max, info.min or 1, info.max])
        row(6, f"floor_divide.{dtype}", "floor_divide(a, b)", x, y)
        row(7, f"remainder.{dtype}", "a % b", x, y)
        row(10, f"wrap.add.{dtype}", "a + b", x, y)
        row(10, f"wrap.sub.{dtype}", "a - b", x, y)
        row(10, f"wrap.mul.{dtype}", "a * b", x, y)
        row(10, f"wrap.square.{dtype}", "a ** 2", x)
        row(10, f"wrap.cube.{dtype}", "a ** 3", x)
        row(10, f"power.{dtype}", "a ** b", A(dtype, [2, 3, 5, 0, 0, 1, 2, 7]), A(dtype, [3, 5, 0, 0, 4, 9, 100, 40]))
        row(5, f"div.{dtype}", "a / b", x, y, err="E0302")
        if info.min < 0:
            signs = [7, 7, -7, -7, 6, -6, -1, 1, -8, 8]
            by = [2, -2, 2, -2, -3, 3, 5, -5, 8, -8]
            row(6, f"floor_divide.signs.{dtype}", "floor_divide(a, b)", A(dtype, signs), A(dtype, by))
            row(7, f"remainder.signs.{dtype}", "remainder(a, b)", A(dtype, signs), A(dtype, by))
            row(6, f"floor_divide.min.{dtype}", "floor_divide(a, b)", A(dtype, [info.min, -1, 0]), A(dtype, [-1, -1, -1]))
            row(7, f"remainder.min.{dtype}", "a % b", A(dtype, [info.min, 5, 0]), A(dtype, [-1, -1, -1]))
            row(10, f"abs.min.{dtype}", "abs(a)", A(dtype, [info.min, -1, info.max]))
            row(10, f"neg.min.{dtype}", "-a", A(dtype, [info.min, -1, info.max]))
            row(10, f"power.negative.{dtype}", "a ** -1", A(dtype, [2]), err="E0209", ret=f"{dtype}[1]")
        row(24, f"sign.{dtype}", "sign(a)", x)
        row(24, f"clip.{dtype}", "clip(a, 1, 5)", x)
        row(24, f"round.{dtype}", "round(a)", x)
        row(25, f"floor.{dtype}", "floor(a)", x)
        row(0, f"bits.{dtype}", "((a & b) | (a ^ 3)) & ~b", x, y)
        bits = info.bits
        row(0, f"shift.left.{dtype}", "a << b", A(dtype, [1, 1, 3, 1, 5, 2]), A(dtype, [0, bits - 2, bits - 1, bits, 100, 1]))
        row(0, f"shift.right.{dtype}", "a >> b", A(dtype, [info.max, info.min, info.max, info.min, 9]), A(dtype, [1, 1, bits - 1, bits, 100]))
        row(0, f"shift.literal.{dtype}", "(a << 1) >> 2", x)
        row(0, f"max.{dtype}", "maximum(a, b) - minimum(a, b)", x, y)
        row(25, f"float.{dtype}", "exp(a)", seq(dtype, 2), err="E0303", ret="f64[B]")
        row(17, f"mean.{dtype}", "a.mean()", seq(dtype, 2), err="E0304", ret="f64[]")
    row(17, "mean.bool", "a.mean()", seq("bool", 2), err="E0304")
    row(5, "div.bool", "a / b", seq("bool", 2), seq("bool", 2), err="E0307")
    row(0, "bits.bool", "(a & b, a | b, a ^ b, ~a)", A("bool", [0, 0, 1, 1]), A("bool", [0, 1, 0, 1]))
    row(0, "logical.bool", "(logical_and(a, b), logical_or(a, b), logical_xor(a, b), logical_not(a))", A("bool", [0, 0, 1, 1]), A("bool", [0, 1, 0, 1]))
    row(0, "logical.int", "(logical_and(a, b), logical_or(a, b), logical_xor(a, b), logical_not(a))", A("i32", [0, 0, 2, 4]), A("i32", [0, -1, 0, 1]))
    row(0, "bits.bool.sub", "a - b", seq("bool", 2), seq("bool", 2), err="E0307", ret="bool[B]")
    row(0, "bits.float", "a & b", seq("f32", 2), seq("f32", 2), err="E0308", ret="f32[B]")
    row(0, "neg.unsigned", "-a", seq("u8", 2), err="E0308", ret="u8[B]")
    row(0, "max.bool", "(maximum(a, b), minimum(a, b), a < b, a == b)", A("bool", [0, 0, 1, 1]), A("bool", [0, 1, 0, 1]))


SPECIAL = [0.0, -0.0, 1.0, -1.0, 2.5, -2.5, inf, -inf, nan, 7.0, -7.0, 0.3]


def grid(dtype):
    x, y = np.meshgrid(SPECIAL, SPECIAL, indexing="ij")
    return A(dtype, x.ravel()), A(dtype, y.ravel())


def floats():
    x, y = grid("f64")
    row(8, "remainder.float", "a % b", x, y)
    row(9, "floor_divide.float", "floor_divide(a, b)", x, y)
    for name in ["maximum", "minimum", "fmax", "fmin"]:
        # Which of two zeros NumPy gives depends on the machine.
        keep = ~((x == 0) & (y == 0) & (np.signbit(x) != np.signbit(y)))
        row(11, f"{name}.nan", f"{name}(a, b)", x[keep], y[keep])
    row(22, "compare.nan", "(a == b, a != b, a < b, a <= b, a > b, a >= b)", x, y)
    row(0, "copysign", "copysign(a, b)", x, y)
    row(0, "atan2", "atan2(a, b)", x, y)
    row(0, "div.float", "a / b", x, y)
    row(0, "mul.float", "a * b", x, y)
    row(0, "add.float", "(a + b, a - b)", x, y)
    row(0, "power.float", "a ** b", x, y)
    row(0, "hypot", "hypot(a, b)", x, y)
    row(0, "logaddexp", "logaddexp(a, b)", x, y)
    more = [*SPECIAL, 0.5, 1.5, -0.5, -1.5, 3.5, 4.5, 1e-8, -1e-8, 1e300, -1e300, 20.0, -20.0, 800.0, -800.0, 0.9999999]
    x = A("f64", more)
    row(24, "round.half", "round(a)", A("f64", [0.5, 1.5, 2.5, -0.5, -1.5, -2.5, 0.4999999999999999, 1e300, nan, inf, -0.0, 4503599627370497.5]))
    row(24, "sign.float", "sign(a)", x)
    row(24, "clip.float", "clip(a, -1.0, 2.0)", x)
    row(24, "clip.array", "clip(a, b, c)", A("f64", [nan, 1, 2, 3, 1]), A("f64", [0, nan, 0, 5, 3]), A("f64", [1, 1, nan, 1, 2]))
    row(24, "clip.swapped", "clip(a, 3, 1)", seq("i32", 5))
    for name in "abs floor ceil trunc sqrt cbrt square reciprocal exp exp2 expm1 log log2 log10 log1p sin cos tan asin acos atan sinh cosh tanh asinh acosh atanh erf erfc".split():
        values = x
        if name in ("sin", "cos", "tan"):
            values = x[np.abs(np.nan_to_num(x, posinf=1, neginf=1)) < 1e200]
        if name in ("erf", "erfc"):
            values = x
        row(0, f"float.{name}", f"{name}(a)", values)
        row(0, f"float.{name}.f32", f"{name}(a)", seq("f32", 6, start=-3))
    row(0, "float.rsqrt", "rsqrt(a)", A("f64", [0.0, 1.0, 4.0, inf, nan, -1.0, 2.0]))
    row(0, "tests", "(isnan(a), isinf(a), isfinite(a))", x)
    row(0, "tests.int", "(isnan(a), isinf(a), isfinite(a))", seq("i32", 3))
    row(0, "sigmoid", "sigmoid(a)", A("f64", [0.0, 1.0, -1.0, 30.0, -30.0]))
    row(0, "relu", "relu(a)", A("f64", [0.0, 1.0, -1.0, nan, inf, -inf]))
    row(0, "fma", "fma(a, b, c)", seq("f64", 5), seq("f64", 5, start=-2), seq("f64", 5, start=-3))
    for power in [2, 3, 0.5, -1, 0, 1, 4, -2, 2.0, 1.5]:
        row(0, f"power.literal.{power}", f"a ** {power}", A("f64", [0.0, 1.0, 2.0, 0.5, inf, nan, 3.25, -2.0]))
    row(0, "power.precedence", "-a ** 2 + 2 ** -a", A("f64", [1, 2, 3]))
    row(0, "power.right", "a ** b ** 2", A("f64", [2, 3]), A("f64", [1, 2]))


def reductions():
    shapes = [(3,), (2, 3, 4), ()]
    for shape in shapes:
        axes = [None, *range(-len(shape), len(shape))]
        for dtype in ["f64", "i32"]:
            for axis in axes:
                at = f"axis={axis}"
                x = seq(dtype, *shape)
                for name in ["sum", "prod", "max", "min", "argmax", "argmin"]:
                    row(19, f"{name}.{dtype}.{len(shape)}d.{axis}", f"{name}(a, {at})", x)
        for axis in axes:
            row(19, f"any_all.{len(shape)}d.{axis}", f"(any(a, axis={axis}), all(a, axis={axis}))", seq("bool", *shape))
    for axes in ["(0, 1)", "(0, 2)", "(-1, 0)", "(2, 1, 0)", "(1,)", "()"]:
        for keep in ["true", "false"]:
            row(19, f"axes.{axes}.{keep}".replace(" ", ""), f"sum(a, axis={axes}, keepdims={keep})", seq("f64", 2, 3, 4))
            row(19, f"axes.max.{axes}.{keep}".replace(" ", ""), f"max(a, axis={axes}, keepdims={keep})", seq("i64", 2, 3, 4))
    for name in ["sum", "mean", "max", "argmax", "std"]:
        row(19, f"keepdims.{name}", f"{name}(a, axis=1, keepdims=true)", seq("f64", 2, 3, 4))
        row(19, f"keepdims.all.{name}", f"{name}(a, keepdims=true)", seq("f64", 2, 3))
        row(19, f"method.{name}", f"a.{name}(axis=-1)", seq("f64", 2, 3))
    for dtype in ["f64", "i64"]:
        row(19, f"axis.range.{dtype}", "sum(a, axis=2)", seq(dtype, 2, 3), err="E0501", ret=f"{dtype}[B]")
        row(19, f"axis.range.low.{dtype}", "sum(a, axis=-3)", seq(dtype, 2, 3), err="E0501", ret=f"{dtype}[B]")
        row(19, f"axis.twice.{dtype}", "sum(a, axis=(0, -2))", seq(dtype, 2, 3), err="E0502", ret=f"{dtype}[C]")
    for dtype in DTYPES:
        for name in ["sum", "prod"]:
            row(13, f"{name}.dtype.{dtype}", f"{name}(a, axis=0)", seq(dtype, 4, 3))
        for name in ["any", "all"]:
            row(13, f"{name}.dtype.{dtype}", f"{name}(a, axis=1)", seq(dtype, 3, 4))
        for name in ["max", "min", "argmax", "argmin", "count_nonzero"]:
            row(13, f"{name}.dtype.{dtype}", f"{name}(a, axis=1)", seq(dtype, 3, 4))
        row(13, f"max.whole.{dtype}", "(a.max(), a.min(), a.argmax(), a.argmin())", seq(dtype, 5))
    row(13, "sum.u8.wide", "a.sum()", A("u8", [255] * 6))
    row(13, "sum.i8.wide", "a.sum()", A("i8", [-128] * 7))
    row(13, "sum.i64.wraps", "a.sum()", A("i64", [2**63 - 1, 1, 5]))
    row(13, "prod.u8.wide", "a.prod()", A("u8", [255] * 8))
    row(13, "sum.bool", "(a > 0).sum()", seq("f32", 5))
    ties = A("f64", [1, 3, 3, 2, 1, 1])
    row(12, "arg.ties", "(a.argmax(), a.argmin())", ties)
    row(12, "arg.nan", "(a.argmax(), a.argmin())", A("f64", [1, nan, 5, nan, -3]))
    row(12, "arg.nan.first", "(a.argmax(), a.argmin())", A("f64", [nan, 1, 2]))
    row(12, "arg.inf", "(a.argmax(), a.argmin())", A("f64", [-inf, -inf, -inf]))
    row(12, "arg.zeros", "(a.argmax(), a.argmin())", A("f64", [-0.0, 0.0, -0.0]))
    row(12, "arg.flat", "(a.argmax(), a.argmin())", seq("f64", 3, 4))
    row(12, "arg.bool", "(a.argmax(), a.argmin())", A("bool", [0, 1, 1, 0]))
    row(12, "arg.nan.axis", "(a.argmax(axis=0), a.argmin(axis=1))", A("f64", [1, nan, 3, nan, 2, 3, 0, nan, 9], (3, 3)))
    row(12, "arg.ties.axis", "(a.argmax(axis=0), a.argmin(axis=-1))", A("i32", [1, 1, 1, 2, 2, 2], (2, 3)))
    row(12, "arg.min", "a.argmax()", A("i8", [-128, -128]))
    row(12, "arg.keepdims", "a.argmax(keepdims=true)", seq("f64", 2, 3))
    row(11, "max.nan", "(a.max(), a.min())", A("f64", [1, nan, 5]))
    row(11, "max.nan.axis", "(a.max(axis=0), a.min(axis=1))", A("f64", [1, nan, 3, 4, 5, -inf], (2, 3)))
    for name in ["sum", "prod", "any", "all", "mean", "count_nonzero"]:
        dtype = "bool" if name in ("any", "all") else "f64"
        row(15, f"empty.{name}", f"a.{name}()" if name != "count_nonzero" else "count_nonzero(a)", seq(dtype, 0))
        row(15, f"empty.{name}.axis", f"{name}(a, axis=0)", seq(dtype, 0, 3))
        row(16, f"zero.{name}.axis", f"{name}(a, axis=1)", seq(dtype, 0, 3))
    for dtype in ["i32", "u8"]:
        row(15, f"empty.sum.{dtype}", "(a.sum(), a.prod())", seq(dtype, 0))
    for name in ["max", "min", "argmax", "argmin"]:
        result = "i64" if name[0] == "a" else "f64"
        row(15, f"empty.{name}", f"a.{name}()", seq("f64", 0), sym=False, err="E0503", ret=f"{result}[]")
        row(15, f"empty.{name}.symbol", f"a.{name}()", seq("f64", 0), err="run", ret=f"{result}[]")
        row(16, f"zero.{name}.axis", f"{name}(a, axis=1)", seq("f64", 0, 3))
        row(16, f"zero.{name}.fixed", f"{name}(a, axis=-1)", seq("f64", 2, 0, 3), sym=False)
    for ddof in [0, 1, 2, 3]:
        for name in ["var", "std"]:
            row(18, f"{name}.{ddof}", f"{name}(a, ddof={ddof})", A("f64", [1.0, 2.5, 4.0, 7.25]))
            row(18, f"{name}.{ddof}.short", f"{name}(a, ddof={ddof})", A("f64", [1.0, 2.0]))
            row(18, f"{name}.{ddof}.axis", f"{name}(a, axis=1, ddof={ddof})", seq("f64", 2, 5))
    row(18, "var.offset", "a.var()", A("f64", [1e8 + 1, 1e8 + 2, 1e8 + 3, 1e8 + 4]))
    row(18, "var.one", "(a.var(), a.std())", A("f64", [3.0]))
    row(18, "var.empty", "a.var()", seq("f64", 0))
    row(18, "var.keepdims", "var(a, axis=(0, 2), keepdims=true)", seq("f64", 2, 3, 4))
    row(17, "mean.f32", "a.mean(axis=0)", seq("f32", 3, 4))
    row(17, "mean.all", "a.mean()", seq("f64", 3, 4))
    row(17, "mean.nan", "a.mean(axis=1)", A("f64", [1, nan, 2, 4, inf, -inf], (3, 2)))
    row(17, "mean.axes", "mean(a, axis=(0, 1))", seq("f64", 2, 3, 4))
    row(14, "sum.long", "a.sum()", seq("f64", 1025, modulus=1009), sym=False)
    row(0, "softmax", "softmax(a, axis=-1)", seq("f64", 3, 5))
    row(0, "softmax.axis0", "softmax(a, axis=0)", seq("f64", 3, 5))
    row(0, "softmax.large", "softmax(a, axis=-1)", A("f64", [1000.0, 1000.0, 999.0, -1000.0]))
    row(0, "logsumexp", "logsumexp(a, axis=1)", seq("f64", 3, 5))
    row(0, "composite", "(a - a.mean(axis=-1, keepdims=true)) / a.std(axis=-1, keepdims=true)", seq("f64", 3, 5))


def slices():
    bounds = [None, 0, 1, 3, 5, 6, 100, -1, -2, -5, -6, -100]
    k = 0
    # A result of known shape: how many elements, their sum, their weighted sum.
    digest = "(y.sum(), (y * arange(len(y))).sum(), (y * 0 + 1).sum())"
    for step in [None, 1, 2, 3, -1, -2, -3, 7, -7]:
        for start in bounds:
            for stop in bounds:
                # More pairs for the simple steps than for the others.
                k += 1
                if k % {None: 5, -1: 4}.get(step, 11):
                    continue
                t = ["" if b is None else str(b) for b in (start, stop, step)]
                expr = f"{t[0]}:{t[1]}" + (f":{t[2]}" if step is not None else "")
                row(20, f"slice[{expr}]", f"a[{expr}]", A("i8", [10, 11, 12, 13, 14]), sym=False)

                def ref(a, expr=expr):
                    y = eval(f"a[{expr}]", {"a": a})
                    return y.sum(), (y * np.arange(len(y))).sum(), (y * 0 + 1).sum()

                row(20, f"slice[{expr}].symbol", digest, A("i64", [10, 11, 12, 13, 14]), body=f"let y = a[{expr}];", ref=ref)
    for n in [0, 1, 2]:
        for expr in ["1:", ":-1", "::-1", "::2", "-1:", "-2:1", "1:1", "5:", ":5", "0::-2"]:
            def ref(a, expr=expr):
                y = eval(f"a[{expr}]", {"a": a})
                return y.sum(), (y * np.arange(len(y))).sum(), (y * 0 + 1).sum()

            row(20, f"short{n}[{expr}]", digest, A("i64", list(range(10, 10 + n))), body=f"let y = a[{expr}];", ref=ref)
            row(20, f"fixed{n}[{expr}]", f"a[{expr}]", A("i64", list(range(10, 10 + n))), sym=False)
    x = seq("i32", 3, 4, 5)
    for expr in ["1", "-1", "...", "..., 0", "0, ...", "None", ":, None", "..., None", "1:, ::-2, None, 0", "1:, ::-2, None, ..., 0", "::-1, ::-1, ::-1",
                 "0, 1, 2", "-1, -1, -1", ":, 1", ":, :, 1:3", "2, :, ::2", "None, ..., None", "1:2, ..., :-1", ":, -2, ...", "1::-1, 3:0:-2"]:
        row(20, f"index[{expr}]".replace(" ", ""), f"a[{expr}]", x, sym=False)
    for expr in ["5", "-6"]:
        row(20, f"index.range[{expr}]", f"a[{expr}]", A("i64", [1, 2, 3, 4, 5]), sym=False, err="E0504", ret="i64[]")
        row(20, f"index.range.run[{expr}]", f"a[{expr}]", A("i64", [1, 2, 3, 4, 5]), err="run", ret="i64[]")
    row(20, "index.zero_step", "a[::0]", seq("i64", 3), err="E0505", ret="i64[C]")
    row(20, "index.many", "a[0, 0]", seq("i64", 3), err="E0506", ret="i64[]")
    row(21, "mask", "a[a > 0]", seq("i64", 3), err="E0507", ret="i64[C]")
    row(21, "where.mask", "where(a > 0, a, -a)", seq("i64", 5))


def products():
    for s, t in [((3,), (3,)), ((2, 3), (3,)), ((2,), (2, 3)), ((2, 3), (3, 4)), ((5, 2, 3), (5, 3, 4)), ((5, 2, 3), (3, 4)), ((2, 3), (5, 3, 4)),
                 ((5, 1, 2, 3), (7, 3, 4)), ((3,), (5, 3, 4)), ((5, 2, 3), (3,)), ((2, 0), (0, 3)), ((0, 3), (3, 4)), ((0,), (0,)), ((2, 3), (3, 0)),
                 ((1, 2, 3), (5, 3, 4)), ((1, 1), (1, 1)), ((5, 0, 3), (5, 3, 2))]:
        for dtype in ["f64", "i32"]:
            row(23, f"matmul.{s}.{t}.{dtype}".replace(" ", ""), "a @ b", seq(dtype, *s), seq(dtype, *t, start=-3, step=5))
    row(23, "matmul.promote", "a @ b", seq("i16", 2, 3), seq("f32", 3, 2))
    row(23, "matmul.u8", "a @ b", A("u8", [200, 100, 3, 4], (2, 2)), A("u8", [2, 3, 4, 5], (2, 2)))
    row(23, "matmul.T", "a.T @ a", seq("f64", 3, 2))
    row(23, "matmul.chain", "(a @ b) @ c", seq("f64", 2, 3), seq("f64", 3, 4), seq("f64", 4, 5))
    row(23, "matmul.epilogue", "relu(a @ b + c)", seq("f64", 2, 3), seq("f64", 3, 4), seq("f64", 4))
    row(23, "matmul.slice", "a[::-1, 1:] @ b[:2, ::-2]", seq("f64", 4, 3), seq("f64", 3, 5), sym=False)
    row(23, "matmul.shape", "a @ b", seq("f64", 2, 3), seq("f64", 4, 5), sym=False, err="E0404", ret="f64[2, 5]")
    row(23, "matmul.scalar", "a @ b", seq("f64", 2, 3), A("f64", 2.0), err="E0405", ret="f64[B, C]")
    for subscripts, *shapes in [
        ("ij,jk->ik", (2, 3), (3, 4)), ("ij,jk", (2, 3), (3, 4)), ("ij,kj->ki", (2, 3), (4, 3)), ("bij,bjk->bik", (2, 3, 4), (2, 4, 5)),
        ("bhqd,bhkd->bhqk", (2, 3, 4, 5), (2, 3, 6, 5)), ("i,i->", (3,), (3,)), ("i,i->i", (3,), (3,)), ("i,j->ji", (2,), (3,)),
        ("ij->ji", (2, 3)), ("ba", (2, 3)), ("ij->", (2, 3)), ("ijk->k", (2, 3, 4)), ("ij,j->i", (2, 3), (3,)), ("ij,k->ij", (2, 3), (4,)),
        ("ijk,jil->kl", (2, 3, 4), (3, 2, 5)), ("...ij,...jk->...ik", (2, 3, 4), (4, 5)), ("...ij,...jk", (5, 2, 3, 4), (2, 4, 3)),
        ("i...->...", (2, 3, 4)), ("...,...", (2, 3), (3,)), ("ij,jk->ik", (2, 1), (3, 4)), ("bij,bjk->bik", (1, 2, 3), (4, 3, 2)),
        ("ij,jk,kl->il", (2, 3), (3, 4), (4, 5)), ("ij,ik,il->jkl", (2, 3), (2, 4), (2, 5)), ("i,ij,j", (2,), (2, 3), (3,)), (" i j , j -> i ", (2, 3), (3,)),
        ("ij,jk->ik", (0, 3), (3, 2)), ("ij,jk->ik", (2, 0), (0, 3)), (",i->i", (), (3,)), ("", ()), ("Aa,aB->AB", (2, 3), (3, 4)), ("ij,jk", (2, 3), (3, 1)),
    ]:
        # Where nothing is summed, or the other operand alone, NumPy adds 0 to the product, and loses the sign of another.
        sums = set(subscripts.split("->")[0]) - set(subscripts.split("->")[-1]) - set(" ,") if "->" in subscripts else False
        args = [seq("f64", *s, start=k - 4 if sums and not any(1 in s for s in shapes) else k + 1) for k, s in enumerate(shapes)]
        name = f"einsum.{subscripts}.{shapes}".replace(" ", "")
        row(23, name, f'einsum("{subscripts}", {", ".join("abc"[:len(args)])})', *args)
    for dtype in ["u8", "i32", "f32", "f16"]:
        row(23, f"einsum.{dtype}", 'einsum("ij,kj->ik", a, b)', seq(dtype, 2, 3), seq(dtype, 4, 3))
        row(23, f"einsum.sum.{dtype}", 'einsum("ij->j", a)', seq(dtype, 2, 3))
    row(23, "einsum.promote", 'einsum("ij,jk", a, b)', seq("i16", 2, 3), seq("f32", 3, 2))
    row(23, "einsum.views", 'relu(einsum("ij,jk->ki", a[::-1, 1:], b[:2, ::-2]) + c)', seq("f64", 4, 3), seq("f64", 3, 5), seq("f64", 4), sym=False)
    for name, subscripts, code in [
        ("size", "ij,jk->ik", "E0402"), ("count", "ij->ij", "E0209"), ("rank", "ijk,kl->il", "E0209"), ("absent", "ij,kl->im", "E0209"),
        ("twice", "ij,kl->ii", "E0209"), ("diagonal", "ii,kl->k", "E0209"), ("sign", "i1,kl->i", "E0209"), ("rest", "...j,kl->k", "E0209"),
        ("rests", "......,kl->k", "E0209"),
    ]:
        row(23, f"einsum.{name}", f'einsum("{subscripts}", a, b)', seq("f64", 2, 3), seq("f64", 4, 5), sym=False, err=code, ret="f64[2, 5]")
    row(23, "outer", "outer(a, b)", seq("f64", 3), seq("f64", 4))
    row(23, "dot", "dot(a, b)", seq("f64", 2, 3), seq("f64", 3, 4))
    row(23, "trace", "trace(a)", seq("f64", 3, 3))


def comparisons():
    edges = {d: [np.iinfo(DTYPES[d]).min, np.iinfo(DTYPES[d]).max, 0, 1] for d in INTS}
    for x, y in [("u64", "i64"), ("u32", "i32"), ("u8", "i8"), ("u16", "i64"), ("i64", "u64"), ("u64", "i8"), ("i32", "u64")]:
        p, q = np.meshgrid(np.array(edges[x], DTYPES[x]), np.array(edges[y] + [5], DTYPES[y]), indexing="ij")
        if y[0] == "i":
            q = q.copy()
            q[:, -1] = -1
        row(22, f"compare.mixed.{x}.{y}", "(a == b, a != b, a < b, a <= b, a > b, a >= b)", p.ravel().copy(), q.ravel().copy())
    row(22, "compare.literal", "(a >= 0, a == 1)", seq("u8", 4))
    row(22, "compare.float_int", "a < b", seq("f32", 3), seq("i16", 3))
    row(22, "compare.float_literal", "a < 0.25", seq("f32", 5))


def casts():
    for to in DTYPES:
        row(0, f"astype.bool.{to}", f"a.astype({to})", A("bool", [1, 0]))
        for source in ["i64", "u8", "i8"]:
            row(0, f"astype.{source}.{to}", f"a.astype({to})", A(source, [0, 1, 100, 127] if source[0] == "u" or to[0] == "u" else [0, -1, 100, -128]))
        row(0, f"astype.wrap.{to}", f"a.astype({to})", A("i64", [300, -1, 2**40 + 7, -2**63, 65535]))
        values = [0.0, 1.9, 100.5, 0.99] if to[0] in "ub" else [0.0, -0.0, 1.9, -1.9, 100.5, -100.5, 0.5, -0.5]
        row(0, f"astype.f64.{to}", f"a.astype({to})", A("f64", values))
        row(0, f"astype.f32.{to}", f"a.astype({to})", A("f32", values))
    row(0, "astype.nan.bool", "a.astype(bool)", A("f64", [nan, inf, 0.0, -0.0]))
    row(0, "astype.call", "f64(a) / 2", seq("i32", 3), ref=lambda a: a.astype(np.float64) / 2)
    row(0, "astype.u64.f64", "a.astype(f64)", A("u64", [2**64 - 1, 2**53 + 1, 0]))


def shapes():
    x = seq("i32", 2, 3, 4)
    cases = ["reshape(a, (4, 6))", "reshape(a, (-1,))", "reshape(a, (2, -1))", "reshape(a, (3, 2, 2, 2))", "a.reshape((24,))", "a.T", "transpose(a)",
             "transpose(a, (1, 0, 2))", "transpose(a, (-1, 0, 1))", "a.transpose((2, 0, 1))", "swapaxes(a, 0, 2)", "swapaxes(a, -1, 1)",
             "moveaxis(a, 0, -1)", "moveaxis(a, (0, 1), (-1, 0))", "expand_dims(a, 0)", "expand_dims(a, -1)", "expand_dims(a, (0, 2))",
             "flip(a)", "flip(a, axis=0)", "flip(a, axis=(0, -1))", "roll(a, 1)", "roll(a, -2)", "roll(a, 5, axis=1)", "roll(a, (1, -1), axis=(0, 2))",
             "roll(a, 100, axis=-1)", "tile(a, 2)", "tile(a, (2, 1, 3))", "tile(a, (2, 1, 1, 1))", "repeat(a, 2)", "repeat(a, 3, axis=0)",
             "repeat(a, 2, axis=-1)", "repeat(a, 0, axis=1)", "pad(a, 1)", "pad(a, (1, 2))", "pad(a, ((1, 0), (0, 2), (1, 1)))", "pad(a, 0)", "pad(a, ((2, 1),), value=7)",
             "concatenate((a, a), axis=0)", "concatenate((a, a[:, :1], a), axis=1)", "concatenate((a, a[..., :0], a[..., 1:]), axis=-1)",
             "stack((a, a + 1))", "stack((a, a + 1), axis=-1)", "stack((a, a, a), axis=1)", "split(a, 3, axis=1)", "split(a, (1, 3), axis=2)",
             "ravel(a)", "squeeze(a[:, :1])", "squeeze(a[:, :1], axis=1)", "tril(a[0])", "triu(a[0])", "a[:, 0].T", "concatenate((a,), axis=0)",
             "flip(a, axis=0)[1:, ::-1]", "a.T[1:, ::-1].T", "reshape(a.T, (6, 4))", "reshape(flip(a, axis=1), (4, 6))", "pad(a.T, 1)[1:-1, 1:, ::2]",
             "roll(a, 1, axis=0) + roll(a, -1, axis=2)", "reshape(a[::-1, 1:], (4, 4))", "repeat(tile(a, 2), 2, axis=0)", "zeros_like(a)", "ones_like(a)", "full_like(a, 3)"]
    for case in cases:
        row(0, f"shape.{case}".replace(" ", ""), case, x, sym=False)
    z = seq("f64", 0, 3)
    for case in ["reshape(a, (3, 0))", "a.T", "flip(a)", "pad(a, 1)", "concatenate((a, a))", "concatenate((a, b))", "stack((a, a))", "tile(a, 2)", "roll(a, 1)",
                 "repeat(a, 2, axis=0)", "a + b[:0]", "a @ b.T", "roll(a, 1, axis=0)", "transpose(a)", "exp(a)"]:
        row(16, f"zero.{case}".replace(" ", ""), case, z, seq("f64", 2, 3), sym=False)
    for case in ["a.T", "flip(a, axis=1)", "transpose(a)", "expand_dims(a, 1)", "swapaxes(a, 0, 1)", "roll(a, 1, axis=0)", "roll(a, -1)", "roll(a, 1, axis=1)",
                 "tril(a)", "triu(a, 1)", "tril(a, -1)", "a[::-1]", "a[:, ::-1]", "stack((a, a), axis=1)[:, 0]", "flip(a)"]:
        row(0, f"symbol.{case}".replace(" ", ""), case, seq("f64", 3, 4))
        row(0, f"symbol.wide.{case}".replace(" ", ""), case, seq("f64", 5, 2))
    row(0, "arange.1", "a + arange(5)", seq("i64", 5), sym=False)
    row(0, "arange.3", "a + arange(2, 12, 2)", seq("i64", 5), sym=False)
    row(0, "arange.down", "a + arange(5, 0, -1)", seq("i64", 5), sym=False)
    row(0, "eye", "a + eye(3, dtype=f64)", seq("f64", 3, 3), sym=False)
    row(0, "eye.wide", "a + eye(2, 4, dtype=f64)", seq("f64", 2, 4), sym=False, ref=lambda a: a + np.eye(2, 4))
    row(0, "full", "a + full((2, 3), 7, dtype=i32)", seq("i32", 2, 3), sym=False)
    row(0, "zeros", "zeros((2, 3), dtype=f32) + a", seq("f32", 3), sym=False)
    row(0, "diagonal", "diagonal(a)", seq("f64", 3, 3))


broadcasting()
promotion()
literals()
integers()
floats()
reductions()
slices()
products()
comparisons()
casts()
shapes()
print(f"# Answers of NumPy {np.__version__}; written by tests/tools/numpy_table.py.")
print("\n".join(rows))
print(len(rows), "cases", file=sys.stderr)
