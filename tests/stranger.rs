//! A crate that is no part of this workspace, under the strictest attributes, builds and runs.

mod outside;

const MAIN: &str = r#"
#![forbid(unsafe_code)]
#![no_implicit_prelude]
#![deny(warnings)]

mod layers {
    // Names that generated code must not trip over.
    #[allow(dead_code)]
    pub struct Vec;
    #[allow(dead_code)]
    pub struct Option;
    #[allow(dead_code)]
    pub mod rt {}

    ::ndfuse::tensor! {
        /// A layer of weights.
        pub struct Layer<I, O> { weight: f32[I, O], bias: f32[O] }

        pub struct Net<I> { hidden: [Layer<I, I>; 2], last: Layer<I, 2> }

        /// Softmax over the last axis.
        pub fn softmax<B, C>(x: f32[B, C]) -> f32[B, C] {
            let e = exp(x - x.max(axis=-1, keepdims=true));
            e / e.sum(axis=-1, keepdims=true)
        }

        pub fn predict<B, I>(x: f32[B, I], net: Net<I>) -> (f32[B, 2], i64[B]) {
            let h = x;
            for i in 0..2 {
                h = relu(h @ net.hidden[i].weight + net.hidden[i].bias);
            }
            let p = softmax(h @ net.last.weight + net.last.bias);
            (p, p.argmax(axis=1))
        }
    }
}

fn run() -> ::ndfuse::Result<()> {
    use ::ndfuse::{Const, Params, Tensor};
    let eye = || Tensor::from_slice((3, 3), &[1.0f32, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0]);
    let hidden = || ::ndfuse::Result::<_>::Ok(layers::Layer { weight: eye()?, bias: Tensor::zeros((3,))? });
    let net = layers::Net {
        hidden: [hidden()?, hidden()?],
        last: layers::Layer {
            weight: Tensor::from_slice((3, Const::<2>), &[1.0, 0.0, 0.0, 1.0, 0.0, 0.0])?,
            bias: Tensor::zeros((Const::<2>,))?,
        },
    };
    let x = Tensor::from_slice((2, 3), &[5.0f32, -1.0, 2.0, -1.0, 5.0, 2.0])?;
    let (p, class) = layers::predict(&x, &net)?;
    ::std::println!("{} parameters", net.count());
    ::std::println!("{:.4} {}", p.view()?, class.view()?);
    ::std::println!("{} launches", layers::predict::kernels());
    ::std::result::Result::Ok(())
}

fn main() {
    if let ::std::result::Result::Err(error) = run() {
        ::std::panic!("{error}");
    }
}
"#;

#[test]
fn a_strangers_crate_builds_and_runs() {
    let output = outside::run(&outside::write("stranger", "", MAIN));
    let (text, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{errors}");
    let wanted = "32 parameters\n[[0.9933, 0.0067],\n [0.0067, 0.9933]] [0, 1]\n4 launches\n";
    assert_eq!(text, wanted, "{errors}");
}
