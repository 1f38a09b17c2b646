mod choose;
mod id_jag;
mod issued;
mod run;
