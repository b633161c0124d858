//! The very CUDA text that a GPU would run, run on the CPU and compared with the
//! oracle: whole programs bit by bit where `f32` computes without rounding, and
//! each row of the op tables on numbers of its own.
//!
//! Without a C++ compiler these tests say so and pass.

#[path = "emulate/machine.rs"]
mod machine;
#[path = "emulate/online.rs"]
mod online;
#[path = "emulate/program.rs"]
mod program;
#[path = "support/rows.rs"]
mod rows;

use machine::{Machine, Teams};
use ndfuse_codegen::dtype::DType;
use ndfuse_codegen::emit::cuda;
use ndfuse_codegen::graph::{Graph, Param, Relation};
use ndfuse_codegen::interp::value::each_index;
use ndfuse_codegen::interp::{self, Precision, Sizes, Value, size, sizes_of};
use ndfuse_codegen::loops::Loops;
use ndfuse_codegen::loops::lower::lower;
use ndfuse_codegen::ops::{Answer, Literal, MapOp, Monoid, Rule};
use ndfuse_codegen::testing::{Profile, Rng, random_graph_of};
use ndfuse_codegen::{driver, fuse, passes};
use program::{Built, Run, holds};

fn random_programs(name: &str, seeds: std::ops::Range<u64>, teams: Teams) {
    let mut built = Vec::new();
    for seed in seeds.clone() {
        let program = fuse::fuse(&passes::run(&random_graph_of(Profile::Exact, seed).0));
        let kernels = program.kernels.iter().enumerate().map(|(k, kernel)| (format!("g{seed}_k{k}"), lower(kernel)));
        built.push(Built { kernels: kernels.collect(), program });
    }
    let all: Vec<(String, Loops)> = built.iter().flat_map(|b| b.kernels.clone()).collect();
    let Some(machine) = Machine::new(name, &all, teams) else { return };
    for (seed, built) in seeds.zip(&built) {
        let (graph, sizes, params) = random_graph_of(Profile::Exact, seed);
        let want = interp::run(&graph, &sizes, &params).unwrap_or_else(|why| panic!("{why}\n{graph}"));
        let run = Run::new(&machine, built, &sizes, &params, seed);
        let program = &built.program;
        let got = run.run().unwrap_or_else(|why| panic!("seed {seed}: {why}\n{sizes:?}\n{program}"));
        for (k, (got, want)) in got.iter().zip(&want).enumerate() {
            assert!(equal(got, want), "seed {seed}, result {k}: {got:?}, not {want:?}\n{sizes:?}\n{graph}{program}");
        }
    }
}

/// The same numbers; a product without a sum may keep the sign of a zero that a
/// sum from zero on loses.
fn equal(a: &Value, b: &Value) -> bool {
    let number = |v: &Value, k: usize| (v.data.get(k), v.data.get(k).as_f64());
    a.shape == b.shape
        && (0..a.data.len()).all(|k| {
            let ((x, xf), (y, yf)) = (number(a, k), number(b, k));
            x == y || xf.is_nan() && yf.is_nan() || matches!(x, Literal::Float(_)) && xf == yf
        })
}

#[test]
fn random_programs_by_one_thread_each() {
    random_programs("alone", 0..120, Teams { block: 1, row: 1, column: 1, items: 0, strip: 1, slices: 1, turn: false });
}

#[test]
fn random_programs_by_parts_of_warps() {
    random_programs(
        "parts",
        120..240,
        Teams { block: 64, row: 8, column: 4, items: 0, strip: 4, slices: 1, turn: false },
    );
}

#[test]
fn random_programs_by_whole_blocks() {
    random_programs(
        "blocks",
        240..360,
        Teams { block: 64, row: 64, column: 64, items: 0, strip: 2, slices: 1, turn: false },
    );
}

#[test]
fn random_programs_by_slices() {
    random_programs(
        "slices",
        360..480,
        Teams { block: 64, row: 64, column: 16, items: 0, strip: 2, slices: 4, turn: false },
    );
}

#[test]
fn random_programs_by_tiles() {
    for (name, seeds, strip) in [("tiles", 480..560, 1), ("wide_tiles", 560..600, 2)] {
        random_programs(name, seeds, Teams { block: 64, row: 64, column: 16, items: 0, strip, slices: 1, turn: true });
    }
}

/// Every function of the corpus, on small random arguments.
#[test]
fn the_corpus_agrees_with_the_oracle() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
    let mut files: Vec<_> =
        std::fs::read_dir(folder).expect("the corpus").map(|e| e.expect("an entry").path()).collect();
    files.sort();
    let mut built = Vec::new();
    for path in files {
        let source = std::fs::read_to_string(&path).expect("a source");
        for compiled in driver::compile_forward(source.parse().expect("tokens")).functions {
            let (Some(graph), Some(code)) = (compiled.function.graph, compiled.code) else { continue };
            let named = |(k, loops): (usize, Loops)| (format!("{}_k{k}", graph.name), loops);
            let kernels = code.loops.into_iter().enumerate().map(named).collect();
            built.push((graph.clone(), Built { program: code.program, kernels }));
        }
    }
    let all: Vec<(String, Loops)> = built.iter().flat_map(|b| b.1.kernels.clone()).collect();
    for (name, teams) in [
        ("corpus_held", Teams { block: 32, row: 8, column: 4, items: 4, strip: 2, slices: 1, turn: false }),
        ("corpus_streamed", Teams { block: 32, row: 32, column: 1, items: 0, strip: 4, slices: 1, turn: false }),
        ("corpus_cut", Teams { block: 64, row: 16, column: 32, items: 0, strip: 1, slices: 4, turn: true }),
    ] {
        let Some(machine) = Machine::new(name, &all, teams) else { return };
        let mut rng = Rng::new(4);
        let (mut ran, mut held) = (0, 0);
        for (seed, (graph, built)) in built.iter().enumerate() {
            let Some((sizes, params, want)) = drawn(&mut rng, graph) else { continue };
            if !holds(&machine, &built.program, &sizes) {
                continue;
            }
            ran += 1;
            held += built.kernels.iter().filter(|k| !cuda::body::held(&k.1).is_empty()).count();
            let got = Run::new(&machine, built, &sizes, &params, seed as u64).run();
            let got = got.unwrap_or_else(|why| panic!("{}: {why}", graph.name));
            for ((got, want), id) in got.iter().zip(&want).zip(&graph.outputs) {
                assert_eq!(got.shape, want.shape, "{}", graph.name);
                // A half is rounded when it is written, and may be once more on the way.
                let slack = 2e-5 + 2.0 * half_unit(graph.ty(*id).dtype);
                for k in 0..got.data.len() {
                    let (x, y) = (got.data.get(k).as_f64(), want.data.get(k).as_f64());
                    let fine = x == y || x.is_nan() && y.is_nan() || (x - y).abs() <= slack * (1.0 + y.abs());
                    assert!(fine, "{}, element {k}: {x}, not {y}", graph.name);
                }
            }
        }
        assert!(2 * ran > built.len() && held > 3, "{ran} of {} functions ran, {held} rows held", built.len());
    }
}

/// How far a dtype's rounding moves a 1; nothing where that is more exact than what is compared.
fn half_unit(dtype: DType) -> f64 {
    if dtype.is_stored_only() { 0.5f64.powi(dtype.row().digits as i32) } else { 0.0 }
}

/// Sizes that meet the requirements of a function, arguments whose indices are
/// in range, and the oracle's results; `None` where chance finds none of less
/// than a million elements.
fn drawn(rng: &mut Rng, graph: &Graph) -> Option<(Sizes, Vec<Value>, Vec<Value>)> {
    for _ in 0..200 {
        let sizes: Sizes = graph.symbols.iter().map(|s| (s.clone(), 1 + rng.below(12) as i64)).collect();
        let met = graph.requires.iter().all(|r| {
            let (Ok(a), Ok(b)) = (size(&r.left, &sizes), size(&r.right, &sizes)) else { return false };
            match r.relation {
                Relation::Eq => a == b,
                Relation::Le => a <= b,
                Relation::Lt => a < b,
            }
        });
        let shapes: Result<Vec<Vec<usize>>, String> =
            graph.params.iter().map(|p| sizes_of(&p.ty.shape, &sizes)).collect();
        let Ok(shapes) = shapes else { continue };
        if !met || shapes.iter().any(|s| s.iter().product::<usize>() > 1_000_000) {
            continue;
        }
        let value = |(shape, param): (Vec<usize>, &Param)| {
            let unit = |rng: &mut Rng| rng.below(1 << 20) as f64 / f64::from(1 << 20);
            let count: usize = shape.iter().product();
            let drawn: Vec<Literal> =
                (0..count).map(|_| Literal::float(0.1 + 2.0 * unit(rng)).stored(param.ty.dtype)).collect();
            Value::literals(shape, param.ty.dtype, drawn)
        };
        let params: Vec<Value> = shapes.into_iter().zip(&graph.params).map(value).collect();
        match interp::run(graph, &sizes, &params) {
            Ok(want) => return Some((sizes, params, want)),
            Err(why) => assert!(why.contains("out of range"), "{}: {why}", graph.name),
        }
    }
    None
}

/// Arguments for a dtype: those of the domain, and the edges.
fn arguments(rng: &mut Rng, dtype: DType, low: f64, high: f64, count: usize) -> Vec<Literal> {
    let edges: Vec<f64> = match dtype.int_range() {
        Some((least, greatest)) => vec![0.0, 1.0, least as f64, greatest as f64],
        None => vec![0.0, -0.0, 1.0, -1.0, f64::INFINITY, f64::NEG_INFINITY, f64::NAN, 1e-40],
    };
    let draw = |k: usize| {
        let x = match rng.below(6) {
            0 if k > 0 => *rng.pick(&edges),
            _ => low + (high - low) * rng.below(1 << 20) as f64 / f64::from(1 << 20),
        };
        Literal::float(x).stored(dtype)
    };
    (0..count).map(draw).collect()
}

/// Whether two values are as near as single or double precision allows.
fn near(got: Literal, want: Literal, dtype: DType) -> bool {
    let (Literal::Float(_), Literal::Float(_)) = (got, want) else { return got == want };
    let (got, want) = (got.as_f64(), want.stored(dtype).as_f64());
    let (relative, least) = if dtype.computed() == DType::F32 { (4e-6, 1e-37) } else { (1e-13, 1e-300) };
    // What is as near as that may be rounded to the other neighbour.
    let (relative, least) = match dtype.is_stored_only() {
        true => (relative + 2.0 * half_unit(dtype), least + dtype.of_bits(1)),
        false => (relative, least),
    };
    got == want || got.is_nan() && want.is_nan() || (got - want).abs() <= relative * want.abs() + least
}

#[test]
fn every_elementwise_operation_agrees_with_the_oracle() {
    const COUNT: usize = 160;
    let mut kernels = Vec::new();
    for op in MapOp::all() {
        for dtype in DType::all() {
            if let Some(kernel) = rows::map(op, dtype) {
                kernels.push((op, dtype, (format!("{}_{dtype}", op.name()), lower(&kernel))));
            }
        }
    }
    let all: Vec<(String, Loops)> = kernels.iter().map(|k| k.2.clone()).collect();
    let Some(machine) =
        Machine::new("maps", &all, Teams { block: 32, row: 1, column: 1, items: 0, strip: 4, slices: 1, turn: false })
    else {
        return;
    };
    let mut rng = Rng::new(1);
    for (op, dtype, kernel) in &kernels {
        let row = op.row();
        let of = |k: usize| if k == 0 && row.rule == Rule::Select { DType::Bool } else { *dtype };
        let domain = row.domain;
        let args: Vec<Vec<Literal>> =
            (0..row.arity).map(|k| arguments(&mut rng, of(k), domain.0, domain.1, COUNT)).collect();
        let inputs: Vec<Value> =
            args.iter().enumerate().map(|(k, a)| Value::literals(vec![COUNT], of(k), a.clone())).collect();
        let got = machine.run(kernel, &[COUNT as i64], &[], &inputs, &[vec![COUNT]], 1).expect("a map runs");
        let result = kernel.1.kernel.outputs[0].dtype;
        for k in 0..COUNT {
            let args: Vec<Literal> = args.iter().map(|a| a[k]).collect();
            let want = interp::eval::apply(*op, &args, result);
            let have = got[0].data.get(k);
            assert!(near(have, want, result), "{} {args:?} on {dtype}: {have:?}, not {want:?}", row.name);
        }
    }
}

#[test]
fn every_cast_agrees_with_the_oracle() {
    const COUNT: usize = 64;
    let pairs: Vec<(DType, DType)> = DType::all().flat_map(|a| DType::all().map(move |b| (a, b))).collect();
    let named = |&(a, b): &(DType, DType)| (format!("{a}_{b}"), lower(&rows::cast(a, b)));
    let all: Vec<(String, Loops)> = pairs.iter().map(named).collect();
    let Some(machine) =
        Machine::new("casts", &all, Teams { block: 32, row: 1, column: 1, items: 0, strip: 1, slices: 1, turn: false })
    else {
        return;
    };
    let mut rng = Rng::new(2);
    for ((from, to), kernel) in pairs.iter().zip(&all) {
        let mut args = arguments(&mut rng, *from, -4.0, 4.0, COUNT - 4);
        args.extend([3e9, -3e9, 1e19, -300.7].map(|x| Literal::float(x).stored(*from)));
        let input = Value::literals(vec![COUNT], *from, args.clone());
        let got = machine.run(kernel, &[COUNT as i64], &[], &[input], &[vec![COUNT]], 4).expect("a cast runs");
        for (k, &arg) in args.iter().enumerate() {
            let want = interp::eval::cast(arg, *to, Precision::Rounded);
            let have = got[0].data.get(k);
            assert!(near(have, want, *to), "{arg:?} from {from} to {to}: {have:?}, not {want:?}");
        }
    }
}

#[test]
fn every_reduction_agrees_with_the_oracle() {
    const ROWS: usize = 5;
    let mut kernels = Vec::new();
    for monoid in Monoid::all() {
        for dtype in DType::all() {
            for over_rows in [true, false] {
                if let Some(kernel) = rows::reduce(monoid, dtype, over_rows) {
                    kernels.push((
                        monoid,
                        dtype,
                        over_rows,
                        (format!("{}_{dtype}_{over_rows}", monoid.name()), lower(&kernel)),
                    ));
                }
            }
        }
    }
    let all: Vec<(String, Loops)> = kernels.iter().map(|k| k.3.clone()).collect();
    let teams = [(64, 64, 2, 1, 1), (64, 32, 8, 4, 1), (32, 4, 1, 2, 1), (64, 64, 16, 4, 8), (64, 8, 64, 1, 2)];
    for (at, (block, row, column, strip, slices)) in teams.into_iter().enumerate() {
        let teams = Teams { block, row, column, items: 0, strip, slices, turn: false };
        let Some(machine) = Machine::new(&format!("reduces{at}"), &all, teams) else { return };
        let mut rng = Rng::new(3);
        for (monoid, dtype, over_rows, kernel) in &kernels {
            for length in [1, 7, 200] {
                let (low, high) = if monoid.name() == "prod" { (0.9, 1.1) } else { (-4.0, 4.0) };
                let args: Vec<Vec<Literal>> =
                    (0..ROWS).map(|_| arguments(&mut rng, *dtype, low, high, length)).collect();
                let shape = if *over_rows { vec![ROWS, length] } else { vec![length, ROWS] };
                let mut elements = Vec::new();
                each_index(&shape, |i| elements.push(if *over_rows { args[i[0]][i[1]] } else { args[i[1]][i[0]] }));
                let input = Value::literals(shape, *dtype, elements);
                let extents = [ROWS as i64, length as i64];
                let seed = rng.bits() % 64;
                let got = machine.run(kernel, &extents, &[], &[input], &[vec![ROWS]], seed);
                let got = got.unwrap_or_else(|why| panic!("{why}: {}", kernel.0));
                for (k, args) in args.iter().enumerate() {
                    let want = reduced(*monoid, *dtype, args);
                    let have = got[0].data.get(k);
                    let result = kernel.1.kernel.outputs[0].dtype;
                    assert!(close(have, want, result, args), "{} {args:?}: {have:?}, not {want:?}", kernel.0);
                }
            }
        }
    }
}

/// The orders in which threads run are enough to see it: without barriers a row of several warps has other sums.
#[test]
fn a_missing_barrier_is_seen() {
    let sum = rows::reduce(Monoid::named("sum"), DType::F32, true).expect("a sum of rows");
    let kernel = ("sum".to_string(), lower(&sum));
    let teams = Teams { block: 64, row: 64, column: 1, items: 0, strip: 1, slices: 1, turn: false };
    let run = |name: &str, arguments: &[&str]| {
        let machine = Machine::with(name, std::slice::from_ref(&kernel), teams, arguments)?;
        let input = Value::literals(vec![3, 200], DType::F32, (0..600).map(|k| Literal::float(f64::from(k % 7))));
        Some(machine.run(&kernel, &[3, 200], &[], &[input], &[vec![3]], 1))
    };
    let (Some(with), Some(without)) = (run("barriers", &[]), run("no_barriers", &["-DEMULATED_WITHOUT_BARRIERS"]))
    else {
        return;
    };
    assert!(with.is_ok(), "{with:?}");
    assert!(without.is_err_and(|why| why.contains("a barrier is missing")));
}

/// The reduction, one element after the other.
fn reduced(monoid: Monoid, dtype: DType, args: &[Literal]) -> Literal {
    let row = monoid.row();
    let int = |l: Literal| match l {
        Literal::Int(i) => i,
        Literal::Bool(b) => i128::from(b),
        Literal::Float(_) => unreachable!("floats are combined as floats"),
    };
    let combine = |a: Literal, b: Literal| match (a, b) {
        (Literal::Float(_), Literal::Float(_)) => Literal::float((row.eval)(a.as_f64(), b.as_f64())),
        _ => Literal::Int((row.eval_int)(int(a), int(b))).cast(dtype),
    };
    let total = args.iter().copied().reduce(combine).expect("a row has elements");
    match row.answer {
        Answer::Same => total,
        Answer::Index => {
            let same = |l: &Literal| l.as_f64() == total.as_f64() || l.as_f64().is_nan() && total.as_f64().is_nan();
            Literal::Int(args.iter().position(same).expect("the winner is an element") as i128)
        }
    }
}

/// As [`near`]; a sum may be off by what its terms are in the last place.
fn close(got: Literal, want: Literal, dtype: DType, args: &[Literal]) -> bool {
    let total: f64 = args.iter().map(|a| a.as_f64().abs()).sum();
    let slack = if dtype.computed() == DType::F32 { 1e-6 } else { 1e-14 };
    near(got, want, dtype) || dtype.is_float() && (got.as_f64() - want.as_f64()).abs() <= slack * total
}
