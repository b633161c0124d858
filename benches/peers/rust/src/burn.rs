//! burn, on its own backend for processors.
//!
//! In: a workload's name. Out: its call. Always: inputs are those of `data.py`. Next: [`crate::network`].

use std::collections::HashMap;

use burn::tensor::activation::{gelu_approximate, log_softmax, relu, softmax};
use burn::tensor::module::{conv2d, layer_norm};
use burn::tensor::ops::ConvOptions;
use burn::tensor::{Bool, DType, Device, Gradients, Int, Tensor, TensorData};
use candle_core::safetensors;
use ndarray::{Array, Dimension, IntoDimension};

use crate::data::{below, signed, uniform};
use crate::network::{self, Ops};
use crate::{Outcome, Values, Way, call};

impl<const D: usize> Values for Tensor<D> {
    fn values(self) -> Outcome<Vec<f64>> {
        Ok(self.into_data().iter::<f64>().collect())
    }
}

impl<const D: usize> Values for Tensor<D, Int> {
    fn values(self) -> Outcome<Vec<f64>> {
        Ok(self.into_data().iter::<f64>().collect())
    }
}

/// Results of one or two axes.
#[derive(Default)]
struct Many(Vec<Tensor<2>>, Vec<Tensor<1>>);

impl Values for Many {
    fn values(self) -> Outcome<Vec<f64>> {
        let first = self.0.into_iter().map(Values::values).collect::<Outcome<Vec<_>>>()?.concat();
        let second = self.1.into_iter().map(Values::values).collect::<Outcome<Vec<_>>>()?.concat();
        Ok([first, second].concat())
    }
}

fn tensor<D: Dimension, const N: usize>(array: Array<f32, D>, device: &Device) -> Tensor<N> {
    let shape = array.shape().to_vec();
    Tensor::from_data(TensorData::new(array.into_raw_vec_and_offset().0, shape), device)
}

fn random<S: IntoDimension, const N: usize>(shape: S, seed: u32, scale: f32, device: &Device) -> Tensor<N> {
    tensor(signed(shape, seed) * scale, device)
}

fn labels(n: usize, seed: u32, classes: u32, device: &Device) -> Tensor<1, Int> {
    Tensor::from_data(TensorData::new(below(n, seed, classes).to_vec(), [n]), device)
}

fn black_scholes(s: Tensor<1>, k: Tensor<1>, t: Tensor<1>) -> Tensor<1> {
    let (r, v) = (0.03, 0.25);
    let root = t.clone().sqrt() * v;
    let d1 = ((s.clone() / k.clone()).log() + t.clone() * (r + 0.5 * v * v)) / root.clone();
    let d2 = d1.clone() - root;
    let cdf = |d: Tensor<1>| ((d * 0.5f64.sqrt()).erf() + 1.0) * 0.5;
    s * cdf(d1) - k * (t * -r).exp() * cdf(d2)
}

fn attention(q: Tensor<3>, k: Tensor<3>, v: Tensor<3>, device: &Device) -> Tensor<3> {
    let scores = q.matmul(k.swap_dims(1, 2)) * 0.125;
    let unseen: Tensor<2, Bool> = Tensor::tril_mask([512, 512], 0, device);
    softmax(scores.mask_fill(unseen.unsqueeze(), f32::NEG_INFINITY), 2).matmul(v)
}

fn gradient<const D: usize>(of: &Tensor<D>, grads: &Gradients) -> Outcome<Tensor<D>> {
    of.grad(grads).ok_or("no gradient".into())
}

/// The network's weights, by their names.
struct Net {
    kernels: HashMap<String, Tensor<4>>,
    vectors: HashMap<String, Tensor<1>>,
    last: Tensor<2>,
}

impl Net {
    fn load(device: &Device) -> Outcome<Net> {
        let (mut kernels, mut vectors, mut last) = (HashMap::new(), HashMap::new(), None);
        for (name, array) in safetensors::load(network::WEIGHTS, &candle_core::Device::Cpu)? {
            if array.dtype() != candle_core::DType::F32 {
                continue;
            }
            let data = TensorData::new(array.flatten_all()?.to_vec1::<f32>()?, array.dims().to_vec());
            match array.rank() {
                1 => drop(vectors.insert(name, Tensor::from_data(data, device))),
                2 => last = Some(Tensor::from_data(data, device)),
                _ => drop(kernels.insert(name, Tensor::from_data(data, device))),
            }
        }
        Ok(Net { kernels, vectors, last: last.ok_or("there is no last layer")? })
    }
}

/// What a layer makes.
#[derive(Clone)]
enum Stage {
    Planes(Tensor<4>),
    Logits(Tensor<2>),
}

impl Stage {
    fn planes(self) -> Outcome<Tensor<4>> {
        match self {
            Stage::Planes(x) => Ok(x),
            Stage::Logits(_) => Err("the network has ended".into()),
        }
    }
}

impl Values for Stage {
    fn values(self) -> Outcome<Vec<f64>> {
        match self {
            Stage::Planes(x) => x.values(),
            Stage::Logits(x) => x.values(),
        }
    }
}

impl Ops for Net {
    type Array = Stage;

    fn conv(&self, x: Stage, weight: &str, stride: usize, depthwise: bool) -> Outcome<Stage> {
        let (x, w) = (x.planes()?, self.kernels[weight].clone());
        let [channels, _, kernel, _] = w.dims();
        let (before, after) = network::same(x.dims()[2], kernel, stride);
        let groups = if depthwise { channels } else { 1 };
        let options = |pad| ConvOptions::new([stride; 2], [pad; 2], [1; 2], groups);
        if before == after {
            return Ok(Stage::Planes(conv2d(x, w, None, options(before))));
        }
        Ok(Stage::Planes(conv2d(x.pad((before, after, before, after), 0.0), w, None, options(0))))
    }

    fn norm(&self, x: Stage, prefix: &str) -> Outcome<Stage> {
        let of = |field: &str| self.vectors[&format!("{prefix}.{field}")].clone();
        let scale = of("weight") / (of("running_var") + 1e-3).sqrt();
        let shift = of("bias") - of("running_mean") * scale.clone();
        let along = |v: Tensor<1>| -> Tensor<4> {
            let n = v.dims()[0];
            v.reshape([1, n, 1, 1])
        };
        Ok(Stage::Planes(x.planes()? * along(scale) + along(shift)))
    }

    fn relu6(&self, x: Stage) -> Outcome<Stage> {
        Ok(Stage::Planes(x.planes()?.clamp(0.0, 6.0)))
    }

    fn add(&self, x: Stage, y: Stage) -> Outcome<Stage> {
        Ok(Stage::Planes(x.planes()? + y.planes()?))
    }

    fn head(&self, x: Stage) -> Outcome<Stage> {
        let x = x.planes()?;
        let [batch, channels, ..] = x.dims();
        let x: Tensor<2> = x.mean_dim(3).mean_dim(2).reshape([batch, channels]);
        let bias = self.vectors["_fc.bias"].clone().unsqueeze();
        Ok(Stage::Logits(x.matmul(self.last.clone().transpose()) + bias))
    }
}

pub fn make(name: &str) -> Outcome<Option<Box<dyn Way>>> {
    let device = Device::flex();
    let on = &device;
    match name {
        "gelu_chain" => {
            let x: Tensor<2> = random((4096, 2048), 1, 4.0, on);
            let (w, b): (Tensor<1>, Tensor<1>) = (tensor(uniform(2048, 2), on), random(2048, 3, 1.0, on));
            call(move || Ok(gelu_approximate(x.clone() * w.clone().unsqueeze() + b.clone().unsqueeze())))
        }
        "black_scholes" => {
            let price = |seed| -> Tensor<1> { tensor(uniform(8 << 20, seed) * 90.0 + 10.0, on) };
            let (s, k, t) = (price(1), price(2), tensor(uniform(8 << 20, 3) * 2.0 + 0.1, on));
            call(move || Ok(black_scholes(s.clone(), k.clone(), t.clone())))
        }
        "image_prep" => {
            let pixels: Vec<u8> = below((1080, 1920, 3), 1, 256).iter().map(|&x| x as u8).collect();
            let x: Tensor<3, Int> = Tensor::from_data(TensorData::new(pixels, [1080, 1920, 3]), (on, DType::U8));
            let of = |numbers: [f32; 3]| -> Tensor<3> { Tensor::<1>::from_floats(numbers, on).reshape([3, 1, 1]) };
            let (mean, std) = (of([0.485, 0.456, 0.406]), of([0.229, 0.224, 0.225]));
            // The view first, for one at the end would leave the planes where the pixels lie.
            call(move || Ok((x.clone().permute([2, 0, 1]).float() / 255.0 - mean.clone()) / std.clone()))
        }
        "transpose_add_4096" => {
            let (x, y): (Tensor<2>, Tensor<2>) = (random((4096, 4096), 1, 1.0, on), random((4096, 4096), 2, 1.0, on));
            call(move || Ok(x.clone().transpose() + y.clone()))
        }
        "tiny_call" => {
            let x: Tensor<1> = random(16, 1, 1.0, on);
            call(move || Ok(x.clone() * 2.0 + 1.0))
        }
        "softmax_4096x2048" | "softmax_128x50257" => {
            let shape = if name == "softmax_4096x2048" { (4096, 2048) } else { (128, 50257) };
            let x: Tensor<2> = random(shape, 1, 5.0, on);
            call(move || Ok(softmax(x.clone(), 1)))
        }
        "layernorm_fwd" => {
            let x: Tensor<2> = random((4096, 2048), 1, 1.0, on);
            let (w, b): (Tensor<1>, Tensor<1>) = (tensor(uniform(2048, 2), on), random(2048, 3, 1.0, on));
            call(move || Ok(layer_norm(x.clone(), w.clone(), Some(b.clone()), 1e-5)))
        }
        "layernorm_fwd_bwd" => {
            let on = &device.autodiff();
            let x: Tensor<2> = random((4096, 2048), 1, 1.0, on);
            let (w, b): (Tensor<1>, Tensor<1>) = (tensor(uniform(2048, 2), on), random(2048, 3, 1.0, on));
            let g: Tensor<2> = random((4096, 2048), 4, 1.0, on);
            call(move || {
                let (x, w, b) = (x.clone().require_grad(), w.clone().require_grad(), b.clone().require_grad());
                let y = layer_norm(x.clone(), w.clone(), Some(b.clone()), 1e-5);
                let grads = (y.clone() * g.clone()).sum().backward();
                Ok(Many(vec![y, gradient(&x, &grads)?], vec![gradient(&w, &grads)?, gradient(&b, &grads)?]))
            })
        }
        "cross_entropy_fwd_bwd" => {
            let on = &device.autodiff();
            let (x, y): (Tensor<2>, _) = (random((4096, 10000), 1, 5.0, on), labels(4096, 2, 10000, on));
            call(move || {
                let x = x.clone().require_grad();
                let picked = log_softmax(x.clone(), 1).gather(1, y.clone().reshape([4096, 1]));
                let loss = picked.mean().neg();
                let grads = loss.backward();
                Ok(Many(vec![gradient(&x, &grads)?], vec![loss]))
            })
        }
        "sum_squares_64m" => {
            let x: Tensor<1> = random(64 << 20, 1, 1.0, on);
            call(move || Ok((x.clone() * x.clone()).sum()))
        }
        "column_sum_8192" => {
            let x: Tensor<2> = random((8192, 8192), 1, 1.0, on);
            call(move || Ok(x.clone().sum_dim(0)))
        }
        "matmul_512" | "matmul_1024" | "matmul_2048" => {
            let n: usize = name["matmul_".len()..].parse()?;
            let (x, y): (Tensor<2>, Tensor<2>) = (random((n, n), 1, 1.0, on), random((n, n), 2, 1.0, on));
            call(move || Ok(x.clone().matmul(y.clone())))
        }
        "matmul_bias_gelu_1024" => {
            let (x, w): (Tensor<2>, Tensor<2>) = (random((1024, 1024), 1, 1.0, on), random((1024, 1024), 2, 0.05, on));
            let b: Tensor<1> = random(1024, 3, 1.0, on);
            call(move || Ok(gelu_approximate(x.clone().matmul(w.clone()) + b.clone().unsqueeze())))
        }
        "kmeans_assign" => {
            let (x, c): (Tensor<2>, Tensor<2>) = (random((100_000, 64), 1, 1.0, on), random((16, 64), 2, 1.0, on));
            call(move || {
                let c = c.clone();
                let squares = (c.clone() * c.clone()).sum_dim(1).transpose();
                Ok((squares - x.clone().matmul(c.transpose()) * 2.0).argmin(1))
            })
        }
        "attention_causal" => {
            let of = |seed| -> Tensor<3> { random((16, 512, 64), seed, 1.0, on) };
            let (q, k, v) = (of(1), of(2), of(3));
            call(move || Ok(attention(q.clone(), k.clone(), v.clone(), &device)))
        }
        "mlp_train_step" => {
            let on = &device.autodiff();
            let w = |shape, seed| -> Tensor<2> { random(shape, seed, 0.1, on) };
            let b = |n: usize, seed| -> Tensor<1> { random(n, seed, 0.1, on) };
            let ws = [w((784, 512), 1), w((512, 256), 2), w((256, 10), 3)];
            let bs = [b(512, 4), b(256, 5), b(10, 6)];
            let (x, y): (Tensor<2>, _) = (random((256, 784), 7, 1.0, on), labels(256, 8, 10, on));
            call(move || {
                let ws = ws.clone().map(Tensor::require_grad);
                let bs = bs.clone().map(Tensor::require_grad);
                let layer = |x: Tensor<2>, k: usize| x.matmul(ws[k].clone()) + bs[k].clone().unsqueeze();
                let logits = layer(relu(layer(relu(layer(x.clone(), 0)), 1)), 2);
                let picked = log_softmax(logits, 1).gather(1, y.clone().reshape([256, 1]));
                let loss = picked.mean().neg();
                let grads = loss.backward();
                let mut out = Many::default();
                for (w, b) in ws.iter().zip(&bs) {
                    out.0.push(w.clone().inner() - gradient(w, &grads)? * 0.1);
                    out.1.push(b.clone().inner() - gradient(b, &grads)? * 0.1);
                }
                out.1.push(loss);
                Ok(out)
            })
        }
        "efficientnet_b1" | "efficientnet_b8" => {
            let batch: usize = name["efficientnet_b".len()..].parse()?;
            let net = Net::load(on)?;
            let x: Tensor<4> = random((batch, 3, 224, 224), 1, 1.0, on);
            call(move || network::logits(&net, Stage::Planes(x.clone())))
        }
        _ => Ok(None),
    }
}
