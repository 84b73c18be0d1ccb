//! The thread that receives from a camera, by the crate `retina`. No other file names it.

use std::{
    future::Future,
    num::NonZeroU32,
    pin::pin,
    sync::{Arc, Weak},
    time::Duration,
};

use facekit::{Error, Result, catch_panic};
use futures_util::StreamExt as _;
use jiff::Timestamp;
use retina::{
    client::{
        Credentials, InitialSequenceNumberPolicy, InitialTimestampPolicy, PacketItem, PlayOptions,
        Playing, Session, SessionGroup, SessionOptions, SetupOptions, Stream, TcpTransportOptions,
        Transport,
    },
    codec::{ParametersRef, VideoParametersCodec},
    rtcp::ReceivedCompoundPacket,
    rtp::ReceivedPacket,
};
use tokio::{
    runtime::{Builder, Runtime},
    time::{Instant, sleep, timeout},
};
use url::Url;

use super::{
    RtspOptions,
    assembler::{Assembler, Payload, parameters},
    clock::SenderClock,
    queue::{Picture, Queue},
};
use crate::{
    address::{Address, public_path},
    backoff::Backoff,
    units::Coding,
};

/// The time after which a waiting thread looks whether the camera was dropped.
const STEP: Duration = Duration::from_millis(100);
/// The time for the last message to a camera, by which it knows that the connection is free again.
const FAREWELL: Duration = Duration::from_millis(500);
/// The clock of cameras that state none (RFC 6184 and RFC 7798).
const USUAL_RATE: NonZeroU32 = NonZeroU32::new(90_000).expect("not zero");

pub(super) struct Connection {
    runtime: Runtime,
    receiver: Receiver,
}

/// Receives pictures over one connection after the other.
struct Receiver {
    url: Url,
    credentials: Option<Credentials>,
    /// Texts that no reason may have.
    secrets: Vec<String>,
    most_bytes: usize,
    timeout: Duration,
    backoff: Backoff,
    queue: Weak<Queue>,
    /// The sessions that still say farewell.
    sessions: Arc<SessionGroup>,
    /// The number of pictures and of connections so far.
    pictures: u64,
    connections: u64,
}

/// The end of a connection.
enum End {
    /// The camera was dropped.
    Dropped,
    Lost(String),
    /// The user or the password was refused.
    Refused(String),
}

/// A video that a camera offers.
struct Video {
    /// The place among all videos and sounds.
    place: usize,
    coding: Coding,
    payload_type: u8,
    rate: NonZeroU32,
    parameters: Vec<u8>,
}

impl Connection {
    pub(super) fn new(
        address: &Address,
        options: &RtspOptions,
        queue: Weak<Queue>,
    ) -> Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let credentials = address.credentials().map(|credentials| Credentials {
            username: text(&credentials.user),
            password: text(&credentials.password),
        });
        let wrong = |error| Error::argument("address", error);
        let url = Url::parse(address.url()).map_err(wrong)?;
        let mut secrets: Vec<String> = url.query().map(str::to_owned).into_iter().collect();
        secrets.extend(credentials.iter().map(|it| it.password.clone()));
        secrets.push(url.path()[public_path(url.path()).len()..].to_owned());
        secrets.retain(|secret| !secret.is_empty());
        Ok(Self {
            runtime: runtime.map_err(Error::io("starting the reader of", address.to_string()))?,
            receiver: Receiver {
                url,
                credentials,
                secrets,
                most_bytes: options.limits.max_file_bytes,
                timeout: options.timeout,
                backoff: Backoff::new(options.first_retry, options.longest_retry),
                queue,
                sessions: Arc::default(),
                pictures: 0,
                connections: 0,
            },
        })
    }

    /// Connects again and again, until the camera is dropped.
    pub(super) fn run(mut self) {
        let receiver = &mut self.receiver;
        loop {
            // Answers that are damaged in some way make the parser of descriptions panic. The next answer may be better.
            let end = catch_panic(|| self.runtime.block_on(receiver.receive()));
            let reason = match end {
                Ok(End::Dropped) => break,
                Ok(End::Lost(reason)) => reason,
                Ok(End::Refused(reason)) => {
                    receiver.backoff.refused();
                    reason
                }
                Err(_) => "the camera sent something that cannot be read".to_owned(),
            };
            if self.runtime.block_on(receiver.pause(reason)).is_err() {
                break;
            }
        }
        let farewell = receiver.sessions.await_teardown();
        let _ = self
            .runtime
            .block_on(async { timeout(FAREWELL, farewell).await });
        // The system may still look for the name of a server.
        self.runtime.shutdown_background();
    }
}

impl Receiver {
    /// Waits for the next attempt. Farewells are said in this time, too.
    async fn pause(&mut self, reason: String) -> Result<(), End> {
        let (pause, retry_at) = self.backoff.pause();
        let queue = self.queue.upgrade().ok_or(End::Dropped)?;
        queue.lose(reason, retry_at);
        drop(queue);
        self.unless_dropped(sleep(pause)).await
    }

    /// Receives pictures over one connection, until it is lost.
    async fn receive(&mut self) -> End {
        self.connections += 1;
        match self.play().await {
            Ok((session, video)) => self.pictures(session, &video).await,
            Err(end) => end,
        }
    }

    async fn play(&self) -> Result<(Session<Playing>, Video), End> {
        let begin = Instant::now();
        let options = SessionOptions::default()
            .creds(self.credentials.clone())
            .user_agent(concat!("facekit/", env!("CARGO_PKG_VERSION")).to_owned())
            .session_group(Arc::clone(&self.sessions));
        let session = self
            .answer(begin, Session::describe(self.url.clone(), options))
            .await;
        let mut session = session?;
        let video = Video::choose(session.streams()).map_err(End::Lost)?;
        let tcp = Transport::Tcp(TcpTransportOptions::default());
        let setup = SetupOptions::default().transport(tcp);
        self.answer(begin, session.setup(video.place, setup))
            .await?;
        // Cameras state wrong numbers of their first packet.
        let play = PlayOptions::default()
            .initial_seq(InitialSequenceNumberPolicy::Ignore)
            .initial_timestamp(InitialTimestampPolicy::Ignore);
        let session = self.answer(begin, session.play(play)).await?;
        Ok((session, video))
    }

    async fn pictures(&mut self, mut session: Session<Playing>, video: &Video) -> End {
        let parameters = video.parameters.clone();
        let mut assembler = Assembler::new(video.coding, parameters, self.most_bytes);
        let mut clock = SenderClock::new(video.rate);
        let mut assembled = Vec::new();
        let mut last = Instant::now();
        // Whole pictures came since then, but no key frame.
        let mut lacks_key = false;
        // Packets of any kind were lost since the last one of the video.
        let mut is_after_gap = false;
        loop {
            if last.elapsed() > self.timeout {
                return End::Lost(self.no_picture(lacks_key));
            }
            let Some(queue) = self.queue.upgrade() else {
                return End::Dropped;
            };
            let packet = match timeout(STEP, session.next()).await {
                Err(_) => continue,
                Ok(None) => return End::Lost("the camera ended the stream".to_owned()),
                Ok(Some(Err(error))) => return self.failed(&error),
                Ok(Some(Ok(PacketItem::Rtcp(packet)))) => {
                    report(&packet, &mut clock);
                    continue;
                }
                Ok(Some(Ok(PacketItem::Rtp(packet)))) => packet,
                Ok(Some(Ok(_))) => continue,
            };
            is_after_gap |= packet.loss() > 0;
            if packet.header().payload_type() != video.payload_type {
                continue;
            }
            if is_after_gap {
                queue.gap();
            }
            assembler.push(payload(&packet, is_after_gap), &mut assembled);
            is_after_gap = false;
            for picture in assembled.drain(..) {
                let sequence = self.pictures;
                self.pictures += 1;
                if !picture.is_whole() {
                    queue.leave_out();
                    continue;
                }
                let (at, clock) = clock.time(picture.ticks, Timestamp::now());
                let is_used = queue.put(Picture {
                    coding: video.coding,
                    units: picture.units,
                    is_key: picture.is_key,
                    at,
                    clock,
                    sequence,
                    connection: self.connections,
                    is_after_gap: false,
                });
                lacks_key = !is_used;
                if is_used {
                    last = Instant::now();
                    self.backoff.works();
                }
            }
        }
    }

    /// The answer to a request, unless the camera takes too long since `begin`.
    async fn answer<T>(
        &self,
        begin: Instant,
        request: impl Future<Output = Result<T, retina::Error>>,
    ) -> Result<T, End> {
        let left = self.timeout.saturating_sub(begin.elapsed());
        match self.unless_dropped(timeout(left, request)).await? {
            Ok(answer) => answer.map_err(|error| self.failed(&error)),
            Err(_) => Err(End::Lost(format!(
                "the camera did not begin to play in {:?}",
                self.timeout
            ))),
        }
    }

    /// Waits for something, as long as the camera is not dropped.
    async fn unless_dropped<T>(&self, future: impl Future<Output = T>) -> Result<T, End> {
        let mut future = pin!(future);
        loop {
            if self.queue.strong_count() == 0 {
                return Err(End::Dropped);
            }
            if let Ok(done) = timeout(STEP, future.as_mut()).await {
                return Ok(done);
            }
        }
    }

    /// The end of a connection by an error.
    fn failed(&self, error: &retina::Error) -> End {
        match error.status_code() {
            Some(status @ (401 | 403)) => End::Refused(format!(
                "the camera answered {status}: the user or the password is wrong or missing"
            )),
            Some(status) if status >= 300 => End::Lost(format!("the camera answered {status}")),
            _ => End::Lost(self.reason(error)),
        }
    }

    /// The reason of a lost connection. It never has the password, the query or the part of the path that is not shown.
    fn reason(&self, error: &retina::Error) -> String {
        // Further lines have the addresses of both sides.
        let text = error.to_string();
        let text = text.lines().next().unwrap_or_default();
        if self.secrets.iter().any(|secret| text.contains(secret)) {
            return "the connection failed".to_owned();
        }
        format!("the connection failed: {text}")
    }

    fn no_picture(&self, lacks_key: bool) -> String {
        let picture = if lacks_key {
            "key frame"
        } else {
            "whole picture"
        };
        format!("the camera sent no {picture} in {:?}", self.timeout)
    }
}

impl Video {
    /// The first video that can be decoded. An error says why there is none.
    fn choose(streams: &[Stream]) -> Result<Self, String> {
        let videos = streams.iter().enumerate();
        let mut videos = videos
            .filter(|(_, stream)| stream.media() == "video")
            .peekable();
        if videos.peek().is_none() {
            return Err("the camera offers no video".to_owned());
        }
        let mut others = Vec::new();
        for (place, stream) in videos {
            let Some(coding) = coding(stream.encoding_name()) else {
                others.push(stream.encoding_name());
                continue;
            };
            return Ok(Self {
                place,
                coding,
                payload_type: stream.rtp_payload_type(),
                rate: NonZeroU32::new(stream.clock_rate_hz()).unwrap_or(USUAL_RATE),
                parameters: stated_parameters(stream),
            });
        }
        Err(format!(
            "the camera offers {}, which is not supported",
            others.join(" and ")
        ))
    }
}

fn coding(name: &str) -> Option<Coding> {
    match name {
        "h264" => Some(Coding::H264),
        #[cfg(feature = "h265")]
        "h265" => Some(Coding::H265),
        _ => None,
    }
}

/// The parameter sets in the description of a video, with start codes.
fn stated_parameters(stream: &Stream) -> Vec<u8> {
    let Some(ParametersRef::Video(stated)) = stream.parameters() else {
        return Vec::new();
    };
    match stated.codec_params() {
        VideoParametersCodec::H264 { sps, pps } => parameters([&**sps, &**pps]),
        #[cfg(feature = "h265")]
        VideoParametersCodec::H265 { vps, sps, pps } => parameters([&**vps, &**sps, &**pps]),
        _ => Vec::new(),
    }
}

fn payload(packet: &ReceivedPacket, is_after_gap: bool) -> Payload<'_> {
    Payload {
        bytes: packet.payload(),
        ticks: packet.timestamp().timestamp(),
        is_last: packet.mark(),
        is_after_gap,
    }
}

/// Takes the times of a sender report.
fn report(packet: &ReceivedCompoundPacket, clock: &mut SenderClock) {
    let Some(ticks) = packet.rtp_timestamp() else {
        return;
    };
    for part in packet.pkts() {
        if let Ok(Some(report)) = part.as_sender_report() {
            clock.report(report.ntp_timestamp().0, ticks.timestamp());
        }
    }
}
