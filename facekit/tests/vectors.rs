//! Embeddings and embedding spaces: invalid values, and spaces that do not match.

#![cfg(feature = "engine")]

use facekit::{
    Digest, Embedding, EmbeddingSpace, EntryId, Error, FlatIndex, Gallery, MemoryStore, Metric,
    NewTemplate, Person, PersonId, SearchOptions, VectorIndex,
};
use proptest::prelude::*;

fn space(name: &str, dimension: usize) -> EmbeddingSpace {
    EmbeddingSpace::new(name, Digest::of(name), dimension)
}

#[test]
fn invalid_vectors_are_refused() {
    let space = space("a", 3);
    for values in [
        vec![],
        vec![1.0, 0.0],
        vec![1.0, 0.0, 0.0, 0.0],
        vec![0.0; 3],
        vec![-0.0, 0.0, -0.0],
        vec![f32::NAN, 1.0, 0.0],
        vec![1.0, f32::INFINITY, 0.0],
        vec![1.0, 0.0, f32::NEG_INFINITY],
    ] {
        let error = Embedding::new(&space, values.clone()).unwrap_err();
        assert!(
            matches!(error, Error::InvalidEmbedding { .. }) && error.is_invalid_input(),
            "{values:?}"
        );
    }
}

proptest! {
    #[test]
    fn every_embedding_has_length_one(values in prop::collection::vec(any::<f32>(), 3)) {
        let sound = values.iter().all(|value| value.is_finite());
        match Embedding::new(&space("a", 3), values.clone()) {
            Ok(embedding) => {
                prop_assert!(sound);
                let length: f64 = embedding.values().iter().map(|&value| f64::from(value).powi(2)).sum();
                prop_assert!((length - 1.0).abs() < 1e-6, "{length}");
                prop_assert!((embedding.cosine(&embedding).unwrap() - 1.0).abs() < 1e-6);
                let again = Embedding::new(embedding.space(), embedding.values().to_vec()).unwrap();
                prop_assert_eq!(again, embedding);
            }
            Err(_) => prop_assert!(!sound || values.iter().all(|value| value.abs() < 1e-37)),
        }
    }
}

#[test]
fn embeddings_of_another_space_are_refused() {
    let (ours, theirs, shorter) = (space("a", 3), space("b", 3), space("a", 2));
    let embedding =
        |space: &EmbeddingSpace| Embedding::new(space, vec![1.0; space.dimension()]).unwrap();
    let index = FlatIndex::new(ours.clone(), Metric::Cosine);
    index.insert(&[(EntryId(1), embedding(&ours))]).unwrap();
    let gallery = Gallery::open(
        MemoryStore::new(),
        FlatIndex::new(ours.clone(), Metric::Cosine),
    )
    .unwrap();
    let anna = Person::new(PersonId::new("anna").unwrap(), jiff::Timestamp::UNIX_EPOCH);
    for foreign in [&theirs, &shorter].map(embedding) {
        let mismatch =
            |error: Error| matches!(error, Error::SpaceMismatch { .. }) && error.is_invalid_input();
        assert!(mismatch(embedding(&ours).cosine(&foreign).unwrap_err()));
        assert!(mismatch(
            index.search(&foreign, &SearchOptions::new(1)).unwrap_err()
        ));
        let entries = [
            (EntryId(2), embedding(&ours)),
            (EntryId(3), foreign.clone()),
        ];
        assert!(mismatch(index.insert(&entries).unwrap_err()));
        assert_eq!(index.len(), 1, "nothing of it was inserted");
        assert!(mismatch(gallery.nearest(&foreign, 1, None).unwrap_err()));
        let template = NewTemplate::new(foreign, 1.0, anna.enrolled);
        assert!(mismatch(gallery.add(&anna, &[template]).unwrap_err()));
        assert!(gallery.people().is_empty());
    }
}
