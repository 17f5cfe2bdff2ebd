//! The pages of the commands are what the commands say of themselves, and the book has every page.

mod reference;

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::path::PathBuf;

use crate::harness::command::Workplace;
use crate::harness::tools;

/// Each command, as `--help` of the one above it lists it.
fn commands(place: &Workplace, above: &[&str]) -> Vec<(String, String)> {
    let help = place.run(&[above, &["--help"]].concat()).expect(0).stdout;
    let Some((_, commands)) = help.split_once("Commands:\n") else { return Vec::new() };
    let lines = commands.lines().take_while(|line| !line.is_empty()).filter(|line| !line.starts_with("    "));
    let names: Vec<&str> =
        lines.filter_map(|line| line.split_whitespace().next()).filter(|name| *name != "help").collect();
    let mut found = Vec::new();
    for name in names {
        let path = [above, &[name]].concat();
        let help = place.run(&[path.as_slice(), &["--help"]].concat()).expect(0).stdout;
        found.push((path.join(" "), help));
        found.extend(self::commands(place, &path));
    }
    found
}

/// The page of a command and of those below it.
fn page(name: &str, commands: &[(String, String)]) -> String {
    let mut text = format!("# image-transfer {name}\n");
    for (path, help) in commands.iter().filter(|(path, _)| path.split(' ').next() == Some(name)) {
        if path != name {
            let _ = write!(text, "\n## image-transfer {path}\n");
        }
        // Blanks at the ends of lines are no part of what is said.
        let lines: Vec<&str> = help.trim_end().lines().map(str::trim_end).collect();
        let _ = write!(text, "\n```\n{}\n```\n", lines.join("\n"));
    }
    text
}

/// After a change: `IMAGE_TRANSFER_WRITE_FIXTURES=1 cargo test --locked --test e2e documentation`.
#[test]
fn every_command_has_a_page_that_says_what_its_help_says() {
    let directory = tools::repository().join("docs/commands");
    let commands = commands(&Workplace::new(), &[]);
    let names: Vec<&str> = commands.iter().map(|(path, _)| path.as_str()).filter(|path| !path.contains(' ')).collect();
    assert!(names.contains(&"run") && names.len() > 10, "{names:?}");
    let mut written: Vec<String> = files(&directory).iter().map(|path| stem(path)).collect();
    for name in &names {
        let (path, text) = (directory.join(format!("{name}.md")), page(name, &commands));
        if std::env::var_os("IMAGE_TRANSFER_WRITE_FIXTURES").is_some() {
            fs::create_dir_all(&directory).unwrap();
            fs::write(&path, &text).unwrap();
        }
        assert_eq!(fs::read_to_string(&path).unwrap_or_default(), text, "{}", path.display());
        written.retain(|other| other != name);
    }
    assert_eq!(written, Vec::<String>::new(), "pages of commands that there are not");
}

#[test]
fn the_book_has_every_page_and_no_other() {
    let docs = tools::repository().join("docs");
    let summary = fs::read_to_string(docs.join("SUMMARY.md")).unwrap();
    let mut listed: Vec<String> = links(&summary);
    listed.sort();
    let mut pages: Vec<String> = files(&docs)
        .iter()
        .map(|path| path.strip_prefix(&docs).unwrap().display().to_string())
        .filter(|name| name != "SUMMARY.md")
        .collect();
    pages.sort();
    assert_eq!(listed, pages);
}

#[test]
fn links_between_the_pages_lead_somewhere() {
    let root = tools::repository();
    let mut dead = Vec::new();
    for page in files(&root.join("docs")).into_iter().chain([root.join("README.md"), root.join("tests/README.md")]) {
        let text = fs::read_to_string(&page).unwrap();
        for link in links(&text).iter().filter(|link| !link.contains("://")) {
            let (file, _) = link.split_once('#').unwrap_or((link, ""));
            if !file.is_empty() && !page.parent().unwrap().join(file).exists() {
                dead.push(format!("{}: {link}", page.display()));
            }
        }
    }
    assert_eq!(dead, Vec::<String>::new());
}

/// Where the links of a page lead.
fn links(text: &str) -> Vec<String> {
    text.split("](").skip(1).filter_map(|rest| rest.split(')').next()).map(str::to_owned).collect()
}

fn stem(path: &Path) -> String {
    path.file_stem().unwrap().to_string_lossy().into_owned()
}

/// Every Markdown file below `directory`.
fn files(directory: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(directory) else { return Vec::new() };
    let mut found = Vec::new();
    for path in entries.map(|entry| entry.unwrap().path()) {
        if path.is_dir() {
            found.append(&mut files(&path));
        } else if path.extension().is_some_and(|extension| extension == "md") {
            found.push(path);
        }
    }
    found
}
