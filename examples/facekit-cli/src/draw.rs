//! Draws boxes, landmarks and names on photos.

use std::convert::Infallible;

use embedded_graphics::{
    Pixel,
    draw_target::DrawTarget,
    geometry::{OriginDimensions, Point, Size},
    mono_font::{MonoFont, MonoTextStyle, iso_8859_1 as fonts},
    pixelcolor::Rgb888,
    prelude::*,
    primitives::{Circle, PrimitiveStyle, PrimitiveStyleBuilder, Rectangle, StrokeAlignment},
    text::{Baseline, Text},
};
use facekit::{FaceReport, Image, Outcome};

const FOUND: Rgb888 = Rgb888::new(0, 160, 255);
const KNOWN: Rgb888 = Rgb888::new(40, 200, 60);
const UNKNOWN: Rgb888 = Rgb888::new(255, 170, 0);
const REFUSED: Rgb888 = Rgb888::new(230, 40, 40);
const LANDMARK: Rgb888 = Rgb888::new(255, 255, 0);
const TEXT: Rgb888 = Rgb888::new(0, 0, 0);

/// Draws the box, the landmarks and the label of each face.
pub(crate) fn faces(image: &mut Image, faces: &[FaceReport]) {
    let longest = image.width().max(image.height()) as u32;
    let thickness = (longest / 320).max(1);
    for face in faces {
        mark(image, face, thickness);
    }
    // Labels are drawn last, so that no box covers them.
    for (number, face) in (1..).zip(faces) {
        label(image, face, number, thickness);
    }
}

fn mark(image: &mut Image, face: &FaceReport, thickness: u32) {
    let mut canvas = Canvas::whole(image);
    let outline = PrimitiveStyleBuilder::new()
        .stroke_color(color(face))
        .stroke_width(thickness)
        .stroke_alignment(StrokeAlignment::Outside)
        .build();
    let Ok(()) = frame(face).into_styled(outline).draw(&mut canvas);
    let diameter = 2 * thickness + 1;
    for point in face.detection.landmarks.points() {
        let center = Point::new(point.x.round() as i32, point.y.round() as i32);
        let dot = Circle::with_center(center, diameter);
        let Ok(()) = dot
            .into_styled(PrimitiveStyle::with_fill(LANDMARK))
            .draw(&mut canvas);
    }
}

/// Draws the label above the box, or at the top inside the box if there is no room above.
fn label(image: &mut Image, face: &FaceReport, number: usize, thickness: u32) {
    let (font, scale) = font(image.width().max(image.height()) as u32);
    let glyph = font.character_size;
    // Half a character on each side is margin.
    let room = (image.width() / (glyph.width * scale) as usize).saturating_sub(1);
    let text = printable(&caption(face, number, room));
    let width = (text.chars().count() as u32 + 1) * glyph.width * scale;
    let height = (glyph.height + 2) * scale;

    let frame = frame(face);
    let above = frame.top_left.y - thickness as i32 - height as i32;
    let y = if above >= 0 {
        above
    } else {
        frame.top_left.y.max(0)
    };
    let last = image.width() as i32 - width as i32;
    let x = (frame.top_left.x - thickness as i32).min(last).max(0);

    let background = Rectangle::new(Point::new(x, y), Size::new(width, height));
    let fill = PrimitiveStyle::with_fill(color(face));
    let Ok(()) = background.into_styled(fill).draw(&mut Canvas::whole(image));
    let mut canvas = Canvas {
        origin: Point::new(x + (glyph.width * scale / 2) as i32, y + scale as i32),
        scale: scale as i32,
        image,
    };
    let style = MonoTextStyle::new(font, TEXT);
    let Ok(_) = Text::with_baseline(&text, Point::zero(), style, Baseline::Top).draw(&mut canvas);
}

/// The label of a face: the person and the score, or the outcome, or the number of the face in the table. A long name is cut to
/// leave room for the score.
fn caption(face: &FaceReport, number: usize, room: usize) -> String {
    match &face.outcome {
        Some(Outcome::Known(identity)) => {
            let name = identity.name.as_deref();
            let name = name.unwrap_or(identity.person.as_str());
            let score = format!(" {:.2}", identity.score);
            cut(name, room.saturating_sub(score.len())) + &score
        }
        Some(Outcome::Spoof) => "not live".to_owned(),
        Some(Outcome::TightCrop { .. }) => "tight crop".to_owned(),
        Some(Outcome::PoorQuality { issues }) => {
            let codes: Vec<String> = issues
                .iter()
                .map(|issue| issue.code().replace('_', " "))
                .collect();
            codes.join(", ")
        }
        Some(_) => "unknown".to_owned(),
        None => format!("{number}: {:.2}", face.detection.score),
    }
}

/// `text` cut to `room` characters, but to no fewer than four. A cut text ends with three points: the fonts have no ellipsis.
fn cut(text: &str, room: usize) -> String {
    let room = room.max(4);
    if text.chars().count() <= room {
        return text.to_owned();
    }
    let begin: String = text.chars().take(room - 3).collect();
    begin.trim_end().to_owned() + "..."
}

fn color(face: &FaceReport) -> Rgb888 {
    match &face.outcome {
        None => FOUND,
        Some(Outcome::Known(_)) => KNOWN,
        Some(Outcome::Spoof | Outcome::TightCrop { .. } | Outcome::PoorQuality { .. }) => REFUSED,
        Some(_) => UNKNOWN,
    }
}

fn frame(face: &FaceReport) -> Rectangle {
    let rect = &face.detection.rect;
    Rectangle::new(
        Point::new(rect.x.round() as i32, rect.y.round() as i32),
        Size::new(rect.width.round() as u32, rect.height.round() as u32),
    )
}

/// The font for an image of this longest side, and the side of a dot of the font in pixels. The height of the text is about a
/// fortieth of the longest side, and at least 10 pixels.
fn font(longest: u32) -> (&'static MonoFont<'static>, u32) {
    match longest / 40 {
        0..=11 => (&fonts::FONT_6X10, 1),
        12..=17 => (&fonts::FONT_8X13, 1),
        height => (&fonts::FONT_10X20, ((height + 10) / 20).max(1)),
    }
}

/// `text` with a question mark instead of each character that the fonts do not have.
fn printable(text: &str) -> String {
    let known = |c: char| matches!(c, ' '..='~' | '\u{a0}'..='\u{ff}');
    text.chars()
        .map(|c| if known(c) { c } else { '?' })
        .collect()
}

/// An image to draw on, with its origin at `origin` and `scale` × `scale` pixels for each dot.
struct Canvas<'a> {
    image: &'a mut Image,
    origin: Point,
    scale: i32,
}

impl<'a> Canvas<'a> {
    fn whole(image: &'a mut Image) -> Self {
        Self {
            image,
            origin: Point::zero(),
            scale: 1,
        }
    }
}

impl OriginDimensions for Canvas<'_> {
    fn size(&self) -> Size {
        Size::new(self.image.width() as u32, self.image.height() as u32)
    }
}

impl DrawTarget for Canvas<'_> {
    type Color = Rgb888;
    type Error = Infallible;

    fn draw_iter<I>(&mut self, pixels: I) -> Result<(), Infallible>
    where
        I: IntoIterator<Item = Pixel<Rgb888>>,
    {
        let (width, height) = (self.image.width() as i32, self.image.height() as i32);
        for Pixel(point, color) in pixels {
            let corner = self.origin + point * self.scale;
            let ys = corner.y.max(0)..corner.y.saturating_add(self.scale).min(height);
            let xs = corner.x.max(0)..corner.x.saturating_add(self.scale).min(width);
            for y in ys {
                for x in xs.clone() {
                    let at = 3 * (y as usize * width as usize + x as usize);
                    self.image.data_mut()[at..at + 3].copy_from_slice(&[
                        color.r(),
                        color.g(),
                        color.b(),
                    ]);
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use facekit::{Detection, Landmarks, Quality, QualityOptions, Rect, align};

    use super::*;

    /// A face at (`x`, `y`). Its image does not matter.
    fn face(x: f32, y: f32) -> FaceReport {
        let point = |dx: f32, dy: f32| facekit::Point::new(x + dx, y + dy);
        let detection = Detection {
            rect: Rect::new(x, y, 100.0, 130.0),
            landmarks: Landmarks {
                left_eye: point(30.0, 50.0),
                right_eye: point(70.0, 50.0),
                nose: point(50.0, 75.0),
                left_mouth: point(35.0, 100.0),
                right_mouth: point(65.0, 100.0),
            },
            score: 0.9,
        };
        let image = Image::filled(640, 480, [9; 3]);
        let aligned = align(image.view(), &detection.landmarks, 112).unwrap();
        let quality = Quality::measure((640, 480), &detection, &aligned);
        FaceReport::new(detection, quality, &QualityOptions::default())
    }

    #[test]
    fn boxes_and_landmarks_are_at_their_places() {
        let mut image = Image::filled(640, 480, [9; 3]);
        faces(&mut image, &[face(200.0, 200.0)]);
        let pixel = |x: usize, y: usize| image.data()[3 * (y * 640 + x)..][..3].to_vec();
        assert_eq!(pixel(199, 260), [0, 160, 255]);
        assert_eq!(pixel(250, 275), [255, 255, 0]);
        assert_eq!(pixel(250, 230), [9; 3]);
        // The label is directly above the box.
        assert_eq!(pixel(200, 190), [0, 160, 255]);
    }

    #[test]
    fn faces_outside_the_image_are_clipped() {
        let places = [
            (-90.0, -120.0),
            (600.0, 450.0),
            (-50.0, 400.0),
            (630.0, -20.0),
        ];
        for (width, height) in [(640, 480), (3, 2000), (40, 1)] {
            let mut image = Image::filled(width, height, [9; 3]);
            faces(&mut image, &places.map(|(x, y)| face(x, y)));
        }
    }

    #[test]
    fn characters_without_a_glyph_are_question_marks() {
        assert_eq!(printable("Zoë Łukasz 王"), "Zoë ?ukasz ?");
    }

    #[test]
    fn long_names_are_cut() {
        assert_eq!(cut("Anna Weiß", 9), "Anna Weiß");
        assert_eq!(cut("Anna Weiß", 8), "Anna...");
        assert_eq!(cut("Łukasz", 0), "Ł...");
    }

    #[test]
    fn text_grows_with_the_image() {
        let height = |longest| {
            let (font, scale) = font(longest);
            font.character_size.height * scale
        };
        assert_eq!(
            [250, 640, 1000, 2000, 8000].map(height),
            [10, 13, 20, 60, 200]
        );
    }
}
