use std::{f32::consts::TAU, sync::Arc};

use facekit::{Image, Rect};

use crate::{Actor, Random, Turn, Walker, grain, head::Head};

/// The size of the frames, in pixels.
pub const WIDTH: usize = 640;
/// The size of the frames, in pixels.
pub const HEIGHT: usize = 360;

/// The width of a face, in meters.
const FACE_METERS: f32 = 0.16;
/// A face counts if at least this share of its box is in the frame and not hidden.
const VISIBLE: f32 = 0.6;
/// A detector may find a face of which this share or more can be seen.
const PARTLY_VISIBLE: f32 = 0.1;
/// A frame is drawn with noise that depends on its time in steps of this length.
const NOISE_STEPS: f64 = 1e-3;

/// Walkers before a wall. Those with larger faces are nearer, so they hide the others.
#[derive(Clone, Debug, Default)]
pub struct Scene {
    walkers: Vec<Walker>,
    /// The light, the camera, and what stands before the walkers.
    pub look: Look,
}

/// The light and the camera of a scene, and what stands before the walkers.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Look {
    /// The light, relative to that of the photos.
    pub light: f32,
    /// The light rises and falls by this share, once in three seconds.
    pub flicker: f32,
    /// The time for which the shutter is open, in seconds: walkers blur.
    pub shutter: f32,
    /// The standard deviation of the noise, in levels of 256.
    pub grain: f32,
    /// A pillar before the walkers: its left side and its width, in pixels.
    pub pillar: Option<(usize, usize)>,
}

impl Default for Look {
    fn default() -> Self {
        Self {
            light: 1.0,
            flicker: 0.0,
            shutter: 0.0,
            grain: 0.0,
            pillar: None,
        }
    }
}

/// The people of a random scene.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Crowd {
    /// The number of people, at most that of the actors.
    pub people: usize,
    /// Each person shows one portrait, and not all of them by turns: for photos that were taken years apart.
    pub one_portrait: bool,
}

impl Crowd {
    /// So many people.
    #[must_use]
    pub fn of(people: usize) -> Self {
        Self {
            people,
            one_portrait: false,
        }
    }

    /// Sets [`one_portrait`](Self::one_portrait).
    #[must_use]
    pub fn with_one_portrait(self, one_portrait: bool) -> Self {
        Self {
            one_portrait,
            ..self
        }
    }
}

/// A frame of a scene.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Frame {
    /// The pixels.
    pub image: Image,
    /// The faces that can be seen: at least 0.6 of the box of each is in the frame and not hidden.
    pub faces: Vec<TrueFace>,
    /// The faces of which 0.1 to 0.6 can be seen. They may be found or not.
    pub partial: Vec<TrueFace>,
}

/// A face of a frame.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct TrueFace {
    /// The number of the walker in [`Scene::names`].
    pub walker: usize,
    /// The box of the face, in pixels.
    pub rect: Rect,
}

impl Scene {
    /// A scene of these walkers.
    #[must_use]
    pub fn new(mut walkers: Vec<Walker>) -> Self {
        walkers.sort_by(|a, b| a.width(0.0).total_cmp(&b.width(0.0)));
        Self {
            walkers,
            look: Look::default(),
        }
    }

    /// The same scene with another look.
    #[must_use]
    pub fn with_look(self, look: Look) -> Self {
        Self { look, ..self }
    }

    /// Different people who walk past in both directions at 0.3 to 1.4 m/s, stand, or come nearer, with heads that turn, in varied light.
    /// The people who walk are in the frame after 2 s at the latest. Every fourth scene has a pillar.
    ///
    /// # Panics
    ///
    /// If there are no actors.
    #[must_use]
    pub fn random(seed: u64, actors: &[Arc<Actor>], crowd: Crowd) -> Self {
        let mut random = Random::new(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) + 1);
        let mut chosen: Vec<&Arc<Actor>> = actors.iter().collect();
        random.shuffle(&mut chosen);
        // The height of the camera above the heads, in meters: faces of near people are lower in the frame.
        let above = random.between(0.0, 0.35);
        let walkers = chosen.into_iter().take(crowd.people).enumerate();
        let walkers = walkers.map(|(nth, actor)| {
            let width = random.between(48.0, 90.0);
            let meters = width / FACE_METERS;
            let speed = random.between(0.3, 1.4) * meters;
            let y = 30.0 + (above + random.between(0.05, 0.25)) * meters;
            // The whole face is in the frame, also of somebody who comes nearer.
            let y = y.min(HEIGHT as f32 - 1.5 * width - 40.0);
            let turn = Turn::random(&mut random);
            let walker = Walker::new(actor, width).turn(turn);
            let walker = if crowd.one_portrait {
                walker.showing(random.below(actor.portraits.len()))
            } else {
                walker
            };
            let late = random.between(0.0, 1.5) * speed;
            let across = random.between(100.0, 450.0);
            let drift = random.between(-10.0, 10.0);
            match nth % 4 {
                0 => walker.from(-width - late, y).speed(speed, drift),
                1 => walker.from(WIDTH as f32 + late, y).speed(-speed, drift),
                2 => walker.from(across, y).speed(drift, 0.0),
                // At 0.3 to 0.7 m/s from a distance at which the face has half of this width.
                _ => walker
                    .from(across, y)
                    .speed(2.0 * drift, 0.0)
                    .growth(random.between(3.0, 8.0)),
            }
        });
        let walkers = walkers.collect();
        Self::new(walkers).with_look(Look::random(&mut random))
    }

    /// A person who walks past at `meters` a second, and is in view for so many seconds. The face enters the frame at the time `enters`.
    #[must_use]
    pub fn walk_past(
        seed: u64,
        actor: &Arc<Actor>,
        meters: f32,
        in_view: f32,
        enters: f32,
    ) -> Self {
        let mut random = Random::new(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) + 2);
        // The face is in view while more than half of it is in the frame.
        let widths = meters / FACE_METERS * in_view;
        let width = WIDTH as f32 / widths;
        let speed = width * meters / FACE_METERS;
        let y = random.between(60.0, 200.0);
        let begin = -0.5 * width - enters * speed;
        let walker = Walker::new(actor, width)
            .showing(random.below(actor.portraits.len()))
            .turn(Turn::random(&mut random));
        let walker = if random.below(2) == 0 {
            walker.from(begin, y).speed(speed, 0.0)
        } else {
            walker
                .from(WIDTH as f32 - width - begin, y)
                .speed(-speed, 0.0)
        };
        Self::new(vec![walker]).with_look(Look::random(&mut random).without_pillar())
    }

    /// A person who walks past alone at 0.3 to 1.0 m/s. The face enters the frame at the time `enters`, and the frame is 1.2 to 2 m wide.
    #[must_use]
    pub fn visitor(seed: u64, actor: &Arc<Actor>, enters: f32) -> Self {
        let meters = Random::new(seed ^ 0x5EED).between(0.3, 1.0);
        let in_view = Random::new(seed ^ 0xFACE).between(1.2, 2.0) / meters;
        Self::walk_past(seed, actor, meters, in_view, enters)
    }

    /// Nobody, in the varied light of [`random`](Self::random) scenes.
    #[must_use]
    pub fn empty(seed: u64) -> Self {
        let mut random = Random::new(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) + 3);
        Self::default().with_look(Look::random(&mut random))
    }

    /// The seconds after which nobody is in the frame any more, if everybody walks on: at most a minute.
    #[must_use]
    pub fn end(&self) -> f64 {
        let ends = self
            .walkers
            .iter()
            .map(|walker| walker.leaves(WIDTH as f32));
        ends.fold(0.0, f64::max).min(60.0)
    }

    /// The names of the walkers.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.walkers.iter().map(Walker::name)
    }

    /// The frame at a time, in seconds from the beginning.
    #[must_use]
    pub fn frame(&self, seconds: f64) -> Frame {
        let mut image = wall();
        // The number of the walker who is seen at each pixel.
        let mut seen = vec![NOBODY; WIDTH * HEIGHT];
        let mut boxes = Vec::new();
        for (nth, walker) in self.walkers.iter().enumerate() {
            let head = Head::new(
                walker.portrait(seconds),
                walker.width(seconds),
                walker.place(seconds),
                walker.angles(seconds),
            );
            for (line, mut row) in head.rows((WIDTH, HEIGHT)) {
                row.blur(walker.pace().abs() * self.look.shutter);
                let begin = line * WIDTH + row.left;
                let pixels = &mut image.data_mut()[3 * begin..][..3 * row.pixels.len()];
                let seen = &mut seen[begin..][..row.pixels.len()];
                let places = pixels.as_chunks_mut::<3>().0.iter_mut().zip(seen);
                for ((pixel, seen), [red, green, blue, share]) in places.zip(row.pixels) {
                    if share > 0.0 {
                        for (to, from) in pixel.iter_mut().zip([red, green, blue]) {
                            *to = (share * from + (1.0 - share) * f32::from(*to)).round() as u8;
                        }
                    }
                    if share > 0.5 {
                        *seen = nth;
                    }
                }
            }
            boxes.push(head.face());
        }
        if let Some((left, wide)) = self.look.pillar {
            draw_pillar(&mut image, &mut seen, left, wide);
        }
        self.look.shine(&mut image, seconds);
        grain::add(
            &mut image,
            self.look.grain,
            (seconds / NOISE_STEPS).round() as u64,
        );
        let (mut faces, mut partial) = (Vec::new(), Vec::new());
        for (walker, rect) in boxes.into_iter().enumerate() {
            let share = visible(&seen, walker, &rect);
            let face = TrueFace { walker, rect };
            if share >= VISIBLE {
                faces.push(face);
            } else if share >= PARTLY_VISIBLE {
                partial.push(face);
            }
        }
        Frame {
            image,
            faces,
            partial,
        }
    }
}

/// In place of a walker, the wall or a pillar is seen.
const NOBODY: usize = usize::MAX;

/// The share of a face that is in the frame and not hidden.
fn visible(seen: &[usize], walker: usize, rect: &Rect) -> f32 {
    let range = |from: f32, length: f32, most: usize| {
        let side = |value: f32| value.round().clamp(0.0, most as f32) as usize;
        side(from)..side(from + length)
    };
    let columns = range(rect.x, rect.width, WIDTH);
    let lines = range(rect.y, rect.height, HEIGHT);
    let own = lines.flat_map(|line| columns.clone().map(move |column| line * WIDTH + column));
    let own = own.filter(|&at| seen[at] == walker).count();
    own as f32 / rect.area().max(1.0)
}

fn draw_pillar(image: &mut Image, seen: &mut [usize], left: usize, wide: usize) {
    for line in 0..HEIGHT {
        for column in left..(left + wide).min(WIDTH) {
            // It is round: lighter in its middle.
            let middle = 1.0 - (2.0 * (column - left) as f32 / wide as f32 - 1.0).abs();
            let luma = (60.0 + 50.0 * middle) as u8;
            let at = line * WIDTH + column;
            image.data_mut()[3 * at..][..3].fill(luma);
            seen[at] = NOBODY;
        }
    }
}

impl Turn {
    fn random(random: &mut Random) -> Self {
        Self {
            yaw: random.between(0.0, 20.0),
            pitch: random.between(0.0, 8.0),
            roll: random.between(0.0, 5.0),
            pace: random.between(0.2, 0.6),
            phase: random.between(0.0, 1.0),
        }
    }
}

impl Look {
    fn random(random: &mut Random) -> Self {
        let left = 150 + random.below(300);
        Self {
            light: random.between(0.6, 1.15),
            flicker: random.between(0.0, 0.04),
            shutter: random.between(0.0, 0.01),
            grain: random.between(0.5, 3.0),
            pillar: (random.below(4) == 0).then_some((left, 26 + left % 20)),
        }
    }

    fn without_pillar(self) -> Self {
        Self {
            pillar: None,
            ..self
        }
    }

    /// Changes the light.
    fn shine(&self, image: &mut Image, seconds: f64) {
        let light = self.light * (1.0 + self.flicker * (TAU * seconds as f32 / 3.0).sin());
        if light == 1.0 {
            return;
        }
        let levels: [u8; 256] =
            std::array::from_fn(|level| (level as f32 * light).round().min(255.0) as u8);
        for value in image.data_mut() {
            *value = levels[usize::from(*value)];
        }
    }
}

/// A wall with a door and some structure.
fn wall() -> Image {
    let mut image = Image::filled(WIDTH, HEIGHT, [0; 3]);
    for (nth, pixel) in image
        .data_mut()
        .as_chunks_mut::<3>()
        .0
        .iter_mut()
        .enumerate()
    {
        let (x, y) = (nth % WIDTH, nth / WIDTH);
        let is_door = (470..560).contains(&x) && y > 90;
        let base = if is_door {
            [120, 96, 78]
        } else {
            [168, 166, 160]
        };
        let light = (y / 24) as i32 - (x / 64) as i32;
        *pixel = base.map(|value: i32| (value + light).clamp(0, 255) as u8);
    }
    image
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Portrait;

    fn actor(name: &str, color: [u8; 3]) -> Arc<Actor> {
        let photo = Image::filled(200, 240, color);
        let portrait = Portrait::new(photo, Rect::new(60.0, 60.0, 80.0, 100.0));
        Arc::new(Actor::new(name, vec![portrait]))
    }

    #[test]
    fn the_nearer_person_hides_the_other() {
        let [far, near] = [("far", [200, 0, 0]), ("near", [0, 0, 200])];
        let far = Walker::new(&actor(far.0, far.1), 40.0).from(300.0, 100.0);
        let near = Walker::new(&actor(near.0, near.1), 90.0)
            .from(-200.0, 80.0)
            .speed(475.0, 0.0);
        let scene = Scene::new(vec![near, far]);
        assert_eq!(scene.names().collect::<Vec<_>>(), ["far", "near"]);
        let seen = |seconds: f64| {
            let faces = scene.frame(seconds).faces.into_iter();
            faces.map(|face| face.walker).collect::<Vec<_>>()
        };
        assert_eq!(seen(0.0), [0]);
        assert_eq!(seen(1.0), [1], "the far face is hidden");
        assert_eq!(seen(1.9), [0], "the near face is outside");
        let frame = scene.frame(0.0);
        let pixel = &frame.image.data()[3 * (125 * WIDTH + 320)..][..3];
        assert_eq!(pixel, [200, 0, 0]);
    }

    #[test]
    fn a_pillar_hides_faces() {
        let walker = Walker::new(&actor("anna", [200, 0, 0]), 40.0).from(300.0, 100.0);
        let look = |pillar| Look {
            pillar,
            ..Look::default()
        };
        let scene = Scene::new(vec![walker]);
        assert_eq!(
            scene
                .clone()
                .with_look(look(Some((290, 60))))
                .frame(0.0)
                .faces,
            []
        );
        assert_eq!(
            scene
                .with_look(look(Some((290, 16))))
                .frame(0.0)
                .faces
                .len(),
            1
        );
    }

    #[test]
    fn scenes_are_the_same_twice() {
        let actors: Vec<_> = (0..8)
            .map(|nth| actor(&format!("person {nth}"), [20 * nth, 90, 90]))
            .collect();
        let [first, second] = [(); 2].map(|()| Scene::random(3, &actors, Crowd::of(8)));
        assert_eq!(first.names().count(), 8);
        let [first, second] = [first, second].map(|scene| scene.frame(2.0));
        assert_eq!((first.image, first.faces), (second.image, second.faces));
        let other = Scene::random(4, &actors, Crowd::of(8)).frame(2.0);
        assert_ne!(
            other.image,
            Scene::random(3, &actors, Crowd::of(8)).frame(2.0).image
        );
    }

    #[test]
    fn a_walker_past_is_in_view_for_the_time() {
        for seed in 0..4 {
            let scene = Scene::walk_past(seed, &actor("anna", [90; 3]), 1.4, 1.2, 0.5);
            let seen = (0..100).filter(|nth| !scene.frame(f64::from(*nth) / 50.0).faces.is_empty());
            let seen: Vec<i32> = seen.collect();
            // The face counts while 0.6 of it is in view, and the time is that of half of it.
            let seconds = f64::from(seen[seen.len() - 1] - seen[0]) / 50.0;
            assert!((1.08..=1.22).contains(&seconds), "{seconds}");
            assert!((24..=30).contains(&seen[0]), "{}", seen[0]);
            assert!(scene.frame(scene.end()).faces.is_empty());
        }
    }
}
