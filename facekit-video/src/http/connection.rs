//! The thread that reads a camera.

use std::{
    io::{self, BufReader, Read},
    sync::{Arc, Mutex, PoisonError, Weak},
    thread,
    time::{Duration, Instant},
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use facekit::image::DecodeLimits;
use ureq::{
    Agent, Body,
    http::{Response, StatusCode, header},
};

use super::HttpOptions;
use crate::{
    address::{Address, Credentials},
    backoff::Backoff,
    live::{Arrival, Numbers},
    mjpeg::Mjpeg,
    packet::Packet,
    slot::Slot,
};

/// The time after which a waiting thread looks whether the camera was dropped.
const STEP: Duration = Duration::from_millis(100);
/// The bytes that are read at once.
const BUFFER: usize = 64 << 10;

pub(super) struct Connection {
    address: Address,
    agent: Agent,
    limits: DecodeLimits,
    interval: Duration,
    timeout: Duration,
    backoff: Backoff,
    slot: Weak<Slot<Arrival>>,
    numbers: Numbers,
    /// The `ETag` of the last snapshot.
    tag: Option<header::HeaderValue>,
}

/// The end of a connection.
enum End {
    /// The camera was dropped.
    Dropped,
    Lost(String),
}

impl From<String> for End {
    fn from(reason: String) -> Self {
        Self::Lost(reason)
    }
}

impl Connection {
    pub(super) fn new(address: &Address, options: &HttpOptions, slot: Weak<Slot<Arrival>>) -> Self {
        let timeout = Some(options.timeout);
        let config = Agent::config_builder()
            .user_agent(concat!("facekit/", env!("CARGO_PKG_VERSION")))
            .accept("multipart/x-mixed-replace, image/jpeg, */*;q=0.1")
            .accept_encoding("identity")
            .http_status_as_error(false)
            // No redirect from https to http.
            .https_only(address.url().starts_with("https:"))
            .proxy(None)
            .timeout_resolve(timeout)
            .timeout_connect(timeout)
            .timeout_recv_response(timeout)
            .timeout_per_read(timeout)
            .timeout_per_write(timeout);
        Self {
            address: address.clone(),
            agent: config.build().into(),
            limits: options.limits.clone(),
            interval: options.interval,
            timeout: options.timeout,
            backoff: Backoff::new(options.first_retry, options.longest_retry),
            slot,
            numbers: Numbers::default(),
            tag: None,
        }
    }

    /// Connects again and again, until the camera is dropped.
    pub(super) fn run(mut self) {
        loop {
            self.numbers.connection += 1;
            // A connection begins with a picture, also if it is the one from before the loss.
            self.tag = None;
            let reason = match self.receive() {
                End::Dropped => return,
                End::Lost(reason) => reason,
            };
            let (pause, retry_at) = self.backoff.pause();
            if !self.put(Arrival::Lost { reason, retry_at }) || !self.sleep(pause) {
                return;
            }
        }
    }

    /// Receives pictures over one connection, until it is lost.
    fn receive(&mut self) -> End {
        loop {
            let begin = Instant::now();
            let response = match self.request() {
                Ok(response) => response,
                Err(end) => return end,
            };
            let received = match kind(&response) {
                Kind::Refused(reason) => return End::Lost(reason),
                Kind::Unchanged => {
                    self.backoff.reset();
                    Ok(())
                }
                Kind::Snapshot => self.snapshot(response),
                Kind::Stream => return self.stream(response),
            };
            if let Err(end) = received {
                return end;
            }
            if !self.sleep(self.interval.saturating_sub(begin.elapsed())) {
                return End::Dropped;
            }
        }
    }

    fn request(&self) -> Result<Response<Body>, End> {
        let mut request = self.agent.get(self.address.url());
        if let Some(Credentials { user, password }) = self.address.credentials() {
            let basic = BASE64_STANDARD.encode([user, &b":"[..], password].concat());
            let authorization = format!("Basic {basic}");
            request = request.header(header::AUTHORIZATION, authorization);
        }
        if let Some(tag) = &self.tag {
            request = request.header(header::IF_NONE_MATCH, tag.clone());
        }
        request
            .call()
            .map_err(|error| End::Lost(self.reason(error)))
    }

    /// Reads one picture.
    fn snapshot(&mut self, mut response: Response<Body>) -> Result<(), End> {
        let tag = response.headers_mut().remove(header::ETAG);
        let most = self.limits.max_file_bytes;
        let mut picture = Vec::new();
        let (reader, _) = self.guarded(response);
        let read = reader.take(most as u64 + 1).read_to_end(&mut picture);
        read.map_err(|error| self.lost(error))?;
        if picture.len() > most {
            return Err(format!("the picture has more than {most} bytes").into());
        }
        self.tag = tag;
        self.arrived(picture)
    }

    /// Reads the pictures of a stream to its end.
    fn stream(&mut self, response: Response<Body>) -> End {
        let (reader, deadline) = self.guarded(response);
        let input = BufReader::with_capacity(BUFFER, Box::new(reader) as Box<dyn Read + Send>);
        let mut pictures = Mjpeg::new(input, self.limits.max_file_bytes);
        loop {
            match pictures.next() {
                Ok(Some(picture)) => {
                    if let Err(end) = self.arrived(picture) {
                        return end;
                    }
                    deadline.move_to(Instant::now() + self.timeout);
                }
                Ok(None) => return End::Lost("the server ended the stream".to_owned()),
                Err(error) => return self.lost(error),
            }
        }
    }

    fn arrived(&mut self, picture: Vec<u8>) -> Result<(), End> {
        self.backoff.reset();
        let arrived = self.numbers.arrived(Packet::Encoded(picture));
        if self.put(Arrival::Frame(arrived)) {
            Ok(())
        } else {
            Err(End::Dropped)
        }
    }

    /// Puts news into the slot. False if the camera was dropped.
    fn put(&self, news: Arrival) -> bool {
        self.slot.upgrade().map(|slot| slot.put(news)).is_some()
    }

    /// Waits. False if the camera was dropped.
    fn sleep(&self, time: Duration) -> bool {
        let begin = Instant::now();
        loop {
            if self.slot.strong_count() == 0 {
                return false;
            }
            let left = time.saturating_sub(begin.elapsed());
            if left.is_zero() {
                return true;
            }
            thread::sleep(left.min(STEP));
        }
    }

    /// The body of an answer, with a time at which a picture must be whole.
    fn guarded(&self, response: Response<Body>) -> (Guarded<impl Read + Send + use<>>, Deadline) {
        let deadline = Deadline::new(Instant::now() + self.timeout);
        let reader = Guarded {
            inner: response.into_body().into_reader(),
            slot: self.slot.clone(),
            deadline: deadline.clone(),
        };
        (reader, deadline)
    }

    fn lost(&self, error: io::Error) -> End {
        if self.slot.strong_count() == 0 {
            return End::Dropped;
        }
        End::Lost(match error.downcast::<ureq::Error>() {
            Ok(error) => self.reason(error),
            Err(error) if error.kind() == io::ErrorKind::TimedOut => self.no_picture(),
            Err(error) => format!("the connection broke: {error}"),
        })
    }

    /// The reason of a lost connection. It never has the address.
    fn reason(&self, error: ureq::Error) -> String {
        match error {
            ureq::Error::Timeout(ureq::Timeout::Connect | ureq::Timeout::Resolve) => {
                format!("the server was not reached in {:?}", self.timeout)
            }
            ureq::Error::Timeout(_) => self.no_picture(),
            ureq::Error::HostNotFound => "the server's name is not known".to_owned(),
            ureq::Error::Io(error) => format!("the server was not reached: {error}"),
            ureq::Error::TooManyRedirects => "the server redirects too often".to_owned(),
            ureq::Error::RequireHttpsOnly(_) => "the server redirects to http".to_owned(),
            ureq::Error::BadUri(_) => "the server redirects to no address".to_owned(),
            error => format!("the connection failed: {error}"),
        }
    }

    fn no_picture(&self) -> String {
        format!("the server sent no picture in {:?}", self.timeout)
    }
}

/// The meaning of an answer.
enum Kind {
    Snapshot,
    /// The last snapshot is still the newest.
    Unchanged,
    Stream,
    Refused(String),
}

fn kind(response: &Response<Body>) -> Kind {
    match response.status() {
        StatusCode::OK => {}
        StatusCode::NOT_MODIFIED => return Kind::Unchanged,
        status @ (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) => {
            return Kind::Refused(format!(
                "the server answered {status}: the user or the password is wrong or missing"
            ));
        }
        status => return Kind::Refused(format!("the server answered {status}")),
    }
    let kind = response.headers().get(header::CONTENT_TYPE);
    let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    match kind.split('/').next().unwrap_or_default() {
        "image" => Kind::Snapshot,
        "text" => Kind::Refused(format!("the server sends {kind:?}, which is no picture")),
        _ => Kind::Stream,
    }
}

/// The time at which the next picture must be whole.
#[derive(Clone)]
struct Deadline(Arc<Mutex<Instant>>);

impl Deadline {
    fn new(at: Instant) -> Self {
        Self(Arc::new(Mutex::new(at)))
    }

    fn move_to(&self, at: Instant) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = at;
    }

    fn has_passed(&self) -> bool {
        Instant::now() > *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The bytes of an answer. They end if the camera is dropped, and if no picture is whole in time, however slowly bytes come.
struct Guarded<R> {
    inner: R,
    slot: Weak<Slot<Arrival>>,
    deadline: Deadline,
}

impl<R: Read> Read for Guarded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.deadline.has_passed() || self.slot.strong_count() == 0 {
            return Err(io::ErrorKind::TimedOut.into());
        }
        self.inner.read(buffer)
    }
}
