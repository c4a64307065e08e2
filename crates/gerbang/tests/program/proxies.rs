//! The samples of `config/proxies` with the real programs: they start as printed, members keep their own
//! address, nobody chooses another, and a dead node costs nobody a request.

use super::rig::{House, OWN, Server};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A proxy of others; ends with the test.
struct Proxy {
    child: Child,
    port: u16,
    _folder: tempfile::TempDir,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        // nginx' workers end with their master when it is asked.
        let _ = Command::new("kill").arg(self.child.id().to_string()).status();
        let began = Instant::now();
        while began.elapsed() < Duration::from_secs(10) {
            if self.child.try_wait().is_ok_and(|ended| ended.is_some()) {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// They take no port 0; nobody else takes this one in between on a quiet machine.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn certificate(folder: &Path) -> (PathBuf, PathBuf) {
    let (key, pem) = (folder.join("gerbang.key"), folder.join("gerbang.pem"));
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=x"])
        .arg("-keyout")
        .arg(&key)
        .arg("-out")
        .arg(&pem)
        .stderr(Stdio::null())
        .status();
    assert!(made.unwrap().success());
    (key, pem)
}

/// The sample with the places of this machine; everything else as printed.
fn start(which: &str, node: &Server, dead: u16) -> Proxy {
    start_with(which, node, dead, |text| text)
}

fn start_with(which: &str, node: &Server, dead: u16, but: impl Fn(String) -> String) -> Proxy {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../config/proxies");
    let folder = tempfile::tempdir().unwrap();
    let (key, pem) = certificate(folder.path());
    let (port, here) = (free_port(), folder.path().display());
    let of = |file: &str| std::fs::read_to_string(root.join(file)).unwrap();
    let nodes = |text: String| {
        for printed in ["10.0.0.11:8080", "10.0.0.12:8080"] {
            assert!(text.contains(printed), "{printed}");
        }
        text.replace("10.0.0.11:8080", &node.address.to_string())
            .replace("10.0.0.12:8080", &format!("127.0.0.1:{dead}"))
    };
    let (text, words) = match which {
        "haproxy" => {
            let both =
                std::fs::read_to_string(&pem).unwrap() + &std::fs::read_to_string(&key).unwrap();
            std::fs::write(&pem, both).unwrap();
            let text = nodes(of("haproxy.cfg"))
                .replace("bind :443", &format!("bind 127.0.0.1:{port}"))
                .replace("/etc/haproxy/gerbang.pem", &pem.display().to_string());
            (text, vec!["-db".to_owned(), "-f".to_owned(), format!("{here}/conf")])
        }
        _ => {
            let text = nodes(of("nginx.conf"))
                .replace("listen 443", &format!("listen 127.0.0.1:{port}"))
                .replace("/etc/nginx/gerbang.pem", &pem.display().to_string())
                .replace("/etc/nginx/gerbang.key", &key.display().to_string());
            let places = format!("daemon off; pid {here}/pid; error_log stderr; user root;");
            (
                text,
                vec![
                    "-p".to_owned(),
                    here.to_string(),
                    "-c".to_owned(),
                    format!("{here}/conf"),
                    "-g".to_owned(),
                    places,
                ],
            )
        }
    };
    std::fs::write(folder.path().join("conf"), but(text)).unwrap();
    let program = format!("/usr/sbin/{which}");
    let log = std::fs::File::create(folder.path().join("log")).unwrap();
    let mut child = Command::new(program)
        .args(words)
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .unwrap_or_else(|error| panic!("{which}: {error}; `cargo xtask test` installs it"));
    let began = Instant::now();
    while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
        let log = || std::fs::read_to_string(folder.path().join("log")).unwrap();
        assert!(child.try_wait().unwrap().is_none(), "{which} ended: {}", log());
        assert!(began.elapsed() < Duration::from_secs(30), "{which} does not listen: {}", log());
        std::thread::sleep(Duration::from_millis(20));
    }
    Proxy { child, port, _folder: folder }
}

impl Proxy {
    /// Asked from an address of loopback, with further headers: status and body.
    fn get(&self, from: &str, target: &str, headers: &[&str]) -> (u16, String) {
        let mut curl = Command::new("curl");
        curl.args(["-ks", "--max-time", "30", "--interface", from, "-w", "\n%{http_code}"]);
        for header in headers {
            curl.args(["-H", header]);
        }
        let out = curl.arg(format!("https://127.0.0.1:{}{target}", self.port)).output().unwrap();
        let text = String::from_utf8(out.stdout).unwrap();
        let (body, status) = text.rsplit_once('\n').unwrap();
        (status.parse().unwrap(), body.to_owned())
    }
}

/// A business behind proxies on this machine, whose member may call from one address.
fn behind() -> (House, Server) {
    behind_with(|text| text)
}

fn behind_with(but: impl Fn(String) -> String) -> (House, Server) {
    let house = House::new();
    house.found(false);
    house.add_member();
    house.ok(&["member", "set", "OK00123", "--ips", "127.0.0.5"]);
    let config = house.data().join("gerbang.toml");
    let text = std::fs::read_to_string(&config).unwrap();
    // A single address, as people write it; members are others.
    let text = text.replace("trusted_proxies = []", "trusted_proxies = [\"127.0.0.1\"]");
    std::fs::write(&config, but(text)).unwrap();
    let server = house.serve();
    (house, server)
}

fn members_keep_their_address(which: &str) {
    let (_house, server) = behind();
    let proxy = start(which, &server, free_port());
    let balance = format!("/trx/balance?{OWN}");
    let right = |from: &str, headers: &[&str]| {
        let (status, said) = proxy.get(from, &balance, headers);
        assert_eq!(status, 200, "{which}: {said}");
        said
    };
    // A lawful one first, so that a refusal proves something.
    let said = right("127.0.0.5", &[]);
    assert!(said.contains("Saldo"), "{which}: {said}");
    let own = "X-Forwarded-For: 127.0.0.5";
    for headers in [
        &[own][..],
        &[own, own],
        &["x-forwarded-for: 127.0.0.5, 127.0.0.5"],
        &["X-Forwarded-For: 127.0.0.5, 127.0.0.1"],
        &["Forwarded: for=127.0.0.5"],
        &["X-Real-IP: 127.0.0.5", "X_Forwarded_For: 127.0.0.5"],
        &[own, "Connection: X-Forwarded-For"],
    ] {
        let said = right("127.0.0.6", headers);
        assert!(said.contains("IP tidak sesuai @127.0.0.6"), "{which} {headers:?}: {said}");
    }
    // And what is written there does not take the address of who may, either.
    let said = right("127.0.0.5", &["X-Forwarded-For: 203.0.113.9"]);
    assert!(said.contains("Saldo"), "{which}: {said}");
    // The other node is dead from the beginning.
    for number in 0..20 {
        let (status, said) = proxy.get("127.0.0.5", "/healthz", &[]);
        assert_eq!((status, said.as_str()), (200, "ok"), "{which} {number}");
    }
    for path in ["/metrics", "/METRICS", "/metrics/x"] {
        assert_eq!(proxy.get("127.0.0.5", path, &[]).0, 404, "{which} {path}");
    }
    assert_eq!(proxy.get("127.0.0.5", "/console/login", &[]).0, 200, "{which}");
}

#[test]
fn haproxy_as_printed() {
    members_keep_their_address("haproxy");
}

#[test]
fn nginx_as_printed() {
    members_keep_their_address("nginx");
}

/// The line of the sample for the PROXY protocol: haproxy's checks and requests are understood, the member's
/// address is the one of the connection, and who comes without the header is not served.
#[test]
fn haproxy_says_for_whom_it_is() {
    let speaks = |text: String| text.replace("proxy_protocol = false", "proxy_protocol = true");
    let (_house, server) = behind_with(speaks);
    let proxy = start_with("haproxy", &server, free_port(), |text| {
        text.replace("inter 1s fall 2 rise 2", "inter 1s fall 2 rise 2 send-proxy-v2")
    });
    let balance = format!("/trx/balance?{OWN}");
    let (status, said) = proxy.get("127.0.0.5", &balance, &[]);
    assert!(status == 200 && said.contains("Saldo"), "{said}");
    for headers in [&[][..], &["X-Forwarded-For: 127.0.0.5"]] {
        let (_, said) = proxy.get("127.0.0.6", &balance, headers);
        assert!(said.contains("IP tidak sesuai @127.0.0.6"), "{headers:?}: {said}");
    }
    assert!(super::rig::get(server.address, "/healthz").is_err());
    // Its checks speak it too: the node counts as alive for longer than two of them take.
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(4) {
        assert_eq!(proxy.get("127.0.0.5", "/healthz", &[]).0, 200);
        std::thread::sleep(Duration::from_millis(100));
    }
    assert!(server.log().contains("a proxy did not say for whom it is"));
}
