-- A hold is not prolonged by another: the round in which a case was last put aside.
alter table incident add held_round int;
