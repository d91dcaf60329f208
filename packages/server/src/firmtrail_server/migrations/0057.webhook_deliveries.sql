-- depends: 0056.webhooks
--
-- The last attempts of each webhook, for people who look why nothing arrives: a few hundred are kept. What is to be
-- delivered does not stand here but follows from the feed and webhooks.delivered_number. number is null for a test.
create table if not exists webhook_deliveries (
    project_id   uuid        not null,
    webhook_id   uuid        not null,
    id           uuid        not null default gen_random_uuid(),
    message_id   text        not null,
    number       bigint,
    attempt      bigint      not null,
    attempted_at timestamptz not null,
    duration_ms  bigint      not null,
    status       text        not null,
    status_code  bigint,
    error        text,
    constraint webhook_deliveries_pkey primary key (project_id, webhook_id, attempted_at, id),
    constraint webhook_deliveries_webhook_fkey foreign key (project_id, webhook_id) references webhooks (project_id, id)
);
