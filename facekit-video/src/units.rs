//! NAL units with start codes (ITU-T H.264 and H.265, annex B).

use std::io::{self, BufRead};

/// The two codings whose streams are of NAL units.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Coding {
    H264,
    #[cfg(feature = "h265")]
    H265,
}

impl Coding {
    /// The type of a unit (H.264, table 7-1; H.265, table 7-1).
    pub(crate) fn kind(self, unit: &[u8]) -> u8 {
        let header = unit.first().copied().unwrap_or(0);
        match self {
            Self::H264 => header & 31,
            #[cfg(feature = "h265")]
            Self::H265 => header >> 1 & 63,
        }
    }

    /// True for a part of a picture.
    fn is_slice(self, unit: &[u8]) -> bool {
        match self {
            Self::H264 => (1..=5).contains(&self.kind(unit)),
            #[cfg(feature = "h265")]
            Self::H265 => unit.len() > 2 && self.kind(unit) < 32,
        }
    }

    /// True for a part of a picture from which decoding can begin.
    fn is_key(self, unit: &[u8]) -> bool {
        match self {
            Self::H264 => self.kind(unit) == 5,
            #[cfg(feature = "h265")]
            Self::H265 => (16..=21).contains(&self.kind(unit)),
        }
    }

    /// True for the first part of a picture, and for what comes before it.
    fn begins(self, unit: &[u8]) -> bool {
        if !self.is_slice(unit) {
            return match self {
                Self::H264 => true,
                // What is behind a picture and belongs to it: suffix messages and fillers.
                #[cfg(feature = "h265")]
                Self::H265 => !matches!(self.kind(unit), 36..=38 | 40),
            };
        }
        // In H.264 the number of the first block, whose code is a bit 1 if it is 0; in H.265 a flag.
        let first = match self {
            Self::H264 => 1,
            #[cfg(feature = "h265")]
            Self::H265 => 2,
        };
        unit.get(first).is_some_and(|byte| byte & 0x80 != 0)
    }

    /// True if there is a part of a picture among these units, which have start codes.
    pub(crate) fn has_slice(self, bytes: &[u8]) -> bool {
        of(bytes).any(|unit| self.is_slice(unit))
    }

    /// True if the first part of a picture is among these units, which have start codes.
    #[cfg(feature = "rtsp")]
    pub(crate) fn has_begin(self, bytes: &[u8]) -> bool {
        let first = of(bytes).find(|unit| self.is_slice(unit));
        first.is_some_and(|unit| self.begins(unit))
    }

    /// True if there are parameter sets of a sequence among these units, which have start codes.
    #[cfg(feature = "rtsp")]
    pub(crate) fn has_parameters(self, bytes: &[u8]) -> bool {
        let wanted = match self {
            Self::H264 => 7,
            #[cfg(feature = "h265")]
            Self::H265 => 33,
        };
        of(bytes).any(|unit| self.kind(unit) == wanted)
    }

    /// True if there is a part of a key frame among these units, which have start codes.
    pub(crate) fn has_key(self, bytes: &[u8]) -> bool {
        of(bytes).any(|unit| self.is_key(unit))
    }
}

/// The NAL units of some bytes, without start codes.
pub(crate) fn of(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = next_start(bytes);
    std::iter::from_fn(move || {
        let behind = rest?;
        let end = position(behind);
        let mut unit = end.map_or(behind, |end| &behind[..end]);
        // A start code may have more zeros, which belong to no unit.
        while let [before @ .., 0] = unit {
            unit = before;
        }
        rest = next_start(behind);
        Some(unit)
    })
}

/// The place of the next start code.
fn position(bytes: &[u8]) -> Option<usize> {
    bytes.windows(3).position(|three| three == [0, 0, 1])
}

/// The bytes behind the next start code.
fn next_start(bytes: &[u8]) -> Option<&[u8]> {
    position(bytes).map(|start| &bytes[start + 3..])
}

/// Cuts a stream into pictures, each with the NAL units before it.
pub(crate) struct Pictures<R> {
    input: R,
    coding: Coding,
    /// The most bytes of a NAL unit. Longer ones are left out.
    most: usize,
    /// The next NAL unit, which begins the next picture.
    next: Option<Vec<u8>>,
    is_begun: bool,
}

impl<R: BufRead> Pictures<R> {
    pub(crate) fn new(input: R, coding: Coding, most: usize) -> Self {
        Self {
            input,
            coding,
            most,
            next: None,
            is_begun: false,
        }
    }

    /// The NAL units of the next picture, with start codes. `None` at the end.
    pub(crate) fn next(&mut self) -> io::Result<Option<Vec<u8>>> {
        let mut picture = Vec::new();
        let mut has_slice = false;
        loop {
            let unit = match self.next.take() {
                Some(unit) => Some(unit),
                None => self.unit()?,
            };
            let Some(unit) = unit else {
                return Ok((!picture.is_empty()).then_some(picture));
            };
            let begins = self.coding.begins(&unit);
            let is_long = !picture.is_empty() && picture.len() + unit.len() > self.most;
            if has_slice && begins || is_long {
                self.next = Some(unit);
                return Ok(Some(picture));
            }
            has_slice |= self.coding.is_slice(&unit);
            picture.extend([0, 0, 0, 1]);
            picture.extend(unit);
        }
    }

    /// The next NAL unit, without start code.
    fn unit(&mut self) -> io::Result<Option<Vec<u8>>> {
        if !self.is_begun {
            self.is_begun = true;
            self.read_to_start()?;
        }
        loop {
            let (mut unit, is_end) = self.read_to_start()?;
            while unit.last() == Some(&0) {
                unit.pop();
            }
            if !unit.is_empty() && unit.len() <= self.most {
                return Ok(Some(unit));
            }
            if is_end {
                return Ok(None);
            }
        }
    }

    /// The bytes before the next start code, which is skipped. True at the end of the stream. Of a unit that is too long, one byte more
    /// than the limit is returned.
    fn read_to_start(&mut self) -> io::Result<(Vec<u8>, bool)> {
        let mut unit = Vec::new();
        let mut zeros = 0;
        loop {
            let bytes = self.input.fill_buf()?;
            if bytes.is_empty() {
                return Ok((unit, true));
            }
            let mut end = None;
            for (place, &byte) in bytes.iter().enumerate() {
                if byte == 1 && zeros >= 2 {
                    end = Some(place);
                    break;
                }
                zeros = if byte == 0 { zeros + 1 } else { 0 };
            }
            let taken = end.unwrap_or(bytes.len());
            let room = (self.most + 1).saturating_sub(unit.len());
            unit.extend_from_slice(&bytes[..taken.min(room)]);
            self.input.consume(taken + usize::from(end.is_some()));
            if end.is_some() {
                return Ok((unit, false));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufReader, Cursor};

    use proptest::prelude::*;

    use super::*;

    fn pictures(bytes: &[u8], most: usize) -> Vec<Vec<u8>> {
        // A small buffer, so that every boundary is inside one.
        let input = BufReader::with_capacity(5, Cursor::new(bytes.to_vec()));
        let mut pictures = Pictures::new(input, Coding::H264, most);
        std::iter::from_fn(|| pictures.next().unwrap()).collect()
    }

    #[test]
    fn a_stream_is_cut_into_pictures() {
        let stream = [
            &[9, 9, 0, 0, 0, 1, 0x67, 5, 0, 0, 1, 0x68][..],
            // A picture of two parts, then one of one part.
            &[0, 0, 0, 1, 0x65, 0x80, 7, 0, 0, 1, 0x65, 0x40],
            &[0, 0, 0, 1, 0x41, 0x80, 0, 0, 1, 0x06, 3],
        ]
        .concat();
        let found = pictures(&stream, 100);
        assert_eq!(found.len(), 3);
        let units: Vec<Vec<&[u8]>> = found.iter().map(|picture| of(picture).collect()).collect();
        assert_eq!(
            units[0],
            [&[0x67, 5][..], &[0x68], &[0x65, 0x80, 7], &[0x65, 0x40]]
        );
        assert_eq!(units[1], [&[0x41, 0x80][..]]);
        assert!(Coding::H264.has_slice(&found[0]) && !Coding::H264.has_slice(&found[2]));
        assert!(pictures(b"no video", 100).is_empty() && pictures(&[], 100).is_empty());
    }

    #[test]
    fn long_units_are_left_out() {
        let long = [
            &[0, 0, 1, 0x65, 0x80][..],
            &[5; 200],
            &[0, 0, 1, 0x41, 0x80, 9],
        ]
        .concat();
        assert_eq!(pictures(&long, 50), [[0, 0, 0, 1, 0x41, 0x80, 9]]);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_to_their_end(
            bytes in prop::collection::vec(prop::sample::select(vec![0_u8, 0, 0, 1, 3, 0x41, 0x65, 0x67, 0x80]), 0..200),
            most in 1_usize..60,
        ) {
            let found = pictures(&bytes, most);
            for picture in &found {
                prop_assert!(picture.starts_with(&[0, 0, 0, 1]));
                // Start codes may be longer than they were.
                prop_assert!(picture.len() <= 6 * most + 6);
            }
            prop_assert!(found.len() <= bytes.len());
        }
    }
}
