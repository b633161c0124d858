//! The interpreter of programs: every kernel through its loops, one scalar at a
//! time.
//!
//! In: a program, the sizes of its symbols, the parameters' values. Out: the
//! results. Floats are computed in `f64`; what memory holds is rounded. Always: it follows the statements of [`crate::loops`] to the
//! letter, so that what it computes is what both emitters must compute; it is
//! compared with [`super::run`] on random graphs.

use super::eval::{apply, cast, eval};
use super::value::{Value, count, each_index, strides};
use super::{Precision, Sizes, size, sizes_of};
use crate::graph::{Node, Op, Type};
use crate::kernel::{Guard, InstOp, Kernel, ValId};
use crate::loops::lower::lower;
use crate::loops::{Loops, Stmt};
use crate::ops::{Answer, Literal, Monoid};
use crate::program::{Action, BufId, Dot, Launch, Place, Program, Role, Scatter};
use crate::shape::Dim;
use std::collections::{BTreeMap, HashMap};

/// Runs a program.
pub fn run(program: &Program, sizes: &Sizes, params: &[Value]) -> Result<Vec<Value>, String> {
    let loops: Vec<Loops> = program.kernels.iter().map(lower).collect();
    let mut memory = Memory { program, sizes, values: BTreeMap::new() };
    for (k, value) in params.iter().enumerate() {
        memory.values.insert(BufId(k as u32), value.clone());
    }
    for step in &program.steps {
        match &step.action {
            Action::Launch(launch) => memory.launch(&loops[launch.kernel], launch, None)?,
            Action::Dot(dot) => memory.dot(&loops, dot)?,
            Action::Scatter(scatter) => memory.scatter(scatter)?,
        }
        for id in &step.release {
            memory.values.remove(id);
        }
    }
    program.outputs.iter().map(|id| memory.read(*id)).collect()
}

struct Memory<'p> {
    program: &'p Program,
    sizes: &'p Sizes,
    values: BTreeMap<BufId, Value>,
}

impl Memory<'_> {
    fn read(&self, id: BufId) -> Result<Value, String> {
        let buffer = self.program.buffer(id);
        match buffer.place {
            Place::View(base) => {
                let value = self.read(base)?;
                Ok(Value { shape: sizes_of(&buffer.shape, self.sizes)?, data: value.data })
            }
            Place::Param(_) | Place::Output(_) | Place::Temp => {
                self.values.get(&id).cloned().ok_or_else(|| format!("`{}` is read before it is written", buffer.name))
            }
        }
    }

    fn dims(&self, dims: &[Dim]) -> Result<Vec<i64>, String> {
        dims.iter().map(|d| size(d, self.sizes)).collect()
    }

    fn launch(&mut self, loops: &Loops, launch: &Launch, panel: Option<(usize, Value)>) -> Result<(), String> {
        let mut inputs = Vec::new();
        for (k, &id) in launch.inputs.iter().enumerate() {
            inputs.push(match &panel {
                Some((input, value)) if *input == k => value.clone(),
                _ => self.read(id)?,
            });
        }
        // Of no elements nothing is computed, not even what all would share.
        let empty = self.dims(&launch.extents[..loops.kernel.par.len()])?.contains(&0);
        let mut names = HashMap::new();
        for (k, value) in self.dims(&launch.extents)?.into_iter().enumerate() {
            names.insert(format!("e{k}"), value);
        }
        for (k, value) in self.dims(&launch.sizes)?.into_iter().enumerate() {
            names.insert(format!("s{k}"), value);
        }
        let mut outputs = Vec::new();
        for &id in &launch.outputs {
            let buffer = self.program.buffer(id);
            let shape = sizes_of(&buffer.shape, self.sizes)?;
            let elements = vec![None; count(&shape)?];
            outputs.push((shape, elements));
        }
        let mut machine = Machine {
            loops,
            inputs,
            outputs,
            names,
            values: HashMap::new(),
            accumulators: HashMap::new(),
            kept: HashMap::new(),
        };
        if !empty {
            machine.block(&loops.body)?;
        }
        for (&id, (shape, elements)) in launch.outputs.iter().zip(machine.outputs) {
            let buffer = self.program.buffer(id);
            let elements: Option<Vec<Literal>> = elements.into_iter().collect();
            let elements = elements.ok_or_else(|| format!("an element of `{}` is not written", buffer.name))?;
            self.values.insert(id, Value::literals(shape, buffer.dtype, elements));
        }
        Ok(())
    }

    fn scatter(&mut self, s: &Scatter) -> Result<(), String> {
        let out = self.program.buffer(s.out);
        let op = Op::Scatter { axis: s.axis, batch: s.batch };
        let node = Node { op, args: Vec::new(), ty: Type::new(out.dtype, out.shape.clone()) };
        let (updates, indices) = (self.read(s.updates)?, self.read(s.indices)?);
        let value = eval(Precision::Exact, &node, &[&updates, &indices], self.sizes, &[])?;
        self.values.insert(s.out, value);
        Ok(())
    }

    fn dot(&mut self, loops: &[Loops], dot: &Dot) -> Result<(), String> {
        let (left, right) = (self.read(dot.left)?, self.read(dot.right)?);
        let starts = (self.dims(&dot.left_start)?, self.dims(&dot.right_start)?);
        let extents: Vec<usize> = dot
            .axes
            .iter()
            .map(|a| sizes_of(std::slice::from_ref(&a.extent), self.sizes).map(|v| v[0]))
            .collect::<Result<_, _>>()?;
        let summed: Vec<usize> = (0..dot.axes.len()).filter(|&k| dot.axes[k].role == Role::Contract).collect();
        let outer: Vec<usize> = (0..dot.axes.len()).filter(|k| !summed.contains(k)).collect();
        let shape: Vec<usize> = outer.iter().map(|&k| extents[k]).collect();
        let inner: Vec<usize> = summed.iter().map(|&k| extents[k]).collect();
        let mut out = Vec::new();
        let mut fault = None;
        each_index(&shape, |i| {
            let mut total = 0.0;
            each_index(&inner, |j| {
                let mut at = vec![0i64; dot.axes.len()];
                outer.iter().zip(i).chain(summed.iter().zip(j)).for_each(|(&k, &v)| at[k] = v as i64);
                let place = |value: &Value, start: &[i64], left: bool| {
                    let mut index = start.to_vec();
                    for (axis, v) in dot.axes.iter().zip(&at) {
                        if let Some((k, step)) = if left { axis.left } else { axis.right } {
                            index[k] += step * v;
                        }
                    }
                    element(value, &index)
                };
                match (place(&left, &starts.0, true), place(&right, &starts.1, false)) {
                    (Ok(a), Ok(b)) => total += a.as_f64() * b.as_f64(),
                    (Err(why), _) | (_, Err(why)) => fault = Some(why),
                }
            });
            out.push(Literal::float(total).stored(self.program.buffer(dot.out).dtype));
        });
        if let Some(why) = fault {
            return Err(why);
        }
        // The product's axes stand in the order of `out`, as the outer loops do.
        let value = Value::literals(shape, self.program.buffer(dot.out).dtype, out);
        match &dot.epilogue {
            Some(e) => self.launch(&loops[e.launch.kernel], &e.launch, Some((e.input, value))),
            None => {
                self.values.insert(dot.out, value);
                Ok(())
            }
        }
    }
}

fn element(value: &Value, index: &[i64]) -> Result<Literal, String> {
    let inside = index.iter().zip(&value.shape).all(|(&i, &n)| (0..n as i64).contains(&i));
    if !inside || index.len() != value.shape.len() {
        return Err(format!("{index:?} is outside of {:?}", value.shape));
    }
    let at = index.iter().zip(strides(&value.shape)).map(|(&i, s)| i as usize * s).sum();
    Ok(value.data.get(at))
}

/// The state of a kernel that runs.
struct Machine<'l> {
    loops: &'l Loops,
    inputs: Vec<Value>,
    outputs: Vec<(Vec<usize>, Vec<Option<Literal>>)>,
    /// Sizes, extents and the loop variables that are set.
    names: HashMap<String, i64>,
    values: HashMap<ValId, Literal>,
    /// The winner so far and its index.
    accumulators: HashMap<ValId, (Literal, i64)>,
    kept: HashMap<(ValId, Vec<i64>), Literal>,
}

impl Machine<'_> {
    fn kernel(&self) -> &Kernel {
        &self.loops.kernel
    }

    fn dim(&self, dim: &Dim) -> Result<i64, String> {
        let picked = |name: &str| match self.values.get(&ValId::named(name)?) {
            Some(Literal::Int(i)) => i64::try_from(*i).ok(),
            Some(_) | None => None,
        };
        dim.eval(&|name: &str| self.names.get(name).copied().or_else(|| picked(name)))
            .ok_or_else(|| format!("`{dim}` has no value"))
    }

    fn block(&mut self, stmts: &[Stmt]) -> Result<(), String> {
        for stmt in stmts {
            match stmt {
                Stmt::Loop { var, body, .. } => {
                    let axis = self.kernel().axes().find(|a| a.var == *var).ok_or("an undeclared axis")?;
                    let extent = self.dim(&axis.extent)?;
                    for at in 0..extent {
                        self.names.insert(var.to_string(), at);
                        self.block(body)?;
                    }
                    self.names.remove(&**var);
                }
                Stmt::Eval(id) => {
                    let value = self.eval(*id)?;
                    self.values.insert(*id, value);
                }
                Stmt::Start(id) => {
                    let (monoid, arg) = self.reduction(*id)?;
                    let start = monoid.start(self.kernel().inst(arg).dtype);
                    self.accumulators.insert(*id, (start, -1));
                }
                Stmt::Push(id) => self.push_value(*id)?,
                Stmt::Finish(id) => {
                    let (monoid, _) = self.reduction(*id)?;
                    let (value, index) = self.accumulators[id];
                    let value = match monoid.row().answer {
                        Answer::Same => value,
                        Answer::Index => Literal::Int(i128::from(index)),
                    };
                    self.values.insert(*id, value);
                }
                Stmt::Keep(id) => {
                    let (key, value) = (self.row_index(), self.get(*id)?);
                    self.kept.insert((*id, key), value);
                }
                Stmt::Recall(id) => {
                    let key = (*id, self.row_index());
                    let value = *self.kept.get(&key).ok_or("a value is recalled that is not kept")?;
                    self.values.insert(*id, value);
                }
                Stmt::Store(store) => self.store(*store)?,
            }
        }
        Ok(())
    }

    fn reduction(&self, id: ValId) -> Result<(Monoid, ValId), String> {
        match &self.kernel().inst(id).op {
            InstOp::Reduce(monoid, arg) => Ok((*monoid, *arg)),
            other => Err(format!("{other:?} is no reduction")),
        }
    }

    fn row_index(&self) -> Vec<i64> {
        self.kernel().red.iter().map(|a| self.names.get(&*a.var).copied().unwrap_or(-1)).collect()
    }

    fn get(&self, id: ValId) -> Result<Literal, String> {
        self.values.get(&id).copied().ok_or_else(|| format!("%{} is used before it is computed", id.0))
    }

    fn push_value(&mut self, id: ValId) -> Result<(), String> {
        let (monoid, arg) = self.reduction(id)?;
        let dtype = self.kernel().inst(arg).dtype;
        let value = self.get(arg)?;
        let at = self.kernel().red.last().and_then(|a| self.names.get(&*a.var).copied()).unwrap_or(0);
        let (old, index) = *self.accumulators.get(&id).ok_or("an accumulator is not started")?;
        let combined = match (old, value) {
            (Literal::Float(a), Literal::Float(b)) => {
                Literal::float((monoid.row().eval)(f64::from_bits(a), f64::from_bits(b)))
            }
            (a, b) => {
                let int = |l: Literal| if let Literal::Int(i) = l { i } else { i128::from(l.as_f64() != 0.0) };
                Literal::Int((monoid.row().eval_int)(int(a), int(b))).cast(dtype)
            }
        };
        // The first element always wins over the start.
        let nan = |l: Literal| l.as_f64().is_nan();
        let changed = match (combined, old) {
            (Literal::Float(_), Literal::Float(_)) => combined.as_f64() != old.as_f64() && !(nan(old) && nan(combined)),
            (a, b) => a != b,
        };
        let wins = index < 0 || changed;
        let entry = if wins {
            (if index < 0 && monoid.row().answer == Answer::Index { value } else { combined }, at)
        } else {
            (combined, index)
        };
        self.accumulators.insert(id, entry);
        Ok(())
    }

    fn inside(&self, guards: &[Guard]) -> Result<bool, String> {
        for guard in guards {
            let (i, n) = (self.dim(&guard.index)?, self.dim(&guard.extent)?);
            if !(0..n).contains(&i) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn eval(&self, id: ValId) -> Result<Literal, String> {
        let inst = self.kernel().inst(id);
        match &inst.op {
            InstOp::Load { input, index, guards, fill } => match self.inside(guards)? {
                true => {
                    let index: Vec<i64> = index.iter().map(|d| self.dim(d)).collect::<Result<_, _>>()?;
                    element(&self.inputs[*input], &index)
                }
                false => Ok(*fill),
            },
            InstOp::Const(literal) => Ok(*literal),
            InstOp::Index(dim) => Ok(Literal::Int(i128::from(self.dim(dim)?))),
            InstOp::Inside(guards) => Ok(Literal::Bool(self.inside(guards)?)),
            InstOp::Map(op, args) => {
                let args: Vec<Literal> = args.iter().map(|&a| self.get(a)).collect::<Result<_, _>>()?;
                Ok(apply(*op, &args, inst.dtype))
            }
            InstOp::Pick(arg, extent) => {
                let (Literal::Int(i), n) = (self.get(*arg)?, i128::from(self.dim(extent)?)) else {
                    return Err("an index that is no integer".into());
                };
                match (-n..n).contains(&i) {
                    true => Ok(Literal::Int(i.rem_euclid(n))),
                    false => Err(format!("index {i} is out of range for an axis of size {n}")),
                }
            }
            InstOp::Cast(arg) => {
                let value = cast(self.get(*arg)?, inst.dtype, Precision::Exact);
                Ok(if inst.dtype.is_stored_only() { value.stored(inst.dtype) } else { value })
            }
            InstOp::Reduce(..) => Err("a reduction is finished, not evaluated".into()),
        }
    }

    fn store(&mut self, store: usize) -> Result<(), String> {
        let store = &self.loops.kernel.stores[store];
        let index: Vec<i64> = store.index.iter().map(|d| self.dim(d)).collect::<Result<_, _>>()?;
        let value = self.get(store.value)?;
        let (shape, elements) = &mut self.outputs[store.output];
        let at: usize = index.iter().zip(strides(shape)).map(|(&i, s)| i as usize * s).sum();
        let slot = elements.get_mut(at).ok_or("a store outside of its output")?;
        if slot.replace(value).is_some() {
            return Err("an element is written twice".into());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::value::Data;
    use super::*;
    use crate::driver;
    use crate::fuse::{apart, fuse};
    use crate::interp;
    use crate::testing::{Profile, random_graph_of};

    /// A sum that starts with its first element keeps a negative zero, one that
    /// starts with 0 does not: both are the sum.
    fn equal(a: &Value, b: &Value) -> bool {
        match (&a.data, &b.data) {
            (Data::Float(x), Data::Float(y)) => a.shape == b.shape && x == y,
            _ => a.same(b),
        }
    }

    fn programs_compute_what_the_graph_says(fuse: driver::Fuser, seeds: std::ops::Range<u64>) {
        for seed in seeds {
            let (graph, sizes, params) = random_graph_of(Profile::Exact, seed);
            let want = interp::run(&graph, &sizes, &params).unwrap();
            let code = driver::code(&graph, fuse);
            driver::verify(&code).unwrap_or_else(|why| panic!("seed {seed}: {why}"));
            let program = code.program;
            let got =
                run(&program, &sizes, &params).unwrap_or_else(|why| panic!("seed {seed}: {why}\n{graph}\n{program}"));
            for (k, (g, w)) in got.iter().zip(&want).enumerate() {
                assert!(equal(g, w), "seed {seed}, result {k}: {g:?} is not {w:?}\n{graph}\n{program}");
            }
        }
    }

    #[test]
    fn fused_programs() {
        programs_compute_what_the_graph_says(fuse, 0..1500);
    }

    #[test]
    fn programs_of_a_kernel_an_operation() {
        programs_compute_what_the_graph_says(apart, 0..1500);
    }
}
