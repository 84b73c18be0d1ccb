//! The videos of the tests, as pictures with start codes.

use std::{fs, path::Path};

use rusty_h264::{Encoder, EncoderConfig, YuvFrame};

use crate::server::{Coding, units_of};

const START_CODE: [u8; 4] = [0, 0, 0, 1];

/// A square that moves over a noisy ground, with a key frame after so many pictures.
pub(crate) fn encoded(width: usize, height: usize, count: usize, keys: u32) -> Vec<Vec<u8>> {
    let mut config = EncoderConfig::new(width, height);
    (config.gop_size, config.min_keyint, config.scenecut) = (keys, keys, 0);
    let frames: Vec<YuvFrame> = (0..count).map(|nth| frame(width, height, nth)).collect();
    let encoder = Encoder::new(config).unwrap();
    let pictures = encoder.encode_all(&frames).unwrap();
    assert_eq!(pictures.len(), count);
    pictures
}

fn frame(width: usize, height: usize, nth: usize) -> YuvFrame {
    let luma = |place: usize| {
        let (x, y) = (place % width, place / width);
        let is_square = (nth * 2..nth * 2 + 24).contains(&x) && (8..32).contains(&y);
        let noise = (place * place % 61) as u8;
        if is_square { 200 } else { 60 + noise }
    };
    YuvFrame {
        width,
        height,
        y: (0..width * height).map(luma).collect(),
        u: vec![110; width * height / 4],
        v: vec![140; width * height / 4],
    }
}

/// The pictures of a file of tests/streams: without a container, or those of an MP4 file with one picture after the other.
pub(crate) fn of_file(name: &str, coding: Coding) -> Vec<Vec<u8>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/streams");
    let bytes = fs::read(path.join(name)).unwrap();
    let stream = if name.ends_with(".mp4") {
        of_mp4(&bytes, coding)
    } else {
        bytes
    };
    let mut pictures: Vec<Vec<u8>> = Vec::new();
    let mut has_slice = true;
    for unit in units_of(&stream) {
        let (is_slice, is_first) = match coding {
            Coding::H264 => ((1..=5).contains(&(unit[0] & 31)), unit[1] & 0x80 != 0),
            Coding::H265 => (unit[0] >> 1 & 63 < 32, unit[2] & 0x80 != 0),
        };
        if has_slice && (!is_slice || is_first) {
            pictures.push(Vec::new());
            has_slice = false;
        }
        has_slice |= is_slice;
        let picture = pictures.last_mut().unwrap();
        picture.extend(START_CODE);
        picture.extend(unit);
    }
    pictures
}

/// The NAL units of an MP4 file, with start codes.
fn of_mp4(bytes: &[u8], coding: Coding) -> Vec<u8> {
    let behind = |name: &[u8; 4]| {
        let place = bytes.windows(4).position(|four| four == name).unwrap();
        (&bytes[place + 4..], place)
    };
    let mut stream = Vec::new();
    // Some bytes, then one parameter set of each kind, behind some bytes and its length.
    let (name, begin, count, before) = match coding {
        Coding::H264 => (b"avcC", 5, 2, 1),
        Coding::H265 => (b"hvcC", 23, 3, 3),
    };
    let (record, _) = behind(name);
    let mut rest = &record[begin..];
    for _ in 0..count {
        let length = usize::from(u16::from_be_bytes([rest[before], rest[before + 1]]));
        let end = before + 2 + length;
        stream.extend(START_CODE);
        stream.extend(&rest[before + 2..end]);
        rest = &rest[end..];
    }
    let (data, place) = behind(b"mdat");
    let size = u32::from_be_bytes(bytes[place - 4..place].try_into().unwrap()) as usize;
    let mut rest = &data[..size - 8];
    while let Some((length, behind)) = rest.split_first_chunk() {
        let (unit, behind) = behind.split_at(u32::from_be_bytes(*length) as usize);
        stream.extend(START_CODE);
        stream.extend(unit);
        rest = behind;
    }
    stream
}

/// A picture without its parameter sets and messages, and these.
pub(crate) fn split_parameters(picture: &[u8]) -> (Vec<u8>, Vec<Vec<u8>>) {
    let mut rest = Vec::new();
    let mut parameters = Vec::new();
    for unit in units_of(picture) {
        if (6..=9).contains(&(unit[0] & 31)) {
            parameters.push(unit.to_vec());
        } else {
            rest.extend(START_CODE);
            rest.extend(unit);
        }
    }
    (rest, parameters)
}
