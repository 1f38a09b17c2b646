//! A real Redis for tests. `MCP_AUTH_REDIS_SERVER` names its binary; `.ci/run` sets it.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// A server of its own on a socket of its own; it ends with the test.
pub(crate) struct RedisServer {
    process: Child,
    socket: PathBuf,
    arguments: Vec<String>,
}

static COUNT: AtomicUsize = AtomicUsize::new(0);

impl RedisServer {
    /// `None`, and a word about it, where there is no Redis; in CI that is a failure.
    pub(crate) async fn start(arguments: &[&str]) -> Option<Self> {
        let Some(binary) = binary() else {
            assert!(std::env::var_os("CI").is_none(), "redis-server is missing: install it in .ci/run");
            println!("NOT RUN: redis-server is missing (MCP_AUTH_REDIS_SERVER names it)");
            return None;
        };
        let number = COUNT.fetch_add(1, Ordering::SeqCst);
        let name = format!("mcp-auth-redis-{}-{number}.sock", std::process::id());
        let socket = std::env::temp_dir().join(name);
        let arguments = arguments.iter().map(|&argument| argument.to_owned()).collect();
        let mut server = Self { process: run(&binary, &socket, &arguments), socket, arguments };
        server.wait().await;
        Some(server)
    }

    pub(crate) fn url(&self) -> String {
        format!("unix://{}", self.socket.display())
    }

    pub(crate) fn stop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
        let _ = std::fs::remove_file(&self.socket);
    }

    /// Starts it again, empty.
    pub(crate) async fn start_again(&mut self) {
        self.process = run(&binary().unwrap(), &self.socket, &self.arguments);
        self.wait().await;
    }

    async fn wait(&mut self) {
        while tokio::net::UnixStream::connect(&self.socket).await.is_err() {
            assert!(self.process.try_wait().unwrap().is_none(), "redis-server ended at once");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = std::fs::remove_file(&self.socket);
    }
}

fn binary() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os("MCP_AUTH_REDIS_SERVER") {
        return Some(named.into());
    }
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join("redis-server")).find(|file| file.is_file())
}

fn run(binary: &PathBuf, socket: &PathBuf, arguments: &Vec<String>) -> Child {
    Command::new(binary)
        .args(["--port", "0", "--save", "", "--appendonly", "no", "--unixsocket"])
        .arg(socket)
        .args(arguments)
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}
