//! Opens a gallery of sealed templates and follows single people, beside what decryption alone takes.
//!
//! `cargo run --release -p benches --example gallery_opening -- 100000` takes the number of people, and prints a table. Each
//! person has one template of 512 values. On Linux, the table has the processor time of all threads too, which other programs
//! change less.

use std::{
    collections::BTreeMap,
    error::Error,
    num::NonZeroUsize,
    sync::Arc,
    time::{Duration, Instant},
};

use facekit::{
    AlignedFace, Digest, Embedding, EmbeddingSpace, FlatIndex, Fusion, Gallery, GalleryKey,
    KeyVault, Metric, NewTemplate, Person, PersonId, Protection, SealedTemplate, Template,
    TemplateId, TemplateStore, jiff::Timestamp,
};

const DIMENSION: usize = 512;
const CONTEXT: &[u8] = b"bytes";

fn main() -> Result<(), Box<dyn Error>> {
    let people: usize = match std::env::args().nth(1) {
        Some(number) => number.parse()?,
        None => 100_000,
    };
    let folder = std::env::temp_dir().join(format!("gallery-opening-{}", std::process::id()));
    std::fs::create_dir(&folder)?;
    let measured = measure(people, &folder);
    std::fs::remove_dir_all(&folder)?;
    measured
}

fn measure(people: usize, folder: &std::path::Path) -> Result<(), Box<dyn Error>> {
    let path = folder.join("keys.facekit");
    let protection = Protection::Key(GalleryKey::generate()?);
    let vault = KeyVault::create(&path, &protection)?;
    let ids = (0..people).map(|number| PersonId::new(format!("{number:08}")));
    let ids = ids.collect::<facekit::Result<Vec<_>>>()?;
    vault.add(&ids)?;
    drop(vault);
    let (opening_the_vault, vault) = timed(|| KeyVault::open(&path, &protection))?;

    let space = EmbeddingSpace::new("noise", Digest::from_bytes([0; 32]), DIMENSION);
    let mut rows = Vec::with_capacity(people);
    let mut bytes = Vec::with_capacity(people);
    for (number, person) in ids.iter().enumerate() {
        let template = NewTemplate::new(noise(&space, number)?, 0.9, Timestamp::UNIX_EPOCH);
        let sealed = vault.seal_template(person, &template)?;
        bytes.push(vault.seal(person, CONTEXT, &vec![7; sealed.len() - 41])?);
        let id = TemplateId(number as u64);
        rows.push(SealedTemplate::new(id, person.clone(), sealed));
    }

    let (decryption, ()) = timed(|| {
        for (person, sealed) in ids.iter().zip(&bytes) {
            std::hint::black_box(vault.unseal(person, CONTEXT, sealed)?);
        }
        Ok(())
    })?;
    let vault = Arc::new(vault);
    let store = Rows::new(Arc::clone(&vault), &rows);
    let mut opened = Vec::new();
    for threads in [1, 2] {
        let index = FlatIndex::new(space.clone(), Metric::Cosine);
        let threads = NonZeroUsize::new(threads).ok_or("at least one thread")?;
        let given = rows.iter().cloned().map(Ok);
        let store = store.clone();
        let (cost, gallery) =
            timed(|| Gallery::open_sealed(store, index, Fusion::Mean, &vault, given, threads))?;
        assert_eq!(gallery.len(), people);
        opened.push((threads, cost, gallery));
    }

    println!("{people} people, one template of {DIMENSION} values each");
    let line = |what: &str, cost: Cost| {
        let [time, cpu] = [|cost: Cost| cost.time, |cost: Cost| cost.cpu]
            .map(|part| (part(cost).as_secs_f64(), part(decryption).as_secs_f64()));
        let (by_time, by_cpu) = (time.0 / time.1, cpu.0 / cpu.1);
        println!(
            "| {what} | {:.2} s | {by_time:.2} | {:.2} s | {by_cpu:.2} |",
            time.0, cpu.0
        );
    };
    println!("| | time | / decryption | processor time | / decryption |\n|-|-|-|-|-|");
    line("decryption alone, 1 thread", decryption);
    line("opening the vault", opening_the_vault);
    for (threads, cost, _) in &opened {
        line(&format!("opening the gallery, threads: {threads}"), *cost);
    }

    let some = ids.iter().step_by((people / 200).max(1));
    let (mut following, mut opening) = (Vec::new(), Vec::new());
    for person in some {
        let (cost, ()) = timed(|| opened[0].2.follow(person))?;
        following.push(cost.time);
        let (cost, templates) = timed(|| store.templates_of(person))?;
        assert_eq!(templates.len(), 1);
        opening.push(cost.time);
    }
    println!(
        "follow: median {:?}, greatest {:?}; of this, reading and decryption: median {:?}",
        median(&mut following),
        following[following.len() - 1],
        median(&mut opening)
    );
    Ok(())
}

#[derive(Clone, Copy)]
struct Cost {
    time: Duration,
    cpu: Duration,
}

fn timed<T>(work: impl FnOnce() -> facekit::Result<T>) -> facekit::Result<(Cost, T)> {
    let (start, cpu) = (Instant::now(), cpu_time());
    let result = work()?;
    let cost = Cost {
        time: start.elapsed(),
        cpu: cpu_time() - cpu,
    };
    Ok((cost, result))
}

/// The processor time of all threads of this process, in steps of 10 ms; zero on other systems than Linux.
fn cpu_time() -> Duration {
    let ticks = || {
        let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
        // The second field is the name in parentheses. User and system time are the fields 14 and 15.
        let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
        let field = |number: usize| fields.get(number - 3)?.parse::<u64>().ok();
        Some(field(14)? + field(15)?)
    };
    Duration::from_millis(10 * ticks().unwrap_or(0))
}

/// The median. Afterward the times are in rising order.
fn median(times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

/// A vector of random values, the same in every run (SplitMix64).
fn noise(space: &EmbeddingSpace, seed: usize) -> facekit::Result<Embedding> {
    let mut state = seed as u64;
    let values = (0..DIMENSION).map(|_| {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) as i64 as f32) / (1_u64 << 63) as f32
    });
    Embedding::new(space, values.collect())
}

/// Sealed templates in memory, in the place of a table of a database.
#[derive(Clone, Debug)]
struct Rows {
    vault: Arc<KeyVault>,
    rows: Arc<BTreeMap<PersonId, SealedTemplate>>,
}

impl Rows {
    fn new(vault: Arc<KeyVault>, rows: &[SealedTemplate]) -> Self {
        let rows = rows.iter().map(|row| (row.person.clone(), row.clone()));
        Self {
            vault,
            rows: Arc::new(rows.collect()),
        }
    }

    fn refused<T>() -> facekit::Result<T> {
        Err(facekit::Error::argument("store", "it cannot be changed"))
    }
}

impl TemplateStore for Rows {
    fn put(&self, _: &Person, _: &[NewTemplate]) -> facekit::Result<Vec<TemplateId>> {
        Self::refused()
    }

    fn remove(&self, _: &[PersonId]) -> facekit::Result<usize> {
        Self::refused()
    }

    fn remove_templates(&self, _: &[TemplateId]) -> facekit::Result<usize> {
        Self::refused()
    }

    fn person(&self, id: &PersonId) -> facekit::Result<Option<Person>> {
        let known = self.rows.contains_key(id);
        Ok(known.then(|| Person::new(id.clone(), Timestamp::UNIX_EPOCH)))
    }

    fn templates_of(&self, person: &PersonId) -> facekit::Result<Vec<Template>> {
        let row = self.rows.get(person);
        row.map(|row| self.vault.unseal_template(row))
            .into_iter()
            .collect()
    }

    fn people(&self) -> facekit::Result<Vec<Person>> {
        let people = self.rows.keys();
        Ok(people
            .map(|id| Person::new(id.clone(), Timestamp::UNIX_EPOCH))
            .collect())
    }

    fn templates(
        &self,
        visit: &mut dyn FnMut(Template) -> facekit::Result<()>,
    ) -> facekit::Result<()> {
        self.rows
            .values()
            .try_for_each(|row| visit(self.vault.unseal_template(row)?))
    }

    fn crops(
        &self,
        _: &mut dyn FnMut(TemplateId, &PersonId, AlignedFace) -> facekit::Result<()>,
    ) -> facekit::Result<()> {
        Ok(())
    }
}
