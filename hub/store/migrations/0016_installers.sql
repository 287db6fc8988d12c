-- Installers sign in to one phone page. What each did last is found by his name: he goes on where the line broke, and the
-- next device of the same flat is offered to the same resident.
alter table person drop constraint person_role_check;
alter table person add constraint person_role_check check (role in (
    'family', 'neighbour', 'operator', 'community', 'property', 'village_doctor', 'third_party', 'county_centre',
    'ambulance', 'supervisor', 'installer'));
create index on device_event (actor, id desc);
