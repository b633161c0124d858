//! Results: what a body gives, as what is declared.
//!
//! In: a value and the declared type. Out: the value as that type, or an error
//! with the mend. Always: sizes that a `where` equates are written as declared;
//! nothing is cast, and only a literal takes the declared dtype.
//! Next: [`super::entry`].

use super::cx::Cx;
use super::signature::{self, SigType, Signature};
use super::structs::FieldType;
use super::value::{Arg, Value, struct_name};
use super::{Answer, Unit};
use crate::diagnostic::{Diagnostic, Loc};
use crate::dtype::DType;
use crate::errors::{self, Code};
use crate::graph::{NodeId, Type};
use crate::ops::Literal;
use crate::shape::Dim;
use std::collections::BTreeMap;

/// Where a value must have a type.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Result,
    Annotation,
}

impl Cx<'_> {
    /// The values of a body, as many and of the types as declared.
    pub fn results(&mut self, value: Arg, types: &[Answer], tuple: bool) -> Option<Vec<Value>> {
        if value.value.is_error() {
            return None;
        }
        let values: Vec<Arg> = match (&value.value, tuple) {
            (Value::Tuple(items), true) if items.len() == types.len() => {
                items.iter().map(|v| Arg::new(v.clone(), value.loc)).collect()
            }
            (Value::Tuple(items), _) => {
                let n = items.len();
                return self.result_count(value.loc, types.len(), n);
            }
            (_, true) if types.len() != 1 => return self.result_count(value.loc, types.len(), 1),
            _ => vec![value],
        };
        let values: Vec<Option<Value>> = values.iter().zip(types).map(|(v, ty)| self.fit_answer(v, ty)).collect();
        values.into_iter().collect()
    }

    fn fit_answer(&mut self, arg: &Arg, answer: &Answer) -> Option<Value> {
        let (def, args, leaves) = match answer {
            Answer::Array(ty) => return self.fit_type(arg, ty, Place::Result).map(Value::Array),
            Answer::Struct { def, args, leaves } => (def, args, leaves),
        };
        match &arg.value {
            Value::Struct(s) if self.is_struct(s, def, args) => {
                // Sizes as declared, where a `where` equates them.
                let mut types = leaves.iter();
                let graph = &mut self.graph;
                Some(arg.value.map_nodes(&mut |node| match types.next() {
                    Some(ty) => graph.reshape(node, &ty.shape),
                    None => node,
                }))
            }
            Value::Error => None,
            other => {
                let (is, wanted) = (other.describe(&self.graph), struct_name(def, args));
                let message = format!("the result is {is}, where the struct `{wanted}` is declared");
                self.reject(errors::STRUCT_MISMATCH, arg.loc, message, format!("give a `{wanted}`"))
            }
        }
    }

    fn result_count<T>(&mut self, loc: Loc, want: usize, is: usize) -> Option<T> {
        let s = |n: usize| if n == 1 { "value" } else { "values" };
        self.reject(
            errors::RESULT_COUNT,
            loc,
            format!("the body gives {is} {} where {want} {} declared", s(is), if want == 1 { "is" } else { "are" }),
            if want == 1 { "give one array".to_string() } else { format!("give a tuple of {want}") },
        )
    }

    /// The value as a node of a declared type.
    pub fn fit_type(&mut self, arg: &Arg, ty: &Type, place: Place) -> Option<NodeId> {
        let (dtype_code, shape_code, what) = match place {
            Place::Result => (errors::RESULT_DTYPE, errors::RESULT_SHAPE, "the result"),
            Place::Annotation => (errors::ANNOTATION_DTYPE, errors::ANNOTATION_SHAPE, "the value"),
        };
        let Value::Array(id) = arg.value else {
            if arg.value.is_error() {
                return None;
            }
            if arg.value.weak().is_some() {
                if ty.rank() == 0 {
                    return self.coerce(arg, ty.dtype);
                }
                let is = arg.value.describe(&self.graph);
                let sizes: Vec<String> = ty.shape.iter().map(Dim::to_string).collect();
                return self.reject(
                    errors::LITERAL_RESULT,
                    arg.loc,
                    format!("{what} is {is}, where `{ty}` is declared"),
                    format!(
                        "write `full(({},), {}, dtype={})`",
                        sizes.join(", "),
                        arg.value.literal().unwrap_or_else(|| arg.text("…")),
                        ty.dtype
                    ),
                );
            }
            self.not_an_array(arg, what);
            return None;
        };
        let actual = self.ty(id).clone();
        if actual.dtype != ty.dtype {
            let mut diag =
                Diagnostic::new(dtype_code, arg.loc, format!("{what} is `{actual}`, where `{ty}` is declared"))
                    .help(format!("declare `{}`, or cast it: `{}.astype({})`", actual.dtype, arg.text("…"), ty.dtype));
            diag.notes.extend(arg.note(&self.graph));
            self.error(diag);
            return None;
        }
        self.same_shape(arg, &actual, ty, shape_code, what)?;
        Some(self.graph.reshape(id, &ty.shape))
    }

    fn same_shape(&mut self, arg: &Arg, actual: &Type, ty: &Type, code: Code, what: &str) -> Option<()> {
        let message = format!("{what} is `{actual}`, where `{ty}` is declared");
        let mut diag = Diagnostic::new(code, arg.loc, message);
        diag.notes.extend(arg.note(&self.graph));
        if actual.rank() != ty.rank() {
            self.error(
                diag.help(format!("declare `{actual}`, or change the number of axes with a reduction or `reshape`")),
            );
            return None;
        }
        let unequal = actual.shape.iter().zip(&ty.shape).find(|(a, b)| !self.facts.equal(a, b));
        let Some((a, b)) = unequal else { return Some(()) };
        let (a, b) = (a.clone(), b.clone());
        let differ = a.sub(&b).as_const().is_some();
        let mut swapped = actual.shape.clone();
        swapped.reverse();
        self.error(if !differ && swapped == ty.shape && ty.rank() > 1 {
            diag.help(format!("transpose it, `{}.T`", arg.text("…")))
        } else if differ {
            diag.help(format!("declare `{actual}`"))
        } else {
            let mend = self.equate(&a, &b, &format!("declare `{actual}`"));
            diag.note(format!("`{a}` cannot be proved equal to `{b}`")).help(mend)
        });
        None
    }

    /// A value of the type that stands for a result which an error lost.
    pub fn placeholder(&mut self, answer: &Answer) -> Value {
        match answer {
            Answer::Array(ty) => Value::Array(self.graph.full(Literal::Int(0), ty.dtype, &ty.shape)),
            Answer::Struct { .. } => Value::Error,
        }
    }

    /// The results of a signature, for these sizes and dtypes.
    pub fn answers(
        &self,
        sig: &Signature,
        with: &impl Fn(&str) -> Option<Dim>,
        dtypes: &BTreeMap<String, DType>,
    ) -> Option<Vec<Answer>> {
        sig.results.iter().map(|r| answer(self.unit, &r.substitute(with), dtypes)).collect()
    }
}

/// A result of a signature; `None` where it was told of.
pub(super) fn answer(unit: &Unit<'_>, ty: &SigType, dtypes: &BTreeMap<String, DType>) -> Option<Answer> {
    match ty {
        SigType::Array(..) => concrete(ty, dtypes).map(Answer::Array),
        SigType::Struct { name, args } => {
            let mut leaves = Vec::new();
            collect(unit, &FieldType::Struct { name: name.clone(), args: args.clone() }, &mut leaves);
            Some(Answer::Struct { def: name.clone(), args: args.clone(), leaves })
        }
        SigType::Scalar(_) | SigType::Unknown => None,
    }
}

/// The arrays of a field, in order.
fn collect(unit: &Unit<'_>, ty: &FieldType, out: &mut Vec<Type>) {
    match ty {
        FieldType::Array(ty) => out.push(ty.clone()),
        FieldType::Struct { name, args } => {
            let fields = unit.structs.get(name).map(|def| def.instance(args)).unwrap_or_default();
            fields.iter().for_each(|(_, ty)| collect(unit, ty, out));
        }
        FieldType::Repeat(element, n) => (0..*n).for_each(|_| collect(unit, element, out)),
        FieldType::Tuple(items) => items.iter().for_each(|ty| collect(unit, ty, out)),
    }
}

/// The type of an array, where its dtype is known.
pub(super) fn concrete(ty: &SigType, dtypes: &BTreeMap<String, DType>) -> Option<Type> {
    match ty {
        SigType::Array(dtype, dims) => signature::array_type(dtype, dims, dtypes),
        SigType::Scalar(_) | SigType::Struct { .. } | SigType::Unknown => None,
    }
}

pub(super) fn tuple_or_one(mut values: Vec<Value>, tuple: bool) -> Value {
    match (values.len(), tuple) {
        (1, false) => values.remove(0),
        _ => Value::tuple(values),
    }
}
