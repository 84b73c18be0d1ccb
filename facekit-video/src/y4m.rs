//! YUV4MPEG2: a line with the size and the rate, then raw frames. It is the format of mjpegtools, described in its `yuv4mpeg(5)`.

use std::io::{self, BufRead, Read};

use facekit::{
    Error, PixelFormat, Result,
    image::{DecodeLimits, YuvMatrix, YuvRange},
};

use crate::{
    packet::{Input, Packet, Shape},
    picture::{check_size, refused, usual_matrix},
};

const MAGIC: &str = "YUV4MPEG2";
/// The most bytes of a header line.
const LONGEST_LINE: u64 = 1024;

/// The frames of a stream.
pub(crate) struct Y4m {
    input: Input,
    /// The name of the video in errors.
    name: String,
    shape: Shape,
    frame_bytes: usize,
    rate: f64,
}

impl Y4m {
    /// Reads the header.
    pub(crate) fn open(mut input: Input, name: &str, limits: &DecodeLimits) -> Result<Self> {
        let header = read_line(&mut input, name)?;
        let header = header.ok_or_else(|| refused(name, "ends in its header"))?;
        let Header { shape, rate } = Header::parse(&header, name)?;
        check_size(name, (shape.width, shape.height), limits)?;
        let pixels = shape.width * shape.height;
        let frame_bytes = match shape.format {
            PixelFormat::Gray8 => pixels,
            _ => pixels + 2 * shape.width.div_ceil(2) * shape.height.div_ceil(2),
        };
        Ok(Self {
            input,
            name: name.to_owned(),
            shape,
            frame_bytes,
            rate,
        })
    }

    /// Frames a second.
    pub(crate) fn rate(&self) -> f64 {
        self.rate
    }

    /// The next frame; `None` at the end, also if it is inside a frame.
    pub(crate) fn next(&mut self) -> Result<Option<Packet>> {
        let Some(line) = read_line(&mut self.input, &self.name)? else {
            return Ok(None);
        };
        if line != "FRAME" && !line.starts_with("FRAME ") {
            return Err(refused(
                &self.name,
                "has something else where a frame should begin",
            ));
        }
        let mut data = vec![0; self.frame_bytes];
        match self.input.read_exact(&mut data) {
            Ok(()) => Ok(Some(Packet::Raw {
                data,
                shape: self.shape,
            })),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
            Err(error) => Err(Error::io("reading", &*self.name)(error)),
        }
    }
}

#[derive(Debug, PartialEq)]
struct Header {
    shape: Shape,
    rate: f64,
}

impl Header {
    /// Parses a line such as `YUV4MPEG2 W640 H480 F25:1 Ip A1:1 C420jpeg`.
    fn parse(line: &str, name: &str) -> Result<Self> {
        let refused = |reason: String| Err(refused(name, reason));
        let mut words = line.split(' ');
        if words.next() != Some(MAGIC) {
            return refused(format!("does not begin with {MAGIC}"));
        }
        let (mut width, mut height, mut rate) = (None, None, None);
        let (mut chroma, mut range) = ("420", YuvRange::Limited);
        for word in words {
            let mut letters = word.chars();
            let letter = letters.next();
            let value = letters.as_str();
            match letter {
                Some('W') => width = value.parse().ok(),
                Some('H') => height = value.parse().ok(),
                Some('F') => rate = ratio(value),
                Some('I') if !matches!(value, "p" | "?") => {
                    return refused(format!(
                        "is interlaced (I{value}); FFmpeg makes it progressive with -vf yadif"
                    ));
                }
                Some('C') => chroma = value,
                Some('X') if value == "COLORRANGE=FULL" => range = YuvRange::Full,
                _ => {}
            }
        }
        let (Some(width), Some(height), Some(rate)) = (width, height, rate) else {
            return refused(format!("states no size or no rate: {line:?}"));
        };
        // The header does not state the matrix.
        let matrix = usual_matrix(height);
        let format = match chroma {
            "420" | "420mpeg2" | "420paldv" => PixelFormat::I420 { matrix, range },
            // The chroma of JPEG; its matrix is always BT.601.
            "420jpeg" => PixelFormat::I420 {
                matrix: YuvMatrix::Bt601,
                range,
            },
            "mono" => PixelFormat::Gray8,
            other => {
                return refused(format!(
                    "has pixels of the kind {other:?}; FFmpeg makes 420 of them with -pix_fmt yuv420p"
                ));
            }
        };
        let shape = Shape {
            width,
            height,
            format,
        };
        Ok(Self { shape, rate })
    }
}

/// A rate such as `30000:1001`.
fn ratio(text: &str) -> Option<f64> {
    let (above, below) = text.split_once(':')?;
    let (above, below): (u32, u32) = (above.parse().ok()?, below.parse().ok()?);
    (above > 0 && below > 0).then(|| f64::from(above) / f64::from(below))
}

/// A line without its end; `None` at the end of the stream.
fn read_line(input: &mut Input, name: &str) -> Result<Option<String>> {
    let mut line = Vec::new();
    input
        .take(LONGEST_LINE)
        .read_until(b'\n', &mut line)
        .map_err(Error::io("reading", name))?;
    if line.is_empty() {
        return Ok(None);
    }
    if line.pop() != Some(b'\n') {
        return Err(refused(name, "has a line without an end"));
    }
    String::from_utf8(line)
        .map(Some)
        .map_err(|_| refused(name, "has a header that is no text"))
}

#[cfg(test)]
mod tests {
    use std::io::{BufReader, Cursor};

    use super::*;

    fn open(bytes: &[u8]) -> Result<Y4m> {
        let input = BufReader::new(Box::new(Cursor::new(bytes.to_vec())) as Box<dyn Read + Send>);
        Y4m::open(input, "door.y4m", &DecodeLimits::default())
    }

    #[test]
    fn frames_are_read() {
        let mut bytes = b"YUV4MPEG2 W4 H2 F30000:1001 Ip A1:1 C420mpeg2 XYSCSS=420MPEG2\n".to_vec();
        for luma in [16, 235] {
            bytes.extend(b"FRAME\n");
            bytes.extend([luma; 8]);
            bytes.extend([128; 4]);
        }
        bytes.extend(b"FRAME Ip\n\x01\x02");
        let mut video = open(&bytes).unwrap();
        assert!((video.rate() - 29.97).abs() < 0.01);
        let limits = DecodeLimits::default();
        for gray in [0, 255] {
            let frame = video.next().unwrap().unwrap().decode(&limits).unwrap();
            assert_eq!(*frame.view().rgb8(), [gray; 24]);
        }
        assert!(video.next().unwrap().is_none(), "the last frame is cut off");
    }

    #[test]
    fn headers() {
        let format = |line: &str| Header::parse(line, "door.y4m").unwrap().shape.format;
        let i420 = |matrix, range| PixelFormat::I420 { matrix, range };
        assert_eq!(
            format("YUV4MPEG2 W1280 H720 F25:1 XCOLORRANGE=FULL"),
            i420(YuvMatrix::Bt709, YuvRange::Full)
        );
        assert_eq!(
            format("YUV4MPEG2 H720 W1280 F25:1 C420jpeg I?"),
            i420(YuvMatrix::Bt601, YuvRange::Limited)
        );
        assert_eq!(format("YUV4MPEG2 W2 H2 F1:1 Cmono"), PixelFormat::Gray8);
        for (line, words) in [
            ("YUV4MPEG W2 H2 F1:1", "YUV4MPEG2"),
            ("YUV4MPEG2 W2 F1:1", "no size"),
            ("YUV4MPEG2 W2 H2 F0:1", "no rate"),
            ("YUV4MPEG2 W2 H2 F1:1 It", "interlaced"),
            ("YUV4MPEG2 W2 H2 F1:1 C444", "444"),
            ("YUV4MPEG2 W2 H2 F1:1 C420p10", "420p10"),
        ] {
            let error = Header::parse(line, "door.y4m").unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
        }
    }

    #[test]
    fn streams_out_of_bounds_are_refused() {
        for (bytes, words) in [
            (&b"YUV4MPEG2 W99999 H99999 F1:1\n"[..], "99999"),
            (b"YUV4MPEG2 W0 H2 F1:1\n", "0 × 2"),
            (b"YUV4MPEG2 W2 H2 F1:1", "without an end"),
            (b"YUV4MPEG2 \xff\n", "no text"),
        ] {
            let error = open(bytes).err().unwrap().to_string();
            assert!(
                error.contains("door.y4m") && error.contains(words),
                "{error}"
            );
        }
        let mut video = open(b"YUV4MPEG2 W2 H2 F1:1\nFLAME\n123456").unwrap();
        assert!(video.next().is_err());
    }
}
