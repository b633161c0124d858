//! Kernels of a device: compiled when first launched, then kept.
//!
//! In: a text of CUDA C, a function in it, the classes that are put in. Out: a function to launch. Always: a function is
//! compiled alone, with its text's head; once a device and process, whoever else wants it meanwhile waits; an attempt that
//! fails leaves nothing behind, so the next one tries again. Next: [`super::cache`].

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use super::cache::Folder;
use super::driver::{Description, Driver, Function, Version};
use super::geometry::Shape;
use super::gpu::Gpu;
use super::slices::Slices;
use crate::error::{DeviceFault, Error, Result};
use crate::plan::Deal;

/// What floating point means, said in full: no contraction is hidden, nothing is flushed, divisions and roots are rounded.
/// The notes that are silenced are of what users' numbers may be: a constant zero as a divisor, an unsigned below zero; and of
/// what one phase of several does not reach.
const OPTIONS: [&str; 6] = [
    "--std=c++17",
    "--fmad=true",
    "--ftz=false",
    "--prec-div=true",
    "--prec-sqrt=true",
    "--diag-suppress=39,186,111,128",
];

/// How each kernel's text begins.
const KERNEL: &str = "extern \"C\" __global__ ";

/// A kernel with all that its compilation depends on.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Unit {
    /// A text of several kernels.
    pub(crate) text: &'static str,
    pub(crate) function: &'static str,
    pub(crate) classes: Classes,
    /// Functions that the kernel calls, with their text.
    pub(crate) calls: Option<Called>,
}

/// Functions that a text of the runtime calls with what it computes; `{name}_operands` is what else each takes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Called {
    pub(crate) score: Option<&'static str>,
    /// And whether the windows are the left operand.
    pub(crate) window: Option<(&'static str, bool)>,
    pub(crate) epilogue: Option<&'static str>,
    pub(crate) text: &'static str,
}

/// What is put into a text.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub(crate) struct Classes {
    pub(crate) block: u32,
    /// Threads to a row or column, and which of the two.
    pub(crate) team: Option<(Deal, u32)>,
    pub(crate) items: u32,
    pub(crate) strip: u32,
    /// Elements of a side of a product's tile; of an attention's that, columns, and terms of a score; 0 elsewhere.
    pub(crate) tile: u32,
    pub(crate) width: u32,
    pub(crate) depth: u32,
    /// Are indices of 64 bits?
    pub(crate) wide: bool,
    /// `ND_ELEMENT`, where the text is for any type.
    pub(crate) element: Option<&'static str>,
    /// `ND_RESULT`, where that may be another type.
    pub(crate) result: Option<&'static str>,
    /// Of rows or columns that are cut, with the phase of this launch.
    pub(crate) slices: Option<(Slices, u8)>,
    /// A map by square tiles?
    pub(crate) turn: bool,
}

impl Classes {
    /// Those of a launch of a generated kernel.
    pub(crate) fn of(deal: Deal, shape: &Shape, wide: bool) -> Classes {
        let Shape { block, team, items, strip, turn, .. } = *shape;
        Classes { block, team: Some((deal, team)), items, strip, wide, turn, ..Classes::default() }
    }

    fn defines(&self) -> Vec<String> {
        let team = self.team.and_then(|(deal, team)| match deal {
            Deal::Point => None,
            Deal::Row => Some(format!("-DND_ROW_THREADS={team}")),
            Deal::Column => Some(format!("-DND_COLUMN_THREADS={team}")),
        });
        let items = (self.items > 0).then(|| format!("-DND_ROW_ITEMS={}", self.items));
        let strip = (self.strip > 1).then(|| format!("-DND_STRIP={}", self.strip));
        let tile = (self.tile > 0).then(|| format!("-DND_TILE={}", self.tile));
        let width = (self.width > 0).then(|| format!("-DND_WIDTH={}", self.width));
        let depth = (self.depth > 0).then(|| format!("-DND_DEPTH={}", self.depth));
        let index = format!("-DND_INDEX={}", if self.wide { "long long" } else { "int" });
        let element = self.element.map(|element| format!("-DND_ELEMENT={element}"));
        let first = [format!("-DND_BLOCK={}", self.block), index];
        let result = self.result.map(|result| format!("-DND_RESULT={result}"));
        let slices = self.slices.iter().flat_map(|(Slices { count, axis }, phase)| {
            [format!("-DND_SLICES={count}"), format!("-DND_CUT={axis}"), format!("-DND_PHASE={phase}")]
        });
        let all = first.into_iter().chain(team).chain(items).chain(strip).chain(tile).chain(width).chain(depth);
        let turn = self.turn.then(|| "-DND_TURN".to_string());
        all.chain(element).chain(result).chain(slices).chain(turn).collect()
    }
}

impl Unit {
    /// The text of this function alone, after the head that all of the text share.
    fn source(&self) -> Option<String> {
        let mut parts = self.text.split(KERNEL);
        let head = parts.next()?;
        let named = |part: &&str| part.split('(').any(|before| before.split_whitespace().last() == Some(self.function));
        let before = self.calls.map_or(String::new(), |called| format!("{}\n", called.text));
        Some(format!("{before}{head}{KERNEL}{}", parts.find(named)?))
    }

    fn options(&self, capability: Version) -> Vec<String> {
        let architecture = format!("--gpu-architecture=sm_{}{}", capability.0, capability.1);
        let named = |called: &Called| {
            [("SCORE", called.score), ("EPILOGUE", called.epilogue), ("WINDOW", called.window.map(|(name, _)| name))]
        };
        let called = self.calls.iter().flat_map(named).flat_map(|(role, name)| {
            let define = |name| [format!("-DND_{role}={name}"), format!("-DND_{role}_OPERANDS={name}_operands")];
            name.map(define).into_iter().flatten()
        });
        let window = self.calls.and_then(|called| called.window);
        let left = window.map(|(_, left)| format!("-DND_WINDOW_LEFT={}", u8::from(left)));
        let fixed = OPTIONS.iter().map(|o| o.to_string()).chain([architecture]);
        fixed.chain(self.classes.defines()).chain(called).chain(left).collect()
    }
}

/// The address and length of a text that lives as long as the process stand for it.
type Place = (usize, usize);

fn place(text: &'static str) -> Place {
    (text.as_ptr().addr(), text.len())
}

/// What tells units apart in a process: all of [`Unit`], its texts by their places. Of two places of one text each has its
/// own slot, which is no harm.
#[derive(PartialEq, Eq, Hash)]
struct Key {
    text: Place,
    function: Place,
    classes: Classes,
    called: Option<[Option<Place>; 4]>,
    left: bool,
}

impl Key {
    fn of(unit: &Unit) -> Key {
        let Unit { text, function, classes, calls } = *unit;
        let called = |Called { score, window, epilogue, text }: Called| {
            [score, window.map(|window| window.0), epilogue, Some(text)].map(|name| name.map(place))
        };
        let left = calls.and_then(|called| called.window).is_some_and(|window| window.1);
        Key { text: place(text), function: place(function), classes, called: calls.map(called), left }
    }
}

/// Mixes the numbers of a key: each launch looks its kernel up, and nobody who means harm chooses addresses.
#[derive(Default)]
struct Mixer(u64);

impl Hasher for Mixer {
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|&byte| self.write_u64(byte.into()));
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = (self.0.rotate_left(5) ^ number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }

    fn write_u32(&mut self, number: u32) {
        self.write_u64(number.into());
    }

    fn write_usize(&mut self, number: usize) {
        self.write_u64(number as u64);
    }

    fn finish(&self) -> u64 {
        self.0 ^ self.0 >> 32
    }
}

type Slot = Arc<Mutex<Option<Function>>>;

#[derive(Default)]
pub(crate) struct Kernels {
    slots: Mutex<HashMap<Key, Slot, BuildHasherDefault<Mixer>>>,
    folder: Option<Folder>,
}

impl Kernels {
    pub(super) fn new(folder: Option<PathBuf>) -> Kernels {
        Kernels { slots: Mutex::default(), folder: folder.and_then(Folder::open) }
    }

    /// The function, compiled and loaded if this is the first call for it.
    pub(crate) fn get(&self, gpu: &Gpu, unit: &Unit) -> Result<Function> {
        let slot =
            Arc::clone(self.slots.lock().unwrap_or_else(PoisonError::into_inner).entry(Key::of(unit)).or_default());
        let mut slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
        match *slot {
            Some(function) => Ok(function),
            None => Ok(*slot.insert(self.make(gpu, unit)?)),
        }
    }

    fn make(&self, gpu: &Gpu, unit: &Unit) -> Result<Function> {
        let failed = |reason: &str| Error::unavailable(gpu.name(), missing(unit, reason));
        let source = unit.source().ok_or_else(|| failed("the text has no such function"))?;
        let description = gpu.description();
        let options = unit.options(description.capability);
        let key = key(description, &source, &options);
        if let Some(code) = self.folder.as_ref().and_then(|folder| folder.read(&key)) {
            // Whatever is wrong with what was kept, a new compilation mends it, or tells.
            if let Ok(function) = gpu.ask(code.len() as u64, |driver| load(driver, &code, unit)) {
                return Ok(function);
            }
        }
        if description.compiler.is_none() {
            return Err(Error::unavailable(gpu.name(), DeviceFault::NoCompiler));
        }
        let code = gpu.ask(0, |driver| driver.compile(&source, &options))?;
        let function = gpu.ask(code.len() as u64, |driver| load(driver, &code, unit))?;
        if let Some(folder) = &self.folder {
            folder.write(&key, &code);
        }
        Ok(function)
    }
}

fn load(driver: &dyn Driver, code: &[u8], unit: &Unit) -> super::driver::Answer<Function> {
    let module = driver.load(code)?;
    driver.function(module, unit.function)
}

fn missing(unit: &Unit, reason: &str) -> DeviceFault {
    DeviceFault::Failed { call: "compile", reason: format!("kernel `{}`: {reason}", unit.function).into() }
}

/// All that the machine code depends on.
fn key(description: &Description, source: &str, options: &[String]) -> String {
    let compiler = description.compiler.as_deref().unwrap_or_default();
    format!("{compiler}\n{}\n{source}", options.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "#define A 1\nextern \"C\" __global__ void __launch_bounds__(ND_BLOCK) f_1(\n    int a) {}\n\
                        extern \"C\" __global__ void __launch_bounds__(ND_BLOCK) f_12(\n    int a) { g(f_1); }\n";

    fn unit(function: &'static str) -> Unit {
        let shape = Shape { block: 128, team: 8, items: 4, strip: 2, blocks: 1, slices: None, turn: false };
        Unit { text: TEXT, function, classes: Classes::of(Deal::Row, &shape, true), calls: None }
    }

    #[test]
    fn a_function_is_compiled_alone_with_the_head() {
        assert!(unit("f_1").source().is_some_and(|s| s.starts_with("#define A 1\n") && s.ends_with("int a) {}\n")));
        assert!(unit("f_12").source().is_some_and(|s| s.contains("f_12(") && !s.contains("f_1(\n")));
        assert_eq!(unit("f").source(), None);
    }

    #[test]
    fn options_name_the_architecture_the_classes_and_every_flag_of_arithmetic() {
        let options = unit("f_1").options(Version(9, 0));
        for wanted in
            ["--gpu-architecture=sm_90", "-DND_BLOCK=128", "-DND_ROW_THREADS=8", "-DND_ROW_ITEMS=4", "-DND_STRIP=2"]
        {
            assert!(options.iter().any(|o| o == wanted), "{wanted}");
        }
        for flag in ["--fmad=", "--ftz=", "--prec-div=", "--prec-sqrt="] {
            assert!(options.iter().any(|o| o.starts_with(flag)), "{flag}");
        }
        assert!(options.contains(&"-DND_INDEX=long long".to_string()));
    }
}
