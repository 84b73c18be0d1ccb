//! Matroska and WebM, by the crate `matroska-demuxer`. No other file names it.

use std::{fs::File, io::BufReader};

use facekit::{Error, Result, catch_panic};
use jiff::SignedDuration;
use matroska_demuxer::{DemuxError, Frame, MatroskaFile, TrackType};

use super::{
    FileOptions,
    stream::{Data, Encoded, Pictured},
};
use crate::{
    configuration::Configuration,
    picture::{check_bytes, refused},
    units::Coding,
};

/// The video track of a file.
pub(super) struct MatroskaTrack {
    file: MatroskaFile<BufReader<File>>,
    name: String,
    number: u64,
    codec: Codec,
    /// The nanoseconds of a unit of time.
    unit: u64,
    most_bytes: usize,
}

enum Codec {
    Units(Configuration),
    MotionJpeg,
}

impl MatroskaTrack {
    pub(super) fn open(file: File, name: &str, options: &FileOptions) -> Result<Self> {
        let file = catch_panic(|| MatroskaFile::open(BufReader::new(file)))
            .map_err(|message| refused(name, format!("is damaged: {message}")))?;
        let file = file.map_err(|error| damaged(name, error))?;
        let mut tracks = file.tracks().iter();
        let track = tracks
            .find(|track| track.track_type() == TrackType::Video)
            .ok_or_else(|| refused(name, "has no video track"))?;
        if track
            .content_encodings()
            .is_some_and(|them| !them.is_empty())
        {
            return Err(refused(name, "has a video track that is compressed again"));
        }
        let configured = |coding| {
            let record = track.codec_private();
            let configuration = record.and_then(|record| Configuration::parse(record, coding));
            let configuration = configuration.map(Codec::Units);
            configuration.ok_or_else(|| refused(name, "has no parameters of its video"))
        };
        let codec = match track.codec_id() {
            "V_MPEG4/ISO/AVC" => configured(Coding::H264)?,
            #[cfg(feature = "h265")]
            "V_MPEGH/ISO/HEVC" => configured(Coding::H265)?,
            "V_MJPEG" => Codec::MotionJpeg,
            other => {
                return Err(refused(
                    name,
                    format!("has video of the codec {other}, which is not supported"),
                ));
            }
        };
        Ok(Self {
            number: track.track_number().get(),
            unit: file.info().timestamp_scale().get(),
            codec,
            name: name.to_owned(),
            most_bytes: options.limits.max_file_bytes,
            file,
        })
    }
}

impl Pictured for MatroskaTrack {
    fn next(&mut self) -> Result<Option<Encoded>> {
        let mut frame = Frame::default();
        loop {
            let is_read = catch_panic(|| self.file.next_frame(&mut frame));
            let is_read =
                is_read.map_err(|message| refused(&self.name, format!("is damaged: {message}")))?;
            if !is_read.map_err(|error| damaged(&self.name, error))? {
                return Ok(None);
            }
            if frame.track == self.number {
                break;
            }
        }
        check_bytes(&self.name, frame.data.len(), self.most_bytes)?;
        let is_key = frame.is_keyframe.unwrap_or(false);
        let nanoseconds = frame.timestamp.saturating_mul(self.unit);
        let nanoseconds = i64::try_from(nanoseconds).unwrap_or(i64::MAX);
        Ok(Some(Encoded {
            data: match &self.codec {
                // A block in a group does not say whether it is a key frame, so the parameters are always there.
                Codec::Units(configuration) => {
                    Data::Units(configuration.coding, configuration.units(&frame.data, true))
                }
                Codec::MotionJpeg => Data::Jpeg(frame.data),
            },
            at: Some(SignedDuration::from_nanos(nanoseconds)),
            is_key,
        }))
    }
}

fn damaged(name: &str, error: DemuxError) -> Error {
    match error {
        DemuxError::IoError(error) => Error::io("reading", name)(error),
        error => Error::Image {
            name: name.to_owned(),
            reason: "is damaged".to_owned(),
            source: Some(Box::new(error)),
        },
    }
}
