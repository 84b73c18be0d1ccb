//! Identification by mean templates and mirror images, over random draws of the enrolled photos.

use anyhow::Result;
use facekit::{
    Embedding, EmbeddingSpace, FlatIndex, Fusion, Gallery, MemoryStore, Metric, NewTemplate,
    Person, PersonId, RandomSequence, jiff::Timestamp, work,
};
use serde::Serialize;

use super::{super::Embedded, Band};
use crate::{
    output::{count, table},
    session::Session,
};

/// The numbers of photos that are enrolled of each person.
const ENROLLED: [usize; 3] = [1, 3, 5];

/// The false-positive identification rates.
const FPIRS: [f64; 2] = [0.01, 0.003];

/// The ways to compare a face with a person.
const WAYS: [&str; 4] = [
    "nearest template",
    "mean template",
    "mirrored templates",
    "mirrored probe too",
];

/// A photo on which a face was found: its embedding, and that with its mirror image.
#[derive(Clone, Copy)]
struct Face<'a> {
    plain: &'a Embedding,
    mirrored: &'a Embedding,
}

/// The photos of the evaluation.
struct Photos<'a> {
    /// The photos of each person with several photos. `None` is a photo without a face.
    people: Vec<Vec<Option<Face<'a>>>>,
    /// The photo of each person with one photo.
    strangers: Vec<Option<Face<'a>>>,
}

/// The error rates for each number of photos.
#[derive(Serialize)]
pub(super) struct Draws {
    seeds: Vec<u64>,
    strangers: usize,
    rows: Vec<Row>,
}

/// The error rates with one number of enrolled photos.
#[derive(Serialize)]
struct Row {
    photos: usize,
    people: usize,
    /// The probes of enrolled people in each draw.
    probes: f64,
    ways: Vec<Way>,
    bands: Vec<InBand>,
}

#[derive(Serialize)]
struct Way {
    way: &'static str,
    rates: Vec<Rate>,
}

/// The mirrored probe is computed only for scores in a band around the threshold.
#[derive(Serialize)]
struct InBand {
    below: f32,
    above: f32,
    rates: Vec<Rate>,
}

/// The share of missed probes, averaged over people, at a false-positive identification rate.
#[derive(Serialize)]
struct Rate {
    fpir: f64,
    /// Averaged over draws.
    threshold: f64,
    fnir: Interval,
    /// The difference to the nearest template. Below 0 is better.
    to_nearest: Interval,
    /// The share of searches for which a mirrored probe was computed: of enrolled people, and of strangers.
    mirrored: [f64; 2],
}

/// A mean over people with its 95 % interval.
#[derive(Clone, Copy, Serialize)]
struct Interval {
    share: f64,
    low: f64,
    high: f64,
}

/// The nearest person of a search, and the score.
type Hit = Option<(usize, f32)>;

/// A search with the plain probe and one with the mirrored probe, by the same person or stranger.
#[derive(Clone, Copy, Default)]
struct Pair {
    plain: Hit,
    mirrored: Hit,
}

impl Draws {
    pub(super) fn new(
        session: &Session,
        embedded: &Embedded,
        space: &EmbeddingSpace,
        seeds: Vec<u64>,
        bands: &[Band],
    ) -> Result<Self> {
        let photos = Photos::of(embedded);
        let items: Vec<(usize, u64)> = ENROLLED
            .iter()
            .flat_map(|&enrolled| seeds.iter().map(move |&seed| (enrolled, seed)))
            .collect();
        let mut results = Vec::with_capacity(items.len());
        let search = |&(enrolled, seed): &(usize, u64)| photos.search(space, enrolled, seed, bands);
        let bar = session.output.bar("draws");
        work::ordered(
            &items,
            std::num::NonZeroUsize::MIN,
            &session.token,
            search,
            |nth, outcome| -> Result<()> {
                results.push(outcome?);
                bar.set(nth as u64 + 1, items.len() as u64);
                Ok(())
            },
        )?;
        let rows = ENROLLED.iter().zip(results.chunks(seeds.len()));
        let rows = rows
            .filter(|(_, draws)| !draws[0].people.is_empty() && !photos.strangers.is_empty())
            .map(|(&enrolled, draws)| Row::new(enrolled, draws, bands))
            .collect();
        Ok(Self {
            seeds,
            strangers: photos.strangers.len(),
            rows,
        })
    }

    /// Two tables: the four ways, and the bands.
    pub(super) fn text(&self) -> String {
        if self.rows.is_empty() {
            return String::new();
        }
        let pair = |rates: &[Rate]| {
            let percent = |rate: &Rate| format!("{:.2}", 100.0 * rate.fnir.share);
            rates.iter().map(percent).collect::<Vec<_>>().join(" / ") + " %"
        };
        let ways = self.rows.iter().map(|row| {
            let [nearest, mean, template, probe] =
                [0, 1, 2, 3].map(|way| pair(&row.ways[way].rates));
            let [photos, people] = [row.photos, row.people].map(|count| count.to_string());
            [photos, people, nearest, mean, template, probe]
        });
        let [nearest, mean, template, probe] = WAYS;
        let mut text = format!(
            "FNIR at FPIR {} and {} %, averaged over people; {}; draws with the seeds {:?}\n\n{}",
            100.0 * FPIRS[0],
            100.0 * FPIRS[1],
            count(self.strangers, "stranger", "strangers"),
            self.seeds,
            table(["photos", "people", nearest, mean, template, probe], ways),
        );
        let bands = self.rows.iter().flat_map(|row| {
            row.bands.iter().map(|band| {
                let mirrored = |who: usize| {
                    let of = |rate: &Rate| format!("{:.1}", 100.0 * rate.mirrored[who]);
                    band.rates.iter().map(of).collect::<Vec<_>>().join(" / ") + " %"
                };
                let width = format!("−{} to +{}", band.below, band.above);
                let photos = row.photos.to_string();
                [photos, width, pair(&band.rates), mirrored(0), mirrored(1)]
            })
        });
        let headings = [
            "photos",
            "mirrored probe if the score is",
            "FNIR",
            "mirrored, enrolled people",
            "mirrored, strangers",
        ];
        text += "\n\n";
        text += &table(headings, bands);
        text
    }
}

impl<'a> Photos<'a> {
    fn of(embedded: &'a Embedded) -> Self {
        let mut people = vec![Vec::new(); embedded.people.len()];
        for photo in &embedded.photos {
            let both = photo.embedding.as_ref().zip(photo.mirrored.as_ref());
            let face = both.map(|(plain, mirrored)| Face { plain, mirrored });
            people[photo.person].push(face);
        }
        let (strangers, mut people): (Vec<_>, Vec<_>) =
            people.into_iter().partition(|photos| photos.len() == 1);
        people.retain(|photos| !photos.is_empty());
        Self {
            people,
            strangers: strangers.concat(),
        }
    }

    /// Enrolls `enrolled` random photos of each person who has more, and searches for all other photos of these people, and for
    /// the strangers.
    fn search(
        &self,
        space: &EmbeddingSpace,
        enrolled: usize,
        seed: u64,
        bands: &[Band],
    ) -> Result<Drawn> {
        let mut numbers = RandomSequence::new(seed);
        let mut templates: Vec<(usize, Vec<Face<'_>>)> = Vec::new();
        let mut probes: Vec<(usize, Option<Face<'_>>)> = Vec::new();
        for (person, photos) in self.people.iter().enumerate() {
            let mut photos = photos.clone();
            numbers.shuffle(&mut photos);
            // A photo without a face cannot be enrolled.
            photos.sort_by_key(Option::is_none);
            if photos.len() <= enrolled || photos[enrolled - 1].is_none() {
                continue;
            }
            let rest = photos.split_off(enrolled);
            templates.push((person, photos.into_iter().flatten().collect()));
            probes.extend(rest.into_iter().map(|face| (person, face)));
        }
        let gallery = |fusion, mirrored| gallery_of(space, &templates, fusion, mirrored);
        let galleries = [
            gallery(Fusion::Nearest, false)?,
            gallery(Fusion::Mean, false)?,
            gallery(Fusion::Mean, true)?,
        ];
        let faces = probes.iter().map(|&(_, face)| face);
        let all: Vec<Option<Face<'_>>> = faces.chain(self.strangers.iter().copied()).collect();
        let plain = |gallery: &Gallery| -> Result<Vec<Pair>> {
            let of = |face: &Option<Face<'_>>| -> Result<Pair> {
                Ok(Pair {
                    plain: hit(gallery, face.map(|face| face.plain))?,
                    mirrored: None,
                })
            };
            all.iter().map(of).collect()
        };
        let nearest = plain(&galleries[0])?;
        let mean = plain(&galleries[1])?;
        let mut both = plain(&galleries[2])?;
        for (pair, face) in both.iter_mut().zip(&all) {
            pair.mirrored = hit(&galleries[2], face.map(|face| face.mirrored))?;
        }
        let owners: Vec<usize> = probes.iter().map(|&(person, _)| person).collect();
        let never = Band {
            below: 0.0,
            above: 0.0,
        };
        let always = Band {
            below: f32::INFINITY,
            above: f32::INFINITY,
        };
        let of = |pairs: &[Pair], band: &Band| -> Vec<Measured> {
            let (known, strangers) = pairs.split_at(owners.len());
            let at = |&fpir: &f64| Measured::new(known, strangers, &owners, *band, fpir);
            FPIRS.iter().map(at).collect()
        };
        let mut ways = vec![
            of(&nearest, &never),
            of(&mean, &never),
            of(&both, &never),
            of(&both, &always),
        ];
        ways.extend(bands.iter().map(|band| of(&both, band)));
        Ok(Drawn {
            people: templates.iter().map(|&(person, _)| person).collect(),
            probes: owners.len(),
            ways,
        })
    }
}

/// The result of a draw.
struct Drawn {
    people: Vec<usize>,
    probes: usize,
    /// For each way and then for each band, the result at each of [`FPIRS`].
    ways: Vec<Vec<Measured>>,
}

/// The result of a way at a false-positive identification rate.
struct Measured {
    threshold: f32,
    /// The share of missed probes of each person, in the order of people.
    misses: Vec<f64>,
    mirrored: [f64; 2],
}

impl Measured {
    /// Takes the lowest threshold at which at most `fpir` of the strangers are named.
    fn new(known: &[Pair], strangers: &[Pair], owners: &[usize], band: Band, fpir: f64) -> Self {
        let allowed = (fpir * strangers.len() as f64) as usize;
        let named = |threshold: f32| {
            let names = |pair: &&Pair| decided(pair, threshold, band).0.is_some();
            strangers.iter().filter(names).count()
        };
        let scores = strangers
            .iter()
            .flat_map(|pair| [pair.plain, pair.mirrored]);
        let mut candidates: Vec<f32> = scores.flatten().map(|(_, score)| score.next_up()).collect();
        candidates.sort_by(|a, b| b.total_cmp(a));
        let mut threshold = candidates.first().copied().unwrap_or(-1.0);
        for candidate in candidates {
            if named(candidate) > allowed {
                break;
            }
            threshold = candidate;
        }

        let mut misses: Vec<f64> = Vec::new();
        for (pairs, owner) in by_owner(known, owners) {
            let missed = |pair: &&Pair| decided(pair, threshold, band).0 != Some(owner);
            misses.push(pairs.iter().filter(missed).count() as f64 / pairs.len() as f64);
        }
        let mirrored = [known, strangers].map(|pairs| {
            let mirrored = |pair: &&Pair| decided(pair, threshold, band).1;
            pairs.iter().filter(mirrored).count() as f64 / pairs.len().max(1) as f64
        });
        Self {
            threshold,
            misses,
            mirrored,
        }
    }
}

/// The person that a search names, and whether the mirrored probe was computed for it.
fn decided(pair: &Pair, threshold: f32, band: Band) -> (Option<usize>, bool) {
    let Some((_, score)) = pair.plain else {
        return (None, false);
    };
    let mirrored = score >= threshold - band.below && score < threshold + band.above;
    let hit = if mirrored { pair.mirrored } else { pair.plain };
    let named = hit.filter(|&(_, score)| score >= threshold);
    (named.map(|(person, _)| person), mirrored)
}

/// The searches of each person. Those of a person follow each other.
fn by_owner<'a>(
    known: &'a [Pair],
    owners: &'a [usize],
) -> impl Iterator<Item = (&'a [Pair], usize)> {
    let mut at = 0;
    owners.chunk_by(|a, b| a == b).map(move |same| {
        let pairs = &known[at..at + same.len()];
        at += same.len();
        (pairs, same[0])
    })
}

impl Row {
    fn new(photos: usize, draws: &[Drawn], bands: &[Band]) -> Self {
        let rates = |way: usize| -> Vec<Rate> {
            let at = |(nth, &fpir): (usize, &f64)| {
                let of = |way: usize| misses(draws, way, nth);
                let (own, nearest) = (of(way), of(0));
                let differences = own.iter().zip(&nearest).map(|(a, b)| a - b);
                let mean = |value: &dyn Fn(&Measured) -> f64| {
                    let values = draws.iter().map(|draw| value(&draw.ways[way][nth]));
                    values.sum::<f64>() / draws.len() as f64
                };
                Rate {
                    fpir,
                    threshold: mean(&|measured| measured.threshold.into()),
                    fnir: Interval::of(&own),
                    to_nearest: Interval::of(&differences.collect::<Vec<_>>()),
                    mirrored: [0, 1].map(|who| mean(&|measured| measured.mirrored[who])),
                }
            };
            FPIRS.iter().enumerate().map(at).collect()
        };
        let probes: usize = draws.iter().map(|draw| draw.probes).sum();
        Self {
            photos,
            people: draws[0].people.len(),
            probes: probes as f64 / draws.len() as f64,
            ways: WAYS
                .iter()
                .enumerate()
                .map(|(nth, way)| Way {
                    way,
                    rates: rates(nth),
                })
                .collect(),
            bands: bands
                .iter()
                .enumerate()
                .map(|(nth, band)| InBand {
                    below: band.below,
                    above: band.above,
                    rates: rates(WAYS.len() + nth),
                })
                .collect(),
        }
    }
}

/// The share of missed probes of each person, averaged over draws. The people are the same in each draw.
fn misses(draws: &[Drawn], way: usize, rate: usize) -> Vec<f64> {
    let mut mean = vec![0.0; draws[0].people.len()];
    for draw in draws {
        for (mean, miss) in mean.iter_mut().zip(&draw.ways[way][rate].misses) {
            *mean += miss / draws.len() as f64;
        }
    }
    mean
}

impl Interval {
    /// The mean, and 1.96 standard errors of it to both sides.
    fn of(values: &[f64]) -> Self {
        let count = values.len() as f64;
        let share = values.iter().sum::<f64>() / count;
        let squares = values.iter().map(|value| (value - share).powi(2));
        let error = (squares.sum::<f64>() / (count - 1.0).max(1.0) / count).sqrt();
        Self {
            share,
            low: share - 1.96 * error,
            high: share + 1.96 * error,
        }
    }
}

/// A gallery in memory.
fn gallery_of(
    space: &EmbeddingSpace,
    templates: &[(usize, Vec<Face<'_>>)],
    fusion: Fusion,
    mirrored: bool,
) -> Result<Gallery> {
    let now = Timestamp::UNIX_EPOCH;
    let index = FlatIndex::new(space.clone(), Metric::Cosine);
    let gallery = Gallery::open_with(MemoryStore::new(), index, fusion)?;
    for (person, faces) in templates {
        let person = Person::new(PersonId::new(person.to_string())?, now);
        let template = |face: &Face<'_>| {
            let embedding = if mirrored { face.mirrored } else { face.plain };
            NewTemplate::new(embedding.clone(), 1.0, now)
        };
        let templates: Vec<NewTemplate> = faces.iter().map(template).collect();
        gallery.add(&person, &templates)?;
    }
    Ok(gallery)
}

fn hit(gallery: &Gallery, probe: Option<&Embedding>) -> Result<Hit> {
    let Some(probe) = probe else { return Ok(None) };
    let nearest = gallery.nearest(probe, 1, None)?.pop();
    let person = |id: &PersonId| id.as_str().parse().unwrap_or(usize::MAX);
    Ok(nearest.map(|nearest| (person(&nearest.person), nearest.score)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const BAND: Band = Band {
        below: 0.1,
        above: 0.05,
    };
    const NEVER: Band = Band {
        below: 0.0,
        above: 0.0,
    };

    fn pair(person: usize, plain: f32, mirrored: f32) -> Pair {
        Pair {
            plain: Some((person, plain)),
            mirrored: Some((person, mirrored)),
        }
    }

    #[test]
    fn the_mirrored_probe_decides_in_the_band() {
        let decided = |plain, mirrored, band| decided(&pair(7, plain, mirrored), 0.5, band);
        assert_eq!(decided(0.45, 0.55, BAND), (Some(7), true));
        assert_eq!(decided(0.45, 0.55, NEVER), (None, false));
        assert_eq!(decided(0.52, 0.45, BAND), (None, true));
        assert_eq!(decided(0.56, 0.45, BAND), (Some(7), false));
        assert_eq!(decided(0.39, 0.60, BAND), (None, false));
        assert_eq!(super::decided(&Pair::default(), 0.5, BAND), (None, false));
    }

    #[test]
    fn the_threshold_lets_few_strangers_pass() {
        let strangers: Vec<Pair> = (0..20)
            .map(|nth| pair(0, 0.3 + 0.01 * nth as f32, 0.2))
            .collect();
        // Person 3 has three probes, one of which is nearest to another person, and person 5 has one probe.
        let known = [
            pair(3, 0.6, 0.0),
            pair(3, 0.45, 0.0),
            pair(4, 0.9, 0.0),
            pair(5, 0.48, 0.0),
        ];
        let owners = [3, 3, 3, 5];
        let measured = Measured::new(&known, &strangers, &owners, NEVER, 0.1);
        // Two of twenty may pass: those of 0.49 and 0.48.
        let third = strangers[17].plain.unwrap().1;
        assert_eq!(measured.threshold, third.next_up());
        assert!((measured.misses[0] - 2.0 / 3.0).abs() < 1e-9 && measured.misses[1] == 0.0);
        assert_eq!(measured.mirrored, [0.0, 0.0]);

        // With the mirrored probe, nobody of the strangers is near any more.
        let always = Band {
            below: 2.0,
            above: 2.0,
        };
        let measured = Measured::new(&known, &strangers, &owners, always, 0.1);
        assert_eq!(measured.mirrored, [1.0, 1.0]);
        assert!(measured.threshold <= 0.2_f32.next_up() && measured.misses == [1.0, 1.0]);
    }

    #[test]
    fn an_interval_is_wider_for_fewer_people() {
        let wide = Interval::of(&[0.0, 1.0]);
        let narrow = Interval::of(&[0.0, 1.0].repeat(50));
        assert_eq!((wide.share, narrow.share), (0.5, 0.5));
        assert!(wide.high > narrow.high && narrow.high > 0.59 && narrow.low < 0.41);
    }
}
