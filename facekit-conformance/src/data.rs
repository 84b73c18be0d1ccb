//! Models, photos and reference outputs, which are not part of the source tree.

use std::{
    env,
    fs::OpenOptions,
    io::{self, Write},
    path::{Path, PathBuf},
};

/// The folder that `FACEKIT_TEST_DATA` names, which holds `models/`, `data/` and `golden/`, for a test that needs
/// `files` from it.
///
/// Where the variable is not set the test is skipped, and visibly so: `SKIP <test>: …` goes to standard error, past
/// the test harness's capture, and is appended to the file that `FACEKIT_SKIP_LOG` names, if it names one.
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
/// If the variable is set and the folder or one of `files` is missing, or the line cannot be appended.
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

/// Says that `test` is skipped, and why, in the way that [`data`] does.
///
/// # Panics
///
/// If the line cannot be appended to the file that `FACEKIT_SKIP_LOG` names.
pub fn skip(test: &str, reason: &str) {
    let line = format!("SKIP {test}: {reason}\n");
    // A closed standard error is no reason to fail, and `eprint!` would be captured.
    let _ = io::stderr().write_all(line.as_bytes());
    if let Some(log) = env::var_os("FACEKIT_SKIP_LOG") {
        append(Path::new(&log), &line)
            .unwrap_or_else(|error| panic!("FACEKIT_SKIP_LOG, {}: {error}", log.display()));
    }
}

/// Appends in one write, so that tests running side by side do not mix their lines.
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
    fn finds_what_is_there() {
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
