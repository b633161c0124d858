//! Writes a random program, one `let` at a time.
//!
//! In: a seed. Out: a [`Source`] with views, reductions, products, gathers, casts, several results, shared variables and
//! calls. Always: the same seed gives the same program; the checker takes it, no index is out of range, and no value is
//! rounded. Next: [`super::forms`], what a `let` can be.

use super::forms::{self, Scope};
use super::source::{Helper, Let, Param, Source, What, dim_text};
use ndfuse_codegen::dtype::DType;
use ndfuse_codegen::graph::Type;
use ndfuse_codegen::interp::sizes_of;
use ndfuse_codegen::interp::value::count;
use ndfuse_codegen::shape::{Dim, Sym};
use ndfuse_codegen::testing::Rng;

/// The most elements of a variable, and the most axes.
const MOST: usize = 600;
const RANK: usize = 4;

/// A program, and what was tried on the way.
pub struct Written {
    pub source: Source,
    /// Forms that the checker refused, each with its first word.
    pub refused: Vec<String>,
}

pub fn write(seed: u64) -> Written {
    let mut rng = Rng::new(seed ^ 0x5eed);
    let mut refused = Vec::new();
    let mut source = start(&mut rng);
    let mut types = source.types().expect("parameters have types");
    let wanted = 2 + rng.below(12);
    for _ in 0..3 * wanted {
        if source.lets.len() >= wanted {
            break;
        }
        let Some(one) = forms::form(&mut Scope { rng: &mut rng, source: &source, types: &types }) else { continue };
        source.lets.push(one);
        match extended(&source, MOST) {
            Ok(now) => types = now,
            Err(why) => {
                if why.starts_with('E') {
                    refused.push(format!("{why}: {:?}", source.lets.last()));
                }
                source.lets.pop();
            }
        }
    }
    results(&mut rng, &mut source, &types);
    for _ in 0..rng.below(3) {
        outline(&mut rng, &mut source);
    }
    Written { source: source.pruned(), refused }
}

/// The types of all variables, if the new one has at most so many elements, and is exact.
pub fn extended(source: &Source, most: usize) -> Result<Vec<Type>, String> {
    let (graph, found) = source.graph()?;
    let sizes = source.sizes();
    let mut types: Vec<Type> = source.params.iter().map(|p| Type::new(p.dtype, p.shape.clone())).collect();
    types.extend(found);
    let new = types.last().map(|t| t.shape.clone()).unwrap_or_default();
    let large = graph.ids().any(|id| {
        let shape = sizes_of(&graph.ty(id).shape, &sizes).and_then(|s| count(&s));
        !shape.is_ok_and(|n| n <= 8 * most)
    });
    if large || new.len() > RANK || count(&sizes_of(&new, &sizes)?)? > most {
        return Err("large".into());
    }
    source.trace(&graph, &sizes, &source.values()?)?;
    Ok(types)
}

/// The dimensions and parameters.
fn start(rng: &mut Rng) -> Source {
    let mut source = Source::default();
    let mut extents: Vec<Dim> = [1, 2, 3, 4, 5, 8].map(Dim::from).into();
    for name in ["B", "C", "D"].iter().take(1 + rng.below(3)) {
        let size = *rng.pick(&[1, 2, 3, 3, 4, 4, 5, 6, 7, 8, 9, 16, 17, 33]);
        let size = if rng.chance(14) { 0 } else { size };
        source.dims.push((Sym::from(*name), size));
        extents.extend(vec![Dim::sym(*name); 4]);
    }
    let sizes = source.sizes();
    for k in 0..2 + rng.below(3) {
        // The first few have axes, and mostly floats.
        let rank = if k == 0 { 1 + rng.below(3) } else { rng.below(4) };
        let drawn: Vec<Dim> = (0..rank).map(|_| rng.pick(&extents).clone()).collect();
        let small = sizes_of(&drawn, &sizes).and_then(|s| count(&s)).is_ok_and(|n| n <= MOST);
        let shape = if small { drawn } else { drawn[..1].to_vec() };
        let dtype = match rng.below(6) {
            _ if k == 0 => DType::F32,
            0 => *rng.pick(&forms::DTYPES),
            // What gathers want.
            1 => DType::I64,
            _ => DType::F32,
        };
        let scalar = shape.is_empty() && rng.chance(2);
        source.params.push(Param { dtype, shape, scalar, seed: rng.bits() >> 40 });
    }
    let bound = |s: &Sym| source.params.iter().any(|p| p.shape.iter().any(|d| d.mentions(s)));
    source.dims.retain(|(s, _)| bound(s));
    source
}

/// Mostly what nothing else reads, first what is made of most.
fn results(rng: &mut Rng, source: &mut Source, types: &[Type]) {
    let writable = |var: &usize| types[*var].shape.iter().all(|d| dim_text(d).is_some());
    let read = |var: &usize| source.lets.iter().any(|l| l.args.contains(var));
    let made = source.params.len()..types.len();
    let mut ends: Vec<usize> = made.rev().filter(|v| writable(v) && !read(v)).collect();
    let depth = |v: &usize| Source { results: vec![*v], ..source.clone() }.pruned().lets.len();
    ends.sort_by_cached_key(|v| std::cmp::Reverse(depth(v)));
    let all: Vec<usize> = (0..types.len()).rev().filter(writable).collect();
    let mut found = Vec::new();
    for k in 0..1 + rng.below(3) {
        let end = ends.get(k).copied().filter(|_| !rng.chance(8));
        found.push(end.unwrap_or_else(|| all[rng.below(all.len()).min(rng.below(all.len()))]));
    }
    found.dedup();
    source.results = found;
}

/// Puts a `let`, and those of its operands that it alone should not read, into a function, which is called at times for
/// another `let` of the same form too.
fn outline(rng: &mut Rng, source: &mut Source) {
    if source.lets.is_empty() {
        return;
    }
    let (first, k) = (source.params.len(), rng.below(source.lets.len()));
    let mut inner = vec![first + k];
    for &arg in &source.lets[k].args {
        if arg >= first && rng.chance(2) && !inner.contains(&arg) {
            inner.push(arg);
        }
    }
    inner.sort_unstable();
    let mut outer: Vec<usize> = Vec::new();
    for &var in &inner {
        for &arg in &source.lets[var - first].args {
            if !inner.contains(&arg) && !outer.contains(&arg) {
                outer.push(arg);
            }
        }
    }
    // A function takes something, and is a value.
    if outer.is_empty() {
        return;
    }
    let place = |arg: usize| match inner.iter().position(|&v| v == arg) {
        Some(at) => outer.len() + at,
        None => outer.iter().position(|&v| v == arg).expect("an operand is inside or outside"),
    };
    let lets = inner.iter().map(|&v| &source.lets[v - first]);
    let lets: Vec<Let> =
        lets.map(|l| Let { what: l.what.clone(), args: l.args.iter().map(|&a| place(a)).collect() }).collect();
    let helper = Helper { params: outer.len(), lets, typed: rng.chance(2) };
    let call = What::Call(source.helpers.len());
    if let [one] = helper.lets.as_slice() {
        for other in source.lets.iter_mut().filter(|l| l.what == one.what && l.args.len() == outer.len()) {
            if rng.chance(2) && one.args.iter().copied().eq(0..outer.len()) {
                other.what = call.clone();
            }
        }
    }
    source.lets[k] = Let { what: call, args: outer };
    source.helpers.push(helper);
}
