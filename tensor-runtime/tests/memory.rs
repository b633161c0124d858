//! What reading a file costs: at most twice its size and a megabyte, whatever its header says. Memory that was a tensor's is
//! given back as a whole.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use ndfuse_runtime::{Params, Path, Tensor, io};

struct Counting;

static NOW: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

fn grow(bytes: usize) {
    PEAK.fetch_max(NOW.fetch_add(bytes, Relaxed) + bytes, Relaxed);
}

// SAFETY: every call goes to `System` as it is; counting touches no memory of the caller's.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        grow(layout.size());
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        grow(layout.size());
        // SAFETY: the caller's promise.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        NOW.fetch_sub(layout.size(), Relaxed);
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The most that `f` had allocated at once.
fn peak(f: impl FnOnce()) -> usize {
    let before = NOW.load(Relaxed);
    PEAK.store(before, Relaxed);
    f();
    PEAK.load(Relaxed) - before
}

type Model = (Tensor<f32, (usize, usize)>, Tensor<f64, (usize,)>);

// One test, for the counters are the process's own.
#[test]
fn memory_is_counted() {
    reading_costs_no_more_than_the_file_says_it_is();
    all_of_a_tensors_memory_is_given_back();
}

fn all_of_a_tensors_memory_is_given_back() {
    let tensor = |n| Tensor::<f32, (usize,)>::zeros((n,)).unwrap();
    let now = |f: fn(Tensor<f32, (usize,)>)| {
        ndfuse_runtime::release_memory();
        let before = NOW.load(Relaxed);
        [1, 1023, 1024, 5001, 2_000_000].map(tensor).into_iter().for_each(f);
        ndfuse_runtime::release_memory();
        NOW.load(Relaxed) - before
    };
    assert_eq!(now(drop), 0);
    assert_eq!(now(|x| drop(x.into_array().unwrap())), 0);
    assert_eq!(now(|x| drop(x.into_array().unwrap().into_raw_vec_and_offset())), 0);
    assert_eq!(now(|x| drop(Tensor::from(x.into_array().unwrap()).slice::<(usize,)>(0, None, None, 3).unwrap())), 0);
    let counted = |n| {
        let before = NOW.load(Relaxed);
        let x = tensor(n);
        (NOW.load(Relaxed) - before, x).0
    };
    // What is small has no more than its elements; what is larger the way to the next line.
    assert_eq!(counted(2048) - counted(1000), 4 * 1048 + 60);
    assert_eq!(counted(1 << 20) - counted(1000), 4 * ((1 << 20) - 1000) + 4092);
}

fn reading_costs_no_more_than_the_file_says_it_is() {
    let path = std::env::temp_dir().join(format!("ndfuse-memory-{}.safetensors", std::process::id()));
    let model: Model = (Tensor::ones((700, 1000)).unwrap(), Tensor::ones((500_000,)).unwrap());
    model.save(&path).unwrap();
    let size = std::fs::metadata(&path).unwrap().len() as usize;
    drop(model);
    ndfuse_runtime::release_memory();
    let cost = peak(|| drop(Model::load(&path).unwrap()));
    std::fs::remove_file(&path).unwrap();
    assert!(cost > size && cost <= 2 * size + (1 << 20), "{cost} bytes for a file of {size}");

    ndfuse_runtime::release_memory();
    for header in [
        r#"{"0":{"dtype":"F32","shape":[1000000000],"data_offsets":[0,4000000000]}}"#,
        r#"{"0":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]}}"#,
        r#"{"0":{"dtype":"F64","shape":[0,1152921504606846976,16],"data_offsets":[0,0]}}"#,
        "",
    ] {
        let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
        bytes.extend_from_slice(header.as_bytes());
        if header.is_empty() {
            bytes = vec![0xff, 0xff, 0xff, 0x05, 0, 0, 0, 0, b'{'];
        }
        let cost = peak(|| {
            let built =
                io::Archive::from_bytes("x", bytes).and_then(|mut file| Model::build(&mut Path::new(), &mut file));
            assert!(built.is_err());
        });
        assert!(cost < 1 << 20, "{cost} bytes for {header}");
    }
}
