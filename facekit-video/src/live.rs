//! Live sources: a thread fills a slot with what arrives, and the frames of the slot are decoded when they are taken.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use facekit::{Clock, FrameImage, Next, Result, VideoFrame, image::DecodeLimits};
use jiff::Timestamp;

use crate::{
    packet::Packet,
    slot::{Slot, Taken},
};

/// The news of a live source.
pub(crate) enum Arrival {
    Frame(Arrived),
    #[cfg(feature = "http")]
    Lost {
        reason: String,
        retry_at: Timestamp,
    },
    /// There is no frame, but the source works.
    #[cfg(feature = "http")]
    Unchanged,
}

/// A packet with its time and its number.
pub(crate) struct Arrived {
    pub(crate) packet: Packet,
    pub(crate) at: Timestamp,
    pub(crate) clock: Clock,
    pub(crate) sequence: u64,
    /// The number of the connection over which it came.
    pub(crate) connection: u64,
}

/// Makes frames of packets.
#[derive(Debug)]
pub(crate) struct Decoder {
    limits: DecodeLimits,
    last: Option<Last>,
    damaged: u64,
}

/// The last frame.
#[derive(Debug, PartialEq)]
struct Last {
    size: (usize, usize),
    at: Timestamp,
    connection: u64,
}

impl Decoder {
    pub(crate) fn new(limits: &DecodeLimits) -> Self {
        Self {
            limits: limits.clone(),
            last: None,
            damaged: 0,
        }
    }

    /// The number of packets that could not be decoded.
    pub(crate) fn damaged(&self) -> u64 {
        self.damaged
    }

    /// Decodes a packet. `None` if it is damaged.
    pub(crate) fn image(&mut self, packet: Packet) -> Option<FrameImage> {
        let image = packet.decode(&self.limits).ok();
        // A file without its end gives a picture without its last rows.
        let image = image.filter(|image| image.view().missing() == 0.0);
        self.damaged += u64::from(image.is_none());
        image
    }

    /// True if a packet continues the last frame, as far as that is known before it is decoded.
    pub(crate) fn continues(&self, arrived: &Arrived) -> bool {
        let is_later = |last: &Last| arrived.at >= last.at && arrived.connection == last.connection;
        self.last.as_ref().is_some_and(is_later)
    }

    /// Makes a frame of a packet. `None` if it is damaged.
    pub(crate) fn frame(&mut self, arrived: Arrived) -> Option<VideoFrame> {
        let image = self.image(arrived.packet)?;
        let now = Last {
            size: (image.view().width(), image.view().height()),
            at: arrived.at,
            connection: arrived.connection,
        };
        let jumps = self.last.as_ref().is_some_and(|last| {
            now.size != last.size || now.at < last.at || now.connection != last.connection
        });
        let frame = VideoFrame::new(image, now.at, arrived.sequence)
            .with_clock(arrived.clock)
            .with_discontinuity(jumps);
        self.last = Some(now);
        Some(frame)
    }
}

/// The source's side of a slot.
#[derive(Debug)]
pub(crate) struct Live {
    slot: Arc<Slot<Arrival>>,
    decoder: Decoder,
    /// Frames before this time are not needed.
    wanted_from: Timestamp,
}

impl Live {
    pub(crate) fn new(slot: Arc<Slot<Arrival>>, limits: &DecodeLimits) -> Self {
        Self {
            slot,
            decoder: Decoder::new(limits),
            wanted_from: Timestamp::MIN,
        }
    }

    /// Frames before this time are not decoded, unless they may be a discontinuity.
    pub(crate) fn skip_before(&mut self, at: Timestamp) {
        self.wanted_from = at;
    }

    pub(crate) fn damaged(&self) -> u64 {
        self.decoder.damaged()
    }

    /// The answer of [`FrameSource::next`](facekit::FrameSource::next). Frames that are left out do not make it longer.
    pub(crate) fn next(&mut self, wait: Duration) -> Result<Next> {
        let begin = Instant::now();
        loop {
            match self.slot.take(wait.saturating_sub(begin.elapsed())) {
                Taken::Newest(Arrival::Frame(arrived)) => {
                    let is_early =
                        arrived.at < self.wanted_from && self.decoder.continues(&arrived);
                    if !is_early && let Some(frame) = self.decoder.frame(arrived) {
                        return Ok(Next::Frame(frame));
                    }
                    if begin.elapsed() >= wait {
                        return Ok(Next::Nothing);
                    }
                }
                #[cfg(feature = "http")]
                Taken::Newest(Arrival::Unchanged) => return Ok(Next::Unchanged),
                #[cfg(feature = "http")]
                Taken::Newest(Arrival::Lost { reason, retry_at }) => {
                    return Ok(Next::Lost { reason, retry_at });
                }
                Taken::Nothing => return Ok(Next::Nothing),
                Taken::End(error) => return error.map_or(Ok(Next::End), Err),
            }
        }
    }
}

/// The numbers and the connection of the packets that arrive.
#[derive(Debug, Default)]
pub(crate) struct Numbers {
    next: u64,
    pub(crate) connection: u64,
}

impl Numbers {
    /// A packet that arrives now.
    pub(crate) fn arrived(&mut self, packet: Packet) -> Arrived {
        self.arrived_at(packet, Timestamp::now(), Clock::Arrival)
    }

    pub(crate) fn arrived_at(&mut self, packet: Packet, at: Timestamp, clock: Clock) -> Arrived {
        let sequence = self.next;
        self.next += 1;
        Arrived {
            packet,
            at,
            clock,
            sequence,
            connection: self.connection,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::atomic::{AtomicBool, Ordering},
        thread,
    };

    use super::*;

    #[test]
    fn a_camera_that_sends_damage_only_does_not_hold_the_reader() {
        let slot = Arc::new(Slot::new());
        let mut live = Live::new(Arc::clone(&slot), &DecodeLimits::default());
        let stops = AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(|| {
                let mut numbers = Numbers::default();
                while !stops.load(Ordering::Relaxed) {
                    let damaged = Packet::Encoded(b"no picture".to_vec());
                    slot.put(Arrival::Frame(numbers.arrived(damaged)));
                    thread::yield_now();
                }
            });
            let begin = Instant::now();
            let next = live.next(Duration::from_millis(50));
            stops.store(true, Ordering::Relaxed);
            assert_eq!(next.unwrap(), Next::Nothing);
            assert!(begin.elapsed() < Duration::from_secs(5));
        });
        assert!(live.damaged() > 0);
    }
}
