//! Additions at places that indices name.

use ndfuse_runtime::plan::{Action, Buffer, Param, Place, Scatter, Step};
use ndfuse_runtime::rt::{self, DType, Plan};

use crate::cases::{Case, KINDS, Kind, buffer, on_pools, param, plan, values, wave};

const fn scatter(axis: usize, batch: usize) -> Step {
    Step { action: Action::Scatter(Scatter { updates: 0, indices: 1, out: 3, axis, batch }), release: &[] }
}

/// An array of the length N, slot 0, which nothing else gives.
const LENGTH: (Param, Buffer) = (param("n", DType::Bool, &[0]), buffer(DType::Bool, &[0], &[0], Place::Param));

/// `out[n, b] = Σ updates[j, b]` over the `j` whose index is `n`.
static ROWS: Plan = plan(
    "rows",
    &["N", "B", "J"],
    &[param("updates", DType::F32, &[2, 1]), param("indices", DType::I64, &[2]), LENGTH.0],
    &[
        buffer(DType::F32, &[2, 1], &[0, 1], Place::Param),
        buffer(DType::I64, &[2], &[0], Place::Param),
        LENGTH.1,
        buffer(DType::F32, &[0, 1], &[0, 1], Place::Output),
    ],
    &[3],
    &[scatter(0, 0)],
);

/// `out[a, n] = Σ updates[a, j, k]`, the result's columns along memory.
static COLUMNS: Plan = plan(
    "columns",
    &["N", "A", "J", "K"],
    &[param("updates", DType::F32, &[1, 2, 3]), param("indices", DType::I64, &[2, 3]), LENGTH.0],
    &[
        buffer(DType::F32, &[1, 2, 3], &[0, 1, 2], Place::Param),
        buffer(DType::I64, &[2, 3], &[0, 1], Place::Param),
        LENGTH.1,
        buffer(DType::F32, &[1, 0], &[1, 0], Place::Output),
    ],
    &[3],
    &[scatter(1, 0)],
);

/// `out[a, b, n, k] = Σ updates[a, b, j, k]`, each `a` with indices of its own.
static BATCHED: Plan = plan(
    "batched",
    &["N", "A", "J", "K", "B"],
    &[param("updates", DType::I8, &[1, 4, 2, 3]), param("indices", DType::I64, &[1, 2]), LENGTH.0],
    &[
        buffer(DType::I8, &[1, 4, 2, 3], &[0, 1, 2, 3], Place::Param),
        buffer(DType::I64, &[1, 2], &[0, 1], Place::Param),
        LENGTH.1,
        buffer(DType::I8, &[1, 4, 0, 3], &[0, 1, 2, 3], Place::Output),
    ],
    &[3],
    &[scatter(2, 1)],
);

/// Places that meet often, some counted from the end.
fn place(i: usize, n: usize) -> i64 {
    let at = (i * i * 7 + i / 3) % n.max(1);
    if i.is_multiple_of(3) { at as i64 - n as i64 } else { at as i64 }
}

fn at(index: i64, n: usize) -> usize {
    if index < 0 { (index + n as i64) as usize } else { index as usize }
}

const SIZES: [[usize; 5]; 9] = [
    // A, B, J, K, N.
    [1, 1, 1, 1, 1],
    [3, 5, 7, 2, 4],
    [2, 33, 100, 3, 9],
    [1, 700, 900, 1, 3],
    [700, 3, 90, 2, 5],
    [2, 1, 200_000, 1, 300],
    [0, 3, 4, 2, 2],
    [3, 0, 4, 0, 2],
    [3, 4, 0, 2, 5],
];

#[test]
fn rows_are_added_in_order() {
    for kind in KINDS {
        for [_, b, j, _, n] in SIZES {
            let updates = Case::new(kind, &[j, b], wave);
            let indices = Case::new(if kind == Kind::Repeated { Kind::Gaps } else { kind }, &[j], |i| place(i, n));
            let length = Case::new(Kind::RowMajor, &[n], |_| true);
            let mut want = vec![0.0f32; n * b];
            for (r, &index) in indices.values.iter().enumerate() {
                (0..b).for_each(|c| want[at(index, n) * b + c] += updates.values[r * b + c]);
            }
            let found = on_pools(|| {
                let [out] = rt::call(&ROWS, &[updates.raw(), indices.raw(), length.raw()]).unwrap();
                values::<f32>(&out)
            });
            assert_eq!(found, want, "{kind:?} {b} {j} {n}");
        }
    }
}

#[test]
fn columns_take_indices_of_two_axes() {
    for kind in KINDS {
        for [a, _, j, k, n] in SIZES {
            let updates = Case::new(kind, &[a, j, k], wave);
            let indices = Case::new(Kind::ColumnMajor, &[j, k], |i| place(i, n));
            let length = Case::new(Kind::RowMajor, &[n], |_| true);
            let mut want = vec![0.0f32; a * n];
            for (i, update) in updates.values.iter().enumerate() {
                want[i / (j * k) * n + at(indices.values[i % (j * k)], n)] += update;
            }
            let found = on_pools(|| {
                let [out] = rt::call(&COLUMNS, &[updates.raw(), indices.raw(), length.raw()]).unwrap();
                values::<f32>(&out)
            });
            assert_eq!(found, want, "{kind:?} {a} {j} {k} {n}");
        }
    }
}

#[test]
fn batches_have_indices_of_their_own_and_integers_wrap() {
    for kind in KINDS {
        for [a, b, j, k, n] in SIZES.into_iter().filter(|s| s[0] * s[1] * s[2] * s[3] < 2_000_000) {
            let updates = Case::new(kind, &[a, b, j, k], |i| (i * 37) as i8);
            let indices = Case::new(kind, &[a, j], |i| place(i, n));
            let length = Case::new(Kind::RowMajor, &[n], |_| true);
            let mut want = vec![0i8; a * b * n * k];
            for (i, &update) in updates.values.iter().enumerate() {
                let (s, r, t, c) = (i / (b * j * k), i / (j * k) % b, i / k % j, i % k);
                let to = ((s * b + r) * n + at(indices.values[s * j + t], n)) * k + c;
                want[to] = want[to].wrapping_add(update);
            }
            let found = on_pools(|| {
                let [out] = rt::call(&BATCHED, &[updates.raw(), indices.raw(), length.raw()]).unwrap();
                values::<i8>(&out)
            });
            assert_eq!(found, want, "{kind:?} {a} {b} {j} {k} {n}");
        }
    }
}

#[test]
fn an_index_out_of_range_is_an_error() {
    let updates = Case::new(Kind::RowMajor, &[4, 2], wave);
    for (wrong, n) in [(3, 3), (-4, 3), (i64::MAX, 3), (i64::MIN, 3), (0, 0)] {
        let indices = Case::new(Kind::RowMajor, &[4], |i| if i == 2 { wrong } else { 0 });
        let length = Case::new(Kind::RowMajor, &[n], |_| true);
        let error = rt::call::<1>(&ROWS, &[updates.raw(), indices.raw(), length.raw()]).unwrap_err().to_string();
        let want = format!("rows: `index_add`: index {wrong} is out of range for an axis of size {n}\n  = help: ");
        assert!(error.starts_with(&want), "{error}");
    }
}
