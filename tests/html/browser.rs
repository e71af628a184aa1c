//! Controls a headless Chromium over its `DevTools` protocol (JSON over a web socket).

use std::io::{BufRead as _, BufReader};
use std::net::{Ipv4Addr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};
use tempfile::TempDir;
use tungstenite::{Message, WebSocket};

/// Timeout for an answer of the browser; after it the browser hangs.
const PATIENCE: Duration = Duration::from_mins(2);

/// Names of Chromium programs.
const PROGRAMS: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];

/// How a page is viewed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct View {
    pub(crate) width: u32,
    pub(crate) height: u32,
    /// Whether it is a phone: touch, and a viewport that a page can widen.
    pub(crate) mobile: bool,
    pub(crate) dark: bool,
    /// Whether scripts run.
    pub(crate) script: bool,
}

pub(crate) const DESKTOP: View = View { width: 1280, height: 900, mobile: false, dark: false, script: true };
pub(crate) const PHONE: View = View { width: 360, height: 740, mobile: true, dark: false, script: true };

/// A browser with one page.
pub(crate) struct Browser {
    child: Child,
    socket: WebSocket<TcpStream>,
    session: String,
    last_id: u64,
    /// Messages that are not answers to commands.
    events: Vec<Value>,
    _profile: TempDir,
}

impl Browser {
    /// Starts a browser with an empty page.
    pub(crate) fn start(view: View) -> Self {
        let profile = tempfile::tempdir().unwrap();
        let mut child = spawn(profile.path());
        let address = listening(&mut child);
        let (port, _) = address.strip_prefix("ws://127.0.0.1:").and_then(|rest| rest.split_once('/')).unwrap();
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port.parse().unwrap())).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let (socket, _) = tungstenite::client(address.as_str(), stream).unwrap();
        let mut browser =
            Self { child, socket, session: String::new(), last_id: 0, events: Vec::new(), _profile: profile };
        let target = browser.command("Target.createTarget", &json!({ "url": "about:blank" }));
        let attach = json!({ "targetId": target["targetId"], "flatten": true });
        let attached = browser.command("Target.attachToTarget", &attach);
        attached["sessionId"].as_str().unwrap().clone_into(&mut browser.session);
        for domain in ["Page", "Runtime", "Log", "Network"] {
            browser.command(&format!("{domain}.enable"), &json!({}));
        }
        browser.command("Page.setLifecycleEventsEnabled", &json!({ "enabled": true }));
        browser.set_view(view);
        browser
    }

    /// Changes how pages are viewed.
    pub(crate) fn set_view(&mut self, view: View) {
        let View { width, height, mobile, dark, script } = view;
        let size = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": mobile });
        self.command("Emulation.setDeviceMetricsOverride", &size);
        let scheme = if dark { "dark" } else { "light" };
        let features = json!([
            { "name": "prefers-color-scheme", "value": scheme },
            { "name": "prefers-reduced-motion", "value": "reduce" },
        ]);
        self.command("Emulation.setEmulatedMedia", &json!({ "features": features }));
        self.command("Emulation.setScriptExecutionDisabled", &json!({ "value": !script }));
    }

    /// Goes to `url` and waits until it is loaded, also if only the fragment differs.
    pub(crate) fn open(&mut self, url: &str) {
        self.load("about:blank");
        self.load(url);
    }

    /// Evaluates a JavaScript expression and awaits it if it is a promise.
    pub(crate) fn value(&mut self, expression: &str) -> Value {
        let params = json!({ "expression": expression, "returnByValue": true, "awaitPromise": true });
        let answer = self.command("Runtime.evaluate", &params);
        assert!(answer["exceptionDetails"].is_null(), "{expression}: {answer:#}");
        answer["result"]["value"].clone()
    }

    /// Whether a JavaScript expression is `true`.
    pub(crate) fn holds(&mut self, expression: &str) -> bool {
        self.value(expression) == Value::Bool(true)
    }

    /// The value of a JavaScript expression that is a string.
    pub(crate) fn text(&mut self, expression: &str) -> String {
        self.value(expression).as_str().unwrap_or_else(|| panic!("{expression} is not a string")).to_owned()
    }

    /// Waits until a JavaScript expression is true, checking in each animation frame.
    pub(crate) fn until(&mut self, expression: &str) {
        let look = format!(
            "new Promise(done => {{ const look = () => ({expression}) ? done(true) : requestAnimationFrame(look); look(); }})"
        );
        assert!(self.holds(&look), "{expression}");
    }

    /// Whether the element exists and is visible.
    pub(crate) fn shows(&mut self, selector: &str) -> bool {
        self.holds(&format!(
            "document.querySelector({selector:?})?.checkVisibility({{visibilityProperty: true}}) ?? false"
        ))
    }

    /// Clicks into the middle of an element. An element on top of it gets the click.
    pub(crate) fn click(&mut self, selector: &str) {
        let at = self.value(&format!(
            "(() => {{ const it = document.querySelector({selector:?}); it.scrollIntoView({{block: 'center'}});
               const box = it.getClientRects()[0]; return [box.x + box.width / 2, box.y + box.height / 2]; }})()"
        ));
        for kind in ["mousePressed", "mouseReleased"] {
            let event = json!({ "type": kind, "x": at[0], "y": at[1], "button": "left", "clickCount": 1 });
            self.command("Input.dispatchMouseEvent", &event);
        }
    }

    /// Presses a key: `Tab`, `Enter`, `Escape`, `ArrowDown`, or a character.
    pub(crate) fn press(&mut self, key: &str) {
        let code = match key {
            "Enter" => 13,
            "Tab" => 9,
            "Escape" => 27,
            "ArrowLeft" => 37,
            "ArrowUp" => 38,
            "ArrowRight" => 39,
            "ArrowDown" => 40,
            _ => 0,
        };
        let text = match key {
            "Enter" => "\r",
            key if key.chars().count() == 1 => key,
            _ => "",
        };
        let down = json!({ "type": "keyDown", "key": key, "windowsVirtualKeyCode": code, "text": text });
        self.command("Input.dispatchKeyEvent", &down);
        self.command("Input.dispatchKeyEvent", &json!({ "type": "keyUp", "key": key, "windowsVirtualKeyCode": code }));
    }

    /// Types into the focused element.
    pub(crate) fn type_text(&mut self, text: &str) {
        self.command("Input.insertText", &json!({ "text": text }));
    }

    /// A screenshot as PNG.
    pub(crate) fn screenshot(&mut self) -> Vec<u8> {
        let screenshot = self.command("Page.captureScreenshot", &json!({ "format": "png" }));
        BASE64_STANDARD.decode(screenshot["data"].as_str().unwrap()).unwrap()
    }

    /// Problems so far: errors, warnings and exceptions in the console, dialogs, windows, and requests other than for
    /// `page` and `data:`.
    pub(crate) fn problems(&mut self, page: &str) -> Vec<String> {
        self.value("0");
        let path = page.split(['#', '?']).next().unwrap().to_owned();
        // The page's policy blocks some requests before they are sent.
        let is_blocked = |event: &&Value| event["params"]["blockedReason"] == "csp";
        let blocked: Vec<&Value> =
            self.events.iter().filter(is_blocked).map(|event| &event["params"]["requestId"]).collect();
        let is_sent = |event: &&Value| {
            event["method"] != "Network.requestWillBeSent" || !blocked.contains(&&event["params"]["requestId"])
        };
        self.events.iter().filter(is_sent).filter_map(|event| problem(event, &path)).collect()
    }

    /// Goes to `url` and waits until it is loaded.
    fn load(&mut self, url: &str) {
        let loader = self.command("Page.navigate", &json!({ "url": url }))["loaderId"].take();
        let is_loaded = |event: &Value| {
            let params = &event["params"];
            event["method"] == "Page.lifecycleEvent" && params["loaderId"] == loader && params["name"] == "load"
        };
        while !self.events.iter().any(is_loaded) {
            let event = self.receive();
            self.events.push(event);
        }
    }

    /// Sends a command and returns its result. Events before the result are kept.
    fn command(&mut self, method: &str, params: &Value) -> Value {
        self.last_id += 1;
        let id = self.last_id;
        let mut message = json!({ "id": id, "method": method, "params": params });
        if !self.session.is_empty() {
            message["sessionId"] = json!(self.session);
        }
        self.socket.send(Message::text(message.to_string())).unwrap();
        loop {
            let mut message = self.receive();
            if message["id"] == id {
                assert!(message["error"].is_null(), "{method}: {message}");
                return message["result"].take();
            }
            self.events.push(message);
        }
    }

    fn receive(&mut self) -> Value {
        loop {
            if let Message::Text(text) = self.socket.read().unwrap() {
                return serde_json::from_str(&text).unwrap();
            }
        }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn problem(event: &Value, page: &str) -> Option<String> {
    let params = &event["params"];
    match event["method"].as_str()? {
        "Runtime.exceptionThrown" => Some(format!("exception: {}", params["exceptionDetails"])),
        "Runtime.consoleAPICalled" => Some(format!("console: {params}")),
        "Log.entryAdded" => Some(format!("log: {}", params["entry"]["text"])),
        "Page.javascriptDialogOpening" => Some(format!("dialog: {params}")),
        "Page.windowOpen" => Some(format!("window: {params}")),
        "Network.requestWillBeSent" => {
            let url = params["request"]["url"].as_str()?;
            let own = url.split(['#', '?']).next() == Some(page) || url.starts_with("data:") || url == "about:blank";
            (!own).then(|| format!("request: {url}"))
        }
        _ => None,
    }
}

fn spawn(profile: &Path) -> Child {
    for program in PROGRAMS {
        // Chromium has no sandbox for root, and the pages are made by these tests.
        let started = Command::new(program)
            .args(["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars"])
            .args(["--no-first-run", "--disable-background-networking", "--disable-component-update"])
            .args(["--remote-debugging-address=127.0.0.1", "--remote-debugging-port=0"])
            .arg(format!("--user-data-dir={}", profile.display()))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn();
        if let Ok(child) = started {
            return child;
        }
    }
    panic!("no Chromium is on PATH ({}): `make test` installs Debian's package chromium", PROGRAMS.join(", "));
}

/// The address at which the browser listens, from its stderr. Other lines are ignored.
fn listening(child: &mut Child) -> String {
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let mut output = Vec::new();
    let address = loop {
        let Some(Ok(line)) = lines.next() else { panic!("Chromium exited at once: {output:#?}") };
        if let Some(address) = line.strip_prefix("DevTools listening on ") {
            break address.to_owned();
        }
        output.push(line);
    };
    std::thread::spawn(move || lines.for_each(drop));
    address
}
