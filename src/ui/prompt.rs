//! Questions. Each has a flag, and where nobody can be asked the error names it.

use dialoguer::{Confirm, Input, Password, Select};

use super::Ui;
use crate::errors::Failure;

impl Ui {
    /// Asks for a yes, which `flag` or `--yes` gives in advance.
    ///
    /// # Errors
    ///
    /// When the answer is no, or nobody can be asked.
    pub fn confirm(&self, question: &str, flag: &str) -> Result<(), Failure> {
        if self.settings.yes { Ok(()) } else { self.confirm_explicitly(question, flag) }
    }

    /// Asks for a yes that only `flag` gives in advance, and `--yes` does not.
    ///
    /// # Errors
    ///
    /// When the answer is no, or nobody can be asked.
    pub fn confirm_explicitly(&self, question: &str, flag: &str) -> Result<(), Failure> {
        if !self.is_interactive() {
            let message = format!("a confirmation is needed: {question}");
            return Err(Failure::input_required(message, format!("pass `{flag}`")));
        }
        match Confirm::new().with_prompt(question).default(false).interact_opt() {
            Ok(Some(true)) => Ok(()),
            // The end of the input is a no.
            _ => Err(Failure::declined()),
        }
    }

    /// Asks for a word to be typed, as a yes to something that cannot be undone; `--yes` gives it in advance.
    ///
    /// # Errors
    ///
    /// When something else is typed, or nobody can be asked.
    pub fn confirm_typed(&self, question: &str, word: &str) -> Result<(), Failure> {
        if self.settings.yes {
            return Ok(());
        }
        if !self.is_interactive() {
            return Err(Failure::input_required(format!("a confirmation is needed: {question}"), "pass `--yes`"));
        }
        let prompt = format!("{question} Type `{word}` to go on");
        match Input::<String>::new().with_prompt(prompt).allow_empty(true).interact_text() {
            Ok(typed) if typed == word => Ok(()),
            _ => Err(Failure::declined()),
        }
    }

    /// Asks for a text that is not shown while it is typed.
    ///
    /// # Errors
    ///
    /// When nothing is typed.
    pub fn password(&self, question: &str) -> Result<String, Failure> {
        Password::new().with_prompt(question).interact().map_err(|_| Failure::declined())
    }

    /// Lets one of several be chosen; a single one is chosen silently.
    ///
    /// # Errors
    ///
    /// When nobody can be asked, or nothing is chosen.
    pub fn choose(&self, question: &str, names: &[String], argument: &str) -> Result<usize, Failure> {
        if names.len() == 1 {
            return Ok(0);
        }
        if !self.is_interactive() {
            let hint = format!("pass {argument}: {}", names.join(", "));
            return Err(Failure::input_required(format!("a choice is needed: {question}"), hint));
        }
        match Select::new().with_prompt(question).items(names).default(0).interact_opt() {
            Ok(Some(index)) => Ok(index),
            _ => Err(Failure::declined()),
        }
    }
}
