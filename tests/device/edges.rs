//! Products, attentions, convolutions and strips at the edges of what their kernels divide: of no elements, of one less or
//! more than a tile, of what lies at odd places, of numbers that are none.
//!
//! In: a device. Out: nothing, or what is wrong. Always: the host has the right results.

use ndfuse::prelude::*;
use ndfuse::{Element, Result, Shape, tensor};

use crate::results::wave;

tensor! {
    #[no_grad]
    fn mixed<M, N, K>(
        x: f32[M, K], w: f32[K, N], row: f32[M], column: f32[N], whole: u8[M, N], half: f32,
    ) -> (f32[M, N], f64[M, N], u8[M, N], bool[N, M]) {
        let y = x @ w + column;
        let seen = where(arange(M)[:, None] >= arange(N), y * half, row[:, None]);
        (seen + whole.astype(f32), y.astype(f64) * 2, clip(y, 0, 200).astype(u8), (y > row[:, None]).T)
    }
    #[no_grad]
    fn many<P, A, B, C>(x: f32[P, A, B], w: f32[P, B, C], bias: f32[C]) -> (f32[P, A, C], f32[P, C, A]) {
        let y = relu(x @ w + bias);
        (y, y.transpose(0, 2, 1))
    }
    #[no_grad]
    fn picked<M, N, K, V, W>(
        x: f32[M, K], w: f32[K, N], rows: f32[V], columns: f32[W], i: i64[M], j: i64[N],
    ) -> f32[M, N] {
        x @ w + rows[i][:, None] * columns[j]
    }
    /// Heads, numbers and their halves: three axes of columns.
    #[no_grad]
    fn split<B, T, D, H, E>(x: f32[B, T, D], w: f32[H, D, 2, E], b: f32[H, 1, 2, E]) -> (f32[B, H, T, 2, E], f32[B, T, H, E]) {
        let w = w.transpose(1, 0, 2, 3).reshape(D, H * 2 * E);
        let y = (x @ w).reshape(B, T, H, 2, E).transpose(0, 2, 1, 3, 4) + b;
        (y, (y[:, :, :, 0, :] - y[:, :, :, 1, ::-1]).transpose(0, 2, 1, 3))
    }
    #[no_grad]
    fn shared<B, H, T, S, D, E>(
        q: f32[B, H, T, D], k: f32[B, S, D], v: f32[B, S, E], bias: f32[T, S], w: f32[E],
    ) -> f32[B, T, H, E] {
        let s = q @ k[:, None].transpose(0, 1, 3, 2) + bias;
        ((softmax(s, axis=-1) @ v[:, None]) * w - 1).transpose(0, 2, 1, 3)
    }
    #[no_grad]
    fn some_keys<D>(
        q: f32[66, D], k: f32[70, D], v: f32[65, D], u: f32[70, D],
    ) -> (f32[66, D], f32[2, D], f32[66, D], f32[22, D]) {
        let s = q @ k.T;
        let rows = s[::3];
        (softmax(s[:, :65], axis=-1) @ v, softmax(s[:2], axis=-1) @ u, softmax(s[::-1, ::-1], axis=-1) @ u,
         softmax(rows, axis=-1) @ u)
    }
    #[no_grad]
    fn first_keys<D>(q: f32[66, D], k: f32[70, D], v: f32[65, D]) -> f32[66, D] { softmax((q @ k.T)[:, :65], axis=-1) @ v }
    #[no_grad]
    fn first_rows<D>(q: f32[66, D], k: f32[70, D], v: f32[70, D]) -> f32[5, D] { softmax((q @ k.T)[:5], axis=-1) @ v }
    fn thin<B, C, O>(x: f32[B, C, 7, 9], w: f32[O, C, 1, 3], b: f32[O]) -> f32[B, O, 4, 3] {
        relu(conv2d(x, w, bias=b, stride=(2, 3), padding="same"))
    }
    fn spread<B>(x: f32[B, 6, 9, 8], w: f32[4, 3, 3, 2]) -> f32[B, 4, 5, 4] {
        tanh(conv2d(x, w, padding="valid", dilation=(2, 4), groups=2))
    }
    fn strided<B, H, W>(x: f32[B, 2, H, W], w: f32[3, 2, 3, 3]) -> f32[B, 3, (H + 1) / 2, (W + 1) / 2] {
        conv2d(x, w, stride=2, padding=1)
    }
    #[no_grad]
    fn strips<A, B>(
        x: f32[A, B], y: u8[A, B], z: bool[B], w: f64[A, 1], v: f64[B],
    ) -> (f32[A, B], u8[A, B], bool[A, B], f64[A, B]) {
        let t = where(z, x, -x) * 0.5;
        (t, y[:, ::-1] + 1, (y > 3) & z, t.astype(f64) + w * v[::-1])
    }
    #[no_grad]
    fn shifted<A, B>(x: f32[A, B]) -> (f32[A, B], f32[A, 2 * B], f32[A]) {
        (roll(x, 1, axis=1) - x, repeat(x, 2, axis=1), softmax(x, axis=1).max(axis=1))
    }
}

/// Multiples of a half between -3 and 3: all that is made of them here is exact.
fn halves<S: Shape>(shape: S, seed: usize) -> Result<Tensor<f32, S>> {
    let n = shape.sizes().iter().product();
    Tensor::from_vec(shape, (0..n).map(|k| ((k * 29 + seed * 7) % 13) as f32 / 2.0 - 3.0).collect())
}

fn bytes<S: Shape>(shape: S) -> Result<Tensor<u8, S>> {
    let n = shape.sizes().iter().product();
    Tensor::from_vec(shape, (0..n).map(|k| (k * 3 % 11) as u8).collect())
}

fn same<T: Element + PartialEq + std::fmt::Debug, S: Shape>(found: &Tensor<T, S>, host: &Tensor<T, S>) {
    let (a, b) = (found.to_host().unwrap(), host.to_vec().unwrap());
    assert_eq!(a.dims(), host.dims());
    let a = a.to_vec().unwrap();
    let place = a.iter().zip(&b).position(|(a, b)| a != b);
    assert!(
        place.is_none(),
        "element {place:?} of {:?}: {:?}, not {:?}",
        host.dims(),
        a[place.unwrap()],
        b[place.unwrap()]
    );
}

/// To rounding; what is no number on the host is none.
pub(crate) fn near<S: Shape>(found: &Tensor<f32, S>, host: &Tensor<f32, S>) {
    let (a, b) = (found.to_host().unwrap().to_vec().unwrap(), host.to_vec().unwrap());
    assert_eq!(a.len(), b.len());
    for (k, (a, b)) in a.into_iter().zip(b).enumerate() {
        let close = a == b || (a - b).abs() <= 2e-5 * (1.0 + b.abs()) || a.is_nan() && b.is_nan();
        assert!(close, "element {k} of {:?}: {a}, not {b}", host.dims());
    }
}

pub fn epilogues_at_the_edges_of_tiles(device: &Device) -> Result<()> {
    let sizes =
        [(0, 5, 3), (5, 0, 3), (5, 3, 0), (1, 1, 1), (1, 129, 2), (129, 1, 2), (63, 65, 17), (64, 64, 16), (65, 63, 1)];
    for (m, n, k) in sizes.into_iter().chain([(127, 3, 129), (2, 128, 127), (66, 130, 15)]) {
        let (x, w, whole) = (halves((m, k), 1)?, halves((k, n), 2)?, bytes((m, n))?);
        let (row, column) = (halves((m,), 3)?, halves((n,), 4)?);
        let host = mixed(&x, &w, &row, &column, &whole, 0.5)?;
        // As they are, and with the operands turned in memory.
        let (dx, dw) = (x.to_device(device)?, w.to_device(device)?);
        let (dr, dc, dh) = (row.to_device(device)?, column.to_device(device)?, whole.to_device(device)?);
        let turned = |x: &Tensor<f32, (usize, usize)>| -> Result<Tensor<f32, (usize, usize)>> {
            let values = x.transpose().to_vec()?;
            Ok(Tensor::from_vec((x.dims()[1], x.dims()[0]), values)?.to_device(device)?.transpose())
        };
        let there = [mixed(&dx, &dw, &dr, &dc, &dh, 0.5)?, mixed(turned(&x)?, turned(&w)?, &dr, &dc, &dh, 0.5)?];
        for found in there {
            same(&found.0, &host.0);
            same(&found.1, &host.1);
            same(&found.2, &host.2);
            same(&found.3, &host.3);
        }
    }
    Ok(())
}

/// So many that the tiles are large ones.
pub fn epilogues_of_many_products(device: &Device) -> Result<()> {
    for (p, a, b, c) in [(130, 1, 2, 1), (128, 3, 17, 5), (64, 129, 1, 2), (33, 65, 2, 129), (127, 2, 3, 4)] {
        let (x, w, bias) = (halves((p, a, b), 1)?, halves((p, b, c), 2)?, halves((c,), 3)?);
        let host = many(&x, &w, &bias)?;
        let found = many(x.to_device(device)?, w.to_device(device)?, bias.to_device(device)?)?;
        same(&found.0, &host.0);
        same(&found.1, &host.1);
    }
    Ok(())
}

pub fn epilogues_that_pick(device: &Device) -> Result<()> {
    let (x, w, rows, columns) = (halves((5, 3), 1)?, halves((3, 70), 2)?, halves((4,), 3)?, halves((6,), 4)?);
    let (dx, dw) = (x.to_device(device)?, w.to_device(device)?);
    let (dr, dc) = (rows.to_device(device)?, columns.to_device(device)?);
    let good_i: Vec<i64> = vec![0, 3, -4, -1, 2];
    let good_j: Vec<i64> = (0..70).map(|k| k % 12 - 6).collect();
    // Where nothing is written, too, the host says what is an error.
    for (m, n) in [(5, 0), (0, 70), (0, 0)] {
        let (x, w) = (halves((m, 3), 1)?, halves((3, n), 2)?);
        let (dx, dw) = (x.to_device(device)?, w.to_device(device)?);
        let (i, j) = (Tensor::from_vec((m,), vec![9; m])?, Tensor::from_vec((n,), vec![-9; n])?);
        let host = picked(&x, &w, &rows, &columns, &i, &j);
        let found = picked(&dx, &dw, &dr, &dc, i.to_device(device)?, j.to_device(device)?);
        let text = |r: Result<Tensor<f32, (usize, usize)>>| r.map(|y| y.len()).map_err(|e| e.to_string());
        assert_eq!(text(found), text(host));
    }
    for (at_i, i, at_j, j) in
        [(0, 0, 0, 0), (4, 4, 0, 0), (0, 0, 69, 6), (1, -5, 3, -7), (2, i64::MAX, 64, i64::MIN), (0, -4, 0, 5)]
    {
        let (mut i_all, mut j_all) = (good_i.clone(), good_j.clone());
        i_all[at_i] = i;
        j_all[at_j] = j;
        let (i, j) = (Tensor::from_vec((5,), i_all)?, Tensor::from_vec((70,), j_all)?);
        let host = picked(&x, &w, &rows, &columns, &i, &j);
        let found = picked(&dx, &dw, &dr, &dc, i.to_device(device)?, j.to_device(device)?);
        match (found, host) {
            (Ok(found), Ok(host)) => same(&found, &host),
            (found, host) => {
                let text = |r: Result<Tensor<f32, (usize, usize)>>| r.map(|y| y.len()).map_err(|e| e.to_string());
                assert_eq!(text(found), text(host));
            }
        }
    }
    Ok(())
}

pub fn epilogues_with_columns_of_several_axes(device: &Device) -> Result<()> {
    for (b, t, d, h, e) in
        [(1, 1, 1, 1, 1), (2, 3, 5, 3, 7), (1, 33, 4, 5, 13), (2, 0, 4, 2, 3), (1, 2, 3, 0, 4), (3, 2, 0, 2, 2)]
    {
        let (x, w, bias) = (halves((b, t, d), 1)?, halves((h, d, 2, e), 2)?, halves((h, 1, 2, e), 3)?);
        let host = split(&x, &w, &bias)?;
        let found = split(x.to_device(device)?, w.to_device(device)?, bias.to_device(device)?)?;
        same(&found.0, &host.0);
        same(&found.1, &host.1);
    }
    Ok(())
}

pub fn attentions_that_share_keys_or_see_nothing(device: &Device) -> Result<()> {
    let sizes = [
        (2, 3, 5, 7, 4, 1),
        (1, 2, 64, 64, 16, 31),
        (1, 1, 65, 63, 1, 32),
        (2, 2, 3, 130, 3, 33),
        (1, 2, 2, 3, 17, 127),
    ];
    let more = [
        (1, 1, 9, 65, 5, 128),
        (1, 1, 2, 9, 5, 129),
        (1, 2, 0, 3, 4, 5),
        (1, 2, 3, 0, 4, 5),
        (2, 1, 3, 4, 0, 5),
        (2, 2, 3, 4, 5, 0),
    ];
    let seen: [&dyn Fn(usize) -> f32; 6] = [
        &|k| (k % 7) as f32 / 4.0,
        &|k| if k % 3 == 0 { f32::NEG_INFINITY } else { 0.0 },
        &|_| f32::NEG_INFINITY,
        &|k| if k % 31 == 30 { f32::NAN } else { 0.0 },
        &|k| if k % 29 == 28 { f32::INFINITY } else { 1.0 },
        &|k| if k % 2 == 0 { -3e38 } else { -2e38 },
    ];
    for (b, h, t, s, d, e) in sizes.into_iter().chain(more) {
        let (q, k, v, w) = (wave((b, h, t, d), 1)?, wave((b, s, d), 2)?, wave((b, s, e), 3)?, wave((e,), 5)?);
        let there = (q.to_device(device)?, k.to_device(device)?, v.to_device(device)?, w.to_device(device)?);
        for bias in seen.into_iter().take(if s == 0 { 0 } else { 6 }) {
            let bias = Tensor::from_vec((t, s), (0..t * s).map(bias).collect())?;
            let host = shared(&q, &k, &v, &bias, &w)?;
            near(&shared(&there.0, &there.1, &there.2, bias.to_device(device)?, &there.3)?, &host);
        }
    }
    Ok(())
}

pub fn attentions_of_some_scores(device: &Device) -> Result<()> {
    for d in [1, 4, 33] {
        let (q, k, v, u) = (wave((66, d), 1)?, wave((70, d), 2)?, wave((65, d), 3)?, wave((70, d), 4)?);
        let host = some_keys(&q, &k, &v, &u)?;
        let (dq, dk, dv, du) = (q.to_device(device)?, k.to_device(device)?, v.to_device(device)?, u.to_device(device)?);
        let found = some_keys(&dq, &dk, &dv, &du)?;
        near(&found.0, &host.0);
        near(&found.1, &host.1);
        near(&found.2, &host.2);
        near(&found.3, &host.3);
        near(&first_keys(&dq, &dk, &dv)?, &first_keys(&q, &k, &v)?);
        near(&first_rows(&dq, &dk, &du)?, &first_rows(&q, &k, &u)?);
    }
    Ok(())
}

pub fn convolutions_and_their_gradients(device: &Device) -> Result<()> {
    let (x, w, b) = (wave((2, 3, 7, 9), 1)?, wave((5, 3, 1, 3), 2)?, wave((5,), 3)?);
    let (dx, dw, db) = (x.to_device(device)?, w.to_device(device)?, b.to_device(device)?);
    near(&thin(&dx, &dw, &db)?, &thin(&x, &w, &b)?);
    let g = wave((2, 5, 4, 3), 4)?;
    let (_, found) = thin::vjp(&dx, &dw, &db, g.to_device(device)?)?;
    let (_, host) = thin::vjp(&x, &w, &b, &g)?;
    near(&found.x, &host.x);
    near(&found.w, &host.w);
    near(&found.b, &host.b);
    let (x, w, g) = (wave((2, 6, 9, 8), 1)?, wave((4, 3, 3, 2), 2)?, wave((2, 4, 5, 4), 3)?);
    let (dx, dw) = (x.to_device(device)?, w.to_device(device)?);
    near(&spread(&dx, &dw)?, &spread(&x, &w)?);
    let ((_, found), (_, host)) = (spread::vjp(&dx, &dw, g.to_device(device)?)?, spread::vjp(&x, &w, &g)?);
    near(&found.x, &host.x);
    near(&found.w, &host.w);
    for (n, rows, columns) in [(1, 1, 1), (0, 4, 4), (2, 5, 8), (1, 17, 16)] {
        let (x, w) = (wave((n, 2, rows, columns), 1)?, wave((3, 2, 3, 3), 2)?);
        let g = wave((n, 3, rows.div_ceil(2), columns.div_ceil(2)), 3)?;
        let (dx, dw) = (x.to_device(device)?, w.to_device(device)?);
        near(&strided(&dx, &dw)?, &strided(&x, &w)?);
        let ((_, found), (_, host)) = (strided::vjp(&dx, &dw, g.to_device(device)?)?, strided::vjp(&x, &w, &g)?);
        near(&found.x, &host.x);
        near(&found.w, &host.w);
    }
    Ok(())
}

pub fn strips_of_every_length_and_place(device: &Device) -> Result<()> {
    for (rows, columns) in
        [(4400, 15), (4200, 16), (4000, 17), (1050, 63), (1030, 64), (1010, 65), (66, 1000), (1, 70_001), (70_000, 1)]
    {
        let (x, y, w, v) =
            (halves((rows, columns), 1)?, bytes((rows, columns))?, halves((rows, 1), 2)?, halves((columns,), 3)?);
        let z = Tensor::from_vec((columns,), (0..columns).map(|k| k % 3 == 0).collect())?;
        let double = |x: &[f32]| x.iter().map(|&x| f64::from(x)).collect::<Vec<_>>();
        let w = Tensor::from_vec((rows, 1), double(&w.to_vec()?))?;
        let v = Tensor::from_vec((columns,), double(&v.to_vec()?))?;
        let there = (
            x.to_device(device)?,
            y.to_device(device)?,
            z.to_device(device)?,
            w.to_device(device)?,
            v.to_device(device)?,
        );
        let host = strips(&x, &y, &z, &w, &v)?;
        let found = strips(&there.0, &there.1, &there.2, &there.3, &there.4)?;
        same(&found.0, &host.0);
        same(&found.1, &host.1);
        same(&found.2, &host.2);
        same(&found.3, &host.3);
        // Backwards, and into memory that begins at an odd place and has gaps between the rows.
        let back = |x: &Tensor<f32, (usize, usize)>| x.slice::<(usize, usize)>(1, None, None, -1);
        let mut out = (
            Tensor::<f32, _>::zeros((rows, columns + 3))?.to_device(device)?.slice::<(usize, usize)>(
                1,
                Some(1),
                Some(columns as isize + 1),
                1,
            )?,
            Tensor::<u8, _>::zeros((rows, columns + 3))?.to_device(device)?.slice::<(usize, usize)>(
                1,
                Some(3),
                None,
                1,
            )?,
            Tensor::<bool, _>::zeros((columns, rows))?.to_device(device)?.transpose(),
            Tensor::<f64, _>::zeros((rows, columns + 1))?.to_device(device)?.slice::<(usize, usize)>(
                1,
                Some(1),
                None,
                1,
            )?,
        );
        let host = strips(&back(&x)?, &y, &z, &w, &v)?;
        strips::into(
            &back(&there.0)?,
            &there.1,
            &there.2,
            &there.3,
            &there.4,
            &mut out.0,
            &mut out.1,
            &mut out.2,
            &mut out.3,
        )?;
        same(&out.0, &host.0);
        same(&out.1, &host.1);
        same(&out.2, &host.2);
        same(&out.3, &host.3);
    }
    for (rows, columns) in [(1030, 65), (4400, 15), (70, 1001)] {
        // Every other element of a wider one, from an odd place on.
        let wide = halves((rows, 2 * columns + 1), 1)?;
        let every = |x: &Tensor<f32, (usize, usize)>| x.slice::<(usize, usize)>(1, Some(1), None, 2);
        let (host, found) = (shifted(&every(&wide)?)?, shifted(&every(&wide.to_device(device)?)?)?);
        same(&found.0, &host.0);
        same(&found.1, &host.1);
        near(&found.2, &host.2);
    }
    Ok(())
}

tensor! {
    #[no_grad]
    fn one_column<M, K>(x: f32[M, K], w: f32[K, 1], b: f32[M, 1]) -> (f32[M, 1], f32[M]) {
        let y = relu(x @ w + b);
        (y, y[:, 0] - 1)
    }
    #[no_grad]
    fn one_row<N, K>(x: f32[1, K], w: f32[K, N], b: f32[1, N]) -> (f32[1, N], f32[N]) {
        let y = relu(x @ w + b);
        (y, y[0] - 1)
    }
    #[no_grad]
    fn one_number<K>(x: f32[K], w: f32[K], b: f32) -> f32[] { relu(x @ w + b) }
    #[no_grad]
    fn one_of_each<P, K>(x: f32[P, 1, K], w: f32[P, K, 1], b: f32[P]) -> f32[P] { relu((x @ w)[:, 0, 0] + b) }
    #[no_grad]
    fn narrow<T, S, D>(q: f32[T, D], k: f32[S, D], v: f32[S, 1], b: f32[T]) -> f32[T] {
        (softmax(q @ k.T, axis=-1) @ v)[:, 0] * 2 + b
    }
    #[no_grad]
    fn one_query<S, D, E>(q: f32[1, D], k: f32[S, D], v: f32[S, E], b: f32[E]) -> f32[E] {
        (softmax(q @ k.T, axis=-1) @ v)[0] * 2 + b
    }
    #[no_grad]
    fn one_channel<B>(x: f32[B, 1, 6, 6], w: f32[1, 1, 3, 3], b: f32[1]) -> f32[B, 1, 4, 4] { relu(conv2d(x, w, bias=b)) }
    #[no_grad]
    fn wide_image<B>(x: f32[B, 1, 16, 16], w: f32[3, 1, 3, 3], b: f32[3]) -> (f32[B, 3, 16, 16], f32[B, 3, 16, 16]) {
        let y = conv2d(x, w, bias=b, padding="same");
        (maximum(y, x), y[:, :, ::-1] * 2)
    }
    #[no_grad]
    fn residual<N, D>(x: f32[N, D], w: f32[D, D], u: f64[D, D]) -> (f32[N, D], f64[N, D], f32[N, N]) {
        let y = relu(x @ w) + x;
        (y, abs(y.astype(f64) @ u - y.astype(f64)), x @ x.T + arange(N).astype(f32))
    }
    /// A product with its epilogue in each of an attention's parts, and after it.
    #[no_grad]
    fn layer<B, T, D>(
        x: f32[B, T, D], wq: f32[D, D], wk: f32[D, D], wo: f32[D, D], r: f32[B, T, 3], s: f32[B, T, 3],
    ) -> (f32[B, T, D], i64[B, T, D]) {
        let (q, k) = (x @ wq * 0.01, tanh(x @ wk));
        let scores = q @ k.transpose(0, 2, 1) + r @ s.transpose(0, 2, 1);
        let y = (softmax(scores, axis=-1) @ x) + x;
        (y @ wo + x, floor(abs(y) * 0).astype(i64) + arange(D))
    }
    #[no_grad]
    fn one_window<B>(x: f32[B, 2, 3, 3], w: f32[5, 2, 3, 3], b: f32[5]) -> f32[B, 5, 1, 1] { relu(conv2d(x, w, bias=b)) }
}

/// Axes of one element, of which an epilogue has no index.
pub fn epilogues_of_one_row_or_column(device: &Device) -> Result<()> {
    for (n, k) in [(1, 1), (3, 5), (66, 17), (130, 2)] {
        let (x, w, b) = (halves((n, k), 1)?, halves((k, 1), 2)?, halves((n, 1), 3)?);
        let (host, found) =
            (one_column(&x, &w, &b)?, one_column(x.to_device(device)?, w.to_device(device)?, b.to_device(device)?)?);
        same(&found.0, &host.0);
        same(&found.1, &host.1);
        let (x, w, b) = (halves((1, k), 1)?, halves((k, n), 2)?, halves((1, n), 3)?);
        let (host, found) =
            (one_row(&x, &w, &b)?, one_row(x.to_device(device)?, w.to_device(device)?, b.to_device(device)?)?);
        same(&found.0, &host.0);
        same(&found.1, &host.1);
        let (x, w) = (halves((k,), 1)?, halves((k,), 2)?);
        same(&one_number(x.to_device(device)?, w.to_device(device)?, 7.0)?, &one_number(&x, &w, 7.0)?);
        let (x, w, b) = (halves((n, 1, k), 1)?, halves((n, k, 1), 2)?, halves((n,), 3)?);
        let found = one_of_each(x.to_device(device)?, w.to_device(device)?, b.to_device(device)?)?;
        same(&found, &one_of_each(&x, &w, &b)?);
        let (q, keys, v, b) = (wave((n, k), 1)?, wave((5, k), 2)?, wave((5, 1), 3)?, wave((n,), 4)?);
        let (dk, dv) = (keys.to_device(device)?, v.to_device(device)?);
        near(&narrow(q.to_device(device)?, &dk, &dv, b.to_device(device)?)?, &narrow(&q, &keys, &v, &b)?);
        let (q, v, b) = (wave((1, k), 1)?, wave((5, n), 3)?, wave((n,), 4)?);
        let found = one_query(q.to_device(device)?, &dk, v.to_device(device)?, b.to_device(device)?)?;
        {
            near(&found, &one_query(&q, &keys, &v, &b)?);
        }
    }
    let (x, w, b) = (halves((2, 1, 6, 6), 1)?, halves((1, 1, 3, 3), 2)?, halves((1,), 3)?);
    let found = one_channel(x.to_device(device)?, w.to_device(device)?, b.to_device(device)?)?;
    same(&found, &one_channel(&x, &w, &b)?);
    let (x, w, b) = (halves((66, 1, 16, 16), 1)?, halves((3, 1, 3, 3), 2)?, halves((3,), 3)?);
    let (found, host) =
        (wide_image(x.to_device(device)?, w.to_device(device)?, b.to_device(device)?)?, wide_image(&x, &w, &b)?);
    same(&found.0, &host.0);
    same(&found.1, &host.1);
    let (x, w, b) = (halves((3, 2, 3, 3), 1)?, halves((5, 2, 3, 3), 2)?, halves((5,), 3)?);
    let found = one_window(x.to_device(device)?, w.to_device(device)?, b.to_device(device)?)?;
    same(&found, &one_window(&x, &w, &b)?);
    Ok(())
}

pub fn layers_of_products(device: &Device) -> Result<()> {
    for (n, d) in [(1, 1), (3, 5), (65, 33), (0, 2), (2, 0)] {
        let (x, w) = (halves((n, d), 1)?, halves((d, d), 2)?);
        let u = Tensor::from_vec((d, d), w.to_vec()?.into_iter().map(f64::from).collect())?;
        let host = residual(&x, &w, &u)?;
        let found = residual(x.to_device(device)?, w.to_device(device)?, u.to_device(device)?)?;
        same(&found.0, &host.0);
        same(&found.1, &host.1);
        same(&found.2, &host.2);
    }
    for (b, t, d) in [(1, 1, 1), (2, 66, 17), (3, 5, 64)] {
        let x = wave((b, t, d), 1)?;
        let [wq, wk, wo] = [2, 3, 4].map(|seed| wave((d, d), seed));
        let (wq, wk, wo, r, s) = (wq?, wk?, wo?, wave((b, t, 3), 5)?, wave((b, t, 3), 6)?);
        let host = layer(&x, &wq, &wk, &wo, &r, &s)?;
        let [dq, dk, d_o] = [&wq, &wk, &wo].map(|w| w.to_device(device));
        let found = layer(x.to_device(device)?, dq?, dk?, d_o?, r.to_device(device)?, s.to_device(device)?)?;
        near(&found.0, &host.0);
        same(&found.1, &host.1);
    }
    Ok(())
}
