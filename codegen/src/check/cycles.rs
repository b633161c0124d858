//! The order in which functions are checked: callees first.
//!
//! In: the functions of a block. Out: their names in that order, and an error
//! for each cycle of calls. Always: a function in a cycle is marked as failed,
//! so that its callers do not inline it. Next: [`super::entry`].

use super::Unit;
use crate::diagnostic::{Diagnostic, Loc};
use crate::errors;
use crate::syntax::ast::{Body, Expr, ExprKind, FnItem, IndexItem, Stmt, TRANSFORMS};
use std::collections::BTreeMap;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mark {
    Open,
    Done,
}

pub(super) fn order(unit: &Unit<'_>, diags: &mut Vec<Diagnostic>) -> Vec<String> {
    let calls: BTreeMap<&str, Vec<(String, Loc)>> =
        unit.fns.iter().map(|(name, f)| (name.as_str(), calls(unit, f))).collect();
    let mut marks: BTreeMap<String, Mark> = BTreeMap::new();
    let mut order = Vec::new();
    for name in unit.fns.keys() {
        visit(unit, name, &calls, &mut marks, &mut Vec::new(), &mut order, diags);
    }
    order
}

fn visit(
    unit: &Unit<'_>,
    name: &str,
    calls: &BTreeMap<&str, Vec<(String, Loc)>>,
    marks: &mut BTreeMap<String, Mark>,
    path: &mut Vec<String>,
    order: &mut Vec<String>,
    diags: &mut Vec<Diagnostic>,
) {
    if marks.contains_key(name) {
        return;
    }
    marks.insert(name.to_string(), Mark::Open);
    path.push(name.to_string());
    for (callee, loc) in calls.get(name).into_iter().flatten() {
        if marks.get(callee) != Some(&Mark::Open) {
            visit(unit, callee, calls, marks, path, order, diags);
            continue;
        }
        let from = path.iter().position(|p| p == callee).unwrap_or(0);
        let cycle: Vec<&str> = path[from..].iter().map(String::as_str).chain([callee.as_str()]).collect();
        let message = match cycle.as_slice() {
            [one, _] => format!("`{one}` calls itself"),
            many => many.windows(2).map(|w| format!("`{}` calls `{}`", w[0], w[1])).collect::<Vec<_>>().join(", "),
        };
        let diag = Diagnostic::new(errors::RECURSION, *loc, message);
        diags.push(if super::table::Callee::find(callee).is_some() {
            diag.help(format!("`{callee}` is this block's function here; rename it to call the operation"))
        } else {
            diag.help("calls are inlined; write a loop with `for`")
        });
        unit.failed.borrow_mut().extend(path[from..].iter().cloned());
    }
    path.pop();
    marks.insert(name.to_string(), Mark::Done);
    order.push(name.to_string());
}

/// The functions of the block that a function calls, with the place.
fn calls(unit: &Unit<'_>, f: &FnItem) -> Vec<(String, Loc)> {
    let mut out = Vec::new();
    let mut stack: Vec<&Expr> = Vec::new();
    let mut bodies: Vec<&Body> = vec![&f.body];
    stack.extend(f.params.iter().filter_map(|p| p.default.as_ref()));
    loop {
        while let Some(expr) = stack.pop() {
            if let ExprKind::Call { name, args, .. } = &expr.kind {
                let transforms = TRANSFORMS.iter().any(|word| name == word);
                // A function that is differentiated is named as an argument; any other name is a value's.
                let named = args.iter().filter(|_| transforms).filter_map(|arg| {
                    let ExprKind::Name(name) = &arg.value.kind else { return None };
                    Some(name)
                });
                for name in named.chain([name]).filter(|name| unit.fns.contains_key(&name.to_string())) {
                    out.push((name.to_string(), Loc::at(name.span())));
                }
            }
            children(expr, &mut stack, &mut bodies);
        }
        let Some(body) = bodies.pop() else { return out };
        stack.extend(body.value.iter());
        for stmt in &body.stmts {
            match stmt {
                Stmt::Let { value, .. } | Stmt::Assign { value, .. } => stack.push(value),
                Stmt::For { start, end, body, .. } => {
                    stack.extend([start, end]);
                    bodies.push(body);
                }
                Stmt::Expr(expr) => stack.push(expr),
            }
        }
    }
}

fn children<'e>(expr: &'e Expr, out: &mut Vec<&'e Expr>, bodies: &mut Vec<&'e Body>) {
    match &expr.kind {
        ExprKind::Int(_)
        | ExprKind::Float(_)
        | ExprKind::Bool(_)
        | ExprKind::Str(_)
        | ExprKind::None
        | ExprKind::Name(_) => {}
        ExprKind::Unary(_, operand) => out.push(operand),
        ExprKind::Binary { left, right, .. } => out.extend([&**left, &**right]),
        ExprKind::Call { generics, args, .. } => {
            out.extend(generics);
            out.extend(args.iter().map(|a| &a.value));
        }
        ExprKind::Apply { function, args } => {
            out.push(function);
            out.extend(args.iter().map(|a| &a.value));
        }
        ExprKind::Method { receiver, args, .. } => {
            out.push(receiver);
            out.extend(args.iter().map(|a| &a.value));
        }
        ExprKind::Field { receiver, .. } | ExprKind::TupleField { receiver, .. } => out.push(receiver),
        ExprKind::Index { receiver, items } => {
            out.push(receiver);
            for item in items {
                match item {
                    IndexItem::At(e) => out.push(e),
                    IndexItem::Slice { start, stop, step, .. } => out.extend([start, stop, step].into_iter().flatten()),
                    IndexItem::NewAxis(_) | IndexItem::Ellipsis(_) => {}
                }
            }
        }
        ExprKind::Tuple(items) => out.extend(items),
        ExprKind::If { condition, then, otherwise } => {
            out.push(condition);
            bodies.extend([&**then, &**otherwise]);
        }
        ExprKind::Block(body) => bodies.push(body),
    }
}
