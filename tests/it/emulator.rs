//! Learn365 emulated: registration, echo, deliveries, and the habits of the original sender.
