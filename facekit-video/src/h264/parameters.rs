//! Sequence parameter sets (ITU-T H.264, 7.3.2.1.1 and E.1.1): size, colors and order of the pictures.

use facekit::{
    PixelFormat,
    image::{YuvMatrix, YuvRange},
};

use super::bits::Bits;
use crate::picture::{coded_matrix, usual_matrix};

/// The profiles whose parameter sets state the chroma format.
const HIGH: [u32; 13] = [100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135];
/// The pictures that can wait for their turn, if the stream does not say how many do.
const MOST_WAITING: usize = 16;

/// The properties of a stream.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Parameters {
    /// The coded width and height in pixels, before the borders are cut off. The decoder makes room for them.
    pub(super) coded: (usize, usize),
    /// The chroma is 4:2:0, and a sample has 8 bits.
    pub(super) is_420: bool,
    pub(super) matrix: YuvMatrix,
    pub(super) range: YuvRange,
    /// The number of pictures that can be decoded before one that is shown earlier.
    pub(super) waiting: usize,
}

impl Parameters {
    /// Reads a NAL unit, with its header. `None` if it is damaged.
    pub(super) fn parse(unit: &[u8]) -> Option<Self> {
        let mut bits = Bits::of(unit.get(1..)?);
        let profile = bits.number(8)?;
        bits.number(16)?;
        bits.unsigned()?;
        let (mut chroma, mut depth) = (1, 0);
        if HIGH.contains(&profile) {
            chroma = bits.unsigned()?;
            if chroma == 3 {
                bits.flag()?;
            }
            depth = bits.unsigned()?.max(bits.unsigned()?);
            bits.flag()?;
            if bits.flag()? {
                skip_scaling(&mut bits, if chroma == 3 { 12 } else { 8 })?;
            }
        }
        bits.unsigned()?;
        let order = bits.unsigned()?;
        match order {
            0 => {
                bits.unsigned()?;
            }
            1 => {
                bits.flag()?;
                bits.signed()?;
                bits.signed()?;
                for _ in 0..bits.unsigned()?.min(255) {
                    bits.signed()?;
                }
            }
            _ => {}
        }
        bits.unsigned()?;
        bits.flag()?;
        let blocks = [bits.unsigned()?, bits.unsigned()?].map(|less| u64::from(less) + 1);
        let is_frames = bits.flag()?;
        if !is_frames {
            bits.flag()?;
        }
        bits.flag()?;
        let fields = if is_frames { 1 } else { 2 };
        let mut crop = [0; 4];
        if bits.flag()? {
            for side in &mut crop {
                *side = u64::from(bits.unsigned()?);
            }
        }
        let units = match chroma {
            1 => [2, 2 * fields],
            2 => [2, fields],
            _ => [1, fields],
        };
        let [left, right, top, bottom] = crop;
        let coded = (16 * blocks[0], 16 * fields * blocks[1]);
        let size = |pixels: u64| usize::try_from(pixels).ok();
        let width = size(coded.0.checked_sub(units[0] * (left + right))?)?;
        let height = size(coded.1.checked_sub(units[1] * (top + bottom))?)?;
        if width == 0 || height == 0 {
            return None;
        }
        // The rest is optional. A stream whose rest cannot be read is decoded with what is usual.
        let shown = if bits.flag()? {
            Shown::parse(&mut bits)
        } else {
            None
        };
        let shown = shown.unwrap_or_default();
        Some(Self {
            coded: (size(coded.0)?, size(coded.1)?),
            is_420: chroma == 1 && depth == 0,
            matrix: shown.matrix.unwrap_or_else(|| usual_matrix(height)),
            range: if shown.is_full {
                YuvRange::Full
            } else {
                YuvRange::Limited
            },
            waiting: match shown.waiting {
                Some(waiting) => waiting.min(MOST_WAITING),
                // The order of decoding is that of showing.
                None if order == 2 || profile == 66 => 0,
                None => MOST_WAITING,
            },
        })
    }

    pub(super) fn format(&self) -> PixelFormat {
        let (matrix, range) = (self.matrix, self.range);
        PixelFormat::I420 { matrix, range }
    }
}

/// The usability information that is needed here.
#[derive(Debug, Default)]
struct Shown {
    is_full: bool,
    matrix: Option<YuvMatrix>,
    waiting: Option<usize>,
}

impl Shown {
    fn parse(bits: &mut Bits) -> Option<Self> {
        const EXTENDED: u32 = 255;
        let mut shown = Self::default();
        if bits.flag()? && bits.number(8)? == EXTENDED {
            bits.number(32)?;
        }
        if bits.flag()? {
            bits.flag()?;
        }
        if bits.flag()? {
            bits.number(3)?;
            shown.is_full = bits.flag()?;
            if bits.flag()? {
                bits.number(16)?;
                shown.matrix = coded_matrix(bits.number(8)?);
            }
        }
        // What was read so far counts, also if the rest is damaged.
        shown.waiting = waiting(bits);
        Some(shown)
    }
}

/// Reads the rest of the usability information, up to the number of pictures that wait.
fn waiting(bits: &mut Bits) -> Option<usize> {
    if bits.flag()? {
        bits.unsigned()?;
        bits.unsigned()?;
    }
    if bits.flag()? {
        bits.number(32)?;
        bits.number(32)?;
        bits.flag()?;
    }
    let buffers = [
        bits.flag()?.then(|| skip_buffers(bits)),
        bits.flag()?.then(|| skip_buffers(bits)),
    ];
    if buffers.iter().any(Option::is_some) {
        bits.flag()?;
    }
    bits.flag()?;
    if !bits.flag()? {
        return None;
    }
    bits.flag()?;
    for _ in 0..4 {
        bits.unsigned()?;
    }
    usize::try_from(bits.unsigned()?).ok()
}

fn skip_buffers(bits: &mut Bits) -> Option<()> {
    let count = bits.unsigned()?.min(31) + 1;
    bits.number(8)?;
    for _ in 0..count {
        bits.unsigned()?;
        bits.unsigned()?;
        bits.flag()?;
    }
    bits.number(20)?;
    Some(())
}

fn skip_scaling(bits: &mut Bits, lists: usize) -> Option<()> {
    for list in 0..lists {
        if !bits.flag()? {
            continue;
        }
        let (mut last, mut next) = (8, 8);
        for _ in 0..if list < 6 { 16 } else { 64 } {
            if next != 0 {
                next = (last + bits.signed()?).rem_euclid(256);
            }
            last = if next == 0 { last } else { next };
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn damaged_parameters_are_no_parameters() {
        assert_eq!(Parameters::parse(&[]), None);
        assert_eq!(Parameters::parse(&[0x67]), None);
        assert_eq!(Parameters::parse(&[0x67, 66, 0, 30, 0, 0]), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            if let Some(parameters) = Parameters::parse(&bytes) {
                prop_assert!(parameters.waiting <= MOST_WAITING);
            }
        }

        #[test]
        fn any_high_profile_is_read(rest in prop::collection::vec(any::<u8>(), 0..120)) {
            let unit = [&[0x67, 100, 0, 30][..], &rest].concat();
            if let Some(parameters) = Parameters::parse(&unit) {
                prop_assert!(parameters.waiting <= MOST_WAITING);
            }
        }
    }
}
