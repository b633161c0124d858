//! Every function of `tests/corpus`, through the whole compiler: each stage's
//! text is a snapshot, and the number of kernels is what fusion promises.

use ndfuse_codegen::driver::{self, Code, Compilation, Compiled};
use ndfuse_codegen::expand::{Stage, dump};
use ndfuse_codegen::program::parse::parse;
use ndfuse_codegen::program::tile::Bound;
use ndfuse_codegen::program::{Action, BufId, Buffer, Place, Role};
use ndfuse_codegen::shape::Dim;
use std::path::{Path, PathBuf};

fn corpus() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    files.sort();
    files
}

fn compile(path: &Path) -> Compilation {
    let source = std::fs::read_to_string(path).unwrap();
    let out = driver::compile_forward(source.parse().unwrap());
    let errors: Vec<String> = out.diagnostics.iter().map(|d| d.render(&source)).collect();
    assert!(errors.is_empty(), "{}:\n{}", path.display(), errors.join("\n"));
    out
}

fn code(compiled: &Compiled) -> &Code {
    let code = compiled.code.as_ref().expect("a function without an error has code");
    driver::verify(code).unwrap_or_else(|why| panic!("{}: {why}", compiled.function.name));
    code
}

/// All stages as one text.
fn stages(code: &Code) -> String {
    let mut out = format!("{}\n{}\n", code.graph, code.program);
    for (k, loops) in code.loops.iter().enumerate() {
        let text = loops.to_string();
        let body = text.find("loops ").map_or(text.as_str(), |at| &text[at..]);
        out.push_str(&format!("{}\n", body.replacen("loops", &format!("loops k{k}"), 1)));
    }
    out
}

#[test]
fn every_stage_is_as_it_was() {
    for path in corpus() {
        let compiled = compile(&path);
        let file = path.file_stem().unwrap().to_string_lossy();
        let all: Vec<String> = compiled.functions.iter().map(|f| stages(code(f))).collect();
        insta::assert_snapshot!(format!("{file}.stages"), all.join("\n"));
        insta::assert_snapshot!(format!("{file}.rust"), dump(&compiled, Stage::Rust));
        insta::assert_snapshot!(format!("{file}.cuda"), dump(&compiled, Stage::Cuda));
    }
}

/// How many launches each function takes; a product with its epilogue is one.
#[test]
fn as_few_launches_as_fusion_promises() {
    let want = [
        ("rows_softmax", 1),
        ("rows_log_softmax", 1),
        ("rows_layer_norm", 1),
        ("rows_variance", 1),
        ("gelu_chain", 1),
        ("rows_cross_entropy", 1),
        ("image_prep", 1),
        ("column_sum", 1),
        ("classes", 1),
        ("linear_gelu", 1),
        ("black_scholes", 1),
        ("bits", 1),
        ("differences", 1),
        ("mirrored", 1),
        ("joined", 1),
        ("flat", 1),
        // The rotation, and the reshape of what it stacks.
        ("rotated", 2),
        ("with_alpha", 1),
        ("whole_mean", 2),
        ("softmax_backward", 1),
        ("log_softmax_backward", 1),
        ("gelu_chain_backward", 1),
        ("adam_update", 1),
        // One over the logits, forward and backward, and the mean of the losses.
        ("cross_entropy_step", 2),
        // The rows' statistics, in two; columns; rows.
        ("layer_norm_backward", 4),
        // Two products, the softmax with its gradient, three products.
        ("attention_backward", 6),
        // The relu is its product's epilogue: its gradient asks the result for the mask.
        ("mlp_step", 13),
        // Two products and their epilogues, a third with the gelu's gradient; two products, a sum.
        ("gelu_backward", 6),
    ];
    let all: Vec<Compiled> = corpus().iter().flat_map(|path| compile(path).functions).collect();
    for (name, launches) in want {
        let compiled = all.iter().find(|c| c.function.name == name).unwrap_or_else(|| panic!("no `{name}`"));
        let code = code(compiled);
        assert_eq!(code.program.steps.len(), launches, "{name}\n{}", code.program);
    }
}

/// Attention's scores and the statistics of a layer norm exist a tile at a time: all steps are one block, and no
/// temporary is whole.
#[test]
fn what_steps_hand_to_each_other_is_never_whole() {
    let all: Vec<Compiled> = corpus().iter().flat_map(|path| compile(path).functions).collect();
    for name in ["attention", "attention_backward", "layer_norm_backward"] {
        let compiled = all.iter().find(|c| c.function.name == name).unwrap_or_else(|| panic!("no `{name}`"));
        let Code { program, blocks, .. } = code(compiled);
        let block = blocks.iter().find(|b| (b.first, b.end) == (0, program.steps.len()));
        let block = block.unwrap_or_else(|| panic!("{name}: {blocks:?}"));
        let temporaries = program.buffers.iter().filter(|b| matches!(b.place, Place::Temp)).count();
        assert_eq!(block.local.len(), temporaries, "{name}: {block:?}");
    }
}

/// What a mask of places discards of a product is known to the block that makes it; a mask of values, or a use besides,
/// tells nothing.
#[test]
fn what_a_mask_discards_need_not_be_made() {
    let bounds = |mask: &str, softmax: &str| -> Vec<String> {
        let source = format!(
            "fn f<H, N, M, D>(q: f32[H, N, D], k: f32[H, M, D], v: f32[H, M, D], seen: i64[N]) -> f32[H, N, D] {{
                let (i, j) = (arange(N)[:, None], arange(M));
                let s = q @ transpose(k, (0, 2, 1));
                let t = where({mask});
                softmax({softmax}) @ v
            }}"
        );
        let compiled = driver::compile_forward(source.parse().unwrap());
        let code = code(&compiled.functions[0]);
        let block = code.blocks.iter().find(|b| (b.first, b.end) == (0, code.program.steps.len()));
        let block = block.unwrap_or_else(|| panic!("{mask}: {:?}", code.blocks));
        let loops = |step: usize, axis: usize| match &code.program.steps[step].action {
            Action::Dot(dot) => dot.axes[axis].role,
            _ => panic!("a bound of no product"),
        };
        let of = |b: &Bound| {
            assert_eq!((b.step, loops(b.step, b.axis)), (0, Role::Right));
            format!("{} j, {:?}, {}", b.along, b.tiled, b.start)
        };
        block.bounds.iter().map(of).collect()
    };
    assert_eq!(bounds("i >= j, s, -inf", "t"), ["-1 j, [0, 1], 0"]);
    assert_eq!(bounds("i + 3 < j, -inf, 2 * s", "t"), ["-1 j, [0, 1], 3"]);
    assert_eq!(bounds("(i - j >= 0) & (i - j < 40), s, -inf", "t"), ["-1 j, [0, 1], 0", "1 j, [0, -1], 39"]);
    assert_eq!(bounds("j > i - N, s, -inf", "t"), ["1 j, [0, -1], N - 1"]);
    assert_eq!(bounds("~((i > j) | (j > 2 * M)), -inf, s", "t").len(), 0);
    let none: [&str; 0] = [];
    assert_eq!(bounds("i >= j, s, 0.5 * s", "t"), none);
    assert_eq!(bounds("i >= j, s, -inf", "t + s"), none);
    assert_eq!(bounds("seen[:, None] >= j, s, -inf", "t"), none);
    assert_eq!(bounds("i * i >= j, s, -inf", "t"), none);
}

/// `#![unfused]` gives every operation a launch.
#[test]
fn as_many_launches_as_operations() {
    let want = [
        // Maximum, difference, exponential, sum, quotient.
        ("softmax.nd", 5),
        // The product and its bias; five more for the exact gelu.
        ("linear_gelu.nd", 7),
        ("column_sum.nd", 1),
        // Two products, the scale, softmax; fused, they go tile by tile.
        ("attention.nd", 9),
        // A product and its sum over windows are one; the norm has two, `relu6` four.
        ("depthwise.nd", 7),
    ];
    for (file, launches) in want {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus").join(file);
        let source = format!("#![unfused] {}", std::fs::read_to_string(path).unwrap());
        let compiled = driver::compile_forward(source.parse().unwrap());
        let code = code(&compiled.functions[0]);
        assert_eq!(code.program.steps.len(), launches, "{file}\n{}", code.program);
        assert!(code.blocks.is_empty(), "{file}: steps go tile by tile");
        assert_eq!(parse(&code.program.to_string()).as_ref(), Ok(&code.program));
    }
}

/// What a backward pass keeps in memory: nothing for a chain of elementwise
/// operations, and numbers of a row for what is normalised.
#[test]
fn backward_kernels_save_little() {
    let all: Vec<Compiled> = corpus().iter().flat_map(|path| compile(path).functions).collect();
    let saved = |name: &str| -> Vec<String> {
        let compiled = all.iter().find(|c| c.function.name == name).unwrap_or_else(|| panic!("no `{name}`"));
        let temporary = |b: &&Buffer| matches!(b.place, Place::Temp);
        let shape = |b: &Buffer| b.shape.iter().map(Dim::to_string).collect::<Vec<_>>().join(", ");
        code(compiled).program.buffers.iter().filter(temporary).map(shape).collect()
    };
    for name in ["softmax_backward", "log_softmax_backward", "gelu_chain_backward", "adam_update"] {
        assert!(saved(name).is_empty(), "{name}: {:?}", saved(name));
    }
    for name in ["cross_entropy_step", "layer_norm_backward"] {
        assert!(saved(name).iter().all(|shape| shape == "B"), "{name}: {:?}", saved(name));
    }
}

/// A gelu's gradient needs its argument. That is saved, by the kernel that makes
/// the gelu of it; so the product has no other reader and is never whole.
#[test]
fn a_gelu_saves_its_argument_instead_of_the_product() {
    let all: Vec<Compiled> = corpus().iter().flat_map(|path| compile(path).functions).collect();
    let compiled = all.iter().find(|c| c.function.name == "gelu_backward").expect("a function");
    let Code { program, .. } = code(compiled);
    let Action::Dot(first) = &program.steps[0].action else { panic!("{program}") };
    let epilogue = first.epilogue.as_ref().unwrap_or_else(|| panic!("{program}"));
    assert_eq!(epilogue.launch.outputs.len(), 2, "{program}");
    let touch = |id: BufId| program.steps.iter().filter(|s| s.action.touched().contains(&id)).count();
    assert_eq!(touch(first.out), 1, "{program}");
    // The argument: written here, read by the gradient.
    assert_eq!(touch(epilogue.launch.outputs[0]), 2, "{program}");
    let [again] = &program.again[..] else { panic!("{program}") };
    assert_eq!(again.to_string(), "again 3 f32[B, H] in [0, 3]");
}
