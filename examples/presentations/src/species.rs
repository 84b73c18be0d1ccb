use facekit::{Error, Result};

use crate::{dice::Dice, heads::HEADS, motion::Behavior, surface::Surface};

/// A kind of presentation: a living head, or an attack.
///
/// ```
/// use presentations::Species;
///
/// let tilted = Species::named("tilted")?;
/// assert!(tilted.is_attack());
/// assert!(Species::named("mask").is_err());
/// # Ok::<(), facekit::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Species {
    name: &'static str,
    shape: Shape,
    behavior: Behavior,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Shape {
    Head,
    Picture(Surface),
}

const fn picture(name: &'static str, surface: Surface, behavior: Behavior) -> Species {
    Species {
        name,
        shape: Shape::Picture(surface),
        behavior,
    }
}

const fn bent(name: &'static str, surface: Surface) -> Species {
    picture(name, surface, Behavior::Turns([20.0, 40.0]))
}

const fn upright(name: &'static str, radius: f32) -> Species {
    bent(name, Surface::Upright { radius })
}

const fn across(name: &'static str, radius: f32) -> Species {
    bent(name, Surface::Across { radius })
}

const fn folded(name: &'static str, degrees: f32) -> Species {
    bent(name, Surface::Folded { degrees })
}

const fn ridged(name: &'static str, height: f32) -> Species {
    bent(name, Surface::Ridged { height })
}

const fn head(name: &'static str, behavior: Behavior) -> Species {
    Species {
        name,
        shape: Shape::Head,
        behavior,
    }
}

/// The turn of a head to a side, in degrees.
const TURN: [f32; 2] = [20.0, 30.0];

const ALL: [Species; 21] = [
    head("head", Behavior::Turns(TURN)),
    picture("still", Surface::Flat, Behavior::Still),
    picture("shifted", Surface::Flat, Behavior::Shifts),
    picture("tilted", Surface::Flat, Behavior::Turns([20.0, 60.0])),
    upright("curved-upright-6", 6.0),
    upright("curved-upright-4", 4.0),
    upright("curved-upright-3", 3.0),
    upright("curved-upright-2", 2.0),
    upright("curved-upright-1.2", 1.2),
    across("curved-across-6", 6.0),
    across("curved-across-4", 4.0),
    across("curved-across-3", 3.0),
    across("curved-across-2", 2.0),
    across("curved-across-1.2", 1.2),
    folded("folded-15", 15.0),
    folded("folded-30", 30.0),
    folded("folded-45", 45.0),
    ridged("ridged-0.2", 0.2),
    ridged("ridged-0.4", 0.4),
    head("other-replay", Behavior::Replays(TURN)),
    head("right-replay", Behavior::Turns(TURN)),
];

impl Species {
    /// All species. The first one is the living head, and the others are attacks.
    #[must_use]
    pub fn all() -> &'static [Self] {
        &ALL
    }

    /// The species of this name.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidArgument`] with all names, if there is none.
    pub fn named(name: &str) -> Result<Self> {
        let found = ALL.iter().find(|species| species.name == name);
        found.copied().ok_or_else(|| {
            let names: Vec<&str> = ALL.iter().map(|species| species.name).collect();
            let reason = format!("no species {name:?}; there are {}", names.join(", "));
            Error::argument("species", reason)
        })
    }

    /// The name.
    ///
    /// | name | presentation |
    /// |-|-|
    /// | `head` | a head that follows the dot, by 20° to 30° to a side |
    /// | `still`, `shifted`, `tilted` | a flat picture that is held still, moved to the sides, or tilted by 20° to 60° |
    /// | `curved-upright-R`, `curved-across-R` | a picture on a cylinder with a radius of R eye distances, tilted by 20° to 40° |
    /// | `folded-A`, `ridged-H` | a picture whose halves are bent back by A°, or with a ridge of H eye distances along the nose |
    /// | `other-replay` | a recording of a head in another challenge |
    /// | `right-replay` | a recording of a head whose moves are right, as somebody who follows the prompts chooses it |
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// True for an attack.
    #[must_use]
    pub fn is_attack(&self) -> bool {
        self.name != ALL[0].name
    }

    /// True for an attack that a challenge must stop: flat and curved pictures.
    #[must_use]
    pub fn must_be_stopped(&self) -> bool {
        matches!(
            self.shape,
            Shape::Picture(Surface::Flat | Surface::Upright { .. } | Surface::Across { .. })
        )
    }

    pub(crate) fn is_replay(self) -> bool {
        self.is_attack() && self.shape == Shape::Head
    }

    pub(crate) fn behavior(self) -> Behavior {
        self.behavior
    }

    /// The shape of a presentation. Heads are drawn.
    pub(crate) fn surface(self, dice: &mut Dice) -> Surface {
        match self.shape {
            Shape::Picture(surface) => surface,
            Shape::Head => Surface::Head {
                head: dice.below(HEADS),
                scale: dice.within(0.9, 1.1),
            },
        }
    }
}
