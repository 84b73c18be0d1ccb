//! Image files: valid, damaged and hostile ones. The tests make all of them.

#![cfg(feature = "decode")]

use std::{error::Error as _, fs, io::Cursor, time::Instant};

// The crate `image`, not facekit's module.
use ::image::{
    DynamicImage, ExtendedColorType, ImageBuffer, ImageEncoder, ImageFormat,
    codecs::jpeg::JpegEncoder,
};
use facekit::{
    Error, Image,
    image::{DecodeLimits, capture_time, encode_jpeg, open, save},
};
use jiff::tz::TimeZone;
use libjpeg_turbo_rs::{Encoder, PixelFormat, Subsampling};
use proptest::prelude::*;

fn decode(bytes: &[u8]) -> facekit::Result<Image> {
    facekit::image::decode(bytes, &DecodeLimits::default())
}

/// A smooth image, which JPEG hardly changes, without symmetry, so that each orientation looks different.
fn photo(width: usize, height: usize) -> Image {
    let pixels = (0..width * height).flat_map(|i| {
        let (x, y) = (i % width, i / width);
        [
            (x * 255 / width) as u8,
            (y * 255 / height) as u8,
            ((x + y) * 127 / (width + height)) as u8,
        ]
    });
    Image::from_rgb8(pixels.collect(), width, height).unwrap()
}

fn dynamic(image: &Image) -> DynamicImage {
    let (width, height) = (image.width() as u32, image.height() as u32);
    ImageBuffer::from_raw(width, height, image.data().to_vec())
        .map(DynamicImage::ImageRgb8)
        .unwrap()
}

fn encode(image: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut file = Cursor::new(Vec::new());
    image.write_to(&mut file, format).unwrap();
    file.into_inner()
}

fn png(image: &Image) -> Vec<u8> {
    encode(&dynamic(image), ImageFormat::Png)
}

fn webp(image: &Image) -> Vec<u8> {
    encode(&dynamic(image), ImageFormat::WebP)
}

fn mean_difference(a: &Image, b: &Image) -> f64 {
    assert_eq!((a.width(), a.height()), (b.width(), b.height()));
    let pairs = a.data().iter().zip(b.data());
    let sum: u64 = pairs.map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
    sum as f64 / a.data().len() as f64
}

fn reason(result: facekit::Result<Image>) -> String {
    match result {
        Err(Error::Image { reason, .. }) => reason,
        other => panic!("not an unreadable image: {other:?}"),
    }
}

/// EXIF data, which is a TIFF directory: the orientation, and the texts of its EXIF directory.
fn tiff(orientation: u8, texts: &[(u16, &str)]) -> Vec<u8> {
    let entry = |tag: u16, kind: u16, count: u32, value: [u8; 4]| {
        let head = [tag.to_be_bytes(), kind.to_be_bytes()].concat();
        [&head, &count.to_be_bytes()[..], &value].concat()
    };
    let mut tiff = b"MM\0\x2a\0\0\0\x08\0\x02".to_vec();
    tiff.extend(entry(0x0112, 3, 1, [0, orientation, 0, 0]));
    tiff.extend(entry(0x8769, 4, 1, 38_u32.to_be_bytes()));
    tiff.extend([0; 4]);
    assert_eq!(tiff.len(), 38);
    tiff.extend((texts.len() as u16).to_be_bytes());
    let mut values = Vec::<u8>::new();
    let values_offset = 38 + 2 + 12 * texts.len() + 4;
    for (tag, text) in texts {
        let text = [text.as_bytes(), &[0]].concat();
        let mut value = [0; 4];
        if text.len() > 4 {
            value = ((values_offset + values.len()) as u32).to_be_bytes();
            values.extend(&text);
        } else {
            value[..text.len()].copy_from_slice(&text);
        }
        tiff.extend(entry(*tag, 2, text.len() as u32, value));
    }
    tiff.extend([0; 4]);
    tiff.extend(values);
    tiff
}

/// A JPEG with an EXIF segment after its start marker.
fn with_exif(jpeg: &[u8], tiff: &[u8]) -> Vec<u8> {
    let length = (2 + 6 + tiff.len()) as u16;
    [
        &jpeg[..2],
        &[0xFF, 0xE1],
        &length.to_be_bytes(),
        b"Exif\0\0",
        tiff,
        &jpeg[2..],
    ]
    .concat()
}

fn crc(bytes: &[u8]) -> u32 {
    let step = |crc: u32, byte: &u8| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            (crc >> 1) ^ (0xEDB8_8320 * (crc & 1))
        })
    };
    !bytes.iter().fold(u32::MAX, step)
}

fn chunk(kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let body = [kind, data].concat();
    let length = (data.len() as u32).to_be_bytes();
    [&length, &body[..], &crc(&body).to_be_bytes()].concat()
}

/// A PNG made of its header, further chunks, and rows in one stored deflate block.
fn raw_png(size: [u32; 2], depth: u8, color: u8, extra: &[Vec<u8>], rows: &[u8]) -> Vec<u8> {
    let mut header = size.map(u32::to_be_bytes).concat();
    header.extend([depth, color, 0, 0, 0]);
    let (a, b) = rows.iter().fold((1_u32, 0_u32), |(a, b), byte| {
        let a = (a + u32::from(*byte)) % 65_521;
        (a, (b + a) % 65_521)
    });
    let length = rows.len() as u16;
    let mut deflated = vec![0x78, 1, 1];
    deflated.extend(length.to_le_bytes());
    deflated.extend((!length).to_le_bytes());
    deflated.extend(rows);
    deflated.extend(((b << 16) | a).to_be_bytes());
    [
        b"\x89PNG\r\n\x1a\n".to_vec(),
        chunk(b"IHDR", &header),
        extra.concat(),
        chunk(b"IDAT", &deflated),
        chunk(b"IEND", &[]),
    ]
    .concat()
}

#[test]
fn the_content_decides_the_format() {
    let photo = photo(61, 47);
    assert_eq!(decode(&png(&photo)).unwrap(), photo);
    assert_eq!(decode(&webp(&photo)).unwrap(), photo);
    let decoded = decode(&encode_jpeg(&photo, 95)).unwrap();
    assert!(mean_difference(&decoded, &photo) < 3.0);
    assert!(encode_jpeg(&photo, 0).len() < encode_jpeg(&photo, 101).len());

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("photo.jpg");
    fs::write(&path, png(&photo)).unwrap();
    assert_eq!(open(&path, &DecodeLimits::default()).unwrap(), photo);
}

#[test]
fn the_extension_decides_the_saved_format() {
    let photo = photo(40, 30);
    let folder = tempfile::tempdir().unwrap();
    for (name, lossless) in [("a.jpg", false), ("b.JPEG", false), ("c.Png", true)] {
        let path = folder.path().join(name);
        save(&photo, &path).unwrap();
        let read = open(&path, &DecodeLimits::default()).unwrap();
        assert_eq!(read == photo, lossless, "{name}");
        assert!(mean_difference(&read, &photo) < 3.0, "{name}");
    }
    for name in ["d.gif", "e", "f.webp"] {
        let error = save(&photo, folder.path().join(name)).unwrap_err();
        assert!(matches!(error, Error::InvalidArgument { .. }), "{error}");
        assert!(!folder.path().join(name).exists());
    }
    let wide = Image::filled(65_536, 1, [0; 3]);
    let error = save(&wide, folder.path().join("g.jpg")).unwrap_err();
    assert!(error.to_string().contains("65535"), "{error}");
    let error = save(&photo, folder.path().join("missing/h.png")).unwrap_err();
    assert!(error.is_not_found(), "{error}");
}

#[test]
fn errors_name_the_kind_of_other_files() {
    for (bytes, kind) in [
        (&b""[..], ": it is empty"),
        (b"name,photo\nAnna,anna.jpg\n", ": it is text"),
        ("«Änderungen»".as_bytes(), ": it is text"),
        (b"GIF89a\x01\0\x01\0\0\0\0;", ": it is a GIF"),
        (b"BM\x3a\0\0\0\0\0\0\0", ": it is a BMP"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", ": it is a HEIC"),
        (b"\0\0\0\x18ftypisom\0\0\0\0isom", ": it is a video"),
        (b"%PDF-1.7\n\xE2\xE3", ": it is a PDF"),
        (b"\x01\x02\x03\xFE", ""),
    ] {
        assert_eq!(
            reason(decode(bytes)),
            format!("not an image facekit can read (JPEG, PNG or WebP){kind}")
        );
    }
}

#[test]
fn errors_of_open_name_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let limits = DecodeLimits::default();
    let error = open(folder.path().join("missing.jpg"), &limits).unwrap_err();
    assert!(error.is_not_found());
    assert!(error.to_string().contains("missing.jpg"), "{error}");

    let error = open(folder.path(), &limits).unwrap_err();
    assert!(matches!(error, Error::Io { .. }), "{error}");
    assert!(error.source().unwrap().to_string().contains("directory"));

    let text = folder.path().join("text.jpg");
    fs::write(&text, "hello").unwrap();
    let error = open(&text, &limits).unwrap_err();
    assert!(matches!(error, Error::Image { .. }));
    assert!(error.to_string().contains("text.jpg"), "{error}");

    // A sparse file that is larger than any memory.
    let huge = folder.path().join("huge.png");
    fs::File::create(&huge).unwrap().set_len(1 << 40).unwrap();
    let error = open(&huge, &limits).unwrap_err();
    assert!(matches!(error, Error::ImageTooLarge { .. }));
    assert!(error.to_string().contains("huge.png"), "{error}");
}

#[test]
fn limits_are_checked_before_pixels() {
    let bomb = raw_png([60_000; 2], 8, 2, &[], &[0; 16]);
    let start = Instant::now();
    let error = decode(&bomb).unwrap_err();
    assert!(start.elapsed().as_millis() < 20, "{:?}", start.elapsed());
    assert_eq!(
        error.to_string(),
        "image: 60000 × 60000 pixels is over the limit of 32768 pixels a side"
    );
    for size in [[u32::MAX; 2], [0x7FFF_FFFF, 1], [30_000; 2]] {
        let error = decode(&raw_png(size, 16, 6, &[], &[0; 16])).unwrap_err();
        assert!(matches!(error, Error::ImageTooLarge { .. }), "{error}");
    }

    let photo = photo(40, 30);
    for file in [png(&photo), webp(&photo), encode_jpeg(&photo, 90)] {
        let limits = DecodeLimits::default();
        let exact = limits.clone().with_max_pixels(1200).with_max_side(40);
        let exact = exact.with_max_file_bytes(file.len());
        facekit::image::decode(&file, &exact).unwrap();
        for (limits, expected) in [
            (limits.clone().with_max_pixels(1199), "1199 pixels"),
            (limits.clone().with_max_side(39), "39 pixels a side"),
            (limits.with_max_file_bytes(file.len() - 1), "bytes"),
        ] {
            match facekit::image::decode(&file, &limits) {
                Err(Error::ImageTooLarge { limit, .. }) => {
                    assert!(limit.ends_with(expected), "{limit}");
                }
                other => panic!("{other:?}"),
            }
        }
    }

    // A JPEG whose header states the largest size of the format.
    let mut file = encode_jpeg(&photo, 90);
    let frame = file.windows(2).position(|w| w == [0xFF, 0xC0]).unwrap();
    file[frame + 5..frame + 9].fill(0xFF);
    assert!(matches!(decode(&file), Err(Error::ImageTooLarge { .. })));
}

/// Checks that a file whose end is missing gives the first rows of the whole image, at least seven eighths of them, or an error.
/// Returns the share of the image that is missing, 1 after an error.
#[track_caller]
fn missing(cut: &[u8], whole: &Image, label: &str) -> f32 {
    let image = match decode(cut) {
        Ok(image) => image,
        Err(error) => {
            let reason = reason(Err(error));
            let expected = format!("truncated or damaged {label}");
            assert!(
                reason.starts_with(&expected),
                "{} bytes: {reason}",
                cut.len()
            );
            return 1.0;
        }
    };
    assert_eq!(image.width(), whole.width());
    assert!(8 * image.height() >= 7 * whole.height(), "{image:?}");
    let missing = 1.0 - image.height() as f32 / whole.height() as f32;
    assert!(
        (image.missing() - missing).abs() < 1e-6,
        "{}",
        image.missing()
    );
    let rows = &whole.data()[..image.data().len()];
    assert!(
        image.data() == rows,
        "{} of {} rows differ",
        image.height(),
        whole.height()
    );
    missing
}

#[test]
fn truncated_files_are_errors_or_whole_rows() {
    let photo = photo(64, 48);
    for (file, label) in [
        (encode_jpeg(&photo, 90), "JPEG"),
        (png(&photo), "PNG"),
        (webp(&photo), "WebP"),
    ] {
        let whole = decode(&file).unwrap();
        for length in 16..file.len() {
            let missing = missing(&file[..length], &whole, label);
            // A JPEG without its end marker still has all its pixels. Of other files, nothing can be used.
            let is_whole = label == "JPEG" && length + 2 >= file.len();
            assert_eq!(missing == 0.0, is_whole, "{length} of {} bytes", file.len());
            assert!(missing == 1.0 || label == "JPEG");
        }
        // A truncated JPEG to which a program has added an end marker.
        for length in [file.len() / 2, file.len() * 3 / 4, file.len() - 20] {
            if label == "JPEG" {
                let closed = [&file[..length], &[0xFF, 0xD9]].concat();
                assert!(missing(&closed, &whole, label) > 0.0, "{length}");
            }
        }
        // An interrupted download into a file of full length.
        let mut padded = file[..file.len() / 2].to_vec();
        padded.resize(file.len(), 0);
        assert!(decode(&padded).is_err(), "{label}");
        // Bytes after the end are ignored.
        let longer = [&file[..], b"a trailer"].concat();
        assert_eq!(decode(&longer).unwrap(), whole, "{label}");
    }
}

/// The same photo in every kind of JPEG.
fn jpeg_kinds(photo: &Image) -> Vec<(String, Vec<u8>)> {
    let encoder = |sampling| {
        Encoder::new(
            photo.data(),
            photo.width(),
            photo.height(),
            PixelFormat::Rgb,
        )
        .quality(92)
        .subsampling(sampling)
    };
    let samplings = [
        ("4:4:4", Subsampling::S444),
        ("4:2:2", Subsampling::S422),
        ("4:2:0", Subsampling::S420),
    ];
    let mut kinds = Vec::new();
    for (name, sampling) in samplings {
        let encoders = [
            ("one scan", encoder(sampling)),
            ("restart markers", encoder(sampling).restart_rows(1)),
            ("many restart markers", encoder(sampling).restart_blocks(3)),
            ("progressive", encoder(sampling).progressive(true)),
            (
                "progressive with restart markers",
                encoder(sampling).progressive(true).restart_rows(1),
            ),
            ("gray", encoder(sampling).grayscale_from_color(true)),
        ];
        for (kind, encoder) in encoders {
            kinds.push((format!("{kind}, {name}"), encoder.encode().unwrap()));
        }
    }
    kinds
}

/// A photo with texture, so that each row takes many bytes.
fn textured(width: usize, height: usize) -> Image {
    let mut image = photo(width, height);
    for (at, value) in image.data_mut().iter_mut().enumerate() {
        let noise = (at as u32).wrapping_mul(0x9E37_79B1) >> 27;
        *value = value.saturating_add(noise as u8);
    }
    image
}

#[test]
fn a_missing_end_is_treated_alike_in_every_kind_of_jpeg() {
    for (kind, file) in jpeg_kinds(&textured(200, 330)) {
        let whole = decode(&file).unwrap_or_else(|error| panic!("{kind}: {error}"));
        assert_eq!(whole.missing(), 0.0);
        assert_eq!(file[file.len() - 2..], [0xFF, 0xD9], "{kind}");
        // The end marker alone, and half of it.
        for length in [file.len() - 2, file.len() - 1] {
            let image = decode(&file[..length]).unwrap_or_else(|error| panic!("{kind}: {error}"));
            assert_eq!(image, whole, "{kind}");
            assert_eq!(image.missing(), 0.0, "{kind}");
        }
        // A few bytes of the last rows. An interrupted download can leave zeros in their place.
        for lost in [8, 16, 40] {
            let cut = &file[..file.len() - lost];
            let share = missing(cut, &whole, "JPEG");
            assert!(
                share > 0.0 && share < 0.125,
                "{kind}, {lost} bytes: {share}"
            );
            let padded = [cut, &[0; 500]].concat();
            assert_eq!(
                missing(&padded, &whole, "JPEG"),
                share,
                "{kind}, {lost} bytes"
            );
        }
        // Half of the file.
        assert_eq!(
            missing(&file[..file.len() / 2], &whole, "JPEG"),
            1.0,
            "{kind}"
        );
    }
}

#[test]
fn damage_inside_a_jpeg_is_an_error() {
    for (kind, file) in jpeg_kinds(&textured(200, 330)) {
        // An end marker far before the end.
        let mut file = file.clone();
        let middle = file.len() / 2;
        file[middle..middle + 2].copy_from_slice(&[0xFF, 0xD9]);
        assert!(decode(&file).is_err(), "{kind}");
    }
}

#[test]
fn a_large_jpeg_is_decoded_at_the_scale_that_memory_allows() {
    let photo = photo(800, 600);
    for (kind, file) in jpeg_kinds(&photo) {
        let whole = decode(&file).unwrap();
        assert_eq!(whole.reduction(), 1.0);
        let mut before = whole.width();
        // A progressive file takes a little more than two bytes for each coefficient, at every scale.
        let samples = match &kind[kind.len() - 5..] {
            "4:4:4" => 3.0,
            "4:2:2" => 2.0,
            _ => 1.5,
        };
        let is_progressive = f64::from(u8::from(kind.contains("progressive")));
        let coefficients = (is_progressive * samples * 480_000.0 * 2.016) as usize;
        for memory in [1_400_000, 700_000, 250_000, 110_000] {
            let limits = DecodeLimits::default().with_max_memory(memory + coefficients);
            let small = facekit::image::decode(&file, &limits).unwrap();
            assert!(small.width() < before, "{kind}, {memory}: {small:?}");
            before = small.width();
            assert!(3 * small.width() * small.height() < memory);
            assert!(
                (small.reduction() - 800.0 / small.width() as f32).abs() < 1e-3,
                "{kind}"
            );
            let expected = facekit::image::resize(whole.view(), small.width(), small.height());
            let difference = mean_difference(&small, &expected.unwrap());
            assert!(difference < 3.0, "{kind}, {memory}: {difference}");
        }
        // Changed pixels are no longer those of the file.
        let limits = DecodeLimits::default().with_max_memory(700_000 + coefficients);
        let mut small = facekit::image::decode(&file, &limits).unwrap();
        small.data_mut()[0] = 1;
        assert_eq!(small.reduction(), 1.0);
    }
    // Other formats have no reduced scale.
    let limits = DecodeLimits::default().with_max_memory(700_000);
    for file in [png(&photo), webp(&photo)] {
        let error = facekit::image::decode(&file, &limits).unwrap_err();
        assert!(matches!(error, Error::ImageTooLarge { .. }), "{error}");
        assert!(error.to_string().contains("memory"), "{error}");
    }
    // Too little memory for the smallest scale.
    let limits = DecodeLimits::default().with_max_memory(1000);
    let error = facekit::image::decode(&encode_jpeg(&photo, 90), &limits).unwrap_err();
    assert!(matches!(error, Error::ImageTooLarge { .. }), "{error}");
}

#[test]
fn all_eight_orientations_come_out_upright() {
    let upright = photo(64, 48);
    let rgb = dynamic(&upright);
    for orientation in 1..=8 {
        // The inverse of the transformation that a viewer applies.
        let stored = match orientation {
            1 => rgb.clone(),
            2 => rgb.fliph(),
            3 => rgb.rotate180(),
            4 => rgb.flipv(),
            5 => rgb.rotate90().fliph(),
            6 => rgb.rotate270(),
            7 => rgb.rotate270().fliph(),
            _ => rgb.rotate90(),
        };
        let (width, height) = (stored.width() as usize, stored.height() as usize);
        let stored = Image::from_rgb8(stored.into_rgb8().into_raw(), width, height).unwrap();
        let file = with_exif(&encode_jpeg(&stored, 95), &tiff(orientation, &[]));
        let difference = mean_difference(&decode(&file).unwrap(), &upright);
        assert!(difference < 3.0, "orientation {orientation}: {difference}");

        let exif = chunk(b"eXIf", &tiff(orientation, &[]));
        let file = png(&stored);
        let file = [&file[..33], &exif, &file[33..]].concat();
        assert_eq!(decode(&file).unwrap(), upright, "orientation {orientation}");
    }
    // Undefined values leave the image as it is.
    for orientation in [0, 9, 200] {
        let file = with_exif(&encode_jpeg(&upright, 95), &tiff(orientation, &[]));
        assert!(mean_difference(&decode(&file).unwrap(), &upright) < 3.0);
    }
}

#[test]
fn every_kind_of_pixel_becomes_rgb() {
    let gray = DynamicImage::ImageLuma8(ImageBuffer::from_raw(2, 1, vec![7, 200]).unwrap());
    let deep = vec![0x1212_u16, 0xFFFF, 0, 0x8080, 0x8080, 0x8080];
    let deep = DynamicImage::ImageRgb16(ImageBuffer::from_raw(2, 1, deep).unwrap());
    let alpha = vec![10, 20, 30, 0, 40, 50, 60, 255];
    let alpha = DynamicImage::ImageRgba8(ImageBuffer::from_raw(2, 1, alpha).unwrap());
    let deep_gray = vec![0x0707_u16, 9, 0xC8C8, 9];
    let deep_gray = DynamicImage::ImageLumaA16(ImageBuffer::from_raw(2, 1, deep_gray).unwrap());
    let palette = chunk(b"PLTE", &[1, 2, 3, 4, 5, 6]);
    let transparent = chunk(b"tRNS", &[0, 255]);
    let grays = [7, 7, 7, 200, 200, 200];
    for (name, file, expected) in [
        ("gray", encode(&gray, ImageFormat::Png), grays),
        (
            "16-bit",
            encode(&deep, ImageFormat::Png),
            [0x12, 255, 0, 128, 128, 128],
        ),
        (
            "16-bit gray with alpha",
            encode(&deep_gray, ImageFormat::Png),
            grays,
        ),
        (
            "alpha",
            encode(&alpha, ImageFormat::Png),
            [10, 20, 30, 40, 50, 60],
        ),
        (
            "palette",
            raw_png([2, 1], 8, 3, std::slice::from_ref(&palette), &[0, 1, 0]),
            [4, 5, 6, 1, 2, 3],
        ),
        (
            "palette with transparency",
            raw_png([2, 1], 4, 3, &[palette, transparent], &[0, 0x01]),
            [1, 2, 3, 4, 5, 6],
        ),
        (
            "one bit",
            raw_png([2, 1], 1, 0, &[], &[0, 0x40]),
            [0, 0, 0, 255, 255, 255],
        ),
    ] {
        assert_eq!(decode(&file).unwrap().data(), expected, "{name}");
    }

    let mut file = Vec::new();
    JpegEncoder::new_with_quality(&mut file, 95)
        .write_image(&[90; 64], 8, 8, ExtendedColorType::L8)
        .unwrap();
    let decoded = decode(&file).unwrap();
    assert!(decoded.data().iter().all(|v| v.abs_diff(90) < 2));
}

/// A CMYK JPEG of 8 × 8 pixels with inverted values, as Adobe writes it: full cyan ink (0), no other ink (255). Cyan has
/// the given sampling factors and as many blocks.
fn cmyk_jpeg(sampling: u8) -> Vec<u8> {
    let mut file = vec![0xFF, 0xD8];
    let mut segment = |marker: u8, data: &[u8]| {
        file.extend([0xFF, marker]);
        file.extend((data.len() as u16 + 2).to_be_bytes());
        file.extend(data);
    };
    segment(0xEE, b"Adobe\0\x64\0\0\0\0\0");
    segment(0xDB, &[&[0][..], &[8; 64]].concat());
    let components = [1, sampling, 0, 2, 0x11, 0, 3, 0x11, 0, 4, 0x11, 0];
    segment(0xC0, &[&[8, 0, 8, 0, 8, 4][..], &components].concat());
    // DC table: code 0 is a difference of seven bits. AC table: code 0 ends the block.
    let mut table = [0; 18];
    (table[1], table[17]) = (1, 7);
    segment(0xC4, &table);
    (table[0], table[17]) = (0x10, 0);
    segment(0xC4, &table);
    segment(0xDA, &[4, 1, 0, 2, 0, 3, 0, 4, 0, 0, 63, 0]);
    // Differences of −127 and 127, for levels of 1 and 255.
    let blocks = usize::from((sampling >> 4) * (sampling & 15));
    let bits = "000000000".repeat(blocks) + &"011111110".repeat(3) + "1111111";
    let bits = &bits[..bits.len() / 8 * 8];
    for byte in bits.as_bytes().chunks(8) {
        let text = std::str::from_utf8(byte).unwrap();
        file.push(u8::from_str_radix(text, 2).unwrap());
    }
    file.extend([0xFF, 0xD9]);
    file
}

#[test]
fn cmyk_becomes_rgb() {
    let decoded = decode(&cmyk_jpeg(0x11)).unwrap();
    for pixel in decoded.data().chunks(3) {
        assert!(
            pixel[0] < 4 && pixel[1] > 250 && pixel[2] > 250,
            "{pixel:?}"
        );
    }
}

#[test]
fn subsampled_cmyk_does_not_panic() {
    for sampling in [0x12, 0x21, 0x22, 0x41] {
        if let Err(error) = decode(&cmyk_jpeg(sampling)) {
            assert!(matches!(error, Error::Image { .. }), "{error}");
        }
    }
}

#[test]
fn exif_gives_the_time_if_the_name_does_not() {
    const TAKEN: u16 = 0x9003;
    const OFFSET: u16 = 0x9011;
    const FRACTION: u16 = 0x9291;
    let zone = TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap();
    let jpeg = encode_jpeg(&photo(16, 16), 90);
    let morning = (TAKEN, "2026:03:02 09:15:00");
    for (texts, expected) in [
        (&[morning][..], Some("2026-03-02T08:15:00Z")),
        (
            &[morning, (OFFSET, "-03:30"), (FRACTION, "25")],
            Some("2026-03-02T12:45:00.25Z"),
        ),
        (&[morning, (OFFSET, "   :  ")], Some("2026-03-02T08:15:00Z")),
        (
            &[(TAKEN, "2026:03:29 02:30:00"), (FRACTION, "x")],
            Some("2026-03-29T01:30:00Z"),
        ),
        (&[(TAKEN, "2026:02:30 09:15:00")], None),
        (&[(TAKEN, "    :  :     :  :  ")], None),
        (&[(TAKEN, "0000:00:00 00:00:00")], None),
        (&[(OFFSET, "+01:00")], None),
    ] {
        let file = with_exif(&jpeg, &tiff(1, texts));
        let time = |name: &str| capture_time(name, &file, &zone).map(|t| t.to_string());
        assert_eq!(time("anna.jpg").as_deref(), expected, "{texts:?}");
        assert_eq!(
            time("20260302_101500Z.jpg").as_deref(),
            Some("2026-03-02T10:15:00Z")
        );
    }
    assert_eq!(capture_time("anna.jpg", &jpeg, &zone), None);
}

fn file() -> impl Strategy<Value = Vec<u8>> {
    let photo = photo(33, 21);
    let jpeg = encode_jpeg(&photo, 80);
    let tiff = tiff(6, &[(0x9003, "2026:03:02 09:15:00"), (0x9011, "+01:00")]);
    prop_oneof![
        Just(with_exif(&jpeg, &tiff)),
        Just(cmyk_jpeg(0x11)),
        Just(png(&photo)),
        Just(webp(&photo)),
    ]
}

/// Decodes arbitrary bytes: the result is an image within the limits, or an error about the image.
fn decode_arbitrary(bytes: &[u8]) {
    let limits = DecodeLimits::default().with_max_pixels(10_000);
    match facekit::image::decode(bytes, &limits) {
        Ok(image) => assert!(image.width() * image.height() <= 10_000),
        Err(Error::Image { .. } | Error::ImageTooLarge { .. }) => {}
        Err(other) => panic!("{other:?}"),
    }
    let _ = capture_time("anna.jpg", bytes, &TimeZone::UTC);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn random_bytes_do_not_panic(
        start in prop::sample::select(vec![
            &b""[..],
            b"\xFF\xD8\xFF",
            b"\x89PNG\r\n\x1a\n",
            b"RIFF\x40\0\0\0WEBPVP8 ",
            b"RIFF\x40\0\0\0WEBPVP8L",
        ]),
        rest in prop::collection::vec(any::<u8>(), 0..256),
    ) {
        decode_arbitrary(&[start, &rest].concat());
    }

    #[test]
    fn corrupted_files_do_not_panic(
        mut file in file(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        for (index, byte) in changes {
            let index = index.index(file.len());
            file[index] = byte;
        }
        if let Some(cut) = cut {
            file.truncate(cut.index(file.len()));
        }
        decode_arbitrary(&file);
    }

    #[test]
    fn names_do_not_panic(name in "\\PC*|[0-9TZ_. -]{0,40}") {
        let _ = capture_time(&name, b"", &TimeZone::UTC);
    }
}
