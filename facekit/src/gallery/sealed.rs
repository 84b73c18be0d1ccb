//! A gallery whose templates come sealed.

use std::{
    num::NonZeroUsize,
    sync::{Arc, Mutex},
};

use super::{Fusion, Gallery, Shared, view::Filling};
use crate::{
    error::Result,
    index::VectorIndex,
    progress::CancellationToken,
    sealed_file::template::Spaces,
    store::{Template, TemplateStore},
    vault::{KeyVault, SealedTemplate},
    work,
};

impl Gallery {
    /// Does the same as [`open_with`](Self::open_with), but takes the templates from an iterator and opens them on `threads` threads: for
    /// a program that keeps sealed templates in a database. The people come from `store`, and templates of others are left
    /// out. Changes and [`follow`](Self::follow) use `store`.
    ///
    /// The iterator is used on the calling thread, and is read while earlier templates are opened. The templates of a person
    /// come in rising order of id.
    ///
    /// ```no_run
    /// # fn example(rows: Vec<facekit::SealedTemplate>, store: facekit::MemoryStore, space: facekit::EmbeddingSpace)
    /// # -> facekit::Result<()> {
    /// use std::num::NonZeroUsize;
    /// use facekit::{FlatIndex, Fusion, Gallery, GalleryKey, KeyVault, Metric, Protection};
    ///
    /// let vault = KeyVault::open("keys.facekit", &Protection::Key(GalleryKey::from_file("root.key")?))?;
    /// let index = FlatIndex::new(space, Metric::Cosine);
    /// let threads = NonZeroUsize::new(2).unwrap();
    /// let rows = rows.into_iter().map(Ok);
    /// let gallery = Gallery::open_sealed(store, index, Fusion::default(), &vault, rows, threads)?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Key`](crate::Error::Key) for a template that does not open, the first error among `templates`, and errors of
    /// the store and of the index.
    pub fn open_sealed(
        store: impl TemplateStore + 'static,
        index: impl VectorIndex + 'static,
        fusion: Fusion,
        vault: &KeyVault,
        templates: impl IntoIterator<Item = Result<SealedTemplate>>,
        threads: NonZeroUsize,
    ) -> Result<Self> {
        let shared = Shared {
            store: Box::new(store),
            views: Mutex::default(),
        };
        Self::with_view(Arc::new(shared), |store| {
            let mut filling = Filling::new(store.people()?, Box::new(index), fusion);
            work::ordered(
                Batches(templates.into_iter()),
                threads,
                &CancellationToken::new(),
                |batch| open_batch(vault, batch),
                |_, templates| templates?.into_iter().try_for_each(|one| filling.push(one)),
            )?;
            filling.finish()
        })
    }
}

fn open_batch(vault: &KeyVault, batch: Result<Vec<SealedTemplate>>) -> Result<Vec<Template>> {
    let mut spaces = Spaces::default();
    let templates = batch?;
    let opened = templates
        .iter()
        .map(|template| vault.unseal_sharing(template, &mut spaces));
    opened.collect()
}

/// The items of an iterator in batches, which are large enough that passing them between threads costs little.
struct Batches<I>(I);

impl<I: Iterator<Item = Result<SealedTemplate>>> Iterator for Batches<I> {
    type Item = Result<Vec<SealedTemplate>>;

    fn next(&mut self) -> Option<Self::Item> {
        const BATCH: usize = 256;
        let batch: Result<Vec<_>> = self.0.by_ref().take(BATCH).collect();
        match batch {
            Ok(batch) if batch.is_empty() => None,
            batch => Some(batch),
        }
    }
}
