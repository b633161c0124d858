//! Arguments that are known at compile time: integers, axes, shapes, flags.
//!
//! In: an [`Arg`]. Out: what it says, or a diagnostic at it. Always: negative
//! axes count from the end, and an axis out of range or given twice is an error.
//! Next: [`super::table`].

use super::cx::Cx;
use super::value::{Arg, Value};
use crate::diagnostic::{Diagnostic, Loc};
use crate::dtype::DType;
use crate::errors;
use crate::shape::Dim;

/// The greatest size that is given as a number.
const MAX_EXTENT: i64 = 1 << 48;

impl Cx<'_> {
    /// Tells that the argument is not what the parameter takes.
    pub fn wants<T>(&mut self, arg: &Arg, name: &str, kind: &str) -> Option<T> {
        if arg.value.is_error() {
            return None;
        }
        let is = arg.value.describe(&self.graph);
        let dynamic = matches!(arg.value, Value::Array(_) | Value::Dim(_) | Value::Number(_));
        let (code, help) = match (dynamic, &arg.value) {
            (true, Value::Array(id)) if self.ty(*id).rank() > 0 => {
                (errors::ARGUMENT_TYPE, format!("give {kind} that is known at compile time"))
            }
            (true, _) => (errors::STATIC_VALUE, format!("`{name}` must be known at compile time")),
            (false, _) => (errors::ARGUMENT_TYPE, format!("give {kind}")),
        };
        self.reject(code, arg.loc, format!("`{name}` wants {kind}, not {is}"), help)
    }

    /// An integer known at compile time.
    pub fn int(&mut self, arg: &Arg, name: &str) -> Option<i64> {
        match &arg.value {
            Value::Int(i) => match i64::try_from(*i) {
                Ok(i) => Some(i),
                Err(_) => self.reject(
                    errors::LITERAL_RANGE,
                    arg.loc,
                    format!("`{i}` does not fit 64 bits"),
                    "give a smaller integer",
                ),
            },
            _ => self.wants(arg, name, "an integer"),
        }
    }

    /// An integer of at least one.
    pub fn positive(&mut self, arg: &Arg, name: &str) -> Option<i64> {
        let i = self.int(arg, name)?;
        if i >= 1 {
            return Some(i);
        }
        self.reject(errors::ARGUMENT_VALUE, arg.loc, format!("`{name}` is {i}"), "give an integer of 1 or more")
    }

    pub fn flag(&mut self, arg: &Arg, name: &str) -> Option<bool> {
        match arg.value {
            Value::Bool(b) => Some(b),
            _ => self.wants(arg, name, "`true` or `false`"),
        }
    }

    pub fn dtype_of(&mut self, arg: &Arg, name: &str) -> Option<DType> {
        match arg.value {
            Value::DType(d) => Some(d),
            _ => self.wants(arg, name, "a dtype such as `f32`"),
        }
    }

    /// One of these words.
    pub fn word(&mut self, arg: &Arg, name: &str, words: &[&'static str]) -> Option<&'static str> {
        let Value::Str(text) = &arg.value else { return self.wants(arg, name, "a string") };
        if let Some(word) = words.iter().find(|w| **w == &**text) {
            return Some(word);
        }
        let known: Vec<String> = words.iter().map(|w| format!("\"{w}\"")).collect();
        let message = format!("`{name}` has no value \"{text}\"");
        self.reject(errors::ARGUMENT_VALUE, arg.loc, message, format!("give {}", known.join(" or ")))
    }

    /// One axis of an array of this rank.
    pub fn axis(&mut self, arg: &Arg, rank: usize) -> Option<usize> {
        let axis = self.int(arg, "axis")?;
        self.axis_in(axis, rank, arg.loc)
    }

    fn axis_in(&mut self, axis: i64, rank: usize, loc: Loc) -> Option<usize> {
        let n = rank as i64;
        if (-n..n).contains(&axis) {
            return Some(axis.rem_euclid(n) as usize);
        }
        let help = match n {
            0 => "a 0-d array has no axes; leave the axis out".to_string(),
            _ => format!("give an axis from {} to {}", -n, n - 1),
        };
        self.reject(errors::AXIS_RANGE, loc, format!("axis {axis} of an array of rank {rank}"), help)
    }

    /// One axis or a tuple of them, in the order given.
    pub fn axis_list(&mut self, arg: &Arg, rank: usize) -> Option<Vec<usize>> {
        let items: Vec<Value> = match &arg.value {
            Value::Int(_) => vec![arg.value.clone()],
            Value::Tuple(items) => items.to_vec(),
            _ => return self.wants(arg, "axis", "an integer or a tuple of integers"),
        };
        let mut axes = Vec::new();
        for item in items {
            let axis = self.axis(&Arg::new(item, arg.loc), rank)?;
            if axes.contains(&axis) {
                return self.reject(
                    errors::DUPLICATE_AXIS,
                    arg.loc,
                    format!("axis {axis} is given twice"),
                    "give each axis once",
                );
            }
            axes.push(axis);
        }
        Some(axes)
    }

    /// The axes of a reduction: `None` is all of them.
    pub fn axes(&mut self, arg: &Arg, rank: usize) -> Option<Vec<usize>> {
        match arg.value {
            Value::None => Some((0..rank).collect()),
            _ => self.axis_list(arg, rank),
        }
    }

    /// A size: an integer or an expression of the declared names.
    pub fn size(&mut self, arg: &Arg, name: &str) -> Option<Dim> {
        match arg.value.as_dim() {
            Some(dim) => Some(dim),
            None => self.wants(arg, name, "a size"),
        }
    }

    /// A size that is not negative.
    pub fn extent(&mut self, arg: &Arg, name: &str) -> Option<Dim> {
        let dim = self.size(arg, name)?;
        if dim.as_const().is_some_and(|c| c < 0) {
            return self.reject(errors::NEGATIVE_DIM, arg.loc, format!("a size of {dim}"), "a size is zero or more");
        }
        // Sums of a few sizes must not overflow.
        if dim.as_const().is_some_and(|c| c > MAX_EXTENT) {
            let message = format!("a size of {dim} is more than any memory holds");
            return self.reject(errors::SIZE_LIMIT, arg.loc, message, "give a smaller size");
        }
        Some(dim)
    }

    /// A shape: one size or a tuple of them.
    pub fn shape_of(&mut self, arg: &Arg, name: &str) -> Option<Vec<Dim>> {
        let items = self.items(arg);
        self.check_rank(items.len(), arg.loc)?;
        items.iter().map(|item| self.extent(item, name)).collect()
    }

    /// The items of a tuple; another value is its own only item.
    pub fn items(&self, arg: &Arg) -> Vec<Arg> {
        match &arg.value {
            Value::Tuple(items) => items.iter().map(|v| Arg::new(v.clone(), arg.loc)).collect(),
            _ => vec![arg.clone()],
        }
    }

    /// One integer for all axes, or one an axis.
    pub fn per_axis(&mut self, arg: &Arg, name: &str, count: usize) -> Option<Vec<Arg>> {
        let items = self.items(arg);
        match (&arg.value, items.len()) {
            (Value::Tuple(_), n) if n == count => Some(items),
            (Value::Tuple(_), n) => self.reject(
                errors::ARGUMENT_VALUE,
                arg.loc,
                format!("`{name}` has {n} values where {count} are wanted"),
                "give one integer for all axes, or one an axis",
            ),
            _ => Some(vec![arg.clone(); count]),
        }
    }

    /// An error about a value that is of the right kind.
    pub fn bad_value<T>(&mut self, arg: &Arg, message: impl Into<String>, help: impl Into<String>) -> Option<T> {
        self.error(Diagnostic::new(errors::ARGUMENT_VALUE, arg.loc, message).help(help));
        None
    }
}
