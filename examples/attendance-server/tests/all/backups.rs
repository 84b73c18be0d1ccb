//! Backups that the server makes in its folder.

use attendance_server::commands::{backups::KEPT, people};
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::{
    program::succeeds,
    support::{Office, open},
};

#[tokio::test]
async fn a_backup_is_restored_with_the_keys_of_today() {
    let (office, org) = Office::with_organisation().await;
    let kept = office.person(&org, "17").await;
    let made = office
        .post("/api/v1/backups", &org.admin, json!({}))
        .await
        .expect(201);
    let file = made["file"].as_str().unwrap();
    assert_eq!(file, "attendance-20260302T070000Z.db");
    let path = office.folder.path().join("backups").join(file);
    let bytes = std::fs::metadata(&path).unwrap().len();
    assert_eq!(made["bytes"], json!(bytes));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode(&path) & 0o777, 0o600);
        assert_eq!(mode(path.parent().unwrap()) & 0o777, 0o700);
    }
    let audit = office.get("/api/v1/audit", &org.admin).await.expect(200);
    assert_eq!(audit["items"][0]["action"], "backup_made");
    assert_eq!(audit["items"][0]["detail"]["file"], file);

    // Somebody who is added later is not in it.
    office.person(&org, "18").await;
    let keys = office.folder.path().join("keys.facekit");
    let restored = tempfile::tempdir().unwrap();
    let data = restored.path().join("data");
    let arguments = ["restore", path.to_str().unwrap(), "--keys"];
    succeeds(&data, &[&arguments[..], &[keys.to_str().unwrap()]].concat());
    let store = open(&data).await;
    let mut tx = store.read().await.unwrap();
    let directory = people::directory(&mut tx, org.id).await;
    assert!(directory.unwrap().get(kept).is_some());
    let rows = tx.rows("SELECT id FROM person", Vec::new()).await.unwrap();
    assert_eq!(rows.len(), 1);
    drop(tx);
    store.engine().close().await;
}

#[tokio::test]
async fn the_newest_backups_are_kept() {
    let (office, org) = Office::with_organisation().await;
    let list = || async {
        let listed = office.get("/api/v1/backups", &org.admin).await.expect(200);
        let files = listed.as_array().unwrap().iter();
        let files: Vec<Value> = files.map(|backup| backup["file"].clone()).collect();
        files
    };
    assert!(list().await.is_empty());
    // A server that was killed left half a copy.
    let folder = office.folder.path().join("backups");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("attendance-20260301T070000Z.db.part"), "half").unwrap();
    assert!(list().await.is_empty());
    let mut made = Vec::new();
    for number in 0..KEPT + 2 {
        // Two within a second have names of their own.
        if number != 1 {
            office.clock.advance(SignedDuration::from_secs(60));
        }
        let backup = office.post("/api/v1/backups", &org.admin, json!({})).await;
        made.push(backup.expect(201)["file"].clone());
    }
    made.reverse();
    made.truncate(KEPT);
    assert_eq!(list().await, made);
    assert_eq!(std::fs::read_dir(folder).unwrap().count(), KEPT);
    let refused = office
        .post("/api/v1/backups", &org.manager, json!({}))
        .await;
    assert_eq!(refused.problem(403), "forbidden");
}
