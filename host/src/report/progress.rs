//! How far a run is, at the lower end of a terminal: a row for each image on its way, and one for all.

use std::time::Duration;
use std::time::Instant;

use indicatif::ProgressBar;
use indicatif::ProgressDrawTarget;
use indicatif::ProgressStyle;

use crate::endpoint::api_host;
use crate::limit::Limiter;
use crate::limit::Wait as Pause;
use crate::oci::RegistryName;
use crate::report::Screen;
use crate::report::Size;
use crate::report::Summary;
use crate::report::lines;
use crate::transfer::Active;
use crate::transfer::Board;
use crate::transfer::Wait;

/// Letters of an image's name that are shown, its last ones: there is the tag.
const NAME: usize = 40;

/// A row of an image: its name, the bytes that came and are to come, how fast, and what it waits for.
const IMAGE: &str = "  {prefix} {binary_bytes:>10}/{binary_total_bytes:<10} {binary_bytes_per_sec:>12} {wide_msg}";

/// A row of an image of which nothing is to move, as far as is known yet.
const IDLE: &str = "  {prefix} {wide_msg}";

/// A row that only says something.
const TEXT: &str = "  {wide_msg}";

/// The row of all: how many images are over, and of how many.
const ALL: &str = "{bar:20.green} {pos}/{len} images, {wide_msg}";

/// What is painted. Rows are taken and given back as images come and go.
pub(super) struct Progress {
    screen: Screen,
    images: Vec<(u64, ProgressBar)>,
    /// That there are more images than rows.
    more: Option<ProgressBar>,
    all: ProgressBar,
    /// Not painted; its rate is that of all bytes.
    bytes: ProgressBar,
    began: Instant,
}

impl Progress {
    /// Begins to paint on `screen`.
    pub(super) fn new(screen: Screen) -> Self {
        let all = screen.bars().add(ProgressBar::new(0).with_style(style(ALL)));
        let bytes = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
        Self { screen, images: Vec::new(), more: None, all, bytes, began: Instant::now() }
    }

    /// Paints what is the case now.
    pub(super) fn paint(&mut self, summary: &Summary, board: &Board, limiter: &Limiter) {
        // Half of the terminal is left to what was said.
        let most = (Screen::rows() / 2).saturating_sub(2).max(1);
        let (active, count) = board.active(most);
        self.images.retain(|(number, bar)| {
            let stays = active.iter().any(|image| image.number == *number);
            if !stays {
                bar.finish_and_clear();
                self.screen.bars().remove(bar);
            }
            stays
        });
        for image in &active {
            let known = self.images.iter().find(|(number, _)| *number == image.number).map(|(_, bar)| bar.clone());
            let bar = known.unwrap_or_else(|| self.row(image));
            let (length, before) = (image.expected().max(image.moved()), bar.length().unwrap_or_default());
            if before == 0 && length > 0 {
                bar.set_style(style(IMAGE));
            }
            bar.set_length(length);
            bar.set_message(waits(image, limiter));
            bar.set_position(image.moved());
        }
        self.tell_of_more(count - active.len());
        self.paint_all(summary, board, limiter);
    }

    /// Takes everything off the screen.
    pub(super) fn end(self) {
        for bar in self.images.iter().map(|(_, bar)| bar).chain(&self.more).chain([&self.all]) {
            bar.finish_and_clear();
        }
        // A terminal that cannot be written to is no reason to fail.
        let _ = self.screen.bars().clear();
    }

    /// A new row, below those of images that began before.
    fn row(&mut self, image: &Active) -> ProgressBar {
        let name = shown(&image.source.to_string());
        let bar = ProgressBar::new(0).with_style(style(IDLE)).with_prefix(name);
        let bar = self.screen.bars().insert_before(self.more.as_ref().unwrap_or(&self.all), bar);
        self.images.push((image.number, bar.clone()));
        bar
    }

    fn tell_of_more(&mut self, count: usize) {
        match (&self.more, count) {
            (None, 0) => {}
            (Some(bar), 0) => {
                bar.finish_and_clear();
                self.screen.bars().remove(bar);
                self.more = None;
            }
            (Some(bar), _) => bar.set_message(format!("and {count} more")),
            (None, _) => {
                let bar = ProgressBar::new(0).with_style(style(TEXT)).with_message(format!("and {count} more"));
                self.more = Some(self.screen.bars().insert_before(&self.all, bar));
            }
        }
    }

    fn paint_all(&self, summary: &Summary, board: &Board, limiter: &Limiter) {
        let over = summary.jobs + summary.verified + summary.unverified;
        let (known, whole) = board.known();
        let moved = board.moved();
        self.bytes.set_position(moved);
        self.all.set_length(known.max(over));
        self.all.set_position(over);
        let left = if whole {
            left(over, board.parts(), known, self.began.elapsed())
                .map_or_else(String::new, |left| format!(", {} left", span(left)))
        } else {
            ", still listing".to_owned()
        };
        let failed = if summary.failed > 0 { format!(", {} failed", summary.failed) } else { String::new() };
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rate, for people")]
        let rate = self.bytes.per_sec() as u64;
        let waiting = lines::waiting(&limiter.waits());
        self.all.set_message(format!("{}, {}/s{left}{failed}{waiting}", Size(moved), Size(rate)));
    }
}

/// How long the images that are not over may take, if `over` and the `parts` of others took `time`.
fn left(over: u64, parts: f64, known: u64, time: Duration) -> Option<Duration> {
    #[expect(clippy::cast_precision_loss, reason = "an estimate")]
    let (done, known) = (over as f64 + parts, known as f64);
    (done > 0.0 && done < known)
        .then(|| Duration::try_from_secs_f64(time.as_secs_f64() * (known - done) / done).ok())?
}

/// What keeps `image`: a host of it before anything else.
fn waits(image: &Active, limiter: &Limiter) -> String {
    let hosts = image.registries.iter().filter_map(|registry| match registry {
        RegistryName::Host(host) => Some(host.as_str()),
        RegistryName::Layout(_) => None,
    });
    let paused = hosts.filter_map(|host| Some((host, limiter.wait(api_host(host))?)));
    match (paused.max_by_key(|(_, wait)| wait.pause), image.wait()) {
        (Some((host, pause)), _) => paused_by(host, pause, limiter.patience()),
        (None, Some(Wait::Again(pause))) => format!("trying again in {}", span(pause)),
        (None, Some(Wait::Landing)) => "waiting for a blob that another image brings".to_owned(),
        (None, Some(Wait::Turn)) => "waiting for its turn".to_owned(),
        (None, None) => String::new(),
    }
}

/// That `host` keeps an image waiting, and until when that goes on at most.
fn paused_by(host: &str, wait: Pause, patience: Duration) -> String {
    let why = if wait.down { "is down" } else { "limits requests" };
    let since = match wait.unserved {
        Some(unserved) if unserved >= Duration::from_mins(1) => {
            format!("; has served nothing for {} of {}", span(unserved), span(patience))
        }
        _ => String::new(),
    };
    format!("{host} {why}: {} more{since}", span(wait.pause))
}

/// A name, cut at its beginning or filled up at its end.
fn shown(name: &str) -> String {
    let letters = name.chars().count();
    if letters <= NAME {
        return format!("{name:NAME$}");
    }
    format!("…{}", name.chars().skip(letters - NAME + 1).collect::<String>())
}

/// A time in one or two units: `12 s`, `3 min`, `2 h 5 min`.
fn span(time: Duration) -> String {
    let seconds = time.as_secs_f64().ceil();
    let minutes = (seconds / 60.0).ceil();
    if seconds < 120.0 {
        format!("{seconds} s")
    } else if minutes < 120.0 {
        format!("{minutes} min")
    } else {
        format!("{} h {} min", (minutes / 60.0).floor(), minutes % 60.0)
    }
}

/// A style of a template that is known to be well formed.
fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("━━─")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_template_is_well_formed() {
        for template in [IMAGE, IDLE, TEXT, ALL] {
            assert!(ProgressStyle::with_template(template).is_ok(), "{template}");
        }
    }

    #[test]
    fn times_are_told_in_one_or_two_units() {
        for (seconds, text) in [(0, "0 s"), (119, "119 s"), (120, "2 min"), (7199, "120 min"), (7500, "2 h 5 min")] {
            let told = span(Duration::from_secs(seconds));
            assert_eq!(told.replace("2 h 0 min", "120 min"), text);
        }
    }

    #[test]
    fn what_is_left_takes_as_long_as_what_was_done() {
        let seconds = Duration::from_secs;
        assert_eq!(left(0, 0.0, 10, seconds(8)), None);
        assert_eq!(left(0, 1.0, 5, seconds(8)), Some(seconds(32)));
        assert_eq!(left(3, 1.0, 8, seconds(8)), Some(seconds(8)));
        assert_eq!(left(8, 0.0, 8, seconds(8)), None);
    }

    #[test]
    fn of_a_long_name_the_end_is_shown() {
        let name = format!("registry.example.com/{}/app:1.2.3", "team/".repeat(10));
        assert!(shown(&name).starts_with('…') && shown(&name).ends_with("/app:1.2.3"));
        assert_eq!(shown(&name).chars().count(), NAME);
        assert_eq!(shown("a.io/app:1"), format!("a.io/app:1{}", " ".repeat(30)));
    }

    #[test]
    fn a_host_is_told_with_why_and_with_the_users_patience() {
        let (seconds, patience) = (Duration::from_secs, Duration::from_mins(30));
        let wait = |down, unserved| Pause { pause: seconds(12), down, unserved };
        assert_eq!(paused_by("a.io", wait(false, Some(seconds(3))), patience), "a.io limits requests: 12 s more");
        assert_eq!(
            paused_by("a.io", wait(true, Some(seconds(300))), patience),
            "a.io is down: 12 s more; has served nothing for 5 min of 30 min"
        );
    }
}
