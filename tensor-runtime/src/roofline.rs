//! How fast a machine can be: bytes a second and operations a second.
//!
//! In: a device, a published name, or figures of the caller's. Out: a [`Roofline`], for `f::cost`. Always: a time that is
//! computed of it is the least that a step can take, not what it takes. Next: [`crate::exec::cost`].

use std::borrow::Cow;
use std::time::Instant;

use crate::device::Device;
use crate::device::driver::Description;
use crate::dtype::DType;
use crate::exec;
use crate::plan::{Action, Buffer, Dot, DotAxis, Param, Place, Plan, Role, Step};
use crate::{Operand, Tensor};

/// What a machine can do at most: its memory's bytes a second and its operations a second.
///
/// ```
/// use ndfuse_runtime::Roofline;
/// let h200 = Roofline::h200();
/// assert_eq!((h200.multiprocessors, h200.bandwidth), (132, 4.8e12));
/// // 48 MB take a hundred-thousandth of a second; so do 670 million operations on `f32`.
/// assert_eq!(h200.seconds(48_000_000, 0, ndfuse_runtime::DType::F32), 1e-5);
/// assert_eq!(h200.seconds(1000, 670_000_000, ndfuse_runtime::DType::F32), 1e-5);
/// ```
#[derive(Clone, PartialEq, Debug)]
pub struct Roofline {
    /// Whose figures they are.
    pub name: Cow<'static, str>,
    /// A GPU's multiprocessors; 0 for a host, on which nothing is launched.
    pub multiprocessors: u32,
    /// Bytes a second that can be read and written.
    pub bandwidth: f64,
    /// Operations a second on `f32`, a multiplication and an addition being two.
    pub flops: f64,
    /// The same on `f64`.
    pub flops64: f64,
}

impl Roofline {
    /// A GPU, by what its maker publishes.
    const fn published(name: &'static str, multiprocessors: u32, bandwidth: f64, flops: f64, flops64: f64) -> Roofline {
        Roofline { name: Cow::Borrowed(name), multiprocessors, bandwidth, flops, flops64 }
    }

    /// NVIDIA's H200 SXM: 4.8 TB/s, 67 and 34 Tflop/s on `f32` and `f64` without tensor cores, by its data sheet of 2024;
    /// 132 multiprocessors, by the whitepaper of its architecture.
    pub const fn h200() -> Roofline {
        Roofline::published("NVIDIA H200", 132, 4.8e12, 67e12, 34e12)
    }

    /// NVIDIA's A100 SXM of 80 GB: 2039 GB/s, 19.5 and 9.7 Tflop/s without tensor cores, by its data sheet of 2021; 108
    /// multiprocessors.
    pub const fn a100() -> Roofline {
        Roofline::published("NVIDIA A100", 108, 2.039e12, 19.5e12, 9.7e12)
    }

    /// A host with these bytes a second, and operations a second on `f32`; half as many are taken for `f64`.
    ///
    /// ```
    /// let cpu = ndfuse_runtime::Roofline::host(40e9, 500e9);
    /// assert_eq!((cpu.multiprocessors, cpu.flops64), (0, 250e9));
    /// ```
    pub fn host(bandwidth: f64, flops: f64) -> Roofline {
        Roofline { name: "cpu".into(), multiprocessors: 0, bandwidth, flops, flops64: flops / 2.0 }
    }

    /// This host, measured, in about a fifth of a second: the best of some copies of 64 MiB on all of its threads, and of
    /// some matrix products of side 768.
    pub fn measured() -> Roofline {
        const BYTES: usize = 64 << 20;
        const SIDE: usize = 768;
        let from = vec![1u8; BYTES];
        let mut to = vec![0u8; BYTES];
        let copied = best(|| {
            use rayon::prelude::*;
            const PART: usize = 1 << 20;
            to.par_chunks_mut(PART).zip(from.par_chunks(PART)).for_each(|(to, from)| to.copy_from_slice(from));
            std::hint::black_box(&to);
        });
        let multiplied = Tensor::<f32, _>::zeros((SIDE, SIDE)).map(|x| {
            best(|| {
                let product = x.raw().and_then(|raw| exec::call::<1>(&SQUARE, &[raw.clone(), raw]));
                std::hint::black_box(&product.is_ok());
            })
        });
        // Without memory for 2 MB nothing is fast.
        let multiplied = multiplied.unwrap_or(f64::INFINITY);
        Roofline::host(2.0 * BYTES as f64 / copied, 2.0 * (SIDE * SIDE * SIDE) as f64 / multiplied)
    }

    /// A GPU, by its driver's attributes: the memory's clock times the bus's width, twice, for it sends at both edges; the
    /// multiprocessors times their clock times the `f32` lanes of one, twice, for a multiplication and an addition. A
    /// multiprocessor has 64 lanes at compute capability 7.x and 8.0, 128 at all later ones, by the table of arithmetic
    /// throughput in CUDA's programming guide. A rate of which the driver says nothing is infinite: it bounds no time.
    pub(crate) fn described(found: &Description) -> Roofline {
        let lanes = if found.capability <= crate::device::driver::Version(8, 0) { 64.0 } else { 128.0 };
        let said = |rate: f64| if rate > 0.0 { rate } else { f64::INFINITY };
        let flops = said(f64::from(found.multiprocessors) * found.clock as f64 * lanes * 2.0);
        let bandwidth = said(2.0 * found.memory_clock as f64 * f64::from(found.memory_bus) / 8.0);
        let flops64 = flops / f64::from(found.doubles.max(1));
        let name = found.name.to_string().into();
        Roofline { name, multiprocessors: found.multiprocessors, bandwidth, flops, flops64 }
    }

    /// The least time, in seconds, for so many bytes and operations: the longer of the two.
    pub fn seconds(&self, bytes: u64, operations: u64, dtype: DType) -> f64 {
        let rate = if dtype == DType::F64 { self.flops64 } else { self.flops };
        (bytes as f64 / self.bandwidth).max(operations as f64 / rate)
    }
}

impl Device {
    /// How fast it can be: of a GPU by what its driver says, of the host measured anew.
    ///
    /// ```
    /// use ndfuse_runtime::Device;
    /// let roofline = Device::Cpu.roofline();
    /// assert!(roofline.bandwidth > 1e8 && roofline.flops > 1e8);
    /// ```
    pub fn roofline(&self) -> Roofline {
        match self.gpu() {
            None => Roofline::measured(),
            Some(gpu) => Roofline::described(gpu.description()),
        }
    }
}

/// A square matrix times another, of sides `N`.
static SQUARE: Plan = Plan {
    function: "square",
    symbols: &["N"],
    slots: 2,
    sizes: |sizes| {
        sizes[1] = 0;
        Some(())
    },
    params: &[
        Param { name: "x", dtype: DType::F32, dims: &[0, 0] },
        Param { name: "y", dtype: DType::F32, dims: &[0, 0] },
    ],
    requires: &[],
    buffers: &[side(Place::Param), side(Place::Param), side(Place::Output)],
    outputs: &[2],
    steps: &[Step {
        action: Action::Dot(Dot {
            dtype: DType::F32,
            left: 0,
            left_start: &[1, 1],
            right: 1,
            right_start: &[1, 1],
            axes: &[
                DotAxis { role: Role::Left, extent: 0, left: Some((0, 1)), right: None, out: Some(0) },
                DotAxis { role: Role::Right, extent: 0, left: None, right: Some((1, 1)), out: Some(1) },
                DotAxis { role: Role::Contract, extent: 0, left: Some((1, 1)), right: Some((0, 1)), out: None },
            ],
            out: 2,
            epilogue: None,
        }),
        release: &[],
    }],
    blocks: &[],
    attends: &[],
    prologues: &[],
    bands: &[],
    explain: "",
    cuda: "",
    vjp: None,
};

const fn side(place: Place) -> Buffer {
    Buffer { dtype: DType::F32, dims: &[0, 0], order: &[0, 1], place }
}

/// The least time of some runs, in seconds.
fn best(mut run: impl FnMut()) -> f64 {
    let time = |_| {
        let start = Instant::now();
        run();
        start.elapsed().as_secs_f64()
    };
    (0..5).map(time).fold(f64::INFINITY, f64::min).max(1e-9)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::driver::Version;

    #[test]
    fn what_a_driver_does_not_say_bounds_no_time() {
        let nothing = Description {
            name: "silent".into(),
            capability: Version(9, 0),
            multiprocessors: 132,
            clock: 0,
            memory_clock: 0,
            memory_bus: 0,
            doubles: 0,
            memory: 1 << 34,
            parameters: 4096,
            driver: Version(13, 0),
            compiler: None,
        };
        let silent = Roofline::described(&nothing);
        assert_eq!((silent.seconds(1 << 30, 1 << 40, DType::F32), silent.multiprocessors), (0.0, 132));
    }

    #[test]
    fn a_driver_s_attributes_make_what_its_maker_publishes() {
        let described = |capability, multiprocessors, mhz: u64, memory_mhz: u64, memory_bus, doubles| {
            Roofline::described(&Description {
                name: "a GPU".into(),
                capability,
                multiprocessors,
                clock: mhz * 1_000_000,
                memory_clock: memory_mhz * 1_000_000,
                memory_bus,
                doubles,
                memory: 1 << 30,
                parameters: 4096,
                driver: Version(13, 0),
                compiler: None,
            })
        };
        let near = |a: &Roofline, b: &Roofline| {
            let pairs = [(a.bandwidth, b.bandwidth), (a.flops, b.flops), (a.flops64, b.flops64)];
            pairs.iter().all(|(a, b)| (a / b - 1.0).abs() < 0.03)
        };
        let h200 = described(Version(9, 0), 132, 1980, 3201, 6144, 2);
        assert!(near(&h200, &Roofline::h200()), "{h200:?}");
        let a100 = described(Version(8, 0), 108, 1410, 1593, 5120, 2);
        assert!(near(&a100, &Roofline::a100()), "{a100:?}");
        assert_eq!((h200.multiprocessors, &*h200.name), (132, "a GPU"));
    }
}
