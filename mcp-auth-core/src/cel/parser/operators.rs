//! Operators and their precedence.

use super::Parser;
use crate::cel::ast::{BinaryOp, Expr, ExprKind, Link};
use crate::cel::error::CelError;
use crate::cel::lexer::TokenKind;

/// Operands and operators of one precedence that wait for their next operand.
enum Pending {
    Or(Vec<Expr>),
    And(Vec<Expr>),
    Chain(Box<Expr>, Vec<Link>, BinaryOp),
}

#[derive(Clone, Copy, PartialEq)]
enum Operator {
    Or,
    And,
    Binary(BinaryOp),
}

impl Operator {
    /// 1 binds weakest. 0 is left for "no operator".
    fn level(self) -> usize {
        use BinaryOp::{Add, Divide, Modulus, Multiply, Subtract};
        match self {
            Self::Or => 1,
            Self::And => 2,
            Self::Binary(Add | Subtract) => 4,
            Self::Binary(Multiply | Divide | Modulus) => 5,
            Self::Binary(_) => 3,
        }
    }
}

impl Parser<'_> {
    /// Everything from `||` down to `*`. One loop with one slot per precedence instead of one function each.
    pub(super) fn operators(&mut self) -> Result<Expr, CelError> {
        let mut slots: [Option<Pending>; 5] = [const { None }; 5];
        loop {
            let mut operand = self.unary()?;
            let operator = self.operator();
            let level = operator.map_or(0, Operator::level);
            for slot in slots.iter_mut().skip(level).rev() {
                if let Some(pending) = slot.take() {
                    operand = self.close(pending, operand)?;
                }
            }
            let Some(operator) = operator else { return Ok(operand) };
            self.at += 1;
            if let Some(slot) = slots.get_mut(level - 1) {
                *slot = Some(extend(slot.take(), operand, operator));
            }
        }
    }

    fn close(&mut self, pending: Pending, last: Expr) -> Result<Expr, CelError> {
        let end = last.span;
        let join = |mut items: Vec<Expr>, last: Expr| {
            items.push(last);
            let height = items.iter().map(|e| e.height).max().unwrap_or(0);
            let start = items.first().map_or(end, |e| e.span);
            (items, start, height)
        };
        let (kind, start, height) = match pending {
            Pending::Or(items) => {
                let (items, start, height) = join(items, last);
                (ExprKind::Or(items), start, height)
            }
            Pending::And(items) => {
                let (items, start, height) = join(items, last);
                (ExprKind::And(items), start, height)
            }
            Pending::Chain(first, mut rest, op) => {
                rest.push(Link { op, operand: last });
                let height = rest.iter().map(|l| l.operand.height).fold(first.height, usize::max);
                let start = first.span;
                (ExprKind::Chain { first, rest }, start, height)
            }
        };
        self.node(kind, start.to(end), height)
    }

    fn operator(&self) -> Option<Operator> {
        Some(match self.peek() {
            TokenKind::Mark("||") => Operator::Or,
            TokenKind::Mark("&&") => Operator::And,
            TokenKind::Mark("<") => Operator::Binary(BinaryOp::Less),
            TokenKind::Mark("<=") => Operator::Binary(BinaryOp::LessEqual),
            TokenKind::Mark(">") => Operator::Binary(BinaryOp::Greater),
            TokenKind::Mark(">=") => Operator::Binary(BinaryOp::GreaterEqual),
            TokenKind::Mark("==") => Operator::Binary(BinaryOp::Equal),
            TokenKind::Mark("!=") => Operator::Binary(BinaryOp::NotEqual),
            TokenKind::Mark("+") => Operator::Binary(BinaryOp::Add),
            TokenKind::Mark("-") => Operator::Binary(BinaryOp::Subtract),
            TokenKind::Mark("*") => Operator::Binary(BinaryOp::Multiply),
            TokenKind::Mark("/") => Operator::Binary(BinaryOp::Divide),
            TokenKind::Mark("%") => Operator::Binary(BinaryOp::Modulus),
            TokenKind::Ident(name) if &**name == "in" => Operator::Binary(BinaryOp::In),
            _ => return None,
        })
    }
}

/// Adds an operand and the operator after it to what waits at the operator's precedence.
fn extend(pending: Option<Pending>, operand: Expr, operator: Operator) -> Pending {
    match (pending, operator) {
        (Some(Pending::Or(mut items)), Operator::Or) => {
            items.push(operand);
            Pending::Or(items)
        }
        (Some(Pending::And(mut items)), Operator::And) => {
            items.push(operand);
            Pending::And(items)
        }
        (Some(Pending::Chain(first, mut rest, op)), Operator::Binary(next)) => {
            rest.push(Link { op, operand });
            Pending::Chain(first, rest, next)
        }
        // A slot holds one precedence only, so what remains is an empty slot.
        (_, Operator::Or) => Pending::Or(vec![operand]),
        (_, Operator::And) => Pending::And(vec![operand]),
        (_, Operator::Binary(op)) => Pending::Chain(Box::new(operand), Vec::new(), op),
    }
}
