//! Good files, and every kind of bad one.

use half::{bf16, f16};
use std::path::PathBuf;

use super::*;
use crate::params::Params;

/// A folder of the test's own, removed at its end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let path = std::env::temp_dir().join(format!("ndfuse-io-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // A folder left behind in the temporary folder harms nobody.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

type Pair = (Tensor<f32, (usize, usize)>, Tensor<i64, (usize,)>);

fn pair() -> Pair {
    (
        Tensor::from_vec((2, 3), vec![1.0, -2.0, 0.5, f32::INFINITY, -0.0, 1e-40]).unwrap(),
        Tensor::arange(0, 4, 1).unwrap(),
    )
}

/// The bytes of a file with this header and data.
fn file(header: &str, data: &[u8]) -> Vec<u8> {
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend_from_slice(header.as_bytes());
    bytes.extend_from_slice(data);
    bytes
}

fn open(bytes: &[u8]) -> Result<Archive> {
    Archive::from_bytes("x.safetensors", bytes.to_vec())
}

#[test]
fn every_dtype_comes_back_as_it_was() {
    let folder = Folder::new("dtypes");
    let path = folder.file("all.safetensors");
    let numbers = (
        Tensor::<u8, _>::arange(0, 200, 7).unwrap(),
        Tensor::<i8, _>::arange(-128, 127, 5).unwrap(),
        Tensor::<u16, _>::full((3,), 65_535).unwrap(),
        Tensor::<i16, _>::full((3,), -32_768).unwrap(),
        Tensor::<u32, _>::full((), u32::MAX).unwrap(),
        Tensor::<i32, _>::full((1, 2), i32::MIN).unwrap(),
        Tensor::<u64, _>::full((2, 0), 1).unwrap(),
        Tensor::<i64, _>::full((1,), i64::MIN).unwrap(),
    );
    let all = (numbers, Tensor::from_vec((3,), vec![true, false, true]).unwrap(), pair(), Tensor::scalar(0.1f64));
    all.save(&path).unwrap();
    fn load_like<P: Params>(_: &P, path: &Path) -> P {
        P::load(path).unwrap()
    }
    let back = load_like(&all, &path);
    for ((name, a), (_, b)) in all.named().zip(back.named()) {
        assert_eq!((a.dtype(), a.sizes()), (b.dtype(), b.sizes()), "{name}");
        assert_eq!(a.tensor().to_le().unwrap(), b.tensor().to_le().unwrap(), "{name}");
    }
}

#[test]
fn strided_tensors_are_written_in_row_major_order() {
    let folder = Folder::new("strided");
    let path = folder.file("t.safetensors");
    let x = pair().0;
    save(&path, [("t", x.t().into()), ("r", x.slice::<(usize, usize)>(1, None, None, -2).unwrap().into())]).unwrap();
    let mut file = Archive::open(&path).unwrap();
    assert_eq!(file.tensor::<f32, (usize, usize)>("t").unwrap(), x.t());
    assert_eq!(file.tensor::<f32, (usize, usize)>("r").unwrap().to_vec().unwrap(), [0.5, 1.0, 1e-40, f32::INFINITY]);
}

#[test]
fn a_file_cut_anywhere_is_an_error() {
    let folder = Folder::new("cut");
    let path = folder.file("whole.safetensors");
    pair().save(&path).unwrap();
    let bytes = std::fs::read(&path).unwrap();
    for len in 0..bytes.len() {
        let error = open(&bytes[..len]).map(drop).expect_err("a cut file");
        assert!(matches!(error, Error::Format { .. }), "{len}: {error}");
        assert!(error.to_string().starts_with("x.safetensors: "), "{error}");
    }
    let longer = [&bytes[..], &[0]].concat();
    assert!(matches!(open(&longer), Err(Error::Format { .. })));
    assert!(open(&bytes).is_ok());
}

#[test]
fn a_file_with_any_byte_changed_is_tensors_or_an_error() {
    let folder = Folder::new("flip");
    let path = folder.file("whole.safetensors");
    (pair(), Tensor::from_vec((2,), vec![true, false]).unwrap()).save(&path).unwrap();
    let bytes = std::fs::read(&path).unwrap();
    let (mut refused, mut taken) = (0, 0);
    for at in 0..bytes.len() {
        for value in [0, 1, 0x7f, 0xff, b'"', b'{', b'}', b'9', bytes[at] ^ 1, bytes[at] ^ 0x80] {
            let mut changed = bytes.clone();
            changed[at] = value;
            let built = open(&changed).and_then(|mut file| {
                let built = <(Pair, Tensor<bool, (usize,)>)>::build(&mut crate::Path::new(), &mut file)?;
                file.finish()?;
                Ok(built)
            });
            match built {
                Ok(_) => taken += 1,
                Err(_) => refused += 1,
            }
        }
    }
    assert!(refused > 1000 && taken > 300, "{refused} {taken}");
}

#[test]
fn headers_that_lie_are_errors_and_cost_nothing() {
    let one = |dtype: &str, shape: &str, from: u64, to: u64| {
        format!(r#"{{"a":{{"dtype":"{dtype}","shape":{shape},"data_offsets":[{from},{to}]}}}}"#)
    };
    let data = [0u8; 8];
    let cases = [
        (one("F32", "[1099511627776,1099511627776]", 0, 8), "overflow"),
        (one("F32", "[268435456]", 0, 1_073_741_824), "does not account for its"),
        (one("F32", "[2]", 0, 4), "invalid"),
        (one("F32", "[3]", 0, 12), "does not account for its"),
        (one("F32", "[2]", 8, 0), "invalid"),
        (one("F32", "[2]", 4, 12), "invalid"),
        (one("F32", "[-2]", 0, 8), "does not parse"),
        (one("F32", "[2.5]", 0, 8), "does not parse"),
        (one("F99", "[2]", 0, 8), "does not parse"),
        (one("F32", "[18446744073709551616]", 0, 8), "does not parse"),
        (r#"{"a":1}"#.to_owned(), "does not parse"),
        ("[]".to_owned(), "does not parse"),
        ("{".to_owned(), "does not parse"),
        (r#"{"a":"#.repeat(1000), "does not parse"),
        ("[".repeat(100_000), "does not parse"),
        (r#"{"a\"#.to_owned(), "does not parse"),
        (r#"{"a"#.to_owned(), "does not parse"),
    ];
    for (header, wanted) in cases {
        let error = open(&file(&header, &data)).map(drop).expect_err(&header).to_string();
        assert!(error.contains(wanted), "{:.80}: {error}", header);
    }
    for length in [u64::MAX, 1 << 62, 99_999_999, 100_000_001, 9] {
        let mut bytes = length.to_le_bytes().to_vec();
        bytes.extend_from_slice(&data);
        assert!(matches!(open(&bytes), Err(Error::Format { .. })), "{length}");
    }
}

#[test]
fn a_name_twice_is_an_error() {
    let entry = r#"{"dtype":"U8","shape":[1],"data_offsets":[0,1]}"#;
    let second = r#"{"dtype":"U8","shape":[1],"data_offsets":[1,2]}"#;
    for (header, data) in [
        (format!(r#"{{"a":{entry},"a":{entry}}}"#), 1),
        (format!(r#"{{"a":{entry}, "a" : {second}}}"#), 2),
        (format!(r#"{{"b\"":{entry},"b\"":{second}}}"#), 2),
    ] {
        let error = open(&file(&header, &vec![0; data])).map(drop).expect_err(&header).to_string();
        assert!(error.contains("is in the header twice"), "{error}");
    }
    let nested = format!(r#"{{"dtype":{entry},"shape":{second}}}"#);
    assert_eq!(open(&file(&nested, &[1, 2])).unwrap().names().count(), 2);
    let same = [("a", Tensor::scalar(1u8).into()), ("a", Tensor::scalar(1u8).into())];
    let error = save("unwritten.safetensors", same).unwrap_err().to_string();
    assert!(error.ends_with("the name `a` is given twice"), "{error}");
    assert!(save("unwritten.safetensors", [("__metadata__", Tensor::scalar(1u8).into())]).is_err());
    assert!(!Path::new("unwritten.safetensors").exists());
}

#[test]
fn tensors_that_do_not_fit_are_named() {
    let folder = Folder::new("fit");
    let path = folder.file("m.safetensors");
    pair().save(&path).unwrap();
    let text = |result: Result<()>| result.unwrap_err().to_string().replace(&path.display().to_string(), "FILE");
    let wrong = <(Tensor<f32, (usize, crate::Const<4>)>, Tensor<i64, (usize,)>)>::load(&path).map(drop);
    assert_eq!(text(wrong), "FILE: tensor `0` is f32[2, 3], but f32[_, 4] is wanted");
    let wrong = <(Tensor<f64, (usize, usize)>, Tensor<i64, (usize,)>)>::load(&path).map(drop);
    assert_eq!(text(wrong), "FILE: tensor `0` is f32[2, 3], but f64[_, _] is wanted");
    let wrong = <(Tensor<f32, (usize,)>, Tensor<i64, (usize,)>)>::load(&path).map(drop);
    assert_eq!(text(wrong), "FILE: tensor `0` is f32[2, 3], but f32[_] is wanted");
    let missing = <(Pair, Pair)>::load(&path).map(drop);
    assert_eq!(text(missing), "FILE: there is no tensor `0.0`; f32[_, _] is wanted");
    let extra = <(Tensor<f32, (usize, usize)>,)>::load(&path).map(drop);
    assert_eq!(text(extra), "FILE: tensor `1`, i64[4], has no place in the struct");
}

#[test]
fn foreign_contents_are_errors() {
    let quarter = r#"{"0":{"dtype":"F8_E4M3","shape":[1],"data_offsets":[0,1]}}"#;
    let mut archive = open(&file(quarter, &[0])).unwrap();
    let error = archive.tensor::<f32, (usize,)>("0").unwrap_err().to_string();
    assert_eq!(error, "x.safetensors: tensor `0` is F8_E4M3[1], but f32[_] is wanted");
    let half = r#"{"0":{"dtype":"BF16","shape":[2],"data_offsets":[0,4]}}"#;
    let error = open(&file(half, &[0; 4])).unwrap().tensor::<f16, (usize,)>("0").unwrap_err().to_string();
    assert_eq!(error, "x.safetensors: tensor `0` is bf16[2], but f16[_] is wanted");
    let read = open(&file(half, &[0x80, 0x3f, 0x01, 0x00])).unwrap().tensor::<bf16, (usize,)>("0").unwrap();
    assert_eq!(read.to_vec().unwrap(), [bf16::ONE, bf16::from_bits(1)]);
    let odd = r#"{"0":{"dtype":"BOOL","shape":[2],"data_offsets":[0,2]}}"#;
    let error = open(&file(odd, &[1, 2])).unwrap().tensor::<bool, (usize,)>("0").unwrap_err().to_string();
    assert_eq!(error, "x.safetensors: tensor `0` holds bytes that are no bool");
    let deep = r#"{"0":{"dtype":"U8","shape":[1,1,1,1,1,1,1,1,1],"data_offsets":[0,1]}}"#;
    assert!(open(&file(deep, &[1])).unwrap().tensor::<u8, (usize,)>("0").is_err());
    for bytes in [&b"\x89PNG\r\n\x1a\n0000"[..], b"PK\x03\x04 zip archive", b"\x93NUMPY\x01\x00v\x00{'descr'", b""] {
        assert!(matches!(open(bytes), Err(Error::Format { .. })));
    }
}

#[test]
fn the_system_is_named_when_it_refuses() {
    let folder = Folder::new("system");
    let error = Archive::open(folder.file("none.safetensors")).map(drop).unwrap_err();
    assert!(matches!(error, Error::Io { operation: "read", .. }), "{error}");
    assert!(error.to_string().contains("none.safetensors"), "{error}");
    assert!(matches!(Archive::open(&folder.0), Err(Error::Io { .. })));
    assert!(matches!(pair().save(folder.file("no/folder.safetensors")), Err(Error::Io { operation: "write", .. })));
}
