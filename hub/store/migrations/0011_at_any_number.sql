-- Twice a second: whether a timer was set in the future. With twenty thousand of them, by an index.
create index on timer (set_at);
