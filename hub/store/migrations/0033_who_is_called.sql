-- Roles that sign in and are never called for a case: nobody waits for an auditor to come.
create function office_only(role text) returns boolean language sql immutable parallel safe as
    $$ select role in ('supervisor', 'installer', 'dispatcher', 'administrator', 'auditor') $$;
