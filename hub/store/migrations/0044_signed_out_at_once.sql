-- Changed rows are pushed to open consoles: a session that ends, or a person who may no longer, hears of nothing more.
-- Every console process is told at once, whoever ended it; its streams end, and a browser that may come back does.

create function session_ended() returns trigger language plpgsql as $$
begin
    perform pg_notify('carehub_session', encode(old.token_sha256, 'hex'));
    return null;
end $$;
create trigger session_ended after delete on web_session for each row execute function session_ended();

create function person_may_otherwise() returns trigger language plpgsql as $$
begin
    perform pg_notify('carehub_session', new.id::text);
    return null;
end $$;
create trigger person_may_otherwise after update of active, role, organisation_id, canary, language on person for each row
    when ((old.active, old.role, old.organisation_id, old.canary, old.language)
          is distinct from (new.active, new.role, new.organisation_id, new.canary, new.language))
    execute function person_may_otherwise();
