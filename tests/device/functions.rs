//! The functions that are run here: maps, rows, columns, views, products, convolutions, gathers, scatters.

use ndfuse::tensor;

tensor! {
    pub fn gelu_chain<B, C>(x: f32[B, C], w: f32[C], b: f32[C]) -> f32[B, C] { gelu(x * w + b) }
    pub fn soft<B, C>(x: f32[B, C]) -> f32[B, C] { softmax(x) }
    pub fn norm<B, C>(x: f32[B, C], w: f32[C], b: f32[C]) -> f32[B, C] { layer_norm(x, w, b) }
    pub fn columns<B, C>(x: f32[B, C]) -> (f32[C], f32[C]) { (x.sum(axis=0), x.max(axis=0)) }
    pub fn whole<B, C>(x: f64[B, C]) -> (f64[], f64[]) { (x.mean(), x.var()) }
    pub fn places<B, C>(x: f32[B, C]) -> (i64[B], bool[B], u8[B]) {
        (argmax(x, axis=1), any(x > 2.5, axis=1), (x.max(axis=1) * 10).astype(u8))
    }
    pub fn scaled<N>(x: f32[N], by: f32) -> f32[N] { x * by + 1 }
    pub fn views<A, B>(x: f32[A, B]) -> (f32[B, A], f32[A * B], f32[A, 2 * B]) {
        (x.T, exp(x).reshape(A * B), concatenate([x[:, ::-1], x], axis=1))
    }
    pub fn linear<B, I, O>(x: f32[B, I], w: f32[I, O], b: f32[O]) -> f32[B, O] { relu(x @ w + b) }
    pub fn product<A, B, C>(x: f64[A, B], y: f64[B, C]) -> f64[A, C] { x @ y }
    pub fn batched<N, A, B, C>(x: f64[N, A, B], y: f64[N, B, C]) -> f64[N, A, C] { x @ y }
    pub fn turned<N, A, B, C>(x: f32[N, A, B], y: f32[N, C, B]) -> f32[N, C, A] { y @ x.transpose(0, 2, 1) }
    pub fn shared<N, A, B, C>(x: f32[N, A, B], y: f32[B, C]) -> f32[N, A, C] { x @ y }
    pub fn scores<N, A, B, H, D>(q: f32[N, A, H, D], k: f32[N, B, H, D]) -> f32[N, H, A, B] {
        q.transpose(0, 2, 1, 3) @ k.transpose(0, 2, 3, 1)
    }
    pub fn attention<B, T, D>(q: f32[B, T, D], k: f32[B, T, D], v: f32[B, T, D]) -> f32[B, T, D] {
        softmax(q @ k.transpose(0, 2, 1) / sqrt(f32(D)), axis=-1) @ v
    }
    /// Grouped heads beside each other in memory; no row sees a later one, and the first rows see nothing.
    pub fn heads<B, T, S, H, D, E>(
        q: f32[B, T, H, D], k: f32[B, S, H, D], v: f32[B, S, H, E], bias: f32[H, S], hidden: i64,
    ) -> f32[B, T, H, E] {
        let s = q.transpose(0, 2, 1, 3) @ k.transpose(0, 2, 3, 1) + bias[:, None, :];
        let seen = arange(T)[:, None] >= arange(S) + hidden;
        (softmax(where(seen, 5 * tanh(s / 5), -inf), axis=-1) @ v.transpose(0, 2, 1, 3)).transpose(0, 2, 1, 3)
    }
    pub fn stem<B>(x: f32[B, 3, 16, 16], w: f32[8, 3, 3, 3], b: f32[8]) -> f32[B, 8, 8, 8] {
        relu(conv2d(x, w, bias=b, stride=2, padding="same"))
    }
    pub fn pools<B, C>(x: f32[B, C, 8, 8]) -> (f32[B, C, 4, 4], f32[B, C, 4, 4]) { (max_pool2d(x, 2), avg_pool2d(x, 2)) }
    pub fn embed<B, V, E>(ids: i64[B], table: f32[V, E]) -> f32[B, E] { embedding(ids, table) * 2 }
    pub fn both<N, M, K>(x: f32[N], y: f32[M], at: i64[K]) -> f32[K] { x[at] + y[at] }
    pub fn update<V, E, N>(table: f32[V, E], ids: i64[N], rows: f32[N, E]) -> f32[V, E] { index_add(table, 0, ids, -0.5 * rows) }
    pub fn counts<N>(bins: i64[N]) -> i64[16] { segment_sum(ones_like(bins), bins, 16) }
    pub fn network<B, I, H, O>(x: f32[B, I], w1: f32[I, H], w2: f32[H, O], y: i64[B]) -> f32[] {
        cross_entropy(tanh(x @ w1) @ w2, y).mean()
    }
}
