use ndfuse::prelude::*;

tensor! {
    pub fn first<B>(x: f32[B]) -> f32[B] {
        let y = &x;
        let z = x[1..];
        y + 1f32
    }

    pub fn second<B>(x: f32[B]) -> f32[B] {
        let y = x +;
        y
    }
}

fn main() {}
