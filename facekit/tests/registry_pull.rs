//! Fetching models from a server that misbehaves in every way a server can.

#![cfg(feature = "download")]

use std::{
    collections::VecDeque,
    fs,
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use facekit::{
    CancellationToken, Digest, Error, FileState, Progress, PullOptions, PullReport, Registry, Watch,
};

const LENGTH: usize = 300_000;
const HALF: usize = LENGTH / 2;

/// What the server does with one request.
#[derive(Clone, Debug)]
enum Answer {
    /// What it should.
    Serve,
    /// All of it, whatever part was asked for.
    IgnoreRange,
    /// The right headers, that many bytes, and the connection closes.
    BreakOff(usize),
    /// The right headers, that many bytes, and then nothing.
    Stall(usize),
    /// Not even headers.
    Silence,
    /// No length in the headers, and these bytes.
    Unsized(Vec<u8>),
    /// These bytes, as if they were the file.
    Instead(Vec<u8>),
    /// The part asked for, of these bytes.
    PartOf(Vec<u8>),
    /// A part that begins elsewhere than asked for.
    OtherPart,
    /// An error.
    Status(u16),
    /// This address has it.
    Redirect(String),
    /// What it should, in small pieces with pauses.
    Slow,
}

/// A request as the server saw it.
#[derive(Clone, Debug, PartialEq)]
struct Seen {
    path: String,
    /// The first byte asked for.
    from: Option<usize>,
}

struct Server {
    address: String,
    answers: Arc<Mutex<VecDeque<Answer>>>,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Server {
    /// Gives `answers` in turn, then serves.
    fn start(content: Vec<u8>, answers: impl IntoIterator<Item = Answer>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let answers = Arc::new(Mutex::new(answers.into_iter().collect::<VecDeque<_>>()));
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (next, log) = (answers.clone(), seen.clone());
        let content = Arc::new(content);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (next, log, content) = (next.clone(), log.clone(), content.clone());
                // A client that hangs up is part of the tests.
                thread::spawn(move || answer(stream, &content, &next, &log));
            }
        });
        Self {
            address,
            answers,
            seen,
        }
    }

    fn then(&self, answer: Answer) {
        self.answers.lock().unwrap().push_back(answer);
    }

    fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// The first bytes asked for, request by request.
    fn ranges(&self) -> Vec<Option<usize>> {
        self.seen().into_iter().map(|seen| seen.from).collect()
    }
}

fn answer(
    stream: TcpStream,
    content: &[u8],
    next: &Mutex<VecDeque<Answer>>,
    log: &Mutex<Vec<Seen>>,
) -> Option<()> {
    let mut lines = BufReader::new(stream.try_clone().ok()?).lines();
    let path = lines.next()?.ok()?.split(' ').nth(1)?.to_owned();
    let mut from = None;
    for line in lines {
        let line = line.ok()?.to_ascii_lowercase();
        if let Some(range) = line.strip_prefix("range: bytes=") {
            from = range.strip_suffix('-')?.parse().ok();
        }
        if line.is_empty() {
            break;
        }
    }
    log.lock().unwrap().push(Seen { path, from });
    let what = next.lock().unwrap().pop_front().unwrap_or(Answer::Serve);

    let mut stream = stream;
    let mut send = |bytes: &[u8]| stream.write_all(bytes).ok();
    let head = |status: &str, headers: &str| {
        format!("HTTP/1.1 {status}\r\nConnection: close\r\n{headers}\r\n").into_bytes()
    };
    let whole = |content: &[u8]| head("200 OK", &format!("Content-Length: {}\r\n", content.len()));
    let part = |content: &[u8], from: usize| {
        let headers = format!(
            "Content-Length: {}\r\nContent-Range: bytes {from}-{}/{}\r\n",
            content.len() - from,
            content.len() - 1,
            content.len()
        );
        head("206 Partial Content", &headers)
    };
    let right = match from {
        Some(from) if from < content.len() => part(content, from),
        Some(_) => head("416 Range Not Satisfiable", "Content-Length: 0\r\n"),
        None => whole(content),
    };
    let rest = &content[from.unwrap_or(0).min(content.len())..];
    let hold = || thread::sleep(Duration::from_secs(20));
    match what {
        Answer::Serve => {
            send(&right)?;
            send(rest)
        }
        Answer::IgnoreRange => {
            send(&whole(content))?;
            send(content)
        }
        Answer::BreakOff(after) => {
            send(&right)?;
            send(&rest[..after])
        }
        Answer::Stall(after) => {
            send(&right)?;
            send(&rest[..after])?;
            hold();
            None
        }
        Answer::Silence => {
            hold();
            None
        }
        Answer::Unsized(bytes) => {
            send(&head("200 OK", ""))?;
            send(&bytes)
        }
        Answer::Instead(bytes) => {
            send(&whole(&bytes))?;
            send(&bytes)
        }
        Answer::PartOf(bytes) => {
            send(&part(&bytes, from?))?;
            send(&bytes[from?..])
        }
        Answer::OtherPart => {
            send(&part(content, from? + 1))?;
            send(&content[from? + 1..])
        }
        Answer::Status(status) => send(&head(&format!("{status} Oh"), "Content-Length: 0\r\n")),
        Answer::Redirect(to) => send(&head(
            "302 Found",
            &format!("Location: {to}\r\nContent-Length: 0\r\n"),
        )),
        Answer::Slow => {
            send(&right)?;
            for piece in rest.chunks(LENGTH / 20) {
                send(piece)?;
                thread::sleep(Duration::from_millis(20));
            }
            Some(())
        }
    }
}

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

/// A registry with a model `ours` that the server has; the manifest gives its length, or not.
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
licence = "MIT"
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

    fn part(&self) -> std::path::PathBuf {
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

/// The files of the folder; the empty lock files that stay behind on some platforms aside.
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
fn fetches_once() {
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
fn replaces_a_wrong_file() {
    let setup = setup(true, []);
    fs::create_dir_all(setup.registry.folder()).unwrap();
    fs::write(setup.registry.path("ours").unwrap(), "something else").unwrap();
    let report = setup.pull().unwrap();
    setup.assert_fetched(&report, LENGTH);
}

#[test]
fn resumes_with_the_remaining_bytes() {
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
fn parts_that_cannot_be_resumed_are_fetched_anew() {
    let half = content()[..HALF].to_vec();
    let longer = [content(), vec![0; 10]].concat();
    for (part, answer, requests) in [
        // Not the beginning of the file.
        (vec![7; HALF], Answer::Serve, vec![Some(HALF), None]),
        // Longer than the file: not even asked for.
        (longer.clone(), Answer::Serve, vec![None]),
        (half.clone(), Answer::Status(416), vec![Some(HALF), None]),
        (half.clone(), Answer::OtherPart, vec![Some(HALF), None]),
        // The file on the server has changed meanwhile.
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
    // Where the length is unknown, only the server can say that a part is too long.
    let setup = setup(false, []);
    setup.put_part(&[1; LENGTH + 1]);
    let report = setup.pull().unwrap();
    setup.assert_fetched(&report, LENGTH);
    assert_eq!(setup.server.ranges(), [Some(LENGTH + 1), None]);
}

#[test]
fn a_wrong_hash_leaves_nothing() {
    for answers in [
        vec![Answer::Instead(vec![1; LENGTH])],
        vec![Answer::Unsized(vec![1; LENGTH])],
        // Wrong after resuming, and from scratch too.
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
        // The next attempt is a new one.
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
fn errors_of_the_server() {
    let setup = setup(true, [Answer::Status(404), Answer::Status(500)]);
    assert_network(setup.pull(), "the server answered 404");
    assert!(listing(setup.registry.folder()).is_empty());
    // What is there of an earlier attempt stays.
    setup.put_part(&content()[..HALF]);
    assert_network(setup.pull(), "the server answered 500");
    let report = setup.pull().unwrap();
    setup.assert_fetched(&report, LENGTH - HALF);
}

#[test]
fn a_server_that_falls_silent_is_given_up() {
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
fn slow_is_not_silent() {
    let setup = setup(true, [Answer::Slow]);
    let options = options().with_stall_timeout(Duration::from_millis(300));
    let report = setup.registry.pull("ours", &options).unwrap();
    setup.assert_fetched(&report, LENGTH);
}

#[test]
fn nobody_answers() {
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
fn mirrors() {
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
fn cancelling_keeps_the_part() {
    let setup = setup(true, [Answer::Slow]);
    let token = CancellationToken::new();
    let heard = AtomicU64::new(0);
    let progress = |progress: Progress| {
        heard.store(progress.done, Ordering::Relaxed);
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
    assert_eq!(kept, heard.load(Ordering::Relaxed));
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
fn pulls_at_once_fetch_once() {
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
    // A lock whose holder died is nobody's.
    drop(other);
    let report = setup.pull().unwrap();
    setup.assert_fetched(&report, LENGTH);
}

#[test]
fn folders_that_cannot_be_written() {
    let setup = setup(true, []);
    fs::write(setup.registry.folder(), "a file").unwrap();
    match setup.pull() {
        Err(Error::Io { path, .. }) => assert_eq!(path, setup.registry.folder()),
        other => panic!("{other:?}"),
    }
    // A folder in the file's place.
    fs::remove_file(setup.registry.folder()).unwrap();
    let path = setup.registry.path("ours").unwrap();
    fs::create_dir_all(&path).unwrap();
    match setup.pull() {
        Err(Error::Io { path: at, .. }) => assert_eq!(at, path),
        other => panic!("{other:?}"),
    }
    assert!(setup.server.seen().is_empty());
}

#[test]
fn licences_are_asked_about_first() {
    let folder = tempfile::tempdir().unwrap();
    let registry = Registry::builtin().with_folder(folder.path());
    let mirror = Server::start(vec![1; 10], []);
    let options = options().with_mirror(&mirror.address);
    let error = registry.pull("scrfd_500m", &options).unwrap_err();
    assert!(matches!(error, Error::NonCommercial { .. }), "{error}");
    // Not even the models before it.
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
fn sets_are_pulled_whole() {
    let mut setup = setup(true, []);
    let entry = |name: &str, head: &str| {
        format!(
            r#"
[[model]]
name = "{name}"
file = "{name}.onnx"
url = "{}/{name}.onnx"
exports = [{{ sha256 = "{}" }}]
licence = "MIT"
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
licence = "MIT"
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
