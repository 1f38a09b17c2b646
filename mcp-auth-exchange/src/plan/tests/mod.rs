mod again;
mod bound;
mod choose;
mod details;
mod issued;
mod run;
mod scopes;
mod times;
