mod errors;
mod table;
mod transcripts;
