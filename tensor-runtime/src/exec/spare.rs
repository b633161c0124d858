//! Memory that a call is done with, for what it makes next: its lines may still be in a cache.
//!
//! In: memory by its type and length. Out: such as is long enough. Always: which one follows from the sizes and the order of
//! the asking, so it is known before the call; there are few, and none is so large that no cache keeps it.
//! Next: [`super::memory`].

use crate::dtype::DType;

/// What is smaller comes from the allocator, which has it at hand.
const LEAST: usize = 64 << 10;
/// What is larger is in no cache.
const MOST: usize = 64 << 20;
/// Memory is at most so many times as long as what is put there.
const TIMES: usize = 8;
/// So many wait at once.
const COUNT: usize = 4;

/// Free memory, the last that became so last.
pub(super) struct Spare<B>(Vec<(DType, usize, B)>);

impl<B> Spare<B> {
    pub(super) const fn new() -> Spare<B> {
        Spare(Vec::new())
    }

    /// Takes memory for so many elements, the shortest there is; answers how long it is.
    pub(super) fn take(&mut self, dtype: DType, len: usize) -> Option<(usize, B)> {
        if len.saturating_mul(dtype.bytes()) < LEAST {
            return None;
        }
        let fits =
            |(of, have, _): &&(DType, usize, B)| *of == dtype && (len..=len.saturating_mul(TIMES)).contains(have);
        let (at, _) = self.0.iter().enumerate().filter(|(_, free)| fits(free)).min_by_key(|(_, (_, have, _))| *have)?;
        let (_, have, memory) = self.0.remove(at);
        Some((have, memory))
    }

    /// Keeps memory; answers what no longer waits for that.
    pub(super) fn put(&mut self, dtype: DType, len: usize, memory: B) -> Option<B> {
        if !(LEAST..=MOST).contains(&len.saturating_mul(dtype.bytes())) {
            return Some(memory);
        }
        let oldest = (self.0.len() == COUNT).then(|| self.0.remove(0).2);
        self.0.push((dtype, len, memory));
        oldest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shortest_that_is_long_enough() {
        let mut spare = Spare::new();
        let k = LEAST / 4;
        assert_eq!(spare.put(DType::F32, k - 1, 0), Some(0));
        assert_eq!(spare.put(DType::F32, MOST / 4 + 1, 0), Some(0));
        for (n, dtype, len) in
            [(1, DType::F32, 9 * k), (2, DType::F32, 4 * k), (3, DType::F64, 2 * k), (4, DType::F32, 5 * k)]
        {
            assert_eq!(spare.put(dtype, len, n), None);
        }
        assert_eq!(spare.take(DType::F32, k - 1), None);
        assert_eq!(spare.take(DType::F32, 2 * k), Some((4 * k, 2)));
        assert_eq!(spare.take(DType::F32, k), Some((5 * k, 4)));
        assert_eq!(spare.take(DType::F32, k), None);
        assert_eq!(spare.take(DType::I32, k), None);
        for n in 5..7 {
            assert_eq!(spare.put(DType::F32, k, n), None);
        }
        assert_eq!(spare.put(DType::F32, k, 7), Some(1));
    }
}
