//! How a kernel reads its inputs: single elements, rows of the lane, gathers.
//!
//! In: an index expression a coordinate, guards, the lane. Out: the call on
//! `rt::In`. Always: a row is read where every coordinate and guard is affine
//! in the lane; a coordinate names the lane's first point as `t.start`.
//! Next: [`super::kernel`].

use super::code::{self, AND, COMPARE, Code};
use super::kernel::mentions;
use crate::kernel::Guard;
use crate::shape::Dim;

/// One read of an input.
pub struct Load<'a> {
    /// The variable of the `rt::In`.
    pub input: &'a str,
    pub index: &'a [Dim],
    pub guards: &'a [Guard],
    pub fill: Code,
    /// How a name in an index is written.
    pub name: &'a dyn Fn(&str) -> String,
}

/// An expression over loop variables under their own names.
pub fn plain(d: &Dim) -> Code {
    code::dim(d, &|s| s.to_string())
}

/// An expression over loop variables at the first point of a tile of the lane.
pub fn plain_start(d: &Dim, lane: &str) -> Code {
    at_start(d, lane, &|s| s.to_string())
}

fn at_start(d: &Dim, lane: &str, name: &dyn Fn(&str) -> String) -> Code {
    code::dim(d, &|s| if s == lane { "t.start".to_string() } else { name(s) })
}

impl Load<'_> {
    fn coordinate(&self, d: &Dim) -> Code {
        code::dim(d, &self.name)
    }

    /// An expression at the first point of a tile of the lane.
    fn at_start(&self, d: &Dim, lane: &str) -> Code {
        at_start(d, lane, self.name)
    }
}

pub fn list(items: impl IntoIterator<Item = Code>) -> String {
    let items: Vec<String> = items.into_iter().map(|c| c.text).collect();
    format!("[{}]", items.join(", "))
}

/// `0 <= i && i < n`, for all of them.
pub fn inside(guards: &[Guard], name: &dyn Fn(&str) -> String) -> Code {
    let each = guards.iter().map(|g| {
        let (index, extent) = (code::dim(&g.index, &name), plain(&g.extent));
        let index = index.at(COMPARE + 1);
        format!("0 <= {index} && {index} < {}", extent.at(COMPARE + 1))
    });
    let all: Vec<String> = each.collect();
    if all.is_empty() { Code::atom("true") } else { Code::new(all.join(" && "), AND) }
}

/// The lane positions of a tile at which all guards hold, if they are a range.
pub fn within(guards: &[Guard], lane: &str, name: &dyn Fn(&str) -> String) -> Option<String> {
    let load = Load { input: "", index: &[], guards, fill: Code::atom(""), name };
    let valid: Option<Vec<String>> = guards.iter().map(|g| valid(&load, g, lane)).collect();
    valid?.into_iter().reduce(|a, b| format!("rt::meet({a}, {b})"))
}

/// One element.
pub fn element(load: &Load<'_>) -> Code {
    let index = list(load.index.iter().map(|d| load.coordinate(d)));
    let Load { input, guards, fill, name, .. } = load;
    Code::atom(match guards.is_empty() {
        true => format!("{input}.at({index})"),
        false => format!("{input}.at_or({}, {index}, {})", inside(guards, name).text, fill.text),
    })
}

/// The elements of a tile of the lane, as a slice.
pub fn row(load: &Load<'_>, lane: &str, tile: &str) -> String {
    let Load { input, index, guards, fill, .. } = load;
    let steps: Option<Vec<Code>> = index.iter().map(|d| step(d, lane)).collect();
    let valid: Option<Vec<String>> = guards.iter().map(|g| valid(load, g, lane)).collect();
    let (Some(steps), Some(valid)) = (steps, valid) else {
        return gather(load, lane, tile);
    };
    let (at, steps) = (list(index.iter().map(|d| load.at_start(d, lane))), list(steps));
    match valid.into_iter().reduce(|a, b| format!("rt::meet({a}, {b})")) {
        None => format!("{input}.row({at}, {steps}, t.len, &mut {tile})"),
        Some(valid) => format!("{input}.row_or({at}, {steps}, t.len, {valid}, {}, &mut {tile})", fill.text),
    }
}

/// The elements of rows that go together, which have no guards: one row after another, each one further along `down`.
pub fn rows(load: &Load<'_>, lane: &str, down: &str, tile: &str) -> String {
    let at = list(load.index.iter().map(|d| load.at_start(d, lane)));
    let steps = |var: &str| list(load.index.iter().map(|d| step(d, var).unwrap_or_else(|| Code::atom("0"))));
    format!("{}.rows({at}, {}, {}, t, &mut {tile})", load.input, steps(down), steps(lane))
}

/// How far a coordinate goes from one point of an axis, such as the lane, to the next.
pub fn step(d: &Dim, lane: &str) -> Option<Code> {
    d.affine_in(lane).map(|(step, _)| plain(&step))
}

/// The lane positions of a tile at which a guard holds.
fn valid(load: &Load<'_>, guard: &Guard, lane: &str) -> Option<String> {
    holds(load.at_start(&guard.index, lane), guard, lane, "t.len")
}

/// The positions of a whole lane at which a guard holds that depends on them.
pub fn part(guard: &Guard, lane: &str, extent: &Code) -> Option<String> {
    let (_, first) = guard.index.affine_in(lane).filter(|_| guard.index.mentions(lane))?;
    holds(plain(&first), guard, lane, &format!("{} as usize", extent.at(code::UNARY)))
}

/// The positions, of as many as `len` from one on where its index is `low`, at which a guard holds.
fn holds(low: Code, guard: &Guard, lane: &str, len: &str) -> Option<String> {
    if guard.extent.mentions(lane) {
        return None;
    }
    let step = step(&guard.index, lane)?;
    Some(format!("rt::valid({}, {}, {}, {len})", low.text, step.text, plain(&guard.extent).text))
}

/// The elements of a tile of the lane, one by one; `i` is the lane's number.
pub fn gather(load: &Load<'_>, lane: &str, tile: &str) -> String {
    let Load { input, index, guards, fill, name } = load;
    let index = list(index.iter().map(|d| load.coordinate(d)));
    let inside = if guards.is_empty() { String::new() } else { inside(guards, name).text };
    let uses = |name: &str| mentions(&index, name) || mentions(&inside, name);
    let point = if uses(lane) { format!("let {lane} = t.start + i as isize; ") } else { String::new() };
    match guards.is_empty() {
        true => format!("{input}.gather(t.len, &mut {tile}, |i| {{ {point}{index} }})"),
        false => {
            let body = format!("{point}if {inside} {{ Some({index}) }} else {{ None }}");
            format!("{input}.gather_or(t.len, &mut {tile}, {}, |i| {{ {body} }})", fill.text)
        }
    }
}
