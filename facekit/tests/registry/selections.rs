//! Selections, and unknown names.

use facekit::{Error, Registry};

use crate::with_second_look;

#[test]
fn later_names_replace_earlier_ones() {
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
fn a_second_look_needs_an_embedder_that_was_measured_with_it() {
    let registry = with_second_look();
    let landmarks = |selection| {
        let set = registry.resolve(selection).unwrap();
        set.landmarks.map(|landmarks| landmarks.model.name)
    };
    let steady = Some("steady".to_owned());
    assert_eq!(landmarks("standard"), None);
    assert_eq!(landmarks("looks"), steady);
    assert_eq!(landmarks("looks,yunet_s"), steady);
    assert_eq!(landmarks("looks,mobilefacenet"), steady);
    assert_eq!(landmarks("looks,w600k_r50"), None);
    assert_eq!(landmarks("looks,w600k_r50,looks"), steady);
    let names: Vec<&str> = registry.set("looks").unwrap().members().collect();
    assert_eq!(names, ["yunet_n", "steady", "mobilefacenet"]);

    let set = registry.resolve("looks").unwrap();
    let plain = set.clone().without_second_look();
    assert_eq!(plain.space(), set.embedder.space());
    assert_ne!(plain.space(), set.space());
    for set in [plain, set] {
        let (space, calibration) = (set.space().unwrap(), set.calibration().unwrap());
        calibration.check_space(&space).unwrap();
        set.recognizability().unwrap().check_space(&space).unwrap();
    }
}

#[test]
fn unknown_names_get_a_suggestion() {
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
