//! A gallery that calibrates itself.

use facekit::{
    AlignedFace, Calibration, CalibrationPoint, Comparison, Curve, Digest, Embedder, Embedding,
    EmbeddingSpace, Error, FlatIndex, Gallery, GalleryCalibrationOptions, Image, MemoryStore,
    Metric, NewTemplate, Person, PersonId, Recognizer, RecognizerBuilder, Result, Threshold,
};
use jiff::Timestamp;

use crate::parts::{FirstRow, id};

/// The side of a face in pixels.
const SIDE: usize = 4;

/// An embedding has the values of all pixels.
#[derive(Debug)]
struct Pixels(EmbeddingSpace);

impl Embedder for Pixels {
    fn space(&self) -> &EmbeddingSpace {
        &self.0
    }

    fn face_side(&self) -> usize {
        SIDE
    }

    fn embed(&self, faces: &[AlignedFace]) -> Result<Vec<Embedding>> {
        let embed = |face: &AlignedFace| {
            let values = face.image().data().iter();
            let values = values.map(|&value| f32::from(value) - 127.5).collect();
            Embedding::new(&self.0, values)
        };
        faces.iter().map(embed).collect()
    }
}

/// Pseudo-random numbers (Lehmer 1951).
struct Random(u64);

impl Random {
    fn byte(&mut self) -> u8 {
        self.0 = self.0 * 48_271 % 2_147_483_647;
        (self.0 >> 11) as u8
    }

    fn face(&mut self) -> AlignedFace {
        let pixels = (0..3 * SIDE * SIDE).map(|_| self.byte()).collect();
        AlignedFace::new(Image::from_rgb8(pixels, SIDE, SIDE).unwrap()).unwrap()
    }

    /// Another photo of the same face.
    fn again(&mut self, face: &AlignedFace) -> AlignedFace {
        let pixels = face.image().data().iter();
        let pixels = pixels
            .map(|&value| value.saturating_add(self.byte() / 16))
            .collect();
        AlignedFace::new(Image::from_rgb8(pixels, SIDE, SIDE).unwrap()).unwrap()
    }
}

fn embedder() -> Pixels {
    Pixels(EmbeddingSpace::new(
        "pixels",
        Digest::of("pixels"),
        3 * SIDE * SIDE,
    ))
}

/// A recognizer with these people, each with one photo. The gallery keeps their crops.
fn recognizer(faces: &[(PersonId, AlignedFace)], keep_crops: bool) -> Recognizer {
    builder(faces, keep_crops).build().unwrap()
}

fn builder(faces: &[(PersonId, AlignedFace)], keep_crops: bool) -> RecognizerBuilder {
    let embedder = embedder();
    let index = FlatIndex::new(embedder.space().clone(), Metric::Cosine);
    let gallery = Gallery::open(MemoryStore::new(), index)
        .unwrap()
        .with_crops(keep_crops);
    let now = Timestamp::UNIX_EPOCH;
    for (person, face) in faces {
        let embedding = embedder
            .embed(std::slice::from_ref(face))
            .unwrap()
            .pop()
            .unwrap();
        let template = NewTemplate::new(embedding, 1.0, now).with_crop(face.clone());
        gallery
            .add(&Person::new(person.clone(), now), &[template])
            .unwrap();
    }
    Recognizer::builder()
        .detector(FirstRow)
        .embedder(embedder)
        .threshold(Threshold::Score(0.9))
        .gallery(gallery)
}

#[test]
fn a_gallery_calibrates_itself() {
    let mut random = Random(1);
    let mut faces: Vec<(PersonId, AlignedFace)> = (0..2_450)
        .map(|nth| (id(&format!("person {nth:04}")), random.face()))
        .collect();
    // Two ids are one person, and two twins are two.
    let same = random.again(&faces[100].1);
    faces.push((id("somebody again"), same));
    let twin = random.again(&faces[200].1);
    faces.push((id("twin"), twin));

    let recognizer = recognizer(&faces, true);
    let pair = |a: &str, b: &str| [id(a), id(b)];
    let measured = recognizer
        .calibrate_gallery(&GalleryCalibrationOptions::default())
        .unwrap();
    let found: Vec<_> = measured
        .duplicates
        .iter()
        .map(|pair| pair.people.clone())
        .collect();
    let expected = [
        pair("person 0100", "somebody again"),
        pair("person 0200", "twin"),
    ];
    assert!(
        found.len() == 2 && expected.iter().all(|pair| found.contains(pair)),
        "{found:?}"
    );

    let twins = vec![(id("twin"), id("person 0200"))];
    let options = GalleryCalibrationOptions::default().with_different(twins);
    let measured = recognizer.calibrate_gallery(&options).unwrap();
    assert_eq!(measured.duplicates.len(), 1);
    assert_eq!(
        measured.duplicates[0].people,
        pair("person 0100", "somebody again")
    );
    assert_eq!(
        (measured.people, measured.comparisons),
        (2_452, 2_452 * 2_451 - 2)
    );

    // The rates hold for other people.
    let others: Vec<AlignedFace> = (0..1_500).map(|_| random.face()).collect();
    let others = embedder().embed(&others).unwrap();
    let curve = measured.calibration.curve(&Comparison::default());
    let limit = curve.score_at(1e-4).unwrap();
    let mut matches = 0;
    for (nth, a) in others.iter().enumerate() {
        for b in &others[..nth] {
            matches += u32::from(a.cosine(b).unwrap() >= limit);
        }
    }
    // 112 of 1,124,250 pairs are expected, or fewer if spoiled faces have higher scores.
    assert!((1..160).contains(&matches), "{matches}");
    assert!(
        curve.lowest_counted() <= 1e-5,
        "{:e}",
        curve.lowest_counted()
    );
    assert!(curve.lowest() <= 1e-6);

    let kinds: Vec<&str> = measured.spoiled.iter().map(|check| &*check.kind).collect();
    assert_eq!(kinds, ["blurred", "dark", "small"]);
    for check in &measured.spoiled {
        assert!(check.faces >= 800, "{check:?}");
        assert!(limit >= check.own_score - 1e-6, "{check:?}");
        assert!(
            check.score.is_none_or(|score| limit >= score - 1e-3),
            "{limit} {check:?}"
        );
    }
    let capacity = Threshold::Fpir(1e-2)
        .capacity(Some(&measured.calibration), &Comparison::default())
        .unwrap();
    assert!(
        capacity.counted >= 1_000 && capacity.extrapolated >= 10_000,
        "{capacity:?}"
    );
}

#[test]
fn a_calibration_of_other_kinds_can_be_read_again() {
    let curve = |high: f32, low: f32| {
        let points = [(1e-1, high), (1e-4, low)];
        let points = points.map(|(fmr, score)| CalibrationPoint::new(fmr, score));
        Curve::new(points.to_vec(), Vec::new()).unwrap()
    };
    // Mirror images raise the scores of the model by so much that the gallery's own scores would be above 1.
    let mirrored = Comparison::default()
        .with_mirrored_template(true)
        .with_mirrored_probe(true);
    let model = Calibration::from_curve(embedder().space(), curve(0.0, 0.05), "made up")
        .with_curve(mirrored, curve(0.5, 0.99), 0);
    let mut random = Random(7);
    let faces: Vec<_> = (0..2_450)
        .map(|nth| (id(&format!("person {nth}")), random.face()))
        .collect();
    let recognizer = builder(&faces, false).calibration(model).build().unwrap();
    let measured = recognizer
        .calibrate_gallery(&GalleryCalibrationOptions::default())
        .unwrap()
        .calibration;
    assert!(measured.curve(&mirrored).score_at(1e-4).unwrap() > 0.999);
    assert!(measured.score_at(1e-4).unwrap() < 0.8);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("calibration.toml");
    measured.save(&path).unwrap();
    assert_eq!(Calibration::open(&path).unwrap(), measured);
}

#[test]
fn a_small_gallery_says_how_many_people_are_needed() {
    let mut random = Random(3);
    let faces: Vec<_> = (0..20)
        .map(|nth| (id(&format!("person {nth}")), random.face()))
        .collect();
    let recognizer = recognizer(&faces, false);
    let calibrate = |options: &GalleryCalibrationOptions<'_>| recognizer.calibrate_gallery(options);
    let error = calibrate(&GalleryCalibrationOptions::default()).unwrap_err();
    let text = error.to_string();
    assert!(
        text.contains("20 people with 20 templates make 380 comparisons")
            && text.contains("about 2450 people"),
        "{text}"
    );
}

#[test]
fn an_unknown_twin_is_an_error() {
    let mut random = Random(5);
    let faces: Vec<_> = (0..2_450)
        .map(|nth| (id(&format!("person {nth}")), random.face()))
        .collect();
    let recognizer = recognizer(&faces, false);
    let options =
        GalleryCalibrationOptions::default().with_different(vec![(id("person 1"), id("nobody"))]);
    let found = recognizer.calibrate_gallery(&options);
    assert!(matches!(found, Err(Error::UnknownPerson { id }) if id == "nobody"));
    let token = facekit::CancellationToken::new();
    token.cancel();
    let watch = facekit::Watch::new().with_cancellation(&token);
    let options = GalleryCalibrationOptions::default().with_watch(watch);
    assert!(matches!(
        recognizer.calibrate_gallery(&options),
        Err(Error::Cancelled)
    ));
    let measured = recognizer
        .calibrate_gallery(&GalleryCalibrationOptions::default())
        .unwrap();
    assert!(
        measured.spoiled.is_empty() && measured.duplicates.is_empty(),
        "{:?}",
        measured.duplicates
    );
    assert!(
        measured
            .calibration
            .data
            .contains("not checked with spoiled copies")
    );
}
