//! The sums of a block of neighbouring windows.
//!
//! In: [`Block`], where they are; the weights. Out: the sums, a row of lanes for each window. Always: rows are checked before a
//! pointer to them is made; a row that lies outside is one of zeros. Next: [`super`].

use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::ops::Range;

use crate::dims::MAX_RANK;
use crate::isa::{self, Isa, Level};
use crate::kernel::cache::fetch_all;
use crate::kernel::near::zeros;
use crate::kernel::place::outside;
use crate::kernel::{In, strided};
use crate::math::Float;

use super::{Compiled, Lines, POINTS, Taps, Windowed};

/// The most windows of a block: with two vectors of lanes each they fill the registers of the largest set.
const MOST: usize = 8;
/// Few windows are a block of so many, the others of zeros.
const FEW: usize = 4;
/// Elements of a row begin at a multiple of so many.
const VECTOR: usize = 16;

/// An input whose rank is known when it is called.
#[derive(Clone, Copy)]
pub struct View<'a, T> {
    origin: *const T,
    low: &'a [isize],
    size: &'a [usize],
    stride: &'a [isize],
    memory: PhantomData<&'a [T]>,
}

impl<'a, T: Float> View<'a, T> {
    #[inline(always)]
    pub(super) fn of<const N: usize>(x: &'a In<'_, T, N>) -> View<'a, T> {
        let (origin, memory) = (x.at.origin.cast_const(), PhantomData);
        View { origin, low: &x.at.low, size: &x.at.size, stride: &x.at.stride, memory }
    }

    /// Refuses coordinates of an axis from `at` to `at + far` that do not all lie in the window.
    #[inline(always)]
    fn check(&self, k: usize, at: isize, far: isize) {
        let lies = |at: isize| (at.wrapping_sub(self.low[k]) as usize) < self.size[k];
        if !(lies(at) && at.checked_add(far).is_some_and(lies)) {
            outside(at, self.low[k], self.size[k]);
        }
    }

    /// The first of `n` elements from `at` on that are `lane` apart, all in the window, and the distance between two.
    /// Coordinates of the axis `but` are not looked at.
    #[inline(always)]
    fn row(&self, at: &[isize], lane: &[isize], n: usize, but: usize) -> (*const T, isize) {
        let (mut first, mut stride) = (0isize, 0isize);
        for k in 0..self.low.len() {
            let far = (n as isize - 1).max(0).saturating_mul(lane[k]);
            if k != but {
                self.check(k, at[k], far);
            }
            first = first.wrapping_add(at[k].wrapping_mul(self.stride[k]));
            stride = stride.wrapping_add(lane[k].wrapping_mul(self.stride[k]));
        }
        (self.origin.wrapping_offset(first), stride)
    }
}

/// Where neighbouring windows are; as in [`In::around`].
pub struct Block<'a, T> {
    pub(super) of: View<'a, T>,
    pub(super) at: &'a [isize],
    pub(super) lane: &'a [isize],
    /// A step of each axis of the window but the last, one after another.
    pub(super) steps: &'a [isize],
    pub(super) inside: &'a [Range<isize>],
    pub(super) axis: usize,
    pub(super) step: usize,
    pub(super) columns: &'a Range<isize>,
    /// How many windows there are.
    pub(super) count: usize,
}

/// Moves `at` to point `i` of the axes of these counts, the last the fastest; answers whether it is inside of all.
#[inline(always)]
fn move_to(mut i: usize, at: &mut [isize], counts: &[usize], steps: &[isize], inside: &[Range<isize>]) -> bool {
    let mut lies = true;
    for (a, &count) in counts.iter().enumerate().rev() {
        let point = (i % count) as isize;
        i /= count;
        lies &= inside.get(a).is_none_or(|inside| inside.contains(&point));
        let step = &steps[a * at.len()..][..at.len()];
        at.iter_mut().zip(step).for_each(|(at, step)| *at = at.wrapping_add(point.wrapping_mul(*step)));
    }
    lies
}

/// See [`Taps::read`].
fn read<T: Windowed>(
    taps: &mut Taps<T>,
    from: View<'_, T>,
    at: &mut [isize],
    lane: &[isize],
    steps: &[isize],
    n: usize,
) {
    let counts = &taps.counts[..taps.axes];
    let points: usize = counts.iter().product();
    assert!((1..=POINTS).contains(&points), "a window of {points} points");
    (taps.n, taps.step) = (n, n.next_multiple_of(VECTOR));
    if n == 0 {
        return;
    }
    let memory = taps.memory.of(points * taps.step);
    let mut here = [0isize; MAX_RANK];
    for (i, to) in memory.chunks_exact_mut(taps.step).enumerate() {
        let here = &mut here[..at.len()];
        here.copy_from_slice(at);
        move_to(i, here, counts, steps, &[]);
        let (first, stride) = from.row(here, lane, n, usize::MAX);
        let (to, rest) = to.split_at_mut(n);
        // SAFETY: `row` checked that the elements lie in the window, whose elements are readable; any element is as well one
        // that may be missing.
        unsafe { strided::gather(&mut *(to as *mut [T] as *mut [MaybeUninit<T>]), first, stride) };
        rest.fill(T::default());
    }
}

/// Computes the sums of up to [`MOST`] windows; answers how many.
#[inline(always)]
fn sums<M: Isa, T: Windowed, const WIDE: usize, const HALF: usize>(
    m: M,
    to: &mut Lines<T>,
    taps: &Taps<T>,
    block: &Block<'_, T>,
) -> usize {
    let Block { of, axis, step, columns, .. } = *block;
    let Some((&width, outer)) = taps.counts[..taps.axes].split_last() else { return 0 };
    let rows: usize = outer.iter().product();
    assert!((1..=width).contains(&step) && block.lane[axis] == 0, "windows {step} apart of {width} points");
    // Parts of nearly equal size.
    let count = block.count.div_ceil(block.count.div_ceil(MOST));
    let most = if count <= FEW { FEW } else { MOST };
    let (n, span) = (taps.n, (most - 1) * step + width);
    let nothing = zeros::<T>(n).as_ptr();
    let mut table = [const { MaybeUninit::<*const T>::uninit() }; MOST * POINTS];
    let table = &mut table[..rows * span];
    // What lies inside of the windows that there are.
    let reach = ((count - 1) * step + width) as isize;
    let (start, end) = (columns.start.clamp(0, reach), columns.end.clamp(0, reach));
    let mut here = [0isize; MAX_RANK];
    let here = &mut here[..block.at.len()];
    // What does not lie in one piece is copied.
    let apart = block.lane.iter().zip(of.stride).fold(0isize, |sum, (l, s)| sum.wrapping_add(l.wrapping_mul(*s)));
    let mut copies = Lines::new();
    let copies = if apart == 1 || n <= 1 { &mut [] } else { copies.of(rows * span * n) };
    let mut copies = copies.chunks_exact_mut(n.max(1));
    for (i, entries) in table.chunks_exact_mut(span).enumerate() {
        here.copy_from_slice(block.at);
        if !move_to(i, here, outer, block.steps, block.inside) || start >= end || n == 0 {
            entries.fill(MaybeUninit::new(nothing));
            continue;
        }
        let (first, _) = of.row(here, block.lane, n, axis);
        of.check(axis, here[axis].saturating_add(start), end - 1 - start);
        let place = |c: isize| first.wrapping_offset(c.wrapping_mul(of.stride[axis]));
        let (before, rest) = entries.split_at_mut(start as usize);
        let (entries, behind) = rest.split_at_mut((end - start) as usize);
        before.fill(MaybeUninit::new(nothing));
        behind.fill(MaybeUninit::new(nothing));
        // The upper rows have been read for the windows above these.
        if i + step >= rows {
            let next = (reach..reach + (count * step) as isize).take_while(|c| *c < columns.end);
            next.for_each(|c| fetch_all(place(c).cast(), n * size_of::<T>()));
        }
        let mut at = place(start);
        for entry in entries {
            let to = match copies.next() {
                None => at,
                Some(to) => {
                    // SAFETY: as in `read`.
                    unsafe { strided::gather(&mut *(to as *mut [T] as *mut [MaybeUninit<T>]), at, apart) };
                    to.as_ptr()
                }
            };
            entry.write(to);
            at = at.wrapping_offset(of.stride[axis]);
        }
    }
    let out = to.of(most * taps.step);
    let (weights, out) = (taps.memory.get().as_ptr(), out.as_mut_ptr());
    let run = Run { table: table.as_ptr().cast(), rows, width, span, step, weights, out, stride: taps.step };
    // SAFETY: each entry is a pointer to `n` elements that lie in the window, as was checked, in `copies` or among the zeros;
    // there are `rows` times `span` of them, `rows * width` weights of `stride` lanes, and `most` rows of sums.
    unsafe {
        match most {
            FEW => run.lanes::<M, FEW, WIDE, HALF>(m, n),
            _ => run.lanes::<M, MOST, WIDE, HALF>(m, n),
        }
    }
    count
}

/// What the innermost loops need.
struct Run<T> {
    /// A pointer to the lanes of each place: `rows` of `span`.
    table: *const *const T,
    rows: usize,
    /// Points of a row.
    width: usize,
    span: usize,
    /// From one window to the next.
    step: usize,
    weights: *const T,
    out: *mut T,
    /// Of weights and sums.
    stride: usize,
}

impl<T: Windowed> Run<T> {
    /// All lanes, in vectors; the last ones may be computed twice.
    ///
    /// # Safety
    /// See [`Run::at`], for the first `n` lanes.
    #[inline(always)]
    unsafe fn lanes<M: Isa, const P: usize, const WIDE: usize, const HALF: usize>(&self, m: M, n: usize) {
        const { assert!(WIDE == 2 * HALF) };
        // SAFETY: the caller's promise.
        unsafe {
            match n {
                _ if n >= WIDE => {
                    // No closure: one of its own would not have the instruction set.
                    for i in 0..n / WIDE {
                        self.wide::<M, P, WIDE>(m, i * WIDE);
                    }
                    match n % WIDE {
                        0 => (),
                        rest if rest <= HALF => self.at::<M, P, HALF>(m, n - HALF),
                        _ => self.wide::<M, P, WIDE>(m, n - WIDE),
                    }
                }
                _ if n >= HALF => {
                    self.at::<M, P, HALF>(m, 0);
                    self.at::<M, P, HALF>(m, n - HALF);
                }
                _ => (0..n).for_each(|i| self.at::<M, P, 1>(m, i)),
            }
        }
    }

    /// The same as [`Run::at`], with what is best for the window.
    ///
    /// # Safety
    /// As [`Run::at`].
    #[inline(always)]
    unsafe fn wide<M: Isa, const P: usize, const L: usize>(&self, m: M, lane: usize) {
        // SAFETY: the caller's promise.
        unsafe {
            match (self.width, self.step) {
                (3, 1) if P == MOST => self.by::<M, P, L, 3, 1>(m, lane),
                (3, 2) if P == MOST => self.by::<M, P, L, 3, 2>(m, lane),
                (5, 1) if P == MOST => self.by::<M, P, L, 5, 1>(m, lane),
                (5, 2) if P == MOST => self.by::<M, P, L, 5, 2>(m, lane),
                _ => self.at::<M, P, L>(m, lane),
            }
        }
    }

    /// The sums of `P` windows along `L` lanes, the first of which is `lane`.
    ///
    /// # Safety
    /// These lanes must be readable at each place of the table and each weight, and writable in `P` rows of sums.
    #[inline(always)]
    unsafe fn at<M: Isa, const P: usize, const L: usize>(&self, m: M, lane: usize) {
        // SAFETY: the caller's promise.
        unsafe {
            // A product that is added to it is the product, zeros of either sign among them.
            let nothing = -T::default();
            let mut sums = [[nothing; L]; P];
            let mut weights = self.weights.add(lane);
            for row in 0..self.rows {
                for column in 0..self.width {
                    let places = self.table.add(row * self.span + column);
                    let weight = weights.cast::<[T; L]>().read();
                    for (p, sums) in sums.iter_mut().enumerate() {
                        let x = (*places.add(p * self.step)).add(lane).cast::<[T; L]>().read();
                        for l in 0..L {
                            sums[l] = m.fma(x[l], weight[l], sums[l]);
                        }
                    }
                    weights = weights.wrapping_add(self.stride);
                }
            }
            for (p, sums) in sums.into_iter().enumerate() {
                self.out.add(p * self.stride + lane).cast::<[T; L]>().write(sums);
            }
        }
    }

    /// The same of windows that are `S` apart and `W` wide: of a row, weights and sums stay in registers while its places go by,
    /// each of which is read once for all windows that have it.
    ///
    /// # Safety
    /// As [`Run::at`].
    #[inline(always)]
    unsafe fn by<M: Isa, const P: usize, const L: usize, const W: usize, const S: usize>(&self, m: M, lane: usize) {
        const { assert!(W <= 5 && (MOST - 1) * 2 + 5 <= 19 && P <= MOST && S <= 2) };
        // SAFETY: the caller's promise.
        unsafe {
            let mut sums = [[-T::default(); L]; P];
            let mut weights = self.weights.add(lane);
            for row in 0..self.rows {
                let places = self.table.add(row * self.span);
                let mut of = [[T::default(); L]; W];
                for of in &mut of {
                    *of = weights.cast::<[T; L]>().read();
                    weights = weights.wrapping_add(self.stride);
                }
                // Adds the place of this number to the window whose point of this number it is, if one has it.
                macro_rules! point {
                    ($x:ident $place:literal $point:literal) => {
                        let first = usize::wrapping_sub($place, $point);
                        if $point < W && $point <= $place && first % S == 0 && first / S < P {
                            let sums = &mut sums[first / S];
                            for l in 0..L {
                                sums[l] = m.fma($x[l], of[$point % W][l], sums[l]);
                            }
                        }
                    };
                }
                macro_rules! places {
                    ($($place:literal)*) => {$(
                        if $place < (P - 1) * S + W {
                            let x = (*places.add($place)).add(lane).cast::<[T; L]>().read();
                            point!(x $place 4);
                            point!(x $place 3);
                            point!(x $place 2);
                            point!(x $place 1);
                            point!(x $place 0);
                        }
                    )*};
                }
                places!(0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18);
            }
            for (p, sums) in sums.into_iter().enumerate() {
                self.out.add(p * self.stride + lane).cast::<[T; L]>().write(sums);
            }
        }
    }
}

macro_rules! windowed {
    ($($ty:ident: $base:literal $base_2:literal, $avx2:literal $avx2_2:literal, $avx512:literal $avx512_2:literal;)*) => {$(
        impl Windowed for $ty {}

        impl Compiled for $ty {
            #[inline(never)]
            fn read(
                taps: &mut Taps<$ty>,
                from: View<'_, $ty>,
                at: &mut [isize],
                lane: &[isize],
                steps: &[isize],
                n: usize,
            ) {
                read(taps, from, at, lane, steps, n);
            }

            #[inline(always)]
            fn sums<M: Isa>(_: M, to: &mut Lines<$ty>, taps: &Taps<$ty>, block: &Block<'_, $ty>) -> usize {
                #[inline(never)]
                fn base(to: &mut Lines<$ty>, taps: &Taps<$ty>, block: &Block<'_, $ty>) -> usize {
                    sums::<_, $ty, $base, $base_2>(isa::Base, to, taps, block)
                }
                #[cfg(target_arch = "x86_64")]
                #[target_feature(enable = "avx2,fma,bmi1,bmi2,lzcnt,popcnt")]
                #[inline(never)]
                fn avx2(to: &mut Lines<$ty>, taps: &Taps<$ty>, block: &Block<'_, $ty>) -> usize {
                    sums::<_, $ty, $avx2, $avx2_2>(isa::Avx2, to, taps, block)
                }
                #[cfg(target_arch = "x86_64")]
                #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512cd,avx2,fma,bmi1,bmi2,lzcnt,popcnt")]
                #[inline(never)]
                fn avx512(to: &mut Lines<$ty>, taps: &Taps<$ty>, block: &Block<'_, $ty>) -> usize {
                    sums::<_, $ty, $avx512, $avx512_2>(isa::Avx512, to, taps, block)
                }
                match M::LEVEL {
                    Level::Base => base(to, taps, block),
                    // SAFETY: only a kernel's clone for an instruction set has its token, and runs where that is.
                    #[cfg(target_arch = "x86_64")]
                    Level::Avx2 => unsafe { avx2(to, taps, block) },
                    // SAFETY: as above.
                    #[cfg(target_arch = "x86_64")]
                    Level::Avx512 => unsafe { avx512(to, taps, block) },
                    // Every 64-bit ARM has it.
                    #[cfg(target_arch = "aarch64")]
                    Level::Neon => base(to, taps, block),
                }
            }
        }
    )*};
}

windowed! {
    f32: 4 2, 8 4, 32 16;
    f64: 2 1, 4 2, 16 8;
}
