//! The table of functions: what a name in a call stands for.
//!
//! In: a name. Out: a [`Callee`] with its parameters. Always: arity errors,
//! keywords, defaults, "did you mean" and documentation derive from the rows
//! here, from the rows of [`crate::ops`] and from the headers in `prelude.nd`.
//! Next: [`super::call`].

use super::cx::Cx;
use super::templates;
use super::value::{Arg, Value};
use super::{conv, create, einsum, gather, leaves, linalg, shape_ops};
use crate::diagnostic::Loc;
use crate::dtype::DType;
use crate::ops::{self, MapOp, Monoid, Rule};

/// A parameter of an operation.
#[derive(Clone, Copy)]
pub struct P {
    pub name: &'static str,
    pub default: Default,
}

/// What a parameter is where no argument is given.
#[derive(Clone, Copy, Debug)]
pub enum Default {
    Required,
    None,
    Int(i64),
    Bool(bool),
    Str(&'static str),
    /// All further positional arguments, as one tuple.
    Rest,
}

/// A call with one argument for each parameter.
pub(super) struct Call<'c> {
    pub name: &'c str,
    pub loc: Loc,
    pub args: Vec<Arg>,
}

type Run = fn(&mut Cx<'_>, &Call<'_>) -> Option<Value>;

/// An operation that the checker builds nodes for.
pub struct Builtin {
    pub name: &'static str,
    pub params: &'static [P],
    /// Whether its arguments are sizes, so that `/` in them rounds down.
    pub sizes: bool,
    run: Run,
    pub doc: &'static str,
}

/// What a name in a call stands for, the block's own functions aside.
#[derive(Clone, Copy)]
pub(super) enum Callee {
    Map(MapOp),
    Reduce(Monoid),
    Builtin(&'static Builtin),
    Template(&'static str),
    Cast(DType),
}

const fn p(name: &'static str) -> P {
    P { name, default: Default::Required }
}

const fn opt(name: &'static str, default: Default) -> P {
    P { name, default }
}

const X: P = p("x");
const AXIS: P = opt("axis", Default::None);
const AXIS0: P = opt("axis", Default::Int(0));

const fn row(name: &'static str, params: &'static [P], run: Run, doc: &'static str) -> Builtin {
    Builtin { name, params, sizes: false, run, doc }
}

const fn sized(name: &'static str, params: &'static [P], run: Run, doc: &'static str) -> Builtin {
    Builtin { name, params, sizes: true, run, doc }
}

/// The operations that are not rows of [`crate::ops`] nor text in the prelude.
#[rustfmt::skip]
pub static BUILTINS: &[Builtin] = &[
    sized("reshape", &[X, opt("shape", Default::Rest)], shape_ops::reshape, "The same elements in C order under another shape; one size may be -1."),
    row("ravel", &[X], shape_ops::ravel, "All elements in C order along one axis."),
    row("transpose", &[X, opt("axes", Default::Rest)], shape_ops::transpose, "The axes in another order; reversed where none is given."),
    row("swapaxes", &[X, p("axis1"), p("axis2")], shape_ops::swapaxes, "Two axes exchanged."),
    row("moveaxis", &[X, p("source"), p("destination")], shape_ops::moveaxis, "Axes moved to other places, the rest in order."),
    row("expand_dims", &[X, p("axis")], shape_ops::expand_dims, "New axes of size 1 at these places of the result."),
    row("squeeze", &[X, AXIS], shape_ops::squeeze, "Without these axes of size 1; without all of them where none is given."),
    sized("broadcast_to", &[X, p("shape")], shape_ops::broadcast_to, "Stretched to a shape by the rules of broadcasting."),
    row("flip", &[X, AXIS], shape_ops::flip, "Backwards along these axes; along all where none is given."),
    sized("pad", &[X, p("pad_width"), opt("mode", Default::Str("constant")), opt("value", Default::Int(0))], shape_ops::pad,
        "Surrounded by a value: `pad(x, 1)`, `pad(x, (1, 2))`, `pad(x, ((1, 1), (2, 2)))`, before and after each axis."),
    row("concatenate", &[p("arrays"), AXIS0], shape_ops::concatenate, "Arrays one after the other along an axis."),
    row("stack", &[p("arrays"), AXIS0], shape_ops::stack, "Arrays of one shape along a new axis."),
    sized("split", &[X, p("sections"), AXIS0], shape_ops::split, "A tuple of equal parts, or of the parts between the indices of a tuple."),
    sized("tile", &[X, p("reps")], shape_ops::tile, "The whole repeated along each axis."),
    sized("repeat", &[X, p("repeats"), AXIS], shape_ops::repeat, "Each element repeated along an axis; flat where none is given."),
    sized("roll", &[X, p("shift"), AXIS], shape_ops::roll, "Shifted along axes; what leaves at the end comes in at the start."),
    sized("zeros", &[p("shape"), p("dtype")], create::zeros, "An array of zeros."),
    sized("ones", &[p("shape"), p("dtype")], create::ones, "An array of ones."),
    row("full", &[p("shape"), p("value"), opt("dtype", Default::None)], create::full, "An array of one value."),
    row("zeros_like", &[X], create::zeros_like, "Zeros of the argument's type."),
    row("ones_like", &[X], create::ones_like, "Ones of the argument's type."),
    row("full_like", &[X, p("value")], create::full_like, "One value in the argument's type."),
    sized("arange", &[p("start"), opt("stop", Default::None), opt("step", Default::Int(1)), opt("dtype", Default::None)], create::arange,
        "Integers from start, zero where only the stop is given, up to but without the stop."),
    sized("eye", &[p("n"), opt("m", Default::None), p("dtype")], create::eye, "Ones on the diagonal, zeros elsewhere."),
    row("astype", &[X, p("dtype")], create::astype, "The values in another dtype."),
    row("take", &[X, p("indices"), AXIS], gather::take,
        "The elements at these indices of an axis, of the flattened array where none is given; negative indices count from the end, one out of range is an error of the call."),
    row("take_along_axis", &[X, p("indices"), opt("axis", Default::Int(-1))], gather::take_along_axis,
        "The elements at these indices of an axis, each within its own row: the indices have the array's axes, and its sizes but at this one."),
    row("index_add", &[X, p("axis"), p("index"), p("source")], gather::index_add,
        "The array with the parts of `source` added at these places of an axis, in their order; a place may be named many times."),
    sized("segment_sum", &[p("data"), p("segment_ids"), p("num_segments")], gather::segment_sum,
        "The sum of the elements of each segment, in their order; `segment_ids` names one for each element of the first axes."),
    row("matmul", &[p("a"), p("b")], linalg::matmul, "The matrix product, with NumPy's batch rules."),
    row("einsum", &[p("subscripts"), opt("operands", Default::Rest)], einsum::einsum,
        "The sum of products over axes that have names: `einsum(\"bij,bjk->bik\", a, b)`; `...` stands for axes without one, and without `->` the result has the axes that stand once."),
    row("conv1d", &[X, p("weight"), opt("bias", Default::None), opt("stride", Default::Int(1)), opt("padding", Default::Int(0)), opt("dilation", Default::Int(1)), opt("groups", Default::Int(1))],
        conv::conv1d, "The convolution of `[N, C, W]` with `[O, C/groups, K]`."),
    row("conv2d", &[X, p("weight"), opt("bias", Default::None), opt("stride", Default::Int(1)), opt("padding", Default::Int(0)), opt("dilation", Default::Int(1)), opt("groups", Default::Int(1))],
        conv::conv2d, "The convolution of `[N, C, H, W]` with `[O, C/groups, KH, KW]`; `padding` is an integer, one an axis, before and after each, `\"valid\"` or `\"same\"`."),
    row("max_pool2d", &[X, p("kernel"), opt("stride", Default::None), opt("padding", Default::Int(0))], conv::max_pool2d,
        "The greatest of each window of the last two axes."),
    row("avg_pool2d", &[X, p("kernel"), opt("stride", Default::None), opt("padding", Default::Int(0)), opt("count_include_pad", Default::Bool(true))], conv::avg_pool2d,
        "The mean of each window of the last two axes."),
    sized("adaptive_avg_pool2d", &[X, p("output_size")], conv::adaptive_avg_pool2d,
        "The mean over the last two axes in as many equal windows as are asked for."),
    row("axis_size", &[X, AXIS], shape_ops::axis_size, "How many elements a reduction over these axes runs over."),
    row("len", &[p("tuple")], shape_ops::length, "How many items a tuple has, or how long the first axis of an array is."),
    // For the prelude: they name the template that they stand in.
    row("__float", &[X], create::wants_float, "The argument, which must be of floats."),
    row("__int", &[X], create::wants_int, "The argument, which must be of integers."),
    row("__places", &[p("shape")], create::places, "The place in C order of each element of a shape."),
    row("__total", &[X], leaves::total, "The sum of all elements of an array or of a struct's arrays."),
    row("__rank", &[X, p("rank")], create::wants_rank, "The argument, which must have so many axes."),
    row("__fail", &[p("message"), p("help")], create::fails, "An error of this text."),
];

/// Other names of the same operation.
pub static ALIASES: &[(&str, &str)] = &[
    ("absolute", "abs"),
    ("arccos", "acos"),
    ("arccosh", "acosh"),
    ("arcsin", "asin"),
    ("arcsinh", "asinh"),
    ("arctan", "atan"),
    ("arctan2", "atan2"),
    ("arctanh", "atanh"),
    ("cat", "concatenate"),
    ("clamp", "clip"),
    ("divide", "div"),
    ("equal", "eq"),
    ("flatten", "ravel"),
    ("greater", "gt"),
    ("greater_equal", "ge"),
    ("invert", "bitwise_not"),
    ("less", "lt"),
    ("less_equal", "le"),
    ("mod", "remainder"),
    ("multiply", "mul"),
    ("negative", "neg"),
    ("not_equal", "ne"),
    ("permute", "transpose"),
    ("pow", "power"),
    ("scatter_add", "index_add"),
    ("subtract", "sub"),
    ("true_divide", "div"),
    ("unsqueeze", "expand_dims"),
];

/// Operations that the language names and this version does not compile.
static UNSUPPORTED: &[&str] = &[
    "argsort",
    "bincount",
    "conv_transpose2d",
    "cummax",
    "cumprod",
    "cumsum",
    "interpolate",
    "lgamma",
    "linspace",
    "median",
    "nonzero",
    "quantile",
    "scaled_dot_product_attention",
    "searchsorted",
    "sort",
    "topk",
    "unique",
];

pub(super) fn is_unsupported(name: &str) -> bool {
    UNSUPPORTED.binary_search(&name).is_ok()
}

/// The others that are not supported either.
pub(super) fn unsupported_but(name: &str) -> String {
    let others: Vec<&str> = UNSUPPORTED.iter().filter(|n| **n != name).copied().collect();
    others.join(", ")
}

/// A parameter of any callee.
#[derive(Clone, Debug)]
pub(super) struct Spec {
    pub name: String,
    pub required: bool,
    pub rest: bool,
}

impl Callee {
    /// The operation of this name.
    pub fn find(name: &str) -> Option<Callee> {
        let name = ALIASES.iter().find(|(alias, _)| *alias == name).map_or(name, |(_, to)| *to);
        if let Some(op) = MapOp::from_name(name) {
            return Some(Callee::Map(op));
        }
        if let Some(monoid) = Monoid::from_name(name) {
            return Some(Callee::Reduce(monoid));
        }
        if let Some(row) = BUILTINS.iter().find(|r| r.name == name) {
            return Some(Callee::Builtin(row));
        }
        if let Some(dtype) = DType::from_name(name) {
            return Some(Callee::Cast(dtype));
        }
        templates::source(name).map(Callee::Template)
    }

    /// The parameters; a template's come from its header.
    pub fn specs(self) -> Vec<Spec> {
        let plain =
            |names: &[&str]| names.iter().map(|n| Spec { name: (*n).into(), required: true, rest: false }).collect();
        let of = |params: &[P]| {
            let spec = |p: &P| Spec {
                name: p.name.into(),
                required: matches!(p.default, Default::Required),
                rest: matches!(p.default, Default::Rest),
            };
            params.iter().map(spec).collect::<Vec<Spec>>()
        };
        match self {
            Callee::Map(op) => match (op.row().rule, op.row().arity) {
                (Rule::Select, _) => plain(&["condition", "x", "y"]),
                (_, 1) => plain(&["x"]),
                (_, 2) => plain(&["x1", "x2"]),
                (_, _) => plain(&["x1", "x2", "x3"]),
            },
            Callee::Reduce(_) => of(REDUCE),
            Callee::Builtin(row) => of(row.params),
            Callee::Cast(_) => plain(&["x"]),
            Callee::Template(_) => Vec::new(),
        }
    }

    /// The values of the parameters that got no argument.
    pub fn default(self, index: usize) -> Value {
        let params = match self {
            Callee::Reduce(_) => REDUCE,
            Callee::Builtin(row) => row.params,
            Callee::Map(_) | Callee::Cast(_) | Callee::Template(_) => return Value::None,
        };
        match params[index].default {
            Default::Required | Default::None => Value::None,
            Default::Int(i) => Value::Int(i128::from(i)),
            Default::Bool(b) => Value::Bool(b),
            Default::Str(s) => Value::Str(s.into()),
            Default::Rest => Value::tuple(Vec::new()),
        }
    }

    pub fn wants_sizes(self) -> bool {
        match self {
            Callee::Builtin(row) => row.sizes,
            Callee::Map(_) | Callee::Reduce(_) | Callee::Template(_) | Callee::Cast(_) => false,
        }
    }
}

const REDUCE: &[P] = &[X, AXIS, opt("keepdims", Default::Bool(false))];

impl Builtin {
    pub(super) fn run(&self, cx: &mut Cx<'_>, call: &Call<'_>) -> Value {
        (self.run)(cx, call).unwrap_or(Value::Error)
    }
}

/// Every name that can be called, in a fixed order, with a line about it.
pub fn operations() -> Vec<(&'static str, String)> {
    let mut all: Vec<(&'static str, String)> = Vec::new();
    all.extend(ops::MAPS.iter().map(|r| (r.name, r.doc.to_string())));
    all.extend(ops::REDUCES.iter().map(|r| (r.name, r.doc.to_string())));
    all.extend(BUILTINS.iter().filter(|r| !r.name.starts_with("__")).map(|r| (r.name, r.doc.to_string())));
    all.extend(templates::all().filter(|t| !t.name.starts_with("__")).map(|t| (t.name, t.doc())));
    all
}

/// The names for "did you mean".
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    let rows = ops::MAPS.iter().map(|r| r.name).chain(ops::REDUCES.iter().map(|r| r.name));
    let builtins = BUILTINS.iter().map(|r| r.name).filter(|n| !n.starts_with("__"));
    let templates = templates::all().map(|t| t.name).filter(|n| !n.starts_with("__"));
    rows.chain(builtins).chain(templates).chain(ALIASES.iter().map(|(alias, _)| *alias))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stand_once_and_aliases_lead_somewhere() {
        let mut names: Vec<&str> = operations().iter().map(|(name, _)| *name).collect();
        names.extend(ALIASES.iter().map(|(alias, _)| *alias));
        names.extend(UNSUPPORTED);
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
        assert!(ALIASES.iter().all(|(alias, to)| Callee::find(alias).is_some() && Callee::find(to).is_some()));
        assert!(UNSUPPORTED.is_sorted());
        assert!(operations().iter().all(|(_, doc)| doc.ends_with('.')));
    }
}
