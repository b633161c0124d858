//! Kernels that the runtime brings itself: copies, sums, matrix products, scatters.
//!
//! In: axes with their steps. Out: what a text's parameters are. Always: an axis list has room for eight axes, and those that
//! lie behind each other in every operand are one; all its numbers are of 64 bits. Next: `axes.cu` and
//! `half.cu`, which begin each text.

/// Elements from any steps to any steps: `nd_copy`, `nd_add`.
pub(crate) const COPY: &str = concat!(include_str!("axes.cu"), include_str!("half.cu"), include_str!("copy.cu"));
/// A matrix product: `nd_dot`.
pub(crate) const DOT: &str = concat!(
    include_str!("axes.cu"),
    include_str!("half.cu"),
    include_str!("tiles.cu"),
    include_str!("product.cu"),
    include_str!("dot.cu")
);
/// A matrix product of elements of 16 bits by the tensor cores: `nd_mma_dot`.
pub(crate) const MMA: &str = concat!(
    "#define ND_STEP 32\n#define ND_ROLLED\n",
    include_str!("axes.cu"),
    include_str!("half.cu"),
    include_str!("tiles.cu"),
    include_str!("tensor.cu"),
    include_str!("product.cu"),
    include_str!("mma.cu")
);
/// Two products with a softmax between them: `nd_attend`.
pub(crate) const ATTEND: &str = concat!(
    "#define ND_STEP 16\n",
    include_str!("axes.cu"),
    include_str!("half.cu"),
    include_str!("tiles.cu"),
    include_str!("scores.cu"),
    include_str!("attend.cu")
);
/// The same of elements of 16 bits by the tensor cores: `nd_mma_attend`.
pub(crate) const MMA_ATTEND: &str = concat!(
    "#define ND_ROLLED\n",
    include_str!("axes.cu"),
    include_str!("half.cu"),
    include_str!("tiles.cu"),
    include_str!("tensor.cu"),
    include_str!("scores.cu"),
    include_str!("attend_mma.cu")
);
/// Sums over repeated axes: `nd_sum`.
pub(crate) const SUM: &str = concat!(include_str!("axes.cu"), include_str!("half.cu"), include_str!("sum.cu"));
/// A sum of rows at the places that indices name: `nd_scatter`; the indices alone: `nd_check`.
pub(crate) const SCATTER: &str = concat!(include_str!("axes.cu"), include_str!("half.cu"), include_str!("scatter.cu"));

/// The most axes that a text takes in a list.
pub(crate) const MOST_AXES: usize = 8;
/// Threads in a block of a copy or a scatter.
pub(crate) const BLOCK: u32 = 256;

/// An axis: its extent, and its step in each of `N` operands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Axis<const N: usize> {
    pub(crate) extent: i64,
    pub(crate) steps: [i64; N],
}

/// The axes without those of one element, neighbours made one where they lie behind each other in all operands; `None`
/// where a text has no room for what is left.
pub(crate) fn merged<const N: usize>(axes: &[Axis<N>]) -> Option<Vec<Axis<N>>> {
    let mut out: Vec<Axis<N>> = Vec::new();
    for axis in axes.iter().filter(|axis| axis.extent != 1) {
        match out.last_mut() {
            Some(last) if (0..N).all(|k| axis.steps[k].checked_mul(axis.extent) == Some(last.steps[k])) => {
                *last = Axis { extent: last.extent * axis.extent, steps: axis.steps };
            }
            Some(_) | None => out.push(*axis),
        }
    }
    (out.len() <= MOST_AXES).then_some(out)
}

/// The list as a text's `struct`: how many, the extents, then each operand's steps.
pub(crate) fn words<const N: usize>(axes: &[Axis<N>]) -> Vec<i64> {
    let mut words = vec![0; 1 + (1 + N) * MOST_AXES];
    words[0] = axes.len() as i64;
    for (k, axis) in axes.iter().enumerate().take(MOST_AXES) {
        let column = std::iter::once(axis.extent).chain(axis.steps);
        words[1..].iter_mut().skip(k).step_by(MOST_AXES).zip(column).for_each(|(word, number)| *word = number);
    }
    words
}

/// The farthest that any element of an operand lies from the first, in elements.
pub(crate) fn reach<const N: usize>(axes: &[Axis<N>], operand: usize) -> i64 {
    axes.iter().fold(0i64, |far, axis| {
        far.saturating_add(axis.extent.saturating_sub(1).max(0).saturating_mul(axis.steps[operand].saturating_abs()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn axis<const N: usize>(extent: i64, steps: [i64; N]) -> Axis<N> {
        Axis { extent, steps }
    }

    #[test]
    fn axes_that_lie_behind_each_other_are_one() {
        let rows = [axis(4, [6, 6]), axis(1, [77, 3]), axis(2, [3, 3]), axis(3, [1, 1])];
        assert_eq!(merged(&rows), Some(vec![axis(24, [1, 1])]));
        let columns = [axis(4, [1, 6]), axis(6, [4, 1])];
        assert_eq!(merged(&columns), Some(columns.to_vec()));
        let repeated = [axis(4, [0, 6]), axis(6, [0, 1])];
        assert_eq!(merged(&repeated), Some(vec![axis(24, [0, 1])]));
        assert_eq!(merged(&[axis(2, [0, 1]); 9].map(|a| axis(2, [a.steps[1], 0]))), None);
        assert_eq!(merged::<2>(&[]), Some(vec![]));
    }

    #[test]
    fn a_list_is_written_as_the_texts_read_it() {
        let words = words(&[axis(3, [5, -7]), axis(2, [1, 0])]);
        assert_eq!(words.len(), 1 + 3 * MOST_AXES);
        assert_eq!(
            (words[0], &words[1..4], &words[9..12], &words[17..20]),
            (2, &[3, 2, 0][..], &[5, 1, 0][..], &[-7, 0, 0][..])
        );
    }

    #[test]
    fn reaches_saturate() {
        assert_eq!(reach(&[axis(3, [5, -7]), axis(2, [1, 0])], 1), 14);
        assert_eq!(reach(&[axis(i64::MAX, [i64::MIN, 0])], 0), i64::MAX);
    }
}
