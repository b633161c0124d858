//! The text form of a program.
//!
//! In: a program. Out: text that [`super::parse`] reads back to an equal one.
//! Always: the head is a graph's; then buffers, kernels and steps, in order.
//!
//! ```text
//! fn layer<B, I, O>(x: f32[B, I], w: f32[I, O], b: f32[O])
//!   buffer b0 x : f32[B, I] = param 0
//!   buffer b1 w : f32[I, O] = param 1
//!   buffer b2 b : f32[O] = param 2
//!   buffer b3 t : f32[B, O] = temp
//!   buffer b4 y : f32[B, O] = output 0
//!   kernel k0
//!     …
//!   dot f32 b0[0, 0] b1[0, 0] -> b3
//!     axis left left=0 out=0 : B
//!     axis right right=1 out=1 : O
//!     axis contract left=1 right=0 : I
//!     epilogue input=0 axes=[0, 1] launch k0 [B, O] (b3, b2) -> (b4)
//!     release b3
//!   return b4
//! ```
//!
//! An operand of a product shows where it starts; `left=0*2` goes along axis 0
//! in steps of 2. A launch shows its extents, then its sizes if it has any. An
//! order other than C's is shown; `_` is the parallel axis of an axis that has
//! none. After the steps, `again 2 f32[B, C] in [0, 3]` are values that steps
//! compute each for itself. `whole` stands before `return` where no step goes tile by tile.

use super::{Action, Again, BufId, Buffer, Dot, DotAxis, Launch, Place, Program, Role, Scatter};
use crate::graph::Graph;
use crate::text::{in_order, join};
use std::fmt::{self, Display, Formatter};

impl Display for BufId {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "b{}", self.0)
    }
}

impl Role {
    pub fn name(self) -> &'static str {
        match self {
            Role::Batch => "batch",
            Role::Left => "left",
            Role::Right => "right",
            Role::Contract => "contract",
        }
    }

    pub fn all() -> [Role; 4] {
        [Role::Batch, Role::Left, Role::Right, Role::Contract]
    }
}

impl Display for Place {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Place::Param(number) => write!(f, "param {number}"),
            Place::Output(number) => write!(f, "output {number}"),
            Place::Temp => f.write_str("temp"),
            Place::View(base) => write!(f, "view {base}"),
        }
    }
}

impl Display for Buffer {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{} : {}[{}]", self.name, self.dtype, join(&self.shape))?;
        if !in_order(&self.order) {
            write!(f, " order {:?}", self.order)?;
        }
        write!(f, " = {}", self.place)
    }
}

impl Display for Launch {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "launch k{} [{}]", self.kernel, join(&self.extents))?;
        if !self.sizes.is_empty() {
            write!(f, " sizes [{}]", join(&self.sizes))?;
        }
        write!(f, " ({}) -> ({})", join(&self.inputs), join(&self.outputs))
    }
}

impl Display for DotAxis {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(self.role.name())?;
        for (name, place) in [("left", self.left), ("right", self.right)] {
            match place {
                Some((axis, 1)) => write!(f, " {name}={axis}")?,
                Some((axis, step)) => write!(f, " {name}={axis}*{step}")?,
                None => {}
            }
        }
        if let Some(axis) = self.out {
            write!(f, " out={axis}")?;
        }
        write!(f, " : {}", self.extent)
    }
}

impl Display for Dot {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "dot {} {}[{}]", self.dtype, self.left, join(&self.left_start))?;
        write!(f, " {}[{}] -> {}", self.right, join(&self.right_start), self.out)
    }
}

impl Display for Scatter {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "scatter ({}, {}) -> {}", self.updates, self.indices, self.out)?;
        write!(f, " axis={} batch={}", self.axis, self.batch)
    }
}

impl Display for Again {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "again {} {}[{}] in [{}]", self.values, self.dtype, join(&self.shape), join(&self.steps))
    }
}

impl Display for Program {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let mut head = Graph::new(self.name.as_str());
        head.symbols = self.symbols.clone();
        head.params = self.params.clone();
        head.requires = self.requires.clone();
        write!(f, "{head}")?;
        for (number, buffer) in self.buffers.iter().enumerate() {
            writeln!(f, "  buffer b{number} {buffer}")?;
        }
        for (number, kernel) in self.kernels.iter().enumerate() {
            writeln!(f, "  kernel k{number}")?;
            kernel.body(f, "    ")?;
        }
        for step in &self.steps {
            match &step.action {
                Action::Launch(launch) => writeln!(f, "  {launch}")?,
                Action::Dot(dot) => product(f, dot)?,
                Action::Scatter(scatter) => writeln!(f, "  {scatter}")?,
            }
            if !step.release.is_empty() {
                writeln!(f, "    release {}", join(&step.release))?;
            }
        }
        for again in &self.again {
            writeln!(f, "  {again}")?;
        }
        if self.whole {
            writeln!(f, "  whole")?;
        }
        writeln!(f, "  return {}", join(&self.outputs))
    }
}

fn product(f: &mut Formatter<'_>, dot: &Dot) -> fmt::Result {
    writeln!(f, "  {dot}")?;
    for axis in &dot.axes {
        writeln!(f, "    axis {axis}")?;
    }
    if let Some(epilogue) = &dot.epilogue {
        let axes = epilogue.axes.iter().map(|a| a.map_or("_".to_string(), |a| a.to_string()));
        writeln!(f, "    epilogue input={} axes=[{}] {}", epilogue.input, join(axes), epilogue.launch)?;
    }
    Ok(())
}
