//! The frames of encoded pictures.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use facekit::{Clock, Next, Result, image::DecodeLimits};
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

/// The time for which pictures that wait are decoded at least, so that a caller who does not wait gets the newest one, too.
const LEAST: Duration = Duration::from_millis(100);

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
    least: Duration,
    /// The number of pictures that the queue left out, after an error.
    left_out: u64,
}

/// The decoders of a camera.
struct Codecs {
    h264: H264,
    #[cfg(feature = "h265")]
    h265: H265<Origin>,
}

/// A picture as it came, without its units.
#[cfg(feature = "h265")]
#[derive(Clone, Copy)]
struct Origin {
    at: Timestamp,
    clock: Clock,
    sequence: u64,
    connection: u64,
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
            least: LEAST,
            left_out: 0,
        }
    }

    pub(super) fn skip_before(&mut self, at: Timestamp) {
        self.wanted_from = at;
    }

    pub(super) fn damaged(&self) -> u64 {
        let damaged = self.codecs.h264.damaged();
        #[cfg(feature = "h265")]
        let damaged = damaged + self.codecs.h265.damaged();
        let left_out = self.queue.as_ref().map(|queue| queue.left_out());
        damaged + left_out.unwrap_or(self.left_out)
    }

    /// The answer of [`FrameSource::next`](facekit::FrameSource::next).
    pub(super) fn next(&mut self, wait: Duration) -> Result<Next> {
        let Some(queue) = self.queue.clone() else {
            return Ok(Next::End);
        };
        let next = self.newest(&queue, wait);
        if next.is_err() {
            self.left_out = queue.left_out();
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
                    if begin.elapsed() < wait.max(self.least) {
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
        match picture.coding {
            Coding::H264 => {
                let decoded = self.h264.decode(&picture.units, picture.is_key)?;
                let frame = decoded.map(|decoded| Arrived {
                    packet: Packet::Pixels(decoded.image),
                    at: picture.at,
                    clock: picture.clock,
                    sequence: picture.sequence,
                    connection: picture.connection,
                });
                Ok(frame.into_iter().collect())
            }
            #[cfg(feature = "h265")]
            Coding::H265 => {
                if picture.is_after_gap {
                    self.h265.begin_again();
                }
                let origin = Origin {
                    at: picture.at,
                    clock: picture.clock,
                    sequence: picture.sequence,
                    connection: picture.connection,
                };
                let mut decoded = self.h265.decode(&picture.units, origin)?;
                // The decoder still has pictures of the last connection.
                decoded.retain(|decoded| decoded.origin.connection == picture.connection);
                let frames = decoded.into_iter().map(|decoded| Arrived {
                    packet: Packet::Pixels(decoded.image),
                    at: decoded.origin.at,
                    clock: decoded.origin.clock,
                    sequence: decoded.origin.sequence,
                    connection: decoded.origin.connection,
                });
                Ok(frames.collect())
            }
        }
    }
}

#[cfg(all(test, feature = "h265"))]
mod tests {
    use std::io::Cursor;

    use super::*;
    use crate::units::Pictures;

    /// The pictures of a stream of H.265, which begins with a key frame and has others at 5 and 10.
    fn pictures(connection: u64) -> Vec<Picture> {
        let bytes = include_bytes!("../../tests/streams/raw.h265");
        let mut stream = Pictures::new(Cursor::new(bytes.to_vec()), Coding::H265, 1 << 20);
        let mut pictures = Vec::new();
        while let Some(units) = stream.next().unwrap() {
            let sequence = 100 * connection + pictures.len() as u64;
            pictures.push(Picture {
                coding: Coding::H265,
                is_key: Coding::H265.has_key(&units),
                units,
                at: Timestamp::UNIX_EPOCH + SignedDuration::from_millis(40 * sequence as i64),
                clock: Clock::Sender,
                sequence,
                connection,
                is_after_gap: false,
            });
        }
        pictures
    }

    fn frames(queue: &Arc<Queue>) -> Frames {
        let mut frames = Frames::new(Arc::clone(queue), "door", &DecodeLimits::default());
        // Decoding takes as long as it takes.
        frames.least = Duration::from_secs(60);
        frames
    }

    #[test]
    fn a_picture_from_before_a_loss_is_no_frame_of_the_next_connection() {
        let queue = Arc::new(Queue::new(usize::MAX));
        let mut frames = frames(&queue);
        let mut last = 0;
        // The decoder keeps the end of each connection, for pictures that are shown earlier.
        for connection in 1..=2 {
            for picture in pictures(connection).into_iter().take(4) {
                queue.put(picture);
                if let Next::Frame(frame) = frames.next(Duration::ZERO).unwrap() {
                    assert_eq!(frame.discontinuity, connection == 2 && last < 200);
                    assert_eq!(frame.sequence / 100, connection);
                    let at = SignedDuration::from_millis(40 * frame.sequence as i64);
                    assert_eq!(frame.at, Timestamp::UNIX_EPOCH + at);
                    last = frame.sequence;
                }
            }
            queue.lose("gone".to_owned(), Timestamp::UNIX_EPOCH);
            let lost = frames.next(Duration::ZERO).unwrap();
            assert!(matches!(lost, Next::Lost { .. }), "{lost:?}");
        }
        assert!(last >= 200);
        assert_eq!(frames.damaged(), 0);
    }

    #[test]
    fn the_newest_picture_is_returned_without_waiting() {
        let queue = Arc::new(Queue::new(usize::MAX));
        let mut frames = frames(&queue);
        for picture in pictures(1).into_iter().take(5) {
            queue.put(picture);
        }
        let Next::Frame(frame) = frames.next(Duration::ZERO).unwrap() else {
            panic!("no frame");
        };
        assert!(frame.sequence > 100, "{}", frame.sequence);
        assert_eq!(frames.next(Duration::ZERO).unwrap(), Next::Nothing);
    }
}
