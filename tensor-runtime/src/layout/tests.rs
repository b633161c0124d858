//! Positions, by hand and by NumPy's rules.

use super::*;

/// All positions, in row-major order of the indices.
fn positions(layout: &Layout) -> Vec<usize> {
    let mut out = vec![layout.offset() as isize];
    for (&size, &stride) in layout.sizes().iter().zip(layout.strides()) {
        out = out.iter().flat_map(|&p| (0..size as isize).map(move |i| p + i * stride)).collect();
    }
    out.into_iter().map(|p| usize::try_from(p).unwrap()).collect()
}

#[test]
fn overflow_is_an_error() {
    let half = 1usize << 63;
    for sizes in [&[usize::MAX][..], &[half, 2], &[half, 0], &[1 << 40, 1 << 40], &[0, usize::MAX, 3]] {
        assert!(matches!(Layout::contiguous(sizes), Err(Error::TooLarge { .. })), "{sizes:?}");
        assert!(Layout::strided(sizes, &vec![0; sizes.len()], 0, 10).is_err(), "{sizes:?}");
    }
    assert!(Layout::strided(&[2], &[isize::MIN], 0, 10).is_err());
    assert!(Layout::strided(&[3], &[isize::MAX], 0, usize::MAX).is_err());
    assert!(Layout::strided(&[2], &[1], usize::MAX, usize::MAX).is_err());
    assert!(Layout::contiguous(&[1; 9]).is_err());
    assert!(Layout::strided(&[2], &[1, 1], 0, 10).is_err());
}

#[test]
fn slices_are_numpys() {
    for size in 0..5usize {
        let layout = Layout::contiguous(&[size]).unwrap();
        let bounds: Vec<Option<isize>> = (-7..=7).map(Some).chain([None, Some(isize::MIN), Some(isize::MAX)]).collect();
        for step in [1, 2, 3, 7, -1, -2, -3, -7, isize::MAX, isize::MIN] {
            for &start in &bounds {
                for &stop in &bounds {
                    let got = positions(&layout.slice(0, start, stop, step).unwrap());
                    assert_eq!(got, numpy_slice(size, start, stop, step), "{size} {start:?}:{stop:?}:{step}");
                }
            }
        }
    }
}

/// NumPy's rule, by stepping.
fn numpy_slice(size: usize, start: Option<isize>, stop: Option<isize>, step: isize) -> Vec<usize> {
    let n = size as i128;
    let (low, high) = if step > 0 { (0, n) } else { (-1, n - 1) };
    let bound = |b: Option<isize>, default: i128| {
        b.map_or(default, |b| (if b < 0 { b as i128 + n } else { b as i128 }).clamp(low, high))
    };
    let mut at = bound(start, if step > 0 { low } else { high });
    let stop = bound(stop, if step > 0 { high } else { low });
    let mut out = Vec::new();
    while (step > 0 && at < stop) || (step < 0 && at > stop) {
        out.push(at as usize);
        at += step as i128;
    }
    out
}

#[test]
fn views_have_the_positions_of_their_elements() {
    let x = Layout::contiguous(&[2, 3, 4]).unwrap();
    assert_eq!(positions(&x), (0..24).collect::<Vec<_>>());
    let y = x.permute(&[2, 0, 1]).unwrap();
    assert_eq!(positions(&y)[..6], [0, 4, 8, 12, 16, 20]);
    assert_eq!(positions(&x.flip(-1).unwrap())[..4], [3, 2, 1, 0]);
    assert_eq!(positions(&x.index(1, -1).unwrap()), [8, 9, 10, 11, 20, 21, 22, 23]);
    assert_eq!(x.insert_axis(3).unwrap().sizes(), [2, 3, 4, 1]);
    assert_eq!(x.insert_axis(0).unwrap().sizes(), [1, 2, 3, 4]);
    assert!(x.insert_axis(4).is_err() && x.index(0, 2).is_err() && x.index(3, 0).is_err());
    assert!(x.permute(&[0, 0, 1]).is_err() && x.permute(&[0, 1]).is_err() && x.permute(&[0, 1, 3]).is_err());
    assert!(x.slice(0, None, None, 0).is_err());
}

#[test]
fn broadcasting_keeps_size_one_with_zero() {
    let x = Layout::contiguous(&[3, 1]).unwrap();
    assert_eq!(x.broadcast(&[3, 0]).unwrap().len(), 0);
    assert_eq!(positions(&x.broadcast(&[2, 3, 2]).unwrap()), [0, 0, 1, 1, 2, 2, 0, 0, 1, 1, 2, 2]);
    assert!(x.broadcast(&[3]).is_err());
    assert!(x.broadcast(&[3, usize::MAX]).is_err());
}

#[test]
fn reshape_agrees_with_the_row_major_order_of_the_elements() {
    let shapes: &[&[usize]] =
        &[&[24], &[1, 24], &[2, 12], &[4, 6], &[2, 3, 4], &[4, 3, 2], &[1, 2, 1, 12, 1], &[3, 8], &[2, 2, 2, 3]];
    let mut moved = 0;
    let mut kept = 0;
    for &from in shapes {
        let base = Layout::contiguous(from).unwrap();
        let mut sources = vec![base, base.flip(0).unwrap(), base.flip(-1).unwrap()];
        let mut order: Vec<usize> = (0..from.len()).collect();
        order.rotate_left(1);
        sources.push(base.permute(&order).unwrap());
        let doubled: Vec<usize> = from.iter().map(|&n| 2 * n).collect();
        sources.push(
            (0..from.len()).fold(Layout::contiguous(&doubled).unwrap(), |l, axis| {
                l.slice(axis as isize, Some(1), None, 2).unwrap()
            }),
        );
        for source in sources {
            for &to in shapes {
                match source.reshape(to).unwrap() {
                    Some(view) => {
                        assert_eq!(positions(&view), positions(&source), "{source:?} to {to:?}");
                        kept += 1;
                    }
                    None => moved += 1,
                }
            }
            assert!(source.reshape(source.sizes()).unwrap().is_some());
        }
    }
    assert!(kept > 100 && moved > 50, "{kept} {moved}");
    let empty = Layout::contiguous(&[0, 3]).unwrap();
    assert_eq!(empty.reshape(&[5, 0, 2]).unwrap().unwrap().sizes(), [5, 0, 2]);
    assert_eq!(Layout::SCALAR.reshape(&[1, 1]).unwrap().unwrap().sizes(), [1, 1]);
    assert_eq!(Layout::contiguous(&[1, 1]).unwrap().reshape(&[]).unwrap().unwrap().rank(), 0);
}

#[test]
fn injective_means_that_positions_differ() {
    let mut sure = 0;
    for (a, b) in [(2, 3), (1, 4), (3, 1), (0, 2)] {
        for s in -4..=4 {
            for t in -4..=4 {
                let Ok(layout) = Layout::strided(&[a, b], &[s, t], 20, 100) else { continue };
                let mut seen = positions(&layout);
                seen.sort_unstable();
                if let (Some(first), Some(last)) = (seen.first(), seen.last()) {
                    assert_eq!(layout.range(), *first..last + 1);
                }
                seen.dedup();
                if layout.is_injective() {
                    assert_eq!(seen.len(), layout.len(), "{layout:?}");
                    sure += 1;
                }
                assert_eq!(layout.is_dense(), layout.is_injective() && layout.range().len() == layout.len());
            }
        }
    }
    assert!(sure > 100, "{sure}");
}

#[test]
fn contiguity_ignores_axes_of_size_one() {
    assert!(Layout::strided(&[1, 3], &[-7, 1], 0, 3).unwrap().is_contiguous());
    assert!(Layout::strided(&[0, 3], &[-7, 5], 0, 0).unwrap().is_contiguous());
    assert!(!Layout::strided(&[3], &[2], 0, 6).unwrap().is_contiguous());
    assert!(Layout::SCALAR.is_contiguous() && Layout::SCALAR.len() == 1);
}
