//! A gradient that cannot be had is an error that says why and what to do; it is never a wrong one.

use ndarray::array;
use ndfuse_runtime::error::GradientFault;
use ndfuse_runtime::rt::{self, Operand, OperandMut};
use ndfuse_runtime::{Error, Result, Tensor};

use crate::functions::{SQUARE, pair, product, square, sum, triple, vector};

fn fault(result: Result<()>) -> (&'static str, GradientFault) {
    match result {
        Err(Error::Gradient(error)) => (error.function, error.fault),
        other => panic!("{other:?}"),
    }
}

#[test]
fn texts_have_the_mend() {
    let x = vector(&[1.0f32, 2.0]);
    let text = |result: Result<()>| result.unwrap_err().to_string();
    assert_eq!(
        text(sum(&x).unwrap().backward()),
        "backward: the tensor is not tracked\n  = help: call `.requires_grad()` on the tensors to differentiate by, \
         and compute this one outside of `no_grad`"
    );
    let x = x.requires_grad();
    assert_eq!(
        text(square(&x).unwrap().backward()),
        "backward: a tensor of shape [2] is not one number\n  = help: sum it first, or call \
         `.backward_with(&cotangent)` with a cotangent of its shape"
    );
    let wrong = square(&x).unwrap().backward_with(&array![1.0f32, 2.0, 3.0]);
    assert_eq!(text(wrong), "backward_with: the cotangent has shape [3], the tensor [2]");
    let y = square(&x).unwrap();
    let loss = sum(&y).unwrap();
    loss.backward().unwrap();
    assert_eq!(
        text(loss.backward()),
        "sum: what the gradient needs was freed by an earlier `backward`\n  = help: call the functions again, or sum \
         the results and go back once, or call `.backward_retain()` before"
    );
}

#[test]
fn a_function_without_a_gradient_is_no_fault_until_one_is_asked_for() {
    let x = vector(&[1.0f32, 2.0]).requires_grad();
    let y = triple(&x).unwrap();
    assert!(y.is_tracked());
    assert_eq!(y.to_vec().unwrap(), [3.0, 6.0]);
    let far = sum(product(square(&y).unwrap(), &x).unwrap()).unwrap();
    assert_eq!(fault(far.backward()), ("triple", GradientFault::NoGradient));
    assert_eq!(fault(y.slice::<(usize,)>(0, None, None, -1).unwrap().backward_with(&x)).0, "triple");
    assert!(x.grad().is_none());
    // It was refused before anything was freed or added.
    assert_eq!(fault(far.backward()), ("triple", GradientFault::NoGradient));
    let near = sum(product(square(y.detach()).unwrap(), &x).unwrap()).unwrap();
    near.backward().unwrap();
    assert_eq!(x.grad().unwrap().to_vec().unwrap(), [9.0, 36.0]);
}

#[test]
fn an_operand_without_a_gradient_is_named() {
    let (x, noise) = (vector(&[1.0f32]).requires_grad(), vector(&[1.0f32]).requires_grad());
    let (a, ..) = pair(&x, &noise).unwrap();
    assert_eq!(fault(a.backward_with(&x)), ("pair", GradientFault::Operand("noise")));
    assert!(x.grad().is_none());
    let (a, ..) = pair(&x, noise.detach()).unwrap();
    a.backward_with(&x).unwrap();
}

#[test]
fn a_way_that_was_freed_in_part_is_not_gone() {
    let x = vector(&[1.0f32, 2.0]).requires_grad();
    let trunk = square(&x).unwrap();
    let (first, second) = (sum(&trunk).unwrap(), sum(square(&trunk).unwrap()).unwrap());
    first.backward().unwrap();
    let before = x.grad().unwrap().to_vec().unwrap();
    assert_eq!(fault(second.backward()), ("square", GradientFault::Freed));
    assert_eq!(x.grad().unwrap().to_vec().unwrap(), before, "nothing was added");
}

#[test]
fn a_result_that_was_written_to_is_a_result_no_more() {
    let x = vector(&[1.0f32, 2.0]).requires_grad();
    let mut y = square(&x).unwrap();
    let before = y.clone();
    y.view_mut().unwrap()[0] = 7.0;
    assert_eq!(fault(sum(&y).unwrap().backward()).1, GradientFault::Written);
    sum(&before).unwrap().backward().unwrap();
    assert_eq!(x.grad().unwrap().to_vec().unwrap(), [2.0, 4.0]);
    let mut z = square(&x).unwrap();
    z.raw_mut().unwrap().slice_mut();
    assert_eq!(fault(z.backward_with(&x)).1, GradientFault::Written);
}

#[test]
fn a_leaf_is_not_overwritten_by_a_recorded_call() {
    let x = vector(&[1.0f32, 2.0]).requires_grad();
    let mut leaf = vector(&[0.0f32, 0.0]).requires_grad();
    let result = rt::call_into(&SQUARE, &[x.raw().unwrap()], &mut [leaf.raw_mut()]);
    assert_eq!(fault(result), ("square", GradientFault::IntoLeaf));
    assert_eq!(leaf.to_vec().unwrap(), [0.0, 0.0]);
}

#[test]
fn a_failed_call_changes_nothing() {
    let x = vector(&[1.0f32, 2.0]).requires_grad();
    let mut y = square(&x).unwrap();
    let short = vector(&[1.0f32]);
    assert!(rt::call_into(&SQUARE, &[short.raw().unwrap()], &mut [y.raw_mut()]).is_err());
    y.backward_with(&x).unwrap();
    let mut s = Tensor::scalar(1.0f32).requires_grad();
    assert!(rt::call_into(&SQUARE, &[s.clone().raw().unwrap()], &mut [s.raw_mut()]).is_err());
    assert!(s.is_tracked());
}
