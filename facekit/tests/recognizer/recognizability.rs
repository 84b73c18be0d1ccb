//! Faces that the embedder cannot tell apart.

use facekit::{
    Correction, Embedder, EnrollOptions, Error, ExamineOptions, MeasuredEmbedder, Outcome,
    QualityIssue, QualityOptions, Recognizability, RecognizerBuilder, Refusal, UnrecognizableKind,
    Verification,
};

use crate::{
    parts::{another_space, at_angle, gallery, id, mean_color, outcomes, parts, space},
    scenes::{face, scene},
};

/// Faces around 200° cannot be recognized: not compared up to 10° from there, and not enrolled up to 30°.
fn recognizability() -> Recognizability {
    let (sin, cos) = 200_f32.to_radians().sin_cos();
    let limit = |degrees: f32| degrees.to_radians().cos();
    let kind = UnrecognizableKind::new("blurred", &[cos, sin, 0.0], limit(10.0), limit(30.0));
    Recognizability::new(
        &space(),
        vec![kind.unwrap()],
        Correction::default(),
        "made up",
    )
    .unwrap()
}

fn recognizer() -> RecognizerBuilder {
    let embedder = MeasuredEmbedder::new(mean_color(), space(), Some(recognizability()));
    parts().gallery(gallery()).embedder(embedder.unwrap())
}

#[test]
fn an_unrecognizable_face_is_not_compared() {
    let recognizer = recognizer().build().unwrap();
    let photo = scene(&[face(100.0)]);
    recognizer
        .enroll(&id("anna"), &[photo.view()], &EnrollOptions::default())
        .unwrap();
    let frame = scene(&[face(100.0), face(203.0).at(60, 20), face(222.0).at(100, 20)]);
    let found = recognizer.recognize(frame.view()).unwrap();
    assert_eq!(outcomes(&found), ["known anna", "poor quality", "unknown"]);
    let Outcome::PoorQuality { issues } = &found[1].outcome else {
        panic!("{found:?}")
    };
    let [
        issue @ QualityIssue::Unrecognizable {
            recognizability,
            minimum,
        },
    ] = &issues[..]
    else {
        panic!("{issues:?}")
    };
    assert!(*recognizability < 0.5 && *minimum == 0.5, "{issue:?}");
    assert_eq!(issue.code(), "unrecognizable");
    assert!(issue.to_string().contains("take a sharp photo"), "{issue}");
    // The quality is that of the worst property, and there is nothing to compare.
    assert_eq!(found[1].quality.recognizability, Some(*recognizability));
    assert!(found[1].quality.score <= *recognizability);
    assert!(found[1].embedding.is_none());
    assert_eq!(found[0].quality.recognizability, Some(1.0));
}

#[test]
fn enrollment_is_stricter_than_comparison() {
    let recognizer = recognizer().build().unwrap();
    let photos = [222.0, 203.0].map(|degrees| scene(&[face(degrees)]));
    let views = [photos[0].view(), photos[1].view()];
    let enroll = |options: &EnrollOptions<'_>| {
        let report = recognizer.enroll(&id("ben"), &views, options).unwrap();
        let refused: Vec<String> = report
            .refused
            .iter()
            .map(|photo| photo.refusal.to_string())
            .collect();
        (report.accepted, refused)
    };
    for augment in [false, true] {
        let options = EnrollOptions::default().with_augment(augment);
        let (accepted, refused) = enroll(&options);
        assert!(accepted.is_empty());
        assert_eq!(refused.len(), 2);
        for reason in refused {
            assert!(reason.starts_with("cannot be recognized: "), "{reason}");
        }
    }
    let lenient = EnrollOptions::default().with_quality(QualityOptions::recognition());
    assert_eq!(enroll(&lenient).0, [0]);
}

#[test]
fn verification_needs_two_recognizable_faces() {
    let recognizer = recognizer().build().unwrap();
    let (good, blurred) = (scene(&[face(100.0)]), scene(&[face(201.0)]));
    let verify = |a: &facekit::Image, b: &facekit::Image| recognizer.verify(a.view(), b.view());
    assert!(matches!(
        verify(&good, &good).unwrap(),
        Verification::Compared { same: true, .. }
    ));
    for (a, b, expected) in [
        (&good, &blurred, 1),
        (&blurred, &good, 0),
        (&blurred, &blurred, 0),
    ] {
        match verify(a, b).unwrap() {
            Verification::Unusable {
                photo,
                refusal: Refusal::PoorQuality { issues },
            } => {
                assert_eq!(photo, expected);
                assert!(matches!(issues[..], [QualityIssue::Unrecognizable { .. }]));
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_face_is_refused_when_it_is_embedded_alone() {
    let recognizer = recognizer().build().unwrap();
    let frame = scene(&[face(200.0)]);
    let options = ExamineOptions::default();
    let mut faces = recognizer.examine(frame.view(), &options).unwrap();
    assert!(faces[0].passed() && faces[0].quality.recognizability.is_none());
    let embedding = recognizer
        .embed_examined(frame.view(), &mut faces[0], &options)
        .unwrap();
    assert!(embedding.is_none());
    assert!(matches!(
        faces[0].refused,
        Some(Outcome::PoorQuality { .. })
    ));
    let anything = ExamineOptions::default().with_quality(QualityOptions::anything());
    let mut faces = recognizer.examine(frame.view(), &anything).unwrap();
    let embedding = recognizer
        .embed_examined(frame.view(), &mut faces[0], &anything)
        .unwrap();
    assert!(embedding.is_some() && faces[0].passed());
}

#[test]
fn an_embedder_that_was_not_measured_refuses_nobody() {
    let recognizer = parts().gallery(gallery()).build().unwrap();
    let found = recognizer.recognize(scene(&[face(200.0)]).view()).unwrap();
    assert_eq!(outcomes(&found), ["unknown"]);
    assert_eq!(found[0].quality.recognizability, None);
}

#[test]
fn figures_of_another_space_are_refused() {
    let kind = UnrecognizableKind::new("blurred", &[1.0, 0.0, 0.0], 0.5, 0.4).unwrap();
    let other = Recognizability::new(
        &another_space(),
        vec![kind],
        Correction::default(),
        "made up",
    )
    .unwrap();
    let error = MeasuredEmbedder::new(mean_color(), space(), Some(other)).unwrap_err();
    assert!(matches!(error, Error::SpaceMismatch { .. }), "{error}");
}

#[test]
fn a_removed_direction_does_not_count() {
    let kind = UnrecognizableKind::new("blurred", &[0.0, 0.0, 1.0], 0.5, 0.4).unwrap();
    let correction = Correction::new(Vec::new(), vec![vec![1.0, 0.0, 0.0]]).unwrap();
    let without = Recognizability::new(&space(), vec![kind], correction, "made up").unwrap();
    let embedder = MeasuredEmbedder::new(mean_color(), space(), Some(without)).unwrap();
    assert_ne!(*embedder.space(), space());
    let recognizer = parts().embedder(embedder).build().unwrap();
    let found = [30.0, 150.0].map(|degrees| {
        let mut found = recognizer
            .recognize(scene(&[face(degrees)]).view())
            .unwrap();
        found.remove(0).embedding.unwrap()
    });
    // 30° and 150° differ in the first value alone.
    assert!(found[0].cosine(&found[1]).unwrap() > 0.99);
    assert!(at_angle(30.0).cosine(&at_angle(150.0)).unwrap() < 0.0);
    assert!(found[0].cosine(&at_angle(30.0)).is_err());
}
