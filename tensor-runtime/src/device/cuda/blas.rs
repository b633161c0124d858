//! cuBLASLt: products of matrices.
//!
//! In: a [`Matmul`]. Out: whether the library has a way for it, with what memory; the product. Always: the library is opened
//! by the first product, and where it is not there or does not work, that is known and no error; the way for a product is
//! chosen once and kept; `f32` is multiplied as `f32` unless TF32 is allowed. Next: [`super::library`].
//!
//! **The same bits each time.** NVIDIA promises the same bits at every run for one version of the library on one kind of GPU
//! (cuBLAS, "Results reproducibility"), apart from work on several streams that shares a workspace; here products are on one
//! stream, and each has a workspace of its own. Ways that split a sum among blocks are taken only where the parts are added
//! up in a step of their own, in the type of the sum.

use std::collections::HashMap;
use std::ffi::{CStr, c_char, c_int, c_void};
use std::mem::MaybeUninit;
use std::ptr;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use cudarc::cublaslt::sys::{
    self, cublasComputeType_t, cublasLtHandle_t, cublasLtMatmulAlgo_t, cublasLtMatmulDesc_t,
    cublasLtMatmulDescAttributes_t as OfProduct, cublasLtMatmulHeuristicResult_t, cublasLtMatmulPreference_t,
    cublasLtMatmulPreferenceAttributes_t as OfChoice, cublasLtMatrixLayout_t,
    cublasLtMatrixLayoutAttribute_t as OfMatrix, cublasLtReductionScheme_t, cublasStatus_t, cudaDataType, cudaStream_t,
    libraryPropertyType,
};

use super::super::driver::{Address, Answer, Matmul, Matrix, Refusal};
use super::super::info::Products;
use super::api::failed;
use super::library;
use crate::dtype::DType;

library::functions! {
    /// cuBLASLt's functions.
    Functions: cublasStatus_t {
        cublasLtGetProperty(libraryPropertyType, *mut c_int);
        cublasLtCreate(*mut cublasLtHandle_t);
        cublasLtDestroy(cublasLtHandle_t);
        cublasLtMatmulDescCreate(*mut cublasLtMatmulDesc_t, cublasComputeType_t, cudaDataType);
        cublasLtMatmulDescSetAttribute(cublasLtMatmulDesc_t, OfProduct, *const c_void, usize);
        cublasLtMatmulDescDestroy(cublasLtMatmulDesc_t);
        cublasLtMatrixLayoutCreate(*mut cublasLtMatrixLayout_t, cudaDataType, u64, u64, i64);
        cublasLtMatrixLayoutSetAttribute(cublasLtMatrixLayout_t, OfMatrix, *const c_void, usize);
        cublasLtMatrixLayoutDestroy(cublasLtMatrixLayout_t);
        cublasLtMatmulPreferenceCreate(*mut cublasLtMatmulPreference_t);
        cublasLtMatmulPreferenceSetAttribute(cublasLtMatmulPreference_t, OfChoice, *const c_void, usize);
        cublasLtMatmulPreferenceDestroy(cublasLtMatmulPreference_t);
        cublasLtMatmulAlgoGetHeuristic(
            cublasLtHandle_t, cublasLtMatmulDesc_t, cublasLtMatrixLayout_t, cublasLtMatrixLayout_t,
            cublasLtMatrixLayout_t, cublasLtMatrixLayout_t, cublasLtMatmulPreference_t, c_int,
            *mut cublasLtMatmulHeuristicResult_t, *mut c_int,
        );
        cublasLtMatmul(
            cublasLtHandle_t, cublasLtMatmulDesc_t, *const c_void, *const c_void, cublasLtMatrixLayout_t, *const c_void,
            cublasLtMatrixLayout_t, *const c_void, *const c_void, cublasLtMatrixLayout_t, *mut c_void,
            cublasLtMatrixLayout_t, *const cublasLtMatmulAlgo_t, *mut c_void, usize, cudaStream_t,
        );
    }
    plain {
        cublasLtGetStatusName(u32) -> *const c_char;
    }
}

/// Names the library's file; `off` keeps it out.
const VARIABLE: &str = "NDFUSE_CUBLASLT";
const SUCCESS: u32 = cublasStatus_t::CUBLAS_STATUS_SUCCESS as u32;
const NO_MEMORY: u32 = cublasStatus_t::CUBLAS_STATUS_ALLOC_FAILED as u32;
/// What it says of a product that it has no way for.
const NO_WAY: [u32; 2] =
    [cublasStatus_t::CUBLAS_STATUS_NOT_SUPPORTED as u32, cublasStatus_t::CUBLAS_STATUS_INVALID_VALUE as u32];
/// The most memory that a product may need beside its operands.
const ROOM: u64 = 32 << 20;
/// Bit by bit: sums that are not split, and those whose parts are added up in a step of their own.
const SPLITS: u32 = cublasLtReductionScheme_t::CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE as u32;
/// What the address of a vector is a multiple of. No preference is of it, and what is read amiss costs the whole device.
const VECTOR: Address = 16;
/// Ways that are kept at most; beyond that all are chosen anew.
const WAYS: usize = 4096;

/// A type of elements, as the library numbers them; `None` for those that it is not asked about.
fn element(dtype: DType) -> Option<cudaDataType> {
    match dtype {
        DType::F16 => Some(sys::cudaDataType_t::CUDA_R_16F),
        DType::BF16 => Some(sys::cudaDataType_t::CUDA_R_16BF),
        DType::F32 => Some(sys::cudaDataType_t::CUDA_R_32F),
        DType::F64 => Some(sys::cudaDataType_t::CUDA_R_64F),
        DType::Bool | DType::U8 | DType::I8 | DType::U16 | DType::I16 => None,
        DType::U32 | DType::I32 | DType::U64 | DType::I64 => None,
    }
}

/// How elements are multiplied and added up, and the type of the sums: all but `f64` in `f32`.
fn arithmetic(product: &Matmul) -> (cublasComputeType_t, cudaDataType) {
    match (product.dtype, product.tf32) {
        (DType::F64, _) => (cublasComputeType_t::CUBLAS_COMPUTE_64F, sys::cudaDataType_t::CUDA_R_64F),
        (_, true) => (cublasComputeType_t::CUBLAS_COMPUTE_32F_FAST_TF32, sys::cudaDataType_t::CUDA_R_32F),
        (_, false) => (cublasComputeType_t::CUBLAS_COMPUTE_32F, sys::cudaDataType_t::CUDA_R_32F),
    }
}

/// The library, for one device.
pub(super) struct Blas(Result<Ready, Products>);

struct Ready {
    functions: &'static Functions,
    name: Box<str>,
    handle: cublasLtHandle_t,
    /// The ways that were chosen, by products whose addresses are what these are multiples of.
    ways: Mutex<HashMap<Matmul, Option<Arc<Way>>>>,
}

/// How a product is computed.
struct Way {
    functions: &'static Functions,
    product: cublasLtMatmulDesc_t,
    /// Of the left matrix, the right one, and the result.
    matrices: [cublasLtMatrixLayout_t; 3],
    scale: cudaDataType,
    algorithm: cublasLtMatmulAlgo_t,
    room: u64,
}

// SAFETY: cuBLASLt's handles may be used by any thread, by several at once.
unsafe impl Send for Ready {}
// SAFETY: as above.
unsafe impl Sync for Ready {}
// SAFETY: descriptions are memory of the host's, which nobody changes once the way is made.
unsafe impl Send for Way {}
// SAFETY: as above.
unsafe impl Sync for Way {}

/// What the library does not do.
enum Status {
    /// It has no way for this product.
    NoWay,
    Refused(Refusal),
}

type Asked<T> = Result<T, Status>;

impl From<Status> for Refusal {
    fn from(status: Status) -> Refusal {
        match status {
            Status::NoWay => failed("cuBLASLt", "it has no way for this product"),
            Status::Refused(refusal) => refusal,
        }
    }
}

/// Calls a function of the library, and names it in the error.
macro_rules! call {
    ($functions:expr, $function:ident($($argument:expr),* $(,)?)) => {{
        let functions: &Functions = $functions;
        // SAFETY: the function has these parameters; each pointer is to a local of the caller's that outlives the call, or
        // to memory of which the caller's contract says so.
        functions.check(stringify!($function), unsafe { (functions.$function)($($argument),*) })
    }};
}

/// The library's functions, and its version.
fn functions() -> Result<&'static (Functions, Box<str>), Products> {
    static FOUND: OnceLock<Result<(Functions, Box<str>), Products>> = OnceLock::new();
    let find = || {
        if std::env::var_os(VARIABLE).is_some_and(|value| value == "off") {
            return Err(Products::Off);
        }
        let library = library::open("cublasLt", Some(VARIABLE)).ok_or(Products::NoLibrary)?;
        // SAFETY: these are functions of cuBLASLt's, whose parameters the bindings have checked, and whose codes are an
        // `enum` of C's.
        let found = unsafe { Functions::of(library) };
        let found = found.map_err(|missing| Products::Unusable(format!("it has no {missing}").into()))?;
        let number = |which| {
            let mut number: c_int = 0;
            call!(&found, cublasLtGetProperty(which, &mut number)).map(|()| number).unwrap_or(0)
        };
        let version = [libraryPropertyType::MAJOR_VERSION, libraryPropertyType::MINOR_VERSION].map(number);
        let name = format!("cuBLASLt {}.{}", version[0], version[1]).into();
        Ok((found, name))
    };
    FOUND.get_or_init(find).as_ref().map_err(Products::clone)
}

impl Blas {
    /// The library, for the context that is current.
    pub(super) fn open() -> Blas {
        Blas(functions().and_then(|(functions, name)| {
            let mut handle = ptr::null_mut();
            match call!(functions, cublasLtCreate(&mut handle)) {
                Ok(()) => Ok(Ready { functions, name: name.clone(), handle, ways: Mutex::default() }),
                Err(Status::NoWay) => Err(Products::Unusable(format!("{name} does not know the device").into())),
                Err(Status::Refused(Refusal::OutOfMemory)) => {
                    Err(Products::Unusable(format!("{name} finds no memory").into()))
                }
                Err(Status::Refused(Refusal::Fault(fault))) => {
                    Err(Products::Unusable(format!("{name} {fault}").into()))
                }
            }
        }))
    }

    pub(super) fn products(&self) -> Products {
        match &self.0 {
            Ok(ready) => Products::Library(ready.name.clone()),
            Err(state) => state.clone(),
        }
    }

    pub(super) fn room(&self, product: &Matmul) -> Answer<Option<u64>> {
        let Ok(ready) = &self.0 else { return Ok(None) };
        Ok(ready.way(product)?.map(|way| way.room))
    }

    /// # Safety
    /// As [`Driver::matmul`](super::super::driver::Driver::matmul); the stream is of the current context.
    pub(super) unsafe fn matmul(
        &self,
        product: &Matmul,
        room: Address,
        bytes: u64,
        stream: cudaStream_t,
    ) -> Answer<()> {
        let ready = self.0.as_ref().map_err(|_| Status::NoWay)?;
        let way = ready.way(product)?.filter(|way| way.room <= bytes).ok_or(Status::NoWay)?;
        let (single, double) = ([1.0f32, 0.0], [1.0f64, 0.0]);
        let [one, zero]: [*const c_void; 2] = match way.scale {
            sys::cudaDataType_t::CUDA_R_64F => [0, 1].map(|k| (&raw const double[k]).cast()),
            _ => [0, 1].map(|k| (&raw const single[k]).cast()),
        };
        let at = |matrix: &Matrix| ptr::without_provenance_mut::<c_void>(matrix.at as usize);
        // A description has the vector's address in it; the one that is kept is of no vector, or of any.
        let own = product.bias.map(|_| Way::describe(ready.functions, product)).transpose()?;
        let described = own.as_ref().unwrap_or(&way);
        let [left, right, out] = described.matrices;
        let to = at(&product.out);
        let room = ptr::without_provenance_mut::<c_void>(room as usize);
        call!(
            ready.functions,
            cublasLtMatmul(
                ready.handle,
                described.product,
                one,
                at(&product.left),
                left,
                at(&product.right),
                right,
                zero,
                to,
                out,
                to,
                out,
                &way.algorithm,
                room,
                bytes as usize,
                stream,
            )
        )?;
        Ok(())
    }
}

impl Drop for Ready {
    fn drop(&mut self) {
        // Nobody is left to tell of an error.
        let _ = call!(self.functions, cublasLtDestroy(self.handle));
    }
}

impl Ready {
    /// The way for this product, chosen the first time.
    fn way(&self, product: &Matmul) -> Answer<Option<Arc<Way>>> {
        let aligned = |matrix: Matrix| Matrix { at: alignment(matrix.at), ..matrix };
        let (left, right, out) = (aligned(product.left), aligned(product.right), aligned(product.out));
        let key = Matmul { left, right, out, bias: product.bias.map(alignment), ..*product };
        let mut ways = self.ways.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = ways.get(&key) {
            return Ok(known.clone());
        }
        let way = match self.choose(&key) {
            Ok(way) => Some(Arc::new(way)),
            Err(Status::NoWay) => None,
            Err(Status::Refused(refusal)) => return Err(refusal),
        };
        if ways.len() >= WAYS {
            ways.clear();
        }
        ways.insert(key, way.clone());
        Ok(way)
    }

    fn choose(&self, key: &Matmul) -> Asked<Way> {
        let mut way = Way::describe(self.functions, key)?;
        let choice = Choice::new(self.functions, key)?;
        // Whatever its state is, which may be a code that the bindings do not have, it is read as a number.
        let mut found = MaybeUninit::<cublasLtMatmulHeuristicResult_t>::zeroed();
        let (mut count, [left, right, out]) = (0, way.matrices);
        let (product, one) = (way.product, 1);
        call!(
            self.functions,
            cublasLtMatmulAlgoGetHeuristic(
                self.handle,
                product,
                left,
                right,
                out,
                out,
                choice.preference,
                one,
                found.as_mut_ptr(),
                &mut count,
            )
        )?;
        if count < 1 {
            return Err(Status::NoWay);
        }
        let found = found.as_ptr();
        // SAFETY: all of it was zeros before and is numbers now, each read as what it is.
        let (algorithm, room, state) =
            unsafe { ((*found).algo, (*found).workspaceSize as u64, (&raw const (*found).state).cast::<u32>().read()) };
        (way.algorithm, way.room) = (algorithm, room);
        if state == SUCCESS && room <= ROOM { Ok(way) } else { Err(Status::NoWay) }
    }
}

/// The largest power of two of which the address is a multiple, up to what memory is aligned to.
fn alignment(at: Address) -> Address {
    1 << at.trailing_zeros().min(8)
}

impl Way {
    /// The product described, without an algorithm.
    fn describe(functions: &'static Functions, key: &Matmul) -> Asked<Way> {
        let [operands, result] = [element(key.dtype), element(key.result)].map(|of| of.ok_or(Status::NoWay));
        let (operands, result, (compute, scale)) = (operands?, result?, arithmetic(key));
        let batch = i32::try_from(key.batch).map_err(|_| Status::NoWay)?;
        let algorithm = cublasLtMatmulAlgo_t { data: [0; 8] };
        let mut way =
            Way { functions, product: ptr::null_mut(), matrices: [ptr::null_mut(); 3], scale, algorithm, room: 0 };
        call!(functions, cublasLtMatmulDescCreate(&mut way.product, compute, scale))?;
        for (attribute, matrix) in
            [(OfProduct::CUBLASLT_MATMUL_DESC_TRANSA, &key.left), (OfProduct::CUBLASLT_MATMUL_DESC_TRANSB, &key.right)]
        {
            // `CUBLAS_OP_N` or `CUBLAS_OP_T`, which the bindings of cuBLASLt leave out.
            let turned = u32::from(matrix.turned);
            let at = (&raw const turned).cast();
            call!(functions, cublasLtMatmulDescSetAttribute(way.product, attribute, at, size_of_val(&turned)))?;
        }
        if let Some(bias) = key.bias {
            // Its vectors are of these types.
            let typed = [DType::F32, DType::F16, DType::BF16].contains(&key.result);
            if !typed || !bias.is_multiple_of(VECTOR) {
                return Err(Status::NoWay);
            }
            let epilogue = sys::cublasLtEpilogue_t::CUBLASLT_EPILOGUE_BIAS as u32;
            let at = (&raw const epilogue).cast();
            let attribute = OfProduct::CUBLASLT_MATMUL_DESC_EPILOGUE;
            call!(functions, cublasLtMatmulDescSetAttribute(way.product, attribute, at, size_of_val(&epilogue)))?;
            let at = (&raw const bias).cast();
            let attribute = OfProduct::CUBLASLT_MATMUL_DESC_BIAS_POINTER;
            call!(functions, cublasLtMatmulDescSetAttribute(way.product, attribute, at, size_of_val(&bias)))?;
        }
        let shapes =
            [(operands, key.rows, key.terms), (operands, key.terms, key.columns), (result, key.rows, key.columns)];
        for ((to, matrix), (element, rows, columns)) in
            way.matrices.iter_mut().zip([&key.left, &key.right, &key.out]).zip(shapes)
        {
            let (rows, columns) = if matrix.turned { (columns, rows) } else { (rows, columns) };
            call!(functions, cublasLtMatrixLayoutCreate(to, element, rows, columns, matrix.step))?;
            let (count, step) = ((&raw const batch).cast(), (&raw const matrix.batch_step).cast());
            let of_count = OfMatrix::CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT;
            call!(functions, cublasLtMatrixLayoutSetAttribute(*to, of_count, count, size_of::<i32>()))?;
            let of_step = OfMatrix::CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET;
            call!(functions, cublasLtMatrixLayoutSetAttribute(*to, of_step, step, size_of::<i64>()))?;
        }
        Ok(way)
    }
}

impl Drop for Way {
    fn drop(&mut self) {
        // Nobody is left to tell of an error.
        for matrix in self.matrices.into_iter().filter(|matrix| !matrix.is_null()) {
            let _ = call!(self.functions, cublasLtMatrixLayoutDestroy(matrix));
        }
        if !self.product.is_null() {
            let _ = call!(self.functions, cublasLtMatmulDescDestroy(self.product));
        }
    }
}

/// What ways may be chosen.
struct Choice {
    functions: &'static Functions,
    preference: cublasLtMatmulPreference_t,
}

impl Choice {
    fn new(functions: &'static Functions, key: &Matmul) -> Asked<Choice> {
        let mut choice = Choice { functions, preference: ptr::null_mut() };
        call!(functions, cublasLtMatmulPreferenceCreate(&mut choice.preference))?;
        choice.set(OfChoice::CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, &ROOM)?;
        choice.set(OfChoice::CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK, &SPLITS)?;
        for (attribute, at) in [
            (OfChoice::CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, key.left.at),
            (OfChoice::CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, key.right.at),
            (OfChoice::CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, key.out.at),
            // A vector has none of its own, and is read as the result is written.
            (OfChoice::CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, key.bias.map_or(key.out.at, |b| b.min(key.out.at))),
        ] {
            choice.set(attribute, &(at as u32))?;
        }
        Ok(choice)
    }

    fn set<T>(&self, attribute: OfChoice, value: &T) -> Asked<()> {
        let at = ptr::from_ref(value).cast();
        call!(self.functions, cublasLtMatmulPreferenceSetAttribute(self.preference, attribute, at, size_of::<T>()))
    }
}

impl Drop for Choice {
    fn drop(&mut self) {
        if !self.preference.is_null() {
            let _ = call!(self.functions, cublasLtMatmulPreferenceDestroy(self.preference));
        }
    }
}

impl Functions {
    fn check(&self, call: &'static str, code: u32) -> Asked<()> {
        match code {
            SUCCESS => Ok(()),
            NO_MEMORY => Err(Status::Refused(Refusal::OutOfMemory)),
            code if NO_WAY.contains(&code) => Err(Status::NoWay),
            other => Err(Status::Refused(failed(call, self.name(other)))),
        }
    }

    fn name(&self, code: u32) -> String {
        // SAFETY: it takes any number, and answers a text that it keeps, or null.
        let text = unsafe { (self.cublasLtGetStatusName)(code) };
        match text.is_null() {
            true => format!("error {code}"),
            // SAFETY: a text of the library's ends with a zero and lives as long as the process.
            false => unsafe { CStr::from_ptr(text) }.to_string_lossy().into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn product(dtype: DType, turned: bool) -> Matmul {
        let matrix = |turned, batch_step| Matrix { at: 256, turned, step: 9, batch_step };
        let (left, right, out) = (matrix(turned, 0), matrix(!turned, 81), matrix(false, 100));
        let bias = (dtype == DType::F32 && turned).then_some(256);
        Matmul { dtype, result: dtype, tf32: false, batch: 3, rows: 5, columns: 7, terms: 8, left, right, out, bias }
    }

    /// Where cuBLASLt is, it takes every description that is made for it; without a GPU nothing is computed.
    #[test]
    fn the_library_takes_what_is_described_or_is_known_to_be_missing() {
        let functions = match functions() {
            Ok((functions, name)) => {
                eprintln!("{name}");
                functions
            }
            Err(state) => return eprintln!("skipped: {state:?} (NDFUSE_CUBLASLT names the library)"),
        };
        for dtype in DType::ALL {
            for turned in [false, true] {
                let (described, multiplied) = (product(*dtype, turned), element(*dtype).is_some());
                assert_eq!(Way::describe(functions, &described).is_ok(), multiplied, "{dtype}");
                assert!(Choice::new(functions, &described).is_ok());
            }
        }
        let vector = |at| Way::describe(functions, &Matmul { bias: Some(at), ..product(DType::F32, true) });
        assert!(vector(16).is_ok() && vector(8).is_err());
        assert_eq!(functions.name(NO_WAY[0]), "CUBLAS_STATUS_NOT_SUPPORTED");
        assert!(!functions.name(54_321).is_empty(), "a code that nobody knows is no harm");
    }

    #[test]
    fn a_way_is_kept_for_all_addresses_of_one_alignment() {
        assert_eq!([0x1000, 0x1080, 0x1004, 0x1008, 0x1010].map(alignment), [256, 128, 4, 8, 16]);
        assert_eq!(alignment(0), 256);
    }
}
