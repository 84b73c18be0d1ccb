use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use facekit::{FrameImage, FrameSource, Next, Pace, Result, image::DecodeLimits};
use jiff::Timestamp;

use crate::{
    live::{Arrival, Live, Numbers},
    packet::Packet,
    picture::check_bytes,
    sender::SenderTimes,
    slot::Slot,
};

/// A live source that other code fills: a gateway of cameras, a web page with a camera, a driver.
///
/// An inbox keeps the newest frame. A frame that was not taken before the next one came is dropped, and is never decoded. The source
/// ends when all its senders were dropped.
///
/// ```
/// use std::time::Duration;
///
/// use facekit::{FrameSource, Image, Next, image::{DecodeLimits, encode_jpeg}};
/// use facekit_video::Inbox;
///
/// let (sender, mut inbox) = Inbox::new(&DecodeLimits::default());
/// let jpeg = encode_jpeg(&Image::filled(64, 48, [90; 3]), 90);
/// sender.push_encoded(jpeg, None)?;
/// sender.push(Image::filled(32, 24, [90; 3]), None);
/// let Next::Frame(frame) = inbox.next(Duration::ZERO)? else { panic!("a frame was pushed") };
/// assert_eq!((frame.image.view().width(), frame.sequence), (32, 1));
/// drop(sender);
/// assert_eq!(inbox.next(Duration::ZERO)?, Next::End);
/// # Ok::<(), facekit::Error>(())
/// ```
#[derive(Debug)]
pub struct Inbox {
    live: Live,
}

/// Fills an [`Inbox`]. Clones fill the same one.
#[derive(Clone)]
pub struct InboxSender(Arc<Shared>);

struct Shared {
    slot: Arc<Slot<Arrival>>,
    order: Mutex<Order>,
    most_bytes: usize,
}

/// The numbers and the times of the frames.
#[derive(Default)]
struct Order {
    numbers: Numbers,
    times: SenderTimes,
}

impl Inbox {
    /// An empty inbox. The limits are those of encoded images.
    #[must_use]
    pub fn new(limits: &DecodeLimits) -> (InboxSender, Self) {
        let slot = Arc::new(Slot::new());
        let sender = Shared {
            slot: Arc::clone(&slot),
            order: Mutex::default(),
            most_bytes: limits.max_file_bytes,
        };
        let live = Live::new(slot, limits);
        (InboxSender(Arc::new(sender)), Self { live })
    }
}

impl FrameSource for Inbox {
    fn next(&mut self, wait: Duration) -> Result<Next> {
        self.live.next(wait)
    }

    fn pace(&self) -> Pace {
        Pace::Live
    }

    fn skip_before(&mut self, at: Timestamp) {
        self.live.skip_before(at);
    }

    fn damaged(&self) -> u64 {
        self.live.damaged()
    }
}

impl InboxSender {
    /// Pushes a JPEG, PNG or WebP, which was taken at the time `at`. `None` means now. A time that is off by more than two seconds is not
    /// used: this frame, and those after it, then have the time of their arrival, until the time is off by one second at most.
    ///
    /// An image that cannot be decoded is left out, and counts as [`damaged`](FrameSource::damaged).
    ///
    /// # Errors
    ///
    /// [`Error::ImageTooLarge`](facekit::Error::ImageTooLarge) for more bytes than [`max_file_bytes`](DecodeLimits::max_file_bytes).
    pub fn push_encoded(&self, image: impl Into<Vec<u8>>, at: Option<Timestamp>) -> Result<()> {
        let bytes = image.into();
        check_bytes("pushed frame", bytes.len(), self.0.most_bytes)?;
        self.put(Packet::Encoded(bytes), at);
        Ok(())
    }

    /// Pushes pixels, which were taken at the time `at`. The time is treated as in [`push_encoded`](Self::push_encoded).
    pub fn push(&self, image: impl Into<FrameImage>, at: Option<Timestamp>) {
        self.put(Packet::Pixels(image.into()), at);
    }

    /// True if the inbox was dropped, so that nobody takes frames any more.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        // The sender itself holds one.
        Arc::strong_count(&self.0.slot) == 1
    }

    fn put(&self, packet: Packet, at: Option<Timestamp>) {
        // Locked until the frame is in its place, so that numbers rise.
        let mut order = self.0.order.lock().unwrap_or_else(PoisonError::into_inner);
        let (at, clock) = order.times.choose(at, Timestamp::now());
        let arrived = order.numbers.arrived_at(packet, at, clock);
        self.0.slot.put(Arrival::Frame(arrived));
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.slot.end(None);
    }
}

impl fmt::Debug for InboxSender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InboxSender")
            .field("is_closed", &self.is_closed())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use facekit::{Clock, Image, VideoFrame, image::encode_jpeg};
    use jiff::SignedDuration;

    use super::*;

    fn open() -> (InboxSender, Inbox) {
        Inbox::new(&DecodeLimits::default())
    }

    fn taken(inbox: &mut Inbox) -> VideoFrame {
        match inbox.next(Duration::ZERO).unwrap() {
            Next::Frame(frame) => frame,
            other => panic!("{other:?}"),
        }
    }

    fn image(side: usize) -> Image {
        Image::filled(side, side, [90; 3])
    }

    #[test]
    fn the_newest_frame_is_kept() {
        let (sender, mut inbox) = open();
        assert_eq!(inbox.next(Duration::ZERO).unwrap(), Next::Nothing);
        for side in [16, 32] {
            sender.clone().push(image(side), None);
        }
        let frame = taken(&mut inbox);
        assert_eq!((frame.image.view().width(), frame.sequence), (32, 1));
        assert_eq!(inbox.next(Duration::ZERO).unwrap(), Next::Nothing);
        // Another size.
        sender
            .push_encoded(encode_jpeg(&image(16), 90), None)
            .unwrap();
        let frame = taken(&mut inbox);
        assert!(frame.discontinuity && frame.image.view().width() == 16);
    }

    #[test]
    fn a_clock_that_is_off_is_not_used() {
        let (sender, mut inbox) = open();
        let begin = Timestamp::now();
        let second = SignedDuration::from_secs(1);
        for (at, clock) in [
            (Some(begin - second), Clock::Sender),
            (Some(begin + second), Clock::Sender),
            (Some(begin - 3 * second), Clock::Arrival),
            (Some(begin + 1000 * second), Clock::Arrival),
            (None, Clock::Arrival),
        ] {
            sender.push(image(16), at);
            let frame = taken(&mut inbox);
            assert_eq!(frame.clock, clock, "{at:?}");
            match clock {
                Clock::Sender => assert_eq!(Some(frame.at), at),
                Clock::Arrival => assert!(frame.at >= begin && frame.at <= Timestamp::now()),
            }
        }
    }

    #[test]
    fn a_clock_that_is_off_by_about_two_seconds_does_not_jump() {
        let (sender, mut inbox) = open();
        let mut jumps = 0;
        for nth in 0..20 {
            let off = if nth % 2 == 0 { 1900 } else { 2100 };
            let at = Timestamp::now() - SignedDuration::from_millis(off);
            sender.push(image(16), Some(at));
            jumps += u32::from(taken(&mut inbox).discontinuity);
        }
        assert_eq!(jumps, 0, "the first change goes forward in time");
    }

    #[test]
    fn frames_before_the_wanted_time_are_not_decoded() {
        let (sender, mut inbox) = open();
        let second = SignedDuration::from_secs(1);
        sender.push(image(16), None);
        let first = taken(&mut inbox);
        inbox.skip_before(first.at + second);
        // A picture that cannot be decoded would count as damaged.
        sender.push_encoded(*b"no image", None).unwrap();
        assert_eq!(inbox.next(Duration::ZERO).unwrap(), Next::Nothing);
        assert_eq!(inbox.damaged(), 0);
        sender.push(image(16), Some(first.at + second));
        let later = taken(&mut inbox);
        assert!(later.at == first.at + second && !later.discontinuity);
        // A clock that was set back is told at once.
        inbox.skip_before(first.at + 5 * second);
        sender.push(image(16), Some(first.at));
        assert!(taken(&mut inbox).discontinuity);
    }

    #[test]
    fn times_fall_only_at_a_discontinuity() {
        let (sender, mut inbox) = open();
        let ahead = Timestamp::now() + SignedDuration::from_secs(1);
        sender.push(image(16), Some(ahead));
        assert!(!taken(&mut inbox).discontinuity);
        sender.push(image(16), None);
        assert!(taken(&mut inbox).discontinuity);
    }

    #[test]
    fn damage_and_size_have_limits() {
        let mut limits = DecodeLimits::default();
        limits.max_file_bytes = 2000;
        let (sender, mut inbox) = Inbox::new(&limits);
        sender.push_encoded(*b"no image", None).unwrap();
        assert_eq!(inbox.next(Duration::ZERO).unwrap(), Next::Nothing);
        assert_eq!(inbox.damaged(), 1);
        let error = sender.push_encoded(vec![0; 2001], None).unwrap_err();
        assert!(error.to_string().contains("2001 bytes"), "{error}");
    }

    #[test]
    fn the_ends_know_of_each_other() {
        let (sender, mut inbox) = open();
        let other = sender.clone();
        drop(sender);
        other.push(image(16), None);
        drop(other);
        assert_eq!(taken(&mut inbox).sequence, 0);
        assert_eq!(inbox.next(Duration::ZERO).unwrap(), Next::End);
        let (sender, inbox) = open();
        assert!(!sender.is_closed());
        drop(inbox);
        assert!(sender.is_closed());
        sender.push(image(16), None);
    }
}
