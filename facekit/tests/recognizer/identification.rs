use facekit::{
    Error, ExamineOptions, IdentifyOptions, Outcome, QualityOptions, RecognizeOptions, Subject,
};

use crate::{
    parts::{Scripted, at_angle, enroll, gallery, id, parts, recognizer},
    scenes::{Face, face, scene},
};

#[test]
fn candidates_are_listed_nearest_first() {
    let recognizer = recognizer();
    enroll(&recognizer, "anna", 0.0);
    enroll(&recognizer, "bela", 20.0);
    enroll(&recognizer, "carla", 90.0);
    let list = |degrees, options: &IdentifyOptions| {
        let candidates = recognizer.identify(&at_angle(degrees), options).unwrap();
        let list = candidates.into_iter();
        list.map(|candidate| (candidate.identity.person.to_string(), candidate.matches))
            .collect::<Vec<_>>()
    };
    let matched = |person: &str, matches| (person.to_owned(), matches);
    assert_eq!(
        list(4.0, &IdentifyOptions::default()),
        [matched("anna", true)]
    );
    let all = IdentifyOptions::default().with_k(9);
    assert_eq!(
        list(4.0, &all),
        [
            matched("anna", true),
            matched("bela", true),
            matched("carla", false)
        ]
    );
    let roster = recognizer
        .gallery()
        .unwrap()
        .roster(&[id("carla")])
        .unwrap();
    assert_eq!(
        list(4.0, &all.with_roster(roster)),
        [matched("carla", false)]
    );
}

#[test]
fn identification_needs_a_gallery() {
    let without = parts().build().unwrap();
    assert!(matches!(
        without.identify(&at_angle(0.0), &IdentifyOptions::default()),
        Err(Error::InvalidArgument {
            argument: "gallery",
            ..
        })
    ));
    let empty = recognizer();
    let candidates = empty.identify(&at_angle(0.0), &IdentifyOptions::default());
    assert_eq!(candidates.unwrap(), []);
}

/// `examine`, `embed` and `identify` are the steps of `recognize`.
#[test]
fn the_steps_give_the_same_result() {
    let recognizer = parts()
        .liveness(Scripted)
        .gallery(gallery())
        .build()
        .unwrap();
    enroll(&recognizer, "anna", 0.0);
    let frame = scene(&[
        face(5.0).at(4, 4),
        face(60.0).at(36, 4),
        face(0.0).at(68, 4).live(20),
        Face {
            textured: false,
            ..face(0.0).at(4, 40)
        },
    ]);
    let whole = recognizer.recognize(frame.view()).unwrap();
    let faces = recognizer
        .examine(frame.view(), &ExamineOptions::default())
        .unwrap();
    assert_eq!(faces.len(), whole.len());
    for (face, expected) in faces.into_iter().zip(whole) {
        assert_eq!(face.detection, expected.detection);
        assert_eq!(face.quality, expected.quality);
        assert_eq!(face.liveness, expected.liveness);
        let passed = face.passed();
        let outcome = face.refused.unwrap_or_else(|| {
            let embedding = recognizer.embed(&[face.aligned]).unwrap().remove(0);
            let candidates = recognizer.identify(&embedding, &IdentifyOptions::default());
            Outcome::from_candidates(candidates.unwrap())
        });
        assert_eq!(outcome, expected.outcome);
        assert_eq!(passed, expected.embedding.is_some());
    }
}

#[test]
fn options_of_an_examination() {
    let recognizer = parts().liveness(Scripted).build().unwrap();
    let flat = Face {
        textured: false,
        ..face(0.0).at(4, 4)
    };
    let frame = scene(&[flat, face(0.0).at(40, 4).side(40).live(10)]);
    let examine = |options: &ExamineOptions| {
        let faces = recognizer.examine(frame.view(), options).unwrap();
        let refused = |face: facekit::ExaminedFace| face.refused;
        faces.into_iter().map(refused).collect::<Vec<_>>()
    };
    let refused = examine(&ExamineOptions::default());
    assert!(matches!(
        refused[..],
        [Some(Outcome::PoorQuality { .. }), Some(Outcome::Spoof)]
    ));
    let largest = ExamineOptions::default().with_subject(Subject::Largest);
    assert_eq!(examine(&largest), [Some(Outcome::Spoof)]);
    let lenient = ExamineOptions::default()
        .with_quality(QualityOptions::anything())
        .with_liveness(false);
    assert_eq!(examine(&lenient), [None, None]);
    // The recognizer's own subject is the default of both.
    let kiosk = parts().subject(Subject::Largest).build().unwrap();
    let examined = kiosk.examine(frame.view(), &ExamineOptions::default());
    let recognized = kiosk.recognize_with(frame.view(), &RecognizeOptions::default());
    assert_eq!(examined.unwrap().len(), recognized.unwrap().len());

    let mut broken = QualityOptions::anything();
    broken.min_brightness = f32::NAN;
    let error = recognizer.examine(
        frame.view(),
        &ExamineOptions::default().with_quality(broken),
    );
    assert!(matches!(error, Err(Error::InvalidArgument { .. })));
}
