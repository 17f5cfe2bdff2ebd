//! The report for people, in a real browser.

use std::path::Path;
use std::path::PathBuf;

use serde_json::Value;
use serde_json::json;

use crate::harness::browser::Browser;
use crate::reports::MARKUP;
use crate::reports::eventful;
use crate::reports::run;
use crate::support::stage::Stage;

/// The page of an eventful run.
fn page() -> (Stage, PathBuf) {
    let (stage, text) = eventful();
    run(&stage, &text, &["report.html"]).expect(1);
    let page = stage.place.path().join("report.html");
    (stage, page)
}

/// The sources of the images that are shown in the list of all.
fn shown(browser: &mut Browser) -> Vec<String> {
    let rows = browser.evaluate(
        "[...document.querySelectorAll('section[aria-labelledby=images] tbody tr')].filter(row => row.checkVisibility()).map(row => row.cells[0].textContent)",
    );
    rows.as_array().unwrap().iter().map(|row| row.as_str().unwrap().to_owned()).collect()
}

#[test]
fn the_filter_narrows_every_list_and_is_part_of_the_address() {
    let (_stage, page) = page();
    let mut browser = Browser::start();
    browser.open(&page, "");
    assert_eq!(shown(&mut browser).len(), 14);
    browser.open(&page, "#q=v11");
    assert_eq!(shown(&mut browser).len(), 1);
    let said = browser.evaluate("document.getElementById('filter-count').textContent");
    assert!(said.as_str().unwrap().ends_with(" rows") && said.as_str().unwrap().contains(" of "), "{said}");
    browser.open(&page, "#status=failed");
    let failed = shown(&mut browser);
    assert!(failed.len() == 2 && failed.iter().all(|row| !row.contains("/app")), "{failed:?}");
    browser.open(&page, "#q=nothing+has+this+name");
    assert_eq!(shown(&mut browser), Vec::<String>::new());
    // Typed, as a user does.
    browser.open(&page, "");
    browser.evaluate("document.getElementById('filter-text').focus()");
    for key in ["v", "1", "2"] {
        browser.press(key);
    }
    assert_eq!(shown(&mut browser).len(), 1);
    assert_eq!(browser.evaluate("location.hash"), "#q=v12");
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

#[test]
fn a_head_sorts_its_table_by_the_keyboard_too() {
    let (_stage, page) = page();
    let mut browser = Browser::start();
    browser.open(&page, "");
    let head = "document.querySelector('section[aria-labelledby=images] thead th:nth-child(5)')";
    let times = "[...document.querySelectorAll('section[aria-labelledby=images] tbody tr')].map(row => Number(row.cells[4].dataset.value))";
    let sorted = |value: &Value| value.as_array().unwrap().iter().map(|it| it.as_u64().unwrap()).collect::<Vec<_>>();
    browser.evaluate(&format!("{head}.querySelector('button').focus()"));
    browser.press("Enter");
    assert_eq!(browser.evaluate(&format!("{head}.getAttribute('aria-sort')")), "descending");
    let down = sorted(&browser.evaluate(times));
    assert!(down.is_sorted_by(|one, other| one >= other) && down.first() > down.last(), "{down:?}");
    browser.press("Enter");
    assert_eq!(browser.evaluate(&format!("{head}.getAttribute('aria-sort')")), "ascending");
    assert!(sorted(&browser.evaluate(times)).is_sorted());
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

#[test]
fn markup_from_outside_is_shown_as_text() {
    let (_stage, page) = page();
    let mut browser = Browser::start();
    browser.open(&page, "");
    assert_eq!(browser.evaluate("document.querySelector('h1').textContent"), MARKUP);
    assert_eq!(browser.evaluate("document.images.length"), 0);
    assert_eq!(browser.evaluate("document.scripts.length"), 1);
    assert!(browser.evaluate("document.title").as_str().unwrap().starts_with(MARKUP));
    let message = browser.evaluate("document.querySelector('#failures').parentElement.textContent");
    assert!(message.as_str().unwrap().contains(MARKUP), "{message}");
    // And if something were overlooked, the policy of the page would not run it.
    browser.evaluate("document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=\"document.title=1\">'); document.body.append(Object.assign(document.createElement('script'), {textContent: 'document.title = 2'}))");
    assert!(browser.evaluate("document.title").as_str().unwrap().starts_with(MARKUP));
    assert!(browser.complaints().iter().any(|it| it.contains("Content Security Policy")));
}

#[test]
fn the_page_asks_nobody_for_anything_and_fits_every_window() {
    let (_stage, page) = page();
    let mut browser = Browser::start();
    // Where they are looked at by hand.
    let pictures = Path::new(env!("CARGO_TARGET_TMPDIR")).join("report-pictures");
    std::fs::create_dir_all(&pictures).unwrap();
    let mut sizes = Vec::new();
    for (width, dark) in [(1280, false), (1280, true), (360, false), (360, true)] {
        browser.looks(width, 900, dark);
        browser.open(&page, "");
        let wide = browser.evaluate("document.documentElement.scrollWidth");
        assert!(wide.as_u64().unwrap() <= u64::from(width), "{wide} of {width}");
        let back = browser.evaluate("getComputedStyle(document.body).backgroundColor");
        let picture = browser.picture(&pictures.join(format!("{width}-{}.png", if dark { "dark" } else { "light" })));
        sizes.push((back, picture.len()));
        assert_eq!(browser.complaints(), Vec::<String>::new());
    }
    assert!(sizes[0].0 != sizes[1].0 && sizes[0].0 == sizes[2].0, "{sizes:?}");
    assert!(sizes.iter().all(|(_, bytes)| *bytes > 10_000), "{sizes:?}");
}

#[test]
fn a_screen_reader_is_told_what_is_what() {
    let (_stage, page) = page();
    let mut browser = Browser::start();
    browser.open(&page, "");
    let told = browser.accessible();
    let has = |role: &str, name: &str| told.iter().any(|it| it.0 == role && it.1.contains(name));
    for (role, name) in [
        ("searchbox", "Filter"),
        ("combobox", "Status"),
        ("table", "slowest images"),
        ("table", "failures of class not-found"),
        ("image", "Bytes over"),
        ("image", "Images over"),
        ("heading", "Over time"),
        ("link", "Skip to the figures"),
        ("button", "Time"),
    ] {
        assert!(has(role, name), "no {role} {name:?} in {told:?}");
    }
    // Text of every kind that is told by its colour, against what is behind it: 4.5 at least (WCAG 2.2, 1.4.3).
    for dark in [false, true] {
        browser.looks(1280, 900, dark);
        browser.open(&page, "");
        let faint = browser.evaluate(CONTRAST);
        assert_eq!(faint, json!([]), "dark: {dark}");
    }
}

/// The texts of the page with less contrast than there should be.
const CONTRAST: &str = r"
(() => {
  const canvas = new OffscreenCanvas(1, 1).getContext('2d', { willReadFrequently: true });
  const paint = (colours) => {
    for (const colour of colours) { canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1); }
    return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3);
  };
  const light = (rgb) => {
    const [r, g, b] = rgb.map((it) => it / 255).map((it) => (it <= 0.04045 ? it / 12.92 : ((it + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const faint = new Set();
  for (const element of document.body.querySelectorAll('*')) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
    if (!own || !element.checkVisibility()) continue;
    const backs = [];
    for (let it = element; it; it = it.parentElement) backs.unshift(getComputedStyle(it).backgroundColor);
    const back = paint(['white', ...backs]);
    const front = paint([`rgb(${back})`, getComputedStyle(element).color]);
    const [high, low] = [light(back), light(front)].sort((a, b) => b - a);
    const ratio = (high + 0.05) / (low + 0.05);
    if (ratio < 4.5) faint.add(`${element.tagName}.${element.className}: ${ratio.toFixed(2)}`);
  }
  return [...faint];
})()
";
