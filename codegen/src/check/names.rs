//! What a name in an expression stands for.
//!
//! In: a name that is no call's. Out: the binding in scope, a constant or a dtype; or the error, with the mend. Always: bindings come
//! first, so a name of the language may be one of the user's. Next: [`super::expr`].

use super::cx::Cx;
use super::table;
use super::value::{Arg, Value};
use crate::diagnostic::{Diagnostic, Loc};
use crate::dtype::DType;
use crate::errors;
use crate::suggest::suggest;
use crate::syntax::ast::{Expr, ExprKind};
use proc_macro2::Ident;
use std::collections::HashMap;

impl Cx<'_> {
    /// What a name stands for; `outer` is what is done with it.
    pub(super) fn name(&mut self, name: &Ident, loc: Loc, outer: Option<&Expr>) -> Arg {
        let text = name.to_string();
        if let Some(binding) = self.lookup(&text) {
            let (value, declared) = (binding.value.clone(), binding.loc);
            return Arg { value, loc, name: Some((text, declared)) };
        }
        let value = match text.as_str() {
            "inf" => Value::Float(f64::INFINITY),
            "nan" => Value::Float(f64::NAN),
            "pi" => Value::Float(std::f64::consts::PI),
            "newaxis" => Value::None,
            _ => match DType::from_name(&text) {
                Some(dtype) => Value::DType(dtype),
                None => self.unknown_name(&text, loc, outer),
            },
        };
        Arg { value, loc, name: Some((text, None)) }
    }

    fn unknown_name(&mut self, text: &str, loc: Loc, outer: Option<&Expr>) -> Value {
        if self.unit.fns.contains_key(text) || table::Callee::find(text).is_some() {
            return self.error(
                Diagnostic::new(errors::FUNCTION_AS_VALUE, loc, format!("the function `{text}` is no value"))
                    .help(format!("call it, `{text}(…)`")),
            );
        }
        let in_scope = self.frames.last().map(|f| f.scopes.iter().flat_map(HashMap::keys).cloned().collect::<Vec<_>>());
        let mut in_scope = in_scope.unwrap_or_default();
        in_scope.sort();
        let diag = Diagnostic::new(errors::UNKNOWN_NAME, loc, format!("unknown name `{text}`"));
        // As `np.exp(x)`.
        let operation = outer.and_then(|e| if let ExprKind::Method { name, .. } = &e.kind { Some(name) } else { None });
        let operation = operation.map(Ident::to_string).filter(|name| table::Callee::find(name).is_some());
        self.error(match (suggest(text, in_scope.iter().map(String::as_str)), operation) {
            (Some(near), _) => diag.help(format!("did you mean `{near}`?")),
            (None, Some(operation)) => diag.help(format!("operations are of no module: `{operation}(…)`")),
            (None, None) => diag.help(format!("declare it as a parameter or with `let {text} = …;`")),
        })
    }
}
