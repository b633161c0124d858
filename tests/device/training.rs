//! Gradients on a device, of both kinds.

use ndarray::array;
use ndfuse::Result;
use ndfuse::prelude::*;

use crate::functions::{network, scaled};
use crate::results::wave;

/// Of what is turned, cut, reversed and repeated: the very bits.
pub fn gradients_of_views_are_the_hosts(device: &Device) -> Result<()> {
    type Matrix = Tensor<f32, (usize, usize)>;
    let views: [fn(&Matrix) -> Result<Matrix>; 6] = [
        |x| Ok(x.transpose()),
        |x| x.slice(0, Some(5), None, -2),
        |x| x.reshape((3, 14)),
        |x| x.slice::<(usize, usize)>(0, Some(2), Some(3), 1)?.broadcast_to((9, 7)),
        |x| x.slice::<(usize, usize)>(1, Some(2), Some(3), 1)?.broadcast_to((6, 300)),
        |x| x.transpose().slice::<(usize, usize)>(0, Some(1), Some(2), 1)?.broadcast_to((4, 6)),
    ];
    for view in views {
        let x = wave((6, 7), 1)?;
        let (host, there) = (x.clone().requires_grad(), x.to_device(device)?.requires_grad());
        let (a, b) = (view(&host)?, view(&there)?);
        let g = wave((a.dims()[1], a.dims()[0]), 5)?.transpose();
        let g = scaled(&g.reshape((g.len(),))?, 0.37)?.reshape((a.dims()[0], a.dims()[1]))?;
        a.backward_with(&g)?;
        b.backward_with(&g.to_device(device)?)?;
        let (found, wanted) = (there.grad().expect("a gradient came"), host.grad().expect("a gradient came"));
        assert_eq!((found.device(), found.to_host()?), (device.clone(), wanted));
    }
    Ok(())
}

pub fn gradients_are_the_hosts(device: &Device) -> Result<()> {
    let (x, w1, w2) = (wave((6, 5), 1)?, wave((5, 7), 2)?, wave((7, 4), 3)?);
    let y = array![0i64, 3, 1, 1, 2, 0];
    let (dx, d1, d2, dy) = (x.to_device(device)?, w1.to_device(device)?, w2.to_device(device)?, y.to_device(device)?);
    let (loss, g) = network::value_and_grad(&x, &w1, &w2, &y)?;
    let (found, d) = network::value_and_grad(&dx, &d1, &d2, &dy)?;
    let near = |a: Vec<f32>, b: Vec<f32>| {
        assert_eq!(a.len(), b.len());
        a.iter().zip(&b).for_each(|(a, b)| assert!((a - b).abs() <= 3e-6 * (1.0 + b.abs()), "{a}, not {b}"));
    };
    near(found.to_host()?.to_vec()?, loss.to_vec()?);
    near(d.w1.to_host()?.to_vec()?, g.w1.to_vec()?);
    near(d.w2.to_host()?.to_vec()?, g.w2.to_vec()?);
    // And by the tape: leaves on the host, the call on the device, each leaf used twice.
    let (l1, l2) = (w1.clone().requires_grad(), w2.clone().requires_grad());
    let (m1, m2) = (l1.to_device(device)?, l2.to_device(device)?);
    network(&dx, &m1, &m2, &dy)?.backward()?;
    network(&dx, m1.transpose().transpose(), &m2, &dy)?.backward()?;
    for (leaf, g) in [(&l1, &g.w1), (&l2, &g.w2)] {
        let gradient = leaf.grad().expect("a gradient came");
        assert!(gradient.device().is_cpu());
        near(gradient.to_vec()?, g.to_vec()?.iter().map(|v| 2.0 * v).collect());
    }
    // Leaves on the device have their gradients there.
    let (l1, l2) = (d1.requires_grad(), d2.requires_grad());
    network(&dx, &l1, &l2, &dy)?.backward()?;
    network(&dx, &l1, &l2, &dy)?.backward()?;
    let gradient = l1.grad().expect("a gradient came");
    assert_eq!(gradient.device(), *device);
    near(gradient.to_host()?.to_vec()?, g.w1.to_vec()?.iter().map(|v| 2.0 * v).collect());
    Ok(())
}
