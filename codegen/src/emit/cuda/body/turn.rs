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
/// Bytes that a thread reads and writes of a side, at least.
const WORD: usize = 4;

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
    let strip = WORD.div_ceil(operands.map(|operand| operand.dtype.bytes()).max()?);
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
    let picked = kernel.inst(v).op.dims().iter().flat_map(|d| d.symbols()).any(|s| ValId::named(&s).is_some());
    let k = kernel.par.iter().position(|axis| index[innermost].as_sym() == Some(&axis.var))?;
    let varies = index.iter().any(|d| d.mentions(&last.var));
    (!picked && varies && kernel.par[k].var != last.var && kernel.par[k].extent.as_const().is_none()).then_some(k)
}

/// The input of a load, and its axis that is innermost in memory of those that the
/// load moves along.
fn innermost(kernel: &Kernel, v: ValId) -> Option<(usize, usize)> {
    let InstOp::Load { input, index, .. } = &kernel.inst(v).op else { return None };
    let order = kernel.inputs[*input].order.iter().rev();
    order.copied().find(|&axis| index[axis].as_const().is_none()).map(|axis| (*input, axis))
}

impl Emit<'_> {
    /// The loops over the tiles, what each begins with, and the loop over its
    /// lines that fall to this warp.
    pub(super) fn tiles(&mut self, par: &[Axis]) {
        let Some(Turn { axis, loads, .. }) = self.turn.take() else { return };
        let (across, along) = (&par[axis], &par[par.len() - 1]);
        self.line("constexpr int side = 32 * ND_STRIP;");
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
        self.line("__syncthreads();");
        self.side([("across", across), ("along", along)]);
        let known = self.known.len();
        self.strip_with(Strip::new(&across.var, &[]), &[], |emit| {
            for v in &loads {
                emit.again(*v);
                emit.line(format!("t{0}[(lane + i) * (side + 1) + line] = v{0};", v.0));
            }
        });
        self.known.truncate(known);
        self.close();
        self.line("__syncthreads();");
        self.side([("along", along), ("across", across)]);
        self.turned = loads;
    }

    /// The loop over the lines of a tile, a strip of each: along the first axis.
    fn side(&mut self, [(tile, axis), (line_tile, line)]: [(&str, &Axis); 2]) {
        self.open("for (int line = warp; line < side; line += ND_BLOCK / 32)");
        self.line(format!("const nd_int {} = {line_tile}_tile * side + line;", line.var));
        self.line(format!("const nd_int first = {tile}_tile * side + lane, count = {} - first;", axis.extent));
        self.line(format!("if ({} >= {} || count <= 0) break;", line.var, line.extent));
    }

    /// A value that the block has read into its tile.
    pub(super) fn read_tile(&self, v: ValId) -> Option<String> {
        self.turned.contains(&v).then(|| format!("t{}[line * (side + 1) + lane + i]", v.0))
    }
}
