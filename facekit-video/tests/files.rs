//! Files: their frames are those that FFmpeg decodes. `streams/generate.py` has made them, with the digests of FFmpeg's frames.
#![cfg(all(feature = "h265", feature = "matroska", feature = "mp4"))]

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use facekit::{
    Clock, FrameSource, Image, Next, Pace, PixelFormat, Result, VideoFrame,
    image::{DecodeLimits, YuvMatrix, YuvRange, encode_jpeg},
};
use facekit_video::{FileOptions, VideoFile};
use jiff::Timestamp;
use proptest::prelude::*;
use sha2::{Digest as _, Sha256};

const START: Timestamp = Timestamp::UNIX_EPOCH;

fn stream(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/streams")
        .join(name)
}

fn options() -> FileOptions {
    FileOptions::new(START)
}

fn open(name: &str) -> Result<VideoFile> {
    let options = if name.starts_with("raw") {
        options().with_rate(10.0)
    } else {
        options()
    };
    VideoFile::open(stream(name), &options)
}

/// All frames, and the error that ended them.
fn frames(video: &mut VideoFile) -> (Vec<VideoFrame>, Option<String>) {
    let mut frames = Vec::new();
    loop {
        match video.next(Duration::ZERO) {
            Ok(Next::Frame(frame)) => frames.push(frame),
            Ok(Next::End) => return (frames, None),
            Ok(other) => panic!("a recording returned {other:?}"),
            Err(error) => {
                assert_eq!(video.next(Duration::ZERO).unwrap(), Next::End);
                return (frames, Some(error.to_string()));
            }
        }
    }
}

/// A frame as a line of digests.txt has it.
fn line(name: &str, frame: &VideoFrame) -> String {
    let milliseconds = 1000.0 * (frame.at - START).as_secs_f64();
    let view = frame.image.view();
    let (width, height) = (view.width(), view.height());
    let mut digest = String::new();
    for byte in Sha256::digest(view.data()) {
        write!(digest, "{byte:02x}").unwrap();
    }
    format!(
        "{name} {} {milliseconds:.0} {width}x{height} {digest}",
        frame.sequence
    )
}

#[test]
fn frames_are_those_of_ffmpeg() {
    let expected = fs::read_to_string(stream("digests.txt")).unwrap();
    let mut streams: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for line in expected.lines() {
        let name = line.split(' ').next().unwrap();
        streams.entry(name).or_default().push(line);
    }
    assert_eq!(streams.len(), 15);
    for (name, expected) in streams {
        let mut video = open(name).unwrap();
        assert_eq!(video.pace(), Pace::Recorded);
        let (frames, error) = frames(&mut video);
        let found: Vec<String> = frames.iter().map(|frame| line(name, frame)).collect();
        assert_eq!(
            (found, error),
            (
                expected.iter().map(|line| (*line).to_owned()).collect(),
                None
            )
        );
        assert_eq!(video.damaged(), 0);
        for frame in frames {
            assert_eq!((frame.clock, frame.discontinuity), (Clock::Sender, false));
        }
    }
}

#[test]
fn the_colors_are_those_of_the_stream() {
    let format = |name: &str| match open(name).unwrap().next(Duration::ZERO).unwrap() {
        Next::Frame(frame) => frame.image.view().format(),
        other => panic!("{other:?}"),
    };
    let i420 = |matrix, range| PixelFormat::I420 { matrix, range };
    assert_eq!(
        format("high.mp4"),
        i420(YuvMatrix::Bt601, YuvRange::Limited)
    );
    assert_eq!(
        format("full_range.mkv"),
        i420(YuvMatrix::Bt709, YuvRange::Full)
    );
}

#[test]
fn motion_jpeg_in_matroska() {
    let (frames, error) = frames(&mut open("motion_jpeg.mkv").unwrap());
    assert_eq!((frames.len(), error), (12, None));
    for (nth, frame) in frames.iter().enumerate() {
        assert_eq!(frame.at.as_millisecond(), 100 * nth as i64);
        assert_eq!(
            (frame.image.view().width(), frame.image.view().height()),
            (96, 80)
        );
    }
}

#[test]
fn motion_jpeg_without_a_container() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("film.mjpeg");
    let jpeg = encode_jpeg(&Image::filled(64, 48, [90; 3]), 90);
    fs::write(&path, jpeg.repeat(5)).unwrap();
    let error = VideoFile::open(&path, &options()).unwrap_err().to_string();
    assert!(error.contains("rate"), "{error}");
    let mut video = VideoFile::open(&path, &options().with_rate(4.0)).unwrap();
    let (frames, error) = frames(&mut video);
    assert_eq!((frames.len(), error), (5, None));
    assert_eq!(frames[4].at.as_millisecond(), 1000);
}

#[test]
fn what_cannot_be_decoded_is_named() {
    for (name, words) in [
        ("interlaced.mp4", "interlaced"),
        ("ten_bits.mp4", "8 bits"),
        ("vp9.mkv", "V_VP9"),
        ("chroma_444.mp4", "4:2:0"),
        ("only_sound.mp4", "no video track"),
        ("digests.txt", "is no Motion JPEG"),
        ("nothing.mp4", "nothing.mp4"),
    ] {
        let refusal = match open(name) {
            Ok(mut video) => frames(&mut video).1.unwrap_or_default(),
            Err(error) => error.to_string(),
        };
        assert!(
            refusal.contains(words) && refusal.contains(name),
            "{name}: {refusal}"
        );
    }
    let error = VideoFile::open(stream("raw.h264"), &options()).unwrap_err();
    assert!(error.to_string().contains("rate"), "{error}");
}

#[test]
fn frames_have_limits() {
    let mut limits = DecodeLimits::default();
    limits.max_side = 90;
    // The coded size counts, also of a stream that shows 90 × 74 pixels of it.
    for name in [
        "high.mp4",
        "high_b_frames.mkv",
        "raw.h264",
        "raw.h265",
        "cropped.mp4",
    ] {
        let options = options().with_rate(10.0).with_limits(limits.clone());
        let mut video = VideoFile::open(stream(name), &options).unwrap();
        let (frames, error) = frames(&mut video);
        let error = error.unwrap();
        assert!(
            frames.is_empty() && error.contains("96 × 80 pixels"),
            "{error}"
        );
    }
    let mut limits = DecodeLimits::default();
    limits.max_file_bytes = 100;
    for name in ["high.mp4", "high_b_frames.mkv"] {
        let mut video = VideoFile::open(stream(name), &options().with_limits(limits.clone()));
        let error = frames(video.as_mut().unwrap()).1.unwrap();
        assert!(error.contains("bytes") && error.contains(name), "{error}");
    }
}

#[test]
fn boxes_without_an_end_are_damage() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("circle.mp4");
    // The movie has a box of no bytes.
    let boxes = b"\0\0\0\x0Cftypisom\0\0\0\x10moov\0\0\0\0free";
    fs::write(&path, boxes).unwrap();
    let error = VideoFile::open(&path, &options()).unwrap_err().to_string();
    assert!(error.contains("circle.mp4"), "{error}");
}

#[test]
fn a_file_that_is_cut_off_has_its_first_frames() {
    let folder = tempfile::tempdir().unwrap();
    for name in [
        "slices.mp4",
        "high_b_frames.mkv",
        "raw.h264",
        "fragmented.mp4",
    ] {
        let whole = fs::read(stream(name)).unwrap();
        // The tables of an MP4 file are at its end, so its pictures are shortened instead.
        let path = folder.path().join(name);
        fs::write(&path, &whole[..whole.len() * 2 / 3]).unwrap();
        match VideoFile::open(&path, &options().with_rate(10.0)) {
            Ok(mut video) => {
                let (cut, _) = frames(&mut video);
                let (all, _) = frames(&mut open(name).unwrap());
                assert!(
                    !cut.is_empty() && cut.len() < all.len(),
                    "{name}: {}",
                    cut.len()
                );
                // The picture at the cut may be damaged.
                let same = cut.iter().zip(&all).take_while(|(one, other)| one == other);
                assert!(same.count() + 2 >= cut.len(), "{name}");
            }
            Err(error) => assert!(error.to_string().contains(name), "{error}"),
        }
    }
}

#[test]
fn after_damage_frames_come_from_the_next_key_frame_on() {
    let folder = tempfile::tempdir().unwrap();
    let mut bytes = fs::read(stream("raw.h264")).unwrap();
    // The second picture: its slice header becomes nonsense.
    let starts: Vec<usize> = bytes
        .windows(4)
        .enumerate()
        .filter(|(_, four)| four.starts_with(&[0, 0, 1]) && four[3] & 31 == 1)
        .map(|(place, _)| place + 4)
        .collect();
    bytes[starts[0]..starts[0] + 12].fill(0xFF);
    let path = folder.path().join("damaged.h264");
    fs::write(&path, bytes).unwrap();
    let mut video = VideoFile::open(&path, &options().with_rate(10.0)).unwrap();
    let (damaged, error) = frames(&mut video);
    let (whole, _) = frames(&mut open("raw.h264").unwrap());
    assert!(
        error.is_none() && video.damaged() >= 1,
        "{}",
        video.damaged()
    );
    // The key frame before, and everything from the next one on.
    assert_eq!(damaged[0].image, whole[0].image);
    assert_eq!(damaged.last().unwrap().image, whole.last().unwrap().image);
    assert!((7..12).contains(&damaged.len()), "{}", damaged.len());
    assert_eq!(damaged[damaged.len() - 6].image, whole[6].image);
}

/// Streams, and changes of their bytes.
fn damaged() -> impl Strategy<
    Value = (
        usize,
        Vec<(prop::sample::Index, u8)>,
        prop::sample::Index,
        bool,
    ),
> {
    let change = (any::<prop::sample::Index>(), any::<u8>());
    (
        0..STREAMS.len(),
        prop::collection::vec(change, 1..12),
        any::<prop::sample::Index>(),
        any::<bool>(),
    )
}

const STREAMS: [&str; 10] = [
    "main_b_frames.mp4",
    "slices.mp4",
    "fragmented.mp4",
    "with_sound.mp4",
    "high_b_frames.mkv",
    "motion_jpeg.mkv",
    "raw.h264",
    "h265.mp4",
    "h265_wavefront.mkv",
    "raw.h265",
];

proptest! {
    #[test]
    fn any_damage_is_survived((nth, changes, cut, is_cut) in damaged()) {
        let mut bytes = fs::read(stream(STREAMS[nth])).unwrap();
        for (place, value) in changes {
            let place = place.index(bytes.len());
            bytes[place] = value;
        }
        if is_cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("damaged");
        fs::write(&path, bytes).unwrap();
        let mut limits = DecodeLimits::default();
        limits.max_side = 512;
        let options = options().with_rate(10.0).with_limits(limits);
        if let Ok(mut video) = VideoFile::open(&path, &options) {
            let (frames, _) = frames(&mut video);
            prop_assert!(frames.len() <= 40, "{}", frames.len());
            for frame in frames {
                prop_assert!(frame.image.view().width() <= 512);
            }
        }
    }
}
