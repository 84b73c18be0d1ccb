//! Pictures from packets: the payloads of RFC 6184 (H.264) and RFC 7798 (H.265).

use crate::units::{self, Coding};

const START_CODE: [u8; 4] = [0, 0, 0, 1];

/// The payload of a packet, and what its header says of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Payload<'a> {
    pub(super) bytes: &'a [u8],
    /// The time of the picture, in ticks of the camera's clock.
    pub(super) ticks: i64,
    /// The last packet of a picture.
    pub(super) is_last: bool,
    /// Packets before this one were lost.
    pub(super) is_after_gap: bool,
}

/// A picture as it came.
#[derive(Debug, PartialEq)]
pub(super) struct Assembled {
    /// NAL units with start codes. Empty if the picture is not whole.
    pub(super) units: Vec<u8>,
    pub(super) ticks: i64,
    pub(super) is_key: bool,
}

impl Assembled {
    pub(super) fn is_whole(&self) -> bool {
        !self.units.is_empty()
    }
}

/// Puts pictures together.
#[derive(Debug)]
pub(super) struct Assembler {
    coding: Coding,
    /// The parameter sets that the camera stated before, with start codes. Key frames that have none get them.
    parameters: Vec<u8>,
    /// The most bytes of a picture.
    most: usize,
    /// The NAL units of the picture so far.
    units: Vec<u8>,
    ticks: i64,
    /// The last unit is a fragment that is not complete.
    is_fragment: bool,
    /// A part of the picture is missing.
    is_broken: bool,
}

/// A packet is of no kind that is known, or is damaged.
struct Damaged;

impl Assembler {
    pub(super) fn new(coding: Coding, parameters: Vec<u8>, most: usize) -> Self {
        Self {
            coding,
            parameters,
            most,
            units: Vec::new(),
            ticks: 0,
            is_fragment: false,
            is_broken: false,
        }
    }

    /// Takes the next packet. Adds the pictures that are complete now: a picture ends with its last packet, or where the next one begins.
    pub(super) fn push(&mut self, payload: Payload<'_>, pictures: &mut Vec<Assembled>) {
        if payload.is_after_gap && !self.is_empty() {
            self.is_broken = true;
        }
        // Parameter sets may have another time than their picture.
        if payload.ticks != self.ticks && (self.is_broken || self.has_slice()) {
            pictures.push(self.finish());
        }
        if payload.ticks != self.ticks && self.is_fragment {
            self.is_broken = true;
        }
        self.ticks = payload.ticks;
        let added = self.add(payload.bytes);
        if added.is_err() || self.units.len() > self.most {
            self.is_broken = true;
            self.units = Vec::new();
        }
        if payload.is_last && (self.is_broken || self.has_slice()) {
            pictures.push(self.finish());
        }
    }

    fn is_empty(&self) -> bool {
        self.units.is_empty() && !self.is_broken
    }

    fn has_slice(&self) -> bool {
        self.coding.has_slice(&self.units)
    }

    /// Ends the picture.
    fn finish(&mut self) -> Assembled {
        let mut units = std::mem::take(&mut self.units);
        let is_whole = !self.is_broken && !self.is_fragment && self.coding.has_begin(&units);
        (self.is_broken, self.is_fragment) = (false, false);
        if !is_whole {
            units = Vec::new();
        }
        let is_key = self.coding.has_key(&units);
        if is_key && !self.coding.has_parameters(&units) {
            units.splice(0..0, self.parameters.iter().copied());
        }
        Assembled {
            units,
            ticks: self.ticks,
            is_key,
        }
    }

    fn add(&mut self, payload: &[u8]) -> Result<(), Damaged> {
        match self.coding {
            Coding::H264 => match payload {
                [] => Ok(()),
                [header, rest @ ..] => match header & 31 {
                    1..=23 => self.unit(payload),
                    24 => self.units_with_lengths(rest),
                    28 => {
                        let [flags, rest @ ..] = rest else {
                            return Err(Damaged);
                        };
                        let header = [header & 0xE0 | flags & 31];
                        self.fragment(&header, flags & 0x80 != 0, flags & 0x40 != 0, rest)
                    }
                    _ => Err(Damaged),
                },
            },
            #[cfg(feature = "h265")]
            Coding::H265 => match payload {
                [] => Ok(()),
                [header, layer, rest @ ..] => match header >> 1 & 63 {
                    0..=47 => self.unit(payload),
                    48 => self.units_with_lengths(rest),
                    49 => {
                        let [flags, rest @ ..] = rest else {
                            return Err(Damaged);
                        };
                        let header = [header & 0x81 | (flags & 63) << 1, *layer];
                        self.fragment(&header, flags & 0x80 != 0, flags & 0x40 != 0, rest)
                    }
                    _ => Err(Damaged),
                },
                _ => Err(Damaged),
            },
        }
    }

    /// A NAL unit.
    fn unit(&mut self, unit: &[u8]) -> Result<(), Damaged> {
        if self.is_fragment {
            return Err(Damaged);
        }
        self.units.extend(START_CODE);
        self.units.extend(unit);
        Ok(())
    }

    /// Several NAL units, each behind its length.
    fn units_with_lengths(&mut self, mut rest: &[u8]) -> Result<(), Damaged> {
        while let [high, low, behind @ ..] = rest {
            let length = usize::from(u16::from_be_bytes([*high, *low]));
            let (unit, behind) = behind.split_at_checked(length).ok_or(Damaged)?;
            if !unit.is_empty() {
                self.unit(unit)?;
            }
            rest = behind;
        }
        if rest.is_empty() {
            Ok(())
        } else {
            Err(Damaged)
        }
    }

    /// A part of a NAL unit.
    fn fragment(
        &mut self,
        header: &[u8],
        is_first: bool,
        is_end: bool,
        bytes: &[u8],
    ) -> Result<(), Damaged> {
        if is_first {
            self.unit(header)?;
        } else if !self.is_fragment {
            return Err(Damaged);
        }
        self.units.extend(bytes);
        self.is_fragment = !is_end;
        Ok(())
    }
}

/// Parameter sets with start codes.
pub(super) fn parameters<'a>(sets: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut parameters = Vec::new();
    for set in sets {
        parameters.extend(START_CODE);
        parameters.extend(set);
    }
    debug_assert!(units::of(&parameters).count() > 0 || parameters.is_empty());
    parameters
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MOST: usize = 10_000;

    fn assembler(coding: Coding) -> Assembler {
        Assembler::new(coding, parameters([&[0x67, 1][..], &[0x68, 2]]), MOST)
    }

    /// The pictures of packets: payload, ticks, and if it is the last one of a picture.
    fn pictures(packets: &[(&[u8], i64, bool)]) -> Vec<Assembled> {
        assemble(assembler(Coding::H264), packets, None)
    }

    /// The packet of this number comes after a gap.
    fn assemble(
        mut assembler: Assembler,
        packets: &[(&[u8], i64, bool)],
        gap: Option<usize>,
    ) -> Vec<Assembled> {
        let mut pictures = Vec::new();
        for (nth, &(bytes, ticks, is_last)) in packets.iter().enumerate() {
            let payload = Payload {
                bytes,
                ticks,
                is_last,
                is_after_gap: gap == Some(nth),
            };
            assembler.push(payload, &mut pictures);
        }
        pictures
    }

    fn units(picture: &Assembled) -> Vec<&[u8]> {
        units::of(&picture.units).collect()
    }

    #[test]
    fn packets_become_pictures() {
        // Units of one packet, several in one, and one in three.
        let found = pictures(&[
            (&[0x78, 0, 2, 0x67, 5, 0, 2, 0x68, 6], 0, false),
            (&[0x7C, 0x85, 0x80, 1], 0, false),
            (&[0x7C, 0x05, 2], 0, false),
            (&[0x7C, 0x45, 3], 0, true),
            (&[0x41, 0x9A], 3000, true),
        ]);
        assert_eq!(
            units(&found[0]),
            [&[0x67, 5][..], &[0x68, 6], &[0x65, 0x80, 1, 2, 3]]
        );
        assert!(found[0].is_key && !found[1].is_key);
        assert_eq!(
            (units(&found[1]), found[1].ticks),
            (vec![&[0x41, 0x9A][..]], 3000)
        );
        assert_eq!(found.len(), 2);
    }

    #[cfg(feature = "h265")]
    #[test]
    fn packets_of_h265_become_pictures() {
        let found = assemble(
            assembler(Coding::H265),
            &[
                (&[0x60, 1, 0, 3, 0x42, 1, 5, 0, 3, 0x44, 1, 6], 0, false),
                (&[0x62, 1, 0x93, 0x80, 1], 0, false),
                (&[0x62, 1, 0x53, 2], 0, true),
                (&[0x02, 1, 0x80, 9], 3000, true),
            ],
            None,
        );
        assert_eq!(
            units(&found[0]),
            [&[0x42, 1, 5][..], &[0x44, 1, 6], &[0x26, 1, 0x80, 1, 2]]
        );
        assert!(found[0].is_key && found[1].is_whole());
    }

    #[test]
    fn a_key_frame_gets_the_parameters_of_the_camera() {
        let found = pictures(&[(&[0x65, 0x80], 0, true)]);
        assert_eq!(
            units(&found[0]),
            [&[0x67, 1][..], &[0x68, 2], &[0x65, 0x80]]
        );
    }

    #[test]
    fn parameters_may_have_their_own_time_and_mark() {
        let found = pictures(&[
            (&[0x67, 5], 0, true),
            (&[0x68, 6], 1, false),
            (&[0x65, 0x80], 3000, true),
        ]);
        assert_eq!(found.len(), 1);
        assert_eq!(units(&found[0]).len(), 3);
    }

    #[test]
    fn without_marks_the_next_time_ends_a_picture() {
        let found = pictures(&[
            (&[0x65, 0x80], 0, false),
            (&[0x65, 0x40], 0, false),
            (&[0x41, 0x80], 3000, false),
            (&[0x41, 0x80], 6000, false),
        ]);
        assert_eq!(found.len(), 2);
        assert_eq!((found[0].ticks, found[1].ticks), (0, 3000));
        assert!(found.iter().all(Assembled::is_whole));
    }

    #[test]
    fn a_gap_breaks_a_picture_and_not_the_next_one() {
        let packets: [(&[u8], i64, bool); 5] = [
            (&[0x65, 0x80], 0, false),
            (&[0x65, 0x40], 0, true),
            (&[0x41, 0x80], 3000, false),
            (&[0x41, 0x40], 3000, true),
            (&[0x41, 0x80], 6000, true),
        ];
        let whole = |packets: &[_], gap| -> Vec<bool> {
            let found = assemble(assembler(Coding::H264), packets, gap);
            found.iter().map(Assembled::is_whole).collect()
        };
        assert_eq!(whole(&packets, None), [true; 3]);
        assert_eq!(whole(&packets, Some(3)), [true, false, true]);
        assert_eq!(whole(&packets, Some(4)), [true; 3], "between two pictures");
        // The begin of the second picture is lost, or its end.
        let packets = [&packets[..2], &packets[3..]].concat();
        assert_eq!(whole(&packets, Some(2)), [true, false, true]);
        let packets = [packets[0], packets[3]];
        assert_eq!(whole(&packets, Some(1)), [false, true]);
    }

    #[test]
    fn damage_breaks_a_picture_and_not_the_next_one() {
        for damaged in [
            &[0x7C][..],
            &[0x7C, 0x05, 1],
            &[0x78, 0, 9, 0x41],
            &[0x78, 0],
            &[0x79, 1],
            &[0x9F],
            &[0],
            &[0x41; MOST + 1],
        ] {
            let found = pictures(&[(damaged, 0, true), (&[0x65, 0x80], 1, true)]);
            let whole: Vec<bool> = found.iter().map(Assembled::is_whole).collect();
            assert_eq!(
                whole,
                [false, true],
                "{:?}",
                &damaged[..damaged.len().min(4)]
            );
        }
        // A fragment without its end.
        let found = pictures(&[(&[0x7C, 0x85, 0x80], 0, true), (&[0x65, 0x80], 1, true)]);
        assert!(!found[0].is_whole() && found[1].is_whole());
        let found = pictures(&[(&[0x7C, 0x87, 0x80], 0, false), (&[0x65, 0x80], 1, true)]);
        assert!(!found[0].is_whole());
    }

    proptest! {
        #[test]
        fn any_packets_are_read(
            packets in prop::collection::vec(
                (prop::collection::vec(prop::sample::select(vec![0_u8, 1, 3, 0x41, 0x62, 0x65, 0x67, 0x78, 0x7C, 0x80, 0x85]), 0..20), 0_i64..4, any::<bool>(), any::<bool>()),
                0..40,
            ),
        ) {
            #[cfg(feature = "h265")]
            let codings = [Coding::H264, Coding::H265];
            #[cfg(not(feature = "h265"))]
            let codings = [Coding::H264];
            for coding in codings {
                let mut assembler = Assembler::new(coding, Vec::new(), 30);
                let mut pictures = Vec::new();
                for (bytes, ticks, is_last, is_after_gap) in &packets {
                    let payload = Payload { bytes, ticks: *ticks, is_last: *is_last, is_after_gap: *is_after_gap };
                    assembler.push(payload, &mut pictures);
                    prop_assert!(assembler.units.len() <= 30);
                }
                for picture in pictures {
                    prop_assert!(!picture.is_whole() || coding.has_slice(&picture.units));
                }
            }
        }
    }
}
