//! A product of which only what is needed is made gives the bits of the whole.

use super::super::tests::{A, B, PARAMS, RESULT, TEMP, X, dot, kernel, plan};
use crate::dtype::AnySlice;
use crate::kernel::{CpuKernel, Cx, Kernel};
use crate::layout::Layout;
use crate::operand::RawView;
use crate::plan::{Action, Block, Bound, Launch, Output, Plan, Step};

/// `where(j <= i, product, x)`.
struct Masked;

impl Kernel for Masked {
    type Unit = crate::kernel::unit::U0;

    #[inline(always)]
    fn run<M: crate::isa::Isa>(_: M, cx: &mut Cx<'_>) {
        let (s, x, mut y) = (cx.input::<f32, 2>(0), cx.input::<f32, 2>(1), cx.output::<f32, 2>(0));
        for i in cx.range(0) {
            for j in cx.range(1) {
                let (seen, hidden) = (s.at([i, j]), x.at([i, j]));
                y.put([i, j], if j <= i { seen } else { hidden });
            }
        }
    }
}

const fn masked(bounds: &'static [Bound]) -> Plan {
    let blocks: &'static [Block] = match bounds {
        [] => &[Block { first: 0, end: 2, axes: &[0], follows: &[&[0], &[0]], local: &[4], bounds: &[] }],
        _ => &[Block { first: 0, end: 2, axes: &[0], follows: &[&[0], &[0]], local: &[4], bounds: BOUNDS }],
    };
    Plan { blocks, ..plan(PARAMS, &[X, A, B, RESULT, TEMP], &[3], STEPS) }
}

const STEPS: &[Step] = &[
    Step { action: dot(1, 2, 4, None), release: &[] },
    Step {
        action: Action::Launch(Launch { cpu: CpuKernel::new::<Masked>(), ..kernel(&[4, 0], &[Output { buffer: 3 }]) }),
        release: &[4],
    },
];

const BOUNDS: &[Bound] = &[Bound { step: 0, axis: 1, along: -1, tiled: &[1], start: 3 }];
static WHOLE: Plan = masked(&[]);
static NEEDED: Plan = masked(BOUNDS);

#[test]
fn what_is_needed_has_the_bits_of_the_whole() {
    let numbers = |n: usize, seed: usize| -> Vec<f32> {
        (0..n).map(|i| ((i * 7919 + seed * 104_729) % 1009) as f32 * 0.003 - 1.5).collect()
    };
    for (m, n, k) in [(900, 700, 40), (1500, 333, 65), (333, 1700, 8), (701, 701, 1)] {
        let (x, a, mut b) = (numbers(m * n, 1), numbers(m * k, 2), numbers(k * n, 3));
        // Seen by the last rows only, if by any.
        b[n - 1] = f32::NAN;
        let layouts = [[m, n], [m, k], [k, n]].map(|sizes| Layout::contiguous(&sizes).unwrap());
        let operands: [_; 3] =
            std::array::from_fn(|i| RawView::new(AnySlice::F32([&x, &a, &b][i]), &layouts[i]).unwrap());
        let bits = |plan: &'static Plan, threads: usize| -> Vec<u32> {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let [result] = pool.install(|| super::super::call::<1>(plan, &operands)).unwrap();
            let raw = result.raw().unwrap();
            raw.typed::<f32>().unwrap().data.iter().map(|y| y.to_bits()).collect()
        };
        let whole = bits(&WHOLE, 1);
        for threads in [1, 2, 3] {
            assert!(bits(&NEEDED, threads) == whole, "{m} {n} {k}, {threads} threads");
        }
    }
}
