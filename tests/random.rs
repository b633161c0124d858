//! Random numbers of a key: how they are distributed, and that nothing but the key and the place of an element matters.
//!
//! The bits themselves are compared with the published vectors where they are made, in `tensor-runtime/src/int.rs`, and
//! with the oracle, on every number of threads, in `tests/ops`.

use ndfuse::tensor;

const COUNT: usize = 200_000;

tensor! {
    fn uniform(key: i64) -> f32[200_000] { random_uniform(key, (200_000,)) }
    fn uniform_f64(key: i64) -> f64[200_000] { random_uniform(key, (200_000,), dtype=f64) }
    fn normal(key: i64) -> f32[200_000] { random_normal(key, (200_000,)) }
    fn normal_f64(key: i64) -> f64[200_000] { random_normal(key, (200_000,), dtype=f64) }
    fn dice(key: i64) -> i64[200_000] { random_randint(key, -2, 4, (200_000,)) }
    fn coins(key: i64) -> bool[200_000] { bernoulli(key, 0.3, (200_000,)) }
    fn bits(key: i64) -> u32[1000] { random_bits(key, (1000,)) }
    fn dropped(x: f32[200_000], key: i64) -> f32[200_000] { dropout(x, 0.25, key) }
    fn all_dropped<N>(x: f32[N], key: i64) -> f32[N] { dropout(x, 1.0, key) }
    fn children(key: i64, n: i64) -> (u64[500], u64[500]) {
        (random_bits(fold_in(key, n), (500,), dtype=u64), random_bits(key, (500,), dtype=u64))
    }
    // One array, made in four ways.
    fn plain<A, B>(key: i64, like: f32[A, B]) -> f32[A, B] { random_normal(key, like.shape) }
    fn turned<A, B>(key: i64, like: f32[A, B]) -> f32[B, A] { random_normal(key, like.shape).T }
    fn flat<A, B>(key: i64, like: f32[A, B]) -> f32[A * B] { random_normal(key, (A * B,)) }
    fn fused<A, B>(key: i64[], like: f32[A, B]) -> (f32[A, B], f32[A]) {
        let x = random_normal(key, like.shape);
        (x + like, x.max(axis=1))
    }
}

fn moments(x: &[f64]) -> (f64, f64) {
    let n = x.len() as f64;
    let mean = x.iter().sum::<f64>() / n;
    (mean, x.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n)
}

/// Pearson's statistic of counts that should be equal.
fn chi_square(buckets: &[usize]) -> f64 {
    let wanted = buckets.iter().sum::<usize>() as f64 / buckets.len() as f64;
    buckets.iter().map(|&n| (n as f64 - wanted).powi(2) / wanted).sum()
}

/// Buckets of equal probability: 100 of them stay below 149 with probability 0.999.
fn check_buckets(places: impl Iterator<Item = f64>) {
    let mut buckets = [0; 100];
    places.for_each(|p| buckets[(p * 100.0) as usize] += 1);
    let found = chi_square(&buckets);
    assert!((50.0..149.0).contains(&found), "chi-square {found}");
}

/// The distribution function of the normal distribution at steps of a thousandth from -9 on.
fn normal_table() -> Vec<f64> {
    let density = |z: f64| (-z * z / 2.0).exp() / std::f64::consts::TAU.sqrt();
    let mut below = vec![0.0];
    for k in 0..18_000 {
        below.push(below[k] + density(-9.0 + (k as f64 + 0.5) / 1000.0) / 1000.0);
    }
    below
}

/// The distribution function between two steps of the table.
fn distribution(table: &[f64], z: f64) -> f64 {
    let place = (z + 9.0) * 1000.0;
    let (k, part) = (place as usize, place.fract());
    (table[k] + part * (table[k + 1] - table[k])).min(0.999_999)
}

#[test]
fn uniform_numbers_are_uniform() {
    for key in [0, 1, -7, i64::MAX] {
        let narrow: Vec<f64> = uniform(key).unwrap().to_vec().unwrap().into_iter().map(f64::from).collect();
        let wide = uniform_f64(key).unwrap().to_vec().unwrap();
        for x in [narrow, wide] {
            assert!(x.iter().all(|v| (0.0..1.0).contains(v)));
            let (mean, variance) = moments(&x);
            assert!((mean - 0.5).abs() < 0.003 && (variance - 1.0 / 12.0).abs() < 0.001, "{mean} {variance}");
            // Neighbours have nothing in common.
            let products: Vec<f64> = x.windows(2).map(|w| (w[0] - 0.5) * (w[1] - 0.5)).collect();
            assert!(moments(&products).0.abs() < 0.001);
            check_buckets(x.into_iter());
        }
    }
}

#[test]
fn normal_numbers_are_normal() {
    let table = normal_table();
    for key in [0, 1, -7, i64::MAX] {
        let narrow: Vec<f64> = normal(key).unwrap().to_vec().unwrap().into_iter().map(f64::from).collect();
        let wide = normal_f64(key).unwrap().to_vec().unwrap();
        for x in [narrow, wide] {
            let (mean, variance) = moments(&x);
            assert!(mean.abs() < 0.01 && (variance - 1.0).abs() < 0.015, "{mean} {variance}");
            let fourth = x.iter().map(|v| v.powi(4)).sum::<f64>() / COUNT as f64;
            assert!((fourth - 3.0).abs() < 0.1, "{fourth}");
            check_buckets(x.iter().map(|&v| distribution(&table, v)));
        }
    }
}

#[test]
fn integers_and_chances_are_fair() {
    let mut faces = [0; 6];
    dice(3).unwrap().to_vec().unwrap().into_iter().for_each(|v| faces[(v + 2) as usize] += 1);
    // Five degrees of freedom: below 20.5 with probability 0.999.
    assert!(chi_square(&faces) < 20.5, "{faces:?}");
    let heads = coins(3).unwrap().to_vec().unwrap().into_iter().filter(|b| *b).count();
    assert!((heads as f64 / COUNT as f64 - 0.3).abs() < 0.005, "{heads}");
}

#[test]
fn dropout_keeps_the_mean() {
    let ones = ndarray::Array1::<f32>::ones(COUNT);
    let y = dropped(&ones, 11).unwrap().to_vec().unwrap();
    assert!(y.iter().all(|&v| v == 0.0 || v == 1.0 / 0.75));
    let mean = y.iter().map(|&v| f64::from(v)).sum::<f64>() / COUNT as f64;
    assert!((mean - 1.0).abs() < 0.01, "{mean}");
    let x = ndarray::array![1.0f32, f32::INFINITY, f32::NAN, -2.0];
    assert_eq!(all_dropped(&x, 5).unwrap().to_vec().unwrap(), [0.0; 4]);
}

#[test]
fn keys_give_numbers_of_their_own() {
    let mut seen = std::collections::HashSet::new();
    let mut add = |word: u64| assert!(seen.insert(word), "a word of 64 bits came twice");
    for key in [0, 1, 2, -1] {
        for n in [0, 1, 2, -1] {
            let (child, parent) = children(key, n).unwrap();
            child.to_vec().unwrap().into_iter().for_each(&mut add);
            if n == 0 {
                parent.to_vec().unwrap().into_iter().for_each(&mut add);
            }
        }
    }
    let ones: u32 = bits(1).unwrap().to_vec().unwrap().into_iter().map(u32::count_ones).sum();
    assert!((15_500..16_500).contains(&ones), "{ones} of 32000 bits are set");
}

#[test]
fn neither_fusion_nor_shape_matters() {
    for (a, b) in [(1, 1), (3, 17), (40, 1025)] {
        let zeros = ndarray::Array2::<f32>::zeros((a, b));
        let x = plain(42, &zeros).unwrap().view().unwrap().to_owned();
        assert_eq!(turned(42, &zeros).unwrap().view().unwrap().t(), x);
        assert_eq!(flat(42, &zeros).unwrap().to_vec().unwrap(), x.iter().copied().collect::<Vec<f32>>());
        let (y, top) = fused(ndarray::arr0(42i64), &zeros).unwrap();
        assert_eq!(y.view().unwrap(), x);
        let rows: Vec<f32> = x.rows().into_iter().map(|r| r.iter().copied().fold(f32::MIN, f32::max)).collect();
        assert_eq!(top.to_vec().unwrap(), rows);
    }
}
