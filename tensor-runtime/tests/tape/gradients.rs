//! What comes out of the walk back.

use ndarray::{Array1, Array2, array, s};
use ndfuse_runtime::rt::{self, Operand, OperandMut};
use ndfuse_runtime::{Tensor, TensorView, no_grad};

use crate::functions::{self, Matrix, Real, SQUARE, Vector, matmul, pair, product, square, sum, vector};

fn grad<T: Real>(x: &Vector<T>) -> Vec<T> {
    x.grad().expect("a gradient").to_vec().unwrap()
}

fn squares<T: Real + From<u8>>() {
    let of = |n: u8| T::from(n);
    let x = vector(&[of(1), of(2), of(3)]).requires_grad();
    let loss = sum(square(&x).unwrap()).unwrap();
    assert_eq!(loss.item().unwrap(), of(14));
    assert!(loss.is_tracked() && x.grad().is_none());
    loss.backward().unwrap();
    assert_eq!(grad(&x), [of(2), of(4), of(6)]);
    assert!(loss.grad().is_none() && !x.grad().unwrap().is_tracked());
}

#[test]
fn floats_of_both_widths() {
    squares::<f32>();
    squares::<f64>();
}

#[test]
fn gradients_add_up_until_they_are_forgotten() {
    let x = vector(&[1.0f32, 2.0]).requires_grad();
    for round in 1..4 {
        sum(square(&x).unwrap()).unwrap().backward().unwrap();
        let n = round as f32;
        assert_eq!(grad(&x), [2.0 * n, 4.0 * n]);
    }
    let seen = x.grad().unwrap();
    sum(&x).unwrap().backward().unwrap();
    assert_eq!(grad(&x), [7.0, 13.0]);
    assert_eq!(seen.to_vec().unwrap(), [6.0, 12.0], "what was taken before stays as it was");
    x.zero_grad();
    assert!(x.grad().is_none());
    sum(&x).unwrap().backward().unwrap();
    assert_eq!(grad(&x), [1.0, 1.0]);
}

#[test]
fn one_value_may_be_used_many_times() {
    let x = vector(&[2.0f32, -3.0]).requires_grad();
    // x · x · x² + x²
    let y = square(&x).unwrap();
    let z = product(product(&x, &x).unwrap(), &y).unwrap();
    z.backward_with(&array![1.0f32, 1.0]).unwrap();
    assert_eq!(grad(&x), [32.0, -108.0]);
    let same = x.clone();
    sum(product(&x, &same).unwrap()).unwrap().backward().unwrap();
    assert_eq!(grad(&x), [36.0, -114.0], "a clone is the same leaf");
    assert_eq!(grad(&same), grad(&x));
}

#[test]
fn sums_have_the_same_bits_each_time() {
    let values: Vec<f32> = (0..300).map(|i| (i as f32 * 0.37).sin() * 1e3).collect();
    let run = || {
        let x = vector(&values).requires_grad();
        let mut y = square(&x).unwrap();
        for _ in 0..20 {
            y = product(product(&y, &x).unwrap(), vector(&[1e-3f32; 300])).unwrap();
        }
        sum(y).unwrap().backward().unwrap();
        grad(&x).iter().map(|v| v.to_bits()).collect::<Vec<_>>()
    };
    let first = run();
    assert!((0..5).all(|_| run() == first));
}

#[test]
fn products_of_matrices() {
    let a = Array2::from_shape_fn((2, 3), |(i, j)| (i * 3 + j) as f32 - 1.5);
    let b = Array2::from_shape_fn((3, 4), |(i, j)| (i + 2 * j) as f32 * 0.25);
    let g = Array2::from_shape_fn((2, 4), |(i, j)| (1 + i * j) as f32);
    let (x, w): (Matrix, Matrix) = (a.clone().into(), b.clone().into());
    let (x, w) = (x.requires_grad(), w.requires_grad());
    matmul(&x, &w).unwrap().backward_with(&g).unwrap();
    assert_eq!(x.grad().unwrap().view().unwrap(), g.dot(&b.t()));
    assert_eq!(w.grad().unwrap().view().unwrap(), a.t().dot(&g));
    // One of them a constant, which is an array of the caller's that goes away before the walk.
    w.zero_grad();
    let y = {
        let a = a.clone();
        matmul(a.slice(s![.., ..;-1]), &w).unwrap()
    };
    y.backward_with(&g).unwrap();
    assert_eq!(w.grad().unwrap().view().unwrap(), a.slice(s![.., ..;-1]).t().dot(&g));
}

#[test]
fn what_nobody_wants_is_not_computed() {
    let x = vector(&[1.0f32, 2.0]).requires_grad();
    let noise = array![0.0f32, 0.0];
    let (a, sign, c) = pair(&x, &noise).unwrap();
    assert!(a.is_tracked() && c.is_tracked() && !sign.is_tracked());
    assert_eq!(functions::runs(), [1, 1, 1, 0]);
    // Only the third result is gone back from: the cotangent of the first is 0.
    c.backward_with(&vector(&[1.0f32, 10.0])).unwrap();
    assert_eq!(functions::runs(), [0, 0, 0, 1], "the results are not computed again");
    assert_eq!(grad(&x), [3.0, 30.0]);
    let (a, _, c) = pair(&x, &noise).unwrap();
    functions::runs();
    x.zero_grad();
    sum(product(&a, &c).unwrap()).unwrap().backward().unwrap();
    // The gradients of `product` are two products.
    assert_eq!(functions::runs(), [3, 0, 0, 1]);
    assert_eq!(grad(&x), [9.0, 36.0]);
    let (y, constant) = (vector(&[5.0f32]).requires_grad(), vector(&[7.0f32]));
    let z = product(&y, &constant).unwrap();
    functions::runs();
    z.backward_with(&vector(&[1.0f32])).unwrap();
    assert_eq!(functions::runs(), [1, 0, 0, 0], "a constant has no gradient");
    assert_eq!(grad(&y), [7.0]);
}

#[test]
fn saved_values_cannot_change() {
    let mut x = vector(&[1.0f32, 2.0, 3.0]).requires_grad();
    let mut y = square(&x).unwrap();
    let loss = sum(square(&y).unwrap()).unwrap();
    // What was saved shares the memory of both, and is copied first.
    let at = x.view().unwrap().as_ptr();
    x.view_mut().unwrap().fill(100.0);
    assert_ne!(x.view().unwrap().as_ptr(), at);
    y.view_mut().unwrap().fill(-1.0);
    y.raw_mut().unwrap().typed::<f32>().unwrap().data.fill(-2.0);
    loss.backward().unwrap();
    assert_eq!(grad(&x), [4.0, 32.0, 108.0]);
    // The walk is over and nobody shares the memory any more: a leaf is written to where it lies, and stays one.
    let at = x.view().unwrap().as_ptr();
    x.view_mut().unwrap().fill(5.0);
    assert_eq!(x.view().unwrap().as_ptr(), at);
    x.zero_grad();
    sum(square(&x).unwrap()).unwrap().backward().unwrap();
    assert_eq!(grad(&x), [10.0; 3]);
}

#[test]
fn a_leaf_may_be_the_target_of_its_own_update() {
    let mut x = vector(&[3.0f32]).requires_grad();
    for _ in 0..3 {
        x.zero_grad();
        sum(square(&x).unwrap()).unwrap().backward().unwrap();
        let step = x.grad().unwrap();
        no_grad(|| rt::call_into(&SQUARE, &[step.raw().unwrap()], &mut [x.raw_mut()])).unwrap();
        assert!(x.is_tracked());
    }
    assert_eq!(x.to_vec().unwrap(), [(4.0 * (4.0 * 36.0 * 36.0f32).powi(2))]);
}

#[test]
fn results_may_go_to_a_tensor_of_the_callers() {
    let x = vector(&[3.0f32, 4.0]).requires_grad();
    let mut y = vector(&[0.0f32, 0.0]);
    rt::call_into(&SQUARE, &[x.raw().unwrap()], &mut [y.raw_mut()]).unwrap();
    sum(square(&y).unwrap()).unwrap().backward().unwrap();
    assert_eq!(grad(&x), [108.0, 256.0]);
    // Of constants it is one, whatever it was.
    rt::call_into(&SQUARE, &[array![1.0f32, 1.0].raw().unwrap()], &mut [y.raw_mut()]).unwrap();
    assert!(!y.is_tracked());
    // An array is outside of the tape.
    let mut z = Array1::<f32>::zeros(2);
    rt::call_into(&SQUARE, &[x.raw().unwrap()], &mut [z.raw_mut()]).unwrap();
    assert_eq!(z, array![9.0, 16.0]);
}

#[test]
fn only_wanted_results_are_recorded() {
    let x = vector(&[1.0f32]).requires_grad();
    let raw = [x.raw().unwrap()];
    let results = rt::call_wanted(&SQUARE, &raw, &[false]).unwrap();
    assert!(results[0].is_none());
    let y: Vector<f32> =
        rt::call_wanted(&SQUARE, &raw, &[true]).unwrap().remove(0).unwrap().downcast("square", "y").unwrap();
    y.backward_with(&vector(&[1.0f32])).unwrap();
    assert_eq!(grad(&x), [2.0]);
}

#[test]
fn nothing_is_recorded_without_a_leaf_or_within_no_grad() {
    let x = vector(&[1.0f32, 2.0]);
    assert!(!square(&x).unwrap().is_tracked());
    let x = x.requires_grad();
    assert!(!no_grad(|| square(&x)).unwrap().is_tracked());
    assert!(!square(x.detach()).unwrap().is_tracked());
    let inner = no_grad(|| {
        no_grad(|| ());
        square(&x)
    });
    assert!(!inner.unwrap().is_tracked(), "the inner one ends, the outer one does not");
    let panicked = std::panic::catch_unwind(|| no_grad(|| panic!("within")));
    assert!(panicked.is_err() && square(&x).unwrap().is_tracked(), "a panic restores what was");
    no_grad(|| {
        let other = std::thread::scope(|scope| scope.spawn(|| square(&x)).join().unwrap());
        assert!(other.unwrap().is_tracked(), "each thread has a state of its own");
    });
}

#[test]
fn tapes_go_from_thread_to_thread() {
    fn shared<T: Send + Sync + std::panic::UnwindSafe + std::panic::RefUnwindSafe>(_: &T) {}
    let x = vector(&[1.0f32, 2.0]).requires_grad();
    shared(&x);
    shared(&rt::AnyTensor::from(x.clone()));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| (0..100).for_each(|_| sum(square(&x).unwrap()).unwrap().backward().unwrap()));
        }
    });
    assert_eq!(grad(&x), [800.0, 1600.0]);
}

#[test]
fn a_long_chain_needs_no_stack() {
    // Threads of tests have 2 MiB.
    const LINKS: usize = 100_000;
    let one = vector(&[1.0f32]);
    let chain = |x: &Vector<f32>| (0..LINKS).fold(x.clone(), |y, _| product(&y, &one).unwrap());
    let x = vector(&[3.0f32]).requires_grad();
    let y = chain(&x);
    y.backward_with(&one).unwrap();
    assert_eq!(grad(&x), [1.0]);
    drop(y);
    drop(chain(&x));
    let mut viewed = x.clone();
    for _ in 0..LINKS {
        viewed = viewed.slice(0, None, None, -1).unwrap();
    }
    viewed.backward_with(&one).unwrap();
    assert_eq!(grad(&x), [2.0]);
}

#[test]
fn numbers_that_are_none_and_arrays_of_nothing() {
    let x = vector(&[f32::NAN, f32::INFINITY, 0.0]).requires_grad();
    sum(square(&x).unwrap()).unwrap().backward().unwrap();
    let found = grad(&x);
    assert!(found[0].is_nan() && found[1] == f32::INFINITY && found[2] == 0.0, "{found:?}");
    let x = vector::<f64>(&[]).requires_grad();
    let loss = sum(square(&x).unwrap()).unwrap();
    assert_eq!(loss.item().unwrap(), 0.0);
    loss.backward().unwrap();
    assert!(grad(&x).is_empty());
    let s = Tensor::scalar(3.0f32).requires_grad();
    s.reshape((1,)).unwrap().reshape(()).unwrap().backward().unwrap();
    assert_eq!(s.grad().unwrap().item().unwrap(), 1.0);
}

#[test]
fn borrowed_views_are_copied_or_tracked() {
    let x = vector(&[1.0f32, 2.0, 3.0, 4.0]).requires_grad();
    let odd = TensorView::from(&x).slice::<(usize,)>(0, Some(1), None, 2).unwrap();
    let y = square(&odd).unwrap();
    sum(product(&y, TensorView::from(&array![1.0f32, 10.0])).unwrap()).unwrap().backward().unwrap();
    assert_eq!(grad(&x), [0.0, 4.0, 0.0, 80.0]);
    x.zero_grad();
    sum(odd.to_tensor().unwrap()).unwrap().backward().unwrap();
    assert_eq!(grad(&x), [0.0, 1.0, 0.0, 1.0]);
}

#[test]
fn the_way_may_be_kept_for_another_time() {
    let x = vector(&[1.0f32, 2.0]).requires_grad();
    let y = square(&x).unwrap();
    let loss = sum(&y).unwrap();
    loss.backward_retain().unwrap();
    loss.backward().unwrap();
    assert_eq!(grad(&x), [4.0, 8.0]);
    assert!(loss.backward().is_err());
}
