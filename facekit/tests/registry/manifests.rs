//! The rules of manifests.

use facekit::{Digest, Error, Registry};
use proptest::prelude::*;

use crate::manifest;

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
fn a_manifest_replaces_entries_or_adds_nothing() {
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
        registry.resolve("standard").unwrap().embedder.license,
        "MIT"
    );

    // A valid model before an invalid set is not added either.
    let text = manifest(|text| {
        text + "\n[[set]]\nname = \"bad\"\ndetector = \"ours\"\nembedder = \"ours\"\n"
    });
    registry.add_manifest(&text, "test.toml").unwrap_err();
    assert_eq!(registry.models().len(), before);
}

/// The manifest with a kind that has this direction and these limits.
fn recognizability(values: &str, comparison: f32, enrollment: f32) -> String {
    manifest(|text| {
        format!(
            "{text}[model.recognizability]\nmodel = \"ours\"\nspace = \"{}\"\ndata = \"made up\"\nkinds = [{{ name = \
             \"blurred\", comparison = {comparison}, enrollment = {enrollment}, direction = {values} }}]\n",
            Digest::of("a space")
        )
    })
}

fn second_look() -> String {
    format!(
        "[[model.second_look]]\nlandmarks = \"yunet_n\"\nweights = \"{}\"\n",
        Digest::of("a detector")
    )
}

#[test]
fn errors_name_the_invalid_entry() {
    let replaced = |from: &str, to: &str| manifest(|text| text.replace(from, to));
    let set = |rest: &str| format!("[[set]]\nname = \"s\"\n{rest}");
    for (text, expected) in [
        ("[[model]\n".to_owned(), "line 1: "),
        ("\n\nname = ".to_owned(), "line 3: "),
        ("surprise = 1".to_owned(), "unknown field `surprise`"),
        (
            replaced("license", "licence"),
            "model \"ours\": unknown field `licence`",
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
            replaced("license = \"MIT\"", ""),
            "model \"ours\": missing field `license`",
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
            "model \"ours\": file \"models.toml\" is a name that facekit needs",
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
            set("detector = \"yunet_n\"\nlandmarks = \"nope\"\nembedder = \"mobilefacenet\""),
            "set \"s\": there is no model \"nope\"",
        ),
        (
            set(
                "detector = \"yunet_n\"\nlandmarks = \"minifasnet_v2\"\nembedder = \"mobilefacenet\"",
            ),
            "set \"s\": \"minifasnet_v2\" as detector: its task is liveness",
        ),
        (
            set("detector = \"yunet_n\"\nmirrored = true\nembedder = \"mobilefacenet\""),
            "set \"s\": mirrored is for a second look",
        ),
        (
            manifest(|text| text + "[model.challenge]\ndepth = 0.1\ndata = \"made up\"\n"),
            "model \"ours\": only a detector has limits of a challenge",
        ),
        (
            recognizability("[0.6, 0.8]", 0.5, 0.4),
            "model \"ours\": embedding space the recognizability of ours@",
        ),
        (
            recognizability("[]", 0.5, 0.4),
            "model \"ours\": recognizability: kind \"blurred\": the direction is not a vector of length one",
        ),
        (
            recognizability("[0.6, 0.8]", 0.4, 0.5),
            "model \"ours\": recognizability: kind \"blurred\": the limits are 0.4 for comparison and 0.5",
        ),
        (
            manifest(|text| {
                text + "[[model.second_look]]\nlandmarks = \"yunet_n\"\nweights = \"nonsense\"\n"
            }),
            "model \"ours\": SHA-256: \"nonsense\" is not 64 hexadecimal digits",
        ),
        (
            manifest(|text| {
                let look = second_look();
                text + &look + &look
            }),
            "model \"ours\": the second look by yunet_n is listed twice",
        ),
        (
            set("detector = \"yunet_n\"\nembedder = \"mobilefacenet\"\ncamera = 1"),
            "set \"s\": unknown field `camera`",
        ),
        (
            // An embedder replaces the detector of a built-in set.
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
fn plain_http_is_allowed_for_this_machine() {
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

    /// Much of this text is valid TOML.
    #[test]
    fn damaged_manifests_do_not_panic(
        start in 0..600_usize,
        length in 0..30_usize,
        patch in "[a-z0-9\\[\\]{}=\"'.,# \n-]{0,12}|\\PC{0,4}",
    ) {
        let mut text = manifest(|text| text);
        let start = start.min(text.len());
        let end = (start + length).min(text.len());
        if text.is_char_boundary(start) && text.is_char_boundary(end) {
            text.replace_range(start..end, &patch);
        }
        let _ = Registry::builtin().add_manifest(&text, "test");
    }
}
