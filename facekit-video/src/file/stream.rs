//! The pictures of a file, in the order in which they are shown.

use std::{collections::BTreeMap, fs::File, io::BufReader};

use facekit::{Clock, Error, FrameImage, Next, Result};
use jiff::{SignedDuration, Timestamp};

use super::FileOptions;
#[cfg(feature = "h265")]
use crate::h265::H265;
use crate::{
    h264::H264,
    live::{Arrived, Decoder},
    packet::Packet,
    picture::check_rate,
    units::{Coding, Pictures},
};

/// The encoded pictures of a file, in the order of decoding.
pub(super) trait Pictured: Send {
    /// The next picture; `None` at the end.
    fn next(&mut self) -> Result<Option<Encoded>>;
}

/// An encoded picture.
pub(super) struct Encoded {
    pub(super) data: Data,
    /// The time at which it is shown, from any beginning. `None` if the file has no times.
    pub(super) at: Option<SignedDuration>,
    pub(super) is_key: bool,
}

pub(super) enum Data {
    /// NAL units with start codes.
    Units(Coding, Vec<u8>),
    #[cfg(feature = "matroska")]
    Jpeg(Vec<u8>),
}

pub(super) struct Stream {
    pictures: Box<dyn Pictured>,
    h264: H264,
    #[cfg(feature = "h265")]
    h265: H265<Option<SignedDuration>>,
    /// Pictures that wait for one that is shown earlier, by their place.
    waiting: BTreeMap<Place, FrameImage>,
    /// The number of key frames, for files without times: the places of pictures begin again at each.
    keys: i64,
    decoder: Decoder,
    times: Times,
    /// The number of pictures that were decoded.
    decoded: u64,
    /// The number of frames that were returned.
    returned: u64,
    is_ended: bool,
}

/// The place of a picture in the order of showing. The last number, that of decoding, tells pictures of the same place apart.
type Place = (i128, u64);

/// The times of the frames.
struct Times {
    start: Timestamp,
    /// Frames in each second. `None` if the file has times.
    rate: Option<f64>,
    /// The time of the first frame in the file.
    first: Option<i128>,
}

impl Stream {
    pub(super) fn new(pictures: Box<dyn Pictured>, name: &str, options: &FileOptions) -> Self {
        Self {
            pictures,
            h264: H264::new(name, &options.limits),
            #[cfg(feature = "h265")]
            h265: H265::new(name, &options.limits),
            waiting: BTreeMap::new(),
            keys: 0,
            decoder: Decoder::new(&options.limits),
            times: Times {
                start: options.start,
                rate: None,
                first: None,
            },
            decoded: 0,
            returned: 0,
            is_ended: false,
        }
    }

    /// A stream without a container. It has no times.
    pub(super) fn annex_b(
        file: File,
        coding: Coding,
        name: &str,
        options: &FileOptions,
    ) -> Result<Self> {
        let missing = || Error::argument("rate", "a raw stream has no times, so it needs one");
        let rate = options.frames_per_second.ok_or_else(missing)?;
        check_rate(rate)?;
        let pictures = AnnexB {
            pictures: Pictures::new(BufReader::new(file), coding, options.limits.max_file_bytes),
            coding,
            name: name.to_owned(),
        };
        let mut stream = Self::new(Box::new(pictures), name, options);
        stream.times.rate = Some(rate);
        Ok(stream)
    }

    pub(super) fn damaged(&self) -> u64 {
        let damaged = self.h264.damaged() + self.decoder.damaged();
        #[cfg(feature = "h265")]
        let damaged = damaged + self.h265.damaged();
        damaged
    }

    /// The answer of [`FrameSource::next`](facekit::FrameSource::next).
    pub(super) fn next(&mut self) -> Result<Next> {
        let next = self.read();
        // An error ends the source.
        if !matches!(next, Ok(Next::Frame(_))) {
            self.is_ended = true;
            self.waiting.clear();
        }
        next
    }

    fn read(&mut self) -> Result<Next> {
        loop {
            // A picture is shown if no earlier one can come.
            let waits = if self.is_ended {
                0
            } else {
                self.h264.waiting()
            };
            if self.waiting.len() > waits
                && let Some(((place, _), image)) = self.waiting.pop_first()
            {
                let at = self.times.at(place, self.returned)?;
                let arrived = Arrived {
                    packet: Packet::Pixels(image),
                    at,
                    clock: Clock::Sender,
                    sequence: self.returned,
                    connection: 0,
                };
                if let Some(frame) = self.decoder.frame(arrived) {
                    self.returned += 1;
                    return Ok(Next::Frame(frame));
                }
                continue;
            }
            if self.is_ended {
                return Ok(Next::End);
            }
            match self.pictures.next()? {
                Some(picture) => self.decode(picture)?,
                None => {
                    self.is_ended = true;
                    #[cfg(feature = "h265")]
                    for picture in self.h265.finish()? {
                        self.wait_in_order(picture);
                    }
                }
            }
        }
    }

    fn decode(&mut self, encoded: Encoded) -> Result<()> {
        match encoded.data {
            Data::Units(Coding::H264, units) => {
                if encoded.at.is_none() && Coding::H264.has_key(&units) {
                    self.keys += 1;
                }
                if let Some(picture) = self.h264.decode(&units, encoded.is_key)? {
                    let place = match encoded.at {
                        Some(at) => at.as_nanos(),
                        None => (i128::from(self.keys) << 32) + i128::from(picture.order),
                    };
                    self.wait(place, picture.image);
                }
            }
            #[cfg(feature = "h265")]
            Data::Units(Coding::H265, units) => {
                for picture in self.h265.decode(&units, encoded.at)? {
                    self.wait_in_order(picture);
                }
            }
            #[cfg(feature = "matroska")]
            Data::Jpeg(jpeg) => {
                if let Some(image) = self.decoder.image(Packet::Encoded(jpeg)) {
                    self.wait(encoded.at.unwrap_or_default().as_nanos(), image);
                }
            }
        }
        Ok(())
    }

    fn wait(&mut self, place: i128, image: FrameImage) {
        self.waiting.insert((place, self.decoded), image);
        self.decoded += 1;
    }

    /// Takes a picture of a decoder that returns them in the order of showing.
    #[cfg(feature = "h265")]
    fn wait_in_order(&mut self, picture: crate::h265::Picture<Option<SignedDuration>>) {
        let place = picture.origin.map(|at| at.as_nanos());
        let place = place.unwrap_or_else(|| i128::from(self.decoded));
        self.wait(place, picture.image);
    }
}

impl Times {
    /// The time of a frame. `nth` counts from 0.
    fn at(&mut self, place: i128, nth: u64) -> Result<Timestamp> {
        /// Times of damaged files are limited, so that they can be computed with.
        const CENTURY: i128 = 100 * 365 * 86_400_000_000_000;
        let first = *self.first.get_or_insert(place);
        let since = match self.rate {
            None => {
                let since = (place - first).clamp(-CENTURY, CENTURY);
                SignedDuration::from_nanos_i128(since)
            }
            Some(rate) => SignedDuration::from_secs_f64(nth as f64 / rate),
        };
        self.start
            .checked_add(since)
            .map_err(|error| Error::argument("start", error))
    }
}

struct AnnexB {
    pictures: Pictures<BufReader<File>>,
    coding: Coding,
    name: String,
}

impl Pictured for AnnexB {
    fn next(&mut self) -> Result<Option<Encoded>> {
        let next = self.pictures.next();
        let next = next.map_err(Error::io("reading", &*self.name))?;
        Ok(next.map(|units| Encoded {
            data: Data::Units(self.coding, units),
            at: None,
            is_key: false,
        }))
    }
}
