//! Dtypes: which one operands meet in, and how each gets there.
//!
//! In: values. Out: a common dtype, nodes of it. Always: NumPy's promotion with
//! weak literals (NEP 50), except that `f64` is never made out of operands that
//! do not hold it; that is an error whose help shows the cast.
//! Next: [`super::elementwise`].

use super::cx::Cx;
use super::fold::literal;
use super::value::{Arg, Value, Weak};
use crate::diagnostic::{Diagnostic, Loc};
use crate::dtype::{DType, Kind};
use crate::errors;
use crate::graph::{NodeId, Relation};
use crate::ops::Rule;
use crate::shape::Dim;

impl Cx<'_> {
    /// The dtype that these values meet in. `what` names the operation.
    pub fn common_dtype(&mut self, what: &str, args: &[Arg], loc: Loc) -> Option<DType> {
        let mut strong: Option<(DType, &Arg)> = None;
        for arg in args {
            let Value::Array(id) = arg.value else { continue };
            let dtype = self.dtype(id);
            let Some((so_far, first)) = strong else {
                strong = Some((dtype, arg));
                continue;
            };
            match so_far.promote(dtype) {
                Some(both) => strong = Some((both, if both == so_far { first } else { arg })),
                None => {
                    let diag = self.no_promotion(what, first, so_far, arg, dtype, loc);
                    self.error(diag);
                    return None;
                }
            }
        }
        let weak = args.iter().filter(|a| a.value.weak().is_some()).max_by_key(|a| a.value.weak());
        let (Some((dtype, array)), Some(weak_arg)) = (strong, weak) else {
            return Some(strong.map_or_else(|| weak_dtype(weak.and_then(|a| a.value.weak())), |(d, _)| d));
        };
        match (dtype.kind(), weak_arg.value.weak()) {
            (Kind::Bool, Some(Weak::Int)) => Some(DType::I64),
            (Kind::Bool | Kind::Signed | Kind::Unsigned, Some(Weak::Float)) => {
                let is = weak_arg.value.describe(&self.graph);
                self.reject(
                    errors::LITERAL_KIND,
                    loc,
                    format!("`{what}` of `{dtype}` and {is} would be `f64`"),
                    format!("say which float is meant: `{}.astype(f32)`", array.text("…")),
                )
            }
            _ => Some(dtype),
        }
    }

    fn no_promotion(&self, what: &str, a: &Arg, x: DType, b: &Arg, y: DType, loc: Loc) -> Diagnostic {
        let would = match (x.is_float(), y.is_float(), x.is_stored_only() || y.is_stored_only()) {
            (true, true, _) => ", which have no dtype in common",
            (_, _, true) => " would be a wider float",
            (_, _, false) => " would be `f64`",
        };
        let mut diag = Diagnostic::new(errors::PROMOTION, loc, format!("`{what}` of `{x}` and `{y}`{would}"));
        diag.notes.extend([a, b].iter().filter_map(|arg| arg.note(&self.graph)));
        let (wrong, to) = match (x.is_float(), y.is_float()) {
            (true, false) => (b, x),
            (false, true) => (a, y),
            (true, true) => (b, x),
            _ if x == DType::U64 => (a, DType::I64),
            _ => (b, DType::I64),
        };
        let wide = if x.is_float() && y.is_float() { ", or `.astype(f32)` of both" } else { "" };
        diag.help(format!("say which dtype is meant: `{}.astype({to})`{wide}", wrong.text("…")))
    }

    /// The value as a node of this dtype. Weak values are 0-d.
    pub fn coerce(&mut self, arg: &Arg, dtype: DType) -> Option<NodeId> {
        match &arg.value {
            Value::Array(id) => Some(self.graph.cast(*id, dtype)),
            Value::Int(i) => {
                if let Some((lo, hi)) = dtype.int_range()
                    && !(lo..=hi).contains(i)
                {
                    return self.reject(
                        errors::LITERAL_RANGE,
                        arg.loc,
                        format!("the literal `{i}` does not fit `{dtype}`, which ends at {lo} and {hi}"),
                        "cast the array to a wider dtype first, `.astype(i64)`",
                    );
                }
                Some(self.graph.konst(literal(&arg.value), dtype))
            }
            Value::Float(f) if !dtype.is_float() => self.reject(
                errors::LITERAL_KIND,
                arg.loc,
                format!("the literal `{f:?}` is a float where `{dtype}` is wanted"),
                "write an integer, or cast the array to a float with `.astype(f32)`",
            ),
            Value::Number(_) if !dtype.is_float() => self.reject(
                errors::LITERAL_KIND,
                arg.loc,
                format!("a float made of sizes where `{dtype}` is wanted"),
                "cast the array to a float with `.astype(f32)`",
            ),
            Value::Dim(dim) => {
                if let Some((_, hi)) = dtype.int_range()
                    && let Ok(hi) = i64::try_from(hi)
                    && hi < i64::MAX
                {
                    let why = format!("the size `{dim}` is used as `{dtype}`");
                    if self.ensure(dim.clone(), Relation::Le, Dim::from(hi), why).is_err() {
                        return self.reject(
                            errors::LITERAL_RANGE,
                            arg.loc,
                            format!("the size `{dim}` never fits `{dtype}`"),
                            "cast the array to `i64` first",
                        );
                    }
                }
                Some(self.weak_node(&arg.value, dtype))
            }
            Value::Float(_) | Value::Bool(_) | Value::Number(_) => Some(self.weak_node(&arg.value, dtype)),
            Value::Str(_) | Value::None | Value::DType(_) | Value::Tuple(_) | Value::Struct(_) | Value::Error => {
                self.not_an_array(arg, "the operation");
                None
            }
        }
    }

    /// Why an operation of the table does not take a dtype, and the mend.
    pub fn rule_error(&mut self, what: &str, rule: Rule, dtype: DType, args: &[Arg], loc: Loc) -> Value {
        let text = args.iter().find(|a| matches!(a.value, Value::Array(_))).map_or("…".into(), |a| a.text("…"));
        let (code, message, help) = match (rule, dtype.kind()) {
            (Rule::Float, Kind::Signed | Kind::Unsigned) if what == "/" || what == "div" => (
                errors::INTEGER_DIVISION,
                format!("`/` of `{dtype}` would be `f64`"),
                format!("write `floor_divide(…)` for integers, or cast: `{text}.astype(f32)`"),
            ),
            (Rule::Number | Rule::Signed | Rule::Float | Rule::Int, Kind::Bool) => (
                errors::BOOL_ARITHMETIC,
                format!("`{what}` is not defined for `bool`"),
                match what {
                    "+" | "add" | "*" | "mul" | "-" | "sub" => {
                        format!("write `|`, `&` or `^`, or cast: `{text}.astype(i64)`")
                    }
                    _ => format!("cast: `{text}.astype(f32)`"),
                },
            ),
            (Rule::Float | Rule::Test, _) => (
                errors::FLOAT_FUNCTION,
                format!("`{what}` of `{dtype}` would be `f64`"),
                format!("say which float is meant: `{text}.astype(f32)`"),
            ),
            (Rule::Signed, _) => (
                errors::DTYPE_RULE,
                format!("`{what}` is not defined for the unsigned `{dtype}`"),
                format!("cast: `{text}.astype(i64)`"),
            ),
            (Rule::Bits | Rule::Int, _) => (
                errors::DTYPE_RULE,
                format!("`{what}` takes integers, not `{dtype}`"),
                "for logic compare first, `x != 0`; for arithmetic use `+` and `*`".into(),
            ),
            (Rule::Number | Rule::Any | Rule::Compare | Rule::Select, _) => (
                errors::DTYPE_RULE,
                format!("`{what}` is not defined for `{dtype}`"),
                format!("cast: `{text}.astype(f32)`"),
            ),
        };
        let mut diag = Diagnostic::new(code, loc, message).help(help);
        diag.notes.extend(args.iter().filter_map(|a| a.note(&self.graph)));
        self.error(diag)
    }

    pub fn condition_wanted(&mut self, arg: &Arg) -> Value {
        let is = arg.value.describe(&self.graph);
        let text = arg.text("…");
        self.error(
            Diagnostic::new(errors::CONDITION_DTYPE, arg.loc, format!("the condition of `where` is `bool`, not {is}"))
                .help(format!("compare first: `{text} != 0`")),
        )
    }
}

/// The dtype that NumPy gives a Python number that meets no array.
fn weak_dtype(weak: Option<Weak>) -> DType {
    match weak {
        Some(Weak::Bool) => DType::Bool,
        Some(Weak::Int) | None => DType::I64,
        Some(Weak::Float) => DType::F64,
    }
}
