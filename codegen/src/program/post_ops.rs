//! Epilogues that are a chain of operations on the product's element: post-ops, which a product makes in its registers.
//!
//! In: the kernel of an epilogue, and which of its inputs is the product. Out: the post-ops in turn; nothing where the kernel is
//! more than such a chain. Always: all is of `f32`; the operations are those of the kernel in their order, so the bits are the
//! same, but for those of a NaN. Next: [`crate::emit`].

use crate::dtype::DType;
use crate::kernel::{InstOp, Kernel, ValId};
use crate::ops::MapOp;

/// What the product's element has become times `scale`, plus `shift`, at most and at least a number; with `positive` no zero of it
/// is a negative one.
#[derive(Clone, Copy, PartialEq, Default, Debug)]
pub struct PostOp {
    pub scale: Option<With>,
    pub shift: Option<With>,
    pub most: Option<f32>,
    pub least: Option<f32>,
    pub positive: bool,
}

#[derive(Clone, Copy, PartialEq, Debug)]
pub enum With {
    Number(f32),
    /// The element of an input at the kernel's own index, or at some of its axes.
    Input(usize),
}

/// One operation; two of them are one post-op where their order is this one.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Link {
    Mul(With),
    Add(With),
    /// What it was where they are equal, or where it is NaN.
    Min(f32),
    /// Likewise.
    Max(f32),
    /// A negative zero becomes a positive one.
    Positive,
}

/// The post-ops of a kernel whose input `product` is the product.
pub fn post_ops(kernel: &Kernel, product: usize) -> Option<Vec<PostOp>> {
    let operands = || kernel.inputs.iter().chain(&kernel.outputs);
    let [store] = &kernel.stores[..] else { return None };
    let typed = operands().all(|operand| operand.dtype == DType::F32) && kernel.red.is_empty();
    typed.then(|| Chain { kernel, product }.to(store.value).map(joined)).flatten()
}

/// Operations in turn as few post-ops.
fn joined(links: Vec<Link>) -> Vec<PostOp> {
    let (mut ops, mut last) = (Vec::new(), usize::MAX);
    for link in links {
        let place = match link {
            Link::Mul(_) => 0,
            Link::Add(_) => 1,
            Link::Min(_) => 2,
            Link::Max(_) => 3,
            Link::Positive => 4,
        };
        if last >= place {
            ops.push(PostOp::default());
        }
        last = place;
        let op = ops.last_mut().expect("there is one");
        match link {
            Link::Mul(with) => op.scale = Some(with),
            Link::Add(with) => op.shift = Some(with),
            Link::Min(number) => op.most = Some(number),
            Link::Max(number) => op.least = Some(number),
            Link::Positive => op.positive = true,
        }
    }
    ops
}

struct Chain<'k> {
    kernel: &'k Kernel,
    product: usize,
}

impl Chain<'_> {
    /// What leads from the product to a value.
    fn to(&self, value: ValId) -> Option<Vec<Link>> {
        match &self.kernel.inst(value).op {
            InstOp::Load { input, guards, .. } => (*input == self.product && guards.is_empty()).then(Vec::new),
            InstOp::Map(op, args) => self.map(*op, args),
            InstOp::Const(_) | InstOp::Index(_) | InstOp::Inside(_) => None,
            InstOp::Cast(_) | InstOp::Pick(..) | InstOp::Reduce(..) => None,
        }
    }

    fn map(&self, op: MapOp, args: &[ValId]) -> Option<Vec<Link>> {
        match (op.name(), args) {
            ("mul", &[a, b]) => self.either(Link::Mul, a, b),
            ("add", &[a, b]) => self.either(Link::Add, a, b),
            ("sub", &[a, b]) => self.then(a, Link::Add(With::Number(-self.number(b)?))),
            ("maximum", &[a, b]) => self.then(a, Link::Max(self.number(b)?)),
            ("minimum", &[a, b]) => self.then(a, Link::Min(self.number(b)?)),
            ("where", &[condition, a, b]) => self.choice(condition, a, b),
            _ => None,
        }
    }

    fn then(&self, before: ValId, link: Link) -> Option<Vec<Link>> {
        let mut chain = self.to(before)?;
        chain.push(link);
        Some(chain)
    }

    /// An operation of two, any of which may be the product's.
    fn either(&self, link: fn(With) -> Link, a: ValId, b: ValId) -> Option<Vec<Link>> {
        match (self.with(a), self.with(b)) {
            (None, Some(with)) => self.then(a, link(with)),
            (Some(with), None) => self.then(b, link(with)),
            (None, None) | (Some(_), Some(_)) => None,
        }
    }

    /// A bound by a choice: `where(x <= c, c, x)`, which is `c` where both are zeros; or `where(x >= c, x, maximum(x, c))`.
    fn choice(&self, condition: ValId, a: ValId, b: ValId) -> Option<Vec<Link>> {
        let (compared, x, c) = self.two(condition)?;
        let number = self.number(c)?;
        let (below, above) = (Link::Max(number), Link::Min(number));
        let (replaced, kept, name) = match compared {
            "le" => (below, above, "minimum"),
            "ge" => (above, below, "maximum"),
            _ => return None,
        };
        if (a, b) == (c, x) {
            let mut chain = self.then(x, replaced)?;
            chain.extend((number == 0.0).then_some(Link::Positive));
            return Some(chain);
        }
        (a == x && self.two(b)? == (name, x, c)).then(|| self.then(x, kept)).flatten()
    }

    /// The name and the arguments of an operation of two.
    fn two(&self, value: ValId) -> Option<(&'static str, ValId, ValId)> {
        match &self.kernel.inst(value).op {
            InstOp::Map(op, args) => match args[..] {
                [a, b] => Some((op.name(), a, b)),
                _ => None,
            },
            InstOp::Load { .. } | InstOp::Const(_) | InstOp::Index(_) | InstOp::Inside(_) => None,
            InstOp::Cast(_) | InstOp::Pick(..) | InstOp::Reduce(..) => None,
        }
    }

    /// A number that is neither NaN, nor infinite, nor the negative zero.
    fn number(&self, value: ValId) -> Option<f32> {
        match &self.kernel.inst(value).op {
            InstOp::Const(literal) => {
                let number = literal.as_f64() as f32;
                (number.is_finite() && number.to_bits() != (-0.0f32).to_bits()).then_some(number)
            }
            InstOp::Load { .. } | InstOp::Index(_) | InstOp::Inside(_) | InstOp::Map(..) => None,
            InstOp::Cast(_) | InstOp::Pick(..) | InstOp::Reduce(..) => None,
        }
    }

    /// What an operation may be done with.
    fn with(&self, value: ValId) -> Option<With> {
        let own = |d: &crate::shape::Dim| d.is(0) || self.kernel.par.iter().any(|axis| d.as_sym() == Some(&axis.var));
        match &self.kernel.inst(value).op {
            InstOp::Load { input, index, guards, .. } => {
                let plain = *input != self.product && guards.is_empty() && index.iter().all(own);
                plain.then_some(With::Input(*input))
            }
            InstOp::Const(_) => self.number(value).map(With::Number),
            InstOp::Index(_) | InstOp::Inside(_) | InstOp::Map(..) => None,
            InstOp::Cast(_) | InstOp::Pick(..) | InstOp::Reduce(..) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::driver;
    use crate::program::Action;

    const LEAST: PostOp = PostOp { scale: None, shift: None, most: None, least: Some(0.0), positive: true };

    /// The names of the inputs of each product's epilogue, and its post-ops.
    fn found(body: &str) -> Vec<(Vec<String>, Option<Vec<PostOp>>)> {
        let source = format!(
            "fn f<N, M, K>(x: f32[N, K], w: f32[K, M], a: f32[M], b: f32[M], c: f32[N, M], d: f32[N], s: f32) \
             -> f32[N, M] {{ {body} }}"
        );
        let compiled = driver::compile_forward(source.parse().expect("tokens"));
        assert!(compiled.diagnostics.is_empty(), "{:?}", compiled.diagnostics);
        let mut all = Vec::new();
        for program in compiled.functions.iter().filter_map(|f| f.code.as_ref()).map(|code| &code.program) {
            for step in &program.steps {
                if let Action::Dot(dot) = &step.action
                    && let Some(epilogue) = &dot.epilogue
                {
                    let kernel = &program.kernels[epilogue.launch.kernel];
                    let names = epilogue.launch.inputs.iter().map(|&id| program.buffer(id).name.clone()).collect();
                    all.push((names, post_ops(kernel, epilogue.input)));
                }
            }
        }
        all
    }

    /// The post-ops of the one product.
    fn ops(body: &str) -> Option<Vec<PostOp>> {
        let [(_, ops)] = found(body).try_into().expect("one epilogue");
        ops
    }

    #[test]
    fn chains_are_found_in_their_order() {
        let input = |k| Some(With::Input(k));
        let none = PostOp::default();
        assert_eq!(ops("relu(x @ w + b)"), Some(vec![PostOp { shift: input(1), ..LEAST }]));
        assert_eq!(ops("maximum(2.0 * (x @ w), 0.0)"), {
            Some(vec![PostOp { scale: Some(With::Number(2.0)), least: Some(0.0), ..none }])
        });
        let both = PostOp { scale: input(1), shift: input(2), most: Some(6.0), least: Some(0.0), positive: true };
        assert_eq!(ops("relu6((x @ w) * a + b)"), Some(vec![both]));
        assert_eq!(ops("clip((x @ w) * s - 1.5, -1.0, 1.0)"), {
            let shift = Some(With::Number(-1.5));
            let bound = PostOp { least: None, most: Some(1.0), ..none };
            Some(vec![PostOp { scale: input(1), shift, least: Some(-1.0), ..none }, bound])
        });
        assert_eq!(ops("c + (x @ w + b) * d[:, None]").map(|ops| ops.len()), Some(2));
    }

    #[test]
    fn what_is_more_than_a_chain_is_none() {
        for body in [
            "exp(x @ w)",
            "(x @ w) * (x @ w)",
            "a - x @ w",
            "maximum(x @ w, b)",
            "where(x @ w <= c, b, x @ w)",
            "where(c > 0, x @ w, 0.0)",
            "(x @ w) / a",
        ] {
            assert!(found(body).iter().all(|(_, ops)| ops.is_none()), "{body}: {:?}", found(body));
        }
    }

    /// The mean and the variance of a batch norm are columns: they become a scale and a shift before the product, in one kernel.
    #[test]
    fn what_is_made_of_columns_is_made_before() {
        let [(inputs, ops)] = found("relu6((x @ w) * (a / sqrt(b + 1e-3)) + (b - a * (a / sqrt(b + 1e-3))))")
            .try_into()
            .expect("one epilogue");
        let made = |name: &String| name.starts_with('t');
        assert_eq!(inputs.iter().filter(|name| made(name)).count(), 3, "{inputs:?}");
        assert_eq!(ops.map(|ops| ops.len()), Some(1));
        // No kernel goes through the columns of this one before.
        let [(inputs, ops)] = found("(x @ w) * (a + 1.0)").try_into().expect("one epilogue");
        assert!(inputs.contains(&"a".to_owned()) && ops.is_none(), "{inputs:?} {ops:?}");
    }
}
