use std::sync::Arc;

use facekit::{FlatIndex, Gallery, MemoryStore, Metric, TemplateStore, Watch};

use crate::{
    parts::{MeanColor, another_space, enroll, id, mean_color, parts, recognized, space},
    scenes::face,
};

/// The same embedder in another embedding space.
fn next_model() -> MeanColor {
    MeanColor {
        space: another_space(),
        ..mean_color()
    }
}

fn next_gallery(store: &Arc<MemoryStore>) -> Gallery {
    Gallery::open(
        store.clone(),
        FlatIndex::new(another_space(), Metric::Cosine),
    )
    .unwrap()
}

#[test]
fn kept_crops_are_embedded_again_after_a_change_of_model() {
    let store = Arc::new(MemoryStore::new());
    let open = || Gallery::open(store.clone(), FlatIndex::new(space(), Metric::Cosine)).unwrap();
    let first = parts().gallery(open().with_crops(true)).build().unwrap();
    enroll(&first, "anna", 0.0);
    enroll(&first, "anna", 6.0);
    enroll(&first, "bela", 120.0);
    drop(first);
    let careful = parts().gallery(open()).build().unwrap();
    assert!(careful.gallery().unwrap().unsearchable().is_empty());
    enroll(&careful, "carla", 240.0);
    drop(careful);

    let second = parts()
        .embedder(next_model())
        .gallery(next_gallery(&store))
        .build()
        .unwrap();
    let gallery = second.gallery().unwrap();
    assert_eq!(
        (
            gallery.len(),
            gallery.people().len(),
            gallery.unsearchable().len()
        ),
        (0, 3, 3)
    );
    assert_eq!(recognized(&second, &[face(0.0)]), ["unknown"]);
    let report = second.embed_again(&Watch::new()).unwrap();
    assert_eq!(report.embedded, [id("anna"), id("bela")]);
    assert_eq!(report.must_enroll, [id("carla")]);
    assert_eq!(
        gallery
            .people()
            .iter()
            .map(|(_, templates)| *templates)
            .collect::<Vec<_>>(),
        [2, 1, 0]
    );
    let faces = [
        face(3.0).at(4, 4),
        face(120.0).at(36, 4),
        face(240.0).at(68, 4),
    ];
    assert_eq!(
        recognized(&second, &faces),
        ["known anna", "known bela", "unknown"]
    );
    // The second call has nothing to do.
    let again = second.embed_again(&Watch::new()).unwrap();
    assert_eq!(
        (again.embedded.len(), again.must_enroll),
        (0, vec![id("carla")])
    );
}

#[test]
fn crops_are_kept_on_request_only() {
    let store = Arc::new(MemoryStore::new());
    let gallery = Gallery::open(store.clone(), FlatIndex::new(space(), Metric::Cosine)).unwrap();
    let recognizer = parts().gallery(gallery).build().unwrap();
    enroll(&recognizer, "anna", 0.0);
    store
        .crops(&mut |_, _, _| panic!("a crop was kept"))
        .unwrap();
}

#[test]
fn a_person_who_is_removed_meanwhile_stays_removed() {
    let store = Arc::new(MemoryStore::new());
    let gallery = Gallery::open(store.clone(), FlatIndex::new(space(), Metric::Cosine)).unwrap();
    let first = parts().gallery(gallery.with_crops(true)).build().unwrap();
    enroll(&first, "anna", 0.0);
    enroll(&first, "bela", 120.0);
    drop(first);

    let second = parts()
        .embedder(next_model())
        .gallery(next_gallery(&store))
        .build()
        .unwrap();
    let remove_bela = |_: facekit::Progress| {
        second.gallery().unwrap().remove(&[id("bela")]).unwrap();
    };
    let report = second
        .embed_again(&Watch::new().with_progress(&remove_bela))
        .unwrap();
    assert_eq!(
        (report.embedded, report.must_enroll),
        (vec![id("anna")], vec![])
    );
    assert!(second.gallery().unwrap().person(&id("bela")).is_none());
}
