//! The vendors' own Python SDKs, which say whether a fake is faithful.

use std::process::Command;

use serde_json::Value;

use super::tools;

/// Runs `tests/vendor/SCRIPT` with these arguments in the virtual environment that `tests/install-deps` made. What it prints is JSON.
#[track_caller]
pub fn python(script: &str, arguments: &[&str]) -> Value {
    let interpreter = tools::repository().join("target/venv/bin/python");
    assert!(interpreter.is_file(), "this test needs target/venv: run tests/install-deps");
    let output = Command::new(interpreter)
        .arg(tools::repository().join("tests/vendor").join(script))
        .args(arguments)
        .env_remove("HTTP_PROXY")
        .env_remove("HTTPS_PROXY")
        .output()
        .unwrap();
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{script} {arguments:?}\n--- stdout\n{stdout}\n--- stderr\n{stderr}");
    serde_json::from_str(&stdout).unwrap_or_else(|error| panic!("{script}: {error}\n{stdout}\n{stderr}"))
}
