//! placeholder
use crate::app::App;
use crate::call::{Call, Problem, Reply};
use crate::routes::Route;
pub(crate) const ROUTES: &[Route] = &[];
pub(crate) fn environment() -> minijinja::Environment<'static> { minijinja::Environment::new() }
pub(crate) fn problem(_: &App, _: Option<&Call>, p: &Problem) -> Reply { p.reply() }
