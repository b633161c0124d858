use ndfuse::prelude::*;

tensor! {
    pub fn scale<N>(x: f32[N, 4], w: f32[N, 3]) -> f32[N, 4] {
        let y = x * w;
        y + 1.0
    }
}

fn main() {}
