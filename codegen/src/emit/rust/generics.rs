//! The type parameters of a function's signature.
//!
//! In: the dimensions of operands and results. Out: a type for each axis, and
//! the bounds. Always: an axis of an operand has its own parameter: a symbol's
//! first is any dimension, a later one fits the first, a constant's fits
//! `Const<N>`; a result has the first's type. Next: [`super::items`].

use super::code::{self, RT};
use super::items::shape;
use crate::check::{Answer, Function, ParamKind};
use crate::dtype::DType;
use crate::shape::{Dim, Sym};
use std::collections::BTreeMap;

const DIM: &str = "::ndfuse::rt::Dim";

#[derive(Clone)]
pub struct Generics {
    /// Names with their bounds, in order.
    params: Vec<(String, String)>,
    /// The first parameter of each symbol.
    first: BTreeMap<Sym, String>,
    /// How many parameters each stem has.
    counts: BTreeMap<String, usize>,
    /// Names that mean something else in the signature.
    taken: Vec<String>,
}

impl Generics {
    pub fn new(f: &Function) -> Generics {
        let params = f.params.iter().filter_map(|p| match &p.kind {
            ParamKind::Struct { def, .. } => Some(def.clone()),
            ParamKind::Array(_) | ParamKind::Scalar(_) | ParamKind::Error => None,
        });
        let results = f.results.iter().filter_map(|r| match r {
            Answer::Struct { def, .. } => Some(def.clone()),
            Answer::Array(_) => None,
        });
        let taken = params.chain(results);
        Generics { params: Vec::new(), first: BTreeMap::new(), counts: BTreeMap::new(), taken: taken.collect() }
    }

    /// `<B0: Dim, B1: Fits<B0>>`, or nothing.
    pub fn text(&self) -> String {
        let params: Vec<String> = self.params.iter().map(|(name, bound)| format!("{name}: {bound}")).collect();
        if params.is_empty() { String::new() } else { format!("<{}>", params.join(", ")) }
    }

    /// `B0`, `B1`, … for the stem `B`.
    fn fresh(&mut self, stem: &str, bound: String) -> String {
        let count = self.counts.entry(stem.to_string()).or_default();
        let mut name = format!("{stem}{count}");
        *count += 1;
        while self.taken.contains(&name) {
            name.push('_');
        }
        self.taken.push(name.clone());
        self.params.push((name.clone(), bound));
        name
    }

    /// The type of an operand's axis. An argument of a struct must be a
    /// dimension in its own right.
    fn axis(&mut self, dim: &Dim, argument: bool) -> String {
        let fits = |of: String| {
            if argument { format!("{DIM} + ::ndfuse::rt::Fits<{of}>") } else { format!("::ndfuse::rt::Fits<{of}>") }
        };
        match (dim.as_sym().cloned(), dim.as_const()) {
            (Some(symbol), _) => match self.first.get(&symbol).cloned() {
                Some(first) => self.fresh(&symbol, fits(first)),
                None => {
                    let name = self.fresh(&symbol, DIM.to_string());
                    self.first.insert(symbol, name.clone());
                    name
                }
            },
            (None, Some(n)) => self.fresh("N", fits(format!("::ndfuse::rt::Const<{n}>"))),
            (None, None) => self.fresh("N", DIM.to_string()),
        }
    }

    /// The shape's type of an array operand.
    pub fn operand(&mut self, dims: &[Dim]) -> String {
        shape(dims.iter().map(|d| self.axis(d, false)).collect::<Vec<_>>().into_iter())
    }

    /// `Net<I0, H0>`.
    pub fn structure(&mut self, name: &str, args: &[Dim]) -> String {
        let args: Vec<String> = args.iter().map(|d| self.axis(d, true)).collect();
        if args.is_empty() { name.to_string() } else { format!("{name}<{}>", args.join(", ")) }
    }

    /// The type of a struct among the results, of the dimensions of the operands.
    pub fn structure_of(&self, name: &str, args: &[Dim]) -> String {
        let args: Vec<String> = args.iter().map(|d| self.known(d)).collect();
        if args.is_empty() { name.to_string() } else { format!("{name}<{}>", args.join(", ")) }
    }

    fn known(&self, dim: &Dim) -> String {
        match (dim.as_sym().and_then(|s| self.first.get(s)), dim.as_const()) {
            (Some(first), _) => first.clone(),
            (None, Some(n)) => format!("::ndfuse::rt::Const<{n}>"),
            (None, None) => "usize".to_string(),
        }
    }

    /// The type of a result.
    pub fn tensor(&self, dtype: DType, dims: &[Dim]) -> String {
        format!("::ndfuse::rt::Tensor<{}, {}>", code::ty(dtype, RT), shape(dims.iter().map(|d| self.known(d))))
    }
}
