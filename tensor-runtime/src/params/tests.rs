//! Structs as the macro writes them.

use super::*;

#[derive(Clone, Debug)]
struct Norm<C: crate::Dim> {
    weight: Tensor<f32, (C,)>,
    bias: Tensor<f32, (C,)>,
}

impl<C: crate::Dim> Params for Norm<C> {
    fn visit<'a>(&'a self, path: &mut Path, f: &mut dyn FnMut(&str, Leaf<'a>)) {
        path.field("weight", |path| self.weight.visit(path, f));
        path.field("bias", |path| self.bias.visit(path, f));
    }

    fn build(path: &mut Path, source: &mut dyn Source) -> Result<Self> {
        let built = Norm {
            weight: path.field("weight", |path| Params::build(path, source))?,
            bias: path.field("bias", |path| Params::build(path, source))?,
        };
        check_dims(&built, path, "Norm", &["C"])?;
        Ok(built)
    }

    fn sites(&self, dim: usize, path: &mut Path, f: &mut dyn FnMut(Site)) {
        if dim == 0 {
            path.field("weight", |path| self.weight.sites(0, path, f));
            path.field("bias", |path| self.bias.sites(0, path, f));
        }
    }
}

#[derive(Debug)]
struct Block<C: crate::Dim> {
    norms: [Norm<C>; 2],
    wide: Tensor<f32, (usize,)>,
}

impl<C: crate::Dim> Params for Block<C> {
    fn visit<'a>(&'a self, path: &mut Path, f: &mut dyn FnMut(&str, Leaf<'a>)) {
        path.field("norms", |path| self.norms.visit(path, f));
        path.field("wide", |path| self.wide.visit(path, f));
    }

    fn build(path: &mut Path, source: &mut dyn Source) -> Result<Self> {
        let built = Block {
            norms: path.field("norms", |path| Params::build(path, source))?,
            wide: path.field("wide", |path| Params::build(path, source))?,
        };
        check_dims(&built, path, "Block", &["C"])?;
        if let Some(c) = dim_size(&built, 0) {
            path.field("wide", |path| check_derived(&built.wide, 0, path, "Block", "2 * C", c.checked_mul(2)))?;
        }
        Ok(built)
    }

    fn sites(&self, dim: usize, path: &mut Path, f: &mut dyn FnMut(Site)) {
        if dim == 0 {
            path.field("norms", |path| self.norms.sites(0, path, f));
        }
    }
}

/// A source whose leaves have the sizes that `size` says.
fn build<P: Params>(size: impl Fn(&str) -> usize) -> Result<P> {
    let mut source = |name: &str, spec: &Spec| AnyTensor::zeros(spec.dtype, &vec![size(name); spec.dims.len()]);
    P::build(&mut Path::new(), &mut source)
}

#[test]
fn leaves_are_named_in_the_order_of_declaration() {
    let block: Block<usize> = build(|name| if name == "wide" { 6 } else { 3 }).unwrap();
    let names: Vec<String> = block.named().map(|(name, leaf)| format!("{name} {leaf:?}")).collect();
    let wanted =
        ["norms.0.weight f32[3]", "norms.0.bias f32[3]", "norms.1.weight f32[3]", "norms.1.bias f32[3]", "wide f32[6]"];
    assert_eq!(names, wanted);
    assert_eq!(block.count(), 18);
    assert_eq!(raws(&block).unwrap().len(), 5);
    assert_eq!(dim_size(&block, 0), Some(3));
    assert_eq!(dim_size(&block, 1), None);
}

#[test]
fn a_dimension_has_one_size_in_the_whole_struct() {
    let text = |result: Result<Block<usize>>| result.unwrap_err().to_string();
    let within = text(build(|name| if name == "norms.1.bias" { 4 } else { 3 }));
    let note = "\n  = note: axis 0 of `norms.1.weight`, axis 0 of `norms.1.bias`";
    assert_eq!(within, format!("Norm: `C` is 3 from `norms.1.weight` but 4 from `norms.1.bias`{note}"));
    let across = text(build(|name| if name.starts_with("norms.1") { 4 } else { 3 }));
    assert!(across.starts_with("Block: `C` is 3 from `norms.0.weight` but 4 from `norms.1.weight`"), "{across}");
    let derived = text(build(|_| 3));
    assert_eq!(derived, "Block: `2 * C` is 6, but axis 0 of `wide` is 3");
    let overflow = build::<Tensor<f32, (usize,)>>(|_| 3)
        .and_then(|leaf| Path::new().field("wide", |path| check_derived(&leaf, 0, path, "Block", "2 * C", None)));
    assert!(overflow.unwrap_err().to_string().contains("`2 * C` is not a size"));
}

#[test]
fn constants_of_the_type_are_checked() {
    assert!(build::<Norm<crate::Const<3>>>(|_| 3).is_ok());
    assert!(build::<Norm<crate::Const<3>>>(|_| 4).is_err());
    let spec = Spec::of::<f32, (usize, crate::Const<3>)>();
    assert_eq!(spec.to_string(), "f32[_, 3]");
    assert!(spec.admits(DType::F32, &[9, 3]));
    assert!(!spec.admits(DType::F32, &[9, 4]) && !spec.admits(DType::F32, &[3]) && !spec.admits(DType::I32, &[9, 3]));
    assert_eq!(Spec::of::<bool, ()>().to_string(), "bool[]");
}

#[test]
fn results_in_order_may_be_too_few_or_of_another_type() {
    type Two = (Tensor<f32, ()>, Tensor<i64, ()>);
    let from = |leaves: Vec<AnyTensor>| Two::build(&mut Path::new(), &mut InOrder::new(leaves)).map(drop);
    assert!(from(vec![Tensor::scalar(1.0f32).into(), Tensor::scalar(1i64).into()]).is_ok());
    assert!(matches!(from(vec![Tensor::scalar(1.0f32).into()]), Err(Error::MissingTensor { .. })));
    assert!(matches!(
        from(vec![Tensor::scalar(1.0f32).into(), Tensor::scalar(1.0f32).into()]),
        Err(Error::DType { .. })
    ));
}

#[test]
fn maps_keep_the_shape_of_the_struct() {
    let block: Block<usize> = build(|name| if name == "wide" { 2 } else { 1 }).unwrap();
    let ones = block.map(|_, leaf| Ok(Tensor::<f32, (usize,)>::ones((leaf.len(),))?.into())).unwrap();
    assert_eq!(ones.wide.to_vec().unwrap(), [1.0, 1.0]);
    assert_eq!(ones.zeros_like().unwrap().norms[1].bias.to_vec().unwrap(), [0.0]);
    let shared = ones.to_device(&Device::Cpu).unwrap();
    assert_eq!(shared.wide.view().unwrap().as_ptr(), ones.wide.view().unwrap().as_ptr());
    assert!(block.map(|_, _| Ok(Tensor::scalar(1.0f32).into())).is_err());
    assert!(block.map(|name, _| Err(Error::unsupported("test", name))).is_err());
}

#[test]
fn tuples_have_the_keys_of_their_positions() {
    let s = || Tensor::scalar(1u8);
    let eleven = (s(), s(), s(), s(), s(), s(), s(), s(), s(), s(), (s(), [s(), s()], ()));
    let names: Vec<String> = eleven.named().map(|(name, _)| name).collect();
    assert_eq!(names.join(" "), "0 1 2 3 4 5 6 7 8 9 10.0 10.1.0 10.1.1");
}

#[test]
fn structs_are_built_of_the_results_of_a_call() {
    let leaf = |sizes: &[usize]| AnyTensor::zeros(DType::F32, sizes).unwrap();
    let all = [&[3][..], &[3], &[3], &[3], &[6], &[2, 2]].map(leaf);
    let at = |tensor: &AnyTensor| tensor.raw().unwrap().typed::<f32>().unwrap().data.as_ptr();
    let first = at(&all[0]);
    let mut all = all.into_iter();
    let block: Block<usize> = results(&mut all).unwrap();
    assert_eq!(block.norms[0].weight.view().unwrap().as_ptr(), first, "without a copy");
    assert_eq!(block.count(), 18);
    let rest: Tensor<f32, (usize, crate::Const<2>)> = results(&mut all).unwrap();
    assert_eq!(rest.len(), 4);
    assert!(matches!(results::<Norm<usize>>(&mut all), Err(Error::MissingTensor { .. })));
    let clash = results::<Norm<usize>>(&mut [leaf(&[3]), leaf(&[4])].into_iter()).unwrap_err();
    assert!(clash.to_string().starts_with("Norm: `C` is 3 from `weight` but 4 from `bias`"), "{clash}");
    let wrong = results::<Norm<usize>>(&mut [leaf(&[3]), AnyTensor::zeros(DType::I32, &[3]).unwrap()].into_iter());
    assert!(matches!(wrong, Err(Error::DType { .. })));
}

#[test]
fn gradients_are_structs_too() {
    let block: Block<usize> = build(|name| if name == "wide" { 4 } else { 2 }).unwrap();
    let block = block.requires_grad().unwrap();
    assert!(block.named().all(|(_, leaf)| leaf.tensor().track().is_some() && leaf.grad().is_none()));
    let weights = Tensor::from_vec((2,), vec![3.0f32, 4.0]).unwrap();
    for _ in 0..2 {
        block.norms[1].bias.reshape((2,)).unwrap().backward_with(&weights).unwrap();
    }
    let grads = block.grads().unwrap();
    assert_eq!(grads.norms[1].bias.to_vec().unwrap(), [6.0, 8.0]);
    assert_eq!(grads.wide.to_vec().unwrap(), [0.0; 4], "zeros where none came");
    assert!(grads.named().all(|(_, leaf)| leaf.tensor().track().is_none()));
    block.zero_grad();
    assert!(block.named().all(|(_, leaf)| leaf.grad().is_none()));
    let again = block.requires_grad().unwrap();
    again.norms[0].weight.backward_with(&weights).unwrap();
    assert_eq!(again.norms[0].weight.grad().unwrap(), weights);
}
