//! What a tensor's storage keeps of its elements never outlives them.
//!
//! In: products whose operand is laid out for them, and a convolution whose weights are copied, called until that is kept. Out: the same bits as with arrays, of which
//! nothing is kept, whatever was done to the tensor meanwhile. A way to write to a tensor that is missing here is a
//! way to a stale result: a new one belongs in [`WAYS`].

use ndarray::{Array2, ArrayView2, s};
use ndfuse::prelude::*;
use ndfuse::{AnyTensor, Buffer, OperandMut, rt};

tensor! {
    #[no_grad]
    fn product<N, K, M>(x: f32[N, K], w: f32[K, M]) -> f32[N, M] {
        x @ w
    }

    #[no_grad]
    fn layer<N, K, M>(x: f32[N, K], w: f32[K, M]) -> f32[N, M] {
        relu(x @ w) - 1
    }

    #[no_grad]
    fn turned<N, K, M>(x: f32[N, M], w: f32[K, M]) -> f32[N, K] {
        x @ w.T
    }

    #[no_grad]
    fn below<N, K, M>(x: f32[K, N], w: f32[K, M]) -> f32[M, N] {
        w.T @ x
    }

    #[no_grad]
    fn rows<N, K, M>(x: f32[N, K], w: f32[K, M]) -> f32[N, M] {
        x[:, :-2] @ w[2:]
    }

    #[no_grad]
    fn windows<N, K>(x: f32[N, K, 5, 6], w: f32[K, 53]) -> f32[N, K, 5, 6] {
        conv2d(x, w[:, 3:12].reshape(w.shape[0], 1, 3, 3), padding=1, groups=x.shape[1])
    }

    #[no_grad]
    fn update<K, M>(w: f32[K, M], g: f32[K, M]) -> f32[K, M] {
        w - 0.5 * g
    }

    fn loss<N, K, M>(x: f32[N, K], w: f32[K, M]) -> f32[] {
        square(x @ w).mean()
    }
}

type Matrix = Tensor<f32, (usize, usize)>;

/// Sizes that fill neither tiles nor panels.
const N: usize = 29;
const K: usize = 21;
const M: usize = 53;

fn wave(rows: usize, columns: usize, by: usize) -> Array2<f32> {
    Array2::from_shape_fn((rows, columns), |(i, j)| ((i * columns + j) * by % 31) as f32 / 8.0 - 1.75)
}

fn bits(x: ArrayView2<'_, f32>) -> Vec<u32> {
    x.iter().map(|x| x.to_bits()).collect()
}

/// The results of all functions that lay out `w`.
fn products<W: Operand<Elem = f32, Shape = (usize, usize)>>(w: &W) -> ndfuse::Result<Vec<Vec<u32>>> {
    let (x, y) = (wave(N, K, 7), wave(N, M, 5));
    let below = wave(K, N, 3);
    let all = [product(&x, w)?, layer(&x, w)?, turned(&y, w)?, self::below(&below, w)?, rows(&x, w)?];
    let mut all = all.iter().map(|result| Ok(bits(result.view()?))).collect::<ndfuse::Result<Vec<_>>>()?;
    let image = wave(2 * K, 30, 11).into_shape_with_order((2, K, 5, 6)).expect("as many");
    all.push(windows(&image, w)?.to_vec()?.into_iter().map(f32::to_bits).collect());
    Ok(all)
}

/// Whether a tensor, in calls until all is kept that can be, has the products of an array.
fn agrees(w: &Matrix) -> ndfuse::Result<bool> {
    let wanted = products(&w.view()?.to_owned())?;
    (0..4).try_fold(true, |agrees, _| Ok(agrees & (products(w)? == wanted)))
}

fn write_all(mut raw: rt::RawViewMut<'_>) {
    let typed = raw.typed::<f32>().expect("elements of f32");
    typed.data.iter_mut().for_each(|x| *x = 1.5 - *x);
}

type Way = fn(Matrix) -> ndfuse::Result<Matrix>;

/// All ways to change what a tensor's elements are.
const WAYS: &[(&str, Way)] = &[
    ("an element by view_mut", |mut w| {
        w.view_mut()?[[20, 52]] += 1.0;
        Ok(w)
    }),
    ("a row by view_mut", |mut w| {
        w.view_mut()?.row_mut(3).fill(-2.0);
        Ok(w)
    }),
    ("a view_mut that is kept for a while", |mut w| {
        let mut view = w.view_mut()?;
        for i in 0..K {
            view[[i, i]] = 9.0;
            product(wave(N, K, 7), &view)?;
        }
        Ok(w)
    }),
    ("raw_mut, typed", |mut w| {
        write_all(OperandMut::raw_mut(&mut w)?);
        Ok(w)
    }),
    ("raw_mut, a slice", |mut w| {
        let mut raw = OperandMut::raw_mut(&mut w)?;
        let mut slice = raw.slice_mut().expect("host memory");
        slice.typed::<f32>().expect("elements of f32")[7] = 4.0;
        Ok(w)
    }),
    ("a result into it", |mut w| {
        update::into(wave(K, M, 11), wave(K, M, 13), &mut w)?;
        Ok(w)
    }),
    ("a product into it", |mut w| {
        product::into(wave(K, K, 11), wave(K, M, 13), &mut w)?;
        Ok(w)
    }),
    ("an array of it", |w| {
        let mut array = w.into_array()?;
        array.slice_mut(s![.., ..;3]).fill(0.25);
        Ok(Tensor::from(array))
    }),
    ("a vector of it", |w| {
        let (mut vec, start) = w.into_array()?.into_raw_vec_and_offset();
        vec.drain(..start.unwrap_or(0));
        vec.reverse();
        Tensor::from_buffer((K, M), Buffer::from_vec(vec))
    }),
    ("raw_mut of a tensor of any type", |w| {
        let mut any = AnyTensor::from(w);
        write_all(any.raw_mut()?);
        any.downcast("a test", "w")
    }),
    ("its leaves", |w| {
        let pair = (w, Tensor::<f32, _>::ones((2,))?);
        let (w, _) = pair.map(|_, leaf| {
            let mut any = AnyTensor::zeros(leaf.dtype(), &leaf.sizes())?;
            write_all(any.raw_mut()?);
            Ok(any)
        })?;
        Ok(w)
    }),
    ("another in its memory", |w| {
        let at = w.view()?.as_ptr();
        drop(w);
        let mut buffer = Buffer::<f32>::uninit(K * M)?;
        buffer.fill(0.75);
        assert_eq!(buffer.as_ptr(), at, "the pool hands out what came last");
        Tensor::from_buffer((K, M), buffer)
    }),
    ("a gradient that came in", |w| {
        let leaf = w.requires_grad();
        loss(wave(N, K, 7), &leaf)?.backward()?;
        let gradient = leaf.grad().expect("a gradient");
        assert!(agrees(&gradient)?);
        drop(gradient);
        loss(wave(N, K, 3), &leaf)?.backward()?;
        Ok(leaf.grad().expect("a gradient"))
    }),
    ("a step of training", |w| {
        let gradient = loss::grad(wave(N, K, 7), &w)?.w;
        update(&w, &gradient)
    }),
];

/// Those that want the memory for themselves.
const ALONE: [&str; 2] = ["another in its memory", "raw_mut of a tensor of any type"];

/// In memory of the pool, for one way looks for it there.
fn weight() -> ndfuse::Result<Matrix> {
    let mut w = Tensor::zeros((K, M))?;
    w.view_mut()?.assign(&wave(K, M, 17));
    Ok(w)
}

#[test]
fn a_tensor_that_is_written_to_has_no_old_products() -> ndfuse::Result<()> {
    let mut stale = Vec::new();
    for (what, way) in WAYS {
        let mut w = weight()?;
        for turn in 0..3 {
            assert!(turn > 0 || agrees(&w)?, "{what}");
            let before = w.to_vec()?;
            w = way(w)?;
            assert!(turn > 0 || w.to_vec()? != before, "{what} changes nothing");
            if !agrees(&w)? {
                stale.push((what, turn));
            }
        }
    }
    assert!(stale.is_empty(), "{stale:?}");
    Ok(())
}

#[test]
fn whoever_shares_the_memory_keeps_what_is_his() -> ndfuse::Result<()> {
    for (what, way) in WAYS.iter().filter(|(what, _)| !ALONE.contains(what)) {
        let w = weight()?;
        let (turned, before) = (w.transpose(), w.to_vec()?);
        assert!(agrees(&w)? && agrees(&turned.transpose())?, "{what}");
        let changed = way(w.clone())?;
        assert!(w.to_vec()? == before && changed.to_vec()? != before, "{what}");
        assert!(agrees(&w)? && agrees(&changed)? && agrees(&turned.transpose())?, "{what}");
    }
    Ok(())
}

#[test]
fn what_is_borrowed_is_the_callers_to_write() -> ndfuse::Result<()> {
    let x = wave(N, K, 7);
    let mut array = wave(K, M, 17);
    let mut tensor = weight()?;
    for turn in 0..4 {
        let wanted = x.dot(&array);
        for _ in 0..3 {
            assert_eq!(product(&x, &array)?.view()?, wanted, "an array, turn {turn}");
            assert_eq!(product(&x, array.view())?.view()?, wanted, "a view, turn {turn}");
            assert_eq!(product(&x, TensorView::from(&array))?.view()?, wanted, "a tensor's view, turn {turn}");
            assert_eq!(product(&x, TensorView::from(&tensor))?.view()?, wanted, "a view of a tensor, turn {turn}");
        }
        array[[turn, 2 * turn]] += 3.0;
        tensor.view_mut()?[[turn, 2 * turn]] += 3.0;
    }
    Ok(())
}

/// More parts of one memory than are kept of it, each by its own offset and steps.
#[test]
fn parts_of_one_memory_are_told_apart() -> ndfuse::Result<()> {
    let all = Tensor::from(Array2::from_shape_fn((100 + K, M), |(i, j)| ((i * 31 + j * 7) % 19) as f32 - 9.0));
    for _ in 0..3 {
        for first in 0..100 {
            let part = all.slice::<(usize, usize)>(0, Some(first), Some(first + K as isize), 1)?;
            let wanted = products(&part.view()?.to_owned())?;
            assert!(products(&part)? == wanted, "from {first} on");
            let back = part.slice::<(usize, usize)>(0, None, None, -1)?;
            assert!(products(&back)? == products(&back.view()?.to_owned())?, "from {first} back");
        }
    }
    Ok(())
}

#[test]
fn threads_share_what_is_kept() -> ndfuse::Result<()> {
    for _ in 0..8 {
        let w = weight()?;
        let wanted = products(&w.view()?.to_owned())?;
        let run = || (0..6).try_for_each(|_| products(&w).map(|found| assert!(found == wanted)));
        std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(run)).collect();
            threads.into_iter().try_for_each(|thread| thread.join().expect("no panic"))
        })?;
    }
    Ok(())
}
