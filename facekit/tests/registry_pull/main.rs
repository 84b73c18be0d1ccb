//! Fetching models from a server that misbehaves.

#![cfg(feature = "download")]

use std::{
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use facekit::{
    CancellationToken, Digest, Error, FileState, Progress, PullOptions, PullReport, Registry, Watch,
};

use crate::server::{Answer, Seen, Server};

mod server;

const LENGTH: usize = 300_000;
const HALF: usize = LENGTH / 2;

fn content() -> Vec<u8> {
    (0..LENGTH as u32)
        .map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8)
        .collect()
}

struct Setup {
    server: Server,
    folder: tempfile::TempDir,
    registry: Registry,
}

/// A server, and a registry with a model `ours` on that server. The manifest gives the length of the file if `sized`.
fn setup(sized: bool, answers: impl IntoIterator<Item = Answer>) -> Setup {
    let server = Server::start(content(), answers);
    let folder = tempfile::tempdir().unwrap();
    let bytes = if sized {
        format!(", bytes = {LENGTH}")
    } else {
        String::new()
    };
    let text = format!(
        r#"
[[model]]
name = "ours"
file = "ours.onnx"
url = "{}/weights/ours.onnx"
exports = [{{ sha256 = "{}"{bytes} }}]
license = "MIT"
commercial_use = true
source = "these tests"
arcface = {{ pixels = {{ color = "rgb" }}, side = 112, dimension = 64 }}
"#,
        server.address,
        Digest::of(content())
    );
    let mut registry = Registry::builtin().with_folder(folder.path().join("models"));
    registry.add_manifest(&text, "test").unwrap();
    Setup {
        server,
        folder,
        registry,
    }
}

impl Setup {
    fn pull(&self) -> Result<PullReport, Error> {
        self.registry.pull("ours", &options())
    }

    fn part(&self) -> PathBuf {
        self.registry.folder().join("ours.onnx.part")
    }

    fn put_part(&self, bytes: &[u8]) {
        fs::create_dir_all(self.registry.folder()).unwrap();
        fs::write(self.part(), bytes).unwrap();
    }

    #[track_caller]
    fn assert_fetched(&self, report: &PullReport, transferred: usize) {
        assert_eq!(report.transferred, transferred as u64);
        assert_eq!(report.bytes, LENGTH as u64);
        assert!(!report.present);
        assert_eq!(report.digest, Digest::of(content()));
        assert_eq!(self.registry.open("ours").unwrap().bytes(), content());
        assert_eq!(listing(self.registry.folder()), ["ours.onnx"]);
    }
}

fn options() -> PullOptions<'static> {
    PullOptions::default().with_stall_timeout(Duration::from_millis(500))
}

/// The files in the folder, without the empty lock files that stay on some platforms.
fn listing(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| cfg!(unix) || !name.ends_with(".lock"))
        .collect();
    names.sort();
    names
}

#[track_caller]
fn assert_network(result: Result<PullReport, Error>, expected: &str) {
    match result {
        Err(Error::Network { url, reason, .. }) => {
            assert!(url.ends_with("/ours.onnx"), "{url}");
            assert!(reason.contains(expected), "{reason:?} lacks {expected:?}");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_model_is_fetched_once() {
    let setup = setup(true, []);
    let report = setup.pull().unwrap();
    setup.assert_fetched(&report, LENGTH);
    assert_eq!(report.path, setup.registry.path("ours").unwrap());

    let report = setup.pull().unwrap();
    assert!(report.present);
    assert_eq!((report.transferred, report.bytes), (0, LENGTH as u64));
    let first = Seen {
        path: "/weights/ours.onnx".to_owned(),
        from: None,
    };
    assert_eq!(setup.server.seen(), [first]);
}

#[test]
fn a_wrong_file_is_replaced() {
    let setup = setup(true, []);
    fs::create_dir_all(setup.registry.folder()).unwrap();
    fs::write(setup.registry.path("ours").unwrap(), "something else").unwrap();
    let report = setup.pull().unwrap();
    setup.assert_fetched(&report, LENGTH);
}

#[test]
fn the_rest_is_fetched_after_an_interruption() {
    for sized in [true, false] {
        let setup = setup(sized, [Answer::BreakOff(HALF)]);
        assert_network(setup.pull(), "broke off after");
        assert_eq!(listing(setup.registry.folder()), ["ours.onnx.part"]);
        let kept = fs::metadata(setup.part()).unwrap().len() as usize;
        assert_eq!(kept, HALF);

        let report = setup.pull().unwrap();
        setup.assert_fetched(&report, LENGTH - kept);
        assert_eq!(setup.server.ranges(), [None, Some(kept)]);
    }
}

#[test]
fn a_complete_part_needs_no_network() {
    let setup = setup(true, []);
    setup.put_part(&content());
    let report = setup.pull().unwrap();
    setup.assert_fetched(&report, 0);
    assert_eq!(setup.server.ranges(), []);
}

#[test]
fn a_server_without_ranges_starts_over() {
    let setup = setup(true, [Answer::IgnoreRange]);
    setup.put_part(&content()[..HALF]);
    let report = setup.pull().unwrap();
    setup.assert_fetched(&report, LENGTH);
    assert_eq!(setup.server.ranges(), [Some(HALF)]);
}

#[test]
fn unusable_parts_are_fetched_again() {
    let half = content()[..HALF].to_vec();
    let longer = [content(), vec![0; 10]].concat();
    for (part, answer, requests) in [
        // A part that is not the beginning of the file.
        (vec![7; HALF], Answer::Serve, vec![Some(HALF), None]),
        // A part that is longer than the file. No range is requested.
        (longer.clone(), Answer::Serve, vec![None]),
        (half.clone(), Answer::Status(416), vec![Some(HALF), None]),
        (half.clone(), Answer::OtherPart, vec![Some(HALF), None]),
        // The file on the server has changed since the first attempt.
        (half.clone(), Answer::PartOf(longer), vec![Some(HALF), None]),
        (
            half,
            Answer::PartOf(vec![9; LENGTH]),
            vec![Some(HALF), None],
        ),
    ] {
        let setup = setup(true, [answer.clone()]);
        setup.put_part(&part);
        setup
            .pull()
            .unwrap_or_else(|error| panic!("{answer:?}: {error}"));
        assert_eq!(setup.server.ranges(), requests, "{answer:?}");
        assert_eq!(listing(setup.registry.folder()), ["ours.onnx"]);
        assert_eq!(setup.registry.open("ours").unwrap().bytes(), content());
    }
    // If the length is unknown, only the server can tell that a part is too long.
    let setup = setup(false, []);
    setup.put_part(&[1; LENGTH + 1]);
    let report = setup.pull().unwrap();
    setup.assert_fetched(&report, LENGTH);
    assert_eq!(setup.server.ranges(), [Some(LENGTH + 1), None]);
}

#[test]
fn a_file_with_a_wrong_digest_is_not_kept() {
    for answers in [
        vec![Answer::Instead(vec![1; LENGTH])],
        vec![Answer::Unsized(vec![1; LENGTH])],
        // Wrong after a resumption, and wrong again from the beginning.
        vec![
            Answer::BreakOff(HALF),
            Answer::PartOf(vec![1; LENGTH]),
            Answer::Instead(vec![1; LENGTH]),
        ],
    ] {
        let setup = setup(true, answers.clone());
        if answers.len() > 1 {
            setup.pull().unwrap_err();
        }
        match setup.pull() {
            Err(Error::HashMismatch {
                what,
                expected,
                actual,
            }) => {
                assert!(what.ends_with("/ours.onnx"), "{what}");
                assert_eq!(expected, Digest::of(content()).to_string());
                assert_eq!(actual, Digest::of(vec![1; LENGTH]).to_string());
            }
            other => panic!("{other:?}"),
        }
        assert!(listing(setup.registry.folder()).is_empty());
        assert_eq!(setup.registry.verify("ours").unwrap(), FileState::Missing);
        // The next attempt starts from the beginning.
        let report = setup.pull().unwrap();
        setup.assert_fetched(&report, LENGTH);
    }
}

#[test]
fn more_than_declared_is_refused() {
    let longer = [content(), vec![0; 10]].concat();
    for answer in [Answer::Instead(longer.clone()), Answer::Unsized(longer)] {
        let setup = setup(true, [answer]);
        assert_network(setup.pull(), "more than the 300000 bytes");
        assert!(listing(setup.registry.folder()).is_empty());
    }
}

#[test]
fn less_than_declared_is_kept() {
    let half = content()[..HALF].to_vec();
    for answer in [Answer::Instead(half.clone()), Answer::Unsized(half)] {
        let setup = setup(true, [answer]);
        assert_network(setup.pull(), "ended after 150000 of 300000 bytes");
        assert_eq!(listing(setup.registry.folder()), ["ours.onnx.part"]);
        let report = setup.pull().unwrap();
        setup.assert_fetched(&report, LENGTH - HALF);
    }
}

#[test]
fn error_statuses_are_reported() {
    let setup = setup(true, [Answer::Status(404), Answer::Status(500)]);
    assert_network(setup.pull(), "the server answered 404");
    assert!(listing(setup.registry.folder()).is_empty());
    // The part of an earlier attempt stays.
    setup.put_part(&content()[..HALF]);
    assert_network(setup.pull(), "the server answered 500");
    let report = setup.pull().unwrap();
    setup.assert_fetched(&report, LENGTH - HALF);
}

#[test]
fn a_stalled_transfer_times_out() {
    let setup = setup(
        true,
        [Answer::Silence, Answer::Stall(0), Answer::Stall(HALF)],
    );
    let start = Instant::now();
    assert_network(setup.pull(), "sent nothing for 500ms");
    assert_network(setup.pull(), "sent nothing for 500ms");
    assert!(listing(setup.registry.folder()).is_empty());
    assert_network(setup.pull(), "sent nothing for 500ms");
    assert!(start.elapsed() < Duration::from_secs(10));
    assert_eq!(listing(setup.registry.folder()), ["ours.onnx.part"]);
    let report = setup.pull().unwrap();
    setup.assert_fetched(&report, LENGTH - HALF);
}

#[test]
fn a_slow_transfer_does_not_time_out() {
    let setup = setup(true, [Answer::Slow]);
    let options = options().with_stall_timeout(Duration::from_millis(300));
    let report = setup.registry.pull("ours", &options).unwrap();
    setup.assert_fetched(&report, LENGTH);
}

#[test]
fn an_unreachable_server_is_an_error() {
    let setup = setup(true, []);
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = free.local_addr().unwrap();
    drop(free);
    let options = options().with_mirror(format!("http://{address}"));
    assert_network(setup.registry.pull("ours", &options), "the request failed");
    assert!(listing(setup.registry.folder()).is_empty());
}

#[test]
fn redirects_keep_the_range() {
    let setup = setup(true, []);
    setup.put_part(&content()[..HALF]);
    setup.server.then(Answer::Redirect(format!(
        "{}/elsewhere",
        setup.server.address
    )));
    let report = setup.pull().unwrap();
    setup.assert_fetched(&report, LENGTH - HALF);
    assert_eq!(setup.server.ranges(), [Some(HALF), Some(HALF)]);
}

#[test]
fn a_mirror_replaces_the_url() {
    let setup = setup(true, []);
    let mirror = Server::start(content(), []);
    let options = options().with_mirror(format!("{}/some/folder/", mirror.address));
    let report = setup.registry.pull("ours", &options).unwrap();
    setup.assert_fetched(&report, LENGTH);
    assert_eq!(mirror.seen()[0].path, "/some/folder/ours.onnx");
    assert!(setup.server.seen().is_empty());

    let registry = Registry::builtin().with_folder(setup.folder.path());
    let options = options.with_mirror("ftp://models");
    let error = registry.pull("yunet_n", &options).unwrap_err();
    assert!(error.is_invalid_input(), "{error}");
}

#[test]
fn a_cancelled_transfer_keeps_its_part() {
    let setup = setup(true, [Answer::Slow]);
    let token = CancellationToken::new();
    let reported = AtomicU64::new(0);
    let progress = |progress: Progress| {
        reported.store(progress.done, Ordering::Relaxed);
        if progress.done > HALF as u64 {
            assert_eq!(progress.total, Some(LENGTH as u64));
            token.cancel();
        }
    };
    let watch = Watch::new()
        .with_cancellation(&token)
        .with_progress(&progress);
    let error = setup
        .registry
        .pull("ours", &options().with_watch(watch))
        .unwrap_err();
    assert!(error.is_cancelled(), "{error}");
    let kept = fs::metadata(setup.part()).unwrap().len();
    assert_eq!(kept, reported.load(Ordering::Relaxed));
    assert_eq!(listing(setup.registry.folder()), ["ours.onnx.part"]);

    let report = setup.pull().unwrap();
    setup.assert_fetched(&report, LENGTH - kept as usize);
}

#[test]
fn progress_reaches_the_total() {
    let setup = setup(false, [Answer::BreakOff(HALF)]);
    setup.pull().unwrap_err();
    let steps = Mutex::new(Vec::new());
    let progress = |progress: Progress| steps.lock().unwrap().push(progress);
    let watch = Watch::new().with_progress(&progress);
    setup
        .registry
        .pull("ours", &options().with_watch(watch))
        .unwrap();
    let steps = steps.into_inner().unwrap();
    assert_eq!(steps.first().unwrap().done, HALF as u64);
    let last = steps.last().unwrap();
    assert_eq!(
        (last.done, last.total),
        (LENGTH as u64, Some(LENGTH as u64))
    );
    assert!(steps.is_sorted_by_key(|step| step.done));
}

#[test]
fn simultaneous_pulls_fetch_once() {
    let setup = setup(true, [Answer::Slow]);
    let reports: Vec<PullReport> = thread::scope(|scope| {
        let pulls: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| setup.pull().unwrap()))
            .collect();
        pulls.into_iter().map(|pull| pull.join().unwrap()).collect()
    });
    assert_eq!(reports.iter().filter(|report| !report.present).count(), 1);
    assert_eq!(setup.server.ranges(), [None]);
    assert_eq!(listing(setup.registry.folder()), ["ours.onnx"]);
    assert_eq!(setup.registry.open("ours").unwrap().bytes(), content());
}

#[test]
fn waiting_for_another_pull_can_be_cancelled() {
    let setup = setup(true, []);
    fs::create_dir_all(setup.registry.folder()).unwrap();
    let other = fs::File::create(setup.registry.folder().join("ours.onnx.lock")).unwrap();
    other.lock().unwrap();
    let token = CancellationToken::new();
    token.cancel();
    let options = options().with_watch(Watch::new().with_cancellation(&token));
    let error = setup.registry.pull("ours", &options).unwrap_err();
    assert!(error.is_cancelled(), "{error}");
    // When the holder of a lock ends, the lock is released.
    drop(other);
    let report = setup.pull().unwrap();
    setup.assert_fetched(&report, LENGTH);
}

#[test]
fn folders_that_cannot_be_written_are_errors() {
    let setup = setup(true, []);
    fs::write(setup.registry.folder(), "a file").unwrap();
    match setup.pull() {
        Err(Error::Io { path, .. }) => assert_eq!(path, setup.registry.folder()),
        other => panic!("{other:?}"),
    }
    // A folder has the name of the model's file.
    fs::remove_file(setup.registry.folder()).unwrap();
    let path = setup.registry.path("ours").unwrap();
    fs::create_dir_all(&path).unwrap();
    match setup.pull() {
        Err(Error::Io { path: named, .. }) => assert_eq!(named, path),
        other => panic!("{other:?}"),
    }
    assert!(setup.server.seen().is_empty());
}

#[test]
fn licenses_are_checked_first() {
    let folder = tempfile::tempdir().unwrap();
    let registry = Registry::builtin().with_folder(folder.path());
    let mirror = Server::start(vec![1; 10], []);
    let options = options().with_mirror(&mirror.address);
    let error = registry.pull("scrfd_500m", &options).unwrap_err();
    assert!(matches!(error, Error::NonCommercial { .. }), "{error}");
    // The models before it are not fetched either.
    let error = registry
        .pull_all("standard,scrfd_500m", &options)
        .unwrap_err();
    assert!(matches!(error, Error::NonCommercial { .. }), "{error}");
    assert!(mirror.seen().is_empty());
    assert!(listing(folder.path()).is_empty());

    let accepted = options.with_accept_non_commercial(true);
    let error = registry.pull("scrfd_500m", &accepted).unwrap_err();
    assert!(matches!(error, Error::Network { .. }), "{error}");
    assert_eq!(mirror.seen()[0].path, "/scrfd_500m_kps.onnx");
}

#[test]
fn all_models_of_a_set_are_pulled() {
    let mut setup = setup(true, []);
    let entry = |name: &str, head: &str| {
        format!(
            r#"
[[model]]
name = "{name}"
file = "{name}.onnx"
url = "{}/{name}.onnx"
exports = [{{ sha256 = "{}" }}]
license = "MIT"
commercial_use = true
source = "these tests"
{head}
"#,
            setup.server.address,
            Digest::of(content())
        )
    };
    let manifest = entry(
        "finder",
        "yunet = { pixels = { color = \"bgr\" }, strides = [8], score = 0.5, overlap = 0.5 }",
    ) + "[[set]]\nname = \"tests\"\ndetector = \"finder\"\nembedder = \"ours\"\n";
    setup.registry.add_manifest(&manifest, "test").unwrap();
    let error = setup.registry.pull("tests", &options()).unwrap_err();
    assert!(error.is_invalid_input(), "{error}");
    let reports = setup.registry.pull_all("tests,ours", &options()).unwrap();
    let names: Vec<&str> = reports.iter().map(|report| report.model.as_str()).collect();
    assert_eq!(names, ["finder", "ours"]);
    assert_eq!(
        listing(setup.registry.folder()),
        ["finder.onnx", "ours.onnx"]
    );
    let error = setup
        .registry
        .pull_all("tests,nope", &options())
        .unwrap_err();
    assert!(error.is_not_found(), "{error}");
}

#[test]
fn a_bundled_model_is_written_without_a_network() {
    static CONTENT: &[u8] = b"part of the program";
    let folder = tempfile::tempdir().unwrap();
    let mut registry = Registry::builtin().with_folder(folder.path().join("models"));
    let manifest = format!(
        r#"
[[model]]
name = "ours"
file = "ours.onnx"
exports = [{{ sha256 = "{}" }}]
license = "MIT"
commercial_use = true
source = "these tests"
arcface = {{ pixels = {{ color = "rgb" }}, side = 112, dimension = 64 }}
"#,
        Digest::of(CONTENT)
    );
    registry
        .add_bundle(&manifest, "test", [("ours", CONTENT)])
        .unwrap();
    let report = registry.pull("ours", &options()).unwrap();
    assert_eq!((report.transferred, report.present), (0, false));
    assert_eq!(fs::read(&report.path).unwrap(), CONTENT);
    assert_eq!(listing(registry.folder()), ["ours.onnx"]);
    assert!(registry.pull("ours", &options()).unwrap().present);
}
