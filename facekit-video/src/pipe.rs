use std::{
    fmt,
    io::{BufReader, Read},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use facekit::{Clock, Error, FrameSource, Next, Pace, Result, VideoFrame, image::DecodeLimits};
use jiff::{SignedDuration, Timestamp};

use crate::{
    options::{PipeOptions, Timing},
    packet::{Input, Packet, Packets},
    slot::{Slot, Taken},
};

/// A video from a pipe, such as the standard input, or from a file: Motion JPEG or YUV4MPEG2. The first byte tells which of them.
///
/// A damaged JPEG is left out. Interlaced video, and pixels other than 4:2:0 of 8 bits or luma alone, are refused.
///
/// With [`Timing::Arrival`], a thread reads the pipe, and keeps the newest frame only. Only frames that are taken are decoded. The
/// thread ends when the pipe does.
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
    limits: DecodeLimits,
    /// The size and the time of the last frame.
    last: Option<((usize, usize), Timestamp)>,
    damaged: u64,
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
    },
    Live(Arc<Slot<Arrived>>),
    Ended,
}

/// A packet with the time of its arrival and its number.
struct Arrived {
    packet: Packet,
    at: Timestamp,
    sequence: u64,
}

impl Pipe {
    /// Reads the header of a video, for which it waits.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] if reading fails, [`Error::Image`] if it is no such video or is empty, [`Error::ImageTooLarge`] if its frames
    /// are larger than the limits, and [`Error::InvalidArgument`] for a rate that is out of range, or if there is none for a
    /// recording of Motion JPEG.
    pub fn open(reader: impl Read + Send + 'static, options: &PipeOptions) -> Result<Self> {
        let input: Input = BufReader::with_capacity(BUFFER, Box::new(reader));
        let packets = Packets::open(input, &options.limits)?;
        let frames = match options.timing {
            Timing::Arrival => Frames::live(packets),
            Timing::Recorded {
                start,
                frames_per_second,
            } => {
                let rate = frames_per_second.or_else(|| packets.rate());
                let rate = rate.ok_or_else(|| {
                    Error::argument("rate", "Motion JPEG states none, so a recording needs one")
                })?;
                if !(SLOWEST..=FASTEST).contains(&rate) {
                    let reason = format!("{rate} is not between {SLOWEST} and {FASTEST}");
                    return Err(Error::argument("rate", reason));
                }
                Frames::Recorded {
                    packets,
                    start,
                    frames_per_second: rate,
                    read: 0,
                    returned: 0,
                }
            }
        };
        Ok(Self {
            frames,
            limits: options.limits.clone(),
            last: None,
            damaged: 0,
        })
    }

    /// The number of frames that were left out because they could not be decoded.
    #[must_use]
    pub fn damaged(&self) -> u64 {
        self.damaged
    }

    /// Decodes a packet. `None` if it is damaged.
    fn frame(
        &mut self,
        Arrived {
            packet,
            at,
            sequence,
        }: Arrived,
        clock: Clock,
    ) -> Option<VideoFrame> {
        let Ok(image) = packet.decode(&self.limits) else {
            self.damaged += 1;
            return None;
        };
        let size = (image.view().width(), image.view().height());
        let before = self.last.replace((size, at));
        let jumps = before.is_some_and(|(of_before, time)| of_before != size || at < time);
        Some(
            VideoFrame::new(image, at, sequence)
                .with_clock(clock)
                .with_discontinuity(jumps),
        )
    }

    fn next_recorded(&mut self) -> Result<Next> {
        while let Frames::Recorded {
            packets,
            start,
            frames_per_second,
            read,
            returned,
        } = &mut self.frames
        {
            let Some(packet) = packets.next()? else { break };
            let since = SignedDuration::from_secs_f64(*read as f64 / *frames_per_second);
            let at = start
                .checked_add(since)
                .map_err(|error| Error::argument("start", error))?;
            let sequence = *returned;
            *read += 1;
            let arrived = Arrived {
                packet,
                at,
                sequence,
            };
            if let Some(frame) = self.frame(arrived, Clock::Sender) {
                if let Frames::Recorded { returned, .. } = &mut self.frames {
                    *returned += 1;
                }
                return Ok(Next::Frame(frame));
            }
        }
        self.frames = Frames::Ended;
        Ok(Next::End)
    }

    fn next_live(&mut self, slot: &Slot<Arrived>, wait: Duration) -> Result<Next> {
        let begin = Instant::now();
        loop {
            match slot.take(wait.saturating_sub(begin.elapsed())) {
                Taken::Newest(arrived) => {
                    if let Some(frame) = self.frame(arrived, Clock::Arrival) {
                        return Ok(Next::Frame(frame));
                    }
                }
                Taken::Nothing => return Ok(Next::Nothing),
                Taken::End(error) => {
                    return error.map_or(Ok(Next::End), Err);
                }
            }
        }
    }
}

impl FrameSource for Pipe {
    fn next(&mut self, wait: Duration) -> Result<Next> {
        match &self.frames {
            Frames::Recorded { .. } => self.next_recorded().inspect_err(|_| {
                self.frames = Frames::Ended;
            }),
            Frames::Live(slot) => {
                let slot = Arc::clone(slot);
                self.next_live(&slot, wait)
            }
            Frames::Ended => Ok(Next::End),
        }
    }

    fn pace(&self) -> Pace {
        match self.frames {
            Frames::Live(_) => Pace::Live,
            Frames::Recorded { .. } | Frames::Ended => Pace::Recorded,
        }
    }
}

impl Frames {
    /// Starts the thread that reads the pipe.
    fn live(mut packets: Packets) -> Self {
        let slot = Arc::new(Slot::new());
        let filled = Arc::downgrade(&slot);
        thread::spawn(move || {
            for sequence in 0.. {
                let next = packets.next();
                // Nobody waits for frames any more.
                let Some(slot) = filled.upgrade() else { return };
                match next {
                    Ok(Some(packet)) => slot.put(Arrived {
                        packet,
                        at: Timestamp::now(),
                        sequence,
                    }),
                    Ok(None) => return slot.end(None),
                    Err(error) => return slot.end(Some(error)),
                }
            }
        });
        Self::Live(slot)
    }
}

/// The bytes that are read at once.
const BUFFER: usize = 64 << 10;
/// The frames a second of a recording.
const SLOWEST: f64 = 0.01;
const FASTEST: f64 = 1000.0;

impl fmt::Debug for Pipe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pipe")
            .field("pace", &self.pace())
            .field("damaged", &self.damaged)
            .finish_non_exhaustive()
    }
}
