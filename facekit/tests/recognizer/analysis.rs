//! Enrollment in two steps.

use std::sync::Arc;

use facekit::{
    Analysis, EnrollOptions, Error, FlatIndex, Gallery, Image, ImageView, MemoryStore, Metric,
    Person, Recognizer, TemplateStore,
};
use jiff::Timestamp;

use crate::{
    parts::{
        MeanColor, another_space, enroll, id, mean_color, parts, recognized, recognizer, space,
    },
    scenes::{face, scene},
};

fn analyzed(recognizer: &Recognizer, angles: &[f32], options: &EnrollOptions<'_>) -> Analysis {
    let scenes: Vec<Image> = angles
        .iter()
        .map(|&degrees| scene(&[face(degrees)]))
        .collect();
    let photos: Vec<ImageView<'_>> = scenes.iter().map(Image::view).collect();
    recognizer.analyze(&id("anna"), &photos, options).unwrap()
}

#[test]
fn an_analysis_stores_nothing() {
    let recognizer = recognizer();
    let analysis = analyzed(&recognizer, &[0.0, 8.0, 120.0], &EnrollOptions::default());
    assert!(recognizer.gallery().unwrap().people().is_empty());
    let report = analysis.report();
    assert_eq!(
        (analysis.person(), &report.person),
        (&id("anna"), &id("anna"))
    );
    assert_eq!(
        (&report.accepted[..], report.refused[0].photo),
        (&[0, 1][..], 2)
    );
    assert!(report.templates.is_empty());
    let photos: Vec<usize> = analysis.faces().iter().map(|face| face.photo).collect();
    assert_eq!(photos, [0, 1, 2]);
    let face = &analysis.faces()[1];
    assert!(face.embedding.is_mirrored() && face.quality > 0.0);
    assert_eq!(
        (face.aligned.side(), face.rect),
        (112, crate::scenes::face(8.0).rect())
    );
}

#[test]
fn two_steps_are_one_enrollment() {
    let options = EnrollOptions::default().with_name("Anna");
    let (two, one) = (recognizer(), recognizer());
    let angles = [0.0, 8.0, 120.0];
    let analysis = analyzed(&two, &angles, &options);
    let added = two.add(&analysis).unwrap();
    let scenes = angles.map(|degrees| scene(&[face(degrees)]));
    let photos = scenes.each_ref().map(|scene| scene.view());
    let enrolled = one.enroll(&id("anna"), &photos, &options).unwrap();
    assert_eq!(added, enrolled);
    assert_eq!(added.templates.len(), 2);
    let mut without_templates = added;
    without_templates.templates.clear();
    assert_eq!(&without_templates, analysis.report());
    let person = two.gallery().unwrap().person(&id("anna")).unwrap();
    assert_eq!(person.name.as_deref(), Some("Anna"));
    assert_eq!(recognized(&two, &[face(4.0)]), ["known anna"]);
}

#[test]
fn the_gallery_is_compared_again_when_photos_are_added() {
    for refuses in [false, true] {
        let recognizer = recognizer();
        let options = EnrollOptions::default().with_refuse_resemblance(refuses);
        let analysis = analyzed(&recognizer, &[0.0], &options);
        assert!(analysis.report().resembles.is_empty());
        enroll(&recognizer, "bela", 5.0);
        let report = recognizer.add(&analysis).unwrap();
        assert_eq!(report.resembles[0].person, id("bela"));
        assert_eq!(
            (report.accepted.is_empty(), report.refused.is_empty()),
            (refuses, !refuses)
        );
        let anna = recognizer.gallery().unwrap().person(&id("anna"));
        assert_eq!(anna.is_none(), refuses);
    }
}

#[test]
fn a_program_stores_the_templates_itself() {
    let recognizer = recognizer();
    let analysis = analyzed(&recognizer, &[0.0, 8.0, 120.0], &EnrollOptions::default());
    let now = Timestamp::UNIX_EPOCH;
    let templates = analysis.templates(now);
    assert_eq!(templates.len(), 2);
    assert!(
        templates
            .iter()
            .all(|new| new.embedding.is_mirrored() && new.crop.is_some() && new.created == now)
    );
    let store = Arc::new(MemoryStore::new());
    store
        .put(&Person::new(id("anna"), now), &templates)
        .unwrap();
    let gallery = Gallery::open(store, FlatIndex::new(space(), Metric::Cosine)).unwrap();
    let door = parts().gallery(gallery).build().unwrap();
    assert_eq!(recognized(&door, &[face(4.0)]), ["known anna"]);
}

#[test]
fn an_analysis_of_another_embedder_is_refused() {
    let analysis = analyzed(&recognizer(), &[0.0], &EnrollOptions::default());
    let index = FlatIndex::new(another_space(), Metric::Cosine);
    let other = parts()
        .embedder(MeanColor {
            space: another_space(),
            ..mean_color()
        })
        .gallery(Gallery::open(MemoryStore::new(), index).unwrap())
        .build()
        .unwrap();
    assert!(matches!(
        other.add(&analysis),
        Err(Error::SpaceMismatch { .. })
    ));
    assert!(other.gallery().unwrap().people().is_empty());
    let without = parts().build().unwrap();
    assert!(matches!(
        without.add(&analysis),
        Err(Error::InvalidArgument { .. })
    ));
}
