//! Windows against their definition, to the bit.

use super::super::Window;
use super::super::place::Place;
use super::*;
use crate::dtype::{DType, Element};
use crate::isa::{self, Level};
use std::marker::PhantomData;

/// How an array of three axes lies: its elements in order, or with the last axis outermost, every second one.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Lie {
    Rows,
    Planes,
}

fn input<T: Element>(memory: &mut [T], [h, w, c]: [usize; 3], lie: Lie) -> In<'_, T, 3> {
    let [height, width, lanes] = [h, w, c].map(|n| n as isize);
    let stride = match lie {
        Lie::Rows => [width * lanes, lanes, 1],
        Lie::Planes => [2 * width, 2, 2 * height * width],
    };
    let mut window = Window { origin: memory.as_mut_ptr().cast(), dtype: T::DTYPE, rank: 3, ..Window::NOWHERE };
    window.size[..3].copy_from_slice(&[h, w, c]);
    window.stride[..3].copy_from_slice(&stride);
    In { at: Place::new(&window), long: usize::MAX, memory: PhantomData }
}

/// The windows of all places, `step` apart both ways, the first of them `pad` before the first element.
#[derive(Clone, Copy, Debug)]
struct Case {
    size: [usize; 3],
    points: [usize; 2],
    step: usize,
    pad: isize,
    lie: Lie,
}

impl Case {
    fn places(&self) -> [isize; 2] {
        [0, 1].map(|k| (self.size[k] as isize + 2 * self.pad - self.points[k] as isize) / self.step as isize + 1)
    }

    /// One by one, or as many as go together at a time.
    fn found<M: Isa, T: Windowed>(&self, m: M, x: In<'_, T, 3>, w: In<'_, T, 3>, together: bool) -> Vec<T> {
        let ([h, wide, c], [rows, columns]) = (self.size, self.points);
        let (mut taps, mut sums, mut out) = (Taps::new(), Sums::new(), Vec::new());
        let [down, across] = self.places();
        for t in lanes(0..c as isize, rows * columns) {
            taps.read(&w, [0, 0, t.start], [0, 0, 1], [([1, 0, 0], rows), ([0, 1, 0], columns)], t.len);
            for i in 0..down {
                sums.begin();
                let around = |j: isize| {
                    let [y, z] = [i, j].map(|k| k * self.step as isize - self.pad);
                    let inside = super::super::valid(y, 1, h as isize, rows);
                    let at = [y, z, t.start];
                    x.around(at, [0, 0, 1], [[1, 0, 0]], [inside], 1, self.step, -z..wide as isize - z)
                };
                if together {
                    for (j, t) in t.beside(0..across) {
                        out.extend_from_slice(sums.rows(m, j, t, across, &taps, || around(j)));
                    }
                } else {
                    for j in 0..across {
                        out.extend_from_slice(sums.row(m, j, across, &taps, || around(j)));
                    }
                }
            }
        }
        out
    }

    fn wanted<M: Isa, T: Windowed>(&self, m: M, x: In<'_, T, 3>, w: In<'_, T, 3>) -> Vec<T> {
        let ([h, wide, c], [rows, columns], [down, across]) = (self.size, self.points, self.places());
        let mut out = Vec::new();
        for t in lanes(0..c as isize, rows * columns) {
            for (i, j) in (0..down).flat_map(|i| (0..across).map(move |j| (i, j))) {
                for l in t.start..t.start + t.len as isize {
                    let point = |sum: T, [r, s]: [isize; 2]| {
                        let [y, z] = [(i, r), (j, s)].map(|(k, r)| k * self.step as isize - self.pad + r);
                        let inside = (0..h as isize).contains(&y) && (0..wide as isize).contains(&z);
                        m.fma(x.at_or(inside, [y, z, l], T::default()), w.at([r, s, l]), sum)
                    };
                    out.push(self.sum([0..rows as isize, 0..columns as isize], &point));
                }
            }
        }
        out
    }

    /// The sum of some points: a chain if there are few, else the sum of two halves.
    fn sum<T: Windowed>(&self, [rows, columns]: [Range<isize>; 2], point: &impl Fn(T, [isize; 2]) -> T) -> T {
        if rows.is_empty() || columns.is_empty() {
            return T::default();
        }
        let half = |of: &Range<isize>| of.start + (of.end - of.start) / 2;
        match rows.len() * columns.len().max(self.step) {
            ..=POINTS => {
                let points = rows.flat_map(|r| columns.clone().map(move |s| [r, s]));
                points.fold(-T::default(), point)
            }
            _ if rows.len() > 1 => {
                let half = half(&rows);
                let [first, second] = [rows.start..half, half..rows.end].map(|rows| [rows, columns.clone()]);
                self.sum(first, point) + self.sum(second, point)
            }
            _ => {
                let half = half(&columns);
                let [first, second] = [columns.start..half, half..columns.end].map(|columns| [rows.clone(), columns]);
                self.sum(first, point) + self.sum(second, point)
            }
        }
    }

    fn holds<T: Windowed>(&self, number: impl Fn(isize) -> T) {
        let ([h, w, c], [rows, columns]) = (self.size, self.points);
        let numbers = |n: usize, by: isize| (0..2 * n as isize).map(|i| number(i * by % 17 - 8)).collect::<Vec<T>>();
        let (mut x, mut weights) = (numbers(h * w * c, 7), numbers(rows * columns * c, 5));
        // Of the last lane all is infinite or no number.
        if c > 2 && rows * columns > 0 {
            weights[c - 1] = number(isize::MAX);
        }
        let x = input(&mut x, self.size, self.lie);
        let weights = input(&mut weights, [rows, columns, c], self.lie);
        let same = |found: Vec<T>, wanted: Vec<T>, level: Level| {
            let bits = |of: &[T]| of.iter().map(|x| format!("{x:?}")).collect::<Vec<_>>();
            assert_eq!(bits(&found), bits(&wanted), "{level:?} {self:?}");
        };
        for together in [false, true] {
            same(self.found(isa::Base, x, weights, together), self.wanted(isa::Base, x, weights), Level::Base);
        }
        #[cfg(target_arch = "x86_64")]
        if isa::detected() >= Level::Avx2 {
            for together in [false, true] {
                same(self.found(isa::Avx2, x, weights, together), self.wanted(isa::Avx2, x, weights), Level::Avx2);
            }
        }
        #[cfg(target_arch = "x86_64")]
        if isa::detected() >= Level::Avx512 {
            for together in [false, true] {
                same(
                    self.found(isa::Avx512, x, weights, together),
                    self.wanted(isa::Avx512, x, weights),
                    Level::Avx512,
                );
            }
        }
    }
}

#[test]
fn windows_are_sums_of_products() {
    let infinite = |i: isize, x: f64| if i == isize::MAX { f64::INFINITY } else { x };
    for c in [0, 1, 3, 8, 15, 16, 20, 33, 48, 100] {
        for (points, step, pad) in [
            ([3, 3], 1, 1),
            ([3, 3], 2, 0),
            ([5, 5], 1, 2),
            ([5, 5], 2, 2),
            ([1, 4], 3, 0),
            ([2, 7], 7, 1),
            ([4, 1], 1, 2),
            ([1, 1], 1, 1),
            ([1, 1], 3, 0),
            ([2, 2], 5, 3),
            ([9, 9], 1, 4),
            ([0, 3], 1, 0),
            ([3, 0], 2, 1),
        ] {
            let few = [([5, 17, c], Lie::Rows), ([4, 7, c], Lie::Planes), ([9, 8, c], Lie::Rows)];
            for (size, lie) in few.into_iter().chain((c < 40).then_some(([3, 75, c], Lie::Rows))) {
                let case = Case { size, points, step, pad, lie };
                case.holds::<f32>(|i| infinite(i, i as f64 / 3.0) as f32);
                case.holds::<f64>(|i| infinite(i, i as f64 / 3.0));
            }
        }
    }
}

#[test]
fn windows_of_many_points_are_those_of_halves() {
    for c in [3, 20, 48] {
        for (points, step, pad) in
            [([9, 8], 2, 4), ([17, 15], 1, 8), ([1, 65], 1, 32), ([2, 200], 3, 100), ([5, 2], 40, 0), ([1, 3], 64, 1)]
        {
            let case = Case { size: [15, 70, c], points, step, pad, lie: Lie::Rows };
            case.holds::<f32>(|i| if i == isize::MAX { f32::INFINITY } else { i as f32 / 3.0 });
            case.holds::<f64>(|i| if i == isize::MAX { f64::NAN } else { i as f64 / 3.0 });
        }
    }
    // These weights are copied where they are multiplied.
    let case = Case { size: [15, 70, 48], points: [40, 200], step: 7, pad: 70, lie: Lie::Planes };
    case.holds::<f32>(|i| if i == isize::MAX { f32::NAN } else { i as f32 / 3.0 });
}

/// Of a large array the rows of the windows below are fetched, which lie outside in the end.
#[test]
fn windows_of_a_large_array_are_the_same() {
    let case = Case { size: [24, 342, 256], points: [3, 3], step: 2, pad: 1, lie: Lie::Rows };
    case.holds::<f32>(|i| if i == isize::MAX { f32::NAN } else { i as f32 / 3.0 });
    let mut memory = vec![0f32; 1 << 21];
    for (size, points, step, wanted) in [
        ([32, 256, 256], [3, 3], 1, Some(256 * 256)),
        ([32, 256, 256], [3, 3], 2, Some(2 * 256 * 256)),
        ([32, 256, 256], [5, 5], 1, None),
        ([32, 256, 256], [1, 3], 2, None),
        ([32, 256, 256], [3, 1], 2, None),
        ([32, 256, 255], [3, 3], 1, None),
    ] {
        let x = input(&mut memory, size, Lie::Rows);
        let by = [(size[1] * size[2]) as isize];
        assert_eq!(blocks::below(&View::of(&x), &by, points, step), wanted, "{size:?} {points:?} {step}");
    }
}

#[test]
fn a_window_outside_is_refused() {
    let reads = |at: [isize; 3], rows: usize, inside: Range<isize>, columns: Range<isize>| {
        std::panic::catch_unwind(|| {
            let (mut x, mut w) = (vec![1f32; 5 * 9 * 40], vec![1f32; 9 * 40]);
            let (x, w) = (input(&mut x, [5, 9, 40], Lie::Rows), input(&mut w, [3, 3, 40], Lie::Rows));
            let (mut taps, mut sums) = (Taps::new(), Sums::new());
            taps.read(&w, [0, 0, 0], [0, 0, 1], [([1, 0, 0], rows), ([0, 1, 0], 3)], 32);
            sums.row(isa::Base, 0, 2, &taps, || x.around(at, [0, 0, 1], [[1, 0, 0]], [inside], 1, 1, columns)).len()
        })
        .is_ok()
    };
    let all = isize::MIN..isize::MAX;
    assert!(reads([0, 0, 0], 3, 0..3, all.clone()) && reads([2, 5, 8], 3, 0..3, all.clone()));
    assert!(reads([3, -1, 8], 3, 0..2, 1..10) && reads([9, 9, 8], 3, 0..0, all.clone()));
    for (at, rows, inside, columns) in [
        ([3, 0, 0], 3, 0..3, all.clone()),
        ([-1, 0, 0], 3, 0..3, all.clone()),
        ([0, 6, 0], 3, 0..3, all.clone()),
        ([0, -1, 0], 3, 0..3, 0..3),
        ([0, 0, 9], 3, 0..3, all.clone()),
        ([0, 0, -1], 3, 0..3, all.clone()),
        ([0, 0, 0], 4, 0..4, all.clone()),
        ([isize::MAX, 0, 0], 3, 0..3, all.clone()),
        ([0, isize::MAX, 0], 3, 0..3, all.clone()),
    ] {
        assert!(!reads(at, rows, inside.clone(), columns.clone()), "{at:?} {rows} {inside:?} {columns:?}");
    }
    let window = |dtype| Window { dtype, ..Window::NOWHERE };
    assert!(std::panic::catch_unwind(|| Place::<f32, 0>::new(&window(DType::F64))).is_err());
}
