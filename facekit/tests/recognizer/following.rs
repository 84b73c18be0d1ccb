//! Galleries over stores that others change too, templates that are removed, and enrollments that are sent twice.

use std::sync::Arc;

use facekit::{
    Embedding, FlatIndex, Fusion, Gallery, MemoryStore, Metric, NewTemplate, Person, TemplateId,
    TemplateStore,
};
use jiff::Timestamp;
use proptest::prelude::*;

use crate::parts::{add, another_space, at_angle, id, space};

fn person(name: &str) -> Person {
    Person::new(id(name), Timestamp::UNIX_EPOCH)
}

fn template(degrees: f32) -> NewTemplate {
    NewTemplate::new(at_angle(degrees), 0.5, Timestamp::UNIX_EPOCH)
}

fn over(store: &Arc<MemoryStore>, fusion: Fusion) -> Gallery {
    let index = FlatIndex::new(space(), Metric::Cosine);
    Gallery::open_with(Arc::clone(store), index, fusion).unwrap()
}

/// The nearest people, with scores in thousandths.
fn nearest(gallery: &Gallery, degrees: f32) -> Vec<(String, i32)> {
    let found = gallery.nearest(&at_angle(degrees), 9, None).unwrap();
    let found = found.into_iter().map(|neighbor| {
        let score = (neighbor.score * 1000.0).round() as i32;
        (neighbor.person.to_string(), score)
    });
    found.collect()
}

#[test]
fn what_others_change_is_followed() {
    for fusion in [Fusion::Mean, Fusion::Nearest] {
        let store = Arc::new(MemoryStore::new());
        let gallery = over(&store, fusion);
        let beside = gallery
            .beside(FlatIndex::new(another_space(), Metric::Cosine))
            .unwrap();
        let first = store.put(&person("anna"), &[template(0.0)]).unwrap();
        assert!(gallery.person(&id("anna")).is_none());
        gallery.follow(&id("anna")).unwrap();
        assert_eq!(nearest(&gallery, 0.0), [("anna".to_owned(), 1000)]);
        assert_eq!(beside.unsearchable().len(), 1);

        // A template of another space, and a new name.
        let foreign = Embedding::new(&another_space(), vec![1.0, 0.0, 0.0]).unwrap();
        let foreign = NewTemplate::new(foreign, 0.5, Timestamp::UNIX_EPOCH);
        store
            .put(&person("anna").with_name("Anna"), &[foreign])
            .unwrap();
        gallery.follow(&id("anna")).unwrap();
        assert_eq!((gallery.len(), beside.len()), (1, 1));
        for gallery in [&gallery, &beside] {
            let known = gallery.person(&id("anna")).unwrap();
            assert_eq!(known.name.as_deref(), Some("Anna"));
        }

        // A template in the place of another.
        store.put(&person("anna"), &[template(90.0)]).unwrap();
        store.remove_templates(&first).unwrap();
        gallery.follow(&id("anna")).unwrap();
        assert_eq!(nearest(&gallery, 90.0), [("anna".to_owned(), 1000)]);
        assert_eq!(gallery.people()[0].1, 1);

        // A roster of before finds the new template.
        let roster = gallery.roster(&[id("anna")]).unwrap();
        store.put(&person("anna"), &[template(90.0)]).unwrap();
        gallery.follow(&id("anna")).unwrap();
        let found = gallery.nearest(&at_angle(90.0), 1, Some(&roster)).unwrap();
        assert!(found[0].score > 0.999);

        store.remove(&[id("anna")]).unwrap();
        gallery.follow(&id("anna")).unwrap();
        gallery.follow(&id("nobody")).unwrap();
        assert!(gallery.people().is_empty() && beside.people().is_empty());
        assert!(gallery.is_empty() && beside.is_empty());
    }
}

proptest! {
    #[test]
    fn a_gallery_that_follows_is_what_its_store_holds(
        steps in prop::collection::vec((0_u8..4, 0_u8..4, prop::collection::vec(0.0_f32..360.0, 0..3)), 0..30),
        mean: bool,
    ) {
        let fusion = if mean { Fusion::Mean } else { Fusion::Nearest };
        let store = Arc::new(MemoryStore::new());
        let gallery = over(&store, fusion);
        for (who, change, angles) in &steps {
            let person = person(&format!("person {who}"));
            let templates: Vec<NewTemplate> = angles.iter().map(|&degrees| template(degrees)).collect();
            match change {
                0 => drop(store.remove(std::slice::from_ref(&person.id)).unwrap()),
                1 => {
                    let had = store.templates_of(&person.id).unwrap();
                    let first: Vec<TemplateId> = had.iter().take(1).map(|one| one.id).collect();
                    store.remove_templates(&first).unwrap();
                }
                _ => drop(store.put(&person, &templates).unwrap()),
            }
            gallery.follow(&person.id).unwrap();
        }
        let fresh = over(&store, fusion);
        prop_assert_eq!(gallery.people(), fresh.people());
        prop_assert_eq!(gallery.len(), fresh.len());
        for degrees in [0.0, 111.0] {
            prop_assert_eq!(nearest(&gallery, degrees), nearest(&fresh, degrees));
        }
    }
}

#[test]
fn adding_takes_over_what_others_put_into_the_store() {
    for fusion in [Fusion::Mean, Fusion::Nearest] {
        let store = Arc::new(MemoryStore::new());
        let gallery = over(&store, fusion);
        let beside = gallery
            .beside(FlatIndex::new(space(), Metric::Cosine))
            .unwrap();
        let early = Person::new(id("anna"), Timestamp::from_second(1).unwrap());
        store
            .put(&early.with_name("Anna"), &[template(0.0), template(60.0)])
            .unwrap();
        gallery.add(&person("anna"), &[template(30.0)]).unwrap();
        for gallery in [&gallery, &beside] {
            let (anna, templates) = gallery.people().remove(0);
            assert_eq!((anna.name.as_deref(), templates), (Some("Anna"), 3));
            assert_eq!(anna.enrolled, Timestamp::from_second(1).unwrap());
            let found = gallery.nearest(&at_angle(30.0), 1, None).unwrap();
            assert_eq!(found[0].photos, if fusion == Fusion::Mean { 3 } else { 1 });
            assert_eq!(nearest(gallery, 30.0), [("anna".to_owned(), 1000)]);
        }
        let fresh = over(&store, fusion);
        assert_eq!(nearest(&gallery, 0.0), nearest(&fresh, 0.0));
        assert_eq!(fresh.people(), gallery.people());
    }
}

#[test]
fn removed_templates_are_not_found() {
    for fusion in [Fusion::Mean, Fusion::Nearest] {
        let store = Arc::new(MemoryStore::new());
        let gallery = over(&store, fusion);
        let anna = add(&gallery, "anna", &[0.0, 90.0]);
        let bela = add(&gallery, "bela", &[180.0]);
        // Only templates of the person are removed.
        let ids = [anna[0], bela[0], TemplateId(99)];
        assert_eq!(gallery.remove_templates(&id("anna"), &ids).unwrap(), 1);
        assert_eq!(gallery.remove_templates(&id("anna"), &ids).unwrap(), 0);
        let expected = [("anna".to_owned(), 1000), ("bela".to_owned(), 0)];
        assert_eq!(nearest(&gallery, 90.0), expected);
        let left = gallery.templates_of(&id("anna")).unwrap();
        assert_eq!((left.len(), left[0].id), (1, anna[1]));

        assert_eq!(gallery.remove_templates(&id("anna"), &anna).unwrap(), 1);
        assert_eq!(gallery.remove_templates(&id("nobody"), &anna).unwrap(), 0);
        assert_eq!(nearest(&gallery, 90.0).len(), 1);
        assert_eq!(gallery.unsearchable()[0].id, id("anna"));
        assert!(gallery.templates_of(&id("anna")).unwrap().is_empty());
        assert_eq!(store.people().unwrap().len(), 2);
    }
}

#[test]
fn an_enrollment_that_is_sent_twice_adds_nothing_twice() {
    for fusion in [Fusion::Mean, Fusion::Nearest] {
        let store = Arc::new(MemoryStore::new());
        let gallery = over(&store, fusion);
        let photos = [("one", 0.0), ("two", 60.0)]
            .map(|(origin, degrees)| template(degrees).with_origin(origin));
        let first = gallery.add(&person("anna"), &photos).unwrap();
        let before = (gallery.len(), nearest(&gallery, 10.0));
        assert_eq!(gallery.add(&person("anna"), &photos).unwrap(), first);
        assert_eq!((gallery.len(), nearest(&gallery, 10.0)), before);
        assert_eq!(gallery.people()[0].1, 2);

        // A later photo of the same origin is not searched, because it is not stored.
        let other = template(180.0).with_origin("one");
        assert_eq!(gallery.add(&person("anna"), &[other]).unwrap(), first[..1]);
        assert_eq!(nearest(&gallery, 10.0), before.1);

        // Another gallery over the same store takes over what the store has.
        let late = over(&Arc::new(MemoryStore::new()), fusion);
        assert!(late.is_empty());
        let another = over(&store, fusion);
        store
            .put(&person("anna"), &[template(0.0).with_origin("three")])
            .unwrap();
        let third = template(77.0).with_origin("three");
        let ids = another.add(&person("anna"), &[third]).unwrap();
        assert_eq!(another.templates_of(&id("anna")).unwrap()[2].id, ids[0]);
        assert_eq!(
            nearest(&another, 10.0),
            nearest(&over(&store, fusion), 10.0)
        );
    }
}

#[cfg(feature = "store")]
mod sealed {
    use std::num::NonZeroUsize;

    use facekit::{Error, KeyVault, Protection, Result, SealedTemplate};

    use super::*;

    fn vault(people: &[&str]) -> (tempfile::TempDir, KeyVault) {
        let folder = tempfile::tempdir().unwrap();
        let vault = KeyVault::create(folder.path().join("keys"), &Protection::None).unwrap();
        vault
            .add(&people.iter().map(|who| id(who)).collect::<Vec<_>>())
            .unwrap();
        (folder, vault)
    }

    fn open(
        store: &Arc<MemoryStore>,
        fusion: Fusion,
        vault: &KeyVault,
        rows: Vec<Result<SealedTemplate>>,
    ) -> Result<Gallery> {
        let index = FlatIndex::new(space(), Metric::Cosine);
        let threads = NonZeroUsize::new(3).unwrap();
        Gallery::open_sealed(Arc::clone(store), index, fusion, vault, rows, threads)
    }

    #[test]
    fn a_gallery_opens_from_sealed_templates() {
        let names: Vec<String> = (0..700).map(|number| format!("person {number}")).collect();
        let (_folder, vault) = vault(&names.iter().map(String::as_str).collect::<Vec<_>>());
        let store = Arc::new(MemoryStore::new());
        for (nth, name) in (0_u16..).zip(&names) {
            let count = 1 + usize::from(nth % 3);
            let templates: Vec<_> = (0..count)
                .map(|photo| template(f32::from(nth) * 0.5 + photo as f32))
                .collect();
            store.put(&person(name), &templates).unwrap();
        }
        let mut rows = Vec::new();
        store
            .templates(&mut |one| {
                let new = NewTemplate::new(one.embedding, one.quality, one.created);
                let sealed = vault.seal_template(&one.person, &new)?;
                rows.push(SealedTemplate::new(one.id, one.person, sealed));
                Ok(())
            })
            .unwrap();
        // Of somebody whom the store does not know.
        vault.add(&[id("stranger")]).unwrap();
        let sealed = vault
            .seal_template(&id("stranger"), &template(1.0))
            .unwrap();
        rows.push(SealedTemplate::new(
            TemplateId(9999),
            id("stranger"),
            sealed,
        ));

        for fusion in [Fusion::Mean, Fusion::Nearest] {
            let given = rows.iter().cloned().map(Ok).collect();
            let gallery = open(&store, fusion, &vault, given).unwrap();
            let plain = over(&store, fusion);
            assert_eq!(gallery.people(), plain.people());
            assert_eq!(gallery.len(), plain.len());
            for degrees in [0.0, 77.0, 300.0] {
                let probe = at_angle(degrees);
                assert_eq!(
                    gallery.nearest(&probe, 20, None).unwrap(),
                    plain.nearest(&probe, 20, None).unwrap()
                );
            }
        }

        // Errors of the iterator and of templates that do not open are returned.
        let mut given: Vec<_> = rows.iter().cloned().map(Ok).collect();
        given[600] = Err(Error::Cancelled);
        let error = open(&store, Fusion::Mean, &vault, given).unwrap_err();
        assert!(error.is_cancelled());
        vault.forget(&[id("person 5")]).unwrap();
        let given = rows.into_iter().map(Ok).collect();
        let error = open(&store, Fusion::Mean, &vault, given).unwrap_err();
        assert!(
            error.to_string().starts_with("person person 5: "),
            "{error}"
        );
    }

    #[test]
    fn no_sealed_template_is_an_empty_gallery() {
        let (_folder, vault) = vault(&[]);
        let store = Arc::new(MemoryStore::new());
        store.put(&person("anna"), &[]).unwrap();
        let gallery = open(&store, Fusion::Mean, &vault, Vec::new()).unwrap();
        assert_eq!((gallery.len(), gallery.people().len()), (0, 1));
        add(&gallery, "anna", &[1.0]);
        assert_eq!(gallery.len(), 1);
    }
}
