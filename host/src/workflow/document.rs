//! YAML read into a tree with places. JSON is YAML, so it is read here too.

use std::collections::HashMap;
use std::collections::HashSet;

use saphyr_parser::Event;
use saphyr_parser::Marker;
use saphyr_parser::Parser;
use saphyr_parser::ScalarStyle;
use saphyr_parser::Span;
use saphyr_parser::Tag;

use crate::workflow::Diagnostic;
use crate::workflow::Place;
use crate::workflow::node::Content;
use crate::workflow::node::Entry;
use crate::workflow::node::Node;

/// Levels of nesting that are read: more than anyone writes, fewer than a stack holds.
const MAX_DEPTH: usize = 64;
/// Nodes that all aliases of a file may stand for together, against files that unfold into millions.
const MAX_ALIASED: usize = 100_000;

/// Reads `text`, whose place is `whole`, as one document. A syntax error ends it; duplicate keys, merge keys and tags are told
/// all together. A file without content is a null at its start.
pub(super) fn parse(text: &str, whole: Place) -> Result<Node, Vec<Diagnostic>> {
    build(text, Builder::new(text, whole))
}

/// The same, but merge keys stay in the tree as keys named `<<`.
pub(super) fn parse_with_merges(text: &str, whole: Place) -> Result<Node, Vec<Diagnostic>> {
    build(text, Builder { merges: true, ..Builder::new(text, whole) })
}

fn build(text: &str, mut builder: Builder<'_>) -> Result<Node, Vec<Diagnostic>> {
    let mut parser = Parser::new_from_str(text);
    let mut documents = 0;
    while let Some(event) = parser.next_event() {
        let (event, span) = event.map_err(|error| builder.syntax(error.marker(), error.info()))?;
        match event {
            Event::DocumentStart(_) if documents == 1 => {
                let error = Diagnostic::new(builder.place(&span), "a second document begins here")
                    .with_help("one file is one document: remove the line `---`");
                return Err(builder.give_up(error));
            }
            Event::DocumentStart(_) => documents += 1,
            Event::Scalar(text, style, anchor, tag) => builder.scalar(&text, style, anchor, tag.as_deref(), &span)?,
            Event::SequenceStart(anchor, tag) => {
                builder.open(Open::Sequence(Vec::new()), anchor, tag.as_deref(), &span)?;
            }
            Event::MappingStart(anchor, tag) => {
                let open = Open::Mapping { entries: Vec::new(), keys: HashSet::new(), key: None };
                builder.open(open, anchor, tag.as_deref(), &span)?;
            }
            Event::SequenceEnd | Event::MappingEnd => builder.close(&span)?,
            Event::Alias(anchor) => builder.alias(anchor, &span)?,
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => {}
        }
    }
    builder.finish()
}

struct Builder<'a> {
    text: &'a str,
    whole: Place,
    /// Whether merge keys are let through.
    merges: bool,
    /// Byte of each character, where they are not the same.
    offsets: Option<Vec<u32>>,
    stack: Vec<Frame>,
    root: Option<Node>,
    anchors: HashMap<usize, Node>,
    aliased: usize,
    diagnostics: Vec<Diagnostic>,
}

struct Frame {
    open: Open,
    anchor: usize,
    at: Place,
}

enum Open {
    Sequence(Vec<Node>),
    Mapping { entries: Vec<Entry>, keys: HashSet<String>, key: Option<(String, Place)> },
}

impl<'a> Builder<'a> {
    fn new(text: &'a str, whole: Place) -> Self {
        let offsets = (!text.is_ascii()).then(|| {
            let ends = std::iter::once(text.len());
            text.char_indices()
                .map(|(byte, _)| byte)
                .chain(ends)
                .map(|byte| u32::try_from(byte).unwrap_or(u32::MAX))
                .collect()
        });
        Self {
            text,
            whole,
            merges: false,
            offsets,
            stack: Vec::new(),
            root: None,
            anchors: HashMap::new(),
            aliased: 0,
            diagnostics: Vec::new(),
        }
    }

    fn finish(self) -> Result<Node, Vec<Diagnostic>> {
        if !self.diagnostics.is_empty() {
            return Err(self.diagnostics);
        }
        let empty = Content::Scalar { text: String::new(), plain: true };
        Ok(self.root.unwrap_or(Node { at: Place { end: self.whole.start, ..self.whole }, content: empty }))
    }

    fn give_up(&mut self, error: Diagnostic) -> Vec<Diagnostic> {
        self.diagnostics.push(error);
        std::mem::take(&mut self.diagnostics)
    }

    fn syntax(&mut self, marker: &Marker, info: &str) -> Vec<Diagnostic> {
        let mut start = self.byte(marker.index());
        // At the end of the file there is nothing to point at but the end of its last line.
        if start as usize >= self.text.len() {
            start = u32::try_from(self.text.trim_end().len()).unwrap_or(u32::MAX);
        }
        let place = Place { file: self.whole.file, start, end: start.saturating_add(1) };
        self.give_up(Diagnostic::new(place, format!("this is not YAML: {info}")))
    }

    fn byte(&self, index: usize) -> u32 {
        match &self.offsets {
            Some(offsets) => offsets.get(index).or(offsets.last()).copied().unwrap_or(0),
            None => u32::try_from(index.min(self.text.len())).unwrap_or(u32::MAX),
        }
    }

    fn place(&self, span: &Span) -> Place {
        Place { file: self.whole.file, start: self.byte(span.start.index()), end: self.byte(span.end.index()) }
    }

    fn scalar(
        &mut self,
        text: &str,
        style: ScalarStyle,
        anchor: usize,
        tag: Option<&Tag>,
        span: &Span,
    ) -> Result<(), Vec<Diagnostic>> {
        let mut at = self.place(span);
        // The span of a quoted scalar goes on to the next token.
        if let Some(quoted) = self.text.get(at.range()).and_then(quoted) {
            at.end = at.start.saturating_add(u32::try_from(quoted.len()).unwrap_or(u32::MAX));
        }
        let string = self.tag(tag, at);
        let plain = style == ScalarStyle::Plain && !string;
        let node = Node { at, content: Content::Scalar { text: text.to_owned(), plain } };
        self.put(node, anchor)
    }

    /// Whether `tag` makes its scalar a string; other tags than the core schema's are refused.
    fn tag(&mut self, tag: Option<&Tag>, at: Place) -> bool {
        let Some(tag) = tag else { return false };
        if !tag.is_yaml_core_schema() {
            self.diagnostics
                .push(Diagnostic::new(at, format!("the tag `{}{}` is not supported", tag.handle, tag.suffix)));
        }
        tag.is_yaml_core_schema() && tag.suffix == "str"
    }

    fn open(&mut self, open: Open, anchor: usize, tag: Option<&Tag>, span: &Span) -> Result<(), Vec<Diagnostic>> {
        let at = self.place(span);
        self.tag(tag, at);
        if self.stack.len() >= MAX_DEPTH {
            return Err(self.give_up(Diagnostic::new(at, format!("more than {MAX_DEPTH} levels are nested here"))));
        }
        self.stack.push(Frame { open, anchor, at });
        Ok(())
    }

    fn close(&mut self, span: &Span) -> Result<(), Vec<Diagnostic>> {
        let Some(Frame { open, anchor, at }) = self.stack.pop() else { return Ok(()) };
        let at = Place { end: self.byte(span.end.index()).max(at.end), ..at };
        let content = match open {
            Open::Sequence(items) => Content::Sequence(items),
            Open::Mapping { entries, .. } => Content::Mapping(entries),
        };
        self.put(Node { at, content }, anchor)
    }

    fn alias(&mut self, anchor: usize, span: &Span) -> Result<(), Vec<Diagnostic>> {
        let at = self.place(span);
        let Some(node) = self.anchors.get(&anchor) else {
            return Err(self.give_up(Diagnostic::new(at, "this alias stands inside of what it stands for")));
        };
        self.aliased += node.count();
        if self.aliased > MAX_ALIASED {
            let message = format!("the aliases up to here stand for more than {MAX_ALIASED} values");
            return Err(self.give_up(Diagnostic::new(at, message)));
        }
        let node = node.clone();
        self.put(node, 0)
    }

    /// Hands a finished node to what is open.
    fn put(&mut self, node: Node, anchor: usize) -> Result<(), Vec<Diagnostic>> {
        if anchor > 0 {
            self.aliased += node.count();
            self.anchors.insert(anchor, node.clone());
        }
        match self.stack.last_mut().map(|frame| &mut frame.open) {
            None => self.root = Some(node),
            Some(Open::Sequence(items)) => items.push(node),
            Some(Open::Mapping { entries, keys, key }) => {
                if let Some((key, key_at)) = key.take() {
                    entries.push(Entry { key, key_at, value: node });
                    return Ok(());
                }
                let Content::Scalar { text, .. } = node.content else {
                    let error = Diagnostic::new(node.at, format!("a key must be a string, not {}", node.kind()))
                        .with_help("text that begins with `{` or `[` must be quoted");
                    return Err(self.give_up(error));
                };
                if text == "<<" && !self.merges {
                    self.diagnostics.push(Diagnostic::new(node.at, "merge keys (`<<`) are not supported"));
                } else if !keys.insert(text.clone()) {
                    self.diagnostics.push(Diagnostic::new(node.at, format!("the key `{text}` is given twice")));
                }
                *key = Some((text, node.at));
            }
        }
        Ok(())
    }
}

/// The quoted scalar, quotes included, that `text` begins with.
fn quoted(text: &str) -> Option<&str> {
    let quote = text.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    let mut escaped = false;
    // A single quote within single quotes is doubled: the pair closes and opens again, so that only the last one counts.
    let mut end = None;
    for (at, character) in text.char_indices().skip(1) {
        match (character, end) {
            _ if escaped => escaped = false,
            ('\\', None) if quote == '"' => escaped = true,
            (_, None) if character == quote => end = Some(at + 1),
            (_, Some(previous)) if quote == '\'' && character == quote && previous == at => end = None,
            (_, Some(_)) => break,
            _ => {}
        }
    }
    end.and_then(|end| text.get(..end))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use serde_json::Value;
    use serde_json::json;

    use super::*;
    use crate::workflow::Source;

    fn read(text: &str) -> Result<(Value, Vec<String>), String> {
        let mut source = Source::default();
        let whole = source.add(Path::new("w.yaml"), text);
        let node = parse(text, whole).map_err(|diagnostics| source.report(diagnostics).to_string())?;
        let (value, places) = node.to_json();
        let texts = ["", "/a", "/b/1"].map(|pointer| source.text(places.locate(pointer)).to_owned());
        Ok((value, texts.into()))
    }

    #[test]
    fn each_value_knows_its_place() {
        let (value, texts) = read("a: 'x y' # über\nb:\n  - ü\n  - {c: 1}\n").unwrap();
        assert_eq!(value, json!({"a": "x y", "b": ["ü", {"c": 1}]}));
        assert_eq!(texts[1..], ["'x y'", "{c: 1}"]);
        assert!(texts[0].starts_with("a: 'x y'") && texts[0].trim_end().ends_with("{c: 1}"), "{texts:?}");
    }

    #[test]
    fn the_place_of_a_quoted_value_ends_with_its_quote() {
        for (text, expected) in [(r#""a\"b" # "c""#, r#""a\"b""#), ("'it''s' # 'c'", "'it''s'"), ("''", "''")] {
            assert_eq!(quoted(text), Some(expected), "{text}");
        }
        assert_eq!(quoted("plain"), None);
    }

    #[test]
    fn json_is_read_as_yaml() {
        let (value, _) = read("{\n\t\"a\": [1, true, null, \"x\\u00e9\"],\n\t\"b/c\": {}\n}\n").unwrap();
        assert_eq!(value, json!({"a": [1, true, null, "xé"], "b/c": {}}));
    }

    #[test]
    fn an_alias_is_what_it_stands_for() {
        let (value, _) = read("a: &x {k: v}\nb: [*x, *x]\n").unwrap();
        assert_eq!(value, json!({"a": {"k": "v"}, "b": [{"k": "v"}, {"k": "v"}]}));
    }

    #[test]
    fn aliases_that_unfold_into_millions_are_refused() {
        let levels = (1..9).map(|level| {
            let many = vec![format!("*a{}", level - 1); 9].join(",");
            format!("a{level}: &a{level} [{many}]")
        });
        let lines: Vec<_> = std::iter::once("a0: &a0 [x,x,x,x,x,x,x,x,x]".to_owned()).chain(levels).collect();
        let error = read(&lines.join("\n")).unwrap_err();
        assert!(error.contains("the aliases up to here stand for more than 100000 values"), "{error}");
    }

    #[test]
    fn an_alias_within_its_own_anchor_is_refused() {
        let error = read("a: &x [*x]\n").unwrap_err();
        assert!(error.contains("this alias stands inside of what it stands for"), "{error}");
    }

    #[test]
    fn nesting_has_an_end() {
        let error = read(&format!("{}{}", "[".repeat(65), "]".repeat(65))).unwrap_err();
        assert!(error.contains("more than 64 levels are nested here"), "{error}");
        assert!(read(&"[".repeat(100_000)).is_err());
    }

    #[test]
    fn broken_yaml_is_shown_at_its_line() {
        assert_eq!(
            read("version: 1\ntransfers:\n  - name: a\n from: b\n").unwrap_err(),
            "\
error: this is not YAML: while parsing a block mapping, did not find expected key
 --> w.yaml:4:2
  |
4 |  from: b
  |  ^

1 error, nothing was started"
        );
    }

    #[test]
    fn duplicate_keys_merge_keys_and_tags_are_told_together() {
        assert_eq!(
            read("a: 1\nb: !custom 2\na: 3\n<<: {}\n").unwrap_err(),
            "\
error: the tag `!custom` is not supported
 --> w.yaml:2:4
  |
2 | b: !custom 2
  |    ^^^^^^^^^

error: the key `a` is given twice
 --> w.yaml:3:1
  |
3 | a: 3
  | ^

error: merge keys (`<<`) are not supported
 --> w.yaml:4:1
  |
4 | <<: {}
  | ^^

3 errors, nothing was started"
        );
    }

    #[test]
    fn a_second_document_is_refused() {
        let error = read("a: 1\n---\nb: 2\n").unwrap_err();
        assert!(error.contains("a second document begins here\n --> w.yaml:2:1"), "{error}");
    }

    #[test]
    fn an_empty_file_is_null() {
        assert_eq!(read("# nothing\n").unwrap().0, json!(null));
    }
}
