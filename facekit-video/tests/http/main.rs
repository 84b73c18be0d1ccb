//! Cameras at addresses of the web, whose servers have faults.
#![cfg(feature = "http")]

#[path = "../support/camera.rs"]
mod camera;
#[path = "../support/chance.rs"]
mod chance;
#[path = "../support/digest.rs"]
mod digest;
mod faults;
mod server;
#[path = "../../src/watch/tests/stage.rs"]
#[allow(dead_code, reason = "the tests of the watcher use the rest")]
mod stage;

use std::{
    io::Write as _,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use camera::{PATIENCE, frame, lost};
use facekit::{Clock, FrameSource, Next, Pace, image::DecodeLimits};
use facekit_video::{HttpCamera, HttpOptions};
use server::{Server, answer, begin_stream, close, endless, jpeg, part};

fn options() -> HttpOptions {
    HttpOptions::default()
        .with_interval(Duration::from_millis(20))
        .with_retries(Duration::from_millis(20), Duration::from_millis(100))
}

/// Options of a camera that does not wait long, for a picture or before it connects again.
fn hasty() -> HttpOptions {
    let retry = Duration::from_millis(20);
    options()
        .with_retries(retry, retry)
        .with_timeout(Duration::from_millis(300))
}

fn open(server: &Server) -> HttpCamera {
    open_with(server, &options())
}

fn open_with(server: &Server, options: &HttpOptions) -> HttpCamera {
    HttpCamera::open(&format!("http://{}/video", server.address()), options).unwrap()
}

#[test]
fn a_stream_has_frames() {
    let server = Server::start(|_, _, stream| endless(stream));
    let mut camera = open(&server);
    assert_eq!(camera.pace(), Pace::Live);
    let (first, reasons) = frame(&mut camera);
    assert_eq!((first.clock, first.discontinuity), (Clock::Arrival, false));
    assert_eq!(reasons, Vec::<String>::new());
    let mut last = first;
    for _ in 0..10 {
        let (next, _) = frame(&mut camera);
        assert!(next.sequence > last.sequence && next.at >= last.at && !next.discontinuity);
        assert_eq!(
            (next.image.view().width(), next.image.view().height()),
            (64, 48)
        );
        last = next;
    }
    let request = &server.requests()[0];
    assert!(
        request.starts_with("GET /video HTTP/1.1") && request.contains("facekit/"),
        "{request}"
    );
    assert!(
        !request.to_lowercase().contains("authorization"),
        "{request}"
    );
}

#[test]
fn a_jpeg_that_is_cut_off_is_left_out() {
    let server = Server::start(|_, _, stream| {
        begin_stream(stream)?;
        let whole = jpeg(64, 48);
        loop {
            part(stream, &whole[..whole.len() / 2])?;
            part(stream, &jpeg(32, 24))?;
            thread::sleep(Duration::from_millis(10));
        }
    });
    let mut camera = open(&server);
    for _ in 0..5 {
        let (frame, reasons) = frame(&mut camera);
        assert_eq!((frame.image.view().width(), reasons.len()), (32, 0));
    }
}

#[test]
fn another_resolution_is_a_discontinuity() {
    let server = Server::start(|_, _, stream| {
        begin_stream(stream)?;
        for nth in 0.. {
            let side = if nth % 6 < 3 { 32 } else { 64 };
            part(stream, &jpeg(side, side))?;
            thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    });
    let mut camera = open(&server);
    let (mut last, _) = frame(&mut camera);
    let mut jumps = 0;
    while jumps < 3 {
        let (next, _) = frame(&mut camera);
        let changes = next.image.view().width() != last.image.view().width();
        assert_eq!(next.discontinuity, changes);
        jumps += u32::from(changes);
        last = next;
    }
}

#[test]
fn credentials_are_sent_and_never_shown() {
    let server = Server::start(|_, request, stream| {
        // me:se:cret@
        if request.contains("Basic bWU6c2U6Y3JldEA=") {
            return endless(stream);
        }
        answer(
            stream,
            "401 Unauthorized",
            "WWW-Authenticate: Basic realm=\"x\"\r\n",
            b"",
        )
    });
    let address = |user: &str| format!("http://{user}{}/video?token=hidden", server.address());
    let mut camera = HttpCamera::open(&address("me:se:cret%40@"), &options()).unwrap();
    assert!(frame(&mut camera).1.is_empty());
    assert!(server.requests()[0].starts_with("GET /video?token=hidden "));
    for user in ["", "me:guess@"] {
        let mut camera = HttpCamera::open(&address(user), &options()).unwrap();
        for _ in 0..3 {
            let reason = lost(&mut camera);
            assert!(
                reason.contains("401") && reason.contains("password"),
                "{reason}"
            );
            assert!(
                !reason.contains("guess") && !reason.contains("hidden"),
                "{reason}"
            );
        }
        let shown = format!("{camera:?}");
        assert!(
            !shown.contains("guess") && !shown.contains("hidden"),
            "{shown}"
        );
        assert!(shown.contains(camera.address()), "{shown}");
        assert_eq!(
            camera.address(),
            format!("http://{}/video", server.address())
        );
    }
}

#[test]
fn a_redirect_does_not_get_the_password() {
    let other = Server::start(|_, _, stream| endless(stream));
    let place = format!("Location: http://{}/other\r\n", other.address());
    let server = Server::start(move |_, request, stream| {
        if request.to_lowercase().contains("authorization") {
            return answer(stream, "302 Found", &place, b"");
        }
        let basic = "WWW-Authenticate: Basic realm=\"x\"\r\n";
        answer(stream, "401 Unauthorized", basic, b"")
    });
    let address = format!("http://me:secret@{}/", server.address());
    let mut camera = HttpCamera::open(&address, &options()).unwrap();
    frame(&mut camera);
    assert!(
        server.requests()[1]
            .to_lowercase()
            .contains("authorization")
    );
    assert!(!other.requests()[0].to_lowercase().contains("authorization"));
}

#[test]
fn a_redirect_to_another_place_that_asks_for_a_password_is_named() {
    let basic = "WWW-Authenticate: Basic realm=\"x\"\r\n";
    let other = Server::start(move |_, _, stream| answer(stream, "401 Unauthorized", basic, b""));
    let place = format!("Location: http://{}/\r\n", other.address());
    let server = Server::start(move |_, _, stream| answer(stream, "302 Found", &place, b""));
    let address = format!("http://me:secret@{}/", server.address());
    let reason = lost(&mut HttpCamera::open(&address, &options()).unwrap());
    assert!(
        reason.contains("redirects to another scheme, host or port") && reason.contains("401"),
        "{reason}"
    );
    assert!(!other.requests()[0].to_lowercase().contains("authorization"));
}

#[test]
fn a_redirect_to_the_same_place_gets_the_password() {
    // The scheme is written in another way.
    let server = Server::start(|_, request, stream| {
        if digest::authorization(request).is_none() {
            let basic = "WWW-Authenticate: Basic realm=\"x\"\r\n";
            return answer(stream, "401 Unauthorized", basic, b"");
        }
        if request.starts_with("GET /?x=1 ") {
            return endless(stream);
        }
        let host = request.lines().find_map(|line| {
            line.to_lowercase()
                .strip_prefix("host: ")
                .map(str::to_owned)
        });
        let place = format!("Location: HTTP://{}?x=1\r\n", host.unwrap());
        answer(stream, "302 Found", &place, b"")
    });
    let address = format!("http://me:secret@{}/", server.address());
    let mut camera = HttpCamera::open(&address, &options()).unwrap();
    assert!(frame(&mut camera).1.is_empty());
}

#[test]
fn a_wrong_password_is_not_sent_again_soon() {
    for (status, is_sent) in [("401 Unauthorized", true), ("403 Forbidden", false)] {
        let server = Server::start(move |_, _, stream| {
            let basic = "WWW-Authenticate: Basic realm=\"x\"\r\n";
            answer(stream, status, basic, b"")
        });
        let address = format!("http://me:wrong@{}/", server.address());
        let retries = options().with_retries(Duration::from_millis(20), Duration::from_secs(3600));
        let mut camera = HttpCamera::open(&address, &retries).unwrap();
        lost(&mut camera);
        assert_eq!(
            camera.next(Duration::from_millis(300)).unwrap(),
            Next::Nothing
        );
        let requests = server.requests();
        let sent = requests.iter().filter(|it| it.contains("Basic "));
        assert_eq!(sent.count(), usize::from(is_sent));
    }
}

#[test]
fn a_redirect_with_an_endless_body_is_followed() {
    let server = Server::start(|_, request, stream| {
        if request.starts_with("GET /other") {
            return endless(stream);
        }
        stream.write_all(b"HTTP/1.1 302 Found\r\nLocation: other\r\n\r\n")?;
        loop {
            stream.write_all(&[b'x'; 1000])?;
            thread::sleep(Duration::from_millis(1));
        }
    });
    let mut camera = open(&server);
    assert!(frame(&mut camera).1.is_empty());
    for (place, words) in [
        ("rtsp://door/", "redirects to no address"),
        ("/", "redirects too often"),
    ] {
        let place = format!("Location: {place}\r\n");
        let server = Server::start(move |_, _, stream| answer(stream, "302 Found", &place, b""));
        let reason = lost(&mut open(&server));
        assert!(reason.contains(words), "{reason}");
    }
}

#[test]
fn a_digest_is_sent_to_a_camera_that_asks_for_one() {
    const CHALLENGE: &str =
        "WWW-Authenticate: Digest realm=\"door\", nonce=\"abc\", qop=\"auth\"\r\n";
    let server = Server::start(|_, request, stream| {
        if !digest::is_right(request, "me", "secret", "abc") {
            return answer(stream, "401 Unauthorized", CHALLENGE, b"");
        }
        answer(
            stream,
            "200 OK",
            "Content-Type: image/jpeg\r\n",
            &jpeg(64, 48),
        )
    });
    // Without a path, too.
    let address = format!("http://me:secret@{}", server.address());
    assert!(
        frame(&mut HttpCamera::open(&address, &options()).unwrap())
            .1
            .is_empty()
    );
    let before = server.requests().len();
    let address = format!("http://me:secret@{}/video?x=1", server.address());
    let mut camera = HttpCamera::open(&address, &options()).unwrap();
    for _ in 0..3 {
        assert!(frame(&mut camera).1.is_empty());
    }
    let requests = server.requests();
    let video = requests[before..].iter();
    let requests: Vec<&String> = video.filter(|it| it.contains("/video")).collect();
    let all: String = requests.iter().map(|it| it.as_str()).collect();
    assert!(!all.contains("secret") && !all.contains("Basic"));
    // The camera is asked once, and counts its answers.
    assert!(!requests[0].contains("Digest") && requests[1].contains("nc=00000001"));
    assert!(requests[2].contains("nc=00000002"), "{}", requests[2]);

    for (status, challenge, words) in [
        (
            "401 Unauthorized",
            "WWW-Authenticate: Negotiate\r\n",
            "another authentication",
        ),
        ("401 Unauthorized", CHALLENGE, "the password is wrong"),
        ("403 Forbidden", "", "this user may not see"),
    ] {
        let server = Server::start(move |_, _, stream| answer(stream, status, challenge, b""));
        let address = format!("http://me:secret@{}/", server.address());
        let reason = lost(&mut HttpCamera::open(&address, &options()).unwrap());
        assert!(reason.contains(words), "{reason}");
    }
}

#[test]
fn a_camera_that_shows_itself_for_a_moment_is_not_called_all_the_time() {
    let server = Server::start(|_, _, stream| {
        begin_stream(stream)?;
        part(stream, &jpeg(64, 48))?;
        close()
    });
    let retries = options().with_retries(Duration::from_millis(20), Duration::from_secs(60));
    let mut camera = open_with(&server, &retries);
    let begin = Instant::now();
    while begin.elapsed() < Duration::from_secs(2) {
        camera.next(Duration::from_millis(50)).unwrap();
    }
    // The pauses are 20, 40, 80 … ms, and at least 80 % of that.
    assert!(server.requests().len() <= 8, "{}", server.requests().len());
}

#[test]
fn a_stream_that_says_it_is_a_picture_is_read() {
    let server = Server::start(|_, _, stream| {
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\n\r\n")?;
        loop {
            stream.write_all(&jpeg(64, 48))?;
            thread::sleep(Duration::from_millis(10));
        }
    });
    let mut camera = open(&server);
    for _ in 0..5 {
        assert!(frame(&mut camera).1.is_empty());
    }
    assert_eq!(server.requests().len(), 1);
    // And a picture without its length is a picture.
    let server = Server::start(|_, _, stream| {
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\n\r\n")?;
        stream.write_all(&jpeg(64, 48))?;
        close()
    });
    let mut camera = open(&server);
    for _ in 0..3 {
        assert!(frame(&mut camera).1.is_empty());
    }
    assert!(server.requests().len() >= 3);
}

#[test]
fn pictures_in_another_encoding_are_named() {
    let server = Server::start(|_, _, stream| {
        let head = "Content-Type: image/jpeg\r\nContent-Encoding: br\r\n";
        answer(stream, "200 OK", head, b"x")
    });
    let reason = lost(&mut open(&server));
    assert!(reason.contains("encoding \"br\""), "{reason}");
}

#[test]
fn a_camera_with_a_long_interval_says_that_it_works() {
    let server = Server::start(|_, _, stream| {
        answer(
            stream,
            "200 OK",
            "Content-Type: image/jpeg\r\n",
            &jpeg(64, 48),
        )
    });
    let mut camera = open_with(&server, &options().with_interval(Duration::from_secs(60)));
    frame(&mut camera);
    let begin = Instant::now();
    while camera.next(Duration::from_millis(100)).unwrap() != Next::Unchanged {
        assert!(begin.elapsed() < Duration::from_secs(5));
    }
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn a_slow_writer_is_given_up() {
    let server = Server::start(|nth, _, stream| {
        if nth > 0 {
            return endless(stream);
        }
        begin_stream(stream)?;
        part(stream, &jpeg(64, 48))?;
        // Each byte comes in time, but the picture does not.
        for byte in jpeg(64, 48) {
            stream.write_all(&[byte])?;
            thread::sleep(Duration::from_millis(50));
        }
        close()
    });
    let mut camera = open_with(&server, &hasty());
    assert!(!frame(&mut camera).0.discontinuity);
    let begin = Instant::now();
    let (next, reasons) = frame(&mut camera);
    assert!(next.discontinuity && begin.elapsed() < Duration::from_secs(3));
    assert_eq!(reasons, ["the server sent no picture in 300ms"]);
}

#[test]
fn a_server_that_says_nothing_is_given_up() {
    let silent = Arc::new(AtomicBool::new(true));
    let is_silent = Arc::clone(&silent);
    let server = Server::start(move |_, _, stream| {
        while is_silent.load(Ordering::Relaxed) {
            thread::sleep(Duration::from_millis(5));
        }
        endless(stream)
    });
    let mut camera = open_with(&server, &hasty());
    assert_eq!(lost(&mut camera), "the server sent no picture in 300ms");
    silent.store(false, Ordering::Relaxed);
    frame(&mut camera);
}

#[test]
fn a_server_is_killed_and_comes_back() {
    let server = Server::start(|_, _, stream| endless(stream));
    let address = server.address();
    let mut camera = open(&server);
    let (before, _) = frame(&mut camera);
    for _ in 0..3 {
        drop(Server::start(|_, _, stream| endless(stream)));
    }
    drop(server);
    let reason = lost(&mut camera);
    assert!(
        reason.contains("ended the stream") || reason.contains("connection"),
        "{reason}"
    );
    let reason = lost(&mut camera);
    assert!(reason.contains("not reached"), "{reason}");
    let _server = Server::start_at(address, |_, _, stream| endless(stream));
    let begin = Instant::now();
    let (after, _) = frame(&mut camera);
    assert!(
        begin.elapsed() < Duration::from_secs(2),
        "{:?}",
        begin.elapsed()
    );
    assert!(after.discontinuity && after.sequence > before.sequence && after.at > before.at);
    assert!(!frame(&mut camera).0.discontinuity);
}

#[test]
fn the_pause_grows_with_each_failure() {
    let server = Server::start(|_, _, stream| answer(stream, "503 Busy", "", b""));
    let options = options().with_retries(Duration::from_millis(10), Duration::from_millis(200));
    let mut camera = open_with(&server, &options);
    for _ in 0..6 {
        assert_eq!(
            lost(&mut camera),
            "the server answered 503 Service Unavailable"
        );
    }
    let begin = Instant::now();
    lost(&mut camera);
    assert!(
        begin.elapsed() > Duration::from_millis(120),
        "{:?}",
        begin.elapsed()
    );
}

#[test]
fn garbage_is_no_picture() {
    let server = Server::start(|nth, _, stream| {
        if nth > 1 {
            return endless(stream);
        }
        begin_stream(stream)?;
        // The second stream has beginnings of pictures that never end.
        let garbage: Vec<u8> = (0..4096_usize)
            .map(|place| match (nth, place % 7) {
                (1, 0) => 0xFF,
                (1, 1) => 0xD8,
                _ => (place * place % 251) as u8,
            })
            .collect();
        loop {
            stream.write_all(&garbage)?;
            thread::sleep(Duration::from_millis(1));
        }
    });
    let mut camera = open_with(&server, &hasty());
    let (_, reasons) = frame(&mut camera);
    assert_eq!(reasons.len(), 2, "{reasons:?}");
    assert!(
        // A busy server does not send a mebibyte in time.
        reasons[0].contains("there is no JPEG") || reasons[0].contains("no picture"),
        "{reasons:?}"
    );
    assert!(reasons[1].contains("no picture"), "{reasons:?}");
}

#[test]
fn pictures_have_a_limit() {
    let large = jpeg(640, 480);
    let most = 4000;
    assert!(large.len() > most && jpeg(32, 24).len() < most);
    let mut limits = DecodeLimits::default();
    limits.max_file_bytes = most;
    let options = options().with_limits(limits);
    let stream = Server::start(|_, _, stream| {
        begin_stream(stream)?;
        loop {
            part(stream, &jpeg(640, 480))?;
            part(stream, &jpeg(32, 24))?;
            thread::sleep(Duration::from_millis(10));
        }
    });
    assert_eq!(
        frame(&mut open_with(&stream, &options))
            .0
            .image
            .view()
            .width(),
        32
    );
    let snapshots = Server::start(|_, _, stream| {
        answer(
            stream,
            "200 OK",
            "Content-Type: image/jpeg\r\n",
            &jpeg(640, 480),
        )
    });
    let mut camera = open_with(&snapshots, &options);
    assert_eq!(lost(&mut camera), "the picture has more than 4000 bytes");
}

#[test]
fn what_is_no_picture_is_named() {
    for (status, kind, words) in [
        ("200 OK", "text/html; charset=utf-8", "\"text/html\""),
        ("404 Not Found", "text/html", "404 Not Found"),
        ("500 Internal Server Error", "image/jpeg", "500"),
    ] {
        let kind = format!("Content-Type: {kind}\r\n");
        let server = Server::start(move |_, _, stream| answer(stream, status, &kind, b"<html>"));
        let reason = lost(&mut open(&server));
        assert!(reason.contains(words), "{reason}");
    }
    let server = Server::start(|_, _, stream| {
        stream.write_all(b"220 mail server ready\r\n")?;
        close()
    });
    let reason = lost(&mut open(&server));
    assert!(reason.starts_with("the connection failed"), "{reason}");
}

#[test]
fn snapshots_are_requested_again_with_their_tag() {
    let tag = Arc::new(AtomicUsize::new(1));
    let current = Arc::clone(&tag);
    let server = Server::start(move |_, request, stream| {
        let nth = current.load(Ordering::Relaxed);
        if request
            .to_lowercase()
            .contains(&format!("if-none-match: \"{nth}\""))
        {
            return answer(stream, "304 Not Modified", "", b"");
        }
        let head = format!("Content-Type: image/jpeg\r\nETag: \"{nth}\"\r\n");
        answer(stream, "200 OK", &head, &jpeg(16 * nth, 16))
    });
    let mut camera = open(&server);
    let (first, _) = frame(&mut camera);
    assert_eq!((first.image.view().width(), first.sequence), (16, 0));
    let (begin, before) = (Instant::now(), server.requests().len());
    while server.requests().len() < before + 4 {
        assert!(begin.elapsed() < PATIENCE);
        thread::sleep(Duration::from_millis(1));
    }
    // Three intervals of 20 ms are between four requests.
    assert!(
        begin.elapsed() > Duration::from_millis(50),
        "{:?}",
        begin.elapsed()
    );
    assert_eq!(camera.next(Duration::ZERO).unwrap(), Next::Unchanged);
    tag.store(2, Ordering::Relaxed);
    let (second, reasons) = frame(&mut camera);
    assert_eq!((second.image.view().width(), second.sequence), (32, 1));
    assert!(second.discontinuity && reasons.is_empty());
}

#[test]
fn a_connection_begins_with_a_picture_that_has_not_changed() {
    let server = Server::start(|nth, request, stream| {
        if nth == 1 {
            return answer(stream, "503 Service Unavailable", "", b"");
        }
        if request.to_lowercase().contains("if-none-match") {
            return answer(stream, "304 Not Modified", "", b"");
        }
        let head = "Content-Type: image/jpeg\r\nETag: \"same\"\r\n";
        answer(stream, "200 OK", head, &jpeg(16, 16))
    });
    let mut camera = open(&server);
    frame(&mut camera);
    let (again, reasons) = frame(&mut camera);
    assert!(again.discontinuity && reasons.len() == 1, "{reasons:?}");
}

#[test]
fn damaged_snapshots_are_left_out() {
    let server = Server::start(|nth, _, stream| {
        let kind = "Content-Type: image/jpeg\r\n";
        let whole = jpeg(64, 48);
        match nth % 3 {
            // The server says how long a file is that was not whole.
            0 => answer(stream, "200 OK", kind, &whole[..whole.len() / 2]),
            // The connection breaks inside a file.
            1 => {
                let head = format!(
                    "HTTP/1.1 200 OK\r\n{kind}Content-Length: {}\r\n\r\n",
                    whole.len()
                );
                stream.write_all(&[head.as_bytes(), &whole[..99]].concat())?;
                close()
            }
            _ => answer(stream, "200 OK", kind, &whole),
        }
    });
    let mut camera = open(&server);
    for _ in 0..3 {
        let (frame, _) = frame(&mut camera);
        assert_eq!(
            (frame.image.view().width(), frame.image.view().height()),
            (64, 48)
        );
    }
    assert!(camera.damaged() >= 1);
}

#[test]
fn a_camera_that_is_dropped_disconnects() {
    let ended = Arc::new(AtomicBool::new(false));
    let end = Arc::clone(&ended);
    let server = Server::start(move |_, _, stream| {
        let result = endless(stream);
        end.store(true, Ordering::Relaxed);
        result
    });
    let mut camera = open(&server);
    frame(&mut camera);
    drop(camera);
    let begin = Instant::now();
    while !ended.load(Ordering::Relaxed) {
        assert!(begin.elapsed() < PATIENCE);
        thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn wrong_options_are_named() {
    let second = Duration::from_secs(1);
    for (options, name) in [
        (options().with_interval(Duration::ZERO), "interval"),
        (
            options().with_interval(Duration::from_millis(19)),
            "20ms to 3600s",
        ),
        (options().with_timeout(5000 * second), "timeout"),
        (
            options().with_retries(Duration::ZERO, second),
            "first_retry",
        ),
        (
            options().with_retries(second, Duration::MAX),
            "longest_retry",
        ),
    ] {
        let error = HttpCamera::open("http://localhost/", &options).unwrap_err();
        assert!(error.to_string().contains(name), "{error}");
    }
}
