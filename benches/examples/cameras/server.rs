//! The servers: Motion JPEG over HTTP.

use std::{
    env,
    io::{self, BufRead as _, BufReader, Write as _},
    net::{TcpListener, TcpStream},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use facekit::image::{encode_jpeg, resize};
use facekit::{LoadOptions, find_faces};
use facekit_tract::Tract;
use scenes::{Actor, Portrait, Scene};

use crate::{people, photo};

const FRAMES_PER_SECOND: usize = 15;
/// Somebody walks past once in this time.
const LOOP_SECONDS: usize = 10;
/// The number of different videos. Cameras share them, each at another time.
const VIDEOS: usize = 4;
/// Somebody who walks past makes so many meters a second, and is in view for so many seconds.
const SPEED: f32 = 0.9;
const IN_VIEW: f32 = 2.0;

/// The JPEG files of a video that is repeated.
type Video = Arc<Vec<Vec<u8>>>;

/// Serves so many cameras until the process is killed. Prints the ports.
pub(crate) fn run() {
    let number = |nth| env::args().nth(nth).and_then(|text| text.parse().ok());
    let (cameras, height): (usize, usize) = number(2).zip(number(3)).expect("two numbers");
    let videos = videos(height);
    let begin = Instant::now();
    let mut ports = Vec::new();
    for camera in 0..cameras {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        ports.push(listener.local_addr().unwrap().port().to_string());
        let video = Arc::clone(&videos[camera % videos.len()]);
        let late = camera * video.len() / cameras.max(1);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let video = Arc::clone(&video);
                thread::spawn(move || serve(stream, &video, begin, late));
            }
        });
    }
    println!("{}", ports.join(" "));
    loop {
        thread::sleep(Duration::from_secs(3600));
    }
}

fn videos(height: usize) -> Vec<Video> {
    let load = LoadOptions::default().with_threads(1);
    let models = facekit_nano::registry().load("nano", &Tract::new(), &load);
    let detector = models.unwrap().detector;
    let video = |(nth, (name, folder)): (usize, (String, std::path::PathBuf))| {
        let photo = photo(&folder, 4);
        let faces = find_faces(&*detector, photo.view(), &Default::default()).unwrap();
        let portrait = Portrait::new(photo, faces.faces[0].rect);
        let actor = Arc::new(Actor::new(name, vec![portrait]));
        let scene = Scene::walk_past(nth as u64, &actor, SPEED, IN_VIEW, 3.0);
        let frame = |number: usize| {
            let image = scene.frame(number as f64 / FRAMES_PER_SECOND as f64).image;
            let width = height * scenes::WIDTH / scenes::HEIGHT;
            let image = match height {
                scenes::HEIGHT => image,
                _ => resize(image.view(), width, height).unwrap(),
            };
            encode_jpeg(&image, 85)
        };
        Arc::new((0..LOOP_SECONDS * FRAMES_PER_SECOND).map(frame).collect())
    };
    people()
        .into_iter()
        .take(VIDEOS)
        .enumerate()
        .map(video)
        .collect()
}

/// Sends a video. The frames of all connections are in step with one clock.
fn serve(mut stream: TcpStream, video: &[Vec<u8>], begin: Instant, late: usize) -> io::Result<()> {
    let mut request = BufReader::new(stream.try_clone()?);
    let mut line = String::new();
    while request.read_line(&mut line)? > 2 {
        line.clear();
    }
    stream.write_all(
        b"HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=frame\r\n\r\n",
    )?;
    let time = |nth: u64| begin + Duration::from_secs_f64(nth as f64 / FRAMES_PER_SECOND as f64);
    let passed = begin.elapsed().as_secs_f64() * FRAMES_PER_SECOND as f64;
    for nth in (passed.ceil() as u64).. {
        thread::sleep(time(nth).saturating_duration_since(Instant::now()));
        let jpeg = &video[(nth as usize + late) % video.len()];
        let head = format!(
            "--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {}\r\n\r\n",
            jpeg.len()
        );
        stream.write_all(&[head.as_bytes(), jpeg, b"\r\n"].concat())?;
    }
    Ok(())
}
