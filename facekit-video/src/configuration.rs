//! H.264 and H.265 in files: the records with the parameter sets (`avcC` and `hvcC`, ISO/IEC 14496-15, 5.3.3.1 and 8.3.3.1), and
//! pictures whose NAL units have lengths.

use crate::units::Coding;

const START_CODE: [u8; 4] = [0, 0, 0, 1];

/// The parameter sets of a file, and the form of its pictures.
#[derive(Debug, PartialEq)]
pub(crate) struct Configuration {
    pub(crate) coding: Coding,
    /// The parameter sets, with start codes.
    parameters: Vec<u8>,
    /// The bytes of a length.
    length_bytes: usize,
}

impl Configuration {
    /// Reads a record. `None` if it is damaged.
    pub(crate) fn parse(record: &[u8], coding: Coding) -> Option<Self> {
        let mut reader = Reader(record);
        let (mut parameters, length);
        match coding {
            Coding::H264 => {
                let head = reader.take(5)?;
                (parameters, length) = (Vec::new(), head[4]);
                if head[0] != 1 {
                    return None;
                }
                for mask in [31, 255] {
                    let count = usize::from(reader.take(1)?[0] & mask);
                    reader.copy_units(count, &mut parameters)?;
                }
            }
            #[cfg(feature = "h265")]
            Coding::H265 => {
                let head = reader.take(23)?;
                (parameters, length) = (Vec::new(), head[21]);
                if head[0] != 1 {
                    return None;
                }
                for _ in 0..head[22] {
                    reader.take(1)?;
                    let count = reader.number()?;
                    reader.copy_units(count, &mut parameters)?;
                }
            }
        }
        Some(Self {
            coding,
            parameters,
            length_bytes: usize::from(length & 3) + 1,
        })
    }

    /// A picture with start codes instead of lengths, and the parameter sets before a key frame. What is behind damage is left out.
    pub(crate) fn units(&self, picture: &[u8], is_key: bool) -> Vec<u8> {
        let mut units = Vec::with_capacity(picture.len() + self.parameters.len() + 16);
        if is_key {
            units.extend(&self.parameters);
        }
        let mut rest = picture;
        while let Some((length, behind)) = rest.split_at_checked(self.length_bytes) {
            let length = length
                .iter()
                .fold(0, |sum, byte| sum << 8 | usize::from(*byte));
            let Some((unit, behind)) = behind.split_at_checked(length) else {
                break;
            };
            units.extend(START_CODE);
            units.extend(unit);
            rest = behind;
        }
        units
    }
}

/// The bytes of a record that were not read yet.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn number(&mut self) -> Option<usize> {
        let bytes = self.take(2)?;
        Some(usize::from(u16::from_be_bytes([bytes[0], bytes[1]])))
    }

    /// Copies units, each behind its length.
    fn copy_units(&mut self, count: usize, units: &mut Vec<u8>) -> Option<()> {
        for _ in 0..count {
            let length = self.number()?;
            units.extend(START_CODE);
            units.extend(self.take(length)?);
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lengths_become_start_codes() {
        let record = [1, 66, 0, 30, 0xFD, 0xE1, 0, 2, 0x67, 9, 1, 0, 1, 0x68];
        let configuration = Configuration::parse(&record, Coding::H264).unwrap();
        assert_eq!(configuration.length_bytes, 2);
        let units = configuration.units(&[0, 1, 0x65, 0, 2, 0x41, 7, 0, 9, 1], true);
        let expected = [
            0, 0, 0, 1, 0x67, 9, 0, 0, 0, 1, 0x68, 0, 0, 0, 1, 0x65, 0, 0, 0, 1, 0x41, 7,
        ];
        assert_eq!(units, expected, "the last unit is cut off");
        assert_eq!(
            configuration.units(&[0, 1, 0x65], false),
            [0, 0, 0, 1, 0x65]
        );
        assert_eq!(Configuration::parse(&record[..12], Coding::H264), None);
        assert_eq!(Configuration::parse(&[0; 20], Coding::H264), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read(
            record in prop::collection::vec(any::<u8>(), 0..60),
            picture in prop::collection::vec(any::<u8>(), 0..60),
        ) {
            if let Some(configuration) = Configuration::parse(&[&[1][..], &record].concat(), Coding::H264) {
                let units = configuration.units(&picture, false);
                prop_assert!(units.len() <= 5 * picture.len());
            }
        }
    }
}
