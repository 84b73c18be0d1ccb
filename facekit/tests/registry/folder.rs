//! The manifest in the models folder, and entries that are added to it.

use std::fs;

use facekit::{
    Calibration, CalibrationPoint, Correction, Error, Recognizability, Registry, Task,
    UnrecognizableKind,
};

use crate::manifest;

#[test]
fn the_manifest_of_the_folder_is_read() {
    let folder = tempfile::tempdir().unwrap();
    assert!(Registry::in_folder(folder.path()).is_ok());
    fs::write(folder.path().join("models.toml"), manifest(|text| text)).unwrap();
    let registry = Registry::in_folder(folder.path()).unwrap();
    assert_eq!(registry.model("ours").unwrap().task(), Task::Embedder);

    fs::write(folder.path().join("models.toml"), "[[model]]\nname = 3").unwrap();
    let error = Registry::in_folder(folder.path()).unwrap_err();
    assert!(error.to_string().contains("models.toml"), "{error}");
    assert!(error.to_string().contains("model number 1"), "{error}");
}

#[test]
fn programs_with_different_bundles_share_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let bundle = |registry: &mut Registry| {
        let text = manifest(|text| text);
        registry.add_bundle(&text, "here", [("ours", &b"right"[..])])
    };
    let mut with = Registry::builtin();
    bundle(&mut with).unwrap();
    let mut with = with.read_folder(folder.path()).unwrap();
    let mut set = with.set("standard").unwrap().clone();
    set.name = "shared".to_owned();
    set.embedder = "ours".to_owned();
    with.keep_set(&set).unwrap();
    assert_eq!(with.resolve("shared").unwrap().embedder.name, "ours");

    // The other program has no such model. It leaves the set out, and keeps it in the file.
    let mut without = Registry::in_folder(folder.path()).unwrap();
    assert!(without.set("shared").unwrap_err().is_not_found());
    set.name = "mine".to_owned();
    set.embedder = "mobilefacenet".to_owned();
    without.keep_set(&set).unwrap();
    let mut again = Registry::builtin();
    bundle(&mut again).unwrap();
    let again = again.read_folder(folder.path()).unwrap();
    assert!(again.set("shared").is_ok());
    assert!(again.set("mine").is_ok());
}

#[test]
fn models_and_sets_are_added_to_the_folder() {
    let folder = tempfile::tempdir().unwrap();
    let manifest = folder.path().join("models.toml");
    let ours = "# Ours.\n[[set]]\nname = \"office\" # theirs\ndetector = \"yunet_s\"\nembedder = \"mobilefacenet\"\n";
    fs::write(&manifest, ours).unwrap();

    let mut registry = Registry::in_folder(folder.path()).unwrap();
    let original = registry.model("mobilefacenet").unwrap().clone();
    let first = original.derived("small", b"first", "made small");
    registry.keep_model(&first, b"first").unwrap();
    let mut second = original.derived("small", b"second", "made small");
    let points = [(1e-2, 0.3), (1e-4, 0.5)].map(|(fmr, score)| CalibrationPoint::new(fmr, score));
    let space = second.space().unwrap();
    second.calibration = Some(Calibration::new(&space, points.into(), "a test").unwrap());
    registry.keep_model(&second, b"second").unwrap();
    let mut set = registry.set("office").unwrap().clone();
    set.name = "small_office".to_owned();
    set.embedder = "small".to_owned();
    registry.keep_set(&set).unwrap();

    assert!(fs::read_to_string(&manifest).unwrap().starts_with(ours));
    let registry = Registry::in_folder(folder.path()).unwrap();
    assert_eq!(registry.model("small").unwrap(), &second);
    assert_eq!(registry.open("small").unwrap().bytes(), b"second");
    assert_eq!(registry.resolve("small_office").unwrap().embedder, second);
    assert_eq!(registry.resolve("office").unwrap().embedder, original);
}

#[test]
fn figures_are_added_to_the_folder() {
    let folder = tempfile::tempdir().unwrap();
    let mut registry = Registry::in_folder(folder.path()).unwrap();
    let mut set = registry.resolve("standard").unwrap();
    let space = set.space().unwrap();
    let mut values = vec![0.0; space.dimension()];
    values[3] = 1.0;
    let kind = UnrecognizableKind::new("blurred", &values, 0.5, 0.4).unwrap();
    let measured =
        Recognizability::new(&space, vec![kind], Correction::default(), "a test").unwrap();
    set.set_recognizability(Some(measured.clone()));
    registry.keep_figures(&set.embedder).unwrap();
    let again = Registry::in_folder(folder.path()).unwrap();
    assert_eq!(again.model("mobilefacenet").unwrap(), &set.embedder);
    let again = again.resolve("standard").unwrap();
    assert_eq!(again.recognizability(), Some(&measured));
    assert_eq!(again.space(), Some(space));
}

#[test]
fn invalid_entries_are_not_added() {
    let folder = tempfile::tempdir().unwrap();
    let mut registry = Registry::in_folder(folder.path()).unwrap();
    let original = registry.model("mobilefacenet").unwrap().clone();
    let entry = original.derived("small", b"these", "made small");
    let error = registry.keep_model(&entry, b"others").unwrap_err();
    assert!(matches!(error, Error::HashMismatch { .. }), "{error}");

    let nameless = original.derived("no name", b"these", "made small");
    let error = registry.keep_model(&nameless, b"these").unwrap_err();
    assert!(error.to_string().contains("no name"), "{error}");
    assert!(registry.model("no name").is_err());
    assert!(!folder.path().join("no name.onnx").exists());

    let manifest = folder.path().join("models.toml");
    fs::write(&manifest, "model = 3").unwrap();
    let error = registry.keep_model(&entry, b"these").unwrap_err();
    assert!(error.to_string().contains("models.toml"), "{error}");
    assert_eq!(fs::read_to_string(&manifest).unwrap(), "model = 3");
    assert!(!folder.path().join("small.onnx").exists());
}
