//! A real browser without a window, spoken to by its own protocol for debugging over a pair of pipes.

use std::collections::VecDeque;
use std::fs;
use std::fs::File;
use std::io::BufRead;
use std::io::BufReader;
use std::io::Write;
use std::path::Path;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;
use std::sync::mpsc;
use std::thread;

use base64::Engine as _;
use serde_json::Value;
use serde_json::json;
use tempfile::TempDir;

use super::http1::PATIENCE;
use super::tools;

/// Chromium with one page. It finds no host, whatever a page asks for.
pub struct Browser {
    child: Child,
    directory: TempDir,
    to: File,
    from: mpsc::Receiver<Value>,
    session: Option<String>,
    last: u64,
    /// What happened in the page.
    events: VecDeque<Value>,
}

impl Browser {
    pub fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let pipes = ["in", "out"].map(|name| directory.path().join(name));
        assert!(Command::new("mkfifo").args(&pipes).status().unwrap().success());
        // Chromium reads from descriptor 3 and writes to 4, which a shell can give it.
        let child = Command::new("sh")
            .args(["-c", "in=$1 out=$2; shift 2; exec \"$@\" 3<\"$in\" 4>\"$out\"", "sh"])
            .args(&pipes)
            .arg(tools::find("chromium"))
            .args([
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-quic",
                "--no-first-run",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
                "--disable-dev-shm-usage",
                "--host-resolver-rules=MAP * ~NOTFOUND",
                "--remote-debugging-pipe",
            ])
            .arg(format!("--user-data-dir={}", directory.path().join("profile").display()))
            .env("HOME", directory.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(directory.path().join("stderr")).unwrap())
            .spawn()
            .unwrap();
        let to = File::options().write(true).open(&pipes[0]).unwrap();
        let from = BufReader::new(File::open(&pipes[1]).unwrap());
        let (sender, receiver) = mpsc::channel();
        thread::spawn(move || {
            for message in from.split(0).map_while(Result::ok) {
                if sender.send(serde_json::from_slice(&message).unwrap()).is_err() {
                    return;
                }
            }
        });
        let mut browser =
            Self { child, directory, to, from: receiver, session: None, last: 0, events: VecDeque::new() };
        let target = browser.call("Target.createTarget", &json!({"url": "about:blank"}));
        let attached = browser.call("Target.attachToTarget", &json!({"targetId": target["targetId"], "flatten": true}));
        browser.session = Some(attached["sessionId"].as_str().unwrap().to_owned());
        for domain in ["Page", "Runtime", "Log", "Network"] {
            browser.call(&format!("{domain}.enable"), &json!({}));
        }
        browser
    }

    /// The size of the window, and the colours that its user prefers.
    pub fn looks(&mut self, width: u32, height: u32, dark: bool) {
        self.call(
            "Emulation.setDeviceMetricsOverride",
            &json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false}),
        );
        let scheme = if dark { "dark" } else { "light" };
        self.call(
            "Emulation.setEmulatedMedia",
            &json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]}),
        );
    }

    /// Opens a file, with a fragment or without.
    pub fn open(&mut self, file: &Path, fragment: &str) {
        // Anew, even where only the fragment differs.
        self.go("about:blank");
        self.events.clear();
        self.go(&format!("file://{}{fragment}", file.display()));
    }

    fn go(&mut self, url: &str) {
        self.call("Page.navigate", &json!({"url": url}));
        self.wait("Page.loadEventFired");
    }

    /// The value of an expression in the page.
    #[track_caller]
    pub fn evaluate(&mut self, expression: &str) -> Value {
        let answer = self.call("Runtime.evaluate", &json!({"expression": expression, "returnByValue": true}));
        assert!(answer.get("exceptionDetails").is_none(), "{expression}: {answer}");
        answer["result"]["value"].clone()
    }

    /// Presses and releases a key, as a user of the keyboard does.
    pub fn press(&mut self, key: &str) {
        let text = match key {
            "Enter" => "\r",
            key if key.len() == 1 => key,
            _ => "",
        };
        for kind in ["keyDown", "keyUp"] {
            self.call("Input.dispatchKeyEvent", &json!({"type": kind, "key": key, "code": key, "text": text}));
        }
    }

    /// What the page complained of, and what it asked the network for besides itself.
    pub fn complaints(&mut self) -> Vec<String> {
        // The events of what happened before have come once this is answered.
        self.evaluate("0");
        let tells = |event: &Value| match event["method"].as_str()? {
            "Log.entryAdded" | "Runtime.exceptionThrown" | "Runtime.consoleAPICalled" => Some(event.to_string()),
            "Network.requestWillBeSent" => {
                let url = event["params"]["request"]["url"].as_str()?;
                let own = url.starts_with("file:") || url.starts_with("data:") || url.starts_with("about:");
                (!own).then(|| format!("asks for {url}"))
            }
            _ => None,
        };
        self.events.iter().filter_map(tells).collect()
    }

    /// What screen readers are told: the role and the name of each thing on the page.
    pub fn accessible(&mut self) -> Vec<(String, String)> {
        let tree = self.call("Accessibility.getFullAXTree", &json!({}));
        let text = |node: &Value, key: &str| node[key]["value"].as_str().unwrap_or_default().to_owned();
        let nodes = tree["nodes"].as_array().unwrap();
        nodes
            .iter()
            .filter(|node| node["ignored"] != true)
            .map(|node| (text(node, "role"), text(node, "name")))
            .collect()
    }

    /// A picture of the whole page, as PNG.
    pub fn picture(&mut self, file: &Path) -> Vec<u8> {
        let picture = self.call("Page.captureScreenshot", &json!({"format": "png", "captureBeyondViewport": true}));
        let bytes = base64::engine::general_purpose::STANDARD.decode(picture["data"].as_str().unwrap()).unwrap();
        fs::write(file, &bytes).unwrap();
        bytes
    }

    #[track_caller]
    fn call(&mut self, method: &str, parameters: &Value) -> Value {
        self.last += 1;
        let mut message = json!({"id": self.last, "method": method, "params": parameters});
        if let Some(session) = &self.session {
            message["sessionId"] = json!(session);
        }
        self.to.write_all(format!("{message}\0").as_bytes()).unwrap();
        loop {
            let answer = self.next();
            if answer["id"] == self.last {
                assert!(answer.get("error").is_none(), "{method}: {answer}");
                return answer["result"].clone();
            }
            self.events.push_back(answer);
        }
    }

    fn wait(&mut self, event: &str) {
        loop {
            // Only what comes after the call that it is waited for counts.
            if let Some(at) = self.events.iter().position(|it| it["method"] == event) {
                self.events.drain(at..=at);
                return;
            }
            let next = self.next();
            self.events.push_back(next);
        }
    }

    fn next(&mut self) -> Value {
        self.from.recv_timeout(PATIENCE).unwrap_or_else(|error| {
            let said = fs::read_to_string(self.directory.path().join("stderr")).unwrap_or_default();
            panic!("the browser says nothing more: {error}\n{said}")
        })
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
