//! Names of leaves.
//!
//! In: fields, from the outermost on. Out: their dotted name. Always: whoever leaves a field finds the path as it was. Next:
//! [`super`].
//!
//! What a struct does with each of its fields is a function of the field's type alone, so that fields of one type share it
//! when a crate is compiled.

use super::{Leaf, Params, Source};
use crate::error::{Result, Site};

/// A dotted name under construction.
#[derive(Clone, Debug, Default)]
pub struct Path {
    text: String,
}

impl Path {
    /// The path of the outermost struct: no name.
    pub fn new() -> Path {
        Path::default()
    }

    /// Runs `f` with the path of the field `key`.
    ///
    /// ```
    /// use ndfuse_runtime::params::Path;
    /// let mut path = Path::new();
    /// let name = path.field("blocks", |path| path.field("0", |path| path.as_str().to_owned()));
    /// assert_eq!((name.as_str(), path.as_str()), ("blocks.0", ""));
    /// ```
    pub fn field<R>(&mut self, key: &str, f: impl FnOnce(&mut Path) -> R) -> R {
        let outer = self.enter(key);
        let result = f(self);
        self.leave(outer);
        result
    }

    /// Calls `f` with the name of each leaf of the field `key`.
    pub fn visit<'a, P: Params>(&mut self, key: &str, field: &'a P, f: &mut dyn FnMut(&str, Leaf<'a>)) {
        self.field(key, |path| field.visit(path, f));
    }

    /// Builds the field `key`.
    pub fn build<P: Params>(&mut self, key: &str, source: &mut dyn Source) -> Result<P> {
        self.field(key, |path| P::build(path, source))
    }

    /// Calls `f` with the places of dimension `dim` of the field `key`.
    pub fn sites<P: Params>(&mut self, key: &str, field: &P, dim: usize, f: &mut dyn FnMut(Site)) {
        self.field(key, |path| field.sites(dim, path, f));
    }

    /// Goes to a field; answers the length of the path before. As its counterpart, not a part of each place that goes there.
    #[inline(never)]
    fn enter(&mut self, key: &str) -> usize {
        let len = self.text.len();
        if len > 0 {
            self.text.push('.');
        }
        self.text.push_str(key);
        len
    }

    #[inline(never)]
    fn leave(&mut self, outer: usize) {
        self.text.truncate(outer);
    }

    pub(super) fn index<R>(&mut self, index: usize, f: impl FnOnce(&mut Path) -> R) -> R {
        self.field(&index.to_string(), f)
    }

    /// The name so far.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}
