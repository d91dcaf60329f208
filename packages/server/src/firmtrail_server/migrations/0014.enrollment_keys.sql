-- depends: 0013.api_keys_of_enrollment
--
-- What an enrollment key may do, beside its row in api_keys: how many devices it may register, which
-- labels they get, and what becomes of a device that is known already. It has a table of its own since
-- use_count changes with every enrollment, and a row of api_keys is read with every request.
create table if not exists enrollment_keys (
    api_key_id uuid   not null,
    project_id uuid   not null,
    max_uses   bigint not null,
    use_count  bigint not null default 0,
    on_known   text   not null,
    labels     jsonb  not null default '{}',
    constraint enrollment_keys_pkey primary key (api_key_id),
    constraint enrollment_keys_api_key_id_fkey foreign key (api_key_id) references api_keys (id) on delete cascade,
    constraint enrollment_keys_use_count_check check (use_count between 0 and max_uses),
    constraint enrollment_keys_on_known_check check (on_known in ('refuse', 'replace_keys'))
);
