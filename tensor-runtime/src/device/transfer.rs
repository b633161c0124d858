//! Elements on their way: between the host and devices, and from any strides to row-major order.
//!
//! In: memory and a layout. Out: memory elsewhere with the same elements. Always: what lies between the elements goes along,
//! so their strides stay; no memory of the host is touched after the copy returned, though the device may still be at it.
//! Next: [`super::gpu`].

use std::sync::Arc;

use super::Device;
use super::arguments::Arguments;
use super::geometry;
use super::gpu::{Block, Gpu};
use super::kernels::{Classes, Unit};
use super::texts::{self, Axis};
use crate::dtype::{DType, Element};
use crate::error::{Error, Result};
use crate::layout::Layout;
use crate::storage::{Buffer, Storage};

/// The elements of `layout` on another device, and their layout there.
pub(crate) fn moved<T: Element>(
    storage: &Storage<T>,
    layout: &Layout,
    device: &Device,
) -> Result<(Storage<T>, Layout)> {
    let range = layout.range();
    let host = match storage.block() {
        None => None,
        Some(block) => Some(download::<T>(block, range.start, range.len())?),
    };
    let there = layout.lend().from(range.start).kept();
    let Some(gpu) = device.gpu() else {
        let buffer = host.ok_or_else(|| Error::layout("to_device", "the tensor is there already"))?;
        return Ok((Storage::host(buffer), there));
    };
    let slice = match &host {
        Some(buffer) => buffer,
        None => storage.slice("to_device")?.get(range).ok_or_else(|| Error::layout("to_device", "no such elements"))?,
    };
    let block = gpu.allocate(size_of_val(slice))?;
    block.upload(0, bytes(slice))?;
    Ok((Storage::device(Arc::new(block)), there))
}

/// The bytes of so many elements.
pub(crate) fn size_of_elements<T: Element>(len: usize) -> Result<usize> {
    len.checked_mul(size_of::<T>()).ok_or_else(|| Error::too_large("allocate", &[len]))
}

pub(crate) fn bytes<T: Element>(slice: &[T]) -> &[u8] {
    // SAFETY: elements are numbers or `bool`, which have no padding; the bytes are borrowed as the slice is.
    unsafe { std::slice::from_raw_parts(slice.as_ptr().cast(), size_of_val(slice)) }
}

/// So many elements from position `start` on.
fn download<T: Element>(block: &Block, start: usize, len: usize) -> Result<Buffer<T>> {
    let mut buffer = Buffer::<T>::uninit(len)?;
    // SAFETY: the bytes of the buffer are borrowed exclusively while they are written. Any bytes are a number; for `bool`,
    // of which only 0 and 1 are, they are made so before anyone reads them.
    let bytes = unsafe { std::slice::from_raw_parts_mut(buffer.as_mut_ptr().cast::<u8>(), len * size_of::<T>()) };
    let done = block.download(start * size_of::<T>(), bytes);
    if T::DTYPE == DType::Bool {
        bytes.iter_mut().for_each(|byte| *byte = u8::from(*byte != 0));
    }
    done.map(|()| buffer)
}

/// A copy of the elements in row-major order, on the same device.
pub(crate) fn contiguous(block: &Arc<Block>, dtype: DType, layout: &Layout) -> Result<Arc<Block>> {
    let gpu = block.gpu();
    let copy = gpu.allocate(layout.len() * dtype.bytes())?;
    if layout.is_contiguous() {
        copy.copy_from(block, layout.offset() * dtype.bytes(), layout.len() * dtype.bytes())?;
        return Ok(Arc::new(copy));
    }
    let (from, rows) = (address(block, dtype, layout), Layout::contiguous(layout.sizes())?);
    copy_elements(gpu, dtype, from, layout, copy.address(), &rows)?;
    Ok(Arc::new(copy))
}

/// Where the element of all indices 0 is.
fn address(block: &Block, dtype: DType, layout: &Layout) -> u64 {
    block.address() + (layout.offset() * dtype.bytes()) as u64
}

/// Copies elements of one device. The addresses are those of the elements of all indices 0.
pub(crate) fn copy_elements(
    gpu: &Gpu,
    dtype: DType,
    from: u64,
    from_layout: &Layout,
    to: u64,
    to_layout: &Layout,
) -> Result<()> {
    let word = match dtype.bytes() {
        1 => "unsigned char",
        2 => "unsigned short",
        4 => "unsigned int",
        _ => "unsigned long long",
    };
    launch(gpu, "nd_copy", word, (from, from_layout), (to, to_layout))
}

/// The gradient of a tensor of `len` elements in row-major order for a cotangent of a view of it: 0 where the view is not,
/// the sum, in double precision, of what it repeats. `None` where it lies upon itself in another way than by repeating, and
/// for types that the text does not have.
pub(crate) fn spread(block: &Block, dtype: DType, from: &Layout, view: &Layout, len: usize) -> Result<Option<Block>> {
    let gpu = block.gpu();
    let to = gpu.allocate(len * dtype.bytes())?;
    to.fill(0, (len * dtype.bytes()).div_ceil(size_of::<u32>()))?;
    let (at, to_at) = (address(block, dtype, from), address(&to, dtype, view));
    if view.is_injective() {
        copy_elements(gpu, dtype, at, from, to_at, view)?;
        return Ok(Some(to));
    }
    let axes = view.sizes().iter().zip(from.strides().iter().zip(view.strides()));
    let axes = axes.map(|(&extent, (&from, &to))| Axis { extent: extent as i64, steps: [from as i64, to as i64] });
    let (repeated, kept): (Vec<Axis<2>>, Vec<Axis<2>>) = axes.partition(|axis| axis.steps[1] == 0);
    let sizes = |axes: &[Axis<2>]| axes.iter().map(|axis| axis.extent as usize).collect::<Vec<_>>();
    let strides: Vec<isize> = kept.iter().map(|axis| axis.steps[1] as isize).collect();
    if !Layout::strided(&sizes(&kept), &strides, view.offset(), len)?.is_injective() {
        return Ok(None);
    }
    if !dtype.is_float() {
        return Ok(None);
    }
    let counts = [&kept, &repeated].map(|axes| axes.iter().map(|axis| axis.extent).product::<i64>());
    let lists = [texts::merged(&kept), texts::merged(&repeated)];
    let [Some(kept), Some(repeated)] = lists else { return Ok(None) };
    let reach = |axes: &[Axis<2>]| (0..2).map(|k| texts::reach(axes, k)).max().unwrap_or(0);
    let wide = geometry::is_wide(reach(&kept).saturating_add(reach(&repeated)).max(counts[0].max(counts[1])));
    let classes = Classes { block: texts::BLOCK, wide, element: Some(dtype.cuda()), ..Classes::default() };
    let mut arguments = Arguments::new(true);
    arguments.address(at);
    arguments.address(to_at);
    [kept, repeated].iter().for_each(|axes| arguments.numbers(&texts::words(axes)));
    counts.iter().for_each(|&count| arguments.numbers(&[count]));
    let blocks =
        geometry::blocks(geometry::groups(counts[0], i64::from(texts::BLOCK)), gpu.description().multiprocessors);
    let unit = Unit { text: texts::SUM, function: "nd_sum", classes, calls: None };
    // SAFETY: the text's parameters are these; the layouts' elements lie in the cotangent and in new memory, in which no two
    // points are one element.
    unsafe { gpu.launch(&unit, blocks, &mut arguments)? };
    Ok(Some(to))
}

/// Adds the elements of one tensor to those of another of the same shape and device.
pub(crate) fn add(dtype: DType, to: &Block, to_layout: &Layout, from: &Block, from_layout: &Layout) -> Result<()> {
    if !dtype.is_float() {
        return Err(Error::unsupported("gradient", format!("a sum of {dtype}")));
    }
    let (from_at, to_at) = (address(from, dtype, from_layout), address(to, dtype, to_layout));
    launch(to.gpu(), "nd_add", dtype.cuda(), (from_at, from_layout), (to_at, to_layout))
}

fn launch(
    gpu: &Gpu,
    function: &'static str,
    element: &'static str,
    (from, from_layout): (u64, &Layout),
    (to, to_layout): (u64, &Layout),
) -> Result<()> {
    if from_layout.is_empty() {
        return Ok(());
    }
    let steps = from_layout.strides().iter().zip(to_layout.strides());
    let axes = from_layout.sizes().iter().zip(steps);
    let axes: Vec<Axis<2>> =
        axes.map(|(&extent, (&from, &to))| Axis { extent: extent as i64, steps: [from as i64, to as i64] }).collect();
    // A tensor has no more axes than a text takes.
    let axes = texts::merged(&axes).ok_or_else(|| Error::layout("copy", "too many axes"))?;
    let points = from_layout.len() as i64;
    let far = texts::reach(&axes, 0).max(texts::reach(&axes, 1)).max(points);
    let wide = geometry::is_wide(far);
    let classes = Classes { block: texts::BLOCK, strip: 1, wide, element: Some(element), ..Classes::default() };
    let mut arguments = Arguments::new(true);
    arguments.address(from);
    arguments.address(to);
    arguments.numbers(&texts::words(&axes));
    arguments.numbers(&[points]);
    let blocks = geometry::blocks(geometry::groups(points, i64::from(texts::BLOCK)), gpu.description().multiprocessors);
    let unit = Unit { text: texts::COPY, function, classes, calls: None };
    // SAFETY: the text's parameters are these; the layouts' elements lie in memory that the caller has.
    unsafe { gpu.launch(&unit, blocks, &mut arguments) }
}
