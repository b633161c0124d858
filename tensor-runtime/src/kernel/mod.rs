//! What a generated kernel sees: its operands as rows, its axes as ranges.
//!
//! In: windows on memory that [`crate::exec`] has checked, one job's ranges. Out: [`In`], [`Out`], [`Row`] and the
//! spans of [`tiles`]. Always: a kernel is safe code and may be wrong: every row and every element it asks for is
//! checked against its window, whole rows at a time, and panics outside; the windows of two jobs on one output
//! never overlap, an output is taken once, and one row of it is held at a time. So no kernel can cause undefined
//! behaviour; the executor turns the panic into an error.
//! Next: [`crate::monoid`], [`crate::exec`].
//!
//! ```
//! use ndfuse_runtime::rt;
//! struct Double;
//! impl rt::Kernel for Double {
//!     type Unit = rt::unit::U0;
//!     #[inline(always)]
//!     fn run<M: rt::Isa>(_: M, cx: &mut rt::Cx<'_>) {
//!         let x = cx.input::<f32, 1>(0);
//!         let mut y = cx.output::<f32, 1>(0);
//!         let (mut x_t, mut y_t) = (rt::Tile::<f32>::new(), rt::Tile::<f32>::new());
//!         for t in rt::tiles(cx.range(0)) {
//!             let v0 = x.row([t.start], [1], t.len, &mut x_t);
//!             let mut y0 = y.row([t.start], 0, t.len, &mut y_t);
//!             let y0 = &mut y0[..t.len];
//!             for i in 0..t.len {
//!                 y0[i] = 2.0 * v0[i];
//!             }
//!         }
//!     }
//! }
//! static DOUBLE: rt::CpuKernel = rt::CpuKernel::new::<Double>();
//! ```

pub(crate) mod cache;
mod elsewhere;
mod near;
mod operand;
pub(crate) mod piece;
mod place;
mod row;
pub(crate) mod slice;
pub(crate) mod strided;
mod tile;
mod together;
pub mod unit;
mod window;

use std::cell::Cell;
use std::marker::PhantomData;
use std::ops::Range;

use crate::dims::{MAX_AXES, MAX_RANK};
use crate::dtype::{DType, Element};
use crate::isa::{self, Found, Isa};
use crate::monoid::{Acc, Monoid};
use crate::plan::Cut;

pub use cache::Ahead;
pub use near::Near;
pub use operand::{In, Out, RowMut};
pub use piece::Piece;
use place::Place;
pub use row::Row;
use slice::Slice;
pub use tile::{Lane, Parts, Span, Tile, Tiles, Within, meet, parts, tiles, valid};
pub use together::{Rows, RowsMut, spread};
use unit::Unit;
pub use window::{Around, Sums, Taps, Windowed, lanes};

/// The most elements of a lane that a kernel handles at a time.
pub const TILE: usize = 1024;
/// So many rows are worth a lane.
const MANY: usize = 16;

/// The body of a generated kernel, for any instruction set.
pub trait Kernel {
    /// What rustc compiles it with.
    type Unit: Unit;
    /// Whether it is compiled once, and its pieces for each instruction set: else it is one piece.
    const ONCE: bool = false;

    /// Computes one job.
    fn run<M: Isa>(m: M, cx: &mut Cx<'_>);
}

type Entry = fn(Found, &mut Cx<'_>);

/// A kernel, in one form or two.
#[derive(Clone, Copy)]
pub struct CpuKernel {
    own: Entry,
    second: Option<unsafe fn(&mut Cx<'_>)>,
    /// The second form runs where the last parallel axis has at most so many elements; with 0, where it is asked for.
    few: usize,
    /// How its rows may be cut into slices.
    cut: Option<Cut>,
}

impl CpuKernel {
    /// The kernel `K`.
    pub const fn new<K: Kernel>() -> CpuKernel {
        CpuKernel { own: K::Unit::kernel::<K>, second: None, few: 0, cut: None }
    }

    /// The same, with `K` as the form whose lane is the last parallel axis, for rows that are short or lie across
    /// memory.
    pub const fn across<K: Kernel>(self) -> CpuKernel {
        CpuKernel { second: Some(K::Unit::second::<K>), ..self }
    }

    /// The same map, with `K` as the form whose lane is the last axis but one, for a last axis of at most so many elements.
    pub const fn turned<K: Kernel>(self, few: usize) -> CpuKernel {
        CpuKernel { second: Some(K::Unit::second::<K>), few, ..self }
    }

    /// The same, whose rows may be cut.
    pub const fn sliced(self, cut: Cut) -> CpuKernel {
        CpuKernel { cut: Some(cut), ..self }
    }

    pub(crate) fn cut(&self) -> Option<Cut> {
        self.cut
    }

    pub(crate) fn has_across(&self) -> bool {
        self.second.is_some() && self.few == 0
    }

    /// Runs the clone for this machine, of the second form if it is asked for.
    #[inline]
    pub(crate) fn run(&self, across: bool, cx: &mut Cx<'_>) {
        // Also where the kernel panics: the memory may be another's soon. A closure, for a value that is not kept would be dropped.
        let _streamed = (cx.streams != 0).then(|| cache::Streamed);
        let level = isa::active();
        let asked = || across || (self.few > 0 && cx.is_tall(self.few));
        match self.second {
            // SAFETY: the machine has the set that is active, and that has a second form.
            Some(form) if asked() && level.has_second() => unsafe { form(cx) },
            // SAFETY: as above.
            Some(_) | None => (self.own)(unsafe { Found::new(level) }, cx),
        }
    }
}

impl std::fmt::Debug for CpuKernel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CpuKernel")
    }
}

/// A box of an operand's elements that a job may touch.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Window {
    /// Where the element of coordinates 0 would be; it may lie outside of the box, and of the memory.
    pub(crate) origin: *mut u8,
    pub(crate) dtype: DType,
    pub(crate) rank: usize,
    /// The first coordinate of the box on each axis.
    pub(crate) low: [isize; MAX_RANK],
    /// How many there are.
    pub(crate) size: [usize; MAX_RANK],
    /// In elements.
    pub(crate) stride: [isize; MAX_RANK],
}

impl Window {
    /// No axes, nowhere.
    pub(crate) const NOWHERE: Window = Window {
        origin: std::ptr::null_mut(),
        dtype: DType::Bool,
        rank: 0,
        low: [0; MAX_RANK],
        size: [0; MAX_RANK],
        stride: [0; MAX_RANK],
    };

    /// Counts an axis from `first` on: what was coordinate `first` is 0 now.
    pub(crate) fn shift(&mut self, axis: usize, first: isize) {
        let bytes = self.stride[axis].wrapping_mul(self.dtype.bytes() as isize);
        self.origin = self.origin.wrapping_offset(first.wrapping_mul(bytes));
        self.low[axis] = self.low[axis].wrapping_sub(first);
    }
}

/// One job of a launch: its operands and its part of the axes.
pub struct Cx<'a> {
    inputs: &'a [Window],
    outputs: &'a [Window],
    /// Of the parallel axes, of which there are `par`. Arrays, for a number that a kernel knows needs no check in one.
    ranges: &'a [Range<isize>; MAX_RANK],
    par: usize,
    extents: &'a [isize; MAX_AXES],
    sizes: &'a [isize],
    /// Of the outputs, a bit each: those whose rows go past the caches.
    streams: u64,
    /// Whether the kernel does little but move memory.
    moves: bool,
    /// Which part of its row it has, if not all.
    slice: Option<&'a Slice<'a>>,
    taken: Cell<u64>,
    fault: Cell<Option<Fault>>,
}

/// An index out of range, and the size of its axis.
pub(crate) type Fault = (i64, isize);

impl<'a> Cx<'a> {
    /// A job, of whole rows or of a part of one.
    ///
    /// # Safety
    /// For `'a`, every element in a window of `inputs` must be initialised, readable and written by nobody; every
    /// element in a window of `outputs` initialised and neither read nor written by anybody else; and two elements
    /// of one output window, or of two, must not overlap. Every origin must be aligned for the window's dtype, with
    /// the provenance of the whole window.
    pub(crate) unsafe fn new(
        inputs: &'a [Window],
        outputs: &'a [Window],
        (ranges, par): (&'a [Range<isize>; MAX_RANK], usize),
        extents: &'a [isize; MAX_AXES],
        sizes: &'a [isize],
        slice: Option<&'a Slice<'a>>,
    ) -> Cx<'a> {
        Cx {
            inputs,
            outputs,
            ranges,
            par,
            extents,
            sizes,
            streams: 0,
            moves: false,
            slice,
            taken: Cell::new(0),
            fault: Cell::new(None),
        }
    }

    /// The same, where the rows of some outputs, a bit each, go past the caches, and what follows a row is fetched if the
    /// kernel does little but move memory.
    #[inline]
    pub(crate) fn moving(&mut self, moves: bool, streams: u64) {
        (self.moves, self.streams) = (moves, streams);
    }

    /// Input `k`, of the element type and rank that it has.
    // Out of line, as `output` is: once a job costs nothing, and all kernels' clones share it when a crate is compiled.
    #[inline(never)]
    pub fn input<T: Element, const N: usize>(&self, k: usize) -> In<'a, T, N> {
        let long = if self.moves { cache::PAGE / size_of::<T>() } else { usize::MAX };
        In { at: Place::new(&self.inputs[k]), long, memory: PhantomData }
    }

    /// Output `k`, of the element type and rank that it has; once.
    #[inline(never)]
    pub fn output<T: Element, const N: usize>(&self, k: usize) -> Out<'a, T, N> {
        let (window, streams) = self.take(k);
        Out { at: Place::new(window), streams, fetches: !self.moves && !streams, memory: PhantomData }
    }

    /// The window of output `k`, once, and whether its rows go past the caches.
    #[inline]
    fn take(&self, k: usize) -> (&'a Window, bool) {
        let bit = u32::try_from(k).ok().and_then(|k| 1u64.checked_shl(k)).unwrap_or(0);
        if bit == 0 || self.taken.get() & bit != 0 {
            twice(k);
        }
        self.taken.set(self.taken.get() | bit);
        (&self.outputs[k], self.streams & bit != 0)
    }

    /// Whether the last parallel axis has so few elements and the one before it many.
    #[inline]
    fn is_tall(&self, few: usize) -> bool {
        let [.., rows, last] = &self.ranges[..self.par] else { return false };
        last.len() <= few && rows.len() >= MANY
    }

    /// This job's part of parallel axis `k`.
    #[inline]
    pub fn range(&self, k: usize) -> Range<isize> {
        // Not `clone`, here and wherever a crate of a user's compiles it: rustc goes through all implementations of a trait whose
        // function is called, and of `Clone` there are thousands.
        let Range { start, end } = self.ranges[k];
        start..end
    }

    /// This job's part of the lane, in one of the passes over it.
    #[inline(always)]
    pub fn part(&self, pass: usize, lane: Range<isize>) -> Range<isize> {
        match self.slice {
            None => lane,
            Some(slice) => slice.part(pass, lane),
        }
    }

    /// What a row comes to in a reduction, of this pass and this number in the kernel.
    #[inline(always)]
    pub fn total<M: Isa, T: Element, O: Monoid<T>>(&self, m: M, at: [usize; 2], acc: &mut Acc<T, O>) -> O::Answer {
        slice::total(m, self.slice, at, acc)
    }

    /// Whether the job has nothing to do behind this pass.
    #[inline(always)]
    pub fn ends(&self, pass: usize) -> bool {
        self.slice.is_some_and(|slice| slice.ends && slice.pass == pass)
    }

    /// The extent of axis `k`: the parallel ones first, then the reduced ones.
    #[inline]
    pub fn extent(&self, k: usize) -> isize {
        self.extents[k]
    }

    /// Size `k` of the launch.
    #[inline]
    pub fn size(&self, k: usize) -> isize {
        self.sizes[k]
    }

    /// The place of index `at` on an axis of `n` elements, at least one: a negative one counts from the end. Out of
    /// range it is a fault of the call; the nearest place stands in for it.
    #[inline(always)]
    pub fn pick(&self, at: i64, n: isize) -> isize {
        let place = if at < 0 { at.wrapping_add(n as i64) } else { at };
        if (place as u64) < n as u64 { place as isize } else { self.wrong(at, n) }
    }

    #[cold]
    #[inline(never)]
    fn wrong(&self, at: i64, n: isize) -> isize {
        // The least of all, whatever the order of the jobs.
        let fault = self.fault.get().map_or((at, n), |other| other.min((at, n)));
        self.fault.set(Some(fault));
        if at < 0 { 0 } else { (n - 1).max(0) }
    }

    /// The least index that was out of range.
    pub(crate) fn fault(&self) -> Option<Fault> {
        self.fault.get()
    }

    /// A buffer of `len` elements, of unspecified values, for what a later pass over a row needs again.
    pub fn row<T: Element>(&self, len: isize) -> Row<T> {
        Row::new(usize::try_from(len).expect("the length of a row is not negative"))
    }
}

#[cold]
#[inline(never)]
fn twice(k: usize) -> ! {
    panic!("output {k} cannot be taken twice");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::isa::Level;
    use crate::monoid::{Acc, ColAcc, Sum};

    /// Sums of a row in both forms, and one function of each of its elements.
    struct Body;

    impl Kernel for Body {
        type Unit = unit::U0;

        #[inline(always)]
        fn run<M: Isa>(m: M, cx: &mut Cx<'_>) {
            let x = cx.input::<f32, 1>(0);
            let mut y = cx.output::<f32, 1>(0);
            let (mut x_t, mut y_t) = (Tile::<f32>::new(), Tile::<f32>::new());
            let mut sum = Acc::<f32, Sum>::new();
            let mut columns = ColAcc::<f32, Sum>::new(TILE.min(cx.extent(0) as usize));
            for t in tiles(cx.range(0)) {
                let v0 = x.row([t.start], [1], t.len, &mut x_t);
                sum.push(m, t.start, v0);
                columns.push(m, t.start, x.row([0], [1], TILE.min(cx.extent(0) as usize), &mut Tile::new()));
                let mut y0 = y.row([t.start], 0, t.len, &mut y_t);
                let y0 = &mut y0[..t.len];
                for i in 0..t.len {
                    y0[i] = m.fma(m.exp(v0[i]), 0.5, m.tanh(v0[i]));
                }
            }
            y.put([0], sum.finish(m));
            y.put([1], columns.finish(m)[0]);
        }
    }

    fn run(level: Level, x: &mut [f32]) -> Vec<f32> {
        let mut y = vec![0.0f32; x.len()];
        let window = |slice: &mut [f32]| {
            let mut window = Window {
                origin: slice.as_mut_ptr().cast(),
                dtype: DType::F32,
                rank: 1,
                low: [0; MAX_RANK],
                size: [0; MAX_RANK],
                stride: [0; MAX_RANK],
            };
            (window.size[0], window.stride[0]) = (slice.len(), 1);
            window
        };
        let n = x.len() as isize;
        let (inputs, outputs) = ([window(x)], [window(&mut y)]);
        let (ranges, extents) = (std::array::from_fn(|_| 0..n), [n; MAX_AXES]);
        // SAFETY: both slices are exclusive here, initialised, and apart.
        let mut cx = unsafe { Cx::new(&inputs, &outputs, (&ranges, 1), &extents, &[], None) };
        // SAFETY: whoever calls asks for what was detected.
        (CpuKernel::new::<Body>().own)(unsafe { Found::new(level) }, &mut cx);
        y
    }

    #[test]
    fn every_clone_sums_to_the_same_bits() {
        let levels = [
            Level::Base,
            #[cfg(target_arch = "x86_64")]
            Level::Avx2,
            #[cfg(target_arch = "x86_64")]
            Level::Avx512,
            #[cfg(target_arch = "aarch64")]
            Level::Neon,
        ];
        for n in [2, 40, 1024, 5000, 40_000] {
            let mut x: Vec<f32> = (0..n).map(|i| (i * 7919 % 1000) as f32 * 0.013 - 6.0).collect();
            let base = run(Level::Base, &mut x);
            for &level in levels.iter().filter(|&&level| level <= isa::detected()) {
                let found = run(level, &mut x);
                assert_eq!(found[..2], base[..2], "{level:?} {n}");
                let near = |(a, b): (&f32, &f32)| (a - b).abs() <= 4.0 * f32::EPSILON * b.abs().max(1.0);
                assert!(found.iter().zip(&base).all(near), "{level:?} {n}");
            }
        }
    }
}
