//! The scans of a JPEG file: which there are, and where they begin.

/// The frame and scans of a JPEG file, as far as the file goes.
#[derive(Debug)]
pub(super) struct Scans {
    width: usize,
    progressive: bool,
    components: Vec<Component>,
    scans: Vec<Scan>,
    /// True if there is an end marker.
    pub(super) ended: bool,
}

#[derive(Debug)]
struct Component {
    id: u8,
    across: usize,
    down: usize,
}

#[derive(Debug)]
struct Scan {
    /// The position of the marker.
    position: usize,
    /// The ids of its components.
    components: Vec<u8>,
    /// The first and last coefficient.
    band: (u8, u8),
    /// The lowest bit of the coefficients.
    bit: u8,
}

impl Scans {
    /// Reads the markers. `None` if there is no frame or no scan.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let mut found = Self {
            width: 0,
            progressive: false,
            components: Vec::new(),
            scans: Vec::new(),
            ended: false,
        };
        let mut position = 2;
        while let Some(start) = next_marker(bytes, position) {
            let marker = bytes[start + 1];
            if marker == 0xD9 {
                found.ended = true;
                break;
            }
            // A segment that the end of the file cuts is not read.
            let Some(length) = bytes.get(start + 2..start + 4) else {
                break;
            };
            let length = usize::from(u16::from_be_bytes([length[0], length[1]]));
            let Some(body) = bytes.get(start + 4..start + 2 + length) else {
                break;
            };
            match marker {
                0xC4 | 0xC8 | 0xCC => {}
                0xC0..=0xCF => found.read_frame(marker, body)?,
                0xDA => found.read_scan(start, body)?,
                _ => {}
            }
            position = start + 2 + length;
        }
        (!found.components.is_empty() && !found.scans.is_empty()).then_some(found)
    }

    fn read_frame(&mut self, marker: u8, body: &[u8]) -> Option<()> {
        self.progressive = matches!(marker, 0xC2 | 0xCA);
        self.width = usize::from(u16::from_be_bytes([*body.get(3)?, *body.get(4)?]));
        let count = usize::from(*body.get(5)?);
        let components = body.get(6..6 + 3 * count)?.chunks_exact(3);
        self.components = components
            .map(|component| Component {
                id: component[0],
                across: usize::from(component[1] >> 4),
                down: usize::from(component[1] & 15),
            })
            .collect();
        Some(())
    }

    fn read_scan(&mut self, position: usize, body: &[u8]) -> Option<()> {
        let count = usize::from(*body.first()?);
        let components = body.get(1..1 + 2 * count)?.chunks_exact(2);
        let rest = body.get(1 + 2 * count..4 + 2 * count)?;
        self.scans.push(Scan {
            position,
            components: components.map(|component| component[0]).collect(),
            band: (rest[0], rest[1]),
            bit: rest[2] & 15,
        });
        Some(())
    }

    /// True if the scans give every coefficient of every component to its last bit.
    pub(super) fn are_complete(&self) -> bool {
        self.components.iter().all(|component| {
            let mut bits = [u8::MAX; 64];
            for scan in &self.scans {
                if scan.components.contains(&component.id) {
                    let (first, last) = if self.progressive { scan.band } else { (0, 63) };
                    for bit in bits
                        .iter_mut()
                        .take(usize::from(last) + 1)
                        .skip(usize::from(first))
                    {
                        *bit = if self.progressive { scan.bit } else { 0 };
                    }
                }
            }
            bits == [0; 64]
        })
    }

    /// The position of the last scan's marker, if there are scans before it.
    pub(super) fn last(&self) -> Option<usize> {
        match &self.scans[..] {
            [_, .., last] => Some(last.position),
            _ => None,
        }
    }

    /// True if there is one scan, of several components.
    pub(super) fn is_one(&self) -> bool {
        matches!(&self.scans[..], [only] if only.components.len() > 1)
    }

    /// The units (blocks, or groups of blocks of all components) in a row of the last scan, and the rows of pixels that they
    /// cover. `None` if the scan names a component that the frame does not have.
    pub(super) fn last_grid(&self) -> Option<(usize, usize)> {
        let most = |side: fn(&Component) -> usize| self.components.iter().map(side).max();
        let across = most(|component| component.across)?;
        let down = most(|component| component.down)?;
        if across == 0 || down == 0 {
            return None;
        }
        match &self.scans.last()?.components[..] {
            [only] => {
                let component = self.components.iter().find(|one| one.id == *only)?;
                let width = (self.width * component.across).div_ceil(across);
                Some((width.div_ceil(8), 8 * down / component.down.max(1)))
            }
            _ => Some((self.width.div_ceil(8 * across), 8 * down)),
        }
    }

    /// The greatest vertical sampling factor: the rows of pixels that share a row of color.
    pub(super) fn rows_of_color(&self) -> usize {
        let down = self.components.iter().map(|component| component.down);
        down.max().unwrap_or(1)
    }
}

/// The position of the next marker that begins a segment or ends the file, from `position` on. Bytes of pixels, and the restart
/// markers among them, are skipped.
fn next_marker(bytes: &[u8], mut position: usize) -> Option<usize> {
    loop {
        position += bytes
            .get(position..)?
            .iter()
            .position(|&byte| byte == 0xFF)?;
        match bytes.get(position + 1)? {
            0x00 | 0x01 | 0xD0..=0xD8 => position += 2,
            0xFF => position += 1,
            _ => return Some(position),
        }
    }
}
