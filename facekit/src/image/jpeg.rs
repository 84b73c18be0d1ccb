//! Whether a JPEG is all there.
//!
//! The decoder fills what is missing with grey and reports success, as browsers like it. A face toolkit
//! must not take half a photo for a photo, so the file is walked before it is decoded: its segments to
//! the end marker, and the codes of its scans to the last block, without computing a pixel.
//!
//! ITU-T T.81; section and figure numbers are its own.

/// Whether the file's segments go on to its end marker, and its scans hold every block.
///
/// What follows the first end marker (a second picture, a vendor's trailer) is not looked at. Of a
/// progressive file, the scans that refine coefficients are taken as whole, since their length hangs on
/// the coefficients. A file that is not understood is left to the decoder to refuse.
pub(super) fn is_whole(bytes: &[u8]) -> bool {
    let mut tables = Tables::default();
    let mut frame = Frame::default();
    let mut interval = 0;
    let mut at = 2; // after the start marker
    while let Some((marker, next)) = marker(bytes, at) {
        at = next;
        match marker {
            END => return true,
            // Without content: a stuffed byte, which is scan data; temporary; restarts; start.
            0x00 | 0x01 | 0xD0..=0xD8 => continue,
            _ => {}
        }
        let Some(length) = bytes.get(at..).and_then(<[u8]>::first_chunk) else {
            return false;
        };
        let end = at + usize::from(u16::from_be_bytes(*length));
        let Some(content) = bytes.get(at + 2..end) else {
            return false;
        };
        at = end;
        match marker {
            0xC0..=0xC2 => frame = Frame::new(content).unwrap_or_default(),
            0xC4 => tables.define(content),
            0xDD => {
                let restart = content.first_chunk();
                interval = restart.map_or(0, |&restart| usize::from(u16::from_be_bytes(restart)));
            }
            0xDA => {
                if let Some(scan) = Scan::new(content, &frame, &tables, interval) {
                    match scan.end(bytes, at) {
                        Some(end) => at = end,
                        None => return false,
                    }
                }
            }
            _ => {}
        }
    }
    false
}

const END: u8 = 0xD9;

/// The next marker at or after `at`, and where its content begins. Markers begin with any number of 0xFF.
fn marker(bytes: &[u8], at: usize) -> Option<(u8, usize)> {
    let rest = bytes.get(at..)?;
    let first = rest.iter().position(|&byte| byte == 0xFF)?;
    let code = first + rest[first..].iter().position(|&byte| byte != 0xFF)?;
    Some((rest[code], at + code + 1))
}

/// B.2.2: the image's size and its components' sampling.
#[derive(Default)]
struct Frame {
    width: usize,
    height: usize,
    components: Vec<Component>,
}

struct Component {
    id: u8,
    across: usize,
    down: usize,
}

impl Frame {
    fn new(content: &[u8]) -> Option<Self> {
        let &[_, y1, y0, x1, x0, count, ref components @ ..] = content else {
            return None;
        };
        let components: Vec<Component> = components
            .chunks_exact(3)
            .take(count.into())
            .map(|component| Component {
                id: component[0],
                across: usize::from(component[1] >> 4),
                down: usize::from(component[1] & 15),
            })
            .collect();
        let valid = |c: &Component| (1..=4).contains(&c.across) && (1..=4).contains(&c.down);
        components.iter().all(valid).then_some(Self {
            width: u16::from_be_bytes([x1, x0]).into(),
            height: u16::from_be_bytes([y1, y0]).into(),
            components,
        })
    }
}

/// Huffman tables by class (DC, AC) and number.
#[derive(Default)]
struct Tables([[Option<Table>; 4]; 2]);

impl Tables {
    /// B.2.4.2: any number of tables in a segment.
    fn define(&mut self, mut content: &[u8]) {
        while let Some((&[place, ref counts @ ..], rest)) = content.split_first_chunk::<17>() {
            let symbols = counts.iter().map(|&count| usize::from(count)).sum();
            let Some((symbols, rest)) = rest.split_at_checked(symbols) else {
                return;
            };
            let class = self.0.get_mut(usize::from(place >> 4));
            if let Some(table) = class.and_then(|class| class.get_mut(usize::from(place & 15))) {
                *table = Table::new(counts, symbols).map(|table| match place >> 4 {
                    0 => table,
                    _ => table.with_steps(),
                });
            }
            content = rest;
        }
    }

    fn get(&self, class: usize, number: u8) -> Option<&Table> {
        self.0[class].get(usize::from(number))?.as_ref()
    }
}

/// Codes of up to this many bits are looked up at once.
const FAST: usize = 11;

/// Annex C: codes ordered by length, counted upwards.
struct Table {
    /// By the next bits: the code's length, above its symbol. Zero where the code is longer.
    fast: Vec<u16>,
    /// By length: the first sixteen bits that no code of this length or less begins.
    limits: [u32; 17],
    /// By length: what is to be added to a code for its symbol's place.
    offsets: [i32; 17],
    symbols: Vec<u8>,
    /// Of AC tables, by the next bits: how far the codes and values that they hold in full lead.
    steps: Vec<Step>,
}

/// Several codes and their values at once, up to the end of the block.
#[derive(Clone, Copy, Default)]
struct Step {
    bits: u8,
    /// How many coefficients they are, the end of the block counted as one.
    coefficients: u8,
    ends: bool,
}

impl Table {
    fn new(counts: &[u8], symbols: &[u8]) -> Option<Self> {
        let mut fast = vec![0; 1 << FAST];
        let (mut limits, mut offsets) = ([0; 17], [0; 17]);
        let (mut code, mut place) = (0_u32, 0);
        for (length, &count) in (1..).zip(counts) {
            offsets[length] = place as i32 - code as i32;
            for _ in 0..count {
                if length <= FAST {
                    let first = (code as usize) << (FAST - length);
                    fast.get_mut(first..first + (1 << (FAST - length)))?
                        .fill((length as u16) << 8 | u16::from(symbols[place]));
                }
                code += 1;
                place += 1;
            }
            limits[length] = code << (16 - length);
            code <<= 1;
        }
        Some(Self {
            fast,
            limits,
            offsets,
            symbols: symbols.to_vec(),
            steps: Vec::new(),
        })
    }

    fn with_steps(mut self) -> Self {
        self.steps = (0..1_u64 << FAST)
            .map(|bits| self.step(bits << (64 - FAST)))
            .collect();
        self
    }

    fn step(&self, bits: u64) -> Step {
        let mut step = Step::default();
        while let Some((length, symbol)) = self.find(bits << step.bits) {
            let total = step.bits + length as u8 + (symbol & 15);
            // A run of empty blocks is left to those who count blocks.
            if usize::from(total) > FAST || (symbol & 15 == 0 && (1..15).contains(&(symbol >> 4))) {
                break;
            }
            step.bits = total;
            step.ends = symbol == 0;
            step.coefficients += (symbol >> 4) + 1;
            if step.ends {
                break;
            }
        }
        step
    }

    /// The length and the symbol of the code that `bits` begin with, where there is one.
    #[inline]
    fn find(&self, bits: u64) -> Option<(u32, u8)> {
        let entry = self.fast[(bits >> (64 - FAST)) as usize];
        if entry != 0 {
            return Some((u32::from(entry >> 8), entry as u8));
        }
        let bits = (bits >> 48) as u32;
        let length = (FAST + 1..=16).find(|&length| bits < self.limits[length])?;
        let place = (bits >> (16 - length)) as i32 + self.offsets[length];
        let symbol = self.symbols.get(usize::try_from(place).ok()?)?;
        Some((length as u32, *symbol))
    }
}

/// B.2.3: what a scan holds of which components.
struct Scan<'a> {
    /// Blocks in a unit, and the tables they are coded with.
    components: Vec<(usize, Option<&'a Table>, Option<&'a Table>)>,
    /// Minimum coded units: blocks of one component, or the interleaved blocks of several.
    units: usize,
    /// Units between restarts; 0 where there are none.
    interval: usize,
    first: u8,
    last: u8,
    refines: bool,
}

impl<'a> Scan<'a> {
    fn new(content: &[u8], frame: &Frame, tables: &'a Tables, interval: usize) -> Option<Self> {
        let (&count, content) = content.split_first()?;
        let (selectors, parameters) = content.split_at_checked(2 * usize::from(count))?;
        let &[first, last, approximation, ..] = parameters else {
            return None;
        };
        let refines = approximation >> 4 != 0;
        if last > 63 || first > last || (refines && first > 0) {
            return None;
        }
        let mut components = Vec::new();
        let mut chosen = None;
        for selector in selectors.chunks_exact(2) {
            let component = frame.components.iter().find(|c| c.id == selector[0])?;
            let dc = tables.get(0, selector[1] >> 4);
            let ac = tables.get(1, selector[1] & 15);
            if (first == 0 && !refines && dc.is_none()) || (last > 0 && ac.is_none()) {
                return None;
            }
            components.push((component.across * component.down, dc, ac));
            chosen = Some(component);
        }
        let across = frame.components.iter().map(|c| c.across).max()?;
        let down = frame.components.iter().map(|c| c.down).max()?;
        // A.2: the blocks of a scan of one component are those that hold some of the image.
        let units = if let [(blocks, ..)] = &mut components[..] {
            *blocks = 1;
            let chosen = chosen?;
            (frame.width * chosen.across).div_ceil(8 * across)
                * (frame.height * chosen.down).div_ceil(8 * down)
        } else {
            frame.width.div_ceil(8 * across) * frame.height.div_ceil(8 * down)
        };
        Some(Self {
            components,
            units,
            interval,
            first,
            last,
            refines,
        })
    }

    /// Where the scan that begins at `at` ends, if it is whole.
    fn end(&self, bytes: &[u8], at: usize) -> Option<usize> {
        let mut bits = Bits::new(bytes, at);
        let mut empty_blocks = 0;
        for unit in 0..self.units {
            if self.interval > 0 && unit > 0 && unit % self.interval == 0 {
                bits.restart()?;
                empty_blocks = 0;
            }
            for &(blocks, dc, ac) in &self.components {
                for _ in 0..blocks {
                    self.block(&mut bits, dc, ac, &mut empty_blocks)?;
                }
            }
        }
        Some(bits.at)
    }

    /// F.2.2 and G.1.2, without the values.
    #[inline]
    fn block(
        &self,
        bits: &mut Bits<'_>,
        dc: Option<&Table>,
        ac: Option<&Table>,
        empty_blocks: &mut u32,
    ) -> Option<()> {
        if self.first == 0 {
            if self.refines {
                bits.take(1)?;
            } else {
                bits.symbol(dc?)?;
            }
        }
        if self.last == 0 {
            return Some(());
        }
        if *empty_blocks > 0 {
            *empty_blocks -= 1;
            return Some(());
        }
        let ac = ac?;
        let mut coefficient = u32::from(self.first.max(1));
        while coefficient <= u32::from(self.last) {
            let step = bits.peek(ac);
            let after = coefficient + u32::from(step.coefficients);
            if step.bits > 0 && after <= u32::from(self.last) + 1 {
                bits.skip(step.bits.into())?;
                if step.ends {
                    break;
                }
                coefficient = after;
                continue;
            }
            let symbol = bits.symbol(ac)?;
            let run = u32::from(symbol >> 4);
            if symbol & 15 == 0 && run < 15 {
                *empty_blocks = (1 << run) - 1 + bits.take(run)?;
                break;
            }
            coefficient += run + 1;
        }
        Some(())
    }
}

/// The bits of a scan, its stuffed bytes taken out.
struct Bits<'a> {
    bytes: &'a [u8],
    /// The next byte to be taken.
    at: usize,
    /// The next bits, from the top; zeros below them.
    next: u64,
    /// How many of them there are.
    count: u32,
}

impl<'a> Bits<'a> {
    fn new(bytes: &'a [u8], at: usize) -> Self {
        Self {
            bytes,
            at,
            next: 0,
            count: 0,
        }
    }

    #[inline]
    fn fill(&mut self) {
        if let Some(word) = self.bytes.get(self.at..).and_then(<[u8]>::first_chunk) {
            let word = u64::from_be_bytes(*word);
            // Whether no byte is 0xFF.
            if (!word).wrapping_sub(0x0101_0101_0101_0101) & word & 0x8080_8080_8080_8080 == 0 {
                let taken = (64 - self.count) / 8;
                self.at += taken as usize;
                let word = word >> (64 - 8 * taken) << (64 - 8 * taken);
                self.next |= word >> self.count;
                self.count += 8 * taken;
                return;
            }
        }
        while self.count <= 56 {
            match self.bytes.get(self.at..) {
                Some([0xFF, 0, ..]) => self.push(0xFF, 2),
                Some([byte, ..]) if *byte != 0xFF => self.push(*byte, 1),
                _ => break, // a marker, or the end
            }
        }
    }

    fn push(&mut self, byte: u8, length: usize) {
        self.next |= u64::from(byte) << (56 - self.count);
        self.count += 8;
        self.at += length;
    }

    /// At most 16 bits.
    #[inline]
    fn take(&mut self, count: u32) -> Option<u32> {
        if self.count < count {
            self.fill();
        }
        let bits = self.next.checked_shr(64 - count).unwrap_or(0) as u32;
        self.skip(count)?;
        Some(bits)
    }

    #[inline]
    fn skip(&mut self, count: u32) -> Option<()> {
        self.count = self.count.checked_sub(count)?;
        self.next <<= count;
        Some(())
    }

    /// The step that the next bits are.
    #[inline]
    fn peek(&mut self, table: &Table) -> Step {
        if self.count < 32 {
            self.fill();
        }
        let step = table.steps.get((self.next >> (64 - FAST)) as usize);
        step.copied().unwrap_or_default()
    }

    /// A symbol, and past the bits of the value that its lower half announces.
    #[inline]
    fn symbol(&mut self, table: &Table) -> Option<u8> {
        if self.count < 32 {
            self.fill();
        }
        let (length, symbol) = table.find(self.next)?;
        self.skip(length + u32::from(symbol & 15))?;
        Some(symbol)
    }

    /// Past the restart marker, which is next but for padding.
    fn restart(&mut self) -> Option<()> {
        loop {
            let (marker, next) = marker(self.bytes, self.at)?;
            match marker {
                0x00 => self.at = next,
                0xD0..=0xD7 => {
                    *self = Self::new(self.bytes, next);
                    return Some(());
                }
                _ => return None,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::is_whole;

    #[test]
    fn the_end_marker_is_looked_for_outside_segments_only() {
        // A comment that holds an end marker, as an embedded thumbnail does.
        let thumbnail = [0xFF, 0xD8, 0xFF, 0xFE, 0, 4, 0xFF, 0xD9];
        assert!(!is_whole(&thumbnail));
        assert!(is_whole(&[&thumbnail[..], &[0xFF, 0xD9]].concat()));
        // Stuffed bytes, restarts and fill bytes of a scan do not end it.
        let scan = [0xFF, 0xD8, 0xFF, 0xDA, 0, 2, 7, 0xFF, 0, 0xFF, 0xD0, 0xFF];
        assert!(!is_whole(&scan));
        assert!(is_whole(&[&scan[..], &[0xFF, 0xD9, 1, 2]].concat()));
    }

    /// A grey progressive JPEG of two blocks, whose entropy-coded bytes are given.
    fn progressive(dc: &[u8], ac: &[u8]) -> Vec<u8> {
        let mut file = vec![0xFF, 0xD8];
        let mut segment = |marker: u8, content: &[u8], scan: &[u8]| {
            file.extend([0xFF, marker, 0, content.len() as u8 + 2]);
            file.extend([content, scan].concat());
        };
        segment(0xC2, &[8, 0, 8, 0, 16, 1, 1, 0x11, 0], &[]);
        // DC: code 0 is a difference of three bits. AC: code 0 ends two or three blocks, 10 is one bit.
        let mut table = [0; 20];
        (table[1], table[17]) = (1, 3);
        segment(0xC4, &table[..18], &[]);
        table[..3].copy_from_slice(&[0x10, 1, 1]);
        table[17..19].copy_from_slice(&[0x10, 0x01]);
        segment(0xC4, &table[..19], &[]);
        segment(0xDA, &[1, 1, 0, 0, 0, 0], dc);
        segment(0xDA, &[1, 1, 0, 1, 63, 0], ac);
        [&file[..], &[0xFF, 0xD9]].concat()
    }

    #[test]
    fn progressive_scans_are_counted() {
        // Two differences are eight bits; "10 1" is a coefficient and "0 0" ends both blocks.
        assert!(is_whole(&progressive(&[0b0101_0101], &[0b1010_0111])));
        assert!(!is_whole(&progressive(&[], &[0b1010_0111])));
        assert!(!is_whole(&progressive(&[0b0101_0101], &[])));
        // Eight coefficients of three bits each, and no end.
        assert!(!is_whole(&progressive(
            &[0b0101_0101],
            &[0b1011_0110, 0b1101_1011]
        )));
    }
}
