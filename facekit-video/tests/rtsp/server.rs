//! A small server of RTSP cameras: pictures in packets over TCP, with sender reports, and with the faults of a script.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// Ticks of the RTP clock a second.
pub(crate) const TICKS: u32 = 90_000;
/// The most bytes of a packet. Units that are longer are sent in several packets.
const PACKET: usize = 1200;
/// The seconds from 1900, where NTP begins, to 1970.
const NTP_BEGIN: u64 = 2_208_988_800;

/// The coding of a video.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Coding {
    H264,
    H265,
}

/// An answer in place of the usual one to a request. After an empty one, the connection is closed.
type Answer = dyn Fn(usize, &str) -> Option<Vec<u8>> + Send + Sync;
/// Sends a video. The connection is closed after that.
type Play = dyn Fn(usize, &mut Client) -> io::Result<()> + Send + Sync;

/// The behavior of a server. Its functions get the number of the connection, from 0 on.
pub(crate) struct Script {
    /// The description of the video (SDP).
    pub(crate) description: String,
    pub(crate) answer: Box<Answer>,
    pub(crate) play: Box<Play>,
}

impl Script {
    /// Plays a video of H.264 whose pictures have their parameter sets.
    pub(crate) fn new(
        play: impl Fn(usize, &mut Client) -> io::Result<()> + Send + Sync + 'static,
    ) -> Self {
        Self {
            description: describe("H264", ""),
            answer: Box::new(|_, _| None),
            play: Box::new(play),
        }
    }
}

/// The description of a video of this coding. `parameters` is the rest of the line `fmtp`.
pub(crate) fn describe(coding: &str, parameters: &str) -> String {
    [
        "v=0",
        "o=- 1 1 IN IP4 127.0.0.1",
        "s=door",
        "t=0 0",
        "m=audio 0 RTP/AVP 0",
        "a=control:sound",
        "m=video 0 RTP/AVP 96",
        &format!("a=rtpmap:96 {coding}/{TICKS}"),
        &format!("a=fmtp:96 packetization-mode=1{parameters}"),
        "a=control:picture",
        "",
    ]
    .join("\r\n")
}

/// A server. It is killed when it is dropped, with its connections.
pub(crate) struct Server {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<String>>>,
    connections: Arc<Mutex<Vec<TcpStream>>>,
    stops: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    pub(crate) fn start(script: Script) -> Self {
        Self::start_at(SocketAddr::from(([127, 0, 0, 1], 0)), script)
    }

    /// Starts at the address of a server that was killed.
    pub(crate) fn start_at(address: SocketAddr, script: Script) -> Self {
        let listener = TcpListener::bind(address).unwrap();
        let mut server = Self {
            address: listener.local_addr().unwrap(),
            requests: Arc::default(),
            connections: Arc::default(),
            stops: Arc::default(),
            thread: None,
        };
        let requests = Arc::clone(&server.requests);
        let connections = Arc::clone(&server.connections);
        let stops = Arc::clone(&server.stops);
        let script = Arc::new(script);
        server.thread = Some(thread::spawn(move || {
            for stream in listener.incoming() {
                if stops.load(Ordering::Relaxed) {
                    return;
                }
                let stream = stream.unwrap();
                stream.set_nodelay(true).unwrap();
                let nth = {
                    let mut connections = connections.lock().unwrap();
                    connections.push(stream.try_clone().unwrap());
                    connections.len() - 1
                };
                let (script, requests) = (Arc::clone(&script), Arc::clone(&requests));
                thread::spawn(move || {
                    let _ = serve(nth, &stream, &script, &requests);
                    let _ = stream.shutdown(Shutdown::Both);
                });
            }
        }));
        server
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The heads of all requests so far.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }

    pub(crate) fn connections(&self) -> usize {
        self.connections.lock().unwrap().len()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stops.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect(self.address);
        for stream in &*self.connections.lock().unwrap() {
            let _ = stream.shutdown(Shutdown::Both);
        }
        self.thread.take().unwrap().join().unwrap();
    }
}

/// Answers the requests of a connection.
fn serve(
    nth: usize,
    stream: &TcpStream,
    script: &Arc<Script>,
    requests: &Mutex<Vec<String>>,
) -> io::Result<()> {
    let writer = Arc::new(Mutex::new(stream.try_clone()?));
    let mut reader = BufReader::new(stream.try_clone()?);
    while let Some(request) = read_request(&mut reader)? {
        requests.lock().unwrap().push(request.clone());
        let answer = match (script.answer)(nth, &request) {
            Some(answer) => answer,
            None => usual_answer(&request, script),
        };
        if answer.is_empty() {
            break;
        }
        writer.lock().unwrap().write_all(&answer)?;
        if request.starts_with("PLAY ") && answer.starts_with(b"RTSP/1.0 200") {
            // The camera goes on to answer requests while it plays.
            let script = Arc::clone(script);
            let mut client = Client::new(Arc::clone(&writer));
            let stream = stream.try_clone()?;
            thread::spawn(move || {
                let _ = (script.play)(nth, &mut client);
                let _ = stream.shutdown(Shutdown::Both);
            });
        }
        if request.starts_with("TEARDOWN ") {
            break;
        }
    }
    Ok(())
}

/// The head of a request; `None` at the end of the connection.
fn read_request(reader: &mut impl BufRead) -> io::Result<Option<String>> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.take(10_000).read_line(&mut head)? == 0 {
            return Ok(None);
        }
    }
    Ok(Some(head))
}

/// An answer with these lines in its head.
pub(crate) fn answer(request: &str, status: &str, lines: &str, body: &str) -> Vec<u8> {
    let number = request.lines().find_map(|line| line.strip_prefix("CSeq:"));
    let number = number.unwrap_or("0").trim();
    let length = body.len();
    format!("RTSP/1.0 {status}\r\nCSeq: {number}\r\n{lines}Content-Length: {length}\r\n\r\n{body}")
        .into_bytes()
}

fn usual_answer(request: &str, script: &Script) -> Vec<u8> {
    const SESSION: &str = "Session: 7;timeout=60\r\n";
    match request.split(' ').next().unwrap_or_default() {
        "DESCRIBE" => answer(
            request,
            "200 OK",
            "Content-Type: application/sdp\r\n",
            &script.description,
        ),
        "SETUP" => {
            let lines = format!(
                "{SESSION}Transport: RTP/AVP/TCP;unicast;interleaved=0-1;ssrc=00000007\r\n"
            );
            answer(request, "200 OK", &lines, "")
        }
        "OPTIONS" => answer(request, "200 OK", "Public: GET_PARAMETER\r\n", ""),
        _ => answer(request, "200 OK", SESSION, ""),
    }
}

/// The camera's side of a connection that plays.
pub(crate) struct Client {
    writer: Arc<Mutex<TcpStream>>,
    coding: Coding,
    sequence: u16,
    packets: u32,
}

impl Client {
    fn new(writer: Arc<Mutex<TcpStream>>) -> Self {
        Self {
            writer,
            coding: Coding::H264,
            sequence: 65_500,
            packets: 0,
        }
    }

    /// The next pictures are of this coding.
    #[allow(dead_code, reason = "not all users send H.265")]
    pub(crate) fn set_coding(&mut self, coding: Coding) {
        self.coding = coding;
    }

    /// Sends bytes as they are.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.writer.lock().unwrap().write_all(bytes)
    }

    /// Sends a picture: parameter sets together in one packet, long units in several.
    pub(crate) fn picture(&mut self, units: &[u8], ticks: u32) -> io::Result<()> {
        for (payload, is_last) in self.payloads(units) {
            self.packet(&payload, ticks, is_last)?;
        }
        Ok(())
    }

    /// The payloads of a picture. True for the last one.
    pub(crate) fn payloads(&self, units: &[u8]) -> Vec<(Vec<u8>, bool)> {
        let mut payloads: Vec<Vec<u8>> = Vec::new();
        let mut together = Vec::new();
        for unit in units_of(units) {
            let is_parameter = match self.coding {
                Coding::H264 => matches!(unit[0] & 31, 6..=9),
                Coding::H265 => matches!(unit[0] >> 1 & 63, 32..=39),
            };
            if is_parameter && unit.len() < PACKET / 4 {
                together.extend((unit.len() as u16).to_be_bytes());
                together.extend(unit);
                continue;
            }
            if !together.is_empty() {
                let header: &[u8] = match self.coding {
                    Coding::H264 => &[0x78],
                    Coding::H265 => &[0x60, 1],
                };
                payloads.push([header, &together].concat());
                together.clear();
            }
            if unit.len() <= PACKET {
                payloads.push(unit.to_vec());
            } else {
                payloads.extend(self.fragments(unit));
            }
        }
        let count = payloads.len();
        let payloads = payloads.into_iter().enumerate();
        payloads
            .map(|(nth, payload)| (payload, nth + 1 == count))
            .collect()
    }

    fn fragments(&self, unit: &[u8]) -> Vec<Vec<u8>> {
        let (header, kind, rest) = match self.coding {
            Coding::H264 => (vec![unit[0] & 0xE0 | 28], unit[0] & 31, &unit[1..]),
            Coding::H265 => (
                vec![unit[0] & 0x81 | 49 << 1, unit[1]],
                unit[0] >> 1 & 63,
                &unit[2..],
            ),
        };
        let count = rest.len().div_ceil(PACKET);
        let fragments = rest.chunks(PACKET).enumerate();
        fragments
            .map(|(nth, bytes)| {
                let first = if nth == 0 { 0x80 } else { 0 };
                let last = if nth + 1 == count { 0x40 } else { 0 };
                [&header[..], &[first | last | kind], bytes].concat()
            })
            .collect()
    }

    pub(crate) fn packet(&mut self, payload: &[u8], ticks: u32, is_last: bool) -> io::Result<()> {
        self.send(if is_last { 0x80 | 96 } else { 96 }, payload, ticks)
    }

    fn send(&mut self, kind: u8, payload: &[u8], ticks: u32) -> io::Result<()> {
        let mut packet = vec![0x80, kind];
        packet.extend(self.sequence.to_be_bytes());
        packet.extend(ticks.to_be_bytes());
        packet.extend(7_u32.to_be_bytes());
        packet.extend(payload);
        self.lose(1);
        self.packets += 1;
        self.interleaved(0, &packet)
    }

    /// Sends a packet of another kind than the video.
    pub(crate) fn other_packet(&mut self, ticks: u32) -> io::Result<()> {
        self.send(97, b"other", ticks)
    }

    /// So many packets are lost.
    pub(crate) fn lose(&mut self, packets: u16) {
        self.sequence = self.sequence.wrapping_add(packets);
    }

    /// Says that the camera's clock has this time at this tick.
    pub(crate) fn report(&mut self, at: SystemTime, ticks: u32) -> io::Result<()> {
        let since = at.duration_since(UNIX_EPOCH).unwrap();
        let mut report = vec![0x80, 200, 0, 6, 0, 0, 0, 7];
        report.extend(((since.as_secs() + NTP_BEGIN) as u32).to_be_bytes());
        let part = (u64::from(since.subsec_nanos()) << 32) / 1_000_000_000;
        report.extend((part as u32).to_be_bytes());
        report.extend(ticks.to_be_bytes());
        report.extend(self.packets.to_be_bytes());
        report.extend(0_u32.to_be_bytes());
        self.interleaved(1, &report)
    }

    fn interleaved(&mut self, channel: u8, packet: &[u8]) -> io::Result<()> {
        let length = u16::try_from(packet.len()).unwrap().to_be_bytes();
        self.write(&[&[b'$', channel], &length[..], packet].concat())
    }
}

/// Ticks of a picture, at so many pictures a second.
pub(crate) fn ticks(nth: usize, rate: u32) -> u32 {
    (nth as u32).wrapping_mul(TICKS / rate)
}

/// A pause between two pictures.
#[allow(dead_code, reason = "some users have their own clock")]
pub(crate) fn pause(milliseconds: u64) {
    thread::sleep(Duration::from_millis(milliseconds));
}

/// The NAL units of some bytes, without start codes.
pub(crate) fn units_of(bytes: &[u8]) -> Vec<&[u8]> {
    let mut units = Vec::new();
    let mut begin = None;
    let mut at = 0;
    while at + 3 <= bytes.len() {
        if bytes[at..at + 3] == [0, 0, 1] {
            units.extend(begin.map(|begin| trimmed(&bytes[begin..at])));
            begin = Some(at + 3);
            at += 3;
        } else {
            at += 1;
        }
    }
    units.extend(begin.map(|begin| trimmed(&bytes[begin..])));
    units.retain(|unit: &&[u8]| !unit.is_empty());
    units
}

/// A unit without the zeros that belong to the next start code.
fn trimmed(mut unit: &[u8]) -> &[u8] {
    while let [before @ .., 0] = unit {
        unit = before;
    }
    unit
}
