//! Why a command failed: one line on stderr that says what was tried, on what, why not, and what to do.

use std::process::ExitCode;

/// A command that failed.
#[derive(Debug)]
pub struct Failure {
    line: Option<String>,
    code: u8,
}

impl Failure {
    /// It was tried and did not work: exit code 1.
    pub fn new(line: impl Into<String>) -> Self {
        Self { line: Some(one_line(&line.into())), code: 1 }
    }

    /// It was asked for in a wrong way: exit code 2.
    pub fn usage(line: impl Into<String>) -> Self {
        Self { line: Some(one_line(&line.into())), code: 2 }
    }

    /// Everything has been said already: exit code 1.
    pub fn said() -> Self {
        Self { line: None, code: 1 }
    }

    /// The line.
    pub fn line(&self) -> Option<&str> {
        self.line.as_deref()
    }

    /// The exit code.
    pub fn code(&self) -> ExitCode {
        ExitCode::from(self.code)
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::new(format!("{error:#}"))
    }
}

impl From<crate::home::HomeError> for Failure {
    fn from(error: crate::home::HomeError) -> Self {
        Self::new(error.to_string())
    }
}

impl From<crate::system::SystemError> for Failure {
    fn from(error: crate::system::SystemError) -> Self {
        Self::new(error.to_string())
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_one_line() {
        assert_eq!(Failure::new("a\n  b\r\nc").line(), Some("a b c"));
    }
}
