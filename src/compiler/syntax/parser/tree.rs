//! Events and tokens to the tree. White space and comments go to the outermost node that is open where they stand, so that
//! no node starts or ends with them.

use rowan::{GreenNode, GreenNodeBuilder, Language};

use super::{Event, Output};
use crate::compiler::syntax::kind::{HelixQl, SyntaxKind};

/// Builds the tree: it holds every byte of `text`.
pub(in crate::compiler::syntax) fn build(text: &str, output: &Output) -> GreenNode {
    let mut sink = Sink { text, output, builder: GreenNodeBuilder::new(), next: 0, start: 0, open: 0 };
    for (index, event) in output.events.iter().enumerate() {
        match *event {
            Event::Nothing => {}
            Event::Open(kind) => sink.open(kind),
            Event::Token => sink.token(),
            Event::Close => sink.close(index + 1 == output.events.len()),
        }
    }
    sink.builder.finish()
}

struct Sink<'a> {
    text: &'a str,
    output: &'a Output,
    builder: GreenNodeBuilder<'static>,
    /// Index of the next token, trivia included.
    next: usize,
    /// Where it starts.
    start: usize,
    open: usize,
}

impl Sink<'_> {
    fn open(&mut self, kind: SyntaxKind) {
        if self.open > 0 {
            self.trivia();
        }
        self.open += 1;
        self.builder.start_node(HelixQl::kind_to_raw(kind));
    }

    fn close(&mut self, last: bool) {
        if last {
            self.trivia();
        }
        self.open -= 1;
        self.builder.finish_node();
    }

    fn token(&mut self) {
        self.trivia();
        self.take();
    }

    fn trivia(&mut self) {
        while self.output.tokens.get(self.next).is_some_and(|token| token.kind.is_trivia()) {
            self.take();
        }
    }

    fn take(&mut self) {
        if let Some(token) = self.output.tokens.get(self.next) {
            self.builder.token(HelixQl::kind_to_raw(token.kind), &self.text[self.start..token.end]);
            self.start = token.end;
            self.next += 1;
        }
    }
}
