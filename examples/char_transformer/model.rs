//! A transformer over characters, and the step that trains it, in the language.
//!
//! In: 64 characters a row, as numbers, and their successors. Out: the next state of the training, or a logit for each
//! possible successor. Always: a character sees itself and those before it; a whole step, forward, backward and update,
//! is one function. After Vaswani et al., 2017, with the norms before the layers as in GPT-2. Next: [`crate::training`].

use ndfuse::prelude::*;

/// How many characters the model sees.
pub const CONTEXT: usize = 64;
/// How many different characters there are in the text.
pub const VOCABULARY: usize = 65;

tensor! {
    pub struct Block {
        norm1: f32[128], bias1: f32[128],
        qkv: f32[128, 384], project: f32[128, 128],
        norm2: f32[128], bias2: f32[128],
        up: f32[128, 512], up_bias: f32[512],
        down: f32[512, 128], down_bias: f32[128],
    }

    pub struct Gpt {
        characters: f32[65, 128],
        places: f32[64, 128],
        blocks: [Block; 4],
        norm: f32[128], bias: f32[128],
        head: f32[128, 65],
    }

    /// Dropout, where there is a key.
    fn drop(x, rate, key, number) {
        if key == None { x } else { dropout(x, rate, fold_in(key, number)) }
    }

    /// Four heads of 32; no character sees a later one.
    fn attention(x, b) {
        let qkv = (x @ b.qkv).reshape(x.shape[0], 64, 3, 4, 32).transpose(2, 0, 3, 1, 4);
        let scores = qkv[0] @ qkv[1].transpose(0, 1, 3, 2) * 0.17677669529663687;
        let seen = arange(64)[:, None] >= arange(64);
        let p = softmax(where(seen, scores, -inf));
        (p @ qkv[2]).transpose(0, 2, 1, 3).reshape(x.shape[0], 64, 128) @ b.project
    }

    fn block(x, b, rate, key, number) {
        let x = x + drop(attention(layer_norm(x, b.norm1, b.bias1), b), rate, key, number);
        let h = gelu(layer_norm(x, b.norm2, b.bias2) @ b.up + b.up_bias, approximate="tanh");
        x + drop(h @ b.down + b.down_bias, rate, key, number + 1)
    }

    fn forward(net, x, rate, key) {
        let h = drop(embedding(x, net.characters) + net.places, rate, key, 0);
        for i in 0..4 {
            h = block(h, net.blocks[i], rate, key, 2 * i + 1);
        }
        layer_norm(h, net.norm, net.bias) @ net.head
    }

    #[no_grad]
    fn dropped_loss<B>(net: Gpt, x: i64[B, 64], y: i64[B, 64], rate: f32, key: i64) -> f32[] {
        cross_entropy(forward(net, x, rate, key), y).mean()
    }

    #[no_grad]
    fn plain_loss<B>(net: Gpt, x: i64[B, 64], y: i64[B, 64]) -> f32[] {
        cross_entropy(forward(net, x, 0, None), y).mean()
    }

    /// The mean loss of a batch, in nats a character.
    #[no_grad]
    pub fn loss<B>(net: Gpt, x: i64[B, 64], y: i64[B, 64]) -> f32[] { plain_loss(net, x, y) }

    /// A step with dropout: the next weights and moments, and the loss before.
    pub fn dropout_step<B>(
        net: Gpt, m: Gpt, v: Gpt, t: f32, lr: f32, x: i64[B, 64], y: i64[B, 64], rate: f32, key: i64,
    ) -> (Gpt, Gpt, Gpt, f32[]) {
        let (l, g) = value_and_grad(dropped_loss, wrt=net)(net, x, y, rate, key);
        let (net, m, v) = adamw(net, clip_grad_norm(g, 1.0), m, v, t, lr, beta2=0.99, weight_decay=0.1);
        (net, m, v, l)
    }

    /// A step without dropout.
    pub fn step<B>(
        net: Gpt, m: Gpt, v: Gpt, t: f32, lr: f32, x: i64[B, 64], y: i64[B, 64],
    ) -> (Gpt, Gpt, Gpt, f32[]) {
        let (l, g) = value_and_grad(plain_loss, wrt=net)(net, x, y);
        let (net, m, v) = adamw(net, clip_grad_norm(g, 1.0), m, v, t, lr, beta2=0.99, weight_decay=0.1);
        (net, m, v, l)
    }

    /// The learning rate of a step.
    #[no_grad]
    pub fn learning_rate(t: f32, total: f32, greatest: f32) -> f32[] {
        greatest * warmup_cosine(t, 100.0, total, last=0.1)
    }

    /// For each character the logits of its successor.
    #[no_grad]
    pub fn logits<B>(net: Gpt, x: i64[B, 64]) -> f32[B, 64, 65] { forward(net, x, 0, None) }

    /// Normal numbers, in the shape of an array.
    #[no_grad]
    pub fn normal<N>(like: f32[N], deviation: f32, key: i64) -> f32[N] {
        deviation * random_normal(key, like.shape)
    }
}
