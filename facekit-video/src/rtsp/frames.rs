//! The frames of encoded pictures.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use facekit::{Clock, FrameImage, Next, Result, image::DecodeLimits};
use jiff::{SignedDuration, Timestamp};

use super::queue::{Picture, Queue, Taken};
#[cfg(feature = "h265")]
use crate::h265::H265;
use crate::{
    h264::H264,
    live::{Arrived, Decoder},
    packet::Packet,
    units::Coding,
};

/// A frame with a time of the sender that is earlier than the last one by no more than this is shown before it, and so comes too late.
/// Otherwise the clock has jumped.
const MOST_LATE: SignedDuration = SignedDuration::from_secs(2);

/// The source's side of a queue.
#[derive(Debug)]
pub(super) struct Frames {
    /// `None` after an error. The thread that fills the queue then ends.
    queue: Option<Arc<Queue>>,
    codecs: Codecs,
    decoder: Decoder,
    /// Frames before this time are not needed.
    wanted_from: Timestamp,
    /// The time and the connection of the last frame.
    last: Option<(Timestamp, u64)>,
}

/// The decoders of a camera.
struct Codecs {
    h264: H264,
    #[cfg(feature = "h265")]
    h265: H265,
}

impl std::fmt::Debug for Codecs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Codecs").finish_non_exhaustive()
    }
}

impl Frames {
    /// `name` is that of the camera in errors.
    pub(super) fn new(queue: Arc<Queue>, name: &str, limits: &DecodeLimits) -> Self {
        Self {
            queue: Some(queue),
            codecs: Codecs {
                h264: H264::new(name, limits),
                #[cfg(feature = "h265")]
                h265: H265::new(name, limits),
            },
            decoder: Decoder::new(limits),
            wanted_from: Timestamp::MIN,
            last: None,
        }
    }

    pub(super) fn skip_before(&mut self, at: Timestamp) {
        self.wanted_from = at;
    }

    pub(super) fn damaged(&self) -> u64 {
        let damaged = self.codecs.h264.damaged();
        #[cfg(feature = "h265")]
        let damaged = damaged + self.codecs.h265.damaged();
        damaged
    }

    /// The answer of [`FrameSource::next`](facekit::FrameSource::next).
    pub(super) fn next(&mut self, wait: Duration) -> Result<Next> {
        let Some(queue) = self.queue.clone() else {
            return Ok(Next::End);
        };
        let next = self.newest(&queue, wait);
        if next.is_err() {
            self.queue = None;
        }
        next
    }

    /// Decodes what waits, and returns the newest frame.
    fn newest(&mut self, queue: &Queue, wait: Duration) -> Result<Next> {
        let begin = Instant::now();
        let mut newest = None;
        loop {
            let left = match newest {
                Some(_) => Duration::ZERO,
                None => wait.saturating_sub(begin.elapsed()),
            };
            match queue.take(left) {
                Taken::Picture(picture) => {
                    for frame in self.codecs.decode(&picture)? {
                        if self.is_wanted(&frame, newest.as_ref()) {
                            newest = Some(frame);
                        }
                    }
                    // If decoding takes longer than the pictures, an older frame is better than none.
                    if begin.elapsed() < wait {
                        continue;
                    }
                }
                Taken::Lost { reason, retry_at } => return Ok(Next::Lost { reason, retry_at }),
                Taken::Nothing => {}
            }
            let Some(frame) = newest else {
                return Ok(Next::Nothing);
            };
            self.last = Some((frame.at, frame.connection));
            let frame = self.decoder.frame(frame);
            return Ok(frame.map_or(Next::Nothing, Next::Frame));
        }
    }

    /// True for a frame that may be returned, after a newer one that waits.
    fn is_wanted(&self, frame: &Arrived, newest: Option<&Arrived>) -> bool {
        let last = newest.map(|newest| (newest.at, newest.connection));
        let is_late = last.or(self.last).is_some_and(|(at, connection)| {
            let behind = at.duration_since(frame.at);
            let is_ordered = connection == frame.connection && frame.clock == Clock::Sender;
            is_ordered && (SignedDuration::ZERO..=MOST_LATE).contains(&behind)
        });
        let is_skipped = frame.at < self.wanted_from && self.decoder.continues(frame);
        !is_late && !is_skipped
    }
}

impl Codecs {
    /// Decodes a picture. Returns the frames that can be shown now.
    fn decode(&mut self, picture: &Picture) -> Result<Vec<Arrived>> {
        let arrived = |image: FrameImage, at: Timestamp| Arrived {
            packet: Packet::Pixels(image),
            at,
            clock: picture.clock,
            sequence: picture.sequence,
            connection: picture.connection,
        };
        match picture.coding {
            Coding::H264 => {
                let decoded = self.h264.decode(&picture.units, picture.is_key)?;
                let frame = decoded.map(|decoded| arrived(decoded.image, picture.at));
                Ok(frame.into_iter().collect())
            }
            #[cfg(feature = "h265")]
            Coding::H265 => {
                let since = picture.at.duration_since(Timestamp::UNIX_EPOCH);
                let decoded = self.h265.decode(&picture.units, Some(since))?;
                let frames = decoded.into_iter().map(|decoded| {
                    let at = decoded
                        .at
                        .and_then(|since| Timestamp::from_duration(since).ok());
                    arrived(decoded.image, at.unwrap_or(picture.at))
                });
                Ok(frames.collect())
            }
        }
    }
}
