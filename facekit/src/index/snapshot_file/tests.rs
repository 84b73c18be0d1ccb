//! Snapshots whose seal is right and whose content is not: those of a program with a bug, or of somebody who has the key.

use std::sync::OnceLock;

use proptest::prelude::*;

use super::*;
use crate::index::{
    EntryId, FlatIndex, HnswIndex, HnswOptions, Metric, SearchOptions,
    faces::{Faces, ids},
};

const DIMENSION: usize = 6;
const ENTRIES: u64 = 90;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Flat,
    Graph,
}

/// A change of the content of a file.
#[derive(Clone, Debug)]
enum Damage {
    /// Flips a bit.
    Bit(usize, u32),
    /// Writes a number over another: numbers of links, levels and entries are of this size.
    Number(usize, u32),
    Cut(usize),
    Insert(usize, Vec<u8>),
    /// Copies bytes to another place.
    Copy(usize, usize, usize),
}

impl Damage {
    fn to(&self, bytes: &mut Vec<u8>) {
        let length = bytes.len().max(1);
        match self {
            Self::Bit(at, bit) => {
                if let Some(byte) = bytes.get_mut(at % length) {
                    *byte ^= 1 << (bit % 8);
                }
            }
            Self::Number(at, number) => {
                let at = at % length / 4 * 4;
                if let Some(place) = bytes.get_mut(at..at + 4) {
                    place.copy_from_slice(&number.to_le_bytes());
                }
            }
            Self::Cut(at) => bytes.truncate(at % length),
            Self::Insert(at, more) => {
                let at = (at % length).min(bytes.len());
                bytes.splice(at..at, more.iter().copied());
            }
            Self::Copy(from, to, count) => {
                let (from, to) = (from % length, to % length);
                let count = count % 64;
                if from + count <= bytes.len() && to + count <= bytes.len() {
                    bytes.copy_within(from..from + count, to);
                }
            }
        }
    }
}

fn damages() -> impl Strategy<Value = Vec<Damage>> {
    // Numbers that may be taken for one of an entry, a level or a length.
    let number = prop_oneof![
        0_u32..200,
        Just(u32::MAX),
        Just(1 << 31),
        any::<f32>().prop_map(f32::to_bits),
    ];
    let damage = prop_oneof![
        (any::<usize>(), any::<u32>()).prop_map(|(at, bit)| Damage::Bit(at, bit)),
        (any::<usize>(), number.clone()).prop_map(|(at, number)| Damage::Number(at, number)),
        // The first numbers are the counts.
        (0_usize..28, number).prop_map(|(at, number)| Damage::Number(at, number)),
        any::<usize>().prop_map(Damage::Cut),
        (any::<usize>(), prop::collection::vec(any::<u8>(), 1..40))
            .prop_map(|(at, more)| Damage::Insert(at, more)),
        (any::<usize>(), any::<usize>(), any::<usize>())
            .prop_map(|(from, to, count)| Damage::Copy(from, to, count)),
    ];
    prop::collection::vec(damage, 0..4)
}

fn space() -> EmbeddingSpace {
    Faces::new(DIMENSION).space
}

fn flat() -> FlatIndex {
    FlatIndex::new(space(), Metric::Cosine)
}

/// A search keeps so few candidates that it goes through the graph.
fn graph() -> HnswIndex {
    let options = HnswOptions::default().with_links(4).with_ef_search(3);
    HnswIndex::new(space(), Metric::Cosine, options)
}

/// The content of a file of each kind, from the number of entries or links on.
fn content(kind: Kind) -> &'static [u8] {
    static CONTENTS: OnceLock<[Vec<u8>; 2]> = OnceLock::new();
    let contents = CONTENTS.get_or_init(|| {
        let entries = Faces::new(DIMENSION).people(ENTRIES);
        let (flat, graph) = (flat(), graph());
        flat.insert(&entries).unwrap();
        graph.insert(&entries).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let file = SnapshotFile::new(folder.path().join("index"), Protection::None, 0);
        let saved = |index: &dyn SnapshotIndex, content| {
            index.save(&file).unwrap();
            let reader = file.read(content, index).unwrap();
            reader.plain[reader.at..].to_vec()
        };
        [saved(&flat, Content::Flat), saved(&graph, Content::Graph)]
    });
    &contents[kind as usize]
}

/// A reader of a file with this content, opened up to the entries.
fn reader(content: &[u8]) -> Reader {
    static FILE: OnceLock<Arc<dyn Disk>> = OnceLock::new();
    let disk = FILE.get_or_init(|| Arc::new(tempfile::tempfile().unwrap()));
    Reader {
        disk: Arc::clone(disk),
        path: "index".into(),
        key: SecretKey::random().unwrap(),
        number: 1,
        length: offset(1),
        plain: Zeroizing::new(content.to_vec()),
        at: 0,
    }
}

/// Loads a content into an index with one entry.
fn load(kind: Kind, content: &[u8]) -> (Box<dyn SnapshotIndex>, Result<()>) {
    let before = Faces::new(DIMENSION).people(1);
    match kind {
        Kind::Flat => {
            let index = flat();
            index.insert(&before).unwrap();
            let loaded = index.load_from(reader(content));
            (Box::new(index), loaded)
        }
        Kind::Graph => {
            let index = graph();
            index.insert(&before).unwrap();
            let loaded = index.load_from(reader(content));
            (Box::new(index), loaded)
        }
    }
}

/// People who are in none of the files.
fn strangers() -> &'static [Embedding; 2] {
    static STRANGERS: OnceLock<[Embedding; 2]> = OnceLock::new();
    STRANGERS.get_or_init(|| {
        let mut faces = Faces::new(DIMENSION);
        faces.people(ENTRIES);
        [faces.person(), faces.person()]
    })
}

#[test]
fn a_content_that_is_whole_loads() {
    for kind in [Kind::Flat, Kind::Graph] {
        let (index, loaded) = load(kind, content(kind));
        loaded.unwrap();
        assert_eq!(index.len(), ENTRIES as usize);
    }
}

#[test]
fn a_number_of_entries_that_is_too_great_reserves_no_memory() {
    for (kind, at) in [(Kind::Flat, 0), (Kind::Graph, 12)] {
        let mut content = content(kind).to_vec();
        content[at..at + 4].copy_from_slice(&u32::MAX.to_le_bytes());
        let error = load(kind, &content).1.unwrap_err();
        assert!(matches!(error, Error::FileDamaged { .. }), "{error}");
        assert!(error.to_string().contains("too short"), "{error}");
    }
}

proptest! {
    /// An index that loads works, whatever it holds; one that does not is unchanged.
    #[test]
    fn a_damaged_content_is_refused_or_works(graph in any::<bool>(), damages in damages()) {
        let kind = if graph { Kind::Graph } else { Kind::Flat };
        let mut content = content(kind).to_vec();
        damages.iter().for_each(|damage| damage.to(&mut content));
        let (index, loaded) = load(kind, &content);
        if let Err(error) = loaded {
            let is_damage = matches!(error, Error::FileDamaged { .. });
            let is_misfit = matches!(error, Error::InvalidArgument { argument: "index", .. });
            prop_assert!(is_damage || kind == Kind::Graph && is_misfit, "{}", error);
            prop_assert_eq!(index.len(), 1);
        }
        let [probe, late] = strangers();
        let late = (EntryId(u64::MAX - 1), late.clone());
        for probe in [probe, &late.1] {
            let options = SearchOptions::new(3);
            for exact in [false, true] {
                let found = index.search(probe, &options.with_exact(exact)).unwrap();
                prop_assert!(found.len() <= 3.min(index.len()));
                prop_assert!(found.is_sorted_by(|a, b| a.score >= b.score));
            }
            let all = index.search(probe, &SearchOptions::new(1_000).with_exact(true)).unwrap();
            prop_assert_eq!(all.len(), index.len());
            // It goes on as any other index.
            let (gone, kept) = all.split_at(all.len() / 3);
            let gone: Vec<EntryId> = gone.iter().map(|found| found.entry).collect();
            prop_assert_eq!(index.remove(&gone).unwrap(), gone.len());
            index.insert(std::slice::from_ref(&late)).unwrap();
            let found = index.search(&late.1, &options.with_exact(true)).unwrap();
            prop_assert_eq!(found[0].entry, late.0);
            let others = ids(&found[1..]);
            prop_assert!(others.iter().all(|id| !gone.contains(&EntryId(*id))));
            let replaced = kept.iter().any(|found| found.entry == late.0);
            prop_assert_eq!(index.len(), kept.len() + usize::from(!replaced));
        }
    }
}
