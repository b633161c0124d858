//! What it is worth to run steps tile by tile.
//!
//! In: the buffers of some steps, which of their axes are tiled. Out: about how
//! many bytes less go through memory. Always: symbols count as one size; the
//! executor asks again with the sizes of the call. Next: [`super`].

use crate::dtype::DType;
use crate::shape::Dim;

/// Bytes that a tile may take: a share of a core's second-level cache.
const TILE: f64 = (512 << 10) as f64;
/// Bytes of a buffer that stay in a cache from one step to the next.
const KEPT: f64 = 2.0 * TILE;
/// How much cheaper it is to read again what lies in that cache, but for a
/// product, which packs its operands anew.
const NEAR: f64 = 0.125;

/// How much is expected of the caches between a core and memory.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Caches {
    /// They keep a small buffer from step to step, but a product that packs an
    /// operand anew costs as much as it reads.
    Large,
    /// All that is whole goes through memory.
    Small,
}

/// A buffer that the steps touch.
pub struct Touched {
    pub bytes: f64,
    /// How many times it is read or written.
    pub uses: usize,
    /// Whether it exists a tile at a time.
    pub local: bool,
    /// Whether tiles are added up in it.
    pub summed: bool,
    /// Whether a product reads it.
    pub packed: bool,
    /// The tiled axes that it has.
    pub axes: Vec<usize>,
}

/// The size of a dimension whose symbols have this one.
pub fn sized(dim: &Dim, symbol: i64) -> f64 {
    dim.eval(&|_| Some(symbol)).unwrap_or(symbol).max(1) as f64
}

/// The bytes of an array.
pub fn bytes(dtype: DType, shape: &[Dim], symbol: i64) -> f64 {
    shape.iter().map(|d| sized(d, symbol)).product::<f64>() * dtype.bytes() as f64
}

/// The bytes saved; at most 0 where nothing is.
pub fn gain(extents: &[f64], buffers: &[Touched], caches: Caches) -> f64 {
    let (kept, packs) = match caches {
        Caches::Large => (KEPT, true),
        Caches::Small => (0.0, false),
    };
    let sliced = |b: &&Touched| !b.axes.is_empty() && !b.summed;
    let tiles = buffers.iter().filter(sliced).map(|b| b.bytes).sum::<f64>() / TILE;
    if tiles <= 1.0 {
        return 0.0;
    }
    let mut left = tiles;
    let mut cut = |extent: &f64| {
        let n = extent.min(left);
        left = (left / n).max(1.0);
        n
    };
    let counts: Vec<f64> = extents.iter().map(&mut cut).collect();
    let saved = |b: &Touched| (b.bytes - kept).max(0.0) * (b.uses - usize::from(!b.local)) as f64;
    let again = |b: &Touched| {
        let missing = (0..counts.len()).filter(|a| !b.axes.contains(a));
        let times = missing.map(|a| counts[a]).product::<f64>() - 1.0;
        let slice = b.bytes / b.axes.iter().map(|&a| counts[a]).product::<f64>();
        let far = slice > TILE || packs && (b.packed || b.summed);
        let weight = if far { 1.0 } else { NEAR };
        b.bytes * times * weight * if b.summed { 2.0 } else { 1.0 }
    };
    buffers.iter().filter(sliced).map(saved).sum::<f64>() - buffers.iter().map(again).sum::<f64>()
}
