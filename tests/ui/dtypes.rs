use ndfuse::prelude::*;

tensor! {
    pub fn mix<N>(x: f32[N], n: i32[N]) -> f32[N] {
        x + n
    }

    pub fn halves<N>(x: f16[N], y: bf16[N]) -> f16[N] {
        x * y
    }

    pub fn wide<N>(x: bf16[N], n: i16[N]) -> bf16[N] {
        x + n
    }

    pub fn ratio<N>(n: i64[N]) -> f64[N] {
        n / 2
    }
}

fn main() {}
