//! The bits of a parameter set, without the bytes that prevent start codes.

/// Reads bits from the first to the last. `None` at the end.
#[derive(Debug)]
pub(super) struct Bits {
    bytes: Vec<u8>,
    /// The number of bits that were read.
    at: usize,
}

impl Bits {
    /// The content of a NAL unit behind its header.
    pub(super) fn of(unit: &[u8]) -> Self {
        let mut bytes = Vec::with_capacity(unit.len());
        let mut zeros = 0;
        for &byte in unit {
            // 00 00 03: the 03 is there so that 00 00 01 and 00 00 00 are not.
            if zeros >= 2 && byte == 3 {
                zeros = 0;
                continue;
            }
            zeros = if byte == 0 { zeros + 1 } else { 0 };
            bytes.push(byte);
        }
        Self { bytes, at: 0 }
    }

    pub(super) fn flag(&mut self) -> Option<bool> {
        let byte = self.bytes.get(self.at / 8)?;
        let bit = byte >> (7 - self.at % 8) & 1;
        self.at += 1;
        Some(bit == 1)
    }

    /// A number of so many bits, at most 32.
    pub(super) fn number(&mut self, bits: u32) -> Option<u32> {
        (0..bits).try_fold(0, |number: u32, _| {
            Some(number << 1 | u32::from(self.flag()?))
        })
    }

    /// An Exp-Golomb number: ue(v).
    pub(super) fn unsigned(&mut self) -> Option<u32> {
        let mut zeros = 0;
        while !self.flag()? {
            zeros += 1;
            if zeros > 31 {
                return None;
            }
        }
        Some((1 << zeros) - 1 + self.number(zeros)?)
    }

    /// A signed Exp-Golomb number: se(v).
    pub(super) fn signed(&mut self) -> Option<i32> {
        let code = i64::from(self.unsigned()?);
        let value = if code % 2 == 1 {
            (code + 1) / 2
        } else {
            -code / 2
        };
        i32::try_from(value).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_read() {
        // 1 010 011 00100 00101, then 00 00 03 01 without the 03.
        let mut bits = Bits::of(&[0b1010_0110, 0b0100_0010, 0b1000_0000]);
        let codes: Vec<_> = (0..5).map(|_| bits.unsigned().unwrap()).collect();
        assert_eq!(codes, [0, 1, 2, 3, 4]);
        let mut bits = Bits::of(&[0, 0, 3, 1]);
        assert_eq!((bits.number(24), bits.flag()), (Some(1), None));
        let mut bits = Bits::of(&[0b0100_1100, 0b1000_0101]);
        assert_eq!(
            [bits.signed(), bits.signed(), bits.signed()],
            [Some(1), Some(-1), Some(2)]
        );
        assert_eq!(
            Bits::of(&[0; 9]).unsigned(),
            None,
            "no code has so many zeros"
        );
    }
}
