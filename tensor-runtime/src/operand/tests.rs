//! Operands and targets of all kinds.

use ndarray::{Array0, Array1, Array2, ArrayView2, Axis, CowArray, array, s};

use super::*;
use crate::dims::Const;
use crate::dtype::AnySliceMut;

/// The positions of a layout, in row-major order.
fn positions(layout: &Layout) -> Vec<isize> {
    let mut at = vec![layout.offset() as isize];
    for (&size, &stride) in layout.sizes().iter().zip(layout.strides()) {
        at = at.iter().flat_map(|&p| (0..size as isize).map(move |i| p + i * stride)).collect();
    }
    at
}

/// The elements through the raw view, in row-major order.
fn read<O: Operand>(operand: O) -> Vec<O::Elem> {
    let raw = operand.raw().unwrap();
    let start = raw.start().unwrap().cast::<O::Elem>();
    // SAFETY: each is an element that `operand` is borrowed for.
    let found = positions(&raw.layout()).into_iter().map(|p| unsafe { start.offset(p).read() }).collect::<Vec<_>>();
    if let Some(x) = raw.typed::<O::Elem>() {
        let layout = Layout::strided(x.sizes, x.strides, x.offset, x.data.len()).unwrap();
        let same = positions(&layout).into_iter().map(|p| x.data[usize::try_from(p).unwrap()]);
        assert_eq!(found, same.collect::<Vec<_>>());
    }
    found
}

/// Writes 0, 1, 2… in row-major order through the raw view.
fn count(mut operand: impl OperandMut<Elem = i32>) {
    let mut raw = operand.raw_mut().unwrap();
    let start = raw.start().unwrap().cast::<i32>();
    for (value, p) in positions(&raw.layout()).into_iter().enumerate() {
        // SAFETY: each is an element that `operand` is borrowed to be written for.
        unsafe { start.offset(p).write(value as i32) };
    }
}

#[test]
fn everything_that_borrows_is_an_operand() {
    let a = array![[1, 2, 3], [4, 5, 6]];
    let all = [1, 2, 3, 4, 5, 6];
    let t = Tensor::from(a.clone());
    assert_eq!(read(&t), all);
    assert_eq!(read(t.clone()), all);
    assert_eq!(read(&&t), all);
    assert_eq!(read(TensorView::from(&t)), all);
    assert_eq!(read(TensorView::from(a.view())), all);
    assert_eq!(read(&a), all);
    assert_eq!(read(a.view()), all);
    assert_eq!(read(&a.view()), all);
    assert_eq!(read(CowArray::from(a.view())), all);
    assert_eq!(read(a.to_shared()), all);
    assert_eq!(read(&Array0::from_elem((), 9)), [9]);
    assert_eq!(read(Tensor::scalar(9)), [9]);
    assert_eq!(read(t.fix::<(usize, Const<3>)>().unwrap()), all);
}

#[test]
fn strides_of_all_kinds_are_read_where_they_lie() {
    let a = Array2::from_shape_fn((4, 6), |(i, j)| (10 * i + j) as i32);
    let row = array![1, 2, 3];
    let borrowed: [(ArrayView2<'_, i32>, bool); 9] = [
        (a.t(), true),
        (a.slice(s![..;-1, ..]), true),
        (a.slice(s![..;-1, ..;-1]), true),
        (a.slice(s![1..3, ..]), true),
        (a.slice(s![2..3, ..;-1]), true),
        (row.broadcast((4, 3)).unwrap(), true),
        (a.slice(s![2..2, ..]), true),
        (a.slice(s![.., ..;2]), false),
        (a.slice(s![.., 1..4]), false),
    ];
    for (view, whole) in borrowed {
        assert_eq!(read(view), view.iter().copied().collect::<Vec<_>>());
        let raw = view.raw().unwrap();
        if !view.is_empty() {
            let first = raw.start().unwrap().cast::<i32>().wrapping_add(raw.layout().offset());
            assert!(std::ptr::eq(first, &view[[0, 0]]), "{:?}", view.strides());
        }
        assert_eq!(raw.typed::<i32>().is_some(), whole, "a slice of what may be another's: {:?}", view.strides());
        assert!(raw.typed::<f32>().is_none());
        let kept = raw.keep().unwrap();
        assert_eq!(read(kept.downcast::<i32, (usize, usize)>("test", "x").unwrap()), read(view));
    }
}

#[test]
fn results_are_written_into_memory_of_any_strides() {
    let wanted: Vec<i32> = (0..24).collect();
    let mut t = Tensor::<i32, (usize, usize)>::zeros((4, 6)).unwrap();
    count(&mut t);
    assert_eq!(t.to_vec().unwrap(), wanted);
    let mut a = Array2::<i32>::zeros((4, 6));
    count(&mut a);
    assert_eq!(a.iter().copied().collect::<Vec<_>>(), wanted);
    let mut a = Array2::<i32>::zeros((8, 18));
    count(a.slice_mut(s![..;-2, 1..;3]));
    assert_eq!(a.slice(s![..;-2, 1..;3]).iter().copied().collect::<Vec<_>>(), wanted);
    assert_eq!(a.iter().filter(|&&v| v != 0).count(), 23, "nothing between was touched");
    let (first, mut part) = (&raw const a[[7, 1]], a.slice_mut(s![..;-2, 1..;3]));
    let mut raw = part.raw_mut().unwrap();
    let offset = raw.layout().offset();
    assert_eq!(raw.start().unwrap().cast::<i32>().wrapping_add(offset).cast_const(), first, "where it lies");
    assert!(raw.slice_mut().is_none(), "a slice of what may be another's");
    let mut a = Array2::<i32>::zeros((6, 4));
    count(a.view_mut().reversed_axes());
    assert_eq!(a.t().iter().copied().collect::<Vec<_>>(), wanted);
    count(&mut Array1::<i32>::zeros(0));
    count(Array2::<i32>::zeros((3, 0)).view_mut());
}

#[test]
fn halves_are_written_at_the_same_time() {
    let mut a = Array2::<i32>::zeros((100, 10));
    let (left, right) = a.view_mut().split_at(Axis(1), 5);
    std::thread::scope(|scope| {
        scope.spawn(|| count(left));
        scope.spawn(|| count(right));
    });
    assert!(a.rows().into_iter().enumerate().all(|(i, row)| row[0] == 5 * i as i32 && row[5] == 5 * i as i32));
}

#[test]
fn an_unwritten_target_with_gaps_stays_as_it_was() {
    let mut a = array![[1, 2], [3, 4]];
    assert!(a.slice_mut(s![.., ..1]).raw_mut().is_ok());
    assert_eq!(a, array![[1, 2], [3, 4]]);
}

#[test]
fn no_write_is_seen_through_another_tensor() {
    let mut t = Tensor::<i32, (usize,)>::zeros((4,)).unwrap();
    let other = t.clone();
    count(&mut t);
    assert_eq!((t.to_vec().unwrap(), other.to_vec().unwrap()), (vec![0, 1, 2, 3], vec![0; 4]));
    let mut repeated = Tensor::scalar(5).broadcast_to((3,)).unwrap();
    count(&mut repeated);
    assert_eq!(repeated.to_vec().unwrap(), [0, 1, 2]);
}

#[test]
fn layouts_are_checked_against_their_slice() {
    let layout = Layout::contiguous(&[2, 3]).unwrap();
    assert!(RawView::of_slice(&[0u8; 5], &layout).is_err());
    assert!(RawViewMut::new(AnySliceMut::U8(&mut [0; 5]), &layout).is_err());
    let repeated = Layout::SCALAR.broadcast(&[2]).unwrap();
    assert!(RawView::of_slice(&[0u8], &repeated).is_ok());
    assert!(RawViewMut::new(AnySliceMut::U8(&mut [0]), &repeated).is_err());
}
