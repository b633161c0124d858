//! candle, as its documents write such functions.
//!
//! In: a workload's name. Out: its call. Always: inputs are those of `data.py`. Next: [`crate::burn`].

use std::collections::HashMap;

use candle_core::{D, DType, Device, Result, Tensor, Var, safetensors};
use candle_nn::{loss, ops};
use ndarray::{Array, Dimension, IntoDimension};

use crate::data::{below, signed, uniform};
use crate::network::{self, Ops};
use crate::{Outcome, Values, Way, call};

const CPU: &Device = &Device::Cpu;

impl Values for Tensor {
    fn values(self) -> Outcome<Vec<f64>> {
        Ok(self.flatten_all()?.to_dtype(DType::F64)?.to_vec1()?)
    }
}

impl Values for Vec<Tensor> {
    fn values(self) -> Outcome<Vec<f64>> {
        Ok(self.into_iter().map(Values::values).collect::<Outcome<Vec<_>>>()?.concat())
    }
}

fn tensor<D: Dimension>(array: Array<f32, D>) -> Result<Tensor> {
    let shape = array.shape().to_vec();
    Tensor::from_vec(array.into_raw_vec_and_offset().0, shape, CPU)
}

fn random<S: IntoDimension>(shape: S, seed: u32, scale: f32) -> Result<Tensor> {
    tensor(signed(shape, seed) * scale)
}

fn labels(n: usize, seed: u32, classes: u32) -> Result<Tensor> {
    Tensor::from_vec(below(n, seed, classes).to_vec(), n, CPU)
}

fn black_scholes(s: &Tensor, k: &Tensor, t: &Tensor) -> Result<Tensor> {
    let (r, v) = (0.03, 0.25);
    let root = (t.sqrt()? * v)?;
    let d1 = (((s / k)?.log()? + (t * (r + 0.5 * v * v))?)? / &root)?;
    let d2 = (&d1 - root)?;
    let cdf = |d: &Tensor| ((d * 0.5f64.sqrt())?.erf()? + 1.0)? * 0.5;
    (s * cdf(&d1)?)? - ((k * (t * -r)?.exp()?)? * cdf(&d2)?)?
}

fn attention(q: &Tensor, k: &Tensor, v: &Tensor) -> Result<Tensor> {
    let scores = (q.matmul(&k.transpose(1, 2)?)? * 0.125)?;
    let seen = Tensor::tril2(512, DType::U8, CPU)?.broadcast_as(scores.shape())?;
    let low = Tensor::new(f32::NEG_INFINITY, CPU)?.broadcast_as(scores.shape())?;
    ops::softmax_last_dim(&seen.where_cond(&scores, &low)?)?.matmul(v)
}

fn variables(tensors: &[Tensor]) -> Result<Vec<Var>> {
    tensors.iter().map(Var::from_tensor).collect()
}

/// The weights after a step, and the loss before.
fn mlp(weights: &[Var], x: &Tensor, y: &Tensor) -> Result<Vec<Tensor>> {
    let layer = |x: &Tensor, k: usize| x.matmul(&weights[k])?.broadcast_add(&weights[k + 1]);
    let loss = loss::cross_entropy(&layer(&layer(&layer(x, 0)?.relu()?, 2)?.relu()?, 4)?, y)?;
    let grads = loss.backward()?;
    let update = |w: &Var| w.as_tensor() - (grads.get(w).expect("every weight has a gradient") * 0.1)?;
    weights.iter().map(update).chain([Ok(loss)]).collect()
}

struct Net(HashMap<String, Tensor>);

impl Ops for Net {
    type Array = Tensor;

    fn conv(&self, x: Tensor, weight: &str, stride: usize, depthwise: bool) -> Outcome<Tensor> {
        let (w, size) = (&self.0[weight], x.dim(2)?);
        let (before, after) = network::same(size, w.dim(2)?, stride);
        let groups = if depthwise { w.dim(0)? } else { 1 };
        if before == after {
            return Ok(x.conv2d(w, before, stride, 1, groups)?);
        }
        let x = x.pad_with_zeros(2, before, after)?.pad_with_zeros(3, before, after)?;
        Ok(x.conv2d(w, 0, stride, 1, groups)?)
    }

    fn norm(&self, x: Tensor, prefix: &str) -> Outcome<Tensor> {
        let of = |field: &str| self.0[&format!("{prefix}.{field}")].reshape((1, (), 1, 1));
        let scale = (of("weight")? / (of("running_var")? + 1e-3)?.sqrt()?)?;
        let shift = (of("bias")? - (of("running_mean")? * &scale)?)?;
        Ok(x.broadcast_mul(&scale)?.broadcast_add(&shift)?)
    }

    fn relu6(&self, x: Tensor) -> Outcome<Tensor> {
        Ok(x.clamp(0f32, 6f32)?)
    }

    fn add(&self, x: Tensor, y: Tensor) -> Outcome<Tensor> {
        Ok((x + y)?)
    }

    fn head(&self, x: Tensor) -> Outcome<Tensor> {
        let x = x.mean(D::Minus1)?.mean(D::Minus1)?;
        Ok(x.matmul(&self.0["_fc.weight"].t()?)?.broadcast_add(&self.0["_fc.bias"])?)
    }
}

pub fn make(name: &str) -> Outcome<Option<Box<dyn Way>>> {
    match name {
        "gelu_chain" => {
            let (x, w, b) = (random((4096, 2048), 1, 4.0)?, tensor(uniform(2048, 2))?, random(2048, 3, 1.0)?);
            call(move || Ok(x.broadcast_mul(&w)?.broadcast_add(&b)?.gelu()?))
        }
        "black_scholes" => {
            let price = |seed| tensor(uniform(8 << 20, seed) * 90.0 + 10.0);
            let (s, k, t) = (price(1)?, price(2)?, tensor(uniform(8 << 20, 3) * 2.0 + 0.1)?);
            call(move || Ok(black_scholes(&s, &k, &t)?))
        }
        "image_prep" => {
            let pixels = below((1080, 1920, 3), 1, 256).iter().map(|&x| x as u8).collect();
            let x = Tensor::from_vec::<_, u8>(pixels, (1080, 1920, 3), CPU)?;
            let (mean, std) =
                (Tensor::new(&[0.485f32, 0.456, 0.406], CPU)?, Tensor::new(&[0.229f32, 0.224, 0.225], CPU)?);
            call(move || {
                let x = (x.to_dtype(DType::F32)? / 255.0)?.broadcast_sub(&mean)?.broadcast_div(&std)?;
                Ok(x.permute((2, 0, 1))?.contiguous()?)
            })
        }
        "transpose_add_4096" => {
            let (x, y) = (random((4096, 4096), 1, 1.0)?, random((4096, 4096), 2, 1.0)?);
            call(move || Ok((x.t()? + &y)?))
        }
        "tiny_call" => {
            let x = random(16, 1, 1.0)?;
            call(move || Ok(((&x * 2.0)? + 1.0)?))
        }
        "softmax_4096x2048" | "softmax_128x50257" => {
            let x = random(if name == "softmax_4096x2048" { (4096, 2048) } else { (128, 50257) }, 1, 5.0)?;
            call(move || Ok(ops::softmax_last_dim(&x)?))
        }
        "layernorm_fwd" => {
            let (x, w, b) = (random((4096, 2048), 1, 1.0)?, tensor(uniform(2048, 2))?, random(2048, 3, 1.0)?);
            call(move || Ok(ops::layer_norm(&x, &w, &b, 1e-5)?))
        }
        "layernorm_fwd_bwd" => {
            let of = variables(&[random((4096, 2048), 1, 1.0)?, tensor(uniform(2048, 2))?, random(2048, 3, 1.0)?])?;
            let g = random((4096, 2048), 4, 1.0)?;
            call(move || {
                let y = ops::layer_norm_slow(&of[0], &of[1], &of[2], 1e-5)?;
                let mut grads = (&y * &g)?.sum_all()?.backward()?;
                let grads =
                    of.iter().map(|v| grads.remove(v).ok_or("no gradient".into())).collect::<Outcome<Vec<_>>>()?;
                Ok([vec![y], grads].concat())
            })
        }
        "cross_entropy_fwd_bwd" => {
            let (x, y) = (Var::from_tensor(&random((4096, 10000), 1, 5.0)?)?, labels(4096, 2, 10000)?);
            call(move || {
                let loss = loss::cross_entropy(&x, &y)?;
                let dx = loss.backward()?.remove(&x).ok_or("no gradient")?;
                Ok(vec![loss, dx])
            })
        }
        "sum_squares_64m" => {
            let x = random(64 << 20, 1, 1.0)?;
            call(move || Ok(x.sqr()?.sum_all()?))
        }
        "column_sum_8192" => {
            let x = random((8192, 8192), 1, 1.0)?;
            call(move || Ok(x.sum(0)?))
        }
        "matmul_512" | "matmul_1024" | "matmul_2048" => {
            let n: usize = name["matmul_".len()..].parse()?;
            let (x, y) = (random((n, n), 1, 1.0)?, random((n, n), 2, 1.0)?);
            call(move || Ok(x.matmul(&y)?))
        }
        "matmul_bias_gelu_1024" => {
            let (x, w, b) = (random((1024, 1024), 1, 1.0)?, random((1024, 1024), 2, 0.05)?, random(1024, 3, 1.0)?);
            call(move || Ok(x.matmul(&w)?.broadcast_add(&b)?.gelu()?))
        }
        "kmeans_assign" => {
            let (x, c) = (random((100_000, 64), 1, 1.0)?, random((16, 64), 2, 1.0)?);
            call(move || Ok(c.sqr()?.sum(1)?.broadcast_sub(&(x.matmul(&c.t()?)? * 2.0)?)?.argmin(D::Minus1)?))
        }
        "attention_causal" => {
            let of = |seed| random((16, 512, 64), seed, 1.0);
            let (q, k, v) = (of(1)?, of(2)?, of(3)?);
            call(move || Ok(attention(&q, &k, &v)?))
        }
        "mlp_train_step" => {
            let (w, b) = (|shape, seed| random(shape, seed, 0.1), |n: usize, seed| random(n, seed, 0.1));
            let layers = [w((784, 512), 1)?, b(512, 4)?, w((512, 256), 2)?, b(256, 5)?, w((256, 10), 3)?, b(10, 6)?];
            let (weights, x, y) = (variables(&layers)?, random((256, 784), 7, 1.0)?, labels(256, 8, 10)?);
            call(move || Ok(mlp(&weights, &x, &y)?))
        }
        "efficientnet_b1" | "efficientnet_b8" => {
            let batch: usize = name["efficientnet_b".len()..].parse()?;
            let net = Net(safetensors::load(network::WEIGHTS, CPU)?);
            let x = random((batch, 3, 224, 224), 1, 1.0)?;
            call(move || network::logits(&net, x.clone()))
        }
        _ => Ok(None),
    }
}
