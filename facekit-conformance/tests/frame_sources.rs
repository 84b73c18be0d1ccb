//! The suite for every source of frames.

#[path = "../../facekit-video/tests/rtsp/server.rs"]
#[allow(dead_code, reason = "the tests of facekit-video use the rest")]
mod server;

use std::{
    fs,
    io::{self, Cursor, Read, Write},
    net::TcpListener,
    path::Path,
    thread,
    time::Duration,
};

use facekit::{
    Clock, FrameFolder, FrameSource, Image, Next,
    image::{DecodeLimits, encode_jpeg, save},
    jiff::tz::TimeZone,
};
use facekit_conformance::frame_source_suite;
use facekit_video::{
    FileOptions, HttpCamera, HttpOptions, Inbox, Pipe, PipeOptions, RtspCamera, RtspOptions,
    Timing, VideoFile,
};
use tempfile::tempdir;

frame_source_suite!(folder, || {
    let folder = tempdir().unwrap();
    fill(folder.path());
    move || -> Box<dyn FrameSource> { Box::new(open(folder.path())) }
});

/// Five photos, the last one of another size, and a file that is none.
fn fill(folder: &Path) {
    for second in 0..5 {
        let width = if second == 4 { 32 } else { 64 };
        let photo = Image::filled(width, 48, [40 * second, 90, 90]);
        let name = format!("2026-03-02T08-59-{second:02}.png");
        save(&photo, folder.join(name)).unwrap();
    }
    fs::write(folder.join("notes.txt"), "no photo").unwrap();
}

fn open(folder: &Path) -> FrameFolder {
    FrameFolder::open(folder, &TimeZone::UTC, &DecodeLimits::default()).unwrap()
}

#[test]
fn photos_come_in_the_order_of_their_times() {
    let folder = tempdir().unwrap();
    fill(folder.path());
    let earlier = folder.path().join("2026-03-01T12-00-00.JPG");
    save(&Image::filled(64, 48, [9; 3]), &earlier).unwrap();
    let mut source = open(folder.path());
    assert_eq!(source.len(), 6);
    let mut times = Vec::new();
    while let Next::Frame(frame) = source.next(Duration::ZERO).unwrap() {
        times.push(frame.at.to_string());
    }
    assert_eq!(times[0], "2026-03-01T12:00:00Z");
    assert_eq!(times[5], "2026-03-02T08:59:04Z");
    assert!(source.is_empty());
}

#[test]
fn a_photo_that_cannot_be_decoded_is_left_out() {
    let folder = tempdir().unwrap();
    fill(folder.path());
    fs::write(folder.path().join("2026-03-02T08-59-01.png"), "no photo").unwrap();
    let mut source = open(folder.path());
    let mut times = Vec::new();
    while let Next::Frame(frame) = source.next(Duration::ZERO).unwrap() {
        assert_eq!(frame.sequence as usize, times.len());
        times.push(frame.at.strftime("%S").to_string());
    }
    assert_eq!(times, ["00", "02", "03", "04"]);
    assert_eq!(source.damaged(), 1);
}

#[test]
fn photos_of_one_second_are_spread_over_it() {
    let folder = tempdir().unwrap();
    for nth in 0..10 {
        let name = format!("2026-03-02T08-59-00 {nth}.png");
        save(&Image::filled(64, 48, [90; 3]), folder.path().join(name)).unwrap();
    }
    let mut source = open(folder.path());
    let mut times = Vec::new();
    while let Next::Frame(frame) = source.next(Duration::ZERO).unwrap() {
        times.push(frame.at.subsec_millisecond());
    }
    assert_eq!(times, [0, 100, 200, 300, 400, 500, 600, 700, 800, 900]);
}

#[test]
fn a_photo_that_is_gone_ends_the_folder() {
    let folder = tempdir().unwrap();
    fill(folder.path());
    let mut source = open(folder.path());
    fs::remove_file(folder.path().join("2026-03-02T08-59-01.png")).unwrap();
    let mut next = || source.next(Duration::ZERO);
    assert!(matches!(next(), Ok(Next::Frame(_))));
    let error = next().unwrap_err().to_string();
    assert!(error.contains("08-59-01.png"), "{error}");
    assert_eq!(next().unwrap(), Next::End);
    assert!(FrameFolder::open("/nowhere", &TimeZone::UTC, &DecodeLimits::default()).is_err());
}

frame_source_suite!(motion_jpeg, || || recording(motion_jpeg()));
frame_source_suite!(yuv4mpeg2, || || recording(yuv4mpeg2()));
frame_source_suite!(live_motion_jpeg, || || live(motion_jpeg()));
frame_source_suite!(live_yuv4mpeg2, || || live(yuv4mpeg2()));
frame_source_suite!(inbox, || inbox);
frame_source_suite!(http_stream, || {
    let address = serve("multipart/x-mixed-replace; boundary=b", 20);
    move || camera(&address)
});
frame_source_suite!(http_snapshots, || {
    let address = serve("image/jpeg", 1);
    move || camera(&address)
});

frame_source_suite!(rtsp, || {
    let server = rtsp_server();
    move || -> Box<dyn FrameSource> {
        let address = format!("rtsp://{}/", server.address());
        let retry = Duration::from_millis(20);
        let options = RtspOptions::default().with_retries(retry, retry);
        Box::new(RtspCamera::open(&address, &options).unwrap())
    }
});

/// Serves a video of twelve pictures for each connection.
fn rtsp_server() -> server::Server {
    let streams = Path::new(env!("CARGO_MANIFEST_DIR")).join("../facekit-video/tests/streams");
    let stream = fs::read(streams.join("raw.h264")).unwrap();
    server::Server::start(server::Script::new(move |_, client| {
        // Each unit but the parameter sets is a picture.
        let mut picture = Vec::new();
        let mut nth = 0;
        for unit in server::units_of(&stream) {
            picture.extend([&[0, 0, 0, 1], unit].concat());
            if (1..=5).contains(&(unit[0] & 31)) {
                client.picture(&picture, server::ticks(nth, 50))?;
                server::pause(20);
                picture.clear();
                nth += 1;
            }
        }
        Ok(())
    }))
}

frame_source_suite!(mp4, || || file("main_b_frames.mp4"));
frame_source_suite!(matroska, || || file("high_b_frames.mkv"));
frame_source_suite!(h265, || || file("h265.mp4"));
frame_source_suite!(raw_h264, || || file("raw.h264"));

/// A stream of the tests of facekit-video.
fn file(name: &str) -> Box<dyn FrameSource> {
    let streams = Path::new(env!("CARGO_MANIFEST_DIR")).join("../facekit-video/tests/streams");
    let options = FileOptions::new(jiff::Timestamp::UNIX_EPOCH).with_rate(10.0);
    Box::new(VideoFile::open(streams.join(name), &options).unwrap())
}

/// Serves so many pictures for each request, of two sizes. The server runs until the test ends.
fn serve(kind: &'static str, pictures: usize) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            thread::spawn(move || {
                // The request is short.
                let _ = stream.read(&mut [0; 4096])?;
                write!(stream, "HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\n\r\n")?;
                for nth in 0..pictures {
                    let width = if nth < 10 { 64 } else { 32 };
                    let picture = Image::filled(width, 48, [nth as u8; 3]);
                    stream.write_all(&encode_jpeg(&picture, 90))?;
                    thread::sleep(Duration::from_millis(20));
                }
                io::Result::Ok(())
            });
        }
    });
    address
}

fn camera(address: &str) -> Box<dyn FrameSource> {
    let options = HttpOptions::default()
        .with_interval(Duration::from_millis(20))
        .with_retries(Duration::from_millis(20), Duration::from_millis(20));
    Box::new(HttpCamera::open(address, &options).unwrap())
}

/// An inbox that a thread fills, with pictures of two sizes.
fn inbox() -> Box<dyn FrameSource> {
    let (sender, inbox) = Inbox::new(&DecodeLimits::default());
    thread::spawn(move || {
        for nth in 0..20_usize {
            let width = if nth < 10 { 64 } else { 32 };
            sender.push(Image::filled(width, 48, [90; 3]), None);
            thread::sleep(Duration::from_millis(20));
        }
    });
    Box::new(inbox)
}

fn motion_jpeg() -> Vec<u8> {
    let frame = |luma| encode_jpeg(&Image::filled(64, 48, [luma; 3]), 90);
    (0..5).flat_map(|nth| frame(40 * nth)).collect()
}

fn yuv4mpeg2() -> Vec<u8> {
    let frame = |luma: u8| [&b"FRAME\n"[..], &[luma; 64 * 48], &[128; 2 * 32 * 24]].concat();
    let header = b"YUV4MPEG2 W64 H48 F5:1 Ip C420jpeg\n".to_vec();
    [
        header,
        (0..5).flat_map(|nth| frame(16 + 40 * nth)).collect(),
    ]
    .concat()
}

fn recorded() -> PipeOptions {
    let start = "2026-03-02T08:00:00Z".parse().unwrap();
    PipeOptions::default().with_timing(Timing::recorded(start).with_rate(5.0))
}

fn recording(video: Vec<u8>) -> Box<dyn FrameSource> {
    Box::new(Pipe::open(Cursor::new(video), &recorded()).unwrap())
}

fn live(video: Vec<u8>) -> Box<dyn FrameSource> {
    Box::new(Pipe::open(Cursor::new(video), &PipeOptions::default()).unwrap())
}

#[test]
fn a_recording_has_a_rate() {
    let start = "2026-03-02T08:00:00Z".parse().unwrap();
    let options = PipeOptions::default().with_timing(Timing::recorded(start));
    let mut video = Pipe::open(Cursor::new(yuv4mpeg2()), &options).unwrap();
    let Next::Frame(_) = video.next(Duration::ZERO).unwrap() else {
        panic!()
    };
    let Next::Frame(second) = video.next(Duration::ZERO).unwrap() else {
        panic!()
    };
    assert_eq!(second.at.to_string(), "2026-03-02T08:00:00.2Z");
    let refused = |rate: Option<f64>| {
        let mut timing = Timing::recorded(start);
        if let Some(rate) = rate {
            timing = timing.with_rate(rate);
        }
        let options = PipeOptions::default().with_timing(timing);
        Pipe::open(Cursor::new(motion_jpeg()), &options).unwrap_err()
    };
    for rate in [None, Some(0.0), Some(f64::NAN)] {
        assert!(refused(rate).to_string().starts_with("rate: "));
    }
}

#[test]
fn a_damaged_frame_is_left_out() {
    let mut video = motion_jpeg();
    let length = video.len() / 5;
    // The quantization tables of the second frame.
    let tables = video[length..].windows(2).position(|it| it == [0xFF, 0xDB]);
    video[length + tables.unwrap() + 4] = 0xF0;
    let mut pipe = Pipe::open(Cursor::new(video), &recorded()).unwrap();
    let mut times = Vec::new();
    while let Next::Frame(frame) = pipe.next(Duration::ZERO).unwrap() {
        assert_eq!(frame.sequence, times.len() as u64);
        times.push(frame.at.subsec_millisecond());
    }
    assert_eq!(pipe.damaged(), 1);
    assert_eq!(times, [0, 400, 600, 800]);
}

#[test]
fn a_live_pipe_keeps_its_newest_frame() {
    let mut video = live(motion_jpeg());
    // The reader is at its end.
    thread::sleep(Duration::from_millis(500));
    let Next::Frame(frame) = video.next(Duration::from_secs(5)).unwrap() else {
        panic!()
    };
    assert_eq!((frame.sequence, frame.clock), (4, Clock::Arrival));
    assert_eq!(video.next(Duration::ZERO).unwrap(), Next::End);
}

/// Fails after a frame.
struct Failing(Cursor<Vec<u8>>);

impl Read for Failing {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        match self.0.read(bytes)? {
            0 => Err(io::Error::other("unplugged")),
            read => Ok(read),
        }
    }
}

#[test]
fn an_error_of_a_pipe_comes_once() {
    for options in [recorded(), PipeOptions::default()] {
        let mut video = Pipe::open(Failing(Cursor::new(motion_jpeg())), &options).unwrap();
        let error = loop {
            match video.next(Duration::from_secs(5)) {
                Ok(Next::Frame(_)) => {}
                Ok(other) => panic!("{other:?}"),
                Err(error) => break error,
            }
        };
        assert!(error.to_string().contains("video pipe"), "{error}");
        assert_eq!(video.next(Duration::ZERO).unwrap(), Next::End);
    }
}

#[test]
fn something_else_than_a_video_is_named() {
    let noise: Vec<u8> = (0..2_000_000_u32)
        .map(|place| (place.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect();
    let cut = motion_jpeg()[..100].to_vec();
    for (bytes, words) in [
        (noise, "ffmpeg -i"),
        (b"\0\0\0\x20ftypisom".to_vec(), "ffmpeg -i"),
        (cut, "has no JPEG"),
        (Vec::new(), "is empty"),
    ] {
        for options in [PipeOptions::default(), recorded()] {
            let is_live = options.timing == Timing::Arrival;
            let error = match Pipe::open(Cursor::new(bytes.clone()), &options) {
                Err(error) => {
                    assert!(!is_live);
                    error
                }
                Ok(mut pipe) => loop {
                    match pipe.next(Duration::from_secs(5)) {
                        Err(error) => break error,
                        Ok(Next::Nothing) => {}
                        Ok(other) => panic!("{other:?}"),
                    }
                },
            };
            assert!(error.to_string().contains(words), "{error}");
        }
    }
}

/// A pipe that says nothing for long.
struct Silent;

impl Read for Silent {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        thread::sleep(Duration::from_secs(3600));
        Ok(0)
    }
}

#[test]
fn a_silent_pipe_holds_nobody_up() {
    let begin = std::time::Instant::now();
    let mut pipe = Pipe::open(Silent, &PipeOptions::default()).unwrap();
    assert_eq!(pipe.next(Duration::from_millis(20)).unwrap(), Next::Nothing);
    assert!(begin.elapsed() < Duration::from_secs(10));
}
