//! Models, photos and reference outputs that are not part of the source tree.

use std::{
    env,
    fs::OpenOptions,
    io::{self, Write},
    path::{Path, PathBuf},
};

/// The folder that the environment variable `FACEKIT_TEST_DATA` names, for a test that needs `files` in it. The folder holds
/// `models/`, `data/` and `golden/`.
///
/// If the variable is not set, this returns `None` and the test must return. The test is then skipped visibly: the line `SKIP
/// <test>: <reason>` is written to standard error, where the test harness does not capture it, and appended to the file that
/// `FACEKIT_SKIP_LOG` names, if it is set.
///
/// ```no_run
/// let Some(data) = facekit_conformance::data("embeds_faces", &["models/mobilefacenet.onnx"]) else {
///     return;
/// };
/// let model = facekit::Model::open(data.join("models/mobilefacenet.onnx"));
/// ```
///
/// # Panics
///
/// If the variable is set but the folder or one of `files` is missing, or if the line cannot be appended.
#[must_use]
pub fn data(test: &str, files: &[&str]) -> Option<PathBuf> {
    find(
        test,
        env::var_os("FACEKIT_TEST_DATA").map(PathBuf::from),
        files,
    )
}

fn find(test: &str, folder: Option<PathBuf>, files: &[&str]) -> Option<PathBuf> {
    let Some(folder) = folder else {
        skip(test, "FACEKIT_TEST_DATA is not set");
        return None;
    };
    assert!(
        folder.is_dir(),
        "{test}: FACEKIT_TEST_DATA is {}, which is not a folder",
        folder.display()
    );
    for file in files {
        let path = folder.join(file);
        assert!(path.exists(), "{test}: {} is missing", path.display());
    }
    Some(folder)
}

/// Reports that `test` is skipped for `reason`, as [`data`] does.
///
/// # Panics
///
/// If the line cannot be appended to the file that `FACEKIT_SKIP_LOG` names.
pub fn skip(test: &str, reason: &str) {
    let line = format!("SKIP {test}: {reason}\n");
    // The test harness would capture `eprint!`. An error, such as a closed standard error, is not a reason to fail.
    let _ = io::stderr().write_all(line.as_bytes());
    if let Some(log) = env::var_os("FACEKIT_SKIP_LOG") {
        append(Path::new(&log), &line)
            .unwrap_or_else(|error| panic!("FACEKIT_SKIP_LOG, {}: {error}", log.display()));
    }
}

/// Appends the line in one write, so that lines of tests that run at the same time do not mix.
fn append(log: &Path, line: &str) -> io::Result<()> {
    OpenOptions::new()
        .create(true)
        .append(true)
        .open(log)?
        .write_all(line.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_existing_folder_and_its_files_are_found() {
        let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
        let found = find("test", Some(here.clone()), &["Cargo.toml", "src/data.rs"]);
        assert_eq!(found, Some(here));
    }

    #[test]
    #[should_panic(expected = "nothing.onnx is missing")]
    fn a_missing_file_fails() {
        let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
        let _ = find("test", Some(here), &["nothing.onnx"]);
    }

    #[test]
    #[should_panic(expected = "which is not a folder")]
    fn a_missing_folder_fails() {
        let _ = find("test", Some("/nowhere/at/all".into()), &[]);
    }
}
