//! Whether a value is the same however it is computed.
//!
//! In: a node, its arguments' values and its own. Out: whether `f32` computes it without rounding, in any order.

use crate::graph::{Node, Op};
use crate::interp::{Data, Value};

/// Whether a node's value is a multiple of 2⁻⁸ of moderate size, and no partial
/// result, in whatever order, is anything else.
pub fn exact(node: &Node, args: &[&Value], value: &Value) -> bool {
    const LARGE: f64 = 16384.0;
    let fine =
        |x: f64| x.is_finite() && (x * 256.0).fract() == 0.0 && x.abs() <= LARGE && x.to_bits() != (-0.0f64).to_bits();
    // What memory holds of it, too.
    let kept = |x: f64| node.ty.dtype.round(x) == x;
    let Data::Float(data) = &value.data else { return true };
    let magnitude = |v: &Value| match &v.data {
        Data::Float(x) => x.iter().fold(0.0, |a: f64, b| a.max(b.abs())),
        Data::Bool(_) | Data::Int(_) => 0.0,
    };
    let multiple_of = |v: &Value, unit: f64| match &v.data {
        Data::Float(x) => x.iter().all(|x| (x / unit).fract() == 0.0),
        Data::Bool(_) | Data::Int(_) => true,
    };
    let partial = match (&node.op, args) {
        (Op::Reduce { monoid, .. }, [x]) => {
            let n = x.data.len().checked_div(data.len()).unwrap_or(0);
            match monoid.name() {
                "sum" => n as f64 * magnitude(x) <= LARGE,
                "prod" => multiple_of(x, 1.0) && magnitude(x).max(1.0).powi(n as i32) <= LARGE,
                _ => true,
            }
        }
        (Op::Dot { contract, .. }, [a, b]) => {
            let n: usize = contract.iter().map(|p| a.shape[p.0]).product();
            let products = n as f64 * magnitude(a) * magnitude(b) <= LARGE;
            products && [1.0, 16.0, 256.0].iter().any(|&u| multiple_of(a, 1.0 / u) && multiple_of(b, u / 256.0))
        }
        (Op::Scatter { .. }, [updates, _]) => updates.data.len() as f64 * magnitude(updates) <= LARGE,
        _ => true,
    };
    partial && data.iter().all(|&x| fine(x) && kept(x))
}
