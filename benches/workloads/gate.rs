//! A gate against regressions: how much faster than others a workload must be, in one and the same run.
//!
//! In: a workload's rows. Out: nothing, or what was too slow. Always: ratios of times that were measured in turns, never
//! times, so that neither the machine nor what else it does decides; a floor lies far below what is usual, and a workload
//! that misses it is measured again. Next: [`crate::harness`].

use crate::harness::Row;

/// How often a workload may try.
pub const ATTEMPTS: usize = 4;

/// How many times the time of `ndfuse` that of another system must at least be.
struct Floor {
    workload: &'static str,
    than: &'static str,
    times: f64,
}

const fn floor(workload: &'static str, than: &'static str, times: f64) -> Floor {
    Floor { workload, than, times }
}

/// Half to three quarters of what was measured last; docs/performance.md has it.
const FLOORS: &[Floor] = &[
    floor("gelu_chain", "ndfuse-unfused", 4.5),
    floor("gelu_chain", "limit", 0.2),
    floor("black_scholes", "ndfuse-unfused", 2.3),
    floor("black_scholes", "limit", 0.1),
    floor("image_prep", "ndfuse-unfused", 5.0),
    floor("image_prep", "limit", 0.35),
    floor("transpose_add_4096", "limit", 0.45),
    floor("softmax_4096x2048", "ndfuse-unfused", 2.0),
    floor("softmax_4096x2048", "limit", 0.35),
    floor("softmax_128x50257", "ndfuse-unfused", 1.6),
    floor("layernorm_fwd", "ndfuse-unfused", 3.0),
    floor("layernorm_fwd_bwd", "ndfuse-unfused", 2.0),
    floor("cross_entropy_fwd_bwd", "ndfuse-unfused", 3.0),
    floor("sum_squares_64m", "ndfuse-unfused", 2.0),
    floor("sum_squares_64m", "limit", 0.6),
    floor("column_sum_8192", "limit", 0.5),
    floor("matmul_512", "limit", 0.7),
    floor("matmul_1024", "limit", 0.8),
    floor("matmul_2048", "limit", 0.8),
    floor("matmul_bias_gelu_1024", "limit", 0.6),
    floor("attention_causal", "ndfuse-unfused", 1.2),
    floor("mlp_train_step", "limit", 0.3),
];

/// Is there a floor for it?
pub fn has(workload: &str) -> bool {
    FLOORS.iter().any(|floor| floor.workload == workload)
}

/// What is wrong with the rows of a workload, if anything; without a floor nothing is.
pub fn missed(workload: &str, rows: &[Row]) -> Option<String> {
    let floors = FLOORS.iter().filter(|floor| floor.workload == workload);
    let text = |floor: &Floor| {
        let of = |system: &str| rows.iter().find(|row| row.system == system).map(|row| row.median);
        let Floor { than, times, .. } = floor;
        let (Some(own), Some(other)) = (of("ndfuse"), of(than)) else {
            return Some(format!("{than} was not measured"));
        };
        let found = other / own;
        (found < *times).then(|| format!("{than} takes {found:.2} times as long as ndfuse; at least {times} is wanted"))
    };
    floors.filter_map(text).next()
}
