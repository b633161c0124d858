//! Rows and elements that integers name, as a caller sees them.
//!
//! What is read and added is compared with the oracle in `tests/ops`, on indices that the functions make; here the
//! indices come from outside, and some are wrong.

use ndarray::{Array1, Array2, Axis, array, s};
use ndfuse::{Error, tensor};

tensor! {
    fn embed<B, T, V, E>(ids: i32[B, T], table: f32[V, E]) -> f32[B, T, E] { embedding(ids, table) }
    fn bag<B, T, V, E>(ids: i64[B, T], table: f32[V, E]) -> f32[B, E] { embedding(ids, table).sum(axis=1) }
    fn columns<A, B, K>(x: f64[A, B], which: i16[K]) -> f64[A, K] { sqrt(x[:, which]) + 1 }
    fn one<A, B>(x: f32[A, B], row: i64[], column: i64) -> f32[] { x[row][column] }
    fn loss<B, C>(logits: f32[B, C], labels: i64[B]) -> f32[B] {
        -take_along_axis(log_softmax(logits), labels[:, None])[:, 0]
    }
    fn twice<N, K>(x: i64[N], which: i64[K]) -> i64[K] { x[x[which]] }
    fn chosen<A, B>(x: f32[A, B], y: f32[A, B]) -> f32[A] { take_along_axis(y, argmax(x, axis=1)[:, None], axis=1)[:, 0] }
    fn reshaped<A, B, K>(x: f32[A, B], which: i64[K]) -> f32[K] { take(x, which) }
    fn product<A, B, C, K>(x: f32[A, B], y: f32[B, C], which: i64[K]) -> f32[K, C] { (x @ y)[which] * 2 }
    fn rows_of_product<A, B, C>(x: f32[A, B], y: f32[B, C], which: i64[A]) -> f32[A, C] {
        x @ y + y[which]
    }
    fn counts<N>(bins: u8[N]) -> i64[256] { segment_sum(ones_like(bins).astype(i64), bins, 256) }
    fn update<V, E, N>(table: f32[V, E], ids: i64[N], rows: f32[N, E]) -> f32[V, E] { index_add(table, 0, ids, -0.5 * rows) }
    fn grown<N, M>(x: f32[N], at: i64[N], like: f32[M]) -> f32[M] { segment_sum(x, at, like.shape[0]) + like }
}

fn table(rows: usize, columns: usize) -> Array2<f32> {
    Array2::from_shape_fn((rows, columns), |(i, j)| i as f32 + j as f32 / 1024.0)
}

#[test]
fn rows_of_a_table_are_read_in_any_layout() {
    for (rows, columns) in [(1, 1), (7, 3), (50, 1500)] {
        let whole = table(2 * rows, columns);
        let (plain, turned, gaps) = (table(rows, columns), table(columns, rows), whole.slice(s![..;-2, ..]));
        let ids = Array2::from_shape_fn((3, 5), |(i, j)| {
            ((i * 5 + j * 3) % rows) as i32 - if j % 2 == 0 { rows as i32 } else { 0 }
        });
        for table in [plain.view(), turned.t(), gaps] {
            let found = embed(&ids, table).unwrap();
            let summed = bag(ids.mapv(i64::from), table).unwrap();
            for ((i, j), &id) in ids.indexed_iter() {
                let row = table.row(id.rem_euclid(rows as i32) as usize);
                assert_eq!(found.view().unwrap().slice(s![i, j, ..]), row);
            }
            let want = found.view().unwrap().sum_axis(Axis(1));
            let far = (&summed.view().unwrap() - &want).mapv(f32::abs).fold(0.0, |a: f32, &b| a.max(b));
            assert!(far < 1e-4, "{far}");
        }
    }
}

#[test]
fn elements_are_picked_a_lane() {
    let x = Array2::from_shape_fn((4, 2000), |(i, j)| (i * 2000 + j) as f64);
    let which = Array1::from_shape_fn(1100, |k| if k % 2 == 0 { (k * 7 % 2000) as i16 } else { -(k as i16) - 1 });
    let found = columns(&x, &which).unwrap();
    for ((i, k), &y) in found.view().unwrap().indexed_iter() {
        assert_eq!(y, x[[i, (i64::from(which[k])).rem_euclid(2000) as usize]].sqrt() + 1.0);
    }
    assert_eq!(one(table(3, 4), ndarray::arr0(-1i64), 2).unwrap().to_vec().unwrap(), [2.0 + 2.0 / 1024.0]);
    let x = array![3i64, 0, -1, 1];
    assert_eq!(twice(&x, &array![0i64, 1, 2, 3, -4]).unwrap().to_vec().unwrap(), [1, 3, 1, 0, 1]);
    let (x, y) = (array![[1.0f32, 3.0, 2.0], [9.0, 0.0, 9.5]], array![[1.0f32, 2.0, 3.0], [4.0, 5.0, 6.0]]);
    assert_eq!(chosen(&x, &y).unwrap().to_vec().unwrap(), [2.0, 6.0]);
    assert_eq!(reshaped(y.t(), &array![1i64, -1]).unwrap().to_vec().unwrap(), [4.0, 6.0]);
}

#[test]
fn losses_read_the_label_alone() {
    let logits = Array2::from_shape_fn((5, 1300), |(i, j)| ((i * 31 + j * 17) % 29) as f32 / 7.0);
    let labels = array![0i64, 1299, 7, -1, 640];
    let found = loss(&logits, &labels).unwrap().to_vec().unwrap();
    for (i, row) in logits.rows().into_iter().enumerate() {
        let total: f64 = row.iter().map(|&v| f64::from(v).exp()).sum();
        let want = total.ln() - f64::from(row[labels[i].rem_euclid(1300) as usize]);
        assert!((f64::from(found[i]) - want).abs() < 1e-5);
    }
    assert_eq!(loss::kernels(), 1, "{}", loss::explain());
}

#[test]
fn products_and_gathers_meet() {
    let (x, y) = (table(6, 4), table(4, 3));
    let which = array![5i64, 0, -1, 2];
    let want = x.dot(&y);
    let found = product(&x, &y, &which).unwrap();
    for (k, row) in found.view().unwrap().rows().into_iter().enumerate() {
        let near = (&row - &(&want.row(which[k].rem_euclid(6) as usize) * 2.0)).mapv(f32::abs).sum();
        assert!(near < 1e-4);
    }
    let which = array![3i64, 0, -1, 2, 1, 1];
    let found = rows_of_product(&x, &y, &which).unwrap();
    for (k, row) in found.view().unwrap().rows().into_iter().enumerate() {
        let near = (&row - &want.row(k) - y.row(which[k].rem_euclid(4) as usize)).mapv(f32::abs).sum();
        assert!(near < 1e-4);
    }
    let error = rows_of_product(&x, &y, &array![3i64, 0, -1, 2, 1, 4]).unwrap_err();
    assert!(matches!(error, Error::Index(_)), "{error}");
}

#[test]
fn sums_by_index_meet_duplicates_in_order() {
    let bins = Array1::from_shape_fn(100_000, |i| (i * i % 251) as u8);
    let mut want = vec![0i64; 256];
    bins.iter().for_each(|&b| want[usize::from(b)] += 1);
    assert_eq!(counts(&bins).unwrap().to_vec().unwrap(), want);
    let (rows, ids) = (table(4, 3), array![1i64, -1, 1, 1]);
    let found = update(table(2, 3), &ids, &rows).unwrap();
    let mut want = table(2, 3);
    let mut sums = Array2::<f32>::zeros((2, 3));
    for (k, row) in rows.rows().into_iter().enumerate() {
        let mut sum = sums.row_mut(ids[k].rem_euclid(2) as usize);
        sum += &(&row * -0.5);
    }
    want += &sums;
    assert_eq!(found.view().unwrap(), want);
    // No updates, and no places.
    let none = Array1::<f32>::zeros(0);
    let at = Array1::<i64>::zeros(0);
    assert_eq!(grown(&none, &at, &array![1.0f32, 2.0]).unwrap().to_vec().unwrap(), [1.0, 2.0]);
    assert_eq!(grown(&none, &at, &none).unwrap().to_vec().unwrap(), [0.0f32; 0]);
}

#[test]
fn an_index_out_of_range_is_told_with_its_axis() {
    let told = |result: Result<(), Error>| match result {
        Err(error @ Error::Index(_)) => error.to_string(),
        other => panic!("{other:?}"),
    };
    let t = table(5, 40);
    for (ids, index) in [(array![[0i32, 5]], 5), (array![[0, -6]], -6), (array![[9, i32::MIN]], i32::MIN)] {
        let text = told(embed(&ids, &t).map(drop));
        let want = format!(
            "embed: `take`: index {index} is out of range for an axis of size 5\n  = help: indices go from -5 to 4"
        );
        assert!(text.starts_with(&want), "{text}");
        told(bag(ids.mapv(i64::from), &t).map(drop));
    }
    told(columns(Array2::zeros((2, 3)), &array![0i16, 3]).map(drop));
    told(one(&t, ndarray::arr0(5i64), 0).map(drop));
    told(one(&t, ndarray::arr0(0i64), -41).map(drop));
    told(loss(&t, &array![0i64, 1, 2, 3, 40]).map(drop));
    let text = told(update(&t, &array![0i64, 7], table(2, 40)).map(drop));
    assert!(text.starts_with("update: `index_add`: index 7 is out of range for an axis of size 5"), "{text}");
    // The least of many, whatever the threads do.
    let ids = Array2::from_shape_fn((3000, 40), |(i, j)| 1000 - (i * 40 + j) as i32);
    let text = told(embed(&ids, &t).map(drop));
    assert!(text.contains("index -118999 "), "{text}");
}

#[test]
fn an_axis_without_elements_has_no_index() {
    let empty = Array2::<f32>::zeros((0, 4));
    let error = embed(&array![[0i32]], &empty).unwrap_err();
    assert!(matches!(error, Error::Requirement(_)), "{error}");
    let none = embed(Array2::<i32>::zeros((0, 3)), &empty).unwrap();
    assert_eq!(none.view().unwrap().shape(), [0, 3, 4]);
    let narrow = embed(&array![[0i32, 1]], Array2::<f32>::zeros((2, 0))).unwrap();
    assert_eq!(narrow.view().unwrap().shape(), [1, 2, 0]);
}
