use std::{
    fmt,
    io::{BufReader, Read},
    sync::Arc,
    thread,
    time::Duration,
};

use facekit::{Clock, Error, FrameSource, Next, Pace, Result, image::DecodeLimits};
use jiff::{SignedDuration, Timestamp};

use crate::{
    live::{Arrival, Arrived, Decoder, Live, Numbers},
    options::{PipeOptions, Timing},
    packet::{Input, Packets},
    picture::check_rate,
    slot::Slot,
};

/// A video from a pipe, such as the standard input, or from a file: Motion JPEG or YUV4MPEG2. The first byte tells which of them.
///
/// A damaged JPEG is left out, and a pipe without any JPEG is refused. Interlaced video, and pixels other than 4:2:0 of 8 bits or luma alone, are refused.
///
/// With [`Timing::Arrival`], a thread reads the pipe, and keeps the newest frame only. Only frames that are taken are decoded. The
/// thread ends when the pipe does. It also reads the header, so that a pipe that is silent holds nobody up.
///
/// ```
/// use std::{io::Cursor, time::Duration};
///
/// use facekit::{FrameSource, Image, Next, image::encode_jpeg};
/// use facekit_video::{Pipe, PipeOptions, Timing};
///
/// let jpeg = encode_jpeg(&Image::filled(64, 48, [90; 3]), 90);
/// let noon = "2026-03-02T12:00:00Z".parse().unwrap();
/// let options = PipeOptions::default().with_timing(Timing::recorded(noon).with_rate(10.0));
/// let mut video = Pipe::open(Cursor::new([&jpeg[..], &jpeg].concat()), &options)?;
/// let mut times = Vec::new();
/// while let Next::Frame(frame) = video.next(Duration::ZERO)? {
///     times.push(frame.at.to_string());
/// }
/// assert_eq!(times, ["2026-03-02T12:00:00Z", "2026-03-02T12:00:00.1Z"]);
/// # Ok::<(), facekit::Error>(())
/// ```
pub struct Pipe {
    frames: Frames,
}

enum Frames {
    Recorded {
        packets: Packets,
        start: Timestamp,
        frames_per_second: f64,
        /// The number of packets that were read.
        read: u64,
        /// The number of frames that were returned.
        returned: u64,
        decoder: Decoder,
    },
    Live(Live),
    Ended {
        damaged: u64,
    },
}

impl Pipe {
    /// Opens a video. Of a recording, it reads the header, for which it waits.
    ///
    /// # Errors
    ///
    /// For a recording: [`Error::Io`] if reading fails, [`Error::Image`] if it is no such video or is empty, [`Error::ImageTooLarge`]
    /// if its frames are larger than the limits, and [`Error::InvalidArgument`] for a rate that is out of range, or if there is none for
    /// Motion JPEG. For a live video, [`next`](FrameSource::next) returns these errors.
    pub fn open(reader: impl Read + Send + 'static, options: &PipeOptions) -> Result<Self> {
        Self::named("video pipe", reader, options)
    }

    /// Opens a video with this name in errors.
    pub(crate) fn named(
        name: &str,
        reader: impl Read + Send + 'static,
        options: &PipeOptions,
    ) -> Result<Self> {
        let input: Input = BufReader::with_capacity(BUFFER, Box::new(reader));
        let frames = match options.timing {
            Timing::Arrival => Frames::live(input, name, &options.limits)?,
            Timing::Recorded {
                start,
                frames_per_second,
            } => {
                let packets = Packets::open(input, name, &options.limits)?;
                let rate = frames_per_second.or_else(|| packets.rate());
                let rate = rate.ok_or_else(|| {
                    Error::argument("rate", "Motion JPEG states none, so a recording needs one")
                })?;
                check_rate(rate)?;
                Frames::Recorded {
                    packets,
                    start,
                    frames_per_second: rate,
                    read: 0,
                    returned: 0,
                    decoder: Decoder::new(&options.limits),
                }
            }
        };
        Ok(Self { frames })
    }

    fn next_recorded(&mut self) -> Result<Next> {
        while let Frames::Recorded {
            packets,
            start,
            frames_per_second,
            read,
            returned,
            decoder,
        } = &mut self.frames
        {
            let Some(packet) = packets.next()? else { break };
            let since = SignedDuration::from_secs_f64(*read as f64 / *frames_per_second);
            let at = start
                .checked_add(since)
                .map_err(|error| Error::argument("start", error))?;
            *read += 1;
            let arrived = Arrived {
                packet,
                at,
                clock: Clock::Sender,
                sequence: *returned,
                connection: 0,
            };
            if let Some(frame) = decoder.frame(arrived) {
                *returned += 1;
                return Ok(Next::Frame(frame));
            }
        }
        self.end();
        Ok(Next::End)
    }

    fn end(&mut self) {
        self.frames = Frames::Ended {
            damaged: self.damaged(),
        };
    }
}

impl FrameSource for Pipe {
    fn next(&mut self, wait: Duration) -> Result<Next> {
        match &mut self.frames {
            Frames::Recorded { .. } => self.next_recorded().inspect_err(|_| self.end()),
            Frames::Live(live) => live.next(wait),
            Frames::Ended { .. } => Ok(Next::End),
        }
    }

    fn pace(&self) -> Pace {
        match self.frames {
            Frames::Live(_) => Pace::Live,
            Frames::Recorded { .. } | Frames::Ended { .. } => Pace::Recorded,
        }
    }

    fn skip_before(&mut self, at: Timestamp) {
        if let Frames::Live(live) = &mut self.frames {
            live.skip_before(at);
        }
    }

    fn damaged(&self) -> u64 {
        match &self.frames {
            Frames::Recorded { decoder, .. } => decoder.damaged(),
            Frames::Live(live) => live.damaged(),
            Frames::Ended { damaged } => *damaged,
        }
    }
}

impl Frames {
    /// Starts the thread that reads the pipe.
    fn live(input: Input, name: &str, limits: &DecodeLimits) -> Result<Self> {
        let slot = Arc::new(Slot::new());
        let filled = Arc::downgrade(&slot);
        let (video, limits_of_thread) = (name.to_owned(), limits.clone());
        let read = move || {
            let mut packets = Packets::open(input, &video, &limits_of_thread);
            let mut numbers = Numbers::default();
            loop {
                let next = match &mut packets {
                    Ok(packets) => packets.next(),
                    Err(_) => Ok(None),
                };
                // Nobody waits for frames any more.
                let Some(slot) = filled.upgrade() else { return };
                match next {
                    Ok(Some(packet)) => slot.put(Arrival::Frame(numbers.arrived(packet))),
                    Ok(None) => return slot.end(packets.err()),
                    Err(error) => return slot.end(Some(error)),
                }
            }
        };
        let started = thread::Builder::new().name(format!("facekit {name}"));
        started
            .spawn(read)
            .map_err(Error::io("starting the thread of", name))?;
        Ok(Self::Live(Live::new(slot, limits)))
    }
}

/// The bytes that are read at once.
const BUFFER: usize = 64 << 10;

impl fmt::Debug for Pipe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pipe")
            .field("pace", &self.pace())
            .field("damaged", &self.damaged())
            .finish_non_exhaustive()
    }
}
