//! The images: handwritten digits, 8 x 8 pixels of 0 to 16.
//!
//! In: `digits.csv.gz`, a line an image, 64 pixels and the digit. Out: the images to learn from and those held out, and
//! the batches of an epoch. Always: every fifth image is held out; the batches depend on the seed and the epoch alone.
//! Next: [`crate::training`].
//!
//! The file is ordered by writer, so that each writer has digits on both sides. Digits of strangers are harder: of the last
//! fifth of the file, learnt from the rest, the CNN reads 95 % rightly.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use flate2::read::GzDecoder;
use ndarray::{Array1, Array3, Axis};

/// The file that comes with the project.
pub const BUNDLED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/data/digits.csv.gz");

/// The side of an image.
pub const SIDE: usize = 8;
const PIXELS: usize = SIDE * SIDE;

/// Images and which digit each is.
#[derive(Clone, Debug)]
pub struct Digits {
    pub images: Array3<u8>,
    pub labels: Array1<i64>,
}

impl Digits {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Those with these numbers, in this order.
    pub fn pick(&self, rows: &[usize]) -> Digits {
        Digits { images: self.images.select(Axis(0), rows), labels: self.labels.select(Axis(0), rows) }
    }

    /// The images to learn from, and those held out: every fifth.
    pub fn split(&self) -> (Digits, Digits) {
        let (held_out, train): (Vec<usize>, Vec<usize>) = (0..self.len()).partition(|k| k % 5 == 4);
        (self.pick(&train), self.pick(&held_out))
    }

    /// All images in batches, shuffled anew in each epoch; the last batch may be smaller.
    pub fn batches(&self, size: usize, seed: i64, epoch: usize) -> impl Iterator<Item = Digits> {
        let order = shuffled(self.len(), SplitMix(SplitMix(seed as u64).next() ^ epoch as u64));
        let batches: Vec<Vec<usize>> = order.chunks(size).map(<[usize]>::to_vec).collect();
        batches.into_iter().map(|rows| self.pick(&rows))
    }
}

/// Reads a file of digits; the error is one line with the file's name.
pub fn load(path: &Path) -> Result<Digits, String> {
    let named = |what: String| format!("{}: {what}", path.display());
    let file = File::open(path).map_err(|e| named(e.to_string()))?;
    let mut text = String::new();
    GzDecoder::new(file).read_to_string(&mut text).map_err(|e| named(e.to_string()))?;
    parse(&text).map_err(named)
}

/// The images in the text of a file.
pub fn parse(text: &str) -> Result<Digits, String> {
    let (mut pixels, mut labels) = (Vec::new(), Vec::new());
    for (k, line) in text.lines().enumerate() {
        let fields: Result<Vec<u8>, _> = line.split(',').map(str::parse).collect();
        match fields.as_deref() {
            Ok([image @ .., label]) if image.len() == PIXELS && *label < 10 && image.iter().all(|&p| p <= 16) => {
                pixels.extend_from_slice(image);
                labels.push(i64::from(*label));
            }
            Ok(_) | Err(_) => return Err(format!("line {} is not {PIXELS} pixels of 0 to 16 and a digit", k + 1)),
        }
    }
    let shape = (labels.len(), SIDE, SIDE);
    let images = Array3::from_shape_vec(shape, pixels).map_err(|e| e.to_string())?;
    if labels.len() < 5 { Err("fewer than 5 digits".to_owned()) } else { Ok(Digits { images, labels: labels.into() }) }
}

/// The numbers below `n` in an order of chance, by Fisher and Yates' method.
fn shuffled(n: usize, mut random: SplitMix) -> Vec<usize> {
    let mut order: Vec<usize> = (0..n).collect();
    for k in (1..n).rev() {
        // The bias of the remainder is below 2^-50 here.
        order.swap(k, (random.next() % (k as u64 + 1)) as usize);
    }
    order
}

/// The generator of Steele, Lea and Flood (OOPSLA 2014).
struct SplitMix(u64);

impl SplitMix {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}
