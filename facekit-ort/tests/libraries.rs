//! Files that cannot be used as the library of ONNX Runtime. Each is an error that gives the reason; none crashes the process.

#![cfg(feature = "load-dynamic")]

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use facekit::{Error, LoadOptions, Model, Runtime};
use facekit_conformance::skip;
use facekit_ort::Ort;
use tempfile::{TempDir, tempdir};

/// Asserts that the file is refused by `Ort::library` and when a model is loaded, and that the reason contains `words`.
fn assert_refused(path: &Path, words: &str) {
    let ort = Ort::new().with_library(path);
    let model = Model::from_bytes("model", []);
    let library = ort.library().map(drop);
    let loaded = ort.load(&model, &LoadOptions::default()).map(drop);
    for outcome in [library, loaded] {
        match outcome {
            Err(Error::LibraryUnavailable {
                runtime, reason, ..
            }) => {
                assert_eq!(runtime, "ort");
                assert!(reason.contains(words), "{words:?} is not in {reason:?}");
                assert!(reason.contains(&*path.to_string_lossy()), "{reason:?}");
                assert!(reason.contains("pip install onnxruntime"), "{reason:?}");
            }
            other => panic!("expected Error::LibraryUnavailable, found {other:?}"),
        }
    }
}

#[test]
fn a_missing_file() {
    assert_refused(&tempdir().unwrap().path().join("gone.so"), "No such file");
}

#[test]
fn a_folder() {
    assert_refused(tempdir().unwrap().path(), "a folder");
}

#[cfg(target_os = "linux")]
#[test]
fn a_text_file_and_an_empty_file() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("libonnxruntime.so");
    fs::write(
        &path,
        "version https://git-lfs.github.com/spec/v1\n".repeat(9),
    )
    .unwrap();
    assert_refused(&path, "invalid ELF header");
    fs::write(&path, "").unwrap();
    assert_refused(&path, "file too short");
}

/// A copy of this program with the machine number of another processor.
#[cfg(target_os = "linux")]
#[test]
fn a_library_for_another_processor() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("libonnxruntime.so");
    let mut program = fs::read(env::current_exe().unwrap()).unwrap();
    assert_eq!(program[..4], *b"\x7fELF");
    // 2 is SPARC.
    program[18..20].copy_from_slice(&2_u16.to_le_bytes());
    fs::write(&path, program).unwrap();
    assert_refused(&path, "another processor");
}

#[test]
fn another_library() {
    let source = "int something_else(void) { return 1; }";
    if let Some((_folder, path)) = compile("another_library", source) {
        assert_refused(&path, "not ONNX Runtime");
    }
}

#[test]
fn versions_that_are_too_old_or_invalid() {
    let test = "versions_that_are_too_old_or_invalid";
    for (version, words) in [
        ("\"1.17.3\"", "version 1.17.3 is too old: at least 1.24"),
        // The version is new, but the functions are missing.
        ("\"1.99.0\"", "does not have the functions of 1.24"),
        ("\"none\"", "which is not a version"),
        ("0", "does not report its version"),
    ] {
        let source = format!(
            "struct base {{ const void *(*api)(unsigned); const char *(*version)(void); }};
             static const void *api(unsigned version) {{ return 0; }}
             static const char *version(void) {{ return {version}; }}
             static const struct base base = {{ api, version }};
             const struct base *OrtGetApiBase(void) {{ return &base; }}"
        );
        let Some((_folder, path)) = compile(test, &source) else {
            return;
        };
        assert_refused(&path, words);
    }
    let source = "void *OrtGetApiBase(void) { return 0; }";
    if let Some((_folder, path)) = compile(test, source) {
        assert_refused(&path, "returns null");
    }
}

/// A shared library of this source. `None`, and the test is skipped, without a C compiler.
fn compile(test: &str, source: &str) -> Option<(TempDir, PathBuf)> {
    let folder = tempdir().unwrap();
    let (code, library) = (folder.path().join("a.c"), folder.path().join("a.so"));
    fs::write(&code, source).unwrap();
    let mut compiler = Command::new("cc");
    compiler
        .args(["-shared", "-fPIC", "-o"])
        .arg(&library)
        .arg(&code);
    let Ok(output) = compiler.output() else {
        skip(&format!("libraries::{test}"), "there is no C compiler");
        return None;
    };
    assert!(output.status.success(), "{output:?}");
    Some((folder, library))
}
