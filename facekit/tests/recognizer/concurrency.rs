//! Searches during changes of the gallery.

use std::{
    collections::BTreeSet,
    env,
    sync::{
        Arc, Condvar, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use facekit::{
    Embedding, EmbeddingSpace, EntryId, FlatIndex, Gallery, MemoryStore, Metric, PersonId, Result,
    ScoredEntry, SearchOptions, VectorIndex,
};

use crate::parts::{add, at_angle, id, space};

/// Rounds of a test: few by default, many in the long form.
fn rounds(few: usize, many: usize) -> usize {
    if env::var_os("FACEKIT_SOAK").is_some() {
        many
    } else {
        few
    }
}

/// Ends the loops of other threads, also if this thread panics.
struct EndOnDrop<'a>(&'a AtomicBool);

impl Drop for EndOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// An exact index whose changes last until a number of searches have ended.
#[derive(Debug)]
struct SlowToChange {
    index: FlatIndex,
    /// Searches that a change waits for; 0 lets changes pass.
    needed: AtomicUsize,
    searches: Mutex<usize>,
    searched: Condvar,
    /// A change gave up waiting.
    starved: AtomicBool,
}

impl SlowToChange {
    fn new() -> Self {
        Self {
            index: FlatIndex::new(space(), Metric::Cosine),
            needed: AtomicUsize::new(0),
            searches: Mutex::new(0),
            searched: Condvar::new(),
            starved: AtomicBool::new(false),
        }
    }

    fn await_searches(&self) {
        let searches = self.searches.lock().unwrap();
        let end = *searches + self.needed.load(Ordering::SeqCst);
        let patience = Duration::from_secs(60);
        let (_searches, timeout) = self
            .searched
            .wait_timeout_while(searches, patience, |searches| *searches < end)
            .unwrap();
        if timeout.timed_out() {
            self.starved.store(true, Ordering::SeqCst);
        }
    }
}

impl VectorIndex for SlowToChange {
    fn space(&self) -> &EmbeddingSpace {
        self.index.space()
    }

    fn metric(&self) -> Metric {
        self.index.metric()
    }

    fn len(&self) -> usize {
        self.index.len()
    }

    fn insert(&self, entries: &[(EntryId, Embedding)]) -> Result<()> {
        self.await_searches();
        self.index.insert(entries)
    }

    fn remove(&self, ids: &[EntryId]) -> Result<usize> {
        self.await_searches();
        self.index.remove(ids)
    }

    fn search(&self, probe: &Embedding, options: &SearchOptions<'_>) -> Result<Vec<ScoredEntry>> {
        self.index.search(probe, options)
    }
}

/// A change of the index goes on until 400 searches of four threads have ended, so it would never end if a search waited
/// for it.
#[test]
fn no_search_waits_for_a_change() {
    const SEARCHES: usize = 400;
    let index = Arc::new(SlowToChange::new());
    let gallery = Gallery::open(MemoryStore::new(), Arc::clone(&index)).unwrap();
    add(&gallery, "anna", &[0.0]);
    let roster = gallery.roster(&[id("anna")]).unwrap();
    index.needed.store(SEARCHES, Ordering::SeqCst);

    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while !done.load(Ordering::SeqCst) {
                    for roster in [None, Some(&roster)] {
                        let found = gallery.nearest(&at_angle(1.0), 1, roster).unwrap();
                        assert_eq!(found[0].person, id("anna"));
                    }
                    assert!(gallery.person(&id("anna")).is_some());
                    assert!(!gallery.people().is_empty() && !gallery.is_empty());
                    gallery.roster(&[id("anna")]).unwrap();
                    *index.searches.lock().unwrap() += 1;
                    index.searched.notify_all();
                }
            });
        }
        let _end = EndOnDrop(&done);
        for _ in 0..rounds(2, 50) {
            add(&gallery, "bela", &[90.0]);
            assert_eq!(gallery.remove(&[id("bela")]).unwrap(), 1);
        }
    });
    assert!(
        !index.starved.load(Ordering::SeqCst),
        "searches waited for a change"
    );
}

/// An exact index that pauses around its work, to let other threads in between.
#[derive(Debug)]
struct Yielding {
    index: FlatIndex,
    turns: AtomicUsize,
}

impl Yielding {
    fn pause(&self) {
        // A fixed pattern of pauses of different lengths.
        let turn = self
            .turns
            .fetch_add(1, Ordering::Relaxed)
            .wrapping_mul(7919)
            % 5;
        match turn {
            0 => thread::sleep(Duration::from_micros(60)),
            1 => thread::yield_now(),
            _ => {}
        }
    }
}

impl VectorIndex for Yielding {
    fn space(&self) -> &EmbeddingSpace {
        self.index.space()
    }

    fn metric(&self) -> Metric {
        self.index.metric()
    }

    fn len(&self) -> usize {
        self.index.len()
    }

    fn insert(&self, entries: &[(EntryId, Embedding)]) -> Result<()> {
        self.pause();
        self.index.insert(entries)?;
        self.pause();
        Ok(())
    }

    fn remove(&self, ids: &[EntryId]) -> Result<usize> {
        self.pause();
        let removed = self.index.remove(ids);
        self.pause();
        removed
    }

    fn search(&self, probe: &Embedding, options: &SearchOptions<'_>) -> Result<Vec<ScoredEntry>> {
        self.pause();
        let found = self.index.search(probe, options);
        self.pause();
        found
    }
}

/// The people of a gallery after each change, with the number of changes begun and ended.
struct History {
    states: Mutex<Vec<BTreeSet<PersonId>>>,
    begun: AtomicUsize,
    ended: AtomicUsize,
}

/// A search finds the people of one state that the gallery had between the beginning and the end of the search.
#[test]
fn each_search_sees_one_state() {
    let index = Yielding {
        index: FlatIndex::new(space(), Metric::Cosine),
        turns: AtomicUsize::new(0),
    };
    let gallery = Gallery::open(MemoryStore::new(), index).unwrap();
    let history = History {
        states: Mutex::new(vec![BTreeSet::new()]),
        begun: AtomicUsize::new(0),
        ended: AtomicUsize::new(0),
    };
    let names: Vec<PersonId> = (0..5).map(|nth| id(&format!("person {nth}"))).collect();
    // A roster of all people, made while all are known.
    for name in &names {
        add(&gallery, name.as_str(), &[0.0]);
    }
    let everybody = gallery.roster(&names).unwrap();
    gallery.remove(&names).unwrap();

    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        for nth in 0..3 {
            let (gallery, history, done, everybody) = (&gallery, &history, &done, &everybody);
            scope.spawn(move || {
                let roster = (nth == 0).then_some(everybody);
                while !done.load(Ordering::SeqCst) {
                    let first = history.ended.load(Ordering::SeqCst);
                    let found = gallery.nearest(&at_angle(0.0), 9, roster).unwrap();
                    let last = history.begun.load(Ordering::SeqCst);
                    let found: BTreeSet<PersonId> =
                        found.into_iter().map(|neighbor| neighbor.person).collect();
                    let states = &history.states.lock().unwrap()[first..=last];
                    assert!(
                        states.contains(&found),
                        "found {found:?}; the states were {states:?}"
                    );
                }
            });
        }
        let _end = EndOnDrop(&done);
        let mut known = BTreeSet::new();
        for step in 0..rounds(1_500, 100_000) {
            let name = &names[(step * 7 + step / 3) % names.len()];
            let removes = known.contains(name);
            if removes {
                known.remove(name);
            } else {
                known.insert(name.clone());
            }
            history.states.lock().unwrap().push(known.clone());
            history.begun.fetch_add(1, Ordering::SeqCst);
            if removes {
                gallery.remove(std::slice::from_ref(name)).unwrap();
            } else {
                add(&gallery, name.as_str(), &[step as f32 % 7.0]);
            }
            history.ended.fetch_add(1, Ordering::SeqCst);
        }
    });
}
