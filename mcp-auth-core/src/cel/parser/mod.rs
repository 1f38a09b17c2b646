//! From tokens to a tree. Recursion happens only where the text really nests, and that is counted.

use std::sync::Arc;

use super::ast::{Entry, Expr, ExprKind, Item, Step, StepKind};
use super::error::{CelError, CelErrorKind, Span};
use super::lexer::{self, Token, TokenKind};
use super::macros;
use super::value::{Shared, Value};

mod operators;

/// Longest expression, in bytes.
pub const MAX_SOURCE_BYTES: usize = 16 * 1024;
/// Deepest nesting of brackets and calls, and greatest height of the tree, in levels.
pub const MAX_DEPTH: usize = 64;
/// Most parts (literals, names, operators) of an expression.
pub const MAX_NODES: usize = 10_000;

/// Words the language keeps for itself; they may follow a dot.
const RESERVED: [&str; 17] = [
    "as",
    "break",
    "const",
    "continue",
    "else",
    "for",
    "function",
    "if",
    "import",
    "let",
    "loop",
    "package",
    "namespace",
    "return",
    "var",
    "void",
    "while",
];

pub(super) fn parse(source: &str) -> Result<Expr, CelError> {
    let fail = |kind, span, message| CelError::new(kind, span, message, source);
    if source.len() > MAX_SOURCE_BYTES {
        let message = format!("expression is longer than {MAX_SOURCE_BYTES} bytes");
        return Err(fail(CelErrorKind::Limit, Span::new(0, 0), message));
    }
    let tokens = lexer::tokens(source).map_err(|e| fail(CelErrorKind::Syntax, e.span, e.message))?;
    let mut parser = Parser { source, tokens: &tokens, at: 0, depth: 0, nodes: 0 };
    let expr = parser.expression()?;
    match parser.peek() {
        TokenKind::End => Ok(expr),
        other => {
            let message = format!("expected the end of the expression, found {}", describe(other));
            Err(parser.syntax(message))
        }
    }
}

struct Parser<'p> {
    source: &'p str,
    tokens: &'p [Token],
    at: usize,
    depth: usize,
    nodes: usize,
}

impl<'p> Parser<'p> {
    // === grammar ===

    fn expression(&mut self) -> Result<Expr, CelError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(self.limit(format!("expression is nested deeper than {MAX_DEPTH} levels")));
        }
        let start = self.span();
        let mut arms = Vec::new();
        let last = loop {
            let condition = self.operators()?;
            if !self.eat("?") {
                break condition;
            }
            let value = self.operators()?;
            self.expect(":")?;
            arms.push((condition, value));
        };
        self.depth -= 1;
        if arms.is_empty() {
            return Ok(last);
        }
        let height = arms.iter().map(|(c, v)| c.height.max(v.height)).fold(last.height, usize::max);
        let span = start.to(last.span);
        self.node(ExprKind::Conditional { arms, otherwise: Box::new(last) }, span, height)
    }

    fn unary(&mut self) -> Result<Expr, CelError> {
        let start = self.span();
        let mut count = 0_usize;
        if self.peek() == &TokenKind::Mark("!") {
            while self.eat("!") {
                count += 1;
            }
            let operand = Box::new(self.member(false)?);
            let (span, height) = (start.to(operand.span), operand.height);
            return self.node(ExprKind::Not { operand, odd: count % 2 == 1 }, span, height);
        }
        while self.eat("-") {
            count += 1;
        }
        // The last minus before a number belongs to the number, or the least integer could not be written.
        let number = matches!(self.peek(), TokenKind::Int(_) | TokenKind::Double(_));
        let negative = count > 0 && number;
        let operand = self.member(negative)?;
        let count = count - usize::from(negative);
        if count == 0 {
            return Ok(operand);
        }
        let (span, height) = (start.to(operand.span), operand.height);
        self.node(ExprKind::Negate { operand: Box::new(operand), odd: count % 2 == 1 }, span, height)
    }

    fn member(&mut self, negative: bool) -> Result<Expr, CelError> {
        let mut base = self.primary(negative)?;
        let mut steps = Vec::new();
        let mut height = base.height;
        let mut end = base.span;
        loop {
            let start = self.span();
            let kind = if self.eat(".") {
                self.dotted(&mut height)?
            } else if self.eat("[") {
                let optional = self.eat("?");
                let index = self.expression()?;
                self.expect("]")?;
                height = height.max(index.height);
                if optional { StepKind::OptionalIndex(index) } else { StepKind::Index(index) }
            } else {
                break;
            };
            end = self.last_span();
            self.count()?;
            match kind {
                StepKind::Call { name, args } if steps.is_empty() && macros::is_namespace(&base) => {
                    base = self.global_macro(base, name, args, start.to(end))?;
                    if let ExprKind::Path { base: inner, steps: call } = base.kind {
                        (base, steps) = (*inner, call);
                    }
                    height = height.max(base.height);
                }
                kind => steps.push(Step { kind, span: start.to(end) }),
            }
        }
        let named = matches!(base.kind, ExprKind::Ident { .. })
            && steps.iter().all(|s| matches!(s.kind, StepKind::Field(_)));
        if named && self.peek() == &TokenKind::Mark("{") {
            return Err(self.unsupported("construction of messages (`Type{...}`) is not supported"));
        }
        if steps.is_empty() {
            return Ok(base);
        }
        let span = base.span.to(end);
        self.node(ExprKind::Path { base: Box::new(base), steps }, span, height)
    }

    /// What follows a dot: a field, a method call or a macro.
    fn dotted(&mut self, height: &mut usize) -> Result<StepKind, CelError> {
        let optional = self.eat("?");
        let name = match self.peek().clone() {
            TokenKind::Quoted(name) => {
                self.at += 1;
                return Ok(if optional { StepKind::OptionalField(name) } else { StepKind::Field(name) });
            }
            TokenKind::Ident(name) if !matches!(&*name, "true" | "false" | "null" | "in") => name,
            other => return Err(self.syntax(format!("expected a field name, found {}", describe(&other)))),
        };
        self.at += 1;
        if optional {
            return Ok(StepKind::OptionalField(name));
        }
        if !self.eat("(") {
            return Ok(StepKind::Field(name));
        }
        let args = self.arguments(")")?;
        *height = args.iter().map(|a| a.height).fold(*height, usize::max);
        macros::method(name, args, self.last_span()).map_err(|error| self.refuse(error))
    }

    /// `cel.bind` and the like; anything else stays the call that it is.
    fn global_macro(
        &mut self,
        base: Expr,
        name: Arc<str>,
        args: Vec<Expr>,
        step: Span,
    ) -> Result<Expr, CelError> {
        let span = base.span.to(step);
        let height = args.iter().map(|a| a.height).max().unwrap_or(0);
        let kind = macros::namespaced(&name, &args, span).map_err(|error| self.refuse(error))?;
        match kind {
            Some(kind) => self.node(kind, span, height),
            None => {
                let steps = vec![Step { kind: StepKind::Call { name, args }, span: step }];
                Ok(Expr { kind: ExprKind::Path { base: Box::new(base), steps }, span, height })
            }
        }
    }

    fn refuse(&self, (span, message): macros::Refused) -> CelError {
        self.error(CelErrorKind::Syntax, span, message)
    }

    fn primary(&mut self, negative: bool) -> Result<Expr, CelError> {
        let span = self.span();
        let token = self.peek().clone();
        self.at += 1;
        let literal = match token {
            TokenKind::Int(n) => match signed(n, negative) {
                Some(i) => Value::Int(i),
                None => {
                    return Err(self.error(CelErrorKind::Syntax, span, "number out of range".to_owned()));
                }
            },
            TokenKind::Uint(n) => Value::Uint(n),
            TokenKind::Double(d) => Value::Double(if negative { -d } else { d }),
            TokenKind::String(s) => Value::String(Shared::Owned(s)),
            TokenKind::Bytes(b) => Value::Bytes(Shared::Owned(b)),
            TokenKind::Ident(name) => return self.name(name, false, span),
            TokenKind::Mark(".") => match self.peek().clone() {
                TokenKind::Ident(name) => {
                    self.at += 1;
                    return self.name(name, true, span);
                }
                other => return Err(self.syntax(format!("expected a name, found {}", describe(&other)))),
            },
            TokenKind::Mark("(") => {
                let inner = self.expression()?;
                self.expect(")")?;
                return Ok(Expr { span: span.to(self.last_span()), ..inner });
            }
            TokenKind::Mark("[") => {
                let items = self.items()?;
                let height = items.iter().map(|item| item.value.height).max().unwrap_or(0);
                return self.node(ExprKind::List(items), span.to(self.last_span()), height);
            }
            TokenKind::Mark("{") => return self.map(span),
            other => {
                self.at -= 1;
                return Err(self.syntax(format!("expected a value, found {}", describe(&other))));
            }
        };
        self.node(ExprKind::Literal(literal), span, 0)
    }

    fn name(&mut self, name: Arc<str>, rooted: bool, start: Span) -> Result<Expr, CelError> {
        let span = start.to(self.last_span());
        let literal = match &*name {
            "true" => Some(Value::Bool(true)),
            "false" => Some(Value::Bool(false)),
            "null" => Some(Value::Null),
            word if word == "in" || RESERVED.contains(&word) => {
                let message = format!("`{word}` is a reserved word");
                return Err(self.error(CelErrorKind::Syntax, span, message));
            }
            _ => None,
        };
        if let Some(value) = literal {
            return self.node(ExprKind::Literal(value), span, 0);
        }
        if !self.eat("(") {
            return self.node(ExprKind::Ident { name, rooted }, span, 0);
        }
        let mut args = self.arguments(")")?;
        let span = start.to(self.last_span());
        if &*name == "has" && args.len() == 1 {
            return self.has(args.pop(), span);
        }
        let height = args.iter().map(|a| a.height).max().unwrap_or(0);
        self.node(ExprKind::Call { name, args }, span, height)
    }

    /// `has(a.b.c)` is the path `a.b.c` whose last step asks instead of reading.
    fn has(&self, argument: Option<Expr>, span: Span) -> Result<Expr, CelError> {
        if let Some(Expr { kind: ExprKind::Path { base, mut steps }, height, .. }) = argument
            && let Some(Step { kind: StepKind::Field(name), span: at }) = steps.pop()
        {
            steps.push(Step { kind: StepKind::Has(name), span: at });
            return Ok(Expr { kind: ExprKind::Path { base, steps }, span, height });
        }
        let message = "`has` takes a field selection such as `has(jwt.email)`".to_owned();
        Err(self.error(CelErrorKind::Syntax, span, message))
    }

    fn map(&mut self, start: Span) -> Result<Expr, CelError> {
        let mut entries: Vec<Entry> = Vec::new();
        while !self.eat("}") {
            let optional = self.eat("?");
            let key = self.expression()?;
            self.expect(":")?;
            entries.push(Entry { key, value: self.expression()?, optional });
            if !self.eat(",") {
                self.expect("}")?;
                break;
            }
        }
        let height = entries.iter().map(|e| e.key.height.max(e.value.height)).max().unwrap_or(0);
        self.node(ExprKind::Map(entries), start.to(self.last_span()), height)
    }

    fn items(&mut self) -> Result<Vec<Item>, CelError> {
        let mut items = Vec::new();
        while !self.eat("]") {
            let optional = self.eat("?");
            items.push(Item { value: self.expression()?, optional });
            if !self.eat(",") {
                self.expect("]")?;
                break;
            }
        }
        Ok(items)
    }

    /// Expressions up to `close`.
    fn arguments(&mut self, close: &'static str) -> Result<Vec<Expr>, CelError> {
        let mut items = Vec::new();
        if self.eat(close) {
            return Ok(items);
        }
        loop {
            items.push(self.expression()?);
            if self.eat(close) {
                return Ok(items);
            }
            self.expect(",")?;
        }
    }

    // === tokens ===

    fn peek(&self) -> &'p TokenKind {
        self.tokens.get(self.at).map_or(&TokenKind::End, |t| &t.kind)
    }

    fn span(&self) -> Span {
        let end = Span::new(self.source.len(), self.source.len());
        self.tokens.get(self.at).map_or(end, |t| t.span)
    }

    fn last_span(&self) -> Span {
        self.tokens.get(self.at.saturating_sub(1)).map_or(Span::default(), |t| t.span)
    }

    fn eat(&mut self, mark: &'static str) -> bool {
        let found = self.peek() == &TokenKind::Mark(mark);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, mark: &'static str) -> Result<(), CelError> {
        if self.eat(mark) {
            return Ok(());
        }
        Err(self.syntax(format!("expected `{mark}`, found {}", describe(self.peek()))))
    }

    // === limits and errors ===

    fn node(&mut self, kind: ExprKind, span: Span, below: usize) -> Result<Expr, CelError> {
        self.count()?;
        let height = below + 1;
        if height > MAX_DEPTH {
            let message = format!("expression is nested deeper than {MAX_DEPTH} levels");
            return Err(self.error(CelErrorKind::Limit, span, message));
        }
        Ok(Expr { kind, span, height })
    }

    fn count(&mut self) -> Result<(), CelError> {
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            return Err(self.limit(format!("expression has more than {MAX_NODES} parts")));
        }
        Ok(())
    }

    fn syntax(&self, message: String) -> CelError {
        self.error(CelErrorKind::Syntax, self.span(), message)
    }

    fn limit(&self, message: String) -> CelError {
        self.error(CelErrorKind::Limit, self.span(), message)
    }

    fn unsupported(&self, message: &str) -> CelError {
        self.error(CelErrorKind::Unsupported, self.span(), message.to_owned())
    }

    fn error(&self, kind: CelErrorKind, span: Span, message: String) -> CelError {
        CelError::new(kind, span, message, self.source)
    }
}

fn signed(magnitude: u64, negative: bool) -> Option<i64> {
    if negative { 0_i64.checked_sub_unsigned(magnitude) } else { i64::try_from(magnitude).ok() }
}

fn describe(token: &TokenKind) -> String {
    match token {
        TokenKind::Ident(name) | TokenKind::Quoted(name) => format!("`{name}`"),
        TokenKind::Int(_) | TokenKind::Uint(_) | TokenKind::Double(_) => "a number".to_owned(),
        TokenKind::String(_) | TokenKind::Bytes(_) => "a string".to_owned(),
        TokenKind::Mark(mark) => format!("`{mark}`"),
        TokenKind::End => "the end of the expression".to_owned(),
    }
}
