//! A process that keeps sealed templates in a database and their keys in a vault is killed between two steps.

use std::{
    collections::BTreeMap,
    fs::{self, OpenOptions},
    path::Path,
    sync::Arc,
};

use redb::TableDefinition;

use super::{id, key, people_of_keys, root_keys};
use crate::{
    digest::Digest,
    embed::{Embedding, EmbeddingSpace},
    person::PersonId,
    sealed_file::{
        database::{GuardedDatabase, Reading, Writing},
        disk::Disk,
        tests::kills::{Victim, chosen_steps, kill_before},
    },
    store::{NewTemplate, TemplateId},
    vault::{KeyVault, SealedTemplate, file::VaultFile},
};

const VAULT: &str = "keys.facekit";
const ROWS: &str = "rows";

/// Person → the sealed template. The place of an SQL database.
const TEMPLATES: TableDefinition<'static, &str, &[u8]> = TableDefinition::new("templates");
/// The people whose keys are to be forgotten.
const ERASURES: TableDefinition<'static, &str, ()> = TableDefinition::new("erasures");

/// A database of sealed templates beside a vault.
struct Server {
    vault: KeyVault,
    rows: GuardedDatabase,
}

impl Server {
    fn commit(&self, change: impl FnOnce(&Writing<'_>)) {
        let writing = Writing::begin(&self.rows, Path::new(ROWS)).unwrap();
        change(&writing);
        writing.commit().unwrap();
    }

    fn enroll(&self, number: usize) {
        let person = id(number);
        self.vault.add(std::slice::from_ref(&person)).unwrap();
        let sealed = self
            .vault
            .seal_template(&person, &template(number))
            .unwrap();
        self.commit(|writing| {
            let mut table = writing.table(TEMPLATES).unwrap();
            table.insert(person.as_str(), sealed.as_slice()).unwrap();
        });
    }

    fn erase(&self, number: usize) {
        let person = id(number);
        self.commit(|writing| {
            writing
                .table(TEMPLATES)
                .unwrap()
                .remove(person.as_str())
                .unwrap();
            writing
                .table(ERASURES)
                .unwrap()
                .insert(person.as_str(), ())
                .unwrap();
        });
        self.finish_erasures();
    }

    fn finish_erasures(&self) {
        let noted: Vec<PersonId> = self.noted();
        self.vault.forget(&noted).unwrap();
        self.commit(|writing| {
            let mut table = writing.table(ERASURES).unwrap();
            for person in &noted {
                table.remove(person.as_str()).unwrap();
            }
        });
    }

    fn noted(&self) -> Vec<PersonId> {
        let reading = Reading::begin(&self.rows, Path::new(ROWS)).unwrap();
        let table = reading.table(ERASURES).unwrap();
        let rows = table.rows::<&str, ()>(..).unwrap();
        rows.map(|row| PersonId::new(row.unwrap().0.value()).unwrap())
            .collect()
    }

    fn templates(&self) -> BTreeMap<PersonId, Vec<u8>> {
        let reading = Reading::begin(&self.rows, Path::new(ROWS)).unwrap();
        let table = reading.table(TEMPLATES).unwrap();
        let rows = table.rows::<&str, &[u8]>(..).unwrap();
        rows.map(|row| {
            let (person, sealed) = row.unwrap();
            (
                PersonId::new(person.value()).unwrap(),
                sealed.value().to_vec(),
            )
        })
        .collect()
    }
}

fn template(number: usize) -> NewTemplate {
    let space = EmbeddingSpace::new("example", Digest::from_bytes([1; 32]), 32);
    let values = (0..32).map(|index| ((index * 7 + number * 13) % 31) as f32 - 15.0);
    let embedding = Embedding::new(&space, values.collect()).unwrap();
    NewTemplate::new(embedding, 0.5, jiff::Timestamp::UNIX_EPOCH)
}

/// Makes a database without rows.
fn make_rows(disk: &Arc<dyn Disk>) -> GuardedDatabase {
    let rows = GuardedDatabase::new(disk, Path::new(ROWS)).unwrap();
    let writing = Writing::begin(&rows, Path::new(ROWS)).unwrap();
    writing.table(TEMPLATES).unwrap();
    writing.table(ERASURES).unwrap();
    writing.commit().unwrap();
    rows
}

/// The process that is killed.
#[test]
fn a_server_that_is_changed() {
    let Some(victim) = Victim::of_this_process() else {
        return;
    };
    let path = victim.folder.join(VAULT);
    let file = VaultFile::open_on(victim.disk(VAULT), &path).unwrap();
    let server = Server {
        vault: KeyVault::over(file, &key(7)).unwrap(),
        rows: GuardedDatabase::new(&victim.disk(ROWS), Path::new(ROWS)).unwrap(),
    };
    victim.act("enroll 1", || server.enroll(1));
    victim.act("enroll 2", || server.enroll(2));
    victim.act("erase 0", || server.erase(0));
    victim.act("rotate", || server.vault.rotate().unwrap());
    victim.act("erase 2", || server.erase(2));
    victim.act("enroll 3", || server.enroll(3));
    drop(server);
    victim.end();
}

#[test]
fn a_server_survives_kills() {
    let run = |step: usize| {
        let folder = tempfile::tempdir().unwrap();
        let (keys, rows) = (folder.path().join(VAULT), folder.path().join(ROWS));
        let disk = || -> Arc<dyn Disk> {
            let mut options = OpenOptions::new();
            options.read(true).write(true).create(true).truncate(false);
            Arc::new(options.open(&rows).unwrap())
        };
        let server = Server {
            vault: KeyVault::create(&keys, &key(7)).unwrap(),
            rows: make_rows(&disk()),
        };
        server.enroll(0);
        drop(server);
        let name = "vault::tests::kills::a_server_that_is_changed";
        let said = kill_before(name, folder.path(), step);

        // The next start.
        let server = Server {
            vault: KeyVault::open(&keys, &key(7)).unwrap(),
            rows: GuardedDatabase::new(&disk(), Path::new(ROWS)).unwrap(),
        };
        server.finish_erasures();
        let found = server.templates();
        let orphans: Vec<PersonId> = server.vault.people();
        let orphans: Vec<_> = orphans
            .into_iter()
            .filter(|one| !found.contains_key(one))
            .collect();
        assert!(orphans.len() <= 1, "{orphans:?}");
        server.vault.forget(&orphans).unwrap();

        for number in 0..4 {
            let (enroll, erase) = (format!("enroll {number}"), format!("erase {number}"));
            let there = found.contains_key(&id(number));
            let sure = number == 0 || said.ended(&enroll);
            let possible = number == 0 || said.begun(&enroll);
            if there {
                assert!(possible && !said.ended(&erase), "{number} {said:?}");
            } else {
                assert!(!sure || said.begun(&erase), "{number} {said:?}");
            }
        }
        // Everybody can be read.
        for (person, sealed) in &found {
            let row = SealedTemplate::new(TemplateId(1), person.clone(), sealed.clone());
            let opened = server.vault.unseal_template(&row).unwrap();
            let number = (0..4).find(|&number| id(number) == *person).unwrap();
            assert_eq!(opened.embedding, template(number).embedding);
        }
        // Nobody else has a key in the file, except for a person whose key was being written when the process was killed. No data
        // were sealed under that key, because `add` had not returned.
        drop(server);
        let bytes = fs::read(&keys).unwrap();
        let roots = root_keys(&bytes, &key(7));
        assert_eq!(roots.len(), 1);
        let keys = people_of_keys(&bytes, &roots[0], 4);
        assert!(found.keys().all(|person| keys.contains(person.as_str())));
        for number in (0..4).filter(|&number| !found.contains_key(&id(number))) {
            let enroll = format!("enroll {number}");
            let half_written = said.begun(&enroll) && !said.ended(&enroll);
            let person = id(number);
            let forgotten = orphans.contains(&person) || !half_written;
            assert!(
                !forgotten || !keys.contains(person.as_str()),
                "{number} {said:?}"
            );
        }
        said.steps
    };
    let steps = run(usize::MAX).expect("the process comes to its end");
    for step in chosen_steps(steps) {
        assert_eq!(run(step), None);
    }
}
