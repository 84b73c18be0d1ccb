//! The built-in manifest.

use std::collections::BTreeSet;

use facekit::{ColorOrder, HeadSpec, Registry};

#[test]
fn entries_are_consistent() {
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
        let insightface = model.license.contains("InsightFace");
        assert_eq!(model.commercial_use, !insightface, "{}", model.name);
    }
    // The models of `standard` allow commercial use and are tested.
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
fn heads_have_their_specifications() {
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
fn entries_serialize_with_their_head() {
    let entry = serde_json::to_value(Registry::builtin().model("scrfd_500m").unwrap()).unwrap();
    assert_eq!(entry["scrfd"]["anchors"], 2);
    assert_eq!(entry["exports"][0]["bytes"], 2_524_817);
}

#[test]
fn detectors_with_limits_offer_challenges() {
    let registry = Registry::builtin();
    let limits = |selection: &str| registry.resolve(selection).unwrap().challenge().cloned();
    let averaged = limits("standard").unwrap();
    assert!(averaged.mirrored && averaged.depth > 0.0);
    assert_eq!(limits("standard,scrfd_500m"), None);
    assert_eq!(limits("standard,yunet_s"), None);
}
