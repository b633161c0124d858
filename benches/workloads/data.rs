//! Numbers that look random and are the same in every language.
//!
//! In: a length and a seed. Out: numbers of [0, 1), or of [-1, 1). Always: number `k` depends on `k` and the seed alone;
//! `benches/peers/data.py` has the same. Next: [`crate::harness`].

use ndarray::{Array, Dimension, IntoDimension};

/// 32 bits, by the finaliser of MurmurHash3.
fn bits(k: u32, seed: u32) -> u32 {
    let mut z = k.wrapping_add(seed.wrapping_mul(0x9e37_79b9));
    z = (z ^ (z >> 16)).wrapping_mul(0x85eb_ca6b);
    z = (z ^ (z >> 13)).wrapping_mul(0xc2b2_ae35);
    z ^ (z >> 16)
}

/// Multiples of 2**-24 in [0, 1).
pub fn uniform<D: Dimension>(shape: impl IntoDimension<Dim = D>, seed: u32) -> Array<f32, D> {
    let mut k = 0;
    Array::from_shape_simple_fn(shape.into_dimension(), || {
        k += 1;
        (bits(k - 1, seed) >> 8) as f32 / (1 << 24) as f32
    })
}

/// Multiples of 2**-23 in [-1, 1).
pub fn signed<D: Dimension>(shape: impl IntoDimension<Dim = D>, seed: u32) -> Array<f32, D> {
    uniform(shape, seed).mapv_into(|x| 2.0 * x - 1.0)
}

/// Integers below `n`.
pub fn below<D: Dimension>(shape: impl IntoDimension<Dim = D>, seed: u32, n: u32) -> Array<i64, D> {
    let mut k = 0;
    Array::from_shape_simple_fn(shape.into_dimension(), || {
        k += 1;
        i64::from(bits(k - 1, seed) % n)
    })
}
