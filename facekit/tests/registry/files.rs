//! Files of models, in the models folder or in the program.

use std::fs;

use facekit::{Digest, Error, FileState, Registry};

use crate::manifest;

#[test]
fn a_file_is_verified_by_length_and_digest() {
    let folder = tempfile::tempdir().unwrap();
    let mut registry = Registry::builtin().with_folder(folder.path());
    registry
        .add_manifest(&manifest(|text| text), "test.toml")
        .unwrap();
    let path = registry.path("ours").unwrap();
    assert_eq!(path, folder.path().join("ours.onnx"));

    assert_eq!(registry.verify("ours").unwrap(), FileState::Missing);
    assert!(matches!(
        registry.open("ours"),
        Err(Error::ModelMissing { model, path: named }) if model == "ours" && named == path
    ));

    fs::write(&path, "right").unwrap();
    let digest = Digest::of("right");
    assert_eq!(
        registry.verify("ours").unwrap(),
        FileState::Verified { digest }
    );
    let model = registry.open("ours").unwrap();
    assert_eq!((model.name(), model.bytes()), ("ours", &b"right"[..]));
    // Without a path, no runtime looks for unverified weights beside the file.
    assert_eq!(model.path(), None);

    fs::write(&path, "wrong").unwrap();
    let digest = Digest::of("wrong");
    assert_eq!(
        registry.verify("ours").unwrap(),
        FileState::WrongHash { digest }
    );
    assert_eq!(registry.digest("ours").unwrap(), digest);
    let error = registry.open("ours").unwrap_err();
    assert!(matches!(&error, Error::HashMismatch { .. }), "{error}");
    assert!(error.to_string().contains("ours.onnx"), "{error}");

    fs::write(&path, "far too long").unwrap();
    assert_eq!(
        registry.verify("ours").unwrap(),
        FileState::WrongSize { bytes: 12 }
    );
}

#[test]
fn several_exports_are_accepted() {
    let folder = tempfile::tempdir().unwrap();
    let mut registry = Registry::builtin().with_folder(folder.path());
    let other = format!(
        "exports = [{{ sha256 = \"{}\" }}, ",
        Digest::of("another export")
    );
    registry
        .add_manifest(
            &manifest(|text| text.replace("exports = [", &other)),
            "test",
        )
        .unwrap();
    for content in ["right", "another export"] {
        fs::write(registry.path("ours").unwrap(), content).unwrap();
        assert_eq!(registry.open("ours").unwrap().bytes(), content.as_bytes());
    }
}

#[test]
fn bundled_models_need_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let mut registry = Registry::builtin().with_folder(folder.path());
    let bundle = [("ours", &b"right"[..])];
    let without_address = manifest(|text| {
        let address = text.lines().find(|line| line.starts_with("url")).unwrap();
        text.replace(address, "")
    });
    registry
        .add_bundle(&without_address, "here", bundle)
        .unwrap();
    let digest = Digest::of("right");
    let model = registry.open("ours").unwrap();
    assert_eq!((model.name(), model.bytes()), ("ours", &b"right"[..]));
    assert_eq!(model.path(), None);
    assert_eq!(registry.digest("ours").unwrap(), digest);
    let bundled = FileState::Bundled { digest, bytes: 5 };
    assert_eq!(registry.verify("ours").unwrap(), bundled);

    // A file of this name in the folder is ignored.
    fs::write(registry.path("ours").unwrap(), "wrong").unwrap();
    assert_eq!(registry.open("ours").unwrap().bytes(), b"right");

    // If a later manifest accepts other weights only, the file in the folder is used.
    let other = format!("\"{}\"", Digest::of("wrong"));
    let text = manifest(|text| text.replace(&format!("\"{digest}\""), &other));
    registry.add_manifest(&text, "later").unwrap();
    assert_eq!(registry.open("ours").unwrap().bytes(), b"wrong");
}

#[test]
fn bundled_files_are_verified() {
    let mut registry = Registry::builtin();
    let text = manifest(|text| text);
    let error = registry
        .add_bundle(&text, "here", [("ours", &b"wrong"[..])])
        .unwrap_err();
    assert!(matches!(error, Error::HashMismatch { .. }), "{error}");
    assert!(error.to_string().contains("ours in here"), "{error}");
    let error = registry
        .add_bundle(&text, "here", [("theirs", &b"right"[..])])
        .unwrap_err();
    assert!(error.is_not_found(), "{error}");
    assert!(registry.model("ours").is_err());
}
