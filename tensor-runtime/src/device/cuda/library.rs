//! CUDA's libraries, opened when first asked for.
//!
//! In: a library's name, the functions that are wanted of it. Out: a table of them. Always: what is missing, a library or a
//! function, is an answer and not a panic; what a function answers is a number, so a code of a newer library, which the
//! bindings do not have, is no undefined behaviour; every function's parameters are those of the bindings, which the
//! compiler checks. Next: [`super::api`], [`super::compiler`], [`super::blas`].

use std::path::{Path, PathBuf};

use libloading::Library;

/// A table of functions, each of which answers with a code of type `$status` in the bindings `sys`. `as` names one whose
/// symbol is another than the binding's. Those under `plain` answer something else, or take a code, and are not checked.
macro_rules! functions {
    (
        $(#[$doc:meta])* $table:ident: $status:ty {
            $($function:ident $(as $symbol:literal)? ($($parameter:ty),* $(,)?);)*
        }
        plain { $($plain:ident($($argument:ty),* $(,)?) -> $answer:ty;)* }
    ) => {
        $(#[$doc])*
        #[allow(non_snake_case, reason = "the names of the library")]
        pub(super) struct $table {
            $(pub(super) $function: unsafe extern "C" fn($($parameter),*) -> u32,)*
            $(pub(super) $plain: unsafe extern "C" fn($($argument),*) -> $answer,)*
            /// The functions are its own.
            _library: libloading::Library,
        }

        impl $table {
            /// The functions, or the name of one that is missing.
            ///
            /// # Safety
            /// Functions of these names have these parameters there, and answer numbers of 32 bits, or what is said.
            unsafe fn of(library: libloading::Library) -> Result<$table, &'static str> {
                // SAFETY: the caller's promise.
                unsafe {
                    Ok($table {
                        $($function: *library.get($crate::device::cuda::library::symbol!($function $($symbol)?))
                            .map_err(|_| stringify!($function))?,)*
                        $($plain: *library.get(stringify!($plain)).map_err(|_| stringify!($plain))?,)*
                        _library: library,
                    })
                }
            }
        }

        $(const _: unsafe fn($($parameter),*) -> $status = sys::$function;)*
        const _: () = assert!(size_of::<$status>() == size_of::<u32>());
    };
}

macro_rules! symbol {
    ($function:ident) => {
        stringify!($function)
    };
    ($function:ident $symbol:literal) => {
        $symbol
    };
}

pub(super) use {functions, symbol};

/// Opens the library: the file that the variable names, or what the loader finds under one of the library's names.
pub(super) fn open(name: &str, variable: Option<&str>) -> Option<Library> {
    let named = variable.and_then(std::env::var_os).map(PathBuf::from);
    let known = cudarc::get_lib_name_candidates(name).into_iter().map(PathBuf::from);
    named.into_iter().chain(known).find_map(|path| load(&path))
}

/// Opens the library at a path.
pub(super) fn load(path: &Path) -> Option<Library> {
    // SAFETY: the initialisers of CUDA's libraries ask nothing of the program that loads them.
    unsafe { Library::new(path) }.ok()
}
