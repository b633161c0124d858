//! Parameter structs as values: an operation on structs is one on their arrays.
//!
//! In: arguments, some of them structs of one type. Out: a struct of that type.
//! Always: numbers and 0-d arrays meet every array of the struct; other arrays
//! meet none, since they would fit one by chance. Next: [`super::elementwise`].
//!
//! ```text
//! net - 0.1 * grad(loss, wrt=net)(net, x, y)
//! ```

use super::cx::Cx;
use super::table::Call;
use super::value::{Arg, StructValue, Value};
use crate::errors;
use crate::graph::NodeId;
use crate::ops::{MapOp, Monoid};
use crate::shape::Dim;
use std::rc::Rc;

type Each<'e, 'c> = &'e mut dyn FnMut(&mut Cx<'c>, &[Arg]) -> Value;

impl<'c> Cx<'c> {
    /// Whether a struct is of this type, as far as its sizes can be proved.
    pub fn is_struct(&self, s: &StructValue, def: &str, args: &[Dim]) -> bool {
        s.def == def && s.args.len() == args.len() && s.args.iter().zip(args).all(|(a, b)| self.facts.equal(a, b))
    }

    /// Runs an operation on the arrays of structs, one at a time.
    pub fn each_leaf(&mut self, args: &[Arg], run: Each<'_, 'c>) -> Value {
        let form = args.iter().find(|a| matches!(a.value, Value::Struct(_) | Value::Tuple(_)));
        let Some(form) = form.map(|a| a.value.clone()) else { return run(self, args) };
        for arg in args {
            let fits = match (&arg.value, &form) {
                (Value::Struct(s), Value::Struct(of)) => self.is_struct(s, &of.def, &of.args),
                (Value::Tuple(items), Value::Tuple(of)) => items.len() == of.len(),
                (Value::Array(id), _) => self.ty(*id).rank() == 0,
                (other, _) => other.weak().is_some(),
            };
            if !fits {
                let (is, of) = (arg.value.describe(&self.graph), form.describe(&self.graph));
                let message = format!("{is} meets {of}");
                return self.told(
                    errors::STRUCT_MISMATCH,
                    arg.loc,
                    message,
                    "a struct meets structs of its type, numbers and 0-d arrays",
                );
            }
        }
        match &form {
            Value::Struct(s) => {
                let fields: Vec<(String, Value)> = (s.fields.iter().enumerate())
                    .map(|(k, (name, _))| (name.clone(), self.each_leaf(&part(args, k), run)))
                    .collect();
                if fields.iter().any(|(_, v)| v.is_error()) {
                    return Value::Error;
                }
                Value::Struct(Rc::new(StructValue { def: s.def.clone(), args: s.args.clone(), fields }))
            }
            _ => {
                let count = if let Value::Tuple(items) = &form { items.len() } else { 0 };
                let items: Vec<Value> = (0..count).map(|k| self.each_leaf(&part(args, k), run)).collect();
                if items.iter().any(Value::is_error) { Value::Error } else { Value::tuple(items) }
            }
        }
    }
}

/// The arguments with each struct or tuple replaced by its part of this number.
fn part(args: &[Arg], number: usize) -> Vec<Arg> {
    let value = |arg: &Arg| match &arg.value {
        Value::Struct(s) => s.fields[number].1.clone(),
        Value::Tuple(items) => items[number].clone(),
        other => other.clone(),
    };
    args.iter().map(|arg| Arg { value: value(arg), ..arg.clone() }).collect()
}

/// `__total(x)`: the sum of all elements, of a struct those of all its arrays.
pub(super) fn total(cx: &mut Cx<'_>, call: &Call<'_>) -> Option<Value> {
    let nodes = call.args[0].value.nodes();
    if nodes.is_empty() {
        return cx.array(&call.args[0], "`__total`").map(Value::Array);
    }
    let mut sum: Option<NodeId> = None;
    for node in nodes {
        let axes: Vec<usize> = (0..cx.ty(node).rank()).collect();
        let part = cx.graph.reduce(Monoid::named("sum"), node, &axes);
        if let Some(before) = sum.filter(|&s| cx.dtype(s) != cx.dtype(part)) {
            let (a, b) = (cx.dtype(before), cx.dtype(part));
            let message = format!("the struct has arrays of `{a}` and of `{b}`");
            return cx.reject(errors::STRUCT_AS_ARRAY, call.loc, message, "add up its arrays one by one");
        }
        sum = Some(match sum {
            Some(before) => cx.graph.map(MapOp::named("add"), &[before, part]),
            None => part,
        });
    }
    sum.map(Value::Array)
}
