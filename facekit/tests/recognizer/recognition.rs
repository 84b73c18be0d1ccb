use facekit::{
    DetectOptions, Detection, Detector, EnrollOptions, Error, ExamineOptions, Image, ImageView,
    Outcome, PersonId, PixelFormat, RecognizeOptions, Rect, Result, Subject, Threshold,
};
use proptest::prelude::*;

use crate::{
    parts::{
        MeanColor, Scripted, THRESHOLD, enroll, gallery, id, mean_color, outcomes, parts,
        recognized, recognizer,
    },
    scenes::{Face, face, scene},
};

#[test]
fn every_outcome() {
    let recognizer = parts()
        .liveness(Scripted)
        .gallery(gallery())
        .build()
        .unwrap();
    enroll(&recognizer, "anna", 0.0);
    enroll(&recognizer, "bela", 120.0);
    let frame = scene(&[
        face(5.0).at(4, 4),
        face(118.0).at(36, 4),
        face(60.0).at(68, 4),
        face(0.0).at(100, 4).live(20),
        Face {
            textured: false,
            ..face(0.0).at(4, 40)
        },
        face(0.0).at(40, 40).side(6),
    ]);
    let found = recognizer.recognize(frame.view()).unwrap();
    let expected = [
        "known anna",
        "known bela",
        "unknown",
        "spoof",
        "poor quality",
        "poor quality",
    ];
    assert_eq!(outcomes(&found), expected);

    let Outcome::Known(anna) = &found[0].outcome else {
        unreachable!()
    };
    assert!((anna.score - 5_f32.to_radians().cos()).abs() < 0.01);
    assert_eq!((&anna.name, anna.fmr), (&None, None));
    assert!(found[0].embedding.is_some() && found[0].liveness.unwrap().value() == 0.9);
    // The nearest person of an unknown face is named, too.
    let Outcome::Unknown {
        nearest: Some(nearest),
    } = &found[2].outcome
    else {
        unreachable!()
    };
    assert!((nearest.score - 0.5).abs() < 0.02);
    // A refused face is not embedded. A face that the quality gate refused is not checked for liveness either.
    assert!(found[3].embedding.is_none() && found[3].liveness.unwrap().value() == 0.2);
    assert!(found[4].embedding.is_none() && found[4].liveness.is_none());
    let codes = |nth: usize| match &found[nth].outcome {
        Outcome::PoorQuality { issues } => issues.iter().map(|issue| issue.code()).collect(),
        _ => Vec::new(),
    };
    assert!(codes(4).contains(&"blurred") && codes(4).contains(&"low_contrast"));
    assert!(codes(5).contains(&"too_small"));

    assert!(recognizer.recognize(scene(&[]).view()).unwrap().is_empty());
}

#[test]
fn without_a_gallery_everyone_is_unknown() {
    let recognizer = parts().build().unwrap();
    let found = recognizer.recognize(scene(&[face(0.0)]).view()).unwrap();
    assert_eq!(found[0].outcome, Outcome::Unknown { nearest: None });
    let photo = scene(&[face(0.0)]);
    assert!(matches!(
        recognizer.enroll(&id("anna"), &[photo.view()], &EnrollOptions::default()),
        Err(Error::InvalidArgument { .. })
    ));
    let empty = parts().gallery(gallery()).build().unwrap();
    let found = empty.recognize(scene(&[face(0.0)]).view()).unwrap();
    assert_eq!(found[0].outcome, Outcome::Unknown { nearest: None });
}

#[test]
fn coinciding_landmarks_are_no_face() {
    let collapsed = Face {
        collapsed: true,
        ..face(0.0).at(60, 20)
    };
    let found = recognizer()
        .recognize(scene(&[collapsed, face(0.0)]).view())
        .unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].detection.rect, face(0.0).rect());
}

#[test]
fn the_format_of_the_image_does_not_matter() {
    let recognizer = recognizer();
    enroll(&recognizer, "anna", 0.0);
    let frame = scene(&[face(0.0)]);
    let bgr: Vec<u8> = frame
        .data()
        .chunks(3)
        .flat_map(|p| [p[2], p[1], p[0]])
        .collect();
    let bgr = ImageView::new(&bgr, 640, 480, PixelFormat::Bgr8).unwrap();
    assert_eq!(
        outcomes(&recognizer.recognize(bgr).unwrap()),
        ["known anna"]
    );
}

#[test]
fn subjects() {
    let small = face(0.0).at(70, 50).side(20);
    let large = face(60.0).at(4, 4).side(40);
    let frame = scene(&[small, large]);
    let recognizer = recognizer();
    for (subject, expected) in [
        (Subject::All, vec![small.rect(), large.rect()]),
        (Subject::Largest, vec![large.rect()]),
        (Subject::Central, vec![small.rect()]),
    ] {
        let options = RecognizeOptions::default().with_subject(subject);
        let found = recognizer.recognize_with(frame.view(), &options).unwrap();
        let rects: Vec<Rect> = found.iter().map(|face| face.detection.rect).collect();
        assert_eq!(rects, expected, "{subject:?}");
        assert!(Subject::choose(subject, Vec::new(), (640, 480)).is_empty());
    }
    let kiosk = parts().subject(Subject::Largest).build().unwrap();
    assert_eq!(kiosk.recognize(frame.view()).unwrap().len(), 1);
    let all = RecognizeOptions::default().with_subject(Subject::All);
    assert_eq!(kiosk.recognize_with(frame.view(), &all).unwrap().len(), 2);
}

#[test]
fn a_roster_limits_the_search_itself() {
    let recognizer = recognizer();
    enroll(&recognizer, "anna", 0.0);
    enroll(&recognizer, "bela", 18.0);
    let frame = scene(&[face(3.0)]);
    let with = |roster: &[&str]| {
        let people: Vec<PersonId> = roster.iter().map(|person| id(person)).collect();
        let roster = recognizer.gallery().unwrap().roster(&people)?;
        let options = RecognizeOptions::default().with_roster(roster);
        recognizer.recognize_with(frame.view(), &options)
    };
    assert_eq!(outcomes(&with(&["anna", "bela"]).unwrap()), ["known anna"]);
    // Anna is nearer, but not on the list. Her templates do not crowd out Bela's.
    assert_eq!(outcomes(&with(&["bela"]).unwrap()), ["known bela"]);
    assert_eq!(
        with(&[]).unwrap()[0].outcome,
        Outcome::Unknown { nearest: None }
    );
    let error = with(&["anna", "carla"]).unwrap_err();
    assert!(matches!(&error, Error::UnknownPerson { id } if id == "carla") && error.is_not_found());

    let roster = recognizer.gallery().unwrap().roster(&[]).unwrap();
    let options = RecognizeOptions::default().with_roster(roster);
    let error = parts()
        .build()
        .unwrap()
        .recognize_with(frame.view(), &options);
    assert!(matches!(
        error,
        Err(Error::InvalidArgument {
            argument: "roster",
            ..
        })
    ));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_batch_is_what_its_frames_are(
        frames in prop::collection::vec(prop::collection::vec((0_u16..360, 0_u8..=100, any::<bool>()), 0..4), 0..5),
    ) {
        let embedder = mean_color();
        let calls = embedder.calls.clone();
        let recognizer = parts().embedder(embedder).liveness(Scripted).gallery(gallery()).build().unwrap();
        enroll(&recognizer, "anna", 0.0);
        enroll(&recognizer, "bela", 150.0);
        let scenes: Vec<Image> = frames.iter().map(|faces| {
            let faces: Vec<Face> = faces.iter().enumerate().map(|(nth, &(degrees, live, textured))| {
                Face { textured, ..face(f32::from(degrees)).at(4 + 32 * nth as u8, 8).live(live) }
            }).collect();
            scene(&faces)
        }).collect();
        let views: Vec<ImageView<'_>> = scenes.iter().map(Image::view).collect();

        calls.lock().unwrap().clear();
        let options = RecognizeOptions::default();
        let frames: Vec<_> = views.iter().map(|&view| (view, &options)).collect();
        let batch = recognizer.recognize_batch(&frames).unwrap();
        let fit = batch.iter().flatten().filter(|face| face.embedding.is_some()).count();
        let embedded = batch.iter().flatten().filter_map(|face| face.embedding.as_ref());
        let mirrored = embedded.filter(|embedding| embedding.is_mirrored()).count();
        let expected = if mirrored == 0 { vec![fit] } else { vec![fit, mirrored] };
        prop_assert_eq!(&*calls.lock().unwrap(), &expected, "all frames in one call, and all mirror images in one");

        prop_assert_eq!(batch.len(), views.len());
        for (&view, batch) in views.iter().zip(&batch) {
            let one = recognizer.recognize(view).unwrap();
            prop_assert_eq!(one.len(), batch.len());
            for (one, batch) in one.iter().zip(batch) {
                prop_assert_eq!(&one.outcome, &batch.outcome);
                prop_assert_eq!(&one.detection, &batch.detection);
                prop_assert_eq!(&one.quality, &batch.quality);
                prop_assert_eq!(&one.liveness, &batch.liveness);
                prop_assert_eq!(&one.embedding, &batch.embedding);
            }
        }
    }

    #[test]
    fn a_match_is_what_the_threshold_says(enrolled in 0_u16..360, seen in 0_u16..360) {
        let apart = (f32::from(enrolled) - f32::from(seen)).to_radians().cos();
        // Colors are integers, so near the threshold either answer is right.
        prop_assume!((apart - THRESHOLD).abs() > 0.02);
        let recognizer = recognizer();
        enroll(&recognizer, "anna", f32::from(enrolled));
        let expected = if apart >= THRESHOLD { "known anna" } else { "unknown" };
        prop_assert_eq!(recognized(&recognizer, &[face(f32::from(seen))]), [expected]);
    }
}

#[test]
fn an_embedder_that_loses_faces_is_an_error() {
    let embedder = MeanColor {
        forgetful: true,
        ..mean_color()
    };
    let recognizer = parts()
        .embedder(embedder)
        .gallery(gallery())
        .build()
        .unwrap();
    let photo = scene(&[face(0.0)]);
    let view = photo.view();
    assert!(recognizer.recognize(view).is_err());
    assert!(recognizer.verify(view, view).is_err());
    assert!(
        recognizer
            .enroll(&id("anna"), &[view, view], &EnrollOptions::default())
            .is_err()
    );
    assert!(recognizer.gallery().unwrap().people().is_empty());
}

/// Finds a face at a fixed place, whatever the image shows.
#[derive(Debug)]
struct AtAPlace(Detection);

impl Detector for AtAPlace {
    fn detect(&self, _: ImageView<'_>, _: &DetectOptions) -> Result<Vec<Detection>> {
        Ok(vec![self.0])
    }

    fn largest_side(&self) -> Option<usize> {
        None
    }
}

#[test]
fn the_light_of_a_face_is_judged_after_equalization() {
    let place = face(0.0);
    let Rect {
        x, y, width: side, ..
    } = place.rect();
    let dark = |x: usize, y: usize| ((x / 4 * 7 + y / 4 * 13) % 24) as u8;
    let pixels = (0..480).flat_map(|y| (0..640).flat_map(move |x| [dark(x, y); 3]));
    let image = Image::from_rgb8(pixels.collect(), 640, 480).unwrap();
    let examine = |equalize| {
        let options = DetectOptions::default().with_equalize(equalize);
        let recognizer = parts()
            .detector(AtAPlace(place.detection(0)))
            .detect_options(options)
            .build()
            .unwrap();
        let faces = recognizer.examine(image.view(), &ExamineOptions::default());
        faces.unwrap().remove(0)
    };
    let (plain, equalized) = (examine(false), examine(true));
    let Some(Outcome::PoorQuality { issues }) = &plain.refused else {
        panic!("{plain:?}")
    };
    let codes: Vec<&str> = issues.iter().map(|issue| issue.code()).collect();
    assert_eq!(codes, ["too_dark", "low_contrast"]);
    assert!(equalized.passed(), "{equalized:?}");
    assert!(equalized.quality.brightness > plain.quality.brightness);
    assert!(equalized.quality.contrast > plain.quality.contrast);
    assert!(equalized.quality.score > plain.quality.score);
    // Other properties are those of the image itself, and the embedder gets the image itself.
    assert_eq!(equalized.quality.sharpness, plain.quality.sharpness);
    assert_eq!(equalized.aligned, plain.aligned);
    assert_eq!(equalized.detection.rect, Rect::new(x, y, side, side));
}

#[test]
fn faces_that_are_known_already_are_not_searched_for() {
    let recognizer = recognizer();
    enroll(&recognizer, "anna", 0.0);
    let image = scene(&[face(0.0), face(90.0).at(90, 20)]);
    let found = recognizer.find_faces(image.view()).unwrap();
    assert_eq!((found.faces.len(), found.reduction), (2, 1.0));

    let second = found.faces[1..].to_vec();
    let options = RecognizeOptions::default().with_faces(second.clone());
    let recognized = recognizer.recognize_with(image.view(), &options).unwrap();
    assert_eq!(outcomes(&recognized), ["unknown"]);
    assert_eq!(recognized[0].detection, second[0]);
    let examine = ExamineOptions::default().with_faces(second);
    assert_eq!(recognizer.examine(image.view(), &examine).unwrap().len(), 1);

    // In a batch, each image has its own.
    let nothing = RecognizeOptions::default().with_faces(Vec::new());
    let batch = recognizer
        .recognize_batch(&[(image.view(), &options), (image.view(), &nothing)])
        .unwrap();
    assert_eq!(outcomes(&batch[0]), ["unknown"]);
    assert!(batch[1].is_empty());
}

#[test]
fn each_image_of_a_batch_has_its_own_options() {
    let embedder = mean_color();
    let calls = embedder.calls.clone();
    let recognizer = parts()
        .embedder(embedder)
        .gallery(gallery())
        .build()
        .unwrap();
    enroll(&recognizer, "anna", 0.0);
    enroll(&recognizer, "bela", 150.0);
    let image = scene(&[face(0.0).at(4, 4), face(150.0).at(40, 4)]);
    let course = recognizer.gallery().unwrap().roster(&[id("bela")]).unwrap();
    let all = RecognizeOptions::default();
    let largest = all.clone().with_subject(Subject::Largest);
    let rostered = all.clone().with_roster(course);
    let strict = all.clone().with_threshold(Threshold::Score(2.0));
    let frames = [&all, &largest, &rostered, &strict].map(|options| (image.view(), options));
    calls.lock().unwrap().clear();
    let batch = recognizer.recognize_batch(&frames).unwrap();
    assert_eq!(&*calls.lock().unwrap(), &[7], "all frames in one call");
    assert_eq!(outcomes(&batch[0]), ["known anna", "known bela"]);
    assert_eq!(batch[1].len(), 1);
    assert_eq!(outcomes(&batch[2]), ["unknown", "known bela"]);
    assert_eq!(outcomes(&batch[3]), ["unknown", "unknown"]);
    for (found, (view, options)) in batch.iter().zip(frames) {
        let alone = recognizer.recognize_with(view, options).unwrap();
        assert_eq!(outcomes(found), outcomes(&alone));
    }

    // A threshold is checked before the images are.
    for odd in [Threshold::Score(f32::NAN), Threshold::Fmr(2.0)] {
        let odd = all.clone().with_threshold(odd);
        let error = recognizer.recognize_batch(&[(image.view(), &all), (image.view(), &odd)]);
        let error = error.unwrap_err();
        assert!(error.to_string().starts_with("threshold: "), "{error}");
    }
    let without = parts().build().unwrap();
    let error = without
        .recognize_batch(&[(image.view(), &rostered)])
        .unwrap_err();
    assert!(error.to_string().starts_with("roster: "), "{error}");
}
