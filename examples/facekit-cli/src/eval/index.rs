//! Speed and recall of the index.

use std::{path::PathBuf, time::Instant};

use anyhow::{Result, bail};
use facekit::{
    Embedding, EmbeddingSpace, EntryId, EntrySet, FlatIndex, HnswIndex, HnswOptions, Metric,
    ScoredEntry, SearchOptions, SearchStrategy, VectorIndex,
};
use serde::Serialize;
use serde_json::json;

use super::{embed_people, evaluator, open_set, synthetic::SyntheticFaces};
use crate::{
    options::{DetectArgs, ModelArgs},
    output::table,
    session::Session,
};

#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// The number of people in the index, each with one embedding
    #[arg(
        long,
        value_name = "N",
        default_value_t = 100_000,
        conflicts_with = "images"
    )]
    n: usize,

    /// The number of values of an embedding
    #[arg(long, value_name = "N", default_value_t = 128, conflicts_with = "images", value_parser = clap::value_parser!(u16).range(2..=4096))]
    dim: u16,

    /// The number of searches by enrolled people, and of searches by strangers
    #[arg(long, value_name = "N", default_value_t = 1000)]
    probes: usize,

    /// Another seed makes other people
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,

    /// Also build and measure a graph (HNSW). Building one of 100,000 people takes minutes
    #[arg(long)]
    graph: bool,

    /// A folder that holds a folder of photos for each person, instead of synthetic embeddings
    #[arg(long, value_name = "DIR")]
    images: Option<PathBuf>,

    #[command(flatten)]
    models: ModelArgs,

    #[command(flatten)]
    detect: DetectArgs,
}

/// The number of probes of a search for many.
const TOGETHER: usize = 64;
/// The score below which identification asks for nobody.
const LEAST: f32 = 0.4;
/// The numbers of candidates of searches through a graph.
const GRAPH_WIDTHS: [usize; 4] = [50, 100, 200, 400];

/// People, one entry each, and probes.
struct People {
    space: EmbeddingSpace,
    entries: Vec<(EntryId, Embedding)>,
    /// Other photos of people in the index.
    enrolled: Vec<Embedding>,
    /// Photos of people who are not there.
    strangers: Vec<Embedding>,
}

/// The measurements of one kind of search.
#[derive(Serialize)]
struct Row {
    way: String,
    probes: &'static str,
    k: usize,
    /// The promised recall; `None` for a way that promises none.
    recall: Option<f32>,
    /// On one thread.
    searches_per_s: f64,
    median_us: f64,
    p99_us: f64,
    /// The share of searches that found the nearest entry.
    recall_at_1: f64,
    /// The share of the `k` nearest that was found; 1 if there are none.
    recall_at_k: f64,
    /// The number of the nearest, of all searches.
    neighbors: u32,
}

pub(crate) fn run(session: &Session, args: &Args) -> Result<()> {
    let people = match &args.images {
        None => synthetic(session, args)?,
        Some(_) => photos(session, args)?,
    };
    if args.images.is_none() && args.n == 0 {
        bail!("--n: 0 people given, 1 or more needed");
    }
    if people.entries.is_empty() || people.enrolled.is_empty() {
        bail!("no searches: people with at least two photos are needed");
    }
    let mut flat = FlatIndex::new(people.space.clone(), Metric::Cosine);
    let build_s = insert(session, &flat, &people.entries)?;
    let (searched, embeddings) = flat.memory();

    let mut rows = Vec::new();
    for k in [1, 10] {
        let options = SearchOptions::new(k);
        let exact = options.with_exact(true);
        for (name, probes) in [
            ("enrolled", &people.enrolled),
            ("strangers", &people.strangers),
        ] {
            let measured = Measured {
                probes,
                name,
                options: exact,
                session,
            };
            let truth = measured.truth(&flat)?;
            rows.push(measured.row("scan", &flat, &truth)?);
            rows.push(measured.together("scan, 64 at once", &flat, &truth)?);
            for (way, strategy) in [
                ("prefilter", SearchStrategy::Prefilter),
                ("fastest", SearchStrategy::Fastest),
            ] {
                flat = flat.with_strategy(strategy);
                for recall in [0.9999, 0.999, 0.99] {
                    let options = options.with_recall(recall);
                    rows.push(
                        Measured {
                            options,
                            ..measured
                        }
                        .row(way, &flat, &truth)?,
                    );
                }
            }
            if k == 1 {
                let options = options.with_min_score(LEAST);
                let truth = Measured {
                    options: options.with_exact(true),
                    ..measured
                }
                .truth(&flat)?;
                let way = format!("fastest, score at least {LEAST}");
                rows.push(
                    Measured {
                        options,
                        ..measured
                    }
                    .row(&way, &flat, &truth)?,
                );
            }
        }
    }
    let rosters = rosters(session, &people, &flat)?;
    let graph = match args.graph {
        true => Some(graph(session, &people, &flat, &mut rows)?),
        false => None,
    };

    let report = json!({
        "entries": people.entries.len(),
        "dimension": people.space.dimension(),
        "data": if args.images.is_some() { "photos" } else { "synthetic" },
        "seed": args.seed,
        "build_s": build_s,
        "bytes_searched": searched,
        "bytes_of_embeddings": embeddings,
        "graph_build_s": graph,
        "searches": rows,
        "rosters": rosters,
    });
    session.output.answer(&report, || {
        let text = |row: &Row| {
            [
                row.way.clone(),
                row.probes.to_owned(),
                row.k.to_string(),
                row.recall.map_or_else(|| "none".to_owned(), |recall| recall.to_string()),
                format!("{:.0}", row.searches_per_s),
                format!("{:.0}", row.median_us),
                format!("{:.0}", row.p99_us),
                format!("{:.4}", row.recall_at_1),
                format!("{:.4}", row.recall_at_k),
            ]
        };
        let headings = [
            "way", "probes", "k", "promised recall", "searches/s", "median µs", "99 % µs", "recall@1", "recall@k",
        ];
        format!(
            "{} entries of {} values; built in {build_s:.2} s; {:.0} MB searched, {:.0} MB of embeddings\n\n{}\n{}\n",
            people.entries.len(),
            people.space.dimension(),
            searched as f64 / 1e6,
            embeddings as f64 / 1e6,
            table(headings, rows.iter().map(text)),
            table(headings, rosters.iter().map(text)),
        )
    })
}

fn synthetic(session: &Session, args: &Args) -> Result<People> {
    let mut faces = SyntheticFaces::new(args.dim.into(), args.seed);
    let mut people = People {
        space: faces.space().clone(),
        entries: Vec::with_capacity(args.n),
        enrolled: Vec::new(),
        strangers: Vec::new(),
    };
    let every = (args.n / args.probes.max(1)).max(1);
    for id in 0..args.n {
        if id % 10_000 == 0 {
            session.token.check()?;
        }
        let person = faces.person();
        people
            .entries
            .push((EntryId(id as u64), faces.photo(&person)?));
        if id % every == 0 && people.enrolled.len() < args.probes {
            people.enrolled.push(faces.photo(&person)?);
        }
    }
    for _ in 0..args.probes {
        let person = faces.person();
        people.strangers.push(faces.photo(&person)?);
    }
    Ok(people)
}

/// The first photo of each person with several is an entry, the others are probes. People with one photo are strangers.
fn photos(session: &Session, args: &Args) -> Result<People> {
    let Some(folder) = &args.images else {
        bail!("--images: no folder is given");
    };
    let (models, _) = open_set(&args.models)?;
    let recognizer = evaluator(models, &args.detect, !args.detect.upright)?;
    let embedded = embed_people(session, &recognizer, args.models.jobs(), folder, false)?;
    let mut photos_of = vec![Vec::new(); embedded.people.len()];
    for photo in &embedded.photos {
        photos_of[photo.person].extend(photo.embedding.clone());
    }
    let mut people = People {
        space: recognizer.embedder().space().clone(),
        entries: Vec::new(),
        enrolled: Vec::new(),
        strangers: Vec::new(),
    };
    for mut photos in photos_of {
        if photos.len() < 2 {
            people.strangers.append(&mut photos);
            continue;
        }
        let id = EntryId(people.entries.len() as u64);
        people.entries.push((id, photos.swap_remove(0)));
        people.enrolled.append(&mut photos);
    }
    people.enrolled.truncate(args.probes);
    people.strangers.truncate(args.probes);
    Ok(people)
}

/// Returns the seconds that it took.
fn insert(
    session: &Session,
    index: &dyn VectorIndex,
    entries: &[(EntryId, Embedding)],
) -> Result<f64> {
    let begun = Instant::now();
    for entries in entries.chunks(8192) {
        session.token.check()?;
        index.insert(entries)?;
    }
    Ok(begun.elapsed().as_secs_f64())
}

/// Searches with the same probes and options.
#[derive(Clone, Copy)]
struct Measured<'a> {
    probes: &'a [Embedding],
    name: &'static str,
    options: SearchOptions<'a>,
    session: &'a Session,
}

type Found = Vec<Vec<ScoredEntry>>;

impl Measured<'_> {
    fn truth(&self, index: &FlatIndex) -> Result<Found> {
        let exact = self.options.with_exact(true);
        Ok(index.search_many(self.probes, &exact)?)
    }

    fn row(&self, way: &str, index: &dyn VectorIndex, truth: &Found) -> Result<Row> {
        let (mut times, mut found) = (Vec::new(), Vec::new());
        for probe in self.probes {
            self.session.token.check()?;
            let begun = Instant::now();
            found.push(index.search(probe, &self.options)?);
            times.push(begun.elapsed().as_secs_f64() * 1e6);
        }
        Ok(self.report(way, times, &found, truth))
    }

    fn together(&self, way: &str, index: &dyn VectorIndex, truth: &Found) -> Result<Row> {
        let (mut times, mut found) = (Vec::new(), Vec::new());
        for probes in self.probes.chunks(TOGETHER) {
            self.session.token.check()?;
            let begun = Instant::now();
            found.extend(index.search_many(probes, &self.options)?);
            let each = begun.elapsed().as_secs_f64() * 1e6 / probes.len() as f64;
            times.extend(std::iter::repeat_n(each, probes.len()));
        }
        Ok(self.report(way, times, &found, truth))
    }

    fn report(&self, way: &str, mut times: Vec<f64>, found: &Found, truth: &Found) -> Row {
        times.sort_by(f64::total_cmp);
        let quantile = |share: f64| times.get((share * times.len() as f64) as usize).copied();
        let (mut first, mut missed, mut neighbors) = (0, 0, 0);
        for (found, truth) in found.iter().zip(truth) {
            first += usize::from(found.first() == truth.first());
            missed += truth.iter().filter(|one| !found.contains(one)).count() as u32;
            neighbors += truth.len() as u32;
        }
        let exact = self.options.exact || self.options.recall >= 1.0;
        Row {
            way: way.to_owned(),
            probes: self.name,
            k: self.options.k,
            recall: Some(if exact { 1.0 } else { self.options.recall }),
            searches_per_s: times.len() as f64 / times.iter().sum::<f64>() * 1e6,
            median_us: quantile(0.5).unwrap_or(0.0),
            p99_us: quantile(0.99).unwrap_or(0.0),
            recall_at_1: first as f64 / found.len().max(1) as f64,
            recall_at_k: 1.0 - f64::from(missed) / f64::from(neighbors.max(1)),
            neighbors,
        }
    }
}

/// Searches in rosters of several sizes, mostly by people who are not on them.
fn rosters(session: &Session, people: &People, index: &FlatIndex) -> Result<Vec<Row>> {
    let count = people.entries.len();
    let mut rows = Vec::new();
    for size in [30, count / 100, count / 10, count / 2] {
        if size == 0 || size >= count {
            continue;
        }
        let step = count / size;
        let set: EntrySet = (0..size).map(|nth| EntryId((nth * step) as u64)).collect();
        let options = SearchOptions::new(1).with_entries(&set);
        let measured = Measured {
            probes: &people.enrolled,
            name: "enrolled",
            options,
            session,
        };
        let truth = measured.truth(index)?;
        let way = format!("fastest, roster of {size}");
        rows.push(measured.row(&way, index, &truth)?);
    }
    Ok(rows)
}

/// Builds a graph, and returns the seconds that it took.
fn graph(session: &Session, people: &People, flat: &FlatIndex, rows: &mut Vec<Row>) -> Result<f64> {
    let mut graph = HnswIndex::new(people.space.clone(), Metric::Cosine, HnswOptions::default());
    let build_s = insert(session, &graph, &people.entries)?;
    for k in [1, 10] {
        let options = SearchOptions::new(k);
        let measured = Measured {
            probes: &people.enrolled,
            name: "enrolled",
            options,
            session,
        };
        let truth = measured.truth(flat)?;
        for width in GRAPH_WIDTHS {
            graph = graph.with_ef_search(width);
            let mut row = measured.row(&format!("graph, ef {width}"), &graph, &truth)?;
            row.recall = None;
            rows.push(row);
        }
    }
    Ok(build_s)
}
