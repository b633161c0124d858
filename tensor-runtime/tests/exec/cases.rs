//! Operands of all kinds of strides, and the parts of plans that all tests share.

use ndfuse_runtime::plan::{Action, Buffer, Launch, Param, Place, Step};
use ndfuse_runtime::rt::{AnyTensor, DType, Element, Layout, Plan, RawView};

/// How the elements of an operand lie in memory.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    RowMajor,
    ColumnMajor,
    /// Every axis runs backwards.
    Reversed,
    /// Other elements between any two.
    Gaps,
    /// The first axis repeats one part.
    Repeated,
}

pub const KINDS: [Kind; 5] = [Kind::RowMajor, Kind::ColumnMajor, Kind::Reversed, Kind::Gaps, Kind::Repeated];

/// Elements with their layout, and the same in row-major order.
pub struct Case<T> {
    pub data: Vec<T>,
    pub layout: Layout,
    pub values: Vec<T>,
}

impl<T: Element> Case<T> {
    pub fn new(kind: Kind, sizes: &[usize], value: impl Fn(usize) -> T) -> Case<T> {
        let len: usize = sizes.iter().product();
        let rank = sizes.len();
        let gap = if kind == Kind::Gaps { 3 } else { 1 };
        let mut strides = vec![0isize; rank];
        let mut step = gap as isize;
        let order: Vec<usize> = if kind == Kind::ColumnMajor { (0..rank).collect() } else { (0..rank).rev().collect() };
        for &k in &order {
            strides[k] = step;
            step *= sizes[k] as isize;
        }
        let mut offset = 0;
        if kind == Kind::Reversed {
            for k in 0..rank {
                offset += strides[k] as usize * sizes[k].saturating_sub(1);
                strides[k] = -strides[k];
            }
        }
        if kind == Kind::Repeated && rank > 0 {
            strides[0] = 0;
        }
        let mut data = vec![T::default(); (len * gap).max(1)];
        let mut values = Vec::with_capacity(len);
        for i in 0..len {
            let at = offset as isize + position(sizes, &strides, i);
            if kind != Kind::Repeated || sizes[0] == 1 || i < len / sizes[0] {
                data[at as usize] = value(i);
            }
            values.push(data[at as usize]);
        }
        let layout =
            if len == 0 { Layout::contiguous(sizes) } else { Layout::strided(sizes, &strides, offset, data.len()) };
        Case { data, layout: layout.unwrap(), values }
    }

    pub fn raw(&self) -> RawView<'_> {
        RawView::of_slice(&self.data, &self.layout).unwrap()
    }
}

fn position(sizes: &[usize], strides: &[isize], mut i: usize) -> isize {
    let mut at = 0;
    for k in (0..sizes.len()).rev() {
        at += (i % sizes[k]) as isize * strides[k];
        i /= sizes[k];
    }
    at
}

/// The elements of a result in row-major order of its axes.
pub fn values<T: Element>(tensor: &AnyTensor) -> Vec<T> {
    let raw = tensor.raw().unwrap();
    let typed = raw.typed::<T>().expect("a result of that type");
    let len = typed.sizes.iter().product();
    (0..len).map(|i| typed.data[(typed.offset as isize + position(typed.sizes, typed.strides, i)) as usize]).collect()
}

/// Numbers that look random, in -4..4.
pub fn wave(i: usize) -> f32 {
    (i.wrapping_mul(2_654_435_761) % 65_536) as f32 / 8192.0 - 4.0
}

pub fn close(found: &[f32], wanted: &[f32], tolerance: f32, what: &str) {
    assert_eq!(found.len(), wanted.len(), "{what}");
    for (i, (&a, &b)) in found.iter().zip(wanted).enumerate() {
        let same = a == b || (a.is_nan() && b.is_nan()) || (a - b).abs() <= tolerance * b.abs().max(1.0);
        assert!(same, "{what}: element {i} is {a}, not {b}");
    }
}

pub const fn buffer(dtype: DType, dims: &'static [u16], order: &'static [u8], place: Place) -> Buffer {
    Buffer { dtype, dims, order, place }
}

pub const fn param(name: &'static str, dtype: DType, dims: &'static [u16]) -> Param {
    Param { name, dtype, dims }
}

pub const fn launch(launch: Launch) -> Step {
    Step { action: Action::Launch(launch), release: &[] }
}

/// A plan without derived sizes.
pub const fn plan(
    function: &'static str,
    symbols: &'static [&'static str],
    params: &'static [Param],
    buffers: &'static [Buffer],
    outputs: &'static [u16],
    steps: &'static [Step],
) -> Plan {
    let slots = symbols.len();
    let sizes = |_: &mut [i64]| Some(());
    Plan {
        function,
        symbols,
        slots,
        sizes,
        params,
        requires: &[],
        buffers,
        outputs,
        steps,
        blocks: &[],
        attends: &[],
        prologues: &[],
        bands: &[],
        explain: "",
        cuda: "",
        vjp: None,
    }
}

/// The same call on rayon pools of one and two threads must answer the same bits.
pub fn on_pools<R: PartialEq + std::fmt::Debug + Send>(run: impl Fn() -> R + Sync) -> R {
    let pool = |n| rayon::ThreadPoolBuilder::new().num_threads(n).build().unwrap();
    let one = pool(1).install(&run);
    assert_eq!(pool(2).install(&run), one);
    one
}
