//! `facekit watch` on generated videos of the demo's people, with the set nano.

mod common;
#[path = "../../../facekit-video/tests/rtsp/server.rs"]
#[allow(dead_code, reason = "the tests of facekit-video use the rest")]
mod rtsp;

use std::{
    fs,
    io::Write,
    path::Path,
    process::{Command, Stdio},
};

use common::{Place, Ran};
use facekit::{
    Image,
    image::{DecodeLimits, encode_jpeg, open, resize},
};

/// A place with a gallery of two people of the demo.
fn place() -> Place {
    let place = Place::new();
    for name in ["Ari", "Chi"] {
        for nth in 1..=3 {
            let photo = demo().join(name).join(format!("{nth}.jpg"));
            place.write(
                &format!("people/{name}/{nth}.jpg"),
                fs::read(photo).unwrap(),
            );
        }
    }
    place
        .line("enroll --gallery demo.gallery --no-encryption --people people")
        .ends(0);
    place
}

fn demo() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../data/people")
}

/// Five frames a second for two seconds: Ari walks through the picture.
fn frames() -> Vec<Vec<u8>> {
    let photo = open(demo().join("Ari/4.jpg"), &DecodeLimits::default()).unwrap();
    let (width, height) = (160, 160 * photo.height() / photo.width());
    let photo = resize(photo.view(), width, height).unwrap();
    let frame = |nth: usize| {
        let mut frame = Image::filled(640, 360, [150, 148, 142]);
        let left = 40 * nth;
        for y in 0..height {
            let row = &photo.data()[3 * width * y..][..3 * width];
            frame.data_mut()[3 * (640 * (y + 80) + left)..][..3 * width].copy_from_slice(row);
        }
        encode_jpeg(&frame, 92)
    };
    (0..10).map(frame).collect()
}

/// Runs the command with a video on standard input.
fn piped(place: &Place, line: &str, video: &[u8]) -> Ran {
    let mut child = Command::new(env!("CARGO_BIN_EXE_facekit"))
        .current_dir(place.path(""))
        .args(line.split_whitespace())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // The command may end before it has read everything.
    let _ = child.stdin.take().unwrap().write_all(video);
    let output = child.wait_with_output().unwrap();
    Ran {
        code: output.status.code().unwrap(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

const GALLERY: &str = "watch --gallery demo.gallery --no-liveness --zone UTC";

/// Writes the frames as a folder of stamped photos.
fn write_folder(place: &Place) {
    for (nth, frame) in frames().iter().enumerate() {
        let milliseconds = 200 * nth;
        let (second, rest) = (milliseconds / 1000, milliseconds % 1000);
        place.write(
            &format!("door/2026-03-02T08-00-{second:02}.{rest:03}.jpg"),
            frame,
        );
    }
}

#[test]
fn a_person_in_a_folder_of_photos_is_one_track() {
    let place = place();
    write_folder(&place);
    let line = format!("{GALLERY} door --json --sightings seen.csv");
    let document = place.line(&line).ends(0).json();
    assert_eq!(document["frames"], 10);
    let tracks = document["tracks"].as_array().unwrap();
    assert_eq!(tracks.len(), 1, "{document:#}");
    assert_eq!(tracks[0]["decision"]["outcome"], "known");
    assert_eq!(tracks[0]["decision"]["person"], "Ari");
    assert_eq!(tracks[0]["from"], "2026-03-02T08:00:00+00:00");
    let seen = fs::read_to_string(place.path("seen.csv")).unwrap();
    assert_eq!(seen.lines().count(), 2, "{seen}");
    assert!(seen.contains("Ari"), "{seen}");

    place
        .line(&format!("{GALLERY} door"))
        .ends(0)
        .says(&["track 1  Ari", "10 frames, 1 track, 1 sighting"]);
}

#[test]
fn people_who_were_seen_before_an_error_are_not_lost() {
    let place = place();
    write_folder(&place);
    place.write("door/2026-03-02T08-00-09.jpg", b"no photo");
    let line = format!("{GALLERY} door --sightings seen.csv");
    let ran = place.line(&line).ends(0);
    assert!(
        ran.stderr.contains("door: 1 picture could not be decoded"),
        "{ran:#?}"
    );
    let seen = fs::read_to_string(place.path("seen.csv")).unwrap();
    assert!(seen.contains("Ari"), "{seen}");

    // The first half of a video, then something else.
    let mut video = b"YUV4MPEG2 W64 H48 F5:1 Ip\n".to_vec();
    video.extend(b"no frame\n");
    place.write("gate.y4m", video);
    let line = format!("{GALLERY} door gate.y4m --start 2026-03-02T08:00:00Z --sightings seen.csv");
    let ran = place.line(&line);
    assert_eq!(ran.code, 2, "{ran:#?}");
    assert_eq!(ran.stderr.matches("gate.y4m").count(), 1, "{ran:#?}");
    let seen = fs::read_to_string(place.path("seen.csv")).unwrap();
    assert!(seen.contains("Ari"), "{seen}");
}

#[test]
fn a_recording_on_standard_input_is_watched_to_its_end() {
    let place = place();
    let line = format!("{GALLERY} --json --rate 5 --start 2026-03-02T08:00:00Z -");
    let video = frames().concat();
    let document = piped(&place, &line, &video).ends(0).json();
    assert_eq!(document["frames"], 10);
    assert_eq!(document["tracks"][0]["decision"]["person"], "Ari");
    assert_eq!(document["tracks"][0]["to"], "2026-03-02T08:00:01.8+00:00");
}

#[test]
fn several_videos_are_watched_at_the_same_time() {
    let place = place();
    write_folder(&place);
    place.write("gate.mjpeg", frames().concat());
    let start = "--rate 5 --start 2026-03-02T09:00:00Z";
    let line = format!("{GALLERY} {start} door gate.mjpeg --json --sightings seen.csv");
    let document = place.line(&line).ends(0).json();
    assert_eq!(document["frames"], 20);
    let mut seen: Vec<_> = document["tracks"].as_array().unwrap().iter().collect();
    seen.sort_by_key(|track| track["from"].to_string());
    let seen: Vec<_> = seen
        .iter()
        .map(|track| {
            (
                &track["video"],
                &track["from"],
                &track["decision"]["person"],
            )
        })
        .map(|(video, from, person)| [video, from, person].map(|text| text.as_str().unwrap()))
        .collect();
    assert_eq!(
        seen,
        [
            ["door", "2026-03-02T08:00:00+00:00", "Ari"],
            ["gate.mjpeg", "2026-03-02T09:00:00+00:00", "Ari"],
        ]
    );
    let seen = fs::read_to_string(place.path("seen.csv")).unwrap();
    assert!(
        seen.contains("door#1,") && seen.contains("gate.mjpeg#1,"),
        "{seen}"
    );

    // One that fails does not end the others.
    place.write("roof.y4m", b"YUV4MPEG2 W64 H48 F5:1 Ip\nno frame\n");
    let line = format!("{GALLERY} {start} door gate.mjpeg roof.y4m");
    let ran = place.line(&line);
    assert_eq!(ran.code, 2, "{ran:#?}");
    for words in ["1 video failed", "roof.y4m: ", "where a frame should begin"] {
        assert!(ran.stderr.contains(words), "{ran:#?}");
    }
    ran.says(&["door  track 1  Ari", "gate.mjpeg  track 1  Ari"]);
}

#[cfg(unix)]
#[test]
fn a_camera_is_watched_until_the_command_is_stopped() {
    use std::{
        io::{BufRead as _, BufReader, Read as _},
        net::TcpListener,
        thread,
        time::Duration,
    };

    let place = place();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let host = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 4096]).unwrap();
            let head = "HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace\r\n\r\n";
            stream.write_all(head.as_bytes()).unwrap();
            for frame in frames().iter().cycle() {
                if stream.write_all(frame).is_err() {
                    break;
                }
                thread::sleep(Duration::from_millis(200));
            }
        }
    });
    let mut child = Command::new(env!("CARGO_BIN_EXE_facekit"))
        .current_dir(place.path(""))
        .args(format!("{GALLERY} http://me:secret@{host}/video?x=hidden").split_whitespace())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let first = lines.next().unwrap().unwrap();
    assert!(first.contains("track 1  Ari"), "{first}");
    let stopped = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status();
    assert!(stopped.unwrap().success());
    let rest: Vec<String> = lines.map(Result::unwrap).collect();
    let is_answer = |line: &String| line.contains(" frames, ") && line.contains(" sighting");
    assert!(rest.iter().any(is_answer), "{rest:?}");
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        !said.contains("secret") && !said.contains("hidden"),
        "{said}"
    );
}

#[cfg(unix)]
#[test]
fn a_silent_standard_input_holds_up_neither_the_others_nor_the_end() {
    use std::io::{BufRead as _, BufReader};

    let place = place();
    write_folder(&place);
    for rate in ["", "--rate 5"] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_facekit"))
            .current_dir(place.path(""))
            .args(format!("{GALLERY} - door {rate}").split_whitespace())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let first = lines.next().unwrap().unwrap();
        assert!(first.contains("door  track 1  Ari"), "{first}");
        // Nothing ever comes, until the test is over.
        let _input = child.stdin.take();
        let stopped = Command::new("kill")
            .args(["-INT", &child.id().to_string()])
            .status();
        assert!(stopped.unwrap().success());
        let rest: Vec<String> = lines.map(Result::unwrap).collect();
        assert!(rest.concat().contains("1 sighting"), "{rest:?}");
        assert!(child.wait().unwrap().success());
    }
}

/// The frames as H.264, each of them a key frame.
#[cfg(unix)]
fn encoded() -> Vec<Vec<u8>> {
    use rusty_h264::{Encoder, EncoderConfig, YuvFrame};

    let photos = frames();
    let photos = photos
        .iter()
        .map(|jpeg| facekit::image::decode(jpeg, &DecodeLimits::default()).unwrap());
    // BT.601, limited range.
    let plane = |photo: &Image, step: usize, weights: [f32; 3], offset: f32| {
        let (width, height) = (photo.width(), photo.height());
        let value = |place: usize| {
            let (x, y) = (place % (width / step) * step, place / (width / step) * step);
            let pixel = &photo.data()[3 * (y * width + x)..][..3];
            let sum = (0..3).map(|color| weights[color] * f32::from(pixel[color]));
            (offset + sum.sum::<f32>()).round() as u8
        };
        (0..width * height / (step * step)).map(value).collect()
    };
    let photos: Vec<YuvFrame> = photos
        .map(|photo| YuvFrame {
            width: photo.width(),
            height: photo.height(),
            y: plane(&photo, 1, [0.257, 0.504, 0.098], 16.0),
            u: plane(&photo, 2, [-0.148, -0.291, 0.439], 128.0),
            v: plane(&photo, 2, [0.439, -0.368, -0.071], 128.0),
        })
        .collect();
    let mut config = EncoderConfig::new(photos[0].width, photos[0].height);
    (config.gop_size, config.qp) = (1, 24);
    Encoder::new(config).unwrap().encode_all(&photos).unwrap()
}

#[cfg(unix)]
#[test]
fn a_camera_that_speaks_rtsp_is_watched_and_comes_back() {
    use std::io::{BufRead as _, BufReader};

    let place = place();
    let video = encoded();
    let server = rtsp::Server::start(rtsp::Script::new(move |_, client| {
        for (nth, picture) in video.iter().enumerate() {
            client.picture(picture, rtsp::ticks(nth, 5))?;
            rtsp::pause(200);
        }
        Ok(())
    }));
    let address = format!("rtsp://me:secret@{}/video?x=hidden", server.address());
    let mut child = Command::new(env!("CARGO_BIN_EXE_facekit"))
        .current_dir(place.path(""))
        .args(format!("{GALLERY} {address} --sightings seen.csv").split_whitespace())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let first = lines.next().unwrap().unwrap();
    assert!(first.contains("track 1  Ari"), "{first}");
    // The row is there while the command runs, and the next connection is a new track.
    let seen = fs::read_to_string(place.path("seen.csv")).unwrap();
    assert!(seen.contains("1,") && seen.contains("Ari"), "{seen}");
    let second = lines.next().unwrap().unwrap();
    assert!(second.contains("track 2  Ari"), "{second}");
    let stopped = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status();
    assert!(stopped.unwrap().success());
    let rest: Vec<String> = lines.map(Result::unwrap).collect();
    assert!(
        rest.iter().any(|line| line.contains("2 sightings")),
        "{rest:?}"
    );
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("the camera ended the stream"), "{said}");
    assert!(said.contains("frames come again"), "{said}");
    assert!(
        !said.contains("secret") && !said.contains("hidden"),
        "{said}"
    );
}

#[test]
fn other_input_than_a_video_is_an_error() {
    let place = place();
    piped(&place, &format!("{GALLERY} -"), b"").fails(&["standard input", "is empty"]);
    let interlaced = b"YUV4MPEG2 W64 H48 F25:1 It\n";
    piped(&place, &format!("{GALLERY} -"), interlaced).fails(&["interlaced"]);
    place
        .line(&format!("{GALLERY} nowhere"))
        .fails(&["nowhere"]);
    fs::create_dir(place.path("empty")).unwrap();
    place
        .line(&format!("{GALLERY} empty"))
        .fails(&["no photos"]);
    place
        .line(&format!("{GALLERY} people --rate 5"))
        .fails(&["standard input"]);
    place
        .line(&format!("{GALLERY} people --start 2026-03-02T08:00:00Z"))
        .fails(&["--start", "--rate"]);
    place.line(&format!("{GALLERY} - -")).fails(&["twice"]);
    place
        .line(&format!("{GALLERY} rtmp://me:secret@door/"))
        .fails(&["rtmp://", "FFmpeg"]);
    for video in [
        "http://me:secret@/",
        "rtsp://me:secret@/",
        "me:secret@192.168.1.7/video",
        "me:secret@http://192.168.1.7/video",
        "rtmp://me:secret@door/",
    ] {
        let ran = place.line(&format!("{GALLERY} {video}")).fails(&[]);
        assert!(!ran.stderr.contains("secret"), "{ran:#?}");
    }
    place
        .line(&format!("{GALLERY} people --interval 5"))
        .fails(&["--interval", "http://"]);
    place
        .line(&format!("{GALLERY} http://door/ --interval 0.001"))
        .fails(&["interval", "20ms to 3600s"]);
    place.write("noise.bin", b"noise");
    let ran = place.line(&format!("{GALLERY} noise.bin"));
    assert_eq!(ran.stderr.matches("noise.bin").count(), 1, "{ran:#?}");
    piped(&place, &format!("{GALLERY} -"), &[7; 2000]).fails(&["ffmpeg -i ANYTHING"]);
    place.write("film.mjpeg", frames().concat());
    place
        .line(&format!("{GALLERY} film.mjpeg"))
        .fails(&["film.mjpeg", "rate"]);
}
