//! An HTTP server that misbehaves as told, on a real socket.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// What the server does with a request.
#[derive(Clone, Debug)]
pub(crate) enum Answer {
    /// 200 with this body as JSON, and these headers besides.
    Json(String, &'static [&'static str]),
    /// Another status, with a body that does not end.
    Status(u16),
    /// A login page.
    Html,
    /// 302 to this URL.
    Redirect(String),
    /// 200, then one byte a second.
    Drip,
    /// 200 with so many bytes, without `Content-Length`.
    Huge(usize),
    /// 200 with `Content-Encoding: gzip`.
    Gzip,
    /// 200 and the half of what was announced, then the end of what is sent.
    HalfClose,
    /// Drops the connection unread, which resets it.
    Reset,
    /// Reads, and never answers.
    Silent,
    /// No HTTP.
    Noise,
    /// Answers like the other once it is released.
    Held(Box<Answer>),
}

pub(crate) fn json(body: impl Into<String>) -> Answer {
    Answer::Json(body.into(), &[])
}

#[derive(Debug)]
pub(crate) struct Chaos {
    pub(crate) address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    answers: Mutex<HashMap<String, Answer>>,
    connections: Mutex<usize>,
    requests: Mutex<Vec<String>>,
    released: watch::Sender<bool>,
}

impl Chaos {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            answers: Mutex::default(),
            connections: Mutex::default(),
            requests: Mutex::default(),
            released: watch::Sender::new(false),
        });
        let server = shared.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                *server.connections.lock().unwrap() += 1;
                let server = server.clone();
                tokio::spawn(async move {
                    // A client that goes away in the middle is what is tested.
                    let _ = server.serve(stream).await;
                });
            }
        });
        Self { address, shared }
    }

    /// What `path` answers from now on; 404 elsewhere.
    pub(crate) fn answer(&self, path: &str, answer: Answer) {
        self.shared.answers.lock().unwrap().insert(path.to_owned(), answer);
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Connections taken so far.
    pub(crate) fn connections(&self) -> usize {
        *self.shared.connections.lock().unwrap()
    }

    /// Heads of the requests read so far.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.shared.requests.lock().unwrap().clone()
    }

    /// Paths that were asked for.
    pub(crate) fn paths(&self) -> Vec<String> {
        self.requests().iter().map(|head| head.split(' ').nth(1).unwrap().to_owned()).collect()
    }

    /// Lets [`Answer::Held`] go on.
    pub(crate) fn release(&self) {
        self.shared.released.send_replace(true);
    }
}

impl Shared {
    async fn serve(&self, mut stream: TcpStream) -> std::io::Result<()> {
        let mut head = Vec::new();
        stream.readable().await?;
        let everywhere = self.answers.lock().unwrap().get("*").cloned();
        if matches!(everywhere, Some(Answer::Reset)) {
            return Ok(());
        }
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await?);
        }
        let head = String::from_utf8(head).unwrap();
        let path = head.split(' ').nth(1).unwrap().to_owned();
        self.requests.lock().unwrap().push(head);
        let found = self.answers.lock().unwrap().get(&path).cloned();
        let mut answer = everywhere.or(found).unwrap_or(Answer::Status(404));
        if let Answer::Held(other) = answer {
            let _ = self.released.subscribe().wait_for(|released| *released).await;
            answer = *other;
        }
        let ok = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: application/json\r\n";
        let text = match answer {
            Answer::Json(body, headers) => {
                let headers: String = headers.iter().map(|h| format!("{h}\r\n")).collect();
                format!("{ok}{headers}Content-Length: {}\r\n\r\n{body}", body.len())
            }
            Answer::Status(status) => {
                format!("HTTP/1.1 {status} No\r\nConnection: close\r\nContent-Length: 10\r\n\r\nnever")
            }
            Answer::Html => {
                let page = "<!doctype html><title>Sign in</title>";
                let head =
                    "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: text/html; charset=utf-8\r\n";
                format!("{head}Content-Length: {}\r\n\r\n{page}", page.len())
            }
            Answer::Redirect(to) => format!(
                "HTTP/1.1 302 Found\r\nConnection: close\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n"
            ),
            Answer::Drip => {
                stream.write_all(format!("{ok}Content-Length: 1000\r\n\r\n").as_bytes()).await?;
                loop {
                    stream.write_all(b" ").await?;
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
            }
            Answer::Huge(bytes) => {
                stream.write_all(format!("{ok}\r\n").as_bytes()).await?;
                let block = vec![b' '; 64 * 1024];
                for _ in 0..bytes / block.len() {
                    stream.write_all(&block).await?;
                }
                String::new()
            }
            Answer::Gzip => format!("{ok}Content-Encoding: gzip\r\nContent-Length: 4\r\n\r\nbomb"),
            Answer::HalfClose => {
                stream.write_all(format!("{ok}Content-Length: 100\r\n\r\n{{\"keys\":").as_bytes()).await?;
                stream.shutdown().await?;
                let _ = stream.read_u8().await;
                String::new()
            }
            Answer::Silent => {
                let _ = stream.read_u8().await;
                String::new()
            }
            Answer::Noise => "SSH-2.0-OpenSSH_9.9\r\n".to_owned(),
            Answer::Reset | Answer::Held(_) => String::new(),
        };
        stream.write_all(text.as_bytes()).await?;
        stream.shutdown().await
    }
}
