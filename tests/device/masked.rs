//! Attentions with masks that hide whole tiles of keys.
//!
//! In: a device. Out: nothing, or what is wrong. Always: the host has the right results.

use ndfuse::prelude::*;
use ndfuse::{Result, tensor};

use crate::edges::near;
use crate::results::wave;

tensor! {
    /// A row sees no later key.
    #[no_grad]
    fn causal<T, S, D, E>(q: f32[T, D], k: f32[S, D], v: f32[S, E]) -> f32[T, E] {
        softmax(where(arange(T)[:, None] >= arange(S), q @ k.T, -inf), axis=-1) @ v
    }
    /// A row sees some keys around it; others count for little, or, where there are none, all the same.
    #[no_grad]
    fn around<T, S, D, E>(q: f32[T, D], k: f32[S, D], v: f32[S, E], from: i64, to: i64) -> f32[T, E] {
        let (i, j) = (arange(T)[:, None], arange(S));
        softmax(where((j >= i + from) & (j < i + to), q @ k.T, -1e9), axis=-1) @ v
    }
    /// Of each batch the first keys.
    #[no_grad]
    fn padded<B, T, S, D, E>(q: f32[B, T, D], k: f32[B, S, D], v: f32[B, S, E], n: i64[B]) -> f32[B, T, E] {
        let hidden = n[:, None, None] <= arange(S);
        softmax(where(hidden, -inf, q @ k.transpose(0, 2, 1)), axis=-1) @ v
    }
}

pub fn attentions_with_keys_that_nobody_sees(device: &Device) -> Result<()> {
    // Numbers that are none, and infinite ones, among what is seen, and among what is not.
    let odd = [None, Some((5, f32::NAN)), Some((70, f32::NAN)), Some((128, f32::INFINITY)), Some((199, f32::NAN))];
    for (t, s, d, e) in [(130, 200, 4, 3), (64, 64, 8, 33), (3, 129, 5, 65), (150, 65, 1, 1), (1, 1, 3, 2)] {
        for (of_key, at) in [false, true].into_iter().flat_map(|of_key| odd.map(|at| (of_key, at))) {
            let (q, mut k, mut v) = (wave((t, d), 1)?, wave((s, d), 2)?.to_vec()?, wave((s, e), 3)?.to_vec()?);
            if let Some((line, x)) = at {
                let (to, width) = if of_key { (&mut k, d) } else { (&mut v, e) };
                to.get_mut(line * width).into_iter().for_each(|to| *to = x);
            }
            let (k, v) = (Tensor::from_vec((s, d), k)?, Tensor::from_vec((s, e), v)?);
            let (dq, dk, dv) = (q.to_device(device)?, k.to_device(device)?, v.to_device(device)?);
            near(&causal(&dq, &dk, &dv)?, &causal(&q, &k, &v)?);
            for (from, to) in [(-20, 1), (0, 300), (-300, -70), (100, 101)] {
                near(&around(&dq, &dk, &dv, from, to)?, &around(&q, &k, &v, from, to)?);
            }
            let batch = |x: &Tensor<f32, (usize, usize)>| x.broadcast_to((3, x.dims()[0], x.dims()[1]));
            let (q, k, v) = (batch(&q)?, batch(&k)?, batch(&v)?);
            let (dq, dk, dv) = (batch(&dq)?, batch(&dk)?, batch(&dv)?);
            let n = Tensor::from_vec((3,), vec![1, s as i64 / 3, i64::MIN])?;
            near(&padded(&dq, &dk, &dv, n.to_device(device)?)?, &padded(&q, &k, &v, &n)?);
        }
    }
    Ok(())
}
