//! Files that are no library of ONNX Runtime that will do: each is an error that says why, and nothing worse.

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

/// That the library is refused, both when it is asked for and when a model is loaded, for a reason that has `words`.
fn refused(path: &Path, words: &str) {
    let ort = Ort::new().with_library(path);
    let model = Model::from_bytes("model", []);
    let asked = ort.library().map(drop);
    let loaded = ort.load(&model, &LoadOptions::default()).map(drop);
    for outcome in [asked, loaded] {
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
    refused(&tempdir().unwrap().path().join("gone.so"), "No such file");
}

#[test]
fn a_folder() {
    refused(tempdir().unwrap().path(), "a folder");
}

#[cfg(target_os = "linux")]
#[test]
fn a_text_and_an_empty_file() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("libonnxruntime.so");
    fs::write(
        &path,
        "version https://git-lfs.github.com/spec/v1\n".repeat(9),
    )
    .unwrap();
    refused(&path, "invalid ELF header");
    fs::write(&path, "").unwrap();
    refused(&path, "file too short");
}

/// This very program, as if it were for another processor.
#[cfg(target_os = "linux")]
#[test]
fn another_processor() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("libonnxruntime.so");
    let mut program = fs::read(env::current_exe().unwrap()).unwrap();
    assert_eq!(program[..4], *b"\x7fELF");
    // The machine: that of a SPARC.
    program[18..20].copy_from_slice(&2_u16.to_le_bytes());
    fs::write(&path, program).unwrap();
    refused(&path, "another processor");
}

#[test]
fn a_library_of_something_else() {
    let source = "int something_else(void) { return 1; }";
    if let Some((_folder, path)) = compiled("a_library_of_something_else", source) {
        refused(&path, "not ONNX Runtime");
    }
}

#[test]
fn versions_that_are_too_old_or_none() {
    for (version, words) in [
        ("\"1.17.3\"", "version 1.17.3 is too old: 1.24"),
        // New by its name, and without the functions.
        ("\"1.99.0\"", "does not have the functions of 1.24"),
        ("\"none\"", "which is none"),
        ("0", "does not tell its version"),
    ] {
        let source = format!(
            "struct base {{ const void *(*api)(unsigned); const char *(*version)(void); }};
             static const void *api(unsigned version) {{ return 0; }}
             static const char *version(void) {{ return {version}; }}
             static const struct base base = {{ api, version }};
             const struct base *OrtGetApiBase(void) {{ return &base; }}"
        );
        let Some((_folder, path)) = compiled("versions_that_are_too_old_or_none", &source) else {
            return;
        };
        refused(&path, words);
    }
    let source = "void *OrtGetApiBase(void) { return 0; }";
    if let Some((_folder, path)) = compiled("versions_that_are_too_old_or_none", source) {
        refused(&path, "gives nothing");
    }
}

/// A shared library of this source, where there is a C compiler.
fn compiled(test: &str, source: &str) -> Option<(TempDir, PathBuf)> {
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
