//! Pieces: the loops of a kernel that are compiled for each instruction set.
//!
//! In: a loop's lines. Out: a type that has all that they name, with its `impl rt::Piece`, and the statement that runs it.
//! Always: a kernel is compiled once, for finding rows takes no vectors and most of a compiler's time. One that goes over a row
//! several times, or leaves rows to windows, is a piece by itself: of short rows its calls would take as long as the loops.
//! Next: [`super::kernel`].
//!
//! ```text
//! struct K0L0<'a> {
//!     y_w: &'a mut [f32],
//!     v0: &'a [f32],
//! }
//! impl rt::Piece for K0L0<'_> {
//!     type Unit = rt::unit::U1;
//!     #[inline(always)]
//!     fn run<M: rt::Isa>(self, m: M) {
//!         let K0L0 { y_w, v0 } = self;
//!         let len = y_w.len();
//!         let v0 = &v0[..len];
//!         for i in 0..len {
//!             y_w[i] = m.exp(v0[i]);
//!         }
//!     }
//! }
//! ```

use super::code::{self, Code, Writer};
use super::kernel::{Emit, Repr, UNITS, mentions};
use super::nest::{Nest, Op, Ref};
use super::run::Held;
use crate::loops::Form;
use std::collections::BTreeMap;

/// Whether a kernel is compiled once.
pub(super) fn once(form: Form, nest: &Nest) -> bool {
    !nest.values.iter().any(|value| match value.op {
        Op::Weights(_) => true,
        Op::Reduced(..) => form == Form::Row,
        Op::Load { .. } | Op::Const(_) | Op::Index(_) | Op::Inside(_) | Op::Map(..) => false,
        Op::Cast(_) | Op::Pick(..) | Op::Combine(..) | Op::Window(..) => false,
    })
}

/// What a piece has.
pub(super) struct Field {
    name: String,
    ty: String,
    /// What it is made with.
    value: String,
    /// A slice is given the length of the loop, or the compiler would check each element: with this before it.
    slice: Option<&'static str>,
}

impl Field {
    fn of(name: &str, ty: &str) -> Field {
        Field { name: name.into(), ty: ty.into(), value: name.into(), slice: None }
    }
}

impl Emit<'_> {
    /// Makes a piece of the lines of a loop, of the fields that they name, and runs it.
    pub(super) fn piece(&mut self, lines: &[String], mut fields: Vec<Field>, ahead: usize) {
        let name = format!("K{}L{}", self.number, self.pieces.len());
        let text = lines.join("\n");
        fields.retain(|field| mentions(&text, &field.name));
        let lane = self.loops.lane.as_deref().unwrap_or_default();
        if mentions(&text, lane) {
            fields.push(Field { value: "t.start".into(), ..Field::of("start", "isize") });
        }
        if ahead > 0 {
            fields.push(Field { value: "&ahead".into(), ..Field::of("ahead", &format!("&'a [rt::Ahead; {ahead}]")) });
        }
        let values = fields.iter().map(|Field { name, value, .. }| match name == value {
            true => name.clone(),
            false => format!("{name}: {value}"),
        });
        self.out.line(format!("m.run({name} {{ {} }});", values.collect::<Vec<_>>().join(", ")));
        let mut out = Writer::default();
        out.open(format!("struct {name}<'a>"));
        for field in &fields {
            out.line(format!("{}: {},", field.name, field.ty));
        }
        out.close();
        out.line("");
        out.open(format!("impl rt::Piece for {name}<'_>"));
        out.line(format!("type Unit = rt::unit::U{};", (self.number + 1 + self.pieces.len()) % UNITS));
        out.line("#[inline(always)]");
        out.open(format!("fn run<M: rt::Isa>(self, {}: M)", if mentions(&text, "m") { "m" } else { "_" }));
        let names: Vec<&str> = fields.iter().map(|field| field.name.as_str()).collect();
        out.line(format!("let {name} {{ {} }} = self;", names.join(", ")));
        // A row that is written has the length of the span.
        let written = fields.iter().position(|field| field.slice == Some("&mut "));
        for (k, Field { name, slice, .. }) in fields.iter().enumerate() {
            if let Some(by) = slice {
                let known = Some(k) == written;
                out.line(if known {
                    format!("let len = {name}.len();")
                } else {
                    format!("let {name} = {by}{name}[..len];")
                });
            }
        }
        let coordinate = mentions(&text, lane).then_some((lane, "start"));
        lane_loop(&mut out, lines, (ahead > 0).then_some("ahead"), "len", coordinate);
        out.close();
        out.close();
        out.line("");
        self.pieces.push(out.text);
    }

    /// All that a loop may name here.
    pub(super) fn fields(&self, held: &Held, local: &BTreeMap<Ref, Code>) -> Vec<Field> {
        let kernel = &self.loops.kernel;
        let mut fields: Vec<Field> = Vec::new();
        let mut add = |field: Field| {
            if !fields.iter().any(|other| other.name == field.name) {
                fields.push(field);
            }
        };
        add(Field::of("cx", "&'a rt::Cx<'a>"));
        let extents = kernel.axes().filter_map(|axis| axis.extent.as_sym());
        let open = self.open.iter().filter(|var| self.loops.lane.as_ref() != Some(*var));
        for name in open.chain(&kernel.sizes).chain(extents) {
            add(Field::of(name, "isize"));
        }
        for (name, operand) in self.inputs.iter().zip(&kernel.inputs) {
            let ty = code::ty(operand.dtype, "rt");
            add(Field::of(name, &format!("rt::In<'a, {ty}, {}>", operand.rank())));
        }
        for (name, v) in &held.writes {
            let ty = format!("&'a mut [{}]", code::ty(self.nest.value(*v).dtype, "rt"));
            add(Field { slice: Some("&mut "), ..Field::of(name, &ty) });
        }
        for (v, value) in self.nest.values.iter().enumerate() {
            let ty = code::ty(value.dtype, "rt");
            match &self.scope[v] {
                Some(Repr::Slice(name)) => add(Field { slice: Some("&"), ..Field::of(name, &format!("&'a [{ty}]")) }),
                Some(Repr::Scalar(name)) => add(Field::of(name, &ty)),
                None if local.get(&Ref(v)).is_some_and(|code| code.text == value.name) => {
                    add(Field::of(&value.name, &ty))
                }
                None => {}
            }
            if let Op::Inside(_) = value.op {
                add(Field::of(&format!("{}_r", value.name), "rt::Within"));
            }
        }
        for (v, divisor) in &self.divisors {
            let ty = code::ty(self.nest.value(*v).dtype, "rt");
            add(Field::of(&divisor.name, &format!("rt::{}<{ty}>", divisor.kind)));
        }
        fields
    }
}

/// A loop over the lane, or over its parts while rows are fetched, whose coordinate has a name where it is read.
pub(super) fn lane_loop(
    out: &mut Writer,
    lines: &[String],
    ahead: Option<&str>,
    len: &str,
    coordinate: Option<(&str, &str)>,
) {
    if let Some(ahead) = ahead {
        out.open(format!("for part in rt::parts({len}, {ahead})"));
        out.open("for i in part");
    } else {
        out.open(format!("for i in 0..{len}"));
    }
    if let Some((lane, start)) = coordinate {
        out.line(format!("let {lane} = {start} + i as isize;"));
    }
    for line in lines {
        out.line(line);
    }
    out.close();
    if ahead.is_some() {
        out.close();
    }
}
