//! The suite for every template store, and for pointers to one.

use std::sync::Arc;

use facekit::{
    AlignedFace, FileStore, GalleryKey, MemoryStore, NewTemplate, Person, PersonId, Protection,
    Result, Template, TemplateId, TemplateStore,
};
use facekit_conformance::template_store_suite;
use tempfile::{TempDir, tempdir};

template_store_suite!(memory, MemoryStore::new);
template_store_suite!(boxed, || {
    Box::new(MemoryStore::new()) as Box<dyn TemplateStore>
});
template_store_suite!(shared, || {
    Arc::new(MemoryStore::new()) as Arc<dyn TemplateStore>
});
template_store_suite!(file, || InFolder::new(&Protection::Key(
    GalleryKey::from_bytes([1; 32])
)));
template_store_suite!(open_file, || InFolder::new(&Protection::None));

/// A gallery file in a temporary folder, which is removed with it.
#[derive(Debug)]
struct InFolder {
    store: FileStore,
    _folder: TempDir,
}

impl InFolder {
    fn new(protection: &Protection) -> Self {
        let folder = tempdir().unwrap();
        let store = FileStore::create(folder.path().join("test.gallery"), protection).unwrap();
        Self {
            store,
            _folder: folder,
        }
    }
}

impl TemplateStore for InFolder {
    fn put(&self, person: &Person, templates: &[NewTemplate]) -> Result<Vec<TemplateId>> {
        self.store.put(person, templates)
    }

    fn remove(&self, people: &[PersonId]) -> Result<usize> {
        self.store.remove(people)
    }

    fn remove_templates(&self, templates: &[TemplateId]) -> Result<usize> {
        self.store.remove_templates(templates)
    }

    fn person(&self, id: &PersonId) -> Result<Option<Person>> {
        self.store.person(id)
    }

    fn templates_of(&self, person: &PersonId) -> Result<Vec<Template>> {
        self.store.templates_of(person)
    }

    fn people(&self) -> Result<Vec<Person>> {
        self.store.people()
    }

    fn templates(&self, visit: &mut dyn FnMut(Template) -> Result<()>) -> Result<()> {
        self.store.templates(visit)
    }

    fn crops(
        &self,
        visit: &mut dyn FnMut(TemplateId, &PersonId, AlignedFace) -> Result<()>,
    ) -> Result<()> {
        self.store.crops(visit)
    }
}
