//! What a `let` of a random program can be.
//!
//! In: the variables so far with their types. Out: a form over some of them that the rules of the language allow.
//! Always: a choice looks at types and sizes only, so an index is in range and a product's axes agree.

use super::source::{Let, Source};
use ndfuse_codegen::dtype::{DType, Kind};
use ndfuse_codegen::graph::Type;
use ndfuse_codegen::interp::size;
use ndfuse_codegen::shape::Dim;
use ndfuse_codegen::testing::Rng;

/// The dtypes of parameters and casts.
pub const DTYPES: [DType; 6] = [DType::F32, DType::F64, DType::I32, DType::I64, DType::U8, DType::Bool];

pub const FLOATS: [&str; 16] = [
    "-{0}",
    "abs({0})",
    "relu({0})",
    "{0} * {0}",
    "sqrt({0} * {0})",
    "exp({0} - {0})",
    "floor({0} * 0.5)",
    "({0} + 1.0) * 0.5",
    "{0} * 2.0 + {0}",
    "clip({0}, -2.0, 1.5)",
    "where({0} > 0.25, {0}, -1.0)",
    "maximum({0}, 0.5)",
    "sign({0}) + tanh({0} - {0})",
    "{0} ** 2",
    "full_like({0}, 1.5) - {0}",
    "1.0 - {0}",
];
const INTS: [&str; 8] = [
    "abs({0})",
    "{0} * {0}",
    "{0} % 5",
    "floor_divide({0}, 3)",
    "{0} & 6",
    "{0} ^ 3",
    "{0} + {0}",
    "where({0} > 1, {0}, zeros_like({0}))",
];
const BOOLS: [&str; 4] = ["~{0}", "{0} | ones_like({0})", "{0} ^ {0}", "logical_not({0})"];
const NUMBERS: [&str; 8] = [
    "{0} + {1}",
    "{0} - {1}",
    "{0} * {1}",
    "maximum({0}, {1})",
    "minimum({1}, {0})",
    "where({0} < {1}, {0}, {1})",
    "{1} - {0} * {0}",
    "{0} * {1} + {1}",
];
const COMPARES: [&str; 4] = ["{0} < {1}", "{0} == {1}", "{0} >= {1}", "{0} != {1}"];

pub struct Scope<'a> {
    pub rng: &'a mut Rng,
    pub source: &'a Source,
    pub types: &'a [Type],
}

/// A random form, where its operands can be had.
pub fn form(scope: &mut Scope<'_>) -> Option<Let> {
    match scope.rng.below(30) {
        0..=3 => scope.unary(),
        4 => scope.chosen(),
        5..=9 => scope.binary(),
        10 => scope.select(),
        11..=13 => scope.slice(),
        14..=16 => scope.moved(),
        17 => scope.joined(),
        18..=21 => scope.reduced(),
        22..=24 => scope.product(),
        25 | 26 => scope.picked(),
        27 => scope.cast(),
        28 => scope.window(),
        _ => scope.made(),
    }
}

impl Scope<'_> {
    fn n(&self, dim: &Dim) -> i64 {
        size(dim, &self.source.sizes()).unwrap_or(0)
    }

    /// A variable that suits; the later ones more often.
    fn pick(&mut self, suits: impl Fn(&Type) -> bool) -> Option<usize> {
        let found: Vec<usize> = (0..self.types.len()).filter(|&v| suits(&self.types[v])).collect();
        let (a, b) = (self.rng.below(found.len()), self.rng.below(found.len()));
        found.get(a.max(b)).copied()
    }

    fn shape(&self, var: usize) -> Vec<Dim> {
        self.types[var].shape.clone()
    }

    /// A variable with axes, and one of them.
    fn axis(&mut self, suits: impl Fn(&Type) -> bool) -> Option<(usize, usize)> {
        let x = self.pick(|t| t.rank() > 0 && suits(t))?;
        let rank = self.types[x].rank();
        Some((x, self.rng.below(rank)))
    }

    fn unary(&mut self) -> Option<Let> {
        let x = self.pick(|_| true)?;
        let list: &[&str] = match self.types[x].dtype.kind() {
            Kind::Float => &FLOATS,
            Kind::Signed | Kind::Unsigned => &INTS,
            Kind::Bool => &BOOLS,
        };
        Some(Let::form(*self.rng.pick(list), &[x]))
    }

    fn binary(&mut self) -> Option<Let> {
        let x = self.pick(|_| true)?;
        let ty = self.types[x].clone();
        let fits = |t: &Type| t.dtype == ty.dtype && broadcasts(&t.shape, &ty.shape);
        let mut y = self.pick(fits)?;
        for _ in 0..3 {
            y = if y == x { self.pick(fits)? } else { y };
        }
        let list: &[&str] = match ty.dtype.kind() {
            Kind::Bool => &["{0} & {1}", "{0} | {1}", "{0} ^ {1}", "logical_and({0}, ~{1})"],
            _ if self.rng.chance(5) => &COMPARES,
            Kind::Float | Kind::Signed | Kind::Unsigned => &NUMBERS,
        };
        let (x, y) = if self.rng.chance(2) { (x, y) } else { (y, x) };
        Some(Let::form(*self.rng.pick(list), &[x, y]))
    }

    fn select(&mut self) -> Option<Let> {
        let c = self.pick(|t| t.dtype == DType::Bool)?;
        let shape = self.shape(c);
        let x = self.pick(|t| broadcasts(&t.shape, &shape))?;
        let ty = self.types[x].clone();
        let y =
            self.pick(|t| t.dtype == ty.dtype && broadcasts(&t.shape, &shape) && broadcasts(&t.shape, &ty.shape))?;
        Some(Let::form("where({0}, {1}, {2})", &[c, x, y]))
    }

    fn slice(&mut self) -> Option<Let> {
        let x = self.pick(|t| t.rank() > 0)?;
        let mut items = Vec::new();
        for dim in self.shape(x) {
            let n = self.n(&dim);
            let known = dim.as_const().is_some();
            items.push(match self.rng.below(9) {
                0 | 1 => ":".into(),
                2 => "::2".into(),
                3 => "::-1".into(),
                4 => "::-2".into(),
                // Of a dimension with a name its end is not known, which makes the size of a slice hard to write.
                5 if known && n > 0 => format!("{}:", self.rng.below(n as usize)),
                6 if known && n > 1 => format!("{}:{}", self.rng.below(n as usize - 1), n - 1),
                7 if n > 0 => (*self.rng.pick(&["0", "-1"])).into(),
                7 => ":".into(),
                8 if known && n > 2 => "-1:0:-1".into(),
                8 if self.rng.chance(3) => (*self.rng.pick(&["1:", ":-1", ":2", "-2:"])).into(),
                _ => ":".to_owned(),
            });
            if self.rng.chance(9) {
                items.push("None".into());
            }
        }
        if self.rng.chance(6) {
            items.pop();
            items.push("...".into());
        }
        Some(Let::form(format!("{{0}}[{}]", items.join(", ")), &[x]))
    }

    fn moved(&mut self) -> Option<Let> {
        let (x, k) = self.axis(|_| true)?;
        let shape = self.shape(x);
        let rank = shape.len();
        let other = self.rng.below(rank);
        let mut perm: Vec<usize> = (0..rank).collect();
        self.rng.shuffle(&mut perm);
        let mut sizes: Vec<String> = (0..rank).map(|a| format!("{{0}}.shape[{a}]")).collect();
        let text = match self.rng.below(14) {
            0 | 1 => "{0}.T".to_owned(),
            2 if rank > 1 => format!("{{0}}.transpose({perm:?})").replace(['[', ']'], ""),
            3 => format!("swapaxes({{0}}, {k}, {other})"),
            4 => format!("moveaxis({{0}}, {k}, {other})"),
            5 => "{0}.reshape((-1,))".to_owned(),
            6 if k + 1 < rank => {
                let next = sizes.remove(k + 1);
                sizes[k] = format!("{} * {next}", sizes[k]);
                format!("{{0}}.reshape({})", tuple(&sizes))
            }
            7 if shape[k].as_const().is_some_and(|n| n > 0 && n % 2 == 0) => {
                sizes[k] = format!("2, {}", shape[k].as_const().unwrap_or(2) / 2);
                format!("{{0}}.reshape({})", tuple(&sizes))
            }
            8 => format!("flip({{0}}, {k})"),
            9 => format!("roll({{0}}, {}, axis={k})", self.rng.below(3) as i64 - 1),
            10 => {
                sizes.insert(0, (*self.rng.pick(&["1", "2", "3"])).to_owned());
                format!("broadcast_to({{0}}, {})", tuple(&sizes))
            }
            11 if shape[k].is(1) => format!("squeeze({{0}}, {k})"),
            12 if rank > 1 => format!("{}({{0}})", self.rng.pick(&["tril", "triu"])),
            13 if rank > 1 && shape[rank - 1] == shape[rank - 2] => "diagonal({0})".to_owned(),
            _ => format!("expand_dims({{0}}, {k})"),
        };
        Some(Let::form(text, &[x]))
    }

    fn joined(&mut self) -> Option<Let> {
        let (x, k) = self.axis(|_| true)?;
        let ty = self.types[x].clone();
        let same = |t: &Type| t.rank() == ty.rank() && (0..ty.rank()).all(|a| a == k || t.shape[a] == ty.shape[a]);
        let y = self.pick(|t| t.dtype == ty.dtype && same(t))?;
        let text = match self.rng.below(5) {
            0 if self.types[y] == ty => format!("stack(({{0}}, {{1}}), axis={k})"),
            1 => return Some(Let::form(format!("tile({{0}}, {})", tuple(&vec!["2".into(); ty.rank()])), &[x])),
            2 => return Some(Let::form(format!("repeat({{0}}, 2, axis={k})"), &[x])),
            3 if ty.dtype.is_float() => {
                let pads: Vec<String> =
                    (0..ty.rank()).map(|_| format!("({}, {})", self.rng.below(3), self.rng.below(2))).collect();
                return Some(Let::form(format!("pad({{0}}, {}, value=0.5)", tuple(&pads)), &[x]));
            }
            _ => format!("concatenate(({{0}}, {{1}}), axis={k})"),
        };
        Some(Let::form(text, &[x, y]))
    }

    fn reduced(&mut self) -> Option<Let> {
        let (x, k) = self.axis(|_| true)?;
        let ty = self.types[x].clone();
        let full = ty.shape.iter().all(|d| self.n(d) > 0);
        let mut names = match ty.dtype.kind() {
            Kind::Bool => vec!["any", "all", "count_nonzero"],
            Kind::Float => vec!["sum", "sum", "mean", "prod"],
            Kind::Signed | Kind::Unsigned => vec!["sum", "prod"],
        };
        if full {
            names.extend(["max", "min", "argmax", "argmin"]);
        }
        let name = *self.rng.pick(&names);
        let axes: Vec<usize> = (0..ty.rank()).filter(|&a| a == k || self.rng.chance(3)).collect();
        let index = name.starts_with("arg");
        let axis = match self.rng.below(4) {
            0 if !index => String::new(),
            1 if !index && axes.len() > 1 => {
                format!("axis={}", tuple(&axes.iter().map(ToString::to_string).collect::<Vec<_>>()))
            }
            2 => format!("axis={}", k as i64 - ty.rank() as i64),
            _ => format!("axis={k}"),
        };
        let keep = if !axis.is_empty() && self.rng.chance(2) { ", keepdims=true" } else { "" };
        // What is left of a softmax where all elements are equal.
        if name == "mean" && self.rng.chance(3) {
            return Some(Let::form(format!("softmax({{0}} - {{0}}, axis={k})"), &[x]));
        }
        Some(Let::form(format!("{name}({{0}}{}{axis}{keep})", if axis.is_empty() { "" } else { ", " }), &[x]))
    }

    fn product(&mut self) -> Option<Let> {
        let number = |t: &Type| t.dtype != DType::Bool && t.rank() > 0 && t.rank() < 4;
        let (x, _) = self.axis(number)?;
        let ty = self.types[x].clone();
        let rank = ty.rank();
        let last = &ty.shape[rank - 1];
        // The batch axes of both agree where both have them.
        let batch = |t: &Type| {
            let (a, b) = (&ty.shape[..rank.saturating_sub(2)], &t.shape[..t.rank().saturating_sub(2)]);
            broadcasts(a, b)
        };
        let fits = |t: &Type, back: usize| {
            number(t) && t.dtype == ty.dtype && t.rank() >= back && t.shape[t.rank() - back] == *last && batch(t)
        };
        let second = |t: &Type| fits(t, if t.rank() > 1 { 2 } else { 1 });
        let matrix = |t: &Type| t.rank() == 2 && second(t);
        if rank > 1 && self.rng.chance(3) {
            let w = self.pick(matrix)?;
            let columns = self.types[w].shape[1].clone();
            let bias = |t: &Type| t.dtype == ty.dtype && t.rank() == 1 && t.shape[0] == columns;
            return Some(Let::form("{0} @ {1} + {2}", &[x, w, self.pick(bias)?]));
        }
        let text = match self.rng.below(5) {
            0 | 1 => (self.pick(second)?, "{0} @ {1}"),
            2 => (self.pick(|t| t.rank() > 1 && fits(t, 1))?, "{0} @ swapaxes({1}, -1, -2)"),
            3 if rank == 1 => (self.pick(|t| t.rank() == 1 && t.dtype == ty.dtype)?, "outer({0}, {1})"),
            3 => (self.pick(|t| t.rank() == 2 && fits(t, 1))?, "linear({0}, {1})"),
            _ => (self.pick(second)?, "relu({0} @ {1})"),
        };
        let relu = text.1.starts_with("relu") && !ty.dtype.is_float();
        Some(Let::form(if relu { "{0} @ {1}" } else { text.1 }, &[x, text.0]))
    }

    fn picked(&mut self) -> Option<Let> {
        let ids = self.pick(|t| t.dtype == DType::I64 && t.rank() < 3)?;
        let (x, k) = self.axis(|_| true)?;
        let ty = self.types[x].clone();
        if self.n(&ty.shape[k]) == 0 {
            return None;
        }
        let n = format!("{{0}}.shape[{k}]");
        let index = if self.rng.chance(3) { format!("{{1}} % {n} - {n}") } else { format!("{{1}} % {n}") };
        let shape = self.shape(ids);
        let text = match self.rng.below(6) {
            0 => format!("{{0}}[{}{index}]", ":, ".repeat(k)),
            1 if shape.len() == ty.rank() && (0..ty.rank()).all(|a| a == k || shape[a] == ty.shape[a]) => {
                format!("take_along_axis({{0}}, {index}, axis={k})")
            }
            2 if ty.dtype != DType::Bool && shape == ty.shape[..1] => "segment_sum({0}, {1} % 3, 3)".to_owned(),
            3 if shape.len() < 3 => return Some(Let::form("one_hot({0} % 3, 3, f32)", &[ids])),
            4 if ty.rank() == 2 && k == 0 => format!("embedding({index}, {{0}})"),
            _ => format!("take({{0}}, {index}, axis={k})"),
        };
        Some(Let::form(text, &[x, ids]))
    }

    /// A choice by a picked index, at times by a place too, of what is read beyond the border of an array.
    fn chosen(&mut self) -> Option<Let> {
        let (x, k) = self.axis(|t| t.dtype.is_float())?;
        let shape = self.shape(x);
        let ids = self.pick(|t| t.dtype == DType::I64 && broadcasts(&t.shape, &shape));
        let (args, by) = match ids.filter(|_| !self.rng.chance(3)) {
            Some(ids) => (vec![x, ids], "{1}"),
            None => (vec![x], "(arange({0}.shape[-1]) * 3)"),
        };
        let (n, bound) = (4 + self.rng.below(5), 1 + self.rng.below(3));
        let index =
            format!("take(arange({n}), {by} % {n}{})", if self.rng.chance(3) { format!(" - {n}") } else { "".into() });
        let condition = match self.rng.below(6) {
            0 => format!("{index} < {bound}"),
            1 => format!("{index} >= {bound}"),
            2 => format!("~({index} <= {bound})"),
            3 => format!("{index} == arange({{0}}.shape[-1])"),
            4 => format!("({index} > {bound}) & (arange({{0}}.shape[-1]) > 0)"),
            _ => format!("({index} < {bound}) | ({by} < 2)"),
        };
        let (before, after, part) = *self.rng.pick(&[(2, 0, ":-2"), (0, 2, "2:"), (1, 1, ":-2"), (1, 1, "2:")]);
        let pad = |a: usize| if a == k { format!("({before}, {after})") } else { "(0, 0)".into() };
        let pads = tuple(&(0..shape.len()).map(pad).collect::<Vec<_>>());
        let (fill, other) = (*self.rng.pick(&["0.5", "0.0"]), *self.rng.pick(&["1.0", "0.0", "{0}"]));
        let moved = format!("pad({{0}}, {pads}, value={fill})[{}{part}]", ":, ".repeat(k));
        let (a, b) = if self.rng.chance(2) { (moved.as_str(), other) } else { (other, moved.as_str()) };
        let chosen = format!("where({condition}, {a}, {b})");
        Some(Let::form(if self.rng.chance(3) { format!("sum({chosen}, axis=-1)") } else { chosen }, &args))
    }

    fn cast(&mut self) -> Option<Let> {
        let (x, dtype) = (self.pick(|_| true)?, *self.rng.pick(&DTYPES));
        Some(Let::form(format!("astype({{0}}, {dtype})"), &[x]))
    }

    fn window(&mut self) -> Option<Let> {
        let x = self.pick(|t| t.dtype.is_float() && t.rank() == 4)?;
        let shape = self.shape(x);
        if shape[2..].iter().any(|d| d.as_const().is_none_or(|n| n < 2)) {
            return None;
        }
        let kernel = self.pick(|t| {
            let small = t.rank() == 4 && t.shape[2..].iter().all(|d| d.as_const().is_some_and(|n| (1..3).contains(&n)));
            small && t.shape[1] == shape[1] && t.dtype == self.types[x].dtype
        });
        match (self.rng.below(3), kernel) {
            (0, Some(w)) => Some(Let::form("conv2d({0}, {1}, padding=1)", &[x, w])),
            (1, _) => Some(Let::form("avg_pool2d({0}, 2)", &[x])),
            _ => Some(Let::form("max_pool2d({0}, 2, 1)", &[x])),
        }
    }

    fn made(&mut self) -> Option<Let> {
        let (x, k) = self.axis(|_| true)?;
        let text = match self.rng.below(5) {
            0 => format!("arange({{0}}.shape[{k}])"),
            1 => "eye(3, dtype=f32)".to_owned(),
            2 => format!("full(({{0}}.shape[{k}], 2), 0.5, dtype=f32)"),
            3 => format!("astype({{0}}.shape[{k}], f32) * 0.5"),
            _ => "ones_like({0})".to_owned(),
        };
        let args: &[usize] = if text.contains("{0}") { &[x] } else { &[] };
        Some(Let::form(text, args))
    }
}

/// Whether two shapes broadcast together, by the names of their sizes.
fn broadcasts(a: &[Dim], b: &[Dim]) -> bool {
    a.iter().rev().zip(b.iter().rev()).all(|(a, b)| a == b || a.is(1) || b.is(1))
}

fn tuple(items: &[String]) -> String {
    match items {
        [one] => format!("({one},)"),
        _ => format!("({})", items.join(", ")),
    }
}
