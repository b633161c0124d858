//! The sums of a block of neighbouring windows.
//!
//! In: [`Block`], where they are; the weights. Out: the sums, a row of lanes for each window, as chains where a window has few points. Always: rows are checked before a
//! pointer to them is made; a row that lies outside is one of zeros. Next: [`super`].

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::{__m128, __m128d, __m256, __m256d};
use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::ops::Range;

use crate::dims::MAX_RANK;
use crate::isa::{self, Isa, Level};
use crate::kernel::cache::{LINE, fetch_line_to_second};
use crate::kernel::near::zeros;
use crate::kernel::place::outside;
use crate::kernel::{In, strided};
use crate::math::Float;

use super::halves::halves;
use super::taps::{Points, read};
use super::vector::Vector;
use super::{Compiled, Lines, POINTS, RUN, Taps, Windowed};

/// The most windows of a block: with two vectors of lanes each they fill the registers of the largest set.
pub(super) const MOST: usize = 8;
/// Few windows are a block of so many, the others of zeros.
const FEW: usize = 4;
/// Bytes of an array that no near cache holds.
const LARGE: usize = 8 << 20;
/// Points of a window that is computed sooner than its rows come from memory.
const LITTLE: usize = 16;

/// An input whose rank is known when it is called.
#[derive(Clone, Copy)]
pub struct View<'a, T> {
    pub(super) origin: *const T,
    low: &'a [isize],
    size: &'a [usize],
    pub(super) stride: &'a [isize],
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
    pub(super) fn check(&self, k: usize, at: isize, far: isize) {
        let lies = |at: isize| (at.wrapping_sub(self.low[k]) as usize) < self.size[k];
        if !(lies(at) && at.checked_add(far).is_some_and(lies)) {
            outside(at, self.low[k], self.size[k]);
        }
    }
}

/// Where neighbouring windows are; as in [`In::around`].
#[derive(Clone, Copy)]
pub struct Block<'a, T> {
    pub(super) of: &'a View<'a, T>,
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

/// A number that was written just now. A read of several such numbers at once would wait until all that was written before them
/// has reached the cache.
#[inline(always)]
fn now(number: &isize) -> isize {
    // SAFETY: a reference is to what may be read.
    unsafe { std::ptr::from_ref(number).read_volatile() }
}

/// Computes the sums of all windows.
#[inline(always)]
fn sums<M: Isa, T: Windowed, Wide: Vector<T>, Half: Vector<T>>(
    m: M,
    to: &mut Lines<T>,
    points: &Points<T>,
    block: &Block<'_, T>,
) {
    let Block { of, axis, step, columns, count, .. } = *block;
    let Some((&width, outer)) = points.counts().split_last() else { return };
    let rows: usize = outer.iter().product();
    assert!(step > 0 && points.fit(step) && (1..=RUN).contains(&count) && block.lane[axis] == 0);
    // Blocks of windows, of which the last may have some too many.
    let windows = match count % MOST {
        0 => count,
        1..=FEW => count / MOST * MOST + FEW,
        _ => count / MOST * MOST + MOST,
    };
    let (n, span) = (points.n, (windows - 1) * step + width);
    let nothing = zeros::<T>(n).as_ptr();
    let mut table = [const { MaybeUninit::<*const T>::uninit() }; (RUN + MOST) * POINTS];
    let table = &mut table[..rows * span];
    // What lies inside of the windows that there are.
    let reach = ((count - 1) * step + width) as isize;
    let (start, end) = (now(&columns.start).clamp(0, reach), now(&columns.end).clamp(0, reach));
    let mut inside = [(0, 0); MAX_RANK];
    let inside = &mut inside[..outer.len()];
    for ((inside, of), &count) in inside.iter_mut().zip(block.inside).zip(outer) {
        *inside = (now(&of.start).max(0), now(&of.end).min(count as isize));
    }
    let any = n > 0 && start < end && inside.iter().all(|(start, end)| start < end);
    // Where the window begins; what is from one lane to the next, and from a point to the next one on each axis.
    let (mut first, mut apart, mut by) = (of.origin, 0isize, [0isize; MAX_RANK]);
    for k in 0..of.low.len() {
        let (at, stride) = (now(&block.at[k]), of.stride[k]);
        first = first.wrapping_offset(at.wrapping_mul(stride));
        apart = apart.wrapping_add(block.lane[k].wrapping_mul(stride));
        let far = (n as isize - 1).max(0).saturating_mul(block.lane[k]);
        let (mut low, mut high) = (far.min(0), far.max(0));
        for (a, &(from, to)) in inside.iter().enumerate() {
            let along = block.steps[a * of.low.len() + k];
            let (from, to) = (from.saturating_mul(along), to.saturating_sub(1).saturating_mul(along));
            (low, high) = (low.saturating_add(from.min(to)), high.saturating_add(from.max(to)));
            by[a] = by[a].wrapping_add(along.wrapping_mul(stride));
        }
        if k == axis {
            (low, high) = (low.saturating_add(start), high.saturating_add(end - 1));
        }
        if any {
            of.check(k, at.saturating_add(low), high.saturating_sub(low));
        }
    }
    let next = of.stride[axis];
    // What does not lie in one piece is copied.
    let whole = apart == 1 || n <= 1;
    let mut copies = Lines::new();
    let copies = if whole { &mut [] } else { copies.of(rows * span * n) };
    let mut copies = copies.chunks_exact_mut(n.max(1));
    let mut point = [0isize; MAX_RANK];
    for entries in table.chunks_exact_mut(span) {
        let lies = inside.iter().zip(&point).all(|(&(start, end), point)| (start..end).contains(point));
        let here = by.iter().zip(&point).fold(first, |at, (by, point)| at.wrapping_offset(by.wrapping_mul(*point)));
        for (point, &count) in point.iter_mut().zip(outer).rev() {
            *point += 1;
            if *point < count as isize {
                break;
            }
            *point = 0;
        }
        if !(any && lies) {
            entries.fill(MaybeUninit::new(nothing));
            continue;
        }
        let (before, rest) = entries.split_at_mut(start as usize);
        let (entries, behind) = rest.split_at_mut((end - start) as usize);
        before.fill(MaybeUninit::new(nothing));
        behind.fill(MaybeUninit::new(nothing));
        let at = here.wrapping_offset(start.wrapping_mul(next));
        if whole {
            for (i, entry) in entries.iter_mut().enumerate() {
                entry.write(at.wrapping_offset((i as isize).wrapping_mul(next)));
            }
            continue;
        }
        for ((i, entry), to) in entries.iter_mut().enumerate().zip(&mut copies) {
            let at = at.wrapping_offset((i as isize).wrapping_mul(next));
            // SAFETY: all coordinates lie in the window, as was checked, whose elements are readable.
            unsafe { strided::gather(&mut *(to as *mut [T] as *mut [MaybeUninit<T>]), at, apart) };
            entry.write(to.as_ptr());
        }
    }
    let out = to.of(windows * n);
    let mut copy = Lines::new();
    let ((weights, weight), out) = (points.rows(&mut copy), out.as_mut_ptr());
    let below = below(of, &by[..outer.len()], [rows, width], step);
    let run = Run { table: table.as_ptr().cast(), rows, width, span, step, weights, out, weight, stride: n, below };
    // SAFETY: each entry is a pointer to `n` elements that lie in the window, as was checked, in `copies` or among the zeros;
    // there are `rows` times `span` of them, `rows * width` times `n` weights, which `read` has checked and found or copied, and
    // `windows` rows of sums. The processor has the instruction set of `m`, and that the vectors.
    unsafe { run.lanes::<M, Wide, Half>(m, n, windows) }
}

/// How far from a row of a window the one is that the window below has in its place, if it is worth fetching: where a large array
/// is read for little to compute. Windows are taken to be as far apart down as they are along a row.
pub(super) fn below<T>(of: &View<'_, T>, by: &[isize], [rows, width]: [usize; 2], step: usize) -> Option<isize> {
    let elements = of.size.iter().fold(1usize, |n, &size| n.saturating_mul(size));
    let pays = elements.saturating_mul(size_of::<T>()) >= LARGE && rows * width <= LITTLE && step <= rows.min(width);
    by.last().filter(|_| pays).map(|by| by.wrapping_mul(step as isize))
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
    /// From one point's weights to the next one's.
    weight: isize,
    /// From one window's sums to the next one's.
    stride: usize,
    /// From the last rows of a window to those that are fetched.
    below: Option<isize>,
}

impl<T: Windowed> Run<T> {
    /// All lanes, in vectors; the last ones may be computed twice.
    ///
    /// # Safety
    /// See [`Run::at`], for the first `n` lanes and so many windows, whole blocks; the processor must have the vectors.
    #[inline(always)]
    unsafe fn lanes<M: Isa, Wide: Vector<T>, Half: Vector<T>>(&self, m: M, n: usize, windows: usize) {
        const { assert!(Wide::LANES == 2 * Half::LANES) };
        let (wide, half) = (Wide::LANES, Half::LANES);
        // SAFETY: the caller's promise.
        unsafe {
            match n {
                _ if n >= wide => {
                    // No closure: one of its own would not have the instruction set.
                    for i in 0..n / wide {
                        self.blocks::<M, Wide>(m, i * wide, windows);
                    }
                    match n % wide {
                        0 => (),
                        rest if rest <= half => self.blocks::<M, Half>(m, n - half, windows),
                        _ => self.blocks::<M, Wide>(m, n - wide, windows),
                    }
                }
                _ if n >= half => {
                    self.blocks::<M, Half>(m, 0, windows);
                    if n > half {
                        self.blocks::<M, Half>(m, n - half, windows);
                    }
                }
                _ => (0..n).for_each(|i| self.blocks::<M, [T; 1]>(m, i, windows)),
            }
        }
    }

    /// The sums of all windows along some lanes.
    ///
    /// # Safety
    /// As [`Run::at`], for so many windows, whole blocks.
    #[inline(always)]
    unsafe fn blocks<M: Isa, V: Vector<T>>(&self, m: M, lane: usize, windows: usize) {
        // SAFETY: the caller's promise.
        unsafe {
            for first in (0..windows).step_by(MOST) {
                let block =
                    Run { table: self.table.add(first * self.step), out: self.out.add(first * self.stride), ..*self };
                block.fetch::<V>(lane, self.step * (windows - first).min(MOST));
                match windows - first {
                    FEW => block.best::<M, V, FEW>(m, lane),
                    _ => block.best::<M, V, MOST>(m, lane),
                }
            }
        }
    }

    /// Fetches what the windows below those at the first places have, and no window of these.
    ///
    /// # Safety
    /// The table must have so many places.
    #[inline(always)]
    unsafe fn fetch<V: Vector<T>>(&self, lane: usize, places: usize) {
        let Some(below) = self.below else { return };
        for row in self.rows - self.step..self.rows {
            for place in 0..places {
                // SAFETY: the caller's promise; no step is wider than a window, so all places are some window's.
                let at = unsafe { *self.table.add(row * self.span + place) }.wrapping_offset(below).wrapping_add(lane);
                for line in (0..V::LANES * size_of::<T>()).step_by(LINE) {
                    fetch_line_to_second(at.cast::<u8>().wrapping_add(line));
                }
            }
        }
    }

    /// The same as [`Run::at`], with what is best for the window.
    ///
    /// # Safety
    /// As [`Run::at`].
    #[inline(always)]
    unsafe fn best<M: Isa, V: Vector<T>, const P: usize>(&self, m: M, lane: usize) {
        // SAFETY: the caller's promise.
        unsafe {
            match (self.width, self.step) {
                (3, 1) if V::LANES > 1 => self.by::<M, V, P, 3, 1>(m, lane),
                (3, 2) if V::LANES > 1 => self.by::<M, V, P, 3, 2>(m, lane),
                (5, 1) if V::LANES > 1 => self.by::<M, V, P, 5, 1>(m, lane),
                (5, 2) if V::LANES > 1 => self.by::<M, V, P, 5, 2>(m, lane),
                _ => self.at::<M, V, P>(m, lane),
            }
        }
    }

    /// The sums of `P` windows along the lanes of a vector, the first of which is `lane`.
    ///
    /// # Safety
    /// These lanes must be readable at each place of the table and each weight, and writable in `P` rows of sums.
    #[inline(always)]
    unsafe fn at<M: Isa, V: Vector<T>, const P: usize>(&self, m: M, lane: usize) {
        // SAFETY: the caller's promise.
        unsafe {
            // A product that is added to it is the product, zeros of either sign among them.
            let mut sums = [V::of(-T::default()); P];
            let mut weights = self.weights.add(lane);
            for row in 0..self.rows {
                for column in 0..self.width {
                    let places = self.table.add(row * self.span + column);
                    let weight = V::read(weights);
                    for (p, sums) in sums.iter_mut().enumerate() {
                        let x = V::read((*places.add(p * self.step)).add(lane));
                        *sums = V::fma(m, x, weight, *sums);
                    }
                    weights = weights.wrapping_offset(self.weight);
                }
            }
            for (p, sums) in sums.into_iter().enumerate() {
                sums.write(self.out.add(p * self.stride + lane));
            }
        }
    }

    /// The same of windows that are `S` apart and `W` wide: of a row, weights and sums stay in registers while its places go by,
    /// each of which is read once for all windows that have it.
    ///
    /// # Safety
    /// As [`Run::at`].
    #[inline(always)]
    unsafe fn by<M: Isa, V: Vector<T>, const P: usize, const W: usize, const S: usize>(&self, m: M, lane: usize) {
        const { assert!(W <= 5 && (MOST - 1) * 2 + 5 <= 19 && P <= MOST && S <= 2) };
        // SAFETY: the caller's promise.
        unsafe {
            let mut sums = [V::of(-T::default()); P];
            let mut weights = self.weights.add(lane);
            for row in 0..self.rows {
                let places = self.table.add(row * self.span);
                let mut of = [V::of(T::default()); W];
                for of in &mut of {
                    *of = V::read(weights);
                    weights = weights.wrapping_offset(self.weight);
                }
                // Adds the place of this number to the window whose point of this number it is, if one has it.
                macro_rules! point {
                    ($x:ident $place:literal $point:literal) => {
                        let first = usize::wrapping_sub($place, $point);
                        if $point < W && $point <= $place && first % S == 0 && first / S < P {
                            sums[first / S] = V::fma(m, $x, of[$point % W], sums[first / S]);
                        }
                    };
                }
                macro_rules! places {
                    ($($place:literal)*) => {$(
                        if $place < (P - 1) * S + W {
                            let x = V::read((*places.add($place)).add(lane));
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
                sums.write(self.out.add(p * self.stride + lane));
            }
        }
    }
}

macro_rules! windowed {
    ($($ty:ident: $base:ty, $base_2:ty; $avx2:ty, $avx2_2:ty; $avx512:ty, $avx512_2:ty;)*) => {$(
        impl Windowed for $ty {}

        impl Compiled for $ty {
            #[inline(never)]
            fn read(
                taps: &mut Taps<'_, $ty>,
                from: View<'_, $ty>,
                at: &[isize],
                lane: &[isize],
                steps: &[isize],
                n: usize,
            ) {
                read(taps, from, at, lane, steps, n);
            }

            #[inline(always)]
            fn sums<M: Isa>(m: M, to: &mut Lines<$ty>, points: &Points<$ty>, block: &Block<'_, $ty>) {
                #[inline(never)]
                fn base(to: &mut Lines<$ty>, points: &Points<$ty>, block: &Block<'_, $ty>) {
                    match points.fit(block.step) {
                        true => sums::<_, $ty, $base, $base_2>(isa::Base, to, points, block),
                        false => halves(to, points, block, base),
                    }
                }
                #[cfg(target_arch = "x86_64")]
                #[target_feature(enable = "avx2,fma,bmi1,bmi2,lzcnt,popcnt")]
                #[inline(never)]
                fn avx2(to: &mut Lines<$ty>, points: &Points<$ty>, block: &Block<'_, $ty>) {
                    match points.fit(block.step) {
                        true => sums::<_, $ty, $avx2, $avx2_2>(isa::Avx2, to, points, block),
                        // A closure of this function has its instruction set.
                        false => halves(to, points, block, |to, points, block| avx2(to, points, block)),
                    }
                }
                #[cfg(target_arch = "x86_64")]
                #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512cd,avx2,fma,bmi1,bmi2,lzcnt,popcnt")]
                #[inline(never)]
                fn avx512(to: &mut Lines<$ty>, points: &Points<$ty>, block: &Block<'_, $ty>) {
                    match points.fit(block.step) {
                        true => sums::<_, $ty, $avx512, $avx512_2>(isa::Avx512, to, points, block),
                        // A closure of this function has its instruction set.
                        false => halves(to, points, block, |to, points, block| avx512(to, points, block)),
                    }
                }
                match m.level() {
                    Level::Base => base(to, points, block),
                    // SAFETY: only a kernel's clone for an instruction set has its token, and runs where that is.
                    #[cfg(target_arch = "x86_64")]
                    Level::Avx2 => unsafe { avx2(to, points, block) },
                    // SAFETY: as above.
                    #[cfg(target_arch = "x86_64")]
                    Level::Avx512 => unsafe { avx512(to, points, block) },
                    // Every 64-bit ARM has it.
                    #[cfg(target_arch = "aarch64")]
                    Level::Neon => base(to, points, block),
                }
            }
        }
    )*};
}

windowed! {
    f32: [f32; 4], [f32; 2]; __m256, __m128; [f32; 32], [f32; 16];
    f64: [f64; 2], [f64; 1]; __m256d, __m128d; [f64; 16], [f64; 8];
}
