//! A headless Chromium, spoken to over its `DevTools` protocol: JSON over a web socket. Knows browsers
//! and nothing of reports.

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

/// Nobody answers for so long: the browser hangs, and the test with it.
const PATIENCE: Duration = Duration::from_mins(2);

/// Programs that are a Chromium.
const PROGRAMS: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];

/// How a page is looked at.
#[derive(Debug, Clone, Copy)]
pub(crate) struct View {
    pub(crate) width: u32,
    pub(crate) height: u32,
    /// A phone: touch, and a viewport that a page may widen.
    pub(crate) mobile: bool,
    pub(crate) dark: bool,
    /// Whether scripts of pages run.
    pub(crate) script: bool,
}

pub(crate) const DESKTOP: View = View { width: 1280, height: 900, mobile: false, dark: false, script: true };
pub(crate) const PHONE: View = View { width: 360, height: 740, mobile: true, dark: false, script: true };

/// One browser with one page.
pub(crate) struct Browser {
    child: Child,
    socket: WebSocket<TcpStream>,
    session: String,
    asked: u64,
    /// Everything that was told without being asked for.
    events: Vec<Value>,
    _profile: TempDir,
}

impl Browser {
    /// A browser with an empty page.
    pub(crate) fn start(view: View) -> Self {
        let profile = tempfile::tempdir().unwrap();
        let mut child = spawn(profile.path());
        let address = listening(&mut child);
        let (port, _) = address.strip_prefix("ws://127.0.0.1:").and_then(|rest| rest.split_once('/')).unwrap();
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port.parse().unwrap())).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let (socket, _) = tungstenite::client(address.as_str(), stream).unwrap();
        let mut browser =
            Self { child, socket, session: String::new(), asked: 0, events: Vec::new(), _profile: profile };
        let target = browser.ask("Target.createTarget", &json!({ "url": "about:blank" }));
        let attach = json!({ "targetId": target["targetId"], "flatten": true });
        let attached = browser.ask("Target.attachToTarget", &attach);
        attached["sessionId"].as_str().unwrap().clone_into(&mut browser.session);
        for domain in ["Page", "Runtime", "Log", "Network"] {
            browser.ask(&format!("{domain}.enable"), &json!({}));
        }
        browser.ask("Page.setLifecycleEventsEnabled", &json!({ "enabled": true }));
        browser.look(view);
        browser
    }

    /// Looks at pages as `view` says from now on.
    pub(crate) fn look(&mut self, view: View) {
        let View { width, height, mobile, dark, script } = view;
        let size = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": mobile });
        self.ask("Emulation.setDeviceMetricsOverride", &size);
        let scheme = if dark { "dark" } else { "light" };
        let features = json!([
            { "name": "prefers-color-scheme", "value": scheme },
            { "name": "prefers-reduced-motion", "value": "reduce" },
        ]);
        self.ask("Emulation.setEmulatedMedia", &json!({ "features": features }));
        self.ask("Emulation.setScriptExecutionDisabled", &json!({ "value": !script }));
    }

    /// Goes to `url` and waits until it is loaded. An address that differs in nothing but its fragment
    /// is loaded anew, too.
    pub(crate) fn open(&mut self, url: &str) {
        self.load("about:blank");
        self.load(url);
    }

    /// The value of a JavaScript expression; of a promise, what comes of it.
    pub(crate) fn value(&mut self, expression: &str) -> Value {
        let what = json!({ "expression": expression, "returnByValue": true, "awaitPromise": true });
        let answer = self.ask("Runtime.evaluate", &what);
        assert!(answer["exceptionDetails"].is_null(), "{expression}: {answer:#}");
        answer["result"]["value"].clone()
    }

    /// Whether a JavaScript expression is true.
    pub(crate) fn holds(&mut self, expression: &str) -> bool {
        self.value(expression) == Value::Bool(true)
    }

    /// The text of a JavaScript expression.
    pub(crate) fn text(&mut self, expression: &str) -> String {
        self.value(expression).as_str().unwrap_or_else(|| panic!("{expression} is no text")).to_owned()
    }

    /// Waits until a JavaScript expression is true: looks again whenever the page is drawn.
    pub(crate) fn until(&mut self, expression: &str) {
        let look = format!(
            "new Promise(done => {{ const look = () => ({expression}) ? done(true) : requestAnimationFrame(look); look(); }})"
        );
        assert!(self.holds(&look), "{expression}");
    }

    /// Whether the element is there and can be seen.
    pub(crate) fn shows(&mut self, selector: &str) -> bool {
        self.holds(&format!(
            "document.querySelector({selector:?})?.checkVisibility({{visibilityProperty: true}}) ?? false"
        ))
    }

    /// Clicks into the middle of an element as a mouse does: whatever is on top there gets it.
    pub(crate) fn click(&mut self, selector: &str) {
        let at = self.value(&format!(
            "(() => {{ const it = document.querySelector({selector:?}); it.scrollIntoView({{block: 'center'}});
               const box = it.getClientRects()[0]; return [box.x + box.width / 2, box.y + box.height / 2]; }})()"
        ));
        for kind in ["mousePressed", "mouseReleased"] {
            let event = json!({ "type": kind, "x": at[0], "y": at[1], "button": "left", "clickCount": 1 });
            self.ask("Input.dispatchMouseEvent", &event);
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
        self.ask("Input.dispatchKeyEvent", &down);
        self.ask("Input.dispatchKeyEvent", &json!({ "type": "keyUp", "key": key, "windowsVirtualKeyCode": code }));
    }

    /// Writes into what has the focus.
    pub(crate) fn write(&mut self, text: &str) {
        self.ask("Input.insertText", &json!({ "text": text }));
    }

    /// What is seen, as a PNG.
    pub(crate) fn picture(&mut self) -> Vec<u8> {
        let picture = self.ask("Page.captureScreenshot", &json!({ "format": "png" }));
        BASE64_STANDARD.decode(picture["data"].as_str().unwrap()).unwrap()
    }

    /// What went wrong or left the page so far: errors, warnings and exceptions in the console,
    /// requests but for `page` itself and `data:`, dialogs, and windows.
    pub(crate) fn complaints(&mut self, page: &str) -> Vec<String> {
        self.value("0");
        let path = page.split(['#', '?']).next().unwrap().to_owned();
        // The page's policy stops some before they leave.
        let stopped = |event: &&Value| event["params"]["blockedReason"] == "csp";
        let stopped: Vec<&Value> =
            self.events.iter().filter(stopped).map(|event| &event["params"]["requestId"]).collect();
        let left = |event: &&Value| {
            event["method"] != "Network.requestWillBeSent" || !stopped.contains(&&event["params"]["requestId"])
        };
        self.events.iter().filter(left).filter_map(|event| complaint(event, &path)).collect()
    }

    /// Goes to `url` and waits until that very load is over.
    fn load(&mut self, url: &str) {
        let loader = self.ask("Page.navigate", &json!({ "url": url }))["loaderId"].take();
        let over = |event: &Value| {
            let params = &event["params"];
            event["method"] == "Page.lifecycleEvent" && params["loaderId"] == loader && params["name"] == "load"
        };
        while !self.events.iter().any(over) {
            let event = self.receive();
            self.events.push(event);
        }
    }

    /// The result of a command; what comes before it is kept.
    fn ask(&mut self, method: &str, params: &Value) -> Value {
        self.asked += 1;
        let id = self.asked;
        let mut command = json!({ "id": id, "method": method, "params": params });
        if !self.session.is_empty() {
            command["sessionId"] = json!(self.session);
        }
        self.socket.send(Message::text(command.to_string())).unwrap();
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

fn complaint(event: &Value, page: &str) -> Option<String> {
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
        // Debian's Chromium has no sandbox for root, and pages here are our own.
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

/// The address at which the browser listens, which it says on stderr; what else it says is let go.
fn listening(child: &mut Child) -> String {
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let mut said = Vec::new();
    let address = loop {
        let Some(Ok(line)) = lines.next() else { panic!("Chromium ended at once: {said:#?}") };
        if let Some(address) = line.strip_prefix("DevTools listening on ") {
            break address.to_owned();
        }
        said.push(line);
    };
    std::thread::spawn(move || lines.for_each(drop));
    address
}
