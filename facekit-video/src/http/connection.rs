//! The thread that reads a camera.

use std::{
    io::{self, BufReader, Read},
    sync::{Arc, Mutex, PoisonError, Weak},
    thread,
    time::{Duration, Instant},
};

use facekit::image::DecodeLimits;
use http_auth::{PasswordClient, PasswordParams};
use ureq::{
    Agent, Body,
    http::{Response, StatusCode, Uri, header},
};

use super::HttpOptions;
use crate::{
    address::Address,
    backoff::Backoff,
    live::{Arrival, Numbers},
    mjpeg::Mjpeg,
    packet::Packet,
    slot::Slot,
};

/// The time after which a waiting thread looks whether the camera was dropped.
const STEP: Duration = Duration::from_millis(100);
/// The time after which a camera that waits for its next snapshot says that it works.
const SIGN_OF_LIFE: Duration = Duration::from_secs(1);
/// The most redirects of a request.
const MOST_REDIRECTS: usize = 5;
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
    /// The authentication that the server asked for.
    authentication: Option<PasswordClient>,
    /// The `ETag` of the last snapshot.
    tag: Option<header::HeaderValue>,
}

/// The end of a connection.
enum End {
    /// The camera was dropped.
    Dropped,
    Lost(String),
    /// The user or the password was refused.
    Refused(String),
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
            .max_redirects(0)
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
            authentication: None,
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
                End::Refused(reason) => {
                    self.backoff.refused();
                    // Otherwise the next attempt would send the wrong password twice.
                    self.authentication = None;
                    reason
                }
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
            let received = match self.kind(&response) {
                Kind::Other(reason) => return End::Lost(reason),
                Kind::Refused(reason) => return End::Refused(reason),
                Kind::Unchanged => {
                    self.backoff.works();
                    self.offer_unchanged();
                    Ok(())
                }
                Kind::Snapshot => self.snapshot(response),
                Kind::Pictures => self.pictures_to_end(response),
                Kind::Stream => {
                    let ended = || End::Lost("the server ended the stream".to_owned());
                    return self.pictures(response).map_or_else(|end| end, |_| ended());
                }
            };
            if let Err(end) = received {
                return end;
            }
            if !self.rest(self.interval.saturating_sub(begin.elapsed())) {
                return End::Dropped;
            }
        }
    }

    /// Sends a request, also to other addresses to which the server redirects it, and with credentials if the server asks for them.
    fn request(&mut self) -> Result<Response<Body>, End> {
        let mut url = self.address.url().to_owned();
        let ours = Origin::of(&url);
        for _ in 0..=MOST_REDIRECTS {
            // No other host gets the password.
            let origin = Origin::of(&url);
            let is_ours = origin == ours;
            let mut response = self.send(&url, is_ours)?;
            if is_ours
                && response.status() == StatusCode::UNAUTHORIZED
                && self.address.credentials().is_some()
                && let Some(client) = challenge(&response)
            {
                self.authentication = Some(client);
                response = self.send(&url, true)?;
            }
            if !is_ours && response.status() == StatusCode::UNAUTHORIZED {
                return Err(End::Refused(format!(
                    "the server redirects to another scheme, host or port, which does not get the password, and answers {}",
                    response.status()
                )));
            }
            if !is_redirect(response.status()) {
                return Ok(response);
            }
            // The body is not read: it may have no end.
            let place = response.headers().get(header::LOCATION);
            let place = place.and_then(|place| place.to_str().ok());
            let next = place.and_then(|place| redirected(&url, place));
            url = next.ok_or_else(|| "the server redirects to no address".to_owned())?;
            let is_https = |origin: &Option<Origin>| {
                let scheme = origin.as_ref().map(|origin| origin.scheme.as_str());
                scheme == Some("https")
            };
            if is_https(&ours) && !is_https(&Origin::of(&url)) {
                return Err("the server redirects from https to http".to_owned().into());
            }
        }
        Err("the server redirects too often".to_owned().into())
    }

    fn send(&mut self, url: &str, is_ours: bool) -> Result<Response<Body>, End> {
        let mut request = self.agent.get(url);
        if is_ours
            && let (Some(client), Some(credentials)) =
                (&mut self.authentication, self.address.credentials())
        {
            let uri: Option<Uri> = url.parse().ok();
            let target = uri.as_ref().and_then(Uri::path_and_query);
            let authorization = client.respond(&PasswordParams {
                username: &String::from_utf8_lossy(&credentials.user),
                password: &String::from_utf8_lossy(&credentials.password),
                uri: target.map_or("/", |target| target.as_str()),
                method: "GET",
                body: Some(b""),
            });
            let wrong = |_| "the server asks for credentials of another kind".to_owned();
            request = request.header(header::AUTHORIZATION, authorization.map_err(wrong)?);
        }
        if let Some(tag) = &self.tag {
            request = request.header(header::IF_NONE_MATCH, tag.clone());
        }
        request
            .call()
            .map_err(|error| End::Lost(self.reason(error)))
    }

    /// Reads one picture of a stated length.
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

    /// Reads one picture or several: some servers send a stream without saying so.
    fn pictures_to_end(&mut self, mut response: Response<Body>) -> Result<(), End> {
        let tag = response.headers_mut().remove(header::ETAG);
        match self.pictures(response)? {
            0 => Err("the server sent no whole picture".to_owned().into()),
            _ => {
                self.tag = tag;
                Ok(())
            }
        }
    }

    /// Reads the pictures of an answer to its end. Returns their number.
    fn pictures(&mut self, response: Response<Body>) -> Result<u64, End> {
        let (reader, deadline) = self.guarded(response);
        let input = BufReader::with_capacity(BUFFER, Box::new(reader) as Box<dyn Read + Send>);
        let mut pictures = Mjpeg::new(input, self.limits.max_file_bytes);
        let mut count = 0;
        while let Some(picture) = pictures.next().map_err(|error| self.lost(error))? {
            self.arrived(picture)?;
            deadline.move_to(Instant::now() + self.timeout);
            count += 1;
        }
        Ok(count)
    }

    fn arrived(&mut self, picture: Vec<u8>) -> Result<(), End> {
        self.backoff.works();
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

    /// Waits for the next snapshot, and says that the camera works. False if the camera was dropped.
    fn rest(&self, time: Duration) -> bool {
        let begin = Instant::now();
        loop {
            let left = time.saturating_sub(begin.elapsed());
            if !self.sleep(left.min(SIGN_OF_LIFE)) {
                return false;
            }
            if left <= SIGN_OF_LIFE {
                return true;
            }
            self.offer_unchanged();
        }
    }

    fn offer_unchanged(&self) {
        if let Some(slot) = self.slot.upgrade() {
            slot.offer(Arrival::Unchanged);
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
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                format!("the server sends something else than pictures: {error}")
            }
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
            ureq::Error::BadUri(_) => "the address cannot be requested".to_owned(),
            error => format!("the connection failed: {error}"),
        }
    }

    fn no_picture(&self) -> String {
        format!("the server sent no picture in {:?}", self.timeout)
    }
}

/// The meaning of an answer.
enum Kind {
    /// A picture.
    Snapshot,
    /// One JPEG or several.
    Pictures,
    /// The last snapshot is still the newest.
    Unchanged,
    Stream,
    /// The user or the password was refused.
    Refused(String),
    /// Something else than pictures.
    Other(String),
}

impl Connection {
    fn kind(&self, response: &Response<Body>) -> Kind {
        let status = response.status();
        match status {
            StatusCode::OK => {}
            StatusCode::NOT_MODIFIED => return Kind::Unchanged,
            StatusCode::UNAUTHORIZED => return Kind::Refused(self.unauthorized(response)),
            StatusCode::FORBIDDEN => {
                return Kind::Refused(format!(
                    "the server answered {status}: this user may not see the pictures"
                ));
            }
            _ => return Kind::Other(format!("the server answered {status}")),
        }
        let text = |name: header::HeaderName| {
            let value = response.headers().get(name);
            value.and_then(|value| value.to_str().ok()).map(str::trim)
        };
        let encoding = text(header::CONTENT_ENCODING).unwrap_or("identity");
        if !encoding.eq_ignore_ascii_case("identity") {
            return Kind::Other(format!(
                "the server sends pictures in the encoding {encoding:?}, which is not supported"
            ));
        }
        let kind = text(header::CONTENT_TYPE).unwrap_or_default();
        let kind = kind.split(';').next().unwrap_or_default().trim();
        match kind.split('/').next().unwrap_or_default() {
            "image" if kind == "image/jpeg" && text(header::CONTENT_LENGTH).is_none() => {
                Kind::Pictures
            }
            "image" => Kind::Snapshot,
            "text" => Kind::Other(format!("the server sends {kind:?}, which is no picture")),
            _ => Kind::Stream,
        }
    }

    fn unauthorized(&self, response: &Response<Body>) -> String {
        let status = response.status();
        let is_asked = response.headers().contains_key(header::WWW_AUTHENTICATE);
        if self.address.credentials().is_some() && is_asked && challenge(response).is_none() {
            return format!(
                "the server answered {status}: it asks for another authentication than basic or digest"
            );
        }
        format!("the server answered {status}: the user or the password is wrong or missing")
    }
}

fn is_redirect(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

/// The authentication that a server asks for, if it is basic or digest.
fn challenge(response: &Response<Body>) -> Option<PasswordClient> {
    let challenges = response.headers().get_all(header::WWW_AUTHENTICATE);
    let mut builder = PasswordClient::builder();
    for challenge in challenges {
        builder = builder.challenges(challenge.to_str().ok()?);
    }
    builder.build().ok()
}

/// The scheme, the host and the port of an address, as they are compared.
#[derive(PartialEq)]
struct Origin {
    scheme: String,
    host: String,
    port: u16,
}

impl Origin {
    fn of(url: &str) -> Option<Self> {
        let uri: Uri = url.parse().ok()?;
        let scheme = uri.scheme_str()?.to_ascii_lowercase();
        let usual = if scheme == "https" { 443 } else { 80 };
        Some(Self {
            host: uri.host()?.to_ascii_lowercase(),
            port: uri.port_u16().unwrap_or(usual),
            scheme,
        })
    }
}

/// The text of an address before its path.
fn before_path(url: &str) -> &str {
    let host = url.find("://").map_or(0, |end| end + 3);
    let end = url[host..].find(['/', '?']).map(|end| host + end);
    &url[..end.unwrap_or(url.len())]
}

/// The address of a redirect from `url`. `None` if it is none of the web.
fn redirected(url: &str, place: &str) -> Option<String> {
    let place = place.split('#').next().unwrap_or_default();
    let origin = before_path(url);
    let scheme = origin.split("//").next()?;
    let path = url.split('?').next().unwrap_or_default();
    let is_scheme = |text: &str| {
        let is_part = |letter: char| letter.is_ascii_alphanumeric() || "+-.".contains(letter);
        !text.is_empty() && text.chars().all(is_part)
    };
    let next = if place
        .split_once("://")
        .is_some_and(|(text, _)| is_scheme(text))
    {
        place.to_owned()
    } else if place.starts_with("//") {
        format!("{scheme}{place}")
    } else if place.starts_with('/') {
        format!("{origin}{place}")
    } else if place.starts_with('?') {
        format!("{path}{place}")
    } else {
        let folder = path.rfind('/').filter(|&end| end >= origin.len());
        let folder = folder.map_or(origin, |end| &path[..end]);
        format!("{folder}/{place}")
    };
    let uri: Uri = next.parse().ok()?;
    matches!(uri.scheme_str(), Some("http" | "https")).then_some(next)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redirects_are_resolved() {
        let from = "http://door:80/a/b?c=/d";
        for (place, to) in [
            ("http://other/x?y#z", Some("http://other/x?y")),
            ("//other/x", Some("http://other/x")),
            ("/x", Some("http://door:80/x")),
            ("x?y", Some("http://door:80/a/x?y")),
            ("?y", Some("http://door:80/a/b?y")),
            ("/x?next=http://y/", Some("http://door:80/x?next=http://y/")),
            ("rtsp://other/x", None),
            ("file:///etc", None),
            ("http://", None),
        ] {
            assert_eq!(redirected(from, place).as_deref(), to, "{place}");
        }
        assert_eq!(
            redirected("http://door", "x").as_deref(),
            Some("http://door/x")
        );
        assert_eq!(before_path("http://door?x=/"), "http://door");
        assert_eq!(before_path("https://door:1/x"), "https://door:1");
    }

    #[test]
    fn the_same_origin_is_written_in_several_ways() {
        let is_same = |a, b| Origin::of(a) == Origin::of(b);
        assert!(is_same("http://door/a", "HTTP://Door:80/b?c"));
        assert!(is_same("https://door", "https://door:443/"));
        for other in ["https://door/", "http://door:81/", "http://doors/"] {
            assert!(!is_same("http://door/", other), "{other}");
        }
    }
}
