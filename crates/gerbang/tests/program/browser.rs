//! A real Chromium, without a window, driven over WebDriver by its own chromedriver.

use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader, Lines, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

/// Ended by its own id when dropped, and the browser with it.
pub(crate) struct Browser {
    driver: Child,
    port: u16,
    session: String,
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.call("DELETE", &format!("/session/{}", self.session), None);
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

impl Browser {
    /// A window of this size; a narrow one behaves like a phone.
    pub(crate) fn start(width: u32, height: u32) -> Self {
        // Two that look for a free port at one moment may find the same one.
        let started = (0..5).find_map(|_| Self::driver());
        let (driver, port, lines) = started.expect("chromedriver does not start");
        // What it prints is read, or it would stop when the pipe is full.
        std::thread::spawn(move || lines.for_each(drop));
        let size = format!("--window-size={width},{height}");
        let mut options = json!({"args": [
            "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
            "--hide-scrollbars", "--lang=en", size,
        ], "prefs": {"intl.accept_languages": "en"}});
        if width < 600 {
            let metrics = json!({"width": width, "height": height, "pixelRatio": 2.0});
            options["mobileEmulation"] = json!({"deviceMetrics": metrics});
        }
        let wanted = json!({"capabilities": {"alwaysMatch": {
            "browserName": "chrome", "goog:chromeOptions": options,
        }}});
        let mut browser = Self { driver, port, session: String::new() };
        let made = browser.call("POST", "/session", Some(&wanted)).unwrap();
        browser.session = made["sessionId"].as_str().unwrap().to_owned();
        browser
    }

    fn driver() -> Option<(Child, u16, Lines<BufReader<ChildStdout>>)> {
        let mut driver = Command::new("chromedriver")
            .arg("--port=0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver: `cargo xtask test` installs it");
        let mut lines = BufReader::new(driver.stdout.take().unwrap()).lines();
        let mut port = None;
        for line in lines.by_ref().map_while(Result::ok) {
            if let Some(rest) = line.split("started successfully on port ").nth(1) {
                port = rest.trim_end_matches('.').parse().ok();
                break;
            }
        }
        if let Some(port) = port {
            return Some((driver, port, lines));
        }
        let _ = driver.kill();
        let _ = driver.wait();
        std::thread::sleep(Duration::from_millis(300));
        None
    }

    fn call(&self, method: &str, path: &str, body: Option<&Value>) -> Result<Value, String> {
        let text = body.map(Value::to_string).unwrap_or_default();
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).map_err(|e| e.to_string())?;
        stream.set_read_timeout(Some(Duration::from_secs(60))).map_err(|e| e.to_string())?;
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n\
             Connection: close\r\nContent-Length: {}\r\n\r\n{text}",
            text.len()
        );
        stream.write_all(request.as_bytes()).map_err(|e| e.to_string())?;
        // It keeps connections open whatever it is asked: the length says where an answer ends.
        let mut reader = BufReader::new(stream);
        let mut length = 0;
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).map_err(|e| e.to_string())?;
            if line.trim().is_empty() {
                break;
            }
            let lower = line.to_ascii_lowercase();
            if let Some(text) = lower.strip_prefix("content-length:") {
                length = text.trim().parse().map_err(|_| "bad length")?;
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).map_err(|e| e.to_string())?;
        let body = String::from_utf8_lossy(&body);
        let body: Value = serde_json::from_str(&body).map_err(|e| format!("{e}: {body}"))?;
        match body["value"]["error"].as_str() {
            Some(error) => Err(format!("{error}: {}", body["value"]["message"])),
            None => Ok(body["value"].clone()),
        }
    }

    fn on(&self, method: &str, path: &str, body: Value) -> Result<Value, String> {
        let path = format!("/session/{}{path}", self.session);
        self.call(method, &path, (method == "POST").then_some(&body))
    }

    pub(crate) fn go(&self, url: &str) {
        self.on("POST", "/url", json!({"url": url})).unwrap();
    }

    pub(crate) fn url(&self) -> String {
        self.on("GET", "/url", Value::Null).unwrap().as_str().unwrap().to_owned()
    }

    /// The first element that fits, once it is there.
    fn find(&self, css: &str) -> String {
        let began = Instant::now();
        loop {
            let asked = json!({"using": "css selector", "value": css});
            match self.on("POST", "/element", asked) {
                Ok(found) => {
                    let id = found.as_object().unwrap().values().next().unwrap();
                    return id.as_str().unwrap().to_owned();
                }
                Err(why) => {
                    let late = began.elapsed() > Duration::from_secs(15);
                    assert!(!late, "{css} on {}: {why}\n{}", self.url(), self.text());
                }
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    pub(crate) fn click(&self, css: &str) {
        let id = self.find(css);
        self.on("POST", &format!("/element/{id}/click"), json!({})).unwrap();
    }

    /// Types into a field, over what stood there.
    pub(crate) fn fill(&self, css: &str, text: &str) {
        let id = self.find(css);
        let _ = self.on("POST", &format!("/element/{id}/clear"), json!({}));
        self.on("POST", &format!("/element/{id}/value"), json!({"text": text})).unwrap();
    }

    /// What can be read on the page.
    pub(crate) fn text(&self) -> String {
        let script = json!({"script": "return document.body.innerText", "args": []});
        self.on("POST", "/execute/sync", script).unwrap().as_str().unwrap_or_default().to_owned()
    }

    pub(crate) fn run(&self, script: &str) -> Value {
        self.on("POST", "/execute/sync", json!({"script": script, "args": []})).unwrap()
    }

    /// Waits until the page says something, by itself.
    pub(crate) fn wait_for(&self, text: &str) {
        let began = Instant::now();
        while !self.text().contains(text) {
            let late = began.elapsed() > Duration::from_secs(20);
            assert!(!late, "no `{text}` on {}:\n{}", self.url(), self.text());
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// Says yes to the question a dangerous button asks.
    pub(crate) fn accept(&self) {
        self.on("POST", "/alert/accept", json!({})).unwrap();
    }

    /// A picture of the window.
    pub(crate) fn picture(&self) -> Vec<u8> {
        use base64::Engine as _;
        let picture = self.on("GET", "/screenshot", Value::Null).unwrap();
        base64::engine::general_purpose::STANDARD.decode(picture.as_str().unwrap()).unwrap()
    }
}
