//! What a shell completes, and what `man` shows.

use std::fs;
use std::process::Command;

use crate::harness::command::Workplace;

/// Every command, as the help lists them.
fn commands() -> Vec<String> {
    let help = Workplace::new().run(&["--help"]).expect(0).stdout;
    let (_, commands) = help.split_once("Commands:\n").unwrap();
    let names = commands.lines().take_while(|line| !line.is_empty()).filter(|line| !line.starts_with("    "));
    let names: Vec<String> = names.filter_map(|line| line.split_whitespace().next().map(str::to_owned)).collect();
    assert!(names.contains(&"convert".to_owned()) && names.len() > 10, "{help}");
    names
}

#[test]
fn each_shell_is_told_every_command() {
    let place = Workplace::new();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let text = place.run(&["completions", shell]).expect(0).stdout;
        for command in commands() {
            assert!(text.contains(&command), "{shell} does not know {command}");
        }
    }
    place.run(&["completions", "tcsh"]).expect(2).says("powershell");
}

#[test]
fn bash_completes_commands_and_flags() {
    let place = Workplace::new();
    let script = place.run(&["completions", "bash"]).expect(0).stdout;
    let script = place.file("completions.bash", &script);
    let complete = |words: &str, at: usize| {
        // The function is the one that the script itself registers.
        let ask = format!(
            ". '{}'; spec=($(complete -p image-transfer)); COMP_WORDS=({words}); COMP_CWORD={at}; \
             ${{spec[-2]}} image-transfer \"${{COMP_WORDS[at]}}\" \"${{COMP_WORDS[at-1]}}\"; printf '%s\\n' \"${{COMPREPLY[@]}}\"",
            script.display()
        )
        .replace("[at", &format!("[{at}"));
        let output = Command::new("bash").args(["--norc", "-c", &ask]).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    assert_eq!(complete("image-transfer con", 1), "convert\n");
    assert_eq!(complete("image-transfer convert --sco", 2), "--scoped\n");
    assert!(complete("image-transfer convert --from ''", 3).contains("regsync\n"));
}

#[test]
fn every_command_has_a_man_page() {
    let place = Workplace::new();
    assert!(place.run(&["man"]).expect(0).stdout.contains(".TH image-transfer 1"));
    let directory = place.path().join("man1");
    fs::create_dir(&directory).unwrap();
    place.run(&["man", "man1"]).expect(0);
    for command in commands().iter().filter(|command| *command != "help") {
        let page = fs::read_to_string(directory.join(format!("image-transfer-{command}.1"))).unwrap();
        assert!(page.contains("SYNOPSIS"), "{page}");
    }
    let page = fs::read_to_string(directory.join("image-transfer-convert.1")).unwrap();
    assert!(page.contains("scoped") && page.contains("regsync"), "{page}");
    place.run(&["man", "nowhere"]).expect(2).says("cannot write nowhere");
}
