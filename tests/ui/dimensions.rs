use ndfuse::prelude::*;

tensor! {
    pub fn halves<B, C>(x: f32[B, C]) -> f32[B, 2, C / 2] {
        x.reshape(B, 2, C / 2)
    }

    pub fn product<A, B, C>(x: f32[A, B], y: f32[C, A]) -> f32[A, A] {
        x @ y
    }
}

fn main() {}
