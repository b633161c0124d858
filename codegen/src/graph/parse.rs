//! Reads the text form of a graph; the inverse of [`super::print`].
//!
//! In: text. Out: the graph, or the line that cannot be read and why. Always:
//! nodes keep their numbers. Types are read, not inferred, so that a wrong one
//! can be written down; [`super::verify`] judges it.

use super::{Graph, Mark, NodeId, Op, Param, Relation, Require, Type};
use crate::dtype::{DType, Kind};
use crate::ops::{Literal, MapOp, Monoid};
use crate::shape::{Dim, Sym};

/// Reads one graph.
pub fn parse(text: &str) -> Result<Graph, String> {
    let mut graph = None;
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() {
            continue;
        }
        let read = match &mut graph {
            None => header(line).map(|g| graph = Some(g)),
            Some(g) => statement(g, line),
        };
        read.map_err(|why| format!("line {}: {why}: `{line}`", number + 1))?;
    }
    graph.ok_or_else(|| "no graph".to_string())
}

fn header(line: &str) -> Result<Graph, String> {
    let rest = line.strip_prefix("fn ").ok_or("`fn` is wanted")?;
    let end = rest.find(['<', '(']).ok_or("no parameters")?;
    let mut graph = Graph::new(rest[..end].trim());
    let mut rest = &rest[end..];
    if let Some(symbols) = rest.strip_prefix('<') {
        let (symbols, after) = symbols.split_once('>').ok_or("`>` is wanted")?;
        graph.symbols = symbols.split(',').map(|s| Sym::from(s.trim())).collect();
        rest = after;
    }
    let params = rest.trim().strip_prefix('(').and_then(|r| r.strip_suffix(')')).ok_or("no parameters")?;
    for param in pieces(params) {
        let (name, ty) = param.split_once(':').ok_or("a parameter without its type")?;
        let (ty, scalar) = match DType::from_name(ty.trim()) {
            Some(dtype) => (Type::scalar(dtype), true),
            None => (read_type(ty)?, false),
        };
        graph.params.push(Param { name: name.trim().into(), ty, scalar });
    }
    Ok(graph)
}

fn statement(graph: &mut Graph, line: &str) -> Result<(), String> {
    if let Some(require) = line.strip_prefix("require ") {
        graph.requires.push(read_require(require)?);
        return Ok(());
    }
    if let Some(outputs) = line.strip_prefix("return ") {
        graph.outputs = pieces(outputs).into_iter().map(read_id).collect::<Result<_, _>>()?;
        return Ok(());
    }
    let (id, rest) = line.split_once(" = ").ok_or("no statement")?;
    let (body, ty) = rest.rsplit_once(" : ").ok_or("no type")?;
    let (id, ty) = (read_id(id)?, read_type(ty)?);
    let next = NodeId(graph.nodes.len() as u32);
    if id != next {
        return Err(format!("{next} is wanted"));
    }
    let (op, args) = operation(graph, body.trim(), ty.dtype)?;
    match graph.add(op, args, ty) {
        found if found == id => Ok(()),
        found => Err(format!("{found} is the same node")),
    }
}

/// A node's line between its number and its type.
fn operation(graph: &Graph, body: &str, dtype: DType) -> Result<(Op, Vec<NodeId>), String> {
    let end = body.find([' ', '(']).unwrap_or(body.len());
    let (name, rest) = body.split_at(end);
    let (args, rest) = match rest.strip_prefix('(') {
        Some(inner) => {
            let (args, rest) = inner.split_once(')').ok_or("`)` is wanted")?;
            (pieces(args).into_iter().map(read_id).collect::<Result<_, _>>()?, rest)
        }
        None => (Vec::new(), rest),
    };
    let rest = rest.trim();
    let at = Attributes(rest);
    let op = match name {
        "param" => Op::Param(match rest.strip_prefix('#') {
            Some(number) => read(number)?,
            None => graph.params.iter().position(|p| p.name == rest).ok_or("no such parameter")?,
        }),
        "const" => Op::Const(read_literal(rest, dtype)?),
        "size" => Op::Size(read_dim(rest)?),
        "iota" => Op::Iota(at.number("axis")?),
        "cast" => Op::Cast,
        "broadcast" => Op::Broadcast(at.numbers("axes")?),
        "permute" => Op::Permute(at.numbers("perm")?),
        "reshape" => Op::Reshape,
        "slice" => Op::Slice { start: at.dims("start")?, step: at.numbers("step")? },
        "pad" => Op::Pad { before: at.dims("before")? },
        "window" => {
            Op::Window { axis: at.number("axis")?, stride: at.number("stride")?, dilation: at.number("dilation")? }
        }
        "enter" => Op::Mark(Mark::Enter, at.number("checkpoint")?),
        "exit" => Op::Mark(Mark::Exit, at.number("checkpoint")?),
        "again" => Op::Mark(Mark::Again, at.number("checkpoint")?),
        "gather" => Op::Gather { axis: at.number("axis")?, batch: at.number("batch")? },
        "scatter" => Op::Scatter { axis: at.number("axis")?, batch: at.number("batch")? },
        "dot" => Op::Dot { batch: at.pairs("batch")?, contract: at.pairs("contract")? },
        name => match (MapOp::from_name(name), Monoid::from_name(name)) {
            (Some(op), _) => Op::Map(op),
            (None, Some(monoid)) => Op::Reduce { monoid, axes: at.numbers("axes")? },
            (None, None) => return Err(format!("no operation `{name}`")),
        },
    };
    Ok((op, args))
}

/// `axis=1 axes=[0, 2]`
struct Attributes<'a>(&'a str);

impl<'a> Attributes<'a> {
    /// What stands after `name=`, to the end of the line.
    fn after(&self, name: &str) -> Result<&'a str, String> {
        let found = self.0.match_indices(name).find(|(at, _)| {
            let opens = *at == 0 || self.0[..*at].ends_with(' ');
            opens && self.0[at + name.len()..].starts_with('=')
        });
        let (at, _) = found.ok_or_else(|| format!("`{name}` is wanted"))?;
        Ok(&self.0[at + name.len() + 1..])
    }

    fn number<T: std::str::FromStr>(&self, name: &str) -> Result<T, String> {
        let text = self.after(name)?;
        read(text.split(' ').next().unwrap_or(text))
    }

    fn list(&self, name: &str) -> Result<Vec<&'a str>, String> {
        let inner = self.after(name)?.strip_prefix('[').ok_or("`[` is wanted")?;
        Ok(pieces(inner.split_once(']').ok_or("`]` is wanted")?.0))
    }

    fn numbers<T: std::str::FromStr>(&self, name: &str) -> Result<Vec<T>, String> {
        self.list(name)?.into_iter().map(read).collect()
    }

    fn dims(&self, name: &str) -> Result<Vec<Dim>, String> {
        self.list(name)?.into_iter().map(read_dim).collect()
    }

    fn pairs(&self, name: &str) -> Result<Vec<(usize, usize)>, String> {
        let pair = |text: &str| {
            let inner = text.strip_prefix('(').and_then(|t| t.strip_suffix(')'));
            let (a, b) = inner.and_then(|t| t.split_once(',')).ok_or_else(|| format!("`{text}` is no pair"))?;
            Ok((read(a)?, read(b)?))
        };
        self.list(name)?.into_iter().map(pair).collect()
    }
}

fn read_require(text: &str) -> Result<Require, String> {
    let (fact, why) = text.split_once(" because ").ok_or("no reason")?;
    let relations = [Relation::Eq, Relation::Le, Relation::Lt];
    let found = relations.iter().find_map(|&r| fact.split_once(&format!(" {} ", r.sign())).map(|(a, b)| (a, r, b)));
    let (left, relation, right) = found.ok_or("no relation")?;
    let quoted = why.strip_prefix('"').and_then(|w| w.strip_suffix('"')).ok_or("no reason")?;
    let mut why = String::new();
    let mut chars = quoted.chars();
    while let Some(c) = chars.next() {
        why.push(match c {
            '\\' => match chars.next().ok_or("an escape of nothing")? {
                'n' => '\n',
                c => c,
            },
            c => c,
        });
    }
    Ok(Require { left: read_dim(left)?, relation, right: read_dim(right)?, why })
}

fn read_type(text: &str) -> Result<Type, String> {
    let inner = text.trim().strip_suffix(']').and_then(|t| t.split_once('['));
    let (dtype, shape) = inner.ok_or_else(|| format!("`{text}` is no type"))?;
    let dtype = DType::from_name(dtype).ok_or_else(|| format!("`{dtype}` is no dtype"))?;
    Ok(Type::new(dtype, pieces(shape).into_iter().map(read_dim).collect::<Result<_, _>>()?))
}

fn read_literal(text: &str, dtype: DType) -> Result<Literal, String> {
    Ok(match dtype.kind() {
        Kind::Bool => Literal::Bool(read(text)?),
        Kind::Unsigned | Kind::Signed => Literal::Int(read(text)?),
        Kind::Float => match text.strip_prefix("nan:0x") {
            Some(bits) => Literal::Float(u64::from_str_radix(bits, 16).map_err(|e| e.to_string())?),
            None if text == "nan" => Literal::float(f64::NAN),
            None if dtype.computed() == DType::F32 => Literal::float(f64::from(read::<f32>(text)?)),
            None => Literal::float(read(text)?),
        },
    })
}

fn read_id(text: &str) -> Result<NodeId, String> {
    read(text.strip_prefix('%').ok_or_else(|| format!("`{text}` is no node"))?).map(NodeId)
}

fn read_dim(text: &str) -> Result<Dim, String> {
    Dim::parse(text).ok_or_else(|| format!("`{text}` is no dimension"))
}

fn read<T: std::str::FromStr>(text: &str) -> Result<T, String> {
    text.trim().parse().map_err(|_| format!("`{text}` cannot be read"))
}

/// The items of a list: split at the commas outside brackets.
fn pieces(text: &str) -> Vec<&str> {
    let (mut out, mut depth, mut from) = (Vec::new(), 0, 0);
    for (at, c) in text.char_indices() {
        match c {
            '(' | '[' => depth += 1,
            ')' | ']' => depth -= 1,
            ',' if depth == 0 => {
                out.push(text[from..at].trim());
                from = at + 1;
            }
            _ => {}
        }
    }
    let last = text[from..].trim();
    if !last.is_empty() {
        out.push(last);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Profile, random_graph, random_graph_of};

    const ALL: &str = "\
fn all<B, C, D>(net.x: f32[B, C], s: f32, y: i64[])
  require 1 <= B because \"`x` is \\\"long\\\" \\\\ enough\"
  require B == 2*C because \"line\\nline\"
  require C < max(7, B) because \"\"
  %0 = param net.x : f32[B, C]
  %1 = param s : f32[]
  %2 = const -0.1 : f32[]
  %3 = const -inf : f64[]
  %4 = const nan : f32[]
  %5 = const nan:0xfff8000000000001 : f64[]
  %6 = const 255 : u8[]
  %7 = const true : bool[]
  %8 = size 2*B - 1 : i64[]
  %9 = iota axis=1 : i64[B, C]
  %10 = broadcast(%1) axes=[] : f32[B, C]
  %11 = add(%0, %10) : f32[B, C]
  %12 = cast(%11) : i32[B, C]
  %13 = permute(%12) perm=[1, 0] : i32[C, B]
  %14 = reshape(%13) : i32[B*C]
  %15 = slice(%0) start=[max(0, B - 1), 0] step=[-1, 2] : f32[B, ((C + 1) / 2)]
  %16 = pad(%0, %1) before=[1, C] : f32[B + 2, 2*C]
  %17 = window(%0) axis=1 stride=2 dilation=1 : f32[B, ((C + 1) / 2) - 2, 3]
  %18 = argmax(%0) axes=[1] : i64[B]
  %19 = dot(%0, %0) batch=[(0, 0)] contract=[(1, 1)] : f32[B]
  %20 = gather(%0, %18) axis=1 batch=1 : f32[B]
  %21 = scatter(%20, %18) axis=1 batch=1 : f32[B, D]
  return %14, %19, %21
";

    #[test]
    fn every_kind_of_node_prints_and_parses_back() {
        let graph = parse(ALL).unwrap();
        assert_eq!(graph.to_string(), ALL);
        assert!(graph.params[1].scalar && !graph.params[2].scalar);
        assert_eq!(graph.requires[0].why, "`x` is \"long\" \\ enough");
    }

    #[test]
    fn random_graphs_print_and_parse_back() {
        for seed in 0..300 {
            let profile = if seed % 2 == 0 { Profile::Any } else { Profile::Exact };
            let graph = random_graph_of(profile, seed).0;
            let text = graph.to_string();
            let back = parse(&text).unwrap_or_else(|why| panic!("{why}\n{text}"));
            assert_eq!(back, graph, "{text}");
        }
        assert_eq!(random_graph(1).0, random_graph(1).0);
    }

    #[test]
    fn no_two_operations_share_a_word() {
        let reserved = ["param", "const", "size", "iota", "cast", "broadcast", "permute", "reshape", "slice", "pad"];
        let mut words: Vec<&str> =
            reserved.into_iter().chain(["window", "dot", "gather", "scatter", "require", "return"]).collect();
        words.extend(MapOp::all().map(MapOp::name));
        words.extend(Monoid::all().map(Monoid::name));
        let count = words.len();
        words.sort_unstable();
        words.dedup();
        assert_eq!(words.len(), count);
    }

    #[test]
    fn what_cannot_be_read_is_an_error_with_its_line() {
        let head = "fn f<B>(x: f32[B])\n  %0 = param x : f32[B]\n";
        for (line, why) in [
            ("%2 = neg(%0) : f32[B]", "%1 is wanted"),
            ("%1 = param x : f32[B]", "%0 is the same node"),
            ("%1 = nog(%0) : f32[B]", "no operation `nog`"),
            ("%1 = neg(%0)", "no type"),
            ("%1 = neg(%0) : f33[B]", "`f33` is no dtype"),
            ("%1 = neg(%0) : f32[B *]", "`B *` is no dimension"),
            ("%1 = max(%0) : f32[]", "`axes` is wanted"),
            ("%1 = const 1.5 : i32[]", "`1.5` cannot be read"),
            ("%1 = param y : f32[B]", "no such parameter"),
            ("return 3", "`3` is no node"),
            ("require B because \"\"", "no relation"),
        ] {
            let error = parse(&format!("{head}  {line}\n")).unwrap_err();
            assert!(error.contains(why) && error.starts_with("line 3"), "{line}: {error}");
        }
    }
}
