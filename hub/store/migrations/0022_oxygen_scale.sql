-- Which SpO2 scale of NEWS2 holds for her: 2 only where a clinician said so (failing lungs that keep carbon dioxide), because
-- on it 88 to 92 % is as it should be.
alter table resident add column spo2_scale smallint not null default 1 check (spo2_scale in (1, 2));
