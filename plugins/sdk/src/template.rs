//! Texts with placeholders: `{registry}/{repository}:{tag}`.

/// A text whose placeholders are known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template(Vec<Part>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Placeholder(String),
}

impl Template {
    /// Reads a template. A placeholder stands in braces and must be one of `known`; `{{` and `}}` are braces themselves.
    pub fn parse(text: &str, known: &[&str]) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut literal = String::new();
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            literal += &rest[..at];
            let brace = &rest[at..=at];
            rest = &rest[at + 1..];
            if let Some(after) = rest.strip_prefix(brace) {
                literal += brace;
                rest = after;
                continue;
            }
            let Some((name, after)) = rest.split_once('}').filter(|_| brace == "{") else {
                return Err(format!("`{text}` has a brace without its partner"));
            };
            if !known.contains(&name) {
                return Err(format!("`{text}` has the placeholder {{{name}}}; there are {{{}}}", known.join("}, {")));
            }
            if !literal.is_empty() {
                parts.push(Part::Text(std::mem::take(&mut literal)));
            }
            parts.push(Part::Placeholder(name.to_owned()));
            rest = after;
        }
        literal += rest;
        if !literal.is_empty() {
            parts.push(Part::Text(literal));
        }
        Ok(Self(parts))
    }

    /// Fills the placeholders in. The first for which there is no value is the error.
    pub fn fill(&self, value: impl Fn(&str) -> Option<String>) -> Result<String, &str> {
        let mut filled = String::new();
        for part in &self.0 {
            match part {
                Part::Text(text) => filled += text,
                Part::Placeholder(name) => filled += &value(name).ok_or(name.as_str())?,
            }
        }
        Ok(filled)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_filled_in() {
        let template = Template::parse("{{x}}/{name}-{tag}", &["name", "tag"]).expect("a template");
        let value = |name: &str| (name == "name").then(|| "app".to_owned());
        assert_eq!(template.fill(value), Err("tag"));
        assert_eq!(template.fill(|name| Some(name.to_uppercase())), Ok("{x}/NAME-TAG".to_owned()));
    }

    #[test]
    fn an_unknown_placeholder_is_answered_with_the_known_ones() {
        assert_eq!(
            Template::parse("{nam}", &["name", "tag"]),
            Err("`{nam}` has the placeholder {nam}; there are {name}, {tag}".to_owned()),
        );
        assert_eq!(Template::parse("a}", &[]), Err("`a}` has a brace without its partner".to_owned()));
        assert_eq!(Template::parse("{a", &[]), Err("`{a` has a brace without its partner".to_owned()));
    }
}
