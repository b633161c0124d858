//! What the machine can do at best, measured beside each figure.
//!
//! In: a workload's [`Work`]. Out: a [`Limit`] to run in turn with the systems. Always: as many threads as the kernels
//! have; the memory was written to before. Next: [`crate::harness`].

use std::hint::black_box;

use rayon::prelude::*;

use crate::harness::Work;

/// A run of the limit, and what to multiply its time with.
pub struct Limit {
    run: Box<dyn FnMut()>,
    pub scale: f64,
}

impl Limit {
    /// A call alone has no limit.
    pub fn of(work: Work) -> Option<Limit> {
        match work {
            Work::Copy(bytes) => Some(copy(bytes / 16)),
            Work::Read(bytes) => Some(read(bytes / 8)),
            Work::Product { flops, size } => Some(product(flops, size)),
            Work::Call => None,
        }
    }

    pub fn run(&mut self) {
        (self.run)();
    }
}

/// The length of a part, of which each thread has four.
fn part(words: usize) -> usize {
    words.div_ceil(4 * rayon::current_num_threads()).max(1)
}

fn copy(words: usize) -> Limit {
    let from: Vec<u64> = (0..words as u64).collect();
    let mut to = vec![1; words];
    let run = move || {
        let parts = to.par_chunks_mut(part(words)).zip(from.par_chunks(part(words)));
        parts.for_each(|(to, from)| to.copy_from_slice(from));
        black_box(&to);
    };
    Limit { run: Box::new(run), scale: 1.0 }
}

fn read(words: usize) -> Limit {
    let from: Vec<u64> = (0..words as u64).collect();
    let sum = |part: &[u64]| part.iter().fold(0, |sum: u64, &word| sum.wrapping_add(word));
    let run = move || {
        black_box(from.par_chunks(part(words)).map(sum).reduce(|| 0, u64::wrapping_add));
    };
    Limit { run: Box::new(run), scale: 1.0 }
}

/// A product of two square matrices by the `gemm` crate, for its rate.
fn product(flops: f64, size: usize) -> Limit {
    let numbers = |shift: usize| (0..size * size).map(|k| ((k * 7 + shift) % 31) as f32 * 0.01).collect::<Vec<_>>();
    let (left, right, mut out) = (numbers(0), numbers(5), vec![0f32; size * size]);
    let parallel = match rayon::current_num_threads() {
        1 => gemm_common::Parallelism::None,
        threads => gemm_common::Parallelism::Rayon(threads),
    };
    let n = size as isize;
    let run = move || {
        let (left, right, out) = (left.as_ptr(), right.as_ptr(), out.as_mut_ptr());
        // Transposed, `out = right · left` in column-major order, as this function likes it.
        // SAFETY: three matrices of `size * size` elements, and `out` is nobody else's.
        unsafe {
            gemm_f32::gemm::f32::get_gemm_fn()(
                size, size, size, out, n, 1, false, right, n, 1, left, n, 1, 1.0, 1.0, false, false, false, parallel,
            );
        }
        black_box(out);
    };
    Limit { run: Box::new(run), scale: flops / (2.0 * (size as f64).powi(3)) }
}
