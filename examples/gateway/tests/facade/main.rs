//! The gateway as an authorization server in front of a provider: a process, on sockets, with a provider in this one.

#![cfg(unix)]

#[cfg(test)]
mod documents;
#[cfg(test)]
mod gateway;
#[cfg(test)]
mod http;
#[cfg(test)]
mod login;
#[cfg(test)]
mod provider;
#[cfg(test)]
mod registration;
#[cfg(test)]
#[cfg(feature = "redis")]
mod replicas;
