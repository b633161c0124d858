//! The classifier of `examples/classify`, stage by stage, against numbers computed in `f64`.

#[path = "../examples/classify/network.rs"]
#[allow(dead_code, reason = "the example uses the rest")]
mod network;
#[path = "../examples/classify/options.rs"]
#[allow(dead_code, reason = "the example uses the rest")]
mod options;
#[path = "../examples/classify/picture.rs"]
#[allow(dead_code, reason = "the example uses the rest")]
mod picture;
#[path = "../examples/classify/report.rs"]
#[allow(dead_code, reason = "the example uses the rest")]
mod report;

use std::fs::File;
use std::path::PathBuf;
use std::sync::LazyLock;

use ndarray::{Array1, Array3, Array4, Dimension, aview1};
use ndarray_npy::{NpzReader, ReadableElement};
use ndfuse::prelude::*;
use network::{MEAN, Net, STD};

static NET: LazyLock<Net> = LazyLock::new(|| Net::load(options::bundled("efficientnet_lite0.safetensors")).unwrap());

fn golden<T: ReadableElement, D: Dimension>(name: &str) -> ndarray::Array<T, D> {
    let file = File::open(options::bundled("classify_golden.npz")).unwrap();
    NpzReader::new(file).unwrap().by_name(name).unwrap()
}

/// The greatest difference, and where it is.
fn furthest(found: impl IntoIterator<Item = f32>, wanted: &Array1<f64>) -> (f64, usize) {
    let found: Vec<f32> = found.into_iter().collect();
    assert_eq!(found.len(), wanted.len());
    let difference = |k: usize| (f64::from(found[k]) - wanted[k]).abs();
    (0..found.len()).map(|k| (difference(k), k)).max_by(|a, b| a.0.total_cmp(&b.0)).unwrap()
}

fn check_photograph(name: &str, expected: &[(usize, f32)]) {
    let pixels: Array3<u8> = golden(&format!("{name}_rgb224_u8"));
    let input: Array4<f32> = golden(&format!("{name}_input_f32"));
    let wanted: Array1<f64> = golden(&format!("{name}_logits_f64"));

    let resized = picture::resize(&picture::decode(&options::bundled(&format!("{name}.png"))).unwrap());
    let by = resized.iter().zip(&pixels).map(|(a, b)| a.abs_diff(*b)).max().unwrap();
    assert!(by <= 1, "{name}: a byte of the resized photograph differs by {by}");

    let prepared = network::prepare(&pixels, aview1(&MEAN), aview1(&STD)).unwrap();
    let by = prepared.view().unwrap().iter().zip(&input).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(by <= 1e-6, "{name}: the prepared input differs by {by}");

    let logits = network::logits(&input, &NET).unwrap();
    let (by, class) = furthest(logits.to_vec().unwrap(), &wanted);
    assert!(by <= 1e-4, "{name}: the logit of class {class} differs by {by}");

    let p = network::probabilities(&logits).unwrap();
    let ranked = report::top(&p.to_vec().unwrap(), expected.len());
    for (&(class, p), &(wanted_class, wanted_p)) in ranked.iter().zip(expected) {
        assert_eq!(class, wanted_class, "{name}");
        assert!((p - wanted_p).abs() < 1e-3, "{name}: class {class} has {p}, not {wanted_p}");
    }
}

#[test]
fn a_cat_is_an_egyptian_cat() {
    check_photograph("chelsea", &[(285, 0.7992), (282, 0.0841), (281, 0.0830)]);
}

#[test]
fn a_cup_of_coffee_is_an_espresso() {
    check_photograph("coffee", &[(967, 0.8595), (968, 0.1014)]);
}

#[test]
fn two_photographs_at_once_are_the_two_one_by_one() {
    let inputs = ["chelsea", "coffee"].map(|name| golden::<f32, ndarray::Ix4>(&format!("{name}_input_f32")));
    let both = ndarray::concatenate(ndarray::Axis(0), &[inputs[0].view(), inputs[1].view()]).unwrap();
    let logits = network::logits(&both, &NET).unwrap();
    for (row, name) in logits.view().unwrap().rows().into_iter().zip(["chelsea", "coffee"]) {
        let (by, class) = furthest(row.iter().copied(), &golden(&format!("{name}_logits_f64")));
        assert!(by <= 1e-4, "{name}: the logit of class {class} differs by {by}");
    }
}

#[test]
fn the_network_is_one_launch_a_convolution_and_a_few() {
    // 49 convolutions, the mean over the plane, the linear layer; a matrix product takes its epilogue along. Besides,
    // one small launch over the channels for each of 49 batch normalisations or 16 depthwise weights at most.
    let launches = network::logits::kernels();
    assert!((51..=51 + 49 + 16).contains(&launches), "{launches} launches\n{}", network::logits::explain());
}

#[test]
fn the_weights_are_all_there() {
    // The 4,652,008 parameters, and 42,016 running means and variances.
    assert_eq!(NET.count(), 4_652_008 + 42_016);
    let names: Vec<String> = NET.named().map(|(name, _)| name).collect();
    assert!(names.contains(&"_blocks.15._bn2.running_var".to_owned()));
}

#[test]
fn a_file_that_is_no_picture_is_an_error_with_its_name() {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let cut = folder.join("cut.png");
    let whole = std::fs::read(options::bundled("chelsea.png")).unwrap();
    std::fs::write(&cut, &whole[..whole.len() / 2]).unwrap();
    let empty = folder.join("empty.jpg");
    std::fs::write(&empty, []).unwrap();
    for path in [folder.join("absent.png"), options::bundled("imagenet_classes.txt"), cut, empty, folder] {
        let error = picture::decode(&path).unwrap_err();
        assert!(error.starts_with(&format!("{}: ", path.display())) && !error.contains('\n'), "{error}");
    }
}

#[test]
fn a_file_that_is_no_weights_is_an_error_with_its_name() {
    let cut = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("cut.safetensors");
    let whole = std::fs::read(options::bundled("efficientnet_lite0.safetensors")).unwrap();
    std::fs::write(&cut, &whole[..whole.len() / 2]).unwrap();
    for path in [PathBuf::from("absent.safetensors"), options::bundled("chelsea.png"), cut] {
        let error = Net::load(&path).unwrap_err().to_string();
        assert!(error.contains(&path.display().to_string()), "{error}");
    }
}

#[test]
fn the_command_line_is_read_or_refused() {
    let parse = |args: &[&str]| options::parse(["classify"].iter().chain(args).map(Into::into));
    let options = parse(&["a.png", "--top", "3", "--device=cuda:1", "b.jpg", "--repeat", "7"]).unwrap().unwrap();
    assert_eq!(options.images, [PathBuf::from("a.png"), PathBuf::from("b.jpg")]);
    assert_eq!((options.top, options.device.as_str(), options.repeat), (3, "cuda:1", 7));
    assert!(parse(&["--help"]).unwrap().is_none());
    assert!(parse(&[]).unwrap().unwrap().images[0].exists());
    for wrong in [&["--top"][..], &["--top", "0"], &["--top", "-1"], &["--repeat", "x"], &["--colour"], &["-t"]] {
        assert!(parse(wrong).is_err(), "{wrong:?}");
    }
}

#[test]
fn bars_are_as_long_as_their_probability() {
    let text = report::bars(&report::top(&[0.25, 0.0, 0.75], 3));
    let lengths: Vec<usize> = text.lines().map(|line| line.matches('█').count()).collect();
    assert_eq!(lengths, [24, 8, 0]);
    assert!(text.starts_with("  0.7500  ████") && text.contains("great white shark\n"), "{text}");
    assert_eq!(report::median(&mut [3, 1, 2].map(std::time::Duration::from_secs)).as_secs(), 2);
}
