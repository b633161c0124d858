//! The text, as numbers.
//!
//! In: a file. Out: a [`Text`]: its characters in order, the training part and the rest, batches of either. Always: a
//! batch depends on its number and the seed alone. Next: [`crate::training`].

use std::path::Path;

use ndarray::Array2;

use crate::model::{CONTEXT, VOCABULARY};

/// The text in the repository.
pub const BUNDLED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/data/tinyshakespeare.txt");

pub struct Text {
    /// The characters that occur, in order; a character's number is its place here.
    pub characters: Vec<char>,
    /// The first nine tenths.
    pub train: Vec<i64>,
    /// The last tenth, which is never trained on.
    pub held_out: Vec<i64>,
}

/// Rows of characters, and their successors.
pub struct Batch {
    pub x: Array2<i64>,
    pub y: Array2<i64>,
}

impl Text {
    pub fn load(file: &Path) -> Result<Text, String> {
        let text = std::fs::read_to_string(file).map_err(|e| format!("cannot read {}: {e}", file.display()))?;
        let mut characters: Vec<char> = text.chars().collect();
        characters.sort_unstable();
        characters.dedup();
        if characters.len() != VOCABULARY {
            let found = characters.len();
            return Err(format!("{} has {found} different characters, the model is for {VOCABULARY}", file.display()));
        }
        let mut numbers: Vec<i64> =
            text.chars().filter_map(|c| characters.binary_search(&c).ok()).map(|k| k as i64).collect();
        let held_out = numbers.split_off(numbers.len() * 9 / 10);
        if held_out.len() <= CONTEXT {
            return Err(format!("{} is too short", file.display()));
        }
        Ok(Text { characters, train: numbers, held_out })
    }

    /// The numbers of a text; a character that the model does not know is an error.
    pub fn encode(&self, text: &str) -> Result<Vec<i64>, String> {
        let number = |c: char| self.characters.binary_search(&c).map(|k| k as i64);
        text.chars().map(|c| number(c).map_err(|_| format!("`{c}` does not occur in the text"))).collect()
    }
}

/// Batch `number` of `rows` rows from anywhere in a text.
pub fn batch(text: &[i64], rows: usize, seed: u64, number: u64) -> Batch {
    let mut state = mix(seed ^ mix(number));
    let starts: Vec<usize> = (0..rows)
        .map(|_| {
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            (mix(state) % (text.len() - CONTEXT) as u64) as usize
        })
        .collect();
    let rows_from = |shift: usize| Array2::from_shape_fn((rows, CONTEXT), |(r, k)| text[starts[r] + k + shift]);
    Batch { x: rows_from(0), y: rows_from(1) }
}

/// SplitMix64's finaliser (Steele et al., 2014).
pub fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
