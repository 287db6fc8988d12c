-- name: begin
insert into handover (outgoing, incoming, note, begun_at) values (%(outgoing)s, %(incoming)s, %(note)s, hub_now())
on conflict (outgoing) where ended_at is null do nothing returning id

-- name: cases
-- What one shift leaves to the next: the outgoing operator's own cases, and those that nobody has.
insert into handover_case (handover_id, incident_id)
select %(handover)s, i.id from incident i left join resident r on r.id = i.resident_id
where i.dedup_key is not null and not i.test and not coalesce(r.canary, false)
  and (i.handler_id = %(outgoing)s or i.handler_id is null and i.severity < 5)
order by i.handler_id is null, i.severity, i.opened_at limit %(limit)s
on conflict do nothing

-- name: open_ones
-- Handovers under way: a person's own, both ways, or everybody's.
select h.id, h.outgoing, o.name as outgoing_name, h.incoming, n.name as incoming_name, h.note, h.begun_at,
       count(c.incident_id) as cases, count(c.outgoing_at) as signed_out, count(c.incoming_at) as signed_in
from handover h join person o on o.id = h.outgoing join person n on n.id = h.incoming
left join handover_case c on c.handover_id = h.id
where h.ended_at is null and (%(person)s::bigint is null or %(person)s in (h.outgoing, h.incoming))
group by h.id, o.name, n.name order by h.begun_at

-- name: past
-- What was handed over lately, with both signatures.
select h.id, o.name as outgoing_name, n.name as incoming_name, h.begun_at, h.ended_at, h.called_off,
       count(c.incident_id) as cases, count(c.outgoing_at) as signed_out, count(c.incoming_at) as signed_in
from handover h join person o on o.id = h.outgoing join person n on n.id = h.incoming
left join handover_case c on c.handover_id = h.id
where h.ended_at is not null and (%(person)s::bigint is null or %(person)s in (h.outgoing, h.incoming))
group by h.id, o.name, n.name order by h.ended_at desc limit %(limit)s

-- name: of_one
-- The cases of one handover, as they stand now.
select c.incident_id, c.note, c.outgoing_at, c.outgoing_version, c.incoming_at, c.incoming_version, i.kind, i.severity, i.state,
       i.opened_at, i.presses, i.version, i.handler_id, i.dedup_key is null as ended, r.name as resident, r.address,
       p.name as handler, g.name as responder
from handover_case c join incident i on i.id = c.incident_id left join resident r on r.id = i.resident_id
left join person p on p.id = i.handler_id left join person g on g.id = i.responder_id
where c.handover_id = %(handover)s order by c.incoming_at is not null, c.outgoing_at is not null, i.severity, i.opened_at

-- name: hold
-- One handover, held by this transaction.
select id, outgoing, incoming, ended_at from handover where id = %(handover)s for update

-- name: sign_out
update handover_case c set outgoing_at = hub_now(), note = %(note)s, outgoing_version = i.version
from incident i where c.handover_id = %(handover)s and c.incident_id = %(incident)s and i.id = c.incident_id
  and c.incoming_at is null
returning c.incident_id

-- name: sign_in
update handover_case c set incoming_at = hub_now(), incoming_version = i.version
from incident i where c.handover_id = %(handover)s and c.incident_id = %(incident)s and i.id = c.incident_id
  and c.outgoing_at is not null and c.incoming_at is null
returning c.incident_id, i.handler_id, i.dedup_key is null as ended

-- name: finish
-- Over once nothing that is still open lacks a signature.
update handover h set ended_at = hub_now()
where h.id = %(handover)s and h.ended_at is null
  and not exists (select from handover_case c join incident i on i.id = c.incident_id
                   where c.handover_id = h.id and c.incoming_at is null and i.dedup_key is not null)
returning h.id

-- name: call_off
update handover set ended_at = hub_now(), called_off = true
where id = %(handover)s and ended_at is null and %(person)s in (outgoing, incoming) returning id

-- name: successors
-- Who may take over: people of the desk, those at their consoles first.
select p.id, p.name, p.role, exists (select from presence pr where pr.person_id = p.id
       and pr.seen_at > hub_now() - interval '15 seconds') as present
from person p where p.active and p.role in ('operator', 'supervisor') and p.login is not null and not p.canary
  and p.id <> %(person)s order by present desc, p.name limit 200

-- name: unsigned
-- For the supervisor: handovers that have waited for a signature for so long.
select count(*) from handover where ended_at is null and begun_at < hub_now() - %(after)s::interval

-- name: waiting_for
-- What waits for this person's own signature.
select count(*) from handover h where h.incoming = %(person)s and h.ended_at is null
