//! Many faults: the next frame comes in time, and other cameras notice nothing.

use std::{
    io,
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use facekit::TrackerOptions;
use facekit_video::{
    CameraOptions, CameraState, Change, RtspCamera, RtspOptions, Watched, Watcher, WatcherOptions,
};

use crate::{
    PATIENCE,
    chance::{faults_of_each, random_numbers},
    endless, frame, hasty, open, options,
    server::{Client, Script, Server, answer, describe, pause, ticks},
    stage::Stage,
    videos::encoded,
};

/// The kinds of faults.
const FAULTS: usize = 13;

/// The videos of the faulty server.
struct Videos {
    usual: Vec<Vec<u8>>,
    /// Of another resolution.
    other: Vec<Vec<u8>>,
}

impl Videos {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            usual: encoded(64, 48, 6, 3),
            other: encoded(96, 64, 3, 3),
        })
    }

    /// A few good pictures.
    fn few(&self, client: &mut Client, begin: usize) -> io::Result<()> {
        for (nth, picture) in self.usual.iter().enumerate() {
            client.picture(picture, ticks(begin + nth, 50))?;
            pause(10);
        }
        Ok(())
    }
}

/// A fault of this kind while the camera plays, after some good pictures. `random` chooses its details.
fn fault(kind: usize, random: usize, videos: &Videos, client: &mut Client) -> io::Result<()> {
    let length = 1 + random % 1500;
    let garbage: Vec<u8> = (0..length)
        .map(|place| (place.wrapping_mul(random | 1) >> 2) as u8)
        .collect();
    if random.is_multiple_of(2) {
        videos.few(client, 0)?;
    }
    match kind % FAULTS {
        // The server is killed.
        0 => return Ok(()),
        // Garbage in place of packets.
        1 => client.write(&garbage)?,
        // Garbage in packets, with good headers.
        2 => client.packet(&garbage, ticks(7, 50), true)?,
        // Garbage in a picture.
        3 => {
            for nth in 7..10 {
                let mut unit = [&[0, 0, 0, 1, 0x65, 0x88][..], &garbage].concat();
                unit.truncate(200);
                client.picture(&unit, ticks(nth, 50))?;
            }
        }
        // Bytes of good pictures are wrong.
        4 => {
            for (nth, picture) in videos.usual.iter().enumerate() {
                let mut picture = picture.clone();
                let place = (random >> 5).wrapping_mul(nth + 1) % picture.len();
                picture[place] ^= (random >> 3) as u8 | 1;
                client.picture(&picture, ticks(7 + nth, 50))?;
            }
        }
        // Packets are lost.
        5 => {
            for (nth, picture) in videos.other.iter().enumerate() {
                for (place, (payload, is_last)) in client.payloads(picture).iter().enumerate() {
                    if (random >> (nth + place)).is_multiple_of(4) {
                        client.lose(1 + (random % 50) as u16);
                    } else {
                        client.packet(payload, ticks(7 + nth, 50), *is_last)?;
                    }
                }
            }
        }
        // A pause that is longer than a camera waits.
        6 => pause(400),
        // Each byte comes in time, but the picture does not.
        7 => {
            client.write(&[b'$', 0, 4, 0])?;
            for byte in &garbage[..garbage.len().min(20)] {
                client.write(&[*byte])?;
                pause(20);
            }
            return Ok(());
        }
        // Another resolution.
        8 => {
            for (nth, picture) in videos.other.iter().enumerate() {
                client.picture(picture, ticks(7 + nth, 50))?;
            }
        }
        // The clock stops, or jumps.
        9 => {
            client.report(SystemTime::now(), 0)?;
            for picture in &videos.usual {
                let at = if random.is_multiple_of(3) {
                    (random >> 3) as u32
                } else {
                    5
                };
                client.picture(picture, at)?;
                pause(10);
            }
        }
        // Reports with garbage.
        _ => {
            let length = (garbage.len() as u16).to_be_bytes();
            client.write(&[&[b'$', 1], &length[..], &garbage].concat())?;
        }
    }
    videos.few(client, 20)
}

/// A server whose connections are faulty and good, one after the other.
fn faulty(count: usize, videos: &Arc<Videos>) -> Server {
    let mut random = random_numbers();
    let random: Arc<Vec<usize>> = Arc::new((0..count).map(|_| random()).collect());
    let is_faulty = move |nth: usize| nth.is_multiple_of(2) && nth / 2 < count;
    let details = Arc::clone(&random);
    let videos = Arc::clone(videos);
    Server::start(Script {
        answer: Box::new(move |nth, request| {
            let (kind, random) = (nth / 2 % FAULTS, *details.get(nth / 2)?);
            match kind {
                _ if !is_faulty(nth) => None,
                11 => Some(answer(request, "401 Unauthorized", "", "")),
                12 if request.starts_with("DESCRIBE ") => {
                    let mut text = describe("H264", ";sprop-parameter-sets=Z0,a").into_bytes();
                    let place = random % text.len();
                    text[place] = b' ' + (random >> 8) as u8 % 90;
                    let text = String::from_utf8(text).unwrap();
                    let kind = "Content-Type: application/sdp\r\n";
                    Some(answer(request, "200 OK", kind, &text))
                }
                _ => None,
            }
        }),
        ..Script::new(move |nth, client| {
            if is_faulty(nth) {
                fault(nth / 2, random[nth / 2], &videos, client)
            } else {
                videos.few(client, 0)
            }
        })
    })
}

#[test]
fn after_any_fault_the_next_frame_comes_in_time() {
    let count = FAULTS * faults_of_each();
    let videos = Videos::new();
    let server = faulty(count, &videos);
    let mut camera = super::open_with(&server, &hasty());
    let mut last = Instant::now();
    let mut longest = Duration::ZERO;
    while server.connections() < 2 * count {
        frame(&mut camera);
        longest = longest.max(last.elapsed());
        last = Instant::now();
    }
    println!("{count} faults, the longest time without a frame: {longest:?}");
    // The longest pause is 24 ms and the timeout 0.3 s.
    assert!(longest < Duration::from_millis(324) + Duration::from_secs(2));
}

#[test]
fn a_server_is_killed_many_times() {
    let videos = Videos::new();
    let script = || {
        let videos = Arc::clone(&videos);
        Script::new(move |_, client| endless(client, &videos.usual))
    };
    let mut server = Server::start(script());
    let address = server.address();
    let mut camera = open(&server);
    for _ in 0..faults_of_each() {
        let (before, _) = frame(&mut camera);
        drop(server);
        server = Server::start_at(address, script());
        let begin = Instant::now();
        // Frames that came before are still there.
        while !frame(&mut camera).0.discontinuity {
            assert!(begin.elapsed() < Duration::from_secs(3));
        }
        assert!(frame(&mut camera).0.sequence > before.sequence);
    }
}

#[test]
fn other_cameras_notice_nothing() {
    let count = FAULTS * faults_of_each();
    let videos = Videos::new();
    let bad = faulty(count, &videos);
    let played = Arc::clone(&videos);
    let good = Server::start(Script::new(move |_, client| endless(client, &played.usual)));
    let watcher = Watcher::new(Stage::default().recognizer(), &WatcherOptions::default()).unwrap();
    // Every frame that is due is searched.
    let tracker = TrackerOptions::default().with_motion_gate(false);
    let camera = CameraOptions::default().with_tracker(tracker);
    let add = |server: &Server, options: &RtspOptions| {
        let address = format!("rtsp://{}/", server.address());
        let source = RtspCamera::open(&address, options).unwrap();
        watcher.add(source, &camera).unwrap()
    };
    let (good_camera, bad_camera) = (add(&good, &options()), add(&bad, &hasty()));
    let mut lost = 0;
    let mut progress = (0, Instant::now());
    while bad.connections() < 2 * count {
        if bad.connections() > progress.0 {
            progress = (bad.connections(), Instant::now());
        }
        assert!(progress.1.elapsed() < PATIENCE, "{progress:?}");
        if let Watched::Report(report) = watcher.next(Duration::from_millis(100))
            && let Change::State(state) = report.change
        {
            assert!(
                report.camera == bad_camera || state == CameraState::Running,
                "{state}"
            );
            assert!(!state.is_over(), "{state}");
            lost += usize::from(matches!(state, CameraState::Lost { .. }));
        }
    }
    let health = watcher.health(good_camera).unwrap();
    println!("beside {count} faults: {health:?}");
    assert_eq!(health.state, CameraState::Running);
    // The machine may have other work. Alone it is a few milliseconds.
    assert!(
        health.age_p95.unwrap() < Duration::from_secs(1),
        "{health:?}"
    );
    assert!(lost > count / 4, "{lost} of {count}");
    assert!(watcher.health(bad_camera).unwrap().examined > 0);
}
