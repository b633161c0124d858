//! A device with a library for products: the same functions, the same faults.

use ndfuse::prelude::*;
use ndfuse::{DeviceFault, Error, Products, Result, f16};
use ndfuse_runtime::device::driver::Refusal;

use crate::fake::{self, Ask, Fake};
use crate::faults;
use crate::functions::*;
use crate::results::wave;
use crate::{products, results, training};

fn device() -> (Device, Fake) {
    let (device, fake) = fake::device();
    fake.library(1000);
    (device, fake)
}

#[test]
fn it_does_what_it_can_and_the_kernel_does_the_rest() -> Result<()> {
    if !fake::runs_kernels() {
        return Ok(());
    }
    for test in [
        products::products_of_operands_that_lie_anyhow,
        products::products_of_no_elements_are_zeros,
        results::products_with_and_without_epilogues,
        training::gradients_are_the_hosts,
    ] {
        let (device, fake) = device();
        test(&device)?;
        fake.check();
    }
    let (device, fake) = device();
    assert_eq!(device.info().products, Products::Library("loops".into()));
    products::products_of_operands_that_lie_anyhow(&device)?;
    let done = fake.products();
    // Most of it is the library's; every other column, backwards and repeated rows are not.
    assert!(done.len() >= 30 && done.len() as u64 == device.library_products(), "{}", done.len());
    assert!(done.iter().any(|p| p.batch > 1 && p.left.batch_step == 0) && done.iter().any(|p| p.left.turned));
    assert!(done.iter().any(|p| p.right.turned) && done.iter().all(|p| !p.tf32));
    Ok(())
}

/// Heads between rows and numbers: two axes of a batch that are no one axis.
#[test]
fn the_shorter_of_two_batches_is_a_call_each() -> Result<()> {
    if !fake::runs_kernels() {
        return Ok(());
    }
    let (device, fake) = device();
    let (q, k) = (wave((2, 6, 3, 5), 1)?, wave((2, 7, 3, 5), 2)?);
    let found = scores(&q.to_device(&device)?, &k.to_device(&device)?)?;
    results::near(&found, &scores(&q, &k)?);
    let done = fake.products();
    assert_eq!((done.len(), done[0].batch, done[0].right.batch_step), (2, 3, 5));
    let (q, k) = (wave((70, 2, 70, 1), 1)?, wave((70, 2, 70, 1), 2)?);
    results::near(&scores(&q.to_device(&device)?, &k.to_device(&device)?)?, &scores(&q, &k)?);
    assert_eq!(fake.products().len(), 2, "so many calls are worse than the kernel");
    fake.check();
    Ok(())
}

/// Rows of two axes that are no one axis are a batch, for which the other operand is the same.
#[test]
fn rows_of_two_axes_are_a_batch() -> Result<()> {
    if !fake::runs_kernels() {
        return Ok(());
    }
    let (device, fake) = device();
    let (x, w) = (wave((6, 3, 5), 1)?, wave((5, 7), 2)?);
    let lie = |x: &Tensor<f32, (usize, usize, usize)>| x.permute::<(usize, usize, usize)>(&[1, 0, 2]);
    let found = shared(&lie(&x.to_device(&device)?)?, &w.to_device(&device)?)?;
    results::near(&found, &shared(&lie(&x)?, &w)?);
    let done = fake.products();
    assert_eq!((done.len(), done[0].batch, done[0].rows, done[0].columns), (1, 3, 7, 6));
    assert_eq!((done[0].left.batch_step, done[0].right.batch_step, done[0].right.step), (0, 5, 15));
    fake.check();
    Ok(())
}

/// What the library is told: nothing is copied for it, TF32 is for those who ask.
#[test]
fn operands_are_read_where_they_lie() -> Result<()> {
    if !fake::runs_kernels() {
        return Ok(());
    }
    let (device, fake) = device();
    let (x, y) = (wave((3, 6, 5), 1)?.to_device(&device)?, wave((3, 8, 5), 2)?.to_device(&device)?);
    turned(&x, &y)?;
    device.allow_tf32(true);
    turned(&x, &y)?;
    product(&six(&device)?, six(&device)?.transpose())?;
    device.allow_tf32(false);
    assert_eq!(fake.count(Ask::Copy), 0);
    let done = fake.products();
    assert_eq!(done.iter().map(|p| p.tf32).collect::<Vec<_>>(), [false, true, false], "and `f64` never");
    let p = done[0];
    assert_eq!((p.batch, p.rows, p.columns, p.terms), (3, 6, 8, 5), "the turned product");
    assert_eq!((p.left.turned, p.left.step, p.right.turned, p.right.step), (true, 5, false, 5));
    assert_eq!((p.left.batch_step, p.right.batch_step, p.out.batch_step), (30, 40, 48));
    fake.check();
    Ok(())
}

ndfuse::tensor! {
    #[no_grad]
    fn affine<B, I, O>(x: f32[B, I], w: f32[I, O], b: f32[O]) -> f32[B, O] { x @ w + b }
    #[no_grad]
    fn turned_affine<B, I, O>(x: f32[B, I], w: f32[I, O], b: f32[O]) -> f32[O, B] { (b + x @ w).T }
    #[no_grad]
    fn many_affine<N, B, I, O>(x: f32[N, B, I], w: f32[N, I, O], b: f32[O]) -> f32[N, B, O] { x @ w + b }
    #[no_grad]
    fn half_affine<B, I, O>(x: f16[B, I], w: f16[I, O], b: f16[O]) -> f16[B, O] { x @ w + b }
    #[no_grad]
    fn double_affine<B, I, O>(x: f64[B, I], w: f64[I, O], b: f64[O]) -> f64[B, O] { x @ w + b }
    #[no_grad]
    fn by_rows<B, I, O>(x: f32[B, I], w: f32[I, O], b: f32[B]) -> f32[B, O] { x @ w + b[:, None] }
    #[no_grad]
    fn less<B, I, O>(x: f32[B, I], w: f32[I, O], b: f32[O]) -> f32[B, O] { x @ w - b }
    #[no_grad]
    fn backwards<B, I, O>(x: f32[B, I], w: f32[I, O], b: f32[O]) -> f32[B, O] { x @ w + b[::-1] }
}

/// A sum of a product and a vector along its rows is one call; what is more than that is a kernel of its own.
#[test]
fn a_vector_is_added_by_the_library() -> Result<()> {
    if !fake::runs_kernels() {
        return Ok(());
    }
    let (device, fake) = device();
    let (x, w, b) = (wave((7, 300), 1)?, wave((300, 9), 2)?, wave((9,), 3)?);
    let (dx, dw, db) = (x.to_device(&device)?, w.to_device(&device)?, b.to_device(&device)?);
    let close = |found: Vec<f32>, host: Vec<f32>| {
        let near = |(a, b): (&f32, &f32)| (a - b).abs() <= 1e-4 * (1.0 + b.abs());
        assert!(found.len() == host.len() && found.iter().zip(&host).all(near), "{found:?}, not {host:?}");
    };
    // How many products had a vector, and how many kernels there were.
    let since = |(products, launches): (usize, usize)| {
        let done = fake.products();
        (done[products..].iter().filter(|p| p.bias.is_some()).count(), fake.count(Ask::Launch) - launches)
    };
    let now = || (fake.products().len(), fake.count(Ask::Launch));
    let mut before = now();
    close(affine(&dx, &dw, &db)?.to_host()?.to_vec()?, affine(&x, &w, &b)?.to_vec()?);
    assert_eq!(since(before), (1, 0));
    // Where there are no elements, nothing is asked.
    assert_eq!(affine(&wave((0, 300), 1)?.to_device(&device)?, &dw, &db)?.len(), 0);
    let (y, v) = (wave((3, 5, 300), 4)?, wave((3, 300, 9), 5)?);
    before = now();
    let found = many_affine(y.to_device(&device)?, v.to_device(&device)?, &db)?;
    close(found.to_host()?.to_vec()?, many_affine(&y, &v, &b)?.to_vec()?);
    assert_eq!(since(before), (1, 0));
    let column = wave((7,), 6)?;
    before = now();
    close(turned_affine(&dx, &dw, &db)?.to_host()?.to_vec()?, turned_affine(&x, &w, &b)?.to_vec()?);
    close(by_rows(&dx, &dw, column.to_device(&device)?)?.to_host()?.to_vec()?, by_rows(&x, &w, &column)?.to_vec()?);
    close(less(&dx, &dw, &db)?.to_host()?.to_vec()?, less(&x, &w, &b)?.to_vec()?);
    close(backwards(&dx, &dw, &db)?.to_host()?.to_vec()?, backwards(&x, &w, &b)?.to_vec()?);
    close(linear(&dx, &dw, &db)?.to_host()?.to_vec()?, linear(&x, &w, &b)?.to_vec()?);
    assert_eq!(
        since(before),
        (0, 5),
        "along what are the library's columns or rows, subtracted, backwards, with a relu"
    );
    // Every other element is no vector for the library; one that begins at an odd place is.
    let long = wave((18,), 3)?;
    let there = long.to_device(&device)?;
    type Vector = (usize,);
    let every = |b: &Tensor<f32, Vector>| b.slice::<Vector>(0, None, None, 2);
    let later = |b: &Tensor<f32, Vector>| b.slice::<Vector>(0, Some(1), Some(10), 1);
    before = now();
    close(affine(&dx, &dw, every(&there)?)?.to_host()?.to_vec()?, affine(&x, &w, every(&long)?)?.to_vec()?);
    assert_eq!(since(before), (0, 1));
    close(affine(&dx, &dw, later(&there)?)?.to_host()?.to_vec()?, affine(&x, &w, later(&long)?)?.to_vec()?);
    assert_eq!(since(before), (1, 1));
    let half = |x: &Tensor<f32, (usize, usize)>| -> Result<Tensor<f16, (usize, usize)>> {
        Tensor::from_vec(x.shape(), x.to_vec()?.into_iter().map(f16::from_f32).collect())
    };
    let (hx, hw, hb) = (half(&x)?, half(&w)?, half(&b.reshape((1, 9))?)?.reshape((9,))?);
    before = now();
    let found = half_affine(hx.to_device(&device)?, hw.to_device(&device)?, hb.to_device(&device)?)?.to_host()?;
    for (a, b) in found.to_vec()?.into_iter().zip(half_affine(&hx, &hw, &hb)?.to_vec()?) {
        assert!((a.to_f32() - b.to_f32()).abs() <= b.to_f32().abs() / 512.0, "{a}, not {b}");
    }
    assert_eq!(since(before), (1, 0));
    let double = |x: &[f32]| x.iter().map(|&x| f64::from(x)).collect::<Vec<f64>>();
    let wide = Tensor::from_vec((7, 300), double(&x.to_vec()?))?.to_device(&device)?;
    let (v, u) = (Tensor::from_vec((300, 9), double(&w.to_vec()?))?, Tensor::from_vec((9,), double(&b.to_vec()?))?);
    before = now();
    let found = double_affine(&wide, v.to_device(&device)?, u.to_device(&device)?)?.to_host()?;
    for (a, b) in found.to_vec()?.into_iter().zip(double_affine(wide.to_host()?, &v, &u)?.to_vec()?) {
        assert!((a - b).abs() <= 1e-12 * (1.0 + b.abs()), "{a}, not {b}");
    }
    assert_eq!(since(before), (0, 1), "the library has no vectors of `f64`");
    fake.check();
    Ok(())
}

fn six(device: &Device) -> Result<Tensor<f64, (usize, usize)>> {
    Tensor::from_vec((2, 3), vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0])?.to_device(device)
}

#[test]
fn whatever_fails_is_an_error_and_the_next_call_works() -> Result<()> {
    if !fake::runs_kernels() {
        return Ok(());
    }
    let refusal = || Refusal::Fault(DeviceFault::Failed { call: "it", reason: "a reason".into() });
    let expected = |error: &Error| error.to_string().starts_with("cuda:0 failed at it: a reason\n  = help: ");
    for ask in [Ask::Room, Ask::Matmul] {
        assert!(faults::every_on(device(), ask, 1, refusal(), expected)? >= 3, "{ask:?}");
    }
    let memory = |error: &Error| matches!(error, Error::OutOfMemory { .. });
    assert!(faults::every_on(device(), Ask::Allocate, usize::MAX, Refusal::OutOfMemory, memory)? > 10);
    let (lost, fake) = device();
    fake.fail(Ask::Matmul, 0, 1, Refusal::Fault(DeviceFault::Lost("it fell off the bus".into())));
    assert!(faults::call(&lost).unwrap_err().to_string().starts_with("cuda:0 was lost: it fell off the bus"));
    let text = lost.info().products.to_string();
    assert!(text.starts_with("own kernels, for cuBLASLt does not work: cuda:0 was lost"), "{text}");
    Ok(())
}

#[test]
fn without_a_library_the_device_says_so_and_multiplies() -> Result<()> {
    let (device, _) = fake::device();
    let info = device.info();
    assert_eq!(info.products, Products::NoLibrary);
    assert!(
        info.to_string().contains("matrix products: own kernels, for cuBLASLt is not found (`pip install"),
        "{info}"
    );
    assert_eq!(Device::Cpu.info().products, Products::Host);
    Ok(())
}
