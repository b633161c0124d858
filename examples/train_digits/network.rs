//! Two networks that read digits, and how they learn, in the language.
//!
//! In: weights, images as bytes from 0 to 16, labels. Out: the weights after one step; or what the network makes of the
//! images. Always: a training step, from the bytes to the new weights, is one function. Next: [`crate::training`].

use ndfuse::prelude::*;

tensor! {
    pub struct Conv<O, I> { weight: f32[O, I, 3, 3], bias: f32[O] }

    pub struct Linear<O, I> { weight: f32[O, I], bias: f32[O] }

    /// Two hidden layers.
    pub struct Mlp { first: Linear<128, 64>, second: Linear<128, 128>, out: Linear<10, 128> }

    /// Two convolutions, then the greatest of every 2 x 2.
    pub struct Cnn { first: Conv<16, 1>, second: Conv<32, 16>, out: Linear<10, 512> }

    /// Mean 0 and variance 1 over all pixels.
    fn normalised(images) {
        (images.astype(f32) / 16 - 0.305) / 0.376
    }

    fn conv(x, layer) {
        relu(conv2d(x, layer.weight, layer.bias, padding="same"))
    }

    fn mlp<B>(net: Mlp, images: u8[B, 8, 8]) -> f32[B, 10] {
        let x = normalised(images).reshape(B, 64);
        let x = relu(linear(x, net.first.weight, net.first.bias));
        let x = relu(linear(x, net.second.weight, net.second.bias));
        linear(x, net.out.weight, net.out.bias)
    }

    fn cnn<B>(net: Cnn, images: u8[B, 8, 8]) -> f32[B, 10] {
        let x = conv(conv(normalised(images)[:, None], net.first), net.second);
        linear(max_pool2d(x, 2).reshape(B, 512), net.out.weight, net.out.bias)
    }

    fn mlp_loss<B>(net: Mlp, images: u8[B, 8, 8], labels: i64[B]) -> f32[] {
        cross_entropy(mlp(net, images), labels).mean()
    }

    fn cnn_loss<B>(net: Cnn, images: u8[B, 8, 8], labels: i64[B]) -> f32[] {
        cross_entropy(cnn(net, images), labels).mean()
    }

    /// AdamW of gradients that are not too long, with a rate that rises for 50 steps and then falls.
    fn learnt(net, g, m, v, step, epoch, lr) {
        let lr = lr * minimum(step / 50, 1) * exponential_decay(epoch, 0.8);
        adamw(net, clip_grad_norm(g, 1.0), m, v, step, lr)
    }

    /// One step of training: the weights, their moments, the loss before it. `step` counts from 1.
    #[no_grad]
    pub fn mlp_step<B>(
        net: Mlp, m: Mlp, v: Mlp, step: f32, epoch: f32, lr: f32, images: u8[B, 8, 8], labels: i64[B],
    ) -> (Mlp, Mlp, Mlp, f32[]) {
        let (loss, g) = value_and_grad(mlp_loss, wrt=net)(net, images, labels);
        let (net, m, v) = learnt(net, g, m, v, step, epoch, lr);
        (net, m, v, loss)
    }

    /// The same for the other network.
    #[no_grad]
    pub fn cnn_step<B>(
        net: Cnn, m: Cnn, v: Cnn, step: f32, epoch: f32, lr: f32, images: u8[B, 8, 8], labels: i64[B],
    ) -> (Cnn, Cnn, Cnn, f32[]) {
        let (loss, g) = value_and_grad(cnn_loss, wrt=net)(net, images, labels);
        let (net, m, v) = learnt(net, g, m, v, step, epoch, lr);
        (net, m, v, loss)
    }

    /// The likeliest digit of each image, and the loss of all.
    #[no_grad]
    pub fn mlp_read<B>(net: Mlp, images: u8[B, 8, 8], labels: i64[B]) -> (i64[B], f32[]) {
        let logits = mlp(net, images);
        (logits.argmax(axis=-1), cross_entropy(logits, labels).mean())
    }

    /// The same for the other network.
    #[no_grad]
    pub fn cnn_read<B>(net: Cnn, images: u8[B, 8, 8], labels: i64[B]) -> (i64[B], f32[]) {
        let logits = cnn(net, images);
        (logits.argmax(axis=-1), cross_entropy(logits, labels).mean())
    }

    /// Numbers of the normal distribution; others for each key and each `n`.
    #[no_grad]
    pub fn normal<N>(like: f32[N], deviation: f32, key: i64, n: i64) -> f32[N] {
        deviation * random_normal(fold_in(key, n), like.shape)
    }
}
