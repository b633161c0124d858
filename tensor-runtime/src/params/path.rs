//! Names of leaves.
//!
//! In: fields, from the outermost on. Out: their dotted name. Always: whoever leaves a field finds the path as it was. Next:
//! [`super`].
//!
//! What a struct does with a field is a function of no type, or of the field's type alone, so that fields share it when a
//! crate is compiled.

use super::{Leaf, Params, Source};
use crate::error::{Result, Site};

/// Parameters whose type is known at run time.
pub(super) trait Part {
    /// As [`Params::visit`].
    fn visit_part<'a>(&'a self, path: &mut Path, f: &mut dyn FnMut(&str, Leaf<'a>));

    /// As [`Params::sites`].
    fn sites_part(&self, dim: usize, path: &mut Path, f: &mut dyn FnMut(Site));
}

impl<P: Params> Part for P {
    fn visit_part<'a>(&'a self, path: &mut Path, f: &mut dyn FnMut(&str, Leaf<'a>)) {
        self.visit(path, f);
    }

    fn sites_part(&self, dim: usize, path: &mut Path, f: &mut dyn FnMut(Site)) {
        self.sites(dim, path, f);
    }
}

/// A dotted name under construction.
#[derive(Clone, Debug, Default)]
pub struct Path {
    /// The name, and perhaps something behind it.
    text: String,
    /// How long the name is.
    len: usize,
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
        self.visit_part(key, field, f);
    }

    /// Builds the field `key`.
    pub fn build<P: Params>(&mut self, key: &str, source: &mut dyn Source) -> Result<P> {
        let outer = self.enter(key);
        let built = P::build(self, source);
        self.leave(outer);
        built
    }

    /// Builds the member `number` of an array or a tuple.
    pub(super) fn build_member<P: Params>(&mut self, number: usize, source: &mut dyn Source) -> Result<P> {
        let outer = self.enter_member(number);
        let built = P::build(self, source);
        self.leave(outer);
        built
    }

    /// Calls `f` with the places of dimension `dim` of the field `key`.
    pub fn sites<P: Params>(&mut self, key: &str, field: &P, dim: usize, f: &mut dyn FnMut(Site)) {
        self.sites_part(key, field, dim, f);
    }

    fn visit_part<'a>(&mut self, key: &str, part: &'a (dyn Part + 'a), f: &mut dyn FnMut(&str, Leaf<'a>)) {
        let outer = self.enter(key);
        part.visit_part(self, f);
        self.leave(outer);
    }

    fn sites_part(&mut self, key: &str, part: &dyn Part, dim: usize, f: &mut dyn FnMut(Site)) {
        let outer = self.enter(key);
        part.sites_part(dim, self, f);
        self.leave(outer);
    }

    /// Goes to a field; answers the length of the path before. Not a part of each place that goes there.
    #[inline(never)]
    fn enter(&mut self, key: &str) -> usize {
        let outer = self.len;
        self.text.truncate(outer);
        if outer > 0 {
            self.text.push('.');
        }
        self.text.push_str(key);
        self.len = self.text.len();
        outer
    }

    #[inline(never)]
    fn enter_member(&mut self, number: usize) -> usize {
        self.enter(&number.to_string())
    }

    // A store, which cannot panic: else what is built would have to be dropped there.
    #[inline(always)]
    fn leave(&mut self, outer: usize) {
        self.len = outer;
    }

    /// The name so far.
    pub fn as_str(&self) -> &str {
        &self.text[..self.len]
    }
}
