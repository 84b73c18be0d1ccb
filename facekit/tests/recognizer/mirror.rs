//! Faces embedded together with their mirror image.

use std::sync::Arc;

use facekit::{
    AlignedFace, Embedder, Embedding, EmbeddingSpace, Error, FlatIndex, Gallery, MemoryStore,
    Metric, MirrorOptions, Outcome, Recognition, Recognizer, Result, Template, TemplateStore,
    Watch,
};

use crate::{
    parts::{MeanColor, another_space, at_angle, enroll, mean_color, parts, space},
    scenes::{face, scene},
};

/// Embeds a face at its angle plus `lean` degrees, and its mirror image at its angle minus `lean` degrees.
#[derive(Debug)]
struct Leaning {
    embedder: MeanColor,
    lean: f32,
}

impl Embedder for Leaning {
    fn space(&self) -> &EmbeddingSpace {
        self.embedder.space()
    }

    fn face_side(&self) -> usize {
        self.embedder.face_side()
    }

    fn embed(&self, faces: &[AlignedFace]) -> Result<Vec<Embedding>> {
        let mut embeddings = self.embedder.embed(faces)?;
        for (embedding, face) in embeddings.iter_mut().zip(faces) {
            // The texture of a scene begins with a bright square, and its mirror image with a dark one.
            let row = &face.image().data()[3 * face.side()..];
            let sign = if row[3] > row[3 * 6] { 1.0 } else { -1.0 };
            let (sin, cos) = (sign * self.lean).to_radians().sin_cos();
            let [x, y, z] = [0, 1, 2].map(|at| embedding.values()[at]);
            *embedding =
                Embedding::new(self.space(), vec![cos * x - sin * y, sin * x + cos * y, z])?;
        }
        Ok(embeddings)
    }
}

fn leaning(store: &Arc<MemoryStore>, lean: f32, mirror: MirrorOptions) -> Recognizer {
    let index = FlatIndex::new(space(), Metric::Cosine);
    parts()
        .embedder(Leaning {
            embedder: mean_color(),
            lean,
        })
        .gallery(
            Gallery::open(Arc::clone(store), index)
                .unwrap()
                .with_crops(true),
        )
        .mirror(mirror)
        .build()
        .unwrap()
}

fn templates(store: &MemoryStore) -> Vec<Template> {
    let mut found = Vec::new();
    store
        .templates(&mut |template| {
            found.push(template);
            Ok(())
        })
        .unwrap();
    found
}

fn seen(recognizer: &Recognizer, degrees: f32) -> Recognition {
    let mut faces = recognizer
        .recognize(scene(&[face(degrees)]).view())
        .unwrap();
    faces.pop().unwrap()
}

#[test]
fn a_template_is_the_sum_of_a_photo_and_its_mirror_image() {
    for (options, at, mirrored) in [
        (MirrorOptions::default(), 30.0, true),
        (MirrorOptions::never(), 40.0, false),
    ] {
        let store = Arc::new(MemoryStore::new());
        let recognizer = leaning(&store, 10.0, options);
        enroll(&recognizer, "anna", 30.0);
        let template = templates(&store).remove(0);
        assert!(template.embedding.cosine(&at_angle(at)).unwrap() > 0.999_5);
        assert_eq!(template.embedding.is_mirrored(), mirrored);
        let gallery = recognizer.gallery().unwrap();
        let probe = at_angle(30.0);
        let comparison = gallery.nearest(&probe, 1, None).unwrap()[0].comparison(&probe);
        assert_eq!(
            (comparison.photos, comparison.mirrored_template),
            (1, mirrored)
        );
        assert!(!comparison.mirrored_probe);
        // A stored template as the probe.
        let probe = template.embedding;
        let comparison = gallery.nearest(&probe, 1, None).unwrap()[0].comparison(&probe);
        assert_eq!(comparison.mirrored_probe, mirrored);
    }
}

#[test]
fn templates_of_before_stay_what_they_are() {
    let store = Arc::new(MemoryStore::new());
    enroll(&leaning(&store, 10.0, MirrorOptions::never()), "anna", 0.0);
    let recognizer = leaning(&store, 10.0, MirrorOptions::default());
    enroll(&recognizer, "anna", 0.0);
    let marks: Vec<bool> = templates(&store)
        .iter()
        .map(|template| template.embedding.is_mirrored())
        .collect();
    assert_eq!(marks, [false, true]);
    // One mirrored template is enough for the mark of the mean.
    let neighbor = recognizer
        .gallery()
        .unwrap()
        .nearest(&at_angle(5.0), 1, None)
        .unwrap()
        .remove(0);
    assert_eq!((neighbor.photos, neighbor.mirrored), (2, true));
    assert!(neighbor.score > 0.999_5, "the mean of 10 and 0 degrees");
}

#[test]
fn a_mirrored_probe_decides_near_the_threshold() {
    // Two faces match up to an angle of 25 degrees. The mirrored probe is at the angle of the face.
    for (lean, degrees, mirrored, known) in [
        // Below the threshold, and above it with the mirror image.
        (5.0, 23.0, true, true),
        // Above the threshold, and below it with the mirror image.
        (-5.0, 28.0, true, false),
        // Far from the threshold.
        (5.0, 40.0, false, false),
        (5.0, 0.0, false, true),
    ] {
        let store = Arc::new(MemoryStore::new());
        let recognizer = leaning(&store, lean, MirrorOptions::default().with_band(0.06, 0.06));
        enroll(&recognizer, "anna", 0.0);
        let face = seen(&recognizer, degrees);
        assert_eq!(face.known().is_some(), known, "{degrees}: {face:?}");
        let embedding = face.embedding.unwrap();
        assert_eq!(embedding.is_mirrored(), mirrored, "{degrees}");

        // The plain probe alone decides otherwise.
        let plain = leaning(&store, lean, MirrorOptions::default().with_band(0.0, 0.0));
        let face = seen(&plain, degrees);
        assert_eq!(face.known().is_some(), known != mirrored, "{degrees}");
        assert!(!face.embedding.unwrap().is_mirrored());
    }
}

#[test]
fn a_mirror_image_is_embedded_only_in_the_band() {
    let embedder = mean_color();
    let calls = Arc::clone(&embedder.calls);
    let store = Arc::new(MemoryStore::new());
    let index = FlatIndex::new(space(), Metric::Cosine);
    let recognizer = parts()
        .embedder(embedder)
        .gallery(Gallery::open(store, index).unwrap())
        .mirror(MirrorOptions::default().with_band(0.06, 0.06))
        .build()
        .unwrap();
    let passes = |degrees| {
        calls.lock().unwrap().clear();
        let face = seen(&recognizer, degrees);
        (calls.lock().unwrap().len(), face.outcome)
    };
    assert_eq!(passes(0.0), (1, Outcome::Unknown { nearest: None }));
    enroll(&recognizer, "anna", 0.0);
    assert_eq!(
        [0.0, 25.0, 60.0].map(|degrees| passes(degrees).0),
        [1, 2, 1]
    );
}

#[test]
fn crops_are_embedded_again_with_their_mirror_image() {
    let store = Arc::new(MemoryStore::new());
    enroll(
        &leaning(&store, 10.0, MirrorOptions::default()),
        "anna",
        0.0,
    );
    let index = FlatIndex::new(another_space(), Metric::Cosine);
    let next = parts()
        .embedder(MeanColor {
            space: another_space(),
            ..mean_color()
        })
        .gallery(Gallery::open(Arc::clone(&store), index).unwrap())
        .build()
        .unwrap();
    assert_eq!(next.embed_again(&Watch::new()).unwrap().embedded.len(), 1);
    assert!(
        templates(&store)
            .iter()
            .all(|template| template.embedding.is_mirrored())
    );
}

#[test]
fn a_band_out_of_range_is_refused() {
    for (below, above) in [(-0.1, 0.0), (0.0, 2.1), (f32::NAN, 0.0)] {
        let built = parts()
            .mirror(MirrorOptions::default().with_band(below, above))
            .build();
        assert!(
            matches!(built, Err(Error::InvalidArgument { .. })),
            "{below} {above}"
        );
    }
}
