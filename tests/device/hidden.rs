//! What a mask hides is not computed.
//!
//! In: attentions whose masks hide some tiles of 64 keys, or none. Out: how much the threads of the fake device did together:
//! a tile that is passed over costs them a barrier or two. Always: a kernel that computes it all, hidden or not, is found.

use ndfuse::prelude::*;
use ndfuse::{Element, Result, bf16, f16, tensor};

use crate::fake;
use crate::results::wave;

tensor! {
    /// The first `n` keys.
    #[no_grad]
    fn first<T, S, D>(q: f32[T, D], k: f32[S, D], v: f32[S, D], n: i64) -> f32[T, D] {
        softmax(where(arange(S) < n, q @ k.T, -inf), axis=-1) @ v
    }
    /// No key later than a row, and `n`.
    #[no_grad]
    fn before<T, S, D>(q: f32[T, D], k: f32[S, D], v: f32[S, D], n: i64) -> f32[T, D] {
        softmax(where(arange(S) <= arange(T)[:, None] + n, q @ k.T, -1e9), axis=-1) @ v
    }
    /// The same of halves, by tensor cores.
    #[no_grad]
    fn first_halves<T, S, D>(q: bf16[T, D], k: bf16[S, D], v: bf16[S, D], n: i64) -> bf16[T, D] {
        softmax(where(arange(S) < n, q @ k.T, -inf), axis=-1) @ v
    }
    #[no_grad]
    fn before_halves<T, S, D>(q: f16[T, D], k: f16[S, D], v: f16[S, D], n: i64) -> f16[T, D] {
        softmax(where(arange(S) <= arange(T)[:, None] + n, q @ k.T, -1e9), axis=-1) @ v
    }
}

const KEYS: usize = 320;

/// An operand of these elements, between -3 and 3.
fn there<T: Element>(device: &Device, seed: usize, of: fn(f32) -> T) -> Result<Tensor<T, (usize, usize)>> {
    let all = wave((KEYS, 32), seed)?.to_vec()?;
    Tensor::from_vec((KEYS, 32), all.into_iter().map(of).collect())?.to_device(device)
}

#[test]
fn tiles_that_a_mask_hides_are_passed_over() -> Result<()> {
    if !fake::runs_kernels() {
        return Ok(());
    }
    let (device, fake) = fake::device();
    macro_rules! work {
        ($function:ident, $of:expr) => {{
            let [q, k, v] = [1, 2, 3].map(|seed| there(&device, seed, $of));
            let (q, k, v, fake) = (q?, k?, v?, &fake);
            move |n: i64| -> Result<u64> {
                let before = fake.meetings();
                $function(&q, &k, &v, n)?;
                Ok(fake.meetings() - before)
            }
        }};
    }
    let keys = KEYS as i64;
    // How many of the five tiles of each of five tiles of rows are seen; the last one that is has to be looked into.
    for work in [&work!(first, |x| x) as &dyn Fn(i64) -> Result<u64>, &work!(first_halves, bf16::from_f32)] {
        let whole = work(keys)?;
        for (seen, tiles) in [(keys - 64, 4), (65, 2), (64, 1), (1, 1)] {
            let part = work(seen)?;
            // With what is done once for all of them, which is less than one and a half of them.
            assert!(13 * part <= (2 * tiles + 3) * whole, "{seen} of {keys} keys: {part} of {whole}");
        }
    }
    for work in [&work!(before, |x| x) as &dyn Fn(i64) -> Result<u64>, &work!(before_halves, f16::from_f32)] {
        let (whole, causal) = (work(keys)?, work(0)?);
        assert!(100 * causal <= 68 * whole, "15 of 25 tiles: {causal} of {whole}");
    }
    Ok(())
}
