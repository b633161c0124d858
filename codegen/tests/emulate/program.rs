//! Whole programs on the emulated device.
//!
//! In: a program, its kernels' loops, sizes and arguments. Out: its results.
//! Matrix products are computed here, exactly: they are no generated kernels.

use crate::machine::Machine;
use ndfuse_codegen::graph::{Node, Op, Type};
use ndfuse_codegen::interp::eval::eval;
use ndfuse_codegen::interp::value::{each_index, strides};
use ndfuse_codegen::interp::{Precision, Sizes, Value, size, sizes_of};
use ndfuse_codegen::loops::Loops;
use ndfuse_codegen::ops::Literal;
use ndfuse_codegen::program::{Action, BufId, Dot, Launch, Place, Program, Role, Scatter};
use ndfuse_codegen::shape::Dim;
use std::collections::BTreeMap;

/// A program with its kernels' names and loops.
pub struct Built {
    pub program: Program,
    pub kernels: Vec<(String, Loops)>,
}

/// Whether the machine's threads can hold every row of the program.
pub fn holds(machine: &Machine, program: &Program, sizes: &Sizes) -> bool {
    program.steps.iter().all(|step| match &step.action {
        Action::Launch(l) => l.extents.last().is_none_or(|e| size(e, sizes).is_ok_and(|n| machine.holds(n))),
        Action::Dot(_) | Action::Scatter(_) => true,
    })
}

/// What a program's buffers hold.
pub struct Run<'a> {
    machine: &'a Machine,
    built: &'a Built,
    sizes: &'a Sizes,
    seed: u64,
    values: BTreeMap<BufId, Value>,
}

impl<'a> Run<'a> {
    pub fn new(machine: &'a Machine, built: &'a Built, sizes: &'a Sizes, params: &[Value], seed: u64) -> Run<'a> {
        let buffer = |k: usize| built.program.buffers.iter().position(|b| b.place == Place::Param(k));
        let values = params.iter().enumerate().filter_map(|(k, v)| Some((BufId(buffer(k)? as u32), v.clone())));
        Run { machine, built, sizes, seed, values: values.collect() }
    }

    fn read(&self, id: BufId) -> Result<Value, String> {
        let buffer = self.built.program.buffer(id);
        let base = match buffer.place {
            Place::View(base) => base,
            Place::Param(_) | Place::Output(_) | Place::Temp => id,
        };
        let value = self.values.get(&base).ok_or_else(|| format!("{base} is not written"))?;
        Ok(Value { shape: sizes_of(&buffer.shape, self.sizes)?, data: value.data.clone() })
    }

    fn dims(&self, dims: &[Dim]) -> Result<Vec<i64>, String> {
        dims.iter().map(|d| size(d, self.sizes)).collect()
    }

    fn launch(&mut self, launch: &Launch, product: Option<(usize, Value)>) -> Result<(), String> {
        let input = |(k, &id): (usize, &BufId)| match &product {
            Some((at, value)) if *at == k => Ok(value.clone()),
            _ => self.read(id),
        };
        let inputs: Vec<Value> = launch.inputs.iter().enumerate().map(input).collect::<Result<_, _>>()?;
        let shape = |id: &BufId| sizes_of(&self.built.program.buffer(*id).shape, self.sizes);
        let outputs: Vec<Vec<usize>> = launch.outputs.iter().map(shape).collect::<Result<_, _>>()?;
        let (extents, sizes) = (self.dims(&launch.extents)?, self.dims(&launch.sizes)?);
        let kernel = &self.built.kernels[launch.kernel];
        let got = self.machine.run(kernel, &extents, &sizes, &inputs, &outputs, self.seed)?;
        self.values.extend(launch.outputs.iter().copied().zip(got));
        Ok(())
    }

    /// The product, exactly.
    fn dot(&self, dot: &Dot) -> Result<Value, String> {
        let (left, right) = (self.read(dot.left)?, self.read(dot.right)?);
        let (left_start, right_start) = (self.dims(&dot.left_start)?, self.dims(&dot.right_start)?);
        let extents = sizes_of(&dot.axes.iter().map(|a| a.extent.clone()).collect::<Vec<_>>(), self.sizes)?;
        let shape = sizes_of(&self.built.program.buffer(dot.out).shape, self.sizes)?;
        let mut sums = vec![0.0; shape.iter().product()];
        each_index(&extents, |at| {
            let read = |value: &Value, start: &[i64], place: &dyn Fn(usize) -> Option<(usize, i64)>| {
                let mut index = start.to_vec();
                for (k, &i) in at.iter().enumerate() {
                    if let Some((axis, step)) = place(k) {
                        index[axis] += step * i as i64;
                    }
                }
                let flat: i64 = index.iter().zip(strides(&value.shape)).map(|(i, s)| i * s as i64).sum();
                value.data.get(flat as usize).as_f64()
            };
            let a = read(&left, &left_start, &|k| dot.axes[k].left);
            let b = read(&right, &right_start, &|k| dot.axes[k].right);
            let mut out = 0;
            for (k, axis) in dot.axes.iter().enumerate().filter(|(_, a)| a.role != Role::Contract) {
                out += strides(&shape)[axis.out.expect("an axis of the product")] * at[k];
            }
            sums[out] += a * b;
        });
        let dtype = self.built.program.buffer(dot.out).dtype;
        Ok(Value::literals(shape, dtype, sums.into_iter().map(|sum| Literal::float(sum).stored(dtype))))
    }

    /// The scatter, as the oracle has it: a step of the runtime's.
    fn scatter(&self, scatter: &Scatter) -> Result<Value, String> {
        let out = self.built.program.buffer(scatter.out);
        let op = Op::Scatter { axis: scatter.axis, batch: scatter.batch };
        let node = Node { op, args: Vec::new(), ty: Type::new(out.dtype, out.shape.clone()) };
        let (updates, indices) = (self.read(scatter.updates)?, self.read(scatter.indices)?);
        eval(Precision::Exact, &node, &[&updates, &indices], self.sizes, &[])
    }

    pub fn run(mut self) -> Result<Vec<Value>, String> {
        for step in &self.built.program.steps {
            match &step.action {
                Action::Launch(launch) => self.launch(launch, None)?,
                Action::Scatter(scatter) => {
                    let out = self.scatter(scatter)?;
                    self.values.insert(scatter.out, out);
                }
                Action::Dot(dot) => {
                    let product = self.dot(dot)?;
                    match &dot.epilogue {
                        Some(e) => self.launch(&e.launch, Some((e.input, product)))?,
                        None => {
                            self.values.insert(dot.out, product);
                        }
                    }
                }
            }
        }
        self.built.program.outputs.iter().map(|&id| self.read(id)).collect()
    }
}
