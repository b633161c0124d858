//! Maps that read along memory of another axis than the one they write along: by square tiles where there are enough.
//!
//! In: a device. Out: nothing, or what is wrong. Always: the host has the right results, to the bit.

use ndfuse::prelude::*;
use ndfuse::{Result, Shape, f16, tensor};

use crate::results::{near, wave};

type Matrix = (usize, usize);

tensor! {
    #[no_grad]
    fn added<A, B>(x: f32[A, B], y: f32[B, A]) -> f32[B, A] { x.T + y }
    #[no_grad]
    fn both<A, B>(x: f32[A, B], z: f64[A, B], w: f32[A]) -> (f64[B, A], f32[A, B], f32[B, A]) {
        let y = x.T * 2 - w;
        (y + z.T, y.T, y)
    }
    #[no_grad]
    fn bytes<A, B>(x: u8[A, B], z: u8[A, B]) -> (u8[B, A], bool[B, A]) { (where(x.T > z.T, x.T, 255 - z.T), x.T < 9) }
    #[no_grad]
    fn halves<A, B>(x: f16[A, B], z: f16[B]) -> f16[B, A] { x.T * z[:, None] }
    #[no_grad]
    fn padded<N, H, C>(x: f32[N, H, C]) -> f32[N, C, H + 3] {
        pad(x.transpose(0, 2, 1), ((0, 0), (0, 0), (1, 2)), value=0.5) * 2
    }
    #[no_grad]
    fn backwards<A, B>(x: f32[A, B]) -> f32[B, A] { exp(x[::-1, ::-1].T) }
    #[no_grad]
    fn outer<A, B, C>(x: f32[C, A, B], at: i64[C]) -> f32[A, B, C] { x.transpose(1, 2, 0) + at.astype(f32) }
}

fn same<T: ndfuse::Element + PartialEq + std::fmt::Debug, S: Shape>(
    found: &Tensor<T, S>,
    host: &Tensor<T, S>,
) -> Result<()> {
    let (a, b) = (found.to_host()?.to_vec()?, host.to_vec()?);
    let differ = a.iter().zip(&b).position(|(a, b)| a != b);
    assert!(a.len() == b.len() && differ.is_none(), "element {differ:?} of {:?}", host.shape().sizes());
    Ok(())
}

/// Sides that are tiles, one more, one less, and too short for any.
pub fn maps_that_read_turned(device: &Device) -> Result<()> {
    for (a, b) in [(256, 256), (257, 300), (1057, 63), (16, 4100), (15, 4500), (4100, 17), (31, 33)] {
        let (x, y) = (wave((a, b), 1)?, wave((b, a), 2)?);
        let (dx, dy) = (x.to_device(device)?, y.to_device(device)?);
        same(&added(&dx, &dy)?, &added(&x, &y)?)?;
        // Backwards along its memory, from one place on, and turned once more.
        let back = |x: &Tensor<f32, Matrix>, axis: isize| x.slice::<Matrix>(axis, None, None, -1);
        same(&added(back(&dx, 1)?, &dy)?, &added(back(&x, 1)?, &y)?)?;
        same(&added(&dx, back(&dy, 0)?)?, &added(&x, back(&y, 0)?)?)?;
        same(&added(dy.transpose(), dx.transpose())?, &added(y.transpose(), x.transpose())?)?;
        near(&backwards(&dx)?, &backwards(&x)?);
        let (z, w) = (Tensor::from_vec((a, b), (0..a * b).map(|k| k as f64 / 7.0).collect())?, wave((a,), 3)?);
        let (found, host) = (both(&dx, z.to_device(device)?, w.to_device(device)?)?, both(&x, &z, &w)?);
        same(&found.0, &host.0)?;
        same(&found.1, &host.1)?;
        same(&found.2, &host.2)?;
    }
    Ok(())
}

/// Elements of one and of two bytes, of which a thread has several.
pub fn narrow_maps_that_read_turned(device: &Device) -> Result<()> {
    for (a, b) in [(256, 256), (257, 391), (130, 517), (64, 1025), (63, 1100)] {
        let [x, z] = [7, 11].map(|by| Tensor::from_vec((a, b), (0..a * b).map(|k| (k * by % 251) as u8).collect()));
        let (x, z) = (x?, z?);
        let (dx, dz) = (x.to_device(device)?, z.to_device(device)?);
        let (found, host) = (bytes(&dx, &dz)?, bytes(&x, &z)?);
        same(&found.0, &host.0)?;
        same(&found.1, &host.1)?;
        let turn = |x: &Tensor<u8, Matrix>| x.slice::<Matrix>(1, None, None, -1)?.slice::<Matrix>(0, None, None, -1);
        same(&bytes(turn(&dx)?, turn(&dz)?)?.0, &bytes(turn(&x)?, turn(&z)?)?.0)?;
        let half = |n: usize, by: usize| (0..n).map(|k| f16::from_f32((k * by % 61) as f32 / 8.0 - 3.0)).collect();
        let (x, z) = (Tensor::from_vec((a, b), half(a * b, 37))?, Tensor::from_vec((b,), half(b, 5))?);
        same(&halves(x.to_device(device)?, z.to_device(device)?)?, &halves(&x, &z)?)?;
    }
    Ok(())
}

/// The two axes need not be neighbours, and what is outside of the array is not read.
pub fn turned_axes_among_others(device: &Device) -> Result<()> {
    for (n, h, c) in [(3, 200, 130), (1, 255, 257), (70, 33, 31)] {
        let x = wave((n, h, c), 1)?;
        same(&padded(x.to_device(device)?)?, &padded(&x)?)?;
    }
    for (a, b, c) in [(5, 130, 120), (257, 3, 100), (40, 50, 35)] {
        let (x, at) = (wave((c, a, b), 1)?, Tensor::from_vec((c,), (0..c as i64).collect())?);
        same(&outer(x.to_device(device)?, at.to_device(device)?)?, &outer(&x, &at)?)?;
    }
    Ok(())
}
