//! The suite that each implementation of `Keys` must pass.

use attendance_server::{id::Id, keys::Keys};
use facekit::{Digest, Embedding, EmbeddingSpace, NewTemplate};
use jiff::Timestamp;

use crate::support::vault;

/// The suite. `open` opens the same keys each time, after what was opened before is closed.
async fn suite<K: Keys>(open: impl Fn() -> K) {
    let [org, other, anna, bela] = [(); 4].map(|()| Id::new(Timestamp::now()));
    let keys = open();
    assert!(
        keys.seal(org, anna, "person", b"Anna").is_err(),
        "without a key"
    );
    keys.create(org, &[anna, bela, anna]).await.unwrap();
    keys.create(org, &[anna]).await.unwrap();
    let sealed = keys.seal(org, anna, "person", b"Anna").unwrap();
    assert!(!sealed.windows(4).any(|part| part == b"Anna"));
    assert_ne!(sealed, keys.seal(org, anna, "person", b"Anna").unwrap());
    let template = template();
    let sealed_template = keys.seal_template(org, anna, &template).unwrap();
    drop(keys);

    let keys = open();
    let opened = keys.open(org, anna, "person", &sealed).unwrap();
    assert_eq!(opened.as_deref(), Some(&b"Anna"[..]), "after a restart");
    let opened = keys
        .open_template(org, anna, sealed_template.clone())
        .unwrap();
    assert_eq!(opened.unwrap().embedding, template.embedding);
    for (org, subject, usage) in [
        (org, bela, "person"),
        (org, anna, "audit"),
        (other, anna, "person"),
    ] {
        assert!(keys.open(org, subject, usage, &sealed).is_err(), "{usage}");
    }
    assert!(
        keys.open_template(org, bela, sealed_template.clone())
            .is_err()
    );
    let mut changed = sealed.clone();
    changed[30] ^= 1;
    assert!(keys.open(org, anna, "person", &changed).is_err());

    let of_bela = keys.seal(org, bela, "person", b"Bela").unwrap();
    keys.forget(org, &[anna]).await.unwrap();
    keys.forget(org, &[anna]).await.unwrap();
    assert_eq!(keys.open(org, anna, "person", &sealed).unwrap(), None);
    assert!(
        keys.open_template(org, anna, sealed_template)
            .unwrap()
            .is_none()
    );
    assert!(keys.open(org, bela, "person", &of_bela).unwrap().is_some());
    drop(keys);
    let keys = open();
    assert_eq!(keys.open(org, anna, "person", &sealed).unwrap(), None);
    // A new key of the same subject does not open old data.
    keys.create(org, &[anna]).await.unwrap();
    assert!(keys.open(org, anna, "person", &sealed).is_err());
}

fn template() -> NewTemplate {
    let space = EmbeddingSpace::new("test", Digest::from_bytes([7; 32]), 2);
    let embedding = Embedding::new(&space, vec![0.6, 0.8]).unwrap();
    NewTemplate::new(embedding, 0.5, Timestamp::UNIX_EPOCH)
}

#[tokio::test]
async fn the_vault_passes_the_suite() {
    let folder = tempfile::tempdir().unwrap();
    suite(|| vault(&folder.path().join("keys.facekit"))).await;
}
