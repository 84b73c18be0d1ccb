//! The templates of a gallery, and the file of their index.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};
use facekit::{
    Digest, Embedding, EmbeddingSpace, EntryId, FlatIndex, HnswIndex, HnswOptions, Metric,
    PersonId, SnapshotFile, SnapshotIndex, TemplateStore,
};
use serde::Serialize;

use crate::{
    options::GalleryArgs,
    output::{count, shown},
    session::Session,
};

/// The number of entries that are inserted at a time.
const BATCH: usize = 4096;

/// A gallery, and the file of its index.
#[derive(Args, Debug)]
pub(super) struct IndexArgs {
    /// The file of the index
    #[arg(long, value_name = "FILE")]
    index: PathBuf,

    /// The kind of index
    #[arg(long, value_enum, default_value_t)]
    kind: Kind,

    #[command(flatten)]
    gallery: GalleryArgs,
}

/// The kind of an index.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(super) enum Kind {
    /// Compares with every template, in bytes; the faster one for faces
    #[default]
    Flat,
    /// Follows links between neighbors (HNSW)
    Graph,
}

/// The templates of a gallery in an embedding space, and the place of their index.
pub(super) struct Indexed {
    pub(super) space: EmbeddingSpace,
    /// An entry has the number of its template.
    pub(super) entries: Vec<(EntryId, Embedding)>,
    /// The person of each entry.
    pub(super) people: HashMap<EntryId, PersonId>,
    pub(super) kind: Kind,
    pub(super) file: SnapshotFile,
}

impl IndexArgs {
    pub(super) fn path(&self) -> &Path {
        &self.index
    }

    pub(super) fn kind(&self) -> Kind {
        self.kind
    }

    /// Reads the templates of the gallery.
    pub(super) fn read(&self, session: &Session, space: EmbeddingSpace) -> Result<Indexed> {
        let (store, protection) = self.gallery.open_with_protection(session)?;
        let mut indexed = Vec::new();
        let mut people = HashMap::new();
        let mut others = 0;
        let mut state = *Digest::of([]).as_bytes();
        store.templates(&mut |template| {
            session.token.check()?;
            if template.embedding.space() != &space {
                others += 1;
                return Ok(());
            }
            let id = EntryId(template.id.0);
            state = *digest(&state, id, &template.embedding).as_bytes();
            people.insert(id, template.person);
            indexed.push((id, template.embedding));
            Ok(())
        })?;
        if others > 0 {
            let gallery = shown(&self.gallery.gallery);
            let words = format!(
                "gallery {gallery}: {} of another embedder than {}; select the models with --models, or see \
                 `facekit gallery reembed`",
                count(others, "template is", "templates are"),
                space.model(),
            );
            if indexed.is_empty() {
                bail!(words);
            }
            session.output.note(&words);
        }
        let [a, b, c, d, e, f, g, h, ..] = state;
        let state = u64::from_le_bytes([a, b, c, d, e, f, g, h]);
        Ok(Indexed {
            space,
            entries: indexed,
            people,
            kind: self.kind,
            file: SnapshotFile::new(&self.index, protection, state),
        })
    }
}

/// The digest of the templates up to this one, whose digest before it was `before`. So another set of templates has another state,
/// also that of a copy of the gallery that was changed.
fn digest(before: &[u8], id: EntryId, embedding: &Embedding) -> Digest {
    let mut bytes = before.to_vec();
    bytes.extend(id.0.to_le_bytes());
    bytes.extend(
        embedding
            .values()
            .iter()
            .flat_map(|value| value.to_le_bytes()),
    );
    Digest::of(bytes)
}

impl Indexed {
    /// An index without entries.
    pub(super) fn empty(&self) -> Index {
        let space = self.space.clone();
        match self.kind {
            Kind::Flat => Index::Flat(Box::new(FlatIndex::new(space, Metric::Cosine))),
            Kind::Graph => {
                let options = HnswOptions::default();
                Index::Graph(Box::new(HnswIndex::new(space, Metric::Cosine, options)))
            }
        }
    }

    /// Inserts the templates.
    pub(super) fn fill(&self, session: &Session, index: &dyn SnapshotIndex) -> facekit::Result<()> {
        let bar = session.output.bar("building");
        for (nth, entries) in self.entries.chunks(BATCH).enumerate() {
            session.token.check()?;
            index.insert(entries)?;
            let done = nth * BATCH + entries.len();
            bar.set(done as u64, self.entries.len() as u64);
        }
        Ok(())
    }

    /// The index that the file has.
    pub(super) fn load(&self) -> Result<Index> {
        let index = self.empty();
        index.get().load(&self.file).with_context(|| {
            format!(
                "index {}: it does not load; `facekit index build` builds it again",
                shown(self.file.path())
            )
        })?;
        Ok(index)
    }
}

/// An index of either kind.
pub(super) enum Index {
    Flat(Box<FlatIndex>),
    Graph(Box<HnswIndex>),
}

impl Index {
    pub(super) fn get(&self) -> &dyn SnapshotIndex {
        match self {
            Self::Flat(index) => &**index,
            Self::Graph(index) => &**index,
        }
    }

    /// The number of bytes in memory: of all that a search can read, and of the embeddings.
    pub(super) fn memory(&self) -> (usize, usize) {
        match self {
            Self::Flat(index) => index.memory(),
            Self::Graph(index) => index.memory(),
        }
    }
}
