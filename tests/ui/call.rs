use ndfuse::prelude::*;

tensor! {
    pub fn digits<B>(x: f32[B, 784]) -> f32[B] {
        x.sum(axis=1)
    }
}

fn main() -> ndfuse::Result<()> {
    let images = Tensor::<f32, (usize, Const<10>)>::zeros((2, Const))?;
    digits(&images)?;
    digits(&ndarray::Array1::<f32>::zeros(784))?;
    digits(&ndarray::Array2::<f64>::zeros((1, 784)))?;
    Ok(())
}
