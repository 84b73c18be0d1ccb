//! The servers: H.264 over RTSP, or Motion JPEG over HTTP.

use std::{
    env,
    io::{self, BufRead as _, BufReader, Write as _},
    net::{TcpListener, TcpStream},
    sync::Arc,
    thread,
    time::{Duration, Instant, SystemTime},
};

use facekit::image::{encode_jpeg, resize};
use facekit::{Image, LoadOptions, find_faces};
use facekit_tract::Tract;
use rusty_h264::{Encoder, EncoderConfig, YuvFrame};
use scenes::{Actor, Portrait, Scene};

use crate::{
    people, photo,
    rtsp::{self, Client, Script, Server},
};

const FRAMES_PER_SECOND: usize = 15;
/// Somebody walks past once in this time.
const LOOP_SECONDS: usize = 10;
/// A key frame comes after so many frames: two seconds, as cameras do it.
const KEYS: u32 = 30;
/// The number of different videos. Cameras share them, each at another time.
const VIDEOS: usize = 4;
/// Somebody who walks past makes so many meters a second, and is in view for so many seconds.
const SPEED: f32 = 0.9;
const IN_VIEW: f32 = 2.0;

/// The encoded pictures of a video that is repeated.
type Video = Arc<Vec<Vec<u8>>>;

/// Serves so many cameras until the process is killed. Prints the ports.
pub(crate) fn run() {
    let protocol = env::args().nth(2).expect("a protocol");
    let number = |nth| env::args().nth(nth).and_then(|text| text.parse().ok());
    let (cameras, height): (usize, usize) = number(3).zip(number(4)).expect("two numbers");
    let encode = match protocol.as_str() {
        "rtsp" => h264,
        "http" => motion_jpeg,
        other => panic!("no protocol {other}"),
    };
    let videos: Vec<Video> = scenes(height)
        .map(|frames| Arc::new(encode(&frames)))
        .collect();
    let begin = Instant::now();
    let mut ports = Vec::new();
    let mut servers = Vec::new();
    for camera in 0..cameras {
        let video = Arc::clone(&videos[camera % videos.len()]);
        // Key frames come at different times.
        let late = camera * video.len() / cameras.max(1);
        if protocol == "rtsp" {
            let server = Server::start(Script::new(move |_, client| {
                serve_rtsp(client, &video, begin, late)
            }));
            ports.push(server.address().port().to_string());
            servers.push(server);
            continue;
        }
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        ports.push(listener.local_addr().unwrap().port().to_string());
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let video = Arc::clone(&video);
                thread::spawn(move || serve_http(stream, &video, begin, late));
            }
        });
    }
    println!("{}", ports.join(" "));
    loop {
        thread::sleep(Duration::from_secs(3600));
    }
}

/// The frames of each video.
fn scenes(height: usize) -> impl Iterator<Item = Vec<Image>> {
    let load = LoadOptions::default().with_threads(1);
    let models = facekit_nano::registry().load("nano", &Tract::new(), &load);
    let detector = models.unwrap().detector;
    let people = people().into_iter().take(VIDEOS).enumerate();
    people.map(move |(nth, (name, folder))| {
        let photo = photo(&folder, 4);
        let faces = find_faces(&*detector, photo.view(), &Default::default()).unwrap();
        let portrait = Portrait::new(photo, faces.faces[0].rect);
        let actor = Arc::new(Actor::new(name, vec![portrait]));
        let scene = Scene::walk_past(nth as u64, &actor, SPEED, IN_VIEW, 3.0);
        let frame = |number: usize| {
            let image = scene.frame(number as f64 / FRAMES_PER_SECOND as f64).image;
            let width = height * scenes::WIDTH / scenes::HEIGHT;
            match height {
                scenes::HEIGHT => image,
                _ => resize(image.view(), width, height).unwrap(),
            }
        };
        (0..LOOP_SECONDS * FRAMES_PER_SECOND).map(frame).collect()
    })
}

fn motion_jpeg(frames: &[Image]) -> Vec<Vec<u8>> {
    frames.iter().map(|frame| encode_jpeg(frame, 85)).collect()
}

fn h264(frames: &[Image]) -> Vec<Vec<u8>> {
    // BT.601 for 360 lines and BT.709 for 1080, limited range: what a decoder takes if nothing is stated.
    let (red, blue) = if frames[0].height() < 720 {
        (0.299, 0.114)
    } else {
        (0.2126, 0.0722)
    };
    let planes = |frame: &Image| {
        let (width, height) = (frame.width(), frame.height());
        let pixel = |x: usize, y: usize| {
            let [r, g, b] =
                [0, 1, 2].map(|color| f32::from(frame.data()[3 * (y * width + x) + color]));
            (r, b, red * r + (1.0 - red - blue) * g + blue * b)
        };
        let luma = |place: usize| {
            let (_, _, luma) = pixel(place % width, place / width);
            (16.0 + luma * 219.0 / 255.0).round() as u8
        };
        let chroma = |place: usize, is_blue: bool| {
            let (x, y) = (place % (width / 2) * 2, place / (width / 2) * 2);
            let (r, b, luma) = pixel(x, y);
            let (color, share) = if is_blue { (b, blue) } else { (r, red) };
            (128.0 + (color - luma) * 112.0 / 255.0 / (1.0 - share)).round() as u8
        };
        let quarter = width * height / 4;
        YuvFrame {
            width,
            height,
            y: (0..width * height).map(luma).collect(),
            u: (0..quarter).map(|place| chroma(place, true)).collect(),
            v: (0..quarter).map(|place| chroma(place, false)).collect(),
        }
    };
    let frames: Vec<YuvFrame> = frames.iter().map(planes).collect();
    let mut config = EncoderConfig::new(frames[0].width, frames[0].height);
    (config.gop_size, config.min_keyint, config.scenecut) = (KEYS, KEYS, 0);
    config.framerate = FRAMES_PER_SECOND as f32;
    let pictures = Encoder::new(config).unwrap().encode_all(&frames).unwrap();
    assert_eq!(pictures.len(), frames.len());
    pictures
}

/// Waits for the time of each frame, and sends it. The frames of all connections are in step with one clock.
fn send(begin: Instant, mut send: impl FnMut(usize) -> io::Result<()>) -> io::Result<()> {
    let time = |nth: u64| begin + Duration::from_secs_f64(nth as f64 / FRAMES_PER_SECOND as f64);
    let passed = begin.elapsed().as_secs_f64() * FRAMES_PER_SECOND as f64;
    for nth in (passed.ceil() as u64).. {
        thread::sleep(time(nth).saturating_duration_since(Instant::now()));
        send(nth as usize)?;
    }
    Ok(())
}

fn serve_rtsp(
    client: &mut Client,
    video: &[Vec<u8>],
    begin: Instant,
    late: usize,
) -> io::Result<()> {
    send(begin, |nth| {
        let ticks = rtsp::ticks(nth, FRAMES_PER_SECOND as u32);
        if nth.is_multiple_of(2 * FRAMES_PER_SECOND) {
            client.report(SystemTime::now(), ticks)?;
        }
        client.picture(&video[(nth + late) % video.len()], ticks)
    })
}

fn serve_http(
    mut stream: TcpStream,
    video: &[Vec<u8>],
    begin: Instant,
    late: usize,
) -> io::Result<()> {
    let mut request = BufReader::new(stream.try_clone()?);
    let mut line = String::new();
    while request.read_line(&mut line)? > 2 {
        line.clear();
    }
    stream.write_all(
        b"HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=frame\r\n\r\n",
    )?;
    send(begin, |nth| {
        let jpeg = &video[(nth + late) % video.len()];
        let head = format!(
            "--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {}\r\n\r\n",
            jpeg.len()
        );
        stream.write_all(&[head.as_bytes(), jpeg, b"\r\n"].concat())
    })
}
