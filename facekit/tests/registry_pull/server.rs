//! An HTTP server that misbehaves as it is told to.

use std::{
    collections::VecDeque,
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

/// The server's answer to one request.
#[derive(Clone, Debug)]
pub(crate) enum Answer {
    /// The correct answer.
    Serve,
    /// The whole file, whatever part was requested.
    IgnoreRange,
    /// The correct headers and so many bytes. Then the connection is closed.
    BreakOff(usize),
    /// The correct headers and so many bytes. Then nothing, while the connection stays open.
    Stall(usize),
    /// Nothing, not even headers.
    Silence,
    /// Headers without a length, and these bytes.
    Unsized(Vec<u8>),
    /// These bytes as the file.
    Instead(Vec<u8>),
    /// The requested part of these bytes.
    PartOf(Vec<u8>),
    /// A part that begins at another offset than requested.
    OtherPart,
    /// An error of this status.
    Status(u16),
    /// A redirect to this URL.
    Redirect(String),
    /// The correct answer, in small pieces with pauses.
    Slow,
}

/// A request that the server received.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Seen {
    pub(crate) path: String,
    /// The offset of the first requested byte.
    pub(crate) from: Option<usize>,
}

pub(crate) struct Server {
    pub(crate) address: String,
    answers: Arc<Mutex<VecDeque<Answer>>>,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Server {
    /// Starts a server that gives `answers` one after the other, and then the correct answer.
    pub(crate) fn start(content: Vec<u8>, answers: impl IntoIterator<Item = Answer>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let answers = Arc::new(Mutex::new(answers.into_iter().collect::<VecDeque<_>>()));
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (next, log) = (answers.clone(), seen.clone());
        let content = Arc::new(content);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (next, log, content) = (next.clone(), log.clone(), content.clone());
                // Errors are ignored: in some tests the client closes the connection.
                thread::spawn(move || answer(stream, &content, &next, &log));
            }
        });
        Self {
            address,
            answers,
            seen,
        }
    }

    pub(crate) fn then(&self, answer: Answer) {
        self.answers.lock().unwrap().push_back(answer);
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// The offset of the first requested byte of each request.
    pub(crate) fn ranges(&self) -> Vec<Option<usize>> {
        self.seen().into_iter().map(|seen| seen.from).collect()
    }
}

fn answer(
    stream: TcpStream,
    content: &[u8],
    next: &Mutex<VecDeque<Answer>>,
    log: &Mutex<Vec<Seen>>,
) -> Option<()> {
    let mut lines = BufReader::new(stream.try_clone().ok()?).lines();
    let path = lines.next()?.ok()?.split(' ').nth(1)?.to_owned();
    let mut from = None;
    for line in lines {
        let line = line.ok()?.to_ascii_lowercase();
        if let Some(range) = line.strip_prefix("range: bytes=") {
            from = range.strip_suffix('-')?.parse().ok();
        }
        if line.is_empty() {
            break;
        }
    }
    log.lock().unwrap().push(Seen { path, from });
    let answer = next.lock().unwrap().pop_front().unwrap_or(Answer::Serve);

    let mut stream = stream;
    let mut send = |bytes: &[u8]| stream.write_all(bytes).ok();
    let head = |status: &str, headers: &str| {
        format!("HTTP/1.1 {status}\r\nConnection: close\r\n{headers}\r\n").into_bytes()
    };
    let whole = |content: &[u8]| head("200 OK", &format!("Content-Length: {}\r\n", content.len()));
    let part = |content: &[u8], from: usize| {
        let headers = format!(
            "Content-Length: {}\r\nContent-Range: bytes {from}-{}/{}\r\n",
            content.len() - from,
            content.len() - 1,
            content.len()
        );
        head("206 Partial Content", &headers)
    };
    let right = match from {
        Some(from) if from < content.len() => part(content, from),
        Some(_) => head("416 Range Not Satisfiable", "Content-Length: 0\r\n"),
        None => whole(content),
    };
    let rest = &content[from.unwrap_or(0).min(content.len())..];
    let hold = || thread::sleep(Duration::from_secs(20));
    match answer {
        Answer::Serve => {
            send(&right)?;
            send(rest)
        }
        Answer::IgnoreRange => {
            send(&whole(content))?;
            send(content)
        }
        Answer::BreakOff(after) => {
            send(&right)?;
            send(&rest[..after])
        }
        Answer::Stall(after) => {
            send(&right)?;
            send(&rest[..after])?;
            hold();
            None
        }
        Answer::Silence => {
            hold();
            None
        }
        Answer::Unsized(bytes) => {
            send(&head("200 OK", ""))?;
            send(&bytes)
        }
        Answer::Instead(bytes) => {
            send(&whole(&bytes))?;
            send(&bytes)
        }
        Answer::PartOf(bytes) => {
            send(&part(&bytes, from?))?;
            send(&bytes[from?..])
        }
        Answer::OtherPart => {
            send(&part(content, from? + 1))?;
            send(&content[from? + 1..])
        }
        Answer::Status(status) => send(&head(&format!("{status} Oh"), "Content-Length: 0\r\n")),
        Answer::Redirect(to) => send(&head(
            "302 Found",
            &format!("Location: {to}\r\nContent-Length: 0\r\n"),
        )),
        Answer::Slow => {
            send(&right)?;
            for piece in rest.chunks(content.len() / 20) {
                send(piece)?;
                thread::sleep(Duration::from_millis(20));
            }
            Some(())
        }
    }
}
