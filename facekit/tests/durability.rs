//! Acknowledged changes survive when the process is killed.

#![cfg(feature = "store")]

use std::{
    collections::{BTreeMap, BTreeSet},
    env,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use facekit::{
    Digest, Embedding, EmbeddingSpace, FileStore, GalleryKey, NewTemplate, Person, PersonId,
    Protection, TemplateStore, Watch,
};
use jiff::Timestamp;

const FILE: &str = "FACEKIT_TEST_FILE";
const ROUND: &str = "FACEKIT_TEST_ROUND";
const ROUNDS: usize = 100;

fn open(path: &Path) -> FileStore {
    let protection = Protection::Key(GalleryKey::from_bytes([3; 32]));
    FileStore::open_or_create(path, &protection).unwrap()
}

fn template(seed: usize) -> NewTemplate {
    let space = EmbeddingSpace::new("example", Digest::from_bytes([1; 32]), 512);
    let values = (0..512).map(|index| ((index * 7 + seed * 13) % 101) as f32 - 50.0);
    let embedding = Embedding::new(&space, values.collect()).unwrap();
    NewTemplate::new(embedding, 0.5, Timestamp::UNIX_EPOCH)
}

/// The process that is killed. It adds people one after the other, removes every third of them again, and prints each step
/// before and after it.
#[test]
fn enroll_until_killed() {
    let (Some(path), Ok(round)) = (env::var_os(FILE), env::var(ROUND)) else {
        return;
    };
    let store = open(Path::new(&path));
    let mut out = std::io::stdout();
    let mut print = |line: String| {
        writeln!(out, "\n> {line}").unwrap();
        out.flush().unwrap();
    };
    for number in 0.. {
        let id = PersonId::new(format!("{round}-{number}")).unwrap();
        let templates = 1 + number % 3;
        let person = Person::new(id.clone(), Timestamp::UNIX_EPOCH);
        let new: Vec<_> = (0..templates).map(template).collect();
        print(format!("putting {id} {templates}"));
        store.put(&person, &new).unwrap();
        print(format!("put {id} {templates}"));
        if number % 3 == 2 {
            let gone = PersonId::new(format!("{round}-{}", number - 1)).unwrap();
            print(format!("removing {gone} 0"));
            store.remove(std::slice::from_ref(&gone)).unwrap();
            print(format!("removed {gone} 0"));
        }
    }
}

#[test]
fn acknowledged_changes_survive_kills() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("staff.gallery");
    let mut sure = BTreeMap::<String, usize>::new();
    let mut removed = BTreeSet::<String>::new();
    let mut chance = 88_172_645_463_325_252_u64;
    let mut acknowledged = 0;
    for round in 0..ROUNDS {
        let mut child = Command::new(env::current_exe().unwrap())
            .args(["--exact", "enroll_until_killed", "--nocapture"])
            .env(FILE, &path)
            .env(ROUND, round.to_string())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let reader =
            thread::spawn(move || output.lines().map_while(Result::ok).collect::<Vec<_>>());
        chance ^= chance << 13;
        chance ^= chance >> 7;
        chance ^= chance << 17;
        thread::sleep(Duration::from_micros(2_000 + chance % 120_000));
        child.kill().unwrap();
        child.wait().unwrap();

        // The step that the kill interrupted may have happened or not.
        let mut under_way = None;
        for line in reader.join().unwrap() {
            let Some(words) = line.strip_prefix("> ") else {
                continue;
            };
            // The last line may be incomplete.
            let [step, id, count] = words.split(' ').collect::<Vec<_>>()[..] else {
                continue;
            };
            let Ok(count) = count.parse::<usize>() else {
                continue;
            };
            under_way = None;
            match step {
                "put" => {
                    sure.insert(id.to_owned(), count);
                    acknowledged += 1;
                }
                "removed" => {
                    sure.remove(id);
                    removed.insert(id.to_owned());
                    acknowledged += 1;
                }
                _ => under_way = Some((id.to_owned(), count)),
            }
        }
        let store = open(&path);
        let mut found: BTreeMap<String, usize> = store
            .people()
            .unwrap()
            .into_iter()
            .map(|person| (person.id.to_string(), 0))
            .collect();
        store
            .templates(&mut |template| {
                *found.get_mut(template.person.as_str()).unwrap() += 1;
                Ok(())
            })
            .unwrap();
        if let Some((id, count)) = under_way
            && found.get(&id).copied().unwrap_or(0) == count
        {
            if count == 0 {
                sure.remove(&id);
                removed.insert(id);
            } else {
                sure.insert(id, count);
            }
        }
        assert_eq!(found, sure, "round {round}");
        assert!(removed.iter().all(|id| !found.contains_key(id)));
        let report = store.check(Watch::new()).unwrap();
        assert!(report.is_clean(), "{report:?}");
    }
    assert!(acknowledged > ROUNDS / 4, "{acknowledged}");
}
