use ndfuse::prelude::*;

tensor! {
    pub fn rows<B, C>(x: f32[B, C]) -> f32[B] {
        let m = sofmax(x);
        m.sun(axis=1)
    }

    pub fn columns<B, C>(x: f32[B, C]) -> f32[C] {
        x.sum(axis=2)
    }
}

fn main() {
    // The functions exist all the same: no second error here.
    let _ = rows(&ndarray::array![[1.0f32]]);
    let _ = columns::explain();
}
