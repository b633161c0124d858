//! Writes a random program around a matrix product: what a device runs as one kernel.
//!
//! In: a seed. Out: a [`Source`]: a product of operands that lie in any way, a convolution, or an attention, and maps of its
//! result with operands, places and picked elements of their own. Always: as [`super::writer`]; an attention is rounded, and
//! nothing in such a program jumps. Next: [`super::source`].

use super::forms::FLOATS;
use super::source::{Let, Param, Source};
use super::writer::extended;
use ndfuse_codegen::dtype::DType;
use ndfuse_codegen::graph::Type;
use ndfuse_codegen::interp::size;
use ndfuse_codegen::shape::{Dim, Sym};
use ndfuse_codegen::testing::Rng;

/// The most elements of a variable.
const MOST: usize = 9000;
/// The most products of two numbers.
const WORK: i64 = 300_000;

/// Sizes around those of a tile.
const SIZES: [i64; 24] = [1, 1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 15, 16, 17, 31, 32, 33, 40, 63, 64, 65, 127, 128, 129];

/// Maps that do not jump.
const SMOOTH: [&str; 7] =
    ["-{0}", "abs({0})", "relu({0})", "{0} * 0.5 + 1.0", "tanh({0})", "clip({0}, -2.0, 1.5)", "1.0 - {0}"];

pub fn write(seed: u64) -> Source {
    let mut rng = Rng::new(seed ^ 0xd07);
    loop {
        let mut draft = Draft { rng, source: Source::default(), types: Vec::new() };
        let written = match seed % 4 {
            0 | 1 => draft.product(),
            2 => draft.convolution(),
            _ => draft.attention(),
        };
        let found = written.and_then(|product| draft.finished(product));
        if let Some(source) = found {
            return source;
        }
        rng = draft.rng;
    }
}

/// While a program is written, its `let`s are numbered from here on, for parameters are still to come.
const LETS: usize = 1000;

struct Draft {
    rng: Rng,
    source: Source,
    /// Of the `let`s.
    types: Vec<Type>,
}

impl Draft {
    fn n(&self, dim: &Dim) -> i64 {
        size(dim, &self.source.sizes()).unwrap_or(0)
    }

    fn shape(&self, var: usize) -> Vec<Dim> {
        match var.checked_sub(LETS) {
            Some(k) => self.types[k].shape.clone(),
            None => self.source.params[var].shape.clone(),
        }
    }

    /// A dimension of a size out of these: of a name, or written out.
    fn dim(&mut self, name: &str, sizes: &[i64]) -> Dim {
        let n = if self.rng.chance(24) { 0 } else { *self.rng.pick(sizes) };
        if self.rng.chance(2) {
            return Dim::from(n);
        }
        self.source.dims.push((Sym::from(name), n));
        Dim::sym(name)
    }

    fn batches(&mut self) -> Vec<Dim> {
        let many = *self.rng.pick(&[0, 0, 1, 1, 2]);
        (0..many).map(|k| self.dim(["B", "C"][k], &[1, 2, 3, 4, 5])).collect()
    }

    fn param(&mut self, dtype: DType, shape: Vec<Dim>) -> usize {
        let scalar = shape.is_empty() && self.rng.chance(2);
        self.source.params.push(Param { dtype, shape, scalar, seed: self.rng.bits() >> 40 });
        self.source.params.len() - 1
    }

    /// The program so far, its variables in order.
    fn settled(&self) -> Source {
        let mut source = self.source.clone();
        let first = source.params.len();
        let place = |var: &mut usize| *var = var.checked_sub(LETS).map_or(*var, |k| first + k);
        source.lets.iter_mut().flat_map(|l| &mut l.args).chain(&mut source.results).for_each(place);
        source
    }

    /// A new variable, where the rules allow it.
    fn add(&mut self, text: impl Into<String>, args: &[usize]) -> Option<usize> {
        self.source.lets.push(Let::form(text, args));
        match extended(&self.settled(), MOST) {
            Ok(types) => {
                self.types = types[self.source.params.len()..].to_vec();
                Some(LETS + self.types.len() - 1)
            }
            Err(_) => {
                self.source.lets.pop();
                None
            }
        }
    }

    /// A variable of this shape, of a parameter that lies in some way.
    fn operand(&mut self, dtype: DType, shape: &[Dim]) -> Option<usize> {
        let (rank, mut lies) = (shape.len(), shape.to_vec());
        let view = match self.rng.below(12) {
            0..=2 => {
                lies.swap(rank - 1, rank - 2);
                "swapaxes({0}, -1, -2)"
            }
            3 => "{0}[..., ::-1]",
            4 => "{0}[..., ::-1, :]",
            5 if lies[rank - 1].as_const().is_some_and(|n| n > 0) => {
                lies[rank - 1] = Dim::from(2 * lies[rank - 1].as_const()? - 1);
                "{0}[..., ::2]"
            }
            // Heads beside each other.
            6 | 7 if rank > 2 => {
                lies.swap(rank - 2, rank - 3);
                "swapaxes({0}, -2, -3)"
            }
            // One for the whole batch.
            8 if rank > 2 => {
                lies.remove(0);
                ""
            }
            9 if rank > 2 => {
                lies[0] = Dim::from(1);
                ""
            }
            10 => "{0} * 2.0 - 1.0",
            _ => "",
        };
        let param = self.param(dtype, lies);
        if view.is_empty() { Some(param) } else { self.add(view, &[param]) }
    }

    fn product(&mut self) -> Option<usize> {
        let batch = self.batches();
        let [m, n] = ["M", "N"].map(|name| self.dim(name, &SIZES));
        // With that many terms a library multiplies, where there is one.
        let k = if self.rng.chance(6) { self.dim("K", &[256, 300]) } else { self.dim("K", &SIZES) };
        let all = batch.iter().chain([&m, &n, &k]).map(|d| self.n(d).max(1));
        if all.product::<i64>() > WORK {
            return None;
        }
        let dtype = if self.rng.chance(4) { DType::F64 } else { DType::F32 };
        let (x, y) = (self.operand(dtype, &with(&batch, [&m, &k]))?, self.operand(dtype, &with(&batch, [&k, &n]))?);
        self.add("{0} @ {1}", &[x, y])
    }

    fn convolution(&mut self) -> Option<usize> {
        let groups = *self.rng.pick(&[1, 1, 1, 2, 3]);
        let inner = *self.rng.pick(&[1, 2, 3, 5, 8]);
        let outer = groups * *self.rng.pick(&[1, 2, 3, 5, 16]);
        let mut x = vec![self.dim("B", &[1, 2, 3]), Dim::from(inner * groups)];
        let mut w = vec![Dim::from(outer), Dim::from(inner)];
        let axes = if self.rng.chance(5) { 1 } else { 2 };
        for k in 0..axes {
            x.push(self.dim(["H", "W"][k], &[3, 4, 5, 6, 7, 8, 9, 16]));
            w.push(Dim::from(*self.rng.pick(&[1, 2, 3, 3, 5])));
        }
        let mut each = |of: &[i64]| match (axes, self.rng.chance(2)) {
            (2, true) => format!("({}, {})", self.rng.pick(of), self.rng.pick(of)),
            _ => self.rng.pick(of).to_string(),
        };
        let (stride, dilation, border) = (each(&[1, 1, 2, 3]), each(&[1, 1, 2]), each(&[0, 1, 2]));
        let padding = [&border, &border, "\"same\"", "\"valid\""][self.rng.below(4)];
        let dtype = if self.rng.chance(8) { DType::F64 } else { DType::F32 };
        let mut args = vec![self.param(dtype, x), self.param(dtype, w)];
        let mut bias = "";
        if self.rng.chance(2) {
            args.push(self.param(dtype, vec![Dim::from(outer)]));
            bias = ", bias={2}";
        }
        let more = format!("stride={stride}, padding={padding}, dilation={dilation}, groups={groups}");
        self.add(format!("conv{axes}d({{0}}, {{1}}{bias}, {more})"), &args)
    }

    fn attention(&mut self) -> Option<usize> {
        self.source.rounded = true;
        let batch = self.batches();
        let [t, s, d, e] = ["T", "S", "D", "E"].map(|name| self.dim(name, &SIZES));
        let all = batch.iter().chain([&t, &s]).map(|d| self.n(d).max(1)).product::<i64>();
        if all * (self.n(&d) + self.n(&e)).max(1) > WORK || self.n(&s) == 0 {
            return None;
        }
        let (q, k) =
            (self.operand(DType::F32, &with(&batch, [&t, &d]))?, self.operand(DType::F32, &with(&batch, [&s, &d]))?);
        let mut scores = self.add("{0} @ swapaxes({1}, -1, -2)", &[q, k])?;
        for _ in 0..self.rng.below(4) {
            scores = self.scored(scores).unwrap_or(scores);
        }
        let keys = self.shape(scores).last()?.clone();
        let value = self.operand(DType::F32, &with(&batch, [&keys, &e]))?;
        let shares = self.add("softmax({0}, axis=-1)", &[scores])?;
        self.add("{0} @ {1}", &[shares, value])
    }

    /// Other scores: masked, moved, scaled, of some keys only.
    fn scored(&mut self, scores: usize) -> Option<usize> {
        let least = *self.rng.pick(&["-inf", "-inf", "-1000.0"]);
        let rows = format!("arange({{0}}.shape[-2])[:, None] + {}", self.rng.below(5) as i64 - 2);
        let text = match self.rng.below(13) {
            0 | 1 => format!("where({rows} >= arange({{0}}.shape[-1]), {{0}}, {least})"),
            2 => format!("where(arange({{0}}.shape[-1]) >= {}, {{0}}, {least})", self.rng.below(3)),
            3 | 4 => {
                let seen = self.other(scores, DType::Bool);
                return self.add(format!("where({{1}}, {{0}}, {least})"), &[scores, seen]);
            }
            5 | 6 => {
                let bias = self.other(scores, DType::F32);
                return self.add("{0} + {1}", &[scores, bias]);
            }
            7 => "{0} * 0.25".into(),
            8 => "4.0 * tanh({0} / 4.0)".into(),
            9 => format!(
                "{{0}}{}",
                self.rng.pick(&["[..., ::-1]", "[..., 1:]", "[..., :-1]", "[..., ::-1, :]", "[..., :2]"])
            ),
            11 => format!("where({} < 3, {{0}}, {least})", self.rng.pick(&PICKED)),
            10 => "{0} - astype(abs(arange({0}.shape[-2])[:, None] - arange({0}.shape[-1])), f32)".into(),
            _ => "-abs({0})".into(),
        };
        self.add(text, &[scores])
    }

    /// A parameter that broadcasts to the shape of a variable.
    fn other(&mut self, var: usize, dtype: DType) -> usize {
        let mut shape = self.shape(var);
        let plain = |d: &Dim| d.as_const().is_some() || d.as_sym().is_some();
        for dim in &mut shape {
            if self.rng.chance(3) || !plain(dim) {
                *dim = Dim::from(1);
            }
        }
        let less = if self.rng.chance(2) { self.rng.below(shape.len() + 1) } else { 0 };
        self.param(dtype, shape[less..].to_vec())
    }

    /// A map or a view of a variable, with an operand of its own perhaps.
    fn after(&mut self, var: usize) -> Option<usize> {
        let shape = self.shape(var);
        let (rank, dtype) = (shape.len(), self.types.get(var.checked_sub(LETS)?)?.dtype);
        let rounded = self.source.rounded;
        if !dtype.is_float() {
            return self.add("astype({0}, f32)", &[var]);
        }
        let at = if rounded { self.rng.below(11) } else { self.rng.below(15) };
        let text: String = match at {
            0 if rounded => (*self.rng.pick(&SMOOTH)).into(),
            0 => (*self.rng.pick(&FLOATS)).into(),
            1..=3 => {
                let other = self.other(var, dtype);
                let text = *self.rng.pick(&["{0} + {1}", "{1} - {0}", "{0} * {1} + {1}", "maximum({0}, {1})"]);
                return self.add(text, &[var, other]);
            }
            4 => {
                let kind = *self.rng.pick(&[DType::U8, DType::Bool, DType::I64, DType::I32, DType::F64]);
                let other = self.other(var, kind);
                let text = *self.rng.pick(&["{0} + astype({1}, f32)", "where(astype({1}, bool), {0}, 0.5)"]);
                return self.add(text.replace("f32", &dtype.to_string()), &[var, other]);
            }
            5 if self.rng.chance(2) => format!("where({} < 3, {{0}}, 0.5)", self.rng.pick(&PICKED)),
            5 => format!("where(arange({{0}}.shape[-1]) % 3 == {}, {{0}}, 0.5)", self.rng.below(3)),
            6 if rank > 1 => "where(arange({0}.shape[-2])[:, None] >= arange({0}.shape[-1]), {0}, -1.0)".into(),
            6 => format!("{{0}} + astype(arange({{0}}.shape[-1]), {dtype})"),
            // A picked bias, of the row or of the column.
            7 | 8 => {
                let back = if rank > 1 { 1 + self.rng.below(2) } else { 1 };
                let along = shape
                    .get(rank.checked_sub(back)?)
                    .filter(|d| d.as_sym().is_some() || d.as_const().is_some())?
                    .clone();
                let (table, ids) = (self.param(dtype, vec![Dim::from(7)]), self.param(DType::I64, vec![along]));
                let column = if back == 2 { "[:, None]" } else { "" };
                return self.add(format!("{{0}} + take({{1}}, {{2}} % 7){column}"), &[var, table, ids]);
            }
            9 if rank > 1 => (*self.rng.pick(&["swapaxes({0}, -1, -2)", "{0}[..., ::-1]", "{0}[..., ::-1, :]"])).into(),
            10 => match shape.last().and_then(Dim::as_const) {
                Some(n) if n > 0 && n % 2 == 0 && rank < 4 => {
                    let outer: Vec<String> = (0..rank - 1).map(|k| format!("{{0}}.shape[{k}], ")).collect();
                    let swapped = if rank > 1 && self.rng.chance(2) { ".transpose" } else { "" };
                    let order: Vec<String> = (0..=rank).map(|k| ((k + 1) % (rank + 1)).to_string()).collect();
                    let order = if swapped.is_empty() { String::new() } else { format!("({})", order.join(", ")) };
                    format!("{{0}}.reshape(({}2, {})){swapped}{order}", outer.concat(), n / 2)
                }
                Some(_) | None => "{0}.reshape((-1,))".into(),
            },
            11 => {
                let kind = *self.rng.pick(&[DType::F64, DType::I32, DType::F32, DType::I64]);
                format!("astype(floor({{0}}), {kind})")
            }
            12 => "{0} > 0.5".into(),
            13 if rank > 0 => {
                format!("{}({{0}}, axis={})", self.rng.pick(&["sum", "max", "argmax"]), self.rng.below(rank))
            }
            _ if rounded => "{0} * 0.5 + 1.0".into(),
            _ => "floor({0}) * 0.5".into(),
        };
        self.add(text, &[var])
    }

    /// The whole program, where its results can be written.
    fn finished(&mut self, product: usize) -> Option<Source> {
        let (mut last, mut all) = (product, vec![product]);
        for _ in 0..self.rng.below(6) {
            // Some other result of what is already there.
            let from = if self.rng.chance(6) { *self.rng.pick(&all) } else { last };
            if let Some(next) = self.after(from) {
                last = next;
                all.push(next);
            }
        }
        self.source.results = vec![last];
        for _ in 0..self.rng.below(3) {
            let more = *self.rng.pick(&all);
            if !self.rng.chance(3) && !self.source.results.contains(&more) && more != product {
                self.source.results.push(more);
            }
        }
        let source = self.settled().pruned();
        source.checked().ok().map(|_| source)
    }
}

fn with(batch: &[Dim], matrix: [&Dim; 2]) -> Vec<Dim> {
    batch.iter().chain(matrix).cloned().collect()
}

/// An index that is picked along the last axis, or of the axis before it.
const PICKED: [&str; 2] =
    ["take(arange(7), arange({0}.shape[-1]) * 3 % 7)", "take(arange(5), arange({0}.shape[-2]) * 2 % 5)[:, None]"];
