//! What conditions on places say.
//!
//! In: a condition among values, such as `where`'s. Out: expressions over loops and sizes that are not negative where it holds,
//! or where it does not. Always: they are not negative there; whether the condition also holds wherever they are not is told.
//! Next: [`crate::program::tile`], [`crate::emit::rust`].

use super::{Guard, InstOp, Kernel, ValId, is_picked};
use crate::dtype::DType;
use crate::ops::{Literal, MapOp};
use crate::shape::Dim;

/// Numbers in a condition beyond this are not reckoned with.
const MOST: i128 = 1 << 32;

/// What matters of a value here.
pub enum Term<'a, Id> {
    Index(&'a Dim),
    Const(Literal),
    Inside(&'a [Guard]),
    Map(MapOp, &'a [Id], DType),
    Other,
}

/// Values that name each other.
pub trait Terms {
    type Id: Copy;

    fn term(&self, id: Self::Id) -> Term<'_, Self::Id>;
}

/// What a condition says.
#[derive(Default)]
pub struct Said {
    pub not_negative: Vec<Dim>,
    /// Whether that is all that it says.
    pub whole: bool,
}

impl Terms for Kernel {
    type Id = ValId;

    fn term(&self, id: ValId) -> Term<'_, ValId> {
        let inst = self.inst(id);
        match &inst.op {
            InstOp::Index(dim) => Term::Index(dim),
            InstOp::Const(literal) => Term::Const(*literal),
            InstOp::Inside(guards) => Term::Inside(guards),
            InstOp::Map(op, args) => Term::Map(*op, args, inst.dtype),
            InstOp::Load { .. } | InstOp::Cast(_) | InstOp::Pick(..) | InstOp::Reduce(..) => Term::Other,
        }
    }
}

/// What is said by a condition that holds, or by one that does not.
pub fn said<V: Terms>(values: &V, condition: V::Id, holds: bool) -> Said {
    match values.term(condition) {
        Term::Inside(guards) if holds => {
            let ends = |g: &Guard| [g.index.clone(), g.extent.sub(&g.index).sub(&Dim::one())];
            let mut not_negative: Vec<Dim> = guards.iter().flat_map(ends).collect();
            let all = not_negative.len();
            not_negative.retain(|index| !is_picked(index));
            Said { whole: not_negative.len() == all, not_negative }
        }
        Term::Map(op, args, _) => {
            let differences = |ends: &[(usize, usize, i64)]| {
                let difference = |&(more, less, by): &(usize, usize, i64)| {
                    Some(place(values, args[more])?.sub(&place(values, args[less])?).sub(&Dim::from(by)))
                };
                let all: Option<Vec<Dim>> = ends.iter().map(difference).collect();
                all.map_or_else(Said::default, |not_negative| Said { not_negative, whole: true })
            };
            match (op.row().name, holds) {
                ("bitwise_and", true) | ("bitwise_or", false) => args.iter().map(|&arg| said(values, arg, holds)).fold(
                    Said { not_negative: Vec::new(), whole: true },
                    |all, one| Said {
                        not_negative: [all.not_negative, one.not_negative].concat(),
                        whole: all.whole && one.whole,
                    },
                ),
                ("bitwise_not", _) => said(values, args[0], !holds),
                ("le", true) | ("gt", false) => differences(&[(1, 0, 0)]),
                ("lt", true) | ("ge", false) => differences(&[(1, 0, 1)]),
                ("ge", true) | ("lt", false) => differences(&[(0, 1, 0)]),
                ("gt", true) | ("le", false) => differences(&[(0, 1, 1)]),
                ("eq", true) | ("ne", false) => differences(&[(0, 1, 0), (1, 0, 0)]),
                _ => Said::default(),
            }
        }
        Term::Inside(_) | Term::Index(_) | Term::Const(_) | Term::Other => Said::default(),
    }
}

/// A value as an expression over loops and sizes: places, and sums of them.
pub fn place<V: Terms>(values: &V, id: V::Id) -> Option<Dim> {
    match values.term(id) {
        Term::Index(dim) => Some(dim.clone()).filter(|dim| !is_picked(dim)),
        Term::Const(Literal::Int(n)) if n.abs() <= MOST => Some(Dim::from(n as i64)),
        Term::Map(op, args, DType::I64) => {
            let arg = |k: usize| place(values, args[k]);
            match op.row().name {
                "add" => Some(arg(0)?.add(&arg(1)?)),
                "sub" => Some(arg(0)?.sub(&arg(1)?)),
                "neg" => Some(arg(0)?.neg()),
                _ => None,
            }
        }
        Term::Const(_) | Term::Inside(_) | Term::Map(..) | Term::Other => None,
    }
}
