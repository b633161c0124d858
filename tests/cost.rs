//! What `f::cost` tells: launches, bytes, operations and the least time, as text and as numbers, and what it refuses.

use ndfuse::{Device, Error, Roofline, tensor};

tensor! {
    #[no_grad]
    fn soft<B, C>(x: f32[B, C]) -> f32[B, C] { softmax(x) }

    #[no_grad]
    fn totals<B, C>(x: f32[B, C]) -> (f32[B], f32[C]) { (x.sum(axis=1), x.sum(axis=0)) }

    #[no_grad]
    fn flipped<B, C>(x: f32[B, C], y: f32[C, B]) -> f32[C, B] { x.T + y }

    #[no_grad]
    fn layer<B, I, O>(x: f32[B, I], w: f32[I, O], b: f32[O]) -> f32[B, O] { relu(x @ w + b) }

    #[no_grad]
    fn norm<B, C>(x: f32[B, C], w: f32[C], b: f32[C]) -> f32[B, C] { layer_norm(x, w, b) }

    #[no_grad]
    fn attention<H, N, D>(q: f32[H, N, D], k: f32[H, N, D], v: f32[H, N, D]) -> f32[H, N, D] {
        softmax(q @ swapaxes(k, -1, -2) * 0.125) @ v
    }

    #[no_grad]
    fn square(x: f64[32, 32]) -> f64[32, 32] { x @ x }

    #[no_grad]
    fn scattered<N, S>(x: f32[N], at: i64[N], to: f32[S]) -> f32[S] { index_add(to, 0, at, x) }
}

fn text(cost: ndfuse::Result<ndfuse::Cost>) -> String {
    cost.expect("sizes that can be").to_string()
}

#[test]
fn a_softmax_is_one_launch() {
    let cost = soft::cost(&[("B", 4096), ("C", 2048)], &Roofline::h200());
    assert_eq!(
        text(cost),
        "\
soft of B = 4096, C = 2048 on NVIDIA H200: 4800 GB/s, 67000 Gflop/s
\x20 0: kernel soft_0: 4096 blocks of 128 threads, 1 row a block, 16 items a thread
\x20    reads 33554432, writes 33554432 bytes: 13.98 µs
\x20 total: 67108864 bytes, 0 operations: 13.98 µs
"
    );
}

/// Few long rows are cut among blocks, and few columns of many rows; a transpose goes by tiles.
#[test]
fn what_is_cut_is_several_launches() {
    let h200 = Roofline::h200();
    let all = [
        soft::cost(&[("B", 4), ("C", 1_000_000)], &h200),
        totals::cost(&[("B", 8192), ("C", 8192)], &h200),
        totals::cost(&[("B", 10_000_000), ("C", 8)], &h200),
        totals::cost(&[("B", 4), ("C", 10_000_000)], &h200),
        flipped::cost(&[("B", 4096), ("C", 4096)], &h200),
    ];
    assert_eq!(
        all.map(text).concat(),
        "\
soft of B = 4, C = 1000000 on NVIDIA H200: 4800 GB/s, 67000 Gflop/s
\x20 0: kernel soft_0: 2 launches, 64 slices a row, 256 blocks of 256 threads, 1 row a block
\x20    reads 16000000, writes 16000000 bytes: 6.67 µs
\x20 total: 32000000 bytes, 0 operations: 6.67 µs
totals of B = 8192, C = 8192 on NVIDIA H200: 4800 GB/s, 67000 Gflop/s
\x20 0: kernel totals_0: 4224 blocks of 128 threads, 1 row a block
\x20    reads 268435456, writes 32768 bytes: 55.93 µs
\x20 1: kernel totals_1: 2 launches, 4 slices a column, 1024 blocks of 256 threads, 32 columns a block
\x20    reads 268435456, writes 32768 bytes: 55.93 µs
\x20 total: 536936448 bytes, 0 operations: 111.86 µs
totals of B = 10000000, C = 8 on NVIDIA H200: 4800 GB/s, 67000 Gflop/s
\x20 0: kernel totals_0: 4224 blocks of 128 threads, 16 rows a block
\x20    reads 320000000, writes 40000000 bytes: 75.00 µs
\x20 1: kernel totals_1: 2 launches, 256 slices a column, 256 blocks of 1024 threads, 8 columns a block
\x20    reads 320000000, writes 32 bytes: 66.67 µs
\x20 total: 680000032 bytes, 0 operations: 141.67 µs
totals of B = 4, C = 10000000 on NVIDIA H200: 4800 GB/s, 67000 Gflop/s
\x20 0: kernel totals_0: 2 launches, 256 slices a row, 1024 blocks of 256 threads, 1 row a block
\x20    reads 160000000, writes 16 bytes: 33.33 µs
\x20 1: kernel totals_1: 4224 blocks of 256 threads, 256 columns a block
\x20    reads 160000000, writes 40000000 bytes: 41.67 µs
\x20 total: 360000016 bytes, 0 operations: 75.00 µs
flipped of B = 4096, C = 4096 on NVIDIA H200: 4800 GB/s, 67000 Gflop/s
\x20 0: kernel flipped_0: 4224 blocks of 256 threads, 1 tile a block
\x20    reads 134217728, writes 67108864 bytes: 41.94 µs
\x20 total: 201326592 bytes, 0 operations: 41.94 µs
"
    );
}

#[test]
fn a_product_has_its_epilogue_within() {
    let sizes = [("B", 1024), ("I", 512), ("O", 256)];
    assert_eq!(
        text(layer::cost(&sizes, &Roofline::a100())),
        "\
layer of B = 1024, I = 512, O = 256 on NVIDIA A100: 2039 GB/s, 19500 Gflop/s
\x20 0: f32 product 1024 x 512 @ 512 x 256 with kernel layer_0: 64 blocks of 256 threads, 1 tile a block
\x20    reads 2622464, writes 1048576 bytes, 268435456 operations, 73.1 a byte: 13.77 µs
\x20 total: 3671040 bytes, 268435456 operations: 13.77 µs
"
    );
    assert_eq!(
        text(layer::cost(&sizes, &Roofline::host(40e9, 500e9))),
        "\
layer of B = 1024, I = 512, O = 256 on cpu: 40 GB/s, 500 Gflop/s
\x20 0: f32 product 1024 x 512 @ 512 x 256 with kernel layer_0
\x20    reads 2622464, writes 1048576 bytes, 268435456 operations, 73.1 a byte: 536.87 µs
\x20 total: 3671040 bytes, 268435456 operations: 536.87 µs
"
    );
}

#[test]
fn a_layer_norm_and_an_attention() {
    assert_eq!(
        text(norm::cost(&[("B", 100), ("C", 100)], &Roofline::h200())),
        "\
norm of B = 100, C = 100 on NVIDIA H200: 4800 GB/s, 67000 Gflop/s
\x20 0: kernel norm_0: 13 blocks of 128 threads, 8 rows a block, 8 items a thread
\x20    reads 40800, writes 40000 bytes: 17 ns
\x20 total: 80800 bytes, 0 operations: 17 ns
"
    );
    let sizes = [("H", 8), ("N", 1024), ("D", 64)];
    assert_eq!(
        text(attention::cost(&sizes, &Roofline::h200())),
        "\
attention of H = 8, N = 1024, D = 64 on NVIDIA H200: 4800 GB/s, 67000 Gflop/s
\x20 0: attention f32 product 8 times 1024 x 64 @ 64 x 1024 with attention_0: 128 blocks of 256 threads, 1 tile a block
\x20    reads 6291456, writes 2097152 bytes, 2147483648 operations, 256.0 a byte: 32.05 µs
\x20 total: 8388608 bytes, 2147483648 operations: 32.05 µs
"
    );
    // In tiles, whose scores are never in memory.
    assert_eq!(
        text(attention::cost(&sizes, &Roofline::host(40e9, 500e9))),
        "\
attention of H = 8, N = 1024, D = 64 on cpu: 40 GB/s, 500 Gflop/s
\x20 0: f32 product 8 times 1024 x 64 @ 64 x 1024
\x20    reads 4194304, writes 0 bytes, 1073741824 operations, 256.0 a byte: 2.15 ms
\x20 1: kernel attention_0
\x20    reads 0, writes 0 bytes: 0 ns
\x20 2: f32 product 8 times 1024 x 1024 @ 1024 x 64
\x20    reads 2097152, writes 2097152 bytes, 1073741824 operations, 256.0 a byte: 2.15 ms
\x20 total: 8388608 bytes, 2147483648 operations: 4.29 ms
"
    );
}

#[test]
fn doubles_have_a_rate_of_their_own_and_scatters_no_geometry() {
    assert_eq!(
        text(square::cost(&[], &Roofline::h200())),
        "\
square on NVIDIA H200: 4800 GB/s, 67000 Gflop/s
\x20 0: f64 product 32 x 32 @ 32 x 32: 1 block of 256 threads, 1 tile a block
\x20    reads 8192, writes 8192 bytes, 65536 operations, 4.0 a byte: 3 ns
\x20 total: 16384 bytes, 65536 operations: 3 ns
"
    );
    assert_eq!(
        text(scattered::cost(&[("N", 1000), ("S", 10)], &Roofline::h200())),
        "\
scattered of N = 1000, S = 10 on NVIDIA H200: 4800 GB/s, 67000 Gflop/s
\x20 0: scatter
\x20    reads 12000, writes 40 bytes: 3 ns
\x20 1: kernel scattered_0: 1 block of 256 threads, 256 elements a block
\x20    reads 80, writes 40 bytes: 0 ns
\x20 total: 12160 bytes, 0 operations: 3 ns
"
    );
}

#[test]
fn of_nothing_nothing_is_launched() {
    let cost = soft::cost(&[("B", 0), ("C", 7)], &Roofline::h200()).unwrap();
    assert_eq!((cost.bytes(), cost.seconds(), cost.steps[0].geometry), (0, 0.0, None));
    assert_eq!(cost.steps[0].intensity(), 0.0);
}

#[test]
fn what_the_sizes_get_wrong_is_a_typed_error() {
    let h200 = Roofline::h200();
    let refused = |sizes: &[(&str, usize)]| soft::cost(sizes, &h200).unwrap_err();
    for (sizes, why) in [
        (&[("B", 2), ("C", 3), ("Z", 4)][..], "`Z` is no dimension of this function: it has B, C"),
        (&[("B", 2)], "`C` has no size; those of B, C are wanted"),
        (&[("B", 2), ("C", 3), ("B", 4)], "`B` is named twice: give each size once"),
    ] {
        let error = refused(sizes);
        assert!(matches!(error, Error::Shape(_)) && error.to_string().contains(why), "{error}");
    }
    for sizes in [[("B", 1 << 40), ("C", 1 << 40)], [("B", 1 << 31), ("C", 1 << 31)]] {
        assert!(matches!(refused(&sizes), Error::TooLarge { .. }), "{}", refused(&sizes));
    }
    let error = square::cost(&[("N", 3)], &h200).unwrap_err().to_string();
    assert!(error.contains("`N` is no dimension of this function: it has none"), "{error}");
    assert!(soft::memory(&[("B", 2), ("C", 3), ("Z", 4)]).is_err());
}

#[test]
fn a_device_says_how_fast_it_can_be() {
    let host = Device::Cpu.roofline();
    assert!(host.multiprocessors == 0 && host.bandwidth > 1e8 && host.flops > 1e8, "{host:?}");
    let cost = soft::cost(&[("B", 64), ("C", 64)], &host).unwrap();
    assert!(cost.seconds() > 0.0 && cost.steps.iter().all(|s| s.geometry.is_none()));
}
