//! Compiled kernels on disk, so that a process need not compile what another has compiled.
//!
//! In: a key, which is all that the code depends on, and the code. Out: the code again. Always: an entry holds its whole key
//! and a checksum, so one of another key, a damaged one and half a one count as none; an entry appears by a rename, so
//! any number of processes may read and write at once; a folder that others may write to, or that is another's, or a link, is
//! not used at all; nothing here is an error, for whoever finds nothing compiles.
//! Next: [`super::kernels`].

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// What an entry begins with; another layout gets another number.
const MAGIC: &[u8; 8] = b"ndfuse 1";

/// The folder that `NDFUSE_CACHE` names, else the user's own for such things; `off` is none.
pub(super) fn usual() -> Option<PathBuf> {
    let named = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    match named("NDFUSE_CACHE") {
        Some(path) if path.as_os_str() == "off" => None,
        Some(path) => Some(path),
        None => {
            let parent = named("XDG_CACHE_HOME").or_else(|| Some(named("HOME")?.join(".cache")));
            parent.filter(|parent| parent.is_absolute()).map(|parent| parent.join("ndfuse"))
        }
    }
}

/// A folder of the user's own.
#[derive(Debug)]
pub(super) struct Folder(PathBuf);

impl Folder {
    /// The folder, made if it is not there; `None` if it cannot be trusted.
    pub(super) fn open(path: PathBuf) -> Option<Folder> {
        make(&path).ok()?;
        trusted(&path).then_some(Folder(path))
    }

    fn path(&self, key: &str) -> PathBuf {
        self.0.join(format!("{:016x}.cubin", hash(key.as_bytes())))
    }

    /// The code of this key.
    pub(super) fn read(&self, key: &str) -> Option<Vec<u8>> {
        let bytes = fs::read(self.path(key)).ok()?;
        let rest = bytes.strip_prefix(MAGIC)?;
        let (sum, rest) = rest.split_first_chunk()?;
        let (length, body) = rest.split_first_chunk()?;
        let whole = hash(rest) == u64::from_le_bytes(*sum);
        let (found, code) = body.split_at_checked(usize::try_from(u64::from_le_bytes(*length)).ok()?)?;
        (whole && found == key.as_bytes()).then(|| code.to_vec())
    }

    /// Keeps the code of this key, if it can.
    pub(super) fn write(&self, key: &str, code: &[u8]) {
        let temporary = temporary(&self.0);
        if write(&temporary, &entry(key, code)).and_then(|()| fs::rename(&temporary, self.path(key))).is_err() {
            // It may not be there, and somebody else may have written the entry.
            let _ = fs::remove_file(&temporary);
        }
    }
}

/// A file that nobody else makes.
fn temporary(folder: &Path) -> PathBuf {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    folder.join(format!(".{}.{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed)))
}

fn entry(key: &str, code: &[u8]) -> Vec<u8> {
    let body = [&(key.len() as u64).to_le_bytes()[..], key.as_bytes(), code].concat();
    [&MAGIC[..], &hash(&body).to_le_bytes(), &body].concat()
}

fn write(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    // A file that is already there is no file of ours.
    let mut file = File::options().write(true).create_new(true).open(path)?;
    file.write_all(bytes)?;
    file.sync_data()
}

#[cfg(unix)]
fn make(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

#[cfg(not(unix))]
fn make(path: &Path) -> std::io::Result<()> {
    fs::create_dir_all(path)
}

/// A folder itself, no link to one, of this user's, that nobody else can write to or read.
#[cfg(unix)]
fn trusted(path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let Ok(folder) = fs::symlink_metadata(path) else { return false };
    if !folder.is_dir() || folder.mode() & 0o077 != 0 {
        return false;
    }
    // A file that is made now is this user's.
    let probe = temporary(path);
    let own = write(&probe, &[]).and_then(|()| fs::symlink_metadata(&probe)).map(|made| made.uid());
    let _ = fs::remove_file(&probe);
    own.is_ok_and(|own| own == folder.uid())
}

/// Elsewhere a user's folders are the user's own.
#[cfg(not(unix))]
fn trusted(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|folder| folder.is_dir())
}

/// FNV-1a: the same on every machine.
fn hash(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A place of this test's own, gone with it.
    struct Place(PathBuf);

    impl Place {
        fn new(name: &str) -> Place {
            let path = std::env::temp_dir().join(format!("ndfuse-cache-{}-{name}", std::process::id()));
            let _ = fs::remove_dir_all(&path);
            Place(path)
        }

        fn open(&self) -> Folder {
            Folder::open(self.0.clone()).expect("a new folder is trusted")
        }
    }

    impl Drop for Place {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn what_is_written_is_read_again() {
        let place = Place::new("round");
        let folder = place.open();
        assert_eq!(folder.read("key"), None);
        folder.write("key", b"code");
        folder.write("key", b"other code");
        assert_eq!(folder.read("key").as_deref(), Some(&b"other code"[..]));
        assert_eq!((place.open().read("key").is_some(), folder.read("another")), (true, None));
        let names: Vec<_> = fs::read_dir(&place.0).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert_eq!(names.len(), 1, "nothing temporary stays: {names:?}");
    }

    #[test]
    fn a_damaged_entry_is_none() {
        let place = Place::new("damage");
        let folder = place.open();
        folder.write("key", b"some code");
        let good = fs::read(folder.path("key")).unwrap();
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 1;
            fs::write(folder.path("key"), &bad).unwrap();
            assert_eq!(folder.read("key"), None, "byte {at}");
            fs::write(folder.path("key"), &good[..at]).unwrap();
            assert_eq!(folder.read("key"), None, "{at} bytes");
        }
        fs::write(folder.path("key"), entry("another", b"some code")).unwrap();
        assert_eq!(folder.read("key"), None, "an entry of another key in its place");
        folder.write("key", b"some code");
        assert!(folder.read("key").is_some());
    }

    #[test]
    #[cfg(unix)]
    fn a_folder_that_is_not_the_users_own_is_not_used() {
        use std::os::unix::fs::{PermissionsExt, symlink};
        let place = Place::new("trust");
        drop(place.open());
        let link = place.0.with_extension("link");
        let _ = fs::remove_file(&link);
        symlink(&place.0, &link).unwrap();
        assert!(Folder::open(link.clone()).is_none(), "a link");
        fs::remove_file(&link).unwrap();
        for mode in [0o770, 0o707, 0o701, 0o777] {
            fs::set_permissions(&place.0, fs::Permissions::from_mode(mode)).unwrap();
            assert!(Folder::open(place.0.clone()).is_none(), "{mode:o}");
        }
        fs::set_permissions(&place.0, fs::Permissions::from_mode(0o700)).unwrap();
        assert!(Folder::open(place.0.clone()).is_some());
        assert!(Folder::open("/proc/ndfuse".into()).is_none(), "a folder that cannot be made");
    }

    #[test]
    fn readers_never_see_half_an_entry() {
        let place = Place::new("race");
        let folder = place.open();
        let codes: Vec<Vec<u8>> = (0..4u8).map(|k| vec![k; 50_000]).collect();
        std::thread::scope(|scope| {
            for code in &codes {
                scope.spawn(|| (0..30).for_each(|_| folder.write("key", code)));
            }
            for _ in 0..2 {
                scope.spawn(|| {
                    (0..100).filter_map(|_| folder.read("key")).for_each(|found| assert!(codes.contains(&found)));
                });
            }
        });
        assert!(folder.read("key").is_some());
    }
}
