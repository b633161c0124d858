//! Sums of products by named axes.
//!
//! In: subscripts, `"bij,bjk->bik"`, and an array for each. Out: [`Dot`](crate::graph::Op::Dot)s, sums and views. Always:
//! NumPy's rules, but that no axis stands twice in one operand; an axis of size 1 stretches; operands are taken in from
//! the left, and an axis that neither the result nor a later operand has is summed with the last one that has it.
//! Next: [`super::linalg`].

use super::cx::Cx;
use super::linalg::{drop_axes, unequal};
use super::table::Call;
use super::value::{Arg, Value, axes as counted_axes};
use crate::graph::NodeId;
use crate::ops::{Monoid, Rule};
use crate::shape::Dim;
use std::collections::BTreeMap;
use std::fmt;

/// An axis by its name.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Label {
    Letter(char),
    /// One of those that `...` stands for, counted from the last.
    Rest(usize),
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Label::Letter(c) => write!(f, "`{c}`"),
            Label::Rest(k) => write!(f, "axis -{} of `...`", k + 1),
        }
    }
}

/// What stands in subscripts.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Symbol {
    Letter(char),
    Rest,
}

/// An array, and what its axes are called.
struct Term {
    node: NodeId,
    axes: Vec<Label>,
}

/// A fault of the subscripts, and its mend.
type Fault = (String, &'static str);

pub(super) fn einsum(cx: &mut Cx<'_>, call: &Call<'_>) -> Option<Value> {
    let subscripts = &call.args[0];
    let Value::Str(text) = &subscripts.value else {
        return cx.wants(subscripts, "subscripts", "a string, \"ij,jk->ik\"");
    };
    let operands = cx.items(&call.args[1]);
    for operand in &operands {
        cx.array(operand, "`einsum`")?;
    }
    let dtype = cx.common_dtype("einsum", &operands, call.loc)?;
    if !Rule::Number.accepts(dtype) {
        cx.rule_error("einsum", Rule::Number, dtype, &operands, call.loc);
        return None;
    }
    let nodes: Vec<NodeId> = operands.iter().map(|o| cx.coerce(o, dtype)).collect::<Option<_>>()?;
    let ranks: Vec<usize> = nodes.iter().map(|&n| cx.ty(n).rank()).collect();
    let (named, result) = match named(text, &ranks) {
        Ok(found) => found,
        Err((message, help)) => return cx.bad_value(subscripts, message, help),
    };
    cx.check_rank(result.len(), call.loc)?;
    let mut terms = fitted(cx, &operands, nodes, named, call)?.into_iter();
    let later = |terms: &[Term]| terms.iter().flat_map(|t| &t.axes).chain(&result).copied().collect::<Vec<Label>>();
    let first = terms.next()?;
    let mut whole = summed(cx, first, &later(terms.as_slice()));
    while let Some(next) = terms.next() {
        let later = later(terms.as_slice());
        let next = summed(cx, next, &[whole.axes.as_slice(), &later].concat());
        whole = product(cx, &whole, &next, &later);
        cx.check_rank(whole.axes.len(), call.loc)?;
    }
    let order: Vec<usize> = result.iter().filter_map(|label| whole.axes.iter().position(|a| a == label)).collect();
    Some(Value::Array(cx.graph.permute(whole.node, &order)))
}

/// The names of each operand's axes, and of the result's.
fn named(text: &str, ranks: &[usize]) -> Result<(Vec<Vec<Label>>, Vec<Label>), Fault> {
    let (left, right) = match text.split_once("->") {
        Some((left, right)) => (left, Some(right)),
        None => (text, None),
    };
    let parts: Vec<&str> = left.split(',').collect();
    if parts.len() != ranks.len() {
        let message = format!("\"{text}\" names {} operands, and {} are given", parts.len(), ranks.len());
        return Err((message, "name the axes of each operand, with commas between"));
    }
    let operands =
        parts.iter().zip(ranks).map(|(part, &rank)| of_operand(part, rank)).collect::<Result<Vec<_>, _>>()?;
    let all = || operands.iter().flatten();
    let stretched = all().filter_map(|l| if let Label::Rest(k) = l { Some(k + 1) } else { None }).max().unwrap_or(0);
    let rest = (0..stretched).rev().map(Label::Rest);
    let Some(right) = right else {
        let mut once: Vec<Label> = all().filter(|l| all().filter(|m| m == l).count() == 1).copied().collect();
        once.retain(|l| matches!(l, Label::Letter(_)));
        once.sort_unstable();
        return Ok((operands, rest.chain(once).collect()));
    };
    let symbols = symbols(right)?;
    if stretched > 0 && !symbols.contains(&Symbol::Rest) {
        return Err((
            format!("the result of \"{text}\" has no `...`, and an operand has"),
            "write `...` in the result",
        ));
    }
    let result = spread(&symbols, stretched);
    for (k, label) in result.iter().enumerate() {
        if result[..k].contains(label) {
            return Err((
                format!("{label} stands twice in the result of \"{text}\""),
                "name each axis of the result once",
            ));
        }
        if !all().any(|l| l == label) {
            return Err((
                format!("{label} is in the result of \"{text}\" and in no operand"),
                "name axes of the operands",
            ));
        }
    }
    Ok((operands, result))
}

fn of_operand(part: &str, rank: usize) -> Result<Vec<Label>, Fault> {
    let symbols = symbols(part)?;
    let letters = symbols.iter().filter(|s| matches!(s, Symbol::Letter(_))).count();
    let fits = if symbols.contains(&Symbol::Rest) { letters <= rank } else { letters == rank };
    if !fits {
        let message = format!("\"{part}\" names {} of an array of rank {rank}", counted_axes(letters));
        return Err((message, "name each axis by a letter; `...` stands for all others"));
    }
    let labels = spread(&symbols, rank - letters);
    match (0..labels.len()).find(|&k| labels[..k].contains(&labels[k])) {
        Some(k) => {
            Err((format!("{} stands twice in \"{part}\"", labels[k]), "take the `diagonal` of this operand first"))
        }
        None => Ok(labels),
    }
}

fn symbols(part: &str) -> Result<Vec<Symbol>, Fault> {
    let mut found = Vec::new();
    for (k, piece) in part.split("...").enumerate() {
        if k == 1 {
            found.push(Symbol::Rest);
        } else if k > 1 {
            return Err((
                format!("`...` stands twice in \"{part}\""),
                "write `...` once for all axes that have no letter",
            ));
        }
        for c in piece.chars().filter(|c| !c.is_whitespace()) {
            if !c.is_ascii_alphabetic() {
                return Err((
                    format!("`{c}` in \"{part}\" is no name of an axis"),
                    "name axes by letters, or by `...`",
                ));
            }
            found.push(Symbol::Letter(c));
        }
    }
    Ok(found)
}

/// The names, with so many for `...`.
fn spread(symbols: &[Symbol], rest: usize) -> Vec<Label> {
    let of = |symbol: &Symbol| match symbol {
        Symbol::Letter(c) => vec![Label::Letter(*c)],
        Symbol::Rest => (0..rest).rev().map(Label::Rest).collect(),
    };
    symbols.iter().flat_map(of).collect()
}

/// The operands without axes of size 1 that stretch; the others have one size a name.
fn fitted(
    cx: &mut Cx<'_>,
    operands: &[Arg],
    nodes: Vec<NodeId>,
    named: Vec<Vec<Label>>,
    call: &Call<'_>,
) -> Option<Vec<Term>> {
    let mut sizes: BTreeMap<Label, (Dim, usize)> = BTreeMap::new();
    for (k, labels) in named.iter().enumerate() {
        for (label, dim) in labels.iter().zip(cx.shape(nodes[k])) {
            match sizes.get(label) {
                Some((known, _)) if dim.is(1) || cx.facts.equal(known, &dim) => {}
                Some((known, first)) if !known.is(1) => {
                    let (dims, args) = ([known.clone(), dim], [*first, k]);
                    let [a, b] = args.map(|at| cx.ty(nodes[at]));
                    let message = format!("{label} is {} in `{a}` and {} in `{b}`", dims[0], dims[1]);
                    let help = "an axis has one size in all operands, or 1";
                    unequal(cx, args.map(|at| &operands[at]), &dims, message, help, call.loc);
                    return None;
                }
                Some(_) | None => {
                    sizes.insert(*label, (dim, k));
                }
            }
        }
    }
    let fit = |(node, labels): (NodeId, Vec<Label>)| {
        let size = |label: &Label| sizes[label].0.clone();
        let shape = cx.shape(node);
        let stretched: Vec<usize> = (0..labels.len()).filter(|&k| shape[k].is(1) && !size(&labels[k]).is(1)).collect();
        let same: Vec<Dim> = (0..labels.len())
            .map(|k| if stretched.contains(&k) { shape[k].clone() } else { size(&labels[k]) })
            .collect();
        let node = cx.graph.reshape(node, &same);
        let (node, _) = drop_axes(cx, node, &stretched);
        let axes = (0..labels.len()).filter(|k| !stretched.contains(k)).map(|k| labels[k]).collect();
        Term { node, axes }
    };
    Some(nodes.into_iter().zip(named).map(fit).collect())
}

/// The sum over the axes that nothing else has.
fn summed(cx: &mut Cx<'_>, term: Term, others: &[Label]) -> Term {
    let alone: Vec<usize> = (0..term.axes.len()).filter(|&k| !others.contains(&term.axes[k])).collect();
    let node = cx.graph.reduce(Monoid::named("sum"), term.node, &alone);
    Term { node, axes: term.axes.into_iter().filter(|l| others.contains(l)).collect() }
}

/// The product of two, summed over what they share and nothing later has.
fn product(cx: &mut Cx<'_>, left: &Term, right: &Term, later: &[Label]) -> Term {
    let pairs = |wanted: bool| -> Vec<(usize, usize)> {
        let right_of = |k: usize| right.axes.iter().position(|r| *r == left.axes[k]).map(|at| (k, at));
        (0..left.axes.len()).filter(|&k| later.contains(&left.axes[k]) == wanted).filter_map(right_of).collect()
    };
    let (batch, contract) = (pairs(true), pairs(false));
    let node = cx.graph.dot(left.node, right.node, &batch, &contract);
    let free =
        |own: &Term, other: &Term| own.axes.iter().filter(|l| !other.axes.contains(l)).copied().collect::<Vec<_>>();
    let mut axes: Vec<Label> = batch.iter().map(|&(k, _)| left.axes[k]).collect();
    axes.extend(free(left, right));
    axes.extend(free(right, left));
    Term { node, axes }
}
