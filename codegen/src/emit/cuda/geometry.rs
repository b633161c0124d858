//! How a kernel is launched.
//!
//! In: [`Loops`]. Out: what decides the launch, and the launch for given
//! extents. Always: any grid gives the same bits; a block and what its threads
//! share follow from the extents alone, never from the machine.

use super::body::held;
use super::{Deal, deal};
use crate::loops::Loops;
use crate::shape::Dim;

/// What decides a launch, in terms of the kernel's extents `e0…`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Geometry {
    pub deal: Deal,
    /// How many points the parallel axes have.
    pub points: Dim,
    /// How many elements the threads of a row or column share out: the lane of a
    /// row, the outer reduced loop of a column; 1 where a thread has its point
    /// alone.
    pub shared_out: Dim,
    /// Whether the loops allow more than one thread at all.
    pub alone: bool,
    /// How many elements of a row its threads hold in registers for each that
    /// they stride over; 0 where nothing is worth it.
    pub held: usize,
}

/// A launch.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Launch {
    /// Threads in a block: `ND_BLOCK`.
    pub block: u32,
    /// Threads to a row or column: `ND_ROW_THREADS` or `ND_COLUMN_THREADS`.
    pub team: u32,
    /// `ND_ROW_ITEMS`, a power of two or 0.
    pub items: u32,
    pub grid: u32,
}

/// The rule for this kernel. No dynamic shared memory is used.
pub fn geometry(loops: &Loops) -> Geometry {
    let kernel = &loops.kernel;
    let points = Dim::product(kernel.par.iter().map(|a| &a.extent));
    let deal = deal(loops);
    let shared_out = match deal {
        Deal::Point => None,
        Deal::Row => kernel.red.last(),
        Deal::Column => kernel.red.first(),
    };
    let shared_out = shared_out.map_or_else(Dim::one, |a| a.extent.clone());
    Geometry { deal, points, shared_out, alone: kernel.par.is_empty() && deal != Deal::Row, held: held(loops).len() }
}

/// Blocks that a multiprocessor can have at once, about.
const RESIDENT: i64 = 8;

impl Geometry {
    /// The launch where `points` and `shared_out` have these values, on a device
    /// of so many multiprocessors. Without points nothing is launched.
    pub fn launch(&self, points: i64, shared_out: i64, multiprocessors: u32) -> Option<Launch> {
        if points < 1 {
            return None;
        }
        let (block, team) = match self.deal {
            _ if self.alone => (1, 1),
            Deal::Point => (256, 1),
            Deal::Row if self.held > 0 && shared_out <= HELD => held_row_threads(shared_out),
            Deal::Row => row_threads(shared_out),
            Deal::Column => column_threads(points, shared_out),
        };
        let at_once = i64::from(block / team);
        let wanted = points.saturating_add(at_once - 1) / at_once;
        let grid = wanted.min(i64::from(multiprocessors.max(1)) * RESIDENT * 4);
        let items = match self.deal {
            Deal::Row if self.held > 0 && shared_out <= HELD => {
                let each = shared_out.max(1) as u32;
                each.div_ceil(team).next_power_of_two()
            }
            Deal::Point | Deal::Row | Deal::Column => 0,
        };
        Some(Launch { block, team, items, grid: grid as u32 })
    }
}

/// Rows up to this length are held in registers, at most 16 elements a thread.
const HELD: i64 = 16_384;

/// Threads in a block and to a row that is held.
#[allow(clippy::match_overlapping_arm, reason = "a ladder of bounds")]
fn held_row_threads(length: i64) -> (u32, u32) {
    match length {
        ..=64 => (128, 8),
        ..=128 => (128, 16),
        ..=512 => (128, 32),
        longer => {
            let team = (longer.max(1) as u32).div_ceil(16).next_power_of_two();
            (team, team)
        }
    }
}

/// Threads in a block and to a row of this length.
#[allow(clippy::match_overlapping_arm, reason = "a ladder of bounds")]
fn row_threads(length: i64) -> (u32, u32) {
    match length {
        ..=64 => (128, 8),
        ..=128 => (128, 16),
        ..=3072 => (128, 32),
        ..=6144 => (64, 64),
        ..=16_384 => (128, 128),
        ..=65_536 => (256, 256),
        _ => (1024, 1024),
    }
}

/// Threads in a block and to a column: few columns share theirs among more.
fn column_threads(columns: i64, length: i64) -> (u32, u32) {
    match (columns, length) {
        (_, ..=8) => (256, 1),
        (..=4096, 1024..) => (1024, 32),
        (..=65_536, _) => (256, 8),
        _ => (256, 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn launches_fit_the_kernels_demands() {
        for deal in [Deal::Point, Deal::Row, Deal::Column] {
            for held in [0, 2] {
                let g = Geometry { deal, points: Dim::one(), shared_out: Dim::one(), alone: false, held };
                for points in [1, 31, 4096, 4097, 1 << 20, i64::MAX] {
                    for length in [0, 1, 64, 65, 1000, 5000, 20_000, 1 << 40] {
                        let l = g.launch(points, length, 132).expect("there are points");
                        assert!(l.items == 0 || i64::from(l.items * l.team) >= length && l.items <= 16, "{l:?}");
                        assert!(l.block <= 1024 && l.grid >= 1 && l.block.is_multiple_of(l.team), "{l:?}");
                        assert!(
                            deal != Deal::Row || l.team.is_power_of_two() && (l.team <= 32 || l.team == l.block),
                            "{l:?}"
                        );
                        assert!(deal != Deal::Column || (l.block / l.team).is_multiple_of(32), "{l:?}");
                    }
                }
                assert_eq!(g.launch(0, 5, 132), None);
            }
        }
    }

    #[test]
    fn the_block_does_not_depend_on_the_machine() {
        let g = Geometry { deal: Deal::Row, points: Dim::one(), shared_out: Dim::one(), alone: false, held: 0 };
        let of = |sms| g.launch(100, 1000, sms).map(|l| (l.block, l.team));
        assert_eq!(of(1), of(132));
    }
}
