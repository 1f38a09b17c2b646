mod choose;
mod issued;
mod run;
