//! A table for what the compiler makes itself.
//!
//! In: keys of a few numbers. Out: [`Table`], a `HashMap` with a hash of a multiplication a number: keys come from no adversary,
//! and the library's own hash was a sixth of what fusion takes. Always: nothing depends on a table's order. Next: [`crate::graph`].

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// A `HashMap` with a quick hash.
pub type Table<K, V> = HashMap<K, V, BuildHasherDefault<Quick>>;

/// Odd, its bits as good as drawn.
const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;

/// The hash: each number is mixed into it, and at the end its high bits, which depend on most, into its low ones.
#[derive(Clone, Copy, Default, Debug)]
pub struct Quick(u64);

impl Quick {
    fn mix(&mut self, number: u64) {
        self.0 = (self.0.rotate_left(5) ^ number).wrapping_mul(FACTOR);
    }
}

impl Hasher for Quick {
    fn finish(&self) -> u64 {
        let mixed = (self.0 ^ (self.0 >> 32)).wrapping_mul(FACTOR);
        mixed ^ (mixed >> 29)
    }

    fn write(&mut self, bytes: &[u8]) {
        for part in bytes.chunks(8) {
            let mut number = [0; 8];
            number[..part.len()].copy_from_slice(part);
            self.mix(u64::from_le_bytes(number));
        }
    }

    fn write_u8(&mut self, number: u8) {
        self.mix(number.into());
    }

    fn write_u32(&mut self, number: u32) {
        self.mix(number.into());
    }

    fn write_u64(&mut self, number: u64) {
        self.mix(number);
    }

    fn write_usize(&mut self, number: usize) {
        self.mix(number as u64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::hash::{BuildHasher, Hash};

    /// Small numbers, lists and texts, as keys are made of, differ in the lowest bits, and in the highest.
    #[test]
    fn keys_are_spread() {
        fn spread<K: Hash>(keys: impl Iterator<Item = K>) {
            let hashes: Vec<u64> = keys.map(|key| BuildHasherDefault::<Quick>::default().hash_one(key)).collect();
            for part in [|h: &u64| h & 1023, |h: &u64| h >> 54] {
                let places: BTreeSet<u64> = hashes.iter().map(part).collect();
                assert!(places.len() > 500, "{} of 1024", places.len());
            }
        }
        spread(0..1024u32);
        spread((0..1024usize).map(|k| (k / 32, k % 32)));
        spread((0..1024i64).map(|k| vec![k % 4, k / 4]));
        spread((0..1024).map(|k| format!("v{k}")));
    }
}
