//! Processes that are killed between two steps of their work with files.
//!
//! The process counts its steps: the operations on its disks, and those it counts itself. Before a chosen step it says so and
//! waits, and the test kills it there (SIGKILL on Unix).

use std::{
    env,
    fs::{File, OpenOptions},
    io::{self, BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use crate::sealed_file::disk::Disk;

const FOLDER: &str = "FACEKIT_TEST_FOLDER";
const STEP: &str = "FACEKIT_TEST_STEP";

/// The work of the process that is killed.
#[derive(Debug)]
pub(crate) struct Victim {
    pub(crate) folder: PathBuf,
    taken: AtomicUsize,
    last: usize,
}

impl Victim {
    /// The work, if this process is the one to be killed.
    pub(crate) fn of_this_process() -> Option<Arc<Self>> {
        let folder = PathBuf::from(env::var_os(FOLDER)?);
        let last = env::var(STEP).unwrap().parse().unwrap();
        Some(Arc::new(Self {
            folder,
            taken: AtomicUsize::new(0),
            last,
        }))
    }

    /// Counts a step. Never returns if it is the chosen one.
    pub(crate) fn step(&self) {
        if self.taken.fetch_add(1, Ordering::SeqCst) == self.last {
            self.say("waiting");
            loop {
                thread::sleep(Duration::from_secs(1));
            }
        }
    }

    /// Prints a line for the test.
    pub(crate) fn say(&self, line: &str) {
        let mut out = io::stdout();
        writeln!(out, "\n> {line}").unwrap();
        out.flush().unwrap();
    }

    /// Says what begins, does it, and says that it is done. Each is a step of its own.
    pub(crate) fn act<T>(&self, what: &str, act: impl FnOnce() -> T) -> T {
        self.step();
        self.say(&format!("begin {what}"));
        let result = act();
        self.say(&format!("end {what}"));
        self.step();
        result
    }

    /// Says how many steps there were.
    pub(crate) fn end(&self) {
        self.say(&format!("steps {}", self.taken.load(Ordering::SeqCst)));
    }

    /// A file of the folder, as a disk whose operations are steps.
    pub(crate) fn disk(self: &Arc<Self>, name: &str) -> Arc<dyn Disk> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        Arc::new(SteppedDisk {
            file: options.open(self.folder.join(name)).unwrap(),
            victim: Arc::clone(self),
        })
    }
}

#[derive(Debug)]
struct SteppedDisk {
    file: File,
    victim: Arc<Victim>,
}

impl Disk for SteppedDisk {
    fn len(&self) -> io::Result<u64> {
        Disk::len(&self.file)
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        self.victim.step();
        Disk::set_len(&self.file, length)
    }

    fn read(&self, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
        Disk::read(&self.file, offset, bytes)
    }

    fn write(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.victim.step();
        Disk::write(&self.file, offset, bytes)
    }

    fn sync(&self) -> io::Result<()> {
        self.victim.step();
        Disk::sync(&self.file)
    }
}

/// The output of a killed process.
#[derive(Debug)]
pub(crate) struct Said {
    begun: Vec<String>,
    ended: Vec<String>,
    /// The number of steps, if the process came to its end.
    pub(crate) steps: Option<usize>,
}

impl Said {
    pub(crate) fn begun(&self, what: &str) -> bool {
        self.begun.iter().any(|begun| begun == what)
    }

    pub(crate) fn ended(&self, what: &str) -> bool {
        self.ended.iter().any(|ended| ended == what)
    }
}

/// Runs the test `name` of this program as a process, kills it before its step number `step`, and returns what it said.
pub(crate) fn kill_before(name: &str, folder: &Path, step: usize) -> Said {
    let mut child = Command::new(env::current_exe().unwrap())
        .args(["--exact", name, "--nocapture"])
        .env(FOLDER, folder)
        .env(STEP, step.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let output = BufReader::new(child.stdout.take().unwrap());
    let mut said = Said {
        begun: Vec::new(),
        ended: Vec::new(),
        steps: None,
    };
    for line in output.lines() {
        let line = line.unwrap();
        let Some(line) = line.strip_prefix("> ") else {
            continue;
        };
        if line == "waiting" {
            child.kill().unwrap();
            break;
        }
        match line.split_once(' ').unwrap() {
            ("begin", what) => said.begun.push(what.to_owned()),
            ("end", what) => said.ended.push(what.to_owned()),
            ("steps", count) => said.steps = Some(count.parse().unwrap()),
            _ => panic!("{line}"),
        }
    }
    let status = child.wait().unwrap();
    assert!(
        !status.success() || said.steps.is_some(),
        "{name} failed: {said:?}"
    );
    said
}

/// The steps before which a process of so many steps is killed, spread evenly: few, or 200 in the long form.
pub(crate) fn chosen_steps(steps: usize) -> impl Iterator<Item = usize> {
    let kills = if env::var_os("FACEKIT_SOAK").is_some() {
        200
    } else {
        10
    };
    (0..kills).map(move |nth| (nth * steps + steps / 2) / kills)
}
