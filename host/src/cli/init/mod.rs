//! `init`: a first workflow file, from a few answers or from flags.

mod text;

use std::io;
use std::io::BufRead;
use std::io::Write as _;

use crate::cli::CommandError;
use crate::cli::Exit;
use crate::cli::args::InitArgs;
use crate::cli::args::WrittenArgs;
use crate::cli::convert;
use crate::cli::init::text::Start;
use crate::cli::runs::say;
use crate::cli::write;
use crate::oci::RegistryName;
use crate::oci::Repository;
use crate::select::Pattern;

/// Asks what flags do not say, and writes the file.
pub(super) async fn run(args: InitArgs) -> Result<Exit, CommandError> {
    let written = WrittenArgs { output: Some(args.file.clone()), force: args.force };
    write::check(&written)?;
    let start = {
        let mut input = io::stdin().lock();
        start(&args, &mut input)?
    };
    let text = start.text(&args.file);
    convert::check(&text, Some(&args.file)).await?;
    write::text(&text, &written)?;
    let file = args.file.display();
    say(&format!("{file} is written. What would move: image-transfer plan {file}"));
    Ok(Exit::Done)
}

/// What the flags say, and of the rest what is answered.
fn start(args: &InitArgs, input: &mut dyn BufRead) -> Result<Start, CommandError> {
    let asked = args.from.is_none() || args.to.is_none();
    let from = answer(
        args.from.as_deref(),
        (
            "--from",
            "Where do images come from? A registry, such as harbor.corp or harbor.corp/team/**, or oci:DIRECTORY",
        ),
        input,
        place,
    )?;
    let to = answer(
        args.to.as_deref(),
        (
            "--to",
            "Where do they go? A registry, such as registry.example.com or registry.example.com/mirror, or oci:DIRECTORY",
        ),
        input,
        target,
    )?;
    let mut tags = args.tags.clone();
    let mut newest = args.newest;
    if asked && tags.is_empty() && newest.is_none() {
        let question =
            "Which tags? Globs or /expressions/, separated by commas, or a number for so many of the newest [all]";
        loop {
            match chosen(ask(question, input)?.unwrap_or_default().trim()) {
                Ok(answer) => {
                    (tags, newest) = answer;
                    break;
                }
                Err(problem) => tell(&problem),
            }
        }
    }
    for tag in &tags {
        tag.parse::<Pattern>().map_err(|error| CommandError::Usage(format!("--tags: {error}")))?;
    }
    let mut plain_http = Vec::new();
    for host in &args.plain_http {
        let name = host.parse::<RegistryName>();
        plain_http.push(name.map_err(|error| CommandError::Usage(format!("--plain-http: {error}")))?.to_string());
    }
    for host in [&from.registry, &to.registry] {
        if asked && is_loopback(host) && !plain_http.contains(host) {
            let answer = ask(&format!("Does {host} speak http, not https? [Y/n]"), input)?.unwrap_or_default();
            if !answer.trim().to_lowercase().starts_with('n') {
                plain_http.push(host.clone());
            }
        }
    }
    Ok(Start { from, to, tags, newest, plain_http })
}

/// A registry or a directory, and what of it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Place {
    registry: String,
    /// A pattern of repositories, or a namespace; empty: all, or none.
    path: String,
}

/// What a flag says, or an answer; asked again until it makes sense.
fn answer(
    flag: Option<&str>,
    (name, question): (&str, &str),
    input: &mut dyn BufRead,
    read: fn(&str) -> Result<Place, String>,
) -> Result<Place, CommandError> {
    if let Some(text) = flag {
        return read(text).map_err(|problem| CommandError::Usage(format!("{name}: {problem}")));
    }
    loop {
        let Some(text) = ask(question, input)? else {
            return Err(CommandError::Usage(format!("{name} is missing, and there is nobody to ask")));
        };
        match read(text.trim()) {
            Ok(place) => return Ok(place),
            Err(problem) => tell(&problem),
        }
    }
}

/// A line of the answers; none at their end.
fn ask(question: &str, input: &mut dyn BufRead) -> Result<Option<String>, CommandError> {
    prompt(question)?;
    let mut line = String::new();
    if input.read_line(&mut line)? == 0 {
        // The question stands there without an answer.
        tell("");
        return Ok(None);
    }
    Ok(Some(line))
}

/// Where from.
fn place(text: &str) -> Result<Place, String> {
    let place = split(text)?;
    let mut path = place.path;
    if path.ends_with('/') {
        path.push_str("**");
    }
    if !path.is_empty() {
        path.parse::<Pattern>().map_err(|error| error.to_string())?;
    } else if text::needs_namespace(&place.registry) {
        return Err(format!("{0} has no list of its namespaces: name one, such as {0}/library", place.registry));
    }
    Ok(Place { path, ..place })
}

/// Where to.
fn target(text: &str) -> Result<Place, String> {
    let place = split(text)?;
    let path = place.path.trim_matches('/').to_owned();
    if !path.is_empty() {
        path.parse::<Repository>().map_err(|error| error.to_string())?;
    }
    Ok(Place { path, ..place })
}

fn split(text: &str) -> Result<Place, String> {
    let text = text.trim();
    let text = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")).unwrap_or(text);
    let (registry, path) = match text.split_once('/') {
        Some((registry, path)) if !text.starts_with("oci:") => (registry, path),
        _ => (text, ""),
    };
    let registry = registry.parse::<RegistryName>().map_err(|error| error.to_string())?;
    Ok(Place { registry: registry.to_string(), path: path.to_owned() })
}

/// Patterns, or how many of the newest.
fn chosen(text: &str) -> Result<(Vec<String>, Option<std::num::NonZeroUsize>), String> {
    if text.is_empty() || text == "all" {
        return Ok((Vec::new(), None));
    }
    if let Ok(count) = text.parse() {
        return Ok((Vec::new(), Some(count)));
    }
    let tags: Vec<String> = text.split(',').map(|tag| tag.trim().to_owned()).collect();
    for tag in &tags {
        tag.parse::<Pattern>().map_err(|error| error.to_string())?;
    }
    Ok((tags, None))
}

fn is_loopback(host: &str) -> bool {
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    name == "localhost" || name.trim_matches(['[', ']']).parse::<std::net::IpAddr>().is_ok_and(|it| it.is_loopback())
}

/// Questions are no result: they go to standard error.
fn prompt(question: &str) -> io::Result<()> {
    let mut error = io::stderr().lock();
    write!(error, "{question}: ")?;
    error.flush()
}

#[expect(clippy::print_stderr, reason = "what is wrong with an answer is said before it is asked for again")]
fn tell(problem: &str) {
    eprintln!("{problem}");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(answers: &str) -> Result<Start, CommandError> {
        start(&InitArgs::default(), &mut answers.as_bytes())
    }

    #[test]
    fn what_makes_no_sense_is_asked_again() {
        let start =
            asked("Not A Host\nharbor.corp/team/\nregistry.example.com/UPPER\nregistry.example.com/mirror\n[\n5\n")
                .unwrap();
        assert_eq!(start.from, Place { registry: "harbor.corp".to_owned(), path: "team/**".to_owned() });
        assert_eq!(start.to, Place { registry: "registry.example.com".to_owned(), path: "mirror".to_owned() });
        assert_eq!((start.tags, start.newest.map(std::num::NonZeroUsize::get)), (Vec::new(), Some(5)));
    }

    #[test]
    fn a_registry_of_this_machine_may_speak_http() {
        let start = asked("localhost:5000\n127.0.0.1:5001\n\n\nno\n").unwrap();
        assert_eq!(start.plain_http, ["localhost:5000"]);
    }

    #[test]
    fn answers_that_end_too_early_name_the_flag() {
        assert_eq!(asked("harbor.corp\n").unwrap_err().to_string(), "--to is missing, and there is nobody to ask");
    }

    #[test]
    fn docker_hub_needs_a_namespace() {
        assert!(place("docker.io").unwrap_err().contains("name one, such as docker.io/library"));
        assert!(place("index.docker.io/library").is_ok());
    }
}
