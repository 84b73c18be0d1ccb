//! Cameras that speak RTSP, whose servers have faults.
#![cfg(all(feature = "h265", feature = "rtsp"))]

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
mod videos;

use std::{
    io,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant, SystemTime},
};

use camera::{PATIENCE, frame, lost};
use facekit::{Clock, FrameSource, Next, Pace, VideoFrame, image::DecodeLimits};
use facekit_video::{FileOptions, RtspCamera, RtspOptions, VideoFile};
use jiff::{SignedDuration, Timestamp};
use server::{Client, Coding, Script, Server, answer, describe, pause, ticks};
use videos::{encoded, of_file, split_parameters};

fn options() -> RtspOptions {
    RtspOptions::default().with_retries(Duration::from_millis(20), Duration::from_millis(100))
}

/// Options of a camera that does not wait long, for a picture or before it connects again.
fn hasty() -> RtspOptions {
    let retry = Duration::from_millis(20);
    options()
        .with_retries(retry, retry)
        .with_timeout(Duration::from_millis(300))
}

fn open(server: &Server) -> RtspCamera {
    open_with(server, &options())
}

fn open_with(server: &Server, options: &RtspOptions) -> RtspCamera {
    RtspCamera::open(&format!("rtsp://{}/video", server.address()), options).unwrap()
}

/// The error that ends a camera.
fn error(camera: &mut RtspCamera) -> String {
    let begin = Instant::now();
    loop {
        assert!(begin.elapsed() < PATIENCE);
        if let Err(error) = camera.next(Duration::from_millis(100)) {
            assert_eq!(camera.next(Duration::ZERO).unwrap(), Next::End);
            return error.to_string();
        }
    }
}

/// The frames of the first connection, each as soon as it comes.
fn first_connection(camera: &mut RtspCamera) -> Vec<VideoFrame> {
    let mut frames = Vec::new();
    let begin = Instant::now();
    loop {
        assert!(begin.elapsed() < PATIENCE);
        match camera.next(Duration::from_millis(1)).unwrap() {
            Next::Frame(frame) => frames.push(frame),
            Next::Lost { .. } if !frames.is_empty() => return frames,
            _ => {}
        }
    }
}

/// A video that is repeated until the connection ends, with its times.
fn endless(client: &mut Client, video: &[Vec<u8>]) -> io::Result<()> {
    for nth in 0.. {
        client.picture(&video[nth % video.len()], ticks(nth, 50))?;
        pause(20);
    }
    Ok(())
}

/// A video once.
fn once(client: &mut Client, video: &[Vec<u8>]) -> io::Result<()> {
    for (nth, picture) in video.iter().enumerate() {
        client.picture(picture, ticks(nth, 50))?;
        pause(20);
    }
    pause(100);
    Ok(())
}

/// The frames that the decoder makes of these pictures in a file.
fn expected(video: &[Vec<u8>]) -> Vec<facekit::FrameImage> {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), video.concat()).unwrap();
    let options = FileOptions::new(Timestamp::UNIX_EPOCH).with_rate(50.0);
    let mut file = VideoFile::open(file.path(), &options).unwrap();
    let mut images = Vec::new();
    while let Next::Frame(frame) = file.next(Duration::ZERO).unwrap() {
        images.push(frame.image);
    }
    images
}

#[test]
fn frames_are_those_of_the_stream() {
    // Pictures of one packet and of several.
    let video = Arc::new(encoded(320, 240, 20, 5));
    assert!(video[0].len() > 3000, "{}", video[0].len());
    let images = expected(&video);
    assert_eq!(images.len(), video.len());
    let played = Arc::clone(&video);
    let taken = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&taken);
    // Each picture is sent when the one before it was taken, so none is left out.
    let server = Server::start(Script::new(move |connection, client| {
        for (nth, picture) in played.iter().enumerate() {
            while connection == 0 && count.load(Ordering::Relaxed) < nth {
                pause(1);
            }
            client.picture(picture, ticks(nth, 50))?;
        }
        pause(100);
        Ok(())
    }));
    let mut camera = open(&server);
    assert_eq!(camera.pace(), Pace::Live);
    let frames: Vec<VideoFrame> = std::iter::repeat_with(|| {
        let (frame, reasons) = frame(&mut camera);
        assert!(reasons.is_empty(), "{reasons:?}");
        taken.fetch_add(1, Ordering::Relaxed);
        frame
    })
    .take(video.len())
    .collect();
    for (nth, frame) in frames.iter().enumerate() {
        assert_eq!(frame.sequence, nth as u64);
        assert_eq!(frame.image, images[frame.sequence as usize]);
        assert_eq!(frame.clock, Clock::Arrival);
        assert!(!frame.discontinuity);
    }
    assert_eq!(camera.damaged(), 0);
    // The next connection is a discontinuity.
    let (next, _) = frame(&mut camera);
    assert!(next.discontinuity && next.sequence >= 20);
}

#[test]
fn h265_is_decoded() {
    let video = Arc::new(of_file("raw.h265", Coding::H265));
    let images = expected(&video);
    let played = Arc::clone(&video);
    let script = Script {
        description: describe("H265", ""),
        ..Script::new(move |_, client| {
            client.set_coding(Coding::H265);
            once(client, &played)
        })
    };
    let server = Server::start(script);
    let frames = first_connection(&mut open(&server));
    assert!(frames.len() >= 6, "{} of {}", frames.len(), images.len());
    for frame in &frames {
        assert!(images.contains(&frame.image));
    }
}

#[test]
fn parameters_may_be_in_the_description_alone() {
    let mut video = encoded(64, 48, 10, 5);
    let (_, parameters) = split_parameters(&video[0]);
    for picture in &mut video {
        *picture = split_parameters(picture).0;
    }
    let sets: Vec<&Vec<u8>> = [7, 8]
        .into_iter()
        .filter_map(|kind| parameters.iter().find(|set| set[0] & 31 == kind))
        .collect();
    assert_eq!(sets.len(), 2);
    let sets = format!(
        ";sprop-parameter-sets={},{}",
        base64(sets[0]),
        base64(sets[1])
    );
    let script = Script {
        description: describe("H264", &sets),
        ..Script::new(move |_, client| once(client, &video))
    };
    let server = Server::start(script);
    let mut camera = open(&server);
    assert!(first_connection(&mut camera).len() >= 6);
    assert_eq!(camera.damaged(), 0);
}

fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let bits = three
            .iter()
            .fold(0, |bits, &byte| bits << 8 | usize::from(byte));
        let bits = bits << (8 * (3 - three.len()));
        for nth in 0..4 {
            let letter = LETTERS[bits >> (18 - 6 * nth) & 63];
            text.push(if nth <= three.len() {
                letter.into()
            } else {
                '='
            });
        }
    }
    text
}

#[test]
fn the_time_is_that_of_the_camera_if_it_is_near() {
    // Pauses are longer on a busy machine, so there are few.
    let video = Arc::new(encoded(64, 48, 10, 10));
    // The difference of the clocks in seconds; a negative one is in the past.
    for (difference, clock) in [
        (0.0, Clock::Sender),
        (-1.0, Clock::Sender),
        (-3.0, Clock::Arrival),
        (3600.0, Clock::Arrival),
    ] {
        let played = Arc::clone(&video);
        let begin = Timestamp::now();
        let reported = Arc::new(Mutex::new(Timestamp::MIN));
        let report = Arc::clone(&reported);
        let server = Server::start(Script::new(move |nth, client| {
            let now = SystemTime::now();
            let at = if difference < 0.0 {
                now - Duration::from_secs_f64(-difference)
            } else {
                now + Duration::from_secs_f64(difference)
            };
            if nth == 0 {
                *report.lock().unwrap() = Timestamp::try_from(at).unwrap();
            }
            client.report(at, ticks(0, 50))?;
            once(client, &played)
        }));
        let frames = first_connection(&mut open(&server));
        let last = frames.last().unwrap();
        assert_eq!(last.clock, clock, "{difference} s");
        for frame in &frames {
            if clock == Clock::Arrival {
                assert!((begin..=Timestamp::now()).contains(&frame.at), "{frame:?}");
                continue;
            }
            let exact = SignedDuration::from_millis(20 * frame.sequence as i64);
            let found = frame.at.duration_since(*reported.lock().unwrap());
            assert!(
                (found - exact).abs() < SignedDuration::from_millis(1),
                "{difference} s: {found}"
            );
        }
        assert!(frames.is_sorted_by(|a, b| a.at < b.at));
    }
}

#[test]
fn after_loss_nothing_is_decoded_until_a_key_frame() {
    let video = Arc::new(encoded(320, 240, 20, 10));
    let images = expected(&video);
    let played = Arc::clone(&video);
    let server = Server::start(Script::new(move |_, client| {
        for (nth, picture) in played.iter().enumerate() {
            if nth == 3 {
                client.lose(1);
                pause(20);
                continue;
            }
            client.picture(picture, ticks(nth, 50))?;
            pause(20);
        }
        pause(100);
        Ok(())
    }));
    let mut camera = open(&server);
    let frames = first_connection(&mut camera);
    // The picture that was lost has no number.
    let numbers: Vec<u64> = frames.iter().map(|frame| frame.sequence).collect();
    assert!(
        numbers.iter().all(|&number| !(3..9).contains(&number)),
        "{numbers:?}"
    );
    assert!(numbers.iter().any(|&number| number >= 9), "{numbers:?}");
    for frame in &frames {
        let place = frame.sequence as usize;
        let place = if place < 3 { place } else { place + 1 };
        assert_eq!(frame.image, images[place]);
    }
}

#[test]
fn a_packet_of_another_kind_does_not_hide_a_loss() {
    let video = Arc::new(encoded(320, 240, 10, 10));
    let images = expected(&video);
    let server = Server::start(Script::new(move |_, client| {
        for (nth, picture) in video.iter().enumerate() {
            if nth == 3 {
                client.lose(1);
                client.other_packet(ticks(nth, 50))?;
            } else {
                client.picture(picture, ticks(nth, 50))?;
            }
            pause(20);
        }
        pause(100);
        Ok(())
    }));
    let mut camera = open(&server);
    for frame in first_connection(&mut camera) {
        assert!(frame.sequence < 3, "{}", frame.sequence);
        assert_eq!(frame.image, images[frame.sequence as usize]);
    }
    assert!(camera.damaged() >= 6, "{}", camera.damaged());
}

#[test]
fn after_loss_no_picture_of_h265_is_made_of_others_than_its_own() {
    // The second key frame has pictures that are shown before it, and need one before it.
    let video = Arc::new(of_file("h265.mp4", Coding::H265));
    let kind = |picture: &Vec<u8>| server::units_of(picture).last().unwrap()[0] >> 1 & 63;
    let kinds: Vec<u8> = video.iter().map(kind).collect();
    assert_eq!(kinds[..7], [20, 1, 1, 0, 21, 9, 8]);
    let images = expected(&video);
    assert_eq!(images.len(), video.len());
    let played = Arc::clone(&video);
    let script = Script {
        description: describe("H265", ""),
        ..Script::new(move |_, client| {
            client.set_coding(Coding::H265);
            for (nth, picture) in played.iter().enumerate() {
                if (1..4).contains(&nth) {
                    client.lose(1);
                } else {
                    client.picture(picture, ticks(nth, 50))?;
                }
                pause(20);
            }
            pause(100);
            Ok(())
        })
    };
    let server = Server::start(script);
    for frame in first_connection(&mut open(&server)) {
        assert!(images.contains(&frame.image), "{}", frame.sequence);
    }
}

#[test]
fn a_camera_without_key_frames_is_lost() {
    let video = encoded(64, 48, 10, 10);
    let server = Server::start(Script::new(move |nth, client| {
        if nth > 0 {
            return endless(client, &video);
        }
        endless(client, &video[1..])
    }));
    let mut camera = open_with(&server, &hasty());
    let (_, reasons) = frame(&mut camera);
    assert_eq!(reasons[0], "the camera sent no key frame in 300ms");
    assert!(camera.damaged() > 0);
}

#[test]
fn a_part_of_a_picture_is_no_picture() {
    let video = Arc::new(encoded(320, 240, 10, 5));
    let images = expected(&video);
    let played = Arc::clone(&video);
    let server = Server::start(Script::new(move |_, client| {
        for (nth, picture) in played.iter().enumerate() {
            let packets = client.payloads(picture);
            let count = packets.len();
            for (place, (payload, is_last)) in packets.iter().enumerate() {
                // The first key frame has a hole.
                if nth == 0 && place == count / 2 {
                    client.lose(1);
                } else {
                    client.packet(payload, ticks(nth, 50), *is_last)?;
                }
            }
            pause(20);
        }
        pause(100);
        Ok(())
    }));
    let frames = first_connection(&mut open(&server));
    for frame in &frames {
        assert!(frame.sequence >= 5);
        assert_eq!(frame.image, images[frame.sequence as usize]);
    }
}

#[test]
fn credentials_are_sent_when_the_camera_asks() {
    let video = Arc::new(encoded(64, 48, 10, 5));
    for challenge in [
        "Digest realm=\"door\", nonce=\"abc\", algorithm=MD5",
        "Basic realm=\"door\"",
    ] {
        let played = Arc::clone(&video);
        let script = Script {
            answer: Box::new(move |_, request| {
                let lines = format!("WWW-Authenticate: {challenge}\r\n");
                let authorization = digest::authorization(request);
                let is_right = authorization.is_some_and(|sent| {
                    // me:se@cret
                    sent == "Basic bWU6c2VAY3JldA=="
                        || digest::is_right(request, "me", "se@cret", "abc")
                });
                (!is_right).then(|| answer(request, "401 Unauthorized", &lines, ""))
            }),
            ..Script::new(move |_, client| endless(client, &played))
        };
        let server = Server::start(script);
        let address = format!("rtsp://me:se%40cret@{}/video?key=hidden", server.address());
        let mut camera = RtspCamera::open(&address, &options()).unwrap();
        frame(&mut camera);
        assert_eq!(
            camera.address(),
            format!("rtsp://{}/video", server.address())
        );
        let shown = format!("{camera:?}");
        assert!(
            !shown.contains("cret") && !shown.contains("hidden"),
            "{shown}"
        );
        let requests = server.requests();
        assert!(!requests[0].contains("Authorization") && !requests.concat().contains("cret"));
        assert!(requests[0].contains("/video?key=hidden"));

        let address = format!("rtsp://me@{}/video?key=hidden", server.address());
        let mut camera = RtspCamera::open(&address, &options()).unwrap();
        let reason = lost(&mut camera);
        assert!(
            reason.contains("401") && reason.contains("password"),
            "{reason}"
        );
        let mut camera = open(&server);
        let reason = lost(&mut camera);
        assert!(
            reason.contains("401") && reason.contains("password"),
            "{reason}"
        );
    }
}

#[test]
fn reasons_name_the_cause_without_secrets() {
    let reason = |answer_to: fn(&str) -> Vec<u8>, description: String| {
        let script = Script {
            description,
            answer: Box::new(move |_, request| {
                let answer = answer_to(request);
                (!answer.is_empty()).then_some(answer)
            }),
            ..Script::new(|_, _| Ok(()))
        };
        let server = Server::start(script);
        let address = format!("rtsp://me:secret@{}/video?key=hidden", server.address());
        let mut camera = RtspCamera::open(&address, &hasty()).unwrap();
        let reason = lost(&mut camera);
        assert!(
            !reason.contains("secret") && !reason.contains("hidden"),
            "{reason}"
        );
        reason
    };
    let video = || describe("H264", "");
    let usual: fn(&str) -> Vec<u8> = |_| Vec::new();
    for (found, expected) in [
        (
            reason(|it| answer(it, "404 Not Found", "", ""), video()),
            "answered 404",
        ),
        (
            reason(|_| b"hello\r\n\r\n".to_vec(), video()),
            "connection failed",
        ),
        (
            reason(usual, describe("VP8", "")),
            "offers vp8, which is not supported",
        ),
        (reason(usual, "v=0\r\n".to_owned()), "connection failed"),
        // It makes a parser panic.
        (
            reason(usual, video().replace("s=door", "door")),
            "cannot be read",
        ),
        (
            reason(usual, video().replace("m=video", "m=text")),
            "offers no video",
        ),
        (reason(usual, video()), "the camera ended the stream"),
    ] {
        assert!(found.contains(expected), "{found}");
    }
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("rtsp://{}/", closed.local_addr().unwrap());
    drop(closed);
    let mut camera = RtspCamera::open(&address, &options()).unwrap();
    assert!(lost(&mut camera).contains("refused"));
    assert!(RtspCamera::open("rtsp://me:secret@/", &options()).is_err());
    let wrong = options().with_timeout(Duration::ZERO);
    assert!(
        RtspCamera::open("rtsp://door/", &wrong)
            .unwrap_err()
            .to_string()
            .contains("timeout")
    );
}

#[test]
fn a_password_in_the_path_is_in_no_reason() {
    let script = Script {
        answer: Box::new(|_, request| {
            let kind = "Content-Type: application/sdp; charset=utf-8\r\n";
            let answer = answer(request, "200 OK", kind, &describe("H264", ""));
            request.starts_with("DESCRIBE ").then_some(answer)
        }),
        ..Script::new(|_, _| Ok(()))
    };
    let server = Server::start(script);
    let path = "live/user=admin_password=hidden_channel=1.sdp";
    let address = format!("rtsp://{}/{path}", server.address());
    let mut camera = RtspCamera::open(&address, &hasty()).unwrap();
    assert!(camera.address().ends_with("/live/"), "{}", camera.address());
    let reason = lost(&mut camera);
    assert_eq!(reason, "the connection failed");
    assert!(server.requests()[0].contains("hidden"));
}

#[test]
fn a_wrong_password_is_not_sent_again_soon() {
    let script = Script {
        answer: Box::new(|_, request| {
            let challenge = "WWW-Authenticate: Basic realm=\"door\"\r\n";
            Some(answer(request, "401 Unauthorized", challenge, ""))
        }),
        ..Script::new(|_, _| Ok(()))
    };
    let server = Server::start(script);
    let address = format!("rtsp://me:wrong@{}/", server.address());
    let retries = options().with_retries(Duration::from_millis(20), Duration::from_secs(3600));
    let mut camera = RtspCamera::open(&address, &retries).unwrap();
    lost(&mut camera);
    assert_eq!(
        camera.next(Duration::from_millis(300)).unwrap(),
        Next::Nothing
    );
    let requests = server.requests();
    let sent = requests.iter().filter(|it| it.contains("Basic "));
    assert_eq!(sent.count(), 1);
}

#[test]
fn a_silent_camera_is_lost() {
    let video = encoded(64, 48, 3, 3);
    let server = Server::start(Script::new(move |_, client| {
        once(client, &video)?;
        pause(2000);
        Ok(())
    }));
    let mut camera = open_with(&server, &hasty());
    frame(&mut camera);
    let reason = lost(&mut camera);
    assert!(reason.contains("no whole picture in 300ms"), "{reason}");
    // A camera that answers no request.
    let script = Script {
        answer: Box::new(|_, _| {
            thread::sleep(Duration::from_secs(1));
            Some(Vec::new())
        }),
        ..Script::new(|_, _| Ok(()))
    };
    let server = Server::start(script);
    let reason = lost(&mut open_with(&server, &hasty()));
    assert!(
        reason.contains("did not begin to play in 300ms"),
        "{reason}"
    );
}

#[test]
fn video_of_other_kinds_is_refused_by_name() {
    let refused = |video: Vec<Vec<u8>>, options: &RtspOptions| {
        let server = Server::start(Script::new(move |_, client| endless(client, &video)));
        let reason = error(&mut open_with(&server, options));
        assert!(reason.contains("rtsp://127.0.0.1"), "{reason}");
        reason
    };
    let interlaced = of_file("interlaced.mp4", Coding::H264);
    assert!(refused(interlaced, &options()).contains("is interlaced"));
    let chroma = of_file("chroma_444.mp4", Coding::H264);
    assert!(refused(chroma, &options()).contains("has other pixels than 4:2:0"));
    let limits = DecodeLimits::default().with_max_side(100);
    let small = options().with_limits(limits);
    assert!(refused(encoded(128, 64, 3, 3), &small).contains("100 pixels a side"));
}

#[test]
fn a_picture_of_too_many_bytes_is_left_out() {
    let video = encoded(320, 240, 6, 6);
    let limits = DecodeLimits::default().with_max_file_bytes(video[0].len() / 2);
    let server = Server::start(Script::new(move |_, client| endless(client, &video)));
    let mut camera = open_with(&server, &options().with_limits(limits));
    let begin = Instant::now();
    while begin.elapsed() < Duration::from_millis(700) {
        let next = camera.next(Duration::from_millis(50)).unwrap();
        assert!(matches!(next, Next::Nothing), "{next:?}");
    }
}

#[test]
fn another_resolution_is_a_discontinuity() {
    let (small, large) = (encoded(64, 48, 10, 10), encoded(128, 96, 10, 10));
    let server = Server::start(Script::new(move |_, client| {
        let pictures = small.iter().chain(&large).enumerate();
        for (nth, picture) in pictures {
            client.picture(picture, ticks(nth, 50))?;
            pause(20);
        }
        pause(100);
        Ok(())
    }));
    let mut camera = open(&server);
    let frames = first_connection(&mut camera);
    let sizes: Vec<usize> = frames.iter().map(|it| it.image.view().width()).collect();
    assert!(sizes.contains(&64) && sizes.contains(&128));
    for pair in frames.windows(2) {
        let changes = pair[0].image.view().width() != pair[1].image.view().width();
        assert_eq!(pair[1].discontinuity, changes);
    }
    assert_eq!(camera.damaged(), 0);
}

#[test]
fn a_stopped_clock_does_not_stop_the_camera() {
    let video = encoded(64, 48, 10, 5);
    let server = Server::start(Script::new(move |_, client| {
        client.report(SystemTime::now(), 0)?;
        for nth in 0.. {
            client.picture(&video[nth % video.len()], ticks(nth.min(5), 50))?;
            pause(20);
        }
        Ok(())
    }));
    let mut camera = open(&server);
    let begin = Instant::now();
    let mut last: Option<(Timestamp, Instant)> = None;
    let mut clocks = Vec::new();
    while begin.elapsed() < Duration::from_secs(4) {
        let (frame, _) = frame(&mut camera);
        if let Some((at, seen)) = last {
            assert!(frame.at > at && !frame.discontinuity);
            assert!(seen.elapsed() < Duration::from_millis(2500));
        }
        last = Some((frame.at, Instant::now()));
        clocks.push(frame.clock);
    }
    assert_eq!(clocks.last(), Some(&Clock::Arrival));
    assert!(clocks.len() > 30, "{}", clocks.len());
}

#[test]
fn a_pause_of_the_reader_costs_frames_only() {
    let video = encoded(64, 48, 50, 25);
    let sent = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&sent);
    let server = Server::start(Script::new(move |_, client| {
        for nth in 0.. {
            client.picture(&video[nth % video.len()], ticks(nth, 50))?;
            count.store(nth, Ordering::Relaxed);
            pause(20);
        }
        Ok(())
    }));
    let mut camera = open(&server);
    frame(&mut camera);
    let begin = Instant::now();
    let wanted = sent.load(Ordering::Relaxed) + 40;
    while sent.load(Ordering::Relaxed) < wanted {
        assert!(begin.elapsed() < PATIENCE);
        pause(10);
    }
    // The newest frames, not all of the queue. What the server has sent may still be on its way.
    let mut taken = 0;
    loop {
        let (after, reasons) = frame(&mut camera);
        assert!(!after.discontinuity && reasons.is_empty());
        taken += 1;
        if after.sequence >= wanted as u64 {
            break;
        }
    }
    assert!(taken <= 15 && server.connections() == 1, "{taken}");
    // Frames that nobody needs are decoded, but not returned.
    let wanted = Timestamp::now() + SignedDuration::from_millis(300);
    camera.skip_before(wanted);
    assert!(frame(&mut camera).0.at >= wanted);
    assert_eq!(camera.damaged(), 0);
}

#[test]
fn a_camera_that_is_dropped_says_farewell() {
    let video = encoded(64, 48, 10, 5);
    let server = Server::start(Script::new(move |_, client| endless(client, &video)));
    let mut camera = open(&server);
    frame(&mut camera);
    drop(camera);
    let begin = Instant::now();
    while !server
        .requests()
        .iter()
        .any(|it| it.starts_with("TEARDOWN "))
    {
        assert!(begin.elapsed() < Duration::from_secs(3));
        pause(20);
    }
    assert_eq!(server.connections(), 1);
}

#[test]
fn a_camera_answers_while_it_plays() {
    // The reader asks whether the camera is alive at half of the time of its session.
    let video = encoded(64, 48, 10, 5);
    let asked = Arc::new(Mutex::new(0));
    let count = Arc::clone(&asked);
    let script = Script {
        answer: Box::new(move |_, request| {
            if request.starts_with("OPTIONS ") || request.starts_with("GET_PARAMETER ") {
                *count.lock().unwrap() += 1;
            }
            let lines = "Session: 7;timeout=2\r\nTransport: RTP/AVP/TCP;interleaved=0-1\r\n";
            request
                .starts_with("SETUP ")
                .then(|| answer(request, "200 OK", lines, ""))
        }),
        ..Script::new(move |_, client| endless(client, &video))
    };
    let server = Server::start(script);
    let mut camera = open(&server);
    let begin = Instant::now();
    while *asked.lock().unwrap() < 2 {
        assert!(begin.elapsed() < PATIENCE);
        assert!(frame(&mut camera).1.is_empty());
    }
    assert_eq!(server.connections(), 1);
}
