//! What a kernel costs a multiprocessor, read from machine code.
//!
//! In: a cubin, which is an ELF file of 64 bits. Out: registers, local and shared memory of each kernel. Always: what is
//! not as expected is an error, not a guess.

/// What a thread, and a block, of a kernel takes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Cost {
    pub kernel: String,
    pub registers: u32,
    /// Bytes of local memory a thread: arrays that are indexed, and spilled registers.
    pub local: u32,
    /// Bytes of shared memory a block.
    pub shared: u64,
}

/// Attributes of the section `.nv.info`: pairs of a symbol's number and a value.
const REGISTERS: u8 = 0x2f;
const FRAME: u8 = 0x11;
/// A record whose size is in its head.
const SIZED: u8 = 0x04;

struct Section<'a> {
    name: &'a str,
    kind: u32,
    link: usize,
    size: u64,
    /// Nothing for a section that has no bytes in the file.
    bytes: &'a [u8],
}

fn number<const N: usize>(bytes: &[u8], at: usize) -> Option<u64> {
    let found: [u8; N] = bytes.get(at..at + N)?.try_into().ok()?;
    Some(found.iter().rev().fold(0, |value, &byte| value << 8 | u64::from(byte)))
}

fn text(bytes: &[u8], at: usize) -> Option<&str> {
    let rest = bytes.get(at..)?;
    std::str::from_utf8(&rest[..rest.iter().position(|&b| b == 0)?]).ok()
}

fn sections(code: &[u8]) -> Option<Vec<Section<'_>>> {
    let (table, each) = (number::<8>(code, 0x28)? as usize, number::<2>(code, 0x3a)? as usize);
    let (count, names) = (number::<2>(code, 0x3c)? as usize, number::<2>(code, 0x3e)? as usize);
    let bytes = |k: usize| {
        let head = table + k * each;
        let (start, size) = (number::<8>(code, head + 0x18)? as usize, number::<8>(code, head + 0x20)? as usize);
        code.get(start..start + size)
    };
    let names = bytes(names)?;
    let section = |k: usize| {
        let head = table + k * each;
        let kind = number::<4>(code, head + 4)? as u32;
        Some(Section {
            name: text(names, number::<4>(code, head)? as usize)?,
            kind,
            link: number::<4>(code, head + 0x28)? as usize,
            size: number::<8>(code, head + 0x20)?,
            bytes: if kind == 8 { &[] } else { bytes(k)? },
        })
    };
    (0..count).map(section).collect()
}

/// All kernels of a cubin, in the order of their names.
pub fn costs(code: &[u8]) -> Option<Vec<Cost>> {
    let sections = sections(code)?;
    let symbols = sections.iter().find(|section| section.kind == 2)?;
    let names = sections.get(symbols.link)?.bytes;
    let name = |symbol: u64| text(names, number::<4>(symbols.bytes, symbol as usize * 24)? as usize);
    let mut costs: Vec<Cost> = Vec::new();
    for section in sections.iter().filter(|section| section.name.starts_with(".text.")) {
        let kernel = section.name.trim_start_matches(".text.").to_owned();
        let shared =
            sections.iter().find(|s| s.name.strip_prefix(".nv.shared.") == Some(&kernel)).map_or(0, |s| s.size);
        costs.push(Cost { kernel, registers: u32::MAX, local: u32::MAX, shared });
    }
    let info = sections.iter().find(|section| section.name == ".nv.info")?.bytes;
    let mut at = 0;
    while at < info.len() {
        let (format, attribute, size) = (*info.get(at)?, *info.get(at + 1)?, number::<2>(info, at + 2)? as usize);
        if format == SIZED && (attribute == REGISTERS || attribute == FRAME) {
            let (kernel, value) = (name(number::<4>(info, at + 4)?)?, number::<4>(info, at + 8)? as u32);
            if let Some(cost) = costs.iter_mut().find(|cost| cost.kernel == kernel) {
                *(if attribute == REGISTERS { &mut cost.registers } else { &mut cost.local }) = value;
            }
        }
        at += 4 + if format == SIZED { size } else { 0 };
    }
    costs.sort_by(|a, b| a.kernel.cmp(&b.kernel));
    costs.iter().all(|cost| cost.registers != u32::MAX && cost.local != u32::MAX).then_some(costs)
}
