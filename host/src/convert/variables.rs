//! How texts of other tools refer to the environment.

/// A notation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Variables {
    /// There are none: `${` is text.
    None,
    /// `${NAME}`, `${NAME:-default}` and `${NAME:?message}`, as in a workflow file.
    Braces,
    /// `$NAME` and `${NAME}`.
    Shell,
    /// Go's templates, of which `{{env "NAME"}}` is a variable.
    Template,
}

impl Variables {
    /// `text` in the notation of a workflow file, or the template that has no like there.
    pub(super) fn read(self, text: &str) -> Result<String, String> {
        match self {
            Self::None => Ok(literal(text)),
            Self::Braces => Ok(text.to_owned()),
            Self::Shell => Ok(shell(text)),
            Self::Template => template(text),
        }
    }
}

/// `text` so that a workflow file means it as it is.
pub(super) fn literal(text: &str) -> String {
    text.replace("${", "$${")
}

/// Whether a text of a workflow file is one reference to the environment and nothing besides, so that it tells no secret.
pub(super) fn is_reference(text: &str) -> bool {
    let name = text.strip_prefix("${").and_then(|rest| rest.strip_suffix('}'));
    name.is_some_and(is_name)
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && !text.starts_with(|c: char| c.is_ascii_digit()) && text.bytes().all(is_name_byte)
}

fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

fn shell(text: &str) -> String {
    let mut result = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        result.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let braced = rest.strip_prefix('{').and_then(|inner| inner.split_once('}')).filter(|(name, _)| is_name(name));
        let end = rest.bytes().position(|byte| !is_name_byte(byte)).unwrap_or(rest.len());
        if let Some((name, after)) = braced {
            result.extend(["${", name, "}"]);
            rest = after;
        } else if is_name(&rest[..end]) {
            result.extend(["${", &rest[..end], "}"]);
            rest = &rest[end..];
        } else {
            // Before a brace, the dollar sign is doubled: it is text.
            result.push_str(if rest.starts_with('{') { "$$" } else { "$" });
        }
    }
    result + rest
}

fn template(text: &str) -> Result<String, String> {
    let mut result = String::new();
    let mut rest = text;
    while let Some((before, inside)) = rest.split_once("{{") {
        result.push_str(&literal(before));
        let Some((action, after)) = inside.split_once("}}") else { return Err(text.to_owned()) };
        let words = action.trim_matches('-').trim();
        let name = words.strip_prefix("env").map(|name| name.trim().trim_matches(['"', '`']));
        match name.filter(|name| is_name(name)) {
            Some(name) => result.extend(["${", name, "}"]),
            None => return Err(format!("{{{{{action}}}}}")),
        }
        rest = after;
    }
    Ok(result + &literal(rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_notation_becomes_that_of_a_workflow_file() {
        for (variables, text, expected) in [
            (Variables::None, "a${B}$C", "a$${B}$C"),
            (Variables::Braces, "${B:-c}", "${B:-c}"),
            (Variables::Shell, "$A/${B}-$$ $", "${A}/${B}-$$ $"),
            (Variables::Shell, "${1}$2", "$${1}$2"),
            (Variables::Template, r#"{{env "A"}}/{{ env `B` }}"#, "${A}/${B}"),
            (Variables::Template, "${A}", "$${A}"),
        ] {
            assert_eq!(variables.read(text), Ok(expected.to_owned()), "{text}");
        }
    }

    #[test]
    fn another_template_is_named() {
        let file = r#"x{{file "/run/secret"}}"#;
        assert_eq!(Variables::Template.read(file), Err(r#"{{file "/run/secret"}}"#.to_owned()));
        assert_eq!(Variables::Template.read("{{x"), Err("{{x".to_owned()));
    }

    #[test]
    fn only_a_reference_alone_tells_no_secret() {
        assert!(is_reference("${A_1}"));
        for text in ["a", "a${A}", "${A}${B}", "${A:-secret}", "$${A}"] {
            assert!(!is_reference(text), "{text}");
        }
    }
}
