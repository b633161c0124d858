//! The training of `examples/train_digits`: it goes on after a stop as if there had been none, and refuses what is wrong.

#[path = "../examples/train_digits/canvas.rs"]
mod canvas;
#[path = "../examples/train_digits/chart.rs"]
mod chart;
#[path = "../examples/train_digits/checkpoint.rs"]
mod checkpoint;
#[path = "../examples/train_digits/digits.rs"]
mod digits;
#[path = "../examples/train_digits/network.rs"]
mod network;
#[path = "../examples/train_digits/options.rs"]
#[allow(dead_code, reason = "the example uses the rest")]
mod options;
#[path = "../examples/train_digits/report.rs"]
#[allow(dead_code, reason = "the example uses the rest")]
mod report;
#[path = "../examples/train_digits/training.rs"]
#[allow(dead_code, reason = "the example uses the rest")]
mod training;
#[path = "../examples/weights/mod.rs"]
mod weights;

use std::path::{Path, PathBuf};
use std::time::Duration;

use ndarray::Axis;
use ndfuse::prelude::*;
use ndfuse::{AnyTensor, io};

use digits::Digits;
use network::{Cnn, Mlp};
use training::{Model, Run, Settings};

const SETTINGS: Settings = Settings { seed: 7, batch: 16, lr: 0.004 };

/// A few digits to learn from, and fewer held out.
fn few() -> (Digits, Digits) {
    let all = digits::load(Path::new(digits::BUNDLED)).unwrap();
    all.pick(&(0..75).collect::<Vec<_>>()).split()
}

fn file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name)
}

fn train<M: Model>(run: &mut Run<M>, epochs: usize) {
    let (train, held_out) = few();
    for _ in 0..epochs {
        run.epoch(&train, &held_out, |_| {}).unwrap();
    }
}

/// Every bit of a run, as its file has them: weights, moments, numbers, what the epochs came to.
fn bits<M: Model>(run: &Run<M>, name: &str) -> Vec<u8> {
    checkpoint::save(run, &file(name)).unwrap();
    std::fs::read(file(name)).unwrap()
}

fn resumed_is_straight<M: Model>(name: &str) {
    let mut straight: Run<M> = Run::new(SETTINGS).unwrap();
    train(&mut straight, 4);

    let (half, whole) = (format!("{name}_half.safetensors"), format!("{name}_whole.safetensors"));
    let mut first: Run<M> = Run::new(SETTINGS).unwrap();
    train(&mut first, 2);
    checkpoint::save(&first, &file(&half)).unwrap();
    drop(first);
    let mut second: Run<M> = checkpoint::load(&file(&half)).unwrap();
    train(&mut second, 2);

    assert_eq!(straight.steps, 4 * 60usize.div_ceil(16));
    assert!(straight.marks[3].loss < 0.7 * straight.marks[0].loss, "{:?}", straight.marks);
    assert_eq!(bits(&straight, &whole), bits(&second, &half));
    // Another seed is another run.
    let mut other: Run<M> = Run::new(Settings { seed: 8, ..SETTINGS }).unwrap();
    train(&mut other, 4);
    assert_ne!(bits(&straight, &whole), bits(&other, &half));
}

#[test]
fn a_resumed_mlp_is_the_same_to_the_bit() {
    resumed_is_straight::<Mlp>("mlp");
}

#[test]
fn a_resumed_cnn_is_the_same_to_the_bit() {
    resumed_is_straight::<Cnn>("cnn");
}

#[test]
fn a_file_of_no_run_is_an_error_with_its_name() {
    let mlp: Run<Mlp> = Run::new(SETTINGS).unwrap();
    let whole = bits(&mlp, "run.safetensors");
    let cut = file("cut_run.safetensors");
    std::fs::write(&cut, &whole[..whole.len() / 2]).unwrap();
    let error = |path: &Path| checkpoint::load::<Cnn>(path).map(drop).unwrap_err().to_string();
    for (path, why) in [
        (file("absent.safetensors"), "read"),
        (PathBuf::from(digits::BUNDLED), "no safetensors file"),
        (cut, "truncated"),
        (file("run.safetensors"), "`net.first.weight`"),
    ] {
        let text = error(&path);
        assert!(text.contains(&path.display().to_string()) && text.contains(why), "{text}");
    }
    // A tensor changed, then one too many.
    type Named = Vec<(String, AnyTensor)>;
    let rewritten = |change: &dyn Fn(&str, AnyTensor) -> Named| {
        let path = file("changed.safetensors");
        checkpoint::save(&mlp, &path).unwrap();
        let mut archive = io::Archive::open(&path).unwrap();
        let numbers: [(&str, AnyTensor); 5] = [
            ("seed", archive.tensor::<i64, ()>("seed").unwrap().into()),
            ("batch", archive.tensor::<u64, ()>("batch").unwrap().into()),
            ("lr", archive.tensor::<f32, ()>("lr").unwrap().into()),
            ("steps", archive.tensor::<u64, ()>("steps").unwrap().into()),
            ("marks", archive.tensor::<f32, (usize, usize)>("marks").unwrap().into()),
        ];
        let nets = [("net", &mlp.net), ("m", &mlp.m), ("v", &mlp.v)];
        let weights = nets.iter().flat_map(|(prefix, net)| {
            net.named().map(move |(name, leaf)| (format!("{prefix}.{name}"), leaf.tensor())).collect::<Vec<_>>()
        });
        io::save(&path, weights.chain(numbers.into_iter().flat_map(|(name, tensor)| change(name, tensor)))).unwrap();
        checkpoint::load::<Mlp>(&path).map(drop).map_err(|e| e.to_string())
    };
    let with = |wanted: &'static str, value: AnyTensor| {
        rewritten(&move |name, old| vec![(name.to_owned(), if name == wanted { value.clone() } else { old })])
    };
    assert_eq!(rewritten(&|name, old| vec![(name.to_owned(), old)]), Ok(()));
    assert!(with("batch", Tensor::scalar(0u64).into()).unwrap_err().contains("a batch of no images"));
    assert!(with("batch", Tensor::scalar(u64::MAX).into()).unwrap_err().contains("`batch` is out of range"));
    assert!(with("lr", Tensor::scalar(f32::NAN).into()).unwrap_err().contains("learning rate"));
    assert!(with("seed", Tensor::scalar(1.0f64).into()).unwrap_err().contains("`seed`"));
    let extra = rewritten(&|name, old| vec![(name.to_owned(), old.clone()), (format!("{name}.more"), old)]);
    assert!(extra.unwrap_err().contains("more"));
}

#[test]
fn a_loss_that_is_no_number_ends_the_training() {
    let mut run: Run<Mlp> = Run::new(Settings { lr: f32::MAX, ..SETTINGS }).unwrap();
    let (train, held_out) = few();
    let error = (0..3).find_map(|_| run.epoch(&train, &held_out, |_| {}).err()).expect("the weights overflow");
    assert!(error.to_string().contains("try a lower learning rate"), "{error}");
}

#[test]
fn every_fifth_digit_is_held_out_and_each_batch_is_of_the_rest() {
    let all = digits::load(Path::new(digits::BUNDLED)).unwrap();
    assert_eq!((all.len(), all.images.dim()), (1797, (1797, 8, 8)));
    let (train, held_out) = all.split();
    assert_eq!((train.len(), held_out.len()), (1438, 359));
    assert_eq!(held_out.labels[1], all.labels[9]);
    assert_eq!(held_out.images.index_axis(Axis(0), 1), all.images.index_axis(Axis(0), 9));

    let order = |seed, epoch| train.batches(32, seed, epoch).flat_map(|b| b.labels.to_vec()).collect::<Vec<i64>>();
    let sorted = |mut labels: Vec<i64>| {
        labels.sort_unstable();
        labels
    };
    assert_eq!(order(0, 1), order(0, 1));
    assert!(order(0, 1) != order(0, 0) && order(0, 1) != order(1, 1) && order(0, 1) != order(1, 0));
    assert_eq!(sorted(order(0, 1)), sorted(train.labels.to_vec()));
    let sizes: Vec<usize> = train.batches(32, 0, 0).map(|b| b.len()).collect();
    assert_eq!((sizes.len(), sizes[0], sizes[44]), (45, 32, 30));
}

#[test]
fn a_file_of_no_digits_is_an_error_with_its_line() {
    let line = format!("{}7\n", "16,".repeat(64));
    assert_eq!(digits::parse(&line.repeat(5)).unwrap().labels.to_vec(), [7; 5]);
    for (wrong, at) in [
        (line.replace("7\n", "10\n"), "line 6"),
        (line.replacen("16", "17", 1), "line 6"),
        (line.replacen("16", "x", 1), "line 6"),
        (line.replacen("16,", "", 1), "line 6"),
        ("\n".to_owned(), "line 6"),
    ] {
        let error = digits::parse(&(line.repeat(5) + &wrong)).unwrap_err();
        assert!(error.starts_with(at), "{error}");
    }
    assert!(digits::parse("").is_err());
    for path in [file("absent.csv.gz"), PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml")] {
        let error = digits::load(&path).unwrap_err();
        assert!(error.starts_with(&path.display().to_string()) && !error.contains('\n'), "{error}");
    }
}

#[test]
fn the_command_line_is_read_or_refused() {
    let parse = |args: &[&str]| options::parse(["train_digits"].iter().chain(args).map(Into::into));
    let options = parse(&["--model", "mlp", "--epochs=3", "--lr", "0.5", "--seed", "-4"]).unwrap().unwrap();
    assert_eq!((options.model, options.epochs), (options::Kind::Mlp, 3));
    assert_eq!(options.settings, Settings { seed: -4, lr: 0.5, batch: 32 });
    assert!(parse(&["--help"]).unwrap().is_none());
    assert!(parse(&["--resume", "a", "--epochs", "9"]).is_ok());
    for wrong in [
        &["--model", "rnn"][..],
        &["--epochs", "0"],
        &["--batch", "-1"],
        &["--lr", "0"],
        &["--lr", "nan"],
        &["--seed", "x"],
        &["--resume", "a", "--lr", "1"],
        &["more"],
        &["-t"],
    ] {
        assert!(parse(wrong).is_err(), "{wrong:?}");
    }
}

#[test]
fn what_was_read_is_counted_and_drawn() {
    let (labels, read) = ([0, 1, 1, 9], [0, 7, 1, 3]);
    let mistakes = report::mistakes(&labels, &read);
    assert_eq!(mistakes.iter().map(|m| (m.place, m.label, m.read)).collect::<Vec<_>>(), [(1, 1, 7), (3, 9, 3)]);
    let table = report::confusion(&labels, &read);
    let row = |k: usize| table.lines().nth(k + 1).unwrap().split_whitespace().collect::<Vec<_>>();
    assert_eq!(row(1), ["1", ".", "1", ".", ".", ".", ".", ".", "1", ".", "."]);
    assert_eq!(report::median(&mut [4, 1, 3, 2].map(Duration::from_secs)).as_secs(), 2);

    let marks = [0.5, 0.25].map(|x| training::Mark { loss: x, held_out: x * 1.1, accuracy: 1.0 - x });
    let (path, again) = (file("run.png"), file("again.png"));
    chart::write(&path, &marks, &few().1, &mistakes).unwrap();
    chart::write(&again, &marks, &few().1, &mistakes).unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), std::fs::read(&again).unwrap());
    let picture = image::open(&path).unwrap().to_rgb8();
    assert!(picture.pixels().any(|p| p.0 == [31, 119, 180]) && picture.pixels().any(|p| p.0 == [0, 0, 0]));
    chart::write(&again, &[], &few().1, &[]).unwrap();
    let error = chart::write(&file("absent/run.png"), &marks, &few().1, &mistakes).unwrap_err();
    assert!(error.contains("run.png: ") && !error.contains('\n'), "{error}");
}
