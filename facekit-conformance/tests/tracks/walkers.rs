//! Videos that are computed from the demo's photos: people who walk in front of a wall, with exact boxes of their faces.

use std::path::Path;

use facekit::{
    Image, Recognizer, Rect,
    image::{DecodeLimits, open, resize},
};

use crate::{ENROLLED, identities::Seen};

pub(crate) const WIDTH: usize = 640;
pub(crate) const HEIGHT: usize = 360;
/// The time for which a photo of a person is shown before the next one.
const PHOTO_SECONDS: f64 = 0.7;
/// A face counts if this much of its box is in the frame and not hidden.
const VISIBLE: f32 = 0.6;

/// The people of the demo.
pub(crate) struct People(Vec<Person>);

struct Person {
    name: String,
    photos: Vec<Image>,
    /// The box of the face in each photo.
    faces: Vec<Rect>,
}

impl People {
    pub(crate) fn load(recognizer: &Recognizer) -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/data/people");
        let mut names: Vec<String> = std::fs::read_dir(&folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        let person = |name: String| {
            let photo = |nth: usize| {
                let path = folder.join(&name).join(format!("{nth}.jpg"));
                open(path, &DecodeLimits::default()).unwrap()
            };
            let photos: Vec<Image> = (1..=6).map(photo).collect();
            let face = |photo: &Image| recognizer.find_faces(photo.view()).unwrap().faces[0].rect;
            let faces = photos.iter().map(face).collect();
            Person {
                name,
                photos,
                faces,
            }
        };
        Self(names.into_iter().map(person).collect())
    }

    pub(crate) fn photos(&self) -> impl Iterator<Item = (&str, &[Image])> {
        self.0.iter().map(|it| (&*it.name, &*it.photos))
    }

    fn person(&self, name: &str) -> &Person {
        let person = self.0.iter().find(|person| person.name == name);
        person.unwrap_or_else(|| panic!("no person {name}"))
    }
}

/// A person who walks straight on.
#[derive(Clone, Debug)]
pub(crate) struct Walker {
    name: String,
    /// The width of the face, in pixels.
    width: f32,
    /// The left top corner of the face at the beginning.
    from: (f32, f32),
    /// Pixels a second.
    speed: (f32, f32),
}

impl Walker {
    pub(crate) fn new(name: &str, width: f32) -> Self {
        Self {
            name: name.to_owned(),
            width,
            from: (0.0, 0.0),
            speed: (0.0, 0.0),
        }
    }

    pub(crate) fn from(self, x: f32, y: f32) -> Self {
        Self {
            from: (x, y),
            ..self
        }
    }

    pub(crate) fn speed(self, x: f32, y: f32) -> Self {
        Self {
            speed: (x, y),
            ..self
        }
    }

    fn place(&self, seconds: f32) -> (f32, f32) {
        (
            self.from.0 + self.speed.0 * seconds,
            self.from.1 + self.speed.1 * seconds,
        )
    }
}

/// Walkers in front of a wall. Those with larger faces are nearer, so they hide the others.
#[derive(Clone, Debug)]
pub(crate) struct Scene {
    walkers: Vec<Walker>,
}

/// The names of the demo's people.
const NAMES: [&str; 12] = [
    "Ari", "Bela", "Chi", "Dana", "Eden", "Fern", "Gale", "Hollis", "Indra", "Jules", "Kim", "Lane",
];

impl Scene {
    pub(crate) fn new(mut walkers: Vec<Walker>) -> Self {
        walkers.sort_by(|a, b| a.width.total_cmp(&b.width));
        Self { walkers }
    }

    /// So many people who walk past at 0.3 to 1.4 m/s, or stand.
    pub(crate) fn random(seed: u64, count: usize) -> Self {
        let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) + 1;
        let mut random = move || {
            // SplitMix64.
            state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
            let mut z = state;
            z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            ((z ^ (z >> 31)) >> 40) as f32 / (1 << 24) as f32
        };
        let mut between = move |low: f32, high: f32| low + (high - low) * random();
        let first = between(0.0, 12.0) as usize;
        let walkers = (0..count).map(|nth| {
            let name = NAMES[(first + 5 * nth) % NAMES.len()];
            let width = between(48.0, 90.0);
            let widths_per_second = between(0.3, 1.4) / 0.16;
            let speed = width * widths_per_second;
            let y = between(60.0, 200.0);
            let walker = Walker::new(name, width);
            // Everybody is in the frame after 2 s at the latest.
            let late = between(0.0, 1.5) * speed;
            match nth % 3 {
                0 => walker
                    .from(-width - late, y)
                    .speed(speed, between(-8.0, 8.0)),
                1 => walker
                    .from(WIDTH as f32 + late, y)
                    .speed(-speed, between(-8.0, 8.0)),
                _ => walker
                    .from(between(100.0, 450.0), y)
                    .speed(between(-10.0, 10.0), 0.0),
            }
        });
        Self::new(walkers.collect())
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.walkers.iter().map(|walker| &*walker.name)
    }

    /// The frame at a time, and the faces that it shows. The number of a face is that of its walker.
    pub(crate) fn frame(&self, people: &People, seconds: f64) -> (Image, Vec<Seen>) {
        let mut frame = wall();
        let mut faces: Vec<Rect> = Vec::new();
        for walker in &self.walkers {
            let person = people.person(&walker.name);
            // The photos that are not enrolled, one after the other.
            let shown = person.photos.len() - ENROLLED;
            let nth = ENROLLED + (seconds / PHOTO_SECONDS) as usize % shown;
            let place = walker.place(seconds as f32);
            let face = draw(
                &mut frame,
                &person.photos[nth],
                person.faces[nth],
                walker.width,
                place,
            );
            faces.push(face);
        }
        let screen = Rect::new(0.0, 0.0, WIDTH as f32, HEIGHT as f32);
        let mut truth = Vec::new();
        for (nth, face) in faces.iter().enumerate() {
            let hidden = faces[nth + 1..]
                .iter()
                .map(|nearer| nearer.intersection(face).area());
            let hidden = hidden.fold(0.0, f32::max);
            let visible = face.intersection(&screen).area() - hidden;
            if visible >= VISIBLE * face.area() {
                truth.push(Seen::new(nth as u64, *face));
            }
        }
        (frame, truth)
    }
}

/// A wall with a door and some structure.
fn wall() -> Image {
    let mut image = Image::filled(WIDTH, HEIGHT, [0; 3]);
    for (nth, pixel) in image.data_mut().chunks_exact_mut(3).enumerate() {
        let (x, y) = (nth % WIDTH, nth / WIDTH);
        let is_door = (470..560).contains(&x) && y > 90;
        let base = if is_door {
            [120, 96, 78]
        } else {
            [168, 166, 160]
        };
        let light = (y / 24) as i32 - (x / 64) as i32;
        for (channel, value) in pixel.iter_mut().zip(base) {
            *channel = (value + light).clamp(0, 255) as u8;
        }
    }
    image
}

/// Draws the head of a photo so that its face has this width and place. Returns the box of the face.
fn draw(frame: &mut Image, photo: &Image, face: Rect, width: f32, (x, y): (f32, f32)) -> Rect {
    let scale = width / face.width;
    let size = |pixels: usize| ((pixels as f32 * scale).round() as usize).max(1);
    let (wide, high) = (size(photo.width()), size(photo.height()));
    let small = resize(photo.view(), wide, high).unwrap();
    let face = face.scaled(scale);
    let (left, top) = ((x - face.x).round(), (y - face.y).round());
    let (center, pixels) = (face.center(), frame.data_mut());
    for row in 0..high {
        for column in 0..wide {
            let (to_x, to_y) = (left as i64 + column as i64, top as i64 + row as i64);
            if !(0..WIDTH as i64).contains(&to_x) || !(0..HEIGHT as i64).contains(&to_y) {
                continue;
            }
            // An ellipse around the head, with a soft edge.
            let across = (column as f32 - center.x) / (0.95 * face.width);
            let down = (row as f32 - center.y) / (0.95 * face.height);
            let share = ((1.0 - across.hypot(down)) * 8.0).clamp(0.0, 1.0);
            let from = &small.data()[3 * (row * wide + column)..][..3];
            let to = &mut pixels[3 * (to_y as usize * WIDTH + to_x as usize)..][..3];
            for (to, from) in to.iter_mut().zip(from) {
                let mixed = share * f32::from(*from) + (1.0 - share) * f32::from(*to);
                *to = mixed.round() as u8;
            }
        }
    }
    Rect::new(left + face.x, top + face.y, face.width, face.height)
}
