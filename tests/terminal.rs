//! What a person at a terminal sees of a run, and what a pipe gets.

use crate::harness::command::Workplace;
use crate::harness::command::plain;
use crate::harness::graph::Graph;
use crate::harness::graph::OCI_LAYER;
use crate::harness::proxy::Action;
use crate::harness::proxy::Gate;
use crate::harness::proxy::Proxy;
use crate::harness::registry::Registry;
use crate::harness::store::Store;
use crate::harness::terminal::Terminal;

/// Large enough that nothing is scrolled away.
const LARGE: (u16, u16) = (60, 220);

/// Twelve images of which each blob is held at the door.
struct Stage {
    source: Registry,
    target: Registry,
    proxy: Proxy,
    gate: Gate,
    place: Workplace,
}

impl Stage {
    /// So many images are on their way at a time.
    fn new(images: usize) -> Self {
        Self::after(images, None)
    }

    /// The same after `first` was the answer to one request for a blob.
    fn after(images: usize, first: Option<Action>) -> Self {
        let (source, target, place, gate) = (Registry::open(), Registry::open(), Workplace::new(), Gate::default());
        for number in 0..12 {
            Graph::single(&format!("terminal {number}"), &format!("v{number}")).push(&source.remote(), "team/app");
        }
        let proxy = source.proxy();
        if let Some(first) = first {
            proxy.fault("GET", "/blobs/", 1, first);
        }
        proxy.fault("GET", "/blobs/", usize::MAX, Action::Hold(gate.clone()));
        let (from, to) = (proxy.address(), target.address());
        let head = plain(&[from, to]);
        let rule = format!("{{\"{from}/team/app\": \"{to}/team/app\"}}");
        place.file(
            "workflow.yaml",
            &format!(
                "{head}limits: {{images: {images}}}\ntransfers:\n  - from: {{plugin: rules, with: {{rules: {rule}}}}}\n"
            ),
        );
        Self { source, target, proxy, gate, place }
    }

    fn start(&self, size: (u16, u16), flags: &[&str], environment: &[(&str, &str)]) -> Terminal {
        Terminal::start(&self.place, size, &[&["run", "workflow.yaml"], flags].concat(), environment)
    }

    fn is_copied(&self) {
        for number in 0..12 {
            let tag = format!("v{number}");
            assert_eq!(self.target.remote().content("team/app", &tag), self.source.remote().content("team/app", &tag));
        }
    }
}

fn any(lines: &[String], text: &str) -> bool {
    lines.iter().any(|line| line.contains(text))
}

/// Rows of images on their way.
fn rows(lines: &[String]) -> usize {
    lines.iter().filter(|line| line.starts_with("  127.0.0.1:")).count()
}

/// Escapes that set a colour or the weight of letters.
fn has_colour(text: &str) -> bool {
    regex::Regex::new("\u{1b}\\[[0-9;]*m").unwrap().is_match(text)
}

#[test]
fn the_screen_shows_the_images_on_their_way_and_the_total_and_log_lines_stay_whole() {
    let stage = Stage::new(4);
    let terminal = stage.start(LARGE, &[], &[]);
    stage.gate.await_arrivals(4);
    let screen = terminal.await_screen(|lines| rows(lines) == 4 && any(lines, " 0/12 images, 0 B"));
    let name = format!("  {}/team/app:v", stage.proxy.address());
    assert_eq!(screen.iter().filter(|line| line.starts_with(&name)).count(), 4, "{screen:?}");
    assert!(screen.last().unwrap().contains(" 0/12 images"), "the total is the last line: {screen:?}");
    stage.gate.open();
    let (finished, screen, all) = terminal.finish();
    finished.expect(0).says("12 copied");
    stage.is_copied();
    assert_eq!(rows(&screen), 0, "{screen:?}");
    assert!(!any(&screen, "/12 images"), "nothing is left of the progress: {screen:?}");
    let line = regex::Regex::new(r"^\S+Z  INFO copied    127\.0\.0\.1:\d+/team/app:v\d+ -> 127\.0\.0\.1:\d+/team/app:v\d+ \([0-9.]+ (B|KiB) in 3 blobs, [0-9.]+(ms|s)\)$").unwrap();
    assert_eq!(screen.iter().filter(|shown| line.is_match(shown)).count(), 12, "{screen:?}");
    assert!(has_colour(&all), "a terminal is coloured");
}

#[test]
fn a_row_tells_how_many_bytes_came() {
    let (source, target, place, gate) = (Registry::open(), Registry::open(), Workplace::new(), Gate::default());
    let mut graph = Graph::new();
    let layer = graph.blob(OCI_LAYER, vec![7; 4 << 20]);
    let image = graph.image("linux/amd64", &[layer]);
    graph.tag("1", &image);
    graph.push(&source.remote(), "app");
    let proxy = target.proxy();
    proxy.fault("PUT", "/blobs/", usize::MAX, Action::StallRequest(1 << 20, gate.clone()));
    let (from, to) = (source.address(), proxy.address());
    let rule = format!("{{\"{from}/app:1\": \"{to}/app:1\"}}");
    place.file(
        "workflow.yaml",
        &format!("{}transfers:\n  - from: {{plugin: rules, with: {{rules: {rule}}}}}\n", plain(&[from, to])),
    );
    let terminal = Terminal::start(&place, LARGE, &["run", "workflow.yaml"], &[]);
    let bytes = regex::Regex::new(r"/app:1 +[1-9][0-9.]+ MiB/4\.00 MiB .* (B|KiB|MiB)/s").unwrap();
    terminal.await_screen(|lines| lines.iter().any(|line| bytes.is_match(line)));
    gate.open();
    terminal.finish().0.expect(0);
    assert_eq!(target.remote().content("app", "1"), source.remote().content("app", "1"));
}

#[test]
fn more_images_than_there_is_room_for_are_counted() {
    let stage = Stage::new(12);
    let terminal = stage.start((12, 100), &[], &[]);
    terminal.await_screen(|lines| rows(lines) == 4 && any(lines, "  and 8 more") && any(lines, " 0/12 images"));
    stage.gate.open();
    let (finished, screen, _) = terminal.finish();
    finished.expect(0);
    assert_eq!(rows(&screen), 0, "{screen:?}");
    stage.is_copied();
}

#[test]
fn a_row_tells_which_host_limits_requests() {
    let busy = Action::Answer { status: 429, headers: vec![("Retry-After".into(), "2".into())], body: Vec::new() };
    let stage = Stage::after(1, Some(busy));
    stage.gate.open();
    let terminal = stage.start(LARGE, &[], &[]);
    let limits = format!("{} limits requests: ", stage.proxy.address());
    let screen = terminal.await_screen(|lines| any(lines, &limits) && any(lines, "; waiting for "));
    let row = screen.iter().find(|line| line.contains(&limits)).unwrap();
    assert!(row.contains("/team/app:v") && row.ends_with(" s more"), "{row}");
    terminal.finish().0.expect(0);
    stage.is_copied();
}

#[test]
fn quiet_shows_nothing() {
    let stage = Stage::new(4);
    stage.gate.open();
    let (finished, _, all) = stage.start(LARGE, &["--quiet"], &[]).finish();
    finished.expect(0).says("12 copied");
    assert_eq!(all, "");
}

#[test]
fn without_progress_there_are_log_lines_alone() {
    let stage = Stage::new(4);
    stage.gate.open();
    let (finished, screen, all) = stage.start(LARGE, &["--no-progress"], &[]).finish();
    finished.expect(0);
    assert!(!all.contains(" images") && any(&screen, "copied    "), "{all}");
    // A terminal that cannot be painted is not painted.
    let (finished, _, all) = stage.start(LARGE, &[], &[("TERM", "dumb")]).finish();
    finished.expect(0);
    assert!(!all.contains(" images"), "{all}");
}

#[test]
fn no_color_is_heeded() {
    let stage = Stage::new(4);
    let terminal = stage.start(LARGE, &[], &[("NO_COLOR", "1")]);
    terminal.await_screen(|lines| any(lines, "0/12 images"));
    stage.gate.open();
    let (finished, _, all) = terminal.finish();
    finished.expect(0);
    assert!(!has_colour(&all), "{all:?}");
    stage.place.file("bad.yaml", "version: 1\ntransfers: [\n");
    for (environment, coloured) in [(&[][..], true), (&[("NO_COLOR", "1")], false)] {
        let (finished, _, all) = Terminal::start(&stage.place, LARGE, &["check", "bad.yaml"], environment).finish();
        finished.expect(2);
        assert_eq!(has_colour(&all), coloured, "{all:?}");
    }
}

#[test]
fn the_classic_flags_show_progress_too() {
    let stage = Stage::new(4);
    let (from, to) = (stage.proxy.address(), stage.target.address());
    stage.place.file("rules.yaml", &format!("{from}/team/app: {to}/team/app\n"));
    stage.place.file("security.yaml", &format!("\"{from}\": {{insecure: true}}\n\"{to}\": {{insecure: true}}\n"));
    let flags = ["--ruleFile=rules.yaml", "--securityFile=security.yaml", "--routines=3"];
    let terminal = Terminal::whole(&stage.place, LARGE, &flags, &[]);
    stage.gate.await_arrivals(3);
    terminal.await_screen(|lines| rows(lines) == 3 && any(lines, " 0/12 images"));
    stage.gate.open();
    let (finished, screen, _) = terminal.finish();
    finished.expect(0);
    assert!(screen.last().unwrap().starts_with("################# Finished, 0 transfer jobs failed"), "{screen:?}");
    assert!(!any(&screen, " images,"), "{screen:?}");
    let terminal = Terminal::whole(&stage.place, LARGE, &[&flags[..], &["--no-progress", "--quiet"]].concat(), &[]);
    let (finished, _, all) = terminal.finish();
    finished.expect(0);
    assert!(!all.contains(" images,") && all.contains("Finished"), "{all}");
}

#[test]
fn a_pipe_gets_a_line_now_and_then() {
    let stage = Stage::new(2);
    let running = stage.place.start(&["run", "workflow.yaml"], &[]);
    running.await_text(" so far: no images; moved 0 blobs, 0 B");
    stage.gate.open();
    let finished = running.finish().expect(0);
    assert!(!finished.stderr.contains('\u{1b}'), "{}", finished.stderr);
    assert!(!finished.stderr.contains(" images,"), "{}", finished.stderr);
}
