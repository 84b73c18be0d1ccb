//! Faces of every size, with real models on synthetic people.

use std::{fs, path::Path};

use facekit::{
    DetectOptions, EnrollOptions, FlatIndex, Gallery, Image, ImageView, LoadOptions, MemoryStore,
    Metric, Outcome, Passes, PersonId, QualityOptions, Recognizer, Registry, find_faces,
    image::{self, DecodeLimits, resize},
};
use facekit_conformance::data;
use facekit_tract::Tract;

/// The synthetic people: the name, and the photos.
fn people() -> Vec<(String, Vec<Image>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/data/people");
    let mut people: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|person| {
            let path = person.unwrap().path();
            let photo = |number| {
                let file = path.join(format!("{number}.jpg"));
                image::open(file, &DecodeLimits::default()).unwrap()
            };
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            (name, (1..=6).map(photo).collect())
        })
        .collect();
    people.sort_by(|a: &(String, _), b| a.0.cmp(&b.0));
    people
}

/// A recognizer that knows the people by their second to sixth photos.
fn recognizer(registry: &Registry, set: &str, people: &[(String, Vec<Image>)]) -> Recognizer {
    let models = registry
        .load(set, &Tract::new(), &LoadOptions::default())
        .unwrap();
    let index = FlatIndex::new(models.embedder.space().clone(), Metric::Cosine);
    // These tests are about the search for faces. MobileFaceNet takes one of the twelve composites for a blurred face where it is
    // small, which happens to one or two of a hundred photos of real people.
    let mut limits = QualityOptions::recognition();
    limits.min_recognizability = 0.0;
    let recognizer = Recognizer::builder()
        .models(models)
        .quality(limits)
        .without_liveness()
        .gallery(Gallery::open(MemoryStore::new(), index).unwrap())
        .build()
        .unwrap();
    let options = EnrollOptions::default().with_quality(QualityOptions::anything());
    for (name, photos) in people {
        let views: Vec<ImageView<'_>> = photos[1..].iter().map(Image::view).collect();
        let report = recognizer.enroll(&PersonId::new(name.as_str()).unwrap(), &views, &options);
        assert!(report.unwrap().accepted.len() > 3, "{name}");
    }
    recognizer
}

fn paste(frame: &mut Image, picture: &Image, left: usize, top: usize) {
    let (width, row) = (frame.width(), 3 * picture.width());
    for (y, pixels) in picture.data().chunks_exact(row).enumerate() {
        let start = 3 * (width * (top + y) + left);
        frame.data_mut()[start..start + row].copy_from_slice(pixels);
    }
}

/// The largest face of a photo: its height in pixels.
fn face_height(recognizer: &Recognizer, photo: &Image) -> f32 {
    let found = recognizer.find_faces(photo.view()).unwrap();
    let heights = found.faces.iter().map(|face| face.rect.height);
    heights.fold(0.0, f32::max)
}

/// Places 26 first photos in a frame of 3840 × 2160 pixels, with faces of `height` pixels. Returns the frame, and the places and
/// names.
fn classroom(
    recognizer: &Recognizer,
    people: &[(String, Vec<Image>)],
    height: f32,
) -> (Image, Vec<(usize, usize, String)>) {
    let mut frame = Image::filled(3840, 2160, [122, 118, 110]);
    let mut places = Vec::new();
    for nth in 0..26 {
        let (name, photos) = &people[nth % people.len()];
        let photo = &photos[0];
        let scale = height / face_height(recognizer, photo);
        let side = |pixels: usize| (pixels as f32 * scale).round() as usize;
        let small = resize(photo.view(), side(photo.width()), side(photo.height())).unwrap();
        let (left, top) = (60 + nth % 7 * 530, 120 + nth / 7 * 500);
        paste(&mut frame, &small, left, top);
        places.push((
            left + small.width() / 2,
            top + small.height() / 2,
            name.clone(),
        ));
    }
    (frame, places)
}

/// Counts the places with a face, and those where it has its name.
fn found_and_named(
    recognizer: &Recognizer,
    frame: &Image,
    places: &[(usize, usize, String)],
) -> (usize, usize) {
    let faces = recognizer.recognize(frame.view()).unwrap();
    let (mut found, mut named) = (0, 0);
    for (x, y, name) in places {
        let here: Vec<_> = faces
            .iter()
            .filter(|face| {
                let center = face.detection.rect.center();
                (center.x - *x as f32).hypot(center.y - *y as f32) < 60.0
            })
            .collect();
        assert!(here.len() < 2, "{name} was found {} times", here.len());
        found += here.len();
        named += usize::from(here.iter().any(|face| {
            matches!(&face.outcome, Outcome::Known(identity) if identity.person.as_str() == name)
        }));
    }
    assert_eq!(faces.len(), found, "every face is at a place");
    (found, named)
}

fn assert_classroom(registry: &Registry, set: &str) {
    let people = people();
    let recognizer = recognizer(registry, set, &people);
    let (frame, places) = classroom(&recognizer, &people, 60.0);
    let (found, named) = found_and_named(&recognizer, &frame, &places);
    println!("{set}: {found} of 26 found, {named} named");
    assert!(
        found >= 25 && named >= 25,
        "{set}: {found} found, {named} named"
    );
}

#[test]
fn nano_finds_and_names_a_classroom() {
    assert_classroom(&facekit_nano::registry(), "nano");
}

#[test]
fn standard_finds_and_names_a_classroom() {
    let test = "sizes::standard_finds_and_names_a_classroom";
    let Some(folder) = data(test, &["models"]) else {
        return;
    };
    assert_classroom(
        &Registry::builtin().with_folder(folder.join("models")),
        "standard",
    );
}

/// A portrait that fills the photo, so that the first pass misplaces the landmarks or finds no face.
#[test]
fn nano_finds_faces_that_fill_the_photo() {
    let people = people();
    let recognizer = recognizer(&facekit_nano::registry(), "nano", &people);
    let mut named = 0;
    for (name, photos) in &people {
        let photo = &photos[0];
        let found = recognizer.find_faces(photo.view()).unwrap();
        let rect = found.faces[0].rect;
        // A little more than the face box, enlarged to 640 pixels.
        let left = (rect.x - 0.05 * rect.width).max(0.0) as usize;
        let top = (rect.y - 0.05 * rect.height).max(0.0) as usize;
        let width = ((1.1 * rect.width) as usize).min(photo.width() - left);
        let height = ((1.1 * rect.height) as usize).min(photo.height() - top);
        let scale = 640.0 / width.max(height) as f32;
        let side = |pixels: usize| (pixels as f32 * scale) as usize;
        let crop = [left, top, width, height];
        let close = image::crop_and_resize(photo.view(), crop, side(width), side(height)).unwrap();
        let faces = recognizer.recognize(close.view()).unwrap();
        named += usize::from(faces.iter().any(|face| {
            matches!(&face.outcome, Outcome::Known(identity) if identity.person.as_str() == name)
        }));
    }
    println!("{named} of {} close-ups named", people.len());
    assert!(named >= 11, "{named} close-ups named");
}

/// The search makes no further pass on ordinary frames with faces.
#[test]
fn ordinary_frames_take_one_pass() {
    let models = facekit_nano::registry()
        .load("nano", &Tract::new(), &LoadOptions::default())
        .unwrap();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/data/frames");
    let (mut frames, mut same) = (0, 0);
    for file in fs::read_dir(folder).unwrap() {
        let frame = image::open(file.unwrap().path(), &DecodeLimits::default()).unwrap();
        let one = DetectOptions::default().with_passes(Passes::One);
        let first = find_faces(&*models.detector, frame.view(), &one).unwrap();
        let all = find_faces(&*models.detector, frame.view(), &DetectOptions::default()).unwrap();
        if !first.faces.is_empty() {
            frames += 1;
            same += usize::from(first == all);
        }
    }
    assert!(frames >= 10 && same == frames, "{same} of {frames}");
}
