//! Elementwise operations: weak folding, promotion, broadcasting, the node.
//!
//! In: a row of the table and arguments. Out: a value. Always: the operands of
//! a map node have one dtype (as its rule says) and one shape.
//! Next: [`super::reduce`].

use super::cx::Cx;
use super::value::{Arg, Value, Weak};
use crate::diagnostic::{Diagnostic, Loc};
use crate::dtype::{DType, Kind};
use crate::errors;
use crate::graph::{NodeId, Type};
use crate::ops::{Literal, MapOp, Rule};
use crate::shape::Dim;
use crate::syntax::ast::BinaryOp;

/// The row of the table for an operator, and the operator's text.
pub(super) fn operator(op: BinaryOp) -> (&'static str, &'static str) {
    match op {
        BinaryOp::Add => ("add", "+"),
        BinaryOp::Sub => ("sub", "-"),
        BinaryOp::Mul => ("mul", "*"),
        BinaryOp::Div => ("div", "/"),
        BinaryOp::Rem => ("remainder", "%"),
        BinaryOp::Pow => ("power", "**"),
        BinaryOp::MatMul => ("matmul", "@"),
        BinaryOp::Eq => ("eq", "=="),
        BinaryOp::Ne => ("ne", "!="),
        BinaryOp::Lt => ("lt", "<"),
        BinaryOp::Le => ("le", "<="),
        BinaryOp::Gt => ("gt", ">"),
        BinaryOp::Ge => ("ge", ">="),
        BinaryOp::And => ("bitwise_and", "&"),
        BinaryOp::Or => ("bitwise_or", "|"),
        BinaryOp::Xor => ("bitwise_xor", "^"),
        BinaryOp::Shl => ("left_shift", "<<"),
        BinaryOp::Shr => ("right_shift", ">>"),
    }
}

impl Cx<'_> {
    /// The operation on any values; `what` is the user's word for it.
    pub fn map_op(&mut self, op: MapOp, what: &str, args: &[Arg], loc: Loc) -> Value {
        if args.iter().any(|a| a.value.is_error()) {
            return Value::Error;
        }
        if let Some(equal) = self.static_equality(op, args) {
            return Value::Bool(equal);
        }
        if args.iter().any(|a| matches!(a.value, Value::Struct(_))) {
            return self.each_leaf(args, &mut |cx, args| cx.map_op(op, what, args, loc));
        }
        for arg in args {
            if !matches!(arg.value, Value::Array(_)) && arg.value.weak().is_none() {
                return self.not_an_array(arg, &format!("`{what}`"));
            }
        }
        if !args.iter().any(|a| matches!(a.value, Value::Array(_))) {
            return self.fold(op, what, args, loc);
        }
        self.map_arrays(op, what, args, loc).map_or(Value::Error, Value::Array)
    }

    fn map_arrays(&mut self, op: MapOp, what: &str, args: &[Arg], loc: Loc) -> Option<NodeId> {
        let rule = op.row().rule;
        let mut nodes = Vec::new();
        let values = match rule {
            Rule::Select => {
                nodes.push(self.condition(&args[0])?);
                if args[1..].iter().all(|a| a.value.weak() == Some(Weak::Float) || a.value.weak() == Some(Weak::Int))
                    && args[1..].iter().any(|a| a.value.weak() == Some(Weak::Float))
                {
                    return self.reject(
                        errors::LITERAL_KIND,
                        loc,
                        "`where` between float literals would be `f64`",
                        "say which float is meant: `where(c, f32(1.0), 0)`",
                    );
                }
                &args[1..]
            }
            _ => args,
        };
        if rule == Rule::Compare
            && let Some(done) = self.compare_with_size(op, values)
        {
            return self.broadcast_map(op, what, done, args, loc);
        }
        if let Some(done) = self.compare_signs(op, what, args, loc) {
            return done;
        }
        let dtype = self.common_dtype(what, values, loc)?;
        if let Some(same) = self.identity_on_integers(op, dtype, values) {
            return Some(same);
        }
        if !rule.accepts(dtype) {
            self.rule_error(what, rule, dtype, values, loc);
            return None;
        }
        if op.name() == "power"
            && let Some(done) = self.power(values, dtype, loc)
        {
            return done;
        }
        for arg in values {
            nodes.push(self.coerce(arg, dtype)?);
        }
        self.broadcast_map(op, what, nodes, args, loc)
    }

    fn condition(&mut self, arg: &Arg) -> Option<NodeId> {
        match arg.value {
            Value::Array(id) if self.dtype(id) == DType::Bool => Some(id),
            Value::Bool(b) => Some(self.graph.konst(Literal::Bool(b), DType::Bool)),
            _ => {
                self.condition_wanted(arg);
                None
            }
        }
    }

    /// A comparison of an integer array with a size is made in `i64`, where no
    /// size wraps.
    fn compare_with_size(&mut self, op: MapOp, args: &[Arg]) -> Option<Vec<NodeId>> {
        let narrow = |id: NodeId| self.dtype(id).is_int() && self.dtype(id) != DType::U64;
        let sizes = args.iter().any(|a| matches!(a.value, Value::Dim(_)));
        let fits = args.iter().all(|a| match a.value {
            Value::Array(id) => narrow(id),
            _ => matches!(a.value, Value::Dim(_)),
        });
        if !sizes || !fits || op.row().rule != Rule::Compare {
            return None;
        }
        args.iter().map(|a| self.coerce(a, DType::I64)).collect()
    }

    /// `u64` with a signed dtype: a negative number is less than every `u64`,
    /// and any other is one. So the comparison is exact without a wider dtype.
    fn compare_signs(&mut self, op: MapOp, what: &str, args: &[Arg], loc: Loc) -> Option<Option<NodeId>> {
        let (Rule::Compare, [left, right]) = (op.row().rule, args) else { return None };
        let (&Value::Array(left), &Value::Array(right)) = (&left.value, &right.value) else { return None };
        let signed = |cx: &Self, id| cx.dtype(id).kind() == Kind::Signed;
        let (number, first) = match (self.dtype(left), self.dtype(right)) {
            (_, DType::U64) if signed(self, left) => (left, true),
            (DType::U64, _) if signed(self, right) => (right, false),
            _ => return None,
        };
        let zero = self.graph.konst(Literal::Int(0), self.dtype(number));
        let zero = self.graph.broadcast_to(zero, &self.shape(number));
        let negative = self.graph.map(MapOp::named("lt"), &[number, zero]);
        let natural = self.graph.cast(number, DType::U64);
        let nodes = if first { vec![natural, right] } else { vec![left, natural] };
        Some(self.broadcast_map(op, what, nodes, args, loc).map(|compared| {
            // The answer for -1 and 0, or for 0 and -1.
            let pair = if first { [-1, 0] } else { [0, -1] };
            let answer = op.row().eval_int.is_some_and(|eval| eval(&pair) != 0);
            let shape = self.shape(compared);
            let answer = self.graph.konst(Literal::Bool(answer), DType::Bool);
            let answer = self.graph.broadcast_to(answer, &shape);
            let negative = self.stretch(negative, &shape);
            self.graph.map(MapOp::named("where"), &[negative, answer, compared])
        }))
    }

    /// Rounding leaves integers alone, and none of them is NaN.
    fn identity_on_integers(&mut self, op: MapOp, dtype: DType, args: &[Arg]) -> Option<NodeId> {
        if !dtype.is_int() {
            return None;
        }
        let Value::Array(id) = args[0].value else { return None };
        match op.name() {
            "floor" | "ceil" | "round" | "trunc" => Some(id),
            "isnan" | "isinf" | "isfinite" => {
                let answer = self.graph.konst(Literal::Bool(op.name() == "isfinite"), DType::Bool);
                let shape = self.shape(id);
                Some(self.graph.broadcast_to(answer, &shape))
            }
            _ => None,
        }
    }

    /// Powers by a literal that have a cheaper and more exact form.
    fn power(&mut self, args: &[Arg], dtype: DType, loc: Loc) -> Option<Option<NodeId>> {
        let Value::Array(x) = args[0].value else { return None };
        let exponent = match args[1].value {
            Value::Int(i) if dtype.is_int() && i < 0 => {
                return Some(self.reject(
                    errors::ARGUMENT_VALUE,
                    loc,
                    format!("`{dtype}` to the negative power `{i}`"),
                    format!("cast to a float first: `{}.astype(f32)`", args[0].text("…")),
                ));
            }
            Value::Int(i) => i as f64,
            Value::Float(f) => f,
            _ => return None,
        };
        let x = self.graph.cast(x, dtype);
        let product = |cx: &mut Self, a, b| cx.graph.map(MapOp::named("mul"), &[a, b]);
        if exponent == 2.0 {
            return Some(Some(product(self, x, x)));
        }
        if exponent == 3.0 {
            let square = product(self, x, x);
            return Some(Some(product(self, square, x)));
        }
        if !dtype.is_float() {
            return None;
        }
        let shape = self.shape(x);
        if exponent == 0.5 {
            return Some(Some(self.graph.map(MapOp::named("sqrt"), &[x])));
        }
        if exponent == -1.0 {
            let one = self.graph.konst(Literal::Int(1), dtype);
            let one = self.graph.broadcast_to(one, &shape);
            return Some(Some(self.graph.map(MapOp::named("div"), &[one, x])));
        }
        None
    }

    /// The map node over operands brought to one shape.
    fn broadcast_map(&mut self, op: MapOp, what: &str, nodes: Vec<NodeId>, args: &[Arg], loc: Loc) -> Option<NodeId> {
        let shape = self.broadcast_shape(what, &nodes, args, loc)?;
        let nodes: Vec<NodeId> = nodes.into_iter().map(|n| self.stretch(n, &shape)).collect();
        Some(self.graph.map(op, &nodes))
    }

    /// The shape that the nodes broadcast to. `args` are the user's operands.
    pub fn broadcast_shape(&mut self, what: &str, nodes: &[NodeId], args: &[Arg], loc: Loc) -> Option<Vec<Dim>> {
        let rank = nodes.iter().map(|&n| self.ty(n).rank()).max().unwrap_or(0);
        let mut shape = vec![Dim::one(); rank];
        // Which operand gave each axis its size.
        let mut giver = vec![0usize; rank];
        for (k, &node) in nodes.iter().enumerate() {
            let dims = self.shape(node);
            let new = rank - dims.len();
            for (i, dim) in dims.into_iter().enumerate() {
                let axis = new + i;
                if dim.is(1) || self.facts.equal(&shape[axis], &dim) {
                    continue;
                }
                if !shape[axis].is(1) {
                    let pair = [nodes[giver[axis]], node];
                    let operands = [args.get(giver[axis]), args.get(k)];
                    let diag = self.broadcast_error(what, pair, operands, axis, rank, loc);
                    self.error(diag);
                    return None;
                }
                shape[axis] = dim;
                giver[axis] = k;
            }
        }
        Some(shape)
    }

    fn broadcast_error(
        &self,
        what: &str,
        nodes: [NodeId; 2],
        args: [Option<&Arg>; 2],
        axis: usize,
        rank: usize,
        loc: Loc,
    ) -> Diagnostic {
        let types = nodes.map(|n| self.ty(n).clone());
        let at = |t: &Type| t.shape[axis + t.rank() - rank].clone();
        let (a, b) = (at(&types[0]), at(&types[1]));
        let text = |k: usize, or: &str| args[k].map_or(or.to_string(), |arg| arg.text(or));
        let proved_different = a.sub(&b).as_const().is_some();
        let mut diag = if proved_different {
            let message = format!(
                "cannot broadcast `{}` with `{}`: axis {axis} is {a} on the left and {b} on the right",
                types[0], types[1]
            );
            Diagnostic::new(errors::BROADCAST, loc, message)
        } else {
            let message =
                format!("cannot prove that `{a}` equals `{b}`: axis {axis} of `{}` {what} `{}`", types[0], types[1]);
            Diagnostic::new(errors::UNPROVABLE, loc, message)
        };
        diag.notes.extend(args.iter().flatten().filter_map(|arg| arg.note(&self.graph)));
        // A lower-rank operand that fits the other's first axes wants new ones.
        for (low, high) in [(0, 1), (1, 0)] {
            let missing = types[high].rank().saturating_sub(types[low].rank());
            let prefix = &types[high].shape[..types[low].rank().min(types[high].rank())];
            if missing > 0 && types[low].shape == prefix {
                let new = vec!["None"; missing].join(", ");
                let all = if types[low].rank() == 1 { ":" } else { "..." };
                return diag.help(format!("add the missing axis at the end, `{}[{all}, {new}]`", text(low, "…")));
            }
        }
        match (a.as_const(), b.as_const()) {
            (Some(x), Some(y)) => {
                let (long, short) = if x > y { (0, y) } else { (1, x) };
                let from_end = rank - axis;
                let lead = match types[long].rank() - from_end {
                    0 => "",
                    1 => ":, ",
                    _ => "..., ",
                };
                let rest = ", :".repeat(from_end - 1);
                diag.help(format!("slice the longer one, `{}[{lead}:{short}{rest}]`", text(long, "…")))
            }
            _ if proved_different => diag.help("slice the longer one"),
            _ if types[0].rank() == 2 && types[0].shape.iter().eq(types[1].shape.iter().rev()) => {
                diag.help(format!("transpose one of them, `{}.T`", text(1, "…")))
            }
            _ => diag.help(self.equate(&a, &b, "give arrays of one size")),
        }
    }

    /// The node broadcast to a shape that it was shown to fit.
    pub fn stretch(&mut self, node: NodeId, shape: &[Dim]) -> NodeId {
        let dims = self.shape(node);
        let new = shape.len() - dims.len();
        let fitting: Vec<Dim> =
            dims.iter().zip(&shape[new..]).map(|(d, to)| if d.is(1) { d.clone() } else { to.clone() }).collect();
        // Equal by a constraint, but written otherwise.
        let node = self.graph.reshape(node, &fitting);
        self.graph.broadcast_to(node, shape)
    }

    /// `mode == "edge"`, `axis == None`, `x.dtype == f32`, `x.shape == y.shape`:
    /// known now.
    fn static_equality(&self, op: MapOp, args: &[Arg]) -> Option<bool> {
        let [a, b] = args else { return None };
        let flag = |v: &Value| matches!(v, Value::Str(_) | Value::None | Value::DType(_) | Value::Tuple(_));
        if !flag(&a.value) && !flag(&b.value) {
            return None;
        }
        let equal = match (&a.value, &b.value) {
            (Value::Str(a), Value::Str(b)) => a == b,
            (Value::DType(a), Value::DType(b)) => a == b,
            (Value::None, Value::None) => true,
            (Value::Tuple(a), Value::Tuple(b)) => self.same_sizes(a, b)?,
            (Value::Tuple(_), other) | (other, Value::Tuple(_)) if !flag(other) => return None,
            _ => false,
        };
        match op.name() {
            "eq" => Some(equal),
            "ne" => Some(!equal),
            _ => None,
        }
    }

    /// Whether two tuples of sizes are equal, where that is the same for all sizes.
    fn same_sizes(&self, a: &[Value], b: &[Value]) -> Option<bool> {
        if a.len() != b.len() {
            return Some(false);
        }
        let mut equal = true;
        for (a, b) in a.iter().zip(b) {
            let (a, b) = (a.as_dim()?, b.as_dim()?);
            if self.facts.equal(&a, &b) {
                continue;
            }
            let apart = |a: &Dim, b: &Dim| self.facts.le(&a.add(&Dim::one()), b);
            if !apart(&a, &b) && !apart(&b, &a) {
                return None;
            }
            equal = false;
        }
        Some(equal)
    }
}
