//! EfficientNet-Lite0, in the language.
//!
//! In: pixels and weights. Out: one number a class of ImageNet. Always: the names of the fields are the names in the
//! file of weights. Next: [`crate::report`].

use ndfuse::prelude::*;

/// The mean of each colour over the photographs that the network was trained with.
pub const MEAN: [f32; 3] = [0.485, 0.456, 0.406];
/// And the standard deviation.
pub const STD: [f32; 3] = [0.229, 0.224, 0.225];

tensor! {
    pub struct Conv<O, I, K> { weight: f32[O, I, K, K] }

    pub struct Norm<C> { weight: f32[C], bias: f32[C], running_mean: f32[C], running_var: f32[C] }

    pub struct Linear<O, I> { weight: f32[O, I], bias: f32[O] }

    /// The first block, which does not widen its input.
    pub struct First<I, O, K> {
        _depthwise_conv: Conv<I, 1, K>,
        _bn1: Norm<I>,
        _project_conv: Conv<O, I, 1>,
        _bn2: Norm<O>,
    }

    /// An inverted residual block: from `I` channels to `E` and on to `O`.
    pub struct Block<I, E, O, K> {
        _expand_conv: Conv<E, I, 1>,
        _bn0: Norm<E>,
        _depthwise_conv: Conv<E, 1, K>,
        _bn1: Norm<E>,
        _project_conv: Conv<O, E, 1>,
        _bn2: Norm<O>,
    }

    pub struct Net {
        _conv_stem: Conv<32, 3, 3>,
        _bn0: Norm<32>,
        _blocks: (
            First<32, 16, 3>,
            Block<16, 96, 24, 3>, Block<24, 144, 24, 3>,
            Block<24, 144, 40, 5>, Block<40, 240, 40, 5>,
            Block<40, 240, 80, 3>, Block<80, 480, 80, 3>, Block<80, 480, 80, 3>,
            Block<80, 480, 112, 5>, Block<112, 672, 112, 5>, Block<112, 672, 112, 5>,
            Block<112, 672, 192, 5>, Block<192, 1152, 192, 5>, Block<192, 1152, 192, 5>, Block<192, 1152, 192, 5>,
            Block<192, 1152, 320, 3>,
        ),
        _conv_head: Conv<1280, 320, 1>,
        _bn1: Norm<1280>,
        _fc: Linear<1000, 1280>,
    }

    fn norm(x, n) {
        batch_norm(x, n.running_mean, n.running_var, n.weight, n.bias, eps=1e-3)
    }

    /// A convolution of each channel by itself, then one that mixes the channels.
    fn separable(x, b, stride) {
        let x = conv2d(x, b._depthwise_conv.weight, stride=stride, padding="same", groups=x.shape[1]);
        let x = relu6(norm(x, b._bn1));
        norm(conv2d(x, b._project_conv.weight), b._bn2)
    }

    fn block(x, b, stride) {
        separable(relu6(norm(conv2d(x, b._expand_conv.weight), b._bn0)), b, stride)
    }

    /// A block of as many channels behind as in front, around which its input goes unchanged.
    fn residual(x, b) {
        x + block(x, b, 1)
    }

    #[no_grad]
    /// The network up to the softmax.
    pub fn logits<B>(x: f32[B, 3, 224, 224], net: Net) -> f32[B, 1000] {
        let x = conv2d(x, net._conv_stem.weight, stride=2, padding="same");
        let x = relu6(norm(x, net._bn0));
        let x = separable(x, net._blocks.0, 1);
        let x = block(x, net._blocks.1, 2);
        let x = residual(x, net._blocks.2);
        let x = block(x, net._blocks.3, 2);
        let x = residual(x, net._blocks.4);
        let x = block(x, net._blocks.5, 2);
        let x = residual(x, net._blocks.6);
        let x = residual(x, net._blocks.7);
        let x = block(x, net._blocks.8, 1);
        let x = residual(x, net._blocks.9);
        let x = residual(x, net._blocks.10);
        let x = block(x, net._blocks.11, 2);
        let x = residual(x, net._blocks.12);
        let x = residual(x, net._blocks.13);
        let x = residual(x, net._blocks.14);
        let x = block(x, net._blocks.15, 1);
        let x = relu6(norm(conv2d(x, net._conv_head.weight), net._bn1));
        x.mean(axis=(2, 3)) @ net._fc.weight.T + net._fc.bias
    }

    #[no_grad]
    /// From bytes, colour by colour in each pixel, to normalised planes of colour.
    pub fn prepare<H, W>(pixels: u8[H, W, 3], mean: f32[3], std: f32[3]) -> f32[1, 3, H, W] {
        let x = (pixels.astype(f32) / 255 - mean) / std;
        x.transpose(2, 0, 1)[None]
    }

    #[no_grad]
    /// Numbers that sum to 1.
    pub fn probabilities<B, C>(logits: f32[B, C]) -> f32[B, C] {
        softmax(logits, axis=-1)
    }
}
