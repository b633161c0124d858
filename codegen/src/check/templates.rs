//! The prelude: composites in the language itself.
//!
//! In: a name. Out: the text of its function, parsed when it is first called.
//! Always: the file is cut at lines that start with `fn`; a block pays for the
//! functions that it calls and no more. Next: `prelude.nd`.

use super::Unit;
use crate::syntax::ast::{FnItem, Item};
use crate::syntax::parse::parse;
use std::rc::Rc;
use std::str::FromStr;

static PRELUDE: &str = include_str!("../prelude.nd");

/// A function of the prelude, as text.
#[derive(Clone, Copy)]
pub struct Template {
    pub name: &'static str,
    /// `fn softmax(x, axis=-1)` and the body.
    pub text: &'static str,
    comments: &'static str,
}

impl Template {
    /// Its comment, as one line.
    pub fn doc(&self) -> String {
        let lines: Vec<&str> = self.comments.lines().filter_map(|l| l.strip_prefix("//")).map(str::trim).collect();
        lines.join(" ")
    }
}

/// The functions of the prelude, in the order of the file.
pub fn all() -> impl Iterator<Item = Template> {
    // Each piece is a function and, after a blank line, the comment of the next.
    let mut rest = PRELUDE;
    std::iter::from_fn(move || {
        let start = if rest.starts_with("fn ") { 0 } else { rest.find("\nfn ")? + 1 };
        let comments = rest[..start].rfind("\n\n").map_or(&rest[..start], |at| &rest[at + 2..start]);
        let body = &rest[start..];
        let end = body.find("\n}\n").map_or(body.len(), |at| at + 2);
        rest = &body[end..];
        let name = body[3..].split('(').next().unwrap_or("");
        Some(Template { name, text: &body[..end], comments })
    })
}

/// The text of a template, by its name.
pub(super) fn source(name: &str) -> Option<&'static str> {
    all().find(|t| t.name == name).map(|t| t.text)
}

impl Unit<'_> {
    /// The template's tree.
    pub fn template(&self, text: &'static str) -> Rc<FnItem> {
        let key = text.as_ptr() as usize;
        if let Some(item) = self.templates.borrow().get(&key) {
            return item.clone();
        }
        let item = Rc::new(tree(text).unwrap_or_else(|why| panic!("prelude.nd: {why} in\n{text}")));
        self.templates.borrow_mut().insert(key, item.clone());
        item
    }
}

fn tree(text: &str) -> Result<FnItem, String> {
    let tokens = proc_macro2::TokenStream::from_str(text).map_err(|e| e.to_string())?;
    let (block, diags) = parse(tokens);
    match (block.items.into_iter().next(), diags.first()) {
        (Some(Item::Fn(item)), None) => Ok(item),
        (_, Some(diag)) => Err(diag.text()),
        (_, None) => Err("no function".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_function_parses_and_is_documented() {
        let mut names = Vec::new();
        for t in all() {
            let item = tree(t.text).unwrap_or_else(|why| panic!("{}: {why}", t.name));
            assert_eq!(item.name, t.name);
            assert!(t.doc().ends_with('.'), "{}: {:?}", t.name, t.doc());
            assert!(!names.contains(&t.name), "{} stands there twice", t.name);
            names.push(t.name);
        }
        assert_eq!(names.len(), PRELUDE.matches("\nfn ").count() + usize::from(PRELUDE.starts_with("fn ")));
    }
}
