//! Views of tracked tensors: the gradient of each element comes to where the element was.

use ndarray::Array3;
use ndfuse_runtime::{Const, Result, Tensor};

use crate::functions::{square, sum, vector};

type Cube = Tensor<f32, (usize, usize, usize)>;
type Flat = Tensor<f32, (usize,)>;

/// The gradient of `view`, weighted by 1, 2, 3…, against the same sum over the positions that the view shows.
fn check(view: impl Fn(&Cube) -> Result<Flat>) {
    let positions = Array3::from_shape_fn((2, 3, 4), |(i, j, k)| (12 * i + 4 * j + k) as f32);
    for strided in [false, true] {
        let base = match strided {
            false => Cube::from(positions.clone()),
            true => Cube::from(positions.clone().permuted_axes([2, 0, 1])).permute(&[1, 2, 0]).unwrap(),
        };
        let shown = view(&base).unwrap().to_vec().unwrap();
        let weights: Vec<f32> = (1..=shown.len()).map(|i| i as f32).collect();
        let mut wanted = vec![0.0; 24];
        shown.iter().zip(&weights).for_each(|(at, weight)| wanted[*at as usize] += weight);
        let x = base.requires_grad();
        let y = view(&x).unwrap();
        assert!(y.is_tracked());
        y.backward_with(&vector(&weights)).unwrap();
        assert_eq!(x.grad().unwrap().to_vec().unwrap(), wanted);
    }
}

#[test]
fn every_view_goes_back() {
    check(|x| x.reshape((24,)));
    check(|x| x.permute::<(usize, usize, usize)>(&[2, 0, 1])?.reshape((24,)));
    check(|x| x.slice::<(usize, usize, usize)>(1, Some(2), None, -2)?.reshape((16,)));
    check(|x| x.slice::<(usize, usize, usize)>(2, Some(1), Some(3), 1)?.reshape((12,)));
    check(|x| x.slice::<(usize, usize, usize)>(0, Some(1), Some(1), 1)?.reshape((0,)));
    check(|x| x.broadcast_to((5, 2, 3, 4))?.reshape((120,)));
    check(|x| x.slice::<(usize, usize, usize)>(0, None, Some(1), 1)?.broadcast_to((3, 3, 4))?.reshape((36,)));
    check(|x| x.slice::<(usize, usize, usize)>(1, Some(-1), None, 1)?.broadcast_to((2, 7, 4))?.reshape((56,)));
    check(|x| x.reshape((6, 4))?.transpose().slice::<(usize, usize)>(0, None, None, -1)?.t().reshape((24,)));
    check(|x| x.fix::<(usize, Const<3>, usize)>()?.reshape((24,))?.to_host());
}

#[test]
fn long_repeats_are_summed_without_loss() {
    let x = Tensor::scalar(1.0f32).requires_grad();
    const N: usize = 1 << 20;
    x.broadcast_to((N,)).unwrap().backward_with(&Tensor::full((N,), 0.1f32).unwrap()).unwrap();
    let (found, wanted) = (x.grad().unwrap().item().unwrap(), (N as f64 * f64::from(0.1f32)) as f32);
    assert_eq!(found, wanted);
}

#[test]
fn a_view_that_is_written_to_leaves_the_leaf_alone() {
    let x = vector(&[1.0f32, 2.0]).requires_grad();
    let mut reversed = x.slice::<(usize,)>(0, None, None, -1).unwrap();
    let kept = square(&reversed).unwrap();
    reversed.view_mut().unwrap().fill(9.0);
    sum(kept).unwrap().backward().unwrap();
    assert_eq!(x.grad().unwrap().to_vec().unwrap(), [2.0, 4.0]);
    assert_eq!(x.to_vec().unwrap(), [1.0, 2.0]);
    assert!(square(&reversed).unwrap().backward_with(&x).is_err());
}

#[test]
fn a_view_that_is_made_once_serves_every_walk() {
    let x = vector(&[1.0f32, 2.0]).requires_grad();
    let reversed = x.slice::<(usize,)>(0, None, None, -1).unwrap();
    for n in 1..4 {
        sum(square(&reversed).unwrap()).unwrap().backward().unwrap();
        assert_eq!(x.grad().unwrap().to_vec().unwrap(), [2.0 * n as f32, 4.0 * n as f32]);
    }
}
