//! Tiles: maps that read along memory of an axis which is not the one they write
//! along.
//!
//! In: the body of a map. Out: the same, where a block reads a square of what is
//! turned along its memory into shared memory, and then goes on along the
//! results'. Always: rows of the square are one element longer than its side, an
//! odd number, so neither way meets in a bank; a value is the same as without
//! tiles. Next: [`super::strip`], and `device/geometry.rs` of the runtime, which
//! says when.

use super::Emit;
use super::strip::{Strip, stripped};
use crate::kernel::{Axis, InstOp, Kernel, ValId};
use crate::loops::Loops;
use crate::shape::Dim;

/// The most bytes of shared memory for tiles.
const ROOM: usize = 36 << 10;
/// Threads of a warp, and elements of a tile's side for each of a strip.
const WARP: usize = 32;
/// Bytes that a thread reads and writes of a line; but no more than two elements,
/// for it holds its part of all lines in registers.
const WORD: usize = 4;
const STRIP: usize = 2;

/// What a map reads turned.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Turn {
    /// The parallel axis along which it lies in memory.
    pub axis: usize,
    /// The loads, one or several of an input.
    pub loads: Vec<ValId>,
    /// The inputs, each with its axis that is innermost in memory there.
    pub along: Vec<(usize, usize)>,
    /// The neighbours that a thread reads, and computes.
    pub strip: usize,
}

/// `None` for a map that reads everything along its last axis, as far as the
/// compiler knows, or across axes of constant extents.
pub fn turn(loops: &Loops) -> Option<Turn> {
    let kernel = &loops.kernel;
    let last = kernel.par.last().filter(|axis| stripped(loops) && axis.extent.as_const().is_none())?;
    let turned: Vec<(usize, ValId)> = kernel.ids().filter_map(|v| Some((across(kernel, last, v)?, v))).collect();
    let axis = turned.first()?.0;
    let operands = kernel.inputs.iter().chain(&kernel.outputs);
    let strip = WORD.div_ceil(operands.map(|operand| operand.dtype.bytes()).max()?).min(STRIP);
    let mut room = ROOM;
    let (mut loads, mut along) = (Vec::new(), Vec::new());
    for v in turned.into_iter().filter(|(k, _)| *k == axis).map(|(_, v)| v) {
        let side = WARP * strip;
        let bytes = side * (side + 1) * kernel.inst(v).dtype.bytes();
        if let Some(left) = room.checked_sub(bytes) {
            room = left;
            loads.push(v);
            along.extend(innermost(kernel, v));
        }
    }
    along.dedup();
    Some(Turn { axis, loads, along, strip })
}

/// The parallel axis along which a load's neighbours lie, if it is another than
/// the last and the load varies over both.
fn across(kernel: &Kernel, last: &Axis, v: ValId) -> Option<usize> {
    let InstOp::Load { index, .. } = &kernel.inst(v).op else { return None };
    let (_, innermost) = innermost(kernel, v)?;
    let k = kernel.par.iter().position(|axis| index[innermost].as_sym() == Some(&axis.var))?;
    let varies = index.iter().any(|d| d.mentions(&last.var));
    (!is_picked(kernel, v) && varies && kernel.par[k].var != last.var && kernel.par[k].extent.as_const().is_none())
        .then_some(k)
}

/// The input of a load, and its axis that is innermost in memory of those that the
/// load moves along.
fn innermost(kernel: &Kernel, v: ValId) -> Option<(usize, usize)> {
    let InstOp::Load { input, index, .. } = &kernel.inst(v).op else { return None };
    let order = kernel.inputs[*input].order.iter().rev();
    order.copied().find(|&axis| index[axis].as_const().is_none()).map(|axis| (*input, axis))
}

/// The other loads that a strip along the last axis has, of known places.
fn plain(kernel: &Kernel, last: &Axis, turned: &[ValId]) -> Vec<ValId> {
    let load = |v: &ValId| match &kernel.inst(*v).op {
        InstOp::Load { index, .. } => index.iter().any(|d| d.mentions(&last.var)) && !is_picked(kernel, *v),
        InstOp::Const(_) | InstOp::Index(_) | InstOp::Inside(_) | InstOp::Pick(..) => false,
        InstOp::Map(..) | InstOp::Cast(_) | InstOp::Reduce(..) => false,
    };
    kernel.ids().filter(|v| load(v) && !turned.contains(v)).collect()
}

fn is_picked(kernel: &Kernel, load: ValId) -> bool {
    kernel.inst(load).op.dims().iter().flat_map(|d| d.symbols()).any(|s| ValId::named(&s).is_some())
}

impl Emit<'_> {
    /// The loops over the tiles, what each begins with, and the loop over its
    /// lines that fall to this warp. All loads are on their way before one is
    /// waited for.
    pub(super) fn tiles(&mut self, par: &[Axis]) {
        let Some(Turn { axis, loads, .. }) = self.turn.take() else { return };
        let (across, along) = (&par[axis], &par[par.len() - 1]);
        let plain = plain(self.kernel(), along, &loads);
        self.line("constexpr int side = 32 * ND_STRIP, warps = ND_BLOCK / 32, lines = side / warps;");
        for v in &loads {
            self.line(format!("__shared__ {} t{}[side * (side + 1)];", self.dtype(*v).cuda(), v.0));
        }
        self.line("const int lane = threadIdx.x % 32 * ND_STRIP, warp = threadIdx.x / 32;");
        for (name, extent) in [("across", &across.extent), ("along", &along.extent)] {
            self.line(format!("const nd_int {name} = ({extent} + side - 1) / side;"));
        }
        let tile = |name: &str| Axis { var: format!("{name}_tile").into(), extent: Dim::sym(name) };
        let mut axes = par.to_vec();
        (axes[axis], axes[par.len() - 1]) = (tile("across"), tile("along"));
        let count = axes.iter().map(|a| a.extent.to_string()).collect::<Vec<_>>().join(" * ");
        self.line(format!("const nd_int tiles = {count};"));
        self.open("for (nd_int tile = blockIdx.x; tile < tiles; tile += gridDim.x)");
        self.take_apart(&axes, "tile", "rest");
        for v in loads.iter().chain(&plain) {
            self.line(format!("nd_strip<{}> h{}[lines] = {{}};", self.dtype(*v).cuda(), v.0));
        }
        self.fetch([("across", across), ("along", along)], &loads);
        self.fetch([("along", along), ("across", across)], &plain);
        self.line("__syncthreads();");
        self.line("#pragma unroll");
        self.open("for (int line = 0; line < lines; ++line)");
        self.line("#pragma unroll");
        self.open("for (int i = 0; i < ND_STRIP; ++i)");
        for v in &loads {
            self.line(format!("t{0}[(lane + i) * (side + 1) + warp + line * warps] = h{0}[line].at[i];", v.0));
        }
        self.close();
        self.close();
        self.line("__syncthreads();");
        self.lines([("along", along), ("across", across)]);
        (self.turned, self.fetched) = (loads, plain);
    }

    /// Reads strips of a tile's lines along the first axis.
    fn fetch(&mut self, [first, second]: [(&str, &Axis); 2], loads: &[ValId]) {
        if loads.is_empty() {
            return;
        }
        self.lines([first, second]);
        let known = self.known.len();
        self.strip_with(Strip::new(&first.1.var, &[]), &[], |emit| {
            for v in loads {
                emit.again(*v);
                emit.line(format!("h{0}[line].at[i] = v{0};", v.0));
            }
        });
        self.known.truncate(known);
        self.close();
    }

    /// The loop over this warp's lines of a tile, a strip of each along the first axis.
    fn lines(&mut self, [(tile, axis), (line_tile, line)]: [(&str, &Axis); 2]) {
        self.line("#pragma unroll");
        self.open("for (int line = 0; line < lines; ++line)");
        self.line(format!("const nd_int {} = {line_tile}_tile * side + warp + line * warps;", line.var));
        self.line(format!("const nd_int first = {tile}_tile * side + lane, count = {} - first;", axis.extent));
        self.line(format!("if ({} >= {} || count <= 0) continue;", line.var, line.extent));
    }

    /// A value that the block has read: into its tile, or each thread for itself.
    pub(super) fn read_tile(&self, v: ValId) -> Option<String> {
        if self.turned.contains(&v) {
            return Some(format!("t{}[(warp + line * warps) * (side + 1) + lane + i]", v.0));
        }
        self.fetched.contains(&v).then(|| format!("h{}[line].at[i]", v.0))
    }
}
