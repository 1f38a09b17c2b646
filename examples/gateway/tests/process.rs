//! The gateway as a process: what it says, what a signal does, how it ends.

#![cfg(unix)]

#[cfg(test)]
mod tests {
    use std::io::{BufRead as _, BufReader, Read as _, Write as _};
    use std::net::{TcpListener, TcpStream};
    use std::process::{Child, Command, Stdio};
    use std::time::Duration;

    /// A started gateway; ended when the test ends, however it ends.
    struct Gateway {
        process: Child,
        address: String,
    }

    impl Gateway {
        fn start(name: &str, configuration: &str) -> Self {
            let file = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
            std::fs::write(&file, configuration).unwrap();
            let mut process = Command::new(env!("CARGO_BIN_EXE_mcp-auth-gateway"))
                .args(["run", "-f"])
                .arg(&file)
                .stdout(Stdio::piped())
                .spawn()
                .unwrap();
            let mut line = String::new();
            BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
            let address = line.trim().strip_prefix("listening on http://").expect(&line).to_owned();
            Self { process, address }
        }

        fn terminate(&self) {
            let killed =
                Command::new("kill").args(["-TERM", &self.process.id().to_string()]).status().unwrap();
            assert!(killed.success());
        }
    }

    impl Drop for Gateway {
        fn drop(&mut self) {
            let _ = self.process.kill();
            let _ = self.process.wait();
        }
    }

    #[test]
    fn sigterm_lets_a_request_under_way_finish_and_refuses_new_ones() {
        let backend = TcpListener::bind("127.0.0.1:0").unwrap();
        let to = backend.local_addr().unwrap();
        let mut gateway = Gateway::start(
            "sigterm.yaml",
            &format!("binds:\n- port: 0\n  listeners:\n  - routes:\n    - backends: [{{host: '{to}'}}]\n"),
        );

        let mut client = TcpStream::connect(&gateway.address).unwrap();
        client.write_all(b"GET /slow HTTP/1.1\r\nHost: a.example\r\n\r\n").unwrap();
        let (mut upstream, _) = backend.accept().unwrap();
        let mut request = [0; 4096];
        assert_ne!(upstream.read(&mut request).unwrap(), 0, "the request is under way");

        gateway.terminate();
        while TcpStream::connect(&gateway.address).is_ok() {
            std::thread::sleep(Duration::from_millis(10));
        }
        assert!(gateway.process.try_wait().unwrap().is_none(), "it waits for the request");

        upstream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nat last").unwrap();
        let mut answer = String::new();
        client.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("\r\n\r\nat last"), "{answer}");
        assert_eq!(gateway.process.wait().unwrap().code(), Some(0));
    }

    #[test]
    fn sigterm_ends_an_idle_gateway() {
        let mut gateway = Gateway::start(
            "idle.yaml",
            "binds:\n- port: 0\n  listeners:\n  - routes:\n    - backends: [{host: '127.0.0.1:9'}]\n",
        );
        let _idle = TcpStream::connect(&gateway.address).unwrap();
        gateway.terminate();
        assert_eq!(gateway.process.wait().unwrap().code(), Some(0));
    }
}
