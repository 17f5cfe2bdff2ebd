//! `plugin new`: a small project that builds with its language's own tools.

mod kind;
mod language;

use std::fs;
use std::io;
use std::path::Path;
use std::path::PathBuf;

use serde_json::Value;
use serde_json::json;

use crate::cli::CommandError;
use crate::cli::Exit;
use crate::cli::args::NewArgs;
use crate::cli::args::RoleArg;
use crate::cli::new::kind::Kind;
use crate::cli::new::language::Language;
use crate::cli::runs::say;

/// The contract, as a package below `wit/deps` of the project.
const CONTRACT: [(&str, &str); 11] = [
    ("image-transfer/credentials.wit", include_str!("../../../../wit/credentials.wit")),
    ("image-transfer/host.wit", include_str!("../../../../wit/host.wit")),
    ("image-transfer/mapper.wit", include_str!("../../../../wit/mapper.wit")),
    ("image-transfer/plugin-info.wit", include_str!("../../../../wit/plugin-info.wit")),
    ("image-transfer/provisioner.wit", include_str!("../../../../wit/provisioner.wit")),
    ("image-transfer/source.wit", include_str!("../../../../wit/source.wit")),
    ("image-transfer/types.wit", include_str!("../../../../wit/types.wit")),
    ("image-transfer/worlds.wit", include_str!("../../../../wit/worlds.wit")),
    ("clocks.wit", include_str!("../../../../wit/deps/clocks.wit")),
    ("io.wit", include_str!("../../../../wit/deps/io.wit")),
    ("random.wit", include_str!("../../../../wit/deps/random.wit")),
];

const README: &str = include_str!("../../../../plugins/templates/README.md");
const RECORDED: &str = include_str!("../../../../plugins/templates/test/recorded.json");

/// Why there is no template for Go.
const NO_GO: &str = "--lang go: there is no template for Go. Its compiler makes modules and no components, and no way to make a \
                     component of one (wit-bindgen's bindings with WASI's adapter, TinyGo, componentize-go) was tried with this contract \
                     yet. Each can be pointed at wit/: see \"Other languages\" in docs/plugin-guide.md";

/// Writes the project.
pub(super) fn run(args: &NewArgs) -> Result<Exit, CommandError> {
    let kinds = kinds(&args.kind);
    let language = Language::of(args.lang).ok_or_else(|| CommandError::Usage(NO_GO.to_owned()))?;
    check_name(&args.name)?;
    let directory = args.directory.clone().unwrap_or_else(|| PathBuf::from(&args.name));
    if fs::read_dir(&directory).is_ok_and(|mut entries| entries.next().is_some()) || directory.is_file() {
        return Err(CommandError::Usage(format!("{} is there already, and not empty", directory.display())));
    }
    for (path, text) in files(&args.name, &language, &kinds) {
        let path = directory.join(path);
        write(&path, &text).map_err(|source| CommandError::File { path, source })?;
    }
    say(&format!("{0} is written. How it is built, tested and used: {0}/README.md", directory.display()));
    Ok(Exit::Done)
}

/// What the plugin is, each kind once, in the order of the contract.
fn kinds(wanted: &[RoleArg]) -> Vec<Kind> {
    let all = [RoleArg::Source, RoleArg::Mapper, RoleArg::Provisioner, RoleArg::Credentials];
    all.into_iter().filter(|role| wanted.contains(role)).map(Kind::of).collect()
}

/// A name that is one for cargo, npm and a workflow alike.
fn check_name(name: &str) -> Result<(), CommandError> {
    let valid = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if name.starts_with(|c: char| c.is_ascii_lowercase()) && name.chars().all(valid) && !name.ends_with('-') {
        return Ok(());
    }
    Err(CommandError::Usage(format!(
        "`{name}` is no plugin name: lowercase letters, digits and -, beginning with a letter"
    )))
}

fn write(path: &Path, text: &str) -> io::Result<()> {
    if let Some(directory) = path.parent() {
        fs::create_dir_all(directory)?;
    }
    fs::write(path, text)
}

/// Every file of the project, with its path.
fn files(name: &str, language: &Language, kinds: &[Kind]) -> Vec<(String, String)> {
    let summaries: Vec<&str> = kinds.iter().map(|kind| kind.summary).collect();
    let summary = summaries.join("; ");
    let fill = |text: &str| {
        let text = text.replace("@NAME@", name).replace("@SUMMARY@", &summary);
        let text = text.replace("@EXPORTS@", &language.exports(kinds)).replace("@MODULES@", &language::modules(kinds));
        let text = text.replace("@FIELDS@", &language::fields(kinds)).replace("@LANGUAGE@", language.name);
        let text = text.replace("@BUILD@", language.build).replace("@BUILD-NOTE@", language.note);
        // As cargo names what it makes of a library.
        text.replace("@MODULE@", &name.replace('-', "_")).replace("@NAME@", name)
    };
    let mut files =
        vec![("README.md".to_owned(), fill(&README.replace("@TESTS@", &tests(kinds)).replace("@USE@", &uses(kinds))))];
    files.extend(language.files(kinds).map(|(path, text)| (path.to_owned(), fill(text))));
    files.push(("wit/world.wit".to_owned(), world(kinds)));
    files.extend(CONTRACT.map(|(path, text)| (format!("wit/deps/{path}"), text.to_owned())));
    files.push(("options.schema.json".to_owned(), schema(kinds)));
    let options: Vec<String> = kinds.iter().map(|kind| format!("{}: {}\n", kind.option, kind.value)).collect();
    files.push(("test/options.yaml".to_owned(), options.concat()));
    files.push(("test/recorded.json".to_owned(), RECORDED.to_owned()));
    for kind in kinds {
        files.extend(kind.input.map(|(path, text)| (path.to_owned(), text.to_owned())));
        files.push((format!("test/{}.expected.json", kind.name), kind.expected.to_owned()));
    }
    files
}

/// A world of its own, with what is exported.
fn world(kinds: &[Kind]) -> String {
    let exports = kinds.iter().map(|kind| format!("  export image-transfer:plugin/{}@0.1.0;\n", kind.name));
    let exports = exports.collect::<Vec<_>>().concat();
    format!(
        "package local:plugin;\n\n/// What this plugin imports and exports.\nworld plugin {{\n  include \
         image-transfer:plugin/imports@0.1.0;\n  export image-transfer:plugin/plugin-info@0.1.0;\n{exports}}}\n"
    )
}

/// The schema of its options. Where it is several things, each is used with its own option alone.
fn schema(kinds: &[Kind]) -> String {
    let properties: serde_json::Map<String, Value> =
        kinds.iter().map(|kind| (kind.option.to_owned(), kind.schema())).collect();
    let mut schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": properties,
    });
    if let [kind] = kinds {
        schema["required"] = json!([kind.option]);
    }
    schema["additionalProperties"] = false.into();
    format!("{schema:#}\n")
}

/// The commands that test each kind.
fn tests(kinds: &[Kind]) -> String {
    let command = |kind: &Kind| {
        let input = kind.input.map(|(path, _)| format!(" --input {path}")).unwrap_or_default();
        format!(
            "image-transfer plugin test @NAME@.wasm --as {0} --options test/options.yaml{input} --http test/recorded.json \
             --expect test/{0}.expected.json",
            kind.name
        )
    };
    kinds.iter().map(command).collect::<Vec<_>>().join("\n")
}

/// A workflow that uses each kind.
fn uses(kinds: &[Kind]) -> String {
    let with = |kind: &Kind| format!("{{plugin: @NAME@, with: {{{}: {:?}}}}}", kind.option, kind.value);
    let find = |name: &str| kinds.iter().find(|kind| kind.name == name).map(with);
    let from = find("source").unwrap_or_else(|| "{plugin: catalog, with: {registry: registry.example}}".to_owned());
    let mut lines = vec![format!("  - from: {from}")];
    lines.extend(find("mapper").map(|with| format!("    map: [{with}]")));
    let prepare = find("provisioner").map(|with| format!(", prepare: {with}")).unwrap_or_default();
    lines.push(format!("    to: {{registry: target.example{prepare}}}"));
    if let Some(with) = find("credentials") {
        lines.push(format!("registries:\n  target.example: {{credentials: {with}}}"));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::args::LanguageArg;

    #[test]
    fn nothing_of_a_template_is_left_open() {
        let every = [RoleArg::Source, RoleArg::Mapper, RoleArg::Provisioner, RoleArg::Credentials];
        for lang in [LanguageArg::Rust, LanguageArg::Js, LanguageArg::Python] {
            for wanted in [&every[..], &every[1..2], &every[2..3]] {
                let language = Language::of(lang).unwrap();
                for (path, text) in files("my-plugin", &language, &kinds(wanted)) {
                    let open = text.split('@').nth(1).is_some_and(|word| {
                        !word.is_empty() && word.chars().all(|c| c.is_ascii_uppercase() || c == '-')
                    });
                    assert!(!open, "{path}: {text}");
                }
            }
        }
    }

    #[test]
    fn the_module_is_called_as_cargo_calls_it() {
        let language = Language::of(LanguageArg::Rust).unwrap();
        let (_, readme) = files("my-plugin", &language, &kinds(&[RoleArg::Mapper])).swap_remove(0);
        assert!(readme.contains("/release/my_plugin.wasm -o my-plugin.wasm"), "{readme}");
    }

    #[test]
    fn a_name_is_one_for_every_tool() {
        for name in ["", "Naming", "a_b", "../x", "1a", "a-", "a b"] {
            assert!(check_name(name).is_err(), "{name}");
        }
        assert!(check_name("naming-2").is_ok());
    }
}
