//! The program as operators run it.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::Path,
    process::{Child, Command, Output, Stdio},
};

use attendance_server::{
    db::{self, Engine, sqlite::SqliteEngine},
    id::Id,
    values,
};
use tempfile::TempDir;

fn program(data: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_attendance-server"));
    command.arg("--data").arg(data);
    for variable in [
        "CONFIG",
        "DATA",
        "LISTEN",
        "TLS",
        "NAMES",
        "TLS_CERT",
        "TLS_KEY",
        "SETUP_TOKEN",
        "KEY",
        "KEY_FILE",
        "MODELS",
        "MODELS_FILE",
        "RECOGNITION_THREADS",
    ] {
        command.env_remove(format!("ATTENDANCE_{variable}"));
    }
    command
}

fn run(data: &Path, arguments: &[&str]) -> Output {
    program(data)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

#[track_caller]
pub(crate) fn succeeds(data: &Path, arguments: &[&str]) -> String {
    let output = run(data, arguments);
    assert!(
        output.status.success(),
        "{arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

#[track_caller]
pub(crate) fn fails(data: &Path, arguments: &[&str]) -> String {
    let output = run(data, arguments);
    assert!(!output.status.success(), "{arguments:?}");
    String::from_utf8(output.stderr).unwrap()
}

/// A data folder with an account.
pub(crate) fn office() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let password = folder.path().join("password");
    std::fs::write(&password, "correct-horse\n").unwrap();
    let file = password.to_str().unwrap();
    succeeds(
        &folder.path().join("data"),
        &[
            "admin",
            "create",
            "--mail",
            "anna@example.org",
            "--password-file",
            file,
            "--time-zone",
            "Europe/Berlin",
        ],
    );
    folder
}

/// A server that is stopped at the end of a test.
pub(crate) struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts `serve` on a free port, and waits for the line with the address.
pub(crate) fn serve(data: &Path, arguments: &[&str]) -> (Running, u16, Vec<String>) {
    let mut command = program(data);
    command
        .args(["--listen", "127.0.0.1:0", "serve"])
        .args(arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let mut server = Running(command.spawn().unwrap());
    let mut output = BufReader::new(server.0.stdout.take().unwrap());
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        assert!(
            output.read_line(&mut line).unwrap() > 0,
            "the server ended: {lines:?}"
        );
        lines.push(line.trim().to_owned());
        if let Some(port) = line.trim().strip_prefix("Listening on http://localhost:") {
            let port = port.parse().unwrap();
            return (server, port, lines);
        }
    }
}

fn get(port: u16, path: &str) -> String {
    get_with(port, path, "")
}

/// A GET request with further lines in its head.
fn get_with(port: u16, path: &str, headers: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{headers}\r\n"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn a_backup_is_restored_into_an_empty_folder() {
    let folder = office();
    let (data, copy) = (folder.path().join("data"), folder.path().join("copy"));
    let file = folder.path().join("backup.db");
    let file = file.to_str().unwrap();
    assert!(succeeds(&data, &["backup", file]).contains("The backup is"));
    assert!(fails(&data, &["backup", file]).contains("exists already"));
    succeeds(&copy, &["restore", file]);
    assert!(fails(&copy, &["restore", file]).contains("exists already"));
    let audit = succeeds(&data, &["verify-audit"]);
    assert_eq!(succeeds(&copy, &["verify-audit"]), audit);
    assert!(succeeds(&copy, &["recompute", "--check"]).contains("0 people, 0 days that differ"));
    let twice = folder.path().join("password");
    let again = [
        "admin",
        "create",
        "--mail",
        "ANNA@example.org",
        "--password-file",
        twice.to_str().unwrap(),
    ];
    assert!(fails(&copy, &again).contains("has an account already"));
}

#[cfg(unix)]
#[test]
fn a_backup_can_be_read_by_its_owner_only() {
    use std::os::unix::fs::PermissionsExt;

    let folder = office();
    let file = folder.path().join("backup.db");
    let mode = |file: &Path| std::fs::metadata(file).unwrap().permissions().mode() & 0o777;
    succeeds(
        &folder.path().join("data"),
        &["backup", file.to_str().unwrap()],
    );
    assert_eq!(mode(&file), 0o600);
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    let copy = folder.path().join("copy");
    succeeds(&copy, &["restore", file.to_str().unwrap()]);
    assert_eq!(mode(&copy.join("attendance.db")), 0o600);
}

#[test]
fn a_backup_is_not_restored_beside_the_log_of_another_database() {
    let folder = office();
    let copy = folder.path().join("copy");
    let file = folder.path().join("backup.db");
    let file = file.to_str().unwrap();
    succeeds(&folder.path().join("data"), &["backup", file]);
    std::fs::create_dir(&copy).unwrap();
    for ending in ["-wal", "-shm"] {
        let log = copy.join(format!("attendance.db{ending}"));
        std::fs::write(&log, "old").unwrap();
        let error = fails(&copy, &["restore", file]);
        assert!(
            error.contains(&format!("attendance.db{ending} exists already")),
            "{error}"
        );
        assert!(!copy.join("attendance.db").exists());
        std::fs::remove_file(&log).unwrap();
    }
    for ending in ["", "-wal", "-shm"] {
        std::fs::write(copy.join(format!("attendance.restoring{ending}")), "half").unwrap();
    }
    succeeds(&copy, &["restore", file]);
    let mut left: Vec<_> = std::fs::read_dir(&copy)
        .unwrap()
        .map(|file| file.unwrap().file_name())
        .collect();
    left.sort();
    assert_eq!(
        left,
        ["attendance.db", "keys.facekit"],
        "half files are removed"
    );
    succeeds(&copy, &["verify-audit"]);
}

#[test]
fn backups_have_keys_and_are_made_while_the_server_runs() {
    let folder = office();
    let data = folder.path().join("data");
    let (server, _, _) = serve(&data, &[]);
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    succeeds(&data, &["backup", &path("backup.db")]);
    assert!(succeeds(&data, &["verify-audit"]).contains("none was changed"));
    // One program at a time makes keys.
    let password = path("password");
    let another = [
        "admin",
        "create",
        "--mail",
        "bela@example.org",
        "--password-file",
        &password,
    ];
    assert!(fails(&data, &another).contains("the server is running"));
    drop(server);
    let left = std::fs::read_dir(&data).unwrap();
    let left = left.map(|file| file.unwrap().file_name().into_string().unwrap());
    assert!(
        !left.into_iter().any(|name| name.contains(".copy")),
        "copies of the keys are removed"
    );
    assert!(fails(&data, &["erase", "17"]).contains("nobody has the number"));

    // The next program that has the keys for itself removes the copy of a command that was killed.
    let (killed, same) = (data.join("keys.4711.copy"), folder.path().join("same"));
    std::fs::copy(data.join("keys.facekit"), &killed).unwrap();
    std::fs::hard_link(&killed, &same).unwrap();
    assert!(fails(&data, &["erase", "17"]).contains("nobody has the number"));
    assert!(!killed.exists());
    let overwritten = std::fs::read(&same).unwrap();
    assert!(!overwritten.is_empty() && overwritten.iter().all(|&byte| byte == 0));

    // Without its keys, or with those of another server, a backup is not restored.
    let empty = folder.path().join("empty");
    std::fs::rename(path("backup.db.keys"), path("kept.keys")).unwrap();
    assert!(fails(&empty, &["restore", &path("backup.db")]).contains("backup.db.keys"));
    let other = office();
    let other_keys = other.path().join("data").join("keys.facekit");
    let with_other = [
        "restore",
        &path("backup.db"),
        "--keys",
        other_keys.to_str().unwrap(),
    ];
    assert!(fails(&empty, &with_other).contains("do not belong to the backup"));
    assert!(!empty.join("attendance.db").exists() && !empty.join("keys.facekit").exists());
    let with_keys = ["restore", &path("backup.db"), "--keys", &path("kept.keys")];
    succeeds(&empty, &with_keys);
    succeeds(&empty, &["verify-audit"]);
}

#[test]
fn a_key_file_is_made_once_and_needed_from_then_on() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let key = folder.path().join("key");
    let key = key.to_str().unwrap();
    let password = folder.path().join("password");
    std::fs::write(&password, "correct-horse\n").unwrap();
    let create = [
        "--key-file",
        key,
        "admin",
        "create",
        "--mail",
        "anna@example.org",
        "--password-file",
        password.to_str().unwrap(),
    ];
    assert!(succeeds(&data, &create).contains("The key of personal data was made"));
    assert!(fails(&data, &["verify-audit"]).contains("cannot be used"));
    succeeds(&data, &["--key-file", key, "verify-audit"]);
    std::fs::remove_file(key).unwrap();
    fails(&data, &["--key-file", key, "verify-audit"]);
    assert!(!Path::new(key).exists(), "no second key is made");
}

#[test]
fn what_is_no_backup_is_not_restored() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    for (name, content) in [
        ("empty", &b""[..]),
        ("text", b"hello"),
        ("half", b"SQLite format 3\0 and no more"),
    ] {
        let file = folder.path().join(name);
        std::fs::write(&file, content).unwrap();
        let error = fails(&data, &["restore", file.to_str().unwrap()]);
        assert!(
            error.contains("backup") || error.contains("database"),
            "{name}: {error}"
        );
        assert!(
            !data.join("attendance.db").exists(),
            "{name} was left in the data folder"
        );
    }
}

#[test]
fn a_new_server_prints_a_link_and_a_server_with_an_account_does_not() {
    let folder = tempfile::tempdir().unwrap();
    let (server, port, lines) = serve(&folder.path().join("data"), &[]);
    assert!(
        lines[0].starts_with("Set the server up: http://localhost:")
            && lines[0].contains("/setup?token=fk_"),
        "{lines:?}"
    );
    assert!(get(port, "/health/ready").starts_with("HTTP/1.1 200"));
    let path = lines[0]
        .split_once(":")
        .unwrap()
        .1
        .split_once("/setup")
        .unwrap()
        .1;
    assert!(get(port, &format!("/setup{path}")).starts_with("HTTP/1.1 200"));
    drop(server);
    let folder = office();
    let (_server, port, lines) = serve(&folder.path().join("data"), &[]);
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(get(port, "/people").contains("location: /sign-in"));
}

#[test]
fn an_address_of_the_network_needs_tls_and_an_account() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let error = fails(&data, &["--listen", "0.0.0.0:0", "serve"]);
    assert!(error.contains("there is no TLS"), "{error}");
    let error = fails(&data, &["--listen", "0.0.0.0:0", "--tls", "local", "serve"]);
    assert!(error.contains("there is no account yet"), "{error}");
    let error = fails(&data, &["serve", "--setup-token", "short"]);
    assert!(error.contains("at least 20 characters"), "{error}");
}

#[cfg(unix)]
#[test]
fn a_signal_stops_the_server_and_empties_its_log() {
    let folder = office();
    let data = folder.path().join("data");
    let (mut server, port, _) = serve(&data, &[]);
    assert!(get(port, "/health/live").starts_with("HTTP/1.1 200"));
    let id = server.0.id().to_string();
    assert!(
        Command::new("kill")
            .args(["-TERM", &id])
            .status()
            .unwrap()
            .success()
    );
    assert!(server.0.wait().unwrap().success());
    let log = data.join("attendance.db-wal");
    assert!(!log.exists() || std::fs::metadata(log).unwrap().len() == 0);
}

#[test]
fn settings_come_from_flags_then_variables_then_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("server.toml");
    std::fs::write(&config, "listen = \"0.0.0.0:1\"\n").unwrap();
    let file = config.to_str().unwrap();
    let data = folder.path().join("data");
    assert!(fails(&data, &["--config", file, "serve"]).contains("0.0.0.0:1 is not"));
    let with_variable = program(&data)
        .args(["--config", file, "serve"])
        .env("ATTENDANCE_LISTEN", "0.0.0.0:2")
        .output()
        .unwrap();
    assert!(String::from_utf8_lossy(&with_variable.stderr).contains("0.0.0.0:2 is not"));
    let with_flag = program(&data)
        .args(["--config", file, "--listen", "0.0.0.0:3", "serve"])
        .env("ATTENDANCE_LISTEN", "0.0.0.0:2")
        .output()
        .unwrap();
    assert!(String::from_utf8_lossy(&with_flag.stderr).contains("0.0.0.0:3 is not"));
    std::fs::write(&config, "runtime = \"tensorflow\"\n").unwrap();
    let error = fails(&data, &["--config", file, "serve"]);
    assert!(error.contains("\"tensorflow\" is none of tract"), "{error}");
    std::fs::write(&config, "lsten = \"127.0.0.1:1\"\n").unwrap();
    let error = fails(&data, &["--config", file, "serve"]);
    assert!(error.contains("lsten"), "{error}");
}

/// Starts the demo, and waits for its link.
#[cfg(unix)]
fn demo(temporary: &Path) -> (Running, u16, String) {
    let mut command = program(&temporary.join("unused"));
    command
        .env("TMPDIR", temporary)
        .args(["--listen", "127.0.0.1:0", "demo"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let mut server = Running(command.spawn().unwrap());
    let mut line = String::new();
    let mut output = BufReader::new(server.0.stdout.take().unwrap());
    output.read_line(&mut line).unwrap();
    let link = line.strip_prefix("Open http://localhost:").unwrap();
    let (port, path) = link.split_once('/').unwrap();
    let path = path.split_whitespace().next().unwrap();
    (server, port.parse().unwrap(), format!("/{path}"))
}

#[cfg(unix)]
#[test]
fn the_demo_is_opened_by_its_link_and_leaves_nothing() {
    let temporary = tempfile::tempdir().unwrap();
    let (mut server, port, link) = demo(temporary.path());
    assert_eq!(std::fs::read_dir(temporary.path()).unwrap().count(), 1);
    assert!(get(port, "/live").contains("location: /sign-in"));
    let wrong = get(port, "/demo?token=fk_wrong");
    assert!(wrong.starts_with("HTTP/1.1 403"), "{wrong}");
    assert!(!wrong.contains("set-cookie"));
    // The link also works in a second browser.
    for _ in 0..2 {
        let answer = get(port, &link);
        assert!(answer.starts_with("HTTP/1.1 303"), "{answer}");
        assert!(answer.contains("location: /live"));
        let cookie = answer
            .lines()
            .find_map(|line| line.strip_prefix("set-cookie: "))
            .and_then(|cookie| cookie.split(';').next())
            .unwrap();
        let page = get_with(port, "/live", &format!("Cookie: {cookie}\r\n"));
        assert!(page.starts_with("HTTP/1.1 200"), "{page}");
        assert!(page.contains("Nordlicht Works") && page.contains("Demo camera"));
    }
    let id = server.0.id().to_string();
    assert!(Command::new("kill").arg(&id).status().unwrap().success());
    assert!(server.0.wait().unwrap().success());
    assert_eq!(
        std::fs::read_dir(temporary.path()).unwrap().count(),
        0,
        "the data are removed"
    );
}

#[test]
fn the_demo_is_for_this_machine_and_needs_its_pictures() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path();
    let error = fails(data, &["--listen", "0.0.0.0:0", "demo"]);
    assert!(error.contains("for this machine alone"), "{error}");
    let error = fails(data, &["--tls", "local", "demo"]);
    assert!(error.contains("without TLS"), "{error}");
    let nowhere = data.join("nowhere");
    let error = fails(data, &["demo", "--pictures", nowhere.to_str().unwrap()]);
    assert!(
        error.contains("pictures of the demo are missing") && error.contains("--pictures"),
        "{error}"
    );
}

#[test]
fn the_second_step_of_an_account_that_has_none_is_not_reset() {
    let folder = office();
    let data = folder.path().join("data");
    let reset = |mail| ["admin", "reset-two-step", "--mail", mail];
    let error = fails(&data, &reset("Anna@example.org"));
    assert!(
        error.contains("two-step sign-in of anna@example.org is off"),
        "{error}"
    );
    let error = fails(&data, &reset("bela@example.org"));
    assert!(error.contains("no account has the mail address"), "{error}");
}

#[tokio::test]
async fn an_older_database_is_copied_and_brought_to_the_present_schema() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    std::fs::create_dir(&data).unwrap();
    let file = data.join("attendance.db");
    let engine = SqliteEngine::open(&file).await.unwrap();
    let first = engine.migrations()[0];
    assert_eq!(db::schema_version(&engine).await.unwrap(), 0);
    let mut connection = engine.write().await.unwrap();
    connection.script(first.sql).await.unwrap();
    let version = "INSERT INTO schema_version (version) VALUES ($1)";
    connection.execute(version, values![1_i64]).await.unwrap();
    let row = "INSERT INTO organisation (id, name, created, audit_head) VALUES ($1, 'Acme', 0, $1)";
    let id = Id::new(jiff::Timestamp::now());
    connection.execute(row, values![id]).await.unwrap();
    connection.commit().await.unwrap();
    engine.close().await;

    let printed = succeeds(&data, &["migrate"]);
    let expected = format!("The schema was 1, and is {}.", db::SCHEMA_VERSION);
    assert!(printed.contains(&expected), "{printed}");
    assert!(data.join("attendance-schema-1.db").exists());
    let engine = SqliteEngine::open(&file).await.unwrap();
    let mut connection = engine.read().await.unwrap();
    let query = "SELECT name FROM organisation WHERE NOT EXISTS (SELECT 1 FROM two_step)";
    let rows = connection.rows(query, values![]).await.unwrap();
    assert_eq!(rows[0].get::<String>("name").unwrap(), "Acme");
}
