//! Memory that is shared, given away and viewed.

use ndarray::{Array1, Array2, Array3, Axis, array, s};

use super::*;
use crate::dims::Const;
use crate::dtype::AnyBuffer;

crate::dim!(Batch, Class);

#[test]
fn arrays_come_and_go_without_a_copy() {
    let base = Array3::from_shape_fn((4, 5, 6), |(i, j, k)| (100 * i + 10 * j + k) as f32);
    let cut: Vec<Array3<f32>> = vec![
        base.clone(),
        base.clone().reversed_axes(),
        base.clone().slice_move(s![1.., ..;-1, 1..;2]),
        base.clone().slice_move(s![.., ..;-2, ..]).permuted_axes([1, 2, 0]),
        base.clone().slice_move(s![2..2, .., ..]),
    ];
    for array in cut {
        let (at, copy) = (array.as_ptr(), array.clone());
        let tensor = Tensor::from(array);
        assert_eq!(tensor.view().unwrap(), copy);
        if !tensor.is_empty() {
            assert_eq!(tensor.view().unwrap().as_ptr(), at);
        }
        let back = tensor.into_array().unwrap();
        assert_eq!(back, copy);
        if !back.is_empty() {
            assert_eq!(back.as_ptr(), at);
        }
    }
}

/// Tensors that begin with a cache line, some way behind the beginning of their memory, as arrays.
#[test]
fn arrays_keep_the_memory_of_tensors_that_begin_with_a_line() {
    type S3 = (usize, usize, usize);
    type Cut = fn(Tensor<f32, S3>) -> Tensor<f32, S3>;
    let slice = |x: Tensor<f32, S3>, axis, start, step| x.slice::<S3>(axis, start, None, step).unwrap();
    let same: [Cut; 8] = [
        |x| x,
        |x| x.permute(&[2, 0, 1]).unwrap(),
        |x| x.permute(&[1, 0, 2]).unwrap(),
        |x| x.reshape((20, 7, 30)).unwrap(),
        |x| x.slice(0, Some(3), Some(9), 1).unwrap(),
        |x| x.slice::<S3>(0, None, None, -1).unwrap().slice(2, None, None, -1).unwrap(),
        |x| x.slice(2, Some(0), Some(7), 1).unwrap(),
        |x| x.slice(1, Some(2), Some(2), 1).unwrap(),
    ];
    let all = || Tensor::<f32, _>::arange(0.0, 4200.0, 1.0).unwrap().reshape((10, 14, 30)).unwrap();
    for (k, cut) in same.into_iter().enumerate() {
        let tensor = cut(all());
        assert_eq!(all().as_slice().unwrap().as_ptr().addr() % 64, 0);
        let (view, wanted) = (tensor.view().unwrap(), tensor.to_vec().unwrap());
        let at = (!view.is_empty()).then_some(view.as_ptr());
        let array = tensor.into_array().unwrap();
        assert!(array.iter().eq(&wanted), "{k}");
        assert!(at.is_none_or(|at| at == array.as_ptr()), "{k}: it moved");
        let again = Tensor::from(array);
        assert_eq!(again.to_vec().unwrap(), wanted, "{k}");
    }
    // Those that `ndarray` has no way to are right all the same.
    for (axis, start, step) in [(0, Some(1), 2), (1, None, 3), (2, None, -2), (2, Some(5), 4)] {
        let tensor = slice(all(), axis, start, step);
        let wanted = tensor.to_vec().unwrap();
        assert!(tensor.into_array().unwrap().iter().eq(&wanted), "{axis}");
    }
}

#[test]
fn writes_to_what_begins_with_a_line_are_nobody_elses() {
    let mut x = Tensor::<i32, _>::zeros((50, 41)).unwrap();
    let at = x.view().unwrap().as_ptr();
    x.view_mut().unwrap().fill(3);
    assert_eq!(x.view().unwrap().as_ptr(), at, "in place");
    let (before, part) = (x.clone(), x.slice::<(usize, usize)>(0, Some(48), None, 1).unwrap());
    x.view_mut().unwrap().fill(4);
    let after = x.view().unwrap();
    assert_eq!((after.as_ptr().addr() % 64, after.sum()), (0, 4 * 2050));
    assert_eq!((before.view().unwrap().sum(), part.view().unwrap().sum()), (3 * 2050, 3 * 82));
    assert_eq!(before.to_vec().unwrap(), vec![3; 2050]);
}

#[test]
fn a_shared_buffer_is_copied_when_given_away() {
    let x = Tensor::from(array![[1, 2], [3, 4]]);
    let y = x.t();
    let mut owned = x.into_array().unwrap();
    owned[[0, 1]] = 20;
    assert_eq!(y.to_vec().unwrap(), [1, 3, 2, 4]);
    let wide = Tensor::scalar(1u8).broadcast_to((2, 2)).unwrap();
    assert_eq!(wide.into_array().unwrap(), array![[1, 1], [1, 1]]);
}

#[test]
fn named_dimensions_are_told_apart() {
    let x = Tensor::<f32, (Batch, Class)>::zeros((Batch(2), Class(3))).unwrap();
    let t: Tensor<f32, (Class, Batch)> = x.transpose();
    assert_eq!(t.shape(), (Class(3), Batch(2)));
    let y = x.fix::<(Batch, Const<3>)>().unwrap();
    assert_eq!(format!("{:?}", y.shape()), "(Batch(2), Const<3>)");
    assert!(x.fix::<(Batch, Const<4>)>().is_err());
    assert!(x.fix::<(usize,)>().is_err());
}

#[test]
fn zero_size_and_zero_rank_are_tensors() {
    let x = Tensor::<f64, (usize, usize)>::zeros((0, 3)).unwrap();
    assert!(x.is_empty() && x.to_vec().unwrap().is_empty() && x.view().unwrap().is_empty());
    assert_eq!(x.reshape((3, 0, 7)).unwrap().shape(), (3, 0, 7));
    assert_eq!(x.clone().into_array().unwrap().shape(), [0, 3]);
    assert_eq!(x.slice::<(usize, usize)>(1, None, None, -2).unwrap().shape(), (0, 2));
    let s = Tensor::scalar(3u64);
    assert_eq!((s.rank(), s.len(), s.item().unwrap()), (0, 1, 3));
    assert_eq!(s.reshape((1, 1)).unwrap().to_vec().unwrap(), [3]);
}

#[test]
fn sizes_beyond_memory_are_errors() {
    let huge = usize::MAX;
    assert!(Tensor::<f32, _>::zeros((huge, huge)).is_err());
    assert!(Tensor::<f32, _>::zeros((huge, 0)).is_err());
    assert!(matches!(Tensor::<f64, _>::zeros((1 << 60,)), Err(Error::TooLarge { .. })));
    assert!(matches!(Tensor::<u8, _>::full((1 << 62,), 1), Err(Error::OutOfMemory { .. })));
    assert!(Tensor::from_vec((huge, huge), vec![0u8]).is_err());
    assert!(Tensor::scalar(1u8).reshape((huge, huge)).is_err());
    assert!(Tensor::scalar(1u8).broadcast_to((huge, huge)).is_err());
    let long = Tensor::scalar(1u8).broadcast_to((huge >> 1,)).unwrap();
    assert_eq!(long.slice::<(usize,)>(0, Some(5), Some(7), 1).unwrap().to_vec().unwrap(), [1, 1]);
}

#[test]
fn eight_axes() {
    type S8 = (usize, usize, usize, usize, usize, usize, usize, usize);
    let x = Tensor::<i16, _>::arange(0, 256, 1).unwrap().reshape::<S8>((2, 2, 2, 2, 2, 2, 2, 2)).unwrap();
    let y: Tensor<i16, S8> = x.permute(&[7, 6, 5, 4, 3, 2, 1, 0]).unwrap();
    assert_eq!(y.view().unwrap()[[1, 0, 0, 0, 0, 0, 0, 0].as_slice()], 1);
    assert_eq!(y.to_vec().unwrap()[1], 128);
    let part = y.slice::<S8>(3, Some(1), None, 1).unwrap().slice::<S8>(0, None, None, -1).unwrap();
    let wanted = part.to_vec().unwrap();
    drop((x, y));
    assert_eq!(part.into_array().unwrap().iter().copied().collect::<Vec<_>>(), wanted);
}

#[test]
fn ranges_are_numpys() {
    assert_eq!(Tensor::<i8, _>::arange(-128, 127, 100).unwrap().to_vec().unwrap(), [-128, -28, 72]);
    assert_eq!(Tensor::<u8, _>::arange(3, 3, 1).unwrap().len(), 0);
    assert_eq!(Tensor::<u8, _>::arange(5, 3, 1).unwrap().len(), 0);
    assert!(Tensor::<i64, _>::arange(i64::MIN, i64::MAX, 1).is_err());
    for (start, stop, step) in [(0.0, 1.0, 0.0), (0.0, f64::NAN, 1.0), (0.0, f64::INFINITY, 1.0), (0.0, 1e300, 1.0)] {
        assert!(Tensor::<f64, _>::arange(start, stop, step).is_err(), "{start} {stop} {step}");
    }
    assert_eq!(Tensor::<f64, _>::arange(1.0, 0.0, -0.4).unwrap().to_vec().unwrap(), [1.0, 0.6, 1.0 - 0.8]);
}

#[test]
fn text_is_ndarrays() {
    let x = Tensor::from(array![[1.0f32, 0.5]]);
    assert_eq!(format!("{x:.2}"), "[[1.00, 0.50]]");
    assert_eq!(format!("{x:?}"), "Tensor<f32, [1, 2]> on cpu\n[[1, 0.5]]");
}

#[test]
fn erased_tensors_are_checked_when_typed() {
    let any = AnyTensor::from(Tensor::from(Array2::<f32>::zeros((2, 3)).reversed_axes()));
    assert_eq!((any.dtype(), any.sizes()), (DType::F32, &[3, 2][..]));
    let text = any.clone().downcast::<i32, (usize, usize)>("f", "x").unwrap_err().to_string();
    assert_eq!(text, "f: `x` holds f32, but i32 is wanted");
    assert!(any.clone().downcast::<f32, (usize,)>("f", "x").is_err());
    assert!(any.clone().raw_mut().is_err());
    assert_eq!(any.downcast::<f32, (Const<3>, usize)>("f", "x").unwrap().layout().strides(), [1, 3]);
    assert!(AnyTensor::new(AnyBuffer::zeroed(DType::U8, 5).unwrap(), Layout::contiguous(&[6]).unwrap()).is_err());
}

#[test]
fn arrays_go_to_devices() {
    let a = Array1::from(vec![1, 2, 3]);
    assert_eq!(a.slice(s![..;-1]).to_device(&Device::Cpu).unwrap().to_vec().unwrap(), [3, 2, 1]);
    let x = Tensor::from(a);
    assert_eq!(x.to_host().unwrap(), x);
    assert_eq!(x.device(), Device::Cpu);
    assert_eq!(x.view().unwrap().sum_axis(Axis(0)).into_scalar(), 6);
}
