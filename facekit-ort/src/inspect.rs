//! Checks of a library before ort loads it. ort panics on libraries that are too old, and its errors for other files do not
//! give the reason.

use std::ffi::CStr;
#[cfg(feature = "load-dynamic")]
use std::{
    error::Error,
    ffi::OsStr,
    fs::File,
    io::{Read, Seek, SeekFrom},
    path::Path,
};

#[cfg(feature = "load-dynamic")]
use libloading::Library;
use ort::sys::{ORT_API_VERSION, OrtApiBase};

/// Opens the library and reads its version. The error is the reason why it cannot be used.
#[cfg(feature = "load-dynamic")]
pub(crate) fn open(path: &Path) -> Result<(Library, String), String> {
    // The system's loader looks for a name without a folder.
    if path.parent() != Some(Path::new("")) {
        let metadata = path.metadata().map_err(|error| error.to_string())?;
        if !metadata.is_file() {
            let kind = if metadata.is_dir() {
                "a folder"
            } else {
                "a device or pipe"
            };
            return Err(format!("it is {kind}, not the file of a library"));
        }
        if is_cut_short(path).unwrap_or(false) {
            return Err("it is cut short".to_owned());
        }
    }
    let library = load(path.as_os_str()).map_err(|error| {
        if is_for_another_processor(path) {
            return "it is for another processor".to_owned();
        }
        // The source is the message of the system's loader.
        error
            .source()
            .map_or_else(|| error.to_string(), ToString::to_string)
    })?;
    let version = version(base(&library)?)?;
    Ok((library, version))
}

/// True if an ELF file for 64 bits ends before the last segment that the loader maps. Reading beyond the end of the file would
/// kill the process. `None` for files of other formats.
#[cfg(feature = "load-dynamic")]
fn is_cut_short(path: &Path) -> Option<bool> {
    const HEADER: usize = 64;
    const SEGMENT: usize = 56;
    const LOADED: u32 = 1;
    let mut file = File::open(path).ok()?;
    let length = file.metadata().ok()?.len();
    let mut header = [0; HEADER];
    file.read_exact(&mut header).ok()?;
    // 64 bits, little-endian.
    if !header.starts_with(b"\x7fELF\x02\x01") {
        return None;
    }
    let number = |bytes: &[u8], offset: usize, width: usize| {
        let bytes = bytes[offset..offset + width].iter().rev();
        bytes.fold(0_u64, |number, &byte| number << 8 | u64::from(byte))
    };
    let (table, size, count) = (
        number(&header, 32, 8),
        number(&header, 54, 2),
        number(&header, 56, 2),
    );
    if size != SEGMENT as u64 {
        return None;
    }
    file.seek(SeekFrom::Start(table)).ok()?;
    for _ in 0..count {
        let mut segment = [0; SEGMENT];
        if file.read_exact(&mut segment).is_err() {
            return Some(true);
        }
        let end = number(&segment, 8, 8).saturating_add(number(&segment, 32, 8));
        if number(&segment, 0, 4) == u64::from(LOADED) && end > length {
            return Some(true);
        }
    }
    Some(false)
}

/// True if the file is an ELF file for another processor than this program. The loader of Linux only reports such a file as
/// missing.
#[cfg(feature = "load-dynamic")]
fn is_for_another_processor(path: &Path) -> bool {
    let header = |path: &Path| {
        let mut header = [0; 20];
        File::open(path).ok()?.read_exact(&mut header).ok()?;
        header.starts_with(b"\x7fELF").then_some(header)
    };
    let program = std::env::current_exe().ok();
    match (header(path), program.as_deref().and_then(header)) {
        // Word size, byte order, and machine.
        (Some(a), Some(b)) => (&a[4..6], &a[18..]) != (&b[4..6], &b[18..]),
        _ => false,
    }
}

#[cfg(feature = "load-dynamic")]
#[expect(unsafe_code, reason = "loading a library runs its code")]
fn load(name: &OsStr) -> Result<Library, libloading::Error> {
    // SAFETY: loading runs the library's initializers, which must be sound. The user named this library, or it is in a place
    // where the system or Python keeps ONNX Runtime.
    unsafe { Library::new(name) }
}

#[cfg(feature = "load-dynamic")]
#[expect(unsafe_code, reason = "calls a function of the library")]
fn base(library: &Library) -> Result<*const OrtApiBase, String> {
    type GetApiBase = unsafe extern "C" fn() -> *const OrtApiBase;
    // SAFETY: in every version of ONNX Runtime the function of this name has this type. It takes no arguments and returns a
    // pointer to a constant. The symbol does not outlive the library.
    unsafe {
        let get = library
            .get::<GetApiBase>(b"OrtGetApiBase")
            .map_err(|_| "it is not ONNX Runtime: it has no function OrtGetApiBase".to_owned())?;
        Ok(get())
    }
}

/// The version of the library that is linked into the program.
#[cfg(not(feature = "load-dynamic"))]
#[expect(unsafe_code, reason = "calls a function of the library")]
pub(crate) fn linked() -> Result<String, String> {
    // SAFETY: see `base`.
    version(unsafe { ort::sys::OrtGetApiBase() })
}

/// The library's version, if it has the functions that this crate calls.
#[expect(unsafe_code, reason = "calls functions of the library")]
fn version(base: *const OrtApiBase) -> Result<String, String> {
    // SAFETY: the pointer is null or points to a constant of the library, whose two fields have not changed since the first
    // version. The version is a constant C string or null. The table of functions is not read.
    let (version, base) = unsafe {
        let base = base.as_ref().ok_or("OrtGetApiBase returns null")?;
        let version = (base.GetVersionString)();
        if version.is_null() {
            return Err("it does not report its version".to_owned());
        }
        (CStr::from_ptr(version).to_string_lossy().into_owned(), base)
    };
    let too_old = format!("version {version} is too old: at least 1.{ORT_API_VERSION} is needed");
    let mut numbers = version.split('.').map(|number| number.parse::<u32>().ok());
    match (numbers.next().flatten(), numbers.next().flatten()) {
        // Not left to `GetApi` below, which would also print to standard error.
        (Some(1), Some(minor)) if minor < ORT_API_VERSION => return Err(too_old),
        (Some(_), Some(_)) => {}
        _ => return Err(format!("it reports {version:?}, which is not a version")),
    }
    // SAFETY: the function accepts any number, and returns null for versions that it does not know.
    let api = unsafe { (base.GetApi)(ORT_API_VERSION) };
    if api.is_null() {
        return Err(format!(
            "version {version} does not have the functions of 1.{ORT_API_VERSION}"
        ));
    }
    Ok(version)
}

#[cfg(all(test, feature = "load-dynamic", target_os = "linux"))]
mod tests {
    use std::{env, fs};

    use super::*;

    #[test]
    fn a_truncated_library_is_refused_before_it_is_loaded() {
        let program = env::current_exe().unwrap();
        assert_eq!(is_cut_short(&program), Some(false));
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("libonnxruntime.so");
        let bytes = fs::read(program).unwrap();
        for length in [64, 100, 10_000] {
            fs::write(&path, &bytes[..length]).unwrap();
            assert_eq!(is_cut_short(&path), Some(true), "{length}");
            let error = open(&path).unwrap_err();
            assert_eq!(error, "it is cut short");
        }
        fs::write(&path, "text").unwrap();
        assert_eq!(is_cut_short(&path), None);
    }
}
