//! EfficientNet-Lite0, as `data.py` has it for the peers in Python.
//!
//! In: the operations of a library. Out: the logits. Always: weights go by the names of the safetensors file.

use crate::Outcome;

/// The stride of each block; the kernels' sizes are the weights'.
const STRIDES: [usize; 16] = [1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1, 1, 1, 1];
/// The blocks whose input is added to their result.
const SKIPS: [usize; 9] = [2, 4, 6, 7, 9, 10, 12, 13, 14];

pub const WEIGHTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../examples/data/efficientnet_lite0.safetensors");

pub trait Ops {
    type Array: Clone;
    fn conv(&self, x: Self::Array, weight: &str, stride: usize, depthwise: bool) -> Outcome<Self::Array>;
    fn norm(&self, x: Self::Array, prefix: &str) -> Outcome<Self::Array>;
    fn relu6(&self, x: Self::Array) -> Outcome<Self::Array>;
    fn add(&self, x: Self::Array, y: Self::Array) -> Outcome<Self::Array>;
    /// The mean over the places, and the last layer.
    fn head(&self, x: Self::Array) -> Outcome<Self::Array>;
}

/// What is put before and after an axis so that `ceil(size / stride)` windows fit.
pub fn same(size: usize, kernel: usize, stride: usize) -> (usize, usize) {
    let total = ((size.div_ceil(stride) - 1) * stride + kernel).saturating_sub(size);
    (total / 2, total - total / 2)
}

pub fn logits<O: Ops>(ops: &O, x: O::Array) -> Outcome<O::Array> {
    let step = |x: O::Array, weight: &str, norm: &str, stride, depthwise| {
        ops.relu6(ops.norm(ops.conv(x, weight, stride, depthwise)?, norm)?)
    };
    let mut x = step(x, "_conv_stem.weight", "_bn0", 2, false)?;
    for (k, &stride) in STRIDES.iter().enumerate() {
        let at = |field: &str| format!("_blocks.{k}.{field}");
        let before = x.clone();
        if k > 0 {
            x = step(x, &at("_expand_conv.weight"), &at("_bn0"), 1, false)?;
        }
        x = step(x, &at("_depthwise_conv.weight"), &at("_bn1"), stride, true)?;
        x = ops.norm(ops.conv(x, &at("_project_conv.weight"), 1, false)?, &at("_bn2"))?;
        if SKIPS.contains(&k) {
            x = ops.add(x, before)?;
        }
    }
    ops.head(step(x, "_conv_head.weight", "_bn1", 1, false)?)
}
