//! MP4, by the crate `re_mp4`. No other file names it.

use std::{
    fs::File,
    io::{self, BufReader, Read, Seek, SeekFrom},
    vec,
};

use facekit::{Error, Result, catch_panic};
use jiff::SignedDuration;
use re_mp4::{Mp4, Sample, StsdBoxContent, TrackKind};

use super::{
    FileOptions,
    stream::{Data, Encoded, Pictured},
};
use crate::{
    configuration::Configuration,
    picture::{check_bytes, refused},
    units::Coding,
};

/// The bytes that a sample has at the least. A file of fewer bytes for its samples is refused before there is room for them.
const LEAST_BYTES: u64 = 8;

/// The video track of a file.
pub(super) struct Mp4Track {
    file: File,
    name: String,
    configuration: Configuration,
    samples: vec::IntoIter<Sample>,
    most_bytes: usize,
}

impl Mp4Track {
    pub(super) fn open(mut file: File, name: &str, options: &FileOptions) -> Result<Self> {
        let reading = || Error::io("reading", name);
        let length = file.metadata().map_err(reading())?.len();
        let samples = count_samples(&mut file, length).map_err(reading())?;
        if samples > length / LEAST_BYTES {
            return Err(refused(
                name,
                format!("states {samples} samples in {length} bytes"),
            ));
        }
        file.seek(SeekFrom::Start(0)).map_err(reading())?;
        let mut reader = Bounded::new(BufReader::new(&file), length);
        let parsed = catch_panic(|| Mp4::read(&mut reader, length))
            .map_err(|message| refused(name, format!("is damaged: {message}")))?;
        let parsed = parsed.map_err(|error| Error::Image {
            name: name.to_owned(),
            reason: "is damaged".to_owned(),
            source: Some(Box::new(error)),
        })?;
        let mut tracks = parsed.tracks().values();
        let track = tracks
            .find(|track| track.kind == Some(TrackKind::Video))
            .ok_or_else(|| refused(name, "has no video track of a known codec"))?;
        let coding = match track.trak(&parsed).mdia.minf.stbl.stsd.contents {
            StsdBoxContent::Avc1(_) => Coding::H264,
            #[cfg(feature = "h265")]
            StsdBoxContent::Hev1(_) | StsdBoxContent::Hvc1(_) => Coding::H265,
            _ => {
                let codec = track.codec_string(&parsed);
                let codec = codec.unwrap_or_else(|| "unknown".to_owned());
                let reason = format!("has video of the codec {codec}, which is not supported");
                return Err(refused(name, reason));
            }
        };
        let record = track.raw_codec_config(&parsed).unwrap_or_default();
        let configuration = Configuration::parse(&record, coding)
            .ok_or_else(|| refused(name, "has no parameters of its video"))?;
        let samples = track.samples.clone().into_iter();
        Ok(Self {
            file,
            name: name.to_owned(),
            configuration,
            samples,
            most_bytes: options.limits.max_file_bytes,
        })
    }
}

impl Pictured for Mp4Track {
    fn next(&mut self) -> Result<Option<Encoded>> {
        let Some(sample) = self.samples.next() else {
            return Ok(None);
        };
        let size = usize::try_from(sample.size).unwrap_or(usize::MAX);
        check_bytes(&self.name, size, self.most_bytes)?;
        let mut picture = vec![0; size];
        let read = self
            .file
            .seek(SeekFrom::Start(sample.offset))
            .and_then(|_| self.file.read_exact(&mut picture));
        match read {
            Ok(()) => {}
            // The file is cut off.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            Err(error) => return Err(Error::io("reading", &*self.name)(error)),
        }
        let seconds = i128::from(sample.timescale.max(1));
        let at = i128::from(sample.composition_timestamp) * 1_000_000_000 / seconds;
        let at = i64::try_from(at).unwrap_or(i64::MAX);
        Ok(Some(Encoded {
            data: Data::Units(
                self.configuration.coding,
                self.configuration.units(&picture, sample.is_sync),
            ),
            at: Some(SignedDuration::from_nanos(at)),
            is_key: sample.is_sync,
        }))
    }
}

/// A reader that fails after more calls than a file of its length needs. The parser reads boxes without a size forever.
struct Bounded<R> {
    inner: R,
    left: u64,
}

impl<R> Bounded<R> {
    fn new(inner: R, length: u64) -> Self {
        /// The calls for the largest files.
        const MOST: u64 = 50_000_000;
        let left = length.saturating_mul(2).saturating_add(10_000).min(MOST);
        Self { inner, left }
    }

    fn count(&mut self) -> io::Result<()> {
        let left = self.left.checked_sub(1);
        self.left = left.ok_or_else(|| io::Error::other("the boxes have no end"))?;
        Ok(())
    }
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.count()?;
        self.inner.read(buffer)
    }
}

impl<R: Seek> Seek for Bounded<R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.count()?;
        self.inner.seek(to)
    }
}

/// The number of samples that a file states. The parser makes room for all of them, and believes every number.
fn count_samples(file: &mut (impl Read + Seek), length: u64) -> io::Result<u64> {
    let mut samples: u64 = 0;
    let mut place: u64 = 0;
    while let Some(end) = place.checked_add(8).filter(|end| *end <= length) {
        file.seek(SeekFrom::Start(place))?;
        let size = u64::from(number(file)?);
        let kind = number(file)?.to_be_bytes();
        let (size, head) = match size {
            0 => (length - place, 8),
            1 if end + 8 <= length => (
                u64::from(number(file)?) << 32 | u64::from(number(file)?),
                16,
            ),
            size => (size, 8),
        };
        if size < head {
            break;
        }
        let content = place + head;
        match &kind {
            // The boxes inside are read next.
            b"moov" | b"trak" | b"mdia" | b"minf" | b"stbl" | b"moof" | b"traf" => {
                place = content;
                continue;
            }
            b"stsz" if content + 12 <= length => {
                let [_, _, count] = [number(file)?, number(file)?, number(file)?];
                samples = samples.saturating_add(count.into());
            }
            b"trun" if content + 8 <= length => {
                let [_, count] = [number(file)?, number(file)?];
                samples = samples.saturating_add(count.into());
            }
            _ => {}
        }
        let Some(next) = place.checked_add(size) else {
            break;
        };
        place = next;
    }
    Ok(samples)
}

fn number(file: &mut impl Read) -> io::Result<u32> {
    let mut bytes = [0; 4];
    file.read_exact(&mut bytes)?;
    Ok(u32::from_be_bytes(bytes))
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use proptest::prelude::*;

    use super::*;

    fn count(bytes: &[u8]) -> u64 {
        count_samples(&mut Cursor::new(bytes), bytes.len() as u64).unwrap()
    }

    fn boxed(kind: &[u8; 4], content: &[u8]) -> Vec<u8> {
        let size = (content.len() as u32 + 8).to_be_bytes();
        [&size[..], kind, content].concat()
    }

    #[test]
    fn samples_are_counted_before_they_are_read() {
        let sizes = boxed(b"stsz", &[0, 0, 0, 0, 0, 0, 0, 9, 0xFF, 0xFF, 0xFF, 0xFF]);
        let mut file = boxed(b"ftyp", b"isom");
        for kind in [b"stbl", b"minf", b"mdia", b"trak", b"moov"] {
            let inner = if kind == b"stbl" {
                sizes.clone()
            } else {
                file.split_off(12)
            };
            file.extend(boxed(kind, &inner));
        }
        file.extend(boxed(
            b"moof",
            &boxed(b"traf", &boxed(b"trun", &[0, 0, 0, 0, 0, 0, 0, 2])),
        ));
        assert_eq!(count(&file), u64::from(u32::MAX) + 2);
        assert_eq!(
            (count(b""), count(b"\0\0\0\x01moov"), count(&[0; 64])),
            (0, 0, 0)
        );
    }

    proptest! {
        #[test]
        fn any_bytes_are_counted(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            count(&bytes);
        }

        #[test]
        fn any_sizes_are_counted(size in any::<u64>(), kind in 0_usize..4) {
            let kind = [b"moov", b"stsz", b"trun", b"free"][kind];
            let bytes = [&[0, 0, 0, 1][..], kind, &size.to_be_bytes(), &[1; 40]].concat();
            count(&bytes);
        }
    }
}
