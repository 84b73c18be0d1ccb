//! The second look at faces, and the search for turned ones.

use std::sync::{Arc, Mutex};

use facekit::{
    AlignedFace, Correction, DetectOptions, Detection, Detector, Digest, Embedder, Embedding,
    EmbeddingSpace, EnrollOptions, ExamineOptions, Image, ImageView, Landmarks, Liveness,
    LivenessScore, MeasuredEmbedder, Outcome, Point, Recognizability, Recognizer,
    RecognizerBuilder, Rect, Result, SecondLook, SecondLookSpec, Subject, Threshold,
    UnrecognizableKind,
};

use crate::{
    parts::{FirstRow, gallery, id, mean_color, outcomes, parts, space},
    scenes::{face, scene},
};

/// Finds a face in the middle of a window if it has texture there, and if it is upright: brighter above than below.
#[derive(Clone, Debug, Default)]
struct Middle {
    /// Does not look at the light.
    any_side: bool,
    windows: Arc<Mutex<Vec<(usize, usize)>>>,
}

impl Detector for Middle {
    fn detect(&self, image: ImageView<'_>, _: &DetectOptions) -> Result<Vec<Detection>> {
        let (width, height) = (image.width(), image.height());
        self.windows.lock().unwrap().push((width, height));
        let pixels = image.rgb8();
        let at = |x: usize, y: usize| i32::from(pixels[3 * (y * width + x)]);
        // The window is 2.5 times as large as the face, and the one for turned faces twice.
        let side = width as f32 / if width == 160 { 2.5 } else { 2.0 };
        let left = (width as f32 - side) / 2.0;
        // A share of the face from top to bottom.
        let middle = |from: f32, to: f32| -> Vec<i32> {
            let row = |share: f32| (left + share * side) as usize;
            let columns = 2 * width / 5..3 * width / 5;
            (row(from)..row(to))
                .flat_map(|y| columns.clone().map(move |x| (x, y)))
                .map(|(x, y)| at(x, y))
                .collect()
        };
        let all = middle(0.1, 0.9);
        let textured = all.iter().max() > all.iter().min().map(|least| least + 20).as_ref();
        let (above, below) = (middle(0.06, 0.3), middle(0.7, 0.94));
        let mean = |values: &[i32]| values.iter().sum::<i32>() / values.len() as i32;
        let upright = self.any_side || mean(&above) >= mean(&below) + 10;
        if !(textured && upright) {
            return Ok(Vec::new());
        }
        let place = |x: f32, y: f32| Point::new(left + x * side / 112.0, left + y * side / 112.0);
        Ok(vec![Detection {
            rect: Rect::new(left, left, side, side),
            landmarks: [
                place(38.0, 50.0),
                place(74.0, 50.0),
                place(56.0, 72.0),
                place(41.0, 92.0),
                place(71.0, 92.0),
            ]
            .into(),
            score: 0.95,
        }])
    }

    fn largest_side(&self) -> Option<usize> {
        None
    }
}

/// Brightens the side of the face at (80, 80) that has 112 pixels: 0 for the top, 1 for the right, and so on. Darkens the other
/// side.
fn lit(image: Image, side: usize) -> Image {
    lit_at(image, 80, side)
}

/// Does the same for the face at (`left`, 80).
fn lit_at(mut image: Image, left: usize, side: usize) -> Image {
    for y in 80..192_usize {
        for x in left..left + 112 {
            let from_side = [y - 80, left + 111 - x, 191 - y, x - left][side];
            let change = match from_side {
                0..37 => 30,
                75.. => -30,
                _ => 0,
            };
            for value in &mut image.data_mut()[3 * (640 * y + x)..][..3] {
                *value = (i32::from(*value) + change) as u8;
            }
        }
    }
    image
}

fn second_look(detector: Middle) -> SecondLook {
    let weights = Digest::of("middle");
    let mirrored = false;
    SecondLook::new(detector, SecondLookSpec { weights, mirrored })
}

fn recognizer(detector: Middle) -> RecognizerBuilder {
    parts()
        .gallery(gallery())
        .second_look(second_look(detector))
}

fn examined(recognizer: &Recognizer, image: &Image) -> Vec<Detection> {
    let faces = recognizer
        .examine(image.view(), &ExamineOptions::default())
        .unwrap();
    faces.into_iter().map(|face| face.detection).collect()
}

fn assert_near(found: Point, x: f32, y: f32) {
    assert!(
        found.distance(Point::new(x, y)) < 1.5,
        "{found:?}, not ({x}, {y})"
    );
}

#[test]
fn landmarks_are_those_of_the_second_look() {
    let frame = lit(scene(&[face(40.0)]), 0);
    let first = examined(&parts().build().unwrap(), &frame);
    let middle = Middle::default();
    let windows = Arc::clone(&middle.windows);
    let recognizer = recognizer(middle).build().unwrap();
    let [found] = examined(&recognizer, &frame)[..] else {
        panic!("one face")
    };
    assert_eq!((found.rect, found.score), (first[0].rect, first[0].score));
    assert_near(found.landmarks.left_eye, 80.0 + 38.0, 80.0 + 50.0);
    assert_near(found.landmarks.right_mouth, 80.0 + 71.0, 80.0 + 92.0);
    assert_eq!(*windows.lock().unwrap(), [(160, 160)]);
    assert_eq!(recognizer.find_faces(frame.view()).unwrap().faces, [found]);
}

#[test]
fn what_is_not_confirmed_is_no_face() {
    // The larger one has no texture.
    let mut plain = face(40.0).at(70, 20).side(40);
    plain.textured = false;
    let frame = lit(scene(&[face(40.0), plain]), 0);
    let first = parts().build().unwrap();
    assert_eq!(examined(&first, &frame).len(), 2);
    for (subject, without) in [
        (Subject::All, 2),
        (Subject::Largest, 1),
        (Subject::Central, 1),
    ] {
        let options = ExamineOptions::default().with_subject(subject);
        let examine = |recognizer: &Recognizer| {
            let faces = recognizer.examine(frame.view(), &options).unwrap();
            faces
                .into_iter()
                .map(|face| face.detection.rect.x)
                .collect::<Vec<_>>()
        };
        assert_eq!(examine(&first).len(), without);
        let recognizer = recognizer(Middle::default()).build().unwrap();
        assert_eq!(examine(&recognizer), [80.0], "{subject:?}");
    }
    // A photo of a face and a thing is about the face.
    let recognizer = recognizer(Middle::default()).build().unwrap();
    let options = EnrollOptions::default().with_liveness(false);
    let report = recognizer
        .enroll(&id("anna"), &[frame.view()], &options)
        .unwrap();
    assert_eq!(report.accepted, [0], "{report:?}");
}

/// Remembers the rolls of the faces that it gets.
#[derive(Clone, Debug, Default)]
struct Rolls(Arc<Mutex<Vec<f32>>>);

impl Liveness for Rolls {
    fn assess(&self, _: ImageView<'_>, faces: &[Detection]) -> Result<Vec<LivenessScore>> {
        let rolls = faces.iter().map(|face| face.landmarks.roll());
        self.0.lock().unwrap().extend(rolls);
        Ok(vec![LivenessScore::new(1.0); faces.len()])
    }

    fn least_context(&self) -> f32 {
        1.0
    }
}

#[test]
fn turned_faces_are_found_upright() {
    for (side, roll) in [(0, 0.0), (1, 90.0), (2, 180.0), (3, -90.0)] {
        let frame = lit(scene(&[face(40.0)]), side);
        let rolls = Rolls::default();
        let recognizer = recognizer(Middle::default())
            .liveness(rolls.clone())
            .build()
            .unwrap();
        let [found] = examined(&recognizer, &frame)[..] else {
            panic!("one face, {roll}°")
        };
        let off = (found.landmarks.roll() - roll).rem_euclid(360.0);
        assert!(
            off.min(360.0 - off) < 1.0,
            "{} instead of {roll}°",
            found.landmarks.roll()
        );
        let pose = facekit::HeadPose::estimate(&found.landmarks).unwrap();
        assert!((pose.roll.abs() - roll.abs()).abs() < 2.0, "{pose:?}");
        // The liveness check got an upright face.
        assert!(
            rolls.0.lock().unwrap().iter().all(|roll| roll.abs() < 1.0),
            "{rolls:?}"
        );

        let report = recognizer
            .enroll(&id("anna"), &[frame.view()], &EnrollOptions::default())
            .unwrap();
        assert_eq!(report.accepted, [0], "{report:?}");
        let turned: Vec<usize> = report.turned.iter().map(|turned| turned.photo).collect();
        assert_eq!(turned, vec![0; usize::from(side > 0)]);
        let probe = lit(scene(&[face(40.0)]), 0);
        let known = recognizer.recognize(probe.view()).unwrap();
        assert_eq!(outcomes(&known), ["known anna"]);
    }
    let off = recognizer(Middle::default())
        .turned_faces(false)
        .build()
        .unwrap();
    assert!(examined(&off, &lit(scene(&[face(40.0)]), 2)).is_empty());
}

/// Finds the faces of the first row only in an image that is turned, and else only the first of them.
#[derive(Debug)]
struct BetterTurned;

impl Detector for BetterTurned {
    fn detect(&self, image: ImageView<'_>, options: &DetectOptions) -> Result<Vec<Detection>> {
        let (width, height) = (image.width(), image.height());
        if width > height {
            let mut faces = FirstRow.detect(image, options)?;
            faces.truncate(1);
            return Ok(faces);
        }
        // Turned by a quarter against the clock: (x, y) is at (y, 639 - x).
        let at = |left: f32| Detection {
            rect: Rect::new(80.0, 639.0 - left - 112.0, 112.0, 112.0),
            landmarks: Landmarks::default(),
            score: 0.9,
        };
        Ok(vec![at(80.0), at(300.0)])
    }

    fn largest_side(&self) -> Option<usize> {
        None
    }
}

#[test]
fn an_image_with_a_turned_face_is_searched_turned() {
    // Both faces have their top on the right.
    let frame = scene(&[face(40.0), face(40.0).at(75, 20)]);
    let frame = lit_at(lit_at(frame, 80, 1), 300, 1);
    let recognizer = || recognizer(Middle::default()).detector(BetterTurned);
    let on = recognizer().build().unwrap();
    let found = on.find_faces(frame.view()).unwrap().faces;
    let left: Vec<f32> = found.iter().map(|face| face.rect.x.round()).collect();
    assert_eq!(left, [80.0, 300.0], "{found:?}");
    for face in &found {
        assert!((face.landmarks.roll() - 90.0).abs() < 1.0, "{face:?}");
    }
    // The missed face is nearer to the center.
    let options = ExamineOptions::default().with_subject(Subject::Central);
    let central = on.examine(frame.view(), &options).unwrap();
    assert_eq!(central[0].detection.rect.x.round(), 300.0);

    let off = recognizer().turned_faces(false).build().unwrap();
    assert!(examined(&off, &frame).is_empty());
}

#[test]
fn a_turned_subject_is_looked_at_once() {
    let frame = lit(scene(&[face(40.0)]), 1);
    let windows = |subject: Subject| {
        let middle = Middle::default();
        let windows = Arc::clone(&middle.windows);
        let recognizer = recognizer(middle).build().unwrap();
        let options = ExamineOptions::default().with_subject(subject);
        let found = recognizer.examine(frame.view(), &options).unwrap();
        assert_eq!(found.len(), 1);
        assert!((found[0].detection.landmarks.roll() - 90.0).abs() < 1.0);
        windows.lock().unwrap().len()
    };
    let of_all = windows(Subject::All);
    assert_eq!(windows(Subject::Largest), of_all);
    assert_eq!(windows(Subject::Central), of_all);
}

#[test]
fn a_face_is_looked_at_from_all_sides_once() {
    let measured = |kind: UnrecognizableKind| {
        let figures =
            Recognizability::new(&space(), vec![kind], Correction::default(), "made up").unwrap();
        MeasuredEmbedder::new(mean_color(), space(), Some(figures)).unwrap()
    };
    // Every face is unrecognizable.
    let kind = UnrecognizableKind::new("any", &[0.0, 0.0, 1.0], -0.9, -1.0).unwrap();
    let middle = Middle::default();
    let windows = Arc::clone(&middle.windows);
    let recognizer = recognizer(middle).embedder(measured(kind)).build().unwrap();
    let turned = lit(scene(&[face(40.0)]), 2);
    let found = recognizer.recognize(turned.view()).unwrap();
    assert_eq!(outcomes(&found), ["poor quality"]);
    // Upright, upside down, and on both sides; and once more upside down at the full size of a window.
    let seen = windows.lock().unwrap().clone();
    let count = |side| seen.iter().filter(|size| **size == (side, side)).count();
    assert_eq!((count(160), count(96)), (2, 3), "{seen:?}");
}

/// Embeds the mean color of upright faces. All others are the same to it.
#[derive(Debug)]
struct Upright;

impl Embedder for Upright {
    fn space(&self) -> &EmbeddingSpace {
        static SPACE: std::sync::LazyLock<EmbeddingSpace> = std::sync::LazyLock::new(space);
        &SPACE
    }

    fn face_side(&self) -> usize {
        112
    }

    fn embed(&self, faces: &[AlignedFace]) -> Result<Vec<Embedding>> {
        let upright = mean_color().embed(faces)?;
        let embed = |(face, embedding): (&AlignedFace, Embedding)| {
            let sum = |from: usize| -> i64 {
                let rows = &face.image().data()[3 * 112 * from..3 * 112 * (from + 20)];
                rows.iter().map(|&value| i64::from(value)).sum()
            };
            if sum(12) > sum(80) + 20_000 {
                Ok(embedding)
            } else {
                Embedding::new(self.space(), vec![0.0, 0.0, 1.0])
            }
        };
        faces.iter().zip(upright).map(embed).collect()
    }
}

#[test]
fn an_unrecognizable_face_is_searched_on_all_sides() {
    let builder = || {
        let kind = UnrecognizableKind::new("turned", &[0.0, 0.0, 1.0], 0.8, 0.7).unwrap();
        let measured =
            Recognizability::new(&space(), vec![kind], Correction::default(), "made up").unwrap();
        // The second look takes a face upside down for an upright one.
        let middle = Middle {
            any_side: true,
            ..Middle::default()
        };
        Recognizer::builder()
            .detector(FirstRow)
            .second_look(second_look(middle))
            .embedder(MeasuredEmbedder::new(Upright, space(), Some(measured)).unwrap())
            .threshold(Threshold::Score(0.9))
            .gallery(gallery())
    };
    let frame = lit(scene(&[face(40.0)]), 2);
    let rolls = Rolls::default();
    let recognizer = builder().liveness(rolls.clone()).build().unwrap();
    let report = recognizer
        .enroll(&id("anna"), &[frame.view()], &EnrollOptions::default())
        .unwrap();
    assert_eq!(report.accepted, [0], "{report:?}");
    assert!((report.turned[0].roll.abs() - 180.0).abs() < 1.0);
    let found = recognizer.recognize(frame.view()).unwrap();
    assert_eq!(outcomes(&found), ["known anna"]);
    assert!((found[0].quality.pose.unwrap().roll.abs() - 180.0).abs() < 2.0);
    assert_eq!(found[0].quality.recognizability, Some(1.0));
    assert!(rolls.0.lock().unwrap().last().unwrap().abs() < 1.0);

    let off = builder().turned_faces(false).build().unwrap();
    let found = off.recognize(frame.view()).unwrap();
    assert!(
        matches!(found[0].outcome, Outcome::PoorQuality { .. }),
        "{found:?}"
    );
    assert_eq!(found[0].detection.landmarks.roll().abs(), 0.0);
}

/// A detector whose two boxes are the same face.
#[derive(Debug)]
struct Twice;

impl Detector for Twice {
    fn detect(&self, image: ImageView<'_>, options: &DetectOptions) -> Result<Vec<Detection>> {
        let mut faces = FirstRow.detect(image, options)?;
        let mut again = faces[0];
        again.rect = Rect::new(again.rect.x + 4.0, again.rect.y, 104.0, 112.0);
        again.landmarks = Landmarks::default();
        faces.push(again);
        Ok(faces)
    }

    fn largest_side(&self) -> Option<usize> {
        None
    }
}

#[test]
fn two_boxes_of_a_face_become_one_face() {
    let frame = lit(scene(&[face(40.0)]), 0);
    let recognizer = recognizer(Middle::default())
        .detector(Twice)
        .build()
        .unwrap();
    assert_eq!(examined(&recognizer, &frame).len(), 1);
}
