//! How a kernel is launched: blocks, threads, and what its threads share.
//!
//! In: what the compiler says of a kernel, and its extents. Out: a [`Shape`], whose size classes are put into the text when
//! it is compiled. Always: the classes follow from the extents alone, never from the machine, and any number of blocks gives
//! the same bits; no dynamic shared memory is used. Next: [`super::kernels`], [`super::slices`].

use super::driver::Version;
use super::slices::{self, Slices};
use crate::dtype::DType;
use crate::plan::{Cuda, Deal, Turn};

/// A launch.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Shape {
    /// Threads in a block: `ND_BLOCK`.
    pub(crate) block: u32,
    /// Threads to a row or column: `ND_ROW_THREADS` or `ND_COLUMN_THREADS`.
    pub(crate) team: u32,
    /// `ND_ROW_ITEMS`, a power of two or 0.
    pub(crate) items: u32,
    /// Neighbouring elements that a thread computes: `ND_STRIP`, a divisor of `items`.
    pub(crate) strip: u32,
    /// Blocks; those of one slice, where rows or columns are cut.
    pub(crate) blocks: u32,
    pub(crate) slices: Option<Slices>,
    /// Whether a block makes square tiles: `ND_TURN`.
    pub(crate) turn: bool,
}

/// Blocks that a multiprocessor can have at once, about.
const RESIDENT: i64 = 8;
/// Rows up to this length may be held in registers, at most 16 elements a thread.
const HELD: i64 = 16_384;
/// Registers of a multiprocessor that may hold rows: the half of them, for threads need others beside; and of a thread.
const HOLDING: u32 = 1 << 15;
const OWN: u32 = 127;

/// Points from which there are threads enough when each has a strip of them.
const MANY: i64 = 1 << 16;

/// How many groups of `of` make `n`, the last one perhaps not full.
pub(crate) fn groups(n: i64, of: i64) -> i64 {
    n / of + i64::from(n % of != 0)
}

/// So many blocks that each multiprocessor has some to wait for memory and some to compute; a thread goes on to further
/// points by the size of the grid.
pub(crate) fn blocks(wanted: i64, multiprocessors: u32) -> u32 {
    let most = i64::from(multiprocessors.clamp(1, 1 << 16)) * RESIDENT * 4;
    wanted.clamp(1, most) as u32
}

/// Large tiles from which on they are enough for a device.
const ENOUGH: i64 = 128;

/// The elements of a side of a tile of a product, which is a block's, and the blocks, of so many batches, rows and columns.
/// The side follows from the sizes alone, as the bits do.
pub(crate) fn product(batches: i64, m: i64, n: i64, single: bool, multiprocessors: u32) -> (u32, u32) {
    let tiles = |side: i64| batches.saturating_mul(groups(m, side)).saturating_mul(groups(n, side));
    let side = if single && tiles(128) >= ENOUGH { 128 } else { 64 };
    (side as u32, blocks(tiles(side), multiprocessors))
}

/// Rows of scores of a block of an attention.
pub(crate) const ATTENDED: i64 = 64;
/// The most elements of a row of its result: its sums are in registers.
pub(crate) const WIDEST: i64 = 128;
/// The most terms of its scores for tensor cores: queries are in registers.
const DEEPEST: i64 = 128;

/// The first devices whose tensor cores take what the texts give them.
pub(crate) const TENSOR_CORES: Version = Version(8, 0);

/// Whether a device multiplies elements of this type by tensor cores.
pub(crate) fn by_tensor_cores(dtype: DType, capability: Version) -> bool {
    dtype.bytes() == 2 && capability >= TENSOR_CORES
}

/// Whether an attention of this type goes to them, whose scores have so many terms.
pub(crate) fn attends_by_tensor_cores(dtype: DType, terms: i64, capability: Version) -> bool {
    by_tensor_cores(dtype, capability) && terms <= DEEPEST
}

/// Threads of a block of an attention: by the tensor cores each warp has 16 of its rows.
pub(crate) fn attending(tensor_cores: bool) -> u32 {
    if tensor_cores { 128 } else { 256 }
}

/// The blocks of an attention over so many batches of rows, of results of this width; `None` where it goes step by step.
pub(crate) fn attention(batches: i64, m: i64, keys: i64, width: i64, multiprocessors: u32) -> Option<u32> {
    let tiles = batches.saturating_mul(groups(m, ATTENDED));
    (keys > 0 && width <= WIDEST).then(|| blocks(tiles, multiprocessors))
}

/// Whether indices up to this one need 64 bits. A thread steps beyond the last point by the size of the grid.
pub(crate) fn is_wide(most: i64) -> bool {
    most >= 1 << 30
}

/// The launch of a kernel whose first `par` extents are parallel; without a point nothing is launched.
pub(crate) fn shape(cuda: &Cuda, par: usize, extents: &[i64], multiprocessors: u32) -> Option<Shape> {
    let (parallel, reduced) = extents.split_at_checked(par)?;
    let points = parallel.iter().fold(1i64, |n, &e| n.saturating_mul(e.max(0)));
    if points < 1 {
        return None;
    }
    // How many elements the threads of a row or column share out.
    let shared = match cuda.deal {
        Deal::Point => None,
        Deal::Row => reduced.last(),
        Deal::Column => reduced.first(),
    };
    let shared = shared.copied().unwrap_or(1);
    let held = cuda.deal == Deal::Row && is_held(cuda.held, shared);
    let (block, team) = match cuda.deal {
        Deal::Point | Deal::Column if par == 0 => (1, 1),
        Deal::Point => (256, 1),
        Deal::Row if held => held_row_threads(shared),
        Deal::Row => row_threads(shared, cuda.cut.is_some_and(|cut| cut.passes > 1 || cut.again)),
        Deal::Column => column_threads(points, shared),
    };
    let at_once = i64::from(block / team);
    let items = if held { items(shared, team) } else { 0 };
    let most = cuda.strip.max(1);
    let strip = match cuda.deal {
        Deal::Point => point_strip(most.into(), points, parallel.last().copied().unwrap_or(1)),
        Deal::Row if held => u32::from(most).min(items),
        Deal::Row => most.into(),
        Deal::Column => 1,
    };
    let units = match (cuda.deal, parallel) {
        (Deal::Point, [outer @ .., last]) => {
            outer.iter().fold(groups(*last, strip.into()), |n, &extent| n.saturating_mul(extent))
        }
        (Deal::Point | Deal::Row | Deal::Column, _) => points,
    };
    if let Some(tiled) = cuda.turn.and_then(|turn| tiled(&turn, parallel, multiprocessors)) {
        return Some(tiled);
    }
    let blocks = |units: i64, at_once: i64| blocks(groups(units, at_once), multiprocessors);
    let whole = Shape { block, team, items, strip, blocks: blocks(units, at_once), slices: None, turn: false };
    let cut = slices::cut(cuda, &whole, points, reduced);
    Some(cut.map_or(whole, |(parts, slices)| {
        let blocks = blocks(points, i64::from(parts.block / parts.team));
        Shape { blocks, slices: Some(slices), ..parts }
    }))
}

/// A map by tiles, if it has enough of them.
fn tiled(turn: &Turn, parallel: &[i64], multiprocessors: u32) -> Option<Shape> {
    let side = 32 * i64::from(turn.strip);
    let turned = |axis: usize| axis == usize::from(turn.axis) || axis + 1 == parallel.len();
    let of = |product: i64, n: i64| product.saturating_mul(n);
    let tiles = parallel.iter().enumerate().map(|(axis, &n)| if turned(axis) { groups(n, side) } else { n });
    let blocks = blocks(tiles.fold(1, of), multiprocessors);
    let long = parallel.iter().enumerate().all(|(axis, &n)| !turned(axis) || n >= side / 2);
    let shape = Shape { block: 256, team: 1, items: 0, strip: turn.strip.into(), blocks, slices: None, turn: true };
    (long && parallel.iter().copied().fold(1, of) >= MANY).then_some(shape)
}

/// The strip of a map whose innermost axis has `last` points: few are left over at its end.
fn point_strip(most: u32, points: i64, last: i64) -> u32 {
    let most_of_it = last % i64::from(most) == 0 || last >= 16 * i64::from(most);
    if points >= MANY && most_of_it { most } else { 1 }
}

/// Whether the threads of a row of this length hold it in registers, so many an element, without spilling any.
fn is_held(registers: u8, length: i64) -> bool {
    let (block, team) = held_row_threads(length);
    let fits = || u32::from(registers) * items(length, team) <= (HOLDING / block).min(OWN);
    registers > 0 && length <= HELD && fits()
}

/// The elements of a row of this length that each of its threads holds.
fn items(length: i64, team: u32) -> u32 {
    (length.max(1) as u32).div_ceil(team).next_power_of_two()
}

/// Threads in a block and to a row that is held.
#[allow(clippy::match_overlapping_arm, reason = "a ladder of bounds")]
fn held_row_threads(length: i64) -> (u32, u32) {
    match length {
        ..=64 => (128, 8),
        ..=128 => (128, 16),
        ..=512 => (128, 32),
        longer => {
            let team = (longer.min(HELD) as u32).div_ceil(16).next_power_of_two();
            (team, team)
        }
    }
}

/// Threads in a block and to a row of this length. Where a long row is passed over `again`, a device has few of them at a
/// time, two a multiprocessor: what the first pass has read is then in the second-level cache.
#[allow(clippy::match_overlapping_arm, reason = "a ladder of bounds")]
fn row_threads(length: i64, again: bool) -> (u32, u32) {
    match length {
        longer if again && longer > HELD / 2 => (1024, 1024),
        ..=64 => (128, 8),
        ..=128 => (128, 16),
        ..=3072 => (128, 32),
        ..=6144 => (64, 64),
        ..=16_384 => (128, 128),
        ..=65_536 => (256, 256),
        _ => (1024, 1024),
    }
}

/// Threads in a block and to a column: few columns share theirs among more, very few so that a warp has several rows.
fn column_threads(columns: i64, length: i64) -> (u32, u32) {
    match (columns, length) {
        (_, ..=8) => (256, 1),
        (..=16, 1024..) => (1024, 1024 / (columns.max(1) as u32).next_power_of_two()),
        (..=4096, 1024..) => (1024, 32),
        (..=65_536, _) => (256, 8),
        _ => (256, 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Cut;

    #[test]
    fn strips_fit_the_axis_and_what_is_held() {
        let strip = |deal, held, extents: &[i64], par| {
            shape(&Cuda { deal, held, strip: 4, ..Cuda::NONE }, par, extents, 132).map(|s| (s.strip, s.items, s.blocks))
        };
        assert_eq!(strip(Deal::Point, 0, &[1000, 1000], 2), Some((4, 0, 977)));
        assert_eq!(strip(Deal::Point, 0, &[1000, 1001], 2), Some((4, 0, 981)));
        assert_eq!(strip(Deal::Point, 0, &[1 << 20, 3], 2), Some((1, 0, 4224)), "three of a strip of four");
        assert_eq!(strip(Deal::Point, 0, &[64, 64], 2), Some((1, 0, 16)), "few points");
        assert_eq!(strip(Deal::Row, 1, &[9, 5], 1).map(|s| s.0), Some(1));
        assert_eq!(strip(Deal::Row, 1, &[9, 1000], 1).map(|s| s.0), Some(4));
        assert_eq!(strip(Deal::Row, 0, &[9, 50_000], 1).map(|s| s.0), Some(4));
        assert_eq!(strip(Deal::Column, 0, &[9, 50_000], 1).map(|s| s.0), Some(1));
    }

    fn of(deal: Deal, held: u8, points: i64, length: i64, multiprocessors: u32) -> Option<Shape> {
        shape(&Cuda { deal, held, ..Cuda::NONE }, 1, &[points, length], multiprocessors)
    }

    #[test]
    fn launches_fit_the_kernels_demands() {
        for deal in [Deal::Point, Deal::Row, Deal::Column] {
            for held in [0, 2] {
                for points in [1, 31, 4096, 4097, 1 << 20, i64::MAX] {
                    for length in [0, 1, 64, 65, 1000, 5000, 20_000, 1 << 40] {
                        let s = of(deal, held, points, length, 132).expect("there are points");
                        assert!(s.items == 0 || i64::from(s.items * s.team) >= length && s.items <= 16, "{s:?}");
                        assert!(s.block <= 1024 && s.blocks >= 1 && s.block.is_multiple_of(s.team), "{s:?}");
                        let team = s.team.is_power_of_two() && (s.team <= 32 || s.team == s.block);
                        assert!(deal != Deal::Row || team, "{s:?}");
                        let wide = (s.block / s.team).is_multiple_of(32) || i64::from(s.block / s.team) / 2 < points;
                        assert!(deal != Deal::Column || s.team.is_power_of_two() && wide, "{s:?}");
                    }
                }
                assert_eq!(of(deal, held, 0, 5, 132), None);
            }
        }
    }

    #[test]
    fn rows_are_held_where_nothing_spills() {
        let items = |held, length| of(Deal::Row, held, 4096, length, 132).map(|s| (s.team, s.items));
        assert_eq!([1, 2].map(|held| items(held, 16_384)), [Some((1024, 16)); 2]);
        assert_eq!([3, 4].map(|held| items(held, 8193).map(|s| s.1)), [Some(0); 2], "64 registers a thread");
        assert_eq!([3, 4, 5].map(|held| items(held, 8192).map(|s| s.1)), [Some(16), Some(16), Some(0)]);
        assert_eq!([7, 8].map(|held| items(held, 1024)), [Some((64, 16)), Some((32, 0))], "255 registers a thread");
        assert_eq!(items(15, 64), Some((8, 8)));
        assert_eq!(items(1, 16_385).map(|s| s.1), Some(0));
    }

    #[test]
    fn long_rows_that_are_read_again_have_large_blocks() {
        let block = |passes, again, length| {
            let cut = Some(Cut { passes, states: 1, again });
            shape(&Cuda { deal: Deal::Row, cut, ..Cuda::NONE }, 1, &[4096, length], 132).map(|s| (s.block, s.team))
        };
        assert_eq!(
            [16_384, 16_385, 65_537].map(|length| block(1, false, length)),
            [128, 256, 1024].map(|n| Some((n, n)))
        );
        assert_eq!([8192, 8193, 65_537].map(|length| block(1, true, length)), [128, 1024, 1024].map(|n| Some((n, n))));
        assert_eq!(block(2, false, 32_768), Some((1024, 1024)));
    }

    #[test]
    fn halves_go_to_tensor_cores_where_there_are_some() {
        let of = |dtype, terms, capability| attends_by_tensor_cores(dtype, terms, capability);
        for dtype in [DType::F16, DType::BF16] {
            assert!(of(dtype, DEEPEST, TENSOR_CORES) && of(dtype, 1, Version(12, 0)));
            assert!(!of(dtype, DEEPEST + 1, Version(9, 0)) && !of(dtype, 64, Version(7, 5)));
            assert!(by_tensor_cores(dtype, Version(9, 0)));
        }
        assert!(!of(DType::F32, 64, Version(9, 0)) && !by_tensor_cores(DType::F64, Version(9, 0)));
    }

    #[test]
    fn what_is_read_turned_goes_by_tiles_where_there_are_enough() {
        let tiles = |axis, strip, extents: &[i64]| {
            let turn = Some(Turn { axis, strip, along: &[] });
            let s =
                shape(&Cuda { turn, strip: 4, ..Cuda::NONE }, extents.len(), extents, 132).expect("there are points");
            (s.turn, s.strip, s.blocks)
        };
        assert_eq!(tiles(0, 1, &[4096, 4000]), (true, 1, 4224));
        assert_eq!(tiles(0, 1, &[300, 300]), (true, 1, 100));
        assert_eq!(tiles(1, 2, &[5, 300, 300]), (true, 2, 125));
        assert_eq!(tiles(0, 1, &[100, 100]), (false, 1, 40), "few points");
        assert_eq!(tiles(0, 1, &[15, 10_000]), (false, 4, 147), "a short side");
    }

    #[test]
    fn one_point_is_one_thread_but_a_row_is_shared() {
        let of = |deal| shape(&Cuda { deal, ..Cuda::NONE }, 0, &[1000], 132).map(|s| (s.block, s.blocks));
        assert_eq!((of(Deal::Column), of(Deal::Row)), (Some((1, 1)), Some((128, 1))));
    }

    #[test]
    fn the_classes_do_not_depend_on_the_machine() {
        let of = |sms| of(Deal::Row, 1, 100, 1000, sms).map(|s| (s.block, s.team, s.items));
        assert_eq!(of(1), of(132));
    }
}
