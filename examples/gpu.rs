use ndarray::array;
use ndfuse::prelude::*;

tensor! {
    fn shares<B, C>(x: f32[B, C]) -> f32[B, C] { softmax(x) }
}

fn main() -> ndfuse::Result<()> {
    let device = Device::best(); // the first GPU, else the CPU; `Device::cuda(0)?` says what is missing
    println!("{}", device.info());
    let x = array![[1.0f32, 3.0], [2.0, 2.0]].to_device(&device)?;
    let p = shares(&x)?; // one kernel, compiled when it is first called, and kept on disk
    println!("{:.3}", p.to_host()?);
    Ok(())
}
