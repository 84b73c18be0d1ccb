use super::*;
use crate::index::faces::{Changes, Faces, follows_a_map};

fn index(faces: &Faces, entries: &[(EntryId, Embedding)]) -> HnswIndex {
    let index = HnswIndex::new(faces.space.clone(), Metric::Cosine, HnswOptions::default());
    index.insert(entries).unwrap();
    index
}

/// The share of the ten nearest that a search through the graph finds.
fn recall(index: &HnswIndex, probes: &[Embedding]) -> f64 {
    let mut found = 0;
    for probe in probes {
        let options = SearchOptions::new(10);
        let exact = index.search(probe, &options.with_exact(true)).unwrap();
        let near = index.search(probe, &options).unwrap();
        found += exact.iter().filter(|exact| near.contains(exact)).count();
    }
    found as f64 / (10 * probes.len()) as f64
}

#[test]
fn finds_neighbors_in_few_dimensions() {
    let mut faces = Faces::new(16);
    let entries = faces.people(5_000);
    let index = index(&faces, &entries).with_ef_search(64);
    let probes: Vec<Embedding> = (0..100).map(|_| faces.person()).collect();
    let recall = recall(&index, &probes);
    assert!(recall > 0.99, "{recall}");
}

#[test]
fn a_wider_search_finds_more() {
    let mut faces = Faces::new(128);
    let entries = faces.people(8_000);
    let probes: Vec<Embedding> = (0..50).map(|_| faces.person()).collect();
    let mut index = index(&faces, &entries);
    let mut before = 0.0;
    for ef in [20, 100, 500] {
        index = index.with_ef_search(ef);
        let recall = recall(&index, &probes);
        assert!(recall > before, "{ef}: {recall}");
        before = recall;
    }
    assert!(before > 0.97, "{before}");
}

#[test]
fn a_recall_of_one_is_exact() {
    let mut faces = Faces::new(128);
    let entries = faces.people(4_000);
    let index = index(&faces, &entries).with_ef_search(10);
    let mut differ = 0;
    for _ in 0..50 {
        let probe = faces.person();
        let options = SearchOptions::new(10);
        let exact = index.search(&probe, &options.with_exact(true)).unwrap();
        let found = index.search(&probe, &options.with_recall(1.0)).unwrap();
        assert_eq!(found, exact);
        differ += usize::from(index.search(&probe, &options).unwrap() != exact);
    }
    assert!(differ > 0, "a search through the graph is not always exact");
}

#[test]
fn an_unfinished_insert_costs_no_recall() {
    let mut faces = Faces::new(16);
    let entries = faces.people(8_000);
    let (live, coming) = entries.split_at(2_000);
    let index = index(&faces, live).with_ef_search(20);
    let probes: Vec<Embedding> = (0..100).map(|_| faces.person()).collect();
    let mut writer = index.writer.lock().unwrap();
    for (id, embedding) in coming {
        index.link(&mut writer, *id, embedding);
    }
    drop(writer);
    assert_eq!(index.len(), live.len());
    let recall = recall(&index, &probes);
    assert!(recall > 0.95, "{recall}");
}

#[test]
fn linked_nodes_are_counted() {
    let mut faces = Faces::new(16);
    let entries = faces.people(300);
    let index = index(&faces, &entries);
    let counted = |expected: usize| {
        let state = index.state();
        assert_eq!(state.graph.linked_count(), expected);
        assert_eq!(state.graph.linked().count(), expected);
    };
    counted(300);
    index.insert(&entries[..100]).unwrap();
    counted(300);
    let gone: Vec<EntryId> = entries[..120].iter().map(|(id, _)| *id).collect();
    index.remove(&gone).unwrap();
    counted(180);
    index.insert(&entries[..50]).unwrap();
    counted(230);
}

#[cfg(feature = "store")]
#[test]
fn a_loaded_graph_has_arrays_of_one_length() {
    use crate::{
        index::{SnapshotFile, SnapshotIndex},
        sealed_file::Protection,
    };

    let mut faces = Faces::new(20);
    let entries = faces.people(1_500);
    let folder = tempfile::tempdir().unwrap();
    let file = SnapshotFile::new(folder.path().join("graph"), Protection::None, 0);
    index(&faces, &entries).save(&file).unwrap();
    let loaded = index(&faces, &[]);
    loaded.load(&file).unwrap();
    let bytes = |nodes: usize| nodes * loaded.shape.stride * size_of::<f32>();
    // Arrays that grew as they were filled would have room to spare, and would have left copies behind.
    assert_eq!(loaded.memory().1, bytes(1_500));
    loaded.insert(&[(EntryId(10_000), faces.person())]).unwrap();
    assert_eq!(loaded.memory().1, bytes(3_000));
}

#[test]
fn removal_closes_the_gaps() {
    let mut faces = Faces::new(32);
    let entries = faces.people(6_000);
    let probes: Vec<Embedding> = (0..100).map(|_| faces.person()).collect();
    let (gone, kept): (Vec<_>, Vec<_>) = entries.iter().cloned().partition(|(id, _)| id.0 % 10 < 3);
    let whole = index(&faces, &entries).with_ef_search(100);
    let ids: Vec<EntryId> = gone.iter().map(|(id, _)| *id).collect();
    assert_eq!(whole.remove(&ids).unwrap(), gone.len());
    let fresh = index(&faces, &kept).with_ef_search(100);
    let (whole, fresh) = (recall(&whole, &probes), recall(&fresh, &probes));
    assert!(
        whole > fresh - 0.01,
        "after removal {whole}, built anew {fresh}"
    );
}

#[test]
fn removal_leaves_nothing() {
    let mut faces = Faces::new(64);
    let entries = faces.people(500);
    let index = index(&faces, &entries);
    let gone: Vec<EntryId> = (0..500).step_by(3).map(EntryId).collect();
    let nodes: Vec<u32> = {
        let state = index.state();
        gone.iter()
            .map(|id| state.graph.node(*id).unwrap())
            .collect()
    };
    index.remove(&gone).unwrap();
    let state = index.state();
    for &node in &nodes {
        assert!(
            state
                .graph
                .values(node, &index.shape)
                .iter()
                .all(|&value| value == 0.0)
        );
        let probe = state.graph.probe(node);
        assert!(probe.codes.as_flattened().iter().all(|&code| code == 0));
    }
    for node in state.graph.linked() {
        for level in 0..3 {
            let links = state.graph.links(node, level);
            assert!(links.iter().all(|link| !nodes.contains(link)));
        }
    }
}

#[test]
fn copies_do_not_separate_the_graph() {
    let mut faces = Faces::new(32);
    let mut entries = faces.people(3_000);
    let copied = faces.person();
    for (_, embedding) in entries.iter_mut().skip(1_000).take(500) {
        *embedding = copied.clone();
    }
    let index = index(&faces, &entries).with_ef_search(100);
    for (id, embedding) in entries.iter().skip(1_500).step_by(50) {
        let found = index.search(embedding, &SearchOptions::new(1)).unwrap();
        assert_eq!(found[0].entry, *id);
    }
}

/// Rows that look random, and then many copies of one. The first node, where searches may begin, is a copy, too.
#[test]
fn copies_do_not_cut_the_others_off() {
    for (copies, first) in [(210, false), (500, false), (500, true), (1_700, true)] {
        let mut faces = Faces::new(32);
        let mut entries = faces.people(2_000);
        let copied = faces.person();
        let some = (0..copies).map(|nth| (EntryId(10_000 + nth), copied.clone()));
        if first {
            entries.splice(0..0, some);
        } else {
            entries.extend(some);
        }
        let index = index(&faces, &entries).with_ef_search(100);
        let hits = |index: &HnswIndex, entries: &[(EntryId, Embedding)]| {
            let others = entries.iter().filter(|(id, _)| id.0 < 2_000).step_by(4);
            let options = SearchOptions::new(1);
            let found = |(id, person): &(EntryId, Embedding)| {
                index.search(person, &options).unwrap()[0].entry == *id
            };
            let (all, hits) = others.fold((0, 0), |(all, hits), entry| {
                (all + 1, hits + usize::from(found(entry)))
            });
            hits as f64 / f64::from(all)
        };
        let others: Vec<_> = entries
            .iter()
            .filter(|(id, _)| id.0 < 2_000)
            .cloned()
            .collect();
        let alone = self::index(&faces, &others).with_ef_search(100);
        let (share, expected) = (hits(&index, &entries), hits(&alone, &others));
        println!("{copies}, {first}: {share}, without copies {expected}");
        assert!(
            share > expected - 0.02 && share > 0.95,
            "{copies}, {first}: {share}, {expected}"
        );
        let mut near = |index: &HnswIndex, k| {
            let probe = faces.photo(&copied, 0.99);
            let found = index.search(&probe, &SearchOptions::new(k)).unwrap();
            found.iter().filter(|found| found.entry.0 >= 10_000).count()
        };
        assert_eq!(near(&index, 90), 90, "copies are found from one another");

        // The rest is connected after removals, whatever is removed.
        let gone: Vec<EntryId> = entries
            .iter()
            .map(|(id, _)| *id)
            .filter(|id| id.0 % 3 == 0)
            .collect();
        index.remove(&gone).unwrap();
        entries.retain(|(id, _)| id.0 % 3 != 0);
        let share = hits(&index, &entries);
        println!("{copies}, {first}: {share} after removal");
        assert!(
            share > expected - 0.03,
            "after removal, {copies}, {first}: {share}"
        );
        assert_eq!(near(&index, 90), 90, "after removal");
    }
}

#[test]
fn more_nearest_than_others_are_found_among_copies() {
    let mut faces = Faces::new(32);
    let copied = faces.person();
    let entries: Vec<_> = (0..1_700).map(|id| (EntryId(id), copied.clone())).collect();
    let index = index(&faces, &entries);
    for k in [1, 10, 150] {
        let found = index
            .search(&faces.person(), &SearchOptions::new(k))
            .unwrap();
        assert_eq!(found.len(), k);
    }
}

#[test]
fn limits_of_options() {
    let mut faces = Faces::new(16);
    let options = HnswOptions::default()
        .with_links(1 << 40)
        .with_ef_construction(usize::MAX)
        .with_ef_search(usize::MAX);
    let index = HnswIndex::new(faces.space.clone(), Metric::Cosine, options);
    let entries = faces.people(60);
    index.insert(&entries).unwrap();
    let found = index.search(&entries[7].1, &SearchOptions::new(1)).unwrap();
    assert_eq!(found[0].entry, EntryId(7));
}

#[test]
fn sets_of_every_size() {
    let mut faces = Faces::new(24);
    let entries = faces.people(6_000);
    let index = index(&faces, &entries).with_ef_search(60);
    for step in [1, 2, 5, 50, 3_000] {
        let set: EntrySet = entries.iter().step_by(step).map(|(id, _)| *id).collect();
        let mut hits = 0;
        for nth in 0..40 {
            let probe = faces.photo(&entries[nth * 77].1, 0.8);
            let options = SearchOptions::new(1).with_entries(&set);
            let found = index.search(&probe, &options).unwrap();
            let exact = index.search(&probe, &options.with_exact(true)).unwrap();
            assert!(set.contains(found[0].entry));
            hits += usize::from(found == exact);
        }
        assert!(hits >= 39, "every {step}th: {hits} of 40");
    }
}

#[test]
fn follows_a_map_through_changes() {
    let mut faces = Faces::new(16);
    let index = index(&faces, &[]);
    let changes = Changes {
        rounds: 40,
        most: 150.0,
        first: 600.0,
        stretch: 300,
    };
    follows_a_map(&index, &mut faces, &changes);
    assert_eq!(index.memory().1, 0, "an empty index has no memory");
}

#[test]
fn equal_changes_give_equal_graphs() {
    let built = || {
        let mut faces = Faces::new(16);
        let entries = faces.people(2_000);
        let index = index(&faces, &entries);
        let gone: Vec<EntryId> = (0..500).map(|nth| EntryId(nth * 3)).collect();
        index.remove(&gone).unwrap();
        index.insert(&entries[..100]).unwrap();
        let state = index.state();
        let graph = &state.graph;
        let links = |node| (0..4).map(move |level| graph.links(node, level).to_vec());
        graph
            .linked()
            .map(|node| (graph.id(node), links(node).collect()))
            .collect::<Vec<(EntryId, Vec<Vec<u32>>)>>()
    };
    assert!(built() == built());
}
