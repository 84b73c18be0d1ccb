//! The suite that each database engine must pass.

use std::{path::Path, sync::Arc, time::Duration};

use attendance_server::{
    db::{self, Engine, SCHEMA_VERSION, Value, sqlite::SqliteEngine},
    error::ErrorKind,
    id::Id,
    values,
};

/// The suite. `open` opens the same empty database each time.
async fn suite(open: impl AsyncFn() -> Arc<dyn Engine>, folder: &Path) {
    let engine = open().await;
    migrates_once(&*engine).await;
    keeps_values(&*engine).await;
    drops_what_was_not_committed(&*engine).await;
    refuses_writes_of_readers(&*engine).await;
    readers_see_one_state(&*engine).await;
    writers_wait_for_each_other(&engine).await;
    names_what_exists_already(&*engine).await;
    copies_while_others_write(&*engine, folder).await;
    leaves_nothing_of_deleted_rows(&*engine, folder).await;
    lets_others_write_while_the_log_is_in_use(&engine).await;
    engine.check().await.unwrap();
    engine.close().await;
    let engine = open().await;
    assert_eq!(
        count(&*engine).await,
        3,
        "what was committed is there after closing"
    );
    engine.close().await;
}

async fn leaves_nothing_of_deleted_rows(engine: &dyn Engine, folder: &Path) {
    const SECRET: &str = "a text that nobody must find";
    let mut connection = engine.write().await.unwrap();
    let insert = "INSERT INTO idempotency (org, principal, key, body_hash, subject, answer, until) VALUES ($1, $2, $3, $4, $5, $6, $7)";
    let org = Id::new(jiff::Timestamp::now());
    let row = values![org, "p", "k", [0_u8; 32], org, SECRET.repeat(500), 0_i64];
    connection.execute(insert, row).await.unwrap();
    connection.commit().await.unwrap();
    let found = || {
        let files = std::fs::read_dir(folder)
            .unwrap()
            .map(|file| file.unwrap().path());
        let has = |path: &std::path::PathBuf| {
            let content = std::fs::read(path).unwrap_or_default();
            content
                .windows(SECRET.len())
                .any(|part| part == SECRET.as_bytes())
        };
        files.filter(has).count()
    };
    assert!(found() > 0, "the search finds what is there");
    let mut connection = engine.write().await.unwrap();
    let delete = "DELETE FROM idempotency WHERE key = $1";
    connection.execute(delete, values!["k"]).await.unwrap();
    connection.commit().await.unwrap();
    engine.empty_log().await.unwrap();
    assert_eq!(found(), 0);
}

async fn lets_others_write_while_the_log_is_in_use(engine: &Arc<dyn Engine>) {
    let write = async || {
        let mut connection = engine.write().await.unwrap();
        let update = "UPDATE suite SET r = 0.5 WHERE r IS NULL";
        connection.execute(update, values![]).await.unwrap();
        let update = "UPDATE suite SET r = NULL WHERE r = 0.5";
        connection.execute(update, values![]).await.unwrap();
        connection.commit().await.unwrap();
    };
    write().await;
    let mut reader = engine.read().await.unwrap();
    let count = "SELECT COUNT(*) AS n FROM suite";
    reader.rows(count, values![]).await.unwrap();
    let emptying = {
        let engine = Arc::clone(engine);
        tokio::spawn(async move { engine.empty_log().await })
    };
    let mut writes = 0;
    while !emptying.is_finished() {
        let write = tokio::time::timeout(Duration::from_secs(5), write());
        write.await.expect("a writer waits for the log");
        writes += 1;
    }
    assert!(writes > 0);
    let error = emptying.await.unwrap().unwrap_err();
    assert_eq!(
        (error.kind, error.code),
        (ErrorKind::Unavailable, "log_in_use")
    );
    drop(reader);
    engine.empty_log().await.unwrap();
}

#[tokio::test]
async fn an_older_schema_is_brought_up_to_date() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("older.db");
    let engine = SqliteEngine::open(&file).await.unwrap();
    assert_eq!(db::schema_version(&engine).await.unwrap(), 0);
    let mut connection = engine.write().await.unwrap();
    connection.script(engine.migrations()[0].sql).await.unwrap();
    let script = "INSERT INTO schema_version (version) VALUES (1); \
         INSERT INTO organisation (id, name, created, audit_head) VALUES (x'01', 'Acme', 0, x''); \
         INSERT INTO site (org, id, name, created) VALUES (x'01', x'02', 'Berlin', 0); \
         INSERT INTO person (org, id, site, details, created) VALUES (x'01', x'03', x'02', x'', 0); \
         INSERT INTO consent (org, id, person, text_version, language, given, given_by) \
         VALUES (x'01', x'04', x'03', '1', 'en', 0, 'somebody');";
    connection.script(script).await.unwrap();
    connection.commit().await.unwrap();
    assert_eq!(db::migrate(&engine).await.unwrap(), 1);
    let mut connection = engine.read().await.unwrap();
    let consent = "SELECT keeps_crops, withdrawn IS NULL AS holds FROM consent";
    let rows = connection.rows(consent, values![]).await.unwrap();
    assert!(!rows[0].get::<bool>("keeps_crops").unwrap());
    assert!(rows[0].get::<bool>("holds").unwrap());
    let crops = "SELECT COUNT(crop) AS n FROM template";
    let rows = connection.rows(crops, values![]).await.unwrap();
    assert_eq!(rows[0].get::<i64>("n").unwrap(), 0);
}

async fn migrates_once(engine: &dyn Engine) {
    assert_eq!(db::schema_version(engine).await.unwrap(), 0);
    assert_eq!(db::migrate(engine).await.unwrap(), 0);
    assert_eq!(db::migrate(engine).await.unwrap(), SCHEMA_VERSION);
    let newer = engine.migrations().last().unwrap().version;
    assert_eq!(
        newer, SCHEMA_VERSION,
        "the engine has each step of the schema"
    );
    let mut connection = engine.write().await.unwrap();
    connection
        .execute(
            "INSERT INTO schema_version (version) VALUES ($1)",
            values![SCHEMA_VERSION + 1],
        )
        .await
        .unwrap();
    connection.commit().await.unwrap();
    let error = db::migrate(engine).await.unwrap_err();
    assert_eq!(
        (error.kind, error.code),
        (ErrorKind::Unavailable, "newer_schema")
    );
    let mut connection = engine.write().await.unwrap();
    connection
        .execute(
            "DELETE FROM schema_version WHERE version > $1",
            values![SCHEMA_VERSION],
        )
        .await
        .unwrap();
    connection
        .script("CREATE TABLE suite (i BIGINT, r REAL, t TEXT, b BLOB UNIQUE)")
        .await
        .unwrap();
    connection.commit().await.unwrap();
}

async fn count(engine: &dyn Engine) -> i64 {
    let mut connection = engine.read().await.unwrap();
    let rows = connection
        .rows("SELECT COUNT(*) AS n FROM suite", values![])
        .await
        .unwrap();
    rows[0].get("n").unwrap()
}

async fn keeps_values(engine: &dyn Engine) {
    let id = Id::new("2026-03-02T09:00:00Z".parse().unwrap());
    let mut connection = engine.write().await.unwrap();
    let insert = "INSERT INTO suite (i, r, t, b) VALUES ($1, $2, $3, $4)";
    connection
        .execute(insert, values![i64::MIN, 0.1, "a\0b'\u{1f469}", id])
        .await
        .unwrap();
    // A parameter can be used twice.
    let updated = connection
        .execute(
            "UPDATE suite SET i = $1 WHERE i = $2 OR i = $1",
            values![i64::MAX, i64::MIN],
        )
        .await;
    assert_eq!(updated.unwrap(), 1);
    connection
        .execute(
            insert,
            vec![Value::Null, Value::Null, Value::Null, Value::Null],
        )
        .await
        .unwrap();
    connection.commit().await.unwrap();
    let mut connection = engine.read().await.unwrap();
    let rows = connection
        .rows("SELECT i, r, t, b FROM suite ORDER BY i IS NULL", values![])
        .await
        .unwrap();
    assert_eq!(rows[0].get::<i64>("i").unwrap(), i64::MAX);
    assert_eq!(rows[0].get::<f64>("r").unwrap(), 0.1);
    assert_eq!(rows[0].get::<String>("t").unwrap(), "a\0b'\u{1f469}");
    assert_eq!(rows[0].get::<Id>("b").unwrap(), id);
    assert_eq!(rows[1].get::<Option<Id>>("b").unwrap(), None);
    assert_eq!(rows[1].get::<Option<i64>>("i").unwrap(), None);
    assert!(rows[0].get::<i64>("t").is_err(), "another type");
    assert!(rows[0].get::<i64>("none").is_err(), "no such column");
}

async fn drops_what_was_not_committed(engine: &dyn Engine) {
    let before = count(engine).await;
    let mut connection = engine.write().await.unwrap();
    connection
        .execute("DELETE FROM suite", values![])
        .await
        .unwrap();
    drop(connection);
    assert_eq!(count(engine).await, before);
}

async fn refuses_writes_of_readers(engine: &dyn Engine) {
    let before = count(engine).await;
    let mut connection = engine.read().await.unwrap();
    assert!(
        connection
            .execute("DELETE FROM suite", values![])
            .await
            .is_err()
    );
    drop(connection);
    assert_eq!(count(engine).await, before);
}

async fn readers_see_one_state(engine: &dyn Engine) {
    let mut reader = engine.read().await.unwrap();
    let all = "SELECT COUNT(*) AS n FROM suite";
    let before: i64 = reader.rows(all, values![]).await.unwrap()[0]
        .get("n")
        .unwrap();
    let mut writer = engine.write().await.unwrap();
    writer
        .execute("INSERT INTO suite (i) VALUES ($1)", values![7_i64])
        .await
        .unwrap();
    writer.commit().await.unwrap();
    let after: i64 = reader.rows(all, values![]).await.unwrap()[0]
        .get("n")
        .unwrap();
    assert_eq!(after, before);
    drop(reader);
    assert_eq!(count(engine).await, before + 1);
}

async fn writers_wait_for_each_other(engine: &Arc<dyn Engine>) {
    let add = |engine: Arc<dyn Engine>| async move {
        for _ in 0..20 {
            let mut connection = engine.write().await.unwrap();
            let rows = connection
                .rows("SELECT i FROM suite WHERE i < 1000", values![])
                .await
                .unwrap();
            let number: i64 = rows[0].get("i").unwrap();
            connection
                .execute(
                    "UPDATE suite SET i = $1 WHERE i < 1000",
                    values![number + 1],
                )
                .await
                .unwrap();
            connection.commit().await.unwrap();
        }
    };
    let tasks: Vec<_> = (0..4)
        .map(|_| tokio::spawn(add(Arc::clone(engine))))
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let mut connection = engine.read().await.unwrap();
    let rows = connection
        .rows("SELECT i FROM suite WHERE i < 1000", values![])
        .await
        .unwrap();
    assert_eq!(rows[0].get::<i64>("i").unwrap(), 87, "no addition was lost");
}

async fn names_what_exists_already(engine: &dyn Engine) {
    let mut connection = engine.write().await.unwrap();
    let again = "INSERT INTO suite (b) SELECT b FROM suite WHERE b IS NOT NULL";
    let error = connection.execute(again, values![]).await.unwrap_err();
    assert_eq!((error.kind, error.code), (ErrorKind::Conflict, "exists"));
}

async fn copies_while_others_write(engine: &dyn Engine, folder: &Path) {
    let copy = folder.join("copy");
    engine.copy_to(&copy).await.unwrap();
    let bytes = std::fs::read(&copy).unwrap();
    assert!(!bytes.is_empty());
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = copy.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "only its owner can read it");
    }
    let error = engine.copy_to(&copy).await.unwrap_err();
    assert_eq!(error.code, "file_exists");
    assert_eq!(
        std::fs::read(&copy).unwrap(),
        bytes,
        "a copy replaces nothing"
    );
    let nowhere = folder.join("nowhere").join("copy");
    assert!(engine.copy_to(&nowhere).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn sqlite() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("suite.db");
    let open = async || {
        let engine: Arc<dyn Engine> = Arc::new(SqliteEngine::open(&file).await.unwrap());
        engine
    };
    suite(open, folder.path()).await;
    let copy = SqliteEngine::open(&folder.path().join("copy"))
        .await
        .unwrap();
    assert_eq!(count(&copy).await, 3);
    copy.check().await.unwrap();
}

#[tokio::test]
async fn sqlite_names_a_damaged_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("suite.db");
    let engine = SqliteEngine::open(&file).await.unwrap();
    db::migrate(&engine).await.unwrap();
    engine.close().await;
    let mut bytes = std::fs::read(&file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 4096].fill(0xa5);
    std::fs::write(&file, bytes).unwrap();
    let checked = match SqliteEngine::open(&file).await {
        Ok(engine) => engine.check().await,
        Err(error) => Err(error),
    };
    let error = checked.unwrap_err();
    assert!(
        matches!(error.kind, ErrorKind::Unavailable | ErrorKind::Internal),
        "{error}"
    );
}
