//! A process that upgrades and changes a gallery is killed between two steps.

use std::fs;

use super::{erasure, id, key, person, template};
use crate::{
    person::PersonId,
    progress::Watch,
    sealed_file::{
        key::{GalleryKey, Protection},
        tests::kills::{Victim, chosen_steps, kill_before},
    },
    store::{NewTemplate, Template, TemplateStore, file::store::FileStore},
};

const FIXTURE: &[u8] = include_bytes!("../../../../tests/gallery_file/fixtures/format-1.gallery");
const FILE: &str = "staff.gallery";

fn new_key() -> Protection {
    Protection::Key(GalleryKey::from_bytes([8; 32]))
}

fn anna() -> PersonId {
    PersonId::new("anna").unwrap()
}

/// The photos of an enrollment that is sent twice.
fn photos() -> [NewTemplate; 2] {
    [1, 2].map(|nth| template(nth).with_origin(format!("photo {nth}")))
}

/// The process that is killed.
#[test]
fn a_gallery_that_is_changed() {
    let Some(victim) = Victim::of_this_process() else {
        return;
    };
    let path = victim.folder.join(FILE);
    let store = FileStore::open_on(victim.disk(FILE), &path, &key()).unwrap();
    let put = |store: &FileStore| store.put(&person(1), &photos()).unwrap();
    victim.act("enroll", || put(&store));
    victim.act("enroll again", || put(&store));
    victim.act("remove anna", || store.remove(&[anna()]).unwrap());
    victim.act("put another", || {
        store.put(&person(2), &[template(3), template(4)]).unwrap()
    });
    let of_another = store.templates_of(&id(2)).unwrap();
    victim.act("remove a template", || {
        store.remove_templates(&[of_another[0].id]).unwrap()
    });
    victim.act("rekey", || store.rekey(&new_key()).unwrap());
    drop(store);
    victim.end();
}

fn origins(templates: &[Template]) -> Vec<&str> {
    let origins = templates.iter().map(|template| template.origin.as_deref());
    origins.map(|origin| origin.unwrap_or("none")).collect()
}

#[test]
fn a_gallery_survives_kills() {
    let run = |step: usize| {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(FILE);
        fs::write(&path, FIXTURE).unwrap();
        let name = "store::file::tests::kills::a_gallery_that_is_changed";
        let said = kill_before(name, folder.path(), step);
        let steps = said.steps;

        let (store, protection, rekeyed) = match FileStore::open(&path, &new_key()) {
            Ok(store) => (store, new_key(), true),
            Err(_) => (FileStore::open(&path, &key()).unwrap(), key(), false),
        };
        assert!(rekeyed || !said.ended("rekey"));
        assert!(!rekeyed || said.begun("rekey"));
        assert!(store.check(Watch::new()).unwrap().is_clean());
        // Everybody can be read, and nobody is there twice.
        let people: Vec<PersonId> = store
            .people()
            .unwrap()
            .into_iter()
            .map(|one| one.id)
            .collect();
        let mut all = 0;
        store
            .templates(&mut |_| {
                all += 1;
                Ok(())
            })
            .unwrap();
        let of = |person: &PersonId| store.templates_of(person).unwrap();
        assert_eq!(
            people.iter().map(|person| of(person).len()).sum::<usize>(),
            all
        );

        let enrolled = of(&id(1));
        assert!(said.begun("enroll") || enrolled.is_empty());
        assert!(!said.ended("enroll") || !enrolled.is_empty());
        assert!(enrolled.is_empty() || origins(&enrolled) == ["photo 1", "photo 2"]);

        let removed = !people.contains(&anna());
        assert!(removed || !said.ended("remove anna"));
        assert!(!removed || said.begun("remove anna"));
        assert_eq!(of(&anna()).len(), if removed { 0 } else { 3 });

        let another = of(&id(2)).len();
        let expected: &[usize] = match () {
            () if said.ended("remove a template") => &[1],
            () if said.begun("remove a template") => &[1, 2],
            () if said.ended("put another") => &[2],
            () if said.begun("put another") => &[0, 2],
            () => &[0],
        };
        assert!(expected.contains(&another), "{another} {said:?}");
        assert_eq!(of(&PersonId::new("bert").unwrap()).len(), 1);

        // The file has one root key, which opens no key of the removed person. Anna has the number 0.
        drop(store);
        let bytes = fs::read(&path).unwrap();
        let roots = erasure::root_keys(&bytes, &protection);
        assert_eq!(roots.len(), 1);
        let numbers = if removed { 1 } else { 0 };
        assert!(erasure::data_keys(&bytes, &roots[0], numbers).is_empty());

        // The enrollment is sent once more.
        let store = FileStore::open(&path, &protection).unwrap();
        let ids = store.put(&person(1), &photos()).unwrap();
        let again = store.templates_of(&id(1)).unwrap();
        assert_eq!(origins(&again), ["photo 1", "photo 2"]);
        assert!(again.iter().map(|template| template.id).eq(ids));
        assert!(enrolled.is_empty() || enrolled[0].id == again[0].id);
        assert!(store.check(Watch::new()).unwrap().is_clean());
        steps
    };
    let steps = run(usize::MAX).expect("the process comes to its end");
    for step in chosen_steps(steps) {
        assert_eq!(run(step), None);
    }
}
