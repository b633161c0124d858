//! Arrays of the oracle: a shape and the elements in C order.

use crate::dtype::{DType, Kind};
use crate::ops::Literal;

/// The most elements an array of the oracle may have.
pub const MOST: usize = 1 << 28;

/// An array.
#[derive(Clone, PartialEq, Debug)]
pub struct Value {
    pub shape: Vec<usize>,
    pub data: Data,
}

/// Elements: every integer dtype is kept in `i128`, every float in `f64`.
#[derive(Clone, PartialEq, Debug)]
pub enum Data {
    Bool(Vec<bool>),
    Int(Vec<i128>),
    Float(Vec<f64>),
}

/// How many elements a shape has.
pub fn count(shape: &[usize]) -> Result<usize, String> {
    let product = match shape.contains(&0) {
        true => Some(0),
        false => shape.iter().try_fold(1usize, |n, &d| n.checked_mul(d)),
    };
    product.filter(|&n| n <= MOST).ok_or_else(|| format!("the shape {shape:?} has too many elements"))
}

/// How far apart the elements of each axis lie in C order.
pub fn strides(shape: &[usize]) -> Vec<usize> {
    let mut out = vec![1; shape.len()];
    for k in (0..shape.len().saturating_sub(1)).rev() {
        out[k] = out[k + 1] * shape[k + 1];
    }
    out
}

/// Calls `f` with each index of a shape, in C order.
pub fn each_index(shape: &[usize], mut f: impl FnMut(&[usize])) {
    if shape.contains(&0) {
        return;
    }
    let mut index = vec![0; shape.len()];
    loop {
        f(&index);
        let Some(k) = (0..shape.len()).rev().find(|&k| index[k] + 1 < shape[k]) else { return };
        index[k] += 1;
        index[k + 1..].fill(0);
    }
}

impl Value {
    pub fn bools(shape: &[usize], data: impl Into<Vec<bool>>) -> Value {
        Value { shape: shape.to_vec(), data: Data::Bool(data.into()) }
    }

    pub fn ints(shape: &[usize], data: impl Into<Vec<i128>>) -> Value {
        Value { shape: shape.to_vec(), data: Data::Int(data.into()) }
    }

    pub fn floats(shape: &[usize], data: impl Into<Vec<f64>>) -> Value {
        Value { shape: shape.to_vec(), data: Data::Float(data.into()) }
    }

    /// An array of literals that are values of the dtype.
    pub fn literals(shape: Vec<usize>, dtype: DType, data: impl IntoIterator<Item = Literal>) -> Value {
        let mut out = Data::empty(dtype);
        for literal in data {
            out.push(literal.cast(dtype));
        }
        Value { shape, data: out }
    }

    /// Whether two arrays are the same, bit by bit, any NaN like any other.
    pub fn same(&self, other: &Value) -> bool {
        let equal = |a: &f64, b: &f64| a.to_bits() == b.to_bits() || a.is_nan() && b.is_nan();
        self.shape == other.shape
            && match (&self.data, &other.data) {
                (Data::Float(a), Data::Float(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| equal(a, b)),
                (a, b) => a == b,
            }
    }
}

impl Data {
    pub fn empty(dtype: DType) -> Data {
        match dtype.kind() {
            Kind::Bool => Data::Bool(Vec::new()),
            Kind::Unsigned | Kind::Signed => Data::Int(Vec::new()),
            Kind::Float => Data::Float(Vec::new()),
        }
    }

    pub fn len(&self) -> usize {
        match self {
            Data::Bool(v) => v.len(),
            Data::Int(v) => v.len(),
            Data::Float(v) => v.len(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether all elements are values of the dtype's kind and range.
    pub fn fits(&self, dtype: DType) -> bool {
        match (self, dtype.int_range()) {
            (Data::Int(v), Some((low, high))) => v.iter().all(|x| (low..=high).contains(x)),
            (Data::Bool(_), None) => dtype == DType::Bool,
            (Data::Float(_), None) => dtype.is_float(),
            (Data::Int(_), None) | (Data::Bool(_) | Data::Float(_), Some(_)) => false,
        }
    }

    pub fn get(&self, at: usize) -> Literal {
        match self {
            Data::Bool(v) => Literal::Bool(v[at]),
            Data::Int(v) => Literal::Int(v[at]),
            Data::Float(v) => Literal::float(v[at]),
        }
    }

    /// Adds an element of the same kind.
    pub fn push(&mut self, literal: Literal) {
        match self {
            Data::Bool(v) => v.push(literal.as_f64() != 0.0),
            Data::Int(v) => v.push(match literal {
                Literal::Int(i) => i,
                Literal::Bool(b) => i128::from(b),
                Literal::Float(bits) => f64::from_bits(bits) as i128,
            }),
            Data::Float(v) => v.push(literal.as_f64()),
        }
    }

    /// The elements at these places.
    pub fn pick(&self, places: &[usize]) -> Data {
        fn at<T: Copy>(v: &[T], places: &[usize]) -> Vec<T> {
            places.iter().map(|&p| v[p]).collect()
        }
        match self {
            Data::Bool(v) => Data::Bool(at(v, places)),
            Data::Int(v) => Data::Int(at(v, places)),
            Data::Float(v) => Data::Float(at(v, places)),
        }
    }
}
