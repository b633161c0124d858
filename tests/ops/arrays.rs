//! Arguments: values and layouts.
//!
//! In: a dtype, a shape, a layout, a domain. Out: an array, and the view of it
//! that has the shape. Always: the same seed gives the same argument.

use super::call::{Array, View};
use ndarray::{ArrayD, ArrayViewD, Axis, Slice};
use ndfuse::{bf16, f16};
use ndfuse_codegen::dtype::DType;
use ndfuse_codegen::interp::Value;
use ndfuse_codegen::testing::Rng;

/// How an argument lies in memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Layout {
    Contiguous,
    /// Axes in the other order.
    Transposed,
    /// Every axis from its end.
    Negative,
    /// Every other element of a larger array.
    Sliced,
    /// The first axis has stride 0.
    Rows,
    /// The last axis has stride 0.
    Columns,
    /// Operands alternate between these.
    Mixed,
}

impl Layout {
    pub const ALL: [Layout; 7] = [
        Layout::Contiguous,
        Layout::Transposed,
        Layout::Negative,
        Layout::Sliced,
        Layout::Rows,
        Layout::Columns,
        Layout::Mixed,
    ];

    /// The layout of the operand of this number.
    pub fn of_operand(self, number: usize) -> Layout {
        match (self, number % 3) {
            (Layout::Mixed, 0) => Layout::Transposed,
            (Layout::Mixed, 1) => Layout::Rows,
            (Layout::Mixed, _) => Layout::Negative,
            (layout, _) => layout,
        }
    }

    /// The shape of the array in memory.
    fn stored(self, shape: &[usize]) -> Vec<usize> {
        let mut stored = shape.to_vec();
        match self {
            Layout::Contiguous | Layout::Negative | Layout::Mixed => {}
            Layout::Transposed => stored.reverse(),
            Layout::Sliced => stored.iter_mut().for_each(|n| *n = 2 * *n + 1),
            Layout::Rows => stored.iter_mut().take(1).for_each(|n| *n = 1),
            Layout::Columns => stored.iter_mut().rev().take(1).for_each(|n| *n = 1),
        }
        stored
    }

    fn view<'a, T: Clone>(self, array: &'a ArrayD<T>, shape: &[usize]) -> ArrayViewD<'a, T> {
        let mut view = array.view();
        match self {
            Layout::Contiguous | Layout::Mixed => {}
            Layout::Transposed => view = view.reversed_axes(),
            Layout::Negative => (0..shape.len()).for_each(|k| view.invert_axis(Axis(k))),
            Layout::Sliced => {
                for (k, &n) in shape.iter().enumerate() {
                    view.slice_axis_inplace(Axis(k), Slice::new(1, Some(1 + 2 * n as isize), 2));
                }
            }
            Layout::Rows | Layout::Columns => view = array.broadcast(shape).expect("axes of size 1 stretch"),
        }
        view
    }
}

/// An argument of a call.
pub struct Argument {
    array: Array,
    layout: Layout,
    shape: Vec<usize>,
}

impl Argument {
    pub fn new(
        rng: &mut Rng,
        dtype: DType,
        shape: &[usize],
        layout: Layout,
        domain: (f64, f64),
        special: bool,
    ) -> Argument {
        let stored = layout.stored(shape);
        let float = |rng: &mut Rng| {
            const ODD: [f64; 6] = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 0.0, -0.0, 1.0];
            if special && rng.chance(4) { *rng.pick(&ODD) } else { domain.0 + (domain.1 - domain.0) * unit(rng) }
        };
        let (low, high) = dtype.int_range().unwrap_or((0, 1));
        let int = |rng: &mut Rng| match special.then(|| rng.below(4)) {
            Some(0) => *rng.pick(&[low, high, 0, 1, low + 1, high - 1]),
            Some(1) => low + (rng.bits() as i128).rem_euclid(high - low + 1),
            _ => (domain.0.min(-2.0) as i128 + rng.below(10) as i128).clamp(low, high),
        };
        let shape_of = || stored.clone();
        let array = match dtype {
            DType::F32 => Array::F32(ArrayD::from_shape_simple_fn(shape_of(), || float(rng) as f32)),
            DType::F64 => Array::F64(ArrayD::from_shape_simple_fn(shape_of(), || float(rng))),
            DType::F16 => Array::F16(ArrayD::from_shape_simple_fn(shape_of(), || f16::from_f64(float(rng)))),
            DType::BF16 => Array::BF16(ArrayD::from_shape_simple_fn(shape_of(), || bf16::from_f64(float(rng)))),
            DType::I32 => Array::I32(ArrayD::from_shape_simple_fn(shape_of(), || int(rng) as i32)),
            DType::I64 => Array::I64(ArrayD::from_shape_simple_fn(shape_of(), || int(rng) as i64)),
            DType::U8 => Array::U8(ArrayD::from_shape_simple_fn(shape_of(), || int(rng) as u8)),
            DType::U64 => Array::U64(ArrayD::from_shape_simple_fn(shape_of(), || int(rng) as u64)),
            DType::Bool => Array::Bool(ArrayD::from_shape_simple_fn(shape_of(), || rng.chance(2))),
            DType::I8 | DType::U16 | DType::I16 | DType::U32 => unreachable!("no function takes {dtype}"),
        };
        Argument { array, layout, shape: shape.to_vec() }
    }

    pub fn view(&self) -> View<'_> {
        match &self.array {
            Array::F32(a) => View::F32(self.layout.view(a, &self.shape)),
            Array::F64(a) => View::F64(self.layout.view(a, &self.shape)),
            Array::F16(a) => View::F16(self.layout.view(a, &self.shape)),
            Array::BF16(a) => View::BF16(self.layout.view(a, &self.shape)),
            Array::I32(a) => View::I32(self.layout.view(a, &self.shape)),
            Array::I64(a) => View::I64(self.layout.view(a, &self.shape)),
            Array::U8(a) => View::U8(self.layout.view(a, &self.shape)),
            Array::U64(a) => View::U64(self.layout.view(a, &self.shape)),
            Array::Bool(a) => View::Bool(self.layout.view(a, &self.shape)),
        }
    }
}

fn unit(rng: &mut Rng) -> f64 {
    (rng.bits() >> 11) as f64 / (1u64 << 53) as f64
}

/// The arguments of a fault, cut short.
pub fn brief(values: &[Value]) -> String {
    let text = format!("{values:?}");
    text.chars().take(600).collect()
}
