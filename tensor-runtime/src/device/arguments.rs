//! The values of a kernel's parameters, as a launch wants them.
//!
//! In: addresses, indices, lists of numbers. Out: an address for each value. Always: the values stay where they are while
//! the addresses live, and lie in the kernel's parameters as in a `struct` of C. Next: [`super::gpu`].

use std::ffi::c_void;

/// Values for which there is room from the beginning.
const ROOM: usize = 64;

/// The values, in order.
#[derive(Debug)]
pub(crate) struct Arguments {
    words: Vec<u64>,
    /// Where each value begins.
    starts: Vec<usize>,
    /// Bytes of the parameters.
    bytes: usize,
    /// Are indices of 64 bits?
    wide: bool,
}

impl Arguments {
    pub(crate) fn new(wide: bool) -> Arguments {
        Arguments { words: Vec::with_capacity(ROOM), starts: Vec::with_capacity(ROOM), bytes: 0, wide }
    }

    pub(crate) fn address(&mut self, address: u64) {
        self.starts.push(self.words.len());
        self.words.push(address);
        self.bytes = self.bytes.next_multiple_of(size_of::<u64>()) + size_of::<u64>();
    }

    /// A number of type `ND_INDEX`, which fits it.
    pub(crate) fn index(&mut self, value: i64) {
        match self.wide {
            true => self.numbers(&[value]),
            false => {
                let [a, b, c, d] = (value as i32).to_ne_bytes();
                self.starts.push(self.words.len());
                self.words.push(u64::from_ne_bytes([a, b, c, d, 0, 0, 0, 0]));
                self.bytes += size_of::<i32>();
            }
        }
    }

    /// A `long long`, or a `struct` of some.
    pub(crate) fn numbers(&mut self, values: &[i64]) {
        self.starts.push(self.words.len());
        self.words.extend(values.iter().map(|&value| value as u64));
        self.bytes = self.bytes.next_multiple_of(size_of::<i64>()) + size_of_val(values);
    }

    /// The bytes of all parameters.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// The address of each value. A kernel only reads them.
    pub(super) fn addresses(&mut self) -> Vec<*mut c_void> {
        let words = &mut self.words;
        self.starts.iter().map(|&start| (&raw mut words[start]).cast()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_lie_as_in_a_struct() {
        let of = |wide| {
            let mut arguments = Arguments::new(wide);
            arguments.address(1);
            (0..3).for_each(|k| arguments.index(k));
            arguments.address(2);
            arguments.index(3);
            arguments.numbers(&[4, 5]);
            (arguments.bytes(), arguments.addresses().len())
        };
        // Three numbers of four bytes, and four that are left out; at the end one, and four again.
        assert_eq!((of(false), of(true)), ((8 + 12 + 4 + 8 + 4 + 4 + 16, 7), (64, 7)));
    }
}
