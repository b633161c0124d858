//! Tiles: the parts of a lane that a kernel handles at a time.
//!
//! In: a range of a lane. Out: its spans, memory for those that do not lie in one piece, the positions of a span that
//! may be read. Next: [`super::row`].

use std::marker::PhantomData;
use std::mem::{MaybeUninit, offset_of};
use std::ops::{Deref, DerefMut, Range};
use std::{ptr, slice};

use crate::dtype::Element;

use super::{Ahead, TILE, strided};

/// Memory for one tile of a lane that does not lie in one piece. It begins with a cache line.
#[repr(C, align(64))]
pub struct Tile<T> {
    pub(super) memory: [MaybeUninit<T>; TILE],
    /// So many elements from the start are initialised.
    initialised: usize,
}

impl<T: Element> Tile<T> {
    /// An empty one.
    #[inline(always)]
    #[allow(clippy::new_without_default)]
    pub fn new() -> Tile<T> {
        // Not an array of values: LLVM would get it as a copy of each tile to where it belongs.
        let memory = MaybeUninit::<[MaybeUninit<T>; TILE]>::uninit();
        // SAFETY: an array of what may be uninitialised needs no value.
        Tile { memory: unsafe { memory.assume_init() }, initialised: 0 }
    }

    /// Copies `n` elements that are `stride` apart to positions from `start` on.
    ///
    /// # Safety
    /// They must be readable; positions before `start` must be initialised.
    #[inline(always)]
    pub(super) unsafe fn pack(&mut self, start: usize, first: *const T, stride: isize, n: usize) {
        // SAFETY: the caller's promise.
        unsafe { strided::gather(&mut self.memory[start..][..n], first, stride) };
        self.wrote(start + n);
    }

    /// Copies `count` rows of `width` elements, the next of which are `far` and `near` apart, behind one another.
    ///
    /// # Safety
    /// They must be readable.
    #[inline(always)]
    pub(super) unsafe fn pack_rows(&mut self, first: *const T, [far, near]: [isize; 2], count: usize, width: usize) {
        // SAFETY: the caller's promise.
        unsafe { strided::gather_rows(&mut self.memory[..count * width], first, [far, near], width) };
        self.wrote(count * width);
    }

    pub(super) fn fill(&mut self, n: usize, value: T) {
        for slot in &mut self.memory[..n] {
            slot.write(value);
        }
        self.wrote(n);
    }

    #[inline(always)]
    pub(super) fn wrote(&mut self, n: usize) {
        self.initialised = self.initialised.max(n);
    }

    #[inline(always)]
    pub(super) fn filled(&self, n: usize) -> &[T] {
        assert!(n <= self.initialised);
        // SAFETY: the first `initialised` elements are initialised, and `n` is no more.
        unsafe { self.memory[..n].assume_init_ref() }
    }

    /// `n` elements of unspecified values.
    #[inline(always)]
    pub(super) fn scratch(&mut self, n: usize) -> &mut [T] {
        let start = self.bare().scratch(n);
        // SAFETY: the tile's first `n` elements, which are initialised.
        unsafe { slice::from_raw_parts_mut(start.cast(), n) }
    }

    #[inline(always)]
    pub(super) fn bare(&mut self) -> Bare<'_> {
        const { assert!(offset_of!(Tile<T>, memory) == 0 && offset_of!(Tile<T>, initialised) == TILE * size_of::<T>()) };
        Bare { tile: ptr::from_mut(self).cast(), bytes: size_of::<T>(), lives: PhantomData }
    }
}

/// A tile of elements of so many bytes: what is done with one out of line is compiled with the runtime, not for each type of a
/// crate's.
#[derive(Clone, Copy)]
pub(super) struct Bare<'t> {
    tile: *mut u8,
    bytes: usize,
    lives: PhantomData<&'t mut u8>,
}

impl Bare<'_> {
    /// [`Tile::pack`] from its first position on, and where that is.
    ///
    /// # Safety
    /// The elements must be readable, and no other part of the tile lent.
    #[inline(always)]
    pub(super) unsafe fn pack(self, first: *const u8, stride: isize, n: usize) -> *mut u8 {
        assert!(n <= TILE);
        // SAFETY: the caller's promise; a tile has room for so many.
        unsafe { strided::gather_run(self.bytes, first, stride, self.tile, n) };
        let initialised = self.initialised();
        // SAFETY: see `initialised`.
        unsafe { initialised.write(n.max(initialised.read())) };
        self.tile
    }

    /// [`Tile::scratch`].
    #[inline(never)]
    pub(super) fn scratch(self, n: usize) -> *mut u8 {
        assert!(n <= TILE);
        let initialised = self.initialised();
        // SAFETY: see `initialised`; a tile has room for so many, and zero bytes are a value of every `Element`, a sealed list
        // of numbers and `bool`.
        unsafe {
            if n > initialised.read() {
                self.tile.write_bytes(0, n * self.bytes);
                initialised.write(n);
            }
        }
        self.tile
    }

    pub(super) fn bytes(self) -> usize {
        self.bytes
    }

    /// Where no elements are.
    pub(super) fn nowhere(self) -> *mut u8 {
        ptr::without_provenance_mut(self.bytes)
    }

    /// Where the tile's count is: [`Tile::bare`] asserts that it lies there.
    #[inline(always)]
    fn initialised(self) -> *mut usize {
        self.tile.wrapping_add(TILE * self.bytes).cast()
    }
}

/// The values of one tile of a lane, which begin on a cache line: no vector of them lies on two. Derefs to the array.
#[repr(align(64))]
pub struct Lane<T>(pub [T; TILE]);

impl<T> Deref for Lane<T> {
    type Target = [T; TILE];

    #[inline(always)]
    fn deref(&self) -> &[T; TILE] {
        &self.0
    }
}

impl<T> DerefMut for Lane<T> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut [T; TILE] {
        &mut self.0
    }
}

/// A part of a lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Its first coordinate.
    pub start: isize,
    /// How many; at most [`TILE`].
    pub len: usize,
}

impl Span {
    /// Its coordinates.
    #[inline(always)]
    pub fn range(self) -> Range<usize> {
        let start = self.start as usize;
        start..start.wrapping_add(self.len)
    }
}

/// The spans of a range, all of [`TILE`] elements but the last.
#[derive(Clone, Debug)]
pub struct Tiles {
    next: isize,
    end: isize,
    most: usize,
}

/// The elements of an operand that are gone over several times have about so many, to stay in the first-level cache.
const NEAR: usize = 2048;
/// Spans are of whole vectors.
const LANE_UNIT: usize = 64;

/// Cuts a range into spans.
///
/// ```
/// use ndfuse_runtime::rt::tiles;
/// let lengths: Vec<_> = tiles(0..2500).map(|t| (t.start, t.len)).collect();
/// assert_eq!(lengths, [(0, 1024), (1024, 1024), (2048, 452)]);
/// ```
#[inline(always)]
pub fn tiles(range: Range<isize>) -> Tiles {
    Tiles { next: range.start, end: range.end, most: TILE }
}

impl Tiles {
    /// The same, with shorter spans where an operand has so many elements for each of the lane.
    ///
    /// ```
    /// use ndfuse_runtime::rt::tiles;
    /// let lengths = |many| tiles(0..2500).each(many).map(|t| t.len).collect::<Vec<_>>();
    /// assert_eq!((lengths(2), lengths(3)), (vec![1024, 1024, 452], vec![640, 640, 640, 580]));
    /// ```
    #[inline(always)]
    pub fn each(self, many: isize) -> Tiles {
        let most = (NEAR / many.max(1) as usize).clamp(LANE_UNIT, TILE) / LANE_UNIT * LANE_UNIT;
        Tiles { most, ..self }
    }

    /// The same, with spans that end at these coordinates, too.
    ///
    /// ```
    /// use ndfuse_runtime::rt::tiles;
    /// let lengths: Vec<_> = tiles(2..1500).cut([1400, 7, 0, 2000]).map(|t| (t.start, t.len)).collect();
    /// assert_eq!(lengths, [(2, 5), (7, 1024), (1031, 369), (1400, 100)]);
    /// ```
    #[inline(always)]
    pub fn cut<const N: usize>(self, at: [isize; N]) -> impl Iterator<Item = Span> {
        let Tiles { mut next, end, most } = self;
        std::iter::from_fn(move || {
            let until = at.iter().fold(end, |until, &at| if at > next { until.min(at) } else { until });
            let span = Tiles { next, end: until, most }.next();
            next = span.map_or(end, |span| span.start.wrapping_add(span.len as isize));
            span
        })
    }
}

impl Iterator for Tiles {
    type Item = Span;

    #[inline(always)]
    fn next(&mut self) -> Option<Span> {
        if self.next >= self.end {
            return None;
        }
        let start = self.next;
        let rest = self.end.wrapping_sub(start) as usize;
        let len = if rest < self.most { rest } else { self.most };
        self.next = start.wrapping_add(len as isize);
        Some(Span { start, len })
    }
}

/// So many elements are computed between two fetches: as many lines at once as a processor can wait for, and no more.
pub(super) const PART: usize = 128;

/// A span's positions in parts; with each as many elements are fetched of rows that come next.
#[derive(Clone, Debug)]
pub struct Parts<'a> {
    next: usize,
    len: usize,
    part: usize,
    ahead: &'a [Ahead],
}

/// Cuts the positions `0..len` into parts, where there is something to fetch meanwhile.
///
/// ```
/// use ndfuse_runtime::rt::parts;
/// assert_eq!(parts(300, &[]).collect::<Vec<_>>(), [0..300]);
/// assert_eq!(parts(0, &[]).count(), 0);
/// ```
#[inline(always)]
pub fn parts(len: usize, ahead: &[Ahead]) -> Parts<'_> {
    let part = if ahead.iter().all(|row| row.is_none()) { TILE } else { PART };
    Parts { next: 0, len, part, ahead }
}

impl Iterator for Parts<'_> {
    type Item = Range<usize>;

    #[inline(always)]
    fn next(&mut self) -> Option<Range<usize>> {
        if self.next >= self.len {
            return None;
        }
        let part = self.next..self.len.min(self.next + self.part);
        for row in self.ahead {
            row.fetch(part.start, part.len());
        }
        self.next = part.end;
        Some(part)
    }
}

/// The lane positions `i` in `0..n` with `0 <= low + step * i < extent`.
///
/// ```
/// use ndfuse_runtime::rt::valid;
/// assert_eq!(valid(-2, 1, 3, 8), 2..5);
/// assert_eq!(valid(4, -2, 4, 8), 1..3);
/// assert_eq!(valid(5, 0, 3, 8), 0..0);
/// ```
#[inline]
pub fn valid(low: isize, step: isize, extent: isize, n: usize) -> Range<isize> {
    let n = n as isize;
    let (start, end) = match step {
        0 => return if 0 <= low && low < extent { 0..n } else { 0..0 },
        // From the first `i` with `low + step * i >= 0` to the first with `>= extent`.
        1.. => (div_up(low.saturating_neg(), step), div_up(extent.saturating_sub(low), step)),
        // From the first `i` with `low + step * i <= extent - 1` to the first with `<= -1`.
        _ => {
            let down = step.saturating_neg();
            (div_up(low.saturating_sub(extent).saturating_add(1), down), div_up(low.saturating_add(1), down))
        }
    };
    let start = start.clamp(0, n);
    start..end.clamp(start, n)
}

/// The quotient rounded up; `by` is positive.
#[inline]
fn div_up(a: isize, by: isize) -> isize {
    let quotient = a.div_euclid(by);
    quotient + isize::from(a.rem_euclid(by) != 0)
}

/// A range of lane positions, as narrow as most elements are, so that a vector of them is one comparison.
#[derive(Clone, Copy, Debug)]
pub struct Within {
    start: u32,
    len: u32,
}

impl Within {
    /// Of lane positions, which are below [`TILE`].
    #[inline(always)]
    pub fn new(range: Range<isize>) -> Within {
        Within { start: range.start as u32, len: (range.end - range.start) as u32 }
    }

    /// Whether it has this position.
    ///
    /// ```
    /// use ndfuse_runtime::rt::Within;
    /// let within = Within::new(2..5);
    /// assert_eq!([1, 2, 4, 5].map(|i| within.has(i)), [false, true, true, false]);
    /// ```
    #[inline(always)]
    pub fn has(self, i: usize) -> bool {
        (i as u32).wrapping_sub(self.start) < self.len
    }
}

/// What two ranges share.
#[inline(always)]
pub fn meet(a: Range<isize>, b: Range<isize>) -> Range<isize> {
    let start = a.start.max(b.start);
    start..a.end.min(b.end).max(start)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_the_whole_in_order() {
        let memory = [0f32; 1024];
        let row = Ahead { first: memory.as_ptr().cast(), bytes: 4, write: false };
        for len in [0, 1, 127, 128, 129, 1024] {
            for ahead in [&[][..], &[Ahead::NONE], &[row], &[Ahead::NONE, row]] {
                let all: Vec<usize> = parts(len, ahead).flatten().collect();
                assert_eq!(all, (0..len).collect::<Vec<_>>());
            }
        }
        assert_eq!(parts(300, &[row]).collect::<Vec<_>>(), [0..128, 128..256, 256..300]);
        assert_eq!(parts(300, &[Ahead::NONE]).count(), 1);
    }
}
