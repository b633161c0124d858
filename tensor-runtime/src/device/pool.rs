//! Free memory of a device, kept for the next one that asks.
//!
//! In: sizes; memory that is not used any more. Out: memory of a size class. Always: one queue alone uses it, so what is
//! given back here is free as soon as it is taken: whoever takes it asks later than whoever gave it. A block is larger than
//! what was asked for by at most an eighth, or 255 bytes. Next: [`super::gpu`]; memory that copies land in is with
//! [`super::copies`].

use std::collections::BTreeMap;

use super::driver::Address;

/// The least size of a block, and what all sizes are multiples of.
const UNIT: u64 = 256;

/// The size of the block for so many bytes: eight classes between a power of two and the next.
pub(super) fn class(bytes: u64) -> Option<u64> {
    let bytes = bytes.max(1);
    let step = (1u64 << bytes.ilog2()).checked_div(8)?.max(UNIT);
    bytes.checked_next_multiple_of(step)
}

/// Free blocks, by their size.
#[derive(Debug, Default)]
pub(super) struct Pool {
    free: BTreeMap<u64, Vec<Address>>,
    bytes: u64,
}

impl Pool {
    /// A free block of this class.
    pub(super) fn take(&mut self, class: u64) -> Option<Address> {
        let list = self.free.get_mut(&class)?;
        let at = list.pop()?;
        self.bytes -= class;
        if list.is_empty() {
            self.free.remove(&class);
        }
        Some(at)
    }

    /// Keeps a block of this class.
    pub(super) fn put(&mut self, class: u64, at: Address) {
        self.bytes += class;
        self.free.entry(class).or_default().push(at);
    }

    /// All blocks, which it keeps no more.
    pub(super) fn drain(&mut self) -> Vec<Address> {
        self.bytes = 0;
        std::mem::take(&mut self.free).into_values().flatten().collect()
    }

    /// The bytes of all blocks.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_is_little_larger_than_asked() {
        assert_eq!([0, 1, 256, 257, 4096, 4097].map(class), [256, 256, 256, 512, 4096, 4608].map(Some));
        for bytes in (0..64).flat_map(|k| [(1u64 << k) - 1, 1 << k, (1 << k) + 1]).filter(|&b| b > 0 && b < 1 << 62) {
            let class = class(bytes).unwrap();
            assert!(
                class >= bytes && class.is_multiple_of(UNIT) && (class - bytes <= bytes / 8 || class - bytes < UNIT)
            );
            assert_eq!(super::class(class), Some(class), "a class is its own");
        }
        assert_eq!(class(u64::MAX), None);
    }

    #[test]
    fn blocks_come_back_by_their_class() {
        let mut pool = Pool::default();
        pool.put(512, 1);
        pool.put(512, 2);
        pool.put(1024, 3);
        assert_eq!((pool.bytes(), pool.take(256), pool.take(512), pool.take(1024)), (2048, None, Some(2), Some(3)));
        assert_eq!((pool.drain(), pool.bytes(), pool.take(512)), (vec![1], 0, None));
    }
}
