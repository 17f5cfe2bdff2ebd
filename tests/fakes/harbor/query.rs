//! The language of the parameter `q` (`src/lib/q` of goharbor/harbor), as far as names need it.

/// What a name must be.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Pattern {
    /// `name=v`
    Exact(String),
    /// `name=~v`: it is somewhere in the name.
    Fuzzy(String),
    /// `name={'a' 'b'}`: one of them.
    Any(Vec<Value>),
}

/// A value of a list.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Value {
    Text(String),
    /// What has digits alone and no quotes around it.
    Number(i64),
}

/// The pattern for `name`; none where nothing is said of names. An error is a message for status 400.
pub(super) fn name(query: &str) -> Result<Option<Pattern>, String> {
    let mut pattern = None;
    for part in query.split(',').filter(|part| !part.is_empty()) {
        let Some((key, value)) = part.split_once('=').filter(|(key, value)| !key.is_empty() && !value.is_empty())
        else {
            return Err("the query string must contain \"=\" and the key/value cannot be empty".to_owned());
        };
        let parsed = match value.as_bytes()[0] {
            b'~' if value.len() > 1 => Pattern::Fuzzy(value[1..].to_owned()),
            b'{' if value.ends_with('}') => Pattern::Any(list(&value[1..value.len() - 1])),
            b'~' | b'{' => return Err(format!("invalid query string value: {value}")),
            _ => Pattern::Exact(value.strip_prefix('\\').unwrap_or(value).to_owned()),
        };
        if key == "name" {
            pattern = Some(parsed);
        }
    }
    Ok(pattern)
}

fn list(text: &str) -> Vec<Value> {
    let words = text.split(' ').map(str::trim).filter(|word| !word.is_empty());
    let value = |word: &str| match word.parse() {
        Ok(number) => Value::Number(number),
        Err(_) => Value::Text(word.trim_matches(['"', '\'']).to_owned()),
    };
    words.map(value).collect()
}

impl Pattern {
    /// None where the name is compared with a number.
    pub(super) fn accepts(&self, name: &str) -> Option<bool> {
        match self {
            Self::Exact(exact) => Some(exact == name),
            Self::Fuzzy(part) => Some(name.contains(part.as_str())),
            Self::Any(values) => values.iter().try_fold(false, |found, value| match value {
                Value::Text(text) => Some(found || text == name),
                Value::Number(_) => None,
            }),
        }
    }
}
