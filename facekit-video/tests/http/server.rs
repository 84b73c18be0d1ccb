//! A small server of cameras, with faults.

use std::{
    io::{self, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use facekit::{Image, image::encode_jpeg};

/// The answer to a request. It gets the number of the request and its text.
type Answer = dyn Fn(usize, &str, &mut TcpStream) -> io::Result<()> + Send + Sync;

/// A server. It is killed when it is dropped, with its connections.
pub(crate) struct Server {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<String>>>,
    connections: Arc<Mutex<Vec<TcpStream>>>,
    stops: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    pub(crate) fn start(
        answer: impl Fn(usize, &str, &mut TcpStream) -> io::Result<()> + Send + Sync + 'static,
    ) -> Self {
        Self::start_at(SocketAddr::from(([127, 0, 0, 1], 0)), answer)
    }

    /// Starts at the address of a server that was killed.
    pub(crate) fn start_at(
        address: SocketAddr,
        answer: impl Fn(usize, &str, &mut TcpStream) -> io::Result<()> + Send + Sync + 'static,
    ) -> Self {
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
        let answer: Arc<Answer> = Arc::new(answer);
        server.thread = Some(thread::spawn(move || {
            for stream in listener.incoming() {
                if stops.load(Ordering::Relaxed) {
                    return;
                }
                let mut stream = stream.unwrap();
                connections
                    .lock()
                    .unwrap()
                    .push(stream.try_clone().unwrap());
                let (answer, requests) = (Arc::clone(&answer), Arc::clone(&requests));
                thread::spawn(move || {
                    while let Ok(Some(request)) = read_request(&mut stream) {
                        let nth = {
                            let mut requests = requests.lock().unwrap();
                            requests.push(request.clone());
                            requests.len() - 1
                        };
                        if answer(nth, &request, &mut stream).is_err() {
                            break;
                        }
                    }
                    let _ = stream.shutdown(std::net::Shutdown::Both);
                });
            }
        }));
        server
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stops.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect(self.address);
        for stream in &*self.connections.lock().unwrap() {
            let _ = stream.shutdown(std::net::Shutdown::Both);
        }
        self.thread.take().unwrap().join().unwrap();
    }
}

/// The head of a request; `None` at the end of the connection.
fn read_request(stream: &mut TcpStream) -> io::Result<Option<String>> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        if stream.read(&mut byte)? == 0 {
            return Ok(None);
        }
        head.push(byte[0]);
    }
    Ok(Some(String::from_utf8_lossy(&head).into_owned()))
}

/// Ends the connection after an answer.
pub(crate) fn close() -> io::Result<()> {
    Err(io::ErrorKind::ConnectionAborted.into())
}

pub(crate) fn jpeg(width: usize, height: usize) -> Vec<u8> {
    let mut image = Image::filled(width, height, [90; 3]);
    for (nth, value) in image.data_mut().iter_mut().enumerate() {
        *value = value.wrapping_add((nth * nth % 61) as u8);
    }
    encode_jpeg(&image, 90)
}

/// The head of a multipart stream.
pub(crate) fn begin_stream(stream: &mut TcpStream) -> io::Result<()> {
    stream.write_all(
        b"HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=frame\r\n\r\n",
    )
}

pub(crate) fn part(stream: &mut TcpStream, jpeg: &[u8]) -> io::Result<()> {
    let length = jpeg.len();
    let head = format!("--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {length}\r\n\r\n");
    stream.write_all(&[head.as_bytes(), jpeg, b"\r\n"].concat())
}

/// Sends pictures until the connection ends.
pub(crate) fn endless(stream: &mut TcpStream) -> io::Result<()> {
    begin_stream(stream)?;
    loop {
        part(stream, &jpeg(64, 48))?;
        thread::sleep(Duration::from_millis(10));
    }
}

/// A whole answer, with these lines in its head.
pub(crate) fn answer(
    stream: &mut TcpStream,
    status: &str,
    lines: &str,
    body: &[u8],
) -> io::Result<()> {
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Length: {}\r\n{lines}\r\n",
        body.len()
    );
    stream.write_all(&[head.as_bytes(), body].concat())
}

/// The kinds of [`fault`].
pub(crate) const FAULTS: usize = 10;

/// A fault of this kind. `random` chooses its details.
pub(crate) fn fault(kind: usize, random: usize, stream: &mut TcpStream) -> io::Result<()> {
    let length = 1 + random % 2000;
    let whole = jpeg(64, 48);
    let garbage: Vec<u8> = (0..length)
        .map(|place| (place.wrapping_mul(random) % 255) as u8)
        .collect();
    match kind % FAULTS {
        // The server is killed.
        0 => {}
        1 => return answer(stream, "401 Unauthorized", "", b""),
        2 => answer(stream, "200 OK", "Content-Type: image/jpeg\r\n", &garbage)?,
        3 => {
            begin_stream(stream)?;
            stream.write_all(&garbage)?;
        }
        // A JPEG that is cut off.
        4 => {
            begin_stream(stream)?;
            part(stream, &whole[..length.min(whole.len() - 1)])?;
        }
        // No HTTP.
        5 => stream.write_all(&garbage)?,
        // A pause that is longer than a camera waits.
        6 => {
            begin_stream(stream)?;
            thread::sleep(Duration::from_millis(400));
        }
        // A JPEG with wrong bytes.
        7 => {
            let mut damaged = whole;
            for nth in 0..20 {
                let place = nth * length % damaged.len();
                damaged[place] ^= (random >> 3) as u8 | 1;
            }
            begin_stream(stream)?;
            part(stream, &damaged)?;
        }
        // Each byte comes in time, but the picture does not.
        8 => {
            begin_stream(stream)?;
            for byte in whole {
                stream.write_all(&[byte])?;
                thread::sleep(Duration::from_millis(20));
            }
        }
        // Another resolution with each picture.
        _ => {
            begin_stream(stream)?;
            for side in [16, 48, 32] {
                part(stream, &jpeg(side + random % 16, side))?;
            }
        }
    }
    close()
}

/// A few good pictures, and the end of the connection.
pub(crate) fn few(stream: &mut TcpStream) -> io::Result<()> {
    begin_stream(stream)?;
    for _ in 0..3 {
        part(stream, &jpeg(64, 48))?;
        thread::sleep(Duration::from_millis(10));
    }
    close()
}
