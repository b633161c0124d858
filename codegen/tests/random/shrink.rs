//! The least program that still does what a larger one does.
//!
//! In: a program and a predicate, which says of a program whether it fails. Out: a program that fails, of which no
//! single change here gives a smaller one that fails. Always: the same program and predicate give the same result; the
//! predicate is asked only about programs that have types; it ends, since each step makes [`cost`] less.

use super::source::{Helper, Let, Param, Source, What};
use ndfuse_codegen::dtype::DType;
use ndfuse_codegen::interp::size;
use ndfuse_codegen::shape::Dim;

/// Shrinks a program that fails.
pub fn shrink(source: &Source, fails: &dyn Fn(&Source) -> bool) -> Source {
    let mut best = source.clone();
    loop {
        let least = cost(&best);
        let smaller =
            candidates(&best).into_iter().map(|c| c.pruned()).filter(|c| !c.results.is_empty() && cost(c) < least);
        match smaller.into_iter().find(|c| c.types().is_ok() && fails(c)) {
            Some(found) => best = found,
            None => return best,
        }
    }
}

/// What there is to read, the worst first: calls, `let`s, results, parameters, dimensions, dtypes, text, sizes.
pub fn cost(source: &Source) -> [u64; 10] {
    let bodies = || source.helpers.iter().flat_map(|h| &h.lets).chain(&source.lets);
    let forms = || bodies().filter_map(|l| if let What::Form(f) = &l.what { Some(f.as_str()) } else { None });
    let count = |n: usize| n as u64;
    let literals = source.params.iter().flat_map(|p| &p.shape).filter_map(Dim::as_const);
    [
        count(source.helpers.len()) + count(bodies().filter(|l| matches!(l.what, What::Call(_))).count()),
        count(bodies().count()),
        count(source.results.len() + source.params.len()),
        count(source.dims.len() + source.params.iter().map(|p| p.shape.len()).sum::<usize>()),
        count(source.params.iter().filter(|p| p.dtype != DType::F32).count()),
        forms().map(|f| count(f.len())).sum(),
        forms().flat_map(numbers).map(|n| n.1).sum(),
        literals.chain(source.dims.iter().map(|d| d.1)).map(i64::unsigned_abs).sum(),
        bodies().flat_map(|l| &l.args).chain(&source.results).map(|&a| count(a)).sum(),
        count(source.params.iter().filter(|p| p.scalar).count()),
    ]
}

/// Every program that is one change away, the boldest changes first.
fn candidates(source: &Source) -> Vec<Source> {
    let mut out = Vec::new();
    let (first, vars) = (source.params.len(), source.params.len() + source.lets.len());
    let mut with = |change: &dyn Fn(&mut Source)| {
        let mut copy = source.clone();
        change(&mut copy);
        out.push(copy);
    };
    // Another end.
    for var in first..vars {
        with(&|s| s.results = vec![var]);
    }
    for k in 0..source.results.len() {
        with(&|s| s.results = [&s.results[..k], &s.results[k + 1..]].concat());
    }
    for k in 0..source.lets.len() {
        if matches!(source.lets[k].what, What::Call(_)) {
            out.push(inlined(source, k));
        }
    }
    let mut with = |change: &dyn Fn(&mut Source)| {
        let mut copy = source.clone();
        change(&mut copy);
        out.push(copy);
    };
    // An operand, or a new parameter, in the place of a variable.
    for var in (first..vars).rev() {
        for &arg in &source.lets[var - first].args {
            with(&|s| s.redirect(var, arg));
        }
    }
    let types = source.types().unwrap_or_default();
    let sizes = source.sizes();
    for var in (first..types.len()).rev() {
        let plain = |d: &Dim| match d.as_sym() {
            Some(_) => d.clone(),
            None => Dim::from(size(d, &sizes).unwrap_or(1)),
        };
        let shape = types[var].shape.iter().map(plain).collect();
        let param = Param { dtype: types[var].dtype, shape, scalar: false, seed: var as u64 };
        with(&|s| s.replace(var, param.clone()));
    }
    for k in 0..source.lets.len() {
        for (at, &arg) in source.lets[k].args.iter().enumerate() {
            for other in (0..arg).filter(|&other| types.get(other) == types.get(arg)) {
                with(&|s| s.lets[k].args[at] = other);
            }
        }
    }
    for (h, helper) in source.helpers.iter().enumerate() {
        for k in (0..helper.lets.len()).rev() {
            for &arg in &helper.lets[k].args {
                with(&|s| s.helpers[h].redirect(k, arg));
            }
            for simpler in simpler_lets(&helper.lets[k]) {
                with(&|s| s.helpers[h].lets[k] = simpler.clone());
            }
        }
        with(&|s| s.helpers[h].typed = false);
    }
    for k in 0..source.lets.len() {
        for simpler in simpler_lets(&source.lets[k]) {
            with(&|s| s.lets[k] = simpler.clone());
        }
    }
    // Of all parameters of one shape or dtype at once: some faults need operands that are alike.
    for param in &source.params {
        let alike = |p: &&mut Param| p.shape == param.shape;
        with(&|s| s.params.iter_mut().filter(|p| p.dtype == param.dtype).for_each(|p| p.dtype = DType::F32));
        for axis in 0..param.shape.len() {
            with(&|s| s.params.iter_mut().filter(alike).for_each(|p| drop(p.shape.remove(axis))));
            for less in smaller(param.shape[axis].as_const().unwrap_or(0)) {
                with(&|s| s.params.iter_mut().filter(alike).for_each(|p| p.shape[axis] = Dim::from(less)));
            }
        }
    }
    for (k, param) in source.params.iter().enumerate() {
        with(&|s| s.params[k].dtype = DType::F32);
        with(&|s| s.params[k].scalar = false);
        for axis in 0..param.shape.len() {
            with(&|s| drop(s.params[k].shape.remove(axis)));
            let n = param.shape[axis].as_const().unwrap_or(0);
            for less in smaller(n) {
                with(&|s| s.params[k].shape[axis] = Dim::from(less));
            }
        }
    }
    for (k, (name, n)) in source.dims.iter().enumerate() {
        with(&|s| s.fix(k));
        for (_, other) in source.dims.iter().enumerate().filter(|(other, _)| *other < k) {
            with(&|s| s.rename(name, &Dim::sym(other.0.clone())));
        }
        for less in smaller(*n) {
            with(&|s| s.dims[k].1 = less);
        }
    }
    out
}

/// Numbers to try in the place of one, the least first.
fn smaller(n: i64) -> Vec<i64> {
    let mut out: Vec<i64> = [0, 1, 2, n / 2, n - 1].into_iter().filter(|&m| (0..n).contains(&m)).collect();
    out.dedup();
    out
}

/// Runs of digits that are no placeholder and no part of a name: where, and their number.
fn numbers(form: &str) -> Vec<(std::ops::Range<usize>, u64)> {
    let bytes = form.as_bytes();
    let mut out = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let end = at + bytes[at..].iter().take_while(|b| b.is_ascii_digit()).count();
        let before = at.checked_sub(1).map_or(b' ', |k| bytes[k]);
        if end > at && before != b'{' && !before.is_ascii_alphanumeric() && before != b'_' {
            out.extend(form[at..end].parse().ok().map(|n| (at..end, n)));
        }
        at = end.max(at + 1);
    }
    out
}

/// The same `let` with a form that is shorter, or of smaller numbers.
fn simpler_lets(one: &Let) -> Vec<Let> {
    let What::Form(form) = &one.what else { return Vec::new() };
    let mut out: Vec<String> = Vec::new();
    match one.args.len() {
        1 => out.extend(["-{0}".into(), "{0}.T".into(), "sum({0})".into()]),
        2 => out.extend(["{0} + {1}".into(), "{0} @ {1}".into()]),
        _ => {}
    }
    // Without an argument that has a name.
    for (at, _) in form.match_indices(", ") {
        let rest = &form[at + 2..];
        let name = rest.bytes().take_while(|b| b.is_ascii_lowercase() || *b == b'_').count();
        if name > 0 && rest[name..].starts_with('=') {
            let depth = |d: i32, b: u8| d + i32::from(b == b'(') - i32::from(b == b')');
            let mut open = 0;
            let end = rest.bytes().position(|b| {
                open = depth(open, b);
                open < 0 || open == 0 && b == b','
            });
            out.push(format!("{}{}", &form[..at], &rest[end.unwrap_or(rest.len())..]));
        }
    }
    // An index with less in it.
    if let Some(inner) = form.strip_prefix("{0}[").and_then(|f| f.strip_suffix(']')) {
        let items: Vec<&str> = inner.split(", ").collect();
        for k in 0..items.len() {
            let mut without = items.clone();
            without.remove(k);
            let mut plain = items.clone();
            plain[k] = ":";
            out.extend(
                [without, plain].into_iter().filter(|i| !i.is_empty()).map(|i| format!("{{0}}[{}]", i.join(", "))),
            );
        }
    }
    out.extend(form.match_indices('-').map(|(at, _)| format!("{}{}", &form[..at], &form[at + 1..])));
    for (range, n) in numbers(form) {
        let with = |m: i64| format!("{}{m}{}", &form[..range.start], &form[range.end..]);
        out.extend(smaller(n as i64).into_iter().map(with));
    }
    out.into_iter().map(|form| Let { what: What::Form(form), args: one.args.clone() }).collect()
}

/// The program with one call written out.
fn inlined(source: &Source, k: usize) -> Source {
    let What::Call(h) = source.lets[k].what else { return source.clone() };
    let Some(helper) = source.helpers.get(h) else { return source.clone() };
    let at = source.params.len() + k;
    let more = helper.lets.len().saturating_sub(1);
    let moved = |var: usize| if var >= at { var + more } else { var };
    let mut out = source.clone();
    let inner = |var: usize| if var < helper.params { source.lets[k].args[var] } else { at + var - helper.params };
    let body =
        helper.lets.iter().map(|l| Let { what: l.what.clone(), args: l.args.iter().map(|&a| inner(a)).collect() });
    for one in &mut out.lets[k + 1..] {
        one.args.iter_mut().for_each(|a| *a = moved(*a));
    }
    out.results.iter_mut().for_each(|r| *r = moved(*r));
    out.lets.splice(k..=k, body);
    out
}

impl Helper {
    /// Reads `to` wherever the `let` of this number was read.
    fn redirect(&mut self, k: usize, to: usize) {
        let var = self.params + k;
        let last = self.result() == var;
        self.lets.iter_mut().flat_map(|l| &mut l.args).filter(|a| **a == var).for_each(|a| *a = to);
        if last && to >= self.params {
            self.lets.truncate(to - self.params + 1);
        }
    }

    /// Without what its result does not need; the parameters that are left.
    fn prune(&mut self) -> Vec<usize> {
        let mut live = vec![false; self.params + self.lets.len()];
        if let Some(last) = live.last_mut() {
            *last = true;
        }
        mark(&mut live, &self.lets, self.params);
        renumber(&mut self.lets, self.params, &live);
        let kept: Vec<usize> = (0..self.params).filter(|&p| live[p]).collect();
        self.params = kept.len();
        kept
    }
}

/// Marks what the marked variables need.
fn mark(live: &mut [bool], lets: &[Let], params: usize) {
    for (k, one) in lets.iter().enumerate().rev() {
        if live[params + k] {
            one.args.iter().for_each(|&a| live[a] = true);
        }
    }
}

/// Drops what is not live and gives the others their new numbers; the place of each.
fn renumber(lets: &mut Vec<Let>, params: usize, live: &[bool]) -> Vec<usize> {
    let place: Vec<usize> = (0..live.len()).map(|v| live[..v].iter().filter(|l| **l).count()).collect();
    let mut k = params;
    lets.retain(|_| {
        k += 1;
        live[k - 1]
    });
    lets.iter_mut().flat_map(|l| &mut l.args).for_each(|a| *a = place[*a]);
    place
}

impl Source {
    /// Reads `to` wherever `var` was read.
    fn redirect(&mut self, var: usize, to: usize) {
        let args = self.lets.iter_mut().flat_map(|l| &mut l.args);
        args.chain(&mut self.results).filter(|a| **a == var).for_each(|a| *a = to);
    }

    /// Reads a new parameter wherever `var` was read.
    fn replace(&mut self, var: usize, param: Param) {
        let at = self.params.len();
        self.params.push(param);
        let args = self.lets.iter_mut().flat_map(|l| &mut l.args);
        args.chain(&mut self.results).for_each(|a| match *a {
            a_var if a_var == var => *a = at,
            a_var if a_var >= at => *a += 1,
            _ => {}
        });
    }

    /// Writes the size of a dimension in its place.
    fn fix(&mut self, k: usize) {
        let (name, n) = self.dims.remove(k);
        self.put(&name, &Dim::from(n));
    }

    /// Calls a dimension by another's name.
    fn rename(&mut self, name: &str, to: &Dim) {
        self.dims.retain(|d| &*d.0 != name);
        self.put(name, to);
    }

    fn put(&mut self, name: &str, to: &Dim) {
        let with = |s: &str| (s == name).then(|| to.clone());
        for dim in self.params.iter_mut().flat_map(|p| &mut p.shape) {
            *dim = dim.substitute(&ndfuse_codegen::shape::SizesOnly, &with);
        }
    }

    /// Without what no result needs.
    pub fn pruned(mut self) -> Source {
        for h in 0..self.helpers.len() {
            let kept = self.helpers[h].prune();
            let bodies = self.helpers.iter_mut().flat_map(|h| &mut h.lets).chain(&mut self.lets);
            for one in bodies.filter(|l| l.what == What::Call(h)) {
                one.args = kept.iter().map(|&p| one.args[p]).collect();
            }
        }
        let first = self.params.len();
        let mut live = vec![false; first + self.lets.len()];
        self.results.iter().for_each(|&r| live[r] = true);
        mark(&mut live, &self.lets, first);
        let place = renumber(&mut self.lets, first, &live);
        self.results.iter_mut().for_each(|r| *r = place[*r]);
        let mut k = 0;
        self.params.retain(|_| {
            k += 1;
            live[k - 1]
        });
        self.drop_helpers();
        let bound = |name: &str| self.params.iter().any(|p| p.shape.iter().any(|d| d.mentions(name)));
        self.dims.retain(|(s, _)| bound(s));
        self
    }

    /// Without functions that nobody calls.
    fn drop_helpers(&mut self) {
        let mut used = vec![false; self.helpers.len()];
        let calls = |body: &[Let], used: &mut [bool]| {
            for one in body {
                if let What::Call(c) = one.what {
                    used[c] = true;
                }
            }
        };
        calls(&self.lets, &mut used);
        // A function calls those before it only.
        for h in (0..self.helpers.len()).rev() {
            if used[h] {
                calls(&self.helpers[h].lets, &mut used);
            }
        }
        let place: Vec<usize> = (0..used.len()).map(|h| used[..h].iter().filter(|u| **u).count()).collect();
        let mut k = 0;
        self.helpers.retain(|_| {
            k += 1;
            used[k - 1]
        });
        for one in self.helpers.iter_mut().flat_map(|h| &mut h.lets).chain(&mut self.lets) {
            if let What::Call(c) = &mut one.what {
                *c = place[*c];
            }
        }
    }
}
