//! Kernels on the emulated device: CUDA text and operands in, results out.
//!
//! The text is compiled with the system's C++ compiler against `cuda.hpp`. Every
//! operand lies in memory with strides of its own and gaps between its elements;
//! gaps and outputs are poisoned, and a write to a gap is an error.

#[path = "flags.rs"]
mod flags;

use flags::FLAGS;
use libloading::Library;
use ndfuse_codegen::dtype::{DType, Kind};
use ndfuse_codegen::emit::cuda::body::slices::{Cut, cut};
use ndfuse_codegen::emit::cuda::{self, Parameter, geometry};
use ndfuse_codegen::interp::Value;
use ndfuse_codegen::interp::value::{count, each_index};
use ndfuse_codegen::loops::Loops;
use ndfuse_codegen::ops::Literal;
use std::path::PathBuf;
use std::process::Command;

/// The orders in which the threads of a block may run, which must not matter.
const ORDERS: u32 = 3;
/// What every byte is before a kernel runs.
const POISON: u8 = 0xa5;

/// Threads of a block, of a row, of a column; elements of a row that a thread
/// holds, and computes at a time.
#[derive(Clone, Copy, Debug, Default)]
pub struct Teams {
    pub block: u32,
    pub row: u32,
    pub column: u32,
    pub items: u32,
    pub strip: u32,
    /// Slices of a row or column of kernels that may be cut; 1, or a power of two.
    pub slices: u32,
    /// Whether maps go by tiles that may.
    pub turn: bool,
}

pub struct Machine {
    /// The kernels in one launch; where they are cut, the most phases that one has, along the first axis and the last.
    libraries: Vec<Library>,
    teams: Teams,
}

impl Machine {
    /// Compiles all kernels; `None`, and a word about it, without a compiler.
    pub fn new(name: &str, kernels: &[(String, Loops)], teams: Teams) -> Option<Machine> {
        Machine::with(name, kernels, teams, &[])
    }

    /// The same, with these arguments to the compiler.
    pub fn with(name: &str, kernels: &[(String, Loops)], teams: Teams, arguments: &[&str]) -> Option<Machine> {
        let compiler = std::env::var("CXX").unwrap_or_else(|_| "c++".into());
        if Command::new(&compiler).arg("--version").output().is_err() {
            eprintln!("skipped: no C++ compiler `{compiler}` (CXX names another)");
            return None;
        }
        let mut libraries = vec![Machine::library(&compiler, name, kernels, teams, arguments)];
        if teams.slices > 1 {
            let passes = |loops: &Loops| cut(loops).map(|cut| cut.passes);
            for phase in 0..=kernels.iter().filter_map(|(_, loops)| passes(loops)).max().unwrap_or(0) {
                let cut = kernels.iter().filter(|(_, loops)| passes(loops).is_some_and(|passes| phase <= passes));
                let cut: Vec<(String, Loops)> = cut.cloned().collect();
                let (name, phase) = (format!("{name}_{phase}"), format!("-DND_PHASE={phase}"));
                let slices = format!("-DND_SLICES={}", teams.slices);
                let arguments = [arguments, &[slices.as_str(), phase.as_str()]].concat();
                libraries.push(Machine::library(&compiler, &name, &cut, teams, &arguments));
            }
        }
        Some(Machine { libraries, teams })
    }

    fn library(compiler: &str, name: &str, kernels: &[(String, Loops)], teams: Teams, arguments: &[&str]) -> Library {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
        let (source, library) = (folder.join(format!("{name}.cpp")), folder.join(format!("{name}.so")));
        let texts: Vec<String> = kernels.iter().map(|(name, loops)| cuda::kernel(loops, name)).collect();
        let mut text = format!("#include \"cuda.hpp\"\n{}\n", cuda::prelude::prelude(&texts.join("\n")));
        for (number, ((name, loops), kernel)) in kernels.iter().zip(&texts).enumerate() {
            // Each along another of the axes that may be long.
            let red = loops.kernel.red.iter().enumerate();
            let long: Vec<usize> = red.filter(|(_, a)| a.extent.as_const().is_none()).map(|(k, _)| k).collect();
            if teams.slices > 1 && !long.is_empty() {
                text.push_str(&format!("#undef ND_CUT\n#define ND_CUT {}\n", long[number % long.len()]));
            }
            text.push_str(&format!("{kernel}\n{}", entry(name, loops)));
        }
        std::fs::write(&source, text).expect("the folder for temporary files can be written");
        let mut command = Command::new(compiler);
        command.args(FLAGS).arg("-I");
        command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/emulate"));
        command.arg(format!("-DND_BLOCK={}", teams.block));
        command.arg(format!("-DND_ROW_THREADS={}", teams.row)).arg(format!("-DND_COLUMN_THREADS={}", teams.column));
        command.arg(format!("-DND_ROW_ITEMS={}", teams.items)).arg(format!("-DND_STRIP={}", teams.strip));
        command.args(teams.turn.then_some("-DND_TURN")).args(arguments);
        let out = command.arg(&source).arg("-o").arg(&library).output().expect("the compiler runs");
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        // SAFETY: the library has no initialisers but those of its static data.
        unsafe { Library::new(&library) }.expect("a library that was just made")
    }

    /// Whether its threads can hold rows of this length.
    pub fn holds(&self, length: i64) -> bool {
        self.teams.items == 0 || length <= i64::from(self.teams.items * self.teams.row)
    }

    /// Runs a kernel on so many blocks: the values of its outputs, of these
    /// shapes. `seed` chooses the strides.
    pub fn run(
        &self,
        (name, loops): &(String, Loops),
        extents: &[i64],
        sizes: &[i64],
        inputs: &[Value],
        outputs: &[Vec<usize>],
        seed: u64,
    ) -> Result<Vec<Value>, String> {
        let kernel = &loops.kernel;
        let named = |name: &str| {
            let number: usize = name.get(1..)?.parse().ok()?;
            if name.starts_with('e') { extents.get(number).copied() } else { None }
        };
        let geometry = geometry::geometry(loops);
        let points = geometry.points.eval(&named).ok_or("points without a number")?;
        let mut memory: Vec<Memory> = Vec::new();
        for (k, (operand, value)) in kernel.inputs.iter().zip(inputs).enumerate() {
            let mut m = Memory::new(operand.dtype, &value.shape, seed.wrapping_add(k as u64));
            m.write(value);
            memory.push(m);
        }
        for (k, (operand, shape)) in kernel.outputs.iter().zip(outputs).enumerate() {
            memory.push(Memory::new(operand.dtype, shape, seed.wrapping_add(17 + k as u64)));
        }
        let before: Vec<Vec<u8>> = memory.iter().map(|m| m.bytes.clone()).collect();
        let mut arguments = Vec::new();
        let mut notes = vec![!0u64; 2 * cuda::picks(kernel).count()];
        let cut = geometry.cut.filter(|_| self.teams.slices > 1);
        let states = cut.map_or(0, |cut| cut.states * self.teams.slices as usize * points as usize);
        let mut parts = vec![!0u64; 2 * states];
        for parameter in cuda::arguments(loops) {
            arguments.push(match parameter {
                Parameter::Data(k) => memory[k].bytes.as_mut_ptr().wrapping_add(memory[k].offset) as i64,
                Parameter::Stride(k, axis) => memory[k].strides[axis],
                Parameter::Extent(k) => extents[k],
                Parameter::Size(k) => sizes[k],
                Parameter::Notes => notes.as_mut_ptr() as i64,
                Parameter::Parts => parts.as_mut_ptr() as i64,
            });
        }
        if points > 0 {
            type Entry = unsafe extern "C" fn(*const i64, u32, u32, u32) -> i32;
            let blocks = 1 + (seed % 3) as u32;
            let mut first: Option<Vec<Vec<u8>>> = None;
            for order in 0..ORDERS {
                memory.iter_mut().zip(&before).for_each(|(m, old)| m.bytes.copy_from_slice(old));
                let launches = match cut {
                    None => vec![(0, blocks)],
                    Some(Cut { passes, again, .. }) => {
                        let slices = |phase| if phase < passes || again { self.teams.slices } else { 1 };
                        (0..=passes).map(|phase| (1 + phase, blocks * slices(phase))).collect()
                    }
                };
                for (library, blocks) in launches {
                    // SAFETY: the entry was made with this signature; the arguments are the
                    // kernel's parameters in their order and outlive the call.
                    let status = unsafe {
                        let entry = self.libraries[library].get::<Entry>(format!("run_{name}").as_bytes());
                        entry.expect("an entry a kernel")(arguments.as_ptr(), blocks, self.teams.block, order)
                    };
                    if status != 0 {
                        return Err("threads wait for ever, or shuffle outside of their mask".into());
                    }
                }
                let after: Vec<Vec<u8>> = memory.iter().map(|m| m.bytes.clone()).collect();
                if first.get_or_insert_with(|| after.clone()) != &after {
                    return Err(format!("a barrier is missing: threads in order {order} have other results"));
                }
            }
        }
        if notes.iter().any(|&word| word != !0) {
            return Err(format!("an index is out of range: {notes:?}"));
        }
        for (k, (m, old)) in memory.iter().zip(&before).enumerate() {
            m.untouched(old, k >= inputs.len())?;
        }
        memory[inputs.len()..].iter().zip(outputs).map(|(m, shape)| Ok(m.read(shape))).collect()
    }
}

/// The C function that calls a kernel with an array of arguments.
fn entry(name: &str, loops: &Loops) -> String {
    let kernel = &loops.kernel;
    let argument = |(at, parameter): (usize, Parameter)| match parameter {
        Parameter::Data(k) => {
            let operand = kernel.inputs.iter().chain(&kernel.outputs).nth(k).expect("an operand's number");
            format!("({}*)a[{at}]", operand.dtype.cuda())
        }
        Parameter::Stride(..) | Parameter::Extent(_) | Parameter::Size(_) => format!("a[{at}]"),
        Parameter::Notes | Parameter::Parts => format!("(unsigned long long*)a[{at}]"),
    };
    let arguments: Vec<String> = cuda::arguments(loops).into_iter().enumerate().map(argument).collect();
    format!(
        "static void call_{name}(const long long* a) {{ {name}({}); }}\n\
         ENTRY int run_{name}(const long long* a, unsigned blocks, unsigned threads, unsigned order) {{\n    \
         return emulated::launch(call_{name}, a, blocks, threads, order);\n}}\n",
        arguments.join(", ")
    )
}

/// An operand in memory.
struct Memory {
    dtype: DType,
    shape: Vec<usize>,
    /// In elements.
    strides: Vec<i64>,
    /// In bytes, of the first element.
    offset: usize,
    bytes: Vec<u8>,
}

impl Memory {
    fn new(dtype: DType, shape: &[usize], seed: u64) -> Memory {
        let rank = shape.len();
        // The axes from the innermost in memory: rotated, some of them backwards.
        let turn = seed as usize % rank.max(1);
        let mut strides = vec![0i64; rank];
        let (mut step, mut first) = (1 + (seed / 3 % 2) as i64, 0i64);
        for k in 0..rank {
            let axis = (rank - 1 - k + turn) % rank;
            let backwards = seed >> (5 + k) & 1 == 1;
            strides[axis] = if backwards { -step } else { step };
            let reach = step * (shape[axis].max(1) as i64 - 1);
            first += if backwards { reach } else { 0 };
            step += reach + (seed / 7 % 2) as i64;
        }
        // Some begin where the widest access may, some do not.
        let gap = 3 + (seed / 2 % 2) as usize;
        let elements = step as usize + 2 * gap;
        let offset = (gap + first as usize) * dtype.bytes();
        Memory { dtype, shape: shape.to_vec(), strides, offset, bytes: vec![POISON; elements * dtype.bytes()] }
    }

    /// Where each element lies, in C order.
    fn places(&self) -> Vec<usize> {
        let mut out = Vec::new();
        each_index(&self.shape, |index| {
            let far: i64 = index.iter().zip(&self.strides).map(|(&i, s)| i as i64 * s).sum();
            out.push((self.offset as i64 + far * self.dtype.bytes() as i64) as usize);
        });
        out
    }

    fn write(&mut self, value: &Value) {
        for (k, at) in self.places().into_iter().enumerate() {
            let bytes = encoded(value.data.get(k), self.dtype);
            self.bytes[at..at + bytes.len()].copy_from_slice(&bytes);
        }
    }

    fn read(&self, shape: &[usize]) -> Value {
        assert_eq!(self.places().len(), count(shape).expect("a small shape"));
        let size = self.dtype.bytes();
        let elements: Vec<Literal> =
            self.places().into_iter().map(|at| decoded(&self.bytes[at..at + size], self.dtype)).collect();
        Value::literals(shape.to_vec(), self.dtype, elements)
    }

    /// Whether all but the elements of an output is as it was.
    fn untouched(&self, before: &[u8], output: bool) -> Result<(), String> {
        let mut own = vec![false; self.bytes.len()];
        if output {
            self.places().into_iter().for_each(|at| own[at..at + self.dtype.bytes()].fill(true));
        }
        let changed = (0..own.len()).find(|&at| !own[at] && self.bytes[at] != before[at]);
        changed.map_or(Ok(()), |at| Err(format!("byte {at} is written, which is no element of an output")))
    }
}

fn encoded(value: Literal, dtype: DType) -> Vec<u8> {
    match value.cast(dtype) {
        Literal::Bool(b) => vec![u8::from(b)],
        Literal::Int(i) => i.to_le_bytes()[..dtype.bytes()].to_vec(),
        Literal::Float(bits) => dtype.float_bits(f64::from_bits(bits)).to_le_bytes()[..dtype.bytes()].to_vec(),
    }
}

fn decoded(bytes: &[u8], dtype: DType) -> Literal {
    let mut wide = [0u8; 16];
    wide[..bytes.len()].copy_from_slice(bytes);
    let whole = u128::from_le_bytes(wide);
    match dtype.kind() {
        Kind::Bool => Literal::Bool(whole != 0),
        Kind::Unsigned => Literal::Int(whole as i128),
        Kind::Signed => {
            let unused = 128 - dtype.bits();
            Literal::Int((whole as i128) << unused >> unused)
        }
        Kind::Float => Literal::float(dtype.of_bits(whole as u64)),
    }
}
