//! What the registry knows, how names are resolved, and what it says of files and of manifests that are wrong.

#![cfg(feature = "engine")]

use std::{collections::BTreeSet, fs};

use facekit::{
    Calibration, CalibrationPoint, ColorOrder, Digest, Error, FileState, HeadSpec, Registry, Task,
};
use proptest::prelude::*;

/// A manifest of one embedder, with `change` applied to its text.
fn manifest(change: impl FnOnce(String) -> String) -> String {
    change(format!(
        r#"
[[model]]
name = "ours"
file = "ours.onnx"
url = "https://models.example.org/ours.onnx"
exports = [{{ sha256 = "{}", bytes = 5 }}]
licence = "MIT"
commercial_use = true
source = "trained by us"

[model.arcface]
pixels = {{ color = "rgb" }}
side = 112
dimension = 64
"#,
        Digest::of("right")
    ))
}

fn reason(text: &str) -> String {
    match Registry::builtin().add_manifest(text, "test.toml") {
        Err(Error::Manifest { origin, reason, .. }) => {
            assert_eq!(origin, "test.toml");
            reason
        }
        other => panic!("{other:?} for {text}"),
    }
}

#[test]
fn builtin_entries_are_consistent() {
    let registry = Registry::builtin();
    let names: Vec<&str> = registry.models().map(|model| model.name.as_str()).collect();
    assert_eq!(
        names,
        [
            "minifasnet_v1se",
            "minifasnet_v2",
            "mobilefacenet",
            "scrfd_500m",
            "sface_2021dec",
            "sface_2021dec_int8",
            "w600k_mbf",
            "w600k_r50",
            "yunet_2023mar",
            "yunet_n",
            "yunet_s",
        ]
    );
    let mut digests = BTreeSet::new();
    for model in registry.models() {
        let url = model.url.as_deref();
        assert!(
            url.is_some_and(|url| url.starts_with("https://")),
            "{url:?}"
        );
        assert!(model.file.ends_with(".onnx"), "{}", model.file);
        assert!(!model.source.is_empty());
        for export in &model.exports {
            assert!(digests.insert(export.sha256), "{} twice", export.sha256);
        }
        let insightface = model.licence.contains("InsightFace");
        assert_eq!(model.commercial_use, !insightface, "{}", model.name);
    }
    // What `standard` is made of may be used by anybody and is tested.
    for model in registry.resolve("standard").unwrap().models() {
        assert!(model.commercial_use && model.tested, "{}", model.name);
    }
    let untested: Vec<&str> = registry
        .models()
        .filter(|model| !model.tested)
        .map(|model| model.name.as_str())
        .collect();
    assert_eq!(
        untested,
        [
            "sface_2021dec",
            "sface_2021dec_int8",
            "w600k_mbf",
            "w600k_r50"
        ]
    );
}

#[test]
fn builtin_heads() {
    let registry = Registry::builtin();
    let head = |name| registry.model(name).unwrap().head.clone();
    let HeadSpec::YuNet(yunet) = head("yunet_n") else {
        panic!()
    };
    assert_eq!(yunet.pixels.color, ColorOrder::Bgr);
    assert_eq!((yunet.pixels.mean, yunet.pixels.std), ([0.0; 3], [1.0; 3]));
    assert_eq!(yunet.strides, [8, 16, 32]);
    let HeadSpec::ArcFace(arcface) = head("mobilefacenet") else {
        panic!()
    };
    for (channel, (mean, std)) in [(0.485, 0.229), (0.456, 0.224), (0.406, 0.225)]
        .into_iter()
        .enumerate()
    {
        assert!((arcface.pixels.mean[channel] - 255.0 * mean).abs() < 1e-4);
        assert!((arcface.pixels.std[channel] - 255.0 * std).abs() < 1e-4);
    }
    let contexts = ["minifasnet_v2", "minifasnet_v1se"].map(|name| match head(name) {
        HeadSpec::MiniFasNet(spec) => spec.context,
        other => panic!("{other:?}"),
    });
    assert_eq!(contexts, [2.7, 4.0]);
}

#[test]
fn entries_serialise_with_their_head() {
    let entry = serde_json::to_value(Registry::builtin().model("scrfd_500m").unwrap()).unwrap();
    assert_eq!(entry["scrfd"]["anchors"], 2);
    assert_eq!(entry["exports"][0]["bytes"], 2_524_817);
}

#[test]
fn selections() {
    let registry = Registry::builtin();
    let named = |selection| {
        let set = registry.resolve(selection).unwrap();
        let names: Vec<String> = set.models().map(|model| model.name.clone()).collect();
        names.join(" ")
    };
    let standard = "yunet_n mobilefacenet minifasnet_v2 minifasnet_v1se";
    for (selection, expected) in [
        ("standard", standard),
        (" standard , yunet_n ", standard),
        (
            "standard,scrfd_500m",
            "scrfd_500m mobilefacenet minifasnet_v2 minifasnet_v1se",
        ),
        (
            "w600k_r50",
            "yunet_n w600k_r50 minifasnet_v2 minifasnet_v1se",
        ),
        ("minifasnet_v1se", "yunet_n mobilefacenet minifasnet_v1se"),
        (
            "minifasnet_v1se,minifasnet_v2",
            "yunet_n mobilefacenet minifasnet_v1se minifasnet_v2",
        ),
        (
            "minifasnet_v2,minifasnet_v2",
            "yunet_n mobilefacenet minifasnet_v2",
        ),
        (
            "yunet_s,scrfd_500m",
            "scrfd_500m mobilefacenet minifasnet_v2 minifasnet_v1se",
        ),
        ("scrfd_500m,standard", standard),
    ] {
        assert_eq!(named(selection), expected, "{selection}");
    }
    let members: Vec<&str> = registry
        .members("minifasnet_v1se,standard")
        .unwrap()
        .into_iter()
        .map(|model| model.name.as_str())
        .collect();
    assert_eq!(
        members,
        [
            "minifasnet_v1se",
            "yunet_n",
            "mobilefacenet",
            "minifasnet_v2"
        ]
    );
}

#[test]
fn unknown_names() {
    let registry = Registry::builtin();
    for (name, suggestion) in [
        ("yunet_m", Some("yunet_n")),
        ("standart", Some("standard")),
        ("mobilfacenet", Some("mobilefacenet")),
        ("resnet", None),
        ("", None),
    ] {
        match registry.resolve(name) {
            Err(Error::UnknownModel { closest, known, .. }) => {
                assert_eq!(closest.as_deref(), suggestion, "{name}");
                assert!(known.starts_with("standard, minifasnet_v1se, "), "{known}");
            }
            other => panic!("{other:?}"),
        }
    }
    assert!(
        registry
            .resolve("standard,nope")
            .unwrap_err()
            .is_not_found()
    );
    assert!(registry.path("standard").unwrap_err().is_not_found());
}

#[test]
fn files() {
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
        Err(Error::ModelMissing { model, path: at }) if model == "ours" && at == path
    ));

    fs::write(&path, "right").unwrap();
    let digest = Digest::of("right");
    assert_eq!(
        registry.verify("ours").unwrap(),
        FileState::Verified { digest }
    );
    let model = registry.open("ours").unwrap();
    assert_eq!((model.name(), model.bytes()), ("ours", &b"right"[..]));
    // Nobody vouches for weights beside the file.
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
fn manifests_override_by_name_and_all_or_nothing() {
    let mut registry = Registry::builtin();
    let before = registry.models().len();
    registry
        .add_manifest(
            &manifest(|text| text.replace("\"ours\"", "\"mobilefacenet\"")),
            "test.toml",
        )
        .unwrap();
    assert_eq!(registry.models().len(), before);
    assert_eq!(
        registry.resolve("standard").unwrap().embedder.licence,
        "MIT"
    );

    // A good model does not slip in before a bad set.
    let text = manifest(|text| {
        text + "\n[[set]]\nname = \"bad\"\ndetector = \"ours\"\nembedder = \"ours\"\n"
    });
    registry.add_manifest(&text, "test.toml").unwrap_err();
    assert_eq!(registry.models().len(), before);
}

#[test]
fn the_folder_has_a_manifest_too() {
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

    // What lies in the folder by this name does not matter.
    fs::write(registry.path("ours").unwrap(), "wrong").unwrap();
    assert_eq!(registry.open("ours").unwrap().bytes(), b"right");

    // A later manifest that wants other weights gets them from the folder.
    let other = format!("\"{}\"", Digest::of("wrong"));
    let text = manifest(|text| text.replace(&format!("\"{digest}\""), &other));
    registry.add_manifest(&text, "later").unwrap();
    assert_eq!(registry.open("ours").unwrap().bytes(), b"wrong");
}

#[test]
fn a_bundle_holds_what_it_says() {
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

#[test]
fn a_folder_shared_with_programs_that_bundle_more() {
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

    // The other program has no such model, and goes on without the set; nor does it lose it.
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
fn wrong_manifests_name_the_entry() {
    let replaced = |from: &str, to: &str| manifest(|text| text.replace(from, to));
    let set = |rest: &str| format!("[[set]]\nname = \"s\"\n{rest}");
    for (text, expected) in [
        ("[[model]\n".to_owned(), "line 1: "),
        ("\n\nname = ".to_owned(), "line 3: "),
        ("surprise = 1".to_owned(), "unknown field `surprise`"),
        (
            replaced("licence", "license"),
            "model \"ours\": unknown field `license`",
        ),
        (
            replaced("side = 112", "side = 112\nsides = 1"),
            "model \"ours\": unknown field `sides`",
        ),
        (
            replaced("bytes = 5", "size = 5"),
            "model \"ours\": unknown field `size`",
        ),
        (
            replaced("licence = \"MIT\"", ""),
            "model \"ours\": missing field `licence`",
        ),
        (
            replaced("name = \"ours\"", ""),
            "model number 1: missing field `name`",
        ),
        (replaced("112", "0"), "model \"ours\": side is 0"),
        (replaced("112", "-1"), "model \"ours\": invalid value"),
        (
            replaced("\"rgb\"", "\"rgb\", std = [1, 0, 1]"),
            "model \"ours\": pixels.std",
        ),
        (
            replaced("\"rgb\"", "\"rgb\", mean = [nan, 0, 0]"),
            "model \"ours\": pixels.mean",
        ),
        (
            replaced("arcface", "resnet"),
            "model \"ours\": unknown field `resnet`",
        ),
        (
            replaced(
                "[model.arcface]\npixels = { color = \"rgb\" }\nside = 112\ndimension = 64",
                "",
            ),
            "model \"ours\": exactly one of the tables",
        ),
        (
            manifest(|text| {
                text + "[model.minifasnet]\npixels = { color = \"bgr\" }\nside = 80\ncontext = 2\nlive = 1"
            }),
            "model \"ours\": exactly one of the tables",
        ),
        (
            manifest(|text| text.clone() + &text),
            "\"ours\": the name is given twice",
        ),
        (
            replaced("\"ours.onnx\"", "\"../ours.onnx\""),
            "model \"ours\": file \"../ours.onnx\"",
        ),
        (
            replaced("\"ours.onnx\"", "'a\\b.onnx'"),
            "model \"ours\": file",
        ),
        (
            replaced("\"ours.onnx\"", "\"models.toml\""),
            "model \"ours\": file \"models.toml\" is a name facekit needs",
        ),
        (
            replaced("\"ours.onnx\"", "\"YuNet_n_dynamic.onnx\""),
            "is the file of model",
        ),
        (
            replaced("\"ours\"", "\"a,b\""),
            "model \"a,b\": name \"a,b\"",
        ),
        (
            replaced("https:", "ftp:"),
            "model \"ours\": url \"ftp://models.example.org/ours.onnx\" is not https",
        ),
        (
            replaced("https:", "http:"),
            "model \"ours\": url \"http://models.example.org/ours.onnx\" is plain http",
        ),
        (
            replaced("https://models", "http://127.0.0.1@models"),
            "is plain http",
        ),
        (replaced("https://", "/"), "is not an address"),
        (
            replaced("models.example.org", "models example.org"),
            "must be percent-encoded",
        ),
        (
            replaced("sha256 = \"", "sha256 = \"0"),
            "is not 64 hexadecimal digits",
        ),
        (
            manifest(|text| {
                let exports = text
                    .lines()
                    .find(|line| line.starts_with("exports"))
                    .unwrap();
                text.replace(exports, "exports = []")
            }),
            "model \"ours\": exports is empty",
        ),
        (
            set("detector = \"nope\"\nembedder = \"mobilefacenet\""),
            "set \"s\": there is no model \"nope\"",
        ),
        (
            set("detector = \"mobilefacenet\"\nembedder = \"mobilefacenet\""),
            "set \"s\": \"mobilefacenet\" as detector: its task is embedder",
        ),
        (
            set("detector = \"yunet_n\"\nembedder = \"mobilefacenet\"\nliveness = [\"yunet_n\"]"),
            "set \"s\": \"yunet_n\" as liveness: its task is detector",
        ),
        (
            set("detector = \"yunet_n\"\nembedder = \"mobilefacenet\"\ncamera = 1"),
            "set \"s\": unknown field `camera`",
        ),
        (
            // An embedder in the place of a detector that a built-in set needs.
            replaced("name = \"ours\"", "name = \"yunet_n\""),
            "set \"standard\": \"yunet_n\" as detector: its task is embedder",
        ),
        (
            replaced("name = \"ours\"", "name = \"standard\""),
            "set \"standard\": a model has this name",
        ),
    ] {
        let reason = reason(&text);
        assert!(reason.contains(expected), "{reason:?} lacks {expected:?}");
        assert!(!reason.contains('\n'), "{reason:?}");
    }
}

#[test]
fn plain_http_is_for_this_machine() {
    for host in ["127.0.0.1:8000", "localhost", "[::1]:80", "127.3.2.1"] {
        let text =
            manifest(|text| text.replace("https://models.example.org", &format!("http://{host}")));
        Registry::builtin().add_manifest(&text, "test").unwrap();
    }
}

proptest! {
    #[test]
    fn any_text_is_a_manifest_or_an_error(text in any::<String>()) {
        let _ = Registry::builtin().add_manifest(&text, "test");
    }

    /// Text that gets further than the TOML parser.
    #[test]
    fn damaged_manifests_do_not_panic(
        at in 0..600_usize,
        length in 0..30_usize,
        patch in "[a-z0-9\\[\\]{}=\"'.,# \n-]{0,12}|\\PC{0,4}",
    ) {
        let mut text = manifest(|text| text);
        let start = at.min(text.len());
        let end = (start + length).min(text.len());
        if text.is_char_boundary(start) && text.is_char_boundary(end) {
            text.replace_range(start..end, &patch);
        }
        let _ = Registry::builtin().add_manifest(&text, "test");
    }
}

#[test]
fn models_are_kept_in_the_folder() {
    let folder = tempfile::tempdir().unwrap();
    let manifest = folder.path().join("models.toml");
    let ours = "# Ours.\n[[set]]\nname = \"office\" # theirs\ndetector = \"yunet_s\"\nembedder = \"mobilefacenet\"\n";
    fs::write(&manifest, ours).unwrap();

    let mut registry = Registry::in_folder(folder.path()).unwrap();
    let original = registry.model("mobilefacenet").unwrap().clone();
    let first = original.derived("small", b"first", "made small");
    registry.keep_model(&first, b"first").unwrap();
    let mut second = original.derived("small", b"second", "made small");
    let points = [(1e-2, 0.3), (1e-4, 0.5)].map(|(fmr, score)| CalibrationPoint { fmr, score });
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
fn what_breaks_the_rules_is_not_kept() {
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
