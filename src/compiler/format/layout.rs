//! From the tree to the document: where lines may end, and what ends together.

use rowan::{Direction, NodeOrToken, WalkEvent};

use super::document::{Blank, Comment, Gap, Group, LineEnd, Part, Place};
use super::spacing::{is_block, is_short, is_space_between, is_tight};
use crate::compiler::syntax::SyntaxKind::{self, *};
use crate::compiler::syntax::{SyntaxNode, SyntaxToken};

type SyntaxElement = NodeOrToken<SyntaxNode, SyntaxToken>;

/// A name of this length or less keeps the first step of its traversal: `user::Out<Follows>`. With a longer one, the step would not
/// get further to the left by ending the line.
const SHORT_HEAD: usize = super::INDENT;

/// The document of a file without syntax errors.
pub(super) fn document(root: &SyntaxNode) -> Vec<Part> {
    let mut layout = Layout::default();
    for event in root.preorder_with_tokens() {
        match event {
            WalkEvent::Enter(NodeOrToken::Node(node)) => layout.enter(&node),
            WalkEvent::Leave(NodeOrToken::Node(node)) => layout.leave(&node),
            WalkEvent::Enter(NodeOrToken::Token(token)) => layout.token(token),
            WalkEvent::Leave(NodeOrToken::Token(_)) => {}
        }
    }
    if !layout.comments.is_empty() {
        layout.gap(Gap { end: LineEnd::Always, ..Gap::default() });
    }
    layout.parts
}

/// The document so far.
#[derive(Default)]
struct Layout {
    parts: Vec<Part>,
    /// Groups that are open, as indices of their parts.
    groups: Vec<usize>,
    brackets: Vec<Brackets>,
    chains: Vec<Chain>,
    /// What the next gap is to be; `None` leaves it to the two tokens.
    wanted: Option<Gap>,
    last: Option<SyntaxToken>,
    /// The brackets that were closed last, and how many parts there were then.
    closed: Option<(Closed, usize)>,
    /// Comments since the last token, and line ends since the last of those.
    comments: Vec<Comment>,
    newlines: usize,
}

/// Brackets that are open.
#[derive(Clone, Copy)]
struct Brackets {
    form: Form,
    commas: usize,
}

/// How brackets hold what is in them.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// Closely: `()`, `#[mcp]`.
    Closed,
    /// In a line if there is room, with spaces at both ends or not.
    Group { spaced: bool },
    /// Each element in a line of its own.
    Block,
}

/// Brackets that were closed.
#[derive(Clone, Copy)]
struct Closed {
    group: usize,
    /// Whether they are braces, or hug braces.
    are_braces: bool,
}

/// A value that goes on with `::`.
struct Chain {
    /// The first of its parts.
    start: usize,
    is_open: bool,
}

impl Layout {
    fn enter(&mut self, node: &SyntaxNode) {
        let parent = node.parent().map(|parent| parent.kind());
        match (node.kind(), parent) {
            (SCHEMA_VERSION, _) => {}
            (_, Some(SOURCE_FILE | SCHEMA_BLOCK)) => {
                let is_close = node.prev_sibling().is_some_and(|before| is_short(&before)) && is_short(node);
                self.want_line(if is_close { Blank::Keep } else { Blank::Insist });
            }
            (ITEM_MAPPING | RETURN, _) | (_, Some(BLOCK)) => self.want_line(Blank::Keep),
            _ => {}
        }
        if matches!(node.kind(), TRAVERSAL | ADD_E) {
            self.chains.push(Chain { start: self.parts.len(), is_open: false });
        }
    }

    fn leave(&mut self, node: &SyntaxNode) {
        match node.kind() {
            TRAVERSAL | ADD_E => self.end_chain(),
            RETURN if has_several(node) => {
                self.hug_braces();
                self.close();
            }
            MACRO => self.want_line(Blank::Drop),
            QUERY => {
                self.close();
            }
            _ => {}
        }
    }

    fn token(&mut self, token: SyntaxToken) {
        let parent = token.parent().expect("every token is in a node");
        match token.kind() {
            WHITESPACE => self.newlines += token.text().matches('\n').count(),
            COMMENT => {
                let is_behind = self.newlines == 0 && self.comments.is_empty() && self.last.is_some();
                let text = token.text().trim_end().to_owned();
                self.comments.push(Comment { text, is_behind, has_blank: self.newlines > 1 });
                self.newlines = 0;
            }
            COMMA => self.comma(token, &parent),
            L_PAREN | L_BRACKET | L_BRACE => {
                let form = form(&token, &parent);
                self.plain(token);
                self.open_brackets(form);
            }
            R_PAREN | R_BRACKET | R_BRACE => self.close_brackets(token),
            COLON_COLON if matches!(parent.kind(), TRAVERSAL | FROM_END | TO_END) => self.link(token),
            FAT_ARROW if parent.kind() == QUERY => {
                self.plain(token);
                self.open(Group { is_block: true, ..Group::default() });
                self.wanted =
                    Some(Gap { end: LineEnd::Always, place: Place::First, blank: Blank::Keep, ..Gap::default() });
            }
            IDENT if parent.kind() == RETURN && has_several(&parent) => {
                self.plain(token);
                self.open(Group::default());
            }
            _ => self.plain(token),
        }
    }

    /// A token, with the gap before it.
    fn plain(&mut self, token: SyntaxToken) {
        self.flush(&token);
        self.push(token);
    }

    fn push(&mut self, token: SyntaxToken) {
        if token.text().contains('\n') {
            self.mark(false);
        }
        self.last = Some(token.clone());
        self.parts.push(Part::Token(token));
    }

    /// A comma, or none where a list ends. Comments before it move behind it.
    fn comma(&mut self, token: SyntaxToken, parent: &SyntaxNode) {
        if self.comments.is_empty() {
            self.newlines = 0;
        }
        if is_last_of_list(&token, parent) {
            return;
        }
        let soft = Gap { end: LineEnd::WithGroup, space: true, ..Gap::default() };
        self.wanted = match (parent.kind(), self.brackets.last_mut()) {
            (TYPE_ARGS, _) | (_, None | Some(Brackets { form: Form::Closed, .. })) if parent.kind() != RETURN => None,
            (_, Some(Brackets { form: Form::Block, .. })) => {
                Some(Gap { end: LineEnd::Always, blank: Blank::Keep, ..Gap::default() })
            }
            (_, brackets) => {
                brackets.into_iter().for_each(|brackets| brackets.commas += 1);
                Some(soft)
            }
        };
        self.push(token);
    }

    fn open_brackets(&mut self, form: Form) {
        self.brackets.push(Brackets { form, commas: 0 });
        let (is_block, end, space) = match form {
            Form::Closed => return,
            Form::Group { spaced } => (false, LineEnd::WithGroup, spaced),
            Form::Block => (true, LineEnd::Always, false),
        };
        self.open(Group { is_block, ..Group::default() });
        let blank = if is_block { Blank::Keep } else { Blank::Drop };
        self.wanted = Some(Gap { end, space, place: Place::First, blank, ..Gap::default() });
    }

    fn close_brackets(&mut self, token: SyntaxToken) {
        let Brackets { form, commas } = self.brackets.pop().expect("brackets match where there is no syntax error");
        let (end, space) = match form {
            Form::Closed => {
                self.wanted = Some(Gap::default());
                return self.plain(token);
            }
            Form::Group { spaced } => (LineEnd::WithGroup, spaced),
            Form::Block => (LineEnd::Always, false),
        };
        let hugged = self.closed_here().filter(|closed| may_hug(&token, commas == 0, closed.are_braces));
        let are_braces = token.kind() == R_BRACE || hugged.is_some_and(|closed| closed.are_braces);
        self.wanted = Some(Gap { end, space, place: Place::Last, ..Gap::default() });
        self.flush(&token);
        self.hug(hugged);
        let group = self.close();
        self.push(token);
        self.closed = Some((Closed { group, are_braces }, self.parts.len()));
    }

    /// The `::` before a step, where a chain may end its line. The group of the chain starts with its first link, so that what is
    /// before it may be in a line of its own.
    fn link(&mut self, token: SyntaxToken) {
        let soft = Gap { end: LineEnd::WithGroup, ..Gap::default() };
        let chain = self.chains.last_mut().expect("a link is in a chain");
        if std::mem::replace(&mut chain.is_open, true) {
            self.wanted = Some(soft);
            return self.plain(token);
        }
        match &self.parts[chain.start..] {
            // The `_` is left out: what is before is no part of the chain.
            [] => {
                self.flush(&token);
                self.open(Group::default());
                self.push(token);
            }
            [Part::Gap(_), Part::Token(head)] if head.text().len() <= SHORT_HEAD => {
                self.open(Group::default());
                self.plain(token);
            }
            _ => {
                self.open(Group::default());
                self.wanted = Some(soft);
                self.plain(token);
            }
        }
    }

    fn end_chain(&mut self) {
        if self.chains.pop().is_some_and(|chain| chain.is_open) {
            self.hug_braces();
            self.close();
        }
    }

    fn want_line(&mut self, blank: Blank) {
        self.wanted.get_or_insert(Gap { end: LineEnd::Always, blank, ..Gap::default() });
    }

    /// Adds the gap before a token.
    fn flush(&mut self, token: &SyntaxToken) {
        let gap = match (self.wanted.take(), &self.last) {
            (Some(gap), _) => gap,
            (None, Some(last)) => Gap { space: is_space_between(last, token), ..Gap::default() },
            (None, None) => Gap::default(),
        };
        self.gap(gap);
    }

    fn gap(&mut self, gap: Gap) {
        let comments = std::mem::take(&mut self.comments);
        let has_blank = std::mem::take(&mut self.newlines) > 1;
        let gap = Gap { comments, has_blank, ..gap };
        if gap.is_break() {
            self.mark(true);
        }
        self.parts.push(Part::Gap(gap));
    }

    fn open(&mut self, group: Group) {
        self.groups.push(self.parts.len());
        self.parts.push(Part::Open(group));
    }

    /// Closes the innermost group and gives its place.
    fn close(&mut self) -> usize {
        let place = self.groups.pop().expect("what is closed was opened");
        if let Part::Open(group) = &self.parts[place]
            && (group.is_broken || group.is_block)
        {
            self.mark(false);
        }
        self.parts.push(Part::Close);
        place
    }

    fn innermost(&mut self) -> Option<&mut Group> {
        match &mut self.parts[*self.groups.last()?] {
            Part::Open(group) => Some(group),
            Part::Token(_) | Part::Gap(_) | Part::Close => None,
        }
    }

    /// Notes that a line ends in the innermost group in any case.
    fn mark(&mut self, in_own_gap: bool) {
        if let Some(group) = self.innermost() {
            group.is_broken = true;
            group.is_broken_itself |= in_own_gap;
        }
    }

    fn hug(&mut self, closed: Option<Closed>) {
        if let Some(group) = self.innermost() {
            group.hugged = closed.map(|closed| closed.group);
        }
    }

    /// Lets the innermost group hug the braces that it ends with.
    fn hug_braces(&mut self) {
        let braces = self.closed_here().filter(|closed| closed.are_braces);
        self.hug(braces);
    }

    /// The brackets that the last token closed.
    fn closed_here(&self) -> Option<Closed> {
        let (closed, behind) = self.closed?;
        self.parts[behind..].iter().all(|part| matches!(part, Part::Close)).then_some(closed)
    }
}

/// How brackets hold what is in them.
fn form(open: &SyntaxToken, parent: &SyntaxNode) -> Form {
    let next = siblings(open, Direction::Next).find(|element| element.kind() != WHITESPACE);
    let is_empty = next.is_some_and(|next| is_closing(next.kind()));
    match open.kind() {
        _ if is_empty || parent.kind() == MACRO => Form::Closed,
        L_BRACE if is_block(parent) => Form::Block,
        L_BRACE => Form::Group { spaced: !is_tight(parent) },
        _ => Form::Group { spaced: false },
    }
}

/// Whether brackets may stand at the brackets of their last element: `({ … })`, `WHERE(AND(…))`.
fn may_hug(close: &SyntaxToken, single: bool, are_braces: bool) -> bool {
    let element = siblings(close, Direction::Prev).find_map(NodeOrToken::into_node);
    close.kind() != R_BRACE
        && element.is_some_and(|element| match element.kind() {
            OBJECT | OBJECT_TYPE | INDEX_LOOKUP => true,
            PARAM => are_braces,
            LIST_TYPE | ARRAY | AND | OR | NOT | EXISTS | MATH | EMBED => single,
            _ => false,
        })
}

/// Whether nothing of its list follows a comma.
fn is_last_of_list(comma: &SyntaxToken, parent: &SyntaxNode) -> bool {
    let next = siblings(comma, Direction::Next).find(|element| !element.kind().is_trivia());
    next.is_some_and(|next| is_closing(next.kind())) || parent.last_token().as_ref() == Some(comma)
}

/// What is beside a token in its node, from near to far, without nodes that hold nothing.
fn siblings(token: &SyntaxToken, direction: Direction) -> impl Iterator<Item = SyntaxElement> {
    token.siblings_with_tokens(direction).skip(1).filter(|element| !element.text_range().is_empty())
}

fn is_closing(kind: SyntaxKind) -> bool {
    matches!(kind, R_PAREN | R_BRACKET | R_BRACE | R_ANGLE)
}

fn has_several(returns: &SyntaxNode) -> bool {
    returns.children().nth(1).is_some()
}
