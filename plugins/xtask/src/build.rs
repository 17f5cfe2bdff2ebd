//! Builds the guests and makes components of them.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use wit_component::ComponentEncoder;

use crate::guests::Repository;
use crate::guests::SHELVES;
use crate::lock::Component;
use crate::lock::Lock;
use crate::lock::inputs_sha256;
use crate::lock::sha256;
use crate::toolchain::TARGET;
use crate::toolchain::Toolchain;

/// A component larger than this is not for embedding: something was pulled in that should not be.
const LARGEST: usize = 400 * 1024;

/// Builds and writes the components called `wanted` (none: all) and the locks, with the toolchain that is locked or else with what is
/// there.
pub(crate) fn write(repository: &Repository, wanted: &[&str]) -> Result<String, String> {
    let guests = guests();
    if let Some(unknown) = wanted.iter().find(|name| !guests.contains(name)) {
        return Err(format!("there is no guest `{unknown}`; there are {}", guests.join(", ")));
    }
    let guests: Vec<&str> = guests.into_iter().filter(|name| wanted.is_empty() || wanted.contains(name)).collect();
    let toolchains = Toolchain::all(repository.root());
    let locked = Lock::read(&repository.root().join(SHELVES[0].directory)).ok();
    let same = toolchains.iter().find(|one| locked.as_ref().is_some_and(|lock| lock.toolchain == one.locked));
    let toolchain = same.or(toolchains.first()).ok_or_else(no_toolchain)?;
    let components = build(repository, toolchain, &guests)?;
    let mut summary = format!("built with {}", toolchain.name());
    for shelf in &SHELVES {
        let directory = repository.root().join(shelf.directory);
        fs::create_dir_all(&directory).map_err(|error| format!("{}: {error}", shelf.directory))?;
        let kept = Lock::read(&directory).ok().filter(|lock| !wanted.is_empty() && lock.toolchain == toolchain.locked);
        let others = kept.map(|lock| lock.components).unwrap_or_default();
        let mut lock = Lock { toolchain: toolchain.locked.clone(), components: others };
        for guest in shelf.guests {
            let Some(wasm) = components.get(guest) else { continue };
            let path = directory.join(format!("{guest}.wasm"));
            fs::write(&path, wasm).map_err(|error| format!("{}: {error}", path.display()))?;
            let component = Component { sha256: sha256(wasm), inputs_sha256: inputs_sha256(repository, guest)? };
            lock.components.insert((*guest).to_owned(), component);
            let _ = write!(summary, "\n{}/{guest}.wasm {} bytes", shelf.directory, wasm.len());
        }
        lock.write(&directory)?;
    }
    Ok(summary)
}

/// Builds all components with the locked toolchain and compares them with those that are committed.
pub(crate) fn check(repository: &Repository) -> Result<String, String> {
    let toolchains = Toolchain::all(repository.root());
    let lock = Lock::read(&repository.root().join(SHELVES[0].directory))?;
    let Some(toolchain) = toolchains.iter().find(|one| one.locked == lock.toolchain) else {
        let there: Vec<String> = toolchains.iter().map(Toolchain::name).collect();
        return Err(format!(
            "the locked toolchain is not here, so the bytes cannot be compared\nlocked: {} ({}, {})\nhere: {}",
            lock.toolchain.rustc.first().map_or("", String::as_str),
            lock.toolchain.std,
            lock.toolchain.linker,
            if there.is_empty() { "none that builds guests".to_owned() } else { there.join("; ") },
        ));
    };
    let components = build(repository, toolchain, &guests())?;
    let mut problems = Vec::new();
    for shelf in &SHELVES {
        for guest in shelf.guests {
            let path = repository.root().join(shelf.directory).join(format!("{guest}.wasm"));
            if fs::read(&path).ok().as_ref() != Some(&components[guest]) {
                problems.push(format!("{}/{guest}.wasm is not what its sources build", shelf.directory));
            }
        }
    }
    if problems.is_empty() { crate::lock::check(repository) } else { Err(problems.join("\n")) }
}

fn no_toolchain() -> String {
    format!(
        "no compiler for {TARGET} here\nhint: `rustup target add {TARGET}`, or on Debian \
         `apt-get install rustc-web cargo-web rust-web-src` and a rustup toolchain for its rust-lld"
    )
}

/// Every guest of every shelf.
fn guests() -> Vec<&'static str> {
    SHELVES.iter().flat_map(|shelf| shelf.guests).copied().collect()
}

fn build<'a>(
    repository: &Repository,
    toolchain: &Toolchain,
    guests: &[&'a str],
) -> Result<BTreeMap<&'a str, Vec<u8>>, String> {
    let target_directory = repository.plugins().join("target/guests").join(&toolchain.locked.std);
    // Registry paths are remapped by the directories that are there: they must be there before the first compilation.
    let fetched = std::process::Command::new("cargo")
        .args(["fetch", "--locked"])
        .current_dir(repository.plugins())
        .status()
        .map_err(|error| format!("cargo cannot be run: {error}"))?;
    if !fetched.success() {
        return Err("cargo fetch failed".to_owned());
    }
    let status = toolchain
        .build(repository.root(), guests, &target_directory)
        .status()
        .map_err(|error| format!("cargo cannot be run: {error}"))?;
    if !status.success() {
        return Err(format!("cargo build failed with {}", toolchain.name()));
    }
    let modules = target_directory.join(TARGET).join("release");
    guests.iter().map(|&guest| Ok((guest, component(guest, &modules.join(module_name(guest)))?))).collect()
}

fn module_name(guest: &str) -> String {
    format!("{}.wasm", guest.replace('-', "_"))
}

fn component(guest: &str, module: &Path) -> Result<Vec<u8>, String> {
    let bytes = fs::read(module).map_err(|error| format!("{}: {error}", module.display()))?;
    let component = ComponentEncoder::default()
        .validate(true)
        .module(&bytes)
        .and_then(ComponentEncoder::encode)
        .map_err(|error| format!("{} does not become a component: {error:#}", module.display()))?;
    for place in ["/home/", "/usr/", ".cargo/", ".rustup/"] {
        if component.windows(place.len()).any(|window| window == place.as_bytes()) {
            return Err(format!("{guest} holds a path of this machine below {place}"));
        }
    }
    if component.len() > LARGEST {
        return Err(format!(
            "{guest} has {} bytes, more than the {LARGEST} that a component may have",
            component.len()
        ));
    }
    Ok(component)
}
