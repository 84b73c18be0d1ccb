//! Motion JPEG: JPEG files that follow each other. Everything between them is skipped, such as the headers of a multipart stream.

use std::io::{self, BufRead};

use crate::packet::Input;

/// Codes of markers, which follow a byte 0xFF (ISO/IEC 10918-1, table B.1).
const START: u8 = 0xD8;
const END: u8 = 0xD9;
const SCAN: u8 = 0xDA;
const STUFFED: u8 = 0x00;
const TEMPORARY: u8 = 0x01;
const RESTARTS: std::ops::RangeInclusive<u8> = 0xD0..=0xD7;

/// A stream is something else than a video if there are so many bytes before its first file.
const MOST_BEFORE: usize = 1 << 20;

/// The JPEG files of a stream.
pub(crate) struct Mjpeg {
    input: Input,
    /// The most bytes of a file.
    most: usize,
    /// The bytes that were skipped before the first file. `None` after it.
    before: Option<usize>,
}

/// The end of a file that was read.
enum Ending {
    Whole,
    /// The bytes are no JPEG, or too many: search the next beginning.
    Damaged,
    /// The stream ends inside the file.
    CutOff,
}

impl Mjpeg {
    pub(crate) fn new(input: Input, most: usize) -> Self {
        Self {
            input,
            most,
            before: Some(0),
        }
    }

    /// True if there was a file.
    pub(crate) fn has_begun(&self) -> bool {
        self.before.is_none()
    }

    /// The next whole file; `None` at the end of the stream.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::InvalidData`] for a stream that begins with a mebibyte of something else.
    pub(crate) fn next(&mut self) -> io::Result<Option<Vec<u8>>> {
        while self.find_start()? {
            let mut file = vec![0xFF, START];
            match self.read_segments(&mut file)? {
                Ending::Whole => {
                    self.before = None;
                    return Ok(Some(file));
                }
                Ending::Damaged => {}
                Ending::CutOff => return Ok(None),
            }
        }
        Ok(None)
    }

    /// Skips everything up to the beginning of a file. False at the end of the stream.
    fn find_start(&mut self) -> io::Result<bool> {
        let mut before = 0;
        while let Some(byte) = self.byte()? {
            if before == 0xFF && byte == START {
                return Ok(true);
            }
            before = byte;
            if let Some(skipped) = &mut self.before {
                *skipped += 1;
                if *skipped > MOST_BEFORE {
                    let reason = format!("there is no JPEG in the first {MOST_BEFORE} bytes");
                    return Err(io::Error::new(io::ErrorKind::InvalidData, reason));
                }
            }
        }
        Ok(false)
    }

    /// Reads a file from behind its beginning to its end.
    ///
    /// Segments state their length, so a thumbnail in one of them, which is a JPEG of its own, does not end the file.
    fn read_segments(&mut self, file: &mut Vec<u8>) -> io::Result<Ending> {
        let mut next = None;
        loop {
            let code = match next.take() {
                Some(code) => code,
                None => match self.marker()? {
                    Some(Some(code)) => code,
                    Some(None) => return Ok(Ending::Damaged),
                    None => return Ok(Ending::CutOff),
                },
            };
            file.extend([0xFF, code]);
            // Markers without a length count, too.
            if file.len() > self.most {
                return Ok(Ending::Damaged);
            }
            match code {
                END => return Ok(Ending::Whole),
                TEMPORARY => continue,
                STUFFED => return Ok(Ending::Damaged),
                // The file before was cut off.
                START => {
                    file.clear();
                    file.extend([0xFF, START]);
                    continue;
                }
                code if RESTARTS.contains(&code) => continue,
                _ => {}
            }
            let (Some(high), Some(low)) = (self.byte()?, self.byte()?) else {
                return Ok(Ending::CutOff);
            };
            let length = usize::from(u16::from_be_bytes([high, low]));
            if length < 2 || file.len() + length > self.most {
                return Ok(Ending::Damaged);
            }
            file.extend([high, low]);
            if !self.copy(length - 2, file)? {
                return Ok(Ending::CutOff);
            }
            if code == SCAN {
                match self.copy_scan(file)? {
                    Ok(code) => next = Some(code),
                    Err(ending) => return Ok(ending),
                }
            }
        }
    }

    /// The code of a marker; `Some(None)` if there is none, `None` at the end of the stream.
    fn marker(&mut self) -> io::Result<Option<Option<u8>>> {
        if let Some(byte) = self.byte()? {
            if byte != 0xFF {
                return Ok(Some(None));
            }
            // Any number of 0xFF may come before a code.
            while let Some(byte) = self.byte()? {
                if byte != 0xFF {
                    return Ok(Some(Some(byte)));
                }
            }
        }
        Ok(None)
    }

    /// Copies the coded pixels of a scan. Returns the code of the marker behind them.
    fn copy_scan(&mut self, file: &mut Vec<u8>) -> io::Result<Result<u8, Ending>> {
        loop {
            let bytes = self.input.fill_buf()?;
            if bytes.is_empty() {
                return Ok(Err(Ending::CutOff));
            }
            let length = bytes.iter().position(|&byte| byte == 0xFF);
            let length = length.unwrap_or(bytes.len());
            file.extend_from_slice(&bytes[..length]);
            let is_marker = length < bytes.len();
            self.input.consume(length);
            if file.len() > self.most {
                return Ok(Err(Ending::Damaged));
            }
            if !is_marker {
                continue;
            }
            match self.marker()? {
                Some(Some(code)) if code == STUFFED || RESTARTS.contains(&code) => {
                    file.extend([0xFF, code]);
                }
                Some(Some(code)) => return Ok(Ok(code)),
                Some(None) => return Ok(Err(Ending::Damaged)),
                None => return Ok(Err(Ending::CutOff)),
            }
        }
    }

    /// Copies so many bytes. False if the stream ends before.
    fn copy(&mut self, mut length: usize, file: &mut Vec<u8>) -> io::Result<bool> {
        while length > 0 {
            let bytes = self.input.fill_buf()?;
            if bytes.is_empty() {
                return Ok(false);
            }
            let part = bytes.len().min(length);
            file.extend_from_slice(&bytes[..part]);
            self.input.consume(part);
            length -= part;
        }
        Ok(true)
    }

    fn byte(&mut self) -> io::Result<Option<u8>> {
        let byte = self.input.fill_buf()?.first().copied();
        if byte.is_some() {
            self.input.consume(1);
        }
        Ok(byte)
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufReader, Cursor, Read};

    use facekit::{
        Image,
        image::{DecodeLimits, decode, encode_jpeg},
    };

    use super::*;

    fn files(bytes: &[u8], most: usize) -> Vec<Vec<u8>> {
        // A small buffer, so that every boundary is inside one.
        let input = BufReader::with_capacity(
            7,
            Box::new(Cursor::new(bytes.to_vec())) as Box<dyn Read + Send>,
        );
        let mut stream = Mjpeg::new(input, most);
        std::iter::from_fn(|| stream.next().unwrap()).collect()
    }

    fn jpeg(luma: u8) -> Vec<u8> {
        let mut image = Image::filled(48, 32, [luma; 3]);
        for (nth, value) in image.data_mut().iter_mut().enumerate() {
            *value = value.wrapping_add((nth * nth % 61) as u8);
        }
        encode_jpeg(&image, 90)
    }

    #[test]
    fn markers_without_a_length_have_a_limit() {
        let mut bytes = vec![0xFF, START];
        bytes.extend([0xFF, 0xD0].repeat(10_000));
        bytes.extend(jpeg(10));
        assert_eq!(files(&bytes, 8192), [jpeg(10)]);
        assert!(
            files(
                &[&[0xFF, START][..], &[0xFF, 0xD0].repeat(1000)].concat(),
                100
            )
            .is_empty()
        );
    }

    #[test]
    fn files_are_found_between_other_bytes() {
        let expected = [jpeg(10), jpeg(200)];
        let stream = [
            &b"--boundary\r\nContent-Type: image/jpeg\r\n\r\n"[..],
            &expected[0],
            b"\r\n--boundary\xff\xff",
            &expected[1],
        ]
        .concat();
        assert_eq!(files(&stream, 1 << 20), expected);
    }

    #[test]
    fn a_thumbnail_does_not_end_a_file() {
        let (plain, thumbnail) = (jpeg(90), jpeg(10));
        let mut segment = vec![0xFF, 0xE1];
        segment.extend((thumbnail.len() as u16 + 2).to_be_bytes());
        segment.extend(&thumbnail);
        let file = [&plain[..2], &segment, &plain[2..]].concat();
        let found = files(&[&file[..], &jpeg(60)].concat(), 1 << 20);
        assert_eq!(found.len(), 2);
        assert_eq!(found[0], file);
        assert!(decode(&found[0], &DecodeLimits::default()).is_ok());
    }

    #[test]
    fn damage_costs_one_file() {
        let (first, second) = (jpeg(10), jpeg(200));
        let cut = [&first[..first.len() / 2], &second, &first].concat();
        assert_eq!(files(&cut, 1 << 20).last(), Some(&first));
        let long = [&first[..], &second].concat();
        assert!(files(&long, 100).is_empty(), "longer than the limit");
        assert_eq!(files(&first[..first.len() - 2], 1 << 20).len(), 0);
        assert!(files(b"no video", 1 << 20).is_empty());
    }

    #[test]
    fn any_bytes_are_read_to_their_end() {
        let mut state = 1_u32;
        for _ in 0..2000 {
            let bytes: Vec<u8> = (0..64)
                .map(|_| {
                    state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    // Many markers.
                    match state >> 29 {
                        0..=2 => 0xFF,
                        3 => START,
                        4 => SCAN,
                        5 => END,
                        _ => (state >> 16) as u8,
                    }
                })
                .collect();
            for file in files(&bytes, 40) {
                assert!(file.starts_with(&[0xFF, START]) && file.ends_with(&[0xFF, END]));
            }
        }
    }
}
