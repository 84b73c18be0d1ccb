//! Cameras at the same time: the share of two cores, the age of frames, and the memory. `cargo xtask bench cameras` runs it.
//!
//! Usage: cameras [--protocol rtsp|http] [--cameras N] [--height 360|1080] [--seconds N] [--runtime NAME] [--models SELECTION]
//!
//! Each camera sends 15 frames a second from a server that is another process: H.264 over RTSP, or Motion JPEG over HTTP. Somebody
//! walks past each camera every 10 s. Half of the people of examples/data are enrolled.

#[path = "../../../facekit-video/tests/rtsp/server.rs"]
#[allow(dead_code, reason = "the tests of facekit-video use the rest")]
mod rtsp;
mod server;

use std::{
    env,
    io::{BufRead as _, BufReader},
    num::NonZeroUsize,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use facekit::{
    EnrollOptions, FlatIndex, Gallery, Image, LoadOptions, MemoryStore, Metric, Outcome, PersonId,
    Recognizer,
    image::{DecodeLimits, open},
};
use facekit_runtimes::{RuntimeName, RuntimeOptions};
use facekit_video::{
    CameraId, CameraOptions, Change, Health, HttpCamera, HttpOptions, RtspCamera, RtspOptions,
    Watched, Watcher, WatcherOptions,
};

/// The time before measuring: connections are made, and the first people are decided.
const WARM_UP: Duration = Duration::from_secs(10);
/// The time between two looks at the condition of the cameras.
const LOOK: Duration = Duration::from_millis(50);
const CORES: usize = 2;

/// The options of the command.
struct Options {
    protocol: String,
    cameras: usize,
    height: usize,
    seconds: u64,
    runtime: RuntimeName,
    models: String,
}

impl Options {
    fn parse() -> Self {
        let mut options = Self {
            protocol: "rtsp".to_owned(),
            cameras: 8,
            height: 360,
            seconds: 60,
            runtime: RuntimeName::Ort,
            models: "nano".to_owned(),
        };
        let arguments: Vec<String> = env::args().skip(1).collect();
        for pair in arguments.chunks(2) {
            let [name, value] = pair else {
                panic!("{}: a value is missing", pair[0]);
            };
            let number = || value.parse().unwrap_or_else(|_| panic!("{name}: {value}"));
            match name.as_str() {
                "--cameras" => options.cameras = number(),
                "--height" => options.height = number(),
                "--seconds" => options.seconds = number() as u64,
                "--protocol" => options.protocol.clone_from(value),
                "--runtime" => options.runtime = value.parse().unwrap(),
                "--models" => options.models.clone_from(value),
                _ => panic!("no option {name}"),
            }
        }
        options
    }
}

fn main() {
    if env::args().nth(1).as_deref() == Some("serve") {
        return server::run();
    }
    let options = Options::parse();
    let servers = Servers::start(&options);
    let watcher_options =
        WatcherOptions::default().with_workers(NonZeroUsize::new(CORES).expect("not zero"));
    let watcher = Watcher::new(Arc::new(recognizer(&options)), &watcher_options).unwrap();
    let cameras: Vec<CameraId> = servers
        .addresses
        .iter()
        .map(|address| {
            let camera = CameraOptions::default();
            let added = if address.starts_with("rtsp:") {
                let source = RtspCamera::open(address, &RtspOptions::default()).unwrap();
                watcher.add(source, &camera)
            } else {
                let source = HttpCamera::open(address, &HttpOptions::default()).unwrap();
                watcher.add(source, &camera)
            };
            added.unwrap()
        })
        .collect();

    let mut run = Run::new(&watcher, &cameras);
    run.watch(WARM_UP);
    run.begin();
    run.watch(Duration::from_secs(options.seconds));
    run.report(&options);
}

/// The servers of the cameras, in another process.
struct Servers {
    process: Child,
    addresses: Vec<String>,
}

impl Servers {
    fn start(options: &Options) -> Self {
        let program = env::current_exe().unwrap();
        let mut process = Command::new(program)
            .args([
                "serve",
                &options.protocol,
                &options.cameras.to_string(),
                &options.height.to_string(),
            ])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let output = process.stdout.take().expect("it is piped");
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line).unwrap();
        let addresses = line.split_whitespace();
        let addresses: Vec<String> = addresses
            .map(|port| format!("{}://127.0.0.1:{port}/", options.protocol))
            .collect();
        assert_eq!(
            addresses.len(),
            options.cameras,
            "the servers did not start"
        );
        Self { process, addresses }
    }
}

impl Drop for Servers {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The folder of the synthetic people.
pub(crate) fn people() -> Vec<(String, PathBuf)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/data/people");
    let entries = std::fs::read_dir(folder).unwrap();
    let mut people: Vec<(String, PathBuf)> = entries
        .map(|entry| {
            let entry = entry.unwrap();
            (entry.file_name().into_string().unwrap(), entry.path())
        })
        .collect();
    people.sort();
    people
}

pub(crate) fn photo(folder: &Path, number: usize) -> Image {
    open(
        folder.join(format!("{number}.jpg")),
        &DecodeLimits::default(),
    )
    .unwrap()
}

fn recognizer(options: &Options) -> Recognizer {
    let cores = NonZeroUsize::new(CORES).expect("not zero");
    let runtime = RuntimeOptions::default().with_concurrency(cores);
    let runtime = options.runtime.runtime(&runtime).unwrap();
    let registry = facekit_nano::registry().read_env().unwrap();
    let load = LoadOptions::default().with_threads(1);
    let models = registry.load(&options.models, &*runtime, &load).unwrap();
    let index = FlatIndex::new(models.embedder.space().clone(), Metric::Cosine);
    let gallery = Gallery::open(MemoryStore::new(), index).unwrap();
    let recognizer = Recognizer::builder()
        .models(models)
        .gallery(gallery)
        .build()
        .unwrap();
    for (name, folder) in people().into_iter().step_by(2) {
        let photos: Vec<Image> = (1..=3).map(|number| photo(&folder, number)).collect();
        let views: Vec<_> = photos.iter().map(Image::view).collect();
        let person = PersonId::new(name).unwrap();
        recognizer
            .enroll(&person, &views, &EnrollOptions::default())
            .unwrap();
    }
    recognizer
}

/// The figures of a run.
struct Run<'a> {
    watcher: &'a Watcher,
    cameras: Vec<Watching>,
    begin: Instant,
    processor: Duration,
    memory: u64,
    decided: usize,
    known: usize,
    not_live: usize,
}

struct Watching {
    id: CameraId,
    first: Option<Health>,
    /// The number of frames that the tracker got, and the time since it did not change.
    taken: (u64, Instant),
    longest_wait: Duration,
    oldest: Duration,
}

impl<'a> Run<'a> {
    fn new(watcher: &'a Watcher, cameras: &[CameraId]) -> Self {
        let now = Instant::now();
        let watching = |&id: &CameraId| Watching {
            id,
            first: None,
            taken: (0, now),
            longest_wait: Duration::ZERO,
            oldest: Duration::ZERO,
        };
        Self {
            watcher,
            cameras: cameras.iter().map(watching).collect(),
            begin: now,
            processor: processor_time(),
            memory: memory(),
            decided: 0,
            known: 0,
            not_live: 0,
        }
    }

    /// Forgets everything so far.
    fn begin(&mut self) {
        let ids: Vec<CameraId> = self.cameras.iter().map(|camera| camera.id).collect();
        let taken: Vec<_> = self.cameras.iter().map(|camera| camera.taken).collect();
        *self = Self::new(self.watcher, &ids);
        for (camera, taken) in self.cameras.iter_mut().zip(taken) {
            camera.taken = taken;
            camera.first = self.watcher.health(camera.id);
        }
    }

    /// Takes the reports for a time.
    fn watch(&mut self, time: Duration) {
        let end = Instant::now() + time;
        while Instant::now() < end {
            if let Watched::Report(report) = self.watcher.next(LOOK)
                && let Change::Events(events) = report.change
            {
                for event in events {
                    if let facekit::TrackEvent::Decided(track) = event {
                        self.decided += 1;
                        self.known += usize::from(track.sighting().is_some());
                        let refused = track.decision.as_ref().is_some_and(|decision| {
                            matches!(decision, Outcome::Spoof | Outcome::TightCrop { .. })
                        });
                        self.not_live += usize::from(refused);
                    }
                }
            }
            let now = Instant::now();
            for camera in &mut self.cameras {
                let Some(health) = self.watcher.health(camera.id) else {
                    continue;
                };
                let taken = health.received - health.dropped;
                if taken != camera.taken.0 {
                    camera.taken = (taken, now);
                }
                camera.longest_wait = camera.longest_wait.max(now - camera.taken.1);
                camera.oldest = camera.oldest.max(health.age_p95.unwrap_or_default());
            }
        }
    }

    fn report(&self, options: &Options) {
        let wall = self.begin.elapsed();
        let used = processor_time() - self.processor;
        let share = used.as_secs_f64() / (CORES as f64 * wall.as_secs_f64());
        let health = |camera: &Watching| self.watcher.health(camera.id).unwrap();
        let rate = |figure: fn(&Health) -> u64, camera: &Watching| {
            let first = camera.first.as_ref().map_or(0, figure);
            (figure(&health(camera)) - first) as f64 / wall.as_secs_f64()
        };
        let rates = |figure: fn(&Health) -> u64| {
            let all = self.cameras.iter().map(|camera| rate(figure, camera));
            let (least, most) = all.fold((f64::INFINITY, 0.0_f64), |(least, most), rate| {
                (least.min(rate), most.max(rate))
            });
            format!("{least:.2} to {most:.2}")
        };
        let longest = |of: fn(&Watching) -> Duration| {
            let longest = self.cameras.iter().map(of).max().unwrap_or_default();
            longest.as_secs_f64() * 1000.0
        };
        let ages = self
            .cameras
            .iter()
            .filter_map(|camera| health(camera).age_p95);
        let newest = ages.max().unwrap_or_default().as_secs_f64();
        let halvings = self
            .cameras
            .first()
            .map_or(0, |camera| health(camera).halvings);
        let mebibytes = |bytes: u64| bytes as f64 / f64::from(1 << 20);
        println!(
            "{} cameras of {} lines by {}, {} on {}, {:.0} s",
            options.cameras,
            options.height,
            options.protocol,
            options.models,
            options.runtime,
            wall.as_secs_f64()
        );
        println!(
            "  {:.1} % of two cores, with decoding and reading",
            100.0 * share
        );
        println!(
            "  age of examined frames: 95 % are younger than {:.0} ms at the end, {:.0} ms at any time, on the oldest camera",
            newest * 1000.0,
            longest(|camera| camera.oldest)
        );
        println!(
            "  memory {:.1} MiB, {:.1} MiB at the beginning",
            mebibytes(memory()),
            mebibytes(self.memory)
        );
        println!(
            "  a second and camera: received {}, decoded {}, examined {}",
            rates(|it| it.received),
            rates(|it| it.decoded),
            rates(|it| it.examined)
        );
        println!(
            "  longest time in which the tracker of a camera got no frame: {:.0} ms; halvings at the end: {halvings}",
            longest(|camera| camera.longest_wait)
        );
        println!(
            "  {} tracks were decided: {} people known, {} not live",
            self.decided, self.known, self.not_live
        );
        for camera in &self.cameras {
            println!("    camera {}: {:?}", camera.id, health(camera));
        }
    }
}

/// The processor time of this process so far.
fn processor_time() -> Duration {
    /// Clock ticks a second on Linux.
    const TICKS: f64 = 100.0;
    let stat = std::fs::read_to_string("/proc/self/stat").expect("/proc: this runs on Linux");
    // The name of the program is in parentheses and may have spaces.
    let (_, after) = stat.rsplit_once(") ").expect("the name is in parentheses");
    let fields: Vec<&str> = after.split(' ').collect();
    let ticks: f64 = fields[11..13]
        .iter()
        .map(|field| field.parse::<f64>().expect("a number"))
        .sum();
    Duration::from_secs_f64(ticks / TICKS)
}

/// The resident memory of this process, in bytes.
fn memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("/proc: this runs on Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kibibytes = line.and_then(|line| line.trim().strip_suffix(" kB"));
    1024 * kibibytes
        .expect("a size")
        .trim()
        .parse::<u64>()
        .expect("a number")
}
