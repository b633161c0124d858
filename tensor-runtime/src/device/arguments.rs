//! The values of a kernel's parameters, as a launch wants them.
//!
//! In: addresses, indices, lists of numbers. Out: an address for each value. Always: the values stay where they are while
//! the addresses live. Next: [`super::gpu`].

use std::ffi::c_void;

/// The values, in order.
#[derive(Debug, Default)]
pub(crate) struct Arguments {
    words: Vec<u64>,
    /// Where each value begins.
    starts: Vec<usize>,
    /// Are indices of 64 bits?
    wide: bool,
}

impl Arguments {
    pub(crate) fn new(wide: bool) -> Arguments {
        Arguments { wide, ..Arguments::default() }
    }

    pub(crate) fn address(&mut self, address: u64) {
        self.starts.push(self.words.len());
        self.words.push(address);
    }

    /// A number of type `ND_INDEX`, which fits it.
    pub(crate) fn index(&mut self, value: i64) {
        match self.wide {
            true => self.numbers(&[value]),
            false => {
                let [a, b, c, d] = (value as i32).to_ne_bytes();
                self.address(u64::from_ne_bytes([a, b, c, d, 0, 0, 0, 0]));
            }
        }
    }

    /// A `long long`, or a `struct` of some.
    pub(crate) fn numbers(&mut self, values: &[i64]) {
        self.starts.push(self.words.len());
        self.words.extend(values.iter().map(|&value| value as u64));
    }

    /// The address of each value. A kernel only reads them.
    pub(super) fn addresses(&mut self) -> Vec<*mut c_void> {
        let words = &mut self.words;
        self.starts.iter().map(|&start| (&raw mut words[start]).cast()).collect()
    }
}
