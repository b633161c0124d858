//! Post-ops with their operands: what an epilogue does to each element of a product, where that is a chain of operations.
//!
//! In: an epilogue, the windows of its operands. Out: [`Posted`], which tiles apply to what they have in registers, and where the
//! product then goes: to the epilogue's output. Always: rows of the output are evenly apart, and so are those of each operand, so
//! the place of an element says where its operands lie. Next: [`super::tile`], [`super::epilogue`].

use std::ops::Range;

use crate::MAX_RANK;
use crate::dtype::DType;
use crate::exec::few::Few;
use crate::exec::launch::{Found, Ready, axis_of};
use crate::kernel::Window;
use crate::plan::{Epilogue, FREE, With};

use super::Product;
use super::gemm::Matrix;
use super::lay::VECTOR;

/// How many numbers a post-op is made of.
const NUMBERS: usize = 5;

/// The post-ops of a product.
pub(super) struct Posted {
    /// Where the product's element of coordinates 0 goes, and the steps along its axes.
    pub(super) origin: *mut f32,
    pub(super) strides: [isize; MAX_RANK],
    /// What there is of the output, along the product's axes.
    lies: [Range<isize>; MAX_RANK],
    /// The step from row to row, which are along the axes but one.
    row: isize,
    ops: Few<Op, 4>,
    /// Single numbers, for every lane of a vector.
    _numbers: Numbers,
}

/// A post-op.
#[derive(Clone, Copy)]
pub(super) struct Op {
    pub(super) scale: Option<Operand>,
    pub(super) shift: Option<Operand>,
    pub(super) bounds: Option<Bounds>,
}

/// Vectors of one number each: the most and the least, and a zero, which is added then: it makes of the negative zero a positive
/// one if it is that itself, and else changes nothing.
#[derive(Clone, Copy)]
pub(super) struct Bounds {
    pub(super) most: *const f32,
    pub(super) least: *const f32,
    pub(super) zero: *const f32,
}

/// For element `(i, j)` the one at `i * row + j * lane`.
#[derive(Clone, Copy)]
pub(super) struct Operand {
    at: *const f32,
    row: isize,
    /// 1, or 0 where it is a vector of one number.
    lane: isize,
}

/// Vectors of one number each, which stay where they are.
struct Numbers(Vec<[f32; VECTOR]>);

impl Numbers {
    fn of(&mut self, number: f32) -> *const f32 {
        assert!(self.0.len() < self.0.capacity());
        self.0.push([number; VECTOR]);
        self.0.last().map_or(std::ptr::null(), |lanes| lanes.as_ptr())
    }
}

/// An operand as a tile has it.
#[derive(Clone, Copy)]
pub(super) struct Placed {
    pub(super) at: *const f32,
    pub(super) row: isize,
    pub(super) lane: usize,
}

impl Operand {
    /// From an element on, of every `each`-th row.
    pub(super) fn from(&self, (row, lane): (isize, isize), each: isize) -> Placed {
        let at = self.at.wrapping_offset(row * self.row + lane * self.lane);
        Placed { at, row: each * self.row, lane: self.lane as usize }
    }
}

impl Posted {
    /// The post-ops of a whole product or of a band of it, whose windows are `ready`; `strides` are those of a panel, whose lanes are
    /// to be the output's. `None` where there are none, or their operands do not lie so.
    ///
    /// # Safety
    /// The inputs that are single numbers must be readable, and written by nobody.
    pub(super) unsafe fn of(
        epilogue: &Epilogue,
        ready: &Ready,
        product: &Product,
        shape: &[usize],
        strides: &[isize; MAX_RANK],
    ) -> Option<Posted> {
        let (ops, launch) = (epilogue.post_ops?, &epilogue.launch);
        let output = launch.inputs.len();
        let [to] = ready.windows.get(output..)? else { return None };
        if !product.has_panels() || to.dtype != DType::F32 {
            return None;
        }
        // The operand's axis for one of the product's, if it has one.
        let along = |operand: usize, window: &Window, k: usize| match epilogue.axes[k] {
            FREE => Some(None),
            axis => match axis_of(launch, operand, usize::from(axis), window.rank) {
                Found::At(at) => Some(Some(at)),
                Found::No => Some(None),
                Found::Twice => None,
            },
        };
        let long = || (0..shape.len()).filter(|&k| shape[k] > 1);
        let (mut to_strides, mut lies) = ([0; MAX_RANK], [const { 0..1 }; MAX_RANK]);
        for k in long() {
            let at = along(output, to, k)??;
            to_strides[k] = Some(to.stride[at]).filter(|&step| step > 0)?;
            lies[k] = to.low[at]..to.low[at] + to.size[at] as isize;
        }
        let lane = long().find(|&k| to_strides[k] == 1 && strides[k] == 1)?;
        let first = long().filter(|&k| k != lane).min_by_key(|&k| to_strides[k])?;
        let row = to_strides[first];
        let even = long().all(|k| k == lane || to_strides[k] % row == 0);
        if row < shape[lane] as isize || !even {
            return None;
        }
        let mut numbers = Numbers(Vec::with_capacity(NUMBERS * ops.len()));
        let operand = |with: With, numbers: &mut Numbers| match with {
            With::Number(number) => Some(Operand { at: numbers.of(number), row: 0, lane: 0 }),
            With::Input(input) => {
                let input = usize::from(input);
                let window = ready.windows[..output].get(input).filter(|window| window.dtype == DType::F32)?;
                let some = window.low[..window.rank].iter().zip(&window.size).all(|(&low, &size)| low == 0 && size > 0);
                // All of the product's places are places of the operand.
                let has = |k: usize| {
                    along(input, window, k).is_some_and(|at| at.is_none_or(|at| window.size[at] == shape[k]))
                };
                if !(some && long().all(has)) {
                    return None;
                }
                let step = |k: usize| along(input, window, k)?.map_or(Some(0), |at| Some(window.stride[at]));
                let row_step = step(first)?;
                // One step leads from row to row along all axes.
                let even = |k: usize| {
                    let step = step(k)?.checked_mul(row)?;
                    Some(step == to_strides[k].checked_mul(row_step)?)
                };
                if long().filter(|&k| k != lane).any(|k| even(k) != Some(true)) {
                    return None;
                }
                match (step(lane)?, row_step) {
                    (1, row) => Some(Operand { at: window.origin.cast::<f32>().cast_const(), row, lane: 1 }),
                    (0, 0) => {
                        // SAFETY: the caller's promise.
                        let number = unsafe { *window.origin.cast::<f32>() };
                        Some(Operand { at: numbers.of(number), row: 0, lane: 0 })
                    }
                    (_, _) => None,
                }
            }
        };
        let mut placed = Few::new();
        for op in ops {
            let mut part = |with: Option<With>| match with {
                Some(with) => operand(with, &mut numbers).map(Some),
                None => Some(None),
            };
            let (scale, shift) = (part(op.scale)?, part(op.shift)?);
            let bounds = (op.most.is_some() || op.least.is_some() || op.positive).then(|| Bounds {
                most: numbers.of(op.most.unwrap_or(f32::INFINITY)),
                least: numbers.of(op.least.unwrap_or(f32::NEG_INFINITY)),
                zero: numbers.of(if op.positive { 0.0 } else { -0.0 }),
            });
            placed.push(Op { scale, shift, bounds });
        }
        Some(Posted { origin: to.origin.cast(), strides: to_strides, lies, row, ops: placed, _numbers: numbers })
    }

    /// Whether a box of the product lies in the output.
    pub(super) fn has(&self, ranges: &[Range<isize>]) -> bool {
        ranges.iter().zip(&self.lies).all(|(of, lies)| lies.start <= of.start && of.end <= lies.end)
    }

    /// The row and the lane of an element of the destination.
    pub(super) fn place(&self, element: *const f32) -> (isize, isize) {
        let at = (element.addr() as isize).wrapping_sub(self.origin.addr() as isize) / size_of::<f32>() as isize;
        (at.div_euclid(self.row), at.rem_euclid(self.row))
    }

    /// Whether lanes behind those of a row are the next row's: each operand is a number, or lies as the output does.
    pub(super) fn goes_on(&self) -> bool {
        let operands = self.ops.iter().flat_map(|op| [op.scale, op.shift]).flatten();
        operands.into_iter().all(|operand| operand.lane == 0 || operand.row == self.row)
    }

    /// How many rows are between those that are so far apart.
    pub(super) fn rows(&self, step: isize) -> isize {
        step / self.row
    }

    /// Does them to a matrix whose rows are the lanes.
    ///
    /// # Safety
    /// Its elements must be the product's in the output, and exclusive.
    pub(super) unsafe fn pass(&self, [lanes, rows]: [usize; 2], out: Matrix<f32>) {
        let each = self.rows(out.column);
        for (i, j) in (0..rows).flat_map(|i| (0..lanes).map(move |j| (i as isize, j as isize))) {
            let element = out.start.wrapping_offset(i * out.column + j * out.row);
            let place = self.place(element);
            // SAFETY: the caller's promise; of the operands see `of`.
            unsafe {
                let mut sum = *element;
                for op in self.ops() {
                    let with = |operand: Operand| *operand.from(place, each).at;
                    sum = op.scale.map_or(sum, |scale| sum * with(scale));
                    sum = op.shift.map_or(sum, |shift| sum + with(shift));
                    sum = op.bounds.map_or(sum, |Bounds { most, least, zero }| {
                        let below = if *most < sum { *most } else { sum };
                        *zero + if *least > below { *least } else { below }
                    });
                }
                *element = sum;
            }
        }
    }

    pub(super) fn ops(&self) -> &[Op] {
        &self.ops
    }
}
