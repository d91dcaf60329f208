-- depends: 0037.device_versions_since_index
--
-- What devices should run: rules by component and labels ('{}': all devices), of which the one with the greatest priority
-- counts for a device. A rule is ended and never changed, so that the rules of any moment are known. versions is a list
-- of those accepted: one, or several during a rollout. A project has few rules.
create table if not exists desired_versions (
    id         uuid        not null default gen_random_uuid(),
    project_id uuid        not null,
    component  text        not null,
    versions   jsonb       not null,
    labels     jsonb       not null default '{}',
    priority   bigint      not null,
    set_by     uuid        not null,
    set_at     timestamptz not null,
    ended_at   timestamptz,
    constraint desired_versions_pkey primary key (project_id, id),
    constraint desired_versions_project_id_fkey foreign key (project_id) references projects (id),
    constraint desired_versions_ended_at_check check (ended_at >= set_at)
);
