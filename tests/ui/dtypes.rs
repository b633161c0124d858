use ndfuse::prelude::*;

tensor! {
    pub fn mix<N>(x: f32[N], n: i32[N]) -> f32[N] {
        x + n
    }

    pub fn ratio<N>(n: i64[N]) -> f64[N] {
        n / 2
    }
}

fn main() {}
