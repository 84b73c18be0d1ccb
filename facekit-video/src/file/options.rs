use facekit::image::DecodeLimits;
use jiff::Timestamp;

/// Options of a [`VideoFile`](crate::VideoFile).
///
/// ```
/// use facekit_video::FileOptions;
///
/// let noon = "2026-03-02T12:00:00Z".parse().unwrap();
/// let options = FileOptions::new(noon).with_rate(25.0);
/// assert_eq!(options.start, noon);
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct FileOptions {
    /// The time of the first frame.
    pub start: Timestamp,
    /// Frames in each second, 0.01 to 1000, for files without times: Motion JPEG, raw H.264 and raw H.265, which need it, and YUV4MPEG2, whose header
    /// has one. Other files have the times of their frames.
    pub frames_per_second: Option<f64>,
    /// The limits of a frame. [`max_file_bytes`](DecodeLimits::max_file_bytes) limits its encoded bytes.
    pub limits: DecodeLimits,
}

impl FileOptions {
    /// A recording that began at `start`.
    #[must_use]
    pub fn new(start: Timestamp) -> Self {
        Self {
            start,
            frames_per_second: None,
            limits: DecodeLimits::default(),
        }
    }

    /// Sets [`frames_per_second`](Self::frames_per_second).
    #[must_use]
    pub fn with_rate(mut self, rate: f64) -> Self {
        self.frames_per_second = Some(rate);
        self
    }

    /// Sets [`limits`](Self::limits).
    #[must_use]
    pub fn with_limits(mut self, limits: DecodeLimits) -> Self {
        self.limits = limits;
        self
    }
}
