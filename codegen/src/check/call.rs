//! Calls: a name becomes a function, the arguments find their parameters.
//!
//! In: a call of the syntax tree, its arguments evaluated. Out: a value. Always:
//! a call finds the block's own functions first, a method only operations; text
//! of the prelude sees nothing of the block. Next: [`super::inline`].

use super::cx::Cx;
use super::table::{self, Call, Callee, Spec};
use super::value::{Arg, Value};
use crate::diagnostic::{Diagnostic, Loc};
use crate::errors;
use crate::suggest::suggest;
use crate::syntax::ast::{self, Expr, FnItem, TRANSFORMS};
use proc_macro2::Ident;

/// Arguments in the order of the call, each with its keyword.
pub(super) type Given = Vec<(Option<Ident>, Arg)>;

impl<'a> Cx<'a> {
    /// `f(x)`, `f::<2>(x)`.
    pub fn call(&mut self, name: &Ident, generics: &[Expr], args: &[ast::Arg]) -> Value {
        let text = name.to_string();
        let loc = Loc::at(name.span());
        let user = if self.frame().prelude { None } else { self.unit.fns.get(&text).copied() };
        if let Some(f) = user {
            let given = self.arguments(args, false);
            return self.nested(loc, |cx| cx.call_user(f, generics, given, loc));
        }
        if TRANSFORMS.contains(&text.as_str()) {
            let diag =
                Diagnostic::new(errors::FUNCTION_AS_VALUE, loc, format!("`{text}(…)` is a function, not a value"));
            return self.error(diag.help(format!("call it: `{text}(f)(x)`")));
        }
        let Some(callee) = Callee::find(&text) else { return self.unknown_function(&text, loc) };
        if let Some(first) = generics.first() {
            return self.error(
                Diagnostic::new(errors::CONST_COUNT, first.loc, format!("`{text}` takes no constants"))
                    .help(format!("write `{text}(…)`")),
            );
        }
        let given = self.arguments(args, callee.wants_sizes());
        self.call_operation(&text, callee, given, loc)
    }

    /// `x.f()`.
    pub fn method(&mut self, receiver: Arg, name: &Ident, args: &[ast::Arg]) -> Value {
        let text = name.to_string();
        let loc = Loc::at(name.span());
        // Its own error has been told.
        if receiver.value.is_error() {
            self.arguments(args, false);
            return Value::Error;
        }
        let Some(callee) = Callee::find(&text).filter(|c| !matches!(c, Callee::Cast(_))) else {
            return self.unknown_method(&receiver, &text, loc);
        };
        let mut given: Given = vec![(None, receiver)];
        given.extend(self.arguments(args, callee.wants_sizes()));
        self.call_operation(&text, callee, given, loc)
    }

    pub fn unknown_function(&mut self, text: &str, loc: Loc) -> Value {
        if self.unit.lost.iter().any(|n| n == text) {
            self.failed = true;
            return Value::Error;
        }
        if table::is_unsupported(text) {
            return self.error(
                Diagnostic::new(errors::NOT_SUPPORTED, loc, format!("`{text}` is not supported yet"))
                    .note(format!("nor are {}", table::unsupported_but(text)))
                    .help("compute it outside of `tensor!`"),
            );
        }
        let local = self.lookup(text).is_some();
        let mine = self.unit.fns.keys().map(String::as_str);
        let near = suggest(text, mine.chain(table::names().map(|n| -> &str { n }))).map(str::to_string);
        let diag = Diagnostic::new(errors::UNKNOWN_FUNCTION, loc, format!("unknown function `{text}`"));
        self.error(match near {
            _ if local => diag.help(format!("`{text}` is a value; index it with `{text}[…]`")),
            Some(near) => diag.help(format!("did you mean `{near}`?")),
            None => diag.help("define it in this block: a function calls those of its own block"),
        })
    }

    fn unknown_method(&mut self, receiver: &Arg, text: &str, loc: Loc) -> Value {
        if table::is_unsupported(text) {
            return self.unknown_function(text, loc);
        }
        let diag = Diagnostic::new(errors::UNKNOWN_METHOD, loc, format!("unknown method `{text}`"));
        let object = receiver.text("…");
        let diag = if self.unit.fns.contains_key(text) {
            diag.help(format!("call it as a function, `{text}({object})`"))
        } else {
            match suggest(text, table::names()) {
                Some(near) => diag.help(format!("did you mean `{near}`?")),
                None => diag.help("every operation can be called as a method of its first argument"),
            }
        };
        self.error(diag)
    }

    /// Evaluates the arguments; sizes divide with rounding.
    pub fn arguments(&mut self, args: &[ast::Arg], sizes: bool) -> Given {
        let before = std::mem::replace(&mut self.floor, sizes);
        let given = args.iter().map(|a| (a.keyword.clone(), self.argument(&a.value))).collect();
        self.floor = before;
        given
    }

    pub fn call_operation(&mut self, name: &str, callee: Callee, given: Given, loc: Loc) -> Value {
        if let Callee::Template(text) = callee {
            let item = self.unit.template(text);
            return self.nested(loc, |cx| cx.expand(&item, true, given, loc));
        }
        let specs = callee.specs();
        let broken = given.iter().any(|(_, a)| a.value.is_error());
        let Some(bound) = self.fit(name, &specs, given, loc) else { return Value::Error };
        if broken {
            return Value::Error;
        }
        let filled = bound.into_iter().enumerate();
        let args = filled.map(|(k, a)| a.unwrap_or_else(|| Arg::new(callee.default(k), loc))).collect();
        let call = Call { name, loc, args };
        match callee {
            Callee::Map(op) => self.map_op(op, name, &call.args, loc),
            Callee::Reduce(monoid) => self.reduce_call(monoid, &call),
            Callee::Builtin(row) => row.run(self, &call),
            Callee::Cast(dtype) => super::create::cast(self, &call.args[0], dtype).unwrap_or(Value::Error),
            Callee::Template(_) => Value::Error,
        }
    }

    /// Gives each argument its parameter.
    pub fn fit(&mut self, name: &str, specs: &[Spec], given: Given, loc: Loc) -> Option<Vec<Option<Arg>>> {
        let mut bound: Vec<Option<Arg>> = vec![None; specs.len()];
        let total = given.iter().filter(|(k, _)| k.is_none()).count();
        let mut next = 0;
        let mut fine = true;
        let mut rest: Vec<Arg> = Vec::new();
        for (keyword, arg) in given {
            let Some(keyword) = keyword else {
                match specs.get(next) {
                    Some(spec) if spec.rest => rest.push(arg),
                    Some(_) => {
                        bound[next] = Some(arg);
                        next += 1;
                    }
                    None => {
                        let most = specs.len();
                        let plural = if most == 1 { "argument" } else { "arguments" };
                        let least = specs.iter().filter(|s| s.required).count();
                        let at_most = if least == most { "" } else { "at most " };
                        let diag = Diagnostic::new(
                            errors::ARITY,
                            arg.loc,
                            format!("`{name}` takes {at_most}{most} {plural}, not {total}"),
                        );
                        let other = match name {
                            "max" => Some("maximum"),
                            "min" => Some("minimum"),
                            _ => None,
                        };
                        self.error(match other {
                            Some(other) => diag.help(format!("element by element it is `{other}(a, b)`")),
                            None => diag.help(format!("write {}", header(name, specs))),
                        });
                        return None;
                    }
                }
                continue;
            };
            let word = keyword.to_string();
            let at = Loc::at(keyword.span());
            match specs.iter().position(|s| s.name == word) {
                Some(k) if bound[k].is_some() || (specs[k].rest && !rest.is_empty()) => {
                    fine = false;
                    self.error(
                        Diagnostic::new(errors::DUPLICATE_ARGUMENT, at, format!("`{word}` of `{name}` is given twice"))
                            .help("give it once, by position or by name"),
                    );
                }
                Some(k) => bound[k] = Some(arg),
                None => {
                    fine = false;
                    let diag = unknown_keyword(name, &word, specs, at);
                    self.error(diag);
                }
            }
        }
        if let Some(k) = specs.iter().position(|s| s.rest)
            && let Some(first) = rest.first()
        {
            // One tuple stands for all.
            let only_tuple = rest.len() == 1 && matches!(first.value, Value::Tuple(_));
            let value = if only_tuple {
                first.value.clone()
            } else {
                Value::tuple(rest.iter().map(|a| a.value.clone()).collect())
            };
            bound[k] = Some(Arg { value, loc: first.loc, name: first.name.clone() });
        }
        if !fine {
            return None;
        }
        let missing: Vec<&str> =
            specs.iter().zip(&bound).filter(|(s, b)| s.required && b.is_none()).map(|(s, _)| s.name.as_str()).collect();
        if missing.is_empty() {
            return Some(bound);
        }
        let list: Vec<String> = missing.iter().map(|m| format!("`{m}`")).collect();
        self.reject(
            errors::MISSING_ARGUMENT,
            loc,
            format!("`{name}` lacks {}", list.join(" and ")),
            format!("write {}", header(name, specs)),
        )
    }

    /// A call of a function of the block.
    pub fn call_user(&mut self, f: &'a FnItem, generics: &[Expr], given: Given, loc: Loc) -> Value {
        if f.broken {
            self.failed = true;
            return Value::Error;
        }
        if self.frames.iter().any(|frame| !frame.prelude && f.name == frame.name) {
            // Told of where the cycle was found.
            self.failed = true;
            return Value::Error;
        }
        if f.is_template() && f.params.iter().all(|p| p.ty.is_none()) {
            if f.generics.is_empty() && generics.is_empty() {
                return self.expand(f, false, given, loc);
            }
            return self.expand_const(f, generics, given, loc);
        }
        self.inline(f, generics, given, loc)
    }
}

/// `sum(x, axis=…, keepdims=…)`.
fn header(name: &str, specs: &[Spec]) -> String {
    let list: Vec<String> = specs
        .iter()
        .map(|s| match (s.required, s.rest) {
            (_, true) => format!("*{}", s.name),
            (true, _) => s.name.clone(),
            (false, _) => format!("{}=…", s.name),
        })
        .collect();
    format!("`{name}({})`", list.join(", "))
}

fn unknown_keyword(name: &str, word: &str, specs: &[Spec], at: Loc) -> Diagnostic {
    let diag = Diagnostic::new(errors::UNKNOWN_KEYWORD, at, format!("`{name}` has no parameter `{word}`"));
    let known = |other: &str| specs.iter().any(|s| s.name == other);
    let twin = match word {
        "dim" | "dims" | "axes" if known("axis") => Some("axis"),
        "keepdim" if known("keepdims") => Some("keepdims"),
        "correction" if known("ddof") => Some("ddof"),
        "kernel_size" if known("kernel") => Some("kernel"),
        "constant_values" if known("value") => Some("value"),
        "fill_value" if known("value") => Some("value"),
        _ => suggest(word, specs.iter().map(|s| s.name.as_str())),
    };
    match twin {
        Some(twin) => diag.help(format!("it is called `{twin}`")),
        None => diag.help(format!("write {}", header(name, specs))),
    }
}
