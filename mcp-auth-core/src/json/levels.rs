//! Arrays and objects one level at a time: the caller takes each value itself.

use std::borrow::Cow;

use super::error::Problem;
use super::scan::Scanner;

impl<'t> Scanner<'t> {
    /// One object; `member` gets each name, decoded, and has to take the value behind it.
    pub(crate) fn object<E: From<Problem>>(
        &mut self,
        mut member: impl FnMut(&mut Self, Cow<'t, str>) -> Result<(), E>,
    ) -> Result<(), E> {
        if self.next() != b'{' {
            return Err(Problem::Value.into());
        }
        self.take();
        if self.next() == b'}' {
            self.take();
            return Ok(());
        }
        loop {
            let name = self.name()?;
            let name = self.decode(name)?;
            member(self, name)?;
            match self.next() {
                b',' => self.take(),
                b'}' => {
                    self.take();
                    return Ok(());
                }
                _ => return Err(Problem::ObjectEnd.into()),
            }
        }
    }

    /// One array; `item` is called before each item and has to take it.
    pub(crate) fn array<E: From<Problem>>(
        &mut self,
        mut item: impl FnMut(&mut Self) -> Result<(), E>,
    ) -> Result<(), E> {
        if self.next() != b'[' {
            return Err(Problem::Value.into());
        }
        self.take();
        if self.next() == b']' {
            self.take();
            return Ok(());
        }
        loop {
            self.next();
            item(self)?;
            match self.next() {
                b',' => self.take(),
                b']' => {
                    self.take();
                    return Ok(());
                }
                _ => return Err(Problem::ArrayEnd.into()),
            }
        }
    }
}
