-- Of the state of a block of devices a fifth changes between two checkpoints. It is written in pieces – one number of every
-- device, or one place of everybody's ring – and of these the changed ones alone: saving all of it took a twentieth of a core
-- and more of the write-ahead log than all telemetry, where the server was built without lz4 (as the embedded one is).
create table checkpoint_piece (
    partition int not null,
    part      text not null,                          -- as in checkpoint, whose body says how the pieces go together
    name      text not null,                          -- detector.column
    slot      int not null,                           -- place in the ring; 0 where it is none
    body      bytea not null,
    primary key (partition, part, name, slot)
);
do $$
begin
    alter table checkpoint_piece alter column body set compression lz4;
exception when feature_not_supported then
    alter table checkpoint_piece alter column body set storage external;
end $$;
